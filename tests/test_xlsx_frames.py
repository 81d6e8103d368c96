"""Large workbooks are read as columns, with the cells, places, marks, ranges and problems of the usual reader."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recon.reading import xlsx_frames, xlsx_grid, xml_block
from recon.reading.containers import open_bytes
from recon.reading.folder import read_folder
from support import FORMAT_SAMPLES, MAPPINGS, SAMPLES

QUIET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, two rows as lists: the borders between them are met by small files too."""
    monkeypatch.setattr(xml_block, "BLOCK_BYTES", 400)
    monkeypatch.setattr(xlsx_frames, "HEAD", 2)


def told(opened: Any) -> list[Any]:
    """All that the grids say, and the problems."""
    return [*opened.problems, *((grid.name, grid.marks, grid.hidden, grid.merged, grid.kind) for grid in opened.grids),
            *((place, row) for grid in opened.grids for place, row in zip(grid.places, grid.rows, strict=True))]


def both(monkeypatch: pytest.MonkeyPatch, data: bytes) -> tuple[list[Any], list[Any], bool]:
    """What the usual reader and the reader by columns make of a workbook, and whether the latter took it."""
    with monkeypatch.context() as patch:
        patch.setattr(xlsx_grid, "LARGE", 1 << 60)
        slow = open_bytes(data)
        patch.setattr(xlsx_grid, "LARGE", 0)
        fast = open_bytes(data)
    return told(slow), told(fast), any(type(grid).__name__ == "FrameGrid" for grid in fast.grids)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-10**19, 10**19), st.integers(-100, 10**6),
    st.floats(allow_nan=False, allow_infinity=False), st.decimals(-10**6, 10**6, places=2).map(float),
    st.sampled_from([0.1 + 0.2, 1e15, -1e15, 999999999999999.0, 110105199001010009, -0.0, 1e-7, 29.02, 6000.10]),
    st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2100, 1, 1)),  # noqa: DTZ001
    st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1)), st.times(),
    st.sampled_from([
        "", " ", "测试甲", "\u3000王样例\u00a0", "'0012", '="0012"', "a & b", "<c r=\"A1\">", "x\ny", "\t", "1.1E+17", "_x000D_", "a_x0041_",
        "a>b", "·买买提", "—", "《甲》", "z\u200b", "（全角）", "\ufeff甲", "１２", "0012", "#N/A", "\u2003x", "x\u2028", "合计", "A" * 300,
        "\U00020000", "e\u0301", "=", "'", "甲\u00ad", "]]>", "&amp;", "&#13;", "㐀" * 60,
    ]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6),
)
ROWS = st.lists(st.lists(VALUES, max_size=6), min_size=1, max_size=25)


@QUIET
@given(ROWS, st.booleans(), st.integers(0, 3), st.integers(0, 30))
def test_what_openpyxl_wrote(
    monkeypatch: pytest.MonkeyPatch, rows: list[list[Any]], base: bool, down: int, right: int
) -> None:
    """Numbers, dates, texts, truth values; hidden rows and sheets, merged ranges, 1904, a sheet that begins elsewhere."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "明细{}"
    if base:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for at, row in enumerate(rows, 1 + down):
        for index, value in enumerate(row, 1 + right):
            cell = sheet.cell(at, index)
            try:
                cell.value = value.replace(tzinfo=None) if isinstance(value, dt.time) else value
            except openpyxl.utils.exceptions.IllegalCharacterError:
                continue
            if isinstance(value, str) and value.startswith("=") and len(value) > 1:
                cell.data_type = "s"
    if len(rows) > 3:
        sheet.row_dimensions[2].hidden = True
        sheet.merge_cells(start_row=1, start_column=1, end_row=3, end_column=2)
    other = book.create_sheet("历史")
    other.append(["甲", 1])
    other.sheet_state = "hidden"
    sink = io.BytesIO()
    book.save(sink)
    slow, fast, _ = both(monkeypatch, sink.getvalue())
    assert fast == slow


@QUIET
@given(ROWS, st.booleans(), st.booleans())
def test_what_xlsxwriter_wrote(monkeypatch: pytest.MonkeyPatch, rows: list[list[Any]], inline: bool, base: bool) -> None:
    """The same with inline or shared strings, formats, formulas with values, rich text and blank cells with a format."""
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"constant_memory": inline, "in_memory": True, "date_1904": base,
                                      "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True})
    sheet, day, money, bold = book.add_worksheet("明细"), *(
        book.add_format(form) for form in ({"num_format": "yyyy-mm-dd hh:mm"}, {"num_format": "#,##0.00"}, {"bold": True}))
    for at, row in enumerate(rows):
        for index, value in enumerate(row):
            if isinstance(value, dt.date | dt.time):
                if value >= type(value)(1950, 1, 1) if isinstance(value, dt.date) else True:  # type: ignore[operator]
                    sheet.write_datetime(at, index, value, day)
            elif value is None:
                sheet.write_blank(at, index, None, money)
            elif isinstance(value, str) and value:
                if at % 4 == 1:
                    sheet.write_formula(at, index, '="a"', money, value)
                elif at % 4 == 2 and not inline:
                    sheet.write_rich_string(at, index, bold, value, "乙")
                else:
                    sheet.write_string(at, index, value)
            elif isinstance(value, int) and not isinstance(value, bool) and at % 4 == 3:
                sheet.write_formula(at, index, "=1+1", money, value)
            else:
                sheet.write(at, index, value, money if index % 2 else None)
    book.close()
    slow, fast, _ = both(monkeypatch, sink.getvalue())
    assert fast == slow


# ------------------------------------------------------------------------------- XML as the common writers never make it

CELLS = st.sampled_from([
    '<c r="{}"/>', '<c r="{}" s="1"/>', '<c r="{}"></c>', '<c r="{}" t="str"></c>', '<c r="{}"><v></v></c>', '<c r="{}"><v/></c>',
    '<c r="{}" t="s"><v>0</v></c>', '<c r="{}" t="s"><v>1</v></c>', '<c r="{}" t="s"><v>2</v></c>', '<c r="{}" t="s"><v>3</v></c>',
    '<c r="{}" t="s"><v>4</v></c>', '<c r="{}" t="s"><v>5</v></c>', '<c r="{}" t="s"><v>6</v></c>', '<c r="{}" t="s"><v/></c>',
    '<c r="{}" t="s"><v></v></c>', '<c r="{}" t="s"><v>007</v></c>', '<c r="{}" s="1" t="s"><v>2</v></c>', '<c r="{}" t="s" s="2"><v>2</v></c>',
    '<c r="{}"><v>5</v></c>', '<c r="{}"><v>6000.0</v></c>', '<c r="{}"><v>120.50</v></c>', '<c r="{}"><v>-0.0</v></c>', '<c r="{}"><v>-0</v></c>',
    '<c r="{}"><v>1.10105199001010000E17</v></c>', '<c r="{}"><v>110105199001010009</v></c>', '<c r="{}"><v>1E400</v></c>', '<c r="{}"><v>NaN</v></c>',
    '<c r="{}"><v>+5</v></c>', '<c r="{}"><v>.5</v></c>', '<c r="{}"><v>5.</v></c>', '<c r="{}"><v> 5 </v></c>', '<c r="{}"><v>1_0</v></c>',
    '<c r="{}"><v>甲</v></c>', '<c r="{}"><v>１２</v></c>', '<c r="{}"><v>0012</v></c>', '<c r="{}"><v>0.30000000000000004</v></c>', '<c r="{}"><v>0.000001</v></c>',
    '<c r="{}"><v>1.2345678E7</v></c>', '<c r="{}"><v>-12.5e-3</v></c>', '<c r="{}"><v>999999999999999.9</v></c>', '<c r="{}"><v>1&#48;</v></c>',
    '<c r="{}" s="1"><v>45000</v></c>', '<c r="{}" s="1"><v>45000.25</v></c>', '<c r="{}" s="1"><v>-1</v></c>', '<c r="{}" s="1"><v>0.5</v></c>',
    '<c r="{}" s="1"><v>99999999</v></c>', '<c r="{}" s="2"><v>1.5</v></c>', '<c r="{}" s="3"><v>0.25</v></c>', '<c r="{}" s="99"><v>1.5</v></c>',
    '<c r="{}" t="n"><v>5</v></c>', '<c r="{}" t="b"><v>1</v></c>', '<c r="{}" t="b"><v>0</v></c>', '<c r="{}" t="b"><v>x</v></c>', '<c r="{}" t="b"><v></v></c>',
    '<c r="{}" t="e"><v>#N/A</v></c>', '<c r="{}" t="e"><v>#DIV/0!</v></c>', '<c r="{}" t="e"><v>#怪!</v></c>', '<c r="{}" t="d"><v>2024-05-12</v></c>',
    '<c r="{}" t="d"><v>2024-05-12T10:00:00</v></c>', '<c r="{}" t="str"><v>甲</v></c>', '<c r="{}" t="str"><v> 乙 </v></c>', '<c r="{}" t="str"><v></v></c>',
    '<c r="{}" t="str"><v>2024</v></c>', '<c r="{}" t="str"><v>a&amp;b</v></c>', '<c r="{}" t="str"><v>&quot;</v></c>', '<c r="{}" t="inlineStr"><is><t>丙</t></is></c>',
    '<c r="{}" t="inlineStr"><is><t xml:space="preserve"> 丙 </t></is></c>', '<c r="{}" t="inlineStr"><is><t></t></is></c>', '<c r="{}" t="inlineStr"><is><t/></is></c>',
    '<c r="{}" t="inlineStr"><is><r><t>丁</t></r><r><rPr><b/></rPr><t>戊</t></r></is></c>', '<c r="{}" t="inlineStr"><is><t>a_x000D_b</t></is></c>',
    '<c r="{}" t="inlineStr"><is><t>&#x27;0012</t></is></c>', '<c r="{}" t="inlineStr"><v>5</v></c>', '<c r="{}"><is><t>5</t></is></c>',
    '<c r="{}"><f>1+1</f><v>2</v></c>', '<c r="{}"><f>A1&amp;"x"</f><v>2.50</v></c>', '<c r="{}" t="str"><f>"a"</f><v>己</v></c>', '<c r="{}"><f t="shared" si="0"/><v>3</v></c>',
    '<c r="{}"><f t="shared" ref="A1:A9" si="0">1+1</f><v>3</v></c>', '<c r="{}" t="e"><f>1/0</f><v>#DIV/0!</v></c>', '<c r="{}" s="1"><f>TODAY()</f><v>45001</v></c>',
    '<c r="{}"><f>a>b</f><v>1</v></c>', '<c r="{}"><f>A1&B1</f><v>1</v></c>', '<c r="{}" t="str"><v>a]]>b</v></c>', '<c r="{}" t="str"><v>a & b</v></c>', '<c r="{}" t="s"><v>3</v><f>1</f></c>',
    '<c r="{}" t="inlineStr"><is><t>庚</t><phoneticPr fontId="1"/></is></c>', '<c r="{}" t="inlineStr"><is><t>a>b</t></is></c>',
])
# Each of these makes the sheet one that columns must not vouch for, or one that no reader takes.
RARE = st.sampled_from([
    '<c r="{}"><f>1+1</f></c>', '<c r="{}"><f>1+1</f><v></v></c>', '<c r="{}" t="str"><f>1</f><v></v></c>', '<c r="{}"><f t="shared" si="0"/></c>',
    '<c r="{}" t="s"><v>9</v></c>', '<c r="{}" t="s"><v>x</v></c>', '<c r="{}" t="e"><v></v></c>', '<c r="{}" t="d"><v></v></c>', '<c r="{}" t="x"><v>1</v></c>',
    '<c t="str"><v>辛</v></c>', '<c s="1" r="{}"><v>1</v></c>', "<c r='{}'><v>1</v></c>", '<c  r="{}"><v>1</v></c>', '<c r="{}" ><v>1</v></c>',
    '<c r="{}" s="1" s="2"><v>1</v></c>', '<c r="{}" cm="1"><v>1</v></c>', '<c r="{}"> <v>1</v> </c>', '<c r="{}"><v>1</v></c><!-- x -->', '<c r="{}"><!-- x --><v>1</v></c>',
    '<c r="{}" t="str"><v><![CDATA[壬]]></v></c>', '<c r="{}"><v>1</v><v>2</v></c>', '<c r="{}" t="str"><v>\r\n癸</v></c>', '<c r="{}" t="str"><v>&nope;</v></c>',
    '<c r="{}" t="str"><v>甲</v></c></row><row r="900"><c r="A900"><v>1</v></c>', '<c r="{}"><v>1</v>', '<v>1</v>', '<c r="a1"><v>1</v></c>', '<c r="A0"><v>1</v></c>',
    '<c r="XFE1"><v>1</v></c>', '<c r="{}9"><v>1</v></c>', '<x:c r="{}"><v>1</v></x:c>', '<c r="{}" t="str"><v>a\x0bb</v></c>', '<c r="{}" t="str"><v>\x7f</v></c>',
    '<c r="{}" t="s" xml:lang="x"><v>1</v></c>', '<c r="{}"><extLst><ext/></extLst></c>', '<c r="{}"><v xml:space="preserve">7</v></c>',
])
ROW_TAGS = st.sampled_from(['<row r="{}">', '<row r="{}" spans="1:6">', '<row r="{}">\n',  '<row r="{}" ht="15" customHeight="1">', '<row r="{}" hidden="1">',
                            '<row r="{}" hidden="true" s="1">', '<row r="{}" hidden="0">', '<row r="{}" x14ac:dyDescent="0.2">'])
BETWEEN = st.sampled_from(["", "", "\n", '\n<row r="{}">\n</row>\n', '<row r="{}"/>\n', '<row r="{}"/>', '<row r="{}"></row>', '<row r="{}" hidden="1"/>', '<row r="{}" hidden="1"></row>'])
RARE_ROWS = st.sampled_from(['<row>', "<row r='{}'>", '<row r="{}" r="{}">', '<row r="0{}">', '<row  r="{}">', '<row r="{}">\n\n', '<row r="{}">\r\n', '<row spans="1:2" r="{}">',
                             '<row r="{}" ><c r="A{}"/>', '<rows r="{}">', '<row r="1">'])
STRINGS = ("<si><t>测试甲</t></si><si><t/></si><si><t>0012</t></si><si><r><t>粗</t></r><r><t>体</t></r></si>"
           '<si><t xml:space="preserve"> a&amp;b </t></si><si><t>\u3000王样例</t><phoneticPr fontId="1"/></si><si><t>x_x000D_y</t></si><si><t>末</t></si>')
SHEET = st.lists(st.tuples(ROW_TAGS, BETWEEN, st.lists(st.tuples(st.integers(0, 2), CELLS), max_size=5), st.integers(0, 1)),
                 min_size=1, max_size=14)


def package(sheet: str, strings: str = STRINGS, tail: str = '<mergeCells count="1"><mergeCell ref="A1:B3"/></mergeCells>') -> bytes:
    """A workbook with these rows, styles that make dates (1), money (2) and times (3) of numbers, and strings."""
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True})
    first = book.add_worksheet("明细")
    first.write(0, 0, "x")
    for at, form in enumerate(["yyyy-mm-dd", "0.00", "[h]:mm:ss"]):
        first.write(1, at, 1, book.add_format({"num_format": form}))
    second = book.add_worksheet("其他")
    second.write(0, 0, "x")
    second.hide()
    book.close()

    def change(name: str, content: bytes) -> bytes:
        text = content.decode()
        if name.endswith("sheet1.xml"):
            text = re.sub("<sheetData>.*</sheetData>", lambda _: f"<sheetData>{sheet}</sheetData>{tail}", text)
        elif name.endswith("sharedStrings.xml"):
            text = text[:text.index("<si>")] + strings + "</sst>"
        return text.encode()

    return repacked(sink.getvalue(), change)


def repacked(data: bytes, change: Any) -> bytes:
    """The same workbook with other contents of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def rows_of(parts: list[Any]) -> str:
    out, number = "", 0
    for tag, between, cells, skip in parts:
        number += 1 + skip
        if between == "\n":
            out += between if out else ""
        elif between:
            out += between.format(number)
            number += 1
        column, body = -1, ""
        for step, cell in cells:
            column += 1 + step
            body += cell.format(f"{chr(65 + column) if column < 26 else 'A' + chr(39 + column)}{number}")
        out += tag.replace("{}", str(number)) + body + "</row>"
    return out


@settings(QUIET, max_examples=60)
@given(SHEET)
def test_cells_of_every_shape(monkeypatch: pytest.MonkeyPatch, parts: list[Any]) -> None:
    """Whatever a writer may make of a cell."""
    slow, fast, _ = both(monkeypatch, package(rows_of(parts)))
    assert fast == slow


@settings(QUIET, max_examples=60)
@given(SHEET, RARE, RARE_ROWS, st.integers(0, 13), st.booleans())
def test_what_no_writer_makes(
    monkeypatch: pytest.MonkeyPatch, parts: list[Any], cell: str, row: str, at: int, whole: bool
) -> None:
    """One cell or row that is not regular anywhere: the usual reader has the word."""
    tag, between, cells, skip = parts[at % len(parts)]
    parts[at % len(parts)] = (row, between, cells, skip) if whole else (tag, between, [*cells, (0, cell)], skip)
    slow, fast, _ = both(monkeypatch, package(rows_of(parts)))
    assert fast == slow


@settings(QUIET, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from(["sheet1.xml", "sharedStrings.xml", "styles.xml", "workbook.xml"]))
@example(3708, 2, "sheet1.xml")  # an odd cell that never ends
def test_damaged_parts(monkeypatch: pytest.MonkeyPatch, seed: int, count: int, part: str) -> None:
    """Bytes changed, dropped or doubled anywhere in a part: both ways say the same of it."""
    chance = random.Random(seed)
    rows = "".join(f'<row r="{at}"><c r="A{at}" t="s"><v>{at % 8}</v></c><c r="B{at}" s="2"><v>{at}.5</v></c>'
                   f'<c r="C{at}" t="inlineStr"><is><t>测试</t></is></c></row>' for at in range(1, 12))

    def damaged(content: bytes) -> bytes:
        raw = bytearray(content)
        start = raw.find(b"<sheetData>") if part == "sheet1.xml" else 0
        for _ in range(count):
            at = chance.randrange(start, len(raw))
            kind = chance.randrange(4)
            if kind == 0:
                raw[at] = chance.choice(b'<>/"= crvt019Aa&!\n\x00\xe2')
            elif kind == 1:
                del raw[at:at + chance.randrange(1, 9)]
            elif kind == 2:
                raw[at:at] = raw[at:at + chance.randrange(1, 30)]
            else:
                raw[at:at] = chance.choice([b"<v>", b"</c>", b"</row>", b"<c ", b' t="s"', b"<!--", b"<is>", b"&amp;", b"'"])
        return bytes(raw)

    data = repacked(package(rows), lambda name, content: damaged(content) if name.endswith(part) else content)
    slow, fast, _ = both(monkeypatch, data)
    assert fast == slow


# ------------------------------------------------------------------------------------------------- what is taken at all


def test_regular_workbooks_are_read_as_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the tests above would hold for a fast way that is never taken."""
    rows = "".join(
        f'<row r="{at}" spans="1:9"><c r="A{at}" t="s"><v>{at % 8}</v></c><c r="B{at}" s="2"><v>6000.0</v></c><c r="C{at}" t="inlineStr"><is><t>a&amp;b</t></is></c>'
        f'<c r="D{at}" s="1"><v>{45000 + at}</v></c><c r="E{at}"><f>1+{at}</f><v>{at}.25</v></c><c r="F{at}"><v>1.10105E+17</v></c>'
        f'<c r="G{at}" t="e"><v>#N/A</v></c><c r="H{at}" s="2"/><c r="AA{at}" t="b"><v>1</v></c></row>' for at in range(1, 40))
    slow, fast, taken = both(monkeypatch, package(rows))
    assert taken
    assert fast == slow
    _, (name, marks, _, merged, _), _, *lines = fast
    assert (name, marks[9, 5], marks[9, 6], merged) == ("明细", "damaged", "error", [(0, 0, 2, 1)])
    assert lines[9][0] == "明细!R10"
    assert lines[9][1][1:9] == ["6000", "a&b", "2023-03-25", "10.25", "110105000000000000", "#N/A", "", ""]


def excel(rows: str) -> str:
    """As Excel and WPS write sheets."""
    return rows.replace("{row}", ' spans="1:4" x14ac:dyDescent="0.25"')


def poi(rows: str) -> str:
    """As Apache POI does when it streams, and so most portals: lines between rows, 6000.0 for 6000."""
    rows = re.sub(r"<row[^>]*>", lambda found: found[0].replace("{row}", "") + "\n", rows).replace("</row>", "</row>\n")
    rows = re.sub(r'<c (r="\w+")( s="\d")?><v>(\d+)</v>', r'<c \1\2 t="n"><v>\3.0</v>', rows)
    return re.sub(r't="s"><v>(\d)</v>', r't="inlineStr"><is><t>文\1</t></is>', rows)


def sdk(rows: str) -> str:
    """As Open XML SDK and ClosedXML do: a prefix on every element."""
    return re.sub(r"<(/?)(?=\w)", r"<\1x:", rows.replace("{row}", ""))


@pytest.mark.parametrize("writer", [excel, poi, sdk])
def test_the_ways_of_common_writers(monkeypatch: pytest.MonkeyPatch, writer: Any) -> None:
    """Workbooks of the programs people have are taken."""
    rows = "".join(f'<row r="{at}"{{row}}><c r="A{at}" t="s"><v>{at % 8}</v></c><c r="B{at}" s="2"><v>{at}</v></c><c r="C{at}" s="1"/>'
                   f'<c r="D{at}" s="1"><v>45000</v></c></row>' for at in range(1, 30))
    strings = STRINGS.replace("</t></si>", '</t><phoneticPr fontId="1" type="noConversion"/></si>') if writer is excel else STRINGS
    data = package(writer(rows), strings)
    if writer is sdk:
        data = repacked(data, lambda name, content: content if "sheet1" not in name else re.sub(
            rb"<(/?)(worksheet|sheetData|mergeCells?)\b", rb"<\1x:\2", content.replace(b"xmlns=", b"xmlns:x=")))
    slow, fast, taken = both(monkeypatch, data)
    assert fast == slow
    assert taken


def test_what_libreoffice_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with every attribute, formulas with aca=, strings that keep their spaces."""
    rows = "".join(
        f'<row r="{at}" customFormat="false" ht="12.8" hidden="false" customHeight="false" outlineLevel="0" collapsed="false"><c r="A{at}" s="0" t="s">'
        f'<v>{at % 8}</v></c><c r="B{at}" s="2" t="n"><f aca="false">A1+{at}</f><v>{at}.5</v></c></row>' for at in range(1, 30))
    slow, fast, taken = both(monkeypatch, package(rows, STRINGS.replace("<t>", '<t xml:space="preserve">')))
    assert fast == slow
    assert taken


def test_many_different_unusual_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of IDs kept as numbers, of times and of escapes, each cell another; errors."""
    rows = "".join(f'<row r="{at}"><c r="A{at}"><v>{110105199001010000 + 1000 * at}</v></c><c r="B{at}" t="e"><v>#N/A</v></c>'
                   f'<c r="C{at}" s="1"><v>{45000 + at / 1024}</v></c><c r="D{at}" t="str"><v>甲 &amp; &#20057;{at}</v></c></row>' for at in range(1, 90))
    slow, fast, taken = both(monkeypatch, package(rows))
    assert fast == slow
    assert taken
    assert len(fast[1][1]) == 2 * 89, "marks"


def test_a_small_file_is_read_as_before() -> None:
    grid = open_bytes(package('<row r="1"><c r="A1"><v>1</v></c></row>')).grids[0]
    assert type(grid).__name__ == "Grid"


@pytest.mark.parametrize("far", ["ZZ99999", "A1048577"])
def test_far_cells_get_the_answer_of_the_usual_reader(monkeypatch: pytest.MonkeyPatch, far: str) -> None:
    """Guards against rectangles that no memory holds come first here too."""
    number = re.sub("[A-Z]", "", far)
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{number}"><c r="{far}"><v>2</v></c></row>'
    slow, fast, taken = both(monkeypatch, package(rows))
    assert fast == slow
    assert not taken


FILES = sorted(path for folder in (SAMPLES, FORMAT_SAMPLES, FORMAT_SAMPLES.parent / "problems") for path in folder.rglob("*.xlsx"))


def test_the_same_grids_of_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged headers, totals, footers and what is wrong in the problem files."""
    for path in FILES:
        slow, fast, _ = both(monkeypatch, path.read_bytes())
        assert fast == slow, path.name


@pytest.mark.parametrize("name", ["个人账户收支.xlsx", "社保费账单明细.xlsx", "工资表2024年3月.xlsx"])
def test_the_same_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Down to the tables that the rows become."""
    (tmp_path / "a.xlsx").write_bytes(next(path for path in FILES if path.name == name).read_bytes())

    def read() -> Any:
        return read_folder(tmp_path, mappings=[MAPPINGS], region_of=lambda _: "420100", workers=1)

    slow = read()
    monkeypatch.setattr(xlsx_grid, "LARGE", 0)
    fast = read()
    assert all(slow.tables[table].equals(fast.tables[table]) for table in slow.tables)
    assert slow.problems == fast.problems
    assert slow.sources.equals(fast.sources)
