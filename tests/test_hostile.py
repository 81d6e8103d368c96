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
from recon.reading.folder import ReadResult, read_folder
from support import MAPPINGS, SAMPLES, run_recon
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
        monkeypatch.setattr("recon.reading.folder.SECONDS", 1.0)
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

    monkeypatch.setattr("recon.reading.folder._sha256", digest)
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


def test_every_case_has_a_test() -> None:
    """The cases of the collection, and where each is tested."""
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
    "1.12": ("test_folder", "test_identical_files_count_once"),
    "2.1": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.2": ("test_containers", "test_id_saved_by_a_spreadsheet_is_marked"),
    "2.3": ("test_containers", "test_sums_survive_binary_fractions"), "2.4": ("test_containers", "test_cell_texts"),
    "2.5": ("test_containers", "test_true_row_numbers"), "2.6": ("test_containers", "test_true_row_numbers"),
    "2.7": ("test_containers", "test_a_wrong_dimension_is_not_believed"),
    "2.8": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.9": ("test_containers", "test_damaged_error_and_formula_cells_are_marked"),
    "2.10": ("test_containers", "test_merged_ranges_are_kept_beside_the_rows"),
    "2.11": ("test_containers", "test_hidden_sheets_are_read_and_said"), "2.12": ("", "test_2_12_the_epoch_of_1904"),
    "2.16": ("", "test_2_16_hidden_rows_count_and_are_said"),
    "2.17": ("test_folder", "test_no_row_is_lost_whatever_the_rows_are"),
    "3.1": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.2": ("test_containers", "test_utf8_is_never_taken_for_gb18030"),
    "3.3": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.4": ("test_containers", "test_text_in_every_encoding_and_delimiter"),
    "3.5": ("test_containers", "test_tab_padding_is_no_delimiter"),
    "3.7": ("test_containers", "test_text_places_are_physical_lines"),
    "3.8": ("", "test_3_8_open_quotation_marks_by_the_thousand_take_no_time"),
    "3.10": ("test_containers", "test_text_padding_and_guards"),
    "3.11": ("", "test_3_11_control_characters_are_left_out_and_said"),
    "3.14": ("test_containers", "test_text_line_ends"),
    "4.1": ("test_containers", "test_pdf_passwords"), "4.2": ("test_containers", "test_pdf_passwords"),
    "4.3": ("test_containers", "test_pdf_scan_and_mixed_document"),
    "4.4": ("test_containers", "test_pdf_text_that_no_font_explains_is_refused"),
    "4.5": ("test_containers", "test_pdf_radicals_become_characters"),
    "4.6": ("test_containers", "test_pdf_pages_with_repeated_headers"),
    "4.7": ("", "test_4_7_columns_learned_from_one_page_serve_the_next_and_grow"),
    "4.8": ("test_containers", "test_pdf_wrapped_cells"),
    "4.9": ("test_containers", "test_pdf_totals_and_footers_stay_rows"),
    "4.11": ("", "test_4_11_text_drawn_twice_counts_once"),
    "4.12": ("test_containers", "test_pdf_cells_that_touch_are_parted_at_the_column"),
    "4.13": ("", "test_4_13_memory_does_not_grow_with_pages"), "4.14": ("", "test_4_14_circles_end"),
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
