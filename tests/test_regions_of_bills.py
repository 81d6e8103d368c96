"""A bill or declaration that names no region belongs where the record of the same person and month does."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
from click.testing import CliRunner

from recon.cli import main

MOVED = "110105199001010015"


def _id(body: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def _write(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def test_a_declaration_follows_the_months_record_and_not_todays_roster(tmp_path: Path) -> None:
    folder, who = tmp_path / "in", _id(MOVED[:17])
    folder.mkdir()
    months = {"2024-03": "510100", "2024-04": "510100", "2024-05": "420100", "2024-06": "420100"}
    header = ["person_id", "region", "accrual_month", "base_fen", "employee_fen", "employer_fen", "paid", "proof"]
    _write(folder / "contribution.csv", [header, *(
        [who, region, f"{month}-01", "600000", "12000", "48000", "true", "fund_record"] for month, region in months.items()
    )])
    bills = [["医保费账单"], ["证件号码", "姓名", "应缴年月", "个人应缴", "单位应缴"], *(
        [who, "测试甲", month, "120.00", "480.00"] for month in months)]
    _write(folder / "医保费账单.csv", bills)
    _write(folder / "花名册.csv", [["工号", "姓名", "身份证号码", "参保地"], ["Z1", "测试甲", who, "武汉市"]])
    options = ["-o", str(tmp_path / "r.xlsx"), "--tables", str(tmp_path / "t"), "--as-of", "2024-08-31"]
    CliRunner().invoke(main, ["run", str(folder), *options])
    lines = pl.read_parquet(tmp_path / "t/contribution.parquet").filter(pl.col("proof") == "billed")
    assert dict(lines.select(pl.col("accrual_month").dt.strftime("%Y-%m"), "region").iter_rows()) == months
    month = pl.read_parquet(tmp_path / "t/month.parquet")
    assert month.filter(pl.col("cause") == "billed_only").height == 0
