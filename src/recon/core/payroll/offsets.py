"""Which month a payslip deducts for: learned per region and payer, once for all its people, never person by person.

The offset is the accrual month less the month of the payslip. For every payer and payslip month each offset costs the
people for whom payslip and declaration would then disagree; the cheapest series of offsets over time is taken, a change
having its price, so that a few odd payslips never look like a change, and a change is one finding. Where amounts do not
tell the offsets apart (nobody joined, left or got a new base), the neighbouring payers decide, else it is 0, said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from recon.core import months
from recon.core.payroll_settings import PayrollSettings

# In the order in which equal ones are preferred; each with the odd payslips it must explain before it is.
CANDIDATES = (0, -1, 1, -2, 2, -3)
PRIOR = {0: 0.0, -1: 1.5, 1: 1.6, -2: 3.0, 2: 3.1, -3: 4.5}
# A change by one month costs as much as so many disagreeing payslips, or this share of a payer's people; by two, twice.
CHANGE_PEOPLE = 6
CHANGE_PERCENT = 12
CLEAR_MARGIN = 3  # so many payslips must speak for an offset before it counts as learned

Group = tuple[str | None, str | None]  # region, payer


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
    payslip month). base: person_id, month, own_fen (declared, else arrived).
    """
    found: dict[Group, dict[int, dict[int, tuple[int, int]]]] = {}
    people: dict[Group, int] = {}
    for key, group in sorted(slips.group_by("region", "payer"), key=lambda item: tuple(str(one) for one in item[0])):
        place: Group = (key[0], key[1])
        found[place] = _costs(group, base, place)
        people[place] = group["person_id"].n_unique()
    pooled = _pooled(found.values())
    offsets = []
    for place in found:
        stated = settings.offset_of(*place)
        near = _pooled(costs for other, costs in found.items() if other != place and other[0] == place[0])
        offsets.append(_decide(place, found[place], near, pooled, people[place], stated))
    return offsets


def _costs(slips: pl.DataFrame, base: pl.DataFrame, place: Group) -> dict[int, dict[int, tuple[int, int]]]:
    """Payslip month -> offset -> (disagreeing, agreeing) people; an offset whose month is not covered is absent."""
    own = base.filter(pl.col("person_id").is_in(slips["person_id"].unique().implode()))
    mine = base.filter(pl.col("payer").eq_missing(place[1]) & pl.col("region").eq_missing(place[0]))
    own = pl.concat([own, mine]).unique(["person_id", "month"], keep="first", maintain_order=True)
    size = dict(own.group_by("month").len().rows())
    paid = dict(slips.group_by("pay").len().rows())
    counts: dict[int, dict[int, tuple[int, int]]] = {pay: {} for pay in sorted(paid)}
    for offset in CANDIDATES:
        both = slips.with_columns((pl.col("pay") + offset).alias("month")).join(own, on=["person_id", "month"]).filter(
            pl.col("fen") == pl.col("own_fen"))
        equal = dict(both.group_by("pay").len().rows())
        for pay, number in paid.items():
            # A month that hardly anybody is declared in (a straggler's back pay) is not covered.
            there = size.get(pay + offset, 0)
            if there * 2 >= number:
                agreeing = equal.get(pay, 0)
                counts[pay][offset] = (number + there - 2 * agreeing, agreeing)
    return counts


def _pooled(all_costs: object) -> dict[int, tuple[int, int]]:
    """Offset -> (disagreeing, agreeing) over all months of several payers; months one offset lacks are left out."""
    totals: dict[int, tuple[int, int]] = {}
    for costs in all_costs:  # type: ignore[attr-defined]
        for offset, (off, agreed) in _single(costs).items():
            before = totals.get(offset, (0, 0))
            totals[offset] = (before[0] + off, before[1] + agreed)
    return totals


def _single(costs: Mapping[int, Mapping[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
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
    place: Group, costs: Mapping[int, Mapping[int, tuple[int, int]]], near: Mapping[int, tuple[int, int]],
    pooled: Mapping[int, tuple[int, int]], people: int, stated: int | None,
) -> Offset:
    single = _single(costs)

    def made(by_month: Mapping[int, int], basis: str) -> Offset:
        agreeing = sum(costs[pay].get(offset, (0, 0))[1] for pay, offset in by_month.items())
        payslips = sum(max((off + 2 * agreed for off, agreed in by_offset.values()), default=0)
                       for by_offset in costs.values())
        return Offset(place[0], place[1], dict(by_month), basis, agreeing, (payslips + 1) // 2)

    if stated is not None:
        return made(dict.fromkeys(costs, stated), "stated")
    if not single:
        return made(dict.fromkeys(costs, _best(pooled) if _is_clear(pooled) else 0), "assumed")
    series = _series(costs, max(CHANGE_PEOPLE, people * CHANGE_PERCENT // 100))
    if len(set(series.values())) > 1 or _is_clear(single):
        return made(series, "learned")
    for other in (near, pooled):
        # What the payer's own payslips leave open, other payers may settle, if theirs does not contradict them.
        best = _best(other) if other and _is_clear(other) else None
        if best is not None and best in single and single[best][0] <= single[_best(single)][0] + CLEAR_MARGIN:
            return made(dict.fromkeys(costs, best), "neighbours")
    return made(series, "assumed")


def _best(single: Mapping[int, tuple[int, int]]) -> int:
    return min(single, key=lambda offset: (single[offset][0], -single[offset][1], CANDIDATES.index(offset)))


def _is_clear(single: Mapping[int, tuple[int, int]]) -> bool:
    """Whether one offset is better than every other by enough payslips."""
    costs = sorted(off for off, _ in single.values())
    return bool(costs) and (len(costs) == 1 or costs[1] - costs[0] >= CLEAR_MARGIN) and max(
        agreed for _, agreed in single.values()) > 0


def _series(costs: Mapping[int, Mapping[int, tuple[int, int]]], change: int) -> dict[int, int]:
    """The cheapest offset of each payslip month, a change of offset costing ``change``."""
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
    winner = min(best, key=lambda offset: best[offset][0])
    return dict(zip(order, best[winner][1], strict=True))


def _signed(offset: int) -> str:
    return f"{offset:+d}" if offset else "±0"
