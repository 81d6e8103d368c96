"""Words of a page as lines and rows, and the words of a cell as its text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import itemgetter, sub

from recon.reading.glyphs import clean, modern
from recon.reading.pdf_words import Page, Word

_OVER = 1.5  # points by which a word may run over a bound
WIDE_GAP = 0.65  # between two cells of a line outside tables, in heights
DATE = re.compile(r"(19|20)\d{2}([-/.年]?)(0?[1-9]|1[0-2])(\2?[-/.月]?(0?[1-9]|[12]\d|3[01])日?|月)?(\D.*)?")
NUMBER = re.compile(r"[-+(¥￥]*\d[\d,，.]*\)?%?元?")
_FIGURE = re.compile(r"[-+]?[\d,]+\.\d{2}|\d{4}[-/.]\d\d[-/.]\d\d|\d{17}[\dXx]")  # a sum, a day, an ID
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DAY_AT_END = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?$")
# 1,719.3 3 is one sum, cut by a space that is none
_SPLIT_SUM = re.compile(r"[-+]?[\d,]*(\d\. \d{1,2}|\.\d \d|, \d{3}(,\d{3})*(\.\d+)?|\d (,\d{3})*\.\d{1,2})")


@dataclass(slots=True)
class Line:
    """Words of one base line, left to right."""

    y: float
    h: float
    words: list[Word]


@dataclass(slots=True)
class Row:
    """One row before its cells are joined: per column the words, each with its line's y."""

    y: float
    cells: list[list[Word]]
    free: bool = False  # not part of a table: one cell per stretch of text
    header: bool = False
    h: float = 8.0
    last: float = 0.0  # y of its lowest line so far


def lines_of(words: list[Word]) -> list[Line]:
    """Words by base line, top to bottom, each line left to right; what is drawn twice for boldness counts once."""
    out: list[list[Word]] = []
    first: Word | None = None
    for word in sorted(words, key=_y):
        if first is not None and ((apart := word[2] - first[2]) <= 1.5 or apart <= 0.4 * min(word[3], first[3])):
            out[-1].append(word)
        else:
            first = word
            out.append([word])
    return [_line_of(several) if len(several) > 1 else Line(several[0].y, several[0].h, several) for several in out]


_x0, _y = itemgetter(0), itemgetter(2)  # of a Word: half the time of its names


def _line_of(words: list[Word]) -> Line:
    """Two or more words as one line."""
    words.sort(key=_x0)
    count = len(words)
    lefts, rights, ys, heights, texts, _ = zip(*words, strict=True)
    line = Line(sum(ys) / count, sorted(heights)[count // 2], words)
    if max(map(sub, rights, lefts[1:])) > 0.3 * line.h:  # a word begins within the one before it
        line.words = _drawn_once(words)
    if count >= 8 and sorted(map(len, texts))[int(0.6 * count)] < 3:  # more than that share are one or two characters
        line.words = _touching_joined(line.words)
    return line


def _drawn_once(words: list[Word]) -> list[Word]:
    """Words of a line without those drawn again over themselves, a little to the side."""
    out: list[Word] = []
    for word in words:
        if not any(word.text == other.text and abs(word.x0 - other.x0) < 0.25 * word.h for other in out[-4:]):
            out.append(word)
    return out


def _touching_joined(words: list[Word]) -> list[Word]:
    """A line of fragments, as of text drawn letter by letter, put together where nothing stands between them."""
    out: list[Word] = []
    for word in words:
        before = out[-1] if out else None
        if before is not None and word.x0 - before.x1 < 0.1 * word.h:
            out[-1] = Word(before.x0, word.x1, before.y, before.h, before.text + word.text)
        else:
            out.append(word)
    return out


def row_of(line: Line, bounds: list[float]) -> Row:
    """The words of a line in the columns between ``bounds``, each by its middle."""
    cells: list[list[Word]] = [[] for _ in range(len(bounds) + 1)]
    for word in line.words:
        cells[bisect_right(bounds, (word[0] + word[1]) / 2)].append(word)
    return Row(line.y, cells, h=line.h, last=line.y)


def cut_row(page: Page, line: Line, cuts: list[float], bounds: list[float]) -> Row:
    """The same, words that run over one of ``cuts``, some or all of ``bounds``, cut there first."""
    cells: list[list[Word]] = [[] for _ in range(len(bounds) + 1)]
    for word in line.words:
        at = bisect_right(bounds, word[0] + _OVER)
        if at == bisect_left(bounds, word[1] - _OVER):  # within one column, as nearly all are
            cells[at].append(word)
        else:
            for part in split_word(page, word, cuts):
                cells[bisect_right(bounds, (part[0] + part[1]) / 2)].append(part)
    return Row(line.y, cells, h=line.h, last=line.y)


def free_row(line: Line) -> Row:
    """A line outside tables: one cell per stretch of text between wide gaps."""
    cells: list[list[Word]] = []
    for word in line.words:
        if cells and word.x0 - cells[-1][-1].x1 < WIDE_GAP * line.h:
            cells[-1].append(word)
        else:
            cells.append([word])
    return Row(line.y, cells, free=True, h=line.h, last=line.y)


def phrases(line: Line, gap: float) -> list[tuple[float, float]]:
    """Stretches of a line whose words stand closer than ``gap``: the words of one cell, as a rule."""
    out: list[tuple[float, float]] = []
    for word in line.words:
        if out and word.x0 - out[-1][1] < gap:
            out[-1] = (out[-1][0], max(out[-1][1], word.x1))
        else:
            out.append((word.x0, word.x1))
    return out


def split_word(page: Page, word: Word, bounds: list[float]) -> list[Word]:
    """A word that runs over a bound, cut where two cells touch; text that merely overflows stays whole."""
    inner = [x for x in bounds if word.x0 + _OVER < x < word.x1 - _OVER]
    if not inner or len(word.text) < 2:
        return [word]
    boxes = page.letters(word) if word.at >= 0 else _even(word)
    changes = [k for k in range(1, len(boxes)) if _class(word.text[k]) != _class(word.text[k - 1])]
    cuts = []
    for x in inner:
        places = [k for k in range(1, len(boxes)) if k in changes or boxes[k][0] - boxes[k - 1][1] > 0.12 * word.h]
        far = {k: abs((boxes[k][0] + boxes[k - 1][1]) / 2 - x) for k in places}
        best = min(far, key=lambda k: (far[k], k), default=0)
        if best and (far[best] <= 1.3 * word.h or _two_cells(word, changes, boxes, x)) and best not in cuts:
            cuts.append(best)
    edges = [0, *sorted(cuts), len(word.text)]
    return [
        Word(boxes[a][0], boxes[b - 1][1], word.y, word.h, word.text[a:b], word.at + a)
        for a, b in pairwise(edges)
    ]


def _even(word: Word) -> list[tuple[float, float]]:
    """About where the characters of a word put together stand."""
    widths = [1 if char.isascii() else 2 for char in word.text]
    unit = (word.x1 - word.x0) / sum(widths)
    rights = [word.x0 + unit * total for total in accumulate(widths)]
    return list(zip([word.x0, *rights], rights, strict=False))


def _two_cells(word: Word, changes: list[int], boxes: list[tuple[float, float]], x: float) -> bool:
    """Whether a word is plainly a text and a figure, the one mostly on this side of ``x``, the other on that."""
    if len(changes) != 1:
        return False
    k = changes[0]
    parted = (boxes[0][0] + boxes[k - 1][1]) / 2 < x < (boxes[k][0] + boxes[-1][1]) / 2
    return parted and any(_FIGURE.fullmatch(part) for part in (word.text[:k], word.text[k:]))


def _class(letter: str) -> str:
    if letter.isdigit() or letter in "., -+:/¥￥*":
        return "number"
    return "latin" if letter.isascii() else "other"


def run_on(words: list[Word]) -> str:
    """The text of words without spaces, for comparing."""
    return "".join([word[4] for word in words])


@lru_cache(maxsize=4096)
def is_date(text: str) -> bool:
    """Whether a text is a date or a month, or begins with one; the dates of a statement come again and again."""
    return DATE.fullmatch(text) is not None


def texts_of(row: Row, plain: bool = False) -> list[str]:
    """The cells of a row as text, empty ones at its end dropped; words that are ``plain`` need no cleaning."""
    out = [(cell[0][4] if plain and len(cell) == 1 else _joined(cell)) if cell else "" for cell in row.cells]
    while out and not out[-1]:
        out.pop()
    return out


def _joined(cell: list[Word]) -> str:
    """The text of one cell: lines run on, words of one line keep their space unless it splits a number."""
    if len(cell) == 1:
        return clean(modern(cell[0].text))
    text = ""
    before: Word | None = None
    for word in sorted(cell, key=lambda w: (round(w.y), w.x0)):
        if before is not None:
            timed = _TIME.fullmatch(word.text) and _DAY_AT_END.search(before.text)
            broken = abs(word.y - before.y) > 0.4 * word.h
            letters = all(c.isascii() and c.isalpha() for c in (before.text[-1], word.text[0]))
            split = _SPLIT_SUM.fullmatch(f"{before.text} {word.text}") and word.x0 - before.x1 < 0.6 * word.h
            if timed or letters or not (broken or split):
                text += " "
        text += word.text
        before = word
    return clean(modern(text))
