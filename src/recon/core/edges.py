"""What may be linked with what in one account: lines and credits -> a frame of edges.

Every way to deal with a line is an edge: link it alone or with its neighbours to one credit, to a few credits, a few
to a few, or inexactly (leaving it open is the search's own edge). What each costs is :data:`recon.core.links.PRICES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from recon.core.links import (
    HALF_YUAN,
    INEXACT_LATE,
    INF,
    PRICES,
    REACH_MONTHS,
    YEAR,
    Credit,
    Edge,
    Frame,
    Line,
    Link,
    deviation,
    deviations,
    is_beyond_top_up,
    pair_lag,
    quarters_off,
)

MAX_GROUP = 36
MAX_SUMS = 64
# Parts of one month's credit: at most so many months apart where there is much to choose from, and so many in a month.
SPLIT_MONTHS = 1
SMALL_POOL = 6
MAX_SPLIT_POOL = 14
MAX_PARTS = 8
MAX_FEW_POOL = 8
ODD_LUMP = 3  # lines that a credit of nearly their sum may be of


def frame_of(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> Frame:
    """All edges of one account whose usual lag starts at ``usual`` months, and what leaving lines or credits costs."""
    lag_of = _lags(lines, credits)
    by_amount: dict[int, list[int]] = {}
    for j, credit in enumerate(credits):
        by_amount.setdefault(credit.amount, []).append(j)
    exact = [[j for j in _fitting(line, by_amount) if row[j] is not None]
             for line, row in zip(lines, lag_of, strict=True)]
    odd = {j for j, credit in enumerate(credits) if not credit.named} - {j for row in exact for j in row}
    lags = {usual}
    for i, line in enumerate(lines):
        if line.kind == "normal":
            lags.update(lag - line.shift for j in exact[i] if (lag := lag_of[i][j]) is not None and lag >= 0)
    order = tuple(sorted(lags))
    builder = _Edges(lines, credits, by_amount, lag_of, order, odd, usual)
    edges: list[list[Edge]] = []
    for i in range(len(lines)):
        found = builder.singles(i, exact[i])
        found += builder.lumps(i)
        if odd:
            found += builder.splits(i)
        if len(odd) > 1:
            found += builder.few(i)
        edges.append(found)
    if odd:
        # Only what no exact sum can use is linked inexactly; what is far apart in time may make a sum by chance.
        taken = 0
        for found in edges:
            for edge in found:
                apart = credits[edge.last].month - credits[edge.first].month
                if apart <= (SPLIT_MONTHS if edge.link.kind == "N:M" else 0):
                    taken |= edge.mask
        builder.odd = {j for j in odd if not taken >> j & 1}
        for i, found in enumerate(edges):
            found += builder.inexact(i)
    return Frame(
        streams=tuple(line.stream for line in lines), normal=tuple(line.kind == "normal" for line in lines),
        open_prices=tuple(line.open_price for line in lines),
        left_prices=tuple(credit.left_price for credit in credits),
        edges=tuple(tuple(found) for found in edges), lags=order,
        start=order.index(usual),
    )


def _lags(lines: Sequence[Line], credits: Sequence[Credit]) -> list[list[int | None]]:
    """:func:`pair_lag` of every line and credit; nearly all of them are a difference of two months."""
    if any([credit.printed is not None for credit in credits]):  # noqa: C419  quicker
        return [[pair_lag(line, credit) for credit in credits] for line in lines]
    posted = [credit.month for credit in credits]
    found: list[list[int | None]] = []
    for line in lines:
        start = line.arrival
        if start is None or line.kind == "annual":
            found.append([pair_lag(line, credit) for credit in credits])
            continue
        end = start + REACH_MONTHS
        row = [month - start if start <= month <= end else None for month in posted]
        if line.day is not None and not line.prepaid:
            for j, lag in enumerate(row):
                if lag == 0 and credits[j].day < line.day:
                    row[j] = None
        found.append(row)
    return found


def _fitting(line: Line, by_amount: Mapping[int, list[int]]) -> list[int]:
    """The credits of an amount that the line accepts, in order."""
    if len(line.amounts) == 1 and not line.half_yuan:
        return by_amount.get(line.amounts[0], [])
    return sorted(
        j for amount, picks in by_amount.items()
        if amount in line.amounts or (line.half_yuan and abs(amount - line.amounts[0]) <= HALF_YUAN) for j in picks)


def _sums(sums: dict[int, tuple[int, ...]], line: Line) -> dict[int, tuple[int, ...]]:
    """Every sum reachable with one more line, and by which of the accepted amounts; the due ones are preferred."""
    more: dict[int, tuple[int, ...]] = {}
    for number, amount in enumerate(line.amounts):
        for total, which in sums.items():
            if len(more) < MAX_SUMS:
                more.setdefault(total + amount, (*which, number))
    return more


def _exact(line: Line) -> Line:
    """The line without the amount of another rounding."""
    return line._replace(amounts=line.amounts[:-1], rounded=0) if line.rounded else line


def _with_rounded(sums: dict[int, tuple[int, ...]], lines: Sequence[Line]) -> dict[int, tuple[int, ...]]:
    """``sums`` and, after them, those in which lines that take their due sum take it by another rounding.

    First all whose shares' sum is rounded once, then the fewest that give a sum, of those the likeliest and oldest.
    """
    rounded = sorted((-line.rounded, at) for at, line in enumerate(lines) if line.rounded)
    if not rounded:
        return sums
    more = dict(sums)
    ways = [[at for kind, at in rounded if kind == -2], *(
        [at for _, at in rounded if lines[at].amounts[-1] - lines[at].amounts[0] == step] for step in (1, -1))]
    for way, all_of_them in zip(ways, (True, False, False), strict=True):
        for total, which in sums.items():
            taken, now = list(which), total
            for at in way:
                if which[at] == 0:
                    taken[at] = len(lines[at].amounts) - 1
                    now += lines[at].amounts[-1] - lines[at].amounts[0]
                    if not all_of_them:
                        more.setdefault(now, tuple(taken))
            more.setdefault(now, tuple(taken))
    return more


class _Edges:
    """Builds the edges of one account; a class only because all kinds share the same five inputs."""

    def __init__(
        self, lines: Sequence[Line], credits: Sequence[Credit], by_amount: Mapping[int, list[int]],
        lag_of: list[list[int | None]], lags: tuple[int, ...], odd: set[int], usual: int,
    ) -> None:
        self.lines, self.credits, self.lag_of, self.lags, self.odd = lines, credits, lag_of, lags, odd
        self.by_amount, self.usual = by_amount, usual
        self.top = max(by_amount, default=0)
        # What tells at once that nothing of a kind can be found.
        amounts = [credits[j].amount for j in odd]
        self.one_amount = all(len(line.amounts) == 1 and not line.half_yuan for line in lines)
        self.least_odd = min(amounts, default=0)
        self.odd_sums = None if len(odd) > MAX_FEW_POOL else {
            sum(picks) for size in (2, 3) for picks in combinations(amounts, size)
        }
        self.classes: dict[tuple[int, ...], int] = {}
        # The price of each lag against every usual lag; most edges are one line and one credit and need no more.
        self.prices = {
            (lag, shift): deviations(lag, shift, lags)
            for lag, shift in {(lag, line.shift) for line, row in zip(lines, lag_of, strict=True)
                               for lag in row if lag is not None and lag >= 0}
        }

    def _edge(
        self, rows: tuple[int, ...], picks: tuple[int, ...], kind: str, which: tuple[int, ...] = ()
    ) -> Edge:
        annual = self.lines[rows[0]].kind == "annual"
        members = len(rows) + len(picks) - 2
        base = members * (PRICES.annual_further if annual else PRICES.further)
        inexact = self._odd_price(rows, picks[0]) if kind == "inexact" else 0
        base += inexact + self._doubtful_price(rows, picks, which) + sum([self.credits[j].use_price for j in picks])
        costs = [base] * len(self.lags)
        if annual:
            base += self._annual_price(rows, picks)
            costs = [base] * len(self.lags)
        elif len(rows) > 1 and len(picks) == 1 and any([self.lag_of[i][picks[0]] is None for i in rows]):  # noqa: C419
            costs = [base + PRICES.late] * len(self.lags)  # paid in advance: one thing out of the ordinary
        elif members == 0 and self.lines[rows[0]].kind == "normal" and self._known(rows[0], picks[0]) >= 0:
            lag = self._known(rows[0], picks[0])
            costs = [base + price for price in self.prices[lag, self.lines[rows[0]].shift]]
        else:
            pairs = self._pairs(rows, picks, which)
            worsts: dict[int, int] = {}
            for i, j in pairs:
                worsts[i] = max(worsts.get(i, -1), self._known(i, j))
            # A lump is late once, by its oldest month; each month that comes early counts, one spared a delay does not.
            lates = [0] * len(self.lags)
            for i, worst in worsts.items():
                if worst < 0:
                    continue
                line = self.lines[i]
                if line.kind != "normal" and line.due is not None:
                    price = deviation(worst, line.due - (line.arrival or 0))
                    lates = [max(late, price) for late in lates]
                    continue
                for k, (usual, price) in enumerate(zip(self.lags, self.prices[worst, line.shift], strict=True)):
                    if max(worst, worst - line.shift) < usual:
                        costs[k] += price
                    elif price > lates[k]:
                        lates[k] = price
            # A part that came before its month's place is early, though the rest was not.
            first = min([self._known(rows[0], j) for j in picks]) if len(rows) == 1 else -1
            if 0 <= first < worsts[rows[0]] and self.lines[rows[0]].kind == "normal":
                shift, last = self.lines[rows[0]].shift, worsts[rows[0]]
                for k, (usual, price) in enumerate(zip(self.lags, self.prices[first, shift], strict=True)):
                    if max(first, first - shift) < usual <= max(last, last - shift):
                        costs[k] += price
            costs = [cost + late for cost, late in zip(costs, lates, strict=True)]
        mask = 0
        for j in picks:
            mask |= 1 << j
        return Edge(len(rows), mask, min(picks), max(picks), self._classes(rows, picks, kind, which), tuple(costs),
                     Link(rows, picks, kind, which))

    def _doubtful_price(self, rows: tuple[int, ...], picks: tuple[int, ...], which: tuple[int, ...]) -> int:
        """A little for each line that takes another amount than the one due: by another rule that is accepted, less a
        deduction, rounded otherwise.
        """
        if not any([len(self.lines[i].amounts) > 1 for i in rows]):  # noqa: C419  quicker
            return 0
        amounts, came = self.lines[rows[0]].amounts, sum(self.credits[j].amount for j in picks)
        taken = which or ((amounts.index(came),) if came in amounts else ())
        price = 0
        for i, number in zip(rows, taken, strict=False):
            line = self.lines[i]
            plain = len(line.amounts) - bool(line.rounded)
            price += 0 if not number else PRICES.doubt if plain - line.deducted <= number < plain else PRICES.rounded
        return price

    def _odd_price(self, rows: tuple[int, ...], j: int) -> int:
        """The price of taking a credit of another amount: the further off, the sooner it is something else."""
        off = quarters_off(sum(self.lines[i].amounts[0] for i in rows), self.credits[j].amount)
        return PRICES.inexact + PRICES.quarter * off - (PRICES.doubt if self.lines[rows[0]].weak else 0)

    def _classes(
        self, rows: tuple[int, ...], picks: tuple[int, ...], kind: str, which: tuple[int, ...]
    ) -> tuple[int, ...]:
        """The amounts a link gives its lines, numbered: equal ones of a stream cross only by a printed month."""
        if kind == "N:M" or any([self.credits[j].printed is not None for j in picks]):  # noqa: C419  quicker
            return ()
        stream, first = self.lines[rows[0]].stream, self.lines[rows[0]]
        if kind == "1:1":
            return (self._class(stream, first.amounts[0] if first.half_yuan else self.credits[picks[0]].amount),)
        if kind in ("1:N", "inexact"):
            return (self._class(stream, *(self.credits[j].amount for j in picks)),)
        taken = which or (0,) * len(rows)
        amounts = {self.lines[i].amounts[number] for i, number in zip(rows, taken, strict=True)}
        return tuple(sorted(self._class(stream, amount) for amount in amounts))

    def _class(self, *key: int) -> int:
        return self.classes.setdefault(key, len(self.classes))

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

    def singles(self, i: int, picks: list[int]) -> list[Edge]:
        """One line, one credit of its amount, for each of ``picks``. Most edges are these: no detour for the plain."""
        line, lags, rows = self.lines[i], self.lag_of[i], (i,)
        if line.kind != "normal" or len(line.amounts) > 1 or not picks:
            return [self._edge(rows, (j,), "1:1") for j in picks]
        own = (self._class(line.stream, line.amounts[0]),)
        found = []
        for j in picks:
            credit, lag = self.credits[j], lags[j]
            if lag is None or lag < 0 or credit.use_price:
                found.append(self._edge(rows, (j,), "1:1"))
            else:
                classes = own if credit.printed is None else ()
                price = self.prices[lag, line.shift]
                found.append(Edge(1, 1 << j, j, j, classes, price, Link(rows, (j,), "1:1")))
        return found

    def lumps(self, i: int) -> Iterator[Edge]:
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
        sums = _sums({0: ()}, _exact(self.lines[i]))
        for end in range(i + 1, min(i + MAX_GROUP, len(self.lines))):
            if self.lines[end].stream != self.lines[i].stream:
                return
            sums = _sums(sums, _exact(self.lines[end]))
            if min(sums) - (end + 1 - i) > self.top:
                return
            rows = tuple(range(i, end + 1))
            if self.lines[i].half_yuan:
                yield from self._rounded_lump(rows)
                continue
            for total, which in _with_rounded(sums, self.lines[i:end + 1]).items():
                for j in self.by_amount.get(total, ()):
                    if self._lump_ok(rows, j):
                        yield self._edge(rows, (j,), "N:1", which)

    def _rounded_lump(self, rows: tuple[int, ...]) -> Iterator[Edge]:
        """A lump of amounts known to the whole yuan only: half a yuan each way per month."""
        total = sum(self.lines[i].amounts[0] for i in rows)
        for j, credit in enumerate(self.credits):
            if abs(credit.amount - total) <= HALF_YUAN * len(rows) and self._lump_ok(rows, j):
                yield self._edge(rows, (j,), "N:1")

    def _lump_ok(self, rows: tuple[int, ...], j: int) -> bool:
        if self.credits[j].named:
            return False
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
        return [j for j, lag in enumerate(self.lag_of[i])
                if lag is not None and self.credits[j].amount < below and not self.credits[j].named]

    def splits(self, i: int) -> Iterator[Edge]:
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

    def few(self, i: int) -> Iterator[Edge]:
        """Two or three neighbouring lines, two or three odd credits of exactly their sum."""
        for rows in ((i, i + 1), (i, i + 1, i + 2)):
            if rows[-1] >= len(self.lines) or self.lines[rows[-1]].stream != self.lines[i].stream:
                return
            sums: dict[int, tuple[int, ...]] = {0: ()}
            for k in rows:
                sums = _sums(sums, _exact(self.lines[k]))
            sums = _with_rounded(sums, self.lines[i:rows[-1] + 1])
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
                    ) and not any(self._is_of_another(j, rows) for j in picks):
                        yield self._edge(rows, picks, "N:M", which)

    def _is_of_another(self, j: int, rows: tuple[int, ...]) -> bool:
        """Whether an odd credit stands in the place of a line outside the group, is nearly its amount, and alone there.

        Two such, one too large and one too small, add up by chance: each is its own line's.
        """
        credit = self.credits[j]
        return any(
            line.kind == "normal" and k not in rows and line.arrival is not None
            and line.arrival + self.usual + line.shift == credit.month
            and not quarters_off(line.amounts[0], credit.amount)
            and not any(self.credits[other].month == credit.month
                        for amount in line.amounts for other in self.by_amount.get(amount, ()))
            for k, line in enumerate(self.lines)
        )

    def inexact(self, i: int) -> Iterator[Edge]:
        """An odd credit in the line's own place: at the usual lag, or, if not far from the amount due, a little later.

        A credit of quite another amount that comes later stands in another month's place.
        """
        if self.lines[i].kind == "annual" or not self.lines[i].open_price:
            return
        for j in sorted(self.odd):
            lag = self.lag_of[i][j]
            if lag is None or lag < 0 or (
                    self.lines[i].top_up and is_beyond_top_up(self.lines[i].amounts[0], self.credits[j].amount)):
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
        yield from self._odd_lumps(i)

    def _odd_lumps(self, i: int) -> Iterator[Edge]:
        """Two or three due months in one odd credit, in the last one's own place, that is nearly their sum.

        Nearly: off by less than a quarter of each of them; a month's share that lacks a little is sooner so than one
        month not credited at all and as much too much in the next. Lines of one month are one sum: what is more than
        any of them alone is all theirs, too much or too little.
        """
        first = self.lines[i]
        if first.kind != "normal":
            return
        total = least = most = first.amounts[0]
        for end in range(i + 1, min(i + ODD_LUMP, len(self.lines))):
            last = self.lines[end]
            if last.stream != first.stream or not last.open_price:
                return
            due = last.amounts[0]
            total, least, most = total + due, min(least, due), max(most, due)
            rows = tuple(range(i, end + 1))
            for j in sorted(self.odd):
                credit, lag = self.credits[j], self.lag_of[end][j]
                near = abs(credit.amount - total) * 4 < least or (
                    first.month == last.month and credit.amount > most)
                if not near or credit.printed is not None or lag is None or not self._lump_ok(rows, j):
                    continue
                edge = self._edge(rows, (j,), "inexact", (0,) * len(rows))
                costs = tuple(cost if lag - last.shift == usual else INF
                              for cost, usual in zip(edge.costs, self.lags, strict=True))
                if min(costs) < INF:
                    yield edge._replace(costs=costs)
