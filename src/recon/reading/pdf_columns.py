"""Header lines known by their names, and where the columns below them begin and end."""

from __future__ import annotations

import re
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, repeat
from operator import itemgetter

from recon.reading.glyphs import fold
from recon.reading.pdf_lines import NUMBER, WIDE_GAP, Line, is_date, phrases, run_on
from recon.reading.pdf_rules import stretches_of
from recon.reading.pdf_words import Word

MIN_HEADER = 3  # header names on one line that make it a header line
_DATA = -99  # in place of the number of names that may begin in a line
_DIGITS = frozenset("0123456789-+¥￥")
ENOUGH_ROWS = 8  # lines from which the columns of a page may serve the next pages
MAX_HEADER = 7  # lines of a header with names of up to four lines, each in the middle of its cell
_LABEL = re.compile(r"[^\d:：\s]{2,14}[:：]")
_PAGE_LABEL = re.compile(r"第\s*\d+\s*页|共\s*\d+\s*页|页码|^\d+\s*/\s*\d+$")


@dataclass
class Columns:
    """The columns of a header: its cells (left, right, folded text) and the bounds between them."""

    cells: list[tuple[float, float, str]]
    bounds: list[float] = field(default_factory=list)
    left: float = 0.0
    extents: list[tuple[float, float]] = field(default_factory=list)  # of each column, as far as words reached
    rows: int = 0  # lines they were learned from
    used: frozenset[int] = frozenset()  # columns that had words
    fits: bool = False  # no word below this header crosses a bound

    def same(self, other: Columns | None) -> bool:
        """Whether the names are those of ``other``: the header is printed again."""
        return other is not None and [c[2] for c in self.cells] == [c[2] for c in other.cells]


def find_headers(lines: list[Line], header_words: frozenset[str]) -> list[tuple[int, Columns, int]]:
    """(index of its first line, its columns, how many lines it takes) of each header line."""
    if not header_words:
        return []
    first, known_start = _beginnings(header_words)
    hits = [
        _DATA if _is_data(line) else sum(known_start(w.text) for w in line.words if w.text[0] in first)
        for line in lines
    ]
    out: list[tuple[int, Columns, int]] = []
    done = 0
    for k in range(len(lines)):
        if k < done or hits[k] < 0:
            continue
        best: tuple[int, int, Columns] | None = None
        for used in range(1, MAX_HEADER + 1):  # names may be broken over lines above or below the others
            block = lines[k : k + used]
            if len(block) < used or (used > 1 and block[-1].y - block[-2].y > 1.7 * max(block[-1].h, block[-2].h)):
                break
            if sum(hits[k : k + used]) < MIN_HEADER:
                continue
            cells = _header_cells(block, header_words)
            known = sum(c[2] in header_words for c in cells)
            if known >= MIN_HEADER and known * 2 > len(cells) and (best is None or known > best[0]):
                best = (known, used, Columns(cells))
        if best is not None and (best[1] == 1 or not _better_below(lines, k, best[1], best[0], header_words)):
            out.append((k, best[2], best[1]))
            done = k + best[1]
    return out


@lru_cache(maxsize=8)
def _beginnings(header_words: frozenset[str]) -> tuple[frozenset[str], Callable[[str], bool]]:
    """The characters a header name may begin with, in every form, and whether a word begins a header name."""
    starts = frozenset(word[:1] for word in header_words)
    forms = (*range(0x20, 0x2100), *range(0x2E80, 0x3100), *range(0xF900, 0xFB00), *range(0xFF00, 0xFFF0))
    first = starts | {char for code in forms if fold(char := chr(code))[:1] in starts or not fold(char)}

    @lru_cache(maxsize=4096)
    def known_start(text: str) -> bool:
        folded = fold(text)
        return folded in header_words or any(word.startswith(folded) for word in header_words)

    return frozenset(first), known_start


def _is_data(line: Line) -> bool:
    """Whether two figures stand in a line: then it is no header, whatever words stand in it."""
    figures = 0
    for word in line.words:
        text = word[4]
        if text[0] in _DIGITS and (NUMBER.fullmatch(text) or is_date(text)):
            figures += 1
            if figures > 1:
                return True
    return False


def _better_below(lines: list[Line], k: int, used: int, known: int, header_words: frozenset[str]) -> bool:
    """Whether the same names are found without the first line, which then is no part of the header."""
    cells = _header_cells(lines[k + 1 : k + used], header_words)
    return sum(c[2] in header_words for c in cells) >= known


def _header_cells(block: list[Line], header_words: frozenset[str]) -> list[tuple[float, float, str]]:
    """(left, right, folded text) of the names in a header of one or more lines; broken names are put together."""
    if len(block) == 1:
        return _names(block[0].words, header_words)
    words = sorted((w for line in block for w in line.words), key=lambda w: w.x0)
    stacks: list[list[Word]] = []
    for word in words:
        reach = max((w.x1 for w in stacks[-1]), default=0.0) if stacks else 0.0
        if stacks and word.x0 < reach - 0.3 * word.h:
            stacks[-1].append(word)
        else:
            stacks.append([word])
    out: list[tuple[float, float, str]] = []
    flat: list[Word] = []
    for stack in stacks:
        text = "".join(w.text for w in sorted(stack, key=lambda w: (w.y, w.x0)))
        flat.append(Word(min(w.x0 for w in stack), max(w.x1 for w in stack), stack[0].y, stack[0].h, text))
    out += _names(flat, header_words)
    return out


def _names(words: list[Word], header_words: frozenset[str]) -> list[tuple[float, float, str]]:
    """The cells of one line; neighbours whose joint text is a known name are one cell (姓 名)."""
    out: list[tuple[float, float, str]] = []
    at = 0
    while at < len(words):
        for many in range(min(4, len(words) - at), 0, -1):
            text = "".join(w.text for w in words[at : at + many])
            folded = fold(text)
            labelled = text.endswith((":", "：")) and many == 1  # 姓名：王样例 is a preamble, not a header
            if many == 1 or folded in header_words:
                out.append((words[at].x0, words[at + many - 1].x1, "" if labelled else folded))
                at += many
                break
    return out


def learn_bounds(columns: Columns, lines: list[Line], known: Columns | None) -> None:
    """Where one column ends and the next begins: in the white between the words below the header.

    Data may stand left or right of its header name, and columns may be empty, so stretches of x that carry words are
    given to header names in order, at the least total distance, each name preferring one stretch.
    """
    heads = columns.cells
    if known is not None and known.rows >= ENOUGH_ROWS and _fits(columns, lines, known):
        columns.bounds, columns.left, columns.extents, columns.rows, columns.used = (
            known.bounds, known.left, known.extents, known.rows, known.used)
        columns.fits = True
        return
    counts = [len(line.words) for line in lines]
    usual = statistics.median(counts) if counts else 0
    rows = [line for line in lines if len(line.words) >= max(2, 0.5 * usual)]
    words = [w for line in rows for w in line.words]
    h = statistics.median(w.h for w in words) if words else 8.0
    spans = [s for line in rows for s in phrases(line, 0.6 * h)]
    stretches = [piece for s in stretches_of(spans, 0.1 * h) for piece in _cut_between(s, heads, words)]
    owner = _assign(stretches, [_is_figures(s, words) for s in stretches], heads)
    lefts = [c[0] for c in heads]
    rights = [c[1] for c in heads]
    for (a, b), j in zip(stretches, owner, strict=True):
        lefts[j], rights[j] = min(lefts[j], a), max(rights[j], b)
    columns.rows, columns.used = len(rows), frozenset(owner)
    if known is not None and known.rows and _in_place(columns, known):  # what earlier pages showed holds here too
        wider = [(min(a, b[0]), max(c, b[1])) for a, c, b in zip(lefts, rights, known.extents, strict=True)]
        if all(a[1] <= b[0] for a, b in pairwise(wider)):
            lefts, rights = [a for a, _ in wider], [b for _, b in wider]
            columns.rows, columns.used = columns.rows + known.rows, columns.used | known.used
    columns.left, columns.extents = lefts[0], list(zip(lefts, rights, strict=True))
    columns.bounds = [(rights[j] + lefts[j + 1]) / 2 for j in range(len(heads) - 1)]
    if known is not None and known.bounds and not rows:
        columns.bounds, columns.left = known.bounds, known.left


def _fits(columns: Columns, lines: list[Line], known: Columns) -> bool:
    """Whether every word below a header printed again keeps within a column that had words before."""
    if not _in_place(columns, known):
        return False
    words = [word for line in lines for word in line.words]
    begins = list(map(bisect_right, repeat(known.bounds), map(itemgetter(0), words)))
    ends = map(bisect_right, repeat(known.bounds), map(itemgetter(1), words))
    return known.used.issuperset(begins) and begins == list(ends)


def _in_place(columns: Columns, known: Columns) -> bool:
    """Whether a header printed again stands where it stood."""
    return all(abs(a[0] - b[0]) < 1 and abs(a[1] - b[1]) < 1 for a, b in zip(columns.cells, known.cells, strict=True))


def _cut_between(
    stretch: tuple[float, float], heads: list[tuple[float, float, str]], words: list[Word]
) -> list[tuple[float, float]]:
    """A stretch under several names is cut between them where the fewest words are crossed, in the widest such gap."""
    a, b = stretch
    inside = [c for c in heads if c[0] < b and c[1] > a]
    pieces, start = [], a
    for left, right in pairwise(inside):
        x = _quiet_place(left[1], right[0], words)
        pieces.append((start, x))
        start = x
    return [*pieces, (start, b)]


def _quiet_place(a: float, b: float, words: list[Word]) -> float:
    """The middle of the widest stretch between ``a`` and ``b`` that the fewest words cross."""
    if b <= a:
        return (a + b) / 2
    marks = sorted({a, b, *(x for w in words for x in (w.x0, w.x1) if a < x < b)})
    crossed = [(sum(w.x0 < (p + q) / 2 < w.x1 for w in words), p - q, (p + q) / 2)
               for p, q in pairwise(marks)]
    return min(crossed)[2]


def _is_figures(stretch: tuple[float, float], words: list[Word]) -> bool:
    inside = [bool(NUMBER.fullmatch(w.text)) for w in words if w.x0 < stretch[1] and w.x1 > stretch[0]]
    return 2 * sum(inside) > len(inside)


def _assign(
    stretches: list[tuple[float, float]], figures: list[bool], heads: list[tuple[float, float, str]]
) -> list[int]:
    """For each stretch the header it belongs to, in order, at the least total cost.

    Figures that stand under no name are right-aligned, so they belong to the name on their left rather than to a
    nearer one on their right; with text it is the other way round.
    """
    again = 40.0  # points: the price of a second stretch under one name, against the distance to the next name
    n = len(heads)
    table: list[list[tuple[float, int]]] = []
    for i, (a, b) in enumerate(stretches):
        row: list[tuple[float, int]] = []
        for j, (c, d, _) in enumerate(heads):
            here = max(0.0, c - b) * (1.0 if figures[i] else 0.3) + max(0.0, a - d) * (0.1 if figures[i] else 1.0)
            if i == 0:
                row.append((here, -1))
                continue
            options = [(table[i - 1][k][0] + (again if k == j else 0.0), k) for k in range(j + 1)]
            cost, k = min(options)
            row.append((cost + here, k))
        table.append(row)
    owner = [0] * len(stretches)
    j = min(range(n), key=lambda k: table[-1][k][0]) if stretches else 0
    for i in range(len(stretches) - 1, -1, -1):
        owner[i] = j
        j = table[i][j][1]
    return owner


def _is_marked(text: str) -> bool:
    """Whether a line may be a page label or hold a labelled value."""
    return "页" in text or ":" in text or "：" in text or "/" in text  # four times as quick as a pattern


def stands_alone(line: Line, columns: Columns) -> bool:
    """Whether a line under a header is no row of it: a page label, a print date, a sentence over several columns."""
    bounds = columns.bounds
    if line.words[0].x1 < columns.left - 1:
        return True
    if is_date(line.words[0].text) and len(line.words) > 2:
        return False
    text = run_on(line.words)
    if len(line.words) > 3 and not _is_marked(text):
        crossing = (bisect_right(bounds, w[0] + 2) != bisect_left(bounds, w[1] - 2) for w in line.words)
        if columns.fits or not any(crossing):
            return False
    stretches = phrases(line, WIDE_GAP * line.h)
    crossed = any(a + 2 < x < b - 2 for a, b in ((w.x0, w.x1) for w in line.words) for x in bounds)
    labels = sum(bool(_LABEL.match(w.text)) for w in line.words)
    if _PAGE_LABEL.search(text):
        return True
    if labels and (labels >= len(stretches) - 1 or len(stretches) == 1):
        return True
    return crossed and len(stretches) <= max(2, len(bounds) // 3)
