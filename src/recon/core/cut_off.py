"""Lumps of a steady rhythm whose first or last months lie outside the person's own lines (docs/matching.md).

An account that gets three months at once, four times a year, gets them also for the quarter in which its record begins
or ends: what the credit holds for the months without a line is no surplus, and those with one did get theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from recon.core.links import REACH_MONTHS
from recon.core.match_prices import is_like
from recon.core.match_rows import Account, Coin, Output, Row

LUMPS = 2  # so many credits of equally many months, equally long after them, make a rhythm
MOST_MONTHS = 6  # of one lump


def find_cut_off(rows: list[Row], coins: list[Coin], usual: int) -> dict[int, list[Row]]:
    """By credit the lines of the months that it holds, where it holds as many without a line before or after them.

    Most lines come in lumps of one rhythm; what the credit holds more than these lines' sum is like what the months
    beside those without a line are due.
    """
    line_of = {row.month: row for row in rows if row.stream == "normal" and row.amount}
    if len(coins) * 3 > len(line_of) * 2 or len(line_of) < sum(row.stream == "normal" for row in rows):
        return {}
    free = [j for j, coin in enumerate(coins) if coin.printed is None and not coin.named and coin.amount > 0]
    rhythm = Counter((count, lag) for j in free for lag in range(REACH_MONTHS + 1)
                     for count in _counts(coins[j].month - lag, coins[j].amount, line_of))
    if not rhythm:
        return {}
    count, lag = min(rhythm, key=lambda each: (-rhythm[each], abs(each[1] - usual), each))
    often = rhythm[count, lag]
    if often < LUMPS or often * count * 2 < len(line_of):
        return {}
    first, last = min(line_of), max(line_of)
    found: dict[int, list[Row]] = {}
    for j in free:
        end = coins[j].month - lag
        begin = end - count + 1
        if not (begin < first <= end or begin <= last < end):
            continue
        months = range(max(begin, first), min(end, last) + 1)
        mine = [line_of[month] for month in months if month in line_of]
        rest = coins[j].amount - sum(row.amount or 0 for row in mine)
        beside = first - 1 if begin < first else last + 1
        if len(mine) == len(months) and rest > 0 and is_like(rest // (count - len(mine)), beside, rows):
            found[j] = mine
    return found


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
