"""Columns read by polars say what the parsers of single cells say, whatever stands in the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.reading import columns, identity, values
from recon.reading.columns import Column

ODD = [
    "", " ", "-", "—", "/", "***", "空", "无", "(空)", "null", "NaN", "none", "N/A", "\u00a0", "\u3000", "\u200b", "0", "-0", "00", "-0.00", "1.",
    ".5", "1,234.50", "-1,234", "12,34", "1,2345", "(1,234.00)", "（120.00）", "120.00-", "120.00CR", "120.00DR", "贷120", "¥ 8,000.00",
    "8000元", "人民币80", "1e5", "1.2E+3", "1_00", "１２０．００", "٣", "12 0", "+5", "−5", "--5", "0x10", "inf", "9999999999999.99",
    "10000000000000", "99999999999999999999", "0.005", "29.020000000000003", "1.999", "120.0000001", "999,999,999,999.99", "1,000,000,000,000",
    "2024-01-31", "2024-02-30", "2024/1/5", "20240131", "20241301", "2024-01-31 10:33:21", "2024-01-31T10:33", "2024-01-31 25:99:99",
    "20240131103321", "20240131 103321", "2024年1月", "202401", "2024-13", "2023.1", "2023.01", "202301-202312", "2023-01至2023-03", "45323", "45323.5",
    "1899-01-01", "2200-01-01", "0000-00-00", "２０２４-０１-３１", "05/12/2024", "*202401", "2024-01-31 0:0",
    "测试甲", "王 样例", "阿依·测试", "测试•甲", "测?甲", "测*", "⾼样例", "测试甲 ", "'测试甲", '="0012"', "_x000D_", "a b", "AB", "Zhang San", "工伤",
    "11010519491231002X", "11010519491231002x", "110105194912310021", "110105198013011231", "110105491231002", "810000199001010019",
    "1101051949******2X", "1.10105E+17", "E12345678", "H12345678", "911105194912310020", "110105-19491231-002X", "11010519491231002Х",
    "110105189912310026", "110105000000000018", "110101199001011000", "PSN:1234", "DOC:E12345678", "1E15", "0001234567", "abc", "NULL", "１２３４",
]
CELLS = st.lists(st.one_of(
    st.sampled_from(ODD), st.text(max_size=6), st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[0-9,.\-()（）¥元 ]{1,12}", fullmatch=True), st.from_regex(r"[12][0-9]{3}[-/.年]?[01][0-9][-/.月]?[0-3]?[0-9]?日?", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True), st.integers(0, 10**6).map(lambda fen: f"{fen / 100:,.2f}"),
), max_size=12)
READERS: dict[str, Callable[[Sequence[str]], Any]] = {
    "fen": columns.fen,
    "fen in 万元": lambda cells: columns.fen(cells, values.WAN),
    "whole fen": columns.whole_fen,
    "days": columns.days,
    "months": columns.months,
    "years": lambda cells: columns.by_value(cells, values.parse_year, pl.Date()),
    "flags": lambda cells: columns.by_value(cells, values.parse_flag, pl.Boolean()),
    "texts": columns.texts,
    "names": columns.names,
    "numbers": lambda cells: columns.ids(cells)[:2],
    "psn": columns.psns,
    "accounts": lambda cells: columns.by_value(cells, identity.read_account, pl.String()),
    "where": lambda cells: columns.where(cells, {"", "0", "测试甲"}),
    "distinct": columns.distinct,
    "missing": lambda cells: columns.all_missing([columns.texts(cells), columns.fen(cells)[0]]),
    "coalesced": lambda cells: columns.coalesced(columns.psns(cells), columns.texts(cells)),
    "less": lambda cells: columns.where_less(columns.fen(cells)[0], columns.whole_fen(cells)[0]),
    "span": lambda cells: columns.span(columns.days(cells)[0]),
    "filled": lambda cells: columns.filled(columns.fen(cells)[0], 7, pl.Int64()),
    "only": lambda cells: columns.only(columns.texts(cells), [at for at in range(len(cells)) if at % 2]),
    "present": lambda cells: columns.present(columns.days(cells)[0]),
    "full": lambda cells: columns.is_full(columns.texts(cells)),
    "equal": lambda cells: columns.where_equal(*columns.months(cells)[:2]),
}


def plain(value: Any) -> Any:
    """Columns as lists, inside tuples too."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return list(value) if isinstance(value, Column) else value


@pytest.mark.parametrize("name", READERS)
def test_every_odd_cell_is_read_alike(name: str) -> None:
    """All of them in one column, and each of them twice."""
    read = READERS[name]
    for cells in (ODD, ODD + ODD[::-1], ["1.00"] * 3, [""] * 3, []):
        assert plain(read(Column(pl.Series(cells, dtype=pl.String)))) == plain(read(cells))


@settings(max_examples=40, deadline=None)
@given(CELLS)
def test_any_cells_are_read_alike(cells: list[str]) -> None:
    """The values, and the positions of what cannot be read."""
    for read in READERS.values():
        assert plain(read(Column(pl.Series(cells, dtype=pl.String)))) == plain(read(cells))


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_each_cell_alone_is_the_oracle(cells: list[str]) -> None:
    """A column of amounts is its cells, one by one."""
    def alone(text: str) -> int | str | None:
        try:
            return values.parse_fen(text)
        except values.Unreadable:
            return "unreadable"

    read, bad = columns.fen(Column(pl.Series(cells, dtype=pl.String)))
    assert ["unreadable" if at in bad else value for at, value in enumerate(read)] == list(map(alone, cells))


def test_ordinary_cells_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the tests above would hold for a fast way that is never taken."""
    def refused(*_: Any) -> Any:
        raise AssertionError

    amounts = Column(pl.Series(["0", "-12.5", "8,000.00", "1234567.89", ""]))
    people = Column(pl.Series(["11010519491231002X", "11010519491231002X"]))
    monkeypatch.setattr(values, "parse_fen", refused)
    monkeypatch.setattr(identity, "read_id", refused)
    assert list(columns.fen(amounts)[0]) == [0, -1250, 800_000, 123_456_789, None]
    assert list(columns.ids(people)[0]) == ["11010519491231002X"] * 2
