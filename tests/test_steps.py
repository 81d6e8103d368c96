"""The table step: why a person's monthly credit changed, in parts that add up to the change."""

from __future__ import annotations

from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core_cases import (
    BEIJING,
    DUE,
    HANGZHOU,
    SHANGHAI,
    SHENZHEN,
    SUZHOU,
    WUHAN,
    Book,
    Row,
    Told,
    account,
    cover,
    credits,
    flow,
    line,
    lines,
    person,
    refund,
    run_of,
    solve,
)
from recon.labels import STEP_CAUSES

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


@case([*lines(), *(refund(month, "2024-07-10", scale=20) for month in run_of("2024-02", 2))], credits())
def test_a_refunded_part_is_a_lower_base(told: Told) -> None:
    """A part of two months was refunded: the way there and back is that, and nobody is sent to ask."""
    assert steps(told) == {"2024-02": {"base_change": -2400}, "2024-04": {"base_change": 2400}}
    rows = told.table("step").sort("accrual_month").rows(named=True)
    assert {row["detail"] for row in rows} == {"refund"}
    assert "退过一部分" in rows[0]["evidence"]


@case(lines(count=3, due=None) + lines("2024-04", 3, due=None, scale=110), credits())
def test_steps_name_their_lines(told: Told) -> None:
    """The evidence names the two lines and both amounts."""
    (row,) = told.table("step").rows(named=True)
    assert row["evidence"].endswith(f"[{told.ids[told.who]}/contribution.csv#L4; {told.ids[told.who]}/contribution.csv#L5]")
    assert "120.00" in row["evidence"]
    assert "132.00" in row["evidence"]


# --- the reform in four cities, as credits tell it ----------------------------------------------------------------


@case(beijing("2022-06", 6),
      credits("2022-06", 3, amount=28000, region=BEIJING) + credits("2022-09", 3, amount=20000, region=BEIJING),
      roster=[person(region=BEIJING, birth_date="1990-03-01")], **PAST)
def test_beijing_in_the_month_of_the_notice(told: Told) -> None:
    """Under 35: 2%+0.8% until 2022-08, 2% from 2022-09."""
    assert steps(told) == {"2022-09": {"policy_change": -8000}}
    (row,) = told.table("step").rows(named=True)
    assert (row["from_share"], row["to_share"], row["policy_ref"]) == ("2%+0.8%", "2%", "110000/2022-09/in_service_credit")
    assert "110000/2001-04/in_service_credit → 110000/2022-09/in_service_credit" in row["evidence"]


@case(beijing("2022-06", 6),
      credits("2022-06", 4, amount=28000, region=BEIJING) + credits("2022-10", 2, amount=20000, region=BEIJING),
      roster=[person(region=BEIJING, birth_date="1990-03-01")], **PAST)
def test_beijing_a_month_later(told: Told) -> None:
    """The boundary may speak of the credit month: the step stands where the credit moved."""
    assert steps(told) == {"2022-10": {"policy_change": -8000}}
    (row,) = told.table("step").rows(named=True)
    assert (row["from_share"], row["to_share"]) == ("2%+0.8%", "2%")


@case(beijing("2022-06", 6),
      credits("2022-06", 2, amount=28000, region=BEIJING) + credits("2022-08", 4, amount=20000, region=BEIJING),
      roster=[person(region=BEIJING, birth_date="1990-03-01")], **PAST)
def test_beijing_a_month_earlier(told: Told) -> None:
    """Or the first lower credit is that of 2022-08."""
    assert steps(told) == {"2022-08": {"policy_change": -8000}}


@case(lines("2022-10", 6, region=SHENZHEN, tier="1", base_fen=1000000, employee_fen=20000, due=None),
      roster=[person(region=SHENZHEN, tier="1", birth_date="1980-03-01")], **PAST)
def test_shenzhen(told: Told) -> None:
    """Tier 1, under 45: 2%+3% until 2022-11, 2% from 2022-12."""
    found = steps(told)
    assert list(found) == ["2022-12"]
    assert set(found["2022-12"]) == {"policy_change"}


@case(lines("2022-11", 3, due=28600) + lines("2023-02", 3, due=12000),
      credits("2022-11", 3, amount=28600) + credits("2023-02", 3), **PAST)
def test_wuhan_where_the_old_rule_is_not_known(told: Told) -> None:
    """The export states 286.00 and then 120.00 on one base; the rule changed in between, whatever the old one was."""
    assert steps(told) == {"2023-02": {"policy_change": -16600}}


def shanghai(first: str, count: int, base: int = 1000000) -> list[Row]:
    return lines(first, count, region=SHANGHAI, base_fen=base, employee_fen=base // 50, due=None)


@case(shanghai("2021-04", 36), [
          flow("2022-07-01", 12 * 23500, region=SHANGHAI), flow("2023-07-01", 12 * 20000, region=SHANGHAI),
          flow("2024-07-01", 12 * 20000, region=SHANGHAI)],
      roster=[person(region=SHANGHAI, birth_date="1984-03-01")], **PAST)
def test_shanghai(told: Told) -> None:
    """420 yuan a year at 35 to 44 end with the credit of July 2023, which pays April 2022 to March 2023."""
    assert steps(told) == {"2022-04": {"policy_change": -3500}}
    assert {row["verdict"] for row in told.months().values()} == {"received"}


# --- other causes -------------------------------------------------------------------------------------------------


@case(beijing("2024-01", 4, base=500000), credits("2024-01", 4, amount=10000, region=BEIJING)
      + [flow(f"2024-{month:02d}-12", 9700, region=BEIJING) for month in range(5, 9)],
      roster=[person(region=BEIJING, birth_date="1964-04-10", insured_status="retired", retired_from="2024-05-01")],
      coverage=[cover(start="2019-01-01")], as_of="2024-08-31")
def test_retiring(told: Told) -> None:
    """100.00 of the last base become the fixed sum of a retiree: one step of status."""
    assert steps(told)["2024-05"] == {"status_change": -300}
    assert "在职变为退休" in told.table("step").rows(named=True)[0]["evidence"]


@case(beijing("2024-05", 2, base=632600) + beijing("2024-07", 2, base=682100), **PAST)
def test_the_floor_moved(told: Told) -> None:
    """A base that follows the floor says so."""
    assert steps(told) == {"2024-07": {"base_change": 990}}
    (row,) = told.table("step").rows(named=True)
    assert (row["detail"], row["from_base_fen"], row["to_base_fen"]) == ("floor", 632600, 682100)
    assert "当地下限调整" in row["evidence"]


@case(lines(count=8), credits(count=3) + credits("2024-04", 5, amount=11200))
def test_a_steady_deduction(told: Told) -> None:
    """What looks like a premium taken from the account every month is a step of its own."""
    assert steps(told) == {"2024-04": {"account_deduction": -800}}


@case([row | {"employer_fen": 0} for row in lines(count=4, due=None)]
      + [row | {"employee_fen": 0} for row in lines(count=4, due=None)]
      + lines("2024-05", 2, scale=110, due=None), credits(count=6))
def test_two_rows_of_one_payment(told: Told) -> None:
    """Each party on its own row: the base counts once."""
    assert steps(told) == {"2024-05": {"base_change": 1200}}


# --- for every series ---------------------------------------------------------------------------------------------


def anybody(random: Random, number: int) -> tuple[list[Row], Row]:
    """A person whose base, employer's wording, tier and stated amounts change at random, somewhere around a reform."""
    region = random.choice([BEIJING, SHENZHEN, SHANGHAI, WUHAN, SUZHOU, HANGZHOU])
    first = random.choice(["2021-06", "2022-05", "2022-11", "2023-03"])
    person_id = f"PSN:42000{number:05d}"
    base, rows = random.randrange(300000, 4000000), []
    for month in run_of(first, 20):
        if random.random() < 0.2:
            base = random.choice([base, random.randrange(300000, 4000000), base + 1])
        stated = random.choice([None, None, None, base // 50, random.randrange(1, 60000)])
        rows.append(line(
            month, person_id=person_id, region=region, base_fen=base, employee_fen=base // 50, employer_fen=base // 20,
            due=stated, tier=random.choice(["1", "1", "1", None]) if region == SHENZHEN else None,
            payment_kind=random.choice(["normal"] * 9 + ["back_pay"]),
        ))
    born = f"{random.randrange(1960, 2000)}-{random.randrange(1, 13):02d}-15"
    return rows, person(person_id=person_id, region=region, birth_date=born)


@settings(max_examples=4)
@given(st.integers(0, 2**32))
def test_the_causes_of_any_change_add_up_to_it(seed: int) -> None:
    """Whatever happens to anybody: every change of the series has its row, and its causes add up to it."""
    random = Random(seed)
    made = [anybody(random, number) for number in range(40)]
    tables = account([row for rows, _ in made for row in rows], roster=[one for _, one in made])
    result = solve(tables).result.tables
    key = ["person_id", "region", "accrual_month"]
    due = result["expected"].filter(pl.col("expected_fen") > 0).join(
        result["step"].select("person_id").unique(), on="person_id", how="semi")
    series = due.group_by(key).agg(pl.col("expected_fen").sum()).sort(key).with_columns(
        (pl.col("expected_fen") - pl.col("expected_fen").shift(1).over("person_id")).alias("change"))
    expected = series.filter(pl.col("change") != 0).select(*key, "change")
    sums = result["step"].group_by(key).agg(pl.col("amount_fen").sum().alias("change")).sort(key)
    assert sums.rows() == expected.sort(key).rows()
    assert set(result["step"]["cause"]) <= set(STEP_CAUSES)


@case([], [flow(f"2024-{month:02d}-12", 8335 if month % 2 else 8300) for month in range(1, 7)],
      roster=[person(birth_date="1955-01-01", insured_status="retired", retired_from="2015-01-01")], as_of="2024-06-30",
      coverage=[cover(start="2024-01-01", end="2024-06-30")])
def test_a_sum_known_to_the_yuan_does_not_step_by_its_fen(told: Told) -> None:
    """Wuhan's 83 yuan are credited as 83.35 and 83.00: no change of the rule, no step."""
    assert steps(told) == {}
