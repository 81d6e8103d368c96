"""Parquet of recon's own tables gives, column by column, what the same rows give as text."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.problems import Problem
from recon.reading import parquet
from recon.reading.claim import Head, Header, claim
from recon.reading.lines import GridRows
from recon.reading.native import native_formats
from recon.reading.parquet import ParquetGrid, open_parquet, read_parquet_rows
from recon.reading.rows import read_rows
from recon.tables import INPUT_TABLES

IDS = ["110105199001010053", "110105199001010054", "110105199001010053 ", "PSN:42001", "11010519900101005x", "", None,
       "H12345678", "1101**********0053", "910105199001010053", "110105199013010053", "x"]
TEXTS = ["", None, "甲", " 甲 乙", "-", "ＡＢ", "nan", "示例公司"]
VALUES: dict[str, list[Any]] = {
    "person_id": IDS, "flow_kind": ["credit", "spend", "unheard", None, ""], "proof": ["billed", None, "x"],
    "payment_kind": ["normal", None, "refund", "?"], "region": ["420100", None],
}


def opened(frame: pl.DataFrame) -> ParquetGrid:
    """The frame as a Parquet file, opened."""
    data = io.BytesIO()
    frame.write_parquet(data)
    grid = open_parquet(data.getvalue())
    assert isinstance(grid, ParquetGrid)
    return grid


def header_of(grid: ParquetGrid, table: str) -> Header:
    """Its header, as the native format of ``table`` finds it."""
    known = next(each for each in native_formats() if each.table == table)
    found = claim(Head.of(grid), known)
    assert isinstance(found, Header)
    return found


def assert_same(quick: GridRows, slow: GridRows) -> None:
    """Rows, counts, problems and spans agree."""
    columns = sorted(set(slow.frame.columns) - {"row_id"})  # every row gets its own
    assert sorted(set(quick.frame.columns) - {"row_id"}) == columns
    assert quick.frame.select(columns).rows() == slow.frame.select(columns).rows()
    assert quick.frame.select(columns).schema == slow.frame.select(columns).schema
    told = [sorted(map(repr, rows.problems)) for rows in (quick, slow)]
    assert told[0] == told[1]
    blank = pl.DataFrame()
    assert replace(quick, frame=blank, problems=[]) == replace(slow, frame=blank, problems=[])


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, pl.DataFrame]:
    """An input table with some of its columns, and rows of which some are odd."""
    table = draw(st.sampled_from(["contribution", "flow", "person", "payroll", "enrolment"]))
    schema = INPUT_TABLES[table]
    must = {"contribution": ["person_id", "accrual_month", "employee_fen"],
            "flow": ["person_id", "posted_on", "amount_fen"], "person": ["person_id", "person_name"],
            "payroll": ["person_id", "pay_month", "deducted_fen"], "enrolment": ["person_id", "from_month"]}[table]
    chosen = must + draw(st.lists(st.sampled_from([name for name in schema if name not in must]), unique=True))
    size = draw(st.integers(1, 12))

    def cells(name: str) -> st.SearchStrategy[list[Any]]:
        kind = schema[name]
        one: st.SearchStrategy[Any] = st.sampled_from(VALUES.get(name, TEXTS))
        if kind == pl.Int64():
            one = st.one_of(st.none(), st.integers(-10**6, 10**6), st.sampled_from([10**18, 10**15, 10**15 - 1]))
        elif kind == pl.Date():
            one = st.one_of(st.none(), st.dates(date(2022, 1, 1), date(2025, 12, 31)), st.just(date(1492, 1, 1)))
        elif kind == pl.Boolean():
            one = st.one_of(st.none(), st.booleans())
        return st.lists(one, min_size=size, max_size=size)

    return table, pl.DataFrame({name: draw(cells(name)) for name in chosen},
                               schema={name: schema[name] for name in chosen})


@settings(deadline=None, max_examples=80)
@given(tables())
def test_columns_and_text_agree(drawn: tuple[str, pl.DataFrame]) -> None:
    """Whatever the rows: the same frame, counts and problems."""
    table, frame = drawn
    grid = opened(frame)
    header = header_of(grid, table)
    assert_same(read_parquet_rows(grid, header), read_rows(grid.whole(), header))


def test_plain_rows_take_no_detour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the odd row is turned to text."""
    frame = pl.DataFrame({
        "person_id": ["110105199001010053"] * 200, "posted_on": [date(2024, 2, 12)] * 200,
        "flow_kind": ["credit"] * 199 + ["unheard"], "amount_fen": [100] * 200, "balance_fen": [None] * 200,
    }, schema_overrides={"balance_fen": pl.Int64})
    grid = opened(frame)
    seen: list[int] = []
    real = parquet.read_rows

    def note(text: Any, header: Header) -> GridRows:
        seen.append(len(text.rows))
        return real(text, header)

    monkeypatch.setattr(parquet, "read_rows", note)
    rows = read_parquet_rows(grid, header_of(grid, "flow"))
    assert seen == [2]
    assert (rows.rows_read, rows.rejected, rows.frame.height) == (200, 1, 199)
    assert [problem.place for problem in rows.problems] == ["R200"]


def test_what_is_no_parquet_is_a_problem() -> None:
    """A damaged file is named, not raised."""
    assert isinstance(open_parquet(b"PAR1 nothing PAR1"), Problem)
