"""The ruling lines of a page as bands between them: the rows of ruled tables and the edges of their columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from recon.reading.pdf_words import Page


@dataclass
class Band:
    """The space between two horizontal rules and the vertical edges that run through it."""

    top: float
    bottom: float
    edges: list[float]


def bands(page: Page) -> list[Band]:
    """The rows of ruled tables on the page; empty where the rules make no columns."""
    if len(page.vertical) < 3 or len(page.horizontal) < 2:
        return []
    xs = _clusters([(x, a, b) for x, a, b in page.vertical])
    ys = _clusters([(y, a, b) for y, a, b in page.horizontal])
    width = max(x for x, _ in xs) - min(x for x, _ in xs)
    strong = [y for y, spans in ys if _length(spans) >= 0.5 * width]
    # A table that goes on over the page is often left open there: where three edges end, a rule is meant.
    ends = [(y, float(k), 0.0) for k, (_, spans) in enumerate(xs) for a, b in stretches_of(spans, 3.0) for y in (a, b)]
    for y, who in _clusters(ends):
        if len({k for k, _ in who}) >= 3 and all(abs(y - z) >= 3 for z in strong):
            strong.append(y)
    strong.sort()
    through = [(x, stretches_of([(a - 1, b + 1) for a, b in spans], 0)) for x, spans in xs]
    out = []
    for top, bottom in pairwise(strong):
        if bottom - top < 4:
            continue
        middle = (top + bottom) / 2
        edges = [x for x, spans in through for a, b in spans if a <= middle <= b]
        if len(edges) >= 3:
            out.append(Band(top, bottom, edges))
    return out


def _clusters(lines: list[tuple[float, float, float]]) -> list[tuple[float, list[tuple[float, float]]]]:
    """Parallel lines less than 3 points apart as one, with the stretches they cover."""
    out: list[tuple[float, list[tuple[float, float]]]] = []
    for at, a, b in sorted(lines):
        if out and at - out[-1][0] < 3:
            out[-1][1].append((a, b))
        else:
            out.append((at, [(a, b)]))
    return out


def common_edges(found: list[list[float]], before: list[float]) -> list[float]:
    """All vertical edges of the bands; those of the page before where this page's are among them."""
    edges: list[float] = []
    for x in sorted({x for xs in found for x in xs}):
        if not edges or x - edges[-1] >= 3:
            edges.append(x)
    if before and all(any(abs(x - b) < 3 for b in before) for x in edges):
        return before
    return edges


def _length(spans: list[tuple[float, float]]) -> float:
    total, reached = 0.0, float("-inf")
    for a, b in sorted(spans):
        total += max(0.0, b - max(a, reached))
        reached = max(reached, b)
    return total


def stretches_of(spans: list[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Stretches no farther apart than ``gap`` as one, in order."""
    out: list[tuple[float, float]] = []
    for a, b in sorted(spans):
        if out and a - out[-1][1] <= gap:
            out[-1] = (out[-1][0], max(out[-1][1], b))
        else:
            out.append((a, b))
    return out
