"""A payslip whose items stand one below the other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from recon.policy import load_policy
from recon.reading.folder import ReadResult, read_folder
from recon.reading.formats import shipped
from recon.reading.grid import Grid
from recon.reading.upright import upright

SLIP = ["2024年3月工资条", "姓名,测试甲", "身份证号,420106198804121018", "应发工资,\"8,500.00\"", "养老保险,640.00", "医疗保险,160.00",
        "个税,", "实发工资,7300.00"]
PAIRS = ["2024年3月工资条", "姓名,测试甲,身份证号,420106198804121018", "应发工资,8500.00,绩效,", "养老保险,640.00,医疗保险(个人),160.00",
         "实发工资,7300.00"]


def read(folder: Path, lines: list[str]) -> ReadResult:
    (folder / "工资条.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_folder(folder, mappings=[shipped()], region_of=load_policy([shipped()]).region_of, workers=1)


@pytest.mark.parametrize(("lines", "line"), [(SLIP, 6), (PAIRS, 4)])
def test_an_upright_payslip_is_a_payslip(tmp_path: Path, lines: list[str], line: int) -> None:
    """Its row is named by the line of the medical insurance."""
    result = read(tmp_path, lines)
    rows = result.tables["payroll"].select(
        "row_id", "person_id", "pay_month", "item", "deducted_fen", "wage_fen").rows()
    assert rows == [(f"工资条.csv#L{line}", "420106198804121018", date(2024, 3, 1), "medical", 16000, 850000)]
    assert result.problems == []


def test_what_is_no_list_of_labels_stays_as_it_is(tmp_path: Path) -> None:
    """A label twice (the employer's part beside the person's), figures as labels, a wide table, text cut by eye."""
    def turned(rows: list[list[str]], **more: bool) -> Grid | None:
        return upright(Grid(rows=rows, places=[f"L{at}" for at in range(len(rows))], **more))  # type: ignore[arg-type]

    slip = [line.split(",") for line in PAIRS]
    assert turned(slip) is not None
    assert turned([*slip, ["医疗保险(个人)", "640.00"]]) is None
    assert turned([*slip, ["120.00", "640.00"]]) is None
    assert turned([*slip, ["a", "b", "c", "d", "e"]]) is None
    assert turned(slip, by_eye=True) is None
    assert turned(slip[:2]) is None
    assert {one.code for one in read(tmp_path, [*SLIP, "医疗保险,640.00"]).problems} == {"unknown-format"}
