"""One grid in one format -> canonical rows and problems: every row is used, skipped with a count, or rejected.

Columns are read whole, by distinct value where the spelling is free. What identifies the person stays in helper
columns (``_number``, ``_psn``, ``_name``, ``_employee_no``), because only all files together tell who is meant
(:mod:`recon.reading.folder`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import pairwise
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import checks, identity, statement, values
from recon.reading.claim import Header, read_facts
from recon.reading.formats import SCHEMAS, STATEMENT, SUM_OF, Format, is_amount
from recon.reading.grid import DAMAGED, ERROR, FORMULA, Grid
from recon.reading.monthly import above, file_stem, in_ten_thousands, month_blocks, stated_month
from recon.reading.values import WAN, Unreadable, fold

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
_NO_PERSON = frozenset({"payment", "coverage", STATEMENT})
YEARLY_SCHEMES = frozenset({"380", "390", "391", "392"})  # residents
_FORGIVING = frozenset({"person", "enrolment"})  # an odd cell there loses the cell, not the row

# The sign an account line has by its kind; 0: as it is printed.
SIGNS = {"credit": 1, "interest": 1, "subsidy": 1, "transfer_in": 1, "spend": -1, "mutual_aid": -1, "premium": -1,
         "transfer_out": -1, "payout": -1, "reversal": 0, "adjustment": 0, "carry_over": 0, "other": 0}
_TURNS_TO_REVERSAL = ("credit", "spend", "premium", "mutual_aid")
# What becomes of a code word no list knows, where the format does not say.
_UNKNOWN_WORD = {"payment_kind": "reject", "proof": "reject", "flow_kind": "other", "paid": "null",
                 "insured_status": "null", "reversed": "null", "void": "null", "id_type": "null", "direction": "reject",
                 "state": "null"}


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


@dataclass
class _Sorted:
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
class _Reading:
    """The columns of one grid while they are being read: lists as long as ``at``."""

    grid: Grid
    header: Header
    at: list[int]
    cells: dict[str, list[str]]
    read: dict[str, list[Any]] = field(default_factory=dict)
    unreadable: dict[str, set[int]] = field(default_factory=dict)
    reject: set[int] = field(default_factory=set)  # positions in ``at``
    drop: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)  # rows left out from the start, or shifted
    repeats: set[int] = field(default_factory=set)  # of ``drop``: rows printed twice
    neutral: set[int] = field(default_factory=set)  # rows whose direction is neither in nor out
    unproved: set[int] = field(default_factory=set)  # rows whose sign nothing proves
    chain: checks.Chain = field(default_factory=checks.Chain)
    sums_agree: bool = False  # a printed sum was found again
    problems: list[Problem] = field(default_factory=list)

    @property
    def format(self) -> Format:
        return self.header.format

    def column(self, name: str) -> list[Any]:
        """A column as read, all None where the file has none."""
        return self.read.get(name) or [None] * len(self.at)

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


def read_rows(grid: Grid, header: Header, file: str = "") -> GridRows:
    """The canonical rows of ``grid``, whose ``header`` has been found, with everything that was wrong with them.

    ``file``: its name, where a month may stand that the file does not say otherwise.
    """
    known = header.format
    rows = _sort_rows(grid, header)
    if known.refuse:
        count = len(rows.data) + rows.skipped
        table = "flow" if known.table == STATEMENT else known.table
        return GridRows(table, known.id, _nothing(table), count, count, problems=[Problem("not-usable",
                        value=known.refuse)], sheet=grid.name, others=count, covers="nothing")
    facts = dict(header.facts)
    for fact, text in read_facts((grid.rows[at] for at in rows.pages), known).items():
        facts.setdefault(fact, text)
    if "period_from" in facts and "period_to" in facts:
        facts.setdefault("period", f"{facts['period_from']} 至 {facts['period_to']}")
    found, agreed, checked = _check_identities(grid, header, rows)
    if checked > 1 and 2 * agreed < checked:
        return _refused(grid, header, rows, facts, f"{checked - agreed}/{checked}")
    if known.month and not _with_month(grid, header, facts, file):
        return _refused(grid, header, rows, facts, known.shown.get(known.month, known.month), code="month-unstated")
    if known.across:
        texts = _month_texts(grid, header, file)
        header = replace(header, format=replace(known, blocks=month_blocks(
            header.columns, known.across, known.month, texts)))
        if not header.format.blocks:
            return _refused(grid, header, rows, facts, known.month, code="month-unstated")
    if header.format.blocks:
        result = _read_blocks(grid, header, rows, facts)
    else:
        reading = _read(grid, header, rows, facts)
        if known.table in ("contribution", "flow", STATEMENT) and not agreed and _is_refuted(reading):
            broken = f"{len(reading.chain.breaks)}/{reading.chain.links}"
            return _refused(grid, header, rows, facts, broken, reading.problems)
        if known.table == STATEMENT:
            return _picked(reading, rows, facts)
        result = _result(reading, rows, facts)
    result.problems += found
    if WAN in header.factors.values() or in_ten_thousands(grid.rows[: header.top]):
        result.problems.append(Problem("unit-ten-thousand", place=grid.places[header.row]))
    return result


def _read(grid: Grid, header: Header, rows: _Sorted, facts: dict[str, str], *, block: bool = False,
          blank: bool = False) -> _Reading:
    """The columns of a grid, read, finished and checked."""
    table = header.format.table
    reading = _Reading(grid, header, rows.data, _cells(grid, header, rows.data, facts))
    if not header.format.native:
        _drop_rows(reading)
        if blank:
            for name in (name for name in reading.cells if name == "deducted_fen"):
                reading.cells[name] = ["0" if values.is_empty(cell) else cell for cell in reading.cells[name]]
        elif block:
            _drop_blank_lines(reading)
        _drop_page_repeats(reading)
    _check_shape(reading)
    _read_columns(reading)
    if table == "contribution":
        _finish_contribution(reading)
    elif table in ("flow", STATEMENT):
        _finish_flow(reading)
    elif table == "reading":
        _finish_reading(reading)
    if not header.format.native:
        _fill_defaults(reading)
    _read_identity(reading)
    _check_required(reading)
    _check_totals(reading, rows, facts)
    if table in ("flow", STATEMENT):
        _check_balance(reading)
    return reading


def _result(reading: _Reading, rows: _Sorted, facts: dict[str, str]) -> GridRows:
    """The rows of a grid that all belong to one table."""
    known = reading.format
    first, last = _line_span(reading)
    frame = _frame(reading)
    others = len(reading.drop) if len(reading.drop) == len(rows.data) else 0
    if known.table == "contribution":
        frame = _split_ranges(frame, reading)
    return GridRows(
        table=known.table, format=known.id, frame=frame, rows_read=len(rows.data) + rows.skipped,
        skipped=rows.skipped + len(reading.drop - reading.reject), rejected=len(reading.reject),
        problems=reading.problems, facts=facts, first=first, last=last, sheet=reading.grid.name,
        others=others, covers="nothing" if others else "stated",
    )


def _refused(
    grid: Grid, header: Header, rows: _Sorted, facts: dict[str, str], value: str, problems: Iterable[Problem] = (),
    code: str = "unproved-layout",
) -> GridRows:
    """A grid that cannot be used as a whole: every line is rejected, and one problem says why."""
    kept = [problem for problem in problems if problem.code in ("total-mismatch", "page-repeat")]
    table = "flow" if header.format.table == STATEMENT else header.format.table
    return GridRows(
        table, header.format.id, _nothing(table),
        len(rows.data) + rows.skipped, rows.skipped, len(rows.data),
        [*kept, Problem(code, place=grid.places[header.row], value=value)], facts, sheet=grid.name,
        covers="nothing",
    )


def _with_month(grid: Grid, header: Header, facts: dict[str, str], file: str) -> bool:
    """Whether the month of each line is known; one for the whole file is put among its ``facts``."""
    known = header.format
    if known.month in header.columns or known.across or not known.month_from:
        return True
    said = facts.get(known.month) if "label" in known.month_from else None
    month = stated_month([said or ""]) or stated_month(_month_texts(grid, header, file))
    if month is not None:
        facts[known.month] = month
    return month is not None


def _month_texts(grid: Grid, header: Header, file: str) -> list[str]:
    """The texts a month or year of the whole grid may stand in, the nearest first."""
    texts = {"title": above(grid.rows[: header.top]), "sheet": [grid.name], "file": [file_stem(file)]}
    return [text for place in header.format.month_from for text in texts.get(place, [])]


def _nothing(table: str) -> pl.DataFrame:
    """No rows of a table, with the columns that whoever puts the files together asks for."""
    schema = {column: kind for column, kind in SCHEMAS[table].items() if column != "row_id"}
    return pl.DataFrame(schema=schema | dict.fromkeys(HELPERS, pl.String()) | {"_at": pl.Int64()})


def _is_refuted(reading: _Reading) -> bool:
    """Whether columns that need a proof (cut by eye, or of a format that asks for one) have none."""
    asked = reading.grid.by_eye or reading.format.checks.get("balance") == "proof"
    return asked and bool(reading.at) and not reading.sums_agree and not reading.chain.holds


# --------------------------------------------------------------------------------------------- several lines in a row


def _read_blocks(grid: Grid, header: Header, rows: _Sorted, facts: dict[str, str]) -> GridRows:
    """A wide row as one line per block that says something; a row is used if any of its blocks is."""
    known = header.format
    common = {column: index for column, index in header.columns.items() if "@" not in column}
    readings: list[tuple[str, _Reading, pl.DataFrame]] = []
    for number, block in enumerate(known.blocks):
        own = {column: header.columns[name] for column, name in block.columns.items() if name in header.columns}
        if not own:
            continue
        part = replace(known, blocks=(), defaults={**known.defaults, **block.values}, identities={})
        factors = {column: header.factors[block.columns[column]] for column in own
                   if block.columns[column] in header.factors}
        view = replace(header, format=part, columns={**common, **own}, factors={**header.factors, **factors})
        reading = _read(grid, view, rows, facts, block=True, blank=block.blank)
        frame = _frame(reading)
        if known.table == "contribution":
            frame = _split_ranges(frame, reading)
        if number:
            frame = frame.with_columns(pl.col("_place") + f"/{block.name}")
        readings.append((block.name, reading, frame))
    frames = [frame for *_, frame in readings] or [_nothing(known.table)]
    frame = pl.concat(frames, how="diagonal_relaxed").sort("_at", maintain_order=True)
    used = set(frame["_at"].to_list())
    rejected = {reading.at[position] for _, reading, _ in readings for position in reading.reject} - used
    spans = [_line_span(reading) for _, reading, _ in readings]
    problems = list(dict.fromkeys(problem for _, reading, _ in readings for problem in reading.problems))
    return GridRows(
        table=known.table, format=known.id, frame=frame, rows_read=len(rows.data) + rows.skipped,
        skipped=rows.skipped + len(rows.data) - len(used) - len(rejected), rejected=len(rejected), problems=problems,
        facts=facts, first=min((first for first, _ in spans if first), default=None),
        last=max((last for _, last in spans if last), default=None), sheet=grid.name,
    )


def _drop_blank_lines(reading: _Reading) -> None:
    """Rows in which the block's insurance has no money: they say nothing of it."""
    names = [name for name in reading.cells if name in (*_MONEY, "amount_fen", "deducted_fen")]
    for position in range(len(reading.at)):
        if not any(any(char in "123456789" for char in reading.cells[name][position]) for name in names):
            reading.drop.add(position)
    reading.silent |= reading.drop


def _check_identities(grid: Grid, header: Header, rows: _Sorted) -> tuple[list[Problem], int, int]:
    """Rows whose amounts do not add up as the format says; how many sums agree, and how many there are."""
    problems: list[Problem] = []
    agreed = every = 0
    for name, terms in header.format.identities.items():
        columns: list[tuple[int, int, int, bool]] = []  # sign, column, factor, optional
        for sign, term, optional in terms:
            if term.startswith(SUM_OF):
                leaf = term.removeprefix(SUM_OF)
                columns += [(sign, at, 1, True) for at, name in enumerate(header.leaves) if name.startswith(leaf)]
            elif term in header.columns:
                columns.append((sign, header.columns[term], header.factors.get(term, 1), optional))
            elif not optional:
                columns = []
                break
        if len(columns) < 2:
            continue
        for at in rows.data:
            total = _row_sum(grid.rows[at], columns)
            if total is not None:
                every += 1
                agreed += not total
                if total:
                    problems.append(Problem("sum-differs", place=grid.places[at], column=name, value=yuan(total)))
    return problems, agreed, every


def _row_sum(row: list[str], columns: list[tuple[int, int, int, bool]]) -> int | None:
    """The signed sum of some cells; None where one that has to be there is empty or unreadable, or all are empty."""
    total, seen = 0, False
    for sign, index, factor, optional in columns:
        try:
            fen = values.parse_fen(row[index], factor) if len(row) > index else None
        except Unreadable:
            return None
        if fen is None and not optional:
            return None
        seen |= fen is not None
        total += sign * (fen or 0)
    return total if seen else None


# ------------------------------------------------------------------------------------ statements of a bank or a wallet


def _picked(reading: _Reading, rows: _Sorted, facts: dict[str, str]) -> GridRows:
    """The lines of a statement that concern the medical insurance; all others are counted as other business."""
    known, words, read = reading.format, reading.format.pick, reading.read
    blank = [""] * len(reading.at)
    wallet = known.defaults.get("ledger") == "wallet"
    told = [reading.cells.get(name, blank) for name in ("kind_text", "memo", "counterparty")]
    method = reading.cells.get("method", blank)
    amounts = reading.column("amount_fen")
    names = reading.column("person_name")
    holders = {name: statement.holder_of(name, known.holder, words) for name in set(names)}
    picks: dict[str, list[int]] = {statement.FLOW: [], statement.PAYMENT: []}
    others: set[int] = set()
    for position, cells in enumerate(zip(*told, strict=True)):
        if position in reading.reject or position in reading.drop:
            continue
        text = fold("".join([*cells, method[position]] if words["method"] else cells))
        as_what = statement.pick(text, amounts[position], fold(method[position]),
                                 holders[names[position]], words)
        if as_what == statement.FLOW:
            as_what = _usable_line(reading, position)
        if as_what == statement.OTHER:
            others.add(position)
        elif as_what:
            picks[as_what].append(position)
    nobody = [at for at in picks[statement.FLOW]
              if not any(reading.column(name)[at] for name in ("person_id", "_number", "_psn", "_name"))]
    if nobody and wallet:
        others.update(nobody)
        reading.problems.append(Problem("wallet-without-name", value=str(len(nobody))))
    elif nobody:
        reading.reject.update(nobody)
        reading.problems.append(Problem("holder-unknown", place=reading.grid.places[reading.at[nobody[0]]],
                                        value=str(len(nobody))))
    lines = [at for at in picks[statement.FLOW] if at not in set(nobody)]
    payments = picks[statement.PAYMENT]
    _say_of_lines(reading, set(lines) | set(payments) | set(nobody))
    whole = not others and not payments and not reading.chain.breaks
    exact = known.words.get("flow_kind", {})
    spoken = list(zip(*(told[:2]), strict=True))
    read["flow_kind"] = [
        statement.kind_of(next((value.rstrip("+-") for text in texts if (value := exact.get(fold(text), ""))), None),
                          amounts[at] or 0, wallet)
        for at, texts in enumerate(spoken)
    ]
    read["memo"] = [" ".join(dict.fromkeys(filter(None, map(values.clean, each)))) or None
                    for each in zip(*told, strict=True)]
    if not whole:
        read["balance_fen"] = [None] * len(reading.at)  # the bank's balance, not the account's
    flow = _frame(reading, "flow", lines)
    read["paid_on"] = read["posted_on"]
    read["payer"] = [
        own or (name if holders[name] == "organisation" else None)
        for own, name in zip(reading.column("payer"), names, strict=True)
    ]
    read["amount_fen"] = [None if amount is None else -amount for amount in amounts]
    days = read["posted_on"]
    span = [days[at] for at in lines]
    result = GridRows(
        "flow", known.id, flow, len(rows.data) + rows.skipped - len(payments),
        rows.skipped + len(reading.drop - reading.reject) + len(others - reading.reject), len(reading.reject),
        reading.problems, facts, min(span, default=None), max(span, default=None), reading.grid.name,
        others=len(others), covers="nothing" if wallet or not lines else "lines",
    )
    if payments:
        paid = [days[at] for at in payments]
        result.also = [GridRows("payment", known.id, _frame(reading, "payment", payments), len(payments), facts=facts,
                                first=min(paid), last=max(paid), sheet=reading.grid.name)]
    return result


def _usable_line(reading: _Reading, position: int) -> str:
    """Whether a picked account line may be used: its state, direction and sign are known; "" where it is rejected."""
    known = reading.format
    if "state" in reading.cells:
        text = reading.cells["state"][position]
        state = word(text, known, "state")
        if state == "void":
            return statement.OTHER
        if state is None and not values.is_empty(text):
            reading.refuse("unknown-code", position, "state", text)
            return ""
    amount = reading.column("amount_fen")[position]
    if position in reading.neutral and amount:
        reading.refuse("unknown-code", position, "direction", reading.cells["direction"][position])
        return ""
    if position in reading.unproved:
        reading.refuse("sign-unproved", position, "amount_fen", reading.cells["amount_fen"][position])
        return ""
    return statement.FLOW


def _say_of_lines(reading: _Reading, kept: set[int]) -> None:
    """Keep the warnings about spelling only for the lines that are used: the others are nobody's business."""
    places = {reading.grid.places[reading.at[position]] for position in kept}
    reading.problems = [problem for problem in reading.problems
                        if problem.code != "unknown-word" or problem.place in places]


# ----------------------------------------------------------------------------------------------- rows by what they are


def _sort_rows(grid: Grid, header: Header) -> _Sorted:
    """Data, totals, and what belongs to the page; blank rows are none of them."""
    known = header.format
    top = grid.rows[header.row]
    folded_top = [fold(cell) for cell in top]
    above = {_joined(row).replace(" ", "") for row in grid.rows[: header.row] if row}
    tops = [grid.rows[at] for at in range(header.top, header.row)]
    labels, footers = known.label_pattern, known.footer_pattern
    rows = _Sorted()
    if known.native:
        rows.data = [at for at in range(header.row + 1, len(grid.rows)) if any(grid.rows[at])]
        return rows
    first_column = min(header.columns.values())

    @cache
    def page_row(first: str, short: bool) -> bool:
        """A footer, a label before a colon, or in a short row a label alone in its cell (支出 may begin a line)."""
        text = values.clean(first)
        return bool((footers and footers.match(first)) or (labels and labels.match(text + "\x1f" * short)))

    for at in range(header.row + 1, len(grid.rows)):
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
    return rows


def _joined(row: Iterable[str]) -> str:
    return " ".join(cell for cell in row if cell)


def _same_header(row: list[str], top: list[str]) -> bool:
    same = sum(bool(cell) and fold(cell) == name for cell, name in zip(row, top, strict=False))
    return same * 10 >= sum(map(bool, top)) * 6


def _is_total(cell: str, totals: frozenset[str]) -> bool:
    folded = fold(cell)
    return folded in totals or folded.rstrip("0123456789.,-¥元") in totals


def _cells(grid: Grid, header: Header, at: list[int], facts: dict[str, str]) -> dict[str, list[str]]:
    """Text of every column the format knows; what the preamble states stands in for a column that is not there."""
    rows = [grid.rows[index] for index in at]
    cells = {
        column: [row[index] if len(row) > index else "" for row in rows] for column, index in header.columns.items()
    }
    table = SCHEMAS[header.format.table]
    for fact in ("person_id", "psn_no", "person_name", "region", "employer", "payer", "scheme", "sub_account", "tier",
                 "proof", "accrual_month", "pay_month", "account_no"):
        known = fact in table or fact in IDENTITY_COLUMNS or fact == "account_no"
        if fact in facts and fact not in cells and known:
            text = _first_word(facts[fact]) if fact in (*IDENTITY_COLUMNS, "region", "account_no") else facts[fact]
            cells[fact] = [text] * len(rows)
    return cells


_PARTS = re.compile(r"[;；,，、/\s]+")


def _first_word(text: str) -> str:
    """A name or number out of a sentence: ``测试甲（居民身份证：…），在其微信号`` or ``[测试甲]``."""
    return next(filter(None, re.split(r"[\s()（）\[\],，;；]+", text)), "")


def _drop_page_repeats(reading: _Reading) -> None:
    """Rows printed again at a page break: all cells the same, and a balance that a second payment would have moved."""
    grid, balance = reading.grid, reading.cells.get("balance_fen")
    if grid.kind != "pdf" or balance is None:
        return
    amounts = [reading.cells[name] for name in ("amount_fen", "in_fen", "out_fen") if name in reading.cells]
    proofs = [
        bool(balance[at]) and any(any(char in "123456789" for char in column[at]) for column in amounts)
        for at in range(len(reading.at))
    ]
    pages = [grid.places[at].split(":")[0] for at in reading.at]
    reading.repeats = checks.page_repeats([grid.rows[at] for at in reading.at], pages, proofs)
    for position in sorted(reading.repeats):
        reading.note("page-repeat", position)
    reading.drop |= reading.repeats


# ---------------------------------------------------------------------------------------------------- columns and cells


def _check_shape(reading: _Reading) -> None:
    """Rows longer than the header, error cells and formulas without a value are rejected."""
    grid, top = reading.grid, reading.header
    width = max(len(row) for row in reading.grid.rows[top.top:top.row + 1])
    for position, at in enumerate(reading.at):
        if len(grid.rows[at]) > width and any(grid.rows[at][width:]):
            reading.refuse("ragged-row", position, value=f"{len(grid.rows[at])} > {width}")
            reading.silent.add(position)
    if not grid.marks:
        return
    position_of = {at: position for position, at in enumerate(reading.at)}
    column_of = {index: column for column, index in reading.header.columns.items()}
    for (at, index), mark in sorted(grid.marks.items()):
        if at in position_of and index in column_of and mark in (ERROR, FORMULA):
            value = grid.rows[at][index] if len(grid.rows[at]) > index else ""
            code = "cell-error" if mark == ERROR else "formula-without-value"
            reading.refuse(code, position_of[at], column_of[index], value or None)
            reading.cells[column_of[index]][position_of[at]] = ""


def _read_columns(reading: _Reading) -> None:
    schema = SCHEMAS[reading.format.table]
    for column, cells in reading.cells.items():
        if column in (*IDENTITY_COLUMNS, "flow_kind", "state") or "@" in column:
            continue
        if column == "currency":
            if reading.format.table != STATEMENT:
                _refuse_foreign(reading, cells)
            continue
        if is_amount(column):
            fen, bad = (values.whole_fen_column(cells) if reading.format.native
                        else values.fen_column(cells, reading.header.factors.get(column, 1)))
            _take(reading, column, fen, bad, "unreadable-amount")
        elif column.endswith("_month"):
            spans, bad = values.month_column(cells)
            _take(reading, column, [span and span[0] for span in spans], bad, "unreadable-month")
            if column == "accrual_month" and reading.format.table == "contribution":
                reading.read["_last_month"] = [span and span[1] for span in spans]
            elif column == "accrual_month":  # an account line for several months names no one month
                reading.read[column] = [span[0] if span and span[0] == span[1] else None for span in spans]
        elif schema.get(column) == pl.Date():
            days, bad = values.day_column(cells)
            _take(reading, column, days, bad, "unreadable-date")
        elif column in reading.format.words:
            _read_words(reading, column)
        elif schema.get(column) == pl.Boolean():
            flags, bad = values.by_value(cells, values.parse_flag)
            _take(reading, column, flags, bad, "unknown-code")
        else:
            reading.read[column] = values.text_column(cells)


def _refuse_foreign(reading: _Reading, cells: list[str]) -> None:
    for position, text in enumerate(cells):
        if text and not values.is_empty(text) and fold(text) not in _YUAN:
            reading.refuse("foreign-currency", position, "currency", text)


_YUAN = frozenset({"人民币", "人民币元", "元", "cny", "rmb", "156", "本币"})


def _take(reading: _Reading, column: str, read: list[Any], bad: list[int], code: str) -> None:
    reading.read[column] = read
    reading.unreadable[column] = set(bad)
    for position in bad:
        value = reading.cells[column][position]
        if reading.format.table in _FORGIVING:
            reading.note(code, position, column, value)
        else:
            reading.refuse(code, position, column, value)


def _read_words(reading: _Reading, column: str) -> None:
    """A column of code words as canonical values; unknown words as the format says."""
    cells, known = reading.cells[column], reading.format
    rule = known.unknown.get(column, _UNKNOWN_WORD.get(column, "keep"))
    found: dict[str, Any] = {}
    unknown: set[str] = set()
    for text in set(cells):
        value = None if values.is_empty(text) and text not in _SIGN_WORDS else word(text, known, column)
        if value is None and text and not values.is_empty(text):
            unknown.add(text)
            value = {"keep": values.clean(text), "other": "other"}.get(rule)
        found[text] = value
    if SCHEMAS[known.table].get(column) == pl.Boolean():
        found = {text: None if value is None else value == "true" for text, value in found.items()}
    reading.read[column] = [found[text] for text in cells]
    said: set[str] = set()
    for position, text in enumerate(cells) if unknown else ():
        if text not in unknown or position in reading.silent:
            continue
        if rule == "reject":
            reading.refuse("unknown-code", position, column, text)
        elif text not in said and not (rule == "keep" and known.native):
            said.add(text)
            reading.note("unknown-word", position, column, text)


_SIGN_WORDS = frozenset({"+", "-", "/"})  # codes, where every other column means "nothing" by a dash


def word(text: str, known: Format, column: str) -> str | None:
    """The canonical value of a code word: the whole word if it is listed, else the first listed part it contains."""
    folded = fold(text)
    exact = known.words.get(column, {}).get(folded)
    if exact is not None or known.native:
        return exact
    return next((value for part, value in known.contains.get(column, ()) if part in folded), None)


def _fill_defaults(reading: _Reading) -> None:
    """Where the file is silent, what the format states; a flag that is there and unreadable stays unknown."""
    for column, default in reading.format.defaults.items():
        if column == "paid":
            if column not in reading.read:
                reading.read[column] = (
                    [default] * len(reading.at) if isinstance(default, bool)
                    else [None if value is None else True for value in reading.column(default)]
                )
        else:
            stated = default
            if SCHEMAS[reading.format.table].get(column) == pl.Date():  # the month of a column of months
                stated = (values.parse_months(default) or (None, None))[0]
            reading.read[column] = [stated if value is None else value for value in reading.column(column)]


def _drop_rows(reading: _Reading) -> None:
    """Rows the format says to leave out (other insurances, void lines): counted as skipped."""
    for column, words in reading.format.drop.items():
        cells = reading.cells.get(column, [])
        hits = {text for text in set(cells) if text and any(part in fold(text) for part in words)}
        if hits:
            reading.drop.update(position for position, text in enumerate(cells) if text in hits)
    void = reading.cells.get("void", [])
    dead = {text for text in set(void) if text and word(text, reading.format, "void") == "true"}
    reading.drop.update(position for position, text in enumerate(void) if text in dead)
    reading.silent |= reading.drop


# ------------------------------------------------------------------------------------------------------ contributions

_MONEY = ("employee_fen", "employer_fen", "into_account_fen")


def _finish_contribution(reading: _Reading) -> None:
    read = reading.read
    if "accrual_to_month" in read:
        last = [to or own for to, own in zip(read["accrual_to_month"], read["_last_month"], strict=True)]
        for position, (first, end) in enumerate(zip(read["accrual_month"], last, strict=True)):
            if first and end and end < first:
                reading.refuse("unreadable-month", position, "accrual_to_month",
                               reading.cells["accrual_to_month"][position])
        read["_last_month"] = last
    if reading.format.native:
        return
    if "employer_base_fen" in read:
        read["base_fen"] = [own if own is not None else other for own, other in
                            zip(reading.column("base_fen"), read["employer_base_fen"], strict=True)]
    _derive(reading)
    _mark_deferred(reading)
    if "reversed" in read:
        _cancel_reversed(reading)
    own, firm, into = (list(reading.column(name)) for name in _MONEY)
    kinds = list(reading.column("payment_kind"))
    for position, (one, other, part) in enumerate(zip(own, firm, into, strict=True)):
        total = (one or 0) + (other or 0)
        if total < 0:
            kinds[position] = "refund"
        elif kinds[position] == "refund" and total > 0:
            own[position], firm[position], into[position] = (
                None if amount is None else -amount for amount in (one, other, part)
            )
        elif part and part > total and not one is other is None:
            reading.note("into-account-exceeds", position, "into_account_fen", yuan(part))
    read |= dict(zip((*_MONEY, "payment_kind"), (own, firm, into, kinds), strict=True))


def _mark_deferred(reading: _Reading) -> None:
    """``deferred``: lines whose type or state says that payment is put off (缓缴), by ``[values.deferred]``."""
    words = reading.format.words.get("deferred", {})
    cells = [reading.cells[name] for name in ("payment_kind", "paid") if name in reading.cells]
    hits = {text for column in cells for text in set(column) if fold(text) in words}
    if hits:
        reading.read["deferred"] = [any(column[at] in hits for column in cells) for at in range(len(reading.at))]


def _derive(reading: _Reading) -> None:
    """Amounts the file states in pieces: a sum of columns, where the column itself is empty."""
    for column, terms in reading.format.derive.items():
        if any(name not in reading.read for _, name, optional in terms if not optional):
            continue
        parts = [(sign, reading.read[name], optional) for sign, name, optional in terms if name in reading.read]
        own = reading.column(column)
        reading.read[column] = [
            own[at] if own[at] is not None
            else None if any(piece[at] is None for _, piece, optional in parts if not optional)
            else sum(sign * (piece[at] or 0) for sign, piece, _ in parts)
            for at in range(len(reading.at))
        ]


def _cancel_reversed(reading: _Reading) -> None:
    """A booking and its reversal in one file cancel and are skipped; a lone reversal is a refund."""
    state = reading.read["reversed"]
    columns = [reading.cells[name] for name in IDENTITY_COLUMNS if name in reading.cells]
    columns += [reading.column("scheme"), reading.column("accrual_month")]
    money = [reading.column("employee_fen"), reading.column("employer_fen")]

    def key(position: int) -> tuple[Any, ...]:
        return (*(column[position] for column in columns), *(abs(column[position] or 0) for column in money))

    originals: dict[tuple[Any, ...], list[int]] = {}
    for position, value in enumerate(state):
        if value == "original":
            originals.setdefault(key(position), []).append(position)
    for position, value in enumerate(state):
        if value != "reversing":
            continue
        if mates := originals.get(key(position)):
            reading.drop |= {position, mates.pop()}
            reading.note("reversed-pair", position)
            continue
        for name in _MONEY:
            if reading.column(name)[position] is not None:
                reading.read[name][position] = -abs(reading.read[name][position])


def _split_ranges(frame: pl.DataFrame, reading: _Reading) -> pl.DataFrame:
    """A line for several months as one line per month, where base and amounts divide evenly; else one lump, said."""
    last = "_last_month"
    if last not in frame.columns:
        return frame
    several = frame.filter(pl.col(last) > pl.col("accrual_month"))
    if several.is_empty():
        return frame.drop(last)
    parts: list[dict[str, Any]] = []
    rates = reading.cells.get("employee_rate")
    positions = {at: position for position, at in enumerate(reading.at)}
    for row in several.iter_rows(named=True):
        if row.get("scheme") in YEARLY_SCHEMES:  # paid once for a year, and no account to follow
            parts.append(row)
            continue
        months = months_between(row["accrual_month"], row[last]) + 1
        base = _monthly_base(row, months, rates[positions[row["_at"]]] if rates is not None else "")
        amounts = [name for name in _MONEY if row.get(name) is not None]
        if base is None or any(row[name] % months for name in amounts):
            reading.problems.append(Problem("range-not-split", None, row["_place"], reading.shown("accrual_month"),
                                            f"{row['accrual_month']:%Y-%m}–{row[last]:%Y-%m}"))
            parts.append(row)
            continue
        for step in range(months):
            month = add_months(row["accrual_month"], step)
            part = {**row, "accrual_month": month, "_place": f"{row['_place']}/{month:%Y-%m}"}
            part |= {name: row[name] // months for name in amounts}
            if row.get("base_fen") is not None:
                part["base_fen"] = base
            if step and row.get("late_fee_fen") is not None:
                part["late_fee_fen"] = 0
            parts.append(part)
    single = frame.filter((pl.col(last) <= pl.col("accrual_month")).fill_null(True))
    whole = pl.concat([single, pl.DataFrame(parts, schema=frame.schema)])
    return whole.sort("_at", "accrual_month", maintain_order=True).drop(last)


def _monthly_base(row: dict[str, Any], months: int, rate_text: str) -> int | None:
    """The base of one month of a range: the printed one, or its even share where it is a sum; None: cannot tell."""
    base, paid = row.get("base_fen"), row.get("employee_fen")
    if base is None:
        return 0
    if not paid or base <= 0:
        return int(base)
    rate = _rate(rate_text)
    if rate is not None:
        if abs(base * rate * months - paid) <= months:
            return int(base)
        return int(base) // months if abs(base * rate - paid) <= months and base % months == 0 else None
    # Without a rate: the personal share is 2% of the base nearly everywhere, so 2% of the printed base over all
    # months together means the base is a sum.
    if paid * 100 > base * 3:
        return int(base)
    return int(base) // months if base % months == 0 else None


def _rate(text: str) -> Decimal | None:
    """A rate printed as ``0.02``, ``2`` or ``2%``; None where it is none."""
    bare = values.clean(text).removesuffix("%")
    try:
        rate = Decimal(bare)
    except InvalidOperation:
        return None
    if rate <= 0:
        return None
    return rate / 100 if "%" in text or rate >= Decimal("0.2") else rate


def months_between(first: date, last: date) -> int:
    """Calendar months from one month to another."""
    return (last.year - first.year) * 12 + last.month - first.month


def add_months(month: date, count: int) -> date:
    """The first of the month so many months later."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


# -------------------------------------------------------------------------------------------------------------- flows


def _finish_flow(reading: _Reading) -> None:
    if reading.format.native:
        _read_words(reading, "flow_kind") if "flow_kind" in reading.cells else None
        return
    _sign_amounts(reading)
    if reading.format.table == STATEMENT:
        return
    blank = [""] * len(reading.at)
    texts = list(zip(reading.cells.get("kind_text", blank), reading.cells.get("memo", blank), strict=True))
    meaning = {pair: _flow_kind(pair, reading.format) for pair in set(texts)}
    amounts = list(reading.column("amount_fen"))
    by_kind = reading.format.amount == "by_kind"
    out = [amount for pair, amount in zip(texts, amounts, strict=True) if amount and meaning[pair][1] < 0]
    # A file that prints minus signs throughout has said it; one that prints them here and there means reversals.
    turn = by_kind and not (out and all(amount < 0 for amount in out))
    kinds: list[str] = []
    said: set[tuple[str, str]] = set()
    for position, pair in enumerate(texts):
        kind, sign, known = meaning[pair]
        if turn and sign < 0 and amounts[position] is not None:
            amounts[position] = -amounts[position]
        if not known and (by_kind or (any(pair) and pair not in said)):
            said.add(pair)
            column = "kind_text" if pair[0] else "memo"
            if by_kind:
                reading.refuse("unknown-code", position, column, pair[0] or pair[1])
            else:
                reading.note("unknown-word", position, column, pair[0] or pair[1])
        if kind in _TURNS_TO_REVERSAL and (amounts[position] or 0) * SIGNS[kind] < 0:
            kind = "reversal"
        kinds.append(kind)
    reading.read |= {"amount_fen": amounts, "flow_kind": kinds}
    if "kind_text" in reading.read:
        reading.read["memo"] = [
            kind if memo is None or memo == kind else memo if kind is None else f"{kind} {memo}"
            for kind, memo in zip(reading.read["kind_text"], reading.column("memo"), strict=True)
        ]


def _flow_kind(texts: tuple[str, str], known: Format) -> tuple[str, int, bool]:
    """(kind, sign: 0 as printed, whether a list knows it): whole words of type and memo first, then parts of them."""
    exact = known.words.get("flow_kind", {})
    found = next((value for text in texts if text and (value := exact.get(fold(text)))), None) or next(
        (value for text in texts if text and (value := word(text, known, "flow_kind"))), None
    )
    if found is None:
        return "other", 0, False
    kind = found.rstrip("+-")
    return kind, {"+": 1, "-": -1}.get(found[-1], SIGNS[kind]), True


def _sign_amounts(reading: _Reading) -> None:
    """Signed amounts by the rule of the format; ``proved`` takes the way the file itself shows."""
    rule = reading.format.amount
    if rule == "proved":
        printed = [text for text in reading.cells.get("amount_fen", []) if text]
        signed = any(text.lstrip().startswith(("-", "+", "(", "−", "（")) for text in printed)
        rule = ("in_out" if reading.cells.keys() & {"in_fen", "out_fen"} else
                "direction" if "direction" in reading.cells else "signed" if signed else "by_balance")
    if rule == "in_out":
        _net_in_out(reading)
    elif rule == "direction":
        _turn_by_direction(reading)
    elif rule == "by_balance":
        _turn_by_balance(reading)


def _turn_by_direction(reading: _Reading) -> None:
    """Amounts whose sign stands in a word beside them; a word that says neither leaves it open."""
    ways = reading.column("direction")
    amounts = list(reading.column("amount_fen"))
    absolute = reading.format.checks.get("sign") == "absolute"
    for position, (way, amount) in enumerate(zip(ways, amounts, strict=True)):
        if amount is None:
            continue
        if absolute:  # 支出 -20.00: the sign repeats the word
            amount = abs(amount)
        if way in ("none", None):
            reading.neutral.add(position)
        amounts[position] = -amount if way == "out" else amount
    reading.read["amount_fen"] = amounts


def _turn_by_balance(reading: _Reading) -> None:
    """Unsigned amounts, the balance alone telling which way each went; where it does not, the sign stays unproved.

    An amount that is not what the balance moved is a break like any other.
    """
    amounts, balances = reading.column("amount_fen"), reading.column("balance_fen")
    best: dict[int, int] = {}
    kept = [at for at in range(len(amounts)) if at not in reading.drop]
    for name, order in (("oldest_first", kept), ("newest_first", kept[::-1])):
        signed: dict[int, int] = {}
        breaks: list[tuple[int, int]] = []
        for before, at in pairwise(order):
            if None in (amounts[at], balances[at], balances[before]):
                continue
            moved = balances[at] - balances[before]
            if abs(moved) == abs(amounts[at]):
                signed[at] = moved
            else:
                breaks.append((at, moved - (abs(amounts[at]) if moved > 0 else -abs(amounts[at]))))
        if not reading.chain.order or len(signed) > len(best):
            best = signed
            reading.chain = checks.Chain(len(signed) + len(breaks), tuple(sorted(breaks)), name)
    reading.unproved = {at for at in kept if amounts[at] and at not in best}
    reading.read["amount_fen"] = [best.get(at, amount) for at, amount in enumerate(amounts)]


def _net_in_out(reading: _Reading) -> None:
    """Amount from a pair of columns; a row that moves money both ways is refused."""
    came, went = reading.column("in_fen"), reading.column("out_fen")
    for position, (one, other) in enumerate(zip(came, went, strict=True)):
        if one and other:
            reading.refuse("unreadable-amount", position, "in_fen",
                           f"{reading.cells['in_fen'][position]} / {reading.cells['out_fen'][position]}")
    reading.read["amount_fen"] = [
        None if one is other is None else (one or 0) - (other or 0) for one, other in zip(came, went, strict=True)
    ]
    reading.unreadable["amount_fen"] = {
        position for column in ("in_fen", "out_fen") for position in reading.unreadable.get(column, ())
    }


def _finish_reading(reading: _Reading) -> None:
    """Figures of a whole year stand at its end."""
    if "year" not in reading.cells or "read_on" in reading.cells:
        return
    days, bad = values.by_value(reading.cells["year"], values.parse_year)
    _take(reading, "year", days, bad, "unreadable-date")
    reading.read["read_on"] = days


# ----------------------------------------------------------------------------------------------------------- identity


def _read_identity(reading: _Reading) -> None:
    """person_id where the row says it in full, and the clues where it does not."""
    blank = [""] * len(reading.at)
    ids, psns = reading.cells.get("person_id", blank), reading.cells.get("psn_no", blank)
    damaged = _damaged(reading)
    found = {text: identity.read_id(text) for text in dict.fromkeys(ids)}
    full = {text: known.text if known.kind == identity.FULL else None for text, known in found.items()}
    part = {text: known.text if known.kind in (identity.MASKED, identity.DAMAGED) else None
            for text, known in found.items()}
    person, number = [full[text] for text in ids], [part[text] for text in ids]
    psn_of = {text: identity.read_psn(text) for text in set(psns)}
    psn = [psn_of[text] for text in psns]
    for column, position in sorted(damaged):
        if column == "person_id":
            person[position], number[position] = None, identity.read_id(ids[position], damaged=True).text
        else:
            psn[position] = None
            reading.note("damaged-id", position, "psn_no", psns[position])
    if any(known.kind == identity.BAD for known in found.values()):
        for position, text in enumerate(ids):
            if found[text].kind == identity.BAD and ("person_id", position) not in damaged:
                # The row still counts where its 个人编号 says whose it is.
                (reading.note if psn[position] else reading.refuse)("unreadable-id", position, "person_id", text)
    for text, known in found.items():
        if known.wrong_check_digit:
            reading.note("id-check-digit", ids.index(text), "person_id", text)
    name = values.by_value(
        reading.cells.get("person_name", blank),
        lambda text: identity.read_name(text) if not values.is_empty(text) else None,
    )[0]
    staff = values.text_column(reading.cells.get("employee_no", blank))
    if reading.format.table == STATEMENT:
        account = {text: identity.read_account(text) for text in set(reading.cells.get("account_no", blank))}
        psn = [known or (None if name[at] or person[at] or number[at] else account.get(text))
               for at, (known, text) in enumerate(zip(psn, reading.cells.get("account_no", blank), strict=True))]
    if "bank_account" in reading.cells:  # the roster says whose accounts these are
        accounts = [[identity.read_account(part) for part in _PARTS.split(text)]
                    for text in reading.cells["bank_account"]]
        reading.read["aliases"] = [";".join(filter(None, [given, *parts])) or None
                                   for given, parts in zip(reading.column("aliases"), accounts, strict=True)]
    reading.read |= {
        "person_id": person, "_number": number, "_psn": psn, "_name": name, "person_name": name,
        "_employee_no": staff, "employee_no": staff,
    }
    if reading.format.table == "person":
        reading.read["id_type"] = [stated or found[text].id_type for stated, text in
                                   zip(reading.column("id_type"), ids, strict=True)]
    if reading.format.table not in _NO_PERSON:
        for position, clues in enumerate(zip(person, number, psn, name, staff, strict=True)):
            if not any(clues) and position not in reading.reject and position not in reading.drop:
                reading.refuse("missing-value", position, "person_id")


def _damaged(reading: _Reading) -> set[tuple[str, int]]:
    """(column, position) of ID cells the file holds as a number too long to be exact."""
    if DAMAGED not in reading.grid.marks.values():
        return set()
    position_of = {at: position for position, at in enumerate(reading.at)}
    column_of = {index: column for column, index in reading.header.columns.items()
                 if column in ("person_id", "psn_no")}
    return {
        (column_of[index], position_of[at]) for (at, index), mark in reading.grid.marks.items()
        if mark == DAMAGED and index in column_of and at in position_of
    }


# ------------------------------------------------------------------------------------------------------------- checks


def _check_required(reading: _Reading) -> None:
    for group in REQUIRED[reading.format.table]:
        columns = [reading.read[column] for column in group if column in reading.read]
        if any(None not in column for column in columns):
            continue
        excused = reading.reject | reading.drop | reading.neutral | {
            position for column in group for position in reading.unreadable.get(column, ())
        }
        empty = [at for at, cells in enumerate(zip(*columns, strict=True)) if cells.count(None) == len(cells)]
        for position in empty if columns else range(len(reading.at)):
            if position not in excused:
                reading.refuse("missing-value", position, _named(reading, group))


def _named(reading: _Reading, group: tuple[str, ...]) -> str:
    """The column of a group that the file has, for the message."""
    also = {"amount_fen": ("in_fen", "out_fen"), "flow_kind": ("kind_text", "memo")}
    for column in (*group, *(piece for name in group for piece in also.get(name, ()))):
        if column in reading.header.columns:
            return column
    return group[0]


def _check_totals(reading: _Reading, rows: _Sorted, facts: dict[str, str]) -> None:
    """Printed totals against the sum of the rows above them: since the last total, or of all so far."""
    _check_stated_totals(reading, facts)
    for column, index in reading.header.columns.items() if rows.totals else ():
        if not column.endswith("_fen") or column == "balance_fen" or reading.unreadable.get(column):
            continue
        factor = reading.header.factors.get(column, 1)
        printed = [0 if position in reading.repeats else value or 0
                   for position, value in enumerate(values.fen_column(reading.cells[column], factor)[0])]
        since = 0
        for at in rows.totals:
            row = reading.grid.rows[at]
            upto = bisect_left(reading.at, at)
            stated, rejoined = (_amount_at(cells, index, factor) for cells in (row, _rejoined(row)))
            whole = sum(printed[:upto])
            agrees = bool({stated, rejoined} & {whole, sum(printed[since:upto])})
            reading.sums_agree |= agrees and bool(stated)
            if stated is not None and not agrees:
                reading.problems.append(Problem("total-mismatch", None, reading.grid.places[at], reading.shown(column),
                                                f"{yuan(stated)} ≠ {yuan(whole)}"))
            since = upto


def _amount_at(row: list[str], index: int, factor: int) -> int | None:
    try:
        return values.parse_fen(row[index], factor) if len(row) > index else None
    except Unreadable:
        return None


def _rejoined(row: list[str]) -> list[str]:
    """A total whose thousands commas stand unquoted in a CSV file: cells that are pieces of one number put together."""
    cells = list(row)
    at = 0
    while at + 1 < len(cells):
        if _THOUSANDS.fullmatch(cells[at]) and _HUNDREDS.fullmatch(cells[at + 1]):
            cells[at:at + 2] = [f"{cells[at]},{cells[at + 1]}"]
        else:
            at += 1
    return cells


_THOUSANDS, _HUNDREDS = re.compile(r"-?\d{1,3}(?:,\d{3})*"), re.compile(r"\d{3}(?:\.\d{1,2})?")
_PRINTED_SUMS = {"total_in": "came", "total_out": "went"}
_PRINTED_COUNTS = {"total_count": "count", "count_in": "count_in", "count_out": "count_out",
                   "count_neutral": "count_neutral"}


def _check_stated_totals(reading: _Reading, facts: dict[str, str]) -> None:
    """Totals the preamble or footer states (money in, money out, numbers of lines), of the file and of each page.

    A format says of its sums and counts whether they must agree, are a hint (the source itself says they may differ),
    or mean something else.
    """
    if "amount_fen" not in reading.read or reading.format.native:
        return
    amounts, ways = reading.read["amount_fen"], reading.read.get("direction") or [None] * len(reading.at)
    found = checks.sums(amounts, ways, reading.repeats)
    _compare(reading, facts, found, _PRINTED_SUMS, _PRINTED_COUNTS, None)
    pages: dict[str, dict[str, str]] = {}
    for at, row in enumerate(reading.grid.rows):
        stated = read_facts([row], reading.format)
        for fact in stated.keys() & {"page_in", "page_out", "page_count"}:
            pages.setdefault(reading.grid.places[at].split(":")[0], {})[fact] = stated[fact]
    for page, stated in pages.items():
        elsewhere = {position for position, at in enumerate(reading.at)
                     if reading.grid.places[at].split(":")[0] != page}
        _compare(reading, stated, checks.sums(amounts, ways, elsewhere), {"page_in": "came", "page_out": "went"},
                 {"page_count": "count"}, page)


def _compare(
    reading: _Reading, facts: dict[str, str], found: checks.Sums, sums: dict[str, str], counts: dict[str, str],
    place: str | None,
) -> None:
    """Problems where stated sums and counts are not what the lines add up to."""
    rules = reading.format.checks
    unread = bool(reading.unreadable.get("amount_fen")) or bool(reading.unproved)
    for names, ruled, parse in ((sums, "sums", _stated_sum), (counts, "counts", _stated_count)):
        for fact, name in names.items():
            rule = rules.get("counts_by_way" if fact.startswith("count_") else ruled, "exact")
            text = facts.get(fact) or facts.get(fact.replace("count_", "total_"), "")  # 收入：3笔 120.00元 says both
            if not text or rule == "none" or (parse is _stated_sum and unread):
                continue
            if parse is _stated_count and fact not in facts and not _COUNTED.search(text):
                continue
            stated, actual = parse(text), getattr(found, name)
            if stated is None:
                continue
            shown: Callable[[int], str] = yuan if parse is _stated_sum else str
            if stated == actual:
                reading.sums_agree |= parse is _stated_sum and stated != 0
            else:
                code = "total-mismatch" if rule == "exact" else "total-hint"
                reading.problems.append(Problem(code, None, place, fact, f"{shown(stated)} ≠ {shown(actual)}"))


def _stated_sum(text: str) -> int | None:
    """Fen of a stated sum: ``1,234.00``, or the sum of ``3笔 1234.00元``; a total of money out may have a minus."""
    words = _COUNTED.sub(" ", text).split()
    try:
        fen = values.parse_fen(words[0]) if words else None
    except Unreadable:
        return None
    return None if fen is None else abs(fen)


def _stated_count(text: str) -> int | None:
    """Lines of a stated number: ``12``, ``共12条``, or the count of ``3笔 1234.00元``."""
    counted = _COUNTED.search(text)
    digits = counted.group(1) if counted else text.split(" ")[0].strip("共笔条行记录")
    return int(digits) if digits.isdigit() else None


_COUNTED = re.compile(r"共?(\d+)\s*[笔条行](?:记录)?[,，]?")


def _check_balance(reading: _Reading) -> None:
    """Breaks of the running balance, in the order in which the file prints it; several accounts each for themselves."""
    balances = reading.read.get("balance_fen")
    if not balances or reading.format.checks.get("balance") == "none":
        return
    if reading.format.table == STATEMENT:
        accounts: list[str] = [name for name in ("currency", "account_no", "sub_account") if name in reading.cells]
        keys: list[dict[str, list[Any]]] = [{}, *({name: reading.cells[name]} for name in accounts)]
        if len(accounts) > 1:
            keys.append({name: reading.cells[name] for name in accounts})
    else:
        own = {name: reading.column(name) for name in ("person_id", "_number", "_psn", "_name")}
        keys = [own, own | {"sub_account": reading.column("sub_account")}] if "sub_account" in reading.read else [own]
    amounts = [None if at in reading.neutral else amount for at, amount in enumerate(reading.column("amount_fen"))]
    if not reading.chain.order:
        reading.chain = checks.chain(amounts, balances, reading.column("posted_on"), keys, reading.drop)
    name = reading.shown("balance_fen")
    reading.problems += [
        Problem("balance-break", None, reading.grid.places[reading.at[position]], name, yuan(gap))
        for position, gap in reading.chain.breaks
    ]


def check_balance(frame: pl.DataFrame, column: str) -> list[Problem]:
    """Breaks of the running balance of a frame of account lines, in the order that fits best."""
    if "balance_fen" not in frame.columns or frame["balance_fen"].null_count() == frame.height:
        return []
    own: dict[str, pl.Series] = {
        name: frame[name] for name in ("person_id", "_number", "_psn", "_name") if name in frame.columns}
    keys = [own, own | {"sub_account": frame["sub_account"]}] if "sub_account" in frame.columns else [own]
    found = checks.chain(frame["amount_fen"], frame["balance_fen"], frame["posted_on"], keys, set())
    places = frame["_place"]
    return [Problem("balance-break", None, places[position], column, yuan(gap)) for position, gap in found.breaks]


def yuan(fen: int) -> str:
    """An amount as people read it."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


# ------------------------------------------------------------------------------------------------------------- result


def _line_span(reading: _Reading) -> tuple[date | None, date | None]:
    """First and last date of all lines, rejected ones too: what the file covers does not depend on what is used."""
    column = LINE_DATE.get(reading.format.table, "")
    days = [day for day in reading.column(column) if day is not None]
    last = [day for day in reading.column("_last_month") if day is not None] or days
    return min(days, default=None), max(last, default=None)


def _frame(reading: _Reading, table: str = "", only: list[int] | None = None) -> pl.DataFrame:
    """The accepted rows (or ``only`` some): the columns of the table that were read, and the helpers."""
    schema = SCHEMAS[table or reading.format.table] | {"_last_month": pl.Date()} | dict.fromkeys(HELPERS, pl.String())
    wanted = {column: schema[column] for column in reading.read if column in schema}
    lost = reading.reject | reading.drop
    kept = only
    if kept is None and lost:
        kept = [position for position in range(len(reading.at)) if position not in lost]
    data = {
        column: reading.read[column] if kept is None else [reading.read[column][at] for at in kept] for column in wanted
    }
    at = reading.at if kept is None else [reading.at[position] for position in kept]
    frame = pl.DataFrame(data, schema=wanted)
    return frame.with_columns(
        pl.Series("_at", at, dtype=pl.Int64()),
        pl.Series("_place", [reading.grid.places[each] for each in at], dtype=pl.String()),
    )
