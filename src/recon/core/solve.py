"""The best links of an account: at once where nothing is in question, else by the search.

A record in which every credit stands in its place needs no search; one too long to be searched is answered by a simpler
rule and marked. The rest is framed (:mod:`recon.core.edges`) and searched (:mod:`recon.core.search`), many together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from recon.core.edges import frame_of
from recon.core.links import ANNUAL_REACH_MONTHS, REACH_MONTHS, Credit, Line, Link, pair_lag
from recon.core.search import Solution, search

# Records beyond this are answered by a simpler rule (see _first_come): 40 years of months are 480 lines.
MAX_LINES = 600
MAX_CREDITS = 900
MAX_PAIRS = 12_000  # of a line and a credit of its amount within reach
BATCHED_FROM = 24  # searches; fewer are quicker one by one

Question = tuple[Sequence[Line], Sequence[Credit], int]  # lines, credits and the usual lag of one account


def solve(lines: Sequence[Line], credits: Sequence[Credit], usual: int) -> Solution:
    """The best links of one account whose usual lag starts at ``usual`` months."""
    easy = _plain(lines, credits, usual) or _first_come(lines, credits, usual)
    return easy or search(frame_of(lines, credits, usual))


def solve_many(accounts: Sequence[Question]) -> list[Solution]:
    """:func:`solve` for each of many accounts, the searches together (:mod:`recon.core.batched`)."""
    found = [_plain(*account) or _first_come(*account) for account in accounts]
    hard = [at for at, solution in enumerate(found) if solution is None]
    frames = [frame_of(*accounts[at]) for at in hard]
    if len(frames) < BATCHED_FROM:
        searched = [search(frame) for frame in frames]
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
            if not credits[j].left_price or pair_lag(line, credits[j]) is None:
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
    if len(lines) * len(credits) <= MAX_PAIRS:
        return False
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
                lag = pair_lag(line, credits[j])
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
