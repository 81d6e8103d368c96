"""A PDF as one grid: ruled tables by their lines, others by the x ranges of a header line; no meaning.

Rows stay in reading order, all pages in one grid: title and preamble lines, header lines (again on every page that
prints them), data rows, page labels. Lines outside a table have one cell per stretch of text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from recon.problems import Problem
from recon.reading.grid import Grid, Opened, name_pages
from recon.reading.pdf_columns import Columns, find_headers, learn_bounds, stands_alone
from recon.reading.pdf_lines import Line, Row, cut_row, free_row, is_date, lines_of, row_of, run_on, texts_of
from recon.reading.pdf_rules import Band, bands, common_edges
from recon.reading.pdf_words import Page, PdfError, Rule, Word, pages, pages_slowly
from recon.reading.pdf_wrapped import join_wrapped
from recon.reading.protected import refusal

MAX_PAGES = 5_000
ODD_SHARE = 0.05  # of all characters, that no font explains: then nothing on the page can be trusted


def read_pdf(
    data: bytes, header_words: frozenset[str] = frozenset(), passwords: Sequence[str] = ()
) -> Opened:
    """One grid of all pages, or the reason why there is none: password, scan, undecodable fonts, damage."""
    tail = data.rstrip(b"\0 \t\r\n")[-4096:]
    cut = b"%%EOF" not in tail
    if cut and b"startxref" not in tail:
        return Opened(problems=[Problem("truncated-file")], kind="pdf")
    reasons: list[str] = []
    for source in (pages, pages_slowly):
        for password in (None, *passwords):  # without one first: an owner password stops printing, not reading
            try:
                return _read(source(data, password), header_words, partial(_scan, data, password),
                             ["pdfplumber"] if reasons else [])
            except PdfError as error:
                if error.reason == "password":
                    continue
                if error.reason.startswith("too-large"):
                    return Opened(problems=[Problem("too-large", value=error.reason.partition(":")[2])], kind="pdf")
                reasons.append(error.reason)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - readers raise anything for bad bytes
                reasons.append(type(error).__name__)
            break
        else:
            return Opened(problems=[refusal(passwords)], kind="pdf")
    problem = Problem("truncated-file") if cut else Problem("unreadable-file", value=", ".join(reasons))
    return Opened(problems=[problem], kind="pdf")


def _scan(data: bytes, password: str | None, numbers: Sequence[int]) -> Opened:
    from recon.reading.picture import open_scan

    return open_scan(data, password, numbers)


def _read(
    source: Iterator[Page], header_words: frozenset[str], scan: Callable[[Sequence[int]], Opened], second: list[str],
) -> Opened:
    grid = Grid(kind="pdf")
    odd = total = 0
    silent: list[int] = []
    state = PageRows(header_words)
    for page in source:
        if page.number > MAX_PAGES:
            raise PdfError(f"too-large:> {MAX_PAGES} pages")
        odd += page.odd
        total += sum([len(word[4]) for word in page.words])
        if not page.words:
            if not page.blank or page.odd:
                silent.append(page.number)
            continue
        for number, row in enumerate(state.rows(page), 1):
            grid.rows.append(row)
            grid.places.append(f"p{page.number}:{number}")
    grid.by_eye = state.by_eye
    if total + odd and odd > ODD_SHARE * (total + odd):
        return Opened(problems=[Problem("unreadable-text")], kind="pdf")
    if not grid.rows:
        return scan(silent)
    problems = [Problem("second-reader", value=reader) for reader in second]
    if silent:
        problems.append(Problem("no-text-layer", place=f"p{silent[0]}", value=name_pages(silent)))
    return Opened(grids=[grid], problems=problems, kind="pdf", scanned=tuple(silent))


class PageRows:
    """What one page hands to the next: the columns of an un-ruled table and the edges of a ruled one."""

    def __init__(self, header_words: frozenset[str]) -> None:
        self.header_words = header_words
        self.columns: Columns | None = None
        self.by_eye = False
        self.ruling: tuple[list[Rule], list[Rule]] = ([], [])
        self.ruled: list[Band] = []  # what ``ruling`` makes; statements rule every page alike
        self.edges: list[float] = []
        self.cuts: dict[tuple[float, ...], list[float]] = {}  # those of ``edges`` that a band has

    def rows(self, page: Page) -> list[list[str]]:
        """The rows of one page in reading order, cells joined."""
        return [texts for _, _, texts in self.placed(page)]

    def placed(self, page: Page) -> list[tuple[float, float, list[str]]]:
        """The same, each with the upper and lower edge of its text."""
        if self.ruling != (page.vertical, page.horizontal):
            self.ruling, self.ruled = (page.vertical, page.horizontal), bands(page)
        ruled = self.ruled
        inside, outside = _by_band(page.words, ruled) if ruled else ([], page.words)
        found: list[Row] = []
        tabular = [k for k, words in enumerate(inside) if words]
        if tabular:
            self.columns = None
            self.cuts = {}
            self.edges = common_edges([ruled[k].edges for k in tabular], self.edges)
            for k in tabular:
                found += self._in_band(page, ruled[k], lines_of(inside[k]))
        if outside:
            lines = lines_of(outside)
            found += self._free(page, lines) if not tabular else [free_row(line) for line in lines]
        found.sort(key=lambda row: row.y)
        out = [(row.y - row.h / 2, max(row.y, row.last) + row.h / 2, texts_of(row, page.plain)) for row in found]
        return [row for row in out if row[2]]

    def _in_band(self, page: Page, band: Band, lines: list[Line]) -> list[Row]:
        """One row of the lines between two rules, or one per line where rules only frame a block of rows."""
        bounds = self.edges[1:-1]
        edges = tuple(band.edges)
        cut = self.cuts.get(edges)
        if cut is None:
            cut = self.cuts[edges] = [x for x in bounds if any(abs(x - e) < 3 for e in edges)]
        if len(lines) == 1:
            return [Row((band.top + band.bottom) / 2, cut_row(page, lines[0], cut, bounds).cells)]
        rows = [cut_row(page, line, cut, bounds) for line in lines]
        used = {j for row in rows for j, cell in enumerate(row.cells) if cell}
        full = [row for row in rows if sum(map(bool, row.cells)) >= max(3, 0.6 * len(used))]
        dated = [row for row in full if any(cell and is_date(run_on(cell)) for cell in row.cells)]
        # One row of which every cell wraps has one date; a wrapped header has neither dates nor figures.
        figures = any(c.isdigit() for row in full for cell in row.cells for word in cell for c in word.text)
        wrapped = len(dated) == 1 or not figures
        if len(full) < 2 or wrapped:
            whole = Row((band.top + band.bottom) / 2, [[] for _ in range(len(bounds) + 1)])
            for row in rows:
                for j, cell in enumerate(row.cells):
                    whole.cells[j] += cell
            return [whole] if used else []
        return join_wrapped(rows)

    def _free(self, page: Page, lines: list[Line]) -> list[Row]:
        """The rows of lines without rules: each header line found cuts the lines below it into columns."""
        headers = find_headers(lines, self.header_words)
        out: list[Row] = []
        starts = [k for k, _, _ in headers]
        lead = lines[: starts[0]] if starts else lines
        if starts and self.columns is not None and headers[0][1].same(self.columns):
            out += [free_row(line) for line in lead]  # above a header printed again: title and page label
        elif lead:
            if self.columns is not None:
                self.columns.fits = False  # that was said of another page's words
            out += self._table(page, lead)
        for n, (k, columns, used) in enumerate(headers):
            block = lines[k + used : starts[n + 1] if n + 1 < len(starts) else len(lines)]
            known = self.columns if columns.same(self.columns) else None
            self.columns, self.by_eye = columns, True
            learn_bounds(columns, block, known)
            row = Row(lines[k].y, [[] for _ in columns.cells], header=True)
            for word in (w for line in lines[k : k + used] for w in line.words):
                row.cells[bisect_right(columns.bounds, (word.x0 + word.x1) / 2)].append(word)
            out.append(row)
            out += self._table(page, block)
        return out

    def _table(self, page: Page, lines: list[Line]) -> list[Row]:
        if self.columns is None:
            return [free_row(line) for line in lines]
        bounds, fits = self.columns.bounds, self.columns.fits
        rows = []
        for line in lines:
            if stands_alone(line, self.columns):
                rows.append(free_row(line))
            elif fits:
                rows.append(row_of(line, bounds))
            else:
                rows.append(cut_row(page, line, bounds, bounds))
        return join_wrapped(rows)


def _by_band(words: list[Word], ruled: list[Band]) -> tuple[list[list[Word]], list[Word]]:
    """The words inside of each band, and those outside of all."""
    inside: list[list[Word]] = [[] for _ in ruled]
    outside: list[Word] = []
    tops = [band.top for band in ruled]
    top = bottom = left = right = 0.0  # of the band of the word before, where mostly the next one stands too
    here = outside
    for word in words:
        x0, x1, y, _, _, _ = word
        if not top <= y < bottom:
            k = max(0, bisect_right(tops, y) - 1)
            top, bottom, left, right = ruled[k].top, ruled[k].bottom, ruled[k].edges[0], ruled[k].edges[-1]
            here = inside[k]
        if top <= y <= bottom and x1 > left and x0 < right:
            here.append(word)
        else:
            outside.append(word)
    return inside, outside
