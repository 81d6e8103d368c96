"""The first pass over all input: coverage, usual lags and cohorts. Its result is an input of the core.

Whatever one person's answer needs to know of other people or of whole files stands in :class:`Context`, so that for a
fixed context adding a person, sharding by person, or adding spend changes nobody's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from recon.core import months
from recon.core.balance import one_ledger
from recon.core.chain import chained
from recon.core.expect import lines_of
from recon.core.holes import balance_problems, holes, jumps, quiet_years
from recon.core.infer import SCHEMA as INFERRED_RULES
from recon.core.infer import infer_rules
from recon.core.inferred import with_inferred
from recon.core.overlap import file_of
from recon.core.payroll.deducted import deducted_months, no_deductions
from recon.core.payroll_settings import PayrollSettings
from recon.core.prepare import Prepared, payer_key, prepare
from recon.policy import Policy, Schedule
from recon.problems import Problem
from recon.tables import ACCOUNT, SEEN_PROOFS

# A usual lag other than the region's is believed from this many people, or from this many months of one person.
COHORT_PEOPLE = 20
COHORT_SHARE_PERCENT = 90
# A run that comes late for all: so many have nothing of it in its month, and so many have two of them in the next. The
# rest are people whose month holds something of its own: an older month that was late, a duplicate, a subsidy.
RUN_WITHOUT_PERCENT = 75
RUN_TWICE_PERCENT = 60
# From so many clean records of one lag on, a lone change of lag must beat the price of a credit taken from outside.
STEADY_PEOPLE = 5
# So many single months credited one by one refute a yearly schedule for the account.
YEARLY_REFUTED = 6
# So many more lines must fit a person's own lag than the lag of all others, unless the whole record is clean at it.
OWN_LAG_MORE = 6
# A region's new lag moves what is due once it has lasted so many months; it is expected to go on for so many more.
LASTING_MONTHS = 3
FORESEEN_MONTHS = 12
PERSON_MONTHS = 12
MAX_LEARNED_LAG = 5
# "Nearly all colleagues have theirs": share and number of people that make a wait overdue.
OVERDUE_PERCENT = 90
# The same shortfall in one credit month for so many people, and this share of those credited, is a common deduction.
DEDUCTION_PEOPLE = 5
DEDUCTION_PERCENT = 50
# So many months must agree in amount and place before two numbers of one name are taken for one person's.
OTHER_IDENTITY_MONTHS = 2
OVERDUE_PEOPLE = 10
# So many people of one payer have lines on both sides of a month in which nobody has one.
SILENT_PEOPLE = 5


@dataclass(frozen=True)
class Context:
    """What the core must know beyond one person.

    cover: person_id, region, from, to (days), open_end (the end is known from lines only): what each account's
        exports cover, merged. export: person_id, region of every account with an export, however short.
    paid_cover: person_id or employer key, month: months the contribution files speak of.
    lag: region, scheme, lag: usual lag learned from a cohort. own_lag: the same per account. steady: the lag that all
        but a few clean records of a region share, so that one person's lag hardly changes alone.
    shift: region, scheme, arrival, shift, lasts: months by which a whole region's credits came later (or earlier) than
        its usual lag at some arrival; nobody's own doing. lasts: from there to the end.
    cohort: payer, region, scheme, month, people, credited: how many of a payer's people have a month's credit.
    silent: payer, region, scheme, month: months for which nobody of a payer has a line, though many have one before
        and after: a file that is not there, or a month that was not declared.
    unpaid: payer, region, scheme, month, people, unpaid: how many of them have a record that says unpaid.
    deduction: region, due, rest_fen: a shortfall that many people of a region share in one credit month.
    inferred: rules that the data themselves show (:func:`recon.core.infer.infer_rules`).
    elsewhere: person_id, region, due, expected_fen, other_rows: credits of the same name under another number.
    hole: days between which the running balance proves that covered lines are missing (:mod:`recon.core.holes`).
    problems: what the balances of the exports show to be wrong with them.
    deducted: person_id, region, payer, employer, month, neighbours: months with a payslip deduction; a person without a
        region is where the payer's others are.
    """

    as_of: date
    tolerance: int | None
    cover: pl.DataFrame
    paid_cover: pl.DataFrame
    payer_cover: pl.DataFrame
    lag: pl.DataFrame
    steady: pl.DataFrame
    own_lag: pl.DataFrame
    shift: pl.DataFrame
    cohort: pl.DataFrame
    silent: pl.DataFrame
    unpaid: pl.DataFrame
    deduction: pl.DataFrame
    elsewhere: pl.DataFrame
    hole: pl.DataFrame
    inferred: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INFERRED_RULES))
    problems: tuple[Problem, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    deducted: pl.DataFrame = field(default_factory=no_deductions)


def build_context(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, *, tolerance: int | None = None,
    payroll: PayrollSettings | None = None,
) -> Context:
    """The first pass (see :class:`Context`); ``tolerance`` in months overrides every region's."""
    prepared = prepare(dict(tables))
    coverage = prepared.tables["coverage"]
    lines = lines_of(prepared, policy)
    inferred = infer_rules(lines, prepared, policy)
    lines = with_inferred(lines, inferred)
    lag, steady, own_lag, notes = _learn_lags(lines, prepared.credit, policy)
    shift, changes = _common_shifts(lines, prepared.credit, lag, policy)
    notes += changes
    paid_cover, payer_cover = _contribution_cover(prepared.tables["contribution"], coverage)
    cover = _flow_cover(prepared, coverage)
    hole, problems = _holes(prepared, cover)
    return Context(
        as_of=as_of, tolerance=tolerance,
        cover=cover, hole=hole, problems=problems,
        paid_cover=paid_cover, payer_cover=payer_cover,
        lag=lag, steady=steady, own_lag=own_lag, shift=shift,
        cohort=_cohort(lines, prepared, lag, own_lag, policy),
        silent=_silent(lines),
        unpaid=lines.filter(~pl.col("is_side")).group_by("payer", "region", "scheme", "month").agg(
            pl.col("person_id").n_unique().alias("people"),
            pl.col("person_id").filter(pl.col("paid") == False).n_unique().alias("unpaid"),  # noqa: E712
        ),
        elsewhere=_elsewhere(lines, prepared, lag, policy),
        deduction=_deductions(lines, prepared.credit, lag, policy),
        inferred=inferred, notes=tuple(notes), deducted=_placed(deducted_months(prepared.tables, payroll), lines),
    )


def _placed(deducted: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """``deducted`` with the region in which the payer has most lines where its own is not known."""
    main = lines.filter(~pl.col("is_side") & pl.col("row_id").is_not_null() & (pl.col("payment_kind") != "refund"))
    places = main.group_by("payer").agg(pl.col("region").drop_nulls().mode().sort().first().alias("_region"))
    return deducted.join(places, on="payer", how="left", maintain_order="left").with_columns(
        pl.coalesce("region", "_region").alias("region")).drop("_region")


def newest_date(tables: Mapping[str, pl.DataFrame], today: date) -> date | None:
    """The default as-of date: the newest posted, arrived or export date that is not after ``today``.

    Where no row has any, the end of the newest accrual month that is over; None where there is none either.
    """
    columns = {
        "flow": ["posted_on"], "contribution": ["paid_on", "treasury_on", "allocated_on"],
        "coverage": ["exported_on"], "payment": ["paid_on"], "reading": ["read_on"],
    }
    days = [
        tables[name][column].filter(tables[name][column] <= today).max()
        for name, names in columns.items() if name in tables for column in names
    ]
    known = [day for day in days if isinstance(day, date)]
    if not known and "contribution" in tables:
        ends = tables["contribution"].select(pl.col("accrual_month").dt.month_end().alias("end"))["end"]
        known = [day for day in [ends.filter(ends <= today).max()] if isinstance(day, date)]
    return max(known) if known else None


# ------------------------------------------------------------------------------------------------------ coverage

_BASIS_RANK = {"stated": 0, "exported": 1, "declared": 2, "lines": 3}


def _file_spans(coverage: pl.DataFrame, table: str, own_lines: pl.DataFrame) -> pl.DataFrame:
    """file, person_id (null: all in it), region, from, to, open_end: the best statement of each file, ends filled.

    ``own_lines``: file, from, to of the lines themselves, used where nobody states a period.
    """
    rows = coverage.filter(pl.col("table") == table)
    lines = pl.concat([
        rows.filter(pl.col("basis") == "lines").select("file", "from", "to"), own_lines.select("file", "from", "to")
    ]).group_by("file").agg(pl.col("from").min().alias("line_from"), pl.col("to").max().alias("line_to"))
    stated = rows.filter(pl.col("basis") != "lines").with_columns(
        pl.col("basis").replace_strict(_BASIS_RANK, default=2, return_dtype=pl.Int32).alias("_rank"),
        pl.coalesce("to", "exported_on").alias("to"),
    ).join(lines, on="file", how="left")
    best = stated.filter(pl.col("_rank") == pl.col("_rank").min().over("file", "person_id")).select(
        "file", "person_id", "region",
        pl.coalesce("from", pl.col("line_from").dt.month_start()).alias("from"),
        pl.coalesce("to", pl.col("line_to").dt.month_end()).alias("to"),
        pl.col("to").is_null().alias("open_end"),
    )
    whole = best.filter(pl.col("person_id").is_null())
    bare = lines.join(whole, on="file", how="anti").select(
        "file", pl.lit(None, dtype=pl.String).alias("person_id"), pl.lit(None, dtype=pl.String).alias("region"),
        pl.col("line_from").dt.month_start().alias("from"), pl.col("line_to").dt.month_end().alias("to"),
        pl.lit(True).alias("open_end"),
    )
    return pl.concat([best, bare]).drop_nulls(["from", "to"])


def _flow_cover(prepared: Prepared, coverage: pl.DataFrame) -> pl.DataFrame:
    flow = prepared.tables["flow"]
    in_file = flow.select("person_id", "region", "posted_on", "proof", file_of().alias("file"))
    # What a person typed or a picture shows is there; it does not show that nothing else is.
    own = in_file.filter(~pl.col("proof").is_in(SEEN_PROOFS).fill_null(False)).group_by("file").agg(
        pl.col("posted_on").min().alias("from"), pl.col("posted_on").max().alias("to"))
    spans = _file_spans(coverage, "flow", own)
    members = in_file.select("person_id", "region", "file").unique()
    general = members.join(
        spans.filter(pl.col("person_id").is_null()).select("file", "from", "to", "open_end"), on="file"
    ).select("person_id", "region", "from", "to", "open_end")
    personal = spans.filter(pl.col("person_id").is_not_null()).select("person_id", "region", "from", "to", "open_end")
    # A statement about a person that names no region speaks of every account of that person.
    homes = pl.concat([
        prepared.tables[name].select("person_id", "region") for name in ("contribution", "flow", "person")
    ]).drop_nulls().unique()
    placed = pl.concat([
        personal.drop_nulls("region"),
        personal.filter(pl.col("region").is_null()).drop("region").join(homes, on="person_id").select(personal.columns),
    ])
    return _merge_spans(pl.concat([general, placed]))


def _holes(prepared: Prepared, cover: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Where balances prove that lines are missing, and what else is wrong with the accounts' exports."""
    lines = chained(prepared.tables["flow"])
    paid = prepared.contribution.filter(pl.col("paid")).select(*ACCOUNT, pl.col("accrual_month").alias("month"))
    found = jumps(lines, cover)
    problems = [*balance_problems(lines, found), *quiet_years(lines, cover, paid)]
    return holes(found, one_ledger(lines)), tuple(problems)


def _merge_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Overlapping or adjoining spans of one account as one; its end is open when its latest end is."""
    key = ["person_id", "region"]
    ordered = spans.sort(*key, "from", "to", nulls_last=True).with_columns(
        pl.col("to").cum_max().shift(1).over(key, order_by=["from", "to"]).alias("_before")
    )
    return (
        ordered.with_columns(
            (pl.col("_before").is_null() | (pl.col("from") > pl.col("_before").dt.offset_by("1d")))
            .cast(pl.Int32).cum_sum().over(key, order_by=["from", "to"]).alias("_island")
        )
        .sort("to", pl.col("open_end").cast(pl.Int8), descending=[False, True])
        .group_by(*key, "_island", maintain_order=True)
        .agg(pl.col("from").min(), pl.col("to").max(), pl.col("open_end").last())
        .drop("_island").sort(*key, "from", nulls_last=True)
    )


def _contribution_cover(contribution: pl.DataFrame, coverage: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Months covered per person (own files) and per payer (files of several people), from/to as month numbers."""
    rows = contribution.select(
        "person_id", "region", payer_key().alias("payer"), "accrual_month", file_of().alias("file"), "proof"
    ).drop_nulls(["file", "accrual_month"])
    own = rows.filter(~pl.col("proof").is_in(SEEN_PROOFS).fill_null(False)).group_by("file").agg(
        pl.col("accrual_month").min().alias("from"), pl.col("accrual_month").max().alias("to")
    )
    spans = _file_spans(coverage, "contribution", own).filter(pl.col("person_id").is_null()).select(
        "file", months.index_of(pl.col("from")).alias("from"), months.index_of(pl.col("to")).alias("to")
    )
    people = rows.group_by("file").agg(pl.col("person_id").n_unique().alias("people"))
    per_person = rows.select("person_id", "file").unique().join(spans, on="file").select("person_id", "from", "to")
    per_payer = (
        rows.join(people.filter(pl.col("people") > 1), on="file", how="semi")
        .select("payer", "region", "file").unique().join(spans, on="file").select("payer", "region", "from", "to")
    )
    return per_person.unique(), per_payer.unique()


# ---------------------------------------------------------------------------------------------------------- lags


def may_be_corrected(plan: Schedule) -> bool:
    """A schedule that steady data may correct: of low confidence, or only the national default."""
    return not plan.typical_stated and (plan.confidence == "low" or plan.ref.startswith("national"))


def _plain_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Paid normal lines whose amount and arrival are known: the ones lags and cohorts are read from."""
    return lines.filter(
        pl.col("stream").is_in(["normal", "annual"]) & pl.col("payable") & pl.col("arrival").is_not_null()
    )


def _learn_lags(
    lines: pl.DataFrame, credit: pl.DataFrame, policy: Policy
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, list[str]]:
    """Usual lags that a low-confidence schedule must yield to (DESIGN section 5).

    Person by person, a lag L is *clean* when the multisets of (arrival + L, fen) and (posted, fen) agree over the
    months both sides span; only a lag that is the single clean one speaks for that person. For a cohort, people whose
    record is not clean at any lag vote for the one that fits most of their lines.
    """
    none = pl.DataFrame(schema={"region": pl.String, "scheme": pl.String, "learned": pl.Int32})
    own_none = pl.DataFrame(schema={**dict.fromkeys(ACCOUNT, pl.String), "own_learned": pl.Int32})
    due = _plain_lines(lines).select(*ACCOUNT, pl.col("arrival").alias("at"), pl.col("expected_fen").alias("fen"))
    came = credit.select(*ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen"))
    due = due.filter(pl.col("region").is_not_null())
    regions = due["region"].unique().to_list()
    soft = {region for region in regions if may_be_corrected(policy.schedule(region))}
    # A yearly schedule that is not sure yields to steady monthly credits like any other.
    monthly = {region for region in regions if policy.schedule(region).kind != "annual"} | soft
    due = due.filter(pl.col("region").is_in(sorted(monthly)))
    came = came.join(due.select(ACCOUNT).unique(), on=ACCOUNT, how="semi")
    if due.is_empty() or came.is_empty():
        return none, none.rename({"learned": "steady_lag"}), own_none, []
    # The same accounts are joined and counted lag by lag: as numbers in the order of their names.
    numbered = [pl.col(name).cast(pl.Enum(due[name].drop_nulls().unique().sort())) for name in ACCOUNT]
    due, came = due.with_columns(numbered), came.with_columns(numbered)
    spans = due.group_by(ACCOUNT).agg(pl.col("at").min().alias("due_from"), pl.col("at").max().alias("due_to"),
                                      pl.len().alias("due_lines")).join(
        came.group_by(ACCOUNT).agg(pl.col("at").min().alias("came_from"), pl.col("at").max().alias("came_to"),
                                   pl.len().alias("came_lines")), on=ACCOUNT)
    fit = pl.concat([_fit(due, came, spans, lag) for lag in range(MAX_LEARNED_LAG + 1)])
    whole = fit.filter(pl.col("whole"))
    typical = {region: policy.schedule(region).typical for region in regions}
    scores = _scores(due, came)
    part = _telling(fit.join(whole.select(ACCOUNT).unique(), on=ACCOUNT, how="anti"), scores, typical)
    votes = pl.concat([whole, part]).filter(pl.len().over(ACCOUNT) == 1)
    strong = votes.filter(pl.col("lines") >= PERSON_MONTHS)
    own = strong.filter(pl.col("region").is_in(sorted(soft))).select(*ACCOUNT, pl.col("lag").alias("own_learned"))
    yearly = sorted(region for region in soft if policy.schedule(region).kind == "annual")
    if yearly:
        monthly_all_the_same = _monthly_after_all(due.filter(pl.col("region").is_in(yearly)), came)
        own = pl.concat([own, monthly_all_the_same.join(own, on=ACCOUNT, how="anti")])
    rough = _best_fit(scores, typical).join(votes.select(ACCOUNT), on=ACCOUNT, how="anti")
    clean = votes.select(*ACCOUNT, "lag", "lines")
    many = _shared(pl.concat([clean, rough]), COHORT_PEOPLE)
    # A few people are only asked when their records are clean: one odd record would outweigh them.
    few = _shared(clean, STEADY_PEOPLE).join(many, on=["region", "scheme"], how="anti")
    steady = pl.concat([many, few]).select("region", "scheme", pl.col("lag").alias("steady_lag"))
    own = _against_colleagues(own, steady, due, came, whole)
    cohort = many.filter(pl.col("region").is_in(sorted(soft)))
    notes = [
        f"{row['region']}: 由{row['people']}人的明细得出通常滞后{row['lag']}个月"
        for row in cohort.iter_rows(named=True) if row["lag"] != policy.schedule(row["region"]).typical
    ]
    text = pl.col("region", "scheme").cast(pl.String)
    return (cohort.select(text, pl.col("lag").alias("learned")), steady.with_columns(text),
            own.with_columns(pl.col(ACCOUNT).cast(pl.String)), notes)


def _against_colleagues(
    own: pl.DataFrame, steady: pl.DataFrame, due: pl.DataFrame, came: pl.DataFrame, whole: pl.DataFrame
) -> pl.DataFrame:
    """Own lags that stand against the lag of the region's people: the whole record is clean, or far more lines fit.

    With one amount throughout, a record with a late month fits a lag that nobody else has as well as the common one.
    """
    asked = own.join(steady, on=["region", "scheme"], how="left").filter(
        pl.col("steady_lag").is_not_null() & (pl.col("steady_lag") != pl.col("own_learned"))
    ).join(whole, left_on=[*ACCOUNT, "own_learned"], right_on=[*ACCOUNT, "lag"], how="anti")
    lines = due.unique().join(asked, on=ACCOUNT)
    there = came.unique()
    hits = lines.group_by(ACCOUNT).len("n").drop("n")
    for name, lag in (("own_hits", "own_learned"), ("common_hits", "steady_lag")):
        moved = lines.with_columns((pl.col("at") + pl.col(lag)).alias("at"))
        fits = moved.join(there, on=[*ACCOUNT, "at", "fen"], how="semi")
        hits = hits.join(fits.group_by(ACCOUNT).len(name), on=ACCOUNT, how="left")
    weak = hits.filter(
        pl.col("own_hits").fill_null(0) < pl.col("common_hits").fill_null(0) + OWN_LAG_MORE
    )
    return own.join(weak, on=ACCOUNT, how="anti")


def _shared(votes: pl.DataFrame, people: int) -> pl.DataFrame:
    """region, scheme, lag, people: the lag nearly all voters of a region share, from ``people`` voters on."""
    counts = votes.filter(pl.col("lines") >= 3).group_by("region", "scheme", "lag").agg(pl.len().alias("people"))
    return counts.filter(
        (pl.col("people") * 100 >= pl.col("people").sum().over("region", "scheme") * COHORT_SHARE_PERCENT)
        & (pl.col("people") >= people)
    ).sort("region", "scheme")


def _telling(part: pl.DataFrame, scores: pl.DataFrame, typical: dict[str, int]) -> pl.DataFrame:
    """Of lags at which the months both sides span are clean, those that explain more lines than any other lag.

    One at which few lines have a place at all is clean by chance. The region's own lag is no stranger than any other:
    it need only explain as many.
    """
    others = scores.select(*ACCOUNT, pl.col("lag").alias("_lag"), "lines")
    other = part.select(*ACCOUNT, "lag").join(others, on=ACCOUNT).filter(pl.col("_lag") != pl.col("lag")).group_by(
        *ACCOUNT, "lag").agg(pl.col("lines").max().alias("_other"))
    own = pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)
    return part.join(other, on=[*ACCOUNT, "lag"], how="left").filter(
        (pl.col("lines") > pl.col("_other").fill_null(0)) | (own & (pl.col("lines") >= pl.col("_other")))
    ).drop("_other")


def _scores(due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Per account and lag: lines (how many have a credit of their amount there) and score (those less the others)."""
    spans = came.group_by(ACCOUNT).agg(pl.col("at").min().alias("came_from"), pl.col("at").max().alias("came_to"))
    seen = came.unique().with_columns(pl.lit(1, dtype=pl.Int32).alias("hit"))
    return pl.concat([
        due.join(spans, on=ACCOUNT).with_columns((pl.col("at") + lag).alias("at"))
        .filter(pl.col("at").is_between("came_from", "came_to"))
        .join(seen, on=[*ACCOUNT, "at", "fen"], how="left").group_by(ACCOUNT)
        .agg(pl.col("hit").sum().cast(pl.UInt32).alias("lines"),
             (pl.col("hit").sum() * 2 - pl.len().cast(pl.Int32)).alias("score"))
        .with_columns(pl.lit(lag, dtype=pl.Int32).alias("lag"))
        for lag in range(MAX_LEARNED_LAG + 1)
    ])


def _best_fit(scores: pl.DataFrame, typical: dict[str, int]) -> pl.DataFrame:
    """Per account the lag at which most lines, less those without, have a credit of their amount; ties say nothing.

    Columns: the account, lag, lines (how many fit). The region's own lag wins a tie it takes part in.
    """
    best = scores.filter((pl.col("score") == pl.col("score").max().over(ACCOUNT)) & (pl.col("score") > 0))
    own = (pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)).alias("_own")
    return best.with_columns(own).filter(pl.col("_own") | ~pl.col("_own").any().over(ACCOUNT)).filter(
        pl.len().over(ACCOUNT) == 1
    ).select(*ACCOUNT, "lag", "lines")


def _monthly_after_all(due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Accounts of a yearly region whose single months were credited one by one, and at which lag, most often."""
    pairs = due.join(came.rename({"at": "came_at"}), on=[*ACCOUNT, "fen"]).with_columns(
        (pl.col("came_at") - pl.col("at")).cast(pl.Int32).alias("own_learned")
    ).filter(pl.col("own_learned").is_between(0, MAX_LEARNED_LAG))
    counts = pairs.group_by([*ACCOUNT, "own_learned"]).agg(pl.col("at").n_unique().alias("n"))
    return counts.filter(pl.col("n") >= YEARLY_REFUTED).sort(
        *ACCOUNT, "n", "own_learned", descending=[False, False, False, True, False]
    ).unique(ACCOUNT, keep="first", maintain_order=True).select(*ACCOUNT, "own_learned")


def _fit(due: pl.DataFrame, came: pl.DataFrame, spans: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Accounts clean at ``lag``: lines matched, and whether both sides are used up wholly."""
    inside_due = due.join(spans, on=ACCOUNT).filter(
        (pl.col("at") + lag).is_between(pl.col("came_from"), pl.col("came_to"))
    )
    inside_came = came.join(spans, on=ACCOUNT).filter(
        (pl.col("at") - lag).is_between(pl.col("due_from"), pl.col("due_to"))
    )
    left = inside_due.group_by(ACCOUNT).agg(
        pl.struct((pl.col("at") + lag).alias("at"), "fen").hash(7).sum().alias("sum"), pl.len().alias("lines"),
        pl.col("due_lines").first(), pl.col("came_lines").first(),
    )
    right = inside_came.group_by(ACCOUNT).agg(
        pl.struct("at", "fen").hash(7).sum().alias("came_sum"), pl.len().alias("credits")
    )
    return left.join(right, on=ACCOUNT).filter(
        (pl.col("sum") == pl.col("came_sum")) & (pl.col("lines") == pl.col("credits"))
    ).select(
        *ACCOUNT, pl.lit(lag, dtype=pl.Int32).alias("lag"), "lines",
        ((pl.col("lines") == pl.col("due_lines")) & (pl.col("credits") == pl.col("came_lines"))).alias("whole"),
    )


def _common_shifts(
    lines: pl.DataFrame, credit: pl.DataFrame, lag: pl.DataFrame, policy: Policy
) -> tuple[pl.DataFrame, list[str]]:
    """Where a whole region's lag changes: a month without credits for nearly everybody, or with two for everybody.

    Believed from :data:`COHORT_PEOPLE` people on, and only if more amounts fit their month with it than without.
    """
    none = pl.DataFrame(schema={
        "region": pl.String, "scheme": pl.String, "arrival": pl.Int32, "shift": pl.Int32, "lasts": pl.Boolean,
    })
    plain = _plain_lines(lines).drop_nulls("region").filter(pl.len().over(*ACCOUNT, "arrival") == 1)
    counts = credit.group_by([*ACCOUNT, "month"]).agg(pl.len().alias("n"))
    spans = counts.group_by(ACCOUNT).agg(
        pl.col("month").min().alias("first"), pl.col("month").max().alias("last")
    ).join(plain.select(ACCOUNT).unique(), on=ACCOUNT, how="semi").filter(pl.col("last") - pl.col("first") >= 5)
    inside = spans.with_columns(
        pl.int_ranges(pl.col("first") + 1, "last", dtype=pl.Int32).alias("month")
    ).explode("month").join(counts, on=[*ACCOUNT, "month"], how="left")
    shares = inside.group_by("region", "scheme", "month").agg(
        pl.len().alias("people"), pl.col("n").is_null().sum().alias("without"), (pl.col("n") >= 2).sum().alias("twice")
    ).filter(pl.col("people") >= COHORT_PEOPLE).sort("region", "scheme", "month")
    frames, notes = [none], []
    for (region, scheme), months_of in shares.group_by("region", "scheme", maintain_order=True):
        if policy.schedule(str(region)).kind == "annual":
            continue
        usual = _usual_lag(lag, str(region), str(scheme), policy)
        path = _path(months_of.select("month", "people", "without", "twice").rows(), usual)
        if not any(shift for _, shift in path):
            continue
        frame = pl.DataFrame(
            {"region": region, "scheme": scheme, "arrival": [a for a, _ in path], "shift": [s for _, s in path],
             "lasts": _lasting(path)},
            schema=none.schema,
        )
        mine = plain.filter((pl.col("region") == region) & (pl.col("scheme") == scheme))
        came = credit.select(*ACCOUNT, "month", pl.col("net_fen").alias("expected_fen")).unique()
        fits = [
            mine.join(frame.with_columns(pl.col("shift") * use), on=["region", "scheme", "arrival"])
            .select(*ACCOUNT, "expected_fen", (pl.col("arrival") + usual + pl.col("shift")).alias("month"))
            .join(came, on=[*ACCOUNT, "month", "expected_fen"], how="semi").height
            for use in (1, 0)
        ]
        if fits[0] > fits[1]:
            frames.append(frame)
            first = next(arrival for arrival, shift in path if shift)
            notes.append(f"{region}: {months.first_day(first):%Y-%m}起到账的缴费，多数人的划入滞后有变")
    return pl.concat(frames), notes


def _lasting(path: list[tuple[int, int]]) -> list[bool]:
    """Whether a month's shift is the one that stays to the end, for some months: one late run changes no due month."""
    last = path[-1][1]
    since = next((k for k in range(len(path) - 1, -1, -1) if path[k][1] != last), -1) + 1
    seen = len(path) - since - FORESEEN_MONTHS
    return [k >= since and seen >= LASTING_MONTHS for k in range(len(path))]


def _usual_lag(lag: pl.DataFrame, region: str, scheme: str, policy: Policy) -> int:
    learned = lag.filter((pl.col("region") == region) & (pl.col("scheme") == scheme))["learned"]
    return int(learned[0]) if learned.len() else policy.schedule(region).typical


def _path(shares: list[tuple[int, int, int, int]], usual: int) -> list[tuple[int, int]]:
    """(arrival, shift) month by month: an empty month delays all that follow, a double one takes the delay back."""
    path: list[tuple[int, int]] = []
    lag = usual
    for month, people, without, twice in shares:
        arrival = month - lag
        if without * 100 >= people * RUN_WITHOUT_PERCENT:
            lag += 1
            continue
        path.append((arrival, lag - usual))
        if lag > usual and twice * 100 >= people * RUN_TWICE_PERCENT:
            lag -= 1
            path.append((arrival + 1, lag - usual))
    if path:
        # What arrived after the last credits seen is expected at the lag then in force.
        path += [(path[-1][0] + k, lag - usual) for k in range(1, FORESEEN_MONTHS + 1)]
    return path if lag - usual <= MAX_LEARNED_LAG else []


# ------------------------------------------------------------------------------------------------------- cohorts


def schedule_frame(regions: list[str | None], policy: Policy, tolerance: int | None) -> pl.DataFrame:
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


def _cohort(
    lines: pl.DataFrame, prepared: Prepared, lag: pl.DataFrame, own_lag: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Per payer and month: people with an export, and how many have the month's amount in its usual place."""
    plain = _plain_lines(lines)
    schedules = schedule_frame(plain["region"].unique().to_list(), policy, None)
    usual = (
        plain.join(schedules, on="region", how="left", nulls_equal=True)
        .join(lag, on=["region", "scheme"], how="left").join(own_lag, on=ACCOUNT, how="left")
        .with_columns((pl.col("arrival") + pl.coalesce("own_learned", "learned", "typical")).alias("due"))
    )
    came = prepared.credit.select(
        *ACCOUNT, pl.col("month").alias("due"), pl.col("net_fen").alias("expected_fen"), pl.lit(True).alias("came")
    ).unique()
    with_export = usual.join(prepared.tables["flow"].select("person_id", "region").unique(),
                             on=["person_id", "region"], how="semi", nulls_equal=True)
    return (
        with_export.join(came, on=[*ACCOUNT, "due", "expected_fen"], how="left", nulls_equal=True)
        .group_by("payer", "region", "scheme", "month")
        .agg(pl.col("person_id").n_unique().alias("people"),
             pl.col("person_id").filter(pl.col("came")).n_unique().alias("credited"))
    )


def _silent(lines: pl.DataFrame) -> pl.DataFrame:
    """Months between two of a payer's in which none of its people has a line (see :class:`Context`)."""
    key = ["payer", "region", "scheme"]
    months_of = lines.filter(
        ~pl.col("is_side") & pl.col("payment_kind").is_in(["normal", "back_pay"])
    ).group_by(*key, "month").agg(pl.col("person_id").n_unique().alias("people")).filter(
        pl.col("people") >= SILENT_PEOPLE
    ).sort(*key, "month", nulls_last=True)
    steps = months_of.with_columns(pl.col("month").shift(-1).over(key).alias("_next")).filter(
        pl.col("_next") - pl.col("month") > 1
    )
    holes = steps.with_columns(
        pl.int_ranges(pl.col("month") + 1, pl.col("_next"), dtype=pl.Int32).alias("month")
    ).explode("month").select(*key, "month")
    any_line = lines.select(*key, "month").unique()
    return holes.join(any_line, on=[*key, "month"], how="anti", nulls_equal=True)


def _deductions(
    lines: pl.DataFrame, credit: pl.DataFrame, lag: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Shortfalls shared by a region's people in one credit month, from lone credits in the usual place."""
    plain = _plain_lines(lines)
    schedules = schedule_frame(plain["region"].unique().to_list(), policy, None)
    due = plain.join(schedules, on="region", how="left", nulls_equal=True).join(
        lag, on=["region", "scheme"], how="left"
    ).select(*ACCOUNT, (pl.col("arrival") + pl.coalesce("learned", "typical")).alias("due"), "expected_fen")
    lone = credit.select(*ACCOUNT, pl.col("month").alias("due"), "net_fen").filter(pl.len().over(*ACCOUNT, "due") == 1)
    rests = due.filter(pl.len().over(*ACCOUNT, "due") == 1).join(
        lone, on=[*ACCOUNT, "due"], nulls_equal=True
    ).with_columns(
        (pl.col("expected_fen") - pl.col("net_fen")).alias("rest_fen")
    )
    return (
        rests.with_columns(pl.col("person_id").n_unique().over("region", "due").alias("_of"))
        .filter(pl.col("rest_fen") > 0)
        .group_by("region", "due", "rest_fen")
        .agg(pl.col("person_id").n_unique().alias("people"), pl.col("_of").first())
        .filter((pl.col("people") >= DEDUCTION_PEOPLE)
                & (pl.col("people") * 100 >= pl.col("_of") * DEDUCTION_PERCENT))
        .select("region", "due", "rest_fen")
    )


def _elsewhere(lines: pl.DataFrame, prepared: Prepared, lag: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Credits under a number without contributions, whose holder bears the name of exactly one person with them.

    Amount and month must agree for :data:`OTHER_IDENTITY_MONTHS` months or more, in one region.
    """
    plain = _plain_lines(lines)
    named = prepared.tables["person"].select("person_id", "person_name").drop_nulls()
    paying = pl.concat([
        named.join(plain.select("person_id").unique(), on="person_id", how="semi"),
        plain.select("person_id", "person_name").drop_nulls(),
    ]).unique()
    alone = paying.filter(pl.col("person_id").n_unique().over("person_name") == 1)
    strangers = named.join(
        prepared.contribution.select("person_id").unique(), on="person_id", how="anti"
    ).rename({"person_id": "other_id"})
    pairs = strangers.join(alone, on="person_name").filter(pl.col("other_id").n_unique().over("person_id") == 1)
    schedules = schedule_frame(plain["region"].unique().to_list(), policy, None)
    due = plain.join(pairs, on="person_id").join(schedules, on="region", how="left", nulls_equal=True).join(
        lag, on=["region", "scheme"], how="left"
    ).select("person_id", "other_id", "region", (pl.col("arrival") + pl.coalesce("learned", "typical")).alias("due"),
             "expected_fen")
    there = prepared.credit.select(
        pl.col("person_id").alias("other_id"), "region", pl.col("month").alias("due"),
        pl.col("net_fen").alias("expected_fen"), pl.col("row_id").alias("other_rows"),
    ).unique(["other_id", "region", "due", "expected_fen"], keep="first", maintain_order=True)
    return due.join(there, on=["other_id", "region", "due", "expected_fen"], nulls_equal=True).filter(
        pl.len().over("person_id", "other_id") >= OTHER_IDENTITY_MONTHS
    ).drop("other_id").unique(["person_id", "region", "due", "expected_fen"], keep="first", maintain_order=True)
