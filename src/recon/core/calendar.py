"""The region's calendar: until when a premium is to arrive, on which day credits come, when nothing is credited.

Deadlines decide whether a premium was paid late; credit days and stops only explain a wait and move nothing.
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.policy import Policy
from recon.tables import ACCOUNT

_KEY = [*ACCOUNT, "accrual_month"]
_ACCOUNT_MONTH = [*ACCOUNT, "month"]


def with_deadline(lines: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """``lines`` with deadline_months (of the region) and is_paid_late: arrived after the region's collection deadline.

    A known day of arrival is held against the day of the deadline, a month of arrival against its month. Only paid
    normal lines with an arrival are late.
    """
    pairs = lines.select("region", "month").unique().sort("region", "month", nulls_last=True)
    rows = [
        {"region": region, "month": month, "_until": policy.deadline(region, months.first_day(month)),
         "deadline_months": policy.collection_deadline(region)}
        for region, month in pairs.iter_rows()
    ]
    told = pl.DataFrame(rows, schema={
        "region": pl.String(), "month": pl.Int32(), "_until": pl.Date(), "deadline_months": pl.Int32()})
    late = is_after("arrival_day", "arrival", "_until")
    plain = (pl.col("payment_kind") == "normal") & (pl.col("paid") == True) & pl.col("row_id").is_not_null()  # noqa: E712
    return lines.join(told, on=["region", "month"], how="left", nulls_equal=True, maintain_order="left").with_columns(
        (plain & ~pl.col("is_side") & ~pl.col("netted") & late).fill_null(False).alias("is_paid_late")).drop("_until")


def is_after(day: str, month: str, until: str) -> pl.Expr:
    """Whether something came after the day ``until``: by its ``day``, where that is not known by its ``month``."""
    return pl.when(pl.col(day).is_not_null()).then(pl.col(day) > pl.col(until)).otherwise(
        pl.col(month) > months.index_of(pl.col(until)))


def explain_waits(gap: pl.DataFrame, lines: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """``gap`` whose waiting parts say on which day the region credits, and which known stop fell into the wait.

    A stop is named where it overlaps the time from the first day of the due month to the end of the last month.
    """
    waits = pl.col("label").is_in(["delay", "top_up"])
    if not gap.select(waits.any()).item():
        return gap
    numbered = gap.with_row_index("_n")
    waiting = numbered.filter(waits).select("_n", *_KEY, "cause")
    spans = lines.filter(pl.col("due").is_not_null()).select(
        *_ACCOUNT_MONTH, "due", "last"
    ).join(
        waiting.select(*ACCOUNT, months.index_of(pl.col("accrual_month")).alias("month")).unique(), on=_ACCOUNT_MONTH,
        how="semi", nulls_equal=True,
    ).group_by(_ACCOUNT_MONTH).agg(
        pl.col("due").min(), pl.max_horizontal("due", "last").max().alias("last"),
    ).with_columns(months.date_of(pl.col("month")).alias("accrual_month"))
    waiting = waiting.join(spans, on=_KEY, how="left", nulls_equal=True)
    kinds = waiting.select("region", "cause", "due", "last").unique().drop_nulls("due")
    rows = [
        {"region": region, "cause": cause, "due": due, "last": last, "_told": _told(policy, region, cause, due, last)}
        for region, cause, due, last in kinds.iter_rows()
    ]
    told = pl.DataFrame(rows, schema={
        "region": pl.String(), "cause": pl.String(), "due": pl.Int32(), "last": pl.Int32(), "_told": pl.String()})
    clauses = waiting.join(told, on=["region", "cause", "due", "last"], nulls_equal=True).select("_n", "_told")
    found = numbered.join(clauses, on="_n", how="left", maintain_order="left")
    return found.with_columns(
        pl.concat_str("evidence", pl.col("_told").fill_null("")).alias("evidence")
    ).select(gap.columns)


def _told(policy: Policy, region: str | None, cause: str | None, due: int, last: int) -> str:
    """The clauses of one wait, each with a semicolon ahead; empty where the calendar says nothing."""
    clauses = []
    day = policy.schedule(region).credit_day
    if cause == "not_yet_due" and day is not None:
        clauses.append(f"；当地一般在每月{day}日前划入")
    for stop in policy.stops(region, months.first_day(due), months.last_day(last)):
        sure = "" if stop.confidence == "high" else "，具体日期以当地通知为准"
        clauses.append(f"；{stop.name}（{stop.first:%m-%d}至{stop.last:%m-%d}{sure}），划入可能顺延")
    return "".join(clauses)
