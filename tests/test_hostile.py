"""Hostile and malformed files: each case of the collected list ends as it should, with a defence that can be seen to fail.

The cases are numbered as in the collection (1 containers, 2 spreadsheets, 3 text, 4 PDF). CASES says for each where its
test is; those that other modules test for their own sake stay there.
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import test_containers as made
from recon.reading import workers
from recon.reading.containers import open_bytes
from recon.reading.file_read import ReadResult
from recon.reading.folder import read_folder
from support import MAPPINGS, ROOT, SAMPLES, run_recon
from test_containers import EDGES, HEAD, RIGHT, ROWS, WORDS, Sheet, codes, only, trimmed

CSV = next((SAMPLES / "武汉").glob("*A003.csv"))
ROSTER = SAMPLES / "花名册.xlsx"


def read(folder: Path, **options: Any) -> ReadResult:
    return read_folder(folder, mappings=[MAPPINGS], region_of=lambda _: "420100", **options)


def lost(result: ReadResult) -> dict[str | None, str]:
    """File -> code of what was wrong with it, of whole files."""
    return {problem.file: problem.code for problem in result.problems if problem.place is None}


# ---- 4.11 what is printed over and beside the rows -------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_4_11_text_drawn_twice_counts_once(shift: float) -> None:
    """Bold by drawing twice, word by word."""
    page = Sheet()
    page.row(80, HEAD)
    for dx in (0.0, shift):
        for i, row in enumerate(ROWS):
            for j, text in enumerate(row):
                page.put((EDGES[j + 1] - 3 if j in RIGHT else EDGES[j] + 3) + dx, 92 + 12 * i, text, j in RIGHT)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_4_11_two_equal_sums_side_by_side_stay_two() -> None:
    page = Sheet()
    page.row(80, HEAD)
    row = ["1", "2024-02-12", "划入", "120.00", "120.00", "120.00", "x"]
    page.row(92, row)
    assert only(open_bytes(page.bytes(), WORDS)).rows[1] == row


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("x", [580, 12])
def test_4_11_a_verification_code_down_the_side_is_no_cell(x: float, ruled: bool) -> None:
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS * 3):
        page.row(92 + 12 * i, row)
    if ruled:
        page.rules([70 + 12 * i for i in range(11)])
    for k, sign in enumerate("A7F3K9Q2M1"):
        page.put(x, 75 + 9.3 * k, sign)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS * 3)]


def test_4_11_small_code_and_large_watermark_are_no_cells() -> None:
    """A code in tiny type inside a cell, and a level watermark that touches a date."""
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    page.canvas.setFont("STSong-Light", 4)
    for k, sign in enumerate("A7F3K9"):
        page.put(285, 84 + 6 * k, sign)
    page.canvas.setFont("STSong-Light", 40)
    page.put(100, 120, "仅供参考")
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_4_11_a_large_title_stays() -> None:
    page = Sheet()
    page.canvas.setFont("STSong-Light", 22)
    page.put(150, 50, "个人账户收支明细")
    page.canvas.setFont("STSong-Light", 8)
    page.row(80, HEAD)
    page.row(92, ROWS[0])
    assert only(open_bytes(page.bytes(), WORDS)).rows[0] == ["个人账户收支明细"]


# ---- 1.1 to 1.5, 4.14 a file that takes its reader down -------------------------------------------------------------


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that puts a library of our making before the real one, in the worker processes of this test."""
    def stub(library: str, text: str) -> None:
        workers.close_idle()
        (tmp_path / "stub").mkdir()
        (tmp_path / "stub" / f"{library}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / "stub")

    yield stub
    workers.close_idle()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good text, one good PDF, and two workbooks."""
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "good.csv").write_bytes(CSV.read_bytes())
    (exports / "good.pdf").write_bytes(next((SAMPLES / "武汉").glob("*A005.pdf")).read_bytes())
    (exports / "a.xlsx").write_bytes(ROSTER.read_bytes())
    return exports


DEATHS = {
    "abort": ("import os; os.abort()", "reader-failed"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "reader-failed"),
    "hang": ("while True: pass", "too-slow"),
    "exit": ("import os; os._exit(0)", "reader-failed"),
    "memory": ("x = bytearray(1 << 36)", "too-large"),
    "chatter": ("import os; os.write(1, b'x' * 9999); raise ValueError('110105198503074917')", "unreadable-file"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_1_1_a_reader_that_dies_costs_one_file(
    death: str, folder: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Abort, segfault, hang, exit, memory: the file is a problem, the others are read, nothing is lost silently."""
    text, code = DEATHS[death]
    reader("python_calamine", text)
    if death == "hang":
        monkeypatch.setattr("recon.reading.files.SECONDS", 1.0)
    result = read(folder)
    if death != "chatter":  # there the second reader takes over
        assert lost(result)["a.xlsx"] == code
    assert "110105198503074917" not in repr(result.problems)
    sources = {row["file"]: row["rows_used"] for row in result.sources.to_dicts()}
    assert sources.keys() == {"good.csv", "good.pdf", "a.xlsx"}
    assert sources["good.csv"] > 5
    assert sources["good.pdf"] > 5


def test_1_1_in_an_archive_it_costs_one_member(folder: Path, reader: Any) -> None:
    with zipfile.ZipFile(folder / "b.zip", "w") as new:
        new.writestr("good.csv", CSV.read_bytes() + b"\n")
        new.writestr("bad.xlsx", ROSTER.read_bytes())
    (folder / "a.xlsx").unlink()
    reader("python_calamine", "import os; os.abort()")
    result = read(folder)
    assert lost(result) == {"b.zip!bad.xlsx": "reader-failed"}
    assert result.tables["flow"].filter(result.tables["flow"]["row_id"].str.starts_with("b.zip!good.csv")).height > 5


def test_1_1_the_command_ends_with_4_and_a_sentence(folder: Path, reader: Any, tmp_path: Path) -> None:
    reader("python_calamine", "import os; os.abort()")
    done = run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--lang", "en"])
    assert done.code == 4
    assert "not usable: 1 files" in done.stdout


def test_1_1_far_apart_cells_in_a_real_reader(folder: Path) -> None:
    """The workbook that makes calamine ask for 500 GB ends as its two cells, and costs nothing else."""
    def fill(book: Any) -> None:
        book.active["A1"] = "姓名"
        book.active["XFD1048576"] = "x"

    (folder / "far.xlsx").write_bytes(made.workbook(fill))
    result = read(folder)
    assert lost(result) == {"far.xlsx": "unknown-format"} or "far.xlsx" not in lost(result)
    assert result.tables["flow"].height > 10


def test_1_2_a_size_that_lies_is_not_believed(tmp_path: Path) -> None:
    """A member that says it is small and unpacks to more is read to what it says, found damaged, and costs itself."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("a.csv", b"0" * (64 << 20))
        new.writestr("b.csv", CSV.read_bytes())
    data = sink.getvalue().replace((64 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(data)
    result = read(tmp_path, workers=1)
    assert lost(result)["a.zip!a.csv"] == "unreadable-file"
    assert result.tables["flow"].height > 5


def test_1_2_many_members(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(made.archive({f"{n}.csv": b"" for n in range(5001)}))
    assert lost(read(tmp_path, workers=1)) == {"a.zip": "too-large"}


def test_1_2_archives_in_archives_end(tmp_path: Path) -> None:
    """An archive that contains archives that contain archives is not followed without end."""
    data = CSV.read_bytes()
    for _ in range(4):
        data = made.archive({"x.zip": data})
    (tmp_path / "a.zip").write_bytes(data)
    assert lost(read(tmp_path, workers=1)) == {"a.zip!x.zip!x.zip": "not-a-table"}


# ---- 1.6, 1.7, 1.10, 1.11 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.xls", "a.csv", "a.pdf", "a", "a.txt.bak"])
def test_1_7_the_name_decides_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(ROSTER.read_bytes())
    assert read(tmp_path, workers=1).tables["person"].height > 5


def test_1_10_the_second_reader_is_named() -> None:
    """A cell type that calamine refuses and openpyxl knows."""
    odd = made.repack(made.workbook(lambda book: made.one_row(book, ["x", 1])),
                      lambda name, xml: xml.replace(b't="n"', b't="z"') if "sheet1" in name else xml)
    opened = open_bytes(odd)
    assert opened.grids[0].rows[1] == ["x", "1"]
    assert [(problem.code, problem.value) for problem in opened.problems] == [("second-reader", "openpyxl")]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_1_11_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Lock files, unfinished downloads and links out of the folder are named; nothing outside is touched."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(CSV.read_bytes())
    exports = tmp_path / "exports"
    deep = exports / "a" / "b" / "（深）".ljust(60, "长")
    deep.mkdir(parents=True)
    (deep / "good.csv").write_bytes(CSV.read_bytes())
    for name in ("~$a.xlsx", ".DS_Store", "Thumbs.db", "desktop.ini", "x.crdownload", "y.part"):
        (exports / name).write_bytes(b"PK")
    (exports / "out.csv").symlink_to(outside / "secret.csv")
    (exports / "outdir").symlink_to(outside)
    (exports / "loop").symlink_to(exports)
    (exports / "self").symlink_to(exports / "self")
    result = read(exports, workers=1)
    assert [source.rpartition("/")[2] for source in result.sources["file"]] == ["good.csv"]
    assert [problem.value for problem in result.problems if problem.code == "files-skipped"] == [
        "7: loop, out.csv, outdir, self, x.crdownload"]


@pytest.mark.parametrize("name", ["../../evil.csv", "/evil.csv", "C:\\evil.csv", "a/../../evil.csv"])
def test_1_11_names_in_archives_lead_nowhere(name: str, tmp_path: Path) -> None:
    """Nothing is unpacked to disk, so a name with dots is only a name."""
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.zip").write_bytes(made.archive({name: CSV.read_bytes()}))
    assert read(exports, workers=1).tables["flow"].height > 5
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "exports"]


@pytest.mark.skipif(not hasattr(sys, "getuid") and sys.platform == "win32", reason="no such rights there")
def test_1_11_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.csv").write_bytes(CSV.read_bytes())
    (tmp_path / "locked.csv").write_bytes(b"x")

    def digest(path: Path) -> str:
        if path.name == "locked.csv":
            raise PermissionError(13, "Permission denied")
        return path.name

    monkeypatch.setattr("recon.reading.files._sha256", digest)
    result = read(tmp_path, workers=1)
    assert lost(result) == {"locked.csv": "unreadable-file"}
    assert result.tables["flow"].height > 5


# ---- 2 spreadsheets, 3 text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [b"", (
    b'<extLst><ext uri="{140A7094-0E35-4892-8432-C4D2E57EDEB5}" '
    b'xmlns:x15="http://schemas.microsoft.com/office/spreadsheetml/2010/11/main">'
    b'<x15:workbookPr chartTrackingRefBase="1"/></ext></extLst>')])
def test_2_12_the_epoch_of_1904(extension: bytes) -> None:
    """A calamine lost the flag behind an extension of Excel 2013, and every date moved by four years."""
    import datetime as dt

    import xlsxwriter

    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "入账日期")
        sheet.write_datetime(1, 0, dt.date(2024, 5, 12), book.add_format({"num_format": "yyyy-mm-dd"}))
    data = made.repack(sink.getvalue(), lambda name, xml: xml.replace(b"</workbook>", extension + b"</workbook>")
                       if name == "xl/workbook.xml" else xml)
    assert only(open_bytes(data)).rows[1] == ["2024-05-12"]


def test_2_16_hidden_rows_count_and_are_said() -> None:
    data = made.repack(made.workbook(lambda book: made.one_row(book, ["x", 1])),
                       lambda name, xml: xml.replace(b'<row r="2"', b'<row r="2" hidden="1"')
                       .replace(b"</sheetData>", b'<row r="9" hidden="1"/></sheetData>'))
    opened = open_bytes(data)
    assert opened.grids[0].rows[1] == ["x", "1"]
    assert [(problem.code, problem.value) for problem in opened.problems] == [("hidden-rows", "明细: 1")]


def test_2_16_phonetic_text_and_odd_spaces_are_not_part_of_a_cell() -> None:
    def change(name: str, xml: bytes) -> bytes:
        return xml.replace(b"<t>QQ</t>", "<t>测试</t><rPh sb=\"0\" eb=\"1\"><t>ceshi</t></rPh>".encode())

    data = made.repack(made.workbook(lambda book: made.one_row(book, ["QQ", "\u00a0甲\u3000\u200b"])), change)
    assert only(open_bytes(data)).rows[1] == ["测试", "甲"]


@pytest.mark.parametrize("number", [b"4_2", b"1_7.5", b"1_0e3"])
def test_2_3_an_underscore_is_never_part_of_a_number(number: bytes) -> None:
    """Python reads 4_2 as 42, and so does openpyxl, which takes over where calamine refuses the cell."""
    data = made.repack(made.workbook(lambda book: made.one_row(book, ["x", 42, "1_0"])),
                       lambda _, xml: xml.replace(b"<v>42</v>", b"<v>" + number + b"</v>"))
    grid = only(open_bytes(data))
    assert (grid.rows[1], grid.marks) == (["x", number.decode(), "1_0"], {(1, 1): "error"})
    text = made.EXCEL_2003.replace("29.02", number.decode(), 1)
    assert only(open_bytes(text.encode())).rows[1][2] == number.decode()


def test_3_8_open_quotation_marks_by_the_thousand_take_no_time() -> None:
    data = ("a,b,c\n" + '"x,1,2\n' * 30_000).encode()
    begin = time.process_time()
    opened = open_bytes(data)
    assert time.process_time() - begin < 10
    assert len(opened.grids[0].rows) == 30_001


def test_3_11_control_characters_are_left_out_and_said() -> None:
    opened = open_bytes("姓名,金额\n测试\x00甲,1\x1f20\n".encode() + "王样例,1\n".encode() * 20)
    assert opened.grids[0].rows[1] == ["测试甲", "120"]
    assert [(problem.code, problem.value) for problem in opened.problems] == [("control-characters", "2")]


@pytest.mark.parametrize("data", [
    b"<table>" + b"<tr><td rowspan=200 colspan=200>x" * 2000,
    b"<table><tr>" + b"<td colspan=200>x" * 20_000,
], ids=["down", "across"])
def test_1_3_html_cells_that_claim_the_world(data: bytes) -> None:
    begin = time.process_time()
    assert codes(open_bytes(data)) == ["too-large"]
    assert time.process_time() - begin < 5


def test_1_3_excel_2003_cells_that_claim_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.reading.markup_grid.MAX_CELLS", 100_000)
    cell = '<Row><Cell ss:Index="16384"><Data ss:Type="String">x</Data></Cell></Row>'
    text = made.EXCEL_2003.replace("</Table>", cell * 10 + "</Table>", 1)
    assert cell in text
    assert codes(open_bytes(text.encode())) == ["too-large"]


# What the lines of one account say, whatever the file: days, sums, problems.

ID = "420106198804121018"
TOP = [["医保个人账户收支明细"], ["姓名：测试甲 证件号码：" + ID + " 统筹区：武汉市"], ["收支时间", "收支类型", "收入", "支出", "余额"]]


def account(folder: Path, *rows: list[Any], top: list[list[Any]] = TOP, name: str = "a.csv", delimiter: str = ",") -> ReadResult:
    """One account detail as text, or as a workbook under a name that ends in .xlsx, read."""
    folder.mkdir(exist_ok=True)
    if name.endswith(".xlsx"):
        def fill(book: Any) -> None:
            for row in (*top, *rows):
                book.active.append(row)
        (folder / name).write_bytes(made.workbook(fill))
    else:
        text = "\n".join(delimiter.join(map(str, row)) for row in (*top, *rows))
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return read(folder, workers=1)


def lines(result: ReadResult) -> list[tuple[str, int]]:
    return [(str(day), fen) for day, fen in result.tables["flow"].select("posted_on", "amount_fen").rows()]


def told(result: ReadResult) -> list[tuple[str, str | None, str | None]]:
    return [(each.code, each.place, each.value) for each in result.problems]


def test_2_1_and_3_9_long_numbers_stay_what_they_are(tmp_path: Path) -> None:
    """Text of 32 digits keeps its digits, a number its zeros in front; as text in a workbook too."""
    head, row = ["工号", "姓名", "身份证号码", "医保个人编号"], ["0012345", "测试甲", ID, "4" * 32]
    for name in ("a.csv", "a.xlsx"):
        person = account(tmp_path / name, row, top=[head], name=name).tables["person"]
        assert person.select("employee_no", "person_id").rows() == [("0012345", ID)]
        assert "4" * 32 in person["aliases"][0]


def test_2_2_a_csv_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    """Days without seconds and quoted thousands are read; the ID that became a power of ten is not joined on."""
    result = account(tmp_path, ["2024/1/5 10:00", "划入", '"1,020.00"', "", '"1,020.00"'])
    assert lines(result) == [("2024-01-05", 102000)]
    result = account(tmp_path / "b", ["4.20106E+17", "", "202401", "正常", "6000.00", "120.00", "已缴"], top=[
        ["统筹区：武汉市"], ["公民身份证号码", "姓名", "缴费年月", "应缴类型", "缴费基数", "个人缴费金额", "缴费标识"]])
    assert [code for code, _, _ in told(result)] == ["damaged-id"]
    assert not result.tables["contribution"].height


def test_2_11_one_account_on_two_sheets_counts_once(tmp_path: Path) -> None:
    """The same lines in two layouts of one workbook are two exports of one account; twins of one sheet stay two."""
    from recon.core.overlap import mark_repeated_flows

    one = [["2024-01-12", "划入", 120, "", 120], ["2024-01-12", "划入", 120, "", ""], ["2024-03-12", "药店消费", "", 30, ""]]

    def fill(book: Any) -> None:
        for page, order, columns in (("一", [0, 1, 2, 3, 4], 1), ("二", [1, 3, 2, 0, 4], -1)):
            sheet = book.create_sheet(page)
            for row in (*TOP[:2], [TOP[2][at] for at in order], *[[row[at] for at in order] for row in one][::columns]):
                sheet.append(row)

    (tmp_path / "a.xlsx").write_bytes(made.workbook(fill))
    flow = mark_repeated_flows(read(tmp_path, workers=1).tables["flow"])
    assert flow.height == 6
    kept = flow.filter(flow["duplicate_of"].is_null())
    assert sorted(kept["amount_fen"]) == [-3000, 12000, 12000]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_2_13_days_of_every_kind_in_one_column(name: str, tmp_path: Path) -> None:
    """Real days, text, eight digits and serials are days; day and month in doubt are refused with their place."""
    import datetime as dt

    days: list[Any] = ["2024-01-12", "2024/2/12", "2024年3月12日", 20240412, 45424, "20240612 101500"]
    days = [dt.date(2024, 1, 12), *days[1:]] if name == "a.xlsx" else days
    result = account(tmp_path, *([day, "划入", 120, "", 120 * at] for at, day in enumerate(days, 1)),
                     ["07/08/2024", "划入", 120, "", 840], name=name)
    assert lines(result) == [(f"2024-0{month}-12", 12000) for month in range(1, 7)]
    assert [(code, value) for code, _, value in told(result)] == [("unreadable-date", "07/08/2024")]


def test_2_14_a_negative_sum_shown_in_brackets(tmp_path: Path) -> None:
    """The number counts, not how it is shown; brackets in a text are a minus, of either width."""
    def fill(book: Any) -> None:
        for row in (["示例银行账户交易明细"], [TOP[1][0]], ["交易日期", "摘要", "交易金额", "账户余额"], ["2024-01-12", "医保划账", 500, 500],
                    ["2024-02-12", "医保消费", -100, 400], ["2024-02-13", "医保消费", "（100.00）", 300],
                    ["2024-02-14", "医保消费", "(50.00)", 250]):
            book.active.append(row)
        book.active["C5"].number_format = "#,##0.00_);(#,##0.00)"

    (tmp_path / "a.xlsx").write_bytes(made.workbook(fill))
    result = read(tmp_path, workers=1)
    assert lines(result) == [("2024-01-12", 50000), ("2024-02-12", -10000), ("2024-02-13", -10000), ("2024-02-14", -5000)]
    assert told(result) == []


@pytest.mark.parametrize(("total", "problems"), [("240.00", []), ("250.00", ["total-mismatch"])])
def test_2_15_totals_among_the_rows_are_checks_and_no_lines(total: str, problems: list[str], tmp_path: Path) -> None:
    """Subtotals, totals, groups and notes are counted as skipped; a sum that differs is said."""
    result = account(tmp_path, ["2024-01-12", "划入", "120.00", "", "120.00"], ["小计", "", "120.00", "", ""],
                     ["2024-02-12", "划入", "120.00", "", "240.00"], ["合计", "", total, "", ""],
                     ["以上数据仅供参考", "", "", "", ""])
    assert lines(result) == [("2024-01-12", 12000), ("2024-02-12", 12000)]
    assert [code for code, _, _ in told(result)] == problems
    assert result.sources.select("rows_read", "rows_used", "rows_skipped").rows() == [(5, 2, 3)]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_3_6_a_row_wider_than_the_header(name: str, tmp_path: Path) -> None:
    """Empty cells too many are nothing; text beyond the header rejects the row, with its place and its width."""
    result = account(tmp_path, ["2024-01-12", "划入", "120.00", "", "120.00", "", ""],
                     ["2024-02-12", "划入", "120.00", "", "240.00", "", "多"], ["2024-03-12", "划入", "120.00", "", "360.00"], name=name)
    assert lines(result) == [("2024-01-12", 12000), ("2024-03-12", 12000)]
    assert told(result) == [("ragged-row", {"a.csv": "L5", "a.xlsx": "明细!R5"}[name], "7 > 5")]
    assert result.sources["rows_rejected"].to_list() == [1]


@pytest.mark.parametrize("sum_", ["1.234,56", "120,00", "12..34", "1 234.00", "壹佰贰拾元整", "120元整", "1.2万元"])
def test_3_12_and_3_13_a_sum_that_could_be_another_is_refused(sum_: str, tmp_path: Path) -> None:
    """Decimal commas, two points, spaces inside, numerals and units in a cell: the row is rejected, the cell shown."""
    result = account(tmp_path, ["2024-01-12", "划入", "120.00", "", ""], ["2024-02-12", "划入", sum_, "", ""], delimiter=";")
    assert lines(result) == [("2024-01-12", 12000)]
    assert told(result) == [("unreadable-amount", "L5", sum_)]


def test_3_13_full_width_figures_and_a_unit_in_the_header(tmp_path: Path) -> None:
    """Wide digits, points, minus and ￥ are figures; 万元 in the header multiplies, and that is said."""
    result = account(tmp_path, ["２０２４－０１－１２", "划入", "￥１２０．００", "", "１２０．００"], ["2024-02-12", "药店消费", "", "３５．６０", "84.4"])
    assert lines(result) == [("2024-01-12", 12000), ("2024-02-12", -3560)]
    top = [*TOP[:2], ["收支时间", "收支类型", "收入（万元）", "支出（万元）", "余额（万元）"]]
    result = account(tmp_path / "b", ["2024-01-12", "划入", "0.0120", "", "0.0120"], top=top)
    assert lines(result) == [("2024-01-12", 12000)]
    assert [code for code, _, _ in told(result)] == ["unit-ten-thousand"]


@pytest.mark.parametrize("more", [0, 1, 7])
def test_3_7_and_3_15_lines_more_or_fewer_above_the_table(more: int, tmp_path: Path) -> None:
    """The header is found by its names: the first and the last line of data are there, whatever an update puts above."""
    rows = [["2024-01-12", "划入", "120.00", "", "120.00"], ["2024-02-12", "划入", "120.00", "", "240.00"]]
    result = account(tmp_path, *rows, top=[*TOP[:2], *[["温馨提示：仅供参考"]] * more, TOP[2]])
    assert lines(result) == [("2024-01-12", 12000), ("2024-02-12", 12000)]
    assert [str(day) for day in result.sources.select("first_date", "last_date").row(0)] == ["2024-01-12", "2024-02-12"]


# ---- 4 PDF --------------------------------------------------------------------------------------------------------


def pdf(objects: list[str], trailer: str = "") -> bytes:
    """A PDF of these objects; the first is the catalogue."""
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{at:010d} 00000 n \n" for at in places)
    return (f"{out}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer << /Size {len(objects) + 1} "
            f"/Root 1 0 R {trailer}>>\nstartxref\n{len(out)}\n%%EOF\n").encode()


PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>"
STREAM = "<< /Length 4 >>\nstream\n/F Do\nendstream"
CIRCULAR = {
    "forms": pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", PAGE, STREAM,
                  "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 5 0 R >> >> "
                  "/Length 4 >>\nstream\n/F Do\nendstream"]),
    "page tree": pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 99999 >>"]),
    "xref": pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"], "/Prev 120 "),
    "millions of pages": pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 99999999 >>",
                              PAGE, STREAM, "<< >>"]),
}


@pytest.mark.parametrize("name", CIRCULAR)
def test_4_14_circles_end(name: str, tmp_path: Path) -> None:
    """Forms, page trees and tables of objects that contain themselves: a problem within seconds."""
    (tmp_path / "a.pdf").write_bytes(CIRCULAR[name])
    begin = time.perf_counter()
    result = read(tmp_path)
    assert lost(result)["a.pdf"] in {"unreadable-file", "no-text-layer", "empty-file", "truncated-file", "too-large"}
    assert time.perf_counter() - begin < 20


def test_4_12_and_4_13_a_cropped_landscape_page() -> None:
    """Boxes that do not begin at zero move nothing against each other."""
    page = Sheet(cropBox=(20, 30, 560, 800))
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_4_7_columns_learned_from_one_page_serve_the_next_and_grow() -> None:
    """A column empty on the first pages, and longer sums on later ones, stand where they belong."""
    page = Sheet()
    wanted: list[list[str]] = []
    for number in range(4):
        page.row(80, HEAD)
        wanted.append(HEAD)
        for i in range(12):
            row = [str(i), "2024-02-12", "划入", "120.00", "", "1,120.00" if number < 2 else "99,991,120.00",
                   "" if number < 3 else "跨省异地就医备注"]
            page.row(92 + 12 * i, row)
            wanted.append(row)
        page.next()
    assert only(open_bytes(page.bytes(), WORDS)).rows == trimmed(wanted)


def test_4_13_memory_does_not_grow_with_pages() -> None:
    """A page is closed before the next is opened: 150 pages cost little more than 15."""
    tracemalloc = pytest.importorskip("tracemalloc")
    from recon.reading.pdf_words import pages

    def peak(count: int) -> int:
        page = Sheet()
        for _ in range(count):
            for i in range(30):
                page.row(92 + 12 * i, ROWS[0])
            page.next()
        data = page.bytes()
        tracemalloc.start()
        for _ in pages(data):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return int(highest)

    peak(1)
    assert peak(60) < peak(6) * 3


def drawn(*rows: list[str], **options: Any) -> Sheet:
    """An account detail without rules, as a PDF."""
    page = Sheet(**options)
    for at, row in enumerate([*TOP, *rows]):
        for x, text in zip((50, 150, 260, 350, 450), row, strict=False):
            page.put(x, 60 + 14 * at, str(text))
    return page


JANUARY, FEBRUARY = ["2024-01-12", "划入", "120.00", "", "120.00"], ["2024-02-12", "划入", "120.00", "", "240.00"]


@pytest.mark.parametrize(("again", "many", "problems"), [
    (FEBRUARY, 2, ["page-repeat"]),  # the same balance: printed twice
    (["2024-02-12", "划入", "120.00", "", "360.00"], 3, []),  # the balance moved: two payments of one day
])
def test_4_10_a_row_at_a_page_end_and_again(again: list[str], many: int, problems: list[str], tmp_path: Path) -> None:
    """Only an equal sum with an equal balance is a repeat."""
    page = drawn(JANUARY, FEBRUARY)
    page.next()
    for at, row in enumerate([*TOP, again]):
        for x, text in zip((50, 150, 260, 350, 450), row, strict=False):
            page.put(x, 60 + 14 * at, text)
    (tmp_path / "a.pdf").write_bytes(page.bytes())
    result = read(tmp_path, workers=1)
    assert len(lines(result)) == many
    assert [code for code, _, _ in told(result)] == problems


def test_4_15_names_of_banks_among_the_rows_decide_nothing(tmp_path: Path) -> None:
    """Titles count above the table only: another bank, a wallet or 信用卡 as counterparty changes no claim."""
    source = ROOT / "tests" / "formats" / "banks" / "icbc_v2.csv"
    text = source.read_text(encoding="utf-8")
    (tmp_path / "r.csv").write_bytes((ROOT / "tests" / "formats" / "花名册.csv").read_bytes())
    for other in ("招商银行交易流水", "中国银行储蓄卡", "支付宝支付科技有限公司", "信用卡", "中国建设银行个人活期账户全部交易明细"):
        (tmp_path / "a.csv").write_text(text.replace("支付宝-示例超市", other), encoding="utf-8")
        assert other in (tmp_path / "a.csv").read_text(encoding="utf-8")
        result = read(tmp_path, workers=1)
        assert result.sources.select("format", "rows_used").rows()[0] == ("bank_icbc_csv", 6), other


def test_4_15_two_candidates_are_not_chosen_between() -> None:
    """Nothing is used of a file that two formats claim."""
    folder = ROOT / "tests" / "problems" / "ambiguous-format"
    result = read_folder(folder / "exports", mappings=[MAPPINGS, folder / "mappings"], region_of=lambda _: None, workers=1)
    assert result.sources.select("status", "rows_used").rows() == [("ambiguous", 0)]


@pytest.mark.parametrize("version", [b"%PDF-1.3", b"%PDF-1.7", b"%PDF-2.0"])
def test_4_16_metadata_decides_nothing(version: bytes, tmp_path: Path) -> None:
    """Producer, title and version of a PDF may be anything."""
    page = drawn(JANUARY, FEBRUARY)
    for set_one in (page.canvas.setProducer, page.canvas.setTitle, page.canvas.setAuthor, page.canvas.setCreator):
        set_one("中国银行信用卡账单 by iText 9.9")
    data = page.bytes()
    (tmp_path / "a.pdf").write_bytes(version + data[8:])
    result = read(tmp_path, workers=1)
    assert (len(lines(result)), told(result)) == (2, [])


def test_4_17_an_empty_section_proves_nothing(tmp_path: Path) -> None:
    """A file without a line is said, covers nobody's months, and accuses nobody."""
    head = [TOP[0], TOP[1], ["查询时间：2024-01-01 至 2024-12-31"], TOP[2]]
    result = account(tmp_path, top=head)
    assert (told(result), result.sources["status"].to_list()) == ([("no-rows", None, None)], ["no_rows"])
    (tmp_path / "paid.csv").write_text("统筹区：武汉市\n公民身份证号码,姓名,缴费年月,应缴类型,缴费基数,个人缴费金额,划入个人账户金额,缴费标识\n" + "".join(
        f"{ID},测试甲,2024{month:02d},正常,6000.00,120.00,120.00,已缴\n" for month in range(1, 7)), encoding="utf-8")
    done = run_recon(["run", tmp_path, "-o", tmp_path / "r.xlsx", "--as-of", "2024-12-31", "--json"])
    import json
    said = json.loads(done.stdout)
    assert said["gaps"]["open"] == 0
    assert said["problems"]["no-rows"] == 1


def test_4_18_a_file_that_contradicts_itself_is_reported_without_a_verdict_on_anybody(tmp_path: Path) -> None:
    """Clean text whose balances and totals are both wrong: each is told with place and sum, in words about the file."""
    result = account(tmp_path, JANUARY, ["2024-02-12", "划入", "920.00", "", "240.00"], ["2024-03-12", "划入", "120.00", "", "360.00"],
                     ["合计", "", "360.00", "", ""])
    assert told(result) == [("total-mismatch", "L7", "360.00 ≠ 1,160.00"), ("balance-break", "L5", "-800.00")]
    for problem in result.problems:
        for lang in ("zh", "en"):
            said = " ".join(map(str, problem.row(lang).values()))
            assert not [word for word in ("伪造", "篡改", "造假", "forged", "fake", "edited") if word in said]


def test_every_case_has_a_test() -> None:
    """The cases of the collection, and where each is tested."""
    every = {f"{part}.{at}" for part, many in ((1, 12), (2, 17), (3, 15), (4, 18)) for at in range(1, many + 1)}
    assert CASES.keys() == every
    here = sys.modules[__name__]
    for case, (module, names) in CASES.items():
        found = made if module == "test_containers" else here if module == "" else __import__(module)
        for name in names.split():
            assert hasattr(found, name), (case, name)


CASES: dict[str, tuple[str, str]] = {
    "1.1": ("", "test_1_1_a_reader_that_dies_costs_one_file test_1_1_far_apart_cells_in_a_real_reader"),
    "1.2": ("test_containers", "test_zip_bomb"), "1.3": ("test_containers", "test_row_bomb"),
    "1.4": ("test_containers", "test_entities_are_refused_before_any_parser"),
    "1.5": ("test_containers", "test_entities_are_refused_before_any_parser"),
    "1.6": ("test_containers", "test_html_table test_excel_2003_xml"),
    "1.7": ("", "test_1_7_the_name_decides_nothing"), "1.8": ("test_passwords", "test_workbook"),
    "1.9": ("test_containers", "test_cut_and_odd_packages test_pdf_cut_off"),
    "1.10": ("", "test_1_10_the_second_reader_is_named"), "1.11": ("", "test_1_11_what_is_left_out_is_counted"),
    "1.12": ("test_prepare", "test_twins_of_one_export_survive_a_second_export test_a_reissued_statement_amends_a_line"),
    "2.1": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.2": ("", "test_2_2_a_csv_saved_by_a_spreadsheet"),
    "2.3": ("test_containers", "test_sums_survive_binary_fractions"), "2.4": ("test_containers", "test_cell_texts"),
    "2.5": ("test_containers", "test_true_row_numbers"), "2.6": ("test_containers", "test_true_row_numbers"),
    "2.7": ("test_containers", "test_a_wrong_dimension_is_not_believed"),
    "2.8": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.9": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.10": ("test_containers", "test_merged_ranges_are_kept_beside_the_rows"),
    "2.11": ("", "test_2_11_one_account_on_two_sheets_counts_once"), "2.12": ("", "test_2_12_the_epoch_of_1904"),
    "2.13": ("", "test_2_13_days_of_every_kind_in_one_column"),
    "2.14": ("", "test_2_14_a_negative_sum_shown_in_brackets"),
    "2.15": ("", "test_2_15_totals_among_the_rows_are_checks_and_no_lines"),
    "2.16": ("", "test_2_16_hidden_rows_count_and_are_said"),
    "2.17": ("test_folder", "test_no_row_is_lost_whatever_the_rows_are"),
    "3.1": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.2": ("test_containers", "test_utf8_is_never_taken_for_gb18030"),
    "3.3": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.4": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.5": ("test_containers", "test_tab_padding_is_no_delimiter"),
    "3.6": ("", "test_3_6_a_row_wider_than_the_header"),
    "3.7": ("", "test_3_7_and_3_15_lines_more_or_fewer_above_the_table"),
    "3.8": ("", "test_3_8_open_quotation_marks_by_the_thousand_take_no_time"),
    "3.9": ("", "test_2_1_and_3_9_long_numbers_stay_what_they_are"),
    "3.10": ("test_containers", "test_text_padding_and_guards"),
    "3.11": ("", "test_3_11_control_characters_are_left_out_and_said"),
    "3.12": ("", "test_3_12_and_3_13_a_sum_that_could_be_another_is_refused"),
    "3.13": ("", "test_3_13_full_width_figures_and_a_unit_in_the_header"),
    "3.14": ("test_containers", "test_text_line_ends"),
    "3.15": ("", "test_3_7_and_3_15_lines_more_or_fewer_above_the_table"),
    "4.1": ("test_containers", "test_pdf_passwords"), "4.2": ("test_containers", "test_pdf_passwords"),
    "4.3": ("test_pictures", "test_the_scanned_pages_of_a_mixed_document test_a_page_that_cannot_be_drawn_is_said"),
    "4.4": ("test_containers", "test_pdf_text_that_no_font_explains_is_refused"),
    "4.5": ("test_containers", "test_pdf_radicals_become_characters"),
    "4.6": ("test_containers", "test_pdf_pages_with_repeated_headers"),
    "4.7": ("", "test_4_7_columns_learned_from_one_page_serve_the_next_and_grow"),
    "4.8": ("test_containers", "test_pdf_wrapped_cells"),
    "4.9": ("test_containers", "test_pdf_totals_and_footers_stay_rows"),
    "4.10": ("", "test_4_10_a_row_at_a_page_end_and_again"),
    "4.11": ("", "test_4_11_text_drawn_twice_counts_once"),
    "4.12": ("test_containers", "test_pdf_cells_that_touch_are_parted_at_the_column"),
    "4.13": ("", "test_4_13_memory_does_not_grow_with_pages"), "4.14": ("", "test_4_14_circles_end"),
    "4.15": ("", "test_4_15_names_of_banks_among_the_rows_decide_nothing test_4_15_two_candidates_are_not_chosen_between"),
    "4.16": ("", "test_4_16_metadata_decides_nothing"), "4.17": ("", "test_4_17_an_empty_section_proves_nothing"),
    "4.18": ("", "test_4_18_a_file_that_contradicts_itself_is_reported_without_a_verdict_on_anybody"),
}


@pytest.mark.parametrize(("name", "data"), [
    ("a number of forty digits", CSV.read_bytes().replace(b"120.00", b"1" * 40, 1)),
    ("a form without its headings", "recon 填写表\nx,y\n".encode()),
    ("a form of recon cut short", "recon 填写表：把数字填进来\n,,\n".encode()),
])
def test_what_damaged_files_have_shown(name: str, data: bytes, tmp_path: Path) -> None:
    """Found by tools/fuzz.py: none of them may break a reader."""
    (tmp_path / "a.csv").write_bytes(data)
    assert "reader-failed" not in lost(read(tmp_path, workers=1)).values(), name


def test_an_encoding_nobody_knows() -> None:
    """Found by tools/fuzz.py: the XML of a workbook names an encoding that does not exist."""
    data = made.repack(made.workbook(lambda book: made.one_row(book, ["x", 1])), lambda name, xml: (
        xml.replace(b"<workbook ", b'<?xml version="1.0" encoding="nobody"?><workbook ') if name == "xl/workbook.xml" else xml))
    assert "LookupError" not in repr(open_bytes(data).problems)
