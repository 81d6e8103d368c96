"""Lines whose amount nobody knows, and the credits that stand in their place (docs/matching.md).

What they are likely to be due (the amount by the rules around) tells several apart and finds what came late or
together; otherwise a credit in the place of such a line is its own, whatever its sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import combinations

from recon.core.links import ANNUAL_REACH_MONTHS, REACH_MONTHS
from recon.core.match_rows import Account, Coin, Output, Row, amounts_of


def place_unknown(
    account: Account, rows: list[Row], coins: list[Coin], spare: list[int], out: Output
) -> list[int]:
    """Lines whose amount is not known take the credit in their place, one to one, at no price.

    First that which they are likely to be due, then a later one of just that sum, then any. One that is just what its
    month and those before it are likely to be due, which have none of their own, is all theirs.
    """
    taken: set[int] = set()
    todo = [row for row in rows if row.by_place and not row.annual]
    for j, run in _likely_runs(todo, coins, spare):
        for row in run:
            out.link(account, row, coins[j], row.estimate or 0, "N:1")
            todo.remove(row)
        taken.add(j)
    busy = {row.due_place for row in todo}
    taken |= _take(account, todo, coins, [j for j in spare if j not in taken], out, late=0, likely=True, busy=busy)
    last = max((row.place for row in rows), default=0)  # what comes after it is of months still to come
    for j in spare:
        coin = coins[j]
        late_for = [row for row in todo if row.estimate == coin.amount and row.paid and row.due_place is not None
                    and 0 < coin.month - row.due_place <= REACH_MONTHS]
        if late_for and j not in taken and coin.month <= last and coin.says_nothing:
            row = max(late_for, key=lambda row: row.due_place or 0)
            out.link(account, row, coin, coin.amount, "1:1")
            taken.add(j)
            todo.remove(row)
    for late in (0, 1, 2):
        taken |= _take(account, todo, coins, [j for j in spare if j not in taken], out, late=late, likely=False,
                       busy=busy)
    # What else came in such a month stands there too: whether it is too much cannot be told. But beside what the
    # line is likely to be due another line's sum came twice.
    served = {row.due_place: row for row in rows if row.by_place and not row.annual and row not in todo}
    came = {(coins[j].month, coins[j].amount) for j in taken}
    known = {(row.place, fen) for row in rows if row.payable for fen in amounts_of(row)}
    for j in spare:
        month = coins[j].month
        row_there = served.get(month)
        twice = row_there is not None and (month, row_there.estimate) in came and (month, coins[j].amount) in known
        if j not in taken and row_there is not None and not twice and coins[j].printed is None:
            out.link(account, row_there, coins[j], coins[j].amount, "1:N")
            taken.add(j)
    return [j for j in spare if j not in taken]


def _take(
    account: Account, todo: list[Row], coins: list[Coin], spare: list[int], out: Output, *, late: int, likely: bool,
    busy: Collection[int | None],
) -> set[int]:
    """The credits that lines of ``todo`` take so many months after their place; the lines are done then.

    likely: only those that print the line's month or are just what it is likely to be due. busy: places of lines.
    """
    mine: set[int] = set()
    for row in list(todo):
        for j in spare:
            coin = coins[j]
            if j in mine or coin.named:
                continue
            if coin.printed is not None:
                fits = coin.printed == row.month
            elif likely and coin.amount != row.estimate:
                continue
            elif row.due_place is None:
                fits = 0 <= coin.month - row.month <= ANNUAL_REACH_MONTHS
            else:
                # A later credit is only taken where it is not the place of another such line.
                fits = coin.month == row.due_place + late and (late == 0 or coin.month not in busy)
            if fits:
                out.link(account, row, coin, coin.amount, "1:1")
                mine.add(j)
                todo.remove(row)
                break
    return mine


def _likely_runs(todo: list[Row], coins: list[Coin], spare: list[int]) -> list[tuple[int, list[Row]]]:
    """Credits that are just what a line and those of the months right before it are likely to be due, and these lines.

    Only the last one's place has a credit: what the rule gave them is not known, but that it came together is. Months
    paid late have the same place; so may back pay and top-ups, of which it is neighbours' that need not be the last.
    """
    came = {coins[j].month for j in spare}
    by_month = {row.month: row for row in todo
                if row.stream == "normal" and row.estimate and row.due_place is not None and row.paid}
    found: list[tuple[int, list[Row]]] = []
    for j in spare:
        coin = coins[j]
        last = max((row for row in by_month.values() if row.due_place == coin.month),
                   key=lambda row: row.month, default=None)
        if last is None or not coin.says_nothing:
            continue
        run, left = [last], coin.amount - (last.estimate or 0)
        while left > 0:
            before = by_month.get(run[0].month - 1)
            if before is None or before.due_place in came - {coin.month}:
                break
            run.insert(0, before)
            left -= before.estimate or 0
        if not left and len(run) > 1:
            found.append((j, run))
            for row in run:
                del by_month[row.month]
    gone = {j for j, _ in found}
    streams = defaultdict(list)
    for row in sorted(todo, key=lambda row: row.month):
        if row.stream != "normal" and row.estimate and row.due_place is not None and row.paid:
            streams[row.stream, row.due_place].append(row)
    for (_, place), group in streams.items():
        for j in spare:
            late = coins[j].month - place
            if j in gone or not 0 <= late <= REACH_MONTHS or not coins[j].says_nothing:
                continue
            # Later than in their place only all of them together.
            spans = [(0, len(group))] if late else combinations(range(len(group) + 1), 2)
            mine = next((group[first:end] for first, end in spans if end - first > 1
                         and sum(row.estimate or 0 for row in group[first:end]) == coins[j].amount), [])
            if mine:
                found.append((j, mine))
                gone.add(j)
                group[:] = [row for row in group if row not in mine]
    return found
