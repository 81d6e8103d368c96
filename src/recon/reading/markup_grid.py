"""Tables in HTML and in the XML of Excel 2003 as grids: what many web systems export under the name .xls."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from recon.problems import Problem
from recon.reading.csv_grid import decode, unwrap
from recon.reading.grid import DAMAGED, ERROR, Grid, Opened
from recon.reading.xlsx_grid import number_text

MAX_SPAN = 200  # columns or rows that one cell may claim
MAX_COLUMNS, MAX_CELLS = 2_000, 20_000_000  # empty ones that cells claim included
_EXCEL = "{urn:schemas-microsoft-com:office:spreadsheet}"
_SPACE = re.compile(r"\s+")


def is_markup(head: bytes) -> bool:
    """Whether a file begins like HTML or XML."""
    return re.match(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype\s+html|!--|html|head|body|meta|table|style|div|\w+:)", head,
                    re.IGNORECASE) is not None


def read_markup(data: bytes) -> Opened:
    """The tables of an HTML page as one grid, or the sheets of an Excel 2003 workbook; else the reason."""
    if b"urn:schemas-microsoft-com:office:spreadsheet" in data[:4096] and b"<html" not in data[:4096].lower():
        return _read_workbook(data)
    if b"<html" not in data[:4096].lower() and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
        return Opened(problems=[Problem("unreadable-file", value="XML")])
    text, problem = decode(data)
    if text is None:
        return Opened(problems=[problem] if problem else [])
    page = _Page()
    try:
        page.feed(text)
        page.close()
        page.end_row()
    except _TooLarge as error:
        return Opened(problems=[Problem("too-large", value=str(error))])
    if not page.tables:
        return Opened(problems=[Problem("not-a-table", value="HTML")])
    if page.depth and "</html" not in text[-4096:].lower():
        return Opened(problems=[Problem("truncated-file")])
    if not page.grid.rows:
        return Opened(problems=[Problem("empty-file")])
    return Opened(grids=[page.grid], kind="csv")


class _TooLarge(Exception):
    """More columns or cells than any export has."""


class _Page(HTMLParser):
    """Collects rows: those of tables cell by cell, text between tables as rows of one cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.grid = Grid(kind="csv")
        self.tables = self.depth = 0
        self.cells: list[str] = []
        self.text: list[str] | None = []
        self.line = 1
        self.silent = 0
        self.in_row = False
        self.width = 1
        self.below: dict[int, int] = {}  # column -> rows still taken by a cell from above
        self.total = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "title"):
            self.silent += 1
        elif tag == "table":
            self.end_row()
            self.tables, self.depth, self.below = self.tables + 1, self.depth + 1, {}
        elif tag == "tr":
            self.end_row()
            self.line, self.in_row = self.getpos()[0], True
        elif tag in ("td", "th"):
            self._end_cell()
            self._skip_taken()
            values = dict(attrs)
            self.width, height = _span(values.get("colspan")), _span(values.get("rowspan"))
            if height > 1:
                self.below.update({len(self.cells) + j: height for j in range(self.width)})
            self.text = []
        elif tag in ("br", "p", "div") and self.text is not None:
            self.text.append(" ")
            if not self.depth:
                self.end_row()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self.silent = max(0, self.silent - 1)
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self.end_row()
        elif tag == "table":
            self.end_row()
            self.depth = max(0, self.depth - 1)

    def handle_data(self, data: str) -> None:
        if self.silent or not data.strip():
            return
        if self.text is None:
            self.text = []
        if not self.depth and not any(self.text):
            self.line = self.getpos()[0]
        self.text.append(data)

    def end_row(self) -> None:
        """Keep the cells read so far as a row."""
        self._end_cell()
        self.total += len(self.cells)
        if self.total > MAX_CELLS:
            raise _TooLarge(f"> {MAX_CELLS} cells")
        while self.cells and not self.cells[-1]:
            self.cells.pop()
        if self.cells:
            self.grid.rows.append(self.cells)
            self.grid.places.append(_next_place(f"L{self.line}", self.grid.places))
        if self.depth and self.in_row:
            self.below = {column: left - 1 for column, left in self.below.items() if left > 1}
        self.cells, self.in_row = [], False

    def _end_cell(self) -> None:
        if self.text is not None and (self.depth or any(self.text)):
            self.cells.append(unwrap(_SPACE.sub(" ", "".join(self.text))))
            self.cells += [""] * (self.width - 1)
            if len(self.cells) > MAX_COLUMNS:
                raise _TooLarge(f"> {MAX_COLUMNS} columns")
        self.text, self.width = None, 1

    def _skip_taken(self) -> None:
        while self.below.get(len(self.cells)):
            self.cells.append("")


def _next_place(line: str, places: list[str]) -> str:
    """The place of a row; of several on one line the second is L1.2."""
    before, _, number = places[-1].partition(".") if places else ("", "", "")
    return f"{line}.{int(number or 1) + 1}" if before == line else line


def _span(value: str | None) -> int:
    return min(MAX_SPAN, max(1, int(value))) if value and value.isdecimal() else 1


def _read_workbook(data: bytes) -> Opened:
    """The sheets of an Excel 2003 XML workbook."""
    if any(word in data for word in (b"<!DOCTYPE", b"<!ENTITY")) or b"\0" in data[:64]:
        return Opened(problems=[Problem("unsafe-markup")])
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        cut = not data.rstrip().endswith(b"Workbook>")
        problem = Problem("truncated-file") if cut else Problem("unreadable-file", value="Excel 2003 XML")
        return Opened(problems=[problem], kind="xlsx")
    grids = []
    total = 0
    for sheet in root.iter(f"{_EXCEL}Worksheet"):
        grid = Grid(name=sheet.get(f"{_EXCEL}Name", ""), kind="xlsx")
        number = 0
        for row in sheet.iter(f"{_EXCEL}Row"):
            number = _index(row, number)
            total += _add_row(grid, row, number)
            if total > MAX_CELLS:
                return Opened(problems=[Problem("too-large", value=f"> {MAX_CELLS} cells")], kind="xlsx")
        if grid.rows:
            grids.append(grid)
    return Opened(grids=grids, problems=[] if grids else [Problem("empty-file")], kind="xlsx")


def _index(element: ElementTree.Element, before: int) -> int:
    given = element.get(f"{_EXCEL}Index", "")
    return int(given) if given.isdecimal() and before < int(given) <= 1_048_576 else before + 1


def _add_row(grid: Grid, row: ElementTree.Element, number: int) -> int:
    """Append the row; the number of cells it takes."""
    cells: list[str] = []
    marks: dict[int, str] = {}
    column = 0
    for cell in row.iter(f"{_EXCEL}Cell"):
        column = min(_index(cell, column), 16_384)
        cells += [""] * (column - 1 - len(cells))
        value = cell.find(f"{_EXCEL}Data")
        kind = value.get(f"{_EXCEL}Type", "String") if value is not None else "String"
        text = unwrap("".join(value.itertext())) if value is not None else ""
        if kind == "Number":
            text, damaged = _number(text)
            if damaged:
                marks[column - 1] = DAMAGED
        elif kind == "DateTime":
            text = _moment(text)
        elif kind == "Error":
            marks[column - 1] = ERROR
        cells.append(text)
        across = cell.get(f"{_EXCEL}MergeAcross", "")
        column += min(int(across), MAX_SPAN) if across.isdecimal() else 0
    while cells and not cells[-1]:
        cells.pop()
    if cells:
        grid.marks.update({(len(grid.rows), j): mark for j, mark in marks.items()})
        grid.rows.append(cells)
        grid.places.append(f"{grid.name}!R{number}")
    return len(cells)


def _number(text: str) -> tuple[str, bool]:
    try:
        value = float(text)
    except ValueError:
        return text, False
    if "_" in text:  # Python reads 1_00 as a hundred; no spreadsheet writes it
        return text, False
    return number_text(value), abs(value) >= 1e15


def _moment(text: str) -> str:
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return value.date().isoformat() if value.time() == dt.time() else value.replace(microsecond=0).isoformat(" ")
