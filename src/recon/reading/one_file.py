"""One opened file -> its rows: grid by grid claimed by a format and read; pictures and filled-in sheets too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from recon.problems import CATALOGUE, Problem
from recon.reading import claim as claiming
from recon.reading import native
from recon.reading.claim import Head, Header
from recon.reading.containers import OpenedFile
from recon.reading.file_read import (
    AMBIGUOUS,
    NO_ROWS,
    OWN_OUTPUT,
    PARTLY,
    READ,
    UNCONFIRMED,
    UNKNOWN,
    UNREADABLE,
    Claim,
    FileRead,
)
from recon.reading.filled import is_explanation, is_filled, read_filled
from recon.reading.format import Format, Formats, Reason
from recon.reading.grid import Grid, Opened
from recon.reading.parquet import ParquetGrid, open_parquet, read_parquet_rows
from recon.reading.picture import proved, sheet_of
from recon.reading.rows import read_rows
from recon.reading.upright import upright

_PAGES_LOST = ("no-text-layer", "pages-unread")  # of a PDF of which other pages have been read


def read_opened(each: OpenedFile, formats: Formats) -> FileRead:
    """The rows of one opened file."""
    name, opened = each.name, each.opened
    if opened.kind == "own":
        return FileRead(name, each.sha256, OWN_OUTPUT, claims=[Claim(name, None, None, [("-", "own output")])])
    if opened.kind == "parquet" and not opened.problems:
        grid = open_parquet(each.data)
        opened = Opened([grid], kind="parquet") if isinstance(grid, Grid) else Opened(problems=[grid], kind="parquet")
    read = FileRead(name, each.sha256, UNREADABLE, problems=_placed(name, opened.problems))
    grids = [grid for grid in opened.grids if any(grid.rows) or grid.seen]
    if not grids:
        if not read.problems:
            read.problems.append(Problem("empty-file", name))
        if not any(CATALOGUE[problem.code].severity == "error" for problem in read.problems):
            read.status = UNKNOWN
        read.claims.append(Claim(name, None, None, [("-", "nothing to read")]))
        return read
    outcomes = [
        _read_picture(name, grid, read, formats) if grid.seen else
        _read_filled_sheet(name, grid, read) if is_filled(grid) else
        OWN_OUTPUT if is_explanation(grid) else
        _read_grid(name, grid, read, formats) for grid in grids
    ]
    read.status = next(
        (status for status in (AMBIGUOUS, PARTLY, UNCONFIRMED, READ, NO_ROWS, OWN_OUTPUT) if status in outcomes),
        UNKNOWN,
    )
    if read.status == READ and any(problem.code in _PAGES_LOST for problem in opened.problems):
        read.status = PARTLY
    return read


def _placed(name: str, problems: Iterable[Problem]) -> list[Problem]:
    return [replace(problem, file=name) for problem in problems]


def _read_grid(name: str, grid: Grid, read: FileRead, formats: Formats) -> str:
    """Claim and read one grid; its outcome is a file status."""
    head = Head.of(grid)
    own = native.result_table(head)
    if own:
        read.claims.append(Claim(name, None, None, [("-", f"own output: {own}")], grid.name))
        return OWN_OUTPUT
    claims, reasons = claims_of(head, formats)
    slip = upright(grid) if not claims and not isinstance(grid, ParquetGrid) else None
    if slip is not None:
        claims = [header for header in claims_of(Head.of(slip), formats)[0] if header.format.table == "payroll"]
        grid = slip if claims else grid
    place = grid.name or None
    if len(claims) != 1:
        read.claims.append(Claim(name, None, None, reasons, grid.name))
        if claims:
            value = ", ".join(header.format.id for header in claims)
            read.problems.append(Problem("ambiguous-format", name, place, value=value))
            return AMBIGUOUS
        read.problems.append(Problem("unknown-format", name, place, value=_nearest(reasons)))
        return UNKNOWN
    header = claims[0]
    read.claims.append(Claim(name, header.format.id, header.format.table, reasons, grid.name))
    part = read_parquet_rows(grid, header) if isinstance(grid, ParquetGrid) else read_rows(
        grid, header, name)
    read.parts += [part, *part.also]
    read.problems += _placed(name, part.problems)
    if header.format.native:
        read.points_to |= native.source_files(_column(grid, header, "row_id"))
    if part.others and not part.frame.height and not part.also and not part.rejected and not part.problems:
        read.problems.append(Problem("only-other-business", name, place, value=str(part.others)))
    elif not part.rows_read - part.skipped and not part.others:
        read.problems.append(Problem("no-rows", name, place))
        return NO_ROWS
    return PARTLY if part.rejected else READ


def _read_picture(name: str, grid: Grid, read: FileRead, formats: Formats) -> str:
    """What a picture proves by its own sums counts at once; the rest waits for ``recon confirm``."""
    sheet = sheet_of(grid, formats)
    if sheet.header is None:
        read.claims.append(Claim(name, None, None, [("-", "no list and no known table in the picture")]))
        read.problems.append(Problem("not-a-table", name, value=grid.kind))
        return UNKNOWN
    part = read_rows(sheet.grid, sheet.header)
    found = part.rows_read - part.skipped
    part.frame = proved(part, sheet)
    used = part.frame["_at"].n_unique()
    if grid.kind == "picture":
        part.covers, part.proof = "nothing", None  # a screen shows what was scrolled to, whatever it was asked for
    part.skipped, part.rejected, part.problems = part.rows_read - used, 0, []
    read.parts.append(part)
    read.claims.append(Claim(name, part.format, part.table, []))
    if used == found:
        return READ
    read.problems.append(Problem("ocr-unproved", name, value=f"{found - used}/{found}"))
    return UNCONFIRMED


def _read_filled_sheet(name: str, grid: Grid, read: FileRead) -> str:
    """The sections of a fill-in sheet; its outcome is a file status."""
    sheet = read_filled(grid)
    read.problems += _placed(name, sheet.problems)
    read.settles |= sheet.pictures
    used = rejected = 0
    for section in sheet.sections:
        part = read_rows(section.grid, section.header)
        part.covers = "stated" if part.facts else "nothing"  # what is typed in shows only what there is
        part.proof = None  # nobody says that it is the whole account
        part.rows_read += section.skipped
        part.skipped += section.skipped
        read.parts.append(part)
        read.problems += _placed(name, part.problems)
        read.claims.append(Claim(name, part.format, part.table, [], grid.name))
        used += part.frame.height
        rejected += part.rejected
    if not read.claims or not used + rejected:
        read.claims.append(Claim(name, None, None, [("-", "nothing filled in")], grid.name))
        read.problems.append(Problem("no-rows", name, grid.name or None))
        return NO_ROWS
    return PARTLY if rejected else READ


def _column(grid: Grid, header: Header, column: str) -> Iterator[str]:
    if isinstance(grid, ParquetGrid):
        yield from grid.texts(column)
        return
    index = header.columns.get(column)
    if index is not None:
        yield from (row[index] for row in grid.rows[header.row + 1:] if len(row) > index)


def claims_of(head: Head, formats: Formats) -> tuple[list[Header], list[tuple[str, str]]]:
    """The headers found, and per format that found none its reason, the nearest first."""
    found: list[Header] = []
    reasons: list[tuple[str, Reason]] = []
    known: list[Format] = [*native.native_formats(), *formats.by_id.values()]
    for each in known:
        result = claiming.claim(head, each)
        if isinstance(result, Header):
            found.append(result)
        elif not each.native or not result.startswith("missing"):
            reasons.append((each.id, result))
    reasons.sort(key=lambda told: (-told[1].near, told[1].count(","), told[0]))
    return claiming.decide(found), [(format_id, str(why)) for format_id, why in reasons]


def _nearest(reasons: list[tuple[str, str]]) -> str:
    """The reason of the format that lacked least, to show the way."""
    return "{}: {}".format(*reasons[0])[:200] if reasons else "-"
