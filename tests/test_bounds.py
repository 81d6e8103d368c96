"""Records no real office exports end in seconds with a label or a problem, and with less confidence where bounded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl

from recon.core.context import build_context
from recon.core.reconcile import Result, reconcile
from recon.policy import load_policy
from recon.tables import INPUT_TABLES
from support import MAPPINGS

POLICY = load_policy([MAPPINGS / "policy"])
PERSON = "110105199001010053"
SECONDS = 60  # on a busy machine; alone each takes a few


@contextmanager
def in_time() -> Iterator[None]:
    """Fails where the work takes longer than anybody waits."""
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


def solve(contributions: list[dict[str, Any]], flows: list[dict[str, Any]]) -> Result:
    """The answers for one person's lines; the files cover what their lines span."""
    def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        schema = INPUT_TABLES[name]
        known = {"person_id": PERSON, "region": "420100", "scheme": "310"}
        return pl.DataFrame([
            {column: (known | {"row_id": f"{row.get('file', name)}.csv#L{number}"} | row).get(column)
             for column in schema} for number, row in enumerate(rows, start=2)
        ], schema=schema)

    tables = {"contribution": table("contribution", contributions), "flow": table("flow", flows)}
    as_of = max(row["posted_on"] for row in flows)
    return reconcile(tables, POLICY, as_of, build_context(tables, POLICY, as_of))


def month(number: int, day: int = 1) -> date:
    """A day of the ``number``-th month from January 1985."""
    return date(1985 + number // 12, number % 12 + 1, day)


def paid(number: int, fen: int = 12_000, **more: Any) -> dict[str, Any]:
    """A stated normal line."""
    return {"accrual_month": month(number), "paid_on": month(number, 20), "base_fen": fen * 50, "employee_fen": fen,
            "employer_fen": fen * 4, "into_account_fen": fen, "payment_kind": "normal", "paid": True} | more


def came(number: int, fen: int = 12_000, day: int = 12, **more: Any) -> dict[str, Any]:
    """A credit."""
    return {"posted_on": month(number, day), "flow_kind": "credit", "amount_fen": fen} | more


def test_forty_years() -> None:
    """480 months with a rise every year and holes all over: the right months are open, none of them elsewhere."""
    holes = set(range(7, 480, 29))
    wage = [12_000 + n // 12 * 700 for n in range(480)]
    with in_time():
        result = solve([paid(n, wage[n]) for n in range(480)],
                       [came(n + 1, wage[n]) for n in range(480) if n not in holes])
    missing = result.tables["month"].filter(pl.col("label") == "missing_month")["accrual_month"].to_list()
    assert missing == [month(n) for n in sorted(holes)]


def test_five_thousand_lines_of_one_person() -> None:
    """A hundred payers a month, one amount each: bounded, said, and no month is called certain that was cut short."""
    months, payers = 50, 100
    contributions = [
        paid(n, 1_000 + payer, payer=f"P{payer:03d}", employer=f"P{payer:03d}")
        for n in range(months) for payer in range(payers)
    ]
    flows = [came(n + 1, 1_000 + payer) for n in range(months) for payer in range(payers) if (n * payers + payer) % 37]
    with in_time():
        result = solve(contributions, flows)
    assert result.tables["month"].height == months
    assert result.tables["match"].height
    assert [problem.code for problem in result.problems] == ["record-too-long"]
    assert set(result.tables["month"]["confidence"].drop_nulls()) == {"probable"}


def test_five_thousand_credits_of_one_person() -> None:
    """Two hundred equal credits a month for one paid month each."""
    with in_time():
        result = solve([paid(n) for n in range(24)],
                       [came(n + 1, day=1 + at % 28) for n in range(24) for at in range(200)])
    assert result.tables["month"].height == 24
    assert set(result.tables["month"]["label"]) == {"over_credit"}


def test_five_thousand_credits_and_reversals_of_one_person() -> None:
    """Forty years in which every credit was taken back, five times over: nothing is left of any."""
    flows = [row for at in range(2_500) for row in (
        came(at % 480 + 1, 1_000 + at % 97), came(at % 480 + 1, -1_000 - at % 97, day=13 + at % 15, flow_kind="reversal"))]
    with in_time():
        result = solve([paid(n, 1_000 + n % 97) for n in range(480)], flows)
    assert result.tables["match"]["amount_fen"].sum() == 0


def test_two_sources_with_different_amounts() -> None:
    """The month's credit stands in two exports with two amounts: said with both, and not added up."""
    flows = [came(n + 1, file="one") for n in range(12)] + [came(n + 1, 12_000 if n != 5 else 11_000, file="two")
                                                             for n in range(12)]
    with in_time():
        result = solve([paid(n) for n in range(12)], flows)
    assert [(problem.code, problem.value) for problem in result.problems] == [
        ("contradictory-lines", "110.00 ≠ 120.00 (two.csv#L19)")]
    assert set(result.tables["month"]["credited_fen"]) == {12_000}


def test_negative_contributions_without_a_reversal() -> None:
    """Refunds of months that were never paid, at any amount: a row and a label each, and the sums hold."""
    contributions = [paid(n) for n in range(6)] + [
        paid(n, -12_000 - n, payment_kind="refund") for n in range(6, 12)] + [paid(12, -5)]
    with in_time():
        result = solve(contributions, [came(n + 1) for n in range(6)])
    labels = result.tables["month"].select("accrual_month", "label", "contributed_fen")
    assert labels.height >= 13
    assert labels.filter(pl.col("label").is_null()).is_empty()
