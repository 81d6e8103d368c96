"""One grid in one format -> canonical rows and problems: every row is used, skipped with a count, or rejected.

Columns are read whole, by distinct value where the spelling is free. What identifies the person stays in helper
columns (``_number``, ``_psn``, ``_name``, ``_employee_no``), because only all files together tell who is meant
(:mod:`recon.reading.folder`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import identity, values
from recon.reading.claim import Header, read_facts
from recon.reading.formats import Format
from recon.reading.grid import DAMAGED, ERROR, FORMULA, Grid
from recon.reading.values import Unreadable, fold
from recon.tables import INPUT_TABLES

# Values without which a row of the table says nothing; of a tuple any one is enough.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "contribution": (("accrual_month",), ("employee_fen", "employer_fen", "into_account_fen", "base_fen")),
    "flow": (("posted_on",), ("amount_fen",), ("flow_kind",)),
    "reading": (("read_on",), ("amount_fen",), ("kind",)),
    "person": (), "enrolment": (("from_month",),),
    "payroll": (("pay_month", "for_month"), ("deducted_fen",)),
    "payment": (("paid_on",), ("amount_fen",)),
    "coverage": (("table",), ("from", "to", "exported_on")),
}
# The day or month that says what a file covers.
LINE_DATE = {"contribution": "accrual_month", "flow": "posted_on", "payroll": "pay_month", "payment": "paid_on",
             "reading": "read_on"}
IDENTITY_COLUMNS = ("person_id", "psn_no", "person_name", "employee_no")
HELPERS = ("_at", "_place", "_number", "_psn", "_name", "_employee_no")
_NO_PERSON = frozenset({"payment", "coverage"})
_FORGIVING = frozenset({"person", "enrolment"})  # an odd cell there loses the cell, not the row

# The sign an account line has by its kind; 0: as it is printed.
SIGNS = {"credit": 1, "interest": 1, "subsidy": 1, "transfer_in": 1, "spend": -1, "mutual_aid": -1, "premium": -1,
         "transfer_out": -1, "payout": -1, "reversal": 0, "adjustment": 0, "carry_over": 0, "other": 0}
_TURNS_TO_REVERSAL = ("credit", "spend", "premium", "mutual_aid")
# What becomes of a code word no list knows, where the format does not say.
_UNKNOWN_WORD = {"payment_kind": "reject", "proof": "reject", "flow_kind": "other", "paid": "null",
                 "insured_status": "null", "reversed": "null", "void": "null", "id_type": "null"}


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


@dataclass
class _Sorted:
    """The rows below the header by what they are: indices into grid.rows."""

    data: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)  # repeated titles, footers, notes


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
        return self.grid.rows[self.header.row][index] if index is not None else column

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


def read_rows(grid: Grid, header: Header) -> GridRows:
    """The canonical rows of ``grid``, whose ``header`` has been found, with everything that was wrong with them."""
    table = header.format.table
    rows = _sort_rows(grid, header)
    facts = dict(header.facts)
    for fact, text in read_facts((grid.rows[at] for at in rows.pages), header.format).items():
        facts.setdefault(fact, text)
    reading = _Reading(grid, header, rows.data, _cells(grid, header, rows.data, facts))
    if not header.format.native:
        _drop_rows(reading)
        _drop_page_repeats(reading)
    _check_shape(reading)
    _read_columns(reading)
    if table == "contribution":
        _finish_contribution(reading)
    elif table == "flow":
        _finish_flow(reading)
    if not header.format.native:
        _fill_defaults(reading)
    _read_identity(reading)
    _check_required(reading)
    _check_totals(reading, rows, facts)
    first, last = _line_span(reading)
    frame = _frame(reading)
    if table == "flow":
        reading.problems += check_balance(frame, reading.shown("balance_fen"))
    if table == "contribution":
        frame = _split_ranges(frame, reading)
    skipped = len(rows.totals) + len(rows.headers) + len(rows.pages)
    return GridRows(
        table=table, format=header.format.id, frame=frame, rows_read=len(rows.data) + skipped,
        skipped=skipped + len(reading.drop - reading.reject), rejected=len(reading.reject),
        problems=reading.problems, facts=facts, first=first, last=last, sheet=grid.name,
    )


# ----------------------------------------------------------------------------------------------- rows by what they are


def _sort_rows(grid: Grid, header: Header) -> _Sorted:
    """Data, totals, and what belongs to the page; blank rows are none of them."""
    known = header.format
    top = grid.rows[header.row]
    folded_top = [fold(cell) for cell in top]
    above = {_joined(row) for row in grid.rows[: header.row] if row}
    labels, footers = known.label_pattern, known.footer_pattern
    rows = _Sorted()
    if known.native:
        rows.data = [at for at in range(header.row + 1, len(grid.rows)) if any(grid.rows[at])]
        return rows
    first_column = min(header.columns.values())
    on_page = {"": False}  # per first cell of a row: whether it makes the row part of the page

    def is_page(first: str) -> bool:
        return bool((footers and footers.match(first)) or (labels and labels.match(first + "\x1f")))

    for at in range(header.row + 1, len(grid.rows)):
        row = grid.rows[at]
        first = row[0] if row and row[0] else next((cell for cell in row if cell), "")
        if not first:
            continue
        if row == top or (len(row) > first_column and row[first_column] == top[first_column]
                          and _same_header(row, folded_top)):
            rows.headers.append(at)
        elif "计" in "".join(row[:8]) and any(_is_total(cell, known.totals) for cell in row[:8] if "计" in cell):
            rows.totals.append(at)
        elif not first[0].isdigit() and (on_page[first] if first in on_page
                                         else on_page.setdefault(first, is_page(first))):
            rows.pages.append(at)
        elif len(row) - row.count("") < 4:
            text = _joined(row)
            lonely = len(row) - row.count("") == 1 and not any(char.isdigit() for char in text)
            if text in above or lonely or (footers and footers.match(text)):
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
    table = INPUT_TABLES[header.format.table]
    for fact in ("person_id", "psn_no", "person_name", "region", "employer", "payer", "scheme", "sub_account", "tier"):
        if fact in facts and fact not in cells and (fact in table or fact in IDENTITY_COLUMNS):
            text = facts[fact].split(" ")[0] if fact in (*IDENTITY_COLUMNS, "region") else facts[fact]
            cells[fact] = [text] * len(rows)
    return cells


def _drop_page_repeats(reading: _Reading) -> None:
    """Rows printed again at a page break: all cells the same, and a balance that a second payment would have moved."""
    grid, balance = reading.grid, reading.cells.get("balance_fen")
    if grid.kind != "pdf" or balance is None:
        return
    amounts = [reading.cells[name] for name in ("amount_fen", "in_fen", "out_fen") if name in reading.cells]
    for position in range(1, len(reading.at)):
        at, before = reading.at[position], reading.at[position - 1]
        if (grid.rows[at] == grid.rows[before] and balance[position]
                and grid.places[at].split(":")[0] != grid.places[before].split(":")[0]
                and any(any(char in "123456789" for char in column[position]) for column in amounts)):
            reading.repeats.add(position)
            reading.note("page-repeat", position)
    reading.drop |= reading.repeats


# ---------------------------------------------------------------------------------------------------- columns and cells


def _check_shape(reading: _Reading) -> None:
    """Rows longer than the header, error cells and formulas without a value are rejected."""
    grid, width = reading.grid, len(reading.grid.rows[reading.header.row])
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
    schema = INPUT_TABLES[reading.format.table]
    for column, cells in reading.cells.items():
        if column in IDENTITY_COLUMNS or column == "flow_kind":
            continue
        if column == "currency":
            _refuse_foreign(reading, cells)
            continue
        if column.endswith("_fen"):
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
    if INPUT_TABLES[known.table].get(column) == pl.Boolean():
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


_SIGN_WORDS = frozenset({"+", "-"})  # codes, where every other column means "nothing" by a dash


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
            reading.read[column] = [default if value is None else value for value in reading.column(column)]


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
    if reading.format.amount == "in_out":
        _net_in_out(reading)
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
        excused = reading.reject | reading.drop | {
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
            try:
                stated = values.parse_fen(row[index], factor) if len(row) > index else None
            except Unreadable:
                stated = None
            whole = sum(printed[:upto])
            if stated is not None and stated not in (whole, sum(printed[since:upto])):
                reading.problems.append(Problem("total-mismatch", None, reading.grid.places[at], reading.shown(column),
                                                f"{yuan(stated)} ≠ {yuan(whole)}"))
            since = upto


def _check_stated_totals(reading: _Reading, facts: dict[str, str]) -> None:
    """Totals the preamble or footer states: money in, money out, number of lines."""
    if reading.unreadable.get("amount_fen") or "amount_fen" not in reading.read:
        return
    amounts = [value or 0 for position, value in enumerate(reading.read["amount_fen"])
               if position not in reading.repeats]
    came = sum(value for value in amounts if value > 0)
    went = -sum(value for value in amounts if value < 0)
    for fact, actual, parse in (("total_in", came, values.parse_fen), ("total_out", went, values.parse_fen),
                                ("total_count", len(amounts), _count)):
        if fact not in facts:
            continue
        try:
            stated = parse(facts[fact].split(" ")[0])
        except Unreadable:
            continue
        shown: Callable[[int], str] = str if fact == "total_count" else yuan
        if stated is not None and abs(stated) != actual:
            reading.problems.append(Problem("total-mismatch", None, None, fact, f"{shown(stated)} ≠ {shown(actual)}"))


def _count(text: str) -> int | None:
    digits = text.strip("共笔条行记录")
    return int(digits) if digits.isdigit() else None


def check_balance(frame: pl.DataFrame, column: str) -> list[Problem]:
    """Breaks of the running balance, in the file's order or the reverse, whichever fits better."""
    if "balance_fen" not in frame.columns or frame["balance_fen"].null_count() == frame.height:
        return []
    account = ["person_id", "_number", "_psn", "_name"]
    keys = [account] if "sub_account" not in frame.columns else [account, [*account, "sub_account"]]
    best: pl.DataFrame | None = None
    for key in keys:
        for step in (1, -1):
            before = pl.col("balance_fen").shift(step).over(key)
            broken = frame.with_columns((pl.col("balance_fen") - before - pl.col("amount_fen")).alias("_gap")).filter(
                pl.col("_gap") != 0
            )
            if best is None or broken.height < best.height:
                best = broken
    assert best is not None  # at least one order was tried
    return [
        Problem("balance-break", None, place, column, yuan(gap))
        for place, gap in best.select("_place", "_gap").iter_rows()
    ]


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


def _frame(reading: _Reading) -> pl.DataFrame:
    """The accepted rows: the table's columns that were read, and the helpers."""
    schema = INPUT_TABLES[reading.format.table] | {"_last_month": pl.Date()} | dict.fromkeys(HELPERS, pl.String())
    wanted = {column: schema[column] for column in reading.read if column in schema}
    lost = reading.reject | reading.drop
    kept = [position for position in range(len(reading.at)) if position not in lost] if lost else None
    data = {
        column: reading.read[column] if kept is None else [reading.read[column][at] for at in kept] for column in wanted
    }
    at = reading.at if kept is None else [reading.at[position] for position in kept]
    frame = pl.DataFrame(data, schema=wanted)
    return frame.with_columns(
        pl.Series("_at", at, dtype=pl.Int64()),
        pl.Series("_place", [reading.grid.places[each] for each in at], dtype=pl.String()),
    )
