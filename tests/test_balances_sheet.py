"""The sheets of balances and of the bridge: every figure again from the cells, charts there, nothing of it for HR."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from core_cases import BEIJING, OTHER, THIRD, account, context_of, credits, flow, lines, policy
from recon.core.reconcile import reconcile
from recon.report.bridging import Bar, bars, close_up
from recon.report.view import RunView
from recon.report.workbook import write_workbook
from test_balance import chained as with_balances


@cache
def view(edition: str = "audit", lang: str = "zh") -> RunView:
    """Three people of two employers: whole, with a hole and a missing month, and without printed balances."""
    paid = [*lines(count=6), *lines(count=6, person_id=OTHER, person_name="王样例", employer="另一公司", region=BEIJING),
            *lines(count=3, person_id=THIRD, person_name="李样例")]
    mine = with_balances([*credits(count=6), flow("2024-07-20", -5000, "spend")], 10_000)
    whole = with_balances(
        [*credits(count=6, skip=["2024-02"], person_id=OTHER, region=BEIJING, file="b.csv"),
         flow("2024-07-20", -700, "mutual_aid", person_id=OTHER, region=BEIJING, file="b.csv")], 500)
    theirs = [row for row in whole if row["posted_on"] != "2024-05-12"]
    bare = credits(count=3, person_id=THIRD, file="c.csv")
    tables = account(paid, [*mine, *theirs, *bare])
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context, spend=edition != "hr")
    return RunView(tables={**result.inputs, **result.tables}, as_of=context.as_of, edition=edition, lang=lang,
                   region_names={"420100": "武汉市", "110000": "北京市"})


def written(folder: Path, run: RunView) -> Any:
    """The workbook, read back."""
    write_workbook(folder / "r.xlsx", run)
    return openpyxl.load_workbook(folder / "r.xlsx")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_month_adds_up_from_its_cells(tmp_path: Path, lang: str) -> None:
    """Opening + movements + unexplained = closing, in yuan as shown; a jump and a missing balance are said."""
    sheet = written(tmp_path, view("person", lang))["余额" if lang == "zh" else "Balances"]
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    opening, closing = head.index("期初" if lang == "zh" else "Opening"), head.index("期末" if lang == "zh" else "Closing")
    known = [row for row in rows if row[opening] is not None]
    assert len(known) == 11  # nobody knows what the lost line did to its own month
    for row in known:
        assert round(sum(cell or 0 for cell in row[opening:closing]), 2) == row[closing]
    marks = [str(row[closing + 1])[0] for row in rows]
    assert marks.count("✔") == 10
    assert marks.count("✘") == 1
    assert len(rows) == 14


def test_the_bridge_adds_up_from_its_cells(tmp_path: Path) -> None:
    """Each column: parts = credited, all parts = change, for all and for every employer and region."""
    sheet = written(tmp_path, view())["从缴费到余额"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    heads = [at for at, row in enumerate(rows) if row[0] == "项目"][:2]
    assert rows[heads[0]][1:4] == ["合计", "示例公司", "另一公司"]
    assert rows[heads[1]][1:4] == ["合计", "武汉市", "北京市"]
    for at in heads:
        block = {}
        for row in rows[at + 1:]:
            block[row[0]] = row[1:4]
            if row[0] == "核对：各项相加 = 合计":
                break
        assert block.pop("核对：各项相加 = 合计") == ["✔ 相符"] * 3
        names = list(block)
        credited, change = names.index("＝ 划入个人账户"), names.index("＝ 余额变动")
        for column in range(3):
            cells = [block[name][column] or 0 for name in names]
            assert round(sum(cells[:credited]), 2) == cells[credited]
            assert round(sum(cells[:credited]) + sum(cells[credited + 1:change]), 2) == cells[change]


def test_a_balance_sheet_per_employer(tmp_path: Path) -> None:
    """One row per employer and one for all; accounts without balances are counted, not added."""
    sheet = written(tmp_path, view())["从缴费到余额"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    top = next(at for at, row in enumerate(rows) if row[0] == "单位")
    table = {row[0]: row for row in rows[top + 1:top + 4]}
    assert set(table) == {"示例公司", "另一公司", "合计"}
    assert table["合计"][1] == 2
    closing = rows[top].index("期末")
    assert table["合计"][closing] == round(table["示例公司"][closing] + table["另一公司"][closing], 2)
    assert {row[closing + 1] for row in table.values()} == {"✔ 相符"}
    assert any("另有 1 个账户" in str(row[0]) for row in rows)


def test_the_charts_are_native(tmp_path: Path) -> None:
    """Two stacked column charts whose base is not drawn, with their figures beside them."""
    write_workbook(tmp_path / "r.xlsx", view())
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if "/charts/chart" in name]
    falls = [chart for chart in charts if "从缴费到余额" in chart and 'grouping val="stacked"' in chart]
    assert len(falls) == 2
    assert all(chart.count("<c:ser>") == 5 and "<a:noFill/>" in chart for chart in falls)


def test_hr_has_none_of_it_and_says_so(tmp_path: Path) -> None:
    """No sheet of balances, no balance and no spend in any table, and the first sheet says what cannot be closed."""
    run = view("hr")
    book = written(tmp_path, run)
    assert "余额" not in book.sheetnames
    assert "从缴费到余额" not in book.sheetnames
    assert run.table("balance").is_empty()
    assert run.table("gap").filter(pl.col("basis") == "balance").is_empty()
    assert set(run.table("bridge")["side"]) == {"paid", "total"}
    text = "\n".join(str(cell.value) for row in book["汇总"].iter_rows() for cell in row if cell.value)
    assert "所以账户余额和“从缴费到余额”不在本版核对" in text
    assert "余额变动" not in text


def test_the_first_sheet_ties_the_balances(tmp_path: Path) -> None:
    """The change of all balances is the sum of the parts, and what no line explains has a line of its own."""
    rows = {row[0].value: (row[1].value, row[2].value) for row in written(tmp_path, view())["汇总"].iter_rows()}
    assert rows["划入 + 利息 − 支出 ± … = 余额变动"][1] == "✔ 相符"
    assert rows["其中余额没有明细可以说明的"] == (120, "见“余额”")


def test_a_close_up_starts_with_what_was_meant_for_the_account() -> None:
    """By-rule parts are left out, and the rest stands where it stood."""
    found = bars(view().table("bridge"))
    near = close_up(found)
    assert near[0] == Bar("for_account", near[0].fen, 0, near[0].fen, is_total=True)
    assert near[1:] == [bar for bar in found[1:] if bar.part not in ("pooled_share", "flat_fee", "no_account")]
    assert near[1].is_total or near[1].start == near[0].end
