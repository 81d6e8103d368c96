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

from recon.reading import csv_grid
from recon.reading.claim import Head, Header
from recon.reading.containers import open_bytes, open_file
from recon.reading.folder import _claims, read_folder
from recon.reading.formats import load_formats
from recon.reading.frame_grid import FrameGrid
from recon.reading.grid import Grid
from recon.reading.lines import GridRows
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert replace(fast, frame=slow.frame, also=[]) == replace(slow, also=[])
    for one, other in zip(slow.also, fast.also, strict=True):
        assert_alike(one, other)


@pytest.fixture(scope="module")
def claimed() -> list[tuple[str, Grid, Header]]:
    """Every table of every sample, with its header."""
    formats, found = load_formats([MAPPINGS]), []
    for folder in (SAMPLES, FORMAT_SAMPLES):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".tsv")):
            for grid in open_file(path, formats.header_words).grids:
                headers = _claims(Head.of(grid), formats)[0] if grid.rows else []
                found += [(path.name, grid, header) for header in headers[:1] if type(grid) is Grid]
    assert len({header.format.id for *_, header in found}) > 50
    return found


def test_every_sample_as_columns(claimed: list[tuple[str, Grid, Header]]) -> None:
    """Statements, accounts, declarations, wallets: whatever container they came in, once more as columns."""
    for name, grid, header in claimed:
        slow, fast = both_ways(grid, header)
        assert fast.format == header.format.id, name
        assert_alike(slow, fast)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
