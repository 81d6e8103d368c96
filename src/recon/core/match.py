"""Links between due lines and credits, account by account.

In: lines with due months and prices (:mod:`recon.core.due`) and net credits. Out: one row per link and one row per
line's margin. The joint best set comes from :mod:`recon.core.solve`; what it leaves over is then placed: a lone month
and a lone credit inexactly, lines whose amount is unknown by place at no price, and a surplus credit at the month in
whose place it came. Row order of the input changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Generator
from contextlib import suppress
from dataclasses import dataclass, field

import polars as pl

from recon.core.alike import settle_alike
from recon.core.clean import settle_clean
from recon.core.lags import DEDUCTION_MONTHS, DEDUCTION_SHARE
from recon.core.links import (
    ANNUAL_REACH_MONTHS,
    HALF_YUAN,
    INEXACT_LATE,
    LATEST,
    PRICES,
    REACH_MONTHS,
    Credit,
    Line,
    Link,
    quarters_off,
)
from recon.core.made_good import Extra, Lack, made_good
from recon.core.months import first_day
from recon.core.prepare import is_subsidy
from recon.core.search import Solution
from recon.core.solve import Question, solve_many
from recon.problems import Problem
from recon.tables import ACCOUNT

YEAR = 12  # months of a yearly window
# A month whose own line is not at hand may get what a line so many months from it gets, or, where the amounts around it
# differ (so many of them), one that differs by no more than this part of them from all.
NEAR_MONTHS = 3
NEAR_AMOUNTS = 3
NEAR_SHARE = 8
# The same small shortfall in one month of so many years is a deduction.
DEDUCTION_YEARS = 2
AHEAD_CREDITS = 3  # so many other credits must show on which days of the month they come
TOGETHER = 4000  # accounts that are solved in one go: enough to fill arrays, few enough to hold in memory
LINK_SCHEMA = {
    "line": pl.UInt32, "credit": pl.UInt32, "person_id": pl.String, "region": pl.String, "scheme": pl.String,
    "month": pl.Int32, "amount_fen": pl.Int64, "kind": pl.String, "surplus": pl.Boolean,
}
MARGIN_SCHEMA = {
    "line": pl.UInt32, "margin": pl.Int32, "in_question": pl.Boolean, "tied": pl.Boolean, "openable": pl.Boolean,
    "bounded": pl.Boolean, "proved": pl.Boolean,
}


@dataclass
class Matched:
    """links (:data:`LINK_SCHEMA`; line null where a surplus has no line) and margins (:data:`MARGIN_SCHEMA`)."""

    links: pl.DataFrame
    margins: pl.DataFrame
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Row:
    """A line as the solver and the placing need it."""

    number: int
    stream: str
    month: int
    arrival: int | None
    day: int | None
    amount: int | None
    accepts: list[int]
    half_yuan: bool
    due: int | None
    usual: int
    open_price: int
    payable: bool
    by_place: bool  # the amount is unknown or only billed: linked by place
    annual: bool
    steady: bool  # the usual lag is one that many people share
    shift: int  # months by which everybody's credits were later at that arrival
    prepaid: bool
    weak: bool
    run_late: bool  # the shift is of that run alone; else it lasts
    paid: bool | None  # None: billed, no record of a payment
    absent: bool = False  # no line, though there ought to be one
    unrefunded: int | None = None  # the amount before a part of it was refunded: what may have come first
    followed: bool = False  # its payer's records speak of later months, too
    estimate: int | None = None  # what is likely to be due where ``amount`` is not known
    behind: int = 0  # months after its own in which the premium of a bill is likely to have arrived
    # The amount due less deductions seen again and again, and before a refund.
    deducted: list[int] = field(default_factory=list)

    @property
    def clock(self) -> int:
        """The month its premium arrived, else the month it is for."""
        return self.month if self.arrival is None else self.arrival

    @property
    def place(self) -> int:
        """The month in which its credit usually comes."""
        return self.clock + self.behind + self.usual + self.shift


@dataclass
class _Coin:
    """A credit."""

    number: int
    month: int
    day: int
    amount: int
    printed: int | None
    file: str
    named: bool  # its memo says that it is something else than a month's credit
    gross: int  # before a reversal took a part of it back


_LINE_COLUMNS = [
    "line", "stream", "month", "arrival", "arrival_day", "expected_fen", "accepts", "whole_yuan", "due", "usual",
    "open_price", "payable", "by_place", "is_annual", "steady", "shift", "prepaid", "weak",
    "run_late", "paid", "absent", "unrefunded_fen", "followed", "estimated_fen",
]


def match(
    lines: pl.DataFrame, credit: pl.DataFrame, posting_prints: Collection[str] = (), records: pl.DataFrame | None = None
) -> Matched:
    """Link every account (see the module). ``posting_prints``: files whose printed months are those of posting.

    records: payer, region, to: the months that the payers' contribution records speak of.
    """
    clean = settle_clean(lines.filter(~pl.col("is_side") & ~pl.col("netted")), credit)
    alike = settle_alike(_in_order(_with_followed(clean.lines, records)), clean.credit)
    rows = _rows_by_account(alike.lines)
    coins = _coins_by_account(alike.credit)
    out = _Output()
    ordered = sorted(rows, key=_null_last)
    for start in range(0, len(ordered), TOGETHER):
        block = ordered[start:start + TOGETHER]
        asking = [_match_account(each, rows.pop(each), coins.pop(each), out, posting_prints) for each in block]
        questions = [next(account) for account in asking]
        while questions:
            told = zip(asking, solve_many(questions), strict=True)
            again = [(account, question) for account, solution in told if (question := _tell(account, solution))]
            asking, questions = [account for account, _ in again], [question for _, question in again]
    rest = out.matched()
    links, margins = [clean.links, rest.links], [clean.margins, rest.margins]
    if alike.members.height:
        copied = alike.answers(rest.links, rest.margins)
        links.append(copied[0])
        margins.append(copied[1])
    return Matched(
        pl.concat([each.cast(pl.Schema(LINK_SCHEMA)) for each in links]),
        pl.concat([each.cast(pl.Schema(MARGIN_SCHEMA)) for each in margins]), rest.problems,
    )


def _with_followed(lines: pl.DataFrame, records: pl.DataFrame | None) -> pl.DataFrame:
    """``followed``: the payer's records speak of months after the line's, too."""
    if records is None or records.is_empty():
        return lines.with_columns(pl.lit(False).alias("followed"))
    ends = records.group_by("payer", "region").agg(pl.col("to").max().alias("_to"))
    return lines.join(ends, on=["payer", "region"], how="left", maintain_order="left").with_columns(
        (pl.col("month") < pl.col("_to")).fill_null(False).alias("followed")).drop("_to")


def _tell(account: Generator[Question, Solution, None], solution: Solution) -> Question | None:
    """The account's next question, if the solution raises one."""
    with suppress(StopIteration):
        return account.send(solution)
    return None


def _null_last(account: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((part is None, part or "") for part in account)


_Account = tuple[str | None, ...]


def _in_order(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of each account in the order in which they are matched."""
    return lines.sort(
        "stream", pl.coalesce("arrival", "month"), "month", pl.col("arrival_day").dt.day(), "expected_fen", "payer",
        "total_fen", "row_id", nulls_last=True,
    )


def _rows_by_account(lines: pl.DataFrame) -> dict[_Account, list[_Row]]:
    useful = lines.with_columns(pl.col("arrival_day").dt.day().cast(pl.Int32))
    found: dict[_Account, list[_Row]] = defaultdict(list)
    for row in useful.select(*ACCOUNT, *_LINE_COLUMNS).iter_rows():
        found[row[:3]].append(_Row(*row[3:]))
    return found


def _coins_by_account(credit: pl.DataFrame) -> dict[_Account, list[_Coin]]:
    found: dict[_Account, list[_Coin]] = defaultdict(list)
    numbered = credit.select(
        *ACCOUNT, "credit", "month", pl.col("posted_on").dt.day().cast(pl.Int32).alias("day"), "net_fen", "printed",
        pl.col("row_id").str.split("#").list.first().alias("file"),
        is_subsidy(), "amount_fen",
    )
    for row in numbered.iter_rows():
        found[row[:3]].append(_Coin(*row[3:]))
    return found


class _Output:
    """Collects links and margins as columns."""

    def __init__(self) -> None:
        self.links: dict[str, list[object]] = {name: [] for name in LINK_SCHEMA}
        self.margins: dict[str, list[object]] = {name: [] for name in MARGIN_SCHEMA}
        self.problems: dict[tuple[str, str], Problem] = {}
        self._margin_of: dict[int, int] = {}  # line: place in margins

    def link(
        self, account: _Account, row: _Row | None, coin: _Coin, amount: int, kind: str, *, month: int | None = None,
        surplus: bool = False,
    ) -> None:
        at = row.month if month is None and row is not None else month
        values = (row.number if row else None, coin.number, *account, at, amount, kind, surplus)
        for name, value in zip(LINK_SCHEMA, values, strict=True):
            self.links[name].append(value)

    def margin(
        self, row: _Row, margin: int | None, *, question: bool, tied: bool = False, openable: bool = False,
        bounded: bool = False, proved: bool = True,
    ) -> None:
        self._margin_of[row.number] = len(self.margins["line"])
        values = (row.number, margin, question, tied, openable, bounded, proved)
        for name, value in zip(MARGIN_SCHEMA, values, strict=True):
            self.margins[name].append(value)

    def settle(self, row: _Row) -> None:
        """What later made the line good leaves no question about its month."""
        self.margins["tied"][self._margin_of[row.number]] = False

    def problem(self, code: str, file: str, value: str | None = None) -> None:
        self.problems.setdefault((code, file), Problem(code, file, value=value))

    def matched(self) -> Matched:
        return Matched(
            pl.DataFrame(self.links, schema=LINK_SCHEMA), pl.DataFrame(self.margins, schema=MARGIN_SCHEMA),
            [self.problems[key] for key in sorted(self.problems)],
        )


def _match_account(
    account: _Account, rows: list[_Row], coins: list[_Coin], out: _Output, posting_prints: Collection[str]
) -> Generator[Question, Solution, None]:
    """Yields what the solver must answer, takes the solution, and puts links and margins into ``out``."""
    coins = _without_next_year(rows, coins)
    _believe_print(rows, coins, out, posting_prints)
    behind = _put_unpaid_behind(rows)
    if sum(coin.named for coin in coins) * 2 > len(coins):  # what most credits say says nothing of one
        for coin in coins:
            coin.named = False
    payable = [row for row in rows if row.payable]
    _apart(payable)
    # Stable: months stay in order. Lines that are never late fit any credit: last, when little is left to choose from.
    payable.sort(key=lambda row: (row.arrival is None, row.stream == "normal", row.stream))
    usual = next((row.usual for row in payable if row.stream == "normal"), rows[0].usual)
    left_prices = _left_prices(rows, coins)
    _find_deductions(payable, coins)
    _accept_refunds(payable, coins)
    asked = [PRICES.unlisted if not price and _may_be_from_outside(coin, payable, coins)
             else price + LATEST if _names_its_month(coin, payable) else price
             for coin, price in zip(coins, left_prices, strict=True)]
    solution = yield _question(payable, coins, asked, usual)
    dearer = _made_up_for(payable, coins, asked, solution)
    if dearer != asked:
        solution = yield _question(payable, coins, dearer, usual)
    used: set[int] = set()
    linked: set[int] = set()
    begin = len(out.links["line"])
    for link in _oldest_first(solution.links, payable, coins):
        _emit(account, link, payable, coins, out)
        used.update(link.credits)
        linked.update(link.lines)
    tied = [row.month for at, row in enumerate(payable) if (margin := solution.margins[at]) is not None and margin <= 0]
    one_month = len(tied) > 1 and len(set(tied)) == 1  # whichever of its lines is open, the month is
    for at, row in enumerate(payable):
        margin = solution.margins[at]
        out.margin(row, margin, question=True, tied=margin is not None and margin <= 0 and not one_month,
                   openable=solution.openable[at], bounded=solution.bounded, proved=solution.proved[at])
    if solution.bounded:
        out.problem("record-too-long", coins[0].file, str(len(payable)))
    spare = [j for j in range(len(coins)) if j not in used]
    if not spare and not any(link.kind == "inexact" for link in solution.links):
        return
    open_rows = [row for at, row in enumerate(payable) if at not in linked]
    spare = _place_annual(account, rows, open_rows, coins, spare, out)
    spare = _place_prepaid(account, rows, open_rows, coins, spare, out)
    spare = _place_inexact(account, open_rows, coins, spare, left_prices, out)
    spare = _make_good(account, payable, coins, spare, out, begin)
    spare = _place_unknown(account, rows, coins, spare, out)
    first_of_two = {(coins[link.credits[0]].month, coins[link.credits[0]].amount): payable[link.lines[0]]
                    for link in solution.links if link.kind == "1:1"}
    _place_surplus(account, rows, coins, [j for j in spare if left_prices[j]], usual + behind, out,
                   {payable[at].month for at in linked}, first_of_two)
    if len(linked) < len(payable) and {row.number for row in payable} <= set(out.links["line"][begin:]):
        for row in payable:  # no month is open in the end: there is nothing to be undecided about
            out.settle(row)


def _apart(rows: list[_Row]) -> None:
    """A month whose premium came after a later month's is a stream of its own: its credit comes out of turn."""
    normal = sorted((row for row in rows if row.stream == "normal" and not row.annual), key=lambda row: row.month)
    earliest = max((row.clock for row in normal), default=0)
    for row in reversed(normal):
        if row.clock > earliest:
            row.stream = f"late {row.clock}"
        earliest = min(earliest, row.clock)


def _oldest_first(links: tuple[Link, ...], rows: list[_Row], coins: list[_Coin]) -> list[Link]:
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


def _put_unpaid_behind(rows: list[_Row]) -> int:
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


def _question(payable: list[_Row], coins: list[_Coin], left_prices: list[int], usual: int) -> Question:
    streams = {name: number for number, name in enumerate(dict.fromkeys(row.stream for row in payable))}
    lines = [
        Line(
            stream=streams[row.stream],
            kind="annual" if row.annual else "normal" if row.stream == "normal" else "other",
            month=row.month, arrival=row.arrival, day=row.day,
            amounts=_amounts(row),
            half_yuan=row.half_yuan, open_price=row.open_price, due=row.due, shift=row.shift,
            prepaid=row.prepaid, weak=row.weak, deducted=len(row.deducted),
        )
        for row in payable
    ]
    steady = any(row.steady for row in payable)
    places = {row.place for row in payable}
    credits = [
        Credit(coin.month, coin.day, coin.amount, price, coin.printed,
               PRICES.outside if steady and not price and coin.printed is None and coin.month not in places else 0,
               coin.named)
        for coin, price in zip(coins, left_prices, strict=True)
    ]
    return lines, credits, usual


def _believe_print(rows: list[_Row], coins: list[_Coin], out: _Output, posting_prints: Collection[str]) -> None:
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
        agreeing = sum(
            any(coin.amount == row.amount or coin.amount in row.accepts for row in by_month[coin.printed or 0])
            for coin in judged
        )
        elsewhere = sum(
            any(coin.amount == row.amount for row in rows if row.arrival is not None and row.place == coin.month)
            for coin in judged
        )
        if len(judged) > 1 and agreeing * 2 < len(judged) and elsewhere > agreeing:
            code = "printed-month-contradicts"
    if code:
        out.problem(code, printed[0].file)
        for coin in printed:
            coin.printed = None


def _made_up_for(rows: list[_Row], coins: list[_Coin], prices: list[int], solution: Solution) -> list[int]:
    """``prices`` of left credits, where one of two equal ones was left over though an older month of its sum is open.

    Alone it would be one that came twice. But then the sums agree, and nothing need be missing (a month that the fund
    has not split to people surely is); since equal sums do not cross, one late month shows as all months up to the
    credit a little late each, which may cost more than ``left``.
    """
    used = {j for link in solution.links for j in link.credits}
    linked = {at for link in solution.links for at in link.lines}
    waiting = [row for at, row in enumerate(rows) if at not in linked and row.open_price == PRICES.open]
    hits = {
        coin.amount for j, coin in enumerate(coins)
        if j not in used and prices[j] == PRICES.twin and coin.printed is None
        and any(row.amount == coin.amount and row.place < coin.month <= row.clock + REACH_MONTHS for row in waiting)
    }
    return [PRICES.made_up if price == PRICES.twin and coin.amount in hits else price
            for coin, price in zip(coins, prices, strict=True)]


def _left_prices(rows: list[_Row], coins: list[_Coin]) -> list[int]:
    """What leaving each credit over costs: nothing where its usual month lies outside the person's own lines.

    One of two equal credits of one month is left over more cheaply: it may have come twice. So is a credit in the place
    of a month without a line, or with one that is unpaid: it may be that month's, whose record is not at hand.
    """
    first, last = _span(rows)
    ends = (min(rows, key=lambda row: row.month), max(rows, key=lambda row: row.month))
    offsets = {_offset(rows, row) for row in ends}
    shown = {row.month for row in rows if row.paid is not False}
    by_place = {row.place for row in rows if row.by_place}
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
            free = not first <= coin.month <= last or coin.month in by_place
        twin = twins[coin.month, coin.amount, coin.printed] > 1
        unlisted = coin.printed is None and not yearly and shown.isdisjoint(coin.month - each for each in offsets)
        prices.append(0 if free else min(PRICES.twin if twin else PRICES.left,
                                         PRICES.unlisted if unlisted else PRICES.left))
    return prices


def _accept_refunds(rows: list[_Row], coins: list[_Coin]) -> None:
    """Before a part of a line was refunded its whole credit may have come; of a credit its account gave a part back.

    What is left of a credit that was a line's whole amount may stand for it, unless it is just what a line is due: a
    refunded month's, of which the account gave its share back.
    """
    for row in rows:
        if row.unrefunded and row.unrefunded not in _amounts(row):
            row.deducted.append(row.unrefunded)
    for coin in coins:
        if coin.gross > coin.amount and not any(row.amount == coin.amount for row in rows):
            for row in rows:
                if not row.annual and coin.gross in _amounts(row) and coin.amount not in _amounts(row):
                    row.deducted.append(coin.amount)


def _names_its_month(coin: _Coin, rows: list[_Row]) -> bool:
    """Whether a credit prints a month whose line has just its sum: however late, it is sooner its own than nobody's."""
    return coin.printed is not None and any(
        row.month == coin.printed and coin.amount in _amounts(row) for row in rows)


def _may_be_from_outside(coin: _Coin, rows: list[_Row], coins: list[_Coin]) -> bool:
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
    if coin.month > last.place and coin.amount not in _amounts(last):
        return bool(same) or any(row.stream not in ("normal", "retiree") and row.amount == coin.amount
                                 and 0 <= coin.month - row.clock <= REACH_MONTHS for row in rows)
    if coin.month > last.place and last.followed:
        return sum(each.amount == coin.amount and each.month > last.place for each in coins) == 1
    if len(same) != 1 or first.place <= coin.month <= last.place:
        return False
    near = [row.amount for row in normal if abs(row.month - same[0].month) <= NEAR_MONTHS]
    return (len(set(near)) == len(near) >= NEAR_AMOUNTS and (coin.month > last.place or same[0] is not first)
            and sum(each.amount == coin.amount for each in coins) == 1)


def _is_ahead(coin: _Coin, first: _Row, coins: list[_Coin]) -> bool:
    """Whether a credit before all of the person's own is that of the first line, a month early (before a holiday, say).

    It came after that line's premium, in its month, while all others come on earlier days of theirs; and the first
    line's own place holds none of its sum.
    """
    others = [each for each in coins if each is not coin]
    return (
        coin.amount in _amounts(first) and coin.month == first.clock < first.place and first.day is not None
        and coin.day >= first.day and len(others) >= AHEAD_CREDITS and all(each.day < first.day for each in others)
        and not any(each.month == first.place and each.amount in _amounts(first) for each in others)
    )


def _like(amount: int, month: int, rows: list[_Row]) -> bool:
    """Whether ``amount`` may be that of a month without a line: a neighbour's, or like theirs where these vary."""
    near = [row for row in rows if abs(row.month - month) <= NEAR_MONTHS and row.amount]
    due = {row.amount for row in near if row.amount}
    return any(amount in _amounts(row) for row in near) or (
        len(due) >= NEAR_AMOUNTS
        and min(due) - min(due) // NEAR_SHARE <= amount <= max(due) + max(due) // NEAR_SHARE)


def _is_its_own(coin: _Coin, place: _Row, rows: list[_Row]) -> bool:
    """Whether a credit has just the sum of the line in whose place it came, and of no line near it: it came twice."""
    return coin.amount in _amounts(place) and not any(
        coin.amount in _amounts(row) for row in rows
        if row.month != place.month and abs(row.month - place.month) <= NEAR_MONTHS)


def _span(rows: list[_Row]) -> tuple[int, int]:
    """First and last month in which credits of the person's own lines usually come.

    By accrual month: that a premium was paid late once, or a run came late, makes no room for months without a line.
    """
    # Where all credits come later (or earlier) for good, the first or last month's own does too.
    first, last = min(rows, key=lambda row: row.month), max(rows, key=lambda row: row.month)
    lasting = [0 if row.run_late else row.shift for row in (first, last)]
    return first.month + _offset(rows, first) + lasting[0], last.month + _offset(rows, last) + lasting[1]


def _offset(rows: list[_Row], like: _Row) -> int:
    """Months after their own in which credits usually come: those of retirement, or those of the months before."""
    retired = like.stream == "retiree"
    mine = [row for row in rows if row.stream == ("retiree" if retired else "normal")] or rows
    usual = Counter(row.clock - row.month + row.usual for row in mine)
    often = max(usual.values())
    return min(months for months, count in usual.items() if count == often)


def _emit(account: _Account, link: Link, rows: list[_Row], coins: list[_Coin], out: _Output) -> None:
    """The link's shares: the oldest month first from the earliest credit."""
    if len(link.lines) == 1:
        row = rows[link.lines[0]]
        kind = "inexact" if sum(coins[j].amount for j in link.credits) in row.deducted else link.kind
        for j in link.credits:
            out.link(account, row, coins[j], coins[j].amount, kind)
        return
    if not link.which:  # amounts known to the whole yuan only: the sum is shared evenly
        each, over = divmod(coins[link.credits[0]].amount, len(link.lines))
        for at in link.lines:
            out.link(account, rows[at], coins[link.credits[0]], each + (over if at == link.lines[0] else 0), link.kind)
        return
    left = {j: coins[j].amount for j in link.credits}
    for at, which in zip(link.lines, link.which, strict=True):
        due = _amounts(rows[at])[which]
        if link.kind == "inexact" and at == link.lines[-1]:
            due = sum(left.values())  # what is lacking or too much is the last month's
        for j in link.credits:
            share = min(due, left[j])
            if share:
                out.link(account, rows[at], coins[j], share, link.kind)
                left[j] -= share
                due -= share
    newest = coins[link.credits[-1]]
    if any(rows[at].annual and rows[at].due not in (newest.month, newest.month - 1) for at in link.lines):
        months = [rows[at].month for at in link.lines]
        span = f"{first_day(min(months)):%Y-%m}~{first_day(max(months)):%Y-%m}"
        out.problem("annual-window-differs", newest.file, span)


def _amounts(row: _Row) -> tuple[int, ...]:
    """The amounts a line may take: the one due, those of the other rules accepted, then those after a deduction."""
    if not row.accepts and not row.deducted:
        return (row.amount or 0,)
    return (row.amount or 0, *[other for other in row.accepts if other != row.amount], *row.deducted)


def _find_deductions(rows: list[_Row], coins: list[_Coin]) -> None:
    """Give each line the amounts it would have after a deduction that this account shows again and again.

    The same small sum is lacking from the credits in several lines' places, each of which fits nothing else there: in
    so many months, or in the same month of several years. A run that comes late is then still known for what it is.
    It begins with the first credit that is just so much less than what is due there.
    """
    known = {(row.place, amount) for row in rows for amount in _amounts(row)}
    came = {(coin.month, coin.amount) for coin in coins}
    odd: dict[int, list[int]] = defaultdict(list)
    for month, amount in sorted(came - known):
        odd[month].append(amount)
    if len(odd) < DEDUCTION_YEARS:
        return
    lacking: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.amount and row.arrival is not None and not row.annual and (row.place, row.amount) not in came:
            for amount in odd.get(row.place, ()):
                if 0 < (row.amount - amount) * DEDUCTION_SHARE <= row.amount:
                    lacking[row.amount - amount].append(row.place)
    for rest, places in lacking.items():
        seasons = Counter(place % YEAR for place in set(places))
        if len(set(places)) >= DEDUCTION_MONTHS or max(seasons.values()) >= DEDUCTION_YEARS:
            less = [row for row in rows if (row.amount or 0) >= rest * DEDUCTION_SHARE and not row.annual]
            first = min(row.place for row in less if (row.place, (row.amount or 0) - rest) in came)
            for row in less:
                if row.place >= first:
                    row.deducted.append((row.amount or 0) - rest)


def _place_annual(
    account: _Account, rows: list[_Row], open_rows: list[_Row], coins: list[_Coin], spare: list[int], out: _Output
) -> list[int]:
    """Yearly credits that no exact link explains: shared out over the open months of their window, oldest first.

    Lines whose amount is unknown take equal shares, or the accepted amounts where these add up. What is more than all
    twelve months were due is a surplus of the last; of a window that is not all at hand nothing can be said.
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
    return [j for j in spare if j not in used]


def _place_prepaid(
    account: _Account, rows: list[_Row], open_rows: list[_Row], coins: list[_Coin], spare: list[int], out: _Output
) -> list[int]:
    """A year paid in advance that no exact link explains: each month at hand takes its share.

    The credit holds a month's amount, or what is likely to be it, for twelve months or for those up to December; or,
    on the base of an earlier year, another sum twelve times. What is left is of months whose lines are still to come,
    or never will where the person left: it stands in no month.
    """
    taken: set[int] = set()
    todo = [row for row in rows if row.prepaid and row.stream == "normal" and _value(row)
            and (row in open_rows or (row.by_place and row.paid))]
    for j in spare:
        coin = coins[j]
        if coin.printed is not None or coin.named:
            continue
        ahead = sorted((row for row in todo if coin.month <= row.month < coin.month + YEAR), key=lambda row: row.month)
        if not ahead:
            continue
        first = ahead[0]
        count, each = _prepaid_share(coin.gross, first)
        if count and coin.gross != coin.amount:  # what was taken back is of the last months
            count = coin.amount // each
        mine = [row for row in ahead if row.month < first.month + count]
        if (
            not count or first.month > coin.month + 1
            or [row.month for row in mine] != list(range(first.month, first.month + len(mine)))
        ):
            continue
        for row in mine:
            share = each if row.amount is None else min(each, row.amount)
            out.link(account, row, coin, share, "N:1" if share == _value(row) else "inexact")
            todo.remove(row)
            if row in open_rows:
                out.settle(row)
                open_rows.remove(row)
        taken.add(j)
    return [j for j in spare if j not in taken]


def _value(row: _Row) -> int:
    """What a month is due, or likely to be."""
    return row.amount if row.amount is not None else row.estimate or 0


def _prepaid_share(total: int, first: _Row) -> tuple[int, int]:
    """For how many months from ``first`` on a sum paid in advance is, and what each of them has; 0 where it is none."""
    count, rest = divmod(total, _value(first))
    if not rest and count in (YEAR, YEAR - first.month % YEAR):
        return count, _value(first)
    each, rest = divmod(total, YEAR)
    if not rest and first.amount is None and first.month % YEAR == 0 and each * 2 > _value(first) > each // 2:
        return YEAR, each
    return 0, 0


def _without_next_year(rows: list[_Row], coins: list[_Coin]) -> list[_Coin]:
    """The credits less a year in advance whose lines are all still to come: it stands in no month.

    The account's last lines have had theirs the same way: a year before, or when their first month was paid.
    """
    lines = [row for row in rows if row.prepaid and row.stream == "normal" and _value(row)]
    if len(coins) < 2 or not lines:
        return coins
    last = max(lines, key=lambda row: row.month)
    first = min((row for row in lines if row.month // YEAR == last.month // YEAR), key=lambda row: row.month)
    if not any(0 <= first.month - coin.month <= 1 and _prepaid_share(coin.gross, first)[0] for coin in coins):
        return coins
    return [coin for coin in coins if not (
        coin.month % YEAR == 0 and last.month < coin.month <= last.month + 2 and coin.amount == YEAR * _value(last))]


def _yearly_shares(rows: list[_Row], total: int) -> list[int]:
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


def _place_inexact(
    account: _Account, open_rows: list[_Row], coins: list[_Coin], spare: list[int], left_prices: list[int],
    out: _Output,
) -> list[int]:
    """A lone due month and a lone credit in its place, not one that came twice; later only one of nearly the amount."""
    taken: set[int] = set()
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
                and (not late or not quarters_off(row.amount or 0, coins[j].amount))
            ]
            if here:
                out.link(account, row, coins[here[0]], coins[here[0]].amount, "inexact")
                free.remove(here[0])
                taken.add(here[0])
                open_rows.remove(row)
    return [j for j in spare if j not in taken]


def _make_good(
    account: _Account, rows: list[_Row], coins: list[_Coin], spare: list[int], out: _Output, begin: int
) -> list[int]:
    """Shortfalls and open months that a later credit makes good exactly (:mod:`recon.core.made_good`) are its links.

    begin: where the account's links begin in ``out``. A credit that was too much for its own line keeps that line's
    amount there.
    """
    got: dict[int, list[int]] = defaultdict(list)  # line: places in out.links
    for at in range(begin, len(out.links["line"])):
        got[int(str(out.links["line"][at]))].append(at)
    place_of = {coin.number: j for j, coin in enumerate(coins)}
    lacks, extras, held = [], [], {}
    dues = {row.amount for row in rows}
    for number, row in enumerate(rows):
        if row.annual or row.amount is None or not row.open_price:
            continue
        mine = got.get(row.number, [])
        over = sum(int(str(out.links["amount_fen"][at])) for at in mine) - row.amount
        if over < 0 and (not mine or not _is_met(row, over)):
            # What is another month's whole amount is an older base's credit, no deduction.
            steady = row.amount + over in row.deducted and row.amount + over not in dues
            lacks.append(Lack(number, row.month, row.clock, row.day, -over, not mine, steady))
        elif over > 0 and len(mine) == 1 and not _is_met(row, over):
            j = place_of[int(str(out.links["credit"][mine[0]]))]
            if coins[j].printed is None and not coins[j].named:
                extras.append(Extra(j, coins[j].month, coins[j].day, over, False))
                held[j] = mine[0]
    if not lacks:
        return spare
    # A second credit of the sum of the months around it came twice: that an open month of the old base and a top-up to
    # the new one make the new sum, too, proves nothing.
    extras += [Extra(j, coins[j].month, coins[j].day, coins[j].amount, True) for j in spare
               if coins[j].printed is None and not coins[j].named and not any(
                   row.number in got and row.due is not None and abs(row.due - coins[j].month) <= 1
                   and coins[j].amount in _amounts(row) for row in rows)]
    for j, run in made_good(lacks, extras).items():
        kind = "1:N" if j not in held and len(run) == 1 else "N:M"
        if j not in held and all(lack.is_whole for lack in run):
            kind = "N:1"
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


def _is_met(row: _Row, over: int) -> bool:
    """Whether a line that got its amount and ``over`` got all it is due: another accepted sum, or to the half yuan."""
    return (row.amount or 0) + over in row.accepts or (row.half_yuan and abs(over) <= HALF_YUAN)


def _place_unknown(
    account: _Account, rows: list[_Row], coins: list[_Coin], spare: list[int], out: _Output
) -> list[int]:
    """Lines whose amount is not known take the credit in their place, one to one, at no price."""
    taken: set[int] = set()
    todo = [row for row in rows if row.by_place and not row.annual]
    busy = {row.due + row.behind for row in todo if row.due is not None}
    for late in (0, 1, 2):
        for row in list(todo):
            for j in spare:
                coin = coins[j]
                if j in taken:
                    continue
                if coin.printed is not None:
                    fits = coin.printed == row.month
                elif row.due is None:
                    fits = 0 <= coin.month - row.month <= ANNUAL_REACH_MONTHS
                else:
                    # A later credit is only taken where it is not the place of another such line.
                    fits = coin.month == row.due + row.behind + late and (late == 0 or coin.month not in busy)
                if fits:
                    out.link(account, row, coin, coin.amount, "1:1")
                    taken.add(j)
                    todo.remove(row)
                    break
    # What else came in such a month stands there too: whether it is too much cannot be told.
    served = {row.due + row.behind: row for row in rows
              if row.by_place and not row.annual and row.due is not None and row not in todo}
    for j in spare:
        row_there = served.get(coins[j].month)
        if j not in taken and row_there is not None and coins[j].printed is None:
            out.link(account, row_there, coins[j], coins[j].amount, "1:N")
            taken.add(j)
    return [j for j in spare if j not in taken]


def _place_surplus(
    account: _Account, rows: list[_Row], coins: list[_Coin], spare: list[int], usual: int, out: _Output,
    linked_months: set[int], first_of_two: dict[tuple[int, int], _Row],
) -> None:
    """A credit nothing explains belongs to the month in whose place it came, as a link of that month.

    first_of_two: the lines linked alone to one credit, by its month and amount: what came twice is theirs, though late.
    """
    by_place: dict[int, list[_Row]] = defaultdict(list)
    ordinary = ("normal", "retiree")
    # What comes too much comes in a month's usual place: not in the one where a late run put another's.
    for row in sorted(rows, key=lambda row: (
            row.stream not in ordinary, row.run_late, row.clock - row.month, row.month)):
        by_place[row.place].append(row)
    by_month: dict[int, _Row] = {}
    for row in rows:
        by_month.setdefault(row.month, row)
    absent = {row.month for row in rows if row.absent}
    served = set(linked_months)
    for j in spare:
        coin = coins[j]
        if coin.printed is not None:
            place, month = by_month.get(coin.printed), coin.printed
            if place and place.payable and month not in linked_months and 0 < coin.amount < (place.amount or 0) and (
                    not quarters_off(place.amount or 0, coin.amount)):
                out.link(account, place, coin, coin.amount, "inexact")
                linked_months.add(month)
                continue
        else:
            # Of several lines with that place the one of the same amount, else the one that was paid in its time.
            there = by_place.get(coin.month, [])
            twice = first_of_two.get((coin.month, coin.amount), there[0] if there else None)
            place = next((row for row in there if coin.amount in _amounts(row)), twice)
            month = place.month if place else coin.month - usual
            if place and month in linked_months:
                # The month has its own credit, and one has neither a line nor a credit that usually comes then, or came
                # before: it was paid late.
                gap = next((each for each in (coin.month - usual, month - 1, month - 2)
                            if each in absent and each not in served), None)
                if gap is not None and _like(coin.amount, gap, rows) and not _is_its_own(coin, place, rows):
                    place, month = by_month.get(gap), gap
            early = by_month.get(month)
            if early and not place and early.payable and month not in linked_months and coin.amount in _amounts(early):
                # It came before the day its premium is recorded for: a matter of the record, not of the credit.
                out.link(account, early, coin, coin.amount, "1:1")
                linked_months.add(month)
                continue
        served.add(month)
        kind = "1:N" if month in linked_months else "1:1"
        out.link(account, place, coin, coin.amount, kind, month=month, surplus=True)
