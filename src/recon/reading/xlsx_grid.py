"""Workbooks as grids: every sheet, hidden ones too, with true row numbers, after guards that a hostile file fails."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from recon.problems import Problem
from recon.reading.biff import is_unsafe
from recon.reading.csv_grid import unwrap
from recon.reading.grid import DAMAGED, ERROR, FORMULA, Grid, Opened

if TYPE_CHECKING:
    from recon.reading.xlsx_frames import Package

MAX_MEMBERS = 5_000
MAX_UNPACKED = 1 << 30  # all members together
MAX_RATIO, RATIO_FROM = 250, 24 << 20  # members that unpack beyond RATIO_FROM bytes may not shrink more than that
MAX_ROWS, MAX_SPAN, MAX_CELLS = 1_048_576, 30_000_000, 25_000_000
LARGE = 256 << 10  # bytes of a sheet from which it pays to read columns
EXACT = 1e15  # numbers from here on have lost digits
MAX_SPARSE = 2_000_000  # cells of a sheet too wide for a dense grid that the streaming reader may still take

_FORBIDDEN = tuple(
    word.encode(codec) for word in ("<!DOCTYPE", "<!ENTITY") for codec in ("ascii", "utf-16-le", "utf-16-be")
)
# Anything but the usual <c r="B17" of a narrow sheet, and then each reference that reaches far.
_UNUSUAL = re.compile(rb'<c(?:[^ \w]| (?!r="[A-Za-z]\d{1,6}"))')
_FAR = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3}(?=\d{6})|[A-Za-z]{2,3})(\d{1,9})["']""")
_NS = rb"(?:\w+:)?"  # some writers put a prefix on every element
_F = rb"<" + _NS + rb"f\b[^>]*(?:/>|>[^<]*</" + _NS + rb"f>)"
_ERROR_CELL = re.compile(
    rb"<" + _NS + rb"""c\b([^>]*\bt\s*=\s*["']e["'][^>]*)>(?:""" + _F + rb")?\s*<" + _NS + rb"v>([^<]*)<"
)
# Python's int and float, and so openpyxl, read 1_00 as a hundred: the quick look, then each such cell that is no text.
_UNDERSCORE = re.compile(rb"v>[^<_]*_")
_ODD_NUMBER = re.compile(
    rb"<" + _NS + rb"""c\b(?![^>]*\bt\s*=\s*["']str)([^>]*)>(?:""" + _F + rb")?\s*<" + _NS + rb"v>([^<_]*_[^<]*)<"
)
_EMPTY_FORMULA = re.compile(
    rb"<" + _NS + rb"c\b([^>]*)>\s*" + _F + rb"\s*(<" + _NS + rb"v\s*/>|<" + _NS + rb"v>\s*</|</" + _NS + rb"c>)"
)
_REF = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_HIDDEN_ROW = re.compile(rb"<" + _NS + rb"""row\b[^>]*\bhidden\s*=\s*["'](?:1|true)["'][^>]*(?<!/)>""")
_TEXT_RESULT = re.compile(rb"""\bt\s*=\s*["']str["']""")


Notes = dict[str, dict[tuple[int, int], tuple[str, str]]]  # sheet -> (row, column) from 1 -> (mark, text)
ARCHIVE_ERRORS = (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error)


class Refused(Exception):
    """A container that must not be given to any reader; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass
class _Part:
    """What the XML of one sheet showed before any reader saw it: 1-based (row, column) -> (mark, text)."""

    notes: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    sparse: bool = False
    hidden: int = 0  # rows that are hidden or filtered out


def read_xlsx(data: bytes) -> Opened:
    """Every sheet of an .xlsx, .xlsm or .xlsb package as a grid."""
    try:
        parts, names, package = _examine(data, columns=True)
        grids = None
        if package is not None:
            from recon.reading.xlsx_frames import read_frames

            grids = read_frames(package, names, _notes(parts, names))
            del package
            if grids is None:
                parts, names, _ = _examine(data, columns=False)
    except Refused as refused:
        return Opened(problems=[refused.problem], kind="xlsx")
    notes = _notes(parts, names)
    readers: tuple[Callable[..., list[Grid]], ...] = (_calamine, _openpyxl)
    if any(part.sparse for part in parts.values()):  # calamine would ask for the whole rectangle at once
        readers = (_openpyxl,)
    opened = _first_that_reads(data, readers, notes) if grids is None else _opened(grids)
    for grid in opened.grids:
        if (part := parts.get(names.get(grid.name, ""))) and part.hidden:
            opened.problems.append(Problem("hidden-rows", value=f"{grid.name}: {part.hidden}"))
    return opened


def _notes(parts: dict[str, _Part], names: dict[str, str]) -> Notes:
    return {sheet: parts[part].notes for sheet, part in names.items() if part in parts}


def read_xls(data: bytes) -> Opened:
    """Every sheet of a binary .xls (or the reason: an encrypted .xlsx is kept in the same container)."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return Opened(problems=[Problem("password-required")], kind="xlsx")
    if len(data) < 512 or _is_short_ole(data):
        return Opened(problems=[Problem("truncated-file")], kind="xlsx")
    if is_unsafe(data):
        return Opened(problems=[Problem("unreadable-file", value="damaged container")], kind="xlsx")
    return _first_that_reads(data, (_calamine,), {})


def number_text(value: float) -> str:
    """A number as a spreadsheet holds it, 15 significant digits, never with an exponent: 29.02, 120, 0.3."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not abs(value) < 1e18:  # too large for any sum of money; also inf and nan
        return repr(value)
    if abs(value) >= 1e15:
        return str(int(value))
    text = format(value, ".15g")
    return format(Decimal(text), "f") if "e" in text else text


def check_package(archive: zipfile.ZipFile, *, protected: bool = False) -> None:
    """Refuse an archive that has a name twice, unpacks too large, or is encrypted (unless that is ``protected``).

    Nothing is unpacked for that. Declared sizes may lie, but then reading ends at the declared size.
    """
    members = archive.infolist()
    total = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS:
        raise Refused(Problem("too-large", value=f"{len(members)} members"))
    if not protected and any(m.flag_bits & 1 for m in members):
        raise Refused(Problem("password-required"))
    if total > MAX_UNPACKED:
        raise Refused(Problem("too-large", value=f"{total >> 20} MiB unpacked"))
    for m in members:
        if m.file_size > RATIO_FROM and m.file_size > MAX_RATIO * max(1, m.compress_size):
            raise Refused(Problem("too-large", value=f"{m.compress_size >> 10} KiB -> {m.file_size >> 20} MiB"))
    if len({m.filename for m in members}) < len(members):
        raise Refused(Problem("unreadable-file", value="a name occurs twice in the archive"))


def damaged_archive(data: bytes) -> Problem:
    """What to say of an archive that fails: cut off where its directory at the end is missing."""
    end = data.rfind(b"PK\x05\x06")
    whole = end >= 0 and len(data) >= end + 22 + int.from_bytes(data[end + 20 : end + 22], "little")
    return Problem("unreadable-file", value="damaged archive") if whole else Problem("truncated-file")


def _examine(data: bytes, *, columns: bool) -> tuple[dict[str, _Part], dict[str, str], Package | None]:
    """(what each sheet part holds, sheet name -> part, the workbook in columns where it can be), or Refused."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            check_package(archive)
            package = None
            if columns and any(m.file_size >= LARGE and m.filename.endswith(".xml") for m in archive.infolist()):
                from recon.reading.xlsx_frames import Package

                package = Package()
            parts: dict[str, _Part] = {}
            small: dict[str, bytes] = {}
            for member in archive.infolist():
                lower = member.filename.lower()
                if not lower.endswith((".xml", ".rels", ".vml")):
                    continue
                xml = archive.read(member)
                wide = b"\0" in xml[:4]  # UTF-16
                if (wide or (b"!" in xml and b"<!" in xml)) and any(word in xml for word in _FORBIDDEN):
                    raise Refused(Problem("unsafe-markup"))
                if wide and any("sheetData".encode(codec) in xml for codec in ("utf-16-le", "utf-16-be")):
                    raise Refused(Problem("unreadable-file", value="UTF-16 XML"))  # no guard below would see it
                is_sheet = b"sheetData" in xml
                if package is not None and package.add(member.filename, xml, is_sheet=is_sheet):
                    parts[part_key(member.filename)] = _Part(hidden=package.sheets[member.filename].hidden)
                elif is_sheet:
                    if package is not None and len(xml) >= LARGE:
                        return _examine(data, columns=False)
                    parts[part_key(member.filename)] = _examine_sheet(xml)
                elif lower.endswith(("workbook.xml", "workbook.xml.rels")):
                    small[part_key(member.filename)] = xml
    except ARCHIVE_ERRORS:
        raise Refused(damaged_archive(data)) from None
    if package is not None and not package.is_whole():
        return _examine(data, columns=False)
    return parts, _sheet_parts(small), package


def _examine_sheet(xml: bytes) -> _Part:
    """The notes of one sheet; Refused where its references or counts would not fit in memory."""
    start = xml.find(b"sheetData")
    prefix = re.search(rb"(\w+:)?$", xml[max(0, start - 40) : start])
    name = b"<" + (prefix[0] if prefix else b"")
    rows = max(xml.count(b"<row"), xml.count(name + b"row"))
    if rows > MAX_ROWS:
        raise Refused(Problem("too-large", value=f"{rows} rows"))
    sparse = False
    if name != b"<" or len(xml) > 16 * MAX_CELLS or _UNUSUAL.search(xml):
        cells = max(xml.count(n + b"c ") + xml.count(n + b"c>") for n in (b"<", name))
        if cells > MAX_CELLS:
            raise Refused(Problem("too-large", value=f"{cells} cells"))
        last_row, last_column = max(rows, 1), 26
        for letters, digits in set(_FAR.findall(xml)):
            last_row, last_column = max(last_row, int(digits)), max(last_column, _column(letters))
        sparse = last_row * last_column > MAX_SPAN
        if last_row > MAX_ROWS or last_column > 16_384 or (sparse and cells > MAX_SPARSE):
            raise Refused(Problem("too-large", value=f"{last_row} x {last_column} cells"))
    part = _Part(sparse=sparse)
    if b"hidden=" in xml[start:]:
        part.hidden = len(_HIDDEN_ROW.findall(xml, start))
    if name + b"f" in xml:
        for found in _EMPTY_FORMULA.finditer(xml):
            if not _TEXT_RESULT.search(found[1]) or found[2].startswith(b"</"):  # a formula may well give ""
                _note(part, found[1], FORMULA, "")
    if b't="e"' in xml or b"t='e'" in xml:
        for found in _ERROR_CELL.finditer(xml):
            _note(part, found[1], ERROR, found[2].decode("utf-8", "replace").strip())
    if b"_" in xml and _UNDERSCORE.search(xml):
        for found in _ODD_NUMBER.finditer(xml):
            _note(part, found[1], ERROR, found[2].decode("utf-8", "replace").strip())
    return part


def notes_of(xml: bytes) -> dict[tuple[int, int], tuple[str, str]]:
    """What the XML of a sheet tells of its cells that no reader tells."""
    return _examine_sheet(xml).notes


def _note(part: _Part, attributes: bytes, mark: str, text: str) -> None:
    if ref := _REF.search(attributes):
        part.notes[int(ref[2]), _column(ref[1])] = (mark, text)


def _sheet_parts(small: dict[str, bytes]) -> dict[str, str]:
    """Sheet name -> the part that holds it, by the relations of the workbook; empty where they cannot be read."""
    targets: dict[str, str] = {}
    sheets: dict[str, str] = {}
    for name, xml in small.items():
        try:
            root = ElementTree.fromstring(xml)  # DOCTYPE and ENTITY were refused before
        except (ElementTree.ParseError, LookupError, ValueError):  # the latter two: an encoding nobody knows
            continue
        for element in root.iter():
            if name.endswith(".rels") and (ident := element.get("Id")):
                target = element.get("Target", "").replace("\\", "/")
                targets[ident] = part_key(target if target.startswith("/") else name.rpartition("_rels/")[0] + target)
            elif element.tag.rpartition("}")[2] == "sheet":
                ident = next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == "id"), "")
                sheets[element.get("name", "")] = ident
    return {sheet: targets[ident] for sheet, ident in sheets.items() if ident in targets}


def part_key(name: str) -> str:
    """The name of a part of the archive in the form in which parts are compared."""
    return name.replace("\\", "/").lstrip("/").replace("/./", "/").lower()


def _column(letters: bytes) -> int:
    number = 0
    for byte in letters.upper():
        number = number * 26 + byte - 64
    return number


def _is_short_ole(data: bytes) -> bool:
    """Whether an OLE2 file ends before the sectors that its own header counts."""
    size = 1 << int.from_bytes(data[30:32], "little") if data[30:32] != b"\0\0" else 512
    fat = int.from_bytes(data[44:48], "little")
    first = [int.from_bytes(data[76 + 4 * i:80 + 4 * i], "little") for i in range(min(fat, 109))]
    return any(s < 0xFFFFFFF0 and (s + 2) * size > len(data) + size - 1 for s in first)


def _first_that_reads(
    data: bytes, readers: Iterable[Callable[..., list[Grid]]], notes: Notes
) -> Opened:
    """What the first reader that does not fail makes of the file; readers disagree about odd packages."""
    reasons = []
    for reader in readers:
        try:
            grids = reader(data, notes)
        except BaseException as error:  # readers raise anything for bad bytes: IndexError, KeyError, AssertionError
            if isinstance(error, MemoryError) or not (
                    isinstance(error, Exception) or type(error).__name__ == "PanicException"):  # that one is Rust's
                raise
            if "password" in type(error).__name__.lower() or "password" in str(error).lower():
                return Opened(problems=[Problem("password-required")], kind="xlsx")
            reasons.append(type(error).__name__)
            continue
        return _opened(grids, reader.__name__.strip("_") if reasons else "")
    return Opened(problems=[Problem("unreadable-file", value=", ".join(reasons))], kind="xlsx")


def _opened(grids: list[Grid], second: str = "") -> Opened:
    """The grids that have rows, with what is to be said of them; ``second`` is the reader that took over."""
    grids = [grid for grid in grids if len(grid.rows)]
    if not grids:
        return Opened(problems=[Problem("empty-file")], kind="xlsx")
    problems = [Problem("second-reader", value=second)] if second else []
    problems += [Problem("hidden-sheet", value=grid.name) for grid in grids if grid.hidden]
    return Opened(grids=grids, problems=problems, kind="xlsx")


def _calamine(data: bytes, notes: Notes) -> list[Grid]:
    grids = []
    for name, hidden, source in worksheets(data):
        grid = grid_of(name, source, notes.get(name, {}))
        grid.hidden = hidden
        if ranges := merged_in(source):
            numbers = [int(place.rpartition("!R")[2]) for place in grid.places]
            merge(grid, ranges, (source.start or (0, 0))[1] + 1, numbers)
        grids.append(grid)
    return grids


def worksheets(data: bytes) -> Iterator[tuple[str, bool, Any]]:
    """(name, whether it is hidden, calamine's sheet) of every worksheet."""
    import python_calamine as calamine

    book = calamine.CalamineWorkbook.from_filelike(BytesIO(data))
    for sheet in book.sheets_metadata:
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet:
            yield sheet.name, sheet.visible != calamine.SheetVisibleEnum.Visible, book.get_sheet_by_name(sheet.name)


def grid_of(name: str, source: Any, notes: dict[tuple[int, int], tuple[str, str]]) -> Grid:
    """The rows of one of calamine's sheets."""
    row, column = source.start or (0, 0)
    return _grid(name, source.to_python(skip_empty_area=True), row + 1, column + 1, notes)


def merged_in(source: Any) -> list[tuple[int, int, int, int]]:
    """Merged ranges of one of calamine's sheets (first row, first column, last row, last column), from 1."""
    return [(a + 1, b + 1, c + 1, d + 1) for (a, b), (c, d) in source.merged_cell_ranges or []]


def _openpyxl(data: bytes, notes: Notes) -> list[Grid]:
    import warnings

    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions that do not concern the values
        book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        grids = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # many exporters write <dimension ref="A1"/>
            grid = _grid(sheet.title, sheet.iter_rows(values_only=True), 1, 1, notes.get(sheet.title, {}))
            grid.hidden = sheet.sheet_state != "visible"
            grids.append(grid)
        book.close()
    return grids


def _grid(
    name: str, rows: Iterable[Iterable[Any]], first_row: int, first_column: int,
    notes: dict[tuple[int, int], tuple[str, str]],
) -> Grid:
    """Rows of typed values as a grid: rows without text are dropped, the true row number stays in the place."""
    grid = Grid(name=name, kind="xlsx")
    noted: dict[int, list[tuple[int, str, str]]] = {}
    for (row, column), (mark, text) in notes.items():
        noted.setdefault(row, []).append((column - first_column, mark, text))
    for number, values in enumerate(rows, first_row):
        cells, marks = [], {}
        for j, value in enumerate(values):
            kind = type(value)
            if kind is str:
                cells.append(cell_text(value))
            elif kind is float or kind is int:
                cells.append(number_text(float(value)) if kind is float or abs(value) < EXACT else str(value))
                if abs(value) >= EXACT:
                    marks[j] = DAMAGED
            else:
                cells.append(_other_text(value))
        for j, mark, text in noted.get(number, ()):
            if j >= 0:
                cells.extend([""] * (j + 1 - len(cells)))
                cells[j], marks[j] = text or cells[j], mark
        while cells and not cells[-1] and len(cells) - 1 not in marks:
            cells.pop()
        if cells and (marks or any(cells)):
            grid.marks.update({(len(grid.rows), j): mark for j, mark in marks.items()})
            grid.rows.append(cells)
            grid.places.append(f"{name}!R{number}")
    return grid


def cell_text(value: str) -> str:
    """The text of a cell that holds text."""
    return value if value.isalnum() else unwrap(value) if value else ""


def _other_text(value: object) -> str:
    """The text of a date, time, truth value or nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        whole = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)  # serials are binary fractions
        return whole.date().isoformat() if whole.time() == dt.time() else whole.isoformat(" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return unwrap(str(value))


def merge(grid: Grid, ranges: list[tuple[int, int, int, int]], first_column: int, numbers: Sequence[int]) -> None:
    """Keep the merged ranges as (first row, first column, last row, last column) of the grid, last ones included.

    ``numbers`` are the true numbers of its rows, ascending.
    """
    for top, left, bottom, right in ranges:
        first, beyond = bisect_left(numbers, top), bisect_right(numbers, bottom)
        if first < beyond and right >= first_column:
            grid.merged.append((first, max(0, left - first_column), beyond - 1, right - first_column))
