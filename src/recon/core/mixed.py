"""Credits of several lines of one place, of some of which only what they are likely to be due is known.

Two payments of a month, or a month paid late with the next, come as one credit. Where a city's rule is known for one of
them alone, the search knows no sum of both; what the other is likely to be due makes it the very sum of the credit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from recon.core.match_rows import Account, Coin, Output, Row, amounts_of


def find_mixed(rows: list[Row], coins: list[Coin]) -> dict[int, list[Row]]:
    """By credit all lines of its place (of the month it prints), or two, whose sum it is: one of unknown amount.

    None that is just what one line is due or likely to be due.
    """
    there: dict[int | None, list[Row]] = defaultdict(list)
    of_month: dict[int, list[Row]] = defaultdict(list)
    alone: set[int] = set()
    for row in rows:
        if row.likely and row.due is not None and not row.annual and (row.payable or (row.by_place and row.paid)):
            there[row.place if row.amount else row.due_place].append(row)
            of_month[row.month].append(row)
            alone.update(amounts_of(row) if row.amount else [row.likely])
    found: dict[int, list[Row]] = {}
    for j, coin in enumerate(coins):
        group = there.get(coin.month, []) if coin.printed is None else of_month.get(coin.printed, [])
        if len(group) < 2 or coin.amount in alone or coin.named or all(row.amount for row in group):
            continue
        pairs = ([one, other] for at, one in enumerate(group) for other in group[:at])
        sums = [each for each in (group, *pairs)
                if sum(row.likely for row in each) == coin.amount and not all(row.amount for row in each)]
        if sums and not any(row in mine for mine in found.values() for row in sums[0]):
            found[j] = sorted(sums[0], key=lambda row: (row.month, row.number))
    return found


def place_mixed(
    account: Account, open_rows: list[Row], coins: list[Coin], spare: list[int], mixed: Mapping[int, list[Row]],
    out: Output,
) -> tuple[list[int], set[int]]:
    """The credits of :func:`find_mixed` whose known lines are open are theirs: what is left, the lines' numbers."""
    served: set[int] = set()
    left = []
    for j in spare:
        mine = mixed.get(j, [])
        if not mine or any(row.amount and row not in open_rows for row in mine):
            left.append(j)
            continue
        for row in mine:
            out.link(account, row, coins[j], row.likely, "N:1")
            served.add(row.number)
            if row in open_rows:
                out.settle(row)
                open_rows.remove(row)
    return left, served

