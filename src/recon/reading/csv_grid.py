"""Delimited text as a grid: encoding, delimiter and quotation marks found from the content, never assumed."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from recon.problems import Problem
from recon.reading import glyphs
from recon.reading.grid import DAMAGED, Grid, Opened

DELIMITERS = ",\t;|"
_SNIFF_LINES = 400
_MAX_CELLS, MOST_CELLS = 60_000_000, 400_000_000  # as Python objects; as columns
LARGE = 1 << 20  # bytes from which it pays to read columns
_END = "\x1e"  # a line of its own after the last one: a record that swallows it was never closed
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")  # not splitlines(): U+2028, U+0085 and form feeds are content
_GUARD = re.compile(r'="(.*)"', re.DOTALL)
_POWER = re.compile(r"[+-]?\d(?:\.\d+)?[Ee]\+?(\d{1,3})")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PADDING = re.compile(r"[ \t]+(?=[,;|]|[\r\n]|\Z)")


def read_text(data: bytes) -> Opened:
    """One grid of the records of a delimited text, or the reason why there is none.

    A record with a quotation mark that is never closed is read as one physical line, and said (unbalanced-quote),
    so that it cannot swallow the lines after it. Records without any text are dropped; places are line numbers.
    """
    if len(data) >= LARGE and (grid := _as_columns(data)) is not None:
        return Opened(grids=[grid], kind="csv")
    text, problem = decode(data)
    if text is None:
        return Opened(problems=[problem] if problem else [], kind="csv")
    text = text.lstrip("\ufeff")
    odd = len(_CONTROLS.findall(text))
    text = text.replace("\x00", "")
    lines = _LINE.findall(text)
    if len(lines) == 0 or not text.strip():
        return Opened(problems=[Problem("empty-file")], kind="csv")
    delimiter, cells = sniff(lines)
    if len(lines) * cells > _MAX_CELLS:
        return Opened(problems=[Problem("too-large", value=f"{len(lines)} lines")], kind="csv")
    grid, problems = _grid_of(text, lines, delimiter, cells)
    if odd:
        problems.insert(0, Problem("control-characters", value=str(odd)))
    if not grid.rows:
        return Opened(problems=[Problem("empty-file")], kind="csv")
    return Opened(grids=[grid], problems=problems, kind="csv")


def _grid_of(text: str, lines: list[str], delimiter: str, cells: int) -> tuple[Grid, list[Problem]]:
    """The records of ``text``, whose ``lines`` these are, and what was wrong with them."""
    grid, problems = Grid(kind="csv"), list[Problem]()
    plain = not _needs_care(text)
    powers = "E+" in text or "e+" in text
    records = _records(lines, delimiter, cells - 1) if '"' in text else _unquoted(lines, delimiter)
    for number, record, closed in records:
        row = [c.strip() for c in record] if plain else [unwrap(c) for c in record]
        while row and not row[-1]:
            row.pop()
        if not closed:
            problems.append(Problem("unbalanced-quote", place=f"L{number}"))
        if not row:
            continue
        if powers:
            grid.marks.update({(len(grid.rows), j): DAMAGED for j, c in enumerate(row) if _is_damaged(c)})
        grid.rows.append(row)
        grid.places.append(f"L{number}")
    return grid, problems


def _as_columns(data: bytes) -> Grid | None:
    """A large regular text as columns, its first lines row by row; None where it must all be read row by row."""
    if _wide_codec(data) is not None:
        return None
    data = data.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")
    cut = 0
    for _ in range(_SNIFF_LINES):
        cut = data.find(b"\n", cut) + 1
        if not cut:
            return None
    import polars as pl

    from recon.reading.frame_grid import FrameGrid
    from recon.reading.text_frame import text_codec, text_frame

    codec = text_codec(data)
    try:
        text = data[:cut].decode(codec)
    except UnicodeDecodeError:
        return None
    lines = _LINE.findall(text)
    if len(lines) != _SNIFF_LINES or not _is_text(text) or _CONTROLS.search(text):
        return None
    delimiter, cells = sniff(lines)
    if data.count(b"\n") * cells > MOST_CELLS:
        return None
    head, problems = _grid_of(text, lines, delimiter, cells)
    if problems or not head.rows:
        return None
    frame = text_frame(data[cut:], codec, delimiter, cells)
    if frame is None:
        return None
    numbers = pl.int_range(_SNIFF_LINES + 1, _SNIFF_LINES + 1 + frame.height, eager=True)
    return FrameGrid.over(head, frame, numbers, "L")


def decode(data: bytes) -> tuple[str | None, Problem | None]:
    """The text of ``data``: UTF-16 by its mark, then strict UTF-8, then strict GB18030; else None and the reason.

    UTF-8 comes first because nearly all of it also decodes as GB18030, to nonsense.
    """
    wide = _wide_codec(data)
    tried: list[UnicodeDecodeError] = []
    for codec in [wide] if wide else ["utf-8-sig", "gb18030"]:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError as error:
            tried.append(error)
            continue
        # A half character at the very end is a broken download even where the other codec happens to take it.
        if _is_cut(tried, len(data)) or not _is_text(text):
            break
        return text, None
    if _is_cut(tried, len(data)):
        return None, Problem("truncated-file")
    return None, Problem("unreadable-file", value="not a text, spreadsheet or PDF file")


def sniff(lines: list[str]) -> tuple[str, int]:
    """The delimiter that divides most lines alike, and into how many cells; one cell where nothing divides."""
    counts: dict[str, Counter[int]] = {d: Counter() for d in DELIMITERS}
    for line in lines[:_SNIFF_LINES]:
        bare = _PADDING.sub("", _QUOTED.sub('""', line.rstrip("\r\n")))  # a tab before a comma is padding
        for d in DELIMITERS:
            if n := (line.count(d) if d == "\t" and not any(x in bare for x in ",;|") else bare.count(d)):
                counts[d][n] += 1
    best, cells, top = ",", 1, 0
    for d in DELIMITERS:
        for n, seen in counts[d].items():
            if seen * n > top:
                best, cells, top = d, n + 1, seen * n
    return best, cells


def unwrap(text: str) -> str:
    """A cell without padding and without the guards that stop Excel from making it a number: ="text" and 'text."""
    text = glyphs.clean(text)
    if text.startswith("=") and (guard := _GUARD.fullmatch(text)):
        text = guard[1].replace('""', '"').strip()
    if text.startswith("'") and len(text) > 1:
        text = text[1:].strip()
    return text


def _needs_care(text: str) -> bool:
    """Whether some cell may hold more than padding: guards, controls or zero-width characters."""
    return '="' in text or "'" in text or not glyphs.is_clean(text)


def _is_damaged(cell: str) -> bool:
    """A number of 16 or more digits that a spreadsheet wrote as 1.10101E+17: its last digits are gone."""
    found = _POWER.fullmatch(cell)
    return found is not None and int(found[1]) >= 15


def _wide_codec(data: bytes) -> str | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:4096]
    if head and head.count(0) * 10 > len(head):  # ASCII digits and commas in UTF-16 have a NUL beside them
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    return None


def _is_cut(errors: list[UnicodeDecodeError], size: int) -> bool:
    """Whether the only thing wrong is an unfinished character at the very end."""
    ends = ("unexpected end of data", "incomplete multibyte sequence", "truncated data")
    return any(e.reason in ends and e.start >= size - 4 for e in errors)


def _is_text(text: str) -> bool:
    odd = len(re.findall("[\x01-\x08\x0e-\x1f\x7f\ufffd]", text[:200_000]))
    return odd * 50 <= min(len(text), 200_000)


def _records(lines: list[str], delimiter: str, usual: int) -> Iterator[tuple[int, list[str], bool]]:
    """(first line number, cells, whether its quotation marks were closed) of every record."""
    start = 0
    while start < len(lines):
        rest = map(lines.__getitem__, range(start, len(lines)))  # islice would walk over all before
        reader = csv.reader(chain(rest, (_END,)), delimiter=delimiter)
        first = start
        try:
            for record in reader:
                end = start + reader.line_num
                if end - first > 1 and (end > len(lines) or _swallowed(record, delimiter, usual)):
                    break
                if end > len(lines):
                    return
                yield first + 1, record, True
                first = end
            else:
                return
        except csv.Error:  # one cell beyond the size limit of the csv module: an open quotation mark, or junk
            pass
        yield first + 1, [c.replace('"', "") for c in lines[first].rstrip("\r\n").split(delimiter)], False
        start = first + 1


def _unquoted(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str], bool]]:
    """The same for a text without any quotation mark."""
    return ((n, line.rstrip("\r\n").split(delimiter), True) for n, line in enumerate(lines, 1))


def _swallowed(record: list[str], delimiter: str, usual: int) -> bool:
    """Whether a cell of several lines holds what looks like whole records."""
    least = max(1, usual - 1)
    return usual > 0 and any(
        line.count(delimiter) >= least
        for cell in record if "\n" in cell or "\r" in cell
        for line in re.split(r"[\r\n]+", cell)
    )
