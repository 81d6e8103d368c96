"""Bases outside the region's floor and cap: who misses how much each month, and who is left in peace."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_cases import BEIJING, SHENZHEN, Book, Row, Told, cover, lines, person, policy
from recon.core.limits import clamped, with_limits

book = Book()
case = book.case
PAST = {"coverage": [cover(start="2019-01-01")], "as_of": "2025-03-31"}


def declared(first: str, count: int, base: int, **changes: object) -> list[Row]:
    """Lines in Beijing on ``base`` fen."""
    return lines(first, count, region=BEIJING, base_fen=base, employee_fen=base // 50 + 300, due=None, **changes)


def found(told: Told) -> dict[str, tuple[str, str, int]]:
    """Month -> cause, status, fen of the parts about bases."""
    rows = told.table("gap").filter(pl.col("label") == "base_out_of_limits")
    return {f"{row['accrual_month']:%Y-%m}": (row["cause"], row["status"], row["amount_fen"])
            for row in rows.rows(named=True)}


@case(declared("2023-07", 2, 500000), **PAST)
def test_below_the_floor(told: Told) -> None:
    """5000.00 where 6326.00 is the floor: 26.52 are missing in the account every month."""
    assert found(told) == dict.fromkeys(("2023-07", "2023-08"), ("below_floor", "open", 2652))
    row = told.table("gap").filter(pl.col("label") == "base_out_of_limits").sort("accrual_month").row(0, named=True)
    assert row["owner"] == "hr_declare"
    assert row["evidence"].startswith("申报基数5000.00元，低于当地下限6326.00元（110000/2023-07/base_limit）；账户每月少划26.52元 [")
    (finding,) = [one for one in told.result.tables["finding"].rows(named=True)
                  if one["finding_id"] == row["finding_id"]]
    assert (finding["people"], finding["amount_fen"], finding["scope"]) == (1, 5304, "payer")
    assert finding["payer"].startswith("示例公司")


@case(declared("2023-07", 1, 4000000), **PAST)
def test_above_the_cap(told: Told) -> None:
    """A base above the cap credits too much: the amount is negative."""
    assert found(told) == {"2023-07": ("above_cap", "open", 2 * (3389100 - 4000000) // 100)}


@case(declared("2023-07", 1, 632600) + declared("2023-08", 1, 3389100) + declared("2023-09", 1, 632550), **PAST)
def test_on_the_limits(told: Told) -> None:
    """The limits themselves are inside, and so is what only rounding takes below."""
    assert found(told) == {}


@case(declared("2024-07", 3, 640000), **PAST)
def test_last_year_s_base_waits_for_its_top_up(told: Told) -> None:
    """In the running base year a base that was right the year before is pending: 补差 usually follows."""
    assert {status for _, status, _ in found(told).values()} == {"pending"}


@case(declared("2024-07", 1, 500000), **PAST)
def test_a_base_that_was_never_right_is_open(told: Told) -> None:
    """5000.00 was below last year's floor too."""
    assert found(told)["2024-07"][:2] == ("below_floor", "open")


@case(declared("2023-07", 1, 500000) + declared("2023-07", 1, 132600, payment_kind="top_up", paid_on="2023-10-20"),
      **PAST)
def test_a_top_up_of_the_month_counts(told: Told) -> None:
    """The base of a month is the declared one and its corrections."""
    assert found(told) == {}


@case(lines("2024-07", 1, base_fen=100, due=None)
      + lines("2024-07", 1, region=SHENZHEN, tier="2", base_fen=100, due=None)
      + declared("2019-07", 1, 100) + declared("2023-07", 1, 100, insured_status="flexible"),
      roster=[person(region=BEIJING)], **PAST)
def test_nothing_is_said_without_a_limit_or_an_account(told: Told) -> None:
    """No limits known (Wuhan; Beijing 2019), a tier without an account, flexible employment."""
    assert found(told) == {}


@pytest.mark.parametrize(("region", "month", "wage", "base"), [
    (BEIJING, 2023 * 12 + 6, 500000, 632600), (BEIJING, 2023 * 12 + 6, 5000000, 3389100),
    (BEIJING, 2023 * 12 + 6, 1000000, 1000000), (BEIJING, 2019 * 12, 1000000, 1000000),
    ("420100", 2023 * 12 + 6, 1000000, 1000000), (None, 2023 * 12 + 6, 1000000, 1000000), (BEIJING, 2023 * 12 + 6, None, None),
])
def test_a_wage_clamped(region: str | None, month: int, wage: int | None, base: int | None) -> None:
    """The base a wage should have been declared at; the wage itself where limits are not known, null where the wage is not."""
    frame = pl.DataFrame({"region": [region], "month": [month], "wage_fen": [wage]},
                         schema={"region": pl.String, "month": pl.Int32, "wage_fen": pl.Int64})
    assert with_limits(frame, policy()).select(clamped(pl.col("wage_fen")))["wage_fen"].to_list() == [base]


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=20))
def test_a_clamped_wage_lies_inside_and_moves_no_further_than_it_must(wages: list[int]) -> None:
    """Inside the limits, and unchanged where it already was."""
    frame = pl.DataFrame({"region": BEIJING, "month": 2024 * 12 + 7, "wage_fen": wages}).cast({"month": pl.Int32})
    limited = with_limits(frame, policy()).select("wage_fen", clamped(pl.col("wage_fen")).alias("base"))
    for wage, base in limited.iter_rows():
        assert base == min(max(wage, 682100), 3528300)
