"""Which month a payslip deducts for: learned per region and payer, once for all its people, never person by person.

The offset is the accrual month less the month of the payslip. For every payer and payslip month each offset costs the
people for whom payslip and declaration would then disagree; the cheapest series of offsets over time is taken, a change
having its price, so that a few odd payslips never look like a change, and a change is one finding. Where amounts do not
tell the offsets apart (nobody joined, left or got a new base), the neighbouring payers decide, else it is 0, said so;
so it is where hardly any payslip agrees under any offset (a flat sum that is never deducted, say).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from recon.core import months
from recon.core.payroll_settings import PayrollSettings

# In the order in which equal ones are preferred; each with the odd payslips it must explain before it is (eighths, so
# that sums of them are exact).
CANDIDATES = (0, -1, 1, -2, 2, -3)
PRIOR = {0: 0.0, -1: 1.5, 1: 1.625, -2: 3.0, 2: 3.125, -3: 4.5}
# A change by one month costs as much as so many disagreeing payslips, or this share of a payer's people; by two, twice.
CHANGE_PEOPLE = 6
CHANGE_PERCENT = 12
CHANGE_MARGIN = 2  # and explains so many more beyond its price: else a unit full of errors seems to change
CLEAR_MARGIN = 3  # so many payslips must speak for an offset before it counts as learned
AGREEING_SHARE = 10  # one in so many must agree under some offset: else the sums are others', and tell of no month

Group = tuple[str | None, str | None]  # region, payer
Single = dict[int, tuple[int, int]]  # offset -> (disagreeing, agreeing) people over all payslip months
Costs = dict[int, Single]  # the same for each payslip month
Pooled = dict[int, tuple[int, int, int]]  # the same over several payers, and how many of them could judge the offset


@dataclass(frozen=True)
class Offset:
    """The offset of one region and payer over its payslip months, and how it is known.

    basis: stated (settings or the payslips themselves), learned, neighbours (other payers), assumed.
    """

    region: str | None
    payer: str | None
    by_month: Mapping[int, int]  # payslip month -> offset
    basis: str
    agreeing: int  # payslips that agree with the declaration under it
    payslips: int

    @property
    def shifts(self) -> list[tuple[int, int, int]]:
        """(payslip month, offset before, offset from then on) of each change."""
        ordered = sorted(self.by_month)
        return [
            (month, self.by_month[before], self.by_month[month])
            for before, month in pairwise(ordered) if self.by_month[before] != self.by_month[month]
        ]

    def sentence(self) -> str:
        """One line for the screen and the sheet of parameters."""
        where = " ".join(part for part in (self.region, self.payer) if part) or "全部 / all"
        last = self.by_month[max(self.by_month)] if self.by_month else 0
        told = {
            "stated": "已说明 / stated", "learned": "由数据得出 / learned",
            "neighbours": "同其他单位 / as other payers", "assumed": "数据不能区分，按 0 / assumed",
        }[self.basis]
        text = f"{where}: {_signed(last)} ({told}; {self.agreeing}/{self.payslips})"
        changes = "; ".join(f"{months.first_day(month):%Y-%m}: {_signed(one)} → {_signed(other)}"
                            for month, one, other in self.shifts)
        return f"{text}; {changes}" if changes else text


def learn_offsets(slips: pl.DataFrame, base: pl.DataFrame, settings: PayrollSettings) -> list[Offset]:
    """One :class:`Offset` per region and payer of the payslips.

    slips: person_id, region, payer, pay, fen (regular items without a month of their own, one row per person and
    payslip month). base: person_id, month, own_fen (declared, else arrived), and the payer and region it stands under,
    one row per person and month.
    """
    found = _costs(slips, base)
    people = {(region, payer): count for region, payer, count in slips.group_by("region", "payer").agg(
        pl.col("person_id").n_unique()).rows()}
    singles = {place: _single(costs) for place, costs in found.items()}
    pooled = _pooled(singles.values())
    # What the region's other payers say is what all of them say, less what the payer itself says.
    regions: dict[str | None, list[Single]] = {}
    for (region, _), single in singles.items():
        regions.setdefault(region, []).append(single)
    near = {region: _pooled(group) for region, group in regions.items()}
    return [
        _decide(place, found[place], singles[place], _told(_less(near[place[0]], singles[place])), _told(pooled),
                people[place], settings.offset_of(*place))
        for place in found
    ]


def _costs(slips: pl.DataFrame, base: pl.DataFrame) -> dict[Group, Costs]:
    """Per place (sorted) payslip month -> offset -> (disagreeing, agreeing) people.

    An offset whose month is not covered is absent: a month covers a place by its people, wherever they are declared,
    and by whoever is declared there.
    """
    place = ["region", "payer"]
    paid = slips.group_by(*place, "pay").len("number")
    theirs = slips.select(*place, "person_id").unique().join(base.select("person_id", "month"), on="person_id")
    there = base.select(*place, "person_id", "month").join(
        slips.select(place).unique(), on=place, how="semi", nulls_equal=True)
    # A month is covered by all who are declared; who never has a payslip there (a payroll of a part of the people)
    # disagrees with no offset.
    size = pl.concat([theirs, there]).unique().group_by(*place, "month").len("there").join(
        theirs.unique().group_by(*place, "month").len("size"), on=[*place, "month"], how="left", nulls_equal=True)
    pairs = slips.join(base.select("person_id", "month", pl.col("own_fen").alias("fen")), on=["person_id", "fen"])
    agreeing = pairs.group_by(*place, "pay", (pl.col("month") - pl.col("pay")).alias("offset")).len("agreeing")
    # A month that hardly anybody is declared in (a straggler's back pay) is not covered.
    known = paid.join(pl.DataFrame({"offset": CANDIDATES}, schema={"offset": pl.Int32}), how="cross").join(
        size.rename({"month": "_month"}), left_on=[*place, pl.col("pay") + pl.col("offset")],
        right_on=[*place, "_month"], nulls_equal=True,
    ).filter(pl.col("there") * 2 >= pl.col("number")).join(
        agreeing, on=[*place, "pay", "offset"], how="left", nulls_equal=True).with_columns(
        pl.col("agreeing", "size").fill_null(0))
    counts: dict[Group, Costs] = {}
    order = [pl.col(name).cast(pl.String).fill_null("None") for name in place]
    for region, payer, pay in paid.sort(*order, "pay").select(*place, "pay").iter_rows():
        counts.setdefault((region, payer), {})[pay] = {}
    rank = pl.col("offset").replace_strict({offset: at for at, offset in enumerate(CANDIDATES)}, return_dtype=pl.Int32)
    for region, payer, pay, offset, number, size_, agreed in known.sort(rank).select(
        *place, "pay", "offset", "number", "size", "agreeing",
    ).iter_rows():
        counts[region, payer][pay][offset] = (number + size_ - 2 * agreed, agreed)
    return counts


def _pooled(singles: Iterable[Single]) -> Pooled:
    """Offset -> (disagreeing, agreeing, payers) over several payers."""
    totals: Pooled = {}
    for single in singles:
        for offset, (off, agreed) in single.items():
            before = totals.get(offset, (0, 0, 0))
            totals[offset] = (before[0] + off, before[1] + agreed, before[2] + 1)
    return totals


def _less(pooled: Pooled, own: Single) -> Pooled:
    """``pooled`` without one of its payers."""
    return pooled | {offset: (pooled[offset][0] - off, pooled[offset][1] - agreed, pooled[offset][2] - 1)
                     for offset, (off, agreed) in own.items()}


def _told(pooled: Pooled) -> Single:
    """Offset -> (disagreeing, agreeing), of the offsets that any payer could judge."""
    return {offset: (off, agreed) for offset, (off, agreed, payers) in pooled.items() if payers}


def _single(costs: Costs) -> Single:
    """Offset -> (disagreeing, agreeing) where one offset holds throughout; a month it cannot be judged in costs nothing
    more than the best of the others.
    """
    total = {}
    for offset in CANDIDATES:
        if not any(offset in by_offset for by_offset in costs.values()):
            continue
        off = agreed = 0
        for by_offset in costs.values():
            if offset in by_offset:
                off, agreed = off + by_offset[offset][0], agreed + by_offset[offset][1]
            elif by_offset:
                off += min(one for one, _ in by_offset.values())
        total[offset] = (off, agreed)
    return total


def _decide(
    place: Group, costs: Costs, single: Single, near: Single, pooled: Single, people: int, stated: int | None
) -> Offset:
    def made(by_month: Mapping[int, int], basis: str) -> Offset:
        agreeing = sum(costs[pay].get(offset, (0, 0))[1] for pay, offset in by_month.items())
        payslips = sum(max((off + 2 * agreed for off, agreed in by_offset.values()), default=0)
                       for by_offset in costs.values())
        return Offset(place[0], place[1], dict(by_month), basis, agreeing, (payslips + 1) // 2)

    if stated is not None:
        return made(dict.fromkeys(costs, stated), "stated")
    if not single:
        return made(dict.fromkeys(costs, _best(pooled) if _is_clear(pooled) else 0), "assumed")
    if max(agreed for _, agreed in single.values()) * AGREEING_SHARE < made({}, "").payslips:
        return made(dict.fromkeys(costs, 0), "assumed")
    change = max(CHANGE_PEOPLE, people * CHANGE_PERCENT // 100)
    series, price = _series(costs, change)
    steady = min(single, key=lambda offset: single[offset][0] + PRIOR[offset])
    if single[steady][0] + PRIOR[steady] - price < CHANGE_MARGIN:
        series = dict.fromkeys(costs, steady)  # a change that hardly explains more than none is none
    if len(set(series.values())) > 1 or _is_clear(single):
        return made(series, "learned")
    for other in (near, pooled):
        # What the payer's own payslips leave open, other payers may settle, if theirs does not contradict them.
        best = _best(other) if other and _is_clear(other) else None
        if best is not None and best in single and single[best][0] <= single[_best(single)][0] + CLEAR_MARGIN:
            return made(dict.fromkeys(costs, best), "neighbours")
    return made(series, "assumed")


def _best(single: Single) -> int:
    return min(single, key=lambda offset: (single[offset][0], -single[offset][1], CANDIDATES.index(offset)))


def _is_clear(single: Single) -> bool:
    """Whether one offset is better than every other by enough payslips."""
    costs = sorted(off for off, _ in single.values())
    return bool(costs) and (len(costs) == 1 or costs[1] - costs[0] >= CLEAR_MARGIN) and max(
        agreed for _, agreed in single.values()) > 0


def _series(costs: Costs, change: int) -> tuple[dict[int, int], float]:
    """The cheapest offset of each payslip month, a change of offset costing ``change``; what all of them cost."""
    ranked = [offset for offset in CANDIDATES if any(offset in by_offset for by_offset in costs.values())]
    best: dict[int, tuple[float, list[int]]] = {offset: (0.0, []) for offset in ranked}
    order = sorted(costs)
    for pay in order:
        known = costs[pay]
        floor = min((off for off, _ in known.values()), default=0)
        step: dict[int, tuple[float, list[int]]] = {}
        for offset in ranked:
            # Of equal ones the preferred at first; a change as late as the payslips allow.
            price = (known[offset][0] if offset in known else floor) + (0 if best[offset][1] else PRIOR[offset])
            moves = {one: best[one][0] + (change * abs(one - offset) if best[one][1] else 0) for one in best}
            before = min(moves, key=lambda one: (moves[one], one == offset))
            moved = moves[before] - best[before][0]
            step[offset] = (best[before][0] + moved + price, [*best[before][1], offset])
        best = step
    price, offsets = min(best.values(), key=lambda found: found[0])
    return dict(zip(order, offsets, strict=True)), price


def _signed(offset: int) -> str:
    return f"{offset:+d}" if offset else "±0"
