"""The rows below a header by what they are: data, totals, headers printed again, and what belongs to the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from recon.reading import values
from recon.reading.claim import Header
from recon.reading.grid import Grid
from recon.reading.lines import Sorted
from recon.reading.values import fold


def sort_rows(grid: Grid, header: Header) -> Sorted:
    """Data, totals, and what belongs to the page; blank rows are none of them."""
    known = header.format
    top = grid.rows[header.row]
    folded_top = [fold(cell) for cell in top]
    above = {_joined(row).replace(" ", "") for row in grid.rows[: header.row] if row}
    tops = [grid.rows[at] for at in range(header.top, header.row)]
    labels, footers = known.label_pattern, known.footer_pattern
    rows = Sorted()
    if known.native:
        rows.data = [at for at in range(header.row + 1, len(grid.rows)) if any(grid.rows[at])]
        return rows
    first_column = min(header.columns.values())

    @cache
    def page_row(first: str, short: bool) -> bool:
        """A footer, a label before a colon, or in a short row a label alone in its cell (支出 may begin a line)."""
        if footers and footers.match(first):
            return True
        text = values.clean(first) + "\x1f" * short
        return bool(labels and any(border in text for border in ":\x1f") and labels.match(text))

    begins = {next((cell for cell in row if cell), "") for row in grid.rows[:header.row]}
    sure = grid.sure_rows(header.row + 1, first_column, top[first_column] if first_column < len(top) else "",
                          lambda text: text in begins or page_row(text, False))
    for at in _others(sure, header.row + 1, len(grid.rows)):
        row = grid.rows[at]
        first = row[0] if row and row[0] else next((cell for cell in row if cell), "")
        if not first:
            continue
        if row == top or row in tops or (
            len(row) > first_column < len(top) and row[first_column] == top[first_column]
            and _same_header(row, folded_top)
        ):
            rows.headers.append(at)
        elif "计" in "".join(row[:8]) and any(_is_total(cell, known.totals) for cell in row[:8] if "计" in cell):
            rows.totals.append(at)
        elif not first[0].isdigit() and (page_row(first, len(row) - row.count("") < 4)
                                         or _joined(row).replace(" ", "") in above):
            rows.pages.append(at)
        elif len(row) - row.count("") < 4:
            text = _joined(row)
            lonely = len(row) - row.count("") == 1 and not any(char.isdigit() for char in text)
            if text.replace(" ", "") in above or lonely or (footers and footers.match(text)):
                rows.pages.append(at)
            else:
                rows.data.append(at)
        else:
            rows.data.append(at)
    if sure:
        rows.data = sorted([*rows.data, *sure])
    return rows


def _others(sure: list[int], start: int, end: int) -> Iterator[int]:
    """The rows from ``start`` to before ``end`` that are not among ``sure``, which ascend."""
    for known in (*sure, end):
        if start < known:
            yield from range(start, known)
        start = known + 1


def _joined(row: Iterable[str]) -> str:
    return " ".join(cell for cell in row if cell)


def _same_header(row: list[str], top: list[str]) -> bool:
    same = sum(bool(cell) and fold(cell) == name for cell, name in zip(row, top, strict=False))
    return same * 10 >= sum(map(bool, top)) * 6


def _is_total(cell: str, totals: frozenset[str]) -> bool:
    folded = fold(cell)
    return folded in totals or folded.rstrip("0123456789.,-¥元") in totals
