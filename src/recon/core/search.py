"""The joint best set of links over the edges of one account: an exact layered dynamic programme.

Lines are taken stream by stream in order of accrual month; a state is what is left to decide: the usual lag in force,
which credits are still to be had, and, per amount, how far down the record links have come (links of equal amounts may
not cross). Every way to deal with the next line is an edge (:mod:`recon.core.edges`). A forward and a backward pass
give the least cost through every edge, hence the best answer *and*, for every line, the best answer in which it changes
between open and not open: its margin. What is optimal: the cost of :data:`recon.core.links.PRICES` over all sets of
such links within reach.

Work per account is lines x states x edges; a state differs from the cheapest only by choices that cost less than
leaving one month and one credit over, so states are few (about a dozen per line) and independent of the record's
length. Above :data:`MAX_STATES` per line, credits of which only the number matters are no longer told apart
(:mod:`recon.core.spare`); if that is not enough, only the :data:`BEAM` of the least cost so far and ahead go on and
the answer is marked ``bounded``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import add

from recon.core.links import INF, LATEST, PRICES, Edge, Frame, Link
from recon.core.spare import Spares

MAX_STATES = 4000
BEAM = 400
# Flips dearer than this are not looked for: opening a month and leaving its credit over is always cheaper, and so is
# opening another month with the lag gone and come back.
FLIP_CAP = PRICES.open + max(PRICES.left, LATEST) + 400


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


_Key = tuple[tuple[int, ...], int]  # how far each amount has come; credits still to be had


class _Layers:
    """What of a state matters at each position: amounts still to come and credits that can still be used."""

    def __init__(self, frame: Frame, spares: Spares | None = None) -> None:
        size = len(frame.streams)
        self.frame, self.spares = frame, spares
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
        in_use = 0
        for number in self.stream_classes[at]:
            in_use |= self.by_class[at][number] & -1 << heads.get(number, 0)
        now = avail & (self.free[at] | in_use)
        lost = avail & ~now
        if self.spares is not None:
            now, beyond = self.spares.merged(at, now, in_use)
            lost |= beyond
        kept = []
        for number in self.stream_classes[at]:
            head = heads.get(number, 0)
            kept.append(head if now & self.by_class[at][number] & ~(-1 << head) else 0)
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
_Step = tuple[_Key, int, _Key, int, int, Edge | None]


@lru_cache(maxsize=100_000)
def search(frame: Frame) -> Solution:
    """The best answer over a frame's edges, with margins, proofs and ties; equal frames are searched once."""
    with suppress(_TooManyStates):
        return _searched(frame, None, bounded=False)
    spares = Spares(frame)
    with suppress(_TooManyStates):
        if spares:
            return _searched(frame, spares, bounded=False)
    return search_likeliest(frame, spares)


def search_likeliest(frame: Frame, spares: Spares) -> Solution:
    """:func:`search` of a frame with too many states to look at them all, ``bounded``."""
    return _searched(frame, spares, bounded=True)


class _TooManyStates(Exception):
    """More than :data:`MAX_STATES` at a line."""


def _searched(frame: Frame, spares: Spares | None, *, bounded: bool) -> Solution:
    """The answer with all states, or, if ``bounded``, with the likeliest where there are too many."""
    if spares:
        frame = spares.frame
    layers = _Layers(frame, spares or None)
    least = _least_ahead(frame)
    floor = least[0][frame.start] if frame.streams else 0
    slack = PRICES.change
    while True:
        forward, steps, cut = _forward(frame, layers, least, floor + slack, bounded=bounded)
        if forward[-1]:
            best = min(min(costs) for costs in forward[-1].values())
            break
        slack = slack * 2 + PRICES.left
    wide = _forward(frame, layers, least, best + FLIP_CAP, bounded=bounded)
    if min((min(costs) for costs in wide[0][-1].values()), default=INF) <= best:
        forward, steps, cut = wide
    else:  # the beam lost the best answer among the dearer ones: what found it stands
        cut = True
    found = _trace(frame, forward, steps, _backward(frame, forward, steps), best, cut)
    return replace(found, links=spares.named(found.links)) if spares else found


def _relaxed(frame: Frame, at: int, costs: list[int]) -> list[int]:
    """``costs`` per usual lag when it may change here; only the normal stream's lag changes."""
    if not frame.normal[at]:
        return costs
    changed = min(costs) + PRICES.change
    return [min(cost, changed) for cost in costs]


def _at_least(costs: list[int], ahead: list[int]) -> int:
    """What no answer through a state of these costs stays below."""
    least: int = min(map(add, costs, ahead))
    return least


def _least_ahead(frame: Frame) -> list[list[int]]:
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
    frame: Frame, layers: _Layers, least: list[list[int]], bound: int, *, bounded: bool
) -> tuple[list[dict[_Key, list[int]]], list[list[_Step]], bool]:
    size = len(frame.streams)
    forward: list[dict[_Key, list[int]]] = [{} for _ in range(size + 1)]
    steps: list[list[_Step]] = [[] for _ in range(size)]
    first, price, _ = layers.enter(0, {}, (1 << len(frame.left_prices)) - 1)
    forward[0][first] = [price if k == frame.start else INF for k in range(len(frame.lags))]
    cut = False

    def push(at: int, key: _Key, costs: list[int], heads: dict[int, int], avail: int, edge: Edge | None) -> None:
        fixed, to = (frame.open_prices[at], at + 1) if edge is None else (0, at + edge.span)
        ahead = least[to]
        if edge is None:
            new = [cost + fixed for cost in costs]
        else:
            new = [cost + extra for cost, extra in zip(costs, edge.costs, strict=True)]
        if _at_least(new, ahead) > bound:  # hopeless already: most are, and the rest is dearer to do
            return
        target, lost, wrong = layers.enter(to, heads, avail)
        if lost:
            new = [cost + lost for cost in new]
            if _at_least(new, ahead) > bound:
                return
        wrong += edge is not None and edge.link.kind == "inexact"
        steps[at].append((key, to, target, fixed + lost, wrong, edge))
        known = forward[to].get(target)
        forward[to][target] = new if known is None else list(map(min, known, new))

    for at in range(size):
        layer = forward[at]
        if len(layer) > MAX_STATES:
            if not bounded:
                raise _TooManyStates
            cut = True
            layer = dict(sorted(layer.items(), key=lambda item: (_at_least(item[1], least[at]), item[0]))[:BEAM])
            forward[at] = layer
        for key, raw in layer.items():
            costs = _relaxed(frame, at, raw)
            heads, avail = layers.heads(at, key), key[1]
            push(at, key, costs, heads, avail, None)
            for edge in frame.edges[at]:
                if edge.mask & ~avail:
                    continue
                if edge.classes:
                    if any([heads.get(number, 0) > edge.first for number in edge.classes]):  # noqa: C419  quicker
                        continue
                    moved = {**heads, **dict.fromkeys(edge.classes, edge.last + 1)}
                else:
                    moved = heads
                push(at, key, costs, moved, avail & ~edge.mask, edge)
    return forward, steps, cut


def _backward(
    frame: Frame, forward: list[dict[_Key, list[int]]], steps: list[list[_Step]]
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


def relaxed_back(frame: Frame, at: int, costs: list[int] | None) -> list[int] | None:
    """Cost to go at ``at`` when the lag may change there first."""
    return None if costs is None else costs if at >= len(frame.streams) else _relaxed(frame, at, costs)


def _trace(
    frame: Frame, forward: list[dict[_Key, list[int]]], steps: list[list[_Step]],
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


def _proved(frame: Frame, by_key: list[dict[_Key, list[_Step]]], linked: set[int]) -> tuple[bool, ...]:
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
    frame: Frame, by_key: list[dict[_Key, list[_Step]]], back: list[dict[_Key, list[int]]],
    forward: list[dict[_Key, list[int]]],
) -> list[Link]:
    """Of the cheapest answers the one whose open months are earliest; among those, plain and early links first."""
    if not frame.streams:
        return []
    start: _Node = (0, next(iter(forward[0])), frame.start)
    choices: dict[_Node, list[tuple[tuple[object, ...], _Node, Edge | None]]] = {}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in choices or node[0] >= len(frame.streams):
            continue
        choices[node] = list(_cheapest(frame, by_key, back, node))
        waiting += [target for _, target, _ in choices[node]]
    tails: dict[_Node, tuple[tuple[int, ...], tuple[tuple[object, ...], _Node, Edge | None]]] = {}
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
    frame: Frame, by_key: list[dict[_Key, list[_Step]]], back: list[dict[_Key, list[int]]], node: _Node
) -> Iterator[tuple[tuple[object, ...], _Node, Edge | None]]:
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
