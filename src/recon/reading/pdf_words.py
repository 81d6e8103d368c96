"""The words and ruling lines of each PDF page with their places, by pdfium, or by pdfplumber where pdfium fails."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

MAX_CHARS = 400_000  # on one page; a statement page has some thousands
MAX_OBJECTS = 40_000
_TOKEN = re.compile(r"[^\s\x00\ufffe\uffff]+")
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


@dataclass
class Page:
    """One page, valid until the next one is asked for. ``letters`` gives (left, right) of each character of a word."""

    number: int
    words: list[Word]
    letters: Callable[[Word], list[tuple[float, float]]]
    vertical: list[tuple[float, float, float]] = field(default_factory=list)  # x, from y, to y
    horizontal: list[tuple[float, float, float]] = field(default_factory=list)  # y, from x, to x
    odd: int = 0  # characters that no font explains
    blank: bool = False  # nothing at all is drawn


class PdfError(Exception):
    """``reason`` is password, damaged or too-large."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def pages(data: bytes, password: str | None = None) -> Iterator[Page]:
    """Every page in order; each is closed before the next, so that memory does not grow with their number."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types
    from pypdfium2 import raw

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
    """Words by one box for the first and one for the last character of each: a tenth of the calls of all boxes."""
    count = r.FPDFText_CountChars(text)
    if count > MAX_CHARS:
        raise PdfError("too-large")
    content = _content(r, text, count)
    box = r.FS_RECTF()
    pointer = ctypes.byref(box)
    found: list[tuple[float, float, float, float, str, int]] = []
    angles: Counter[int] = Counter()
    kept: list[int] = []
    for match in _TOKEN.finditer(content):
        first, last = match.start(), match.end() - 1
        r.FPDFText_GetLooseCharBox(text, first, pointer)
        left, right, bottom, top = box.left, box.right, box.bottom, box.top
        r.FPDFText_GetLooseCharBox(text, last, pointer)
        turn = r.FPDFText_GetCharAngle(text, first) / (math.pi / 2)
        quarter = round(turn) % 4 if abs(turn - round(turn)) < 0.03 else -1  # -1: slanted, a watermark or a seal
        angles[quarter] += len(match[0])
        kept.append(quarter)
        found.append((min(left, box.left), min(bottom, box.bottom), max(right, box.right), max(top, box.top),
                      match[0], first))
    usual = max((a for a in angles if a >= 0), key=lambda a: angles[a], default=0)
    words = []
    for quarter, (x0, y0, x1, y1, token, first) in zip(kept, found, strict=True):
        if quarter == usual:
            a, b, c, d = _turn(usual, x0, y0, x1, y1)
            words.append(Word(a, c, (b + d) / 2, d - b, token, first))

    def letters(word: Word) -> list[tuple[float, float]]:
        out = []
        for k in range(len(word.text)):
            r.FPDFText_GetLooseCharBox(text, word.at + k, pointer)
            a, _b, c, _d = _turn(usual, box.left, box.bottom, box.right, box.top)
            out.append((a, c))
        return out

    result = Page(number, words, letters)
    result.odd = _odd(content)
    objects = r.FPDFPage_CountObjects(page)
    result.blank = objects == 0
    if objects <= MAX_OBJECTS:
        _rules(r, page, objects, usual, result)
    return result


def _content(r: Any, text: object, count: int) -> str:
    """The text of a page, one character for each that pdfium counts.

    Its own text leaves out characters that no font explains; then each is asked for, and U+FFFD stands for those.
    """
    buffer = (ctypes.c_ushort * (count + 1))()
    written = r.FPDFText_GetText(text, 0, count, buffer) if count > 0 else 1
    content = bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", "replace")
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
    box = [ctypes.c_float() for _ in range(4)]
    pointers = [ctypes.byref(v) for v in box]
    for k in range(objects):
        item = r.FPDFPage_GetObject(page, k)
        if r.FPDFPageObj_GetType(item) != r.FPDF_PAGEOBJ_PATH:
            continue
        r.FPDFPageObj_GetBounds(item, *pointers)  # left, bottom, right, top
        left, bottom, right, top = (v.value for v in box)
        if right - left > _THIN and top - bottom > _THIN and r.FPDFPath_CountSegments(item) > 5:
            _segments(r, item, quarter, result)
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
