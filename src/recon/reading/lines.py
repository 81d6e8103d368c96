"""The rows of one grid while they are read, and what comes out of it.

Every row below a header is data, a total, a repeated header or part of the page; every row of data is used, dropped
(counted) or rejected (with a problem).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import checks, columns
from recon.reading.claim import Header
from recon.reading.columns import Column
from recon.reading.format import SCHEMAS, STATEMENT, Format
from recon.reading.grid import Grid
from recon.reading.proof import Proof
from recon.reading.values import fold

# Values without which a row of the table says nothing; of a tuple any one is enough.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "contribution": (("accrual_month",), ("employee_fen", "employer_fen", "into_account_fen", "base_fen")),
    "flow": (("posted_on",), ("amount_fen",), ("flow_kind",)),
    "reading": (("read_on",), ("amount_fen",), ("kind",)),
    "person": (), "enrolment": (("from_month",),),
    "payroll": (("pay_month", "for_month"), ("deducted_fen",)),
    "payment": (("paid_on",), ("amount_fen",)),
    "coverage": (("table",), ("from", "to", "exported_on")),
    STATEMENT: (("posted_on",), ("amount_fen",)),
}
# The day or month that says what a file covers.
LINE_DATE = {"contribution": "accrual_month", "flow": "posted_on", "payroll": "pay_month", "payment": "paid_on",
             "reading": "read_on", STATEMENT: "posted_on"}
IDENTITY_COLUMNS = ("person_id", "psn_no", "person_name", "employee_no")
HELPERS = ("_at", "_place", "_number", "_psn", "_name", "_employee_no")
# The sign an account line has by its kind; 0: as it is printed.
SIGNS = {"credit": 1, "interest": 1, "subsidy": 1, "transfer_in": 1, "spend": -1, "mutual_aid": -1, "premium": -1,
         "transfer_out": -1, "payout": -1, "reversal": 0, "adjustment": 0, "carry_over": 0, "other": 0}


@dataclass
class GridRows:
    """What came out of one grid. ``rows_read`` = rows used + ``skipped`` + ``rejected``."""

    table: str
    format: str
    frame: pl.DataFrame
    rows_read: int = 0
    skipped: int = 0
    rejected: int = 0
    problems: list[Problem] = field(default_factory=list)  # place only; the caller fills the file
    facts: dict[str, str] = field(default_factory=dict)
    first: date | None = None  # of all lines, whatever becomes of them later
    last: date | None = None
    sheet: str = ""
    also: list[GridRows] = field(default_factory=list)  # rows of the same grid that went to another table
    others: int = 0  # of ``skipped``: lines of a statement that are other business
    # What the grid says of the time it covers: the stated period, only its own lines (a bank account need not be the
    # medical account all the time), or nothing (a wallet never is).
    covers: str = "stated"
    proof: Proof | None = None  # what its running balance proves; None where it prints none
    elsewhere: int = 0  # rows used that are not in ``frame``: they were put away (recon.reading.spread)


@dataclass
class Sorted:
    """The rows below the header by what they are: indices into grid.rows."""

    data: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)  # repeated titles, footers, notes

    @property
    def skipped(self) -> int:
        """How many rows are no data."""
        return len(self.totals) + len(self.headers) + len(self.pages)


@dataclass
class Reading:
    """The columns of one grid while they are being read: as long as ``at``; lists, or Columns where it is ``wide``."""

    grid: Grid
    header: Header
    at: list[int]
    cells: dict[str, Sequence[str]]
    read: dict[str, Sequence[Any]] = field(default_factory=dict)
    unreadable: dict[str, set[int]] = field(default_factory=dict)
    reject: set[int] = field(default_factory=set)  # positions in ``at``
    drop: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)  # rows left out from the start, or shifted
    repeats: set[int] = field(default_factory=set)  # of ``drop``: rows printed twice
    neutral: set[int] = field(default_factory=set)  # rows whose direction is neither in nor out
    unproved: set[int] = field(default_factory=set)  # rows whose sign nothing proves
    chain: checks.Chain = field(default_factory=checks.Chain)
    account: dict[str, Sequence[Any]] = field(default_factory=dict)  # columns that tell whose chain a line is in
    sums_agree: bool = False  # a printed sum was found again
    # What is printed of the whole file and agrees: in, out (sums), count, count_in, count_out, opening, closing
    # (balances); page_in, page_out where only the sums of its parts are printed, and every line is in one.
    agreed: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def format(self) -> Format:
        """The format the grid is read in."""
        return self.header.format

    @property
    def wide(self) -> bool:
        """Whether the grid is so large that its columns are held by polars."""
        return any(isinstance(cells, Column) for cells in self.cells.values())

    def column(self, name: str) -> Sequence[Any]:
        """A column as read, all None where the file has none."""
        return self.read.get(name) or [None] * len(self.at)

    def repeated(self, value: Any, kind: Any) -> Sequence[Any]:
        """A column that holds one value everywhere."""
        return columns.repeated(value, len(self.at), kind) if self.wide else [value] * len(self.at)

    def series(self, name: str, kind: Any) -> pl.Series:
        """The same as polars holds it."""
        return columns.series(self.read.get(name) or columns.repeated(None, len(self.at), kind), kind)

    def texts(self, name: str) -> Sequence[str]:
        """The cells of a column, all empty where the file has none."""
        return self.cells[name] if name in self.cells else self.repeated("", pl.String())

    def shown(self, column: str) -> str:
        """The header text of a column as it stands in the file."""
        index = self.header.columns.get(column)
        if index is None:
            return column
        names = [row[index] for row in self.grid.rows[self.header.top:self.header.row + 1] if len(row) > index]
        return next((name for name in reversed(names) if name), column)

    def note(self, code: str, position: int, column: str | None = None, value: str | None = None) -> None:
        """Add a problem at a row, unless the row does not count or is shifted, when nothing else can be said of it."""
        if position in self.silent:
            return
        self.problems.append(Problem(code, None, self.grid.places[self.at[position]],
                                     self.shown(column) if column else None, value))

    def refuse(self, code: str, position: int, column: str | None = None, value: str | None = None) -> None:
        """Add a problem at a row that cannot be used because of it."""
        if position not in self.silent:
            self.note(code, position, column, value)
            self.reject.add(position)


def word(text: str, known: Format, column: str) -> str | None:
    """The canonical value of a code word: the whole word if it is listed, else the first listed part it contains."""
    folded = fold(text)
    exact = known.words.get(column, {}).get(folded)
    if exact is not None or known.native:
        return exact
    return next((value for part, value in known.contains.get(column, ()) if part in folded), None)


def accepted_rows(
    reading: Reading, table: str = "", only: list[int] | None = None, made: Mapping[str, Sequence[Any]] | None = None,
) -> pl.DataFrame:
    """The accepted rows (or ``only`` some): the columns of the table that were read, and the helpers.

    ``made`` are columns of just those rows, in place of what was read.
    """
    own = dict(made or {})
    schema = SCHEMAS[table or reading.format.table] | {"_last_month": pl.Date()} | dict.fromkeys(HELPERS, pl.String())
    wanted = {column: schema[column] for column in reading.read | own if column in schema}
    lost = reading.reject | reading.drop
    kept = only
    if kept is None and lost:
        kept = [position for position in range(len(reading.at)) if position not in lost]
    at = reading.at if kept is None else [reading.at[position] for position in kept]
    return pl.DataFrame([
        *(columns.series(own[column] if column in own else columns.picked(reading.read[column], kept), kind)
          .alias(column) for column, kind in wanted.items() if column not in ("_at", "_place")),
        pl.Series("_at", at, dtype=pl.Int64()),
        pl.Series("_place", reading.grid.places_of(at), dtype=pl.String()),
    ])


def no_rows(table: str) -> pl.DataFrame:
    """No rows of a table, with the columns that whoever puts the files together asks for."""
    schema = {column: kind for column, kind in SCHEMAS[table].items() if column != "row_id"}
    return pl.DataFrame(schema=schema | dict.fromkeys(HELPERS, pl.String()) | {"_at": pl.Int64()})


def line_span(reading: Reading) -> tuple[date | None, date | None]:
    """First and last date of all lines, rejected ones too: what the file covers does not depend on what is used."""
    column = LINE_DATE.get(reading.format.table, "")
    first, end = columns.span(reading.read.get(column, []))
    last = columns.span(reading.read.get("_last_month", []))[1]
    return first, end if last is None else last


def yuan(fen: int) -> str:
    """An amount as people read it."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
