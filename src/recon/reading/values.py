"""Text as exports print it -> fen, days, months and comparable words: exact, or refused. Nothing is guessed.

One cell is read by ``parse_*`` (None where the cell means "nothing", :class:`Unreadable` where it means nothing we
know); a whole column by ``*_column``, each distinct text once, which gives the values and the positions of the cells
that could not be read. Money never becomes a float on the way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

from recon.reading import glyphs

T = TypeVar("T")


class Unreadable(ValueError):
    """A cell that is not empty and cannot be read; the text itself is not in the message (it may be personal)."""


_ZERO_WIDTH = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_ORNAMENTS = re.compile("[*'\"`]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """``text`` as headers, titles and code words are compared (:func:`glyphs.fold`), less stars and quotes."""
    return _ORNAMENTS.sub("", glyphs.fold(text))


_GUARD = re.compile(r'^="(.*)"$', re.DOTALL)
_WRAPPED = re.compile(r"(?<=[\u4e00-\u9fa5])[ \r]*\n[ \r]*(?=[\u4e00-\u9fa5])")  # a line that went on in its cell


@lru_cache(maxsize=65536)
def clean(text: str) -> str:
    """``text`` without what spreadsheets and exporters wrap around a value: guards, quotes, tabs, odd spaces."""
    text = unicodedata.normalize("NFKC", _ZERO_WIDTH.sub("", text)).replace("_x000D_", " ").strip()
    guarded = _GUARD.match(text)
    if guarded:
        text = guarded.group(1)
    if "\n" in text:
        text = _WRAPPED.sub("", text)
    return " ".join(text.strip("'\"`\t ").split())


_EMPTY = re.compile(r"^(?:[-—–―/\\*_.·\s]*|\(空\)|空|无|null|none|nan|n/a)$", re.IGNORECASE)


def is_empty(text: str) -> bool:
    """Whether a cell says "nothing": blank, dashes, a slash, stars, （空）."""
    return not text or bool(_EMPTY.match(clean(text)))


# ------------------------------------------------------------------------------------------------------- amounts

_CURRENCY = re.compile(r"^(?:人民币|cny|rmb|[¥￥])\s*|\s*(?:元|cny|rmb)$", re.IGNORECASE)
_NUMBER = re.compile(r"^(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?$|^\.\d+$")
_FLOAT_NOISE = Decimal("0.000001")
_CENT = Decimal("0.01")
MOST_FEN = 10**15  # fen, and more than any fund holds: such an "amount" is an ID or a card number in the wrong column
WAN = 10_000  # 万元: only ever from the header, never from a cell


def parse_fen(text: str, factor: int = 1) -> int | None:
    """Whole fen of an amount in yuan times ``factor`` (10 000 where the header says 万元); None for an empty cell.

    Full-width digits, ¥, 元, thousands commas, brackets and a trailing minus are understood. More than two decimals
    are refused unless they are the noise of a binary float in a spreadsheet; so are ten trillion yuan and more.
    """
    text = clean(text)
    if is_empty(text):
        return None
    negative = False
    bare = text
    if bare.startswith("(") and bare.endswith(")"):
        negative, bare = True, bare[1:-1].strip()
    bare = _CURRENCY.sub("", bare).strip()
    if bare.startswith(("+", "-", "−", "–")):
        negative ^= bare[0] != "+"
        bare = _CURRENCY.sub("", bare[1:].strip())
    elif bare.endswith(("-", "−")):
        negative, bare = not negative, bare[:-1].strip()
    if not _NUMBER.match(bare):
        raise Unreadable("amount")
    try:
        yuan = Decimal(bare.replace(",", "")) * factor
        cents = yuan.quantize(_CENT)
    except InvalidOperation as error:  # more digits than any sum of money has
        raise Unreadable("amount") from error
    if abs(cents - yuan) > _FLOAT_NOISE:
        raise Unreadable("amount")
    fen = int(cents * 100)
    if fen >= MOST_FEN:
        raise Unreadable("amount")
    return -fen if negative else fen


def parse_whole_fen(text: str) -> int | None:
    """Whole fen where the file holds fen already (recon's own tables)."""
    text = clean(text)
    if not text:
        return None
    whole = re.fullmatch(r"([+-]?\d{1,15})(?:\.0+)?", text)  # less than MOST_FEN
    if not whole:
        raise Unreadable("fen")
    return int(whole[1])


def fen_column(cells: Sequence[str], factor: int = 1) -> tuple[list[int | None], list[int]]:
    """A column of amounts in yuan -> (fen, positions of unreadable cells)."""
    if factor == 1:
        return by_value(cells, _fen)
    return by_value(cells, lambda text: parse_fen(text, factor))


_PLAIN = re.compile(r"(-?)(\d{1,13})(?:\.(\d{1,2}))?")


def _fen(text: str) -> int | None:
    """:func:`parse_fen`, with a short way for the ordinary spelling."""
    plain = _PLAIN.fullmatch(text)
    if not plain:
        return parse_fen(text)
    sign, whole, cents = plain.groups("")
    fen = int(whole) * 100 + int(cents.ljust(2, "0") or 0)
    return -fen if sign else fen


def whole_fen_column(cells: Sequence[str]) -> tuple[list[int | None], list[int]]:
    """A column of whole fen -> (fen, positions of unreadable cells)."""
    return by_value(cells, parse_whole_fen)


# -------------------------------------------------------------------------------------------------- days, months

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_SERIAL_EPOCH = date(1899, 12, 30)
_TIME = r"(?:[ T]*\d{1,2}: ?\d{1,2}(?:: ?\d{1,2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"  # a wrapped cell: 10:34: 43
_DAY = re.compile(rf"^(\d{{4}})(?:-|/|\.|年)(\d{{1,2}})(?:-|/|\.|月)(\d{{1,2}})日?{_TIME}$")
_COMPACT_DAY = re.compile(rf"^(\d{{4}})(\d{{2}})(\d{{2}})(?: ?\d{{6}}|{_TIME})$")
_MONTH = re.compile(r"^(\d{4})(?:-|/|\.|年)(\d{1,2})月?(?:份)?$")
_COMPACT_MONTH = re.compile(r"^(\d{4})(\d{2})$")
_SERIAL = re.compile(r"^(\d{5})(?:\.\d+)?$")
_RANGE = re.compile(r"^(.+?)\s*(?:至|到|~|—|–|―|--|\s-\s|起)\s*(.+?)止?$")
_COMPACT_RANGE = re.compile(r"^(\d{4}[-/.年]?\d{2}月?)\s*-\s*(\d{4}[-/.年]?\d{2}月?)$")


def _day(year: str, month: str, day: str) -> date:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        raise Unreadable("date")
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise Unreadable("date") from error


def _serial(text: str) -> date | None:
    """The day of a spreadsheet serial number between 1982 and 2064, else None."""
    found = _SERIAL.match(text)
    if found and 30_000 <= int(found.group(1)) <= 60_000:
        return _SERIAL_EPOCH + timedelta(days=int(found.group(1)))
    return None


def parse_day(text: str) -> date | None:
    """The day of any spelling that names year, month and day in this order; a bare month counts from its first.

    ``05/12/2024`` is refused: which is the month cannot be known.
    """
    text = clean(text)
    if is_empty(text):
        return None
    for pattern in (_DAY, _COMPACT_DAY):
        found = pattern.match(text)
        if found:
            return _day(found[1], found[2], found[3])
    for pattern in (_MONTH, _COMPACT_MONTH):
        found = pattern.match(text)
        if found:
            return _day(found[1], found[2], "1")
    serial = _serial(text)
    if serial:
        return serial
    raise Unreadable("date")


def parse_months(text: str) -> tuple[date, date] | None:
    """First and last month of ``202301``, ``2023年1月``, ``2023-01-31``, a serial, or ``1998-11至1998-12``."""
    text = clean(text).lstrip("*")
    if is_empty(text):
        return None
    found = _COMPACT_RANGE.match(text) or _RANGE.match(text)
    if found and not _DAY.match(text):
        first, last = (parse_months(part) for part in found.groups())
        if first is None or last is None or first[0] != first[1] or last[0] != last[1] or last[0] < first[0]:
            raise Unreadable("month")
        return first[0], last[0]
    day = parse_day(text)
    if day is None:
        return None
    month = day.replace(day=1)
    return month, month


def day_column(cells: Sequence[str]) -> tuple[list[date | None], list[int]]:
    """A column of days -> (days, positions of unreadable cells)."""
    return by_value(cells, parse_day)


_YEAR = re.compile(r"^(\d{4})年?(?:度)?$")


def parse_year(text: str) -> date | None:
    """The last day of a year printed as ``2024`` or ``2024年度``."""
    text = clean(text)
    if is_empty(text):
        return None
    found = _YEAR.match(text)
    if not found:
        raise Unreadable("year")
    return _day(found[1], "12", "31")


_PADDED_DOT = re.compile(r"^\d{4}\.0\d$")
_SINGLE_DOT = re.compile(r"^\d{4}\.1$")


def month_column(cells: Sequence[str]) -> tuple[list[tuple[date, date] | None], list[int]]:
    """A column of months -> (first and last month, positions of unreadable cells).

    ``2023.1`` in a column that pads (``2023.01``) is October typed as a number and has lost its zero: refused.
    """
    pads = any(_PADDED_DOT.match(clean(text)) for text in set(cells) if text)

    def parse(text: str) -> tuple[date, date] | None:
        if pads and _SINGLE_DOT.match(clean(text)):
            raise Unreadable("month")
        return parse_months(text)

    return by_value(cells, parse)


_FLAGS = {"true": True, "1": True, "t": True, "yes": True, "是": True,
          "false": False, "0": False, "f": False, "no": False, "否": False}


def parse_flag(text: str) -> bool | None:
    """true/false of the spellings recon's own tables may have."""
    if is_empty(text):
        return None
    try:
        return _FLAGS[fold(text)]
    except KeyError as error:
        raise Unreadable("flag") from error


def text_column(cells: Sequence[str]) -> list[str | None]:
    """A column of names and remarks: cleaned, None where the cell says nothing."""
    return by_value(cells, lambda text: None if is_empty(text) else clean(text))[0]


def by_value(cells: Sequence[str], parse: Callable[[str], T | None]) -> tuple[list[T | None], list[int]]:
    """What ``parse`` makes of each cell, and where it refuses; every distinct text is parsed once."""
    found: dict[str, T | None] = {"": None}
    bad: set[str] = set()
    for text in set(cells):
        if not text:
            continue
        try:
            found[text] = parse(text)
        except Unreadable:
            found[text] = None
            bad.add(text)
    places = [at for at, text in enumerate(cells) if text in bad] if bad else []
    return [found[text] for text in cells], places
