"""The fill-in workbook: what a person typed comes back as native rows with proof = human, and nothing is lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from recon.core.context import build_context
from recon.fill import write_template
from recon.policy import load_policy
from recon.reading.file_read import ReadResult
from recon.reading.filled import IDENTITY, SECTIONS
from recon.reading.folder import read_folder
from support import MAPPINGS, run_recon

ID = "110105198503074917"
ABOUT = {"person_name": "测试甲", "person_id": ID, "region": "武汉", "employer": "示例公司",
         "confirmed_by": "测试甲", "confirmed_on": date(2024, 12, 31)}
ROWS: dict[str, list[dict[str, object]]] = {
    "reading": [{"kind": "ledger", "read_on": date(2024, 6, 1), "amount_fen": 3215.4},
                {"kind": "year_spent", "read_on": "2024", "amount_fen": "123.00"}],
    "flow": [{"posted_on": date(2024, 6, 12), "flow_kind": "credit", "amount_fen": 120, "balance_fen": 3335.4},
             {"posted_on": "2024年6月20日", "flow_kind": "spend", "amount_fen": 35.6, "memo": "药店"},
             {"posted_on": "06-25", "flow_kind": "reversal", "amount_fen": "-20"}],
    "contribution": [{"accrual_month": "2024-05", "base_fen": 6000, "employee_fen": 120, "employer_fen": 480,
                      "paid": "true", "paid_on": date(2024, 5, 20)},
                     {"accrual_month": "2024年6月", "employee_fen": 120, "paid": "false"},
                     {"accrual_month": "7月", "employee_fen": 120, "paid": ""}],
}


def region_of(text: str) -> str | None:
    return {"武汉": "420100"}.get(text)


def read(folder: Path) -> ReadResult:
    return read_folder(folder, mappings=[MAPPINGS], region_of=region_of, workers=1)


def cell_of(page: Worksheet, text: str) -> tuple[int, int]:
    """Where a text stands."""
    return next((cell.row, cell.column) for row in page.iter_rows() for cell in row if cell.value == text)


def fill(path: Path, lang: str = "zh", about: dict[str, object] = ABOUT, rows: dict[str, list[dict[str, object]]] = ROWS,
         year: str = "2024") -> None:
    """The form at ``path``, typed in as a person would."""
    write_template(path, lang)
    book = load_workbook(path)
    page = book.worksheets[0]
    at = 0 if lang == "zh" else 1
    for each in IDENTITY:
        value = year if each.name == "year" else about.get(each.name)
        if value:
            row, column = cell_of(page, (each.zh, each.en)[at])
            page.cell(row, column + 1, value)
    for table, fields in SECTIONS.items():
        top, _ = cell_of(page, (fields[0].zh, fields[0].en)[at])
        for offset, values in enumerate(rows.get(table, []), start=1):
            for column, each in enumerate(fields, start=1):
                value = values.get(each.name)
                if value is not None:
                    page.cell(top + offset, column, each.words[str(value)][at] if str(value) in each.words else value)
    book.save(path)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_typed_comes_back(tmp_path: Path, lang: str) -> None:
    """Balances, lines and contributions, in either language, with who typed them and when."""
    fill(tmp_path / "表.xlsx", lang)
    result = read(tmp_path)
    assert result.problems == []
    reading, flow, paid = (result.tables[name] for name in ("reading", "flow", "contribution"))
    assert reading.select("person_id", "region", "read_on", "kind", "amount_fen").rows() == [
        (ID, "420100", date(2024, 6, 1), "ledger", 321540), (ID, "420100", date(2024, 12, 31), "year_spent", 12300)]
    assert flow.select("posted_on", "flow_kind", "amount_fen", "balance_fen").rows() == [
        (date(2024, 6, 12), "credit", 12000, 333540), (date(2024, 6, 20), "spend", -3560, None),
        (date(2024, 6, 25), "reversal", -2000, None)]
    assert paid.select("accrual_month", "employee_fen", "employer_fen", "paid", "paid_on", "payment_kind").rows() == [
        (date(2024, 5, 1), 12000, 48000, True, date(2024, 5, 20), "normal"),
        (date(2024, 6, 1), 12000, None, False, None, "normal"),
        (date(2024, 7, 1), 12000, None, None, None, "normal")]
    for frame in (reading, flow, paid):
        assert frame.select("proof", "confirmed_by", "confirmed_on").unique().rows() == [
            ("human", "测试甲", date(2024, 12, 31))]
    assert result.sources.select("rows_read", "rows_used", "rows_rejected", "status").rows() == [(8, 8, 0, "read")]
    assert result.sources.select("rows_proved", "unproved").rows() == [(None, None)]  # nobody says it is all there is
    assert "!R" in flow["row_id"][0]


def test_an_empty_form_is_no_data(tmp_path: Path) -> None:
    """The untouched form, its example and its notes give no row and no made-up person."""
    write_template(tmp_path / "表.xlsx")
    result = read(tmp_path)
    assert all(frame.is_empty() for frame in result.tables.values())
    assert [each.code for each in result.problems] == ["no-rows"]
    assert result.sources["status"].to_list() == ["no_rows"]


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    """The place is that of the form, the column is named as the form names it, and the other rows count."""
    rows: dict[str, list[dict[str, object]]] = {"flow": [
        {"posted_on": date(2024, 6, 12), "flow_kind": "credit", "amount_fen": "1O0"},
        {"posted_on": "12/06", "flow_kind": "credit", "amount_fen": 1},
        {"posted_on": date(2024, 6, 12), "flow_kind": "乱写", "amount_fen": 1},
        {"posted_on": date(2024, 6, 13), "flow_kind": "credit", "amount_fen": 1.234},
        {"posted_on": date(2024, 6, 14), "flow_kind": "credit", "amount_fen": 1}]}
    fill(tmp_path / "表.xlsx", rows=rows, year="")
    result = read(tmp_path)
    assert sorted((each.code, str(each.column)) for each in result.problems) == [
        ("unknown-code", "收支类型"), ("unreadable-amount", "收支金额（元）"), ("unreadable-amount", "收支金额（元）"),
        ("unreadable-date", "入账日期")]
    assert result.tables["flow"].height == 1
    assert result.sources["rows_rejected"].to_list() == [4]


def test_who_it_is_comes_from_the_roster(tmp_path: Path) -> None:
    """A name or a personal number is enough where the folder knows the person."""
    (tmp_path / "r.csv").write_text(f"姓名,身份证号码,医保个人编号,参保地,部门\n测试甲,{ID},1001,武汉,研发\n", encoding="utf-8")
    fill(tmp_path / "a.xlsx", about={"person_name": "测试甲"}, rows={"reading": ROWS["reading"][:1]})
    fill(tmp_path / "b.xlsx", about={"psn_no": "1001"}, rows={"reading": [ROWS["reading"][0] | {"amount_fen": 1}]})
    fill(tmp_path / "c.xlsx", about={"person_name": "无此人"}, rows={"reading": ROWS["reading"][:1]})
    result = read(tmp_path)
    assert result.tables["reading"].select("person_id", "region").rows() == [(ID, "420100")] * 2
    assert [(each.code, each.file) for each in result.problems] == [("unknown-person", "c.xlsx")]


def test_a_gap_between_typed_lines_covers_nothing(tmp_path: Path) -> None:
    """What a person typed shows what there is; only a stated complete period shows that there is nothing else."""
    policy = load_policy([MAPPINGS / "policy"])
    for name, about in (("open", ABOUT), ("stated", ABOUT | {"covers_from": date(2024, 1, 1), "covers_to": date(2024, 12, 31)})):
        (tmp_path / name).mkdir()
        fill(tmp_path / name / "表.xlsx", about=about, rows={"flow": [
            {"posted_on": date(2024, month, 12), "flow_kind": "credit", "amount_fen": 120} for month in (2, 9)]})
    spans = {name: build_context(read(tmp_path / name).tables, policy, date(2025, 1, 1)).cover
             for name in ("open", "stated")}
    assert spans["open"].is_empty()
    assert spans["stated"].select("from", "to").rows() == [(date(2024, 1, 1), date(2024, 12, 31))]


def test_a_form_saved_by_another_program(tmp_path: Path) -> None:
    """Only texts count: without properties, styles or the other sheets, with a line inserted."""
    fill(tmp_path / "in.xlsx")
    page = load_workbook(tmp_path / "in.xlsx").worksheets[0]
    book = Workbook()
    copy = book.active
    for row in page.iter_rows(values_only=True):
        copy.append(row)
    copy.insert_rows(5)
    book.save(tmp_path / "copy.xlsx")
    (tmp_path / "in.xlsx").unlink()
    result = read(tmp_path)
    assert result.problems == []
    assert [result.tables[name].height for name in ("reading", "flow", "contribution")] == [2, 3, 3]


def test_the_command(tmp_path: Path) -> None:
    """The form is written once and never over an existing file; a run reads the filled-in one."""
    (tmp_path / "exports").mkdir()
    path = tmp_path / "exports" / "表.xlsx"
    assert run_recon(["template", path]).code == 0
    again = run_recon(["template", path])
    assert (again.code, "不覆盖" in again.stderr) == (2, True)
    assert run_recon(["run", path.parent, "-o", tmp_path / "r.xlsx"]).code == 2
    path.unlink()
    fill(path)
    assert run_recon(["run", path.parent, "-o", tmp_path / "r.xlsx", "--tables", tmp_path / "t"]).code in (0, 3)
    assert pl.read_parquet(tmp_path / "t" / "reading.parquet")["proof"].to_list() == ["human"] * 2
