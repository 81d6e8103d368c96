"""预告: who is about to have a gap this month, and what a change of base will cost each."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
from openpyxl import load_workbook

from payroll_cases import AS_OF, lines, month, person_id, policy, slips
from recon.core.payroll.check import check_payroll
from recon.core.payroll.forecast import Forecast, forecast
from recon.core.payroll_settings import MidMonthRule, PayrollSettings
from recon.core.prepare import prepare
from recon.simulate.payroll import make_firm
from recon.simulate.payroll_exports import native_tables, write_firm
from recon.tables import conform, conform_all
from support import run_recon

FIRM = PayrollSettings(mid_month={"": MidMonthRule(joins_by=15, leaves_from=16)})


def ahead(at: int, **tables: list[dict[str, object]]) -> Forecast:
    """The forecast of a small firm for a month."""
    frames = {name: conform(pl.DataFrame(rows, infer_schema_length=None), name) for name, rows in tables.items()}
    judged = prepare(conform_all(frames)).tables
    gap = check_payroll(judged, policy(), AS_OF, FIRM).gap
    return forecast({**judged, "gap": gap}, policy(), AS_OF, FIRM, month(at))


def told(found: Forecast) -> list[tuple[str, str]]:
    """(person, cause) of everybody listed."""
    return found.people.select("person_id", "cause").rows()


def test_nobody_is_listed_when_all_is_declared() -> None:
    found = ahead(5, payroll=slips(range(6)), contribution=lines(range(6)))
    assert found.declared
    assert told(found) == []
    assert found.bases.is_empty()


def test_a_joiner_and_a_dropped_person() -> None:
    """With the month's declaration there: one new on the payroll, one who was declared last month and is not now."""
    declared = [row for row in lines(range(6)) if row["person_id"] != person_id(3)]
    declared = [row for row in declared if not (row["person_id"] == person_id(4) and row["accrual_month"] == month(5))]
    paid = [row for row in slips(range(6)) if row["person_id"] != person_id(3) or row["pay_month"] == month(5)]
    found = ahead(5, payroll=paid, contribution=declared)
    assert told(found) == [(person_id(3), "not_in_declaration"), (person_id(4), "dropped")]
    assert found.people["own_fen"].to_list() == [12000, 12000]
    assert found.people["deadline"].to_list() == [date(2024, 7, 31)] * 2


def test_before_the_declaration_the_roster_tells() -> None:
    """No declaration of the month yet: who joined by the rule is to be added, who left is to be taken off."""
    roster: list[dict[str, object]] = [
        {"person_id": "PSN:0101", "employed_from": date(2024, 7, 10)},
        {"person_id": "PSN:0102", "employed_from": date(2024, 7, 20)},  # by the rule insured from August
        {"person_id": person_id(1), "employed_from": date(2020, 1, 1), "employed_to": date(2024, 6, 30)},
    ]
    found = ahead(6, contribution=lines(range(6)), person=roster)
    assert not found.declared
    assert told(found) == [("PSN:0101", "to_be_added"), (person_id(1), "to_be_removed")]


def test_what_a_new_base_costs() -> None:
    """7000.00 after 6000.00: 20.00 a month of one's own and 80.00 of the employer's."""
    declared = lines(range(6)) + lines([6], own=14000)
    found = ahead(6, payroll=slips(range(6)) + slips([6], fen=14000), contribution=declared)
    assert found.bases.height == 10
    assert found.bases.row(0, named=True) | {"person_id": "", "from_month": None} == {
        "person_id": "", "payer": found.bases["payer"][0], "region": "420100", "from_month": None,
        "old_base_fen": 600_000, "new_base_fen": 700_000, "known_by": "declaration", "own_month_fen": 2000,
        "firm_month_fen": 8000, "top_up_months": found.bases["top_up_months"][0],
        "own_top_up_fen": 2000 * found.bases["top_up_months"][0],
        "firm_top_up_fen": 8000 * found.bases["top_up_months"][0],
    }


def test_no_new_base_is_told_of_somebody_whose_wages_nobody_knows() -> None:
    """The base year begins and payslips print neither base nor wage: that the base becomes the floor is a guess."""
    declared = lines(range(6), own=20000, region="110000")
    found = ahead(6, payroll=slips(range(7), fen=20000), contribution=declared)
    assert found.bases.is_empty()


def test_the_command_tells_counts_and_writes_names_only_to_the_workbook(tmp_path: Path) -> None:
    firm = make_firm(60, 1)
    write_firm(firm, tmp_path)
    book = tmp_path / "预告.xlsx"
    told_json = run_recon(["forecast", tmp_path / "exports", "--month", "2024-07", "-o", book, "--json"])
    told_counts = json.loads(told_json.stdout)
    assert told_counts["month"] == "2024-07"
    assert told_counts["bases"]["people"] > 30
    assert "测试" not in told_json.stdout
    sheets = load_workbook(book, read_only=True)
    assert sheets["调基费用"].max_row == told_counts["bases"]["people"] + 1
    sheets.close()
    assert run_recon(["forecast", tmp_path / "exports", "--month", "七月"]).code == 2


def test_a_policy_among_the_exports_counts_for_the_forecast_too(tmp_path: Path) -> None:
    """What new bases cost follows the same rules as the run itself."""
    (tmp_path / "exports").mkdir()
    for name, frame in native_tables(make_firm(12, 1)).items():
        if frame.height:
            frame.write_csv(tmp_path / "exports" / f"{name}.csv")
    own = tmp_path / "exports" / "own.policy.toml"

    def cost() -> dict[str, int]:
        told = run_recon(["forecast", tmp_path / "exports", "--month", "2024-07", "--json"])
        bases: dict[str, int] = json.loads(told.stdout)["bases"]
        return bases

    plain = cost()
    own.write_text('code = "420100"\n[[employee]]\nfrom = "2024-01"\nrate = "0.04"\nsource = ["一份通知"]\n'
                   'confidence = "high"\n', encoding="utf-8")
    assert cost()["own_month_fen"] > plain["own_month_fen"]
