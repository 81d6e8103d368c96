"""What the joint best set leaves over, and where it is placed (docs/matching.md).

Yearly and prepaid credits, lone months and lone credits, shortfalls made good, the surplus.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from recon.core.links import (
    HALF_YUAN,
    INEXACT_LATE,
    REACH_MONTHS,
    Link,
    is_beyond_top_up,
    quarters_off,
)
from recon.core.made_good import Extra, Lack, made_good
from recon.core.match_prices import DEDUCTION_YEARS, NEAR_MONTHS, YEAR, is_like
from recon.core.match_rows import END_MONTHS, Account, Coin, Output, Row, amounts_of

# So many months with a credit before the person's own lines show that the account was credited month by month then.
BEFORE_MONTHS = 2


class Found(NamedTuple):
    """The month of ``row``'s own credit, and how many months after its premium that is."""

    row: Row
    came: int
    lag: int


def _is_its_own(coin: Coin, place: Row, rows: list[Row]) -> bool:
    """Whether a credit has just the sum of the line in whose place it came, and of no line near it: it came twice."""
    return coin.amount in amounts_of(place) and not any(
        coin.amount in amounts_of(row) for row in rows
        if row.month != place.month and abs(row.month - place.month) <= NEAR_MONTHS)


def place_annual(
    account: Account, rows: list[Row], open_rows: list[Row], coins: list[Coin], spare: list[int], out: Output
) -> list[int]:
    """Yearly credits that no exact link explains: shared out over the open months of their window, oldest first.

    Lines whose amount is unknown take equal shares, or the accepted amounts where these add up. What is more than all
    twelve months were due is a surplus of the last; of a window that is not all at hand nothing can be said. What is
    lacking is proved, of which months is not: where it is a whole month or more, any of them may be open.
    """
    used: set[int] = set()
    for due in sorted({row.due for row in rows if row.annual and row.due is not None}):
        pot = [j for j in spare if j not in used and coins[j].month in (due, due + 1) and coins[j].printed is None]
        window = [row for row in rows if row.annual and row.due == due]
        todo = [row for row in window if row in open_rows or row.by_place]
        if not pot or not todo:
            continue
        used.update(pot)
        total = sum(coins[j].amount for j in pot)
        needs = _yearly_shares(todo, total)
        kind = "inexact" if total != sum(needs) else "N:M" if len(pot) > 1 else "N:1"
        for j in pot:
            left = coins[j].amount
            for number, row in enumerate(todo):
                part = min(left, needs[number])
                if part:
                    out.link(account, row, coins[j], part, kind)
                    needs[number] -= part
                    left -= part
            if left and len({row.month for row in window}) >= YEAR:
                out.link(account, window[-1], coins[j], left, "1:N", surplus=True)
        for row in todo:
            if row in open_rows:
                open_rows.remove(row)
        lacking = sum(needs)
        if lacking > 0:  # the sums prove how much, not of which months
            tied = len(todo) > 1 and lacking >= min(row.amount or 0 for row in todo)
            for row in todo:
                out.doubt(row, tied=tied)
    return [j for j in spare if j not in used]


def place_prepaid(
    account: Account, rows: list[Row], open_rows: list[Row], coins: list[Coin], spare: list[int], out: Output
) -> list[int]:
    """A year paid in advance that no exact link explains: each month at hand takes its share.

    The credit holds a month's amount, or what is likely to be it, for twelve months or for those up to December; or,
    on the base of an earlier year, another sum twelve times. A record that begins later than the year that January paid
    for has the rest of it. What is left is of months whose lines are still to come, or never will where the person
    left: it stands in no month.
    """
    taken: set[int] = set()
    todo = [row for row in rows if row.prepaid and row.stream == "normal" and row.likely
            and (row in open_rows or (row.by_place and row.paid))]
    for j in spare:
        coin = coins[j]
        if not coin.says_nothing:
            continue
        ahead = sorted((row for row in todo if coin.month <= row.month < coin.month + YEAR), key=lambda row: row.month)
        if not ahead:
            continue
        first = ahead[0]
        count, each = _prepaid_share(coin.gross, first)
        if count and coin.gross != coin.amount:  # what was taken back is of the last months
            count = coin.amount // each
        late = first.month > coin.month + 1  # the record begins within the year: the months before it had theirs
        mine = [row for row in ahead if row.month < (coin.month if late else first.month) + count]
        if (
            not count or (late and (count < YEAR or coin.month % YEAR or any(row.month < first.month for row in rows)))
            or [row.month for row in mine] != list(range(first.month, first.month + len(mine)))
        ):
            continue
        for row in mine:
            share = each if row.amount is None else min(each, row.amount)
            out.link(account, row, coin, share, "N:1" if share == row.likely else "inexact")
            todo.remove(row)
            if row in open_rows:
                out.settle(row)
                open_rows.remove(row)
        taken.add(j)
    return [j for j in spare if j not in taken]


def _prepaid_share(total: int, first: Row) -> tuple[int, int]:
    """For how many months from ``first`` on a sum paid in advance is, and what each of them has; 0 where it is none."""
    count, rest = divmod(total, first.likely)
    if not rest and count in (YEAR, YEAR - first.month % YEAR):
        return count, first.likely
    each, rest = divmod(total, YEAR)
    if not rest and first.amount is None and first.month % YEAR == 0 and each * 2 > first.likely > each // 2:
        return YEAR, each
    return 0, 0


def without_next_year(rows: list[Row], coins: list[Coin]) -> list[Coin]:
    """The credits less a year in advance whose lines are all still to come: it stands in no month.

    The account's last lines have had theirs the same way: a year before, or when their first month was paid.
    """
    lines = [row for row in rows if row.prepaid and row.stream == "normal" and row.likely]
    if len(coins) < 2 or not lines:
        return coins
    last = max(lines, key=lambda row: row.month)
    first = min((row for row in lines if row.month // YEAR == last.month // YEAR), key=lambda row: row.month)
    if not any(0 <= first.month - coin.month <= 1 and _prepaid_share(coin.gross, first)[0] for coin in coins):
        return coins
    return [coin for coin in coins if not (
        coin.month % YEAR == 0 and last.month < coin.month <= last.month + 2 and coin.amount == YEAR * last.likely)]


def paid_ahead(rows: list[Row], coins: list[Coin]) -> tuple[set[int], list[Row]]:
    """Credits that paid a year in advance whose lines do not add up to it, and these lines: :func:`place_prepaid`'s.

    January's credit is twelve times what January was due, and the lines are not all at hand yet, or a raise came since.
    Of a steady wage it is also the sum of the year before, and nothing else says that this had its own: so two
    such Januaries in a row must tell that this is how the account is paid.
    """
    lines = {row.month: row for row in rows if row.prepaid and row.stream == "normal" and row.likely}
    years = {coin.month: j for j, coin in enumerate(coins)
             if coin.month % YEAR == 0 and coin.says_nothing
             and coin.month in lines and coin.amount == YEAR * lines[coin.month].likely}
    found, theirs = set[int](), list[Row]()
    for begin, j in years.items():
        mine = [lines[month] for month in range(begin, begin + YEAR) if month in lines]
        if mine[-1].month != begin + len(mine) - 1 or sum(row.likely for row in mine) == coins[j].amount:
            continue
        if begin - YEAR in years or begin + YEAR in years:
            found.add(j)
            theirs += mine
    return found, theirs


def _yearly_shares(rows: list[Row], total: int) -> list[int]:
    """What each month of a window takes of a yearly sum."""
    if all(row.amount is not None for row in rows):
        return [row.amount or 0 for row in rows]
    for number in range(max(len(row.accepts) for row in rows)):
        accepted = [row.accepts[number] if len(row.accepts) > number else 0 for row in rows]
        if sum(accepted) == total:
            return accepted
    known = sum(row.amount or 0 for row in rows)
    unknown = [row for row in rows if row.amount is None]
    rest = max(total - known, 0)
    each, over = divmod(rest, len(unknown))
    extra = iter([over] + [0] * len(unknown))
    return [row.amount if row.amount is not None else each + next(extra) for row in rows]


def place_inexact(
    account: Account, rows: list[Row], open_rows: list[Row], coins: list[Coin], spare: list[int],
    left_prices: list[int], usual: int, out: Output,
) -> list[int]:
    """A lone due month and a lone credit in its place, not one that came twice; later only one of nearly the amount.

    And none where a month without a line would have had its own.
    """
    taken: set[int] = set()
    of_absent = {row.month + usual for row in rows if row.absent}
    theirs = {j for j in spare if coins[j].month in of_absent and is_like(
        coins[j].amount, coins[j].month - usual, rows)}
    used = {(coin.month, coin.amount) for j, coin in enumerate(coins) if j not in spare}
    free = [j for j in spare
            if left_prices[j] and not coins[j].named and (coins[j].month, coins[j].amount) not in used]
    for late in range(INEXACT_LATE + 1):
        for row in list(open_rows):
            if row.due is None or not row.open_price or row.annual:
                continue
            here = [
                j for j in free
                if coins[j].month == row.due + late
                and (coins[j].printed is None or coins[j].printed == row.month)
                and not (late and j in theirs)
                and not ((late or j in theirs) and quarters_off(row.amount or 0, coins[j].amount))
                and not (row.stream == "top_up" and is_beyond_top_up(row.amount or 0, coins[j].amount))
            ]
            if here:
                out.link(account, row, coins[here[0]], coins[here[0]].amount, "inexact")
                free.remove(here[0])
                taken.add(here[0])
                open_rows.remove(row)
    return [j for j in spare if j not in taken]


def place_holed(
    account: Account, rows: list[Row], open_rows: list[Row], coins: list[Coin], spare: list[int],
    holed: dict[int, tuple[int, int, int]], out: Output,
) -> list[int]:
    """Credits of months in a row less one in their middle (``holed``, of :func:`find_holed`), if all are open."""
    taken: set[int] = set()
    for j in spare:
        if j not in holed:
            continue
        first, last, hole = holed[j]
        group = rows[first:last + 1]
        if all(row in open_rows for row in group):
            for row in group[:hole - first] + group[hole - first + 1:]:
                out.link(account, row, coins[j], row.amount or 0, "N:1")
                out.settle(row)
                open_rows.remove(row)
            out.settle(rows[hole])
            taken.add(j)
    return [j for j in spare if j not in taken]


def make_good(
    account: Account, rows: list[Row], coins: list[Coin], spare: list[int], out: Output, begin: int,
    crossing: Collection[int],
) -> list[int]:
    """Shortfalls and open months that a later credit makes good exactly (:mod:`recon.core.made_good`) are its links.

    begin: where the account's links begin in ``out``. A credit that was too much for its own line keeps that line's
    amount there. Where a deduction runs, what it takes is neither lacking nor made good.
    crossing: credits that the search left although an older month of their very sum is open: the order
    of equal sums alone kept them apart.
    """
    spare = _made_good(account, rows, coins, spare, out, begin, 0, crossing)
    runs = Counter((row.amount or 0) - amount for row in rows for amount in row.deducted)
    for less in sorted(less for less, count in runs.items() if less > 0 and count >= DEDUCTION_YEARS):
        spare = _made_good(account, rows, coins, spare, out, begin, less, crossing)
    return spare


def _made_good(
    account: Account, rows: list[Row], coins: list[Coin], spare: list[int], out: Output, begin: int, less: int,
    crossing: Collection[int],
) -> list[int]:
    """:func:`make_good` of the lines from which ``less`` is deducted; of all lines where that is nothing."""
    got: dict[int, list[int]] = defaultdict(list)  # line: places in out.links
    for at in range(begin, len(out.links["line"])):
        if (line := out.links["line"][at]) is not None:  # a credit may be that of a month without any line
            got[int(str(line))].append(at)
    place_of = {coin.number: j for j, coin in enumerate(coins)}
    lacks, extras, held = [], [], {}
    dues = {row.amount for row in rows}
    for number, row in enumerate(rows):
        if row.annual or row.amount is None or not row.open_price:
            continue
        mine = got.get(row.number, [])
        came = sum(int(str(out.links["amount_fen"][at])) for at in mine)
        if row.netted == came or (less and (
                not came or came in amounts_of(row) or row.amount - less not in row.deducted)):
            continue
        over = came - row.amount + less
        if over < 0 and (not mine or not _is_met(row, came)):
            # What is another month's whole amount is an older base's credit, no deduction.
            steady = came in row.deducted and came not in dues
            # What makes a short credit good comes with it or after it.
            short = max((coins[place_of[int(str(out.links["credit"][at]))]].month for at in mine), default=row.clock)
            day = row.day if short <= row.clock else None
            lacks.append(Lack(number, row.month, max(row.clock, short), day, -over, not mine, steady))
        elif over > 0 and len(mine) == 1 and not _is_met(row, came):
            j = place_of[int(str(out.links["credit"][mine[0]]))]
            if coins[j].says_nothing:
                extras.append(Extra(j, coins[j].month, coins[j].day, over, False))
                held[j] = mine[0]
    if not lacks:
        return spare
    # A second credit of the sum of the months around it came twice: that an open month of the old base and a top-up to
    # the new one make the new sum, too, proves nothing.
    extras += [Extra(j, coins[j].month, coins[j].day, coins[j].amount, True, j in crossing) for j in spare
               if coins[j].says_nothing and not any(
                   row.number in got and row.due is not None and abs(row.due - coins[j].month) <= 1
                   and coins[j].amount in amounts_of(row) for row in rows)]
    for j, run in made_good(lacks, extras).items():
        kind = "1:N" if j not in held and len(run) == 1 else "N:M"
        if j not in held and all(lack.is_whole for lack in run):
            kind = "N:1" if len(run) > 1 else "1:1"
        for at in [at for lack in run for at in got.get(rows[lack.line].number, [])]:
            out.links["kind"][at] = kind
        if j in held:
            out.links["kind"][held[j]] = kind
            out.links["amount_fen"][held[j]] = coins[j].amount - sum(lack.fen for lack in run)
        for lack in run:
            out.link(account, rows[lack.line], coins[j], lack.fen, kind)
            out.settle(rows[lack.line])
        spare = [other for other in spare if other != j]
    return spare


def _is_met(row: Row, came: int) -> bool:
    """Whether a line that got ``came`` got all it is due: another accepted sum, or to the half yuan."""
    return came in (*row.accepts, row.rounding) or (row.half_yuan and abs(came - (row.amount or 0)) <= HALF_YUAN)


def put_older_first(rows: list[Row], coins: list[Coin], out: Output, begin: int) -> None:
    """Of equal credits of one month the older line has the earlier, also where a line's amount is not known.

    begin: where the account's links begin in ``out``.
    """
    row_of, coin_of = {row.number: row for row in rows}, {coin.number: coin for coin in coins}
    lines, credits = out.links["line"], out.links["credit"]
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at in range(begin, len(lines)):
        coin = coin_of[int(str(credits[at]))]
        if lines[at] is not None and out.links["kind"][at] == "1:1" and coin.printed is None:
            groups[coin.month, coin.amount].append(at)
    for (month, _), group in groups.items():
        told = sorted(group, key=lambda at: (row_of[int(str(lines[at]))].month, at))
        if len(told) == 1 or not any(row_of[int(str(lines[at]))].by_place for at in told):
            continue
        days = sorted((coin_of[int(str(credits[at]))] for at in told), key=lambda coin: (coin.day, coin.number))
        if all(row.arrival != month or coin.day >= (row.day or 0)
               for row, coin in zip((row_of[int(str(lines[at]))] for at in told), days, strict=True)):
            for at, coin in zip(told, days, strict=True):
                credits[at] = coin.number


def lags_found(links: Iterable[Link], rows: Sequence[Row], coins: Sequence[Coin]) -> dict[int, Found]:
    """By line, in order: the months of the normal stream with just their own credit, and how late that came."""
    found = [Found(rows[link.lines[0]], coins[link.credits[0]].month, coins[link.credits[0]].month
                   - rows[link.lines[0]].clock) for link in links
             if link.kind == "1:1" and rows[link.lines[0]].stream == "normal" and not rows[link.lines[0]].annual]
    return {each.row.number: each for each in sorted(found, key=lambda each: each.row.month)}


def beyond_ends(
    rows: Sequence[Row], coins: Sequence[Coin], spare: Sequence[int], lags: Mapping[int, Found]
) -> list[int]:
    """Left credits that stand outside the person's lines by the lag at which the first, or the last, of them came.

    That lag is another than the usual, and :data:`END_MONTHS` in a row show it: what came before the first line's own
    credit by just as much is an earlier month's, what came after the last one's a later month's.
    """
    told = list(lags.values())
    normal = [row for row in rows if row.stream == "normal"]
    if len(told) < END_MONTHS or not spare:
        return []
    found = []
    first, last = min(normal, key=lambda row: row.month), max(normal, key=lambda row: row.month)
    for end, near, later in ((first, told[:END_MONTHS], True), (last, told[-END_MONTHS:], False)):
        ends = near[0] if later else near[-1]
        if ends.row is not end or len({each.lag for each in near}) > 1 or ends.came == end.place:
            continue
        if (ends.came > end.place) != later:
            continue
        between = range(end.place, ends.came) if later else range(ends.came + 1, end.place + 1)
        found += [j for j in spare if coins[j].printed is None and coins[j].month in between]
    return found


def late_from_before(rows: Sequence[Row], coins: Sequence[Coin], spare: Sequence[int]) -> list[int]:
    """Left credits of months before the person's own lines: the account was credited until then, but for one.

    What a month without a line did not get in its place came later: a credit of the sum that the months before had, or
    the first line has. It stands in no month, as it would have there.
    """
    normal = [row for row in rows if row.stream == "normal" and not row.annual]
    if not normal or not spare:
        return []
    first = min(normal, key=lambda row: row.month)
    came = {coin.month for coin in coins}
    found: list[int] = []
    for hole in (month for month in range(min(came) + 2, first.place) if month not in came):
        if sum(month < hole for month in came) < BEFORE_MONTHS:
            continue
        before = max((coin for coin in coins if coin.month < hole), key=lambda coin: coin.month)
        like = {before.amount, *amounts_of(first)}
        late = (j for j in spare if j not in found and coins[j].says_nothing
                and coins[j].amount in like and first.place <= coins[j].month <= hole + REACH_MONTHS)
        found += [j for j in (next(late, None),) if j is not None]
    return found


def _came_beside(coin: Coin, there: Sequence[Row], lags: Mapping[int, Found]) -> Row | None:
    """Of the lines whose place is a credit's month the first; but where it came at another lag, the one that came then.

    The line that came in the credit's month came at the same lag: there the credit stands beside it.
    """
    place = there[0] if there else None
    mine = lags.get(place.number) if place else None
    if mine is None or mine.came == coin.month:
        return place
    beside = [each.row for each in lags.values() if each.came == coin.month and each.lag == mine.lag]
    return beside[0] if beside else place


def place_surplus(
    account: Account, rows: list[Row], coins: list[Coin], spare: list[int], usual: int, out: Output, begin: int,
    linked_months: set[int], first_of_two: dict[tuple[int, int], Row], lags: Mapping[int, Found],
) -> None:
    """A credit nothing explains belongs to the month in whose place it came, as a link of that month.

    begin: where the account's links begin in ``out``: what a line got less in the same month is made up first.
    first_of_two: the lines linked alone to one credit, by its month and amount: what came twice is theirs, though late.
    lags: of :func:`lags_found`: where a month and those around it all came at another lag, that is the place.
    """
    by_place: dict[int, list[Row]] = defaultdict(list)
    ordinary = ("normal", "retiree")
    # What comes too much comes in a month's usual place: not in the one where a late run put another's.
    for row in sorted(rows, key=lambda row: (
            row.stream not in ordinary, row.run_late, row.clock - row.month, row.month)):
        by_place[row.place].append(row)
    by_month: dict[int, Row] = {}
    for row in rows:
        by_month.setdefault(row.month, row)
    absent = {row.month for row in rows if row.absent}
    served = set(linked_months)
    for j in spare:
        coin = coins[j]
        if coin.printed is not None:
            place, month = by_month.get(coin.printed), coin.printed
            if place and place.payable and month not in linked_months and 0 < coin.amount < (place.amount or 0):
                out.link(account, place, coin, coin.amount, "inexact")
                linked_months.add(month)
                continue
        else:
            # Of several lines with that place the one of the same amount (or whose credit came then, where all came at
            # another lag), else the one that was paid in its time.
            there = by_place.get(coin.month, [])
            twice = first_of_two.get((coin.month, coin.amount), _came_beside(coin, there, lags))
            same = next((row for row in there if coin.amount in amounts_of(row)), None)
            place = _came_beside(coin, [same], lags) if same else twice
            month = place.month if place else coin.month - usual
            if place and month in linked_months:
                # The month has its own credit, and one has neither a line nor a credit that usually comes then, or came
                # before: it was paid late.
                gap = next((each for each in (coin.month - usual, month - 1, month - 2)
                            if each in absent and each not in served), None)
                if (gap is not None and not coin.named and is_like(coin.amount, gap, rows)
                        and not _is_its_own(coin, place, rows)):
                    place, month = by_month.get(gap), gap
            early = by_month.get(month)
            if (early and not place and early.payable and month not in linked_months
                    and coin.amount in amounts_of(early)):
                # It came before the day its premium is recorded for: a matter of the record, not of the credit.
                out.link(account, early, coin, coin.amount, "1:1")
                linked_months.add(month)
                continue
        served.add(month)
        kind = "1:N" if month in linked_months else "1:1"
        # What the credit beside it lacks is no surplus.
        less = 0 if place is None or coin.named else min(_lacking_beside(place, coin, coins, out, begin), coin.amount)
        if place is not None and less:
            out.link(account, place, coin, less, kind)
        if coin.amount > less:
            out.link(account, place, coin, coin.amount - less, kind, month=month, surplus=True)


def _lacking_beside(row: Row, coin: Coin, coins: list[Coin], out: Output, begin: int) -> int:
    """What a line lacks that got something, but not what it is due (nor that less a deduction), in the same month."""
    mine = [at for at in range(begin, len(out.links["line"])) if out.links["line"][at] == row.number]
    came = sum(int(str(out.links["amount_fen"][at])) for at in mine)
    beside = {each.number for each in coins if each.month == coin.month}
    if (row.annual or not row.amount or not 0 < came < row.amount or _is_met(row, came) or came in row.deducted
            or any(out.links["credit"][at] not in beside for at in mine)):
        return 0
    return row.amount - came
