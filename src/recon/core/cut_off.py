"""Lumps of a steady rhythm whose first or last months lie outside the person's own lines (docs/matching.md).

An account that gets three months at once, four times a year, gets them also for the quarter in which its record begins
or ends: what the credit holds for the months without a line is no surplus, and those with one did get theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from operator import itemgetter

from recon.core.links import REACH_MONTHS
from recon.core.match_prices import is_like
from recon.core.match_rows import Account, Coin, Output, Row

LUMPS = 2  # so many credits of equally many months, equally long after them, make a rhythm; one of them is whole
MOST_MONTHS = 6  # of one lump


def find_cut_off(rows: list[Row], coins: list[Coin], usual: int) -> dict[int, list[Row]]:
    """By credit the lines of the months that it holds, where it holds as many without a line before or after them.

    Most lines come in lumps of one rhythm; what the credit holds more than these lines' sum is like what the months
    beside those without a line are due.
    """
    line_of = {row.month: row for row in rows if row.stream == "normal" and row.amount}
    if len(line_of) < sum(row.stream == "normal" for row in rows) or not line_of:
        return {}
    if sum(min(line_of) < coin.month <= max(line_of) + usual for coin in coins) * 3 > len(line_of) * 2:
        return {}  # not so much more often than month by month
    free = [j for j, coin in enumerate(coins) if coin.says_nothing and coin.amount > 0]
    whole: dict[tuple[int, int], list[int]] = defaultdict(list)  # months and lag: credits that hold just so many lines
    for j, lag in product(free, range(REACH_MONTHS + 1)):
        for count in _counts(coins[j].month - lag, coins[j].amount, line_of):
            whole[count, lag].append(j)
    best, least = dict[int, list[Row]](), (0, 0)
    for (count, lag), mine in whole.items():
        cut = {j: lines for j in free
               if all((coins[j].month - coins[other].month) % count == 0 for other in mine)
               and (lines := _cut(coins[j], count, lag, line_of, rows))}
        held = len(mine) * count + sum(map(len, cut.values()))
        if len(mine) + len(cut) >= LUMPS and held * 2 >= len(line_of):
            # Of one sum month after month many lags fit as well, and may cut off what is whole: the usual is likely.
            best, least = max((best, least), (cut, (len(mine) + len(cut), -abs(lag - usual))), key=itemgetter(1))
    return best


def _cut(coin: Coin, count: int, lag: int, line_of: Mapping[int, Row], rows: list[Row]) -> list[Row]:
    """The lines of the ``count`` months up to ``lag`` before a credit that holds these months' sum and more.

    None where all months have a line, where one within the record has none, or the rest is unlike the months outside.
    """
    first, last = min(line_of), max(line_of)
    end = coin.month - lag
    begin = end - count + 1
    if not (begin < first <= end or begin <= last < end):
        return []
    months = range(max(begin, first), min(end, last) + 1)
    mine = [line_of[month] for month in months if month in line_of]
    rest = coin.amount - sum(row.amount or 0 for row in mine)
    beside = first - 1 if begin < first else last + 1
    like = len(mine) == len(months) and rest > 0 and is_like(rest // (count - len(mine)), beside, rows)
    return mine if like else []


def _counts(end: int, amount: int, line_of: Mapping[int, Row]) -> list[int]:
    """How many months up to ``end``, more than one, have a sum."""
    found, left = [], amount
    for count in range(1, MOST_MONTHS + 1):
        row = line_of.get(end - count + 1)
        if row is None or left <= 0:
            break
        left -= row.amount or 0
        if not left and count > 1:
            found.append(count)
    return found


def place_cut_off(
    account: Account, open_rows: list[Row], coins: list[Coin], spare: list[int], cut_off: Mapping[int, list[Row]],
    out: Output,
) -> list[int]:
    """The credits of :func:`find_cut_off`, if their lines are all open; what they hold more stands in no month."""
    taken: set[int] = set()
    for j in spare:
        mine = cut_off.get(j, [])
        if not mine or any(row not in open_rows for row in mine):
            continue
        for row in mine:
            out.link(account, row, coins[j], row.amount or 0, "N:1" if len(mine) > 1 else "1:1")
            out.settle(row)
            out.doubt(row, tied=False)
            open_rows.remove(row)
        taken.add(j)
    return [j for j in spare if j not in taken]
