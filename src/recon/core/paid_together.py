"""One credit for a month and for what was paid with it: arrears, a month paid late, a top-up that arrived together.

Links stay within one stream (docs/matching.md); such a credit is two, a month's own and that of the rest, before
anything is linked. Only where the sums are exact and the months around leave no other reading. So is a credit for a
month and for one beside it that no record lists: nobody can say what that one is due.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import replace

from recon.core.match_prices import is_like
from recon.core.match_rows import Coin, Output, Row, amounts_of

AROUND = 2  # months on either side that must have their own credits


def with_parts(rows: list[Row], coins: list[Coin]) -> list[Coin]:
    """``coins``, each that is just a month's amount and all of another stream that arrived with it as these two.

    rows: payable lines, streams set apart. The month has no credit of its own sum in its place, nor has the rest; and
    the month before has its credit in its own place, so that the one asked about holds none of it.
    """
    rest: dict[tuple[str, int], list[Row]] = defaultdict(list)
    normal: dict[int, list[Row]] = defaultdict(list)
    by_place: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.annual or row.prepaid or row.amount is None or row.arrival is None:
            continue
        if row.stream == "normal":
            normal[row.clock].append(row)
            by_place[row.place].append(row)
        elif row.stream != "retiree":
            rest[row.stream, row.clock].append(row)
    if not rest:
        return coins
    came = Counter((coin.month, coin.amount) for coin in coins)
    parts: dict[tuple[int, int], tuple[int, int]] = {}
    for (_, clock), others in sorted(rest.items()):
        if len(normal[clock]) != 1:
            continue
        row = normal[clock][0]
        place = row.place
        before_came = all(any(came[place - 1, each] for each in amounts_of(other)) for other in by_place[place - 1])
        for value in (_due, _once):
            amount, total = value(row), sum(value(each) for each in others)
            alone = came[place, amount + total] == 1 and not came[place, amount] and not came[place, total]
            if alone and before_came and len(by_place[place]) == 1 and total > 0:
                parts.setdefault((place, amount + total), (amount, total))
                break
    return [part for coin in coins for part in _parts_of(coin, parts)] if parts else coins


def without_unlisted(rows: list[Row], coins: list[Coin]) -> tuple[list[Coin], list[tuple[int, Coin]]]:
    """``coins`` with a month's amount alone where they hold that and what a month without any line would get.

    Then such months with what is theirs. rows: all lines. The two are neighbours, the credit is in the later one's
    place and none is in the other's, the rest is like what the months around are due
    (:func:`~recon.core.match_prices.is_like`), and these have their own credits in their own places.
    """
    by_month: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.absent:
            by_month[row.month].append(row)
    gaps = [month for month in range(min(by_month, default=0) + 1, max(by_month, default=0)) if month not in by_month]
    if not gaps:
        return coins, []
    came: dict[int, list[Coin]] = defaultdict(list)
    for coin in coins:
        came[coin.month].append(coin)
    parts: dict[int, tuple[int, int]] = {}
    for gap in gaps:
        around = {month: row for month in range(gap - AROUND, gap + AROUND + 1) for row in by_month.get(month, ())}
        if not all(_is_plain(row) and len(by_month[month]) == 1 for month, row in around.items()):
            continue
        for other in (gap + 1, gap - 1):
            if other not in around:
                continue
            row = around[other]
            first, last = sorted((row.place, row.place + gap - other))
            if came[first] or len(came[last]) != 1:
                continue
            coin = came[last][0]
            if not _may_be_cut(coin):
                continue
            rests = (coin.amount - each for each in amounts_of(row))
            rest = next((fen for fen in rests if is_like(fen, gap, rows)), None)
            if rest is not None and all(_has_own(each, came) for each in around.values() if each is not row):
                parts.setdefault(coin.number, (gap, rest))
    cut = [coin for coin in coins if coin.number in parts]
    unlisted = [(parts[coin.number][0], _of(coin, parts[coin.number][1])) for coin in cut]
    left = {coin.number: _of(coin, coin.amount - parts[coin.number][1]) for coin in cut}
    return [left.get(coin.number, coin) for coin in coins], unlisted


def _may_be_cut(coin: Coin) -> bool:
    """Nothing says what it is for, and no part of it was taken back."""
    return coin.says_nothing and coin.gross == coin.amount


def _of(coin: Coin, fen: int) -> Coin:
    return replace(coin, amount=fen, gross=fen)


def _is_plain(row: Row) -> bool:
    return row.payable and row.stream == "normal" and not row.annual and not row.prepaid and bool(row.amount)


def _has_own(row: Row, came: dict[int, list[Coin]]) -> bool:
    return any(coin.amount in amounts_of(row) for coin in came[row.place])


def _due(row: Row) -> int:
    return row.amount or 0


def _once(row: Row) -> int:
    """What is due if both parties' shares are rounded together."""
    return row.rounding if row.rounding is not None and row.once else _due(row)


def _parts_of(coin: Coin, parts: dict[tuple[int, int], tuple[int, int]]) -> list[Coin]:
    sums = parts.get((coin.month, coin.amount))
    if sums is None or not _may_be_cut(coin):
        return [coin]
    return [_of(coin, fen) for fen in sums]


def name_parts(coins: Collection[Coin], out: Output, begin: int) -> None:
    """Links of a credit in parts are of several lines to one: their kind says so. begin: the account's first link."""
    numbers = Counter(coin.number for coin in coins)
    for at in range(begin, len(out.links["line"])):
        if out.links["kind"][at] == "1:1" and numbers[int(str(out.links["credit"][at]))] > 1:
            out.links["kind"][at] = "N:1"
