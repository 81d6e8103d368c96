"""Columns of text -> columns of values: amounts, days, months and code words, each with what could not be read.

Columns are read whole, by distinct value where the spelling is free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

from recon.reading import checks, columns, values
from recon.reading.claim import Header
from recon.reading.format import SCHEMAS, STATEMENT, is_amount
from recon.reading.grid import ERROR, FORMULA, Grid
from recon.reading.lines import IDENTITY_COLUMNS, REQUIRED, Reading, word
from recon.reading.values import fold

_FORGIVING = frozenset({"person", "enrolment"})  # an odd cell there loses the cell, not the row
# What becomes of a code word no list knows, where the format does not say.
_UNKNOWN_WORD = {"payment_kind": "reject", "proof": "reject", "flow_kind": "other", "paid": "null",
                 "insured_status": "null", "reversed": "null", "void": "null", "id_type": "null", "direction": "reject",
                 "state": "null", "party": "reject"}
_YUAN = frozenset({"人民币", "人民币元", "元", "cny", "rmb", "156", "本币"})
_SIGN_WORDS = frozenset({"+", "-", "/"})  # codes, where every other column means "nothing" by a dash


def cells_of(grid: Grid, header: Header, at: list[int], facts: dict[str, str]) -> dict[str, Sequence[str]]:
    """Text of every column the format knows; what the preamble states stands in for a column that is not there."""
    cells = {column: grid.cells_of(index, at) for column, index in header.columns.items()}
    wide = any(isinstance(column, columns.Column) for column in cells.values())
    table = SCHEMAS[header.format.table]
    for fact in ("person_id", "psn_no", "person_name", "region", "employer", "payer", "scheme", "sub_account", "tier",
                 "proof", "accrual_month", "pay_month", "account_no"):
        known = fact in table or fact in IDENTITY_COLUMNS or fact == "account_no"
        if fact in facts and fact not in cells and known:
            text = _first_word(facts[fact]) if fact in (*IDENTITY_COLUMNS, "region", "account_no") else facts[fact]
            cells[fact] = columns.repeated(text, len(at), pl.String()) if wide else [text] * len(at)
    return cells


def _first_word(text: str) -> str:
    """A name or number out of a sentence: ``测试甲（居民身份证：…），在其微信号`` or ``[测试甲]``."""
    return next(filter(None, re.split(r"[\s()（）\[\],，;；]+", text)), "")


def drop_rows(reading: Reading) -> None:
    """Rows the format says to leave out (other insurances, void lines): counted as skipped."""
    for column, words in reading.format.drop.items():
        cells = reading.cells.get(column, [])
        hits = {text for text in columns.distinct(cells) if text and any(part in fold(text) for part in words)}
        reading.drop.update(columns.where(cells, hits))
    void = reading.cells.get("void", [])
    dead = {text for text in columns.distinct(void) if text and word(text, reading.format, "void") == "true"}
    reading.drop.update(columns.where(void, dead))
    reading.silent |= reading.drop


def drop_page_repeats(reading: Reading) -> None:
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


def check_shape(reading: Reading) -> None:
    """Rows longer than the header, error cells and formulas without a value are rejected."""
    grid, top = reading.grid, reading.header
    width = max(len(row) for row in reading.grid.rows[top.top:top.row + 1])
    for position in grid.longer_than(width, reading.at):
        reading.refuse("ragged-row", position, value=f"{len(grid.rows[reading.at[position]])} > {width}")
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
            cells = list(reading.cells[column_of[index]])
            cells[position_of[at]] = ""
            reading.cells[column_of[index]] = cells


def read_columns(reading: Reading) -> None:
    """Every column of text as values; cells that cannot be read reject their row."""
    schema = SCHEMAS[reading.format.table]
    for column, cells in reading.cells.items():
        if column in (*IDENTITY_COLUMNS, "flow_kind", "state") or "@" in column:
            continue
        if column == "currency":
            if reading.format.table != STATEMENT:
                _refuse_foreign(reading, cells)
            continue
        if is_amount(column):
            fen, bad = (columns.whole_fen(cells) if reading.format.native
                        else columns.fen(cells, reading.header.factors.get(column, 1)))
            take(reading, column, fen, bad, "unreadable-amount")
        elif column.endswith("_month"):
            first, last, bad = columns.months(cells)
            take(reading, column, first, bad, "unreadable-month")
            if column == "accrual_month" and reading.format.table == "contribution":
                reading.read["_last_month"] = last
            elif column == "accrual_month":  # an account line for several months names no one month
                reading.read[column] = columns.where_equal(first, last)
        elif schema.get(column) == pl.Date():
            days, bad = columns.days(cells)
            take(reading, column, days, bad, "unreadable-date")
        elif column in reading.format.words or column in reading.format.contains:
            read_words(reading, column)
        elif schema.get(column) == pl.Boolean():
            flags, bad = columns.by_value(cells, values.parse_flag, pl.Boolean())
            take(reading, column, flags, bad, "unknown-code")
        else:
            reading.read[column] = columns.texts(cells)


def _refuse_foreign(reading: Reading, cells: Sequence[str]) -> None:
    foreign = {text for text in columns.distinct(cells)
               if text and not values.is_empty(text) and fold(text) not in _YUAN}
    for position in columns.where(cells, foreign):
        reading.refuse("foreign-currency", position, "currency", cells[position])


def take(reading: Reading, column: str, read: Sequence[Any], bad: list[int], code: str) -> None:
    """Keep a column that was read; its unreadable cells reject their rows, in lists of people only themselves."""
    reading.read[column] = read
    reading.unreadable[column] = set(bad)
    for position in bad:
        value = reading.cells[column][position]
        if reading.format.table in _FORGIVING:
            reading.note(code, position, column, value)
        else:
            reading.refuse(code, position, column, value)


def read_words(reading: Reading, column: str) -> None:
    """A column of code words as canonical values; unknown words as the format says."""
    cells, known = reading.cells[column], reading.format
    rule = known.unknown.get(column, _UNKNOWN_WORD.get(column, "keep"))
    found: dict[str, Any] = {}
    unknown: set[str] = set()
    for text in columns.distinct(cells):
        value = None if values.is_empty(text) and text not in _SIGN_WORDS else word(text, known, column)
        if value is None and text and not values.is_empty(text):
            unknown.add(text)
            value = {"keep": values.clean(text), "other": "other"}.get(rule)
        found[text] = value
    kind: Any = pl.String()
    if SCHEMAS[known.table].get(column) == pl.Boolean():
        kind, found = pl.Boolean(), {text: None if value is None else value == "true" for text, value in found.items()}
    reading.read[column] = columns.mapped(cells, found, kind)
    said: set[str] = set()
    for position in columns.where(cells, unknown):
        if position in reading.silent:
            continue
        text = cells[position]
        if rule == "reject":
            reading.refuse("unknown-code", position, column, text)
        elif text not in said and not (rule == "keep" and known.native):
            said.add(text)
            reading.note("unknown-word", position, column, text)


def fill_defaults(reading: Reading) -> None:
    """Where the file is silent, what the format states; a flag that is there and unreadable stays unknown."""
    for column, default in reading.format.defaults.items():
        if column == "paid":
            if column not in reading.read:
                reading.read[column] = (
                    reading.repeated(default, pl.Boolean()) if isinstance(default, bool)
                    else columns.present(reading.column(default))
                )
        else:
            stated, kind = default, SCHEMAS[reading.format.table].get(column, pl.String())
            if kind == pl.Date():  # the month of a column of months
                stated = (values.parse_months(default) or (None, None))[0]
            reading.read[column] = columns.filled(
                reading.read.get(column) or reading.repeated(None, kind), stated, kind)


def check_required(reading: Reading) -> None:
    """Reject rows without the values that a row of the table has to have."""
    for group in REQUIRED[reading.format.table]:
        known = [reading.read[column] for column in group if column in reading.read]
        if any(columns.is_full(column) for column in known):
            continue
        excused = reading.reject | reading.drop | reading.neutral | {
            position for column in group for position in reading.unreadable.get(column, ())
        }
        for position in columns.all_missing(known) if known else range(len(reading.at)):
            if position not in excused:
                reading.refuse("missing-value", position, _named(reading, group))


def _named(reading: Reading, group: tuple[str, ...]) -> str:
    """The column of a group that the file has, for the message."""
    also = {"amount_fen": ("in_fen", "out_fen"), "flow_kind": ("kind_text", "memo")}
    for column in (*group, *(piece for name in group for piece in also.get(name, ()))):
        if column in reading.header.columns:
            return column
    return group[0]


def finish_reading(reading: Reading) -> None:
    """Figures of a whole year stand at its end."""
    if "year" not in reading.cells or "read_on" in reading.cells:
        return
    days, bad = columns.by_value(reading.cells["year"], values.parse_year, pl.Date())
    take(reading, "year", days, bad, "unreadable-date")
    reading.read["read_on"] = days
