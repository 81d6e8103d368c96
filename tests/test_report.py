"""The workbook: its cells against golden tables, its types, its manners with hostile text, its sums."""

from __future__ import annotations

import os
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

import report_run
from recon.labels import ACTIONS_EN, CAUSES, STATUSES, STEP_CAUSES, VERDICTS
from recon.report import view as views
from recon.report.mask import mask_files, mask_id, mask_name, mask_numbers, number_files
from recon.report.style import STATES, TONES, text_width
from recon.report.view import RunView
from recon.report.words import _TEXTS, Words, yuan
from recon.report.workbook import write_workbook

GOLDEN = Path(__file__).parent / "golden" / "report"
SHEETS_ZH = ["汇总", "差异", "人×月", "已匹配", "未匹配", "为什么变少了", "资料问题", "输入与参数"]
SHEETS_EN = [
    "Summary", "Exceptions", "Person x Month", "Matched", "Unmatched", "Why it changed", "Data problems", "Inputs",
]


def cell_text(cell: Any) -> str:
    """A cell as a reader sees it."""
    value, style = cell.value, cell.number_format
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m" if style == "yyyy-mm" else "%Y-%m-%d")
    if isinstance(value, int | float) and style.endswith("0.00"):
        return ("≈" if "≈" in style else "") + f"{value:,.2f}"
    return str(value).replace("\t", "⇥").replace("\n", "⏎")


def sheet_text(sheet: Any) -> str:
    rows = [[cell_text(cell) for cell in row] for row in sheet.iter_rows()]
    return "\n".join("\t".join(row).rstrip("\t") for row in rows).rstrip("\n") + "\n"


def written(tmp_path: Path, view: RunView, **options: Any) -> Any:
    path = tmp_path / "report.xlsx"
    write_workbook(path, view, **options)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return written(tmp_path_factory.mktemp("zh"), report_run.every_verdict())


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [dict(zip(head, row, strict=True)) for row in rows]


# --- the cells ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "edition"), [("zh", "hr"), ("en", "hr"), ("zh", "audit")])
def test_the_cells_are_the_golden_ones(tmp_path: Path, lang: str, edition: str) -> None:
    """Every sheet's cells as text equal the kept table; RECON_GOLDEN=1 rewrites it, a missing one fails."""
    shown = written(tmp_path, report_run.every_verdict(lang=lang, edition=edition))
    sheets = shown.sheetnames if edition == "hr" else [name for name in shown.sheetnames if name not in SHEETS_ZH]
    for name in sheets:
        key = next(key for key, pair in _TEXTS.items() if name in pair)
        path = GOLDEN / f"{lang}-{edition}-{key}.tsv"
        text = sheet_text(shown[name])
        if os.environ.get("RECON_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden table {path.name}: make it with RECON_GOLDEN=1 and read it"
        assert text == path.read_text(encoding="utf-8")


def test_the_sheets_are_there_in_reading_order(tmp_path: Path, book: Any) -> None:
    """Summary first, and a sheet of changes only where there are any."""
    assert book.sheetnames == SHEETS_ZH
    assert written(tmp_path, report_run.every_verdict(lang="en")).sheetnames == SHEETS_EN
    assert "为什么变少了" not in written(tmp_path, report_run.many(2, 2)).sheetnames


def test_english_has_no_chinese_but_what_the_files_said(tmp_path: Path) -> None:
    """An English workbook is English: sheets, headers, verdicts, causes, actions, evidence, problems."""
    shown = written(tmp_path, report_run.every_verdict(lang="en"))
    names = "|".join(report_run.every_verdict().table("person")["person_name"])
    said = re.compile(
        rf"{names}|样例文件夹|示例|武汉|深圳|公司|市|分|缴费\.csv|个账|明细|读数|个人缴费|宽限月数|当地规定|划入个人账户金额")
    for sheet in shown:
        for row in sheet.iter_rows():
            for cell in row:
                text = said.sub("", cell.value) if isinstance(cell.value, str) else ""
                assert not re.search("[\u4e00-\u9fff]", text), f"{sheet.title}!{cell.coordinate}: {cell.value}"


def test_types(book: Any) -> None:
    """Money is a number in yuan, months and days are dates, IDs and employee numbers are text."""
    sheet = book["差异"]
    head = [cell.value for cell in sheet[1]]
    row = dict(zip(head, sheet[2], strict=True))
    assert row["应划"].number_format == "#,##0.00"
    assert isinstance(row["应划"].value, int | float)
    assert isinstance(row["所属月"].value, datetime)
    assert row["所属月"].number_format == "yyyy-mm"
    assert row["工号"].data_type == "s"
    assert row["证件号"].number_format == "@"
    posted = book["已匹配"]["E2"]
    assert posted.number_format == "yyyy-mm-dd"
    assert posted.value == datetime(2024, 2, 12)  # noqa: DTZ001


def test_print_and_screen_set_up(book: Any) -> None:
    """Tables have frozen, filtered, repeated headers; pages are A4 landscape, one page wide, numbered."""
    for name in SHEETS_ZH:
        sheet = book[name]
        assert sheet.page_setup.orientation == "landscape", name
        assert sheet.page_setup.paperSize == 9, name
        assert sheet.sheet_properties.pageSetUpPr.fitToPage, name
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0), name  # None: one page wide
        assert "&P" in sheet.oddFooter.center.text, name
    for name in ("差异", "已匹配", "未匹配", "资料问题"):
        assert book[name].freeze_panes is not None, name
        assert book[name].auto_filter.ref, name
        assert book[name].print_title_rows == "$1:$1", name


def test_every_verdict_is_shown_coloured_and_worded(book: Any) -> None:
    """Each state of the grid has a word and a fill of its own, so that it survives a black-and-white print."""
    sheet = book["人×月"]
    words = Words("zh")
    fills = {}
    for row in sheet.iter_rows(min_row=3):
        for cell in row:
            if isinstance(cell.value, str) and cell.fill.fill_type:
                fills[cell.value] = cell.fill.start_color.rgb
    for state in STATES:
        assert fills[words(f"state_{state}")] == "FF" + TONES[state][0].removeprefix("#"), state
    assert fills["未划?"] == fills["未划"]
    assert len({words(f"state_{state}") for state in STATES}) == len(STATES)
    assert len({Words("en")(f"state_{state}") for state in STATES}) == len(STATES)


def test_the_chart_counts_the_grid(tmp_path: Path) -> None:
    """Up to 200 people the summary holds a native chart that reads the totals under the grid."""
    path = tmp_path / "report.xlsx"
    write_workbook(path, report_run.every_verdict())
    with zipfile.ZipFile(path) as archive:
        chart = archive.read("xl/charts/chart1.xml").decode()
    sheet = openpyxl.load_workbook(path)["人×月"]
    ranges = re.findall(r"<c:val><c:numRef><c:f>'人×月'!\$([A-Z]+)\$(\d+):", chart)
    assert len(ranges) == len(STATES)
    for column, row in ranges:
        assert isinstance(sheet[f"{column}{row}"].value, int)
        assert sheet[f"B{row}"].value


# --- what is listed -----------------------------------------------------------------------------------------------


def test_exceptions_come_worst_first(book: Any) -> None:
    """By status, then by money at stake, then by age; scope and months not due are not listed."""
    listed = rows_of(book["差异"])
    names = {"待处理": "open", "无法判断": "unknown", "等待中": "pending"}
    order = [STATUSES.index(names[row["状态"]]) for row in listed]
    assert order == sorted(order)
    assert "1007" not in {row["工号"] for row in listed}
    assert "还没到划入时间" not in {row["原因"] for row in listed}
    stakes = [abs(row["差额"] or 0) or row["估算金额"] or 0 for row in listed if row["状态"] == "待处理"]
    assert stakes == sorted(stakes, reverse=True)


def test_differences_may_be_added_up() -> None:
    """Over a month with several parts, due and credited stand once and the differences add up to due less credited."""
    run = report_run.Run()
    one = run.person("测试甲", "1", 1)
    run.add(one, "2024-05", "short_credit", None, "open", due=13420, credited=10000)
    gap = run.rows["gap"][-1]
    gap["amount_fen"] = 2000
    run.rows["gap"].append(gap | {"gap_id": "x", "label": "top_up", "cause": "credit_missing", "amount_fen": 1420})
    view = run.view()
    listed = views.exceptions(view, views.people(view))
    assert listed["expected_fen"].to_list() == [13420, None]
    assert listed["credited_fen"].to_list() == [10000, None]
    assert listed["difference_fen"].to_list() == [2000, 1420]


def test_the_jumps_lead_to_the_first_row(book: Any) -> None:
    """A to-do's link leads to a row of the exceptions sheet with its cause."""
    summary, listed = book["汇总"], book["差异"]
    jumps = [
        (row[0].value, row[8].hyperlink.location) for row in summary.iter_rows(max_col=9) if row[8].hyperlink
    ]
    assert len(jumps) == 6
    column = [cell.value for cell in listed[1]].index("原因")
    for item, location in jumps:
        row = int(location.rpartition("A")[2])
        assert item.endswith(listed.cell(row, column + 1).value), location


def test_the_reader_never_sees_the_pooled_share(book: Any) -> None:
    """统筹 stands in the tie-out only: 缴600到120 makes people panic."""
    for name in SHEETS_ZH[1:]:
        for row in book[name].iter_rows(values_only=True):
            assert not any("统筹" in str(value) for value in row), name


def test_people_without_an_export_are_scope_in_the_summary(book: Any) -> None:
    """They are counted once, with their months."""
    rows = [row for row in book["汇总"].iter_rows(values_only=True) if "未提供个人账户明细" in str(row[0])]
    assert [(row[3], row[4]) for row in rows] == [(1, 3)]


def test_an_account_without_contributions_cannot_be_told(tmp_path: Path) -> None:
    """Nobody is looked at: the summary does not say that there is nothing that cannot be told."""
    run = report_run.Run()
    alone = run.person("测试乙", "1002", 2)
    run.rows["flow"].append({
        "row_id": "个账.csv#L2", "person_id": alone, "region": report_run.WUHAN, "scheme": "310",
        "flow_kind": "credit", "posted_on": date(2024, 2, 1), "amount_fen": 8300})
    write_workbook(tmp_path / "r.xlsx", run.view())
    rows = [str(row[0]) for row in openpyxl.load_workbook(tmp_path / "r.xlsx")["汇总"].iter_rows(values_only=True)]
    assert any(text.startswith("1 人只有个人账户明细（划入83.00元）、没有缴费记录") for text in rows)
    assert "没有无法判断的项目。" not in rows


def test_unmatched_credits_say_why() -> None:
    """A credit outside the contributions, and one that was reversed."""
    view = report_run.every_verdict()
    loose = views.unmatched_credits(view, views.people(view))
    assert loose.select("row_id", "why").rows() == [("个账明细.csv#L90", "before"), ("个账明细.csv#L91", "reversed")]


def test_a_leg_that_is_absent_is_said_to_be() -> None:
    """No payroll: no lines, nobody missing from it, for nobody was to be in it."""
    legs = {row["leg"]: row for row in views.legs(report_run.every_verdict()).iter_rows(named=True)}
    assert (legs["payroll"]["lines"], legs["payroll"]["missing"]) == (0, None)
    assert (legs["arrived"]["people"], legs["arrived"]["missing"]) == (9, 0)
    assert legs["flow"]["missing"] == 4
    assert legs["arrived"]["first"] == date(2022, 8, 1)


# --- the sums -----------------------------------------------------------------------------------------------------


def test_the_tie_out_holds() -> None:
    """Contributed = on time + parts, links = credited, credits = links + leftovers, rows are all accounted for."""
    view = report_run.every_verdict()
    proof = views.tie_out(view, views.unmatched_credits(view, views.people(view)))
    assert proof.is_identity
    assert proof.linked_fen == proof.credited_fen
    assert proof.credits_fen == proof.linked_fen + proof.loose_fen
    assert proof.rows_read == proof.rows_counted
    assert proof.contributed_fen == proof.on_time_fen + sum(fen for _, fen, _ in proof.parts)


def test_a_tie_out_that_fails_is_shown_as_failing(tmp_path: Path) -> None:
    """The ✔ is computed: a fen lost in one month and found in another still is a ✘."""
    view = report_run.every_verdict()
    month = view.table("month").with_columns(
        pl.when(pl.int_range(pl.len()) < 2)
        .then(pl.col("contributed_fen") + 1 - 2 * pl.int_range(pl.len())).otherwise("contributed_fen")
        .alias("contributed_fen")
    )
    broken = RunView(tables={**view.tables, "month": month}, as_of=view.as_of)
    proof = views.tie_out(broken, views.unmatched_credits(broken, views.people(broken)))
    assert (proof.rest_fen, proof.months_off) == (0, 2)
    text = sheet_text(written(tmp_path, broken)["汇总"])
    assert "✘ 有 2 个月对不平" in text


# --- hostile text, limits, privacy --------------------------------------------------------------------------------


HOSTILE = [
    "=1+1", "+1-1", "-1", "@a", "=HYPERLINK(\"x\")", "\t=1", "a\x00b\x07c", "\ud800x", "长" * 40_000, "\u202egnp.xls",
]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """Nothing becomes a formula or a link, control characters go, long texts are cut with a mark."""
    view = report_run.every_verdict()
    problem = view.table("problem").head(1)
    rows = [problem.with_columns(pl.lit(text).alias("value"), pl.lit("x").alias("code")) for text in HOSTILE[:7]]
    rows += [problem.with_columns(pl.lit(text).alias("message"), pl.lit("x").alias("code")) for text in HOSTILE[8:]]
    shown = written(tmp_path, RunView(tables={**view.tables, "problem": pl.concat(rows)}, as_of=view.as_of))
    cells = [cell for row in shown["资料问题"].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    values = {cell.value for cell in cells}
    assert {"=1+1", "+1-1", "-1", "@a", "abc", "gnp.xls"} <= values
    cut = next(value for value in values if isinstance(value, str) and value.startswith("长长"))
    assert len(cut) == 32_767
    assert cut.endswith("……（已截断）")
    for sheet in shown:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"], sheet.title


def test_a_lone_surrogate_in_a_parameter_is_dropped(tmp_path: Path) -> None:
    """Text that no XML can hold does not stop the report."""
    shown = written(tmp_path, report_run.every_verdict(folder="文件\ud800夹", parameters=[("a&b", "=1")]))
    assert {"文件夹", "=1"} <= {row[1] for row in shown["输入与参数"].iter_rows(values_only=True)}


def test_long_tables_are_split(tmp_path: Path) -> None:
    """Past the limit of rows a table goes on on a further sheet, header and all; jumps find the right one."""
    shown = written(tmp_path, report_run.every_verdict(), sheet_rows=20)
    assert {"已匹配", "已匹配 (2)"} <= set(shown.sheetnames)
    first, second = rows_of(shown["已匹配"]), rows_of(shown["已匹配 (2)"])
    whole = report_run.every_verdict().table("match").height
    assert len(first) == 19
    assert len(first) + len(second) == whole
    assert sum("人×月" in name for name in shown.sheetnames) == 3


def test_ids_are_masked_unless_asked_for(tmp_path: Path) -> None:
    """No full ID in any cell, not even inside a file name or a message; with full_ids they are shown."""
    path = tmp_path / "report.xlsx"
    for full, expected in ((False, 0), (True, 1)):
        write_workbook(path, report_run.every_verdict(full_ids=full, edition="audit"))
        with zipfile.ZipFile(path) as archive:
            text = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))
        assert bool(re.search(r"1101051985\d{7}[\dX]", text)) == bool(expected)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order of the rows: no clock, no hash order."""
    view = report_run.every_verdict()
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=7) for name, frame in view.tables.items()}
    write_workbook(tmp_path / "a.xlsx", view)
    write_workbook(tmp_path / "b.xlsx", report_run.every_verdict(tables=shuffled))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_an_empty_run_is_a_workbook_too(tmp_path: Path) -> None:
    """Nothing read: every sheet is there and says so."""
    shown = written(tmp_path, RunView(tables={}, as_of=date(2025, 1, 31)))
    text = sheet_text(shown["汇总"])
    assert "没有需要今天办的事" in text
    assert "未提供，这一环没有核对" in text


def test_streaming_writes_the_same_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large run is streamed through a directory beside the report, which is gone afterwards."""
    view = report_run.every_verdict()
    whole = {sheet.title: sheet_text(sheet) for sheet in written(tmp_path, view)}
    monkeypatch.setattr("recon.report.workbook._STREAMED_ROWS", 1)
    (tmp_path / "streamed").mkdir()
    streamed = {sheet.title: sheet_text(sheet) for sheet in written(tmp_path / "streamed", view)}
    assert streamed == whole
    assert [one.name for one in (tmp_path / "streamed").iterdir()] == ["report.xlsx"]


# --- words and masks ----------------------------------------------------------------------------------------------


def test_every_cause_has_an_english_action() -> None:
    """The two languages say the same things, with the same fields."""
    assert set(ACTIONS_EN) == {(cause.label, cause.code) for cause in CAUSES}
    for cause in CAUSES:
        fields = set(re.findall(r"{\w+}", ACTIONS_EN[cause.label, cause.code]))
        assert fields == set(re.findall(r"{\w+}", cause.action)), cause
    assert set(STEP_CAUSES) >= {"policy_change", "base_change", "unexplained"}
    assert set(VERDICTS) <= set(STATES)


def test_texts_have_the_same_fields_in_both_languages() -> None:
    """Nothing is lost in translation."""
    for key, (zh, en) in _TEXTS.items():
        if key == "checked":  # what was ruled out is worded in Chinese only
            continue
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key


@pytest.mark.parametrize(("given", "masked"), [
    ("110105198503070019", "****0019"), ("PSN:42010001", "PSN:****0001"), ("DOC:E12", "DOC:****2"), (None, ""),
    ("", ""),
])
def test_mask_id(given: str | None, masked: str) -> None:
    """The last four, at most half."""
    assert mask_id(given) == masked


def test_mask_name() -> None:
    """The first character and one star, so that the length tells nothing."""
    assert [mask_name(name) for name in ("王样例", "欧阳样例", "买买提·样例", None)] == ["王*", "欧*", "买*", ""]


def test_mask_numbers() -> None:
    """IDs, card and personal numbers go; amounts, dates and months stay."""
    assert mask_numbers("王样例_110105198503070019_20240101-20241231.pdf") == "王样例_****0019_20240101-20241231.pdf"
    assert mask_numbers("1,234,567.00 元 2024-05-12") == "1,234,567.00 元 2024-05-12"


def test_files_that_tell_are_numbered() -> None:
    """A file is called by number on screen when its name carries an ID, a known number or a known name."""
    files = ["b_110105198503070019.pdf", "a.csv", "王样例.xlsx", "c_42010001.csv", "zz.zip!王样例.csv"]
    shown = mask_files(files, ids=["PSN:42010001"], names=["王样例", ""])
    assert shown == {
        "a.csv": "a.csv", "b_110105198503070019.pdf": "F0002", "c_42010001.csv": "F0003", "zz.zip!王样例.csv": "F0004",
        "王样例.xlsx": "F0005",
    }
    assert number_files(files)["zz.zip!王样例.csv"] == "F0004"


def test_yuan_and_widths() -> None:
    """Exact text of fen; Chinese counts two columns."""
    assert [yuan(fen) for fen in (0, 5, -5, 123456789, None)] == ["0.00", "0.05", "-0.05", "1,234,567.89", ""]
    assert (text_width("ab"), text_width("缴费a"), text_width("a\n缴费")) == (2, 5, 4)
