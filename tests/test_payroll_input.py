"""Payroll files as people have them: names only, no month, two of one month, 万元, hidden sheets, one locked of many."""

from __future__ import annotations

import importlib
import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recon import batch
from recon.simulate.employer import resident_id

HEAD = ("姓名", "应发工资", "医疗保险(个人)", "实发工资")
PEOPLE = [("测试甲", 120), ("测试乙", 160), ("王样例", 140), ("王样例", 150), ("李样例", 130)]
PASSWORD = "synthetic-only"
try:
    ooxml: Any = importlib.import_module("msoffcrypto.format.ooxml")
except ImportError:
    ooxml = None


def ids() -> list[str]:
    """A made-up ID for each of PEOPLE."""
    return [resident_id("420106", date(1990, 1, 1 + at), 101 + at) for at in range(len(PEOPLE))]


def workbook(path: Path, rows: list[tuple[object, ...]], sheet: str = "Sheet1", hidden: str | None = None) -> None:
    """One sheet of payslips; ``hidden``: a second sheet with the same rows nobody sees."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    for name in [sheet, *([hidden] if hidden else [])]:
        page = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                page.write(at, column, value)
        if name == hidden:
            page.hide()
    book.close()


def payslips(months: int = 1, scale: float = 1.0) -> list[tuple[object, ...]]:
    """Everybody's row, by name alone."""
    return [HEAD, *((name, 8000 * scale, own * months * scale, 7000 * scale) for name, own in PEOPLE)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> batch.Run:
    """A folder of eight months: good ones, and one of each kind that is not."""
    folder = tmp_path_factory.mktemp("firm")
    lines = ["身份证号码,姓名,参保地,工号"] + [
        f"{person},{name},武汉市,A{at:03d}" for at, ((name, _), person) in enumerate(zip(PEOPLE, ids(), strict=True))]
    (folder / "花名册.csv").write_text("\n".join(lines), encoding="utf-8")
    for month in range(1, 9):
        declared = ["社会保险费申报明细", f"费款所属期：2024-{month:02d}", "姓名,证件号码,缴费基数,单位应缴金额,个人应缴金额"]
        declared += [f"{name},{person},{own * 50}.00,{own * 4}.00,{own}.00"
                     for (name, own), person in zip(PEOPLE, ids(), strict=True)]
        (folder / f"申报{month:02d}.csv").write_text("\n".join(declared), encoding="utf-8")
    for month in (1, 2, 7, 8):
        workbook(folder / f"工资表2024{month:02d}.xlsx", payslips())
    workbook(folder / "工资表202403.xlsx", payslips())
    workbook(folder / "工资表202403_更正.xlsx", [*payslips()[:3], *payslips()[4:]])
    workbook(folder / "工资.xlsx", payslips())
    workbook(folder / "工资表202404.xlsx", [("单位：万元",), *payslips(scale=0.0001)])
    workbook(folder / "工资表202405.xlsx", payslips(), sheet="2024年5月", hidden="2024年6月")
    if ooxml is not None:
        workbook(folder / "x.xlsx", payslips())
        plain = io.BytesIO((folder / "x.xlsx").read_bytes())
        (folder / "x.xlsx").unlink()
        with (folder / "工资表202409.xlsx").open("wb") as locked:
            ooxml.OOXMLFile(plain).encrypt(PASSWORD, locked)
    return batch.run_folder(folder, batch.Options(as_of="2024-12-31"))


def codes(run: batch.Run) -> dict[str, list[str]]:
    """Problem code -> files."""
    problem = run.view.table("problem").group_by("code").agg(pl.col("file").drop_nulls().unique().sort())
    return dict(problem.iter_rows())


def test_each_trouble_is_named(found: batch.Run) -> None:
    """Every file that is not used, or not used as it stands, is named with its reason."""
    named = codes(found)
    assert named["month-unstated"] == ["工资.xlsx"]
    assert named["unit-ten-thousand"] == ["工资表202404.xlsx"]
    assert named["month-twice"] == ["工资表202403_更正.xlsx"]
    assert named["hidden-sheet"] == ["工资表202405.xlsx"]
    if ooxml is not None:
        assert named["password-required"] == ["工资表202409.xlsx"]
    assert "工资表202401.xlsx" in named["ambiguous-person"]


def test_the_rest_goes_on(found: batch.Run) -> None:
    """The months that are there are compared for the people whose names are unique; nobody is accused."""
    month = found.view.table("payroll_month").filter(pl.col("is_compared") & pl.col("deducted_fen").is_not_null())
    assert month["accrual_month"].dt.month().unique().sort().to_list() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert month["person_id"].n_unique() == 3
    gap = found.view.table("gap").filter((pl.col("basis") == "payroll") & (pl.col("status") == "open"))
    assert gap.height == 0, gap.select("person_id", "accrual_month", "label", "cause").rows()
