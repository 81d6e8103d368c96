"""Large regular texts are read as columns, with the rows, places, problems and tables of the row by row reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from recon.reading import columns, csv_grid
from recon.reading.claim import Head, Header
from recon.reading.columns import Column
from recon.reading.containers import open_bytes, open_file
from recon.reading.folder import read_folder
from recon.reading.format import is_amount
from recon.reading.formats import load_formats
from recon.reading.frame_grid import FrameGrid
from recon.reading.grid import Grid
from recon.reading.lines import GridRows
from recon.reading.one_file import claims_of
from recon.reading.printed import _row_sums
from recon.reading.rows import read_rows
from support import FORMAT_SAMPLES, MAPPINGS, SAMPLES
from test_columns import ODD

CELLS = st.sampled_from([
    "", "1", "2024-05-12", "测试甲", " 120.00 ", "合计", "计划", "\u3000x", "\u00a0y\u00a0", "1.1E+17", '"a"', "'0012", "a b", "－5", "z\u200b",
    "\x01", "—", "“好”", "第1页",
    "丂丂a", " 宽 ", "镕𠀀x", "​", "é ",
])


def both(monkeypatch: pytest.MonkeyPatch, data: bytes) -> tuple[Any, Any]:
    """What the readers by column (from the sixth line on) and by row make of a text."""
    slow = open_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(csv_grid, "LARGE", 0)
        patch.setattr(csv_grid, "_SNIFF_LINES", 5)
        return slow, open_bytes(data)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=3, max_size=4), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]),
       st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]), st.sampled_from([",", "\t", "|"]))
def test_the_same_rows_and_places(
    monkeypatch: pytest.MonkeyPatch, rows: list[list[str]], end: str, codec: str, delimiter: str
) -> None:
    """Whatever stands in the cells: read as columns or refused as columns, the grid is the same."""
    text = end.join(delimiter.join(row) for row in [["姓名", "日期", "金额"]] * 6 + rows)
    slow, fast = both(monkeypatch, text.encode(codec))
    assert [list(grid.rows) for grid in fast.grids] == [grid.rows for grid in slow.grids]
    assert [list(grid.places) for grid in fast.grids] == [grid.places for grid in slow.grids]
    assert fast.problems == slow.problems


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=4).filter(lambda cell: b"\n" not in cell), min_size=1, max_size=5))
def test_odd_bytes_are_refused_alike(monkeypatch: pytest.MonkeyPatch, cells: list[bytes]) -> None:
    """Halves of characters at the edge of a cell, bytes no encoding has, letters that end a character."""
    head = "姓名,日期,金额\n".encode("gb18030") * 6
    slow, fast = both(monkeypatch, head + b"".join(b"\xb2\xe2%b,%d,\xc5|\n" % (cell, at) for at, cell in enumerate(cells)) + b"1,2,3")
    assert [list(grid.rows) for grid in fast.grids] == [grid.rows for grid in slow.grids]
    assert fast.problems == slow.problems


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_regular_text_is_read_as_columns(monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    """Without this the test above would hold for a fast way that is never taken."""
    text = "姓名,日期,金额\n" * 6 + "".join(f"测试甲,2024-01-{day:02d},{day}.00\n" for day in range(1, 29)) + "合计,,9.00"
    slow, fast = both(monkeypatch, text.encode(codec))
    assert type(fast.grids[0]).__name__ == "FrameGrid"
    assert fast.grids[0].rows[-1] == slow.grids[0].rows[-1] == ["合计", "", "9.00"]
    assert fast.grids[0].rows[8:11] == slow.grids[0].rows[8:11]
    assert fast.grids[0].places[-1] == "L35"


@pytest.mark.parametrize("name", ["武汉/单位缴费明细2024.csv", "北京/缴费明细查询.csv", "深圳/职工人员缴费明细.csv"])
def test_the_same_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """A sample with its lines many times over: totals, footers, bad rows and all."""
    data = (SAMPLES / name).read_bytes()
    codec = "utf-8" if data.decode("utf-8", "ignore").encode() == data else "gb18030"
    lines = data.decode(codec).splitlines()
    (tmp_path / "a.csv").write_bytes("\n".join(lines + lines[3:] * 6).encode(codec))

    def read() -> Any:
        return read_folder(tmp_path, mappings=[MAPPINGS], region_of=lambda _: "420100", workers=1)

    slow = read()
    monkeypatch.setattr(csv_grid, "LARGE", 0)
    monkeypatch.setattr(csv_grid, "_SNIFF_LINES", 12)
    fast = read()
    assert all(slow.tables[table].equals(fast.tables[table]) for table in slow.tables)
    assert slow.problems == fast.problems
    assert slow.sources.equals(fast.sources)


def both_ways(grid: Grid, header: Header) -> tuple[GridRows, GridRows]:
    """The rows of a grid read row by row and, below its header, as columns."""
    head = Grid(name=grid.name, rows=grid.rows[:header.row + 2], marks=grid.marks, merged=grid.merged)
    head.places = [f"L{at}" for at in range(1, len(head.rows) + 1)]
    below = grid.rows[len(head.rows):]
    width = max(map(len, grid.rows), default=0)
    frame = pl.DataFrame(
        [[row[at] or None if at < len(row) else None for row in below] for at in range(width)],
        schema={str(at): pl.String for at in range(width)},
    )
    numbers = pl.int_range(len(head.rows) + 1, len(head.rows) + 1 + len(below), eager=True)
    columns = FrameGrid.over(head, frame, numbers, "L")
    columns.merged, columns.by_eye = grid.merged, grid.by_eye
    rows = Grid(name=grid.name, rows=list(columns.rows), places=list(columns.places), marks=grid.marks,
                merged=grid.merged, by_eye=grid.by_eye)
    return read_rows(rows, header, "2024.csv"), read_rows(columns, header, "2024.csv")


def assert_alike(slow: GridRows, fast: GridRows) -> None:
    assert fast.problems == slow.problems
    assert_frame_equal(fast.frame, slow.frame, check_dtypes=True, check_column_order=False)
    assert (fast.proof is None) == (slow.proof is None)
    if fast.proof is not None and slow.proof is not None:
        assert (fast.proof.rows, fast.proof.places) == (slow.proof.rows, slow.proof.places)
        assert_frame_equal(fast.proof.ends, slow.proof.ends, check_column_order=False)
        assert_frame_equal(fast.proof.lines, slow.proof.lines, check_row_order=False)
    assert replace(fast, frame=slow.frame, also=[], proof=None) == replace(slow, also=[], proof=None)
    for one, other in zip(slow.also, fast.also, strict=True):
        assert_alike(one, other)


@pytest.fixture(scope="module")
def claimed() -> list[tuple[str, Grid, Header]]:
    """Every table of every sample, with its header."""
    formats, found = load_formats([MAPPINGS]), []
    for folder in (SAMPLES, FORMAT_SAMPLES):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".tsv")):
            for grid in open_file(path, formats.header_words).grids:
                headers = claims_of(Head.of(grid), formats)[0] if grid.rows else []
                found += [(path.name, grid, header) for header in headers[:1] if type(grid) is Grid]
    assert len({header.format.id for *_, header in found}) > 50
    return found


def test_every_sample_as_columns(claimed: list[tuple[str, Grid, Header]]) -> None:
    """Statements, accounts, declarations, wallets: whatever container they came in, once more as columns."""
    for name, grid, header in claimed:
        slow, fast = both_ways(grid, header)
        assert fast.format == header.format.id, name
        assert_alike(slow, fast)


def test_samples_with_damaged_cells(claimed: list[tuple[str, Grid, Header]]) -> None:
    """Every third amount or code word of every sample: empty, unreadable, zero or negative."""
    for name, grid, header in claimed:
        rows = [list(row) for row in grid.rows]
        told = [index for column, index in header.columns.items() if is_amount(column) or column in header.format.words]
        for at in range(header.row + 1, len(rows)):
            for index in told:
                if (at + index) % 3 == 0 and len(rows[at]) > index:
                    rows[at][index] = ["", "12x", "-7.00", "0", "35.00"][(at * 2 + index) % 5]
        slow, fast = both_ways(replace(grid, rows=rows), header)
        assert (slow.table, slow.rejected) == (fast.table, fast.rejected), name
        assert_alike(slow, fast)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_samples_with_odd_cells_as_columns(claimed: list[tuple[str, Grid, Header]], data: st.DataObject) -> None:
    """Cells, rows and neighbours exchanged, doubled, emptied: the same rows, the same problems, in the same order."""
    _, grid, header = data.draw(st.sampled_from(claimed))
    rows = [list(row) for row in grid.rows]
    body = range(header.row + 1, len(rows))
    for _ in range(data.draw(st.integers(0, 8)) if body else 0):
        at = data.draw(st.sampled_from(body))
        if not rows[at]:
            continue
        column = data.draw(st.integers(0, len(rows[at]) - 1))
        other = data.draw(st.sampled_from(body))
        rows[at][column] = data.draw(st.one_of(
            st.sampled_from(ODD), st.just(rows[other][column] if column < len(rows[other]) else "")))
    order = data.draw(st.lists(st.sampled_from(body), max_size=4)) if body else []
    rows += [rows[at] for at in order]
    whole = Grid(name=grid.name, rows=rows, places=[f"L{at}" for at in range(1, len(rows) + 1)], merged=grid.merged,
                 by_eye=grid.by_eye)
    assert_alike(*both_ways(whole, header))


def test_blocks_cut_no_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few bytes, characters of two and four bytes, beyond the first plane too."""
    from recon.reading import text_frame

    body = "".join(f"测试{chr(0x20000 + at)}㐀,{at},镕\n" for at in range(300)).encode("gb18030")
    monkeypatch.setattr(text_frame, "_BLOCK", 7)
    frame = text_frame.text_frame(body.rstrip(), "gb18030", ",", 3)
    assert frame is not None
    assert frame.row(299) == (f"测试{chr(0x20000 + 299)}㐀", "299", "镕")
    assert frame.height == 300


REFUNDS = """
id = "x"
zh = "某"
table = "contribution"
[claim]
header = ["accrual_month", "employee_fen"]
[columns]
person_id = ["号"]
accrual_month = ["月"]
payment_kind = ["类"]
employee_fen = ["个人"]
employer_fen = ["单位"]
into_account_fen = ["划入"]
[values.payment_kind]
refund = ["退"]
normal = ["正"]
"""


def test_money_given_back_as_columns(tmp_path: Path) -> None:
    """Refunds whose parts cancel, that are negative already, that have one part; more into the account than was paid."""
    (tmp_path / "x.toml").write_text(REFUNDS, encoding="utf-8")
    rows = ["退,10.00,-10.00,5.00", "退,10.00,0,3.00", "退,-10.00,,1.00", "正,-10.00,5.00,", "正,1.00,2.00,9.00", "退,5.00,,4.00", "正,,7,1"]
    whole = [["号", "月", "类", "个人", "单位", "划入"]]
    whole += [["11010519491231002X", f"2024{at % 12 + 1:02d}", *row.split(",")] for at, row in enumerate(rows * 2)]
    grid = Grid(rows=whole, places=[f"L{at}" for at in range(1, len(whole) + 1)])
    [header] = claims_of(Head.of(grid), load_formats([tmp_path]))[0]
    slow, fast = both_ways(grid, header)
    assert slow.frame["payment_kind"].to_list()[:4] == ["refund"] * 4
    assert "into-account-exceeds" in [problem.code for problem in slow.problems]
    assert_alike(slow, fast)


@pytest.mark.parametrize("cells", [["1.00", "2.00", "3.00"], ["1.00", "", "3.00"], ["", "", ""], ["x", "2.00", "2.00"], ["1.00", "2.00", "4.00"],
                                   ["", "2.00", "2.00"], ["", "", "3.00"]])
def test_sums_within_a_row_as_columns(cells: list[str]) -> None:
    """A sum that has to be there, or not, is missing, unreadable or wrong in one row among good ones."""
    good = ["1.00", "2.00", "3.00"]
    rows = [good, cells, good, cells, good]
    for optional in (True, False):
        parts: list[Any] = []
        for kind in (list, lambda column: Column(pl.Series(column, dtype=pl.String))):
            read = [(sign, *columns.fen(kind([row[at] for row in rows])), optional and at < 2)
                    for at, sign in enumerate((1, 1, -1))]
            parts.append(_row_sums(read))
        assert parts[0] == parts[1]
