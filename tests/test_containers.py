"""Bytes become grids of text with places; whatever is wrong with a file is a problem and never an exception."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.problems import CATALOGUE, Problem
from recon.reading import xlsx_grid
from recon.reading.containers import list_files, members, open_bytes, open_file
from recon.reading.csv_grid import decode, sniff
from recon.reading.glyphs import fold
from recon.reading.grid import Grid, Opened

SHARED = Path(__file__).resolve().parents[2] / "shared" / "samples"  # beside a checkout, where it is kept
SAMPLES = pytest.mark.skipif(not SHARED.is_dir(), reason="the read-only samples are not here")
ID_A, ID_B = "110105199003070017", "420106198512120021"


def codes(opened: Opened) -> list[str]:
    return [problem.code for problem in opened.problems]


def only(opened: Opened) -> Grid:
    assert [problem for problem in opened.problems if CATALOGUE[problem.code].severity != "info"] == []
    (grid,) = opened.grids
    assert len(grid.rows) == len(grid.places)
    return grid


def text_grid(text: str, codec: str = "utf-8") -> Grid:
    return only(open_bytes(text.encode(codec)))


# ---- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_text_in_every_encoding_and_delimiter(codec: str, delimiter: str) -> None:
    """Encoding and delimiter come from the content."""
    rows = [["姓名", "对应费款所属期", "金额"], ["测试甲", "2024-05", "120.00"], ["王样例", "2024-06", "-3.50"]]
    grid = text_grid("\r\n".join(delimiter.join(row) for row in rows) + "\r\n", codec)
    assert grid.rows == rows
    assert grid.places == ["L1", "L2", "L3"]


def test_utf8_is_never_taken_for_gb18030() -> None:
    """Nearly all UTF-8 decodes as GB18030 to nonsense, so the order matters."""
    assert decode("医保个人账户余额".encode()) == ("医保个人账户余额", None)


def test_text_padding_and_guards() -> None:
    """Tabs, NBSP and U+3000 around a cell, ="text", a leading apostrophe, NULs and controls are gone."""
    grid = text_grid('姓名 ,编号,金额\n测试甲\u3000,="0012"\t,120.00\u00a0\n"王样例"\t,\'0034,1\x0020\x01\n')
    assert grid.rows[1:] == [["测试甲", "0012", "120.00"], ["王样例", "0034", "120"]]


def test_text_places_are_physical_lines() -> None:
    """A cell of two lines and blank lines do not shift the line numbers; empty rows and trailing cells are dropped."""
    grid = text_grid('a,b,,\n\n1,"x\ny",,\n,,,\n2,z,,\n')
    assert grid.rows == [["a", "b"], ["1", "x\ny"], ["2", "z"]]
    assert grid.places == ["L1", "L3", "L6"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_line_ends(end: str) -> None:
    """All three line ends count lines alike."""
    assert text_grid(end.join(["a,b", "1,2", "3,4"])).places == ["L1", "L2", "L3"]


def test_an_open_quotation_mark_swallows_nothing() -> None:
    """Without the mark closed, the row ends with its line, all later rows are there, and it is said."""
    opened = open_bytes('姓名,月份,金额\n测试甲,"2024-05,120\n王样例,2024-06,130\n李样例,"2024-07",140\n'.encode())
    assert codes(opened) == ["unbalanced-quote"]
    assert opened.problems[0].place == "L2"
    assert opened.grids[0].rows[1:] == [
        ["测试甲", "2024-05", "120"],
        ["王样例", "2024-06", "130"],
        ["李样例", "2024-07", "140"],
    ]
    assert opened.grids[0].places == ["L1", "L2", "L3", "L4"]


def test_an_open_quotation_mark_in_the_last_line() -> None:
    opened = open_bytes(b'a,b\n1,"2\n')
    assert codes(opened) == ["unbalanced-quote"]
    assert opened.grids[0].rows == [["a", "b"], ["1", "2"]]


def test_a_cell_beyond_the_size_limit_of_the_csv_module() -> None:
    """An open mark before 200,000 lines costs one problem, not the file."""
    opened = open_bytes(('a,b,c\n"x,1,2\n' + "1,2,3\n" * 50_000).encode())
    assert codes(opened) == ["unbalanced-quote"]
    assert len(opened.grids[0].rows) == 50_002


def test_id_saved_by_a_spreadsheet_is_marked() -> None:
    """1.10105E+17 has lost its last digits; a sum of money with an exponent has not."""
    grid = text_grid("姓名,证件号码,金额\n测试甲,1.10105E+17,1.2E+3\n")
    assert grid.marks == {(1, 1): "damaged"}


@pytest.mark.parametrize("line", ["a\t,b\t,c\t", '"a\t","b\t","c\t"', '"a"\t,"b"\t,"c"\t'])
def test_tab_padding_is_no_delimiter(line: str) -> None:
    assert sniff([line + "\n"] * 5) == (",", 3)
    assert text_grid(f"{line}\n{line}\n").rows == [["a", "b", "c"]] * 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b"\n\r\n  \n", "empty-file"),
        ("\ufeff".encode(), "empty-file"),
        (b",,,\n,,\n", "empty-file"),
        ("姓名,金额".encode()[:-1], "truncated-file"),
        ("姓名,月份,金额".encode("gb18030")[:-1], "truncated-file"),
        (bytes(range(256)) * 20, "unreadable-file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not-a-table"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "not-a-table"),
        (b"PAR1" + bytes(20), "truncated-file"),
        (b"PK\x03\x04" + bytes(60), "truncated-file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), "truncated-file"),
        (b"%PDF-1.4\n1 0 obj\n<<", "truncated-file"),
        (b"%PDF-1.4\nnothing\n%%EOF\n", "unreadable-file"),
    ],
)
def test_hopeless_files(data: bytes, code: str) -> None:
    """One reason code, no grid, no exception."""
    opened = open_bytes(data)
    assert codes(opened) == [code]
    assert not opened.grids


MAGIC = [
    b"",
    b"PK\x03\x04",
    b"%PDF-1.7\n",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"PAR1",
    b"\xff\xfe",
    b"<html>",
    b'a,"b\n',
]


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode), st.sampled_from(MAGIC))
def test_no_bytes_raise(data: bytes, magic: bytes) -> None:
    """Whatever the bytes, there is a grid or a problem, and every row has a place."""
    opened = open_bytes(magic + data)
    assert opened.grids or opened.problems or opened.members or opened.kind == "parquet"
    assert all(len(grid.rows) == len(grid.places) == len(set(grid.places)) for grid in opened.grids)


LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="'=\"")
ROW = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=3, max_size=3)


@given(st.lists(ROW, min_size=1, max_size=8))
def test_text_round_trip(rows: list[list[str]]) -> None:
    """What a CSV writer wrote comes back, cell by cell."""
    import csv

    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerows([["甲", "乙", "丙"], *rows])
    assert only(open_bytes(sink.getvalue().encode())).rows[1:] == rows


# ---- workbooks -----------------------------------------------------------------------------------------------------


def workbook(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "明细"
    fill(book)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def repack(data: bytes, change: Callable[[str, bytes], bytes], extra: Iterable[tuple[str, bytes]] = ()) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in extra:
            new.writestr(name, content)
    return sink.getvalue()


def one_row(book: Any, values: Sequence[Any]) -> None:
    book.active.append(["表头"] * len(values))
    book.active.append(list(values))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (120, "120"),
        (29.02, "29.02"),
        (0.1 + 0.2, "0.3"),
        (-3.5, "-3.5"),
        (1e14, "100000000000000"),
        (0.00001, "0.00001"),
        (dt.date(2024, 5, 12), "2024-05-12"),
        (dt.datetime(2024, 5, 12, 10), "2024-05-12 10:00:00"),  # noqa: DTZ001
        (dt.time(10, 1), "10:01:00"),
        (True, "TRUE"),
        ("\u3000测试甲\u00a0", "测试甲"),
        ("0012", "0012"),
        (202405, "202405"),
    ],
)
def test_cell_texts(value: Any, text: str) -> None:
    """Numbers exact and without exponent, dates ISO, text without padding."""
    grid = only(open_bytes(workbook(lambda book: one_row(book, ["x", value]))))
    assert grid.rows[1] == ["x", text]
    assert not grid.marks


@pytest.mark.parametrize("value", [29.02, 4812.35, 96.247, 1719.33, 99999999.99])
def test_sums_survive_binary_fractions(value: float) -> None:
    assert xlsx_grid.number_text(value) == str(value)


def test_true_row_numbers() -> None:
    """Blank rows count in the place and are no rows."""

    def fill(book: Any) -> None:
        book.active["B3"], book.active["C3"], book.active["B6"] = "姓名", "金额", "测试甲"

    grid = only(open_bytes(workbook(fill)))
    assert grid.rows == [["姓名", "金额"], ["测试甲"]]
    assert grid.places == ["明细!R3", "明细!R6"]


def test_damaged_error_and_formula_cells_are_marked() -> None:
    """An ID kept as a number, #N/A and a formula never computed are each told from a value."""

    def fill(book: Any) -> None:
        one_row(book, ["测试甲", int(ID_A), "#N/A", "=1+1", 5])
        book.active["C2"].data_type = "e"

    grid = only(open_bytes(workbook(fill)))
    assert grid.marks == {(1, 1): "damaged", (1, 2): "error", (1, 3): "formula"}
    assert grid.rows[1][2:] == ["#N/A", "", "5"]


def test_hidden_sheets_are_read_and_said() -> None:
    def fill(book: Any) -> None:
        one_row(book, [1])
        book.create_sheet("空")
        sheet = book.create_sheet("历史")
        sheet.append(["甲"])
        sheet.sheet_state = "veryHidden"

    opened = open_bytes(workbook(fill))
    assert [(grid.name, grid.hidden) for grid in opened.grids] == [("明细", False), ("历史", True)]
    assert [(p.code, p.value) for p in opened.problems] == [("hidden-sheet", "历史")]


def test_merged_ranges_are_kept_beside_the_rows() -> None:
    """Only the first cell has the text, and the range is there in rows and columns of the grid."""

    def fill(book: Any) -> None:
        for row in ([], ["个人", None, "单位"], ["缴费", "划入", "缴费"], [1, 2, 3]):
            book.active.append(row)
        book.active.merge_cells("A2:B2")

    grid = only(open_bytes(workbook(fill)))
    assert grid.rows[0] == ["个人", "", "单位"]
    assert grid.merged == [(0, 0, 0, 1)]


def test_a_wrong_dimension_is_not_believed() -> None:
    data = workbook(lambda book: one_row(book, [1, 2, 3]))
    wrong = repack(data, lambda _, xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', xml))
    assert only(open_bytes(wrong)).rows[1] == ["1", "2", "3"]
    assert xlsx_grid._openpyxl(wrong, {})[0].rows[1] == ["1", "2", "3"]


def test_both_readers_agree() -> None:
    """The fallback gives the same grid as the usual reader."""

    def fill(book: Any) -> None:
        book.active["B2"] = "标题"
        one_row(book, ["测试甲", ID_A, 29.02, dt.date(2024, 5, 12), dt.datetime(2024, 5, 12, 8, 30, 1), None, 7])  # noqa: DTZ001

    data = workbook(fill)
    (fast,), (slow,) = xlsx_grid._calamine(data, {}), xlsx_grid._openpyxl(data, {})
    assert (fast.rows, fast.places) == (slow.rows, slow.places)


def test_two_far_apart_cells_do_not_ask_for_the_rectangle() -> None:
    """A1 and XFD1048576 alone make a dense reader ask for half a terabyte and abort the process."""

    def fill(book: Any) -> None:
        book.active["A1"], book.active["XFD1048576"] = "a", "b"

    opened = open_bytes(workbook(fill))
    assert [len(grid.rows) for grid in opened.grids] == [2] or codes(opened) == ["too-large"]


def test_row_bomb() -> None:
    data = workbook(lambda book: one_row(book, [1]))
    bomb = repack(
        data,
        lambda name, xml: (
            xml.replace(b"</sheetData>", b"<row/>" * 1_100_000 + b"</sheetData>") if "sheet1" in name else xml
        ),
    )
    assert codes(open_bytes(bomb)) == ["too-large"]


def test_zip_bomb() -> None:
    data = workbook(lambda book: one_row(book, [1]))
    bomb = repack(data, lambda _, xml: xml, [("xl/media/x.xml", b" " * (40 << 20))])
    assert codes(open_bytes(bomb)) == ["too-large"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("declaration", ['<!DOCTYPE x [<!ENTITY a "b">]>', "<!ENTITY a SYSTEM 'file:///x'>"])
def test_entities_are_refused_before_any_parser(declaration: str, codec: str) -> None:
    data = workbook(lambda book: one_row(book, ["甲"]))
    evil = repack(
        data,
        lambda name, xml: (
            f'<?xml version="1.0"?>{declaration}<x/>'.encode(codec)
            if "sharedStrings" in name or "styles" in name
            else xml
        ),
    )
    assert codes(open_bytes(evil)) == ["unsafe-markup"]


def test_cut_and_odd_packages() -> None:
    data = workbook(lambda book: one_row(book, [1]))
    assert codes(open_bytes(data[:-30])) == ["truncated-file"]
    assert codes(open_bytes(data[: len(data) // 2])) == ["truncated-file"]
    assert codes(open_bytes(data[:400] + b"\0" * 40 + data[440:])) == ["unreadable-file"]
    assert codes(open_bytes(workbook(lambda _: None))) == ["empty-file"]
    word = repack(data, lambda _, xml: xml.replace(b"spreadsheetml.sheet.main", b"wordprocessingml.document.main"))
    assert only(open_bytes(word)).rows, "the place of the workbook decides"


# ---- HTML and XML named .xls ---------------------------------------------------------------------------------------

HTML = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset="{0}">
<style>td {{ a: b }}</style></head>
<body><div>职工医保缴费明细</div>
<table border="1"><tr><th rowspan=2>姓名</th>
<th colspan="2">缴费金额</th><td rowspan=2>备注</td></tr>
<tr><td>单位</td><td>个人</td></tr>
<tr><td>测试甲</td><td>&nbsp;640.00</td><td x:str>160.00<br></td><td></td></tr>
<tr><td>王样例<td>650.00<td>="0012"
</table>打印日期：2024-05-01</body></html>"""


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_html_table(codec: str) -> None:
    """Rows of the tables and the text around them; cells that span keep the columns below in place."""
    grid = only(open_bytes(HTML.format(codec).encode(codec)))
    assert grid.rows == [
        ["职工医保缴费明细"],
        ["姓名", "缴费金额", "", "备注"],
        ["", "单位", "个人"],
        ["测试甲", "640.00", "160.00"],
        ["王样例", "650.00", "0012"],
        ["打印日期：2024-05-01"],
    ]
    assert grid.places == ["L3", "L4", "L6", "L7", "L8", "L9"]


def test_html_on_one_line_has_places_of_its_own() -> None:
    grid = only(open_bytes(b"<table><tr><td>a</td></tr><tr><td>b</td></tr><tr><td>c</td></tr></table>"))
    assert grid.places == ["L1", "L1.2", "L1.3"]


def test_html_without_table_and_cut_off() -> None:
    assert codes(open_bytes("<html><body>请登录</body></html>".encode())) == ["not-a-table"]
    assert codes(open_bytes(b"<html><table><tr><td>1</td></tr><tr><td>2")) == ["truncated-file"]
    assert codes(open_bytes(b'<?xml version="1.0"?><x/>')) == ["unreadable-file"]


EXCEL_2003 = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="明细"><Table><Row><Cell><Data ss:Type="String">姓名</Data></Cell></Row>
<Row ss:Index="4"><Cell><Data ss:Type="String">测试甲</Data></Cell>
<Cell ss:Index="3"><Data ss:Type="Number">29.02</Data></Cell>
<Cell><Data ss:Type="DateTime">2024-05-12T00:00:00.000</Data></Cell>
<Cell><Data ss:Type="Number">1.10105E+17</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


def test_excel_2003_xml() -> None:
    grid = only(open_bytes(EXCEL_2003.encode()))
    assert grid.rows == [["姓名"], ["测试甲", "", "29.02", "2024-05-12", "110105000000000000"]]
    assert (grid.name, grid.places, grid.marks) == ("明细", ["明细!R1", "明细!R4"], {(1, 4): "damaged"})
    assert codes(open_bytes(EXCEL_2003.encode()[:-20])) == ["truncated-file"]
    evil = EXCEL_2003.replace("<Workbook", '<!DOCTYPE x [<!ENTITY a "b">]><Workbook', 1)
    assert codes(open_bytes(evil.encode())) == ["unsafe-markup"]


# ---- archives ------------------------------------------------------------------------------------------------------


def archive(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return sink.getvalue()


def test_archive_members() -> None:
    """Members come as bytes; lock files and the resource forks of macOS do not."""
    data = archive({"明细/b.csv": b"1,2", "a.csv": b"3,4", "__MACOSX/._a.csv": b"x", "~$a.xlsx": b"x", ".x": b"y"})
    assert open_bytes(data).kind == "zip"
    assert list(members(data)) == [("a.csv", b"3,4"), ("明细/b.csv", b"1,2")]


def test_archive_names_in_gb18030() -> None:
    data = archive({"XXXX.csv": b"1"}).replace(b"XXXX", "明细".encode("gb18030"))
    assert list(members(data)) == [("明细.csv", b"1")]


def test_archive_guards() -> None:
    assert codes(open_bytes(archive({}))) == ["empty-file"]
    assert codes(open_bytes(archive({"a.csv": b"0" * (40 << 20)}))) == ["too-large"]
    assert codes(open_bytes(archive({"a.csv": b"1,2" * 50})[:-10])) == ["truncated-file"]
    locked = bytearray(archive({"a.csv": b"1"}))
    for header in (b"PK\x03\x04", b"PK\x01\x02"):
        at = locked.index(header) + (6 if header == b"PK\x03\x04" else 8)
        locked[at] |= 1
    [(name, problem)] = members(bytes(locked))
    assert (name, problem) == ("a.csv", Problem("password-required"))


# ---- folders -------------------------------------------------------------------------------------------------------


def test_list_files(tmp_path: Path) -> None:
    """Locks, hidden and temporary files and links out of the folder are left out; the order is that of the names."""
    folder, outside = tmp_path / "in", tmp_path / "outside.csv"
    for name in (
        "b.csv",
        "a.XLSX",
        "子/c.pdf",
        "~$a.xlsx",
        ".DS_Store",
        "Thumbs.db",
        ".git/x",
        "x.xlsx.tmp",
        "y.crdownload",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    outside.write_bytes(b"x")
    (folder / "link.csv").symlink_to(outside)
    (folder / "near.csv").symlink_to(folder / "b.csv")
    (folder / "loop").symlink_to(folder)
    found = list_files(folder)
    assert [name for name, _ in found] == ["a.XLSX", "b.csv", "near.csv", "子/c.pdf"]
    assert all(path == folder / name for name, path in found)


def test_open_file_without_a_file(tmp_path: Path) -> None:
    assert codes(open_file(tmp_path / "gone.csv")) == ["unreadable-file"]
    (tmp_path / "x.xls").write_text("a,b\n1,2\n")
    assert only(open_file(tmp_path / "x.xls")).kind == "csv"


# ---- PDF -----------------------------------------------------------------------------------------------------------

HEAD = ["序号", "入账日期", "摘要", "入账金额", "支出金额", "余额", "备注"]
WORDS = frozenset(map(fold, HEAD)) | {fold("对应费款所属期"), fold("个人账户划入金额"), fold("姓名"), fold("证件号码")}
EDGES = [30, 70, 140, 280, 350, 420, 490, 570]
RIGHT = {3, 4, 5}


@pytest.fixture(autouse=True)
def no_second_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pdfium reads must not need the slow reader; a mistake in the first would hide behind it."""
    if not request.node.name.startswith("test_pdf"):
        return
    from recon.reading import pdf_grid

    def unwanted(*_: Any) -> Any:
        yield pytest.fail("the slow reader was asked")

    monkeypatch.setattr(pdf_grid, "pages_slowly", unwanted)


class Sheet:
    """A page drawn cell by cell, as exporters do; y counts from the top."""

    def __init__(self, **options: Any) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfgen.canvas import Canvas

        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        self.sink = io.BytesIO()
        self.canvas = Canvas(self.sink, pagesize=(595, 842), invariant=1, **options)
        self.canvas.setFont("STSong-Light", 8)

    def put(self, x: float, y: float, text: str, right: bool = False) -> None:
        (self.canvas.drawRightString if right else self.canvas.drawString)(x, 842 - y, text)

    def row(self, y: float, cells: Sequence[str], right: Iterable[int] = RIGHT) -> None:
        for j, text in enumerate(cells):
            if text:
                self.put(EDGES[j + 1] - 3 if j in right else EDGES[j] + 3, y, text, j in right)

    def rules(self, ys: Sequence[float], xs: Sequence[float] = EDGES) -> None:
        for y in ys:
            self.canvas.line(xs[0], 842 - y, xs[-1], 842 - y)
        for x in xs:
            self.canvas.line(x, 842 - ys[0], x, 842 - ys[-1])

    def next(self) -> None:
        self.canvas.showPage()
        self.canvas.setFont("STSong-Light", 8)

    def bytes(self) -> bytes:
        self.canvas.save()
        return self.sink.getvalue()


ROWS = [
    ["1", "2024-02-12", "个人账户划入", "120.00", "", "1,120.00", ""],
    ["2", "2024-03-05", "药店购药支付", "", "33.50", "1,086.50", "跨省异地"],
    ["3", "2024-03-12", "个人账户划入", "120.00", "", "1,206.50", ""],
]


def trimmed(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    out = [list(row) for row in rows]
    for row in out:
        while row and not row[-1]:
            row.pop()
    return out


@pytest.mark.parametrize("ruled", [False, True])
def test_pdf_pages_with_repeated_headers(ruled: bool) -> None:
    """Preamble, header, rows, page labels of two pages, in order, each with its place."""
    page = Sheet()
    for number in (1, 2):
        page.put(220, 40, "个人账户对账单")
        page.put(30, 60, "姓名：测试甲")
        page.put(300, 60, "查询区间：2024-01-01 至 2024-12-31")
        page.row(80, HEAD)
        for i, row in enumerate(ROWS):
            page.row(92 + 12 * i, row)
        if ruled:
            page.rules([71 + 12 * i for i in range(5)])
        page.put(280, 160, f"第 {number} 页 / 共 2 页")
        page.next()
    grid = only(open_bytes(page.bytes(), WORDS))
    half = len(grid.rows) // 2
    assert grid.rows[:half] == [
        ["个人账户对账单"],
        ["姓名：测试甲", "查询区间：2024-01-01 至 2024-12-31"],
        HEAD,
        *trimmed(ROWS),
        ["第 1 页 / 共 2 页"],
    ]
    assert grid.rows[half:-1] == grid.rows[: half - 1]
    assert grid.places == [f"p{page}:{row}" for page in (1, 2) for row in range(1, 8)]


def test_pdf_without_known_words_keeps_its_text() -> None:
    page = Sheet()
    page.row(80, HEAD)
    page.row(92, ROWS[1])
    grid = only(open_bytes(page.bytes()))
    assert grid.rows[0] == HEAD
    assert "".join(grid.rows[1]) == "".join(ROWS[1])


def test_pdf_header_left_of_its_figures() -> None:
    """Figures at the right of a wide column belong to the name at its left, though the next name is nearer."""
    page = Sheet()
    page.row(80, HEAD, right=())
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_pdf_one_row_and_empty_columns() -> None:
    page = Sheet()
    page.row(80, HEAD)
    page.row(92, ROWS[0])
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS[:1])]


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("shape", ["above and below", "below"])
def test_pdf_wrapped_cells(shape: str, ruled: bool) -> None:
    """A cell of several lines is one cell of its row, whether the row's date stands in its middle or at its top."""
    page = Sheet()
    page.row(80, HEAD)
    parts = (
        ("城镇职工基本医疗保险", "个人账户划入") if shape == "below" else ("城镇职工基本医疗保险", "", "个人账户划入")
    )
    for i, row in enumerate(ROWS):
        top = 96 + 32 * i
        page.row(top if shape == "below" else top + 5, [*row[:2], "", *row[3:]])
        for k, part in enumerate(parts):
            page.put(EDGES[2] + 3, top + (10 if shape == "below" else 5) * k, part)
    if ruled:
        page.rules([70, 86, *(118 + 32 * i for i in range(3))])
    want = [[*row[:2], "城镇职工基本医疗保险个人账户划入", *row[3:]] for row in ROWS]
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(want)]


def test_pdf_wrapped_lines_at_the_pitch_of_rows_belong_to_the_row_above() -> None:
    page = Sheet()
    page.row(80, HEAD)
    lines = [
        ROWS[0],
        ["", "", "城镇职工", "", "", "", ""],
        ROWS[1],
        ROWS[2],
        ["合计", "", "", "240.00", "33.50", "", ""],
    ]
    for i, row in enumerate(lines):
        page.row(92 + 12 * i, row)
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert got[1][2] == "个人账户划入城镇职工"
    assert got[2:] == trimmed([ROWS[1], ROWS[2], lines[-1]])


def test_pdf_totals_and_footers_stay_rows() -> None:
    """A total keeps its columns; a sentence over several columns is not cut into them."""
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    page.row(128, ["", "", "合计", "240.00", "33.50"])
    page.put(33, 142, "打印日期：2024-04-01 10:00:00")
    page.put(33, 156, "以上数据仅供参考，具体以医疗保障经办机构的记录为准，请勿涂改，涂改无效")
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert got[:4] == [HEAD, *trimmed(ROWS)]
    assert got[4] == ["", "", "合计", "240.00", "33.50"]
    assert got[5] == ["打印日期：2024-04-01 10:00:00"]
    assert len(got[6]) == 1


def test_pdf_header_names_broken_over_lines_and_by_spaces() -> None:
    """对应费款 over 所属期 is one name, and so is 姓  名."""
    page = Sheet()
    for x, y, text in (
        (33, 85, "姓　名"),
        (90, 80, "对应费款"),
        (94, 90, "所属期"),
        (150, 85, "证件号码"),
        (300, 80, "个人账户"),
        (300, 90, "划入金额"),
        (400, 85, "备 注"),
    ):
        page.put(x, y, text)
    page.put(33, 105, "测试甲"), page.put(94, 105, "202405"), page.put(150, 105, ID_A), page.put(310, 105, "120.00")
    page.put(33, 117, "王样例"), page.put(94, 117, "202406"), page.put(150, 117, ID_B), page.put(310, 117, "130.00")
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert [fold(name) for name in got[0]] == ["姓名", "对应费款所属期", "证件号码", "个人账户划入金额", "备注"]
    assert got[1:] == [["测试甲", "202405", ID_A, "120.00"], ["王样例", "202406", ID_B, "130.00"]]


def test_pdf_labels_above_a_table_are_no_header() -> None:
    """姓名：… 证件号码：… in the preamble uses the words of a header without being one."""
    page = Sheet()
    page.put(33, 60, "姓名："), page.put(80, 60, "测试甲"), page.put(150, 60, "证件号码："), page.put(220, 60, ID_A)
    page.put(380, 60, "备注："), page.put(420, 60, "无")
    page.row(80, HEAD)
    page.row(92, ROWS[0])
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert got[1:] == [HEAD, *trimmed(ROWS[:1])]
    assert ID_A in got[0]


def test_pdf_cells_that_touch_are_parted_at_the_column() -> None:
    """A name that runs into the figure beside it is cut where letters become digits."""
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    memo, amount = "补缴二〇二三年度医保个人账户划入款", "12,345,678,901,120.00"
    page.row(128, ["4", "2024-04-12", memo, amount, "", "1,326.50", ""])
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert got[4] == ["4", "2024-04-12", memo, amount, "", "1,326.50"]


def test_pdf_two_tables_of_different_columns() -> None:
    """A second header on the page starts columns of its own."""
    page = Sheet()
    page.row(80, HEAD)
    page.row(92, ROWS[0])
    for x, text in ((33, "姓名"), (120, "证件号码"), (300, "对应费款所属期"), (450, "备注")):
        page.put(x, 130, text)
    for x, text in ((33, "测试甲"), (120, ID_A), (300, "202405"), (450, "无")):
        page.put(x, 142, text)
    got = only(open_bytes(page.bytes(), WORDS)).rows
    assert got == [
        HEAD,
        *trimmed(ROWS[:1]),
        ["姓名", "证件号码", "对应费款所属期", "备注"],
        ["测试甲", ID_A, "202405", "无"],
    ]


def test_pdf_second_page_without_header_keeps_the_columns() -> None:
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    page.next()
    for i, row in enumerate(ROWS):
        page.row(40 + 12 * i, row)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS), *trimmed(ROWS)]


def test_pdf_turned_page_and_watermark() -> None:
    """Text that runs up the page is read in its own direction; slanted text between the cells is left out."""
    page = Sheet()
    page.canvas.saveState()
    page.canvas.translate(595, 0)
    page.canvas.rotate(90)
    for y, row in ((100, HEAD), *((112 + 12 * i, row) for i, row in enumerate(ROWS))):
        for j, text in enumerate(row):
            if text:
                page.canvas.drawString(EDGES[j] + 3, 595 - y, text)
    page.canvas.rotate(30)
    page.canvas.setFont("STSong-Light", 30)
    page.canvas.drawString(200, 200, "某某市医保")
    page.canvas.restoreState()
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_pdf_scan_and_mixed_document() -> None:
    """A page that is a picture is named; where others have text, those are read."""
    from PIL import Image

    page = Sheet()
    page.canvas.drawInlineImage(Image.new("L", (40, 40)), 50, 50, 300, 300)
    page.next()
    scan = page.bytes()
    assert [(p.code, p.value) for p in open_bytes(scan, WORDS).problems] == [("no-text-layer", "p1")]
    page = Sheet()
    page.row(80, HEAD)
    page.next()
    page.canvas.drawInlineImage(Image.new("L", (40, 40)), 50, 50, 300, 300)
    page.next()
    opened = open_bytes(page.bytes(), WORDS)
    assert [(p.code, p.value) for p in opened.problems] == [("no-text-layer", "p2")]
    assert opened.grids[0].rows == [HEAD]


def test_pdf_passwords() -> None:
    """A password for opening is asked for; one that only forbids printing is no hindrance."""
    from reportlab.lib.pdfencrypt import StandardEncryption

    for user, code in (("geheim", ["password-required"]), ("", [])):
        page = Sheet(encrypt=StandardEncryption(user, ownerPassword="owner", canPrint=0))
        page.row(80, HEAD)
        assert codes(open_bytes(page.bytes(), WORDS)) == code


def test_pdf_cut_off() -> None:
    page = Sheet()
    page.row(80, HEAD)
    data = page.bytes()
    assert codes(open_bytes(data[: len(data) * 2 // 3], WORDS)) == ["truncated-file"]


def coded_pdf(meaning: dict[str, str], lines: Sequence[Sequence[tuple[float, str]]]) -> bytes:
    """A PDF whose letters A, B, ... mean what its ToUnicode table says, as embedded subset fonts do."""
    pairs = "\n".join(f"<{ord(k):02X}> <{v.encode('utf-16-be').hex()}>" for k, v in meaning.items())
    cmap = (
        f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(meaning)} beginbfchar\n{pairs}\nendbfchar\n"
        "endcmap end end"
    )
    drawn = "\n".join(
        f"BT /F1 10 Tf 1 0 0 1 {x} {800 - 14 * i} Tm ({text}) Tj ET" for i, line in enumerate(lines) for x, text in line
    )
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 6 0 R >>",
        f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",
    ]
    out, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{at:010d} 00000 n \n" for at in places)
    return (
        f"{out}xref\n0 7\n0000000000 65535 f \n{table}trailer << /Size 7 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    ).encode()


RADICAL = {"A": "⼊", "B": "账", "C": "⽇", "D": "期", "E": "⾦", "F": "额", "G": "余", "H": "⻓", "I": "摘", "J": "要"}
DRAWN = [
    [(40, "ABCD"), (150, "IJ"), (250, "ABEF"), (400, "GF")],
    [(40, "2024-05-12"), (150, "H"), (250, "120.00"), (400, "120.00")],
]


def test_pdf_radicals_become_characters() -> None:
    """Headers in Kangxi radicals are found, and the values are written with the characters meant."""
    words = frozenset(map(fold, ("入账日期", "摘要", "入账金额", "余额")))
    grid = only(open_bytes(coded_pdf(RADICAL, DRAWN), words))
    assert grid.rows == [["入账日期", "摘要", "入账金额", "余额"], ["2024-05-12", "长", "120.00", "120.00"]]


@pytest.mark.parametrize("sign", ["\ue000", "\ufffd"])
def test_pdf_text_that_no_font_explains_is_refused(sign: str) -> None:
    """Figures may look right beside signs that cannot be decoded; nothing of such a file is used."""
    opened = open_bytes(coded_pdf(dict.fromkeys(RADICAL, sign), DRAWN))
    assert (codes(opened), opened.grids) == (["unreadable-text"], [])


def test_pdf_one_rare_name_sign_is_no_reason_to_refuse() -> None:
    lines = [*DRAWN, *([DRAWN[1]] * 5)]
    assert only(open_bytes(coded_pdf({**RADICAL, "H": "\ue000"}, lines[:1] + lines[2:] + [[(40, "2024-05-12")]] * 20)))


LONG_HEAD = [
    "序号",
    "姓名",
    "证件号码",
    "对应费款所属期",
    "险种类型",
    "缴费基数",
    "个人缴费金额",
    "单位缴费金额",
    "划入个人账户金额",
    "到账日期",
    "缴费单位名称",
]
NARROW, BROAD = [26, 40, 60, 40, 50, 45, 40, 40, 45, 55, 60], [30, 45, 95, 70, 80, 50, 60, 60, 75, 60, 140]


def laid_out(style: Sequence[tuple[Any, ...]], widths: Sequence[float], rows: Sequence[Sequence[str]]) -> bytes:
    """A table as a layout engine sets it: cells wrap, pages break, the header repeats."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

    Sheet()  # registers the font
    normal = ParagraphStyle("n", fontName="STSong-Light", fontSize=8, leading=10, wordWrap="CJK")
    table = Table(
        [[Paragraph(text, normal) for text in row] for row in (LONG_HEAD, *rows)], colWidths=widths, repeatRows=1
    )
    table.setStyle(TableStyle(list(style)))
    sink = io.BytesIO()
    document = SimpleDocTemplate(sink, pagesize=(842, 595), topMargin=30, bottomMargin=30, invariant=1)
    document.build([Paragraph("职工医保缴费明细", normal), table, Paragraph("以上数据仅供参考", normal)])
    return sink.getvalue()


RULED = {
    "none": (),
    "grid": (("GRID", (0, 0), (-1, -1), 0.5, "black"),),
    "lines": (("LINEBELOW", (0, 0), (-1, -1), 0.3, "grey"),),
    "three lines": (
        ("LINEABOVE", (0, 0), (-1, 0), 1, "black"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, "black"),
        ("LINEBELOW", (0, -1), (-1, -1), 1, "black"),
    ),
    "columns": (
        ("BOX", (0, 0), (-1, -1), 1, "black"),
        ("LINEAFTER", (0, 0), (-1, -1), 0.5, "black"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, "black"),
    ),
    "zebra": (("ROWBACKGROUNDS", (0, 0), (-1, -1), ["lightgrey", "white"]),),
}


@pytest.mark.parametrize("upright", ["TOP", "MIDDLE", "BOTTOM"])
@pytest.mark.parametrize("widths", [NARROW, BROAD], ids=["narrow", "broad"])
@pytest.mark.parametrize("ruling", RULED)
def test_pdf_tables_of_a_layout_engine(ruling: str, widths: Sequence[float], upright: str) -> None:
    """Every row and header of several pages comes back whole, wherever wrapped cells stand and whatever is ruled."""
    rows = [
        [
            str(i + 1),
            ("测试甲", "欧阳样例")[i % 2],
            ID_A,
            f"2024{i % 12 + 1:02d}",
            "职工基本医疗保险",
            "8,000.00",
            "160.00",
            "640.00",
            "160.00",
            f"2024-{i % 12 + 1:02d}-15",
            "某某市第一人力资源服务有限公司",
        ]
        for i in range(30)
    ]
    data = laid_out([*RULED[ruling], ("VALIGN", (0, 0), (-1, -1), upright)], widths, rows)
    grid = only(open_bytes(data, frozenset(map(fold, LONG_HEAD))))
    headers = [row for row in grid.rows if row[0] == "序号"]
    assert [row for row in grid.rows if row not in headers] == [["职工医保缴费明细"], *rows, ["以上数据仅供参考"]]
    pages = {place.partition(":")[0] for row, place in zip(grid.rows, grid.places, strict=True) if row[0].isdigit()}
    assert headers == [LONG_HEAD] * len(pages)


def test_pdf_slow_reader_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pdfium fails, pdfplumber gives the same rows."""
    from recon.reading import pdf_grid

    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    page.rules([71 + 12 * i for i in range(5)])
    data = page.bytes()
    fast = only(open_bytes(data, WORDS))

    def broken(*_: Any) -> Any:
        raise OSError

    monkeypatch.undo()
    monkeypatch.setattr(pdf_grid, "pages", broken)
    slow = only(open_bytes(data, WORDS))
    assert slow.rows == fast.rows


# ---- files written by others ---------------------------------------------------------------------------------------


@SAMPLES
@pytest.mark.parametrize(
    ("name", "rows", "last"),
    [
        ("boc-debit.csv", 19, "L19"),
        ("alipay-gb18030.csv", 33, "L35"),
        ("wechat-tab-after-quote.csv", 42, "L44"),
        ("text-named.xls", 14, "L14"),
        ("abc-debit.csv", 6, "L6"),
        ("ccb-debit.xls", 12, "R13"),
        ("spdb-debit.xls", 6, "R6"),
        ("hostile-minimal_package.xlsx", 195, "R196"),
        ("hostile-strict_iso_paths.xlsx", 76, "R76"),
        ("hostile-issue_530.xlsx", 5, "R5"),
        ("wechat-two-layouts.xlsx", 43, "R45"),
        ("hostile-errors.xlsx", 7, "R7"),
        ("hostile-date_1904.xlsx", 3, "R3"),
    ],
)
def test_samples(name: str, rows: int, last: str) -> None:
    opened = open_file(SHARED / name)
    assert not opened.problems
    assert len(opened.grids[0].rows) == rows
    assert opened.grids[0].places[-1].endswith(last)


@SAMPLES
@pytest.mark.parametrize(
    ("name", "code"),
    [("hostile-pass_protected.xlsx", "password-required"), ("hostile-OOM_alloc3.xls", "unreadable-file")],
)
def test_hostile_samples(name: str, code: str) -> None:
    assert codes(open_file(SHARED / name)) == [code]
