"""The lines and credits that usual lags are read from (:mod:`recon.core.lag_votes`), without what would hide them.

Credits of top-ups and back pay are left out, and a sum that is taken off an account's credits is put back.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recon.policy import Policy, Schedule
from recon.tables import ACCOUNT

MAX_LEARNED_LAG = 5
# The same small sum lacking from the credits of so many lines is a deduction; at most this part of what is due.
DEDUCTION_MONTHS = 3
DEDUCTION_SHARE = 4
ODD_SHARE = 3  # where one credit in so many is no line's sum, a deduction is looked for

LAGS = pl.DataFrame({"lag": range(MAX_LEARNED_LAG + 1)}, schema={"lag": pl.Int32})


def may_be_corrected(plan: Schedule) -> bool:
    """A schedule that steady data may correct: of low confidence, or only the national default."""
    return not plan.typical_stated and (plan.confidence == "low" or plan.ref.startswith("national"))


def soft_regions(regions: Sequence[str], policy: Policy) -> set[str]:
    """Those of ``regions`` whose schedule steady data may correct."""
    return {region for region in regions if may_be_corrected(policy.schedule(region))}


def plain_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Paid normal lines whose amount and arrival are known: the ones lags and cohorts are read from."""
    return lines.filter(
        pl.col("stream").is_in(["normal", "annual"]) & pl.col("payable") & pl.col("arrival").is_not_null()
    )


def prints() -> pl.Expr:
    """The accrual month that a credit prints; null where that is the month of posting, which says nothing."""
    return pl.when(pl.col("printed") != pl.col("month")).then("printed").alias("prints")


def due_and_came(lines: pl.DataFrame, credit: pl.DataFrame, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Account, payer, at, fen, accrual, dated of the lines that wait for a monthly credit; and their accounts' credits.

    dated: the day of arrival is known. Of the credits the account, at, fen and prints: the accrual month printed.
    """
    due = plain_lines(lines).filter(pl.col("region").is_not_null()).select(
        *ACCOUNT, "payer", pl.col("arrival").alias("at"), pl.col("expected_fen").alias("fen"),
        pl.col("month").alias("accrual"), pl.col("arrival_day").is_not_null().alias("dated"))
    regions = due["region"].unique().to_list()
    # A yearly schedule that is not sure yields to steady monthly credits like any other.
    monthly = {region for region in regions if policy.schedule(region).kind != "annual"} | soft_regions(regions, policy)
    due = due.filter(pl.col("region").is_in(sorted(monthly)))
    came = credit.select(*ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen"), prints()).join(
        due.select(ACCOUNT).unique(), on=ACCOUNT, how="semi")
    return due, before_deductions(due, _without_others(lines, due, came))


def _without_others(lines: pl.DataFrame, due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """``came`` without the credits of top-ups and back pay: what a line of these is, or all that arrived together.

    They say nothing of the lag of the months. One that is a month's own sum, too, stays.
    """
    other = lines.filter(
        pl.col("stream").str.contains("^(?:top_up|back_pay)") & pl.col("payable") & pl.col("arrival").is_not_null()
        & (pl.col("expected_fen") > 0) & pl.col("region").is_not_null())
    if other.is_empty():
        return came
    key = [*ACCOUNT, "arrival"]
    together = other.group_by([*key, "stream"]).agg(pl.col("expected_fen").sum())
    sums = pl.concat([other.select(*key, "expected_fen"), together.select(*key, "expected_fen")]).unique().rename(
        {"expected_fen": "fen"}).join(due.select(*ACCOUNT, "fen").unique(), on=[*ACCOUNT, "fen"], how="anti")
    theirs = sums.join(LAGS, how="cross").select(*ACCOUNT, (pl.col("arrival") + pl.col("lag")).alias("at"), "fen")
    return came.join(theirs.unique(), on=[*ACCOUNT, "at", "fen"], how="anti", maintain_order="left")


def before_deductions(due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """``came`` with what a deduction took put back, where that makes more of an account's lines fit at one lag.

    due, came: account, at (month), fen. Looked at are accounts where many credits (:data:`ODD_SHARE`) are no line's
    sum; the sum lacking from most lines' credits, :data:`DEDUCTION_MONTHS` or more, is put back where that gives a sum
    that is due.
    """
    sums = due.select(*ACCOUNT, "fen").unique()
    odd = came.join(sums, on=[*ACCOUNT, "fen"], how="anti").group_by(ACCOUNT).agg(pl.len().alias("_odd"))
    poor = odd.join(came.group_by(ACCOUNT).agg(pl.len().alias("_all")), on=ACCOUNT).filter(
        pl.col("_odd") * ODD_SHARE >= pl.col("_all")).select(ACCOUNT)
    if poor.is_empty():
        return came
    theirs = came.join(poor, on=ACCOUNT, how="semi")
    asked = due.select(*ACCOUNT, "at", "fen").join(poor, on=ACCOUNT, how="semi").join(LAGS, how="cross")
    lacking = asked.with_columns(pl.col("at") + pl.col("lag")).join(
        theirs.rename({"fen": "_fen"}), on=[*ACCOUNT, "at"]
    ).with_columns((pl.col("fen") - pl.col("_fen")).alias("rest")).filter(
        (pl.col("rest") >= 0) & (pl.col("rest") * DEDUCTION_SHARE <= pl.col("fen")))
    often = lacking.group_by([*ACCOUNT, "rest", "lag"]).agg(pl.col("at").n_unique().alias("n")).sort(
        *ACCOUNT, "n", "rest", descending=[False, False, False, True, False]
    ).unique(ACCOUNT, keep="first", maintain_order=True).filter(
        (pl.col("rest") > 0) & (pl.col("n") >= DEDUCTION_MONTHS))
    back = theirs.join(often.select(*ACCOUNT, "rest"), on=ACCOUNT).with_columns(
        (pl.col("fen") + pl.col("rest")).alias("_whole")).join(
        sums.rename({"fen": "_whole"}), on=[*ACCOUNT, "_whole"], how="semi").select(*ACCOUNT, "fen", "_whole").unique()
    return came.join(back, on=[*ACCOUNT, "fen"], how="left", maintain_order="left").with_columns(
        pl.coalesce("_whole", "fen").alias("fen")).drop("_whole")
