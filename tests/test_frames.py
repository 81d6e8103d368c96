"""Large regular texts are read as columns, with the rows, places, problems and tables of the row by row reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.reading import csv_grid
from recon.reading.containers import open_bytes
from recon.reading.folder import read_folder
from support import MAPPINGS, SAMPLES

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


def test_blocks_cut_no_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few bytes, characters of two and four bytes, beyond the first plane too."""
    from recon.reading import text_frame

    body = "".join(f"测试{chr(0x20000 + at)}㐀,{at},镕\n" for at in range(300)).encode("gb18030")
    monkeypatch.setattr(text_frame, "_BLOCK", 7)
    frame = text_frame.text_frame(body.rstrip(), "gb18030", ",", 3)
    assert frame is not None
    assert frame.row(299) == (f"测试{chr(0x20000 + 299)}㐀", "299", "镕")
    assert frame.height == 300
