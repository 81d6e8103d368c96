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
from recon.reading.pdf_lines import DATE, Line, Row, free_row, lines_of, row_of, run_on, split_word, texts_of
from recon.reading.pdf_rules import Band, bands, common_edges
from recon.reading.pdf_words import Page, PdfError, Word, pages, pages_slowly
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
        total += sum(len(w.text) for w in page.words)
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
        self.edges: list[float] = []
        self.cuts: dict[tuple[float, ...], list[float]] = {}  # those of ``edges`` that a band has

    def rows(self, page: Page) -> list[list[str]]:
        """The rows of one page in reading order, cells joined."""
        return [texts for _, _, texts in self.placed(page)]

    def placed(self, page: Page) -> list[tuple[float, float, list[str]]]:
        """The same, each with the upper and lower edge of its text."""
        ruled = bands(page)
        inside: dict[int, list[Word]] = {}
        outside: list[Word] = []
        tops = [band.top for band in ruled]
        for word in page.words if ruled else ():
            k = bisect_right(tops, word.y) - 1
            if k >= 0 and word.y <= ruled[k].bottom and word.x1 > ruled[k].edges[0] and word.x0 < ruled[k].edges[-1]:
                inside.setdefault(k, []).append(word)
            else:
                outside.append(word)
        if not ruled:
            outside = page.words
        found: list[Row] = []
        if inside:
            self.columns = None
            self.cuts = {}
            self.edges = common_edges([b.edges for k, b in enumerate(ruled) if k in inside], self.edges)
            for k, words in inside.items():
                found += self._ruled(page, ruled[k], lines_of(words))
        if outside:
            lines = lines_of(outside)
            found += self._free(page, lines) if not inside else [free_row(line) for line in lines]
        found.sort(key=lambda row: row.y)
        out = [(row.y - row.h / 2, max(row.y, row.last) + row.h / 2, texts_of(row)) for row in found]
        return [row for row in out if row[2]]

    def _ruled(self, page: Page, band: Band, lines: list[Line]) -> list[Row]:
        """One row of the lines between two rules, or one per line where rules only frame a block of rows."""
        bounds = self.edges[1:-1]
        edges = tuple(band.edges)
        cut = self.cuts.get(edges)
        if cut is None:
            cut = self.cuts[edges] = [x for x in bounds if any(abs(x - e) < 3 for e in edges)]
        if len(lines) == 1:
            words = [w for word in lines[0].words for w in split_word(page, word, cut)]
            return [Row((band.top + band.bottom) / 2, row_of(Line(lines[0].y, lines[0].h, words), bounds).cells)]
        split = [Line(at.y, at.h, [w for word in at.words for w in split_word(page, word, cut)]) for at in lines]
        rows = [row_of(line, bounds) for line in split]
        used = {j for row in rows for j, cell in enumerate(row.cells) if cell}
        full = [row for row in rows if sum(map(bool, row.cells)) >= max(3, 0.6 * len(used))]
        dated = [row for row in full if any(cell and DATE.fullmatch(run_on(cell)) for cell in row.cells)]
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
                words = [w for word in line.words for w in split_word(page, word, bounds)]
                rows.append(row_of(Line(line.y, line.h, words), bounds))
        return join_wrapped(rows)
