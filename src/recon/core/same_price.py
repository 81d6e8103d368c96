"""Of answers of one price the one that is likelier: which of several credits is whose (docs/matching.md)."""

from __future__ import annotations

from collections import defaultdict

from recon.core.links import Link, deviation
from recon.core.match_prices import LATE
from recon.core.match_rows import Coin, Row


def months_first(links: tuple[Link, ...], rows: list[Row], coins: list[Coin]) -> tuple[Link, ...]:
    """A month's own credit in its place is its own, where back pay took it and left it a later one for the same price.

    Back pay is priced by the schedule; where everybody's credits come later, all of these are as late. The months right
    before and after have theirs in their places.
    """
    alone = [at for at, link in enumerate(links) if link.kind == "1:1" and coins[link.credits[0]].printed is None
             and rows[link.lines[0]].arrival is not None and not rows[link.lines[0]].annual]
    normal = [at for at in alone if rows[links[at].lines[0]].stream == "normal"]
    beside = [at for at in alone if rows[links[at].lines[0]].is_beside]
    if not beside:
        return links
    ordered = list(links)
    late_by: dict[int, int] = {}  # month: by how much its credit came after its place
    for at in normal:
        row = rows[links[at].lines[0]]
        late_by[row.month] = coins[links[at].credits[0]].month - row.place
    for at in normal:
        row, late = rows[links[at].lines[0]], coins[links[at].credits[0]]
        if late_by[row.month] <= 0 or late_by.get(row.month - 1) or late_by.get(row.month + 1) or row.usual < 1:
            continue
        for other in beside:
            early, taker = coins[ordered[other].credits[0]], rows[links[other].lines[0]]
            dearer = _price_beside(taker, late.month) - _price_beside(taker, early.month)
            if (early.month == row.place and early.amount == late.amount
                    and dearer <= deviation(late_by[row.month], 0)):
                ordered[at] = links[at]._replace(credits=ordered[other].credits)
                ordered[other] = links[other]._replace(credits=links[at].credits)
                late_by[row.month] = 0
                break
    return tuple(ordered)


def _price_beside(row: Row, month: int) -> int:
    """What a credit of a month costs back pay or a top-up."""
    return deviation(month, priced_due(row) or month)


def nearest(links: tuple[Link, ...], rows: list[Row], coins: list[Coin]) -> tuple[Link, ...]:
    """Of odd credits of one month the larger is the line's that is due more: which is whose costs the search the same.

    Two credits that each lack the same deduction are then no shortfall beside a surplus.
    """
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for at, link in enumerate(links):
        if link.kind == "inexact" and len(link.lines) == len(link.credits) == 1:
            coin, row = coins[link.credits[0]], rows[link.lines[0]]
            if coin.printed is None and row.arrival is not None and row.arrival < coin.month:
                groups[coin.month, row.stream].append(at)
    ordered = list(links)
    for group in (group for group in groups.values() if len(group) > 1):
        lines = sorted((links[at].lines for at in group), key=lambda each: (rows[each[0]].amount or 0, each))
        credits = sorted((links[at].credits for at in group), key=lambda each: (coins[each[0]].amount, each))
        for at, line, credit in zip(group, lines, credits, strict=True):
            ordered[at] = links[at]._replace(lines=line, credits=credit)
    return tuple(ordered)


def oldest_first(links: tuple[Link, ...], rows: list[Row], coins: list[Coin]) -> list[Link]:
    """Of equal credits of one month the older line has the earlier, whatever streams they belong to: the same price."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, link in enumerate(links):
        coin = coins[link.credits[0]]
        if link.kind == "1:1" and coin.printed is None:
            groups[coin.month, coin.amount].append(at)
    ordered = list(links)
    for (month, _), group in groups.items():
        if len(group) > 1:
            lines = sorted((links[at].lines for at in group), key=lambda each: (rows[each[0]].month, each))
            credits = sorted((links[at].credits for at in group), key=lambda each: (coins[each[0]].day, each))
            if all(rows[i].arrival != month or coins[j].day >= (rows[i].day or 0)
                   for (i,), (j,) in zip(lines, credits, strict=True)):
                for at, line, credit in zip(group, lines, credits, strict=True):
                    ordered[at] = Link(line, credit, "1:1")
    return ordered


def priced_due(row: Row) -> int | None:
    """The due month that a line's links are priced against: of back pay and top-ups the schedule's own.

    Of a month whose premium came after a later month's its usual place: it is late, but a month like any other.
    """
    if row.stream.startswith(LATE) and row.due is not None:
        return row.place
    return row.due - row.ahead if row.is_beside and row.due is not None else row.due
