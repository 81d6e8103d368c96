"""Credits that only lines of unknown arrival can still take: which of them a state holds makes no difference.

Back pay whose arrival no record tells takes any credit of its amount at one price. Where the months before and after
are of the same amount, too, any of their credits may be the one that is kept for it, and the states of a search
(:mod:`recon.core.search`) are all sets of such credits. From the place where the months themselves can no longer use
them, only their number matters: here a state holds the first so many of a kind for whichever they are, and no more than
there are lines to take them. :meth:`Spares.named` puts the real ones into a finished answer.

Equal credits of such lines may cross while the search goes on: as every line takes a credit at the credit's own price,
they can be put in order afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from recon.core.links import Edge, Frame, Link

_Kind = tuple[frozenset[tuple[int, tuple[int, ...]]], int]  # lines that take it and at what cost; what leaving it costs


class Spares:
    """The credits of a frame that need not be told apart; false where there are none.

    frame: the frame to search, in which equal credits of the lines in question may cross. groups: per position, which
    credits (a mask) of one kind only lines of later streams take, and how many lines these are.
    """

    def __init__(self, frame: Frame) -> None:
        self._plain = frame
        self._free = _freely_taken(frame)
        self.frame = frame._replace(edges=tuple(
            tuple(edge._replace(classes=()) if self._is_free(edge) else edge for edge in edges)
            for edges in frame.edges))
        self._edges = {edge.link: edge for edges in frame.edges for edge in edges}
        takers: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        for i, edges in enumerate(frame.edges):
            for edge in edges:
                if self._is_free(edge) and edge.link.kind == "1:1":
                    takers.setdefault(edge.first, []).append((i, edge.costs))
        self._kinds: dict[int, _Kind] = {j: (frozenset(of), frame.left_prices[j]) for j, of in takers.items()}
        self.groups = [list(self._groups_at(at)) for at in range(len(frame.streams))] + [[]]

    def __bool__(self) -> bool:
        return any(self.groups)

    def _is_free(self, edge: Edge) -> bool:
        return len(edge.classes) == 1 and edge.classes[0] in self._free

    def _groups_at(self, at: int) -> Iterator[tuple[int, int]]:
        frame, other = self._plain, 0
        for i in range(at, len(frame.streams)):
            later = frame.streams[i] != frame.streams[at]
            for edge in frame.edges[i]:
                if self._is_free(edge):
                    other |= edge.mask if not later or edge.link.kind != "1:1" else 0
                elif later or not edge.classes:
                    other |= edge.mask
        masks: dict[_Kind, int] = {}
        for j, kind in sorted(self._kinds.items()):
            if not other >> j & 1:
                masks[kind] = masks.get(kind, 0) | 1 << j
        for (takers, _), mask in masks.items():
            if mask.bit_count() > 1:
                yield mask, len(takers)

    def merged(self, at: int, avail: int, in_use: int) -> tuple[int, int]:
        """``avail`` as a state at ``at`` holds it, and the credits that it gives up: more than can be taken.

        in_use: credits that the lines of the position's own stream can still use.
        """
        lost = 0
        for group, lines in self.groups[at]:
            mask = group & ~in_use
            number = (avail & mask).bit_count()
            if number:
                firsts = _firsts(mask)
                held = firsts[min(number, lines)]
                avail = avail & ~mask | held
                lost |= firsts[number] & ~held
        return avail, lost

    def named(self, links: Sequence[Link]) -> tuple[Link, ...]:
        """The links of an answer with real credits: where any of a kind will do, the first that nothing else has."""
        path = [self._edges[link] for link in links]
        at_will = [self._is_free(edge) and edge.span == 1 for edge in path]
        used = 0
        for edge, any_one in zip(path, at_will, strict=True):
            used |= 0 if any_one else edge.mask
        for at, edge in enumerate(path):
            if at_will[at]:
                kind = self._kinds[edge.first]
                pick = next(j for j, each in sorted(self._kinds.items()) if each == kind and not used >> j & 1)
                used |= 1 << pick
                path[at] = self._edges[edge.link._replace(credits=(pick,))]
        for number in self._free:
            self._put_in_order(number, path)
        return tuple(edge.link for edge in path)

    def _put_in_order(self, number: int, path: list[Edge]) -> None:
        """The older lines have the earlier credits, if that is possible at the same cost."""
        places = [at for at, edge in enumerate(path) if edge.classes == (number,)]
        lines = sorted(line for at in places for line in path[at].link.lines)
        turned: list[Edge | None] = []
        for edge in sorted((path[at] for at in places), key=lambda edge: edge.first):
            turned.append(self._edges.get(edge.link._replace(lines=tuple(lines[:edge.span]))))
            del lines[:edge.span]
        here = [edge for edge in turned if edge]
        if len(here) == len(places) and _cost(here) == _cost([path[at] for at in places]):
            for at, edge in zip(places, here, strict=True):
                path[at] = edge


def _cost(edges: Sequence[Edge]) -> list[int]:
    return [sum(costs) for costs in zip(*(edge.costs for edge in edges), strict=True)]


def _freely_taken(frame: Frame) -> set[int]:
    """The classes of links that each give whole lines one credit, whichever line, at the credit's own price."""
    cost: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}
    free: set[int] = set()
    bound: set[int] = set()
    for edges in frame.edges:
        for edge in edges:
            plain = len(edge.classes) == 1 and edge.link.kind in ("1:1", "N:1")
            same = edge.span > 1 or cost.setdefault((edge.first, edge.classes), edge.costs) == edge.costs
            (free if plain and same else bound).update(edge.classes)
    return free - bound


@lru_cache(maxsize=1 << 12)
def _firsts(mask: int) -> list[int]:
    """The lowest credits of a mask: none, one, two, … all."""
    found = [0]
    while mask:
        bit = mask & -mask
        found.append(found[-1] | bit)
        mask ^= bit
    return found
