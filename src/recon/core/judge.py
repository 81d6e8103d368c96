"""From links to labelled parts: what each line's money did, and what is open, waiting or not to be told.

In: due lines, links, margins. Out: ``lines`` with what was linked and judged, and ``parts`` (one row per line and
part) that with the credit on time add up to what was contributed. The order of judgement is DESIGN section 7.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from recon.core import cohorts, months
from recon.core.context import OVERDUE_PEOPLE, OVERDUE_PERCENT, Context
from recon.core.expect import ACCUSING
from recon.core.lag_lines import DEDUCTION_MONTHS, DEDUCTION_SHARE
from recon.core.match_prices import DEDUCTION_YEARS, NEAR_AMOUNTS, NEAR_MONTHS, NEAR_SHARE
from recon.core.prepare import is_subsidy
from recon.core.taken_back import last_taken_back_soon, last_that_sum_to
from recon.tables import ACCOUNT

WHOLE_SHARE_FEN = 50  # two per cent of a multiple of it are whole fen
PART_COLUMNS = ["line", "person_id", "region", "scheme", "month", "label", "cause", "status", "amount_fen",
                "estimated_fen"]


def with_links(lines: pl.DataFrame, links: pl.DataFrame, credit: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``lines`` with linked sums and lag; ``links`` with posting dates and lags."""
    coins = credit.with_row_index("credit").select(
        "credit", pl.col("row_id").alias("flow_row_id"), "posted_on", pl.col("month").alias("posted"), "memo"
    )
    told = lines.select(
        "line", pl.col("row_id").alias("contribution_row_id"), "arrival", "due", "is_annual", "stream"
    )
    links = (
        links.join(coins, on="credit", how="left", maintain_order="left")
        .join(told, on="line", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("is_annual")).then(None).otherwise(pl.col("posted") - pl.col("arrival")).alias("lag"),
            (pl.col("posted") > pl.col("due")).fill_null(False).alias("is_late"),
        )
    )
    own = links.filter(~pl.col("surplus")).group_by("line").agg(
        pl.col("amount_fen").sum().alias("linked_fen"),
        pl.col("amount_fen").filter(pl.col("is_late")).sum().alias("linked_late_fen"),
        pl.col("kind").eq("inexact").any().alias("is_inexact"), pl.col("posted").max().alias("posted"),
    )
    lines = lines.join(own, on="line", how="left", maintain_order="left").with_columns(
        pl.col("linked_fen", "linked_late_fen").fill_null(0), pl.col("is_inexact").fill_null(False)
    )
    near = pl.col("whole_yuan").fill_null(False) & (
        (pl.col("linked_fen") - pl.col("expected_fen")).abs() <= 50
    )
    # Of a share that is no whole number of fen either rounding is right, where no record states the sum, and so is that
    # of both shares together.
    off = (pl.col("linked_fen") - pl.col("expected_fen")).abs()
    rounded = ((off == 1) & ~pl.col("stated") & (pl.col("base_fen") % WHOLE_SHARE_FEN != 0)).fill_null(False) | (
        pl.col("linked_fen") == pl.col("other_fen")).fill_null(False) | (
        off < pl.col("round_fen")).fill_null(False)
    accepted = (pl.col("linked_fen") > 0) & (pl.col("accepts").list.contains(pl.col("linked_fen")) | near | rounded)
    return lines.with_columns(
        pl.when(accepted).then(pl.col("linked_fen")).otherwise(pl.col("expected_fen")).alias("expected_fen"),
        (accepted & ~rounded & pl.col("linked_fen").ne_missing(pl.col("also_fen"))
         & (pl.col("linked_fen") != pl.col("expected_fen")).fill_null(True)).alias("other_rule"),
    ), links


def judge(lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``lines`` with ``state``: label, cause and status of what did not come in time (null: nothing to say).

    Adds label, cause, status, rest_fen (what the label is about), judged_fen (what the line is taken to be due) and
    taken_fen (what a steady deduction took beside it).
    """
    sure = pl.col("stated") | (pl.col("policy_confidence").is_in(ACCUSING) & ~pl.col("unsure"))
    unknown = pl.col("expected_fen").is_null()
    back_pay = (pl.col("payment_kind") == "back_pay") & ~pl.col("stated")
    came = pl.col("linked_fen") > 0
    judged = pl.coalesce("expected_fen", "estimated_fen")
    rest = judged - pl.col("linked_fen")
    top_up = pl.col("payment_kind") == "top_up"
    holed = pl.when(pl.col("hole_from").is_not_null()).then(pl.lit("rows_missing"))
    # A record that says neither that nor when a premium arrived is no bill, and proves as little.
    unproved = pl.when(pl.col("proof") != "fund_record").then(pl.lit("billed_only")).when(
        pl.col("deferred").fill_null(False)).then(pl.lit("deferred")).otherwise(pl.lit("arrival_unsaid"))
    not_covered = holed.when(pl.col("before")).then(pl.lit("before_export")).when(pl.col("open_end")).then(
        pl.lit("tail_open")).otherwise(pl.lit("after_export"))
    accusable = (pl.col("last_covered") | pl.col("later_credit")) & pl.col("hole_from").is_null()

    def state(label: str, cause: str | pl.Expr | None, status: str) -> pl.Expr:
        return pl.struct(
            pl.lit(label).alias("label"), (cause if isinstance(cause, pl.Expr) else pl.lit(cause, dtype=pl.String))
            .alias("cause"), pl.lit(status).alias("status"),
        )

    nothing = pl.lit(None, dtype=pl.Struct({"label": pl.String, "cause": pl.String, "status": pl.String}))
    waits = state("delay", pl.when(pl.col("overdue")).then(pl.lit("overdue")).otherwise(pl.lit("late")), "pending")
    nothing_came = (
        pl.when(pl.col("due").is_null() & pl.col("has_export")).then(state("delay", "not_yet_due", "pending"))
        .when(~pl.col("due_over") & pl.col("is_annual")).then(state("delay", "annual_schedule", "pending"))
        .when(~pl.col("due_over") & pl.col("due").is_not_null()).then(state("delay", "not_yet_due", "pending"))
        .when(~pl.col("has_export")).then(state("data_incomplete", "no_account_export", "unknown"))
        .when(~pl.col("due_covered")).then(state("data_incomplete", not_covered, "unknown"))
        .when(back_pay | ~pl.col("surely_account") | (unknown & ((pl.col("stream") == "retiree") | (judged == 0))))
        .then(state("policy_unknown", None, "unknown"))
        .when(~pl.col("last_over") & top_up).then(state("top_up", "late", "pending"))
        .when(~pl.col("last_over")).then(waits)
        .when(~accusable).then(state("data_incomplete", not_covered, "unknown"))
        .when(top_up).then(state("top_up", "credit_missing", "open"))
        .when("not_split").then(state("missing_month", "not_allocated", "open"))
        .otherwise(state("missing_month", "credit_missing", "open"))
    )
    short = (
        pl.when(~sure | back_pay).then(state("policy_unknown", None, "unknown"))
        # The rest may have come before the export begins.
        .when(pl.col("due").is_not_null() & pl.col("has_export") & pl.col("before"))
        .then(state("data_incomplete", not_covered, "unknown"))
        .when(~pl.col("last_over") & pl.col("due").is_not_null()).then(state("delay", "late", "pending"))
        .when(pl.col("due").is_not_null() & ~accusable).then(state("data_incomplete", not_covered, "unknown"))
        .otherwise(state("short_credit", None, "open"))
    )
    over = pl.when(~sure).then(state("policy_unknown", None, "unknown")).otherwise(
        state("over_credit", "unknown_extra", "open"))
    found = (
        pl.when(pl.col("is_side") | pl.col("netted") | pl.col("no_account")).then(nothing)
        .when(pl.col("absent") & ~pl.col("absent_over")).then(state("delay", "not_yet_due", "pending"))
        .when(pl.col("absent")).then(state("missing_month", "contribution_missing", "open"))
        .when((pl.col("paid") == False) & pl.col("settled")).then(nothing)  # noqa: E712
        .when((pl.col("paid") == False) & ~pl.col("absent_over"))  # noqa: E712
        .then(state("delay", "not_yet_due", "pending"))
        .when(pl.col("paid") == False).then(state("missing_month", "contribution_unpaid", "open"))  # noqa: E712
        .when(pl.col("paid").is_null()).then(state("data_incomplete", unproved, "unknown"))
        .when(pl.col("second") & ~came).then(state("refund_due", None, "pending"))
        .when(unknown & came).then(state("policy_unknown", None, "unknown"))
        .when((judged == 0) & ~unknown).then(nothing)
        .when(~came).then(nothing_came)
        .when(rest > 0).then(short)
        .when(rest < 0).then(over)
        .otherwise(nothing)
    )
    lines = _with_overdue(lines, context)
    lines = lines.with_columns(found.alias("_state"), rest.alias("rest_fen"), judged.alias("judged_fen")).unnest(
        "_state"
    )
    return _with_clawback(_with_other_identity(_beside_deductions(_with_deductions(lines, context), context)))


def is_judged() -> pl.Expr:
    """Of a judged line: whether anything tells what it is due. Where nothing does judged_fen is 0, or null."""
    return pl.col("expected_fen").is_not_null() | (pl.col("judged_fen") != 0)


def _with_other_identity(lines: pl.DataFrame) -> pl.DataFrame:
    """``other_rows`` only where a credit is missing that stands under another number of the name: that is its cause."""
    hit = pl.col("other_rows").is_not_null() & (pl.col("label") == "missing_month") & (
        pl.col("cause") == "credit_missing"
    )
    return lines.with_columns(
        pl.when(hit).then(pl.lit("other_identity")).otherwise(pl.col("cause")).alias("cause"),
        pl.when(hit).then("other_rows").alias("other_rows"),
    )


def _with_clawback(lines: pl.DataFrame) -> pl.DataFrame:
    """A short credit that lacks just what earlier months got too much: on the old base, or before a part was refunded.

    The account took back what a lowered base had put into it, by crediting so much less: both sides are that, and each
    names the other's months (``taken_months``). A surplus that nothing tells of is one that is taken back soon after.
    """
    short = lines.filter((pl.col("label") == "short_credit").fill_null(False)).select(
        *ACCOUNT, "line", pl.col("posted").alias("_posted"), pl.col("rest_fen").alias("_lacks"), "month",
        pl.lit(False).alias("_told"))
    over = lines.filter((pl.col("label") == "over_credit") & (pl.col("rest_fen") < 0)).join(
        short.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    over = over.select(
        *ACCOUNT, "line", pl.col("posted").alias("_posted"), pl.col("rest_fen").alias("_lacks"), "month",
        (pl.col("unrefunded_fen").is_not_null() | pl.col("line").is_in(_of_older_base(lines, over))).alias("_told"))
    both = short.join(over.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    told = _taken_back(pl.concat([both, over]).sort(*ACCOUNT, "_posted", "line", nulls_last=True))
    if told.is_empty():
        return lines.with_columns(pl.lit(None, dtype=pl.String).alias("taken_months"))
    is_told = pl.col("taken_months").is_not_null()
    return lines.join(told, on="line", how="left", maintain_order="left").with_columns(
        pl.when(is_told).then(pl.lit("clawback")).otherwise("label").alias("label"),
        pl.when(is_told).then(None).otherwise("cause").alias("cause"),
        pl.when(is_told).then(pl.lit("explained")).otherwise("status").alias("status"),
    )


class _Rest(NamedTuple):
    """What a line lacks (below 0: has too much) of the credit posted in a month; told: why it was too much is known."""

    posted: int
    lacks: int
    line: int
    month: int
    told: bool


def _taken_back(rows: pl.DataFrame) -> pl.DataFrame:
    """line, taken_months: short rows (``_lacks`` above 0) and the last ones before that had just so much too much.

    ``rows``: of all accounts, each in the order of posting; ``_told``: why it was too much. Each surplus is taken back
    once.
    """
    found: list[tuple[int, list[int]]] = []
    for _, mine in rows.group_by(ACCOUNT, maintain_order=True):
        over: list[_Rest] = []
        for row in map(_Rest._make, mine.select("_posted", "_lacks", "line", "month", "_told").iter_rows()):
            if row.lacks < 0:
                over.append(row)
                continue
            told = [each for each in over if each.posted < row.posted and each.told]
            taken = told[len(told) - last_that_sum_to([-each.lacks for each in told], row.lacks):]
            alone = None if taken else last_taken_back_soon(
                [(each.posted, -each.lacks) for each in over], row.lacks, row.posted)
            if alone is not None:
                taken = [over[alone]]
            if taken:
                over = [each for each in over if each not in taken]
                found.append((row.line, sorted(each.month for each in taken)))
                found += [(each.line, [row.month]) for each in taken]
    return pl.DataFrame(found, schema={"line": rows.schema["line"], "_months": pl.List(pl.Int32)}, orient="row").select(
        "line", pl.col("_months").list.eval(_month_text("")).list.join("、").alias("taken_months"))


def _of_older_base(lines: pl.DataFrame, over: pl.DataFrame) -> list[int]:
    """Which lines of ``over`` got just what an earlier line of the account was due."""
    if over.is_empty():
        return []
    dues = lines.filter(pl.col("expected_fen") > 0).join(
        over.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True
    ).select(*ACCOUNT, pl.col("month").alias("_before"), pl.col("expected_fen").alias("linked_fen"))
    hit = over.select("line", *ACCOUNT, "month", "linked_fen").join(
        dues, on=[*ACCOUNT, "linked_fen"], nulls_equal=True).filter(pl.col("_before") < pl.col("month"))
    return hit["line"].unique().to_list()


def _month_text(column: str) -> pl.Expr:
    return months.date_of(pl.col(column)).dt.strftime("%Y-%m")


def _with_deductions(lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Shortfalls that look like a premium taken from the account: steady for one person, or equal for a cohort.

    Small against the credit (but for one sum taken of a whole cohort), the same fen each time, and not simply the
    credit of an older base. A short credit that is none of these stays one.
    """
    short = lines.filter(
        ((pl.col("label") == "short_credit")
         | (pl.col("label").is_in(["delay", "data_incomplete"]) & (pl.col("linked_fen") > 0)))
        & (pl.col("rest_fen") > 0) & (pl.col("linked_fen") > 0)
        & (pl.col("paid") == True)  # noqa: E712  nothing is taken from what no record says was paid
    ).select(*ACCOUNT, "line", "payer", "month", "due", "posted", "rest_fen", "linked_fen",
             (pl.col("rest_fen") * DEDUCTION_SHARE <= pl.col("judged_fen")).alias("_small"))
    if short.is_empty():
        return lines
    theirs = lines.select(*ACCOUNT, "line", "due", "linked_fen", "expected_fen", "payment_kind").join(
        short.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    came = theirs.filter((pl.col("linked_fen") > 0) & pl.col("payment_kind").ne_missing("top_up")).select(
        "line", pl.int_range(pl.len()).over(ACCOUNT, order_by=["due", "line"]).alias("_rank"))
    dues = theirs.filter(pl.col("expected_fen") > 0).group_by(ACCOUNT).agg(pl.col("expected_fen").alias("_dues"))
    same = [*ACCOUNT, "rest_fen"]
    # What leaves an older base's credit is no deduction, unless the same sum is lacking where it does not.
    short = short.join(dues, on=ACCOUNT, how="left", nulls_equal=True).with_columns(
        pl.col("_dues").list.contains(pl.col("linked_fen")).fill_null(False).all().over(same).alias("_older"))
    other = short.filter(~pl.col("_older"))
    # A run of credits one after the other, or the same month of several years.
    runs = other.filter("_small").join(came, on="line").sort("due", "line").with_columns(
        (pl.col("_rank") - pl.int_range(pl.len()).over(same, order_by=["due", "line"])).alias("_run"),
        (pl.col("due") % 12).alias("_season"),
    )
    # A sum that was lacking in such a run is the same deduction wherever else it is lacking.
    steady = runs.filter(
        # Shares of one credit lack the same again and again and prove nothing.
        ((pl.len().over(*same, "_run").max().over(same) >= DEDUCTION_MONTHS)
         & (pl.col("posted").n_unique().over(same) > 1))
        | (pl.len().over(*same, "_season") >= DEDUCTION_YEARS)
    )["line"]
    # Once a year a larger part may go, for a premium of the whole year.
    yearly = other.filter(
        pl.col("due").n_unique().over(*same, pl.col("due") % 12) > DEDUCTION_YEARS
    )["line"]
    hit = pl.concat([steady, yearly, _common(short, context)]).unique()
    return lines.with_columns(*_taken(pl.col("line").is_in(hit.implode())))


def _common(short: pl.DataFrame, context: Context) -> pl.Series:
    """The lines of ``short`` (payer, month, posted, rest_fen, _small, _older) that lack what many of a cohort lack.

    One that is left an older base's credit does only where the sum was taken from many different credits.
    """
    return cohorts.with_season(cohorts.in_cohorts(short, "posted")).join(
        context.deduction, on=[*cohorts.SEASON, "rest_fen"], nulls_equal=True
    ).filter((pl.col("_small") | pl.col("fixed")) & (~pl.col("_older") | pl.col("varied")))["line"].unique()


def _taken(hit: pl.Expr) -> list[pl.Expr]:
    """label, cause and status of what was taken from the account."""
    return [
        pl.when(hit).then(pl.lit("account_deduction")).otherwise(pl.col("label")).alias("label"),
        pl.when(hit).then(None).otherwise(pl.col("cause")).alias("cause"),
        pl.when(hit).then(pl.lit("explained")).otherwise(pl.col("status")).alias("status"),
    ]


def _beside_deductions(lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``taken_fen``: what an account's steady deduction took of a credit that lacks more; the rest is short.

    Unless the rest is what many lack then: both are taken from the account.
    """
    steady = lines.filter(pl.col("label") == "account_deduction").group_by(ACCOUNT).agg(
        pl.col("rest_fen").first().alias("_steady"), pl.col("rest_fen").n_unique().alias("_sums"),
        pl.col("posted").min().alias("_from"), pl.col("posted").max().alias("_to"), pl.len().alias("_len"),
    ).filter((pl.col("_sums") == 1) & (pl.col("_len") >= DEDUCTION_MONTHS)).drop("_sums", "_len")
    short = pl.col("label") == "short_credit"
    if steady.is_empty() or not lines.select(short.any()).item():
        return lines.with_columns(pl.lit(0, dtype=pl.Int64).alias("taken_fen"))
    joined = lines.join(steady, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left")
    both = short & (pl.col("rest_fen") > pl.col("_steady")) & pl.col("posted").is_between("_from", "_to")
    taken = pl.when(both.fill_null(False)).then("_steady").otherwise(0).cast(pl.Int64)
    rest = joined.filter(both.fill_null(False)).select(
        "region", "line", "payer", "month", "posted", (pl.col("rest_fen") - pl.col("_steady")).alias("rest_fen"),
        (pl.col("rest_fen") * DEDUCTION_SHARE <= pl.col("judged_fen")).alias("_small"),
        pl.lit(value=False).alias("_older"))
    joined = joined.with_columns(*_taken(pl.col("line").is_in(_common(rest, context).implode())))
    taken = pl.when(pl.col("label") == "short_credit").then(taken).otherwise(0)
    return joined.with_columns(taken.alias("taken_fen"), (pl.col("rest_fen") - taken).alias("rest_fen")).drop(
        "_steady", "_from", "_to")


def _with_overdue(lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``overdue``: nearly all colleagues of the same payer and month already have theirs."""
    cohort = context.cohort.filter(
        (pl.col("people") >= OVERDUE_PEOPLE) & (pl.col("have") * 100 >= pl.col("people") * OVERDUE_PERCENT)
    ).select("payer", "region", "scheme", "month", pl.lit(True).alias("overdue"))
    return lines.join(
        cohort, on=["payer", "region", "scheme", "month"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col("overdue").fill_null(False))


def parts_of(lines: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """One row per line and part (:data:`PART_COLUMNS`), without the on-time credit.

    Months with an unknown part hold no pooled or flat part: their unknown part is all that the rest leaves
    (contributed less whatever was credited), so that the identity of DESIGN section 7 holds by construction.
    """
    key = ["person_id", "region", "scheme", "month"]
    unknown_months = lines.filter(pl.col("status") == "unknown").select(key).unique().with_columns(
        pl.lit(True).alias("_unknown")
    )
    lines = lines.join(unknown_months, on=key, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("_unknown").fill_null(False)
    )
    # What the line is due for itself: nothing for refunds due, unpaid lines and lines without an account.
    refund = pl.col("label") == "refund_due"
    paid = pl.col("paid") == True  # noqa: E712
    due_part = pl.when(~paid | refund | pl.col("no_account")).then(0).otherwise(pl.col("judged_fen").fill_null(0))
    flat = pl.when(~paid | refund).then(0).otherwise(pl.col("flat_fen").fill_null(0))
    pooled = pl.when(refund | pl.col("no_account") | ~paid).then(0).otherwise(
        pl.col("contributed_fen") - due_part - flat
    )
    base = lines.with_columns(flat.alias("flat_part_fen"), pooled.alias("pooled_fen"))
    clear = base.filter(~pl.col("_unknown"))
    frames = [
        _part(clear.filter(pl.col("pooled_fen") != 0), "pooled_share", None, "explained", pl.col("pooled_fen")),
        _part(clear.filter(pl.col("flat_part_fen") != 0), "flat_fee", None, "explained", pl.col("flat_part_fen")),
        _part(clear.filter(pl.col("no_account")), "no_account", None, "explained",
              pl.col("contributed_fen") - pl.col("flat_part_fen")),
    ]
    late = base.filter((pl.col("linked_late_fen") > 0) & paid)
    beside = clear.filter(pl.col("taken_fen") > 0)
    frames.append(_part(beside, "account_deduction", None, "explained", pl.col("taken_fen")))
    top_up = pl.col("payment_kind") == "top_up"
    frames.append(_part(late.filter(~top_up), "delay", "late", "resolved", pl.col("linked_late_fen")))
    frames.append(_part(late.filter(top_up), "top_up", "late", "resolved", pl.col("linked_late_fen")))
    stated = base.filter(pl.col("label").is_not_null() & (pl.col("status") != "unknown"))
    amount = (
        pl.when(~paid).then(0)
        .when(refund).then(pl.col("contributed_fen"))
        .otherwise(pl.col("rest_fen"))
    )
    frames.append(_part(stated, pl.col("label"), pl.col("cause"), pl.col("status"), amount, estimate=True))
    if links["surplus"].any():
        frames.append(_surplus_parts(links, lines))
    parts = pl.concat(frames)
    return pl.concat([parts, _unknown_parts(base, parts, links)]) if base["_unknown"].any() else parts


def _part(
    lines: pl.DataFrame, label: str | pl.Expr, cause: str | pl.Expr | None, status: str | pl.Expr, amount: pl.Expr, *,
    estimate: bool = False,
) -> pl.DataFrame:
    def text(value: str | pl.Expr | None, name: str) -> pl.Expr:
        return (value if isinstance(value, pl.Expr) else pl.lit(value, dtype=pl.String)).alias(name)

    estimated = pl.when(pl.col("label").is_in(["missing_month", "delay", "top_up"])).then(
        pl.when(pl.col("paid") == True).then(pl.col("rest_fen"))  # noqa: E712
        .when(pl.col("absent")).then(pl.col("estimated_fen")).otherwise(pl.col("judged_fen"))
    )
    return lines.select(
        pl.col("line").cast(pl.UInt32), "person_id", "region", "scheme", "month", text(label, "label"),
        text(cause, "cause"), text(status, "status"), amount.cast(pl.Int64).alias("amount_fen"),
        (estimated if estimate else pl.lit(None)).cast(pl.Int64).alias("estimated_fen"),
    )


def _surplus_parts(links: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Each surplus credit as a negative part of the month that carries it."""
    key = ["person_id", "region", "scheme", "month"]
    paid = (pl.col("paid") == True) & (pl.col("expected_fen") > 0)  # noqa: E712
    extra = links.filter("surplus")
    sizes = lines.filter(paid).select(*key, "expected_fen").join(
        extra.select(key).unique(), on=key, how="semi", nulls_equal=True
    ).group_by(key).agg(pl.col("expected_fen").alias("_due"))
    extra = extra.join(sizes, on=key, how="left", nulls_equal=True, maintain_order="left")
    extra = _with_unseen(extra, lines)
    unseen = pl.col("unseen")
    repeated = (pl.col("_due").list.contains(pl.col("amount_fen"))
                | (pl.col("_due").list.sum() == pl.col("amount_fen"))).fill_null(False)
    late = extra.filter("is_late")
    rows = [extra.select(
        pl.col("line").cast(pl.UInt32), *key,
        pl.when(unseen).then(pl.lit("data_incomplete")).otherwise(pl.lit("over_credit")).alias("label"),
        pl.when(unseen).then(pl.lit("contribution_unseen"))
        .when(is_subsidy()).then(pl.lit("subsidy"))
        .when(repeated).then(pl.lit("duplicate_credit")).otherwise(pl.lit("unknown_extra")).alias("cause"),
        pl.when(unseen).then(pl.lit("unknown")).otherwise(pl.lit("open")).alias("status"),
        (-pl.col("amount_fen")).alias("amount_fen"),
        pl.lit(None, dtype=pl.Int64).alias("estimated_fen"),
    ), late.select(
        pl.col("line").cast(pl.UInt32), *key, pl.lit("delay").alias("label"), pl.lit("late").alias("cause"),
        pl.lit("resolved").alias("status"), pl.col("amount_fen"), pl.lit(None, dtype=pl.Int64).alias("estimated_fen"),
    )]
    return pl.concat(rows).select(PART_COLUMNS)


def _with_unseen(extra: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """``unseen``: a surplus that is just what the month would get, had its contribution been paid and been listed.

    The month has no paid line; the amount is that of its own unpaid line or of a line a few months away, or, where
    these differ from each other as wages do, like theirs. Then the contribution records are stale or not whole:
    nothing came too much.
    """
    # Where no rule says what is due, what came tells it.
    told = (pl.col("expected_fen") > 0) | (pl.col("expected_fen").is_null() & (pl.col("linked_fen") > 0))
    near = lines.filter(
        told & ~pl.col("is_side") & pl.col("payment_kind").is_in(["normal", "back_pay"])
    ).join(extra.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    # What they are due, and what they got, which is less by a deduction from the account.
    near = pl.concat([
        near.select(*ACCOUNT, pl.col("month").alias("_month"), pl.col(name).cast(pl.Int64).alias("_fen"))
        for name in ("expected_fen", "linked_fen")
    ]).filter(pl.col("_fen") > 0).unique()
    returned = lines.filter(pl.col("netted") | (pl.col("payment_kind") == "refund")).select(*ACCOUNT, "month")
    alone = extra.filter(pl.col("_due").is_null()).join(returned, on=[*ACCOUNT, "month"], how="anti", nulls_equal=True)
    amount, fen = pl.col("amount_fen"), pl.col("_fen")
    like = (fen.n_unique() >= NEAR_AMOUNTS) & amount.first().is_between(
        fen.min() - fen.min() // NEAR_SHARE, fen.max() + fen.max() // NEAR_SHARE)
    hit = alone.select(*ACCOUNT, "month", "amount_fen").unique().join(near, on=ACCOUNT, nulls_equal=True).filter(
        (pl.col("month") - pl.col("_month")).abs() <= NEAR_MONTHS
    ).group_by(*ACCOUNT, "month", "amount_fen").agg(
        (amount == fen).any().alias("_same"), like.alias("_like")
    ).filter(pl.col("_same") | pl.col("_like")).with_columns(pl.lit(True).alias("unseen"))
    joined = extra.join(
        hit, on=[*ACCOUNT, "month", "amount_fen"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col("unseen").fill_null(False))
    # Once only: a second credit is one too many, whatever the contribution records lack.
    order = pl.struct(~pl.col("_same").fill_null(False), "posted_on", "flow_row_id")
    first = order.rank("ordinal").over(*ACCOUNT, "month", "unseen") == 1
    return joined.with_columns((pl.col("unseen") & first).alias("unseen")).drop("_same", "_like")


def _unknown_parts(base: pl.DataFrame, parts: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The unknown part of a month: contributed less credited on time less its other parts, at its worst line."""
    key = ["person_id", "region", "scheme", "month"]
    months = base.filter("_unknown").group_by(key).agg(pl.col("contributed_fen").sum())
    on_time, others = (
        frame.select(*key, "amount_fen").join(months, on=key, how="semi", nulls_equal=True)
        .group_by(key).agg(pl.col("amount_fen").sum().alias(name))
        for frame, name in ((links.filter(~pl.col("is_late")), "on_time"), (parts, "others"))
    )
    amounts = (
        months.join(on_time, on=key, how="left", nulls_equal=True).join(others, on=key, how="left", nulls_equal=True)
        .with_columns(
            (pl.col("contributed_fen") - pl.col("on_time").fill_null(0) - pl.col("others").fill_null(0)).alias("amount")
        )
    )
    speaker = (
        base.filter(pl.col("status") == "unknown")
        .sort(*key, "contributed_fen", "judged_fen", "row_id", descending=[False] * 4 + [True, True, False],
              nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
    )
    estimate = pl.when(pl.col("paid").is_null()).then(pl.col("total_fen")).otherwise(
        # What nobody can say is not estimated, least of all as nothing.
        pl.when(pl.col("absent") | is_judged())
        .then((pl.col("judged_fen").fill_null(0) - pl.col("linked_fen")).clip(lower_bound=0))
    )
    return speaker.join(amounts, on=key, how="left", nulls_equal=True, maintain_order="left").select(
        pl.col("line").cast(pl.UInt32), *key, "label", "cause", "status", pl.col("amount").alias("amount_fen"),
        estimate.cast(pl.Int64).alias("estimated_fen"),
    )
