"""Pictures and scans: text with places -> a grid, and whether its own sums prove what was read.

A printed table is cut into columns like a PDF without rules. What an app's screen shows
is for :mod:`recon.reading.screens`. Nothing read from a picture is used unless the running
balance or the printed totals prove it (:func:`proved`); the rest waits for a person (``recon confirm``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from recon.problems import Problem
from recon.reading import ocr, pdf_fonts
from recon.reading.claim import Head, Header, claim, decide
from recon.reading.format import Formats
from recon.reading.grid import Grid, Opened, name_pages
from recon.reading.lines import GridRows
from recon.reading.ocr import PictureError, Seen
from recon.reading.screens import place_of, read_cards, read_figures, read_list, spaced
from recon.reading.values import fold, is_empty

if TYPE_CHECKING:
    from PIL import Image

MAX_PAGES = 40  # of one scan: a page takes seconds; the rest is said to be unread
SCALE = 200 / 72  # pixels of a rendered page per point
SURE = 0.9  # below this a figure is shown as doubtful


@dataclass
class Sheet:
    """One picture, or all pages of a scan, as a grid with the header found in it; ``header`` None: nothing claims it.

    ``images``: the pages, for their crops; ``scores``: per row of the grid how sure its weakest stretch of text is.
    """

    grid: Grid
    header: Header | None
    images: list[Image.Image] = field(default_factory=list)
    scores: dict[int, float] = field(default_factory=dict)


def open_picture(data: bytes, kind: str) -> Opened:
    """A picture as a grid of all its text, or why there is none."""
    try:
        image = ocr.load(data)
    except PictureError:
        return Opened(problems=[Problem("not-a-table", value=kind)])
    if not ocr.available():
        return Opened(problems=[Problem("ocr-missing", value=kind)])
    seen = ocr.recognise(image)
    if not seen:
        return Opened(problems=[Problem("not-a-table", value=kind)])
    return Opened(grids=[Grid(kind="picture", seen=[seen])], kind="picture")


def open_scan(data: bytes, password: str | None, numbers: Sequence[int] = ()) -> Opened:
    """The pages ``numbers`` (all where empty) of a PDF, which have no text, as a grid; what was not read is a problem.

    That is no-text-layer where pictures cannot be read here or nothing stands in these; else pages-unread.
    """
    numbers = numbers or range(1, _page_count(data, password) + 1)
    nothing = Opened(problems=[Problem("no-text-layer", value=name_pages(numbers))], kind="pdf", scanned=tuple(numbers))
    if not ocr.available():
        return nothing
    grid = Grid(kind="pdf", seen=[[] for _ in range(max(numbers, default=0))])
    unread = list(numbers[MAX_PAGES:])
    for number, image in pages_of(data, password, numbers):  # one page at a time in memory
        if image is None:
            unread.append(number)
        else:
            grid.seen[number - 1] = ocr.recognise(image)
    if not any(grid.seen):
        return nothing
    problems = [Problem("pages-unread", place=f"p{min(unread)}", value=name_pages(sorted(unread)))] if unread else []
    return Opened(grids=[grid], problems=problems, kind="pdf", scanned=tuple(numbers))


def password_of(data: bytes, passwords: Sequence[str]) -> str | None:
    """The password that opens a PDF; None where none is needed, or none fits."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types

    for password in (None, *passwords):
        with suppress(pypdfium2.PdfiumError):
            pypdfium2.PdfDocument(data, password=password).close()
            return password
    return None


def _page_count(data: bytes, password: str | None) -> int:
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types

    document = pypdfium2.PdfDocument(data, password=password)
    try:
        return len(document)
    finally:
        document.close()


def pages_of(
    data: bytes, password: str | None, numbers: Sequence[int]
) -> Iterator[tuple[int, Image.Image | None]]:
    """(number, picture) of the first MAX_PAGES of these pages of a PDF; None for a page that cannot be drawn.

    Raises what the library raises for a document that cannot be opened.
    """
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types
    from pypdfium2 import raw  # type: ignore[import-untyped,unused-ignore] # the same

    pdf_fonts.for_drawing(raw)
    document = pypdfium2.PdfDocument(data, password=password)
    try:
        for number in numbers[:MAX_PAGES]:
            try:
                page = document[number - 1]
                width, height = page.get_size()
                scale = min(SCALE, (ocr.MAX_PIXELS / max(width * height, 1)) ** 0.5)
                image: Image.Image | None = page.render(scale=scale).to_pil().convert("RGB")
                page.close()
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - the library raises nearly anything for a bad page; the caller says so
                image = None
            yield number, image
    finally:
        document.close()


# ---------------------------------------------------------------------------------------------------- text -> a grid


def sheet_of(grid: Grid, formats: Formats) -> Sheet:
    """The text of a picture as rows: a table whose header some format knows, else what an app's screen shows.

    A screen shows contributions as cards of labels and values, the account as a list of lines, or single balances.
    """
    table = _table(grid, formats)
    header = _claimed(table, formats)
    if header is not None:
        return Sheet(table, header, scores=_scores(table, grid.seen))
    for look in (read_cards, read_list, read_figures):
        screen, header = look(grid, formats)
        if header is not None:
            return Sheet(screen, header, scores=_scores(screen, grid.seen))
    return Sheet(table, None, scores=_scores(table, grid.seen))


def _scores(grid: Grid, seen: Sequence[Sequence[Seen]]) -> dict[int, float]:
    """Per row that has a place in a picture, the score of the least sure stretch of text in it."""
    return {
        row: min((each.score for each in seen[page] if each.y1 > top and each.y0 < bottom), default=1.0)
        for row, (page, top, bottom) in grid.boxes.items()
    }


def _table(grid: Grid, formats: Formats) -> Grid:
    """All pages as one table, cut into columns where a header line is found."""
    from recon.reading.pdf_grid import PageRows
    from recon.reading.pdf_words import Page, Word

    out = Grid(kind=grid.kind)
    state = PageRows(formats.header_words)
    for number, seen in enumerate(grid.seen):
        words = [Word(each.x0, each.x1, (each.y0 + each.y1) / 2, each.y1 - each.y0, part, at)
                 for at, each in enumerate(seen) for part, each in _parts(each)]
        page = Page(number + 1, words, _letters)
        for at, (top, bottom, row) in enumerate(state.placed(page), start=1):
            out.boxes[len(out.rows)] = (number, top, bottom)
            out.rows.append([spaced(cell) for cell in row])
            out.places.append(place_of(grid, number, at))
    return out


def _parts(each: Seen) -> Iterator[tuple[str, Seen]]:
    """A stretch of text as its words; the places of words are by the width of their characters."""
    total = sum(map(_width, each.text)) or 1
    at = 0.0
    for part in re.findall(r"\S+|\s+", each.text):
        wide = sum(map(_width, part))
        if not part.isspace():
            scale = (each.x1 - each.x0) / total
            yield part, each._replace(text=part, x0=each.x0 + at * scale, x1=each.x0 + (at + wide) * scale)
        at += wide


def _width(char: str) -> float:
    return 1.0 if ord(char) > 0x2E7F else 0.55


def _letters(word: object) -> list[tuple[float, float]]:
    """Left and right edge of each character of a word, by its width."""
    from recon.reading.pdf_words import Word

    assert isinstance(word, Word)
    total = sum(map(_width, word.text)) or 1
    scale, at, edges = (word.x1 - word.x0) / total, word.x0, []
    for char in word.text:
        edges.append((at, at + _width(char) * scale))
        at += _width(char) * scale
    return edges


def _claimed(grid: Grid, formats: Formats) -> Header | None:
    """The header some format finds, whether or not the picture says whose it is."""
    head = Head.of(grid)
    for known in (formats, [replace(each, facts=(), titles=()) for each in formats]):
        found = decide(header for each in known if isinstance(header := claim(head, each), Header))
        if len(found) == 1:
            return found[0]
        if found:
            most = max(len(each.columns) for each in found)
            best = [each for each in found if len(each.columns) == most]
            return best[0] if len(best) == 1 else None
    return None


# --------------------------------------------------------------------------------------------------------- the proof


def proved(part: GridRows, sheet: Sheet) -> pl.DataFrame:
    """The rows whose sums the picture itself proves, marked as read by OCR; empty where nothing proves them.

    Account lines: printed totals of money in and out that agree, or a running balance without a break (then all but
    the oldest line, whose sum no balance before it proves), days in order and all clearly read. Contributions: each
    column of money has a printed total that agrees. A part with a row that could not be read proves nothing.
    """
    frame = part.frame
    nothing = frame.clear()
    top = sheet.header.row if sheet.header else 0
    if part.rejected or frame.height < 2 or any(score < SURE for at, score in sheet.scores.items() if at > top):
        return nothing
    wrong = {"balance-break", "total-mismatch", "unknown-word"} & {problem.code for problem in part.problems}
    if wrong:
        return nothing
    if part.table == "contribution":
        return _proved_by_totals(frame, sheet, nothing)
    if part.table != "flow":
        return nothing
    marked = frame.with_columns(pl.lit("ocr").alias("proof"))
    if {"total_in", "total_out"} <= part.facts.keys():
        return marked
    if "balance_fen" not in frame.columns or frame["balance_fen"].null_count():
        return nothing
    days = frame["posted_on"].to_list()
    balances, amounts = frame["balance_fen"].to_list(), frame["amount_fen"].to_list()
    forward = all(balances[at] - balances[at - 1] == amounts[at] for at in range(1, len(days)))
    backward = all(balances[at - 1] - balances[at] == amounts[at - 1] for at in range(1, len(days)))
    if forward and days == sorted(days):
        return marked[1:]
    if backward and days == sorted(days, reverse=True):
        return marked[:-1]
    return nothing


def _proved_by_totals(frame: pl.DataFrame, sheet: Sheet, nothing: pl.DataFrame) -> pl.DataFrame:
    """Contributions whose columns of money all end in a printed total; a base without a total is left out."""
    header = sheet.header
    assert header is not None  # its rows have been read
    totals = [row for row in sheet.grid.rows[header.row + 1:]
              if any(fold(cell) in header.format.totals for cell in row[:8])]
    def has_total(column: str) -> bool:
        at = header.columns.get(column, -1)
        return any(0 <= at < len(row) and not is_empty(row[at]) for row in totals)

    money = [name for name in ("employee_fen", "employer_fen", "into_account_fen", "total_fen")
             if name in header.columns]
    if not money or not all(map(has_total, money)):
        return nothing
    silent = [name for name in ("base_fen", "wage_fen", "late_fee_fen")
              if name in frame.columns and not has_total(name)]
    proof = pl.col("proof") if "proof" in frame.columns else pl.lit(None, dtype=pl.String)
    return frame.with_columns(
        *(pl.lit(None, dtype=pl.Int64).alias(name) for name in silent),
        pl.when(proof.is_null() | (proof == "fund_record")).then(pl.lit("ocr")).otherwise(proof).alias("proof"),
    )


def drafted(sheet: Sheet) -> list[tuple[int, dict[str, str]]]:
    """(row of the grid, column -> text as read) of every row below the header that says something."""
    header = sheet.header
    if header is None:
        return []
    rows = []
    for at in range(header.row + 1, len(sheet.grid.rows)):
        row = sheet.grid.rows[at]
        said = {column: row[index] for column, index in header.columns.items() if index < len(row) and row[index]}
        is_total = any(fold(cell) in header.format.totals for cell in row[:8] if cell)
        if at in sheet.grid.boxes and len(said) >= 2 and not is_total and row != sheet.grid.rows[header.row]:
            rows.append((at, said))
    return rows
