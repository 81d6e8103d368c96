"""Many accounts solved at once: the search of :mod:`recon.core.search`, layer by layer over arrays.

In: frames, as :func:`recon.core.edges.frame_of` makes them. Out: the solutions that ``search.search`` gives, one by one
the same (cost, links, margins, ties, proofs); that function stays the reference and answers what does not fit here
(more than 62 credits or 39 lines, or too many states). States of all frames are rows of arrays; at every line all of
them take every edge in a few whole-array steps, equal ones are merged, and hopeless ones are dropped by the same bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recon.core.batched_answers import answers_of
from recon.core.batched_forward import ends_of, forward
from recon.core.batched_frames import BIG, arrays_of
from recon.core.links import PRICES, Frame
from recon.core.search import FLIP_CAP, Solution, search, search_likeliest
from recon.core.spare import Spares

MAX_CREDITS = 62  # one bit each in a signed word
MAX_LINES = 39  # three to this power fits in a signed word (see recon.core.batched_answers)
CHUNK = 1000  # frames in one go; the arrays of a chunk stay in the processor's cache and in memory
CROWDED = 50  # of those with very many states
FEW = 4  # below, starting the arrays costs more than it saves


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


def _search_chunk(frames: list[Frame], spares: Sequence[Spares] = ()) -> list[Solution | None]:
    """The solutions of frames with equally many lags; None where a frame has too many states."""
    chunk = arrays_of(frames, spares)
    count = len(frames)
    floor = chunk.least[0, np.arange(count), chunk.begin]
    best = np.full(count, BIG, dtype=np.int32)
    lost = np.zeros(count, dtype=np.bool_)  # too many states
    slack = PRICES.change
    todo = np.arange(count)
    while todo.size:
        layers, _, over = forward(chunk, todo, floor + slack)
        lost |= over
        ends = ends_of(chunk, layers)
        np.minimum.at(best, ends[0], ends[1])
        todo = todo[(best[todo] >= BIG) & ~lost[todo]]
        slack = slack * 2 + PRICES.left
    kept = np.flatnonzero(~lost)
    layers, steps, over = forward(chunk, kept, best + FLIP_CAP)
    answers = answers_of(chunk, layers, steps, best, count)
    lost |= over
    return [None if gone else answer for gone, answer in zip(lost.tolist(), answers, strict=True)]
