"""What an answer needs to know of other people: a payer's months, common deductions, credits under another number.

Counts are made for the people of one part and added up over all parts; each function says what can be added.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl
from stdnum.cn import ric

from recon.core.lag_lines import DEDUCTION_SHARE, plain_lines
from recon.core.lags import joined
from recon.core.prepare import Prepared
from recon.policy import Policy
from recon.tables import ACCOUNT

# The same shortfall in one month for so many people, and this share of those credited, is a common deduction.
DEDUCTION_PEOPLE = 5
DEDUCTION_PERCENT = 50
# Of a region's people or of one payer's (payer null or not), by the month of the credit or by the one it is of.
DEDUCTED = ["region", "payer", "accrual", "at"]
LACKING = [*DEDUCTED, "rest_fen", "expected_fen"]
SEASON = ["region", "payer", "accrual", "season"]
# So many months must agree in amount and place before two numbers of one name are taken for one person's; of a number
# that can only be mistyped one month is enough.
OTHER_IDENTITY_MONTHS = 2
# More numbers with a wrong check digit than this are no typing errors: they were made up, to hide whose they are.
MISTYPED_MOST = 1_000
_RESIDENT = re.compile(r"\d{17}[\dX]")
OTHER_IDENTITY_LATE = 3  # once they are, a credit so many months late there is this person's, too
HAVE_QUARTERS = 3  # who has so much of a month's credit has it: a part was taken, came with another's, or apart
# So many people of one payer have lines on both sides of a month in which nobody has one.
SILENT_PEOPLE = 5
# A file prints the month of posting when so many credits of people at work print it, and none prints another.
POSTING_PRINTS = 5
PAYER_MONTH = ["payer", "region", "scheme", "month"]


def schedule_frame(regions: Sequence[str | None], policy: Policy, tolerance: int | None) -> pl.DataFrame:
    """region, kind, typical, tolerance, window_start, credit_month: one row per region (null is the default)."""
    rows = []
    for region in regions:
        plan = policy.schedule(region)
        rows.append({
            "region": region, "kind": plan.kind, "typical": plan.typical,
            "tolerance": plan.tolerance if tolerance is None else tolerance,
            "window_start": plan.window_start, "credit_month": plan.credit_month,
        })
    return pl.DataFrame(rows, schema={
        "region": pl.String, "kind": pl.String, "typical": pl.Int32, "tolerance": pl.Int32,
        "window_start": pl.Int32, "credit_month": pl.Int32,
    })


def due_lines(lines: pl.DataFrame, lag: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The plain lines with ``usual``, the lag learned for their region and scheme, else the region's typical one."""
    plain = plain_lines(lines)
    schedules = schedule_frame(plain["region"].unique().to_list(), policy, None)
    return joined(plain.join(schedules, on="region", how="left", nulls_equal=True), lag, "learned").with_columns(
        pl.coalesce("learned", "typical").alias("usual"))


def credited_people(due: pl.DataFrame, prepared: Prepared, own_lag: pl.DataFrame) -> pl.DataFrame:
    """payer, region, scheme, month, people (with an export), credited (the month's amount is in its usual place), have.

    have: there or later: of that sum as many credits came from the place on as lines wait for one, or most of it
    (:data:`HAVE_QUARTERS`) is there in whatever parts. due: :func:`due_lines`.
    """
    usual = due.join(own_lag, on=ACCOUNT, how="left").with_columns(
        (pl.col("arrival") + pl.coalesce("own_learned", "usual")).alias("due"))
    credit = prepared.credit.select(*ACCOUNT, pl.col("month").alias("due"), pl.col("net_fen").alias("expected_fen"))
    with_export = usual.join(prepared.tables["flow"].select("person_id", "region").unique(),
                             on=["person_id", "region"], how="semi", nulls_equal=True)
    marked = with_export.join(credit.unique().with_columns(pl.lit(True).alias("came")),
                              on=[*ACCOUNT, "due", "expected_fen"], how="left", nulls_equal=True)
    late = _came_later(marked, credit)
    # What is just another line's sum is that line's, wherever it stands.
    odd = credit.join(marked.select(*ACCOUNT, "expected_fen").unique(), on=[*ACCOUNT, "expected_fen"], how="anti",
                      nulls_equal=True)
    sums = odd.group_by(*ACCOUNT, "due").agg(pl.col("expected_fen").sum().alias("_sum"))
    most = pl.col("_sum") * 4 >= pl.col("expected_fen") * HAVE_QUARTERS
    return (
        marked.join(late, on=[*ACCOUNT, "due", "expected_fen"], how="left", nulls_equal=True)
        .join(sums, on=[*ACCOUNT, "due"], how="left", nulls_equal=True)
        .group_by(PAYER_MONTH)
        .agg(pl.col("person_id").n_unique().alias("people"),
             pl.col("person_id").filter(pl.col("came")).n_unique().alias("credited"),
             pl.col("person_id").filter(pl.col("came") | pl.col("_late") | most).n_unique().alias("have"))
    )


def _came_later(marked: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """Account, due, expected_fen, ``_late``: the lines without a credit in their place that had theirs later."""
    key = [*ACCOUNT, "expected_fen"]
    lacking = marked.filter(pl.col("came").is_null() & (pl.col("expected_fen") > 0)).select(*key, "due").unique()
    newest = credit.group_by(ACCOUNT).agg(pl.col("due").max().alias("_newest"))
    counts = [
        lacking.join(each.rename({"due": "_at"}), on=key, nulls_equal=True).join(newest, on=ACCOUNT, nulls_equal=True)
        .filter(pl.col("_at").is_between("due", "_newest")).group_by(*key, "due").agg(pl.len().alias(name))
        for each, name in ((marked.select(*key, "due"), "_wait"), (credit, "_came"))
    ]
    return counts[0].join(counts[1], on=[*key, "due"], nulls_equal=True).filter(
        pl.col("_came") >= pl.col("_wait")).select(*ACCOUNT, "due", "expected_fen", pl.lit(value=True).alias("_late"))


def payer_months(lines: pl.DataFrame) -> pl.DataFrame:
    """payer, region, scheme, month, people (with a line, side lines apart), unpaid, regular (a line of the month)."""
    main, person = ~pl.col("is_side"), pl.col("person_id")
    regular = main & pl.col("payment_kind").is_in(["normal", "back_pay"])
    return lines.group_by(PAYER_MONTH).agg(
        person.filter(main).n_unique().alias("people"),
        person.filter(main & (pl.col("paid") == False)).n_unique().alias("unpaid"),  # noqa: E712
        person.filter(regular).n_unique().alias("regular"),
    )


def unpaid_people(payers: pl.DataFrame) -> pl.DataFrame:
    """payer, region, scheme, month, people, unpaid, from everybody's :func:`payer_months`."""
    return payers.filter(pl.col("people") > 0).drop("regular")


def silent_months(payers: pl.DataFrame) -> pl.DataFrame:
    """Months between two of a payer's in which none of its people has a line, from :func:`payer_months`."""
    key = ["payer", "region", "scheme"]
    months_of = payers.filter(pl.col("regular") >= SILENT_PEOPLE).sort(*key, "month", nulls_last=True)
    steps = months_of.with_columns(pl.col("month").shift(-1).over(key).alias("_next")).filter(
        pl.col("_next") - pl.col("month") > 1
    )
    holes = steps.with_columns(
        pl.int_ranges(pl.col("month") + 1, pl.col("_next"), dtype=pl.Int32).alias("month")
    ).explode("month").select(*key, "month")
    return holes.join(payers, on=[*key, "month"], how="anti", nulls_equal=True)


def in_cohorts(rows: pl.DataFrame, credited: str) -> pl.DataFrame:
    """Each row once for every one of :data:`DEDUCTED`, of which region, payer and month are its own.

    credited: the column with the month of its credit.
    """
    return pl.concat([
        rows.with_columns(payer, pl.lit(accrual).alias("accrual"), pl.col(at).alias("at"))
        for payer in (pl.lit(None, pl.String).alias("payer"), pl.col("payer"))
        for accrual, at in ((False, credited), (True, "month"))
    ])


def shortfalls(due: pl.DataFrame, credit: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """:data:`DEDUCTED`, people and, where some is lacking, the same by rest_fen and expected_fen; from lone credits in
    the usual place.

    Of the latter also small: how many of these people lack only a small part (:data:`DEDUCTION_SHARE`) of their credit.
    Where nothing came there, the one credit of the month after is looked at that is not just the next line's: the run
    may have been late for all. The first argument is :func:`due_lines`.
    """
    key = [*ACCOUNT, "due"]
    due = due.select(
        *ACCOUNT, "payer", "month", (pl.col("arrival") + pl.col("usual")).alias("due"), "expected_fen"
    ).filter(pl.len().over(key) == 1)
    came = credit.select(*ACCOUNT, pl.col("month").alias("due"), "net_fen")
    lone = due.join(came.filter(pl.len().over(key) == 1), on=key, nulls_equal=True)
    nothing = due.join(came, on=key, how="anti", nulls_equal=True).with_columns(pl.col("due") + 1)
    after = nothing.join(came, on=key, nulls_equal=True).join(
        due.select(*key, pl.col("expected_fen").alias("net_fen")), on=[*key, "net_fen"], how="anti", nulls_equal=True)
    late = after.filter(pl.len().over(key) == 1).select(lone.columns)
    rests = pl.concat([lone, late]).with_columns(
        (pl.col("expected_fen") - pl.col("net_fen")).alias("rest_fen")
    )
    theirs = in_cohorts(rests, "due")
    people = pl.col("person_id").n_unique().alias("people")
    is_small = pl.col("rest_fen") * DEDUCTION_SHARE <= pl.col("expected_fen")
    return (theirs.group_by(DEDUCTED).agg(people),
            theirs.filter(pl.col("rest_fen") > 0).group_by(LACKING).agg(
                people, pl.col("person_id").filter(is_small).n_unique().alias("small")))


def common_deductions(credited: pl.DataFrame, lacking: pl.DataFrame) -> pl.DataFrame:
    """Shortfalls shared by a region's or a payer's people, from :func:`shortfalls`: SEASON, rest_fen, fixed, varied.

    What is taken from accounts is taken year after year: the calendar month counts. fixed: it is one sum for all,
    however large a part of a smaller credit: because it is a small part of the credit for so many of them, or because
    so many different sums were due (varied: no change of a base takes one sum from them all).
    """
    of_sum = lacking.group_by(*DEDUCTED, "rest_fen", maintain_order=True).agg(
        pl.col("people", "small").sum(), pl.len().alias("dues"))
    return with_season(of_sum.join(credited.rename({"people": "_of"}), on=DEDUCTED, nulls_equal=True).filter(
        (pl.col("people") >= DEDUCTION_PEOPLE)
        & (pl.col("people") * 100 >= pl.col("_of") * DEDUCTION_PERCENT)
    )).group_by(*SEASON, "rest_fen", maintain_order=True).agg(
        ((pl.col("small") >= DEDUCTION_PEOPLE) | (pl.col("dues") >= DEDUCTION_PEOPLE)).any().alias("fixed"),
        (pl.col("dues") >= DEDUCTION_PEOPLE).any().alias("varied"))


def with_season(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` of :func:`in_cohorts` with the calendar month of ``at``: season, 0 is January."""
    return rows.with_columns((pl.col("at") % 12).alias("season"))


def printed_months(prepared: Prepared) -> pl.DataFrame:
    """file, prints (credits that print an accrual month), same (it is the posting month), serving (of people at work).

    A retiree's credit stands in its own month: that a print equals it says nothing.
    """
    printed = prepared.credit.filter(pl.col("printed").is_not_null())
    person = prepared.tables["person"]
    retired = person.filter(
        (pl.col("insured_status") == "retired") | pl.col("retired_from").is_not_null()).select("person_id")
    serving = prepared.contribution.select("person_id").unique().join(retired, on="person_id", how="anti")
    return printed.join(serving.with_columns(pl.lit(True).alias("_serving")), on="person_id", how="left").group_by(
        pl.col("row_id").str.split("#").list.first().alias("file")
    ).agg(
        pl.len().alias("prints"), (pl.col("printed") == pl.col("month")).sum().alias("same"),
        pl.col("_serving").fill_null(False).sum().alias("serving"),
    )


def posting_prints(counts: pl.DataFrame) -> tuple[str, ...]:
    """The files whose printed months are those of posting throughout, from everybody's :func:`printed_months`."""
    return tuple(sorted(counts.filter(
        (pl.col("same") == pl.col("prints")) & (pl.col("serving") >= POSTING_PRINTS))["file"]))


# ------------------------------------------------------------------------------------- credits under another number


def strangers(prepared: Prepared) -> pl.DataFrame:
    """other_id, clue: people without any contribution and their name; null where none is known and the check digit of
    their number is wrong.
    """
    paying = prepared.contribution.select("person_id").unique()
    named = prepared.tables["person"].select("person_id", "person_name").drop_nulls()
    nameless = prepared.credit.select("person_id").unique().join(
        pl.concat([paying, named.select("person_id")]), on="person_id", how="anti")["person_id"].sort()
    return pl.concat([
        named.join(paying, on="person_id", how="anti").rename({"person_id": "other_id", "person_name": "clue"}),
        pl.DataFrame([(number, None) for number in nameless if _is_mistyped(number)],
                     schema={"other_id": pl.String, "clue": pl.String}, orient="row"),
    ])


def with_meant(others: pl.DataFrame) -> pl.DataFrame:
    """Everybody's :func:`strangers`, where the clue is null once for each number that may be meant.

    One character typed wrong, or two neighbours exchanged: the check digit finds both. Where such numbers are many
    (:data:`MISTYPED_MOST`) nothing is meant by any of them.
    """
    named, mistyped = others.drop_nulls("clue"), others.filter(pl.col("clue").is_null())["other_id"]
    if len(mistyped) > MISTYPED_MOST:
        return named
    meant = [(number, one) for number in mistyped for one in _may_be_meant(number)]
    return pl.concat([named, pl.DataFrame(meant, schema=named.schema, orient="row")])


def _is_mistyped(number: str) -> bool:
    return bool(_RESIDENT.fullmatch(number)) and ric.calc_check_digit(number) != number[-1]


def _may_be_meant(number: str) -> list[str]:
    """The residents' numbers, right by their check digit, from which one with a wrong one differs in one place."""
    if not _is_mistyped(number):
        return []
    found = {number[:at] + other + number[at + 1:] for at in range(18) for other in "0123456789X"[:10 + (at == 17)]}
    found |= {number[:at] + number[at + 1] + number[at] + number[at + 2:] for at in range(17)}
    return sorted(one for one in found if _RESIDENT.fullmatch(one) and not _is_mistyped(one))


def namesakes(lines: pl.DataFrame, prepared: Prepared, others: pl.DataFrame) -> pl.DataFrame:
    """person_id, clue: people with plain lines who bear the name, or the number meant, of :func:`strangers`."""
    plain = plain_lines(lines)
    paying = plain.select("person_id").unique()
    named = prepared.tables["person"].select("person_id", "person_name").drop_nulls()
    return pl.concat([
        named.join(paying, on="person_id", how="semi"),
        plain.select("person_id", "person_name").drop_nulls(),
        paying.select("person_id", pl.col("person_id").alias("person_name")),
    ]).rename({"person_name": "clue"}).join(others, on="clue", how="semi").unique()


def same_people(others: pl.DataFrame, paying: pl.DataFrame) -> pl.DataFrame:
    """person_id, other_id: numbers that may be one person's: nobody else bears the name, or so near a number.

    Of two namesakes' numbers neither is; one's own may well be mistyped in two ways. Where most numbers with a wrong
    check digit are near nobody's, their check digits say nothing: none is taken for mistyped.
    """
    alone = paying.filter(pl.col("person_id").n_unique().over("clue") == 1)
    pairs = others.join(alone, on="clue")
    is_typed = pl.col("clue") == pl.col("person_id")
    named = pairs.filter(~is_typed).filter(pl.col("other_id").n_unique().over("person_id") == 1)
    typed = pairs.filter(is_typed).filter(pl.col("person_id").n_unique().over("other_id") == 1)
    wrong = others.filter(pl.col("clue").str.contains(f"^{_RESIDENT.pattern}$"))["other_id"].n_unique()
    typed = typed.filter(pl.col("other_id").n_unique() * 2 >= wrong)
    return pl.concat([named, typed]).select("person_id", "other_id").unique(maintain_order=True)


def waiting_lines(due: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """person_id, other_id, region, due, expected_fen of the people in ``pairs``, of :func:`due_lines`."""
    return due.join(pairs, on="person_id", maintain_order="left").select(
        "person_id", "other_id", "region", (pl.col("arrival") + pl.col("usual")).alias("due"), "expected_fen")


def strange_credits(credit: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """other_id, region, due, expected_fen, other_rows: the credits under the other numbers of ``pairs``."""
    theirs = credit.rename({"person_id": "other_id"}).join(pairs, on="other_id", how="semi", maintain_order="left")
    return theirs.select(
        "other_id", "region", pl.col("month").alias("due"), pl.col("net_fen").alias("expected_fen"),
        pl.col("row_id").alias("other_rows"),
    )


def elsewhere(due: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    """person_id, region, due, expected_fen, other_rows: credits under a number without contributions.

    Its holder bears the name of exactly one person with them, or it is that one's number mistyped; amount and month
    agree for :data:`OTHER_IDENTITY_MONTHS` months or more (one, of a number mistyped), in one region. Once they do, a
    line without such a credit has one that came there with a delay (of at most :data:`OTHER_IDENTITY_LATE` months), or
    less by a small part (:data:`DEDUCTION_SHARE`) in its month.
    """
    key, pair = ["person_id", "region", "due", "expected_fen"], ["person_id", "other_id", "region"]
    if due.is_empty() or there.is_empty():
        return due.select(key).clear().join(there.select("region", "other_rows").clear(), on="region")
    due, there = due.unique(maintain_order=True), there.sort("other_id", "region", "due", "other_rows")
    mistyped = pl.DataFrame(
        [(one, other) for one, other in due.select("person_id", "other_id").unique().rows()
         if one in _may_be_meant(other)], schema={"person_id": pl.String, "other_id": pl.String}, orient="row",
    ).with_columns(_least=1)
    exact = due.join(there, on=["other_id", "region", "due", "expected_fen"], nulls_equal=True).unique(
        key, keep="first", maintain_order=True
    ).join(mistyped, on=["person_id", "other_id"], how="left", maintain_order="left").filter(
        pl.col("due").n_unique().over("person_id", "other_id") >= pl.col("_least").fill_null(OTHER_IDENTITY_MONTHS)
    ).drop("_least")
    late, less = pl.col("_came") - pl.col("due"), pl.col("expected_fen") - pl.col("_fen")
    rest = due.join(exact, on=key, how="anti", nulls_equal=True).join(
        exact.select(pair).unique(), on=pair, how="semi", nulls_equal=True
    ).join(
        there.join(exact, on="other_rows", how="anti").rename({"due": "_came", "expected_fen": "_fen"}),
        on=["other_id", "region"], nulls_equal=True,
    ).filter(
        ((less == 0) & late.is_between(1, OTHER_IDENTITY_LATE))
        | ((late == 0) & (less > 0) & (less * DEDUCTION_SHARE <= pl.col("expected_fen")))
    ).sort(late, *key, "other_rows").unique("other_rows", keep="first", maintain_order=True).unique(
        key, keep="first", maintain_order=True)
    return pl.concat([exact.drop("other_id"), rest.select(exact.drop("other_id").columns)])
