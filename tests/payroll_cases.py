"""Small firms for the payroll legs: payslips, declarations, records and debits as native rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import polars as pl

from recon.core.payroll.check import PayrollResult, check_payroll
from recon.core.payroll_settings import PayrollSettings
from recon.core.prepare import prepare
from recon.policy import Policy, load_policy
from recon.reading.formats import shipped
from recon.tables import conform, conform_all

Row = dict[str, object]
PAYER = "91420100MA4KTEST99"
AS_OF = date(2025, 3, 31)


def month(number: int) -> date:
    """A month of 2024 and after, from 0."""
    return date(2024 + number // 12, number % 12 + 1, 1)


def person_id(number: int) -> str:
    """A made-up person."""
    return f"PSN:{number:04d}"


def slips(months: Iterable[int], people: int = 10, fen: int = 12000, **more: object) -> list[Row]:
    """One deduction per person and payslip month."""
    return [{"row_id": f"pay.csv#L{at * 1000 + who}", "person_id": person_id(who), "pay_month": month(at),
             "item": "medical", "deducted_fen": fen, "payer": PAYER} | more for at in months for who in range(people)]


def lines(months: Iterable[int], people: int = 10, own: int = 12000, proof: str = "declared", **more: object) -> list[Row]:
    """One contribution line per person and month; a record has arrived in the month after."""
    arrived = proof == "fund_record"
    return [{
        "row_id": f"{proof}.csv#L{at * 1000 + who}", "person_id": person_id(who), "region": "420100", "scheme": "310",
        "payer": PAYER, "accrual_month": month(at), "base_fen": own * 50, "employee_fen": own, "employer_fen": own * 4,
        "payment_kind": "normal", "proof": proof, "paid": True if arrived else None,
        "paid_on": date(2024 + (at + 1) // 12, (at + 1) % 12 + 1, 12) if arrived else None,
    } | more for at in months for who in range(people)]


def debits(months: Iterable[int], people: int = 10, own: int = 12000) -> list[Row]:
    """One debit per month, of everybody's two parts."""
    return [{"row_id": f"bank.csv#L{at}", "payer": PAYER, "amount_fen": people * own * 5, "memo": "医疗保险费",
             "paid_on": date(2024 + (at + 1) // 12, (at + 1) % 12 + 1, 12)} for at in months]


@cache
def policy() -> Policy:
    """The shipped rules."""
    return load_policy([shipped() / "policy"])


def check(
    settings: PayrollSettings | None = None, as_of: date = AS_OF, rules: Policy | None = None, **tables: list[Row]
) -> PayrollResult:
    """The legs of a small firm compared, by the shipped rules where no others are given."""
    frames = {name: conform(pl.DataFrame(rows, infer_schema_length=None), name) for name, rows in tables.items() if rows}
    return check_payroll(prepare(conform_all(frames)).tables, rules or policy(), as_of, settings)


def told(result: PayrollResult) -> list[tuple[str, str, str, str, int]]:
    """(person, month, label, cause, fen) of each row, sorted."""
    return sorted(
        (person or "", f"{at:%Y-%m}", label, cause or "", fen) for person, at, label, cause, fen in result.gap.select(
            "person_id", "accrual_month", "label", "cause", "amount_fen").iter_rows())
