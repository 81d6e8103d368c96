"""The table step: why a person's monthly credit changed, in parts that add up to the change."""

from __future__ import annotations

from core_cases import BEIJING, DUE, SHENZHEN, Book, Row, Told, cover, credits, line, lines, person

book = Book()
case = book.case
PAST = {"coverage": [cover(start="2019-01-01")]}


def steps(told: Told) -> dict[str, dict[str, int]]:
    """By month, the causes of its change and their amounts; they add up to it."""
    found: dict[str, dict[str, int]] = {}
    whole: dict[str, int] = {}
    for row in told.table("step").rows(named=True):
        month = f"{row['accrual_month']:%Y-%m}"
        found.setdefault(month, {})[row["cause"]] = row["amount_fen"]
        whole[month] = row["to_fen"] - row["from_fen"]
    assert {month: sum(causes.values()) for month, causes in found.items()} == whole
    return found


def beijing(first: str, count: int, base: int = 1000000, **changes: object) -> list[Row]:
    """Lines in Beijing whose credit is a matter of the rule."""
    return lines(first, count, region=BEIJING, base_fen=base, employee_fen=base // 50 + 300,
                 employer_fen=base * 98 // 1000, due=None, **changes)


@case(lines(count=3, due=None) + lines("2024-04", 3, due=None, scale=110), credits())
def test_a_new_base(told: Told) -> None:
    """A higher base is one step, on the month it began."""
    assert steps(told) == {"2024-04": {"base_change": 1200}}


@case(lines(count=3) + lines("2024-04", 3, scale=110), credits())
def test_a_new_base_under_stated_amounts(told: Told) -> None:
    """A stated amount that keeps its ratio to the base changed with the base."""
    assert steps(told) == {"2024-04": {"base_change": 1200}}


@case(beijing("2022-07", 4), roster=[person(region=BEIJING, birth_date="1990-03-01")], **PAST)
def test_a_new_rule(told: Told) -> None:
    """The reform takes the employer's share away."""
    assert steps(told) == {"2022-09": {"policy_change": -8000}}


@case(beijing("2021-11", 5), roster=[person(region=BEIJING, birth_date="1977-02-15")], **PAST)
def test_a_birthday(told: Told) -> None:
    """Turning 45 raises the employer's share, in the month of the birthday."""
    assert steps(told) == {"2022-02": {"age_bracket": 10000}}


@case(beijing("2022-07", 2) + beijing("2022-09", 2, base=1100000),
      roster=[person(region=BEIJING, birth_date="1990-03-01")], **PAST)
def test_a_new_rule_and_a_new_base(told: Told) -> None:
    """Causes are substituted in order: the rule on the old base first, then the base."""
    assert steps(told) == {"2022-09": {"policy_change": -8000, "base_change": 2000}}


@case(beijing("2022-07", 2, base=1100000) + beijing("2022-09", 2),
      roster=[person(region=BEIJING, birth_date="1977-09-15")], **PAST)
def test_causes_that_cancel_are_all_named(told: Told) -> None:
    """Rule, age and base at once: each has its part, and those of no amount are left out."""
    assert steps(told) == {"2022-09": {"policy_change": -11000, "base_change": -2000}}


@case(lines(count=2, region=SHENZHEN, tier="1", due=None) + lines("2024-03", 2, region=SHENZHEN, tier="2", due=None)
      + lines("2024-05", 2, region=SHENZHEN, tier="1", due=None, scale=110))
def test_months_without_a_credit_are_no_step(told: Told) -> None:
    """The series runs over months that have a credit; a tier without an account is no change to zero and back."""
    assert steps(told) == {"2024-05": {"base_change": 1200}}


@case([*lines(count=3), *lines("2024-04", 3, due=DUE - 1)], credits())
def test_one_fen_is_rounding(told: Told) -> None:
    """A fen that nothing explains is rounding."""
    assert steps(told) == {"2024-04": {"rounding": -1}}


@case([*lines(count=3), *lines("2024-04", 3, due=DUE - 500)], credits())
def test_what_nothing_explains(told: Told) -> None:
    """A stated amount that changed by itself is unexplained."""
    assert steps(told) == {"2024-04": {"unexplained": -500}}


@case([*lines(count=2), line("2024-03", payment_kind="back_pay", paid_on="2024-05-20"), *lines("2024-04", 2)],
      credits(count=5))
def test_back_pay_is_part_of_the_series(told: Told) -> None:
    """A month paid back is a month like the others."""
    assert steps(told) == {}


@case([*lines(), line("2024-03", employer="乙公司")], credits())
def test_a_double_payment_is_no_step(told: Told) -> None:
    """A payment to be refunded adds nothing to what was due."""
    assert steps(told) == {}


@case([*lines(), line("2024-03", base_fen=100000, employee_fen=2000, employer_fen=8000, into_account_fen=2000,
                      payment_kind="top_up", paid_on="2024-05-20")], credits())
def test_a_top_up_is_no_step(told: Told) -> None:
    """Corrections of the past are no change of the monthly credit."""
    assert steps(told) == {}


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]))
def test_a_month_without_a_line_is_no_step(told: Told) -> None:
    """A hole in the contributions is not a fall to zero."""
    assert steps(told) == {}


@case(lines(count=3, due=None) + lines("2024-04", 3, due=None, scale=110), credits())
def test_steps_name_their_lines(told: Told) -> None:
    """The evidence names the two lines and both amounts."""
    (row,) = told.table("step").rows(named=True)
    assert row["evidence"].endswith(f"[{told.ids[told.who]}/contribution.csv#L4; {told.ids[told.who]}/contribution.csv#L5]")
    assert "120.00" in row["evidence"]
    assert "132.00" in row["evidence"]
