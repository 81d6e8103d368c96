"""The employer's bank against its people: one debit for many, and units whose total is short by a little.

In: the legs. Out: one part per payer and month (:data:`UNIT`), never one per person. A debit is matched exactly: to the
sum of a month's lines, several debits to one month, one debit to several months; only what fits nothing is compared
inexactly with the month it lies nearest to. Late fees and interest stand apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product

import polars as pl

from recon.core import months
from recon.core.payroll.legs import Legs
from recon.core.payroll_settings import PayrollSettings
from recon.core.text import yuan_text
from recon.tables import Schema

UNIT: Schema = {
    "payer": pl.String(), "region": pl.String(), "month": pl.Int32(), "label": pl.String(), "cause": pl.String(),
    "fen": pl.Int64(), "people": pl.Int64(), "status": pl.String(), "why": pl.String(), "rows": pl.String(),
    "arrived": pl.String(),
}
DEBITS_TOGETHER = 4  # so many debits of one month are tried together (parties, schemes, a late fee)
MONTHS_TOGETHER = 3
REACH_MONTHS = 4  # a debit pays months up to so many before its own
NEAR_PERCENT = 25  # a debit is compared inexactly with a month whose sum differs by no more than this
FROZEN_PERCENT = 90  # so many of a unit's people without arrival, and its total short by a little: one cause
DEBITS_TRIED = 12
NAMED = 6

Debit = tuple[date, int, int | None, str, bool]  # day, fen, printed month, row_id, of all insurances together


@dataclass
class _Month:
    """What one payer owes for one month, and the debits that pay it."""

    month: int
    fen: int  # declared, or recorded where nothing is declared
    arrived: int  # recorded as paid; 0 where no record says so
    late_fee: int
    people: int
    waiting: int  # people whose record says that nothing has arrived
    region: str | None
    by: str  # 申报 or 到账
    is_deferred: bool = False
    debits: list[int] = field(default_factory=list)  # indices
    is_shared: bool = False  # its debit pays other months too, to the fen

    @property
    def sums(self) -> set[int]:
        """What a debit of the month may be: who is declared and has not arrived is another finding."""
        return {fen + fee for fen in (self.fen, self.arrived) if fen for fee in (0, self.late_fee)}


def unit_parts(legs: Legs, settings: PayrollSettings, as_of: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(parts of table UNIT, payer and month of the units that are short by a little)."""
    owed = _owed(legs.lines)
    parts: list[dict[str, object]] = []
    frozen: list[tuple[str | None, int]] = []
    if legs.debits.height:
        # Debits that name no payer belong to the only one there is, else to all together.
        payers = owed["payer"].unique().to_list()
        lone = payers[0] if len(payers) == 1 else None
        debits = legs.debits.with_columns(pl.coalesce("payer", pl.lit(lone, dtype=pl.String)).alias("payer"))
        named = set(debits["payer"].drop_nulls().to_list())
        months_of = owed.partition_by("payer", as_dict=True)
        debits_of = debits.partition_by("payer", as_dict=True)
        for payer in sorted(named):
            mine = months_of.get((payer,), owed.clear())
            _settle(payer, mine, debits_of[payer,], settings, as_of, parts, frozen)
        if debits["payer"].null_count():
            rest = owed.filter(~pl.col("payer").is_in(sorted(named)).fill_null(value=False))
            together = rest.group_by("month").agg(
                pl.lit(None, dtype=pl.String).alias("payer"), pl.col("region").first(), pl.col("fen").sum(),
                pl.col("arrived").sum(), pl.col("late_fee").sum(), pl.col("people").sum(), pl.col("waiting").sum(),
                pl.col("by").first(),
                pl.col("whole").all(), pl.col("is_deferred").any())
            _settle(None, together, debits.filter(pl.col("payer").is_null()), settings, as_of, parts, frozen)
    told = {(payer, month) for payer, month in frozen}
    for row in _short_in_treasury(legs.lines, settings).iter_rows(named=True):
        if (row["payer"], row["month"]) in told:
            continue
        frozen.append((row["payer"], row["month"]))
        parts.append(_row(row["payer"], row["region"], row["month"], "unit_not_fully_paid", None, row["short"],
                          row["people"], "open",
                          f"国库已入{yuan_text(row['in_fen'])}元，应缴{yuan_text(row['fen'])}元", ""))
    return pl.DataFrame(parts, schema=UNIT), pl.DataFrame(
        frozen, schema={"payer": pl.String, "month": pl.Int32}, orient="row")


def _owed(lines: pl.DataFrame) -> pl.DataFrame:
    """payer, month (of collection), region, fen (declared, both parties), arrived (recorded as paid), late_fee, people,
    waiting (without arrival), by, whole (both parties are known).

    The declaration says what is owed; where there is none, the record does. Refunds come back another way.
    """
    both = pl.col("own_fen") + pl.col("firm_fen").fill_null(0)
    is_paid = pl.col("paid").fill_null(value=False)
    main = lines.filter(pl.col("kind") != "refund").group_by("payer", pl.col("bill").alias("month"), "leg").agg(
        pl.col("region").drop_nulls().first(), both.sum().alias("fen"), both.filter(is_paid).sum().alias("arrived"),
        pl.col("late_fee_fen").sum().alias("late_fee"), pl.col("person_id").n_unique().cast(pl.Int64).alias("people"),
        (pl.col("firm_fen").is_null() & (pl.col("scheme") == "310") & (pl.col("kind") == "normal")).any().not_()
        .alias("whole"),
        pl.col("person_id").filter(is_paid).n_unique().cast(pl.Int64).alias("paid_people"),
        pl.col("deferred").any().alias("is_deferred"),
    )
    record = main.filter(pl.col("leg") == "arrived").with_columns(
        (pl.col("people") - pl.col("paid_people")).alias("waiting"), pl.lit("到账").alias("by"))
    bill = main.filter(pl.col("leg") == "declared").drop("arrived", "paid_people", "is_deferred")
    only = record.join(bill.select("payer", "month"), on=["payer", "month"], how="anti", nulls_equal=True)
    seen = record.select("payer", "month", pl.col("late_fee").alias("_late"), pl.col("paid_people").alias("_paid"),
                         "arrived", "is_deferred")
    reach = record.group_by("payer").agg(pl.col("month").max().alias("_to"))
    joined = bill.join(seen, on=["payer", "month"], how="left", nulls_equal=True).join(
        reach, on="payer", how="left", nulls_equal=True)
    # A declared month that a record reaches over and does not have: all wait.
    waiting = pl.when(pl.col("month") <= pl.col("_to")).then(pl.col("people") - pl.col("_paid").fill_null(0))
    joined = joined.with_columns(
        pl.max_horizontal(pl.col("late_fee"), pl.col("_late").fill_null(0)).alias("late_fee"),
        waiting.fill_null(0).alias("waiting"), pl.col("arrived").fill_null(0), pl.lit("申报").alias("by"),
        pl.col("is_deferred").fill_null(value=False))
    columns = ["payer", "month", "region", "fen", "arrived", "late_fee", "people", "waiting", "by", "whole",
               "is_deferred"]
    return pl.concat([joined.select(columns), only.select(columns)]).sort("payer", "month", nulls_last=True)


def _settle(
    payer: str | None, owed: pl.DataFrame, debits: pl.DataFrame, settings: PayrollSettings, as_of: date,
    parts: list[dict[str, object]], frozen: list[tuple[str | None, int]],
) -> None:
    """The debits of one payer laid on its months, and what is left said."""
    whole = owed.filter("whole").sort("month")
    known = [
        _Month(row["month"], row["fen"], row["arrived"], row["late_fee"], row["people"], row["waiting"], row["region"],
               row["by"], row["is_deferred"])
        for row in whole.iter_rows(named=True) if row["fen"] > 0
    ]
    plain = debits.filter(~pl.col("is_late_fee")).sort("paid_on", "fen", "row_id")
    fees = debits.filter("is_late_fee").sort("paid_on", "row_id")
    paid = [(row["paid_on"], row["fen"], row["month"], row["row_id"], row["is_mixed"])
            for row in plain.iter_rows(named=True)]
    _match(known, paid)
    first, last = debits["paid_on"].min(), debits["paid_on"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    used = {index for one in known for index in one.debits}
    # A debit of all insurances may hold the month that has none of its own.
    hidden = {months.index(debit[0]) for index, debit in enumerate(paid) if debit[4] and index not in used}
    for one in known:
        if one.debits or not hidden.intersection(range(one.month, one.month + REACH_MONTHS + 1)):
            _judge(payer, one, paid, (first, last), settings, as_of, parts, frozen)
    reaches = [one.month for one in known]
    for index, (day, fen, printed, row_id, is_mixed) in enumerate(paid):
        if index in used or not reaches or owed.height != whole.height or is_mixed:
            continue
        month = printed if printed is not None else months.index(day)
        if min(reaches) <= month <= max(reaches) + 1:
            parts.append(_row(payer, known[0].region, month, "paid_differs_from_bank", "no_declaration", -fen, 0,
                              "open", f"{day}扣款{yuan_text(fen)}元", row_id, f"{day}"))
    for day, fen, printed, row_id in (
        (row["paid_on"], row["fen"], row["month"], row["row_id"]) for row in fees.iter_rows(named=True)
    ):
        month = printed if printed is not None else months.index(day)
        where = known[0].region if known else None
        parts.append(_row(payer, where, month, "paid_differs_from_bank", "late_fee", -fen, 0, "explained",
                          f"{day}滞纳金或利息{yuan_text(fen)}元", row_id, f"{day}"))


def _match(known: list[_Month], paid: list[Debit]) -> None:
    """Debits to months: printed months, exact sums in the usual month, sums of several months, exact sums in any month,
    then the nearest that is nearly right. Months of equal sums would change places without the usual lag.
    """
    free = set(range(len(paid)))
    by_month = {one.month: one for one in known}
    for index, debit in enumerate(paid):
        if debit[2] is not None and debit[2] in by_month and not debit[4]:
            by_month[debit[2]].debits.append(index)
            free.discard(index)
    usual = _usual_lag(known, paid)
    _exact(known, paid, free, range(usual, usual + 1))
    for at in range(len(known)):
        _several_months(known, at, paid, free)
    _exact(known, paid, free, range(REACH_MONTHS + 1))
    for one in known:
        near = [index for index in _within(one, paid, free, range(REACH_MONTHS + 1))
                if abs(paid[index][1] - one.fen) * 100 <= one.fen * NEAR_PERCENT and not paid[index][4]]
        if near and not one.debits:
            distance = {
                index: (_lag(one, paid[index]) != usual, abs(paid[index][1] - one.fen), index) for index in near}
            best = min(near, key=distance.__getitem__)
            one.debits = [best]
            free.discard(best)


def _lag(one: _Month, debit: Debit) -> int:
    return months.index(debit[0]) - one.month


def _within(one: _Month, paid: list[Debit], free: set[int], lags: range) -> list[int]:
    return [index for index in sorted(free) if _lag(one, paid[index]) in lags]


def _usual_lag(known: list[_Month], paid: list[Debit]) -> int:
    """Months from a month to its debit that fit most sums exactly; 1 where none does."""
    lags = Counter(_lag(one, debit) for one in known for debit in paid if debit[1] in one.sums)
    inside = [(count, -lag) for lag, count in lags.items() if 0 <= lag <= REACH_MONTHS]
    return -max(inside)[1] if inside else 1


def _exact(known: list[_Month], paid: list[Debit], free: set[int], lags: range) -> None:
    """One to a few debits that add up to a month."""
    for one in known:
        if one.debits:
            continue
        near = _within(one, paid, free, lags)[:DEBITS_TRIED]
        hit = next((group for size in range(1, DEBITS_TOGETHER + 1) for group in combinations(near, size)
                    if sum(paid[index][1] for index in group) in one.sums), None)
        if hit:
            one.debits = list(hit)
            free.difference_update(hit)


def _several_months(known: list[_Month], at: int, paid: list[Debit], free: set[int]) -> None:
    """One debit that adds up to the months from ``at`` on."""
    for size in range(2, MONTHS_TOGETHER + 1):
        group = known[at:at + size]
        if len(group) < size or any(each.debits for each in group):
            return
        totals = {sum(sums) for sums in product(*({each.fen, each.arrived or each.fen} for each in group))}
        hit = next((index for index in sorted(free) if paid[index][1] in totals
                    and _lag(group[-1], paid[index]) in range(REACH_MONTHS + 1)), None)
        if hit is not None:
            for each in group:
                each.debits, each.is_shared = [hit], True
            free.discard(hit)
            return


def _judge(
    payer: str | None, one: _Month, paid: list[Debit], cover: tuple[date, date],
    settings: PayrollSettings, as_of: date, parts: list[dict[str, object]], frozen: list[tuple[str | None, int]],
) -> None:
    """What one month of one payer says: paid, paid with a late fee, short by a little, short, over, or no debit."""
    rows = "; ".join(paid[index][3] for index in one.debits[:NAMED])
    if not one.debits:
        begins, ends = months.first_day(one.month), months.last_day(one.month + 1)
        if cover[0] <= begins and cover[1] >= ends and ends <= as_of and not one.is_deferred:
            parts.append(_row(payer, one.region, one.month, "paid_differs_from_bank", "no_debit", one.fen, one.people,
                              "open", f"{one.by}合计{yuan_text(one.fen)}元，银行流水至{cover[1]}未见扣款", rows))
        return
    if one.is_shared:
        return
    total = sum(paid[index][1] for index in one.debits)
    all_wait = one.people > 0 and one.waiting * 100 >= one.people * FROZEN_PERCENT
    owed, by = (one.arrived, "到账") if one.arrived and not all_wait else (one.fen, one.by)
    days = "、".join(str(paid[index][0]) for index in one.debits[:NAMED])
    little = all_wait and 0 < (one.fen - total) * 100 <= one.fen * settings.unit_short_percent
    short = owed - total if little or total not in (one.fen, one.arrived) else 0
    if short == 0:
        return
    why = f"{by}合计{yuan_text(owed)}元，银行扣款{yuan_text(total)}元（{days}）"
    if one.late_fee and total - one.late_fee in (one.fen, one.arrived):
        short = -one.late_fee
        parts.append(_row(payer, one.region, one.month, "paid_differs_from_bank", "late_fee", short, one.people,
                          "explained", why, rows, days))
        return
    if little:
        frozen.append((payer, one.month))
        parts.append(_row(payer, one.region, one.month, "unit_not_fully_paid", None, short, one.people, "open", why,
                          rows, days))
        return
    parts.append(_row(payer, one.region, one.month, "paid_differs_from_bank", "short" if short > 0 else "over", short,
                      one.people, "open", why, rows, days))


def _short_in_treasury(lines: pl.DataFrame, settings: PayrollSettings) -> pl.DataFrame:
    """Units nobody of which has arrived though nearly all of the money is in the treasury: payer, region, month, fen,
    in_fen, short, people.
    """
    record = lines.filter((pl.col("leg") == "arrived") & (pl.col("kind") == "normal"))
    fen = pl.col("own_fen") + pl.col("firm_fen").fill_null(0)
    units = record.group_by("payer", "month").agg(
        pl.col("region").drop_nulls().first(), fen.sum().alias("fen"),
        fen.filter(pl.col("treasury_on").is_not_null()).sum().alias("in_fen"),
        pl.col("person_id").n_unique().cast(pl.Int64).alias("people"),
        pl.col("person_id").filter(pl.col("paid") == False).n_unique().alias("waiting"),  # noqa: E712
    ).with_columns((pl.col("fen") - pl.col("in_fen")).alias("short"))
    return units.filter(
        (pl.col("people") >= settings.cohort_people) & (pl.col("waiting") * 100 >= pl.col("people") * FROZEN_PERCENT)
        & (pl.col("short") > 0) & (pl.col("short") * 100 <= pl.col("fen") * settings.unit_short_percent)
    ).sort("payer", "month", nulls_last=True)


def _row(payer: str | None, region: str | None, month: int, label: str, cause: str | None, fen: int, people: int,
         status: str, why: str, rows: str, arrived: str = "") -> dict[str, object]:
    return {"payer": payer, "region": region, "month": month, "label": label, "cause": cause, "fen": fen,
            "people": people, "status": status, "why": why, "rows": rows, "arrived": arrived}
