"""Rows written straight into a streamed sheet are the bytes that XlsxWriter writes cell by cell."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from recon.report import stream
from recon.report.paper import Book, Column, Toned, write_rows, write_table
from recon.report.words import Words
from recon.report.workbook import write_workbook
from report_run import every_verdict

NASTY = [
    "", " ", "测试甲", "a&b<c>d\"e'", "=1+1", "_x0041_", "_x004", "头尾 ", "\t制表", "<r>不是富文本</r>", "换\n行", "🙂",
    "x" * 40_000, "\x00\x1b控制", "\u202e倒写", "\u3000全角", "0012", "1e5",
]
COLUMNS = [Column("文"), Column("金额", "money"), Column("日", "day"), Column("长", "long"), Column("数", "int")]


def _sheets(path: Path) -> dict[str, str]:
    with ZipFile(path) as package:
        return {name: package.read(name).decode() for name in package.namelist() if name.startswith("xl/worksheets/s")}


def _both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object) -> tuple[dict[str, str], dict[str, str]]:
    """The sheets of two streamed workbooks: rows put down at once, and cell by cell."""
    options = {"constant_memory": True, "tmpdir": str(tmp_path), "strings_to_formulas": False,
               "strings_to_urls": False, "strings_to_numbers": False}
    for name in ("quick", "slow"):
        if name == "slow":
            monkeypatch.setattr(stream, "_NEEDED", ("nothing of this name",))
        with xlsxwriter.Workbook(str(tmp_path / f"{name}.xlsx"), options) as workbook:
            write(Book(workbook, Words("zh")))  # type: ignore[operator]
    return _sheets(tmp_path / "quick.xlsx"), _sheets(tmp_path / "slow.xlsx")


def test_rows_are_the_bytes_xlsxwriter_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(text, number, date(2025, 3, 1), text, -number) for number, text in enumerate(NASTY, start=99)]
    rows[3] = (Toned("甲", "bad"), Toned(5, "good", "int"), None, "一" * 300, None)
    rows.append((None, 10**15 + 1, date(1899, 1, 1), "两\n行", 0))

    def write(book: Book) -> None:
        sheet = book.sheet("表")
        sheet.write_string(0, 0, "题", book.styles.title)
        bottom = write_rows(book, sheet, 1, COLUMNS, rows)
        sheet.write_string(bottom, 2, "下", book.styles.note)
        write_rows(book, sheet, bottom + 2, COLUMNS, rows[:3], widths=[9.0] * 5)
        write_table(book, "另", COLUMNS, rows, frozen=1)
        write_table(book, "空", COLUMNS, [])

    quick, slow = _both(tmp_path, monkeypatch, write)
    # The one difference: text like a rich string is text, where XlsxWriter lets it through as markup.
    raw = '<is><r>不是富文本</r></is>'
    plain = '<is><t>&lt;r&gt;不是富文本&lt;/r&gt;</t></is>'
    assert quick == {name: text.replace(raw, plain) for name, text in slow.items()}
    cells = load_workbook(tmp_path / "quick.xlsx")["另"]
    assert cells["A11"].value == "<r>不是富文本</r>"


@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=4),
       fen=st.integers(min_value=-10**14, max_value=10**14))
def test_any_text_and_amount_is_written_the_same(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], fen: int,
) -> None:
    rows = [(text, fen, date(2024, 2, 29), text, number) for number, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick, slow = _both(tmp_path_factory.mktemp("s"), monkeypatch,
                            lambda book: write_table(book, "表", COLUMNS, rows))
    assert quick == slow


def test_a_streamed_report_has_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.report.workbook._STREAMED_ROWS", 1)
    for name in ("quick", "slow"):
        if name == "slow":
            monkeypatch.setattr(stream, "_NEEDED", ("nothing of this name",))
        write_workbook(tmp_path / f"{name}.xlsx", every_verdict())
    quick, slow = _sheets(tmp_path / "quick.xlsx"), _sheets(tmp_path / "slow.xlsx")
    assert quick == slow
    for text in quick.values():
        rows = re.findall(r'<row r="(\d+)"', text)
        assert rows == sorted(set(rows), key=int)
