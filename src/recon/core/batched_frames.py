"""The frames of many accounts as arrays, for :mod:`recon.core.batched`: one row, column or plane per frame.

All frames of a :class:`Chunk` have equally many usual lags. Frames with fewer lines, credits or classes than the widest
have the others empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from recon.core.links import PRICES, Frame, Link
from recon.core.spare import Spares

BIG = 1 << 25  # INF in the short words that costs are kept in; every line of a record may add it once

Ints = NDArray[np.int64]
Costs = NDArray[np.int32]
Flags = NDArray[np.bool_]

_CREDITS_OF, _KIND_OF = attrgetter("credits"), attrgetter("kind")


@dataclass
class Edges:
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
class Groups:
    """Credits that states need not tell apart (:mod:`recon.core.spare`): line x frame x group."""

    mask: Ints
    lines: Ints  # how many lines can take one
    price: Costs  # what leaving one costs


@dataclass
class Chunk:
    """Frames of one number of lags as arrays; the first index is the line where both line and frame index."""

    edges: Edges
    lines: Ints  # per frame
    normal: Flags  # line x frame
    open_prices: Costs  # line x frame
    left_prices: Costs  # frame x credit
    begin: Ints  # per frame: the lag in force at first
    by_class: Ints  # line x frame x class: credits that later links of the class use
    free: Ints  # line x frame: credits that other later links use
    least: Costs  # line x frame x lag: no answer costs less from here
    groups: Groups | None


def arrays_of(frames: list[Frame], spares: Sequence[Spares]) -> Chunk:
    """The frames as arrays; with ``spares``, one of each, states need not tell these apart."""
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
    return Chunk(edges, lines, normal, open_prices, left_prices, begin, by_class, free,
                 _least_ahead(edges, lines, normal, open_prices, width),
                 _groups(frames, spares, size) if spares else None)


def _groups(frames: list[Frame], spares: Sequence[Spares], size: int) -> Groups:
    most = max(len(here) for each in spares for here in each.groups)
    shape = (size + 1, len(frames), most)
    mask, lines, price = (np.zeros(shape, dtype=kind) for kind in (np.int64, np.int64, np.int32))
    for number, each in enumerate(spares):
        for at, here in enumerate(each.groups):
            for which, (credits, takers) in enumerate(here):
                mask[at, number, which], lines[at, number, which] = credits, takers
                price[at, number, which] = frames[number].left_prices[(credits & -credits).bit_length() - 1]
    return Groups(mask, lines, price)


def _edge_arrays(frames: list[Frame], start: Ints, held: Ints, width: int) -> Edges:
    """There are many edges: what is done for each of them is done by the interpreter's own loops."""
    by_frame = list(chain.from_iterable(row for frame in frames for row in frame.edges))
    # They lie frame by frame; wanted is line by line.
    line, _ = expand(np.zeros(start.size, dtype=np.int64), held.T.reshape(-1))
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
    return Edges(
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


def _usable(edges: Edges, streams: Ints) -> tuple[Ints, Ints]:
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
        frame, edge = expand(edges.start[at], edges.count[at])
        if edge.size:
            lone = alone[edge]
            np.bitwise_or.at(free[at], frame[lone], edges.mask[edge[lone]])
            which, number = np.nonzero(edges.classes[edge])
            np.bitwise_or.at(by_class[at], (frame[which], number), edges.mask[edge[which]])
    return by_class, free


def expand(start: Ints, count: Ints) -> tuple[Ints, Ints]:
    """For rows that own ``count`` things from ``start`` on: the row and the thing, pair by pair."""
    row = np.repeat(np.arange(count.size), count)
    first = np.cumsum(count) - count
    return row, np.arange(row.size) - np.repeat(first - start, count)


def relaxed_at(costs: Costs, normal: Flags) -> Costs:
    """Cost per usual lag when it may change here; only the normal stream's lag changes."""
    changed = costs.min(axis=1) + np.int32(PRICES.change)
    return np.where(normal[:, None], np.minimum(costs, changed[:, None]), costs)


def _least_ahead(edges: Edges, lines: Ints, normal: Flags, open_prices: Costs, width: int) -> Costs:
    size, count = normal.shape
    least = np.zeros((size + 1, count, width), dtype=np.int32)
    for at in range(size - 1, -1, -1):
        here = least[at + 1] + open_prices[at][:, None]
        frame, edge = expand(edges.start[at], edges.count[at])
        if edge.size:
            ahead = edges.costs[edge] + least[at + edges.span[edge], frame]
            owner = np.flatnonzero(edges.count[at])
            first = (np.cumsum(edges.count[at]) - edges.count[at])[owner]
            here[owner] = np.minimum(here[owner], np.minimum.reduceat(ahead, first, axis=0))
        least[at] = np.where((at < lines)[:, None], relaxed_at(here, normal[at]), np.int32(0))
    return least
