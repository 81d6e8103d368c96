"""What the matching is told of an account before it is asked: what prints say, what deductions take, and what it costs
to leave a credit or a line without its like (DESIGN section 6). Nothing is linked here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from recon.core.lag_lines import DEDUCTION_MONTHS, DEDUCTION_SHARE
from recon.core.links import INEXACT_LATE, PRICES, REACH_MONTHS
from recon.core.match_rows import Coin, Output, Row, amounts_of, offset_of, span_of
from recon.core.search import Solution
from recon.core.taken_back import TAKEN_BACK_FEN, last_taken_back_soon, last_that_sum_to

YEAR = 12  # months of a yearly window
# A month whose own line is not at hand may get what a line so many months from it gets, or, where the amounts around it
# differ (so many of them), one that differs by no more than this part of them from all.
NEAR_MONTHS = 3
NEAR_AMOUNTS = 3
NEAR_SHARE = 8
# The same small shortfall in one month of so many years is a deduction.
DEDUCTION_YEARS = 2
_OF_NOBODY = (PRICES.twin, PRICES.left)  # what leaving a credit costs that no month outside the lines explains
HOLED_LINES = 12  # months that a credit with one missing in its middle may span
LATE = "late "  # begins the name of a stream of one month that was paid out of turn
RETIRED_MONTHS = 3  # so many equal credits tell what a retiree gets each month
AHEAD_CREDITS = 3  # so many other credits must show on which days of the month they come


def set_apart(rows: list[Row]) -> None:
    """A month whose premium came after a later month's is a stream of its own: its credit comes out of turn."""
    normal = sorted((row for row in rows if row.stream == "normal" and not row.annual), key=lambda row: row.month)
    earliest = max((row.clock for row in normal), default=0)
    for row in reversed(normal):
        if row.clock > earliest:
            row.stream = f"{LATE}{row.clock}"
        earliest = min(earliest, row.clock)


def put_unpaid_behind(rows: list[Row]) -> int:
    """Months after its own in which the account's premiums usually arrive; given to lines that name no arrival.

    A bill, an unpaid and an absent month: their credits, if they come, come in step with the others.
    """
    usual = Counter(
        row.clock - row.month for row in rows if row.stream == "normal" and row.paid and row.arrival is not None)
    if not usual:
        return 0
    behind = min(usual, key=lambda months: (-usual[months], months))
    for row in rows:
        if row.stream == "normal" and not row.paid and row.clock == row.month:
            row.behind = behind
    return behind


def believe_print(rows: list[Row], coins: list[Coin], out: Output, posting_prints: Collection[str]) -> None:
    """Drop printed months that cannot be accrual months: equal to the posting month throughout, or against amounts.

    A retiree's may well be equal; whether a file with people at work prints what it says, all of it tells.
    """
    for coin in coins:
        if coin.printed is not None and coin.file in posting_prints:
            out.problem("printed-month-ignored", coin.file)
            coin.printed = None
    printed = [coin for coin in coins if coin.printed is not None]
    if not printed:
        return
    retired = any(row.stream == "retiree" for row in rows)
    code = None
    if len(printed) > 1 and not retired and all(coin.printed == coin.month for coin in printed):
        code = "printed-month-ignored"
    else:
        by_month = defaultdict(list)
        for row in rows:
            if row.payable:
                by_month[row.month].append(row)
        judged = [coin for coin in printed if by_month.get(coin.printed or 0)]
        agreeing = sum(coin.amount in _sums(by_month[coin.printed or 0]) for coin in judged)
        elsewhere = sum(
            any(coin.amount == row.amount for row in rows if row.arrival is not None and row.place == coin.month)
            for coin in judged
        )
        if len(judged) > 1 and agreeing * 2 < len(judged) and elsewhere > agreeing:
            code = "printed-month-contradicts"
        elif alone := [coin for coin in printed if _misprinted(coin, rows, by_month, coins)]:
            code, printed = "printed-month-contradicts", alone
    if code:
        out.problem(code, printed[0].file)
        for coin in printed:
            coin.printed = None


def _misprinted(coin: Coin, rows: list[Row], by_month: dict[int, list[Row]], coins: list[Coin]) -> bool:
    """Whether a credit prints a month that it cannot be for, while it is just what another is due, in that one's place.

    Parts of the printed month's sum are for it, and a month that another credit has the sum of needs no second. Of a
    month without any line a credit may be, but neither before that month nor longer after it than a link reaches.
    """
    said = coin.printed
    if said is None:
        return False
    if not by_month.get(said):
        if 0 <= coin.month - said <= REACH_MONTHS or any(row.month == said for row in rows):
            return False
    elif {coin.amount, sum(each.amount for each in coins if each.printed == said)} & _sums(by_month[said]):
        return False
    return any(
        row.payable and not row.prepaid and row.arrival is not None and row.place == coin.month
        and row.amount == coin.amount and row.month != said
        and not any(
            each.amount in _sums([row])
            and (each.printed == row.month or (each.printed is None and each.month == row.place))
            for each in coins)
        for row in rows
    )


def _sums(rows: list[Row]) -> set[int]:
    """What the lines are due, by the rule or by another accepted one."""
    return {row.amount for row in rows if row.amount is not None}.union(*(row.accepts for row in rows))


def made_up_for(rows: list[Row], coins: list[Coin], prices: list[int], solution: Solution) -> list[int]:
    """``prices`` of left credits, where one was left over though an older month of its very sum is open.

    Alone it would be one that came twice, or one of nobody. But then the sums agree, and nothing need be missing (a
    month that the fund has not split to people surely is); since equal sums do not cross, one late month shows as all
    months up to the credit a little late each, which may cost more than ``left``. So it is with all the top-ups, or all
    the back pay, that arrived together: their sum is sooner theirs, in the month of arrival, than nobody's.
    """
    used = {j for link in solution.links for j in link.credits}
    linked = {at for link in solution.links for at in link.lines}
    waiting = [row for at, row in enumerate(rows) if at not in linked and row.open_price == PRICES.open]
    left = [coin for j, coin in enumerate(coins)
            if j not in used and prices[j] in _OF_NOBODY and coin.printed is None]
    hits = {
        coin.amount for coin in left
        if any(row.amount == coin.amount and row.place < coin.month <= row.clock + REACH_MONTHS for row in waiting)
    }
    own = {amount for row in rows if row.stream == "normal" for amount in amounts_of(row)}
    together: Counter[tuple[str, int]] = Counter()
    for at, row in enumerate(rows):
        if at not in linked and row.arrival is not None and row.is_beside:
            together[row.stream, row.clock] += row.amount or 0
    hits |= {
        coin.amount for coin in left
        if coin.amount not in own
        and any(total == coin.amount and 0 <= coin.month - clock <= REACH_MONTHS
                for (_, clock), total in together.items())
    }
    return [PRICES.made_up if price in _OF_NOBODY and coin.amount in hits else price
            for coin, price in zip(coins, prices, strict=True)]


def learn_retired(rows: list[Row], coins: list[Coin]) -> None:
    """What a retiree of whom no rule tells the sum is likely to get each month: what most months brought.

    Only months in which no other line's credit usually comes are asked.
    """
    todo = [row for row in rows if row.stream == "retiree" and row.by_place and not row.amount and not row.estimate]
    others = {row.place for row in rows if row.stream != "retiree"}
    places = {row.place for row in todo} - others
    came = Counter(coin.amount for coin in coins if coin.month in places and coin.says_nothing)
    if not came:
        return
    often = max(came, key=lambda fen: (came[fen], fen))
    if came[often] >= RETIRED_MONTHS and came[often] * 2 > came.total():
        for row in todo:
            row.estimate = often


def prices_of_left(rows: list[Row], coins: list[Coin]) -> list[int]:
    """What leaving each credit over costs: nothing where its usual month lies outside the person's own lines.

    One of two equal credits of one month is left over more cheaply: it may have come twice. So is a credit in the place
    of a month without a line, or with one that is unpaid: it may be that month's, whose record is not at hand.
    """
    first, last = span_of(rows)
    ends = (min(rows, key=lambda row: row.month), max(rows, key=lambda row: row.month))
    offsets = {offset_of(rows, row) for row in ends}
    shown = {row.month for row in rows if row.paid is not False}
    by_place: dict[int, set[int | None]] = defaultdict(set)
    for row in rows:
        if row.by_place:
            by_place[row.place].add(row.estimate if row.amount is None else row.amount)
    came = {(coin.month, coin.amount) for coin in coins}
    months = [row.month for row in rows]
    yearly = {row.due for row in rows if row.annual}
    twins = Counter((coin.month, coin.amount, coin.printed) for coin in coins)
    prices = []
    for coin in coins:
        if coin.printed is not None:
            free = not min(months) <= coin.printed <= max(months)
        elif yearly:
            # A yearly credit belongs to twelve months; unless all of them are at hand nothing can be said of the rest.
            mine = [row.month for row in rows if row.annual and row.due in (coin.month, coin.month - 1)]
            free = len(set(mine)) < YEAR
        else:
            likely = by_place.get(coin.month)
            # Beside a credit of just what such a month is likely due one of another line's sum is none of its, nor is
            # an odd one where another line has none of its sum in its place.
            another = likely is not None and coin.amount not in likely and any(
                fen is not None and (coin.month, fen) in came for fen in likely) and any(
                row.payable and ((row.amount == coin.amount and 0 <= coin.month - row.clock <= REACH_MONTHS)
                                 or (row.place == coin.month and not came & {
                                     (coin.month, fen) for fen in amounts_of(row)}))
                for row in rows)
            free = not first <= coin.month <= last or (likely is not None and not another)
        twin = twins[coin.month, coin.amount, coin.printed] > 1
        unlisted = coin.printed is None and not yearly and shown.isdisjoint(coin.month - each for each in offsets)
        prices.append(0 if free else min(PRICES.twin if twin else PRICES.left,
                                         PRICES.unlisted if unlisted else PRICES.left))
    return prices


def drop_roundings(rows: list[Row], coins: list[Coin]) -> None:
    """Forget other roundings where they explain nothing: all credits have sums of lines, or the rule is another one."""
    sums = _sums(rows)
    for row in rows:
        if (row.rounding is not None and (
                row.half_yuan or row.rounding in row.accepts or abs(row.rounding - (row.amount or 0)) != 1)):
            row.rounding = None
    if any(row.rounding is not None for row in rows) and all(coin.amount in sums for coin in coins):
        for row in rows:
            row.rounding = None


def accept_refunds(rows: list[Row], coins: list[Coin]) -> None:
    """Before a part of a line was refunded its whole credit may have come; of a credit its account gave a part back.

    What is left of a credit that was a line's whole amount may stand for it, unless it is just what a line is due: a
    refunded month's, of which the account gave its share back.
    """
    for row in rows:
        if row.unrefunded and row.unrefunded not in amounts_of(row):
            row.deducted.append(row.unrefunded)
    for coin in coins:
        if coin.gross > coin.amount and not any(row.amount == coin.amount for row in rows):
            for row in rows:
                if not row.annual and coin.gross in amounts_of(row) and coin.amount not in amounts_of(row):
                    row.deducted.append(coin.amount)


def accept_taken_back(rows: list[Row], coins: list[Coin]) -> None:
    """Where a credit lacks, to the fen, what earlier ones in their places had too much, all of them stand there.

    Too much is what an older base was due, or a month before a part of it was refunded. The credit that lacks it has no
    line's sum: so exact a sum is no chance, and a run of credits that came late or early explains it less. Of any other
    surplus so it is where the next credit or the one after lacks it.
    """
    normal = sorted((row for row in rows if row.stream == "normal" and row.amount and not row.annual
                     and row.arrival is not None), key=lambda row: row.month)
    dues = {row.amount for row in rows if not row.unrefunded}
    # What a reversal took from a credit is explained by it.
    odd = {coin.month: coin.amount for coin in coins
           if coin.amount not in dues and not coin.named and coin.gross == coin.amount}
    came: dict[int, set[int]] = defaultdict(set)
    for coin in coins:
        came[coin.month].add(coin.amount)
    older: set[int] = set()
    over: list[tuple[Row, int]] = []
    soon: list[tuple[Row, int]] = []
    for row in normal:
        due, lacks = row.amount or 0, (row.amount or 0) - odd.get(row.place, row.amount or 0)
        extra = max((amount for amount in came[row.place] if amount > due and (
            amount == row.unrefunded or amount in older)), default=0)
        older.add(due)
        most = max(came[row.place], default=0)
        if extra and due not in came[row.place]:
            over.append((row, extra))
        elif len(came[row.place]) == 1 and most - due >= TAKEN_BACK_FEN and most == odd.get(row.place):
            soon.append((row, most))
        elif lacks > 0:
            count = last_that_sum_to([amount - (each.amount or 0) for each, amount in over], lacks)
            taken = over[len(over) - count:]
            alone = None if taken else last_taken_back_soon(
                [(each.place, amount - (each.amount or 0)) for each, amount in soon], lacks, row.place)
            if alone is not None:
                taken = [soon[alone]]
            for each, amount in [(row, due - lacks), *taken] if taken else ():
                each.netted = amount
                if amount not in amounts_of(each):
                    each.deducted.append(amount)
            over = [each for each in over if each not in taken]


def find_holed(rows: list[Row], coins: list[Coin]) -> dict[int, tuple[int, int, int]]:
    """By credit first, last and missing line of months in a row that have its sum without one in their middle.

    Only where no months in a row have the sum, and no others less one; it came in the last one's place or soon after.
    """
    sums = {amount for row in rows for amount in amounts_of(row)}
    found: dict[int, tuple[int, int, int]] = {}
    for j, coin in enumerate(coins):
        if coin.amount in sums or not coin.says_nothing:
            continue
        plain, holed = False, set()
        for last, end in enumerate(rows):
            if end.stream != "normal" or not 0 <= coin.month - end.place <= INEXACT_LATE:
                continue
            total = end.amount or 0
            for first in range(last - 1, max(last - HOLED_LINES, -1), -1):
                if rows[first].stream != "normal" or coin.month - rows[first].clock > REACH_MONTHS:
                    break
                total += rows[first].amount or 0
                plain = plain or total == coin.amount
                holed |= {(first, last, hole) for hole in range(first + 1, last)
                          if total - (rows[hole].amount or 0) == coin.amount}
        if len(holed) == 1 and not plain:
            found[j] = holed.pop()
    return found


def names_its_month(coin: Coin, rows: list[Row]) -> bool:
    """Whether a credit prints a month whose line has just its sum: however late, it is sooner its own than nobody's."""
    return coin.printed is not None and any(
        row.month == coin.printed and coin.amount in amounts_of(row) for row in rows)


def is_of_one_unseen(coin: Coin, rows: list[Row], coins: list[Coin]) -> bool:
    """Whether a credit has the sum of one line alone whose due month no export shows, where sums differ by the month.

    Leaving that line open costs nothing; that its credit came so late is still likelier than a stray one of its sum.
    """
    if not coin.says_nothing or sum(each.amount == coin.amount for each in coins) > 1:
        return False
    normal = [row for row in rows if row.stream == "normal" and not row.annual]
    same = [row for row in normal if coin.amount in amounts_of(row)]
    if len(same) != 1 or same[0].open_price or not 0 <= coin.month - same[0].clock <= REACH_MONTHS:
        return False
    near = [row.amount for row in normal if abs(row.month - same[0].month) <= NEAR_MONTHS]
    return len(set(near)) == len(near) >= NEAR_AMOUNTS


def may_be_from_outside(coin: Coin, rows: list[Row], coins: list[Coin]) -> bool:
    """Whether a credit after (before) the person's own has the very sum of a line that lies further in.

    After all of them that of an older line or of a top-up, not of the last. Where sums differ from month to month also
    that of the last, if it came once, and before all of them that of one later line alone: months outside hardly have
    it. So has none after the last, where the records go on and have no more of the person's: then one alone is late.
    """
    normal = [row for row in rows if row.stream == "normal" and not row.annual]
    if coin.printed is not None or not normal:
        return False
    same = [row for row in normal if row.amount == coin.amount and 0 <= coin.month - row.clock <= REACH_MONTHS]
    first, last = min(normal, key=lambda row: row.month), max(normal, key=lambda row: row.month)
    if _is_ahead(coin, first, coins):
        return True
    if coin.month > last.place and coin.amount not in amounts_of(last):
        return bool(same) or any(row.stream not in ("normal", "retiree") and row.amount == coin.amount
                                 and 0 <= coin.month - row.clock <= REACH_MONTHS for row in rows)
    if coin.month > last.place and last.followed:
        return sum(each.amount == coin.amount and each.month > last.place for each in coins) == 1
    if same and coin.month > last.place + 1 and sum(each.month > last.place for each in coins) == 1:
        return True
    if len(same) != 1 or first.place <= coin.month <= last.place:
        return False
    near = [row.amount for row in normal if abs(row.month - same[0].month) <= NEAR_MONTHS]
    return (len(set(near)) == len(near) >= NEAR_AMOUNTS and (coin.month > last.place or same[0] is not first)
            and sum(each.amount == coin.amount for each in coins) == 1)


def _is_ahead(coin: Coin, first: Row, coins: list[Coin]) -> bool:
    """Whether a credit before all of the person's own is that of the first line, a month early (before a holiday, say).

    It came after that line's premium, in its month, while all others come on earlier days of theirs; and the first
    line's own place holds none of its sum.
    """
    others = [each for each in coins if each is not coin]
    return (
        coin.amount in amounts_of(first) and coin.month == first.clock < first.place and first.day is not None
        and coin.day >= first.day and len(others) >= AHEAD_CREDITS and all(each.day < first.day for each in others)
        and not any(each.month == first.place and each.amount in amounts_of(first) for each in others)
    )


def is_like(amount: int, month: int, rows: list[Row]) -> bool:
    """Whether ``amount`` may be that of a month without a line: a neighbour's, or like theirs where these vary."""
    near = [row for row in rows if abs(row.month - month) <= NEAR_MONTHS and row.amount]
    due = {row.amount for row in near if row.amount}
    return any(amount in amounts_of(row) for row in near) or (
        len(due) >= NEAR_AMOUNTS
        and min(due) - min(due) // NEAR_SHARE <= amount <= max(due) + max(due) // NEAR_SHARE)


def find_deductions(rows: list[Row], coins: list[Coin]) -> None:
    """Give each line the amounts it would have after a deduction that this account shows again and again.

    The same small sum is lacking from the credits in several lines' places, each of which fits nothing else there: in
    so many months, or in the same month of several years. A run that comes late is then still known for what it is.
    It begins with the first credit that is just so much less than what is due there.
    """
    known = {(row.place, amount) for row in rows for amount in amounts_of(row)}
    came = {(coin.month, coin.amount) for coin in coins}
    odd: dict[int, list[int]] = defaultdict(list)
    for month, amount in sorted(came - known):
        odd[month].append(amount)
    if len(odd) < DEDUCTION_YEARS:
        return
    found = {
        rest: (0,) for rest, places in _lacking(rows, came, odd, 0).items()
        if len(set(places)) >= DEDUCTION_MONTHS
        or max(Counter(place % YEAR for place in set(places)).values()) >= DEDUCTION_YEARS
    } or _found_elsewhere(rows, came, odd)
    for rest, offs in found.items():
        less = [row for row in rows if (row.amount or 0) >= rest * DEDUCTION_SHARE and not row.annual]
        first = min(row.place for row in less for off in offs if (row.place + off, (row.amount or 0) - rest) in came)
        for row in less:
            if row.place >= first:
                row.deducted.append((row.amount or 0) - rest)


def _lacking(
    rows: list[Row], came: Collection[tuple[int, int]], odd: Mapping[int, list[int]], off: int
) -> dict[int, list[int]]:
    """Small sum -> the places of the lines from whose credit, ``off`` months from there, just that is lacking."""
    lacking: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.amount and row.arrival is not None and not row.annual and (row.place + off, row.amount) not in came:
            for amount in odd.get(row.place + off, ()):
                if 0 < (row.amount - amount) * DEDUCTION_SHARE <= row.amount:
                    lacking[row.amount - amount].append(row.place)
    return lacking


def _found_elsewhere(
    rows: list[Row], came: Collection[tuple[int, int]], odd: Mapping[int, list[int]]
) -> dict[int, tuple[int, ...]]:
    """Deductions of an account whose lag nobody knows yet: the same small sum lacks a month sooner or later throughout.

    Only credits that are no line's sum, of amounts that vary (with one amount the own place tells), and from a month
    more on than in the lines' own places.
    """
    own = {amount for row in rows for amount in amounts_of(row)}
    strange = {month: [amount for amount in amounts if amount not in own] for month, amounts in odd.items()}
    places: dict[int, set[int]] = defaultdict(set)
    dues: dict[int, set[int]] = defaultdict(set)
    due = {row.place: row.amount for row in rows if row.amount}
    for off in (-1, 0, 1):
        for rest, theirs in _lacking(rows, came, strange, off).items():
            places[rest].update(theirs)
            dues[rest].update(due[place] for place in theirs)
    told = [rest for rest in places if len(places[rest]) > DEDUCTION_MONTHS <= len(dues[rest])]
    # What varies may differ alike by chance: the sum that most lines lack.
    return {max(told, key=lambda rest: (len(places[rest]), -rest)): (-1, 0, 1)} if told else {}
