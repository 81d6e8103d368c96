"""The answers of :mod:`recon.core.batched`: margins, proofs and best links, from the states and steps of all lines."""

from __future__ import annotations

import numpy as np

from recon.core.batched_forward import States, Steps
from recon.core.batched_frames import BIG, Chunk, Costs, Flags, Ints, relaxed_at
from recon.core.links import INF, PRICES
from recon.core.search import FLIP_CAP, Solution

# Fields of a rank, the order in which equal answers are preferred: open last, then short, early, without detour.
_NUMBER, _CREDITS, _SPAN, _OPEN = 26, 34, 52, 60
_WORST = np.int64((1 << 62) - 1)


def _joined(parts: list[Steps]) -> Steps | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    return Steps(*(np.concatenate([getattr(part, name) for part in parts])
                    for name in ("source", "to", "target", "fixed", "wrong", "edge", "frame")))


def answers_of(
    chunk: Chunk, layers: list[States], all_steps: list[list[Steps]], best: Costs, count: int
) -> list[Solution]:
    """Margins of all lines, proofs, and the tied best answer whose open months are earliest."""
    size, width = chunk.normal.shape[0], chunk.least.shape[2]
    edges = chunk.edges
    none = np.zeros(0, dtype=np.int64)
    empty = Steps(none, none, none, none.astype(np.int32), none, none, none)
    steps: list[Steps] = [empty] * (size + 1)
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
            found = Steps(*(getattr(found, name)[order]
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
            before = relaxed_at(states.costs, chunk.normal[at, states.frame])[found.source]
            total = (before + whole).min(axis=1)
            np.minimum.at(best_open[:, at], found.frame[is_open], total[is_open])
            for span in np.unique(edges.span[found.edge[linked]]).tolist():
                here = linked[edges.span[found.edge[linked]] == span]
                for line in range(at, at + span):
                    np.minimum.at(best_linked[:, line], found.frame[here], total[here])
            tails[at], choice[at] = _tails(chunk, at, states, found, whole, tail, back[at], first, owner)
        normal = np.zeros(nodes, dtype=np.bool_) if at == size else chunk.normal[at, states.frame] & ~ends
        relaxed[at] = relaxed_at(back[at], normal)
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


def _alive_steps(found: Steps, alive: list[Flags]) -> Steps:
    """Steps from which the end can be reached."""
    good = np.zeros(found.source.size, dtype=np.bool_)
    for to in np.unique(found.to).tolist():
        row = np.flatnonzero(found.to == to)
        good[row] = alive[to][found.target[row]]
    kept = np.flatnonzero(good)
    return Steps(*(getattr(found, name)[kept]
                    for name in ("source", "to", "target", "fixed", "wrong", "edge", "frame")))


def _ahead(
    found: Steps, relaxed: list[Costs], wrong: list[Ints], tails: list[Ints], width: int
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
    chunk: Chunk, at: int, states: States, found: Steps, whole: Costs, tail: Ints, back: Costs, first: Ints,
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
    chunk: Chunk, layers: list[States], steps: list[Steps], choice: list[Ints], count: int
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
    chunk: Chunk, layers: list[States], steps: list[Steps], wrong: list[Ints], links: list[list[int]], count: int
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
