"""Many accounts solved at once: the search of :mod:`recon.core.search`, layer by layer over arrays.

In: frames, as :func:`recon.core.links.frame_of` makes them. Out: the solutions that ``search.search`` gives, one by one
the same (cost, links, margins, ties, proofs); that function stays the reference and answers what does not fit here
(more than 62 credits or 39 lines, or too many states). States of all frames are rows of arrays; at every line all of
them take every edge in a few whole-array steps, equal ones are merged, and hopeless ones are dropped by the same bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from recon.core.links import INF, PRICES, Frame, Link
from recon.core.search import FLIP_CAP, MAX_STATES, Solution, search, search_likeliest
from recon.core.spare import Spares

MAX_CREDITS = 62  # one bit each in a signed word
MAX_LINES = 39  # three to this power fits in a signed word (see _tails)
MAX_CLASSES = 40
CHUNK = 1000  # frames in one go; the arrays of a chunk stay in the processor's cache and in memory
CROWDED = 50  # of those with very many states
FEW = 4  # below, starting the arrays costs more than it saves
# Fields of a rank, the order in which equal answers are preferred: open last, then short, early, without detour.
_NUMBER, _CREDITS, _SPAN, _OPEN = 26, 34, 52, 60
_WORST = np.int64((1 << 62) - 1)

_CREDITS_OF, _KIND_OF = attrgetter("credits"), attrgetter("kind")

BIG = 1 << 25  # INF in the short words that costs are kept in; every line of a record may add it once

Ints = NDArray[np.int64]
Costs = NDArray[np.int32]
Flags = NDArray[np.bool_]


def search_many(frames: Sequence[Frame]) -> list[Solution]:
    """The solution of every frame, in order; equal frames are searched once."""
    number: dict[Frame, int] = {}
    places = [number.setdefault(frame, len(number)) for frame in frames]
    unique = list(number)
    found: list[Solution | None] = [None] * len(unique)
    by_width: dict[int, list[int]] = {}
    for at, frame in enumerate(unique):
        if _fits(frame):
            by_width.setdefault(len(frame.lags), []).append(at)
    for group in by_width.values():
        if len(group) >= FEW:
            group.sort(key=lambda at: len(unique[at].streams))
            for start in range(0, len(group), CHUNK):
                chunk = group[start:start + CHUNK]
                _fill(found, chunk, _search_chunk([unique[at] for at in chunk]))
                _search_crowded(unique, [at for at in chunk if found[at] is None], found)
    return [found[at] or search(unique[at]) for at in places]


def _search_crowded(frames: list[Frame], crowded: list[int], found: list[Solution | None]) -> None:
    """Frames with too many states once more, without telling credits apart that need not be; else within bounds."""
    spares = {at: Spares(frames[at]) for at in crowded}
    able = [at for at in crowded if spares[at]]
    for start in range(0, len(able), CROWDED):
        chunk = able[start:start + CROWDED]
        _fill(found, chunk, _search_chunk([spares[at].frame for at in chunk], [spares[at] for at in chunk]))
    for at in crowded:
        solution = found[at]
        found[at] = (replace(solution, links=spares[at].named(solution.links)) if solution
                     else search_likeliest(frames[at], spares[at]))


def _fill(found: list[Solution | None], places: list[int], solutions: list[Solution | None]) -> None:
    for at, solution in zip(places, solutions, strict=True):
        found[at] = solution


def _fits(frame: Frame) -> bool:
    return 0 < len(frame.streams) <= MAX_LINES and len(frame.left_prices) <= MAX_CREDITS


@dataclass
class _Edges:
    """All edges of a chunk, sorted by line and frame; ``start`` and ``count`` find those of (line, frame)."""

    span: Ints
    mask: Ints
    first: Ints
    last: Ints
    classes: Flags  # edge x class of its frame
    costs: Costs  # edge x lag
    inexact: Flags
    rank: Ints  # the order of its credits among the edges of its line
    links: list[Link]
    start: Ints  # line x frame
    count: Ints


@dataclass
class _Groups:
    """Credits that states need not tell apart (:mod:`recon.core.spare`): line x frame x group, and frame x group."""

    mask: Ints
    lines: Ints  # how many lines can take one
    price: Costs  # line x frame x group: what leaving one costs


@dataclass
class _Chunk:
    """Frames of one number of lags as arrays; the first index is the line where both line and frame index."""

    edges: _Edges
    lines: Ints  # per frame
    normal: Flags  # line x frame
    open_prices: Costs  # line x frame
    left_prices: Costs  # frame x credit
    begin: Ints  # per frame: the lag in force at first
    by_class: Ints  # line x frame x class: credits that later links of the class use
    free: Ints  # line x frame: credits that other later links use
    least: Costs  # line x frame x lag: no answer costs less from here
    groups: _Groups | None = None


@dataclass
class _Steps:
    """Ways on from the states of one line: where from, where to, at what price."""

    source: Ints  # place of the state among those of its line
    to: Ints  # line
    target: Ints  # place of the state among those of ``to``; filled in when that line is reached
    fixed: Costs
    wrong: Ints
    edge: Ints  # -1: left open
    frame: Ints


@dataclass
class _States:
    """The states at one line."""

    frame: Ints
    heads: NDArray[np.int8]  # state x class
    avail: Ints
    costs: Costs  # state x lag


def _search_chunk(frames: list[Frame], spares: Sequence[Spares] = ()) -> list[Solution | None]:
    """The solutions of frames with equally many lags; None where a frame has too many states."""
    chunk = _arrays(frames)
    if spares:
        chunk.groups = _group_arrays(frames, spares, len(chunk.normal))
    count = len(frames)
    floor = chunk.least[0, np.arange(count), chunk.begin]
    best = np.full(count, BIG, dtype=np.int32)
    lost = np.zeros(count, dtype=np.bool_)  # too many states
    slack = PRICES.change
    todo = np.arange(count)
    while todo.size:
        layers, _, over = _forward(chunk, todo, floor + slack)
        lost |= over
        ends = _ends(chunk, layers)
        np.minimum.at(best, ends[0], ends[1])
        todo = todo[(best[todo] >= BIG) & ~lost[todo]]
        slack = slack * 2 + PRICES.left
    kept = np.flatnonzero(~lost)
    layers, steps, over = _forward(chunk, kept, best + FLIP_CAP)
    answers = _trace(chunk, layers, steps, best, count)
    lost |= over
    return [None if gone else answer for gone, answer in zip(lost.tolist(), answers, strict=True)]


# ------------------------------------------------------------------------------------------------- frames as arrays


def _arrays(frames: list[Frame]) -> _Chunk:
    count, size = len(frames), max(len(frame.streams) for frame in frames)
    width, credits = len(frames[0].lags), max(max(len(frame.left_prices) for frame in frames), 1)
    lines = np.array([len(frame.streams) for frame in frames], dtype=np.int64)
    streams = np.full((size, count), -1, dtype=np.int64)
    normal = np.zeros((size, count), dtype=np.bool_)
    open_prices = np.zeros((size, count), dtype=np.int32)
    left_prices = np.zeros((count, credits), dtype=np.int32)
    held = np.zeros((size, count), dtype=np.int64)
    for number, frame in enumerate(frames):
        n = len(frame.streams)
        streams[:n, number], normal[:n, number], open_prices[:n, number] = (
            frame.streams, frame.normal, frame.open_prices)
        left_prices[number, :len(frame.left_prices)] = frame.left_prices
        held[:n, number] = [len(row) for row in frame.edges]
    start = np.zeros((size, count), dtype=np.int64)
    start.reshape(-1)[1:] = np.cumsum(held.reshape(-1))[:-1]
    begin = _column([frame.start for frame in frames])
    edges = _edge_arrays(frames, start, held, width)
    by_class, free = _usable(edges, streams)
    return _Chunk(edges, lines, normal, open_prices, left_prices, begin, by_class, free,
                  _least_ahead(edges, lines, normal, open_prices, width))


def _group_arrays(frames: list[Frame], spares: Sequence[Spares], size: int) -> _Groups:
    most = max(len(here) for each in spares for here in each.groups)
    shape = (size + 1, len(frames), most)
    mask, lines, price = (np.zeros(shape, dtype=kind) for kind in (np.int64, np.int64, np.int32))
    for number, each in enumerate(spares):
        for at, here in enumerate(each.groups):
            for which, (credits, takers) in enumerate(here):
                mask[at, number, which], lines[at, number, which] = credits, takers
                price[at, number, which] = frames[number].left_prices[(credits & -credits).bit_length() - 1]
    return _Groups(mask, lines, price)


def _edge_arrays(frames: list[Frame], start: Ints, held: Ints, width: int) -> _Edges:
    """There are many edges: what is done for each of them is done by the interpreter's own loops."""
    by_frame = list(chain.from_iterable(row for frame in frames for row in frame.edges))
    # They lie frame by frame; wanted is line by line.
    line, _ = _expand(np.zeros(start.size, dtype=np.int64), held.T.reshape(-1))
    order = np.argsort(line % len(start), kind="stable")
    flat = [by_frame[at] for at in order.tolist()]
    span, mask, first, last, of_edge, costs, links = (
        zip(*flat, strict=True) if flat else ((), (), (), (), (), (), ()))
    counts = np.fromiter(map(len, of_edge), dtype=np.int64, count=len(flat))
    numbers = np.fromiter(chain.from_iterable(of_edge), dtype=np.int64, count=int(counts.sum()))
    of_class = np.zeros((len(flat), 1 + int(numbers.max(initial=0))), dtype=np.bool_)
    of_class[np.repeat(np.arange(len(flat)), counts), numbers] = True
    picks = list(map(_CREDITS_OF, links))
    place = {each: number for number, each in enumerate(sorted(set(picks)))}
    return _Edges(
        span=_column(span), mask=_column(mask), first=_column(first), last=_column(last), classes=of_class,
        costs=_costs(costs, width),
        inexact=np.fromiter(map("inexact".__eq__, map(_KIND_OF, links)), dtype=np.bool_, count=len(flat)),
        rank=np.fromiter(map(place.__getitem__, picks), dtype=np.int64, count=len(flat)),
        links=list(links), start=start, count=held,
    )


def _costs(costs: Sequence[tuple[int, ...]], width: int) -> Costs:
    """Edge x lag. Most edges share the tuple of their lag with others of their frame: each becomes numbers once."""
    _, example, which = np.unique(
        np.fromiter(map(id, costs), dtype=np.int64, count=len(costs)), return_index=True, return_inverse=True)
    table = np.array([costs[at] for at in example.tolist()], dtype=np.int64)
    return np.minimum(table, BIG).astype(np.int32).reshape(-1, width)[which]


def _column(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _usable(edges: _Edges, streams: Ints) -> tuple[Ints, Ints]:
    """Per line, credits that later links can use: by class within the stream; by links free to cross or elsewhere."""
    size, count = streams.shape
    classes = edges.classes.shape[1]
    by_class = np.zeros((size + 1, count, classes), dtype=np.int64)
    free = np.zeros((size + 1, count), dtype=np.int64)
    alone: Flags = edges.classes.sum(axis=1) == 0
    goes_on: Flags = np.zeros((size, count), dtype=np.bool_)
    goes_on[:-1] = streams[:-1] == streams[1:]
    for at in range(size - 1, -1, -1):
        same = goes_on[at]
        by_class[at] = np.where(same[:, None], by_class[at + 1], 0)
        other = np.bitwise_or.reduce(by_class[at + 1], axis=1)
        free[at] = free[at + 1] | np.where(same, 0, other)
        frame, edge = _expand(edges.start[at], edges.count[at])
        if edge.size:
            lone = alone[edge]
            np.bitwise_or.at(free[at], frame[lone], edges.mask[edge[lone]])
            which, number = np.nonzero(edges.classes[edge])
            np.bitwise_or.at(by_class[at], (frame[which], number), edges.mask[edge[which]])
    return by_class, free


def _expand(start: Ints, count: Ints) -> tuple[Ints, Ints]:
    """For rows that own ``count`` things from ``start`` on: the row and the thing, pair by pair."""
    row = np.repeat(np.arange(count.size), count)
    first = np.cumsum(count) - count
    return row, np.arange(row.size) - np.repeat(first - start, count)


def _relaxed(costs: Costs, normal: Flags) -> Costs:
    """Cost per usual lag when it may change here; only the normal stream's lag changes."""
    changed = costs.min(axis=1) + np.int32(PRICES.change)
    return np.where(normal[:, None], np.minimum(costs, changed[:, None]), costs)


def _least_ahead(edges: _Edges, lines: Ints, normal: Flags, open_prices: Costs, width: int) -> Costs:
    size, count = normal.shape
    least = np.zeros((size + 1, count, width), dtype=np.int32)
    for at in range(size - 1, -1, -1):
        here = least[at + 1] + open_prices[at][:, None]
        frame, edge = _expand(edges.start[at], edges.count[at])
        if edge.size:
            ahead = edges.costs[edge] + least[at + edges.span[edge], frame]
            owner = np.flatnonzero(edges.count[at])
            first = (np.cumsum(edges.count[at]) - edges.count[at])[owner]
            here[owner] = np.minimum(here[owner], np.minimum.reduceat(ahead, first, axis=0))
        least[at] = np.where((at < lines)[:, None], _relaxed(here, normal[at]), np.int32(0))
    return least


# ----------------------------------------------------------------------------------------------------------- search


@dataclass
class _Pushed:
    """States reached, before equal ones are merged; ``steps`` and ``row`` say by which step."""

    states: _States
    steps: _Steps
    row: Ints


def _forward(chunk: _Chunk, frames: Ints, bound: Costs) -> tuple[list[_States], list[list[_Steps]], Flags]:
    """The states at every line (one more than there are lines), the steps from each, and the frames with too many."""
    size, count = chunk.normal.shape
    width, classes = chunk.least.shape[2], chunk.by_class.shape[2]
    over = np.zeros(count, dtype=np.bool_)
    pushed: list[list[_Pushed]] = [[] for _ in range(size + 1)]
    credits = chunk.left_prices.shape[1]
    start = _States(
        frames, np.zeros((frames.size, classes), dtype=np.int8),
        np.full(frames.size, (1 << credits) - 1, dtype=np.int64),
        np.full((frames.size, width), BIG, dtype=np.int32),
    )
    # A frame with fewer credits than the widest has the others at no price, usable by nobody: they are lost at once.
    price, _ = _enter(chunk, start, np.zeros(frames.size, dtype=np.int64))
    start.costs[np.arange(frames.size), chunk.begin[frames]] = price
    layers: list[_States] = []
    steps: list[list[_Steps]] = []
    for at in range(size + 1):
        states = start if at == 0 else _merge(pushed[at], classes, width)
        layers.append(states)
        steps.append([])
        if at == size or not states.frame.size:
            continue
        crowded = np.bincount(states.frame, minlength=count) > MAX_STATES
        over |= crowded
        going = np.flatnonzero((at < chunk.lines[states.frame]) & ~crowded[states.frame])
        if not going.size:
            continue
        frame = states.frame[going]
        costs = _relaxed(states.costs[going], chunk.normal[at, frame])
        parts = [
            _push(chunk, at, states, going, costs, bound, None),
            _push(chunk, at, states, going, costs, bound, chunk.edges),
        ]
        for part in parts:
            if part is None:
                continue
            steps[at].append(part.steps)
            for to in np.unique(part.steps.to).tolist():
                row = np.flatnonzero(part.steps.to == to)
                pushed[to].append(_Pushed(_pick(part.states, row), part.steps, row))
        pushed[at] = []
    return layers, steps, over


def _pick(states: _States, at: Ints) -> _States:
    return _States(states.frame[at], states.heads[at], states.avail[at], states.costs[at])


def _push(
    chunk: _Chunk, at: int, states: _States, going: Ints, costs: Costs, bound: Costs, edges: _Edges | None
) -> _Pushed | None:
    """All states reached from those of a line by leaving it open (no ``edges``) or by one of its edges."""
    frame = states.frame[going]
    if edges is None:
        source, edge = np.arange(going.size), np.full(going.size, -1, dtype=np.int64)
        heads, avail = states.heads[going].copy(), states.avail[going]
        to, new = np.full(going.size, at + 1, dtype=np.int64), costs + chunk.open_prices[at, frame][:, None]
        fixed, wrong = chunk.open_prices[at, frame], np.zeros(going.size, dtype=np.int64)
    else:
        source, edge = _expand(edges.start[at, frame], edges.count[at, frame])
        there = (edges.mask[edge] & ~states.avail[going[source]]) == 0
        source, edge = source[there], edge[there]
        ahead = ~((states.heads[going[source]] > edges.first[edge][:, None]) & edges.classes[edge]).any(axis=1)
        source, edge = source[ahead], edge[ahead]
        to = at + edges.span[edge]
        new = costs[source] + edges.costs[edge]
        # Most are hopeless already: drop them before anything dearer is done.
        hopeful = (new + chunk.least[to, frame[source]]).min(axis=1) <= bound[frame[source]]
        source, edge, to, new = source[hopeful], edge[hopeful], to[hopeful], new[hopeful]
        moved = (edges.last[edge] + 1).astype(np.int8)[:, None]
        heads = np.where(edges.classes[edge], moved, states.heads[going[source]])
        avail = states.avail[going[source]] & ~edges.mask[edge]
        fixed, wrong = np.zeros(edge.size, dtype=np.int32), edges.inexact[edge].astype(np.int64)
    if not source.size:
        return None
    reached = _States(frame[source], heads, avail, new)
    lost, count = _enter(chunk, reached, to)
    reached.costs = new + lost[:, None]
    kept = np.flatnonzero(
        (reached.costs + chunk.least[to, reached.frame]).min(axis=1) <= bound[reached.frame])
    if not kept.size:
        return None
    reached = _pick(reached, kept)
    steps = _Steps(going[source[kept]], to[kept], np.full(kept.size, -1, dtype=np.int64), (fixed + lost)[kept],
                   (wrong + count)[kept], edge[kept], reached.frame)
    return _Pushed(reached, steps, np.arange(kept.size))


def _enter(chunk: _Chunk, states: _States, at: Ints) -> tuple[Costs, Ints]:
    """Bring states (in place) into the form in which equal ones are equal; price and number of the credits lost."""
    mine = chunk.by_class[at, states.frame]
    below = (np.int64(1) << states.heads.astype(np.int64)) - 1
    in_use = np.bitwise_or.reduce(mine & ~below, axis=1)
    usable = chunk.free[at, states.frame] | in_use
    lost = states.avail & ~usable
    states.avail = states.avail & usable
    price, count = np.zeros(lost.size, dtype=np.int32), np.zeros(lost.size, dtype=np.int64)
    if chunk.groups is not None:
        _count_spares(chunk.groups, states, at, in_use, price, count)
    states.heads[(states.avail[:, None] & mine & below) == 0] = 0
    some = np.flatnonzero(lost)
    rest = lost[some]
    while some.size:
        bit = rest & -rest
        one = chunk.left_prices[states.frame[some], np.bitwise_count(bit - 1)]
        price[some] += one
        count[some] += one > 0
        rest ^= bit
        more = rest != 0
        some, rest = some[more], rest[more]
    return price, count


def _count_spares(groups: _Groups, states: _States, at: Ints, in_use: Ints, price: Costs, count: Ints) -> None:
    """:meth:`recon.core.spare.Spares.merged` of all states, in place; what is given up is added to price and count."""
    for which in range(groups.mask.shape[2]):
        mask = groups.mask[at, states.frame, which] & ~in_use
        some = np.flatnonzero(states.avail & mask)
        if not some.size:
            continue
        rest, number = mask[some], np.bitwise_count(states.avail[some] & mask[some]).astype(np.int64)
        held = np.minimum(number, groups.lines[at[some], states.frame[some], which])
        kept = np.zeros(some.size, dtype=np.int64)
        for least in range(int(held.max())):
            bit = rest & -rest
            kept |= np.where(held > least, bit, 0)
            rest ^= bit
        one = groups.price[at[some], states.frame[some], which]
        states.avail[some] = states.avail[some] & ~mask[some] | kept
        price[some] += (one * (number - held)).astype(np.int32)
        count[some] += np.where(one > 0, number - held, 0)


def _merge(pushed: list[_Pushed], classes: int, width: int) -> _States:
    """Equal states as one, at the least cost; tells every step which state it leads to."""
    if not pushed:
        none = np.zeros(0, dtype=np.int64)
        return _States(none, np.zeros((0, classes), dtype=np.int8), none, np.zeros((0, width), dtype=np.int32))
    frame = np.concatenate([part.states.frame for part in pushed])
    heads = np.concatenate([part.states.heads for part in pushed])
    avail = np.concatenate([part.states.avail for part in pushed])
    costs = np.concatenate([part.states.costs for part in pushed])
    words = _words(heads)
    order = np.lexsort((*words, avail, frame))
    changed = np.zeros(order.size, dtype=np.bool_)
    changed[0] = True
    for column in (frame, avail, *words):
        sorted_ = column[order]
        changed[1:] |= sorted_[1:] != sorted_[:-1]
    first = np.flatnonzero(changed)
    group = np.empty(order.size, dtype=np.int64)
    group[order] = np.cumsum(changed) - 1
    at = 0
    for part in pushed:
        part.steps.target[part.row] = group[at:at + part.row.size]
        at += part.row.size
    one = order[first]
    return _States(frame[one], heads[one], avail[one], np.minimum.reduceat(costs[order], first, axis=0))


def _words(heads: NDArray[np.int8]) -> list[Ints]:
    """The heads of a state packed into as few words as hold them."""
    rows, classes = heads.shape
    padded = np.zeros((rows, -(-classes // 8) * 8), dtype=np.int8)
    padded[:, :classes] = heads
    return list(padded.view(np.int64).T)


def _ends(chunk: _Chunk, layers: list[_States]) -> tuple[Ints, Costs]:
    """Frames and costs of all final states."""
    frames, costs = [], []
    for at, states in enumerate(layers):
        last = np.flatnonzero(chunk.lines[states.frame] == at)
        frames.append(states.frame[last])
        costs.append(states.costs[last].min(axis=1))
    return np.concatenate(frames), np.concatenate(costs)


# ------------------------------------------------------------------------------------------------------ best answers


def _joined(parts: list[_Steps]) -> _Steps | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    return _Steps(*(np.concatenate([getattr(part, name) for part in parts])
                    for name in ("source", "to", "target", "fixed", "wrong", "edge", "frame")))


def _trace(
    chunk: _Chunk, layers: list[_States], all_steps: list[list[_Steps]], best: Costs, count: int
) -> list[Solution]:
    """Margins of all lines, proofs, and the tied best answer whose open months are earliest."""
    size, width = chunk.normal.shape[0], chunk.least.shape[2]
    edges = chunk.edges
    none = np.zeros(0, dtype=np.int64)
    empty = _Steps(none, none, none, none.astype(np.int32), none, none, none)
    steps: list[_Steps] = [empty] * (size + 1)
    # Per line: what is to come from each state, per usual lag, before and after a change of lag there; alive: it ends.
    back: list[Costs] = [np.zeros((0, width), dtype=np.int32)] * (size + 1)
    relaxed: list[Costs] = list(back)
    alive: list[Flags] = [np.zeros(0, dtype=np.bool_)] * (size + 1)
    wrong: list[Ints] = [none] * (size + 1)
    tails: list[Ints] = [np.zeros((0, width), dtype=np.int64)] * (size + 1)
    choice = list(tails)  # state x lag: rank of the step to take at this lag
    best_open = np.full((count, size), BIG, dtype=np.int32)
    best_linked = np.full((count, size), BIG, dtype=np.int32)
    for at in range(size, -1, -1):
        states = layers[at]
        nodes = states.frame.size
        ends = chunk.lines[states.frame] == at
        back[at] = np.where(ends[:, None], np.int32(0), np.full((nodes, width), BIG, dtype=np.int32))
        alive[at], wrong[at] = ends.copy(), np.where(ends, 0, INF)
        tails[at], choice[at] = np.zeros((nodes, width), dtype=np.int64), np.full((nodes, width), -1, dtype=np.int64)
        found = _joined(all_steps[at])
        if found is not None:
            found = _alive_steps(found, alive)
        if found is not None and found.source.size:
            order = np.argsort(found.source, kind="stable")
            found = _Steps(*(getattr(found, name)[order]
                             for name in ("source", "to", "target", "fixed", "wrong", "edge", "frame")))
            steps[at] = found
            rest, after, tail = _ahead(found, relaxed, wrong, tails, width)
            is_open = found.edge < 0
            linked = np.flatnonzero(~is_open)
            own = np.repeat(found.fixed[:, None], width, axis=1)
            own[linked] += edges.costs[found.edge[linked]]
            whole = own + rest
            first = np.flatnonzero(np.r_[True, found.source[1:] != found.source[:-1]])
            owner = found.source[first]
            back[at][owner] = np.minimum.reduceat(whole, first, axis=0)
            alive[at][owner] = True
            wrong[at][owner] = np.minimum.reduceat(found.wrong + after, first)
            # The least cost of an answer with this step, for the margins of the lines it leaves open or links.
            before = _relaxed(states.costs, chunk.normal[at, states.frame])[found.source]
            total = (before + whole).min(axis=1)
            np.minimum.at(best_open[:, at], found.frame[is_open], total[is_open])
            for span in np.unique(edges.span[found.edge[linked]]).tolist():
                here = linked[edges.span[found.edge[linked]] == span]
                for line in range(at, at + span):
                    np.minimum.at(best_linked[:, line], found.frame[here], total[here])
            tails[at], choice[at] = _tails(chunk, at, states, found, whole, tail, back[at], first, owner)
        normal = np.zeros(nodes, dtype=np.bool_) if at == size else chunk.normal[at, states.frame] & ~ends
        relaxed[at] = _relaxed(back[at], normal)
    links = _walk(chunk, layers, steps, choice, count)
    flip = np.maximum(best_open, best_linked)
    none_found = (flip >= BIG) | (flip > best[:, None] + FLIP_CAP)
    margins = flip - best[:, None]
    proved = _proved(chunk, layers, steps, wrong, links, count)
    openable = best_open == best[:, None]
    answers = []
    for frame in range(count):
        n = int(chunk.lines[frame])
        answers.append(Solution(
            tuple(edges.links[edge] for edge in links[frame]),
            tuple(None if gone else margin for gone, margin in
                  zip(none_found[frame, :n].tolist(), margins[frame, :n].tolist(), strict=True)),
            tuple(proved[frame, :n].tolist()), tuple(openable[frame, :n].tolist()), False, int(best[frame]),
        ))
    return answers


def _alive_steps(found: _Steps, alive: list[Flags]) -> _Steps:
    """Steps from which the end can be reached."""
    good = np.zeros(found.source.size, dtype=np.bool_)
    for to in np.unique(found.to).tolist():
        row = np.flatnonzero(found.to == to)
        good[row] = alive[to][found.target[row]]
    kept = np.flatnonzero(good)
    return _Steps(*(getattr(found, name)[kept]
                    for name in ("source", "to", "target", "fixed", "wrong", "edge", "frame")))


def _ahead(
    found: _Steps, relaxed: list[Costs], wrong: list[Ints], tails: list[Ints], width: int
) -> tuple[Costs, Ints, Ints]:
    """Per step, of the state it leads to: cost to go per lag, unexplained credits to come, and the tail per lag."""
    rest = np.empty((found.to.size, width), dtype=np.int32)
    after = np.empty(found.to.size, dtype=np.int64)
    tail = np.empty((found.to.size, width), dtype=np.int64)
    for to in np.unique(found.to).tolist():
        row = np.flatnonzero(found.to == to)
        target = found.target[row]
        rest[row], after[row], tail[row] = relaxed[to][target], wrong[to][target], tails[to][target]
    return rest, after, tail


def _tails(
    chunk: _Chunk, at: int, states: _States, found: _Steps, whole: Costs, tail: Ints, back: Costs, first: Ints,
    owner: Ints,
) -> tuple[Ints, Ints]:
    """Per state and lag in force: the open months of the best answer from here as a number, and the step to take.

    The number has a digit to the base of three per line: 1 open, 2 linked with an open one to come, 0 none to come, so
    that numbers are ordered as the lists of open lines are: earliest first, and a list before its own continuation.
    """
    width = whole.shape[1]
    size = chunk.lines[found.frame]
    edges = chunk.edges
    is_open = found.edge < 0
    span = np.where(is_open, 1, edges.span[found.edge])
    priced = is_open & (chunk.open_prices[at, found.frame] > 0)
    # Digits of the lines the step passes: powers of three from the last line of the frame backward.
    high, low = 3 ** (size - at), 3 ** (size - at - span)
    opened = np.where(
        priced[:, None], tail + (high // 3)[:, None], np.where(tail > 0, tail + (high - low)[:, None], 0))
    rank = (
        (is_open.astype(np.int64) << _OPEN) | (np.where(is_open, 0, span) << _SPAN)
        | (np.where(is_open, 0, edges.rank[found.edge]) << _CREDITS) | np.arange(found.edge.size)
    )
    counts = np.diff(np.r_[first, found.source.size])
    # At each lag: of the cheapest steps, the one with the best tail, of equal ones the best rank.
    cheap = whole == np.repeat(back[owner], counts, axis=0)
    value = np.where(cheap, opened, _WORST)
    least = np.minimum.reduceat(value, first, axis=0)
    place = np.where(cheap & (value == np.repeat(least, counts, axis=0)), rank[:, None], _WORST)
    step = np.minimum.reduceat(place, first, axis=0)
    step = step | (np.arange(width, dtype=np.int64) << _NUMBER)
    # With a change of lag: the best of the cheapest lags.
    costs = back[owner]
    floor = costs.min(axis=1)
    normal = chunk.normal[at, states.frame[owner]]
    changed = (floor + np.int32(PRICES.change))[:, None]
    goal = np.where(normal[:, None], np.minimum(costs, changed), costs)
    at_floor = costs == floor[:, None]
    over = np.where(at_floor, least, _WORST)
    over_value = over.min(axis=1)
    over_step = np.where(at_floor & (over == over_value[:, None]), step, _WORST).min(axis=1)
    stay = costs == goal
    # The lag in force is no change to itself: it is never at the floor where a change pays.
    may_change = normal[:, None] & (changed == goal)
    stay_value = np.where(stay, least, _WORST)
    change_value = np.where(may_change, over_value[:, None], _WORST)
    stay_open, change_open = step >> _OPEN, np.repeat((over_step >> _OPEN)[:, None], width, axis=1)
    change = (change_value < stay_value) | ((change_value == stay_value) & (change_open < stay_open))
    tails = np.zeros(back.shape, dtype=np.int64)
    choice = np.full(back.shape, -1, dtype=np.int64)
    tails[owner] = np.where(change, change_value, stay_value)
    choice[owner] = np.where(change, over_step[:, None], step)
    return tails, choice


def _walk(
    chunk: _Chunk, layers: list[_States], steps: list[_Steps], choice: list[Ints], count: int
) -> list[list[int]]:
    """The edges of each frame's best answer, in order."""
    links: list[list[int]] = [[] for _ in range(count)]
    waiting: dict[int, list[tuple[Ints, Ints, Ints]]] = {
        0: [(layers[0].frame, np.arange(layers[0].frame.size), chunk.begin[layers[0].frame])]}
    for at in range(len(layers) - 1):
        here = waiting.pop(at, [])
        if not here:
            continue
        frame, node, lag = (np.concatenate([part[k] for part in here]) for k in range(3))
        chosen = choice[at][node, lag]
        going = np.flatnonzero(chosen >= 0)
        if not going.size:
            continue
        chosen = chosen[going]
        step, number = chosen & ((1 << _NUMBER) - 1), chosen >> _NUMBER & 0xFF
        found = steps[at]
        for owner, edge in zip(frame[going].tolist(), found.edge[step].tolist(), strict=True):
            if edge >= 0:
                links[owner].append(edge)
        for to in np.unique(found.to[step]).tolist():
            row = np.flatnonzero(found.to[step] == to)
            waiting.setdefault(to, []).append((frame[going[row]], found.target[step[row]], number[row]))
    return links


def _proved(
    chunk: _Chunk, layers: list[_States], steps: list[_Steps], wrong: list[Ints], links: list[list[int]], count: int
) -> Flags:
    """Per frame and line: turning it over leaves more credits unexplained than need be, whatever the price of lags."""
    size = chunk.normal.shape[0]
    linked = np.zeros((count, size), dtype=np.bool_)
    for frame, edges in enumerate(links):
        for edge in edges:
            lines = chunk.edges.links[edge].lines
            linked[frame, lines[0]:lines[-1] + 1] = True
    flipped = np.full((count, size), INF, dtype=np.int64)
    ahead = [np.full(states.frame.size, INF, dtype=np.int64) for states in layers]
    least = np.zeros(count, dtype=np.int64)
    first = layers[0].frame
    ahead[0][:] = 0
    least[first] = wrong[0]
    for at in range(size):
        found = steps[at]
        if not found.source.size:
            continue
        here = ahead[at][found.source] + found.wrong
        total = np.empty(here.size, dtype=np.int64)
        for to in np.unique(found.to).tolist():
            row = np.flatnonzero(found.to == to)
            np.minimum.at(ahead[to], found.target[row], here[row])
            total[row] = here[row] + wrong[to][found.target[row]]
        is_open = found.edge < 0
        turned = is_open & linked[found.frame, at]
        np.minimum.at(flipped[:, at], found.frame[turned], total[turned])
        joined = np.flatnonzero(~is_open)
        spans = chunk.edges.span[found.edge[joined]]
        for span in np.unique(spans).tolist():
            mine = joined[spans == span]
            for line in range(at, at + span):
                turned_here = mine[~linked[found.frame[mine], line]]
                np.minimum.at(flipped[:, line], found.frame[turned_here], total[turned_here])
    return flipped > least[:, None]
