"""Typed cells, tables and page set-up: the only module that speaks to XlsxWriter about sheets.

Text is always written as text (nothing becomes a formula or a link), money as yuan from whole fen, days and months
as dates. Rows go in from top to bottom, so that a large workbook may be streamed (``constant_memory``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from recon.report.stream import Cell, row_writer
from recon.report.style import Styles, column_width, text_width
from recon.report.words import Words

SHEET_ROWS = 1_048_576
_CELL_LENGTH = 32_767
_MEASURED_ROWS = 400
_EPOCH_DAY = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1)  # before it, Excel's calendar has a day that never was
# Control characters, lone surrogates and non-characters break the XML; direction marks can make a text lie.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """One column of a table: its header, the kind of its cells (see style.py), its greatest width if not the kind's."""

    title: str
    kind: str = "text"
    most: int | None = None


@dataclass(frozen=True)
class Toned:
    """A value with a tone (see ``style.TONES``), and a kind of its own if it differs from its column's."""

    value: Any
    tone: str = ""
    kind: str = ""
    italic: bool = False


@dataclass
class Book:
    """A workbook being written, with its styles and words. ``sheet_rows`` is Excel's limit (smaller in tests)."""

    workbook: Any
    words: Words
    footer: str = ""
    sheet_rows: int = SHEET_ROWS
    styles: Styles = field(init=False)

    def __post_init__(self) -> None:
        self.styles = Styles(self.workbook)

    def sheet(self, name: str, *, pages_wide: int = 1, repeat: tuple[int, int] | None = None) -> Any:
        """A new sheet, set up for print: A4 landscape, fitted to the width, page numbers, header rows repeated."""
        sheet = self.workbook.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(pages_wide, 0)
        private, page = self.words("private"), self.words("page")
        sheet.set_footer(f"&L&8{_header_text(self.footer)}&C&8{page}&R&8{_header_text(name)} · {private}")
        if repeat:
            sheet.repeat_rows(*repeat)
        return sheet


def write_table(book: Book, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], *,
                frozen: int = 0, tones: dict[int, dict[str, str]] | None = None,
                choices: dict[int, list[str]] | None = None, hidden: Sequence[int] = ()) -> None:
    """A sheet with one table: header in row one, frozen, filtered, printed on every page; split when too long.

    ``frozen`` columns stay in sight. ``tones`` colours cells of a column by their text (conditional formats).
    ``choices`` are offered in the cells of a column, other words may be typed. ``hidden`` columns are there unseen.
    """
    room = book.sheet_rows - 1
    for part, start in enumerate(range(0, max(len(rows), 1), room)):
        sheet = book.sheet(part_name(name, part), repeat=(0, 0))
        sheet.freeze_panes(1, frozen)
        bottom = write_rows(book, sheet, 0, columns, rows[start:start + room], is_filtered=True)
        sheet.autofilter(0, 0, max(bottom - 1, 1), len(columns) - 1)
        for column, by_text in (tones or {}).items():
            for text, tone in by_text.items():
                sheet.conditional_format(1, column, max(bottom - 1, 1), column, {
                    "type": "cell", "criteria": "==", "value": '"' + text.replace('"', '""') + '"',
                    "format": book.styles.conditional(tone),
                })
        for column, texts in (choices or {}).items():
            sheet.data_validation(1, column, max(bottom - 1, 1), column, {
                "validate": "list", "source": texts, "ignore_blank": True, "error_type": "warning",
            })
        for column in hidden:
            sheet.set_column(column, column, None, None, {"hidden": True})


def part_name(name: str, part: int) -> str:
    """The name of the ``part``-th sheet (from 0) of a table that needs several."""
    return name if part == 0 else f"{name} ({part + 1})"


def write_rows(book: Book, sheet: Any, top: int, columns: Sequence[Column], rows: Sequence[Sequence[Any]], *,
               is_filtered: bool = False, widths: Sequence[float] | None = None) -> int:
    """Header and rows from row ``top`` on; the row below the last one comes back.

    Columns are as wide as their cells need, unless ``widths`` says that the sheet's are set already. Rows with
    wrapped text get the height it needs: not every program works that out by itself.
    """
    styles = book.styles
    fitted = widths is None
    wide = fit(columns, rows, is_filtered=is_filtered) if widths is None else list(widths)
    write_header(book, sheet, top, [column.title for column in columns], wide)
    if fitted:
        for place, width in enumerate(wide):
            sheet.set_column(place, place, width)
    kinds = [column.kind for column in columns]
    formats = [styles.cell(kind) for kind in kinds]
    wrapped = [place for place, kind in enumerate(kinds) if kind == "long"]
    write = row_writer(sheet)
    row = top
    for row, values in enumerate(rows, start=top + 1):
        lines = max((line_count(values[place], wide[place]) for place in wrapped), default=1)
        if lines > 1:
            sheet.set_row(row, line_height(lines))
        cells, looks = [], formats
        for place, value in enumerate(values):
            kind = kinds[place]
            if isinstance(value, Toned):
                if looks is formats:
                    looks = list(formats)
                kind = value.kind or kind
                looks[place] = styles.cell(kind, value.tone, italic=value.italic)
                value = value.value
            cells.append(cell_of(kind, value, book.words))
        write(row, cells, looks)
    return row + 1


def write_header(book: Book, sheet: Any, row: int, titles: Sequence[str], widths: Sequence[float]) -> None:
    """A header row, high enough for the titles that wrap."""
    lines = max(line_count(title, width) for title, width in zip(titles, widths, strict=False))
    sheet.set_row(row, line_height(lines))
    for place, title in enumerate(titles):
        sheet.write_string(row, place, title, book.styles.header)


def fit(columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, is_filtered: bool) -> list[float]:
    """The width of each column, from its header and its first few hundred cells."""
    measured = rows[:_MEASURED_ROWS]
    return [
        column_width(
            column.kind, column.title, max((_cell_width(values[place]) for values in measured), default=0),
            is_filtered=is_filtered, most=column.most,
        )
        for place, column in enumerate(columns)
    ]


def line_count(value: Any, width: float) -> int:
    """How many lines a wrapped text takes in a column of this width."""
    text = value.value if isinstance(value, Toned) else value
    if not isinstance(text, str) or (len(text) * 2 < width and "\n" not in text):
        return 1
    return sum(max(1, -(-text_width(line) // int(width - 1))) for line in text.split("\n"))


def line_height(lines: int) -> float:
    """The height of a row of so many lines, in points; Excel allows 409."""
    return min(4 + 14 * lines, 409)


def _cell_width(value: Any) -> int:
    plain = value.value if isinstance(value, Toned) else value
    if isinstance(plain, str):
        return text_width(plain)
    return len(f"{plain:,}") + 2 if isinstance(plain, int) else 0


def cell_of(kind: str, value: Any, words: Words) -> Cell:
    """What a cell of this kind holds: text, a number (money in yuan, days as Excel counts them), None for a blank."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return clean(value, words)
    if isinstance(value, int):
        if kind in ("money", "estimate"):
            return value / 100  # the nearest double to the exact yuan; display only
        if kind in ("int", "count"):
            return value
    elif isinstance(value, date) and value >= _FIRST_DAY:
        return value.toordinal() - _EPOCH_DAY
    return clean(str(value), words)


def put(book: Book, sheet: Any, row: int, column: int, kind: str, value: Any, style: Any) -> None:
    """One typed cell; null leaves it empty but styled."""
    cell = cell_of(kind, value, book.words)
    if cell is None:
        sheet.write_blank(row, column, None, style)
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell, style)
    else:
        sheet.write_number(row, column, cell, style)


def clean(text: str, words: Words) -> str:
    """``text`` as a cell can hold it: no control characters, no direction marks, cut with a mark when too long."""
    if not text.isprintable():
        text = _UNWRITABLE.sub("", text)
    if len(text) <= _CELL_LENGTH:
        return text
    mark = words("cut")
    return text[:_CELL_LENGTH - len(mark)] + mark


def _header_text(text: str) -> str:
    """``text`` inside a page header, where & is a command and 255 characters are the limit for all of it."""
    return _UNWRITABLE.sub("", text)[:60].replace("&", "&&")
