"""The forward pass of :mod:`recon.core.batched`: the states of many accounts at every line, and the steps between them.

States are rows of arrays. At every line all of them take every edge in a few whole-array steps, equal ones are merged,
and those that no answer within the bound can pass are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.core.batched_frames import BIG, Chunk, Costs, Edges, Flags, Groups, Ints, expand, relaxed_at
from recon.core.search import MAX_STATES


@dataclass
class Steps:
    """Ways on from the states of one line: where from, where to, at what price."""

    source: Ints  # place of the state among those of its line
    to: Ints  # line
    target: Ints  # place of the state among those of ``to``; filled in when that line is reached
    fixed: Costs
    wrong: Ints
    edge: Ints  # -1: left open
    frame: Ints


@dataclass
class States:
    """The states at one line."""

    frame: Ints
    heads: NDArray[np.int8]  # state x class
    avail: Ints
    costs: Costs  # state x lag


@dataclass
class _Pushed:
    """States reached, before equal ones are merged; ``steps`` and ``row`` say by which step."""

    states: States
    steps: Steps
    row: Ints


def forward(chunk: Chunk, frames: Ints, bound: Costs) -> tuple[list[States], list[list[Steps]], Flags]:
    """The states at every line (one more than there are lines), the steps from each, and the frames with too many."""
    size, count = chunk.normal.shape
    width, classes = chunk.least.shape[2], chunk.by_class.shape[2]
    over = np.zeros(count, dtype=np.bool_)
    pushed: list[list[_Pushed]] = [[] for _ in range(size + 1)]
    credits = chunk.left_prices.shape[1]
    start = States(
        frames, np.zeros((frames.size, classes), dtype=np.int8),
        np.full(frames.size, (1 << credits) - 1, dtype=np.int64),
        np.full((frames.size, width), BIG, dtype=np.int32),
    )
    # A frame with fewer credits than the widest has the others at no price, usable by nobody: they are lost at once.
    price, _ = _enter(chunk, start, np.zeros(frames.size, dtype=np.int64))
    start.costs[np.arange(frames.size), chunk.begin[frames]] = price
    layers: list[States] = []
    steps: list[list[Steps]] = []
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
        costs = relaxed_at(states.costs[going], chunk.normal[at, frame])
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


def _pick(states: States, at: Ints) -> States:
    return States(states.frame[at], states.heads[at], states.avail[at], states.costs[at])


def _push(
    chunk: Chunk, at: int, states: States, going: Ints, costs: Costs, bound: Costs, edges: Edges | None
) -> _Pushed | None:
    """All states reached from those of a line by leaving it open (no ``edges``) or by one of its edges."""
    frame = states.frame[going]
    if edges is None:
        source, edge = np.arange(going.size), np.full(going.size, -1, dtype=np.int64)
        heads, avail = states.heads[going].copy(), states.avail[going]
        to, new = np.full(going.size, at + 1, dtype=np.int64), costs + chunk.open_prices[at, frame][:, None]
        fixed, wrong = chunk.open_prices[at, frame], np.zeros(going.size, dtype=np.int64)
    else:
        source, edge = expand(edges.start[at, frame], edges.count[at, frame])
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
    reached = States(frame[source], heads, avail, new)
    lost, count = _enter(chunk, reached, to)
    reached.costs = new + lost[:, None]
    kept = np.flatnonzero(
        (reached.costs + chunk.least[to, reached.frame]).min(axis=1) <= bound[reached.frame])
    if not kept.size:
        return None
    reached = _pick(reached, kept)
    steps = Steps(going[source[kept]], to[kept], np.full(kept.size, -1, dtype=np.int64), (fixed + lost)[kept],
                   (wrong + count)[kept], edge[kept], reached.frame)
    return _Pushed(reached, steps, np.arange(kept.size))


def _enter(chunk: Chunk, states: States, at: Ints) -> tuple[Costs, Ints]:
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


def _count_spares(groups: Groups, states: States, at: Ints, in_use: Ints, price: Costs, count: Ints) -> None:
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


def _merge(pushed: list[_Pushed], classes: int, width: int) -> States:
    """Equal states as one, at the least cost; tells every step which state it leads to."""
    if not pushed:
        none = np.zeros(0, dtype=np.int64)
        return States(none, np.zeros((0, classes), dtype=np.int8), none, np.zeros((0, width), dtype=np.int32))
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
    return States(frame[one], heads[one], avail[one], np.minimum.reduceat(costs[order], first, axis=0))


def _words(heads: NDArray[np.int8]) -> list[Ints]:
    """The heads of a state packed into as few words as hold them."""
    rows, classes = heads.shape
    padded = np.zeros((rows, -(-classes // 8) * 8), dtype=np.int8)
    padded[:, :classes] = heads
    return list(padded.view(np.int64).T)


def ends_of(chunk: Chunk, layers: list[States]) -> tuple[Ints, Costs]:
    """Frames and costs of all final states."""
    frames, costs = [], []
    for at, states in enumerate(layers):
        last = np.flatnonzero(chunk.lines[states.frame] == at)
        frames.append(states.frame[last])
        costs.append(states.costs[last].min(axis=1))
    return np.concatenate(frames), np.concatenate(costs)
