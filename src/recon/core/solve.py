"""The joint best set of links for one account: an exact layered dynamic programme.

Lines are taken stream by stream in order of accrual month; a state is what is left to decide: the usual lag in force,
which credits are still to be had, and, per amount, how far down the record links have come (links of equal amounts may
not cross). Every way to deal with the next line is an edge: leave it open, link it alone or with its neighbours to one
credit, to a few credits, a few to a few, or inexactly. A forward and a backward pass give the least cost through every
edge, hence the best answer *and*, for every line, the best answer in which it changes between open and not open: its
margin. What is optimal: the cost of :data:`PRICES` over all sets of such links within reach.

Work per account is lines x states x edges; a state differs from the cheapest only by choices that cost less than
leaving one month and one credit over, so states are few (about a dozen per line) and independent of the record's
length. Above :data:`MAX_STATES` per line only the cheapest :data:`BEAM` go on and the answer is marked ``bounded``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

REACH_MONTHS = 12
ANNUAL_REACH_MONTHS = 27
MAX_GROUP = 36
YEAR = 12  # months that one credit in advance may pay
HALF_YUAN = 50
MAX_SUMS = 64
# Parts of one month's credit: at most so many months apart where there is much to choose from, and so many in a month.
SPLIT_MONTHS = 1
SMALL_POOL = 6
MAX_SPLIT_POOL = 14
MAX_PARTS = 8
MAX_FEW_POOL = 8
INEXACT_LATE = 2  # months by which a credit of nearly the amount due may be late and still be taken for it
MAX_STATES = 4000
BEAM = 400
# Records beyond this are answered by a simpler rule (see _first_come): 40 years of months are 480 lines.
MAX_LINES = 600
MAX_CREDITS = 900
MAX_PAIRS = 12_000  # of a line and a credit of its amount within reach
BATCHED_FROM = 24  # searches; fewer are quicker one by one
INF = 1 << 40


@dataclass(frozen=True)
class Prices:
    """Costs in thousandths of a month of lateness.

    Contractual (DESIGN section 6, asserted in tests): change < open < 2 changes; open < change + late;
    change <= 2 late; inexact < open + left; any late link within reach < open + left.
    """

    late: int = 1000  # per month later than the usual lag
    early: int = 3000  # per month earlier than the usual lag
    change: int = 1700  # the usual lag becomes another for good
    open: int = 2200  # a due and covered month without a credit
    open_with_reason: int = 500  # the same, where the record itself says that the fund has not split it to people
    left: int = 3000  # a credit without a month
    twin: int = 1300  # the same, when the month holds another credit of the same amount: one of them came twice
    further: int = 200  # each further line or credit in a group
    inexact: int = 3000  # a lone month and a lone credit of another amount in its place
    quarter: int = 500  # more for each quarter by which the two differ, up to the whole
    doubt: int = 100  # less for a line whose amount is itself an estimate
    outside: int = 1000  # taking a credit that, by a lag many people share, belongs to a month outside the lines
    annual_further: int = 20  # the same in a yearly group, where twelve lines are the rule
    annual_other_window: int = 50  # per line of a yearly group that another window claims


PRICES = Prices()
# Lateness beyond this is the price of leaving the usual lag and coming back to it.
LATEST = 2 * PRICES.change
# Flips dearer than this are not looked for: opening a month and leaving its credit over is always cheaper, and so is
# opening another month with the lag gone and come back.
FLIP_CAP = PRICES.open + max(PRICES.left, LATEST) + 400


class Line(NamedTuple):
    """One payable line. Months are numbers; ``arrival`` None: never late. ``day``: day of the month of arrival."""

    stream: int  # order of the stream; lines come sorted by (stream, month)
    kind: str  # normal | other | annual
    month: int
    arrival: int | None
    day: int | None
    amounts: tuple[int, ...]  # accepted amounts, the first is the one due
    half_yuan: bool
    open_price: int
    due: int | None  # month number
    shift: int = 0  # months by which everybody's credits were later then; not this person's doing
    prepaid: bool = False  # the region may pay in advance
    weak: bool = False  # its amount rests on no rule that could accuse: an odd sum is sooner its own
    deducted: int = 0  # how many of the last amounts are the one due less a deduction seen again and again


class Credit(NamedTuple):
    """One credit left to match; ``printed``: the accrual month it names, where that is believed."""

    month: int
    day: int
    amount: int
    left_price: int
    printed: int | None
    use_price: int = 0  # PRICES.outside where the credit belongs elsewhere by the cohort's steady lag


class Link(NamedTuple):
    """One group: lines (positions) and credits (positions), oldest first."""

    lines: tuple[int, ...]
    credits: tuple[int, ...]
    kind: str  # 1:1, N:1, 1:N, N:M, inexact
    which: tuple[int, ...] = ()  # in a group of lines: which of each line's accepted amounts it takes


@dataclass(frozen=True)
class Solution:
    """The best answer. margins: per line, cost of the best flipped answer minus the best; None: no flip exists.

    proved: per line, no answer that explains as many credits exactly has the line the other way.
    """

    links: tuple[Link, ...]
    margins: tuple[int | None, ...]
    proved: tuple[bool, ...]
    openable: tuple[bool, ...]  # the line is open in some best answer
    bounded: bool
    cost: int


class _Edge(NamedTuple):
    """One way to deal with the line at ``at``: credits used, cost per usual lag."""

    span: int
    mask: int
    first: int
    last: int
    classes: tuple[int, ...]  # links of one class keep the order of lines and credits; empty: free to cross
    costs: tuple[int, ...]
    link: Link


class _Frame(NamedTuple):
    """Everything the search depends on. Months and amounts are gone: people with the same history at another wage,
    or in another year, have equal frames and share one search.
    """

    streams: tuple[int, ...]
    normal: tuple[bool, ...]
    open_prices: tuple[int, ...]
    left_prices: tuple[int, ...]
    edges: tuple[tuple[_Edge, ...], ...]
    lags: tuple[int, ...]
    start: int


Question = tuple[Sequence[Line], Sequence[Credit], int]  # lines, credits and the usual lag of one account


def solve(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> Solution:
    """The best links of one account whose usual lag starts at ``usual`` months."""
    easy = _plain(lines, credits, usual) or _first_come(lines, credits, usual)
    return easy or _search(_frame(lines, credits, usual))


def solve_many(accounts: Sequence[Question]) -> list[Solution]:
    """:func:`solve` for each of many accounts, the searches together (:mod:`recon.core.batched`)."""
    found = [_plain(*account) or _first_come(*account) for account in accounts]
    hard = [at for at, solution in enumerate(found) if solution is None]
    frames = [_frame(*accounts[at]) for at in hard]
    if len(frames) < BATCHED_FROM:
        searched = [_search(frame) for frame in frames]
    else:
        from recon.core.batched import search_many  # here: small runs do not load numpy

        searched = search_many(frames)
    for at, solution in zip(hard, searched, strict=True):
        found[at] = solution
    return [solution for solution in found if solution is not None]


def _plain(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> Solution | None:
    """The answer of a record in which every credit stands in its place, without a search; None for any other.

    Every line that could have a credit has one of its own amount at the usual lag, and no credit that would cost
    anything is left: nothing can be cheaper. To open a linked line then means that fewer lines than credits remain,
    and no credit here can share a line with another (each fits one alone), so one is left over: the margin is the price
    of the open month and of that credit.
    """
    waiting: dict[tuple[int, int], list[int]] = {}
    for j, credit in enumerate(credits):
        if credit.printed is not None:
            return None
        waiting.setdefault((credit.month, credit.amount), []).append(j)
    newest = max((credit.month for credit in credits), default=-1)
    links: list[Link] = []
    margins: list[int | None] = []
    cost = 0
    for i, line in enumerate(lines):
        if line.kind == "annual" or line.arrival is None or line.due is None:
            return None
        place = line.arrival + usual + line.shift if line.kind == "normal" else line.due
        here = waiting.get((place, line.amounts[0]))
        if here:
            j = here.pop(0)
            if not credits[j].left_price or _lag(line, credits[j]) is None:
                return None
            links.append(Link((i,), (j,), "1:1"))
            margins.append(line.open_price + credits[j].left_price)
        elif line.arrival <= newest:
            return None
        else:
            cost += line.open_price
            margins.append(None)
    if any(credits[j].left_price for rest in waiting.values() for j in rest):
        return None
    if len({credits[link.credits[0]].left_price for link in links}) > 1:
        return None
    linked = {link.lines[0] for link in links}
    count = len(lines)
    return Solution(
        tuple(links), tuple(margins), (True,) * count, tuple(i not in linked for i in range(count)), False, cost
    )


def _is_too_long(lines: Sequence[Line], credits: Sequence[Credit]) -> bool:
    """Whether a record is beyond what is searched: its lines, credits, or pairs of equal amount within reach."""
    if len(lines) > MAX_LINES or len(credits) > MAX_CREDITS:
        return True
    there = Counter((credit.amount, credit.month) for credit in credits)
    pairs = sum(
        there[line.amounts[0], line.arrival + lag]
        for line in lines if line.arrival is not None for lag in range(REACH_MONTHS + 1)
    )
    return pairs > MAX_PAIRS


def _first_come(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> Solution | None:
    """A simpler rule for records too long to be searched; None for all others. The answer is marked ``bounded``.

    Oldest line first, every line takes a credit of its amount in its own place; then each one left takes the first
    free credit of its amount within reach. No lumps, no splits, no margins.
    """
    if not _is_too_long(lines, credits):
        return None
    free: dict[int, list[int]] = {}
    for j, credit in enumerate(credits):
        free.setdefault(credit.amount, []).append(j)
    taken: dict[int, int] = {}
    order = sorted(range(len(lines)), key=lambda i: (lines[i].month, i))
    for in_place in (True, False):
        for i in order:
            line = lines[i]
            own = (usual + line.shift if line.kind == "normal" or line.due is None
                   else line.due - (line.arrival or line.month))
            waiting = free.get(line.amounts[0], [])
            if i in taken:
                continue
            for at, j in enumerate(waiting):
                lag = _lag(line, credits[j])
                if lag is not None and (not in_place or lag == own):
                    taken[i] = waiting.pop(at)
                    break
                if lag is None and line.arrival is not None and credits[j].month > line.arrival + ANNUAL_REACH_MONTHS:
                    break
    links = tuple(Link((i,), (j,), "1:1") for i, j in sorted(taken.items()))
    cost = sum(line.open_price for i, line in enumerate(lines) if i not in taken)
    cost += sum(credits[j].left_price for rest in free.values() for j in rest)
    count = len(lines)
    return Solution(links, (None,) * count, (False,) * count, (False,) * count, True, cost)


def deviation(lag: int, usual: int, prices: Prices = PRICES) -> int:
    """The price of a lag against the usual one: early dearer than late, lateness no dearer than going and returning."""
    gap = lag - usual
    return min(gap * prices.late, LATEST) if gap >= 0 else -gap * prices.early


def quarters_off(due: int, came: int) -> int:
    """By how many whole quarters of what is due a credit differs from it, at most four."""
    return min(abs(due - came) * 4 // due, 4) if due > 0 else 4


# ----------------------------------------------------------------------------------------------- candidate links


def _lag(line: Line, credit: Credit) -> int | None:
    """Months from arrival to the credit if the pair is a candidate, else None; -1 where the lag is unknown."""
    if credit.printed is not None:
        if credit.printed != line.month:
            return None
        return max(credit.month - line.arrival, 0) if line.arrival is not None else -1
    if line.arrival is None:
        return -1 if 0 <= credit.month - line.month <= 5 * REACH_MONTHS else None
    lag = credit.month - line.arrival
    reach = ANNUAL_REACH_MONTHS if line.kind == "annual" else REACH_MONTHS
    if not 0 <= lag <= reach:
        return None
    if lag == 0 and line.day is not None and credit.day < line.day and not line.prepaid:
        return None
    return lag


def _frame(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> _Frame:
    lag_of = [[_lag(line, credit) for credit in credits] for line in lines]
    exact = [
        [j for j, credit in enumerate(credits) if lag_of[i][j] is not None and _fits(line, credit.amount)]
        for i, line in enumerate(lines)
    ]
    odd = set(range(len(credits))) - {j for row in exact for j in row}
    lags = {usual}
    for i, line in enumerate(lines):
        if line.kind == "normal":
            lags.update(lag - line.shift for j in exact[i] if (lag := lag_of[i][j]) is not None and lag >= 0)
    order = tuple(sorted(lags))
    builder = _Edges(lines, credits, lag_of, order, odd)
    edges: list[list[_Edge]] = []
    for i in range(len(lines)):
        found = builder.singles(i, exact[i])
        found += builder.lumps(i)
        if odd:
            found += builder.splits(i)
        if len(odd) > 1:
            found += builder.few(i)
        edges.append(found)
    if odd:
        # Only what no exact sum can use is linked inexactly.
        taken = 0
        for found in edges:
            for edge in found:
                taken |= edge.mask
        builder.odd = {j for j in odd if not taken >> j & 1}
        for i, found in enumerate(edges):
            found += builder.inexact(i)
    return _Frame(
        streams=tuple(line.stream for line in lines), normal=tuple(line.kind == "normal" for line in lines),
        open_prices=tuple(line.open_price for line in lines),
        left_prices=tuple(credit.left_price for credit in credits),
        edges=tuple(tuple(found) for found in edges), lags=order,
        start=order.index(usual),
    )


def _fits(line: Line, amount: int) -> bool:
    return amount in line.amounts or (line.half_yuan and abs(amount - line.amounts[0]) <= HALF_YUAN)


def _sums(sums: dict[int, tuple[int, ...]], line: Line) -> dict[int, tuple[int, ...]]:
    """Every sum reachable with one more line, and by which of the accepted amounts; the due ones are preferred."""
    more: dict[int, tuple[int, ...]] = {}
    for number, amount in enumerate(line.amounts):
        for total, which in sums.items():
            if len(more) < MAX_SUMS:
                more.setdefault(total + amount, (*which, number))
    return more


class _Edges:
    """Builds the edges of one account; a class only because all kinds share the same five inputs."""

    def __init__(
        self, lines: Sequence[Line], credits: Sequence[Credit], lag_of: list[list[int | None]],
        lags: tuple[int, ...], odd: set[int],
    ) -> None:
        self.lines, self.credits, self.lag_of, self.lags, self.odd = lines, credits, lag_of, lags, odd
        self.by_amount: dict[int, list[int]] = {}
        for j, credit in enumerate(credits):
            self.by_amount.setdefault(credit.amount, []).append(j)
        self.top = max(self.by_amount, default=0)
        # What tells at once that nothing of a kind can be found.
        amounts = [credits[j].amount for j in odd]
        self.one_amount = all(len(line.amounts) == 1 and not line.half_yuan for line in lines)
        self.least_odd = min(amounts, default=0)
        self.odd_sums = None if len(odd) > MAX_FEW_POOL else {
            sum(picks) for size in (2, 3) for picks in combinations(amounts, size)
        }
        self.classes: dict[tuple[object, ...], int] = {}
        # The price of each lag against every usual lag; most edges are one line and one credit and need no more.
        self.prices = {
            lag: tuple(deviation(lag, usual) for usual in lags)
            for lag in {lag - line.shift for line, row in zip(lines, lag_of, strict=True)
                        for lag in row if lag is not None and lag >= 0}
        }

    def _edge(
        self, rows: tuple[int, ...], picks: tuple[int, ...], kind: str, which: tuple[int, ...] = ()
    ) -> _Edge:
        annual = self.lines[rows[0]].kind == "annual"
        members = len(rows) + len(picks) - 2
        base = members * (PRICES.annual_further if annual else PRICES.further)
        inexact = self._odd_price(rows[0], picks[0]) if kind == "inexact" else 0
        base += inexact + self._deduction_price(rows, picks, which) + sum(self.credits[j].use_price for j in picks)
        costs = [base] * len(self.lags)
        if annual:
            base += self._annual_price(rows, picks)
            costs = [base] * len(self.lags)
        elif len(rows) > 1 and any(self.lag_of[i][j] is None for i in rows for j in picks if len(picks) == 1):
            costs = [base + PRICES.late] * len(self.lags)  # paid in advance: one thing out of the ordinary
        else:
            pairs = self._pairs(rows, picks, which)
            worsts = {i: max(self._known(at, j) for at, j in pairs if at == i) for i in rows}
            for k, usual in enumerate(self.lags):
                late = 0
                for i, worst in worsts.items():
                    if worst < 0:
                        continue
                    line = self.lines[i]
                    plain = line.kind == "normal" or line.due is None
                    price = (deviation(worst - line.shift, usual) if plain
                             else deviation(worst, (line.due or 0) - (line.arrival or 0)))
                    # A lump is late once, by its oldest month; each month that comes early counts.
                    if worst - line.shift >= usual or not plain:
                        late = max(late, price)
                    else:
                        costs[k] += price
                costs[k] += late
        mask = 0
        for j in picks:
            mask |= 1 << j
        return _Edge(len(rows), mask, min(picks), max(picks), self._classes(rows, picks, kind), tuple(costs),
                     Link(rows, picks, kind, which))

    def _deduction_price(self, rows: tuple[int, ...], picks: tuple[int, ...], which: tuple[int, ...]) -> int:
        """A little for each line that takes its amount less a deduction: the whole amount is likelier."""
        if not any(self.lines[i].deducted for i in rows):
            return 0
        amounts, came = self.lines[rows[0]].amounts, sum(self.credits[j].amount for j in picks)
        taken = which or ((amounts.index(came),) if came in amounts else ())
        return PRICES.doubt * sum(
            number >= len(self.lines[i].amounts) - self.lines[i].deducted
            for i, number in zip(rows, taken, strict=False)
        )

    def _odd_price(self, i: int, j: int) -> int:
        """The price of taking a credit of another amount: the further off, the sooner it is something else."""
        off = quarters_off(self.lines[i].amounts[0], self.credits[j].amount)
        return PRICES.inexact + PRICES.quarter * off - (PRICES.doubt if self.lines[i].weak else 0)

    def _classes(self, rows: tuple[int, ...], picks: tuple[int, ...], kind: str) -> tuple[int, ...]:
        """The amounts a link gives its lines, numbered: equal ones of a stream cross only by a printed month."""
        if kind == "N:M" or any([self.credits[j].printed is not None for j in picks]):  # noqa: C419  quicker
            return ()
        stream = self.lines[rows[0]].stream
        if kind == "1:1":
            return (self.classes.setdefault((stream, self.lines[rows[0]].amounts[0]), len(self.classes)),)
        if kind in ("1:N", "inexact"):
            keys: set[tuple[object, ...]] = {(stream, *(self.credits[j].amount for j in picks))}
        else:
            keys = {(stream, self.lines[i].amounts[0]) for i in rows}
        return tuple(sorted(self.classes.setdefault(key, len(self.classes)) for key in keys))

    def _pairs(self, rows: tuple[int, ...], picks: tuple[int, ...], which: tuple[int, ...]) -> list[tuple[int, int]]:
        """The pairs of line and credit that a group really links: the oldest month first from the earliest credit."""
        if len(rows) == 1 or len(picks) == 1:
            return [(i, j) for i in rows for j in picks]
        left = {j: self.credits[j].amount for j in picks}
        pairs = []
        for i, number in zip(rows, which, strict=True):
            due = self.lines[i].amounts[number]
            for j in picks:
                share = min(due, left[j])
                if share:
                    pairs.append((i, j))
                    left[j] -= share
                    due -= share
        return pairs

    def _known(self, i: int, j: int) -> int:
        lag = self.lag_of[i][j]
        return -1 if lag is None else lag

    def _annual_price(self, rows: tuple[int, ...], picks: tuple[int, ...]) -> int:
        posted = self.credits[picks[-1]].month
        due = self.lines[rows[-1]].due or posted
        other = sum(self.lines[i].due != due for i in rows)
        return min(abs(posted - due), 3) * PRICES.late + other * PRICES.annual_other_window

    def singles(self, i: int, picks: list[int]) -> list[_Edge]:
        """One line, one credit of its amount, for each of ``picks``. Most edges are these: no detour for the plain."""
        line, lags, rows = self.lines[i], self.lag_of[i], (i,)
        if line.kind != "normal" or line.deducted or not picks:
            return [self._edge(rows, (j,), "1:1") for j in picks]
        own = (self.classes.setdefault((line.stream, line.amounts[0]), len(self.classes)),)
        found = []
        for j in picks:
            credit, lag = self.credits[j], lags[j]
            if lag is None or lag < 0 or credit.use_price:
                found.append(self._edge(rows, (j,), "1:1"))
            else:
                classes = own if credit.printed is None else ()
                price = self.prices[lag - line.shift]
                found.append(_Edge(1, 1 << j, j, j, classes, price, Link(rows, (j,), "1:1")))
        return found

    def lumps(self, i: int) -> Iterator[_Edge]:
        """Contiguous lines of one stream, one credit of exactly their sum."""
        if self.one_amount:
            total = self.lines[i].amounts[0]
            for end in range(i + 1, min(i + MAX_GROUP, len(self.lines))):
                total += self.lines[end].amounts[0]
                if self.lines[end].stream != self.lines[i].stream or total > self.top:
                    return
                for j in self.by_amount.get(total, ()):
                    rows = tuple(range(i, end + 1))
                    if self._lump_ok(rows, j):
                        yield self._edge(rows, (j,), "N:1", (0,) * len(rows))
            return
        sums = _sums({0: ()}, self.lines[i])
        for end in range(i + 1, min(i + MAX_GROUP, len(self.lines))):
            if self.lines[end].stream != self.lines[i].stream:
                return
            sums = _sums(sums, self.lines[end])
            if min(sums) > self.top:
                return
            rows = tuple(range(i, end + 1))
            if self.lines[i].half_yuan:
                yield from self._rounded_lump(rows)
                continue
            for total, which in sums.items():
                for j in self.by_amount.get(total, ()):
                    if self._lump_ok(rows, j):
                        yield self._edge(rows, (j,), "N:1", which)

    def _rounded_lump(self, rows: tuple[int, ...]) -> Iterator[_Edge]:
        """A lump of amounts known to the whole yuan only: half a yuan each way per month."""
        total = sum(self.lines[i].amounts[0] for i in rows)
        for j, credit in enumerate(self.credits):
            if abs(credit.amount - total) <= HALF_YUAN * len(rows) and self._lump_ok(rows, j):
                yield self._edge(rows, (j,), "N:1")

    def _lump_ok(self, rows: tuple[int, ...], j: int) -> bool:
        printed, posted = self.credits[j].printed, self.credits[j].month
        first = self.lines[rows[0]]
        if first.prepaid and printed is None and first.arrival is not None and posted <= first.arrival:
            return self.lines[rows[-1]].month - posted < YEAR
        if printed is None:
            return all(self.lag_of[i][j] is not None for i in rows)
        # A lump prints one of its months; the others need only lie within reach.
        return any(self.lines[i].month == printed for i in rows) and all(
            0 <= self.credits[j].month - (self.lines[i].arrival or self.lines[i].month) <= REACH_MONTHS for i in rows
        )

    def _pool(self, i: int, below: int) -> list[int]:
        return [j for j, lag in enumerate(self.lag_of[i]) if lag is not None and self.credits[j].amount < below]

    def splits(self, i: int) -> Iterator[_Edge]:
        """One line, a few credits of exactly its amount; at least one of them fits no line alone.

        Two or three credits near each other in time, or all odd credits of one month (up to :data:`MAX_PARTS`).
        """
        line = self.lines[i]
        if self.least_odd >= max(line.amounts):
            return
        pool = self._pool(i, max(line.amounts))
        if not any(j in self.odd for j in pool):
            return
        seen: set[tuple[int, ...]] = set()
        spread = SPLIT_MONTHS if len(pool) > SMALL_POOL else REACH_MONTHS
        for at, first in enumerate(pool):
            near = [j for j in pool[at + 1:] if self.credits[j].month - self.credits[first].month <= spread]
            for size in (1, 2):
                for rest in combinations(near[:MAX_SPLIT_POOL], size):
                    seen.add((first, *rest))
        by_month: dict[int, list[int]] = {}
        for j in pool:
            if j in self.odd:
                by_month.setdefault(self.credits[j].month, []).append(j)
        seen.update(tuple(parts) for parts in by_month.values() if 3 < len(parts) <= MAX_PARTS)
        for picks in sorted(seen):
            if sum(self.credits[j].amount for j in picks) in line.amounts and any(j in self.odd for j in picks):
                yield self._edge((i,), picks, "1:N")

    def few(self, i: int) -> Iterator[_Edge]:
        """Two or three neighbouring lines, two or three odd credits of exactly their sum."""
        for rows in ((i, i + 1), (i, i + 1, i + 2)):
            if rows[-1] >= len(self.lines) or self.lines[rows[-1]].stream != self.lines[i].stream:
                return
            sums: dict[int, tuple[int, ...]] = {0: ()}
            for k in rows:
                sums = _sums(sums, self.lines[k])
            if self.odd_sums is not None and self.odd_sums.isdisjoint(sums):
                continue
            pool = sorted({
                j for k in rows for j in self._pool(k, max(sums)) if j in self.odd
            })[:MAX_FEW_POOL]
            for size in (2, 3):
                if size + len(rows) > 5:
                    continue
                for picks in combinations(pool, size):
                    which = sums.get(sum(self.credits[j].amount for j in picks))
                    if which is not None and all(
                        self.lag_of[k][j] is not None for k, j in self._pairs(rows, picks, which)
                    ):
                        yield self._edge(rows, picks, "N:M", which)

    def inexact(self, i: int) -> Iterator[_Edge]:
        """An odd credit in the line's own place: at the usual lag, or, if not far from the amount due, a little later.

        A credit of quite another amount that comes later stands in another month's place.
        """
        if self.lines[i].kind == "annual" or not self.lines[i].open_price:
            return
        for j in sorted(self.odd):
            lag = self.lag_of[i][j]
            if lag is None or lag < 0:
                continue
            edge = self._edge((i,), (j,), "inexact")
            if self.credits[j].printed is None:
                line = self.lines[i]
                own = (line.due or 0) - (line.arrival or 0)
                usual = self.lags if line.kind == "normal" else (own,) * len(self.lags)
                lag -= line.shift if line.kind == "normal" else 0
                late = INEXACT_LATE if quarters_off(line.amounts[0], self.credits[j].amount) == 0 else 0
                costs = tuple(
                    cost if 0 <= lag - at <= late else INF for cost, at in zip(edge.costs, usual, strict=True)
                )
                if min(costs) >= INF:
                    continue
                edge = edge._replace(costs=costs)
            yield edge


# -------------------------------------------------------------------------------------------------------- search

_Key = tuple[tuple[int, ...], int]  # how far each amount has come; credits still to be had


class _Layers:
    """What of a state matters at each position: amounts still to come and credits that can still be used."""

    def __init__(self, frame: _Frame) -> None:
        size = len(frame.streams)
        self.frame = frame
        self.stream_classes: list[tuple[int, ...]] = [()] * (size + 1)
        self.by_class: list[dict[int, int]] = [{} for _ in range(size + 1)]
        self.free: list[int] = [0] * (size + 1)
        for i in range(size - 1, -1, -1):
            same = i + 1 < size and frame.streams[i + 1] == frame.streams[i]
            later_free = self.free[i + 1]
            masks = dict(self.by_class[i + 1]) if same else {}
            if not same:
                for mask in self.by_class[i + 1].values():
                    later_free |= mask
            for edge in frame.edges[i]:
                for number in edge.classes:
                    masks[number] = masks.get(number, 0) | edge.mask
                if not edge.classes:
                    later_free |= edge.mask
            self.by_class[i], self.free[i] = masks, later_free
            self.stream_classes[i] = tuple(sorted(masks))

    def enter(self, at: int, heads: dict[int, int], avail: int) -> tuple[_Key, int, int]:
        """The state at ``at``, and price and number of the priced credits that nothing can use any more."""
        usable = self.free[at]
        kept = []
        for number in self.stream_classes[at]:
            mask = self.by_class[at][number]
            head = heads.get(number, 0)
            below = (1 << head) - 1
            usable |= mask & ~below
            kept.append(head if avail & mask & below else 0)
        now = avail & usable
        lost = avail & ~usable
        price = count = 0
        while lost:
            bit = lost & -lost
            one = self.frame.left_prices[bit.bit_length() - 1]
            price += one
            count += one > 0
            lost ^= bit
        return (tuple(kept), now), price, count

    def heads(self, at: int, key: _Key) -> dict[int, int]:
        return dict(zip(self.stream_classes[at], key[0], strict=True))


# from, to position, to, fixed cost, credits it leaves unexplained, edge (None: left open)
_Step = tuple[_Key, int, _Key, int, int, _Edge | None]


@lru_cache(maxsize=100_000)
def _search(frame: _Frame) -> Solution:
    layers = _Layers(frame)
    least = _least_ahead(frame)
    floor = least[0][frame.start] if frame.streams else 0
    slack = PRICES.change
    while True:
        forward, steps, bounded = _forward(frame, layers, least, floor + slack)
        if forward[-1]:
            best = min(min(costs) for costs in forward[-1].values())
            break
        slack = slack * 2 + PRICES.left
    forward, steps, bounded = _forward(frame, layers, least, best + FLIP_CAP)
    return _trace(frame, forward, steps, _backward(frame, forward, steps), best, bounded)


def _relaxed(frame: _Frame, at: int, costs: list[int]) -> list[int]:
    """``costs`` per usual lag when it may change here; only the normal stream's lag changes."""
    if not frame.normal[at]:
        return costs
    changed = min(costs) + PRICES.change
    return [min(cost, changed) for cost in costs]


def _least_ahead(frame: _Frame) -> list[list[int]]:
    """Per position and usual lag, a cost no answer stays below from there: lines at their cheapest, no credit lost."""
    size, width = len(frame.streams), len(frame.lags)
    least = [[0] * width for _ in range(size + 1)]
    for at in range(size - 1, -1, -1):
        here = [cost + frame.open_prices[at] for cost in least[at + 1]]
        for edge in frame.edges[at]:
            ahead = least[at + edge.span]
            here = [min(now, cost + rest) for now, cost, rest in zip(here, edge.costs, ahead, strict=True)]
        least[at] = _relaxed(frame, at, here)
    return least


def _forward(
    frame: _Frame, layers: _Layers, least: list[list[int]], bound: int
) -> tuple[list[dict[_Key, list[int]]], list[list[_Step]], bool]:
    size = len(frame.streams)
    forward: list[dict[_Key, list[int]]] = [{} for _ in range(size + 1)]
    steps: list[list[_Step]] = [[] for _ in range(size)]
    first, price, _ = layers.enter(0, {}, (1 << len(frame.left_prices)) - 1)
    forward[0][first] = [price if k == frame.start else INF for k in range(len(frame.lags))]
    bounded = False

    def push(
        at: int, key: _Key, costs: list[int], fixed: int, wrong: int, edge: _Edge | None, to: int, target: _Key
    ) -> None:
        if edge is None:
            new = [cost + fixed for cost in costs]
        else:
            new = [cost + extra + fixed for cost, extra in zip(costs, edge.costs, strict=True)]
        if min(cost + rest for cost, rest in zip(new, least[to], strict=True)) > bound:
            return
        steps[at].append((key, to, target, fixed, wrong, edge))
        known = forward[to].get(target)
        forward[to][target] = new if known is None else [min(a, b) for a, b in zip(known, new, strict=True)]

    for at in range(size):
        layer = forward[at]
        if len(layer) > MAX_STATES:
            bounded = True
            layer = dict(sorted(layer.items(), key=lambda item: (min(item[1]), item[0]))[:BEAM])
            forward[at] = layer
        for key, raw in layer.items():
            costs = _relaxed(frame, at, raw)
            heads, avail = layers.heads(at, key), key[1]
            target, lost, wrong = layers.enter(at + 1, heads, avail)
            push(at, key, costs, frame.open_prices[at] + lost, wrong, None, at + 1, target)
            for edge in frame.edges[at]:
                if edge.mask & ~avail:
                    continue
                if any(heads.get(number, 0) > edge.first for number in edge.classes):
                    continue
                to = at + edge.span
                moved = {**heads, **dict.fromkeys(edge.classes, edge.last + 1)} if edge.classes else heads
                target, lost, wrong = layers.enter(to, moved, avail & ~edge.mask)
                push(at, key, costs, lost, wrong + (edge.link.kind == "inexact"), edge, to, target)
    return forward, steps, bounded


def _backward(
    frame: _Frame, forward: list[dict[_Key, list[int]]], steps: list[list[_Step]]
) -> list[dict[_Key, list[int]]]:
    """Least cost from each state to the end, per usual lag, *before* a change of lag at that state."""
    size, width = len(frame.streams), len(frame.lags)
    back: list[dict[_Key, list[int]]] = [{} for _ in range(size + 1)]
    back[size] = {key: [0] * width for key in forward[size]}
    for at in range(size - 1, -1, -1):
        layer: dict[_Key, list[int]] = {}
        for key, to, target, fixed, _, edge in steps[at]:
            rest = relaxed_back(frame, to, back[to].get(target))
            if rest is None:
                continue
            extra = edge.costs if edge else (0,) * width
            here = [fixed + cost + more for cost, more in zip(extra, rest, strict=True)]
            known = layer.get(key)
            layer[key] = here if known is None else [min(a, b) for a, b in zip(known, here, strict=True)]
        back[at] = layer
    return back


def relaxed_back(frame: _Frame, at: int, costs: list[int] | None) -> list[int] | None:
    """Cost to go at ``at`` when the lag may change there first."""
    return None if costs is None else costs if at >= len(frame.streams) else _relaxed(frame, at, costs)


def _trace(
    frame: _Frame, forward: list[dict[_Key, list[int]]], steps: list[list[_Step]],
    back: list[dict[_Key, list[int]]], best: int, bounded: bool,
) -> Solution:
    """Margins of all lines, and the tied best answer whose open months are earliest."""
    size, width = len(frame.streams), len(frame.lags)
    best_open, best_linked = [INF] * size, [INF] * size
    by_key: list[dict[_Key, list[_Step]]] = [{} for _ in range(size)]
    for at in range(size):
        for step in steps[at]:
            key, to, target, fixed, _, edge = step
            rest = relaxed_back(frame, to, back[to].get(target))
            if rest is None:
                continue
            by_key[at].setdefault(key, []).append(step)
            costs = _relaxed(frame, at, forward[at][key])
            extra = edge.costs if edge else (0,) * width
            total = min(costs[k] + fixed + extra[k] + rest[k] for k in range(width))
            if edge is None:
                best_open[at] = min(best_open[at], total)
            else:
                for line in edge.link.lines:
                    best_linked[line] = min(best_linked[line], total)
    margins = tuple(
        None if max(a, b) >= INF or max(a, b) > best + FLIP_CAP else max(a, b) - best
        for a, b in zip(best_open, best_linked, strict=True)
    )
    links = _best_links(frame, by_key, back, forward)
    proved = _proved(frame, by_key, {line for link in links for line in link.lines})
    return Solution(tuple(links), margins, proved, tuple(cost == best for cost in best_open), bounded, best)


def _proved(frame: _Frame, by_key: list[dict[_Key, list[_Step]]], linked: set[int]) -> tuple[bool, ...]:
    """Per line: turning it over leaves more credits unexplained than need be, whatever the price of lags."""
    size = len(frame.streams)
    back: list[dict[_Key, int]] = [{} for _ in range(size + 1)]
    for at in range(size - 1, -1, -1):
        for key, found in by_key[at].items():
            back[at][key] = min(wrong + back[to].get(target, 0) for _, to, target, _, wrong, _ in found)
    ahead: list[dict[_Key, int]] = [{} for _ in range(size + 1)]
    ahead[0] = dict.fromkeys(by_key[0], 0) if size else {}
    flipped = [INF] * size
    for at in range(size):
        for key, found in by_key[at].items():
            before = ahead[at].get(key, INF)
            for _, to, target, _, wrong, edge in found:
                here = before + wrong
                if here < ahead[to].get(target, INF):
                    ahead[to][target] = here
                total = here + back[to].get(target, 0)
                covered = (at,) if edge is None else edge.link.lines
                for line in covered:
                    if (line in linked) == (edge is None):
                        flipped[line] = min(flipped[line], total)
    least = min(back[0].values(), default=0)
    return tuple(value > least for value in flipped)


_Node = tuple[int, _Key, int]  # position, state, usual lag in force


def _best_links(
    frame: _Frame, by_key: list[dict[_Key, list[_Step]]], back: list[dict[_Key, list[int]]],
    forward: list[dict[_Key, list[int]]],
) -> list[Link]:
    """Of the cheapest answers the one whose open months are earliest; among those, plain and early links first."""
    if not frame.streams:
        return []
    start: _Node = (0, next(iter(forward[0])), frame.start)
    choices: dict[_Node, list[tuple[tuple[object, ...], _Node, _Edge | None]]] = {}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in choices or node[0] >= len(frame.streams):
            continue
        choices[node] = list(_cheapest(frame, by_key, back, node))
        waiting += [target for _, target, _ in choices[node]]
    tails: dict[_Node, tuple[tuple[int, ...], tuple[tuple[object, ...], _Node, _Edge | None]]] = {}
    for node in sorted(choices, key=lambda node: -node[0]):
        opened = () if not frame.open_prices[node[0]] else (node[0],)
        tails[node] = min(
            (
                ((opened if edge is None else ()) + (tails[target][0] if target in tails else ()), (rank, target, edge))
                for rank, target, edge in choices[node]
            ),
            key=lambda tail: (tail[0], tail[1][0]),
        )
    links: list[Link] = []
    node = start
    while node in tails:
        _, node, edge = tails[node][1]
        if edge is not None:
            links.append(edge.link)
    return links


def _cheapest(
    frame: _Frame, by_key: list[dict[_Key, list[_Step]]], back: list[dict[_Key, list[int]]], node: _Node
) -> Iterator[tuple[tuple[object, ...], _Node, _Edge | None]]:
    """The steps from ``node`` that lie on a cheapest answer, each with a rank that breaks ties for good."""
    at, key, lag = node
    costs = back[at][key]
    changing = frame.normal[at]
    goal = min(costs[lag], min(costs) + PRICES.change) if changing else costs[lag]
    for number in range(len(frame.lags)) if changing else (lag,):
        change = 0 if number == lag else PRICES.change
        for _, to, target, fixed, _, edge in by_key[at].get(key, ()):
            rest = relaxed_back(frame, to, back[to].get(target))
            extra = edge.costs[number] if edge else 0
            if rest is not None and change + fixed + extra + rest[number] == goal:
                rank = (edge is None, change, edge.span if edge else 0, edge.link.credits if edge else (), number)
                yield rank, (to, target, number), edge
