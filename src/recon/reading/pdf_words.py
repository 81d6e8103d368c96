"""The words and ruling lines of each PDF page with their places, by pdfium, or by pdfplumber where pdfium fails."""

from __future__ import annotations

import ctypes
import math
import re
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from itertools import pairwise, repeat
from typing import Any, NamedTuple

from recon.reading import pdf_fonts
from recon.reading.glyphs import is_plain

MAX_CHARS = 400_000  # on one page; a statement page has some thousands
MAX_OBJECTS = 40_000
_NO_LETTER = re.compile("[\x00\ufffe\uffff]")
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_THIN = 2.2  # points: a path no wider than this is a line


class Word(NamedTuple):
    """Text without a gap: left and right edge, middle from the top, height (all in points), and its first character."""

    x0: float
    x1: float
    y: float
    h: float
    text: str
    at: int = -1


Rule = tuple[float, float, float]


@dataclass
class Page:
    """One page, valid until the next one is asked for. ``letters`` gives (left, right) of each character of a word."""

    number: int
    words: list[Word]
    letters: Callable[[Word], list[tuple[float, float]]]
    vertical: list[Rule] = field(default_factory=list)  # x, from y, to y
    horizontal: list[Rule] = field(default_factory=list)  # y, from x, to x
    odd: int = 0  # characters that no font explains
    blank: bool = False  # nothing at all is drawn
    plain: bool = False  # no radicals, controls and invisible characters: words are what they show


_Turned = tuple[int, float, float, float, float, str, int]  # quarter turns, left, bottom, right, top, text, place


class PdfError(Exception):
    """``reason`` is password, damaged or too-large."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def pages(data: bytes, password: str | None = None) -> Iterator[Page]:
    """Every page in order; each is closed before the next, so that memory does not grow with their number."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types
    from pypdfium2 import raw

    pdf_fonts.for_reading(raw)
    try:
        document = pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError as error:
        raise PdfError("password" if "password" in str(error).lower() else "damaged") from None
    try:
        for index in range(len(document)):
            try:
                page = document[index]
                text = page.get_textpage()
            except pypdfium2.PdfiumError:
                raise PdfError("damaged") from None
            try:
                yield _read_page(raw, index + 1, page.raw, text.raw)
            finally:
                text.close()
                page.close()
    finally:
        document.close()


def pages_slowly(data: bytes, password: str | None = None) -> Iterator[Page]:
    """The same by pdfplumber, some twenty times slower: the second opinion for files pdfium does not take."""
    import pdfplumber
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with pdfplumber.open(BytesIO(data), password=password) as document:
            for source in document.pages:
                yield _read_slowly(source)
                source.close()
    except PdfminerException as error:
        raise PdfError("password" if "Password" in repr(error.args) else "damaged") from None


def _read_slowly(source: Any) -> Page:
    words, boxes, at = [], [], 0
    for w in source.extract_words(x_tolerance=1.5, return_chars=True):
        if w.get("upright", True):
            words.append(Word(w["x0"], w["x1"], (w["top"] + w["bottom"]) / 2, w["bottom"] - w["top"], w["text"], at))
            boxes += [(c["x0"], c["x1"]) for c in w["chars"] for _ in c["text"]]
            at = len(boxes)
    page = Page(source.page_number, words, lambda word: boxes[word.at : word.at + len(word.text)])
    page.odd = sum(5 * w.text.count("(cid:") + _odd(w.text) for w in words)
    page.blank = not (source.chars or source.images or source.curves or source.rects or source.lines)
    for edge in source.edges:
        if edge["orientation"] == "v":
            page.vertical.append((edge["x0"], edge["top"], edge["bottom"]))
        else:
            page.horizontal.append((edge["top"], edge["x0"], edge["x1"]))
    return page


def _odd(text: str) -> int:
    """How many characters show that the fonts of the page cannot be decoded: U+FFFD, private use, controls."""
    return len(_ODD.findall(text))


def _read_page(r: Any, number: int, page: object, text: object) -> Page:
    count = r.FPDFText_CountChars(text)
    if count > MAX_CHARS:
        raise PdfError("too-large")
    content = _content(r, text, count)
    signs = "".join(set(content))
    words, turned, heights = _words(r, text, *_tokens(content, signs))
    usual = 0
    if turned:
        angles = Counter({0: sum(len(word.text) for word in words)})
        for quarter, *_, token, _ in turned:
            angles[quarter] += len(token)
        usual = max((a for a in angles if a >= 0), key=lambda a: angles[a])
    if usual:
        there = [(*_turn(usual, *box), token, first) for quarter, *box, token, first in turned if quarter == usual]
        words = [Word(x0, x1, (y0 + y1) / 2, y1 - y0, token, first) for x0, y0, x1, y1, token, first in there]
    if usual or (heights and max(heights) > 1.9 * min(heights)):
        words = _of_the_page(words)

    def letters(word: Word) -> list[tuple[float, float]]:
        boxes = _boxes(r, text, range(word.at, word.at + len(word.text)))
        upright = (_turn(usual, left, bottom, right, top) for left, top, right, bottom in _in_fours(boxes))
        return [(x0, x1) for x0, _, x1, _ in upright]

    result = Page(number, words, letters, plain=is_plain(signs))
    result.odd = _odd(content) if _odd(signs) else 0
    objects = r.FPDFPage_CountObjects(page)
    result.blank = objects == 0
    if objects <= MAX_OBJECTS:
        _rules(r, page, objects, usual, result)
    return result


def _tokens(content: str, signs: str) -> tuple[list[str], list[int]]:
    """Each stretch of text without a gap, and the places of their first characters; ``signs`` are those that occur."""
    if _NO_LETTER.search(signs):
        content = _NO_LETTER.sub(" ", content)
    tokens, firsts, end = content.split(), [], 0
    for token in tokens:
        first = content.find(token, end)  # only white space stands between
        firsts.append(first)
        end = first + len(token)
    return tokens, firsts


def _words(
    r: Any, text: object, tokens: list[str], firsts: list[int]
) -> tuple[list[Word], list[_Turned], set[float]]:
    """The upright words, what stands otherwise, and how high the upright characters are.

    The boxes of its first and its last character tell where a word is: a tenth of the calls of all boxes.
    """
    words: list[Word] = []
    turned: list[_Turned] = []
    heights: set[float] = set()  # of characters known to stand upright
    add, new, height = words.append, tuple.__new__, -1.0
    while tokens:
        touching: list[tuple[str, int]] = []
        box = iter(_boxes(r, text, firsts))
        box2 = iter(_boxes(r, text, [first + len(token) - 1 for token, first in zip(tokens, firsts, strict=True)]))
        for token, first, left, top, right, bottom, left2, top2, right2, bottom2 in zip(
            tokens, firsts, box, box, box, box, box2, box2, box2, box2, strict=True
        ):
            if -0.25 < bottom - bottom2 < 0.25 and left2 > left:  # on one level, left to right
                if top - bottom != height:
                    height = top - bottom
                    heights.add(round(height, 1))
                add(new(Word, (left, right2, -(bottom + top) / 2, height, token, first)))
                continue
            if len(token) == 1:
                if round(top - bottom, 1) in heights:
                    add(Word(left, right, -(bottom + top) / 2, top - bottom, token, first))
                    continue
            elif abs((top - bottom) - (top2 - bottom2)) > 0.3 * min(top - bottom, top2 - bottom2):
                touching += _of_one_size(r, text, first, token)
                continue
            left, bottom = min(left, left2), min(bottom, bottom2)
            right, top = max(right, right2), max(top, top2)
            turn = r.FPDFText_GetCharAngle(text, first) / (math.pi / 2)
            quarter = round(turn) % 4 if abs(turn - round(turn)) < 0.03 else -1  # -1: slanted, a watermark or a seal
            if quarter == 0:
                add(Word(left, right, -(bottom + top) / 2, top - bottom, token, first))
                heights.add(round(top - bottom, 1))
            else:
                turned.append((quarter, left, bottom, right, top, token, first))
        tokens, firsts = [token for token, _ in touching], [first for _, first in touching]
    return words, turned, heights


def _boxes(r: Any, text: object, characters: Sequence[int]) -> list[float]:
    """The left, top, right and bottom of the first of ``characters``, then those of the second, and so on."""
    boxes = array("f", bytes(16 * len(characters)))
    start, _ = boxes.buffer_info()
    box_of, places = _direct(r, "FPDFText_GetLooseCharBox", 3), range(start, start + 16 * len(characters), 16)
    deque(map(box_of, repeat(_address(text)), characters, places), maxlen=0)
    return boxes.tolist()


def _in_fours(numbers: list[float]) -> Iterator[tuple[float, float, float, float]]:
    each = iter(numbers)
    return zip(each, each, each, each, strict=True)


def _address(handle: object) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value  # type: ignore[arg-type] # a pointer of pypdfium2's making


@cache
def _direct(r: Any, name: str, count: int, result: Any = ctypes.c_int) -> Callable[..., Any]:
    """A function of pdfium with ``count`` arguments, called without letting go of the interpreter: a third of the time.

    Each argument is an address or an index from 0 on, which is handed over like an address: a whole register either
    way, and ctypes makes it in half the time.
    """
    address = ctypes.cast(getattr(r, name), ctypes.c_void_p).value
    return ctypes.PYFUNCTYPE(result, *[ctypes.c_void_p] * count)(address)  # type: ignore[arg-type]


def _of_one_size(r: Any, text: object, first: int, token: str) -> list[tuple[str, int]]:
    """A token whose characters differ in height, as of two texts that touch, cut where they do.

    One that cannot be cut is cut in single letters.
    """
    boxes = _boxes(r, text, range(first, first + len(token)))
    heights = [top - bottom for _, top, _, bottom in _in_fours(boxes)]
    cuts = [k for k in range(1, len(token)) if abs(heights[k] - heights[k - 1]) > 0.3 * min(heights[k], heights[k - 1])]
    edges = [0, *cuts, len(token)] if cuts else list(range(len(token) + 1))
    return [(token[a:b], first + a) for a, b in pairwise(edges)]


def _of_the_page(words: list[Word]) -> list[Word]:
    """The words without what is printed over or beside the rows: watermarks, seals, verification codes.

    A code stands upright but runs downwards, or is set much smaller than the rows; a watermark is larger and covers
    words of the usual size.
    """
    sizes: Counter[int] = Counter()
    for word in words:
        sizes[round(word.h)] += len(word.text)
    if len(sizes) < 2:
        return words
    usual = max(sizes, key=lambda size: sizes[size])
    odd = [word for word in words if not 0.55 * usual < word.h < 1.9 * usual]
    if not odd:
        return words
    small = sum(len(word.text) for word in odd if word.h <= 0.55 * usual)
    few = small * 20 <= sum(sizes.values())
    drop = {
        word for word in odd
        if (few and word.h <= 0.55 * usual and word.text.isascii() and word.text.isalnum())
        or (word.h >= 1.9 * usual and (_runs_down(word, usual) or _covers(word, words, usual)))
    }
    return [word for word in words if word not in drop] if drop else words


def _runs_down(word: Word, usual: float) -> bool:
    return word.x1 - word.x0 < 2 * usual and len(word.text) >= 4 and word.text.isascii() and word.text.isalnum()


def _covers(word: Word, words: list[Word], usual: float) -> bool:
    """Whether other words of the usual size stand inside the box of ``word``."""
    inside = [
        other for other in words
        if other.h < 1.5 * usual and abs(other.y - word.y) < word.h / 2 - 0.3 * usual
        and other.x0 < word.x1 and other.x1 > word.x0
    ]
    return len(inside) > 1


def _content(r: Any, text: object, count: int) -> str:
    """The text of a page, one character for each that pdfium counts.

    Its own text leaves out characters that no font explains; then each is asked for, and U+FFFD stands for those.
    """
    units = array("H", bytes(2 * count + 2))
    written = _direct(r, "FPDFText_GetText", 4)(_address(text), 0, count, units.buffer_info()[0]) if count > 0 else 1
    content = units[: max(0, written - 1)].tobytes().decode("utf-16-le", "replace")
    if len(content) == count:
        return content
    letters = []
    for k in range(count):
        code = r.FPDFText_GetUnicode(text, k)
        letters.append(chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd")
    return "".join(letters)


def _turn(quarter: int, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    """A box (left, bottom, right, top; y upwards) as (left, top, right, bottom; y downwards) in reading direction."""
    if quarter == 0:
        return x0, -y1, x1, -y0
    if quarter == 1:  # the text runs downwards: pdfium measures clockwise
        return -y1, -x1, -y0, -x0
    if quarter == 2:
        return -x1, y0, -x0, y1
    return y0, x0, y1, x1


def _rules(r: Any, page: object, objects: int, quarter: int, result: Page) -> None:
    """The straight lines and the edges of boxes among the paths of the page."""
    items = list(map(_direct(r, "FPDFPage_GetObject", 2, ctypes.c_void_p), repeat(_address(page)), range(objects)))
    kinds = map(_direct(r, "FPDFPageObj_GetType", 1), items)
    bounds_of, count_of = _direct(r, "FPDFPageObj_GetBounds", 5), _direct(r, "FPDFPath_CountSegments", 1)
    box = array("f", bytes(16))
    sides = [box.buffer_info()[0] + at for at in (0, 4, 8, 12)]
    for item in [item for item, kind in zip(items, kinds, strict=True) if kind == r.FPDF_PAGEOBJ_PATH]:
        bounds_of(item, *sides)
        left, bottom, right, top = box
        if right - left > _THIN and top - bottom > _THIN and count_of(item) > 5:
            _segments(r, ctypes.cast(item, r.FPDF_PAGEOBJECT), quarter, result)
        else:
            _edges(result, *_turn(quarter, left, bottom, right, top))


def _edges(result: Page, x0: float, y0: float, x1: float, y1: float) -> None:
    """A line, or the four edges of a box."""
    if x1 - x0 <= _THIN and y1 - y0 <= _THIN:
        return
    if x1 - x0 <= _THIN:
        result.vertical.append(((x0 + x1) / 2, y0, y1))
    elif y1 - y0 <= _THIN:
        result.horizontal.append(((y0 + y1) / 2, x0, x1))
    else:
        result.vertical += [(x0, y0, y1), (x1, y0, y1)]
        result.horizontal += [(y0, x0, x1), (y1, x0, x1)]


def _segments(r: Any, item: object, quarter: int, result: Page) -> None:
    """The axis-parallel segments of one path of many, such as a whole table grid drawn at once."""
    matrix = r.FS_MATRIX()
    r.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    before: tuple[float, float] | None = None
    for k in range(min(r.FPDFPath_CountSegments(item), MAX_OBJECTS)):
        segment = r.FPDFPath_GetPathSegment(item, k)
        r.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = (matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f)
        kind = r.FPDFPathSegment_GetType(segment)
        if kind == r.FPDF_SEGMENT_LINETO and before is not None:
            (ax, ay), (bx, by) = before, point
            if abs(ax - bx) <= 0.5 or abs(ay - by) <= 0.5:
                _edges(result, *_turn(quarter, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)))
        before = point if kind != r.FPDF_SEGMENT_BEZIERTO else None
