"""A grid: one sheet, CSV file or PDF as rows of text, each row with its place in the file. No meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from recon.problems import Problem

DAMAGED, ERROR, FORMULA = "damaged", "error", "formula"  # the values of Grid.marks


@dataclass
class Grid:
    """Rows of text as they stand in one sheet, one text file or one PDF.

    Every cell is text: dates ISO (``2024-05-12``, ``2024-05-12 10:00:00``), numbers in exact shortest decimal text
    (``120``, ``29.02``), "" where empty. Rows may differ in length: empty cells at the end of a row are dropped.
    """

    name: str = ""  # sheet title; "" for text and PDF
    rows: list[list[str]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)  # per row: L21, Sheet1!R17, p3:12
    marks: dict[tuple[int, int], str] = field(default_factory=dict)  # (row, column) -> damaged | error | formula
    hidden: bool = False
    # Merged ranges (first row, first column, last row, last column), indices of this grid, last ones included. Only the
    # first cell has the text: to fill an amount merged over three months into each of them would treble it.
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    kind: str = "csv"  # csv | xlsx | pdf | parquet | picture
    # Of a picture or scan: the stretches of text of each page (ocr.Seen), before they are rows; and, once they are, per
    # row the page (from 0) with the upper and lower edge of its text in pixels.
    seen: list[list[Any]] = field(default_factory=list)
    boxes: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    by_eye: bool = False  # columns without rules, cut by where words stand: what they hold has to be proved


    def cells_of(self, index: int, at: list[int]) -> Sequence[str]:
        """The cells of one column in the rows ``at``, which ascend; "" where a row is shorter."""
        rows = self.rows
        return [row[index] if len(row) > index else "" for row in map(rows.__getitem__, at)]

    def places_of(self, at: list[int]) -> Any:
        """The places of the rows ``at``, which ascend: a list or a column of text."""
        return list(map(self.places.__getitem__, at))

    def longer_than(self, width: int, at: list[int]) -> list[int]:
        """Positions in ``at`` of rows with text beyond ``width`` cells."""
        rows = self.rows
        return [position for position, each in enumerate(at) if len(rows[each]) > width and any(rows[each][width:])]

    def sure_rows(self, start: int, column: int, name: str, is_odd: Callable[[str], bool]) -> list[int]:
        """Rows from ``start`` on that are data at first sight, ascending; none where a grid cannot tell quickly.

        Their first cell is filled and not odd, four cells are, no 计 stands in the first eight, and the cell in
        ``column`` is not the header's ``name``.
        """
        return []


@dataclass
class Opened:
    """What a file held: its grids and what was wrong.

    ``kind`` is csv, xlsx, pdf, parquet (no grids: the caller reads it), zip (see ``containers.members``), own (recon
    wrote it), or "" where nothing could be read. ``file`` of each problem is None.
    """

    grids: list[Grid] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    kind: str = ""
    scanned: tuple[int, ...] = ()


def name_pages(numbers: Sequence[int]) -> str:
    """Ascending page numbers as they are told: ``p1–p3, p7``."""
    return ", ".join(stretches(numbers, "p"))


def stretches(numbers: Sequence[int], before: str = "") -> list[str]:
    """Ascending numbers, those that follow each other as ``1–3``, each with ``before`` before it."""
    starts = [at for at, number in enumerate(numbers) if not at or numbers[at - 1] != number - 1]
    runs = [numbers[at:end] for at, end in zip(starts, [*starts[1:], len(numbers)], strict=False)]
    return [f"{before}{run[0]}" if len(run) == 1 else f"{before}{run[0]}–{before}{run[-1]}" for run in runs]
