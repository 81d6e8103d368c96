"""Payments of one month that are credited in one sum (docs/matching.md): one line to the matching, two in the answers.

Who is paid for twice a month (two employers, two spells, a split bill) and gets both in one credit, month by month, is
due one sum a month: it is open once, short or too much as a whole, late as a whole and comes twice as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from math import prod

from recon.core.match_rows import Coin, Output, Row, amounts_of

WHOLE_MONTHS = 3  # so many months must be credited in one sum, and so many times as many as those that are not
MOST_WAYS = 32  # sums that the lines of one month may be due

KINDS = {"1:1": "N:1", "1:N": "N:M"}  # what a link of the one line is to the several

Joined = dict[int, list[Row]]  # by the number of the line that stands for them: the lines of a month, the oldest first


def join_lines(rows: list[Row], coins: list[Coin]) -> tuple[list[Row], Joined]:
    """``rows`` with one line for the payments of each month, where the account's months are credited in one sum.

    A month of which one payment's own sum came stays as it is: nothing came of the other.
    """
    of_month: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.payable and row.stream == "normal":
            of_month[row.month].append(row)
    several = {month: its for month, its in of_month.items() if len(its) > 1}
    if len(several) < WHOLE_MONTHS:
        return rows, {}
    several = {month: its for month, its in several.items() if _may_be_one(its)}
    came = Counter((coin.month, coin.amount) for coin in coins if not coin.named)
    whole = {month for month, its in several.items()
             if any(came[its[0].place, sum(way)] for way in _ways(its))}
    apart = {month for month, its in several.items() if month not in whole
             and any(came[its[0].place, fen] for row in its for fen in amounts_of(row))}
    if len(whole) < WHOLE_MONTHS * max(len(apart), 1):
        return rows, {}
    usual = {sum(way) for month in whole for way in _ways(several[month])} | {
        fen for its in of_month.values() if len(its) == 1 for fen in amounts_of(its[0])}
    odd = {coin.amount for coin in coins} - usual  # sums that no month's is
    apart.update(month for month, its in several.items() if odd & {fen for row in its for fen in amounts_of(row)})
    joined = {its[0].number: its for month, its in several.items() if month in whole or month not in apart}
    others = {row.number for its in joined.values() for row in its[1:]}
    return [_as_one(joined[row.number]) if row.number in joined else row for row in rows
            if row.number not in others], joined


def _may_be_one(its: list[Row]) -> bool:
    """Whether lines of one month agree in all but what they are due and on which day they arrived."""
    first = its[0]
    same = ("arrival", "due", "usual", "shift", "open_price", "paid", "run_late", "steady", "ahead", "behind")
    return all(
        row.amount and row.arrival is not None and row.unrefunded is None
        and not (row.half_yuan or row.by_place or row.annual or row.prepaid)
        and all(getattr(row, name) == getattr(first, name) for name in same)
        for row in its
    ) and prod(len(amounts_of(row)) for row in its) <= MOST_WAYS


def _ways(its: list[Row]) -> list[tuple[int, ...]]:
    """What the lines may be due, each: the amounts due first."""
    return list(product(*map(amounts_of, its)))


def _as_one(its: list[Row]) -> Row:
    """One line that is due what all of them are."""
    sums = list(dict.fromkeys(sum(way) for way in _ways(its)))
    days = [row.day for row in its]
    return replace(
        its[0], amount=sums[0], accepts=sums[1:], rounding=None, once=None, weak=any(row.weak for row in its),
        followed=any(row.followed for row in its), estimate=None,
        day=None if None in days else min(day for day in days if day is not None),
    )


def part_again(joined: Mapping[int, list[Row]], out: Output, begin: int) -> None:
    """The links and margins of joined lines as those of each payment. ``begin``: the account's first link."""
    if not joined:
        return
    for number, its in joined.items():
        out.margin_as(its[0], its[1:])
        links = out.links_of(number, begin)
        left = _shares(its, sum(fen for _, fen, _ in links))
        for place, fen, kind in links:
            shares: dict[int, int] = {}
            for at, row in enumerate(its):
                share = min(left[at], fen)
                shares[row.number] = share
                left[at], fen = left[at] - share, fen - share
            out.share(place, shares, KINDS.get(kind, kind))


def _shares(its: list[Row], came: int) -> list[int]:
    """What each line has of ``came``: what it may be due, else in proportion; what is too much is the last one's."""
    for way in _ways(its):
        if sum(way) == came:
            return list(way)
    dues = [row.amount or 0 for row in its]
    total = sum(dues)
    shares = [due if came >= total else came * due // total for due in dues]
    return [*shares[:-1], came - sum(shares[:-1])]
