"""Which credit paid which month: lumps, splits, boundaries, printed months, and what is left over (DESIGN section 6)."""

from __future__ import annotations

import pytest

from core_cases import (
    BEIJING,
    DUE,
    OTHER,
    Book,
    Row,
    Told,
    account,
    cover,
    credits,
    flow,
    later,
    line,
    lines,
    person,
    refund,
    retiree,
    run_of,
    solve,
)
from recon.core.made_good import Extra, Lack, made_good

book = Book()
case = book.case
MISSING = "missing_month/credit_missing/open"
LATE = "delay/late/resolved"


def kinds(told: Told) -> dict[str, set[str]]:
    """The kinds of link of each month."""
    found: dict[str, set[str]] = {}
    for row in told.table("match").rows(named=True):
        found.setdefault(f"{row['accrual_month']:%Y-%m}", set()).add(row["kind"])
    return found


# ------------------------------------------------------------------------------------------------- lumps and splits


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-05-12", 2 * DUE)])
def test_two_months_in_one_credit(told: Told) -> None:
    """k contiguous months and one credit of their sum: the older is late, the younger in time."""
    assert told.unusual() == {"2024-03": LATE}
    assert kinds(told)["2024-03"] == kinds(told)["2024-04"] == {"N:1"}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 10000), flow("2024-04-15", 2000)])
def test_one_month_in_two_credits(told: Told) -> None:
    """One month and a few credits that add up to it."""
    assert told.unusual() == {}
    assert kinds(told)["2024-03"] == {"1:N"}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 10000), flow("2024-06-15", 2000)])
def test_one_month_in_two_credits_one_late(told: Told) -> None:
    """Of a split credit the part that came after the due month is a resolved delay; the lag is the largest."""
    assert told.parts("2024-03") == {LATE: 2000}
    month = told.months()["2024-03"]
    assert (month["credited_on_time_fen"], month["credited_fen"], month["lag_months"]) == (10000, DUE, 3)


@case([line(month, scale=100 + at) for at, month in enumerate(run_of("2024-01", 8)) if at != 3],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-01", 8)) if at != 3),
       flow("2024-06-15", 120 * 104)])
def test_twice_the_sum_of_one_month_is_no_absent_months(told: Told) -> None:
    """Where sums differ month by month, a second credit of one month's very sum is not of the month without a line."""
    assert told.unusual() == {
        "2024-04": "missing_month/contribution_missing/open", "2024-05": "over_credit/duplicate_credit/open"}


@case([line(month, paid_on=f"{month}-05") for month in run_of("2024-01", 8)],
      [*credits(count=8, skip=["2024-04", "2024-05"]), flow("2024-05-12", 7200), flow("2024-06-12", 4800)])
def test_a_part_that_came_early_is_no_part(told: Told) -> None:
    """A part in one month's place and the rest in the next one's are the first one's, late, not the next one's, early."""
    assert told.unusual() == {"2024-04": LATE, "2024-05": MISSING}


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-05-12", 15000), flow("2024-05-20", 9000)])
def test_two_months_in_two_other_credits(told: Told) -> None:
    """Small N:M: the oldest month takes first from the earliest credit."""
    assert told.unusual() == {"2024-03": LATE}
    assert [link for link in told.links() if "2024-03" <= link[0] <= "2024-04"] == [
        ("2024-03", "2024-05-12", DUE), ("2024-04", "2024-05-12", 3000), ("2024-04", "2024-05-20", 9000)]


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-04-12", 10000), flow("2024-05-12", 10000),
                flow("2024-05-20", 4000)])
def test_first_share_before_the_later_premium(told: Told) -> None:
    """R23: the first credit of a group may come before the later month's premium, which takes no share of it."""
    assert told.accused() == []
    assert [link for link in told.links() if "2024-03" <= link[0] <= "2024-04"] == [
        ("2024-03", "2024-04-12", 10000), ("2024-03", "2024-05-12", 2000),
        ("2024-04", "2024-05-12", 8000), ("2024-04", "2024-05-20", 4000)]


@case(lines("2024-01", 2) + lines("2024-03", 2, scale=110) + lines("2024-05", 2),
      [*credits(count=2), flow("2024-05-12", 26400), *credits("2024-05", 2)])
def test_lump_of_another_base(told: Told) -> None:
    """Sums decide, not the number of months."""
    assert told.unusual() == {"2024-03": LATE}


@case(lines(count=12), [*credits(count=4), flow("2024-12-12", 7 * DUE), flow("2025-01-12")])
def test_long_lump(told: Told) -> None:
    """Seven months in one credit: all linked, six of them late."""
    assert told.unusual() == dict.fromkeys(run_of("2024-05", 6), LATE)
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case(lines(), [*credits(skip=["2024-02", "2024-04"]), flow("2024-05-14", 2 * DUE)])
def test_a_lump_skips_no_month(told: Told) -> None:
    """Groups are contiguous: months 2 and 4 are not paid together around a month that was paid by itself."""
    assert sum(amount for *_, amount in told.accused()) == 0
    assert sum(amount for *_, amount in told.links()) == 6 * DUE


QUARTERS = {"2024-01": 12960, "2024-02": 13800, "2024-03": 13680, "2024-04": 15000, "2024-05": 14400, "2024-06": 16200}


@case([line(month, due=due) for month, due in QUARTERS.items()],
      [flow("2024-04-15", 40440), flow("2024-07-15", 15000 + 16200)])
def test_a_quarters_credit_may_lack_its_middle_month(told: Told) -> None:
    """No months in a row have the sum, April and June together do: May is missing, and June has nothing too much."""
    assert told.accused() == [("2024-05", "missing_month", "credit_missing", 14400)]
    assert [link for link in told.links() if link[1] == "2024-07-15"] == [
        ("2024-04", "2024-07-15", 15000), ("2024-06", "2024-07-15", 16200)]


UNSAID = {"paid": None, "paid_on": None}


@case([line(month, due=due, **(UNSAID if month == "2024-05" else {})) for month, due in QUARTERS.items()],
      [*(flow(f"{later(month, 1)}-12", due) for month, due in QUARTERS.items() if month != "2024-01"),
       flow("2024-06-16", QUARTERS["2024-01"])])
def test_a_late_credit_beside_that_of_a_month_nobody_knows_paid(told: Told) -> None:
    """May's record says nothing of a payment, and June holds May's very sum: the other credit there is January's."""
    assert told.answers()["2024-01"] == LATE
    assert ("2024-01", "2024-06-16", 12960) in told.links()
    assert ("2024-05", "2024-06-12", 14400) in told.links()


# -------------------------------------------------------------------------------------------- boundaries inside groups


REFORM = run_of("2022-06", 6)  # Beijing, in force from 2022-09: 280.00 before, 200.00 after, at 10000.00 and age 32


def beijing(first: str = "2022-06", count: int = 6) -> list[Row]:
    """Lines whose credit is a matter of the rule in force and of age."""
    return lines(first, count, region=BEIJING, base_fen=1000000, employee_fen=20300, employer_fen=98000, due=None)


def came(**amounts: int) -> list[Row]:
    """Credits in Beijing by day, as d20220712=28000."""
    return [flow(f"{day[1:5]}-{day[5:7]}-{day[7:9]}", amount, region=BEIJING) for day, amount in amounts.items()]


BORN_1990 = {"roster": [person(region=BEIJING, birth_date="1990-03-01")],
             "coverage": [cover(start="2020-01-01")], "as_of": "2023-06-30"}
TURNS_45 = BORN_1990 | {"roster": [person(region=BEIJING, birth_date="1977-02-15")]}


@case(beijing(), came(d20220712=28000, d20220812=28000, d20221012=40000, d20221112=20000, d20221212=20000),
      **BORN_1990)
def test_lump_with_a_month_of_the_other_rule(told: Told) -> None:
    """R17: a lump that pays its first month by the rule of the second is found, and the sum paid is the expected one."""
    assert told.unusual() == {"2022-08": LATE}
    assert [told.months()[month]["expected_fen"] for month in ("2022-08", "2022-09")] == [20000, 20000]


@case(beijing(), came(d20220712=28000, d20220812=28000, d20221012=48000, d20221112=20000, d20221212=20000),
      **BORN_1990)
def test_lump_across_the_boundary(told: Told) -> None:
    """A lump of both rules is found as well."""
    assert told.unusual() == {"2022-08": LATE}
    assert told.months()["2022-08"]["expected_fen"] == 28000


@case(beijing(), came(d20220712=28000, d20220812=28000, d20220912=20000, d20221012=28000, d20221112=20000,
                      d20221212=20000), **BORN_1990)
def test_either_side_is_accepted_next_to_a_boundary(told: Told) -> None:
    """Within one month of the boundary either amount is right; the accepted one is expected, and the evidence says so."""
    assert told.unusual() == {}
    month = told.months()["2022-08"]
    assert month["expected_fen"] == 20000
    assert "交界" in month["evidence"]


@case(beijing(), came(d20220712=28000, d20220812=28000, d20221012=20000, d20221112=20000, d20221113=28000,
                      d20221212=20000), **BORN_1990)
def test_each_month_has_its_own_rules_amount_where_another_answer_is_no_cheaper(told: Told) -> None:
    """The old amount that came two months late is the last old month's; the months after it got their own in time."""
    assert told.unusual() == {"2022-08": LATE}
    assert ("2022-08", "2022-11-13", 28000) in told.links()


@case(beijing(), came(d20220712=28000, d20220812=28000, d20220912=28000, d20221012=20000, d20221112=20000,
                      d20221212=28000), **BORN_1990)
def test_the_old_rule_long_after_the_boundary_is_too_much(told: Told) -> None:
    """Two months after the boundary the old amount is a surplus."""
    assert [(month, label, amount) for month, label, _, amount in told.accused()] == [("2022-11", "over_credit", -8000)]


@case(beijing(), came(d20220712=28000, d20220812=28000, d20221012=20000, d20221112=20000, d20221212=20000),
      **BORN_1990)
def test_nothing_credited_at_a_boundary(told: Told) -> None:
    """With nothing credited the rule of the accrual month says what is missing."""
    assert told.accused() == [("2022-08", "missing_month", "credit_missing", 28000)]


@case(beijing("2021-10"), came(d20211112=30000, d20211212=30000, d20220112=30000, d20220212=30000, d20220412=80000),
      **TURNS_45)
def test_lump_with_a_birthday_inside(told: Told) -> None:
    """R17: an age counts from the month of the birthday, in a lump too."""
    assert told.unusual() == {"2022-02": LATE}
    assert told.months()["2022-02"]["expected_fen"] == 40000


@case(beijing("2021-10"), came(d20211112=30000, d20211212=30000, d20220112=30000, d20220212=30000, d20220412=70000),
      **TURNS_45)
def test_lump_with_a_birthday_taken_up_a_month_late(told: Told) -> None:
    """R17: the old age's amount is accepted for the month of the birthday inside a lump."""
    assert told.unusual() == {"2022-02": LATE}
    assert told.months()["2022-02"]["expected_fen"] == 30000


# Beijing below 35: 2% and 0.8%. Of 7050.60 that is 141.01 and 56.40, together 197.41; 2.8% rounded once are 197.42.
BROKEN = {"region": BEIJING, "base_fen": 705060, "employee_fen": 14401, "employer_fen": 69096, "due": None}


@case([*lines("2022-01", 5, **BROKEN),
       *(line(month, payment_kind="top_up", paid_on=None, **(BROKEN | {"base_fen": base}))
         for month, base in (("2022-02", 66420), ("2022-03", 133420)))],
      came(d20220212=19741, d20220312=19741, d20220412=19741, d20220512=19741, d20220514=5596, d20220612=19741),
      **BORN_1990)
def test_top_ups_in_one_credit_may_be_rounded_once(told: Told) -> None:
    """18.60 and 37.36 came together; share by share they are 18.59 and 37.35: nothing waits, nothing is too much."""
    assert told.unusual() == {}
    assert ("2022-02", "2022-05-14", 1860) in told.links()
    assert ("2022-03", "2022-05-14", 3736) in told.links()


@case(lines("2022-01", 6, **BROKEN),
      came(d20220212=19742, d20220312=19742, d20220612=3 * 19742, d20220712=19742), **BORN_1990)
def test_months_in_one_credit_may_be_rounded_once(told: Told) -> None:
    """Three months of a fund that rounds the sum of both shares, in one late credit."""
    assert told.unusual() == dict.fromkeys(["2022-03", "2022-04"], LATE)
    assert {row["expected_fen"] for row in told.months().values()} == {19742}


@case([*lines("2022-01", 5, **BROKEN),
       line("2022-02", payment_kind="top_up", paid_on="2022-03-20", **(BROKEN | {"base_fen": 66420}))],
      came(d20220212=19742, d20220312=19742, d20220412=19742 + 1860, d20220512=19742, d20220612=19742), **BORN_1990)
def test_a_month_and_a_top_up_in_one_credit_may_be_rounded_once(told: Told) -> None:
    """March and February's top-up, which arrived together, came as one credit of the shares' sums."""
    assert told.accused() == []
    assert told.links()[1:4] == [
        ("2022-02", "2022-03-12", 19742), ("2022-02", "2022-04-12", 1860), ("2022-03", "2022-04-12", 19742)]


@case(lines("2022-01", 6, **BROKEN),
      came(d20220212=19741, d20220312=19741, d20220512=19741, d20220612=19741, d20220712=19741, d20220819=19742),
      **BORN_1990)
def test_a_late_month_may_be_rounded_otherwise(told: Told) -> None:
    """March, four months late and rounded once, is still that month's and no surplus of another."""
    assert sum(amount for *_, amount in told.accused()) == 0
    assert told.links()[-1][1:] == ("2022-08-19", 19742)


@case(beijing(), came(d20220712=28000, d20220812=28000, d20220912=15000, d20220915=5000, d20221012=20000,
                      d20221112=20000, d20221212=20000), **BORN_1990)
def test_split_of_the_other_rules_amount(told: Told) -> None:
    """R17: a split credit may add up to the other rule's amount."""
    assert told.unusual() == {}
    assert told.months()["2022-08"]["expected_fen"] == 20000


# ---------------------------------------------------------------------------------------------- records of odd shape


@case(lines(count=12), [flow(f"{month}-12", 3 * DUE) for month in ("2024-04", "2024-07", "2024-10", "2025-01")],
      coverage=())
def test_quarterly_credits(told: Told) -> None:
    """R25: three months in one credit, all year, are found where the export begins as well."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}
    assert set(told.table("match")["kind"]) == {"N:1"}


RHYTHM = {month: DUE + 100 * (at * at % 17) for at, month in enumerate(run_of("2024-02", 11))}


def quarter(day: str, *others: int) -> Row:
    """The credit of the three months up to the one before ``day``'s; ``others``: of those without a line."""
    months = run_of(later(day[:7], -3), 3)
    return flow(day, sum(RHYTHM.get(month, 0) for month in months) + sum(others))


@case([line(month, due=due) for month, due in RHYTHM.items()],
      [flow("2024-02-12", DUE), quarter("2024-04-12", DUE + 300), quarter("2024-07-12"), quarter("2024-10-12"),
       quarter("2025-01-12")])
def test_the_record_begins_within_a_quarter(told: Told) -> None:
    """The first credit holds January's, too, of which there is no line: nothing is missing, nothing too much."""
    assert told.accused() == []
    assert {month: row["credited_fen"] for month, row in told.months().items()} == RHYTHM


@case([line(month, due=due) for month, due in RHYTHM.items() if month < "2024-12"],
      [flow("2024-02-12", DUE), quarter("2024-04-12", DUE + 300), quarter("2024-07-12"), quarter("2024-10-12"),
       quarter("2025-01-12")])
def test_the_record_ends_within_a_quarter(told: Told) -> None:
    """The last credit holds December's, too."""
    assert told.accused() == []


@case(lines("2024-02", 11),
      [flow(f"{month}-28", 3 * DUE) for month in ("2024-04", "2024-07", "2025-01")])
def test_the_record_begins_within_a_quarter_of_one_sum(told: Told) -> None:
    """All three of the third quarter are missing: the first credit is not February's to April's."""
    assert told.accused() == [(month, "missing_month", "credit_missing", DUE) for month in run_of("2024-07", 3)]


@case(lines("2024-02", 10),
      [flow(f"{month}-28", 3 * DUE) for month in ("2024-04", "2024-10", "2025-01")])
def test_the_record_begins_and_ends_within_a_quarter_of_one_sum(told: Told) -> None:
    """The second quarter is missing: other lags would fit as many lines, the usual one fits the ends, too."""
    assert told.accused() == [(month, "missing_month", "credit_missing", DUE) for month in run_of("2024-04", 3)]


@case(lines("2024-02", 5), [flow(f"{month}-28", 3 * DUE) for month in ("2024-04", "2024-07")])
def test_a_short_record_that_begins_within_a_quarter(told: Told) -> None:
    """One whole quarter, and a quarter before it a credit of as much."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case([line(month, due=due) for month, due in RHYTHM.items()],
      [quarter("2024-04-12", 3 * DUE), quarter("2024-07-12"), quarter("2024-10-12"), quarter("2025-01-12")])
def test_too_much_in_the_first_quarter_stays_too_much(told: Told) -> None:
    """Three times a month's sum is not January's."""
    assert [label for _, label, *_ in told.accused()] != []


@case(lines("2023-01", 24), credits("2023-01", 24, amount=5000) + [
    flow(f"{later(month, 1)}-19", 7000) for month in run_of("2023-01", 24)], coverage=[cover(start="2022-01-01")])
def test_two_credits_a_month(told: Told) -> None:
    """R26: the employee's and the employer's part as two lines a month, for two years: all on time, no search given up."""
    assert told.unusual() == {}
    assert told.codes() == []


@case(lines("2023-01", 24), credits("2023-01", 24, amount=6000) + [
    flow(f"{later(month, 1)}-19", 6000) for month in run_of("2023-01", 24)], coverage=[cover(start="2022-01-01")])
def test_two_equal_credits_a_month(told: Told) -> None:
    """R26: the same in equal halves."""
    assert told.unusual() == {}
    assert told.codes() == []


@case(lines(count=12), [flow(f"{later(month, 1)}-{day}", 3000)
                        for month in run_of("2024-01", 12) for day in (10, 12, 14, 16)])
def test_four_credits_a_month(told: Told) -> None:
    """R26: a month in four credits."""
    assert told.unusual() == {}


@case([*lines(skip=["2024-04"]), line("2024-04", paid_on="2024-07-17")], credits())
def test_a_credit_before_the_recorded_arrival(told: Told) -> None:
    """R27: one credit of the right sum before the recorded arrival is not a credit too many beside a missing one."""
    assert ("2024-04", "over_credit", "duplicate_credit", -DUE) not in told.accused()
    assert len({label for month, label, *_ in told.accused() if month == "2024-04"}) <= 1


@case([*lines(skip=["2024-04"]), line("2024-04", paid_on="2034-04-20")], credits())
def test_a_credit_before_an_arrival_in_the_future(told: Told) -> None:
    """R27: the same where the recorded arrival is a slip of ten years."""
    assert ("2024-04", "over_credit", "duplicate_credit", -DUE) not in told.accused()


@case(lines(count=3) + lines("2024-04", 3, payment_kind="back_pay", paid_on="2024-08-20", due=None)
      + lines("2024-07", 3), [*credits(count=3), *credits("2024-07", 3), flow("2024-09-13", 18000)])
def test_an_odd_credit_is_the_unstated_back_pays(told: Told) -> None:
    """R36: an odd sum goes to the back pay whose rule is unknown, never to a month that is sure of its own credit."""
    assert told.accused() == []
    assert ("2024-08", "2024-09-12", DUE) in told.links()


@case(lines(count=12), credits(count=12, amount=DUE // 2))
def test_steady_halves_lose_no_fen(told: Told) -> None:
    """R38: whichever months are named, half of everything is outstanding, to the fen."""
    assert sum(amount for *_, amount in told.accused()) == 6 * DUE


# ------------------------------------------------------------------------------------------------- lags and order


def test_a_lag_that_changes_for_good() -> None:
    """From July on everything comes a month later: resolved delays, nothing open, no month skipped."""
    told = solve(account(lines(count=12), credits(count=6) + credits("2024-07", 6, lag=2)))
    assert told.unusual() == dict.fromkeys(run_of("2024-07", 6), LATE)


def _two_months_later(*more: Row) -> tuple[list[Row], list[Row]]:
    """Six months of 2024 from March on, each of another amount and credited two months later; and ``more`` credits."""
    paid = [line(month, scale=100 + at) for at, month in enumerate(run_of("2024-03", 6))]
    return paid, [*(flow(f"{later(month, 2)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-03", 6))), *more]


@case(*_two_months_later(flow("2024-04-12", 11640)))
def test_a_credit_before_the_first_by_the_records_own_lag_is_nobodys_error(told: Told) -> None:
    """Where all credits come two months later, what came a month before the first line's is an earlier month's."""
    assert {answer.split("/")[0] for answer in told.answers().values()} == {"delay"}


@case([line(month, scale=100 + at, paid_on=f"{month}-05") for at, month in enumerate(run_of("2024-03", 6))],
      [flow(f"{month}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-03", 6))] + [flow("2024-09-12", 13000)])
def test_a_credit_after_the_last_by_the_records_own_lag_is_nobodys_error(told: Told) -> None:
    """Where all credits come in the month of the premium, what came a month after the last line's is a later month's."""
    assert told.unusual() == {}


@case(*_two_months_later(flow("2024-07-15", 777)))
def test_a_surplus_is_of_the_month_whose_credit_came_with_it(told: Told) -> None:
    """Where all credits come two months later, what came with May's is beside May's, not in June's place."""
    assert {month for month, answer in told.answers().items() if answer.startswith("over_credit")} == {"2024-05"}


@case([line(month, region=BEIJING, scale=100 + at // 6, paid_on=f"{'2025-02' if month == '2024-11' else later(month, 1)}-10")
       for at, month in enumerate(run_of("2024-01", 15))],
      [flow(f"{later('2025-02' if month == '2024-11' else later(month, 1), 2)}-12", 120 * (100 + at // 6), region=BEIJING)
       for at, month in enumerate(run_of("2024-01", 15))], as_of="2025-08-31")
def test_a_month_paid_out_of_turn_comes_as_late_as_the_others(told: Told) -> None:
    """All credits come two months after the premium: of two of one sum the one of that month, too, not the one before."""
    assert [link for link in told.links() if link[0] in ("2024-11", "2024-12")] == [
        ("2024-11", "2025-04-12", 12120), ("2024-12", "2025-03-12", 12120)]


@case([*lines(count=6), *lines("2024-07", 4, scale=102)],
      [*credits(count=6, lag=2), *credits("2024-07", 4, lag=2, amount=12240), flow("2024-07-12")])
def test_a_credit_that_came_twice_is_of_the_month_whose_own_came_then(told: Told) -> None:
    """The same where it has the sum of every month: two of July are both May's, whose credit came then, not June's."""
    assert {month for month, answer in told.answers().items() if answer.startswith("over_credit")} == {"2024-05"}


@case([line(month, scale=100 + at) for at, month in enumerate(run_of("2024-01", 10))],
      [flow(f"{later(month, 1)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-01", 10)) if at > 3]
      + [flow("2024-06-20")], coverage=[cover(start="2024-06-01")])
def test_a_credit_of_one_unseen_months_sum_is_late(told: Told) -> None:
    """Sums differ by the month: what has just that of a month due before the export is its own, not another's surplus."""
    assert ("2024-01", "2024-06-20", DUE) in told.links()
    assert told.accused() == []


@case(lines(), [*(flow(f"{later(month, 1)}-12", accrual_month=f"{month}-01") for month in run_of("2024-02", 5)),
                flow("2024-03-20", 2000, accrual_month="2024-01-01")], coverage=[cover(start="2024-03-01")])
def test_a_printed_part_of_an_unseen_month_is_not_too_much(told: Told) -> None:
    """A part that prints a month due before the export is that month's: whether the rest came cannot be told."""
    assert told.answers()["2024-01"].startswith("data_incomplete/before_export")


@case([*(line(month, paid_on=f"{later(month, 1)}-20") for month in run_of("2024-01", 4)), *lines("2024-05", 8)],
      [flow("2024-02-12"), *(flow(f"{later(month, 2)}-12") for month in run_of("2024-01", 4)),
       *credits("2024-05", 8)])
def test_a_credit_before_the_first_of_a_payer_that_pays_a_month_later(told: Told) -> None:
    """The first payer paid a month later than the next: what came a month before its first credit is nobody's error."""
    assert told.accused() == []


@case(lines(count=12), [*credits(count=4), *credits("2024-05", 4, lag=2), *credits("2024-09", 4)])
def test_a_lag_that_changes_and_returns(told: Told) -> None:
    """Four months come later and then two in one month: the lag went and came back."""
    assert told.unusual() == dict.fromkeys(run_of("2024-05", 4), LATE)


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-06-30")])
def test_equal_links_of_one_stream_do_not_cross(told: Told) -> None:
    """Equal credits pay equal months in order: no later month is paid before an earlier one."""
    posted = [day for _, day, _ in told.links()]
    assert posted == sorted(posted)
    assert told.accused() == []


@case(lines(), credits(skip=["2024-06"]))
def test_the_last_month_open(told: Told) -> None:
    """A hole at the covered end is the last month's, not an earlier one's."""
    assert told.accused() == [("2024-06", "missing_month", "credit_missing", DUE)]


@case(lines(), credits(skip=["2024-01"]))
def test_the_first_month_open(told: Told) -> None:
    """A hole at the covered beginning is the first month's."""
    assert told.accused() == [("2024-01", "missing_month", "credit_missing", DUE)]


@case(lines(count=3) + lines("2024-04", 1, scale=90) + lines("2024-05", 2), credits(skip=["2024-04"]))
def test_a_hole_of_its_own_amount_is_proved(told: Told) -> None:
    """Where the open month's amount is unlike all others, no other set of open months fits: proved."""
    month = told.months()["2024-04"]
    assert (month["confidence"], told.accused()) == ("proved", [("2024-04", "missing_month", "credit_missing", 10800)])
    assert set(told.table("match")["decided"]) == {True}


@case(lines("2022-01", 3), [*credits("2022-01", 2), flow("2024-04-12")], coverage=[cover(start="2021-01-01")])
def test_a_credit_beyond_reach(told: Told) -> None:
    """A credit more than twelve months after the premium is no candidate."""
    assert [part[:3] for part in told.accused() if part[0] == "2022-03"] == [
        ("2022-03", "missing_month", "credit_missing")]


@case(lines(), [*credits(), flow("2024-02-20"), flow("2023-12-12")])
def test_credits_outside_the_persons_lines_cost_nothing(told: Told) -> None:
    """A credit whose usual month lies before the first line belongs to no month here; a twin inside is a surplus."""
    assert told.accused() == [("2024-01", "over_credit", "duplicate_credit", -DUE)]


@case(lines(), [*credits(), flow("2023-10-12"), flow("2024-12-12"), flow("2025-01-12", 99900)])
def test_credits_left_over_freely_stand_in_no_month(told: Told) -> None:
    """Credits long before or after the person's lines appear in no month and no link."""
    assert told.unusual() == {}
    assert list(told.answers()) == run_of("2024-01", 6)
    assert len(told.links()) == 6


# ------------------------------------------------------------------------------------------------------- inexact


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 11990)])
def test_inexact_link(told: Told) -> None:
    """A lone month and a lone credit in its place are linked, and the difference is a part."""
    assert kinds(told)["2024-03"] == {"inexact"}
    assert told.parts("2024-03") == {"short_credit/open": 10}


@case([*lines(skip=["2024-03"]), line("2024-03", scale=90)], [*credits(skip=["2024-03"]), flow("2024-05-30", 10790)])
def test_inexact_link_a_month_late(told: Told) -> None:
    """The place of a month reaches two months beyond the usual one."""
    assert told.parts("2024-03") == {"short_credit/open": 10, LATE: 10790}


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-05-12", 2 * DUE - 100)])
def test_two_months_in_one_credit_that_lacks_a_little(told: Told) -> None:
    """Nearly the sum of two months is both of them, and what is lacking the last one's: no month was left out."""
    assert kinds(told)["2024-03"] == kinds(told)["2024-04"] == {"inexact"}
    assert told.parts("2024-03") == {LATE: DUE}
    assert told.parts("2024-04") == {"short_credit/open": 100}


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-05-12", 2 * DUE + 100)])
def test_two_months_in_one_credit_that_is_a_little_too_much(told: Told) -> None:
    """So is a little more than the sum."""
    assert told.parts("2024-03") == {LATE: DUE}
    assert told.accused() == [("2024-04", "over_credit", "unknown_extra", -100)]


@case(lines(), [*credits(skip=["2024-03", "2024-04"]), flow("2024-05-12", DUE + DUE // 2)])
def test_half_a_month_too_little_is_no_lump(told: Told) -> None:
    """A credit of a month and a half is one month's, with as much too much; the other is not credited."""
    assert ("2024-03", "missing_month", "credit_missing", DUE) in told.accused()


@case(lines(count=9), [*credits(skip=["2024-03"], count=9), flow("2024-06-15", 6035)])
def test_an_odd_credit_far_from_the_amount_due_stands_in_its_own_month(told: Told) -> None:
    """A credit of half the amount, two months after a hole, is an extra of the month in whose place it came."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE),
                              ("2024-05", "over_credit", "unknown_extra", -6035)]


@case([*lines(), line("2024-03", payment_kind="top_up", scale=10, paid_on="2024-04-20")],
      [*credits(), flow("2024-05-20")])
def test_a_credit_that_came_twice_is_no_credit_of_another_sum(told: Told) -> None:
    """A second credit of the sum that the same month already holds is a duplicate, not a top-up's."""
    assert told.accused() == [("2024-03", "top_up", "credit_missing", DUE // 10),
                              ("2024-04", "over_credit", "duplicate_credit", -DUE)]


def deducted(rows: list[Row], rest: int = 500) -> list[Row]:
    """The credits less a deduction."""
    return [row | {"amount_fen": row["amount_fen"] - rest} for row in rows]


@case(lines(count=12), [*deducted(credits(count=12, skip=["2024-07"])), flow("2024-09-10", DUE - 500)])
def test_a_run_that_is_late_with_a_deduction(told: Told) -> None:
    """A deduction seen again and again is known when a run comes late: late, not missing, and nothing too much."""
    assert told.accused() == []
    assert told.months()["2024-07"]["label"] == "delay"


@case(lines(skip=["2024-02"]), [*credits(skip=["2024-02"]), flow("2024-04-20", memo="公务员补助")])
def test_a_subsidy_is_not_the_credit_of_a_month_without_a_line(told: Told) -> None:
    """It is too much for the month in whose place it came, however like a month's credit it is."""
    assert told.unusual() == {"2024-02": "missing_month/contribution_missing/open", "2024-03": "over_credit/subsidy/open"}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-20", 9000, memo="公务员补助")])
def test_a_subsidy_is_no_short_credit(told: Told) -> None:
    """What its memo calls a subsidy is too much for its month, never what is left of the month's own credit."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE),
                              ("2024-03", "over_credit", "subsidy", -9000)]


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 8000), flow("2024-04-16", 3000)])
def test_two_credits_in_a_months_place_are_short_by_what_both_lack(told: Told) -> None:
    """What came beside a short credit is no surplus: the month lacks 10.00, no more."""
    assert told.accused() == [("2024-03", "short_credit", None, 1000)]
    assert told.months()["2024-03"]["credited_fen"] == 11000


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 9000), flow("2024-04-16", 5000)])
def test_two_credits_in_a_months_place_are_too_much_by_what_is_beyond_it(told: Told) -> None:
    """Nothing is short of a month that got more than its due in two odd credits."""
    assert told.accused() == [("2024-03", "over_credit", "unknown_extra", -2000)]


@case(lines(count=8), [flow("2024-02-12", 9000), flow("2024-02-16", 2500), *credits("2024-02", 7, amount=DUE - 500)])
def test_a_deduction_from_a_first_month_that_came_in_two_parts(told: Told) -> None:
    """The month in which a steady deduction begins may come in two parts: together they lack just what the others do."""
    assert told.parts("2024-01") == {"account_deduction/explained": 500}
    assert told.accused() == []


@case([*lines(count=10), refund("2024-05", "2024-07-22", 15), line("2024-10", employer="乙公司"),
       refund("2024-10", "2024-12-22") | {"employer": "乙公司"}],
      [flow("2024-03-11"), flow("2024-04-13"), flow("2024-05-12"), flow("2024-05-13"), *credits("2024-05", 6),
       flow("2024-08-13", -1800, "reversal")])
def test_a_part_is_taken_back_of_the_month_it_was_refunded_of_after_a_late_run(told: Told) -> None:
    """Three late months at the begin of a record of one sum are no other lag: May's share is taken of May's credit."""
    late = "delay/late/resolved"
    assert {month: answer for month, answer in told.unusual().items() if month != "2024-05"} == dict.fromkeys(
        run_of("2024-01", 3), late)
    assert ("2024-05", "2024-06-12", DUE - 1800) in told.links()


@case(lines(), [*credits(skip=["2024-02"]), flow("2024-04-20", 2 * DUE, memo="公务员补助")])
def test_a_subsidy_is_no_lump(told: Told) -> None:
    """Nor is it two months' credit at once, though it be of just that amount."""
    assert told.accused() == [("2024-02", "missing_month", "credit_missing", DUE),
                              ("2024-03", "over_credit", "subsidy", -2 * DUE)]


@case(lines(), [*credits(skip=["2024-03"], memo="医疗补助"), flow("2024-04-20", 11000, memo="医疗补助")])
def test_a_word_in_every_memo_says_nothing(told: Told) -> None:
    """Where all credits are called subsidies, a short one is short."""
    assert told.parts("2024-03") == {"short_credit/open": 1000}


@case(lines(count=12), [*credits(count=7), *deducted(credits("2024-08", 3))],
      coverage=[cover(end="2024-11-20", basis="stated")])
def test_a_deduction_in_a_month_not_wholly_covered(told: Told) -> None:
    """A deduction that is known stays one in the last month of an export that ends within it."""
    assert told.answers()["2024-10"] == "account_deduction/explained"


@case([*lines(count=6), *lines("2024-07", 6, scale=110)],
      [*credits(count=3), *deducted(credits("2024-04", 3), 1200), *credits("2024-07", 6, amount=DUE)],
      coverage=[cover(start="2024-01-01")])
def test_a_deduction_that_leaves_an_older_bases_credit(told: Told) -> None:
    """The new base less the deduction is just the old base's credit: it stays in its month, and is a deduction."""
    assert told.links() == [(month, f"{later(month, 1)}-12", DUE - 1200 if "2024-04" <= month <= "2024-06" else DUE)
                            for month in run_of("2024-01", 12)]
    assert {told.answers()[month] for month in run_of("2024-04", 9)} == {"account_deduction/explained"}


@case([*lines(count=8), line("2024-03", payment_kind="top_up", scale=10, paid_on="2024-04-20")],
      [*deducted(credits(count=8)), flow("2024-05-20", DUE // 10)])
def test_a_top_up_does_not_break_a_deduction(told: Told) -> None:
    """A top-up's credit among those less a deduction comes whole."""
    assert {told.answers()[month] for month in run_of("2024-01", 8)} == {"account_deduction/explained"}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 1)])
def test_exact_beats_inexact(told: Told) -> None:
    """No inexact link moves the months that fit exactly."""
    assert {month for month, *_ in told.accused()} == {"2024-03"}
    assert [link for link in told.links() if link[0] != "2024-03"] == [
        (month, f"{later(month, 1)}-12", DUE) for month in run_of("2024-01", 6) if month != "2024-03"]


# ------------------------------------------------------------------------------------------------- printed months


def printed(rows: list[Row], ahead: int = -1) -> list[Row]:
    """The credits with a printed accrual month, ``ahead`` months from the posting."""
    return [row | {"accrual_month": f"{later(row['posted_on'][:7], ahead)}-01"} for row in rows]


@case(lines(), [*printed(credits(skip=["2024-03", "2024-04"])), flow("2024-05-12", accrual_month="2024-03-01"),
                flow("2024-06-20", accrual_month="2024-04-01")])
def test_printed_month_decides(told: Told) -> None:
    """A printed accrual month restricts a credit to that month."""
    assert told.unusual() == {"2024-03": LATE, "2024-04": LATE}
    assert told.links()[2:4] == [("2024-03", "2024-05-12", DUE), ("2024-04", "2024-06-20", DUE)]


@case(lines(), [*printed(credits(skip=["2024-03", "2024-04"])), flow("2024-05-12", accrual_month="2024-04-01"),
                flow("2024-08-20", accrual_month="2024-03-01")])
def test_printed_months_may_cross(told: Told) -> None:
    """Where the export says so, equal amounts of one stream may cross."""
    assert told.unusual() == {"2024-03": LATE}
    assert told.links()[2:4] == [("2024-03", "2024-08-20", DUE), ("2024-04", "2024-05-12", DUE)]


@case(lines(), [*printed(credits(skip=["2024-03"])), flow("2024-08-12", accrual_month="2024-06-01")])
def test_printed_month_never_fills_another(told: Told) -> None:
    """A credit printed for June does not pay March; it is a second one for June."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE),
                              ("2024-06", "over_credit", "duplicate_credit", -DUE)]


def test_a_file_that_prints_the_posting_month_says_nothing_of_a_retiree() -> None:
    """Where all people at work have the posting month printed, a retiree's late credit is not the next month's."""
    mine = [flow(f"2024-{month:02d}-{day}", 9700, person_id=OTHER, region=BEIJING)
            for month, day in ((1, 12), (2, 12), (4, "10"), (4, 12), (5, 12), (6, 12))]
    told = solve(account(
        lines(), printed([*credits(), *mine], ahead=0),
        roster=[retiree(person_id=OTHER, region=BEIJING)], coverage=[cover(start="2024-01-01", end="2024-12-31")],
    ), "2024-06-30")
    assert told.of(OTHER).unusual() == {"2024-03": LATE}


@case(lines(), printed(credits(), ahead=0))
def test_printed_month_that_is_the_posting_month(told: Told) -> None:
    """A printed month that always equals the posting month is a hint, with a warning."""
    assert told.unusual() == {}
    assert told.codes() == ["printed-month-ignored"]


@case([line(month, scale=100 + number) for number, month in enumerate(run_of("2024-01", 6))],
      printed([flow(f"{later(month, 1)}-12", 120 * (100 + number)) for number, month in enumerate(run_of("2024-01", 6))],
              ahead=-2))
def test_printed_month_against_the_amounts(told: Told) -> None:
    """A printed month that contradicts the amounts is a hint, with a warning."""
    assert told.unusual() == {}
    assert told.codes() == ["printed-month-contradicts"]


@case([*lines(count=3), *lines("2024-04", 3, scale=110)],
      [flow(f"{later(month, 1)}-12", amount, accrual_month=f"{named}-01") for month, named, amount in zip(
          run_of("2024-01", 6), ["2024-01", "2024-02", "2024-04", "2024-03", "2024-05", "2024-06"],
          [DUE] * 3 + [DUE * 110 // 100] * 3, strict=True)])
def test_two_printed_months_against_the_amounts(told: Told) -> None:
    """Two credits that print each other's month, though each is what its own place is due, are misprinted."""
    assert told.unusual() == {}
    assert told.codes() == ["printed-month-contradicts"]


@case([*lines(count=3), *lines("2024-04", 3, scale=110)],
      [flow(f"{later(month, 1)}-12", amount, accrual_month=f"{named}-01") for month, named, amount in zip(
          run_of("2024-01", 6), ["2024-01", "2024-02", "2024-04", "2024-04", "2024-05", "2024-06"],
          [DUE] * 3 + [DUE * 110 // 100] * 3, strict=True)])
def test_a_month_printed_twice_against_the_amounts(told: Told) -> None:
    """Of two credits that print one month, that of its sum is its own; the other is the month's in whose place it came."""
    assert told.unusual() == {}
    assert told.codes() == ["printed-month-contradicts"]


@case([*lines(count=3), *lines("2024-04", 3, scale=110)],
      [flow(f"{later(month, 1)}-12", amount, accrual_month=f"{month}-01") for month, amount in zip(
          run_of("2024-01", 6), [DUE] * 3 + [DUE, DUE * 110 // 100, DUE * 110 // 100], strict=True)])
def test_a_short_credit_keeps_its_printed_month(told: Told) -> None:
    """A credit of another sum in its own place is short: what it prints stands."""
    assert told.unusual() == {"2024-04": "short_credit/open"}
    assert told.codes() == []


@case([*lines(count=3), *lines("2024-04", 3, scale=110)],
      [*(flow(f"{later(month, 1)}-12", amount) for month, amount in zip(
          run_of("2024-01", 6), [DUE] * 3 + [0] + [DUE * 110 // 100] * 2, strict=True) if amount),
       flow("2024-04-25", DUE, accrual_month="2024-04-01")])
def test_a_printed_month_stands_where_the_place_has_its_own_credit(told: Told) -> None:
    """A credit of another sum than that of the month it prints is that month's, if no other month lacks it."""
    assert told.unusual() == {"2024-04": "short_credit/open"}


@pytest.mark.parametrize("said", ["2023-03", "2025-03"])
def test_a_printed_month_out_of_reach(said: str) -> None:
    """A credit that prints a month no link reaches, and is what its place lacks, is that place's, with a warning."""
    told = solve(account(lines(), [
        *printed(credits(skip=["2024-04"])), flow("2024-05-12", accrual_month=f"{said}-01")]), "2025-03-31")
    assert told.unusual() == {}
    assert told.codes() == ["printed-month-contradicts"]


@case(lines(), [*printed(credits(skip=["2024-04"])), flow("2024-05-12", accrual_month="2023-11-01")])
def test_a_printed_month_before_the_record(told: Told) -> None:
    """A credit that prints a month within reach, of which no line is at hand, is that month's."""
    assert told.unusual() == {"2024-04": MISSING}


@case(lines(), [*printed(credits(skip=["2024-03"])), flow("2024-03-10", accrual_month="2024-03-01")])
def test_printed_month_beats_the_day_of_arrival(told: Told) -> None:
    """A credit posted before its premium arrived is a candidate where it prints the month."""
    assert told.accused() == []
    assert ("2024-03", "2024-03-10", DUE) in told.links()


# ------------------------------------------------------------------------------------------------------- streams


@case([*lines(), *lines("2023-10", 3, scale=90, payment_kind="back_pay", paid_on="2024-03-05")],
      [*credits(), flow("2024-04-20", 3 * 10800)])
def test_back_pay_crosses_the_normal_stream(told: Told) -> None:
    """Back pay of older months comes between the credits of newer ones: links of different streams may cross."""
    assert {month for month, _, amount in told.links() if amount == 10800} == set(run_of("2023-10", 3))
    assert told.accused() == []


@case([*lines(), *lines("2023-11", 2, payment_kind="back_pay", paid_on="2024-03-05")],
      [*credits(skip=["2024-02", "2024-03"]), flow("2024-04-20", 4 * DUE)])
def test_a_group_lies_within_one_stream(told: Told) -> None:
    """One credit never pays back pay and normal months together: what it does pay is one stream's."""
    months_of = {}
    for month, day, _ in told.links():
        months_of.setdefault(day, set()).add(month < "2024-01")
    assert all(len(streams) == 1 for streams in months_of.values())


@case([*lines(skip=["2024-02"], count=8), line("2024-02", paid_on="2024-05-10", scale=101)],
      [*credits(skip=["2024-02", "2024-04", "2024-05"], count=8), flow("2024-06-25", 2 * DUE), flow("2024-06-12", DUE * 101 // 100)])
def test_a_month_paid_late_does_not_part_a_lump(told: Told) -> None:
    """A premium that arrived out of turn stands apart: the months around it are still neighbours."""
    assert told.accused() == []
    assert kinds(told)["2024-04"] == kinds(told)["2024-05"] == {"N:1"}


@case([*lines(count=8, skip=["2024-02"]), line("2024-02", paid_on="2024-05-10")],
      [*credits(count=8, skip=["2024-02"]), flow("2024-06-25"), flow("2024-06-26", 4500)])
def test_a_surplus_stands_in_the_month_paid_in_its_time(told: Told) -> None:
    """Where two months have their credit in one month, an extra belongs to the one that was paid in its time."""
    assert told.accused() == [("2024-05", "over_credit", "unknown_extra", -4500)]


@case(lines("2022-01", 3, due=None, region="140200"),
      [*credits("2022-01", 3, region="140200"), flow("2022-03-20", 20000, region="140200")],
      coverage=[cover(start="2021-01-01")])
def test_what_else_came_in_a_month_of_unknown_amount_stands_there(told: Told) -> None:
    """A second credit in the place of a month whose rule is unknown is linked to it too: nothing stands nowhere."""
    assert {amount for month, _, amount in told.links() if month == "2022-02"} == {DUE, 20000}
    assert told.accused() == []


def paid_the_month_after(first: str, count: int) -> list[Row]:
    """Plain lines whose premium arrives a month after its own."""
    return [line(month, paid_on=f"{later(month, 1)}-10") for month in run_of(first, count)]


@case([*paid_the_month_after("2024-01", 3), line("2024-04", paid_on=None, paid=None, proof="billed"),
       *paid_the_month_after("2024-05", 3)], credits(count=7, lag=2))
def test_a_bills_credit_comes_when_the_others_do(told: Told) -> None:
    """A bill among premiums that arrive the month after: its credit is not the month's before it."""
    assert told.links() == [(month, f"{later(month, 2)}-12", DUE) for month in run_of("2024-01", 7)]
    assert {month: text for month, text in told.answers().items() if text != "on_time/explained"} == {
        "2024-04": "data_incomplete/billed_only/unknown"}


@case([*paid_the_month_after("2024-01", 3), line("2024-04", paid_on=None, paid=False),
       *paid_the_month_after("2024-05", 3)],
      [*credits(count=3, lag=2), flow("2024-06-12", 4321), *credits("2024-05", 3, lag=2)])
def test_a_surplus_in_the_place_of_an_unpaid_month(told: Told) -> None:
    """What comes where an unpaid month's credit would come stands in that month."""
    assert [link for link in told.links() if link[2] != DUE] == [("2024-04", "2024-06-12", 4321)]


@case([line("2023-11", paid_on="2023-12-08", due=None, region="140200"), *lines("2023-12", 3, region="140200")],
      [flow("2024-01-12", region="140200"), flow("2024-01-25", region="140200"),
       *credits("2024-01", 2, region="140200")])
def test_of_equal_credits_the_older_month_has_the_earlier_though_its_amount_is_not_known(told: Told) -> None:
    """The month before is not known by any rule, and was paid late: both credits came in one month."""
    assert told.links()[:2] == [("2023-11", "2024-01-12", DUE), ("2023-12", "2024-01-25", DUE)]


@case([*lines(count=6, paid_on=None), line("2024-03", paid_on=None, payment_kind="back_pay")],
      [*credits(count=6), flow("2024-04-20")])
def test_equal_credits_of_two_streams_go_to_the_older_month_first(told: Told) -> None:
    """A line that is never late leaves the others their own credits; of one month's two the older has the earlier."""
    assert told.links() == sorted([*((month, f"{later(month, 1)}-12", DUE) for month in run_of("2024-01", 6)),
                                   ("2024-03", "2024-04-20", DUE)])
    assert told.unusual() == {}


def test_a_lasting_shift_moves_the_first_credit() -> None:
    """Who joins after everybody's credits came to be a month later has no month for the credit before."""
    from recon.core.match_rows import Row, span_of

    def row(month: int, shift: int, *, run_late: bool) -> Row:
        return Row(month, "normal", month, month, 9, DUE, [], False, month + 1, 1, 2200, True, False, False, False,
                   shift, False, False, run_late, True)

    assert span_of([row(month, 1, run_late=False) for month in range(10, 15)]) == (12, 16)
    assert span_of([row(month, int(month == 10), run_late=True) for month in range(10, 15)]) == (11, 15)


@case(lines(count=12, skip=["2024-05"]), credits(count=11), coverage=[cover(end="2024-12-31")])
def test_a_credit_in_the_place_of_a_month_without_a_line_shifts_nothing(told: Told) -> None:
    """It is left where it came rather than make every later credit an early one of the next month."""
    assert told.unusual() == {"2024-05": "data_incomplete/contribution_unseen/unknown",
                              "2024-12": "data_incomplete/after_export/unknown"}


@case(lines(count=8, skip=["2024-05"]), [*credits(count=8, skip=["2024-05"]), flow("2024-07-14")])
def test_a_credit_too_many_just_after_a_month_without_a_line(told: Told) -> None:
    """A second credit of the sum in the next month's place is that of the month whose record is not at hand."""
    assert told.unusual() == {"2024-05": "data_incomplete/contribution_unseen/unknown"}
    assert ("2024-05", "2024-07-14", DUE) in told.links()


@case([line("2024-04", paid_on="2024-05-20") if row["accrual_month"] == "2024-04-01" else row
       for row in lines(count=9, skip=["2024-05"])],
      [*credits(count=3, amount=11000), *(flow(f"2024-06-{day}", 11000) for day in (12, 13)),
       *credits("2024-06", 4, amount=11000)])
def test_a_credit_too_many_in_the_place_of_a_month_without_a_line(told: Told) -> None:
    """A month paid late shares its place with the next, which has no line: the other credit is that month's."""
    assert told.unusual() == dict.fromkeys(
        [*run_of("2024-01", 4), *run_of("2024-06", 4)], "account_deduction/explained"
    ) | {"2024-05": "data_incomplete/contribution_unseen/unknown"}


_RISING = [line(month, scale=100 + 2 * at) for at, month in enumerate(run_of("2024-01", 10))]


@case([row for row in _RISING if row["accrual_month"] != "2024-07-01"],
      [flow(f"{later(row['accrual_month'][:7], 1)}-12", row["into_account_fen"] + (7 if row["accrual_month"] == "2024-07-01" else 0))
       for row in _RISING if row["accrual_month"] != "2024-05-01"])
def test_a_credit_of_a_month_without_a_line_is_no_late_one_of_another_sum(told: Told) -> None:
    """Where sums differ from month to month it is no late credit of an open month that is nearly it."""
    assert told.unusual() == {"2024-05": MISSING, "2024-07": "data_incomplete/contribution_unseen/unknown"}


@case([*lines(count=9, skip=["2024-06"]), line("2024-04", scale=11, payment_kind="top_up", paid_on="2024-06-15")],
      credits(count=9))
def test_a_credit_of_a_month_without_a_line_is_no_top_up(told: Told) -> None:
    """A top-up that was due in the same month has not come in it: the credit is ten times as much."""
    assert told.unusual() == {"2024-04": "top_up/credit_missing/open",
                              "2024-06": "data_incomplete/contribution_unseen/unknown"}


@case([line(month, scale=100 + 3 * at) for at, month in enumerate(run_of("2024-01", 6))],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + 3 * at)) for at, month in enumerate(run_of("2024-01", 6)) if at != 3),
       flow("2024-08-12", 120 * 109)])
def test_a_late_credit_after_the_last_line_is_its_own_months(told: Told) -> None:
    """What comes after the credits of all lines and has the very sum of the one that lacks its own is that one's."""
    assert told.unusual() == {"2024-04": LATE}


@case([*lines(count=4), *lines("2024-06", 4)], [*credits(count=10, skip=["2024-10"]), flow("2024-07-14")])
def test_a_month_without_a_line_takes_one_credit_only(told: Told) -> None:
    """What came twice in the month after it is that month's second, not one more of the month whose record is lacking."""
    assert told.unusual() == {"2024-05": "data_incomplete/contribution_unseen/unknown",
                              "2024-06": "over_credit/duplicate_credit/open"}


VARYING = run_of("2024-01", 6)


@case([line(month, scale=100 + 3 * at) for at, month in enumerate(VARYING)],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + 3 * at)) for at, month in enumerate(VARYING[:5])),
       flow("2024-09-12", 120 * 115)])
def test_a_late_credit_of_the_last_line_where_sums_vary(told: Told) -> None:
    """Where each month has its own sum, a lone credit of just the last line's is that line's, late."""
    assert told.unusual() == {"2024-06": LATE}


@case([line(month, scale=100 + 3 * at, paid_on=f"{month}-08") for at, month in enumerate(run_of("2023-01", 16))],
      [flow("2023-02-20", 120 * 103),
       *(flow(f"{later(month, 2)}-12", 120 * (100 + 3 * at)) for at, month in enumerate(run_of("2023-01", 16)) if at != 1)])
def test_an_early_credit_before_the_first_where_sums_vary(told: Told) -> None:
    """Where each month has its own sum, a credit of just the second line's, sooner than the first's, is early."""
    assert told.answers()["2023-02"] == "on_time/explained"


@case([line(month, scale=100 if at < 3 else 110) for at, month in enumerate(run_of("2024-01", 6))],
      [*(flow(f"{later(month, 1)}-12", DUE if at < 3 else 13200) for at, month in enumerate(run_of("2024-01", 6))
         if at != 3), *(flow(f"{later(month, 1)}-12", 13200) for month in run_of("2024-07", 4))])
def test_credits_of_months_after_the_last_line_fill_no_hole(told: Told) -> None:
    """Credits of the last line's own sum are those of months whose lines are not at hand."""
    assert told.unusual() == {"2024-04": "missing_month/credit_missing/open"}


@case(lines(count=8), [flow("2024-03-13"), *(flow(f"{month}-12", DUE - 500) for month in run_of("2024-03", 7))])
def test_a_late_whole_amount_crosses_a_later_one_less_its_deduction(told: Told) -> None:
    """Only links of equal amounts keep their order: the first month's whole amount came after the second's, less some."""
    assert told.unusual() == {"2024-01": LATE} | dict.fromkeys(run_of("2024-02", 7), "account_deduction/explained")


@case([*lines(count=6), line("2024-03", payment_kind="top_up", scale=30, paid_on=None)],
      [*credits(count=6), flow("2024-12-12", 3600)])
def test_a_late_top_up_after_the_last_line(told: Told) -> None:
    """A credit of a top-up's very sum is that top-up's, however late."""
    assert told.months()["2024-03"]["credited_fen"] == DUE + 3600


@case([line(month, scale=100 if at < 6 else 110) for at, month in enumerate(run_of("2024-01", 8))],
      [*(flow(f"{later(month, 1)}-12", DUE if at < 6 else 13200, accrual_month=f"{month}-01")
         for at, month in enumerate(run_of("2024-01", 8)) if at > 3),
       flow("2024-07-13", accrual_month="2024-02-01"), flow("2024-07-14", DUE - 500, accrual_month="2024-03-01")],
      coverage=[cover(start="2024-06-01", end="2024-12-31")])
def test_a_late_credit_of_a_printed_month_before_the_cover_is_that_months(told: Told) -> None:
    """That nobody could miss it there makes it no surplus; nor is one a surplus that is a little less than was due."""
    assert told.answers()["2024-02"] == LATE
    assert told.months()["2024-03"]["label"] != "over_credit"


@case([line(month, scale=100 + 3 * at) for at, month in enumerate(run_of("2024-01", 8))],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + 3 * at)) for at, month in enumerate(run_of("2024-01", 8)) if at != 3),
       flow("2024-06-20", 120 * 109), flow("2024-06-21", 120 * 109)])
def test_what_came_twice_is_its_own_months_though_both_were_late(told: Told) -> None:
    """Where sums differ, two equal credits in the next month's place are the late month's."""
    assert told.unusual() == {"2024-04": "over_credit/duplicate_credit/open"}


@case(lines(count=8), [*credits(count=8, skip=["2024-03"]), flow("2024-04-12"), flow("2024-04-13", -7200, "reversal"),
                       flow("2024-05-13")])
def test_what_a_partial_reversal_leaves_is_its_months(told: Told) -> None:
    """The credit was the month's whole amount when it came: the next one that came twice is not the month's, late."""
    assert told.unusual() == {"2024-03": "short_credit/open", "2024-04": "over_credit/duplicate_credit/open"}


@case([line(month, due=16000) for month in run_of("2024-01", 12)],
      [flow(f"{later(month, 1)}-{day}", 8000) for month in run_of("2024-01", 12) for day in (12, 20)
       if (month, day) != ("2024-05", 20)])
def test_one_of_two_equal_parts_that_never_came(told: Told) -> None:
    """A month whose credit comes in two equal parts lacks one of them: half is short, no month is missing."""
    assert told.accused() == [("2024-05", "short_credit", None, 8000)]


@case([line(month, scale=100 if month < "2024-07" else 110) for month in run_of("2024-01", 12)],
      [*credits(count=4), flow("2024-09-12", DUE + 2 * 13200), *credits("2024-09", 4, amount=13200), flow("2024-12-20")])
def test_a_late_month_of_an_old_base_behind_a_lump_that_holds_another_one(told: Told) -> None:
    """May's credit came after the one of June to August: its very sum, so it is May's, late."""
    assert told.accused() == []
    assert told.unusual()["2024-05"] == LATE


@case([*lines(count=8), line("2024-02", payment_kind="top_up", scale=10, paid_on="2024-05-20")],
      [*credits(count=8), flow("2024-06-13", 12110)])
def test_a_credit_of_ten_times_a_top_up_is_not_the_top_ups(told: Told) -> None:
    """It came beside the month's own in that month's place: the month has too much, and the top-up did not come."""
    assert told.accused() == [("2024-02", "top_up", "credit_missing", 1200), ("2024-05", "over_credit", "unknown_extra", -12110)]


@case(lines(count=12), [*credits(count=12, skip=["2024-06"]), flow("2025-03-12")])
def test_a_late_credit_after_an_empty_month_at_the_end(told: Told) -> None:
    """After the last line's credit a month without any, then one of the sum: it is the open month's, late."""
    assert told.accused() == []
    assert told.unusual()["2024-06"] == LATE


@case(lines(count=12), [*credits(count=12), flow("2025-03-12")])
def test_a_credit_after_an_empty_month_where_nothing_is_open(told: Told) -> None:
    """Then it is of a month whose line is not at hand."""
    assert told.unusual() == {}


@case(lines(count=12), [*credits(count=12, skip=["2024-03", "2024-07"]), flow("2024-04-12", 10000), flow("2024-10-20", 14000)])
def test_a_short_month_and_an_empty_one_made_good_in_one(told: Told) -> None:
    """Nothing is left: neighbours of the short month do not take the later credit from it."""
    assert told.accused() == []


LATE_JUNE = [*lines(count=5), line("2024-06", paid_on="2024-10-20"), *lines("2024-07", 6)]


@case(LATE_JUNE, [*credits(count=12, skip=["2024-06", "2024-10"]), flow("2024-11-12", 2 * DUE)])
def test_a_month_paid_late_comes_with_the_month_it_was_paid_with(told: Told) -> None:
    """One credit for October and for June, whose premiums arrived together: nothing missing, none twice."""
    assert told.unusual() == {"2024-06": "on_time/paid_late/explained"}
    assert kinds(told)["2024-06"] == kinds(told)["2024-10"] == {"N:1"}


@case(LATE_JUNE, [*credits(count=12, skip=["2024-06", "2024-09", "2024-10"]), flow("2024-11-12", 2 * DUE)])
def test_a_lump_of_two_months_is_not_that_of_a_month_paid_late(told: Told) -> None:
    """September has no credit in its own place: the lump may be its and October's, and June is open."""
    assert told.accused() == [("2024-06", "missing_month", "credit_missing", DUE)]


@case([*lines(count=5), *lines("2024-07", 6), line("2024-06", paid_on="2024-09-10", payment_kind="back_pay")],
      [*credits(count=12, skip=["2024-06", "2024-09"]), flow("2024-10-12", 2 * DUE)])
def test_arrears_come_with_the_month_they_were_paid_in(told: Told) -> None:
    """No month between is called late for it."""
    assert told.unusual() == {}


# --------------------------------------------------------------------------------------- made good by a later credit

RAISED = [*lines(count=6), *lines("2024-07", 6, scale=130)]  # from July on 156.00 are due
FIRST_HALF = credits(count=6)


@case(RAISED, [*FIRST_HALF, flow("2024-08-12"), flow("2024-09-12", 15600 + 3600), *credits("2024-09", 4, amount=15600)])
def test_the_old_base_made_good_with_the_next_credit(told: Told) -> None:
    """36.00 too little in July and just so much too much in August: July's, a month late."""
    assert told.unusual() == {"2024-07": LATE}
    assert told.parts("2024-07") == {LATE: 3600}
    assert {("2024-07", "2024-09-12", 3600), ("2024-08", "2024-09-12", 15600)} <= set(told.links())


@case(RAISED, [*FIRST_HALF, *credits("2024-07", 3), *credits("2024-10", 3, amount=15600), flow("2024-11-20", 3 * 3600)])
def test_three_months_of_the_old_base_made_good_in_one(told: Told) -> None:
    """A credit of its own for what three months lacked; equal shortfalls are then no deduction either."""
    assert told.unusual() == dict.fromkeys(["2024-07", "2024-08", "2024-09"], LATE)
    assert told.accused() == []


@case(RAISED, [*FIRST_HALF, *credits("2024-07", 3), *credits("2024-10", 3, amount=15600), flow("2024-11-20", 2 * 3600)])
def test_two_of_three_months_of_the_old_base_made_good(told: Told) -> None:
    """Shortfalls that leave the old base's credit are no deduction: two of them may be made good, one stays open."""
    assert told.accused() == [("2024-07", "short_credit", None, 3600)]


@case([line(month, scale=100 + at) for at, month in enumerate(run_of("2024-01", 12))],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-01", 12))
         if at not in (4, 10)), flow("2024-12-12", 120 * (104 + 110))])
def test_arrears_in_one_credit_with_a_later_month(told: Told) -> None:
    """May comes with November in one sum: nothing is missing, and nothing too much."""
    assert told.unusual() == {"2024-05": LATE}
    assert {kind for month in ("2024-05", "2024-11") for kind in kinds(told)[month]} == {"N:M"}


@case([*lines(count=12), *(line(month, scale=20, paid_on="2024-09-10", payment_kind="top_up")
                           for month in ("2024-04", "2024-05"))],
      [*credits(count=12, skip=["2024-09"]), flow("2024-10-12", DUE + 4800)])
def test_top_ups_in_one_credit_with_a_month(told: Told) -> None:
    """Two corrections booked with September's credit came in time."""
    assert told.unusual() == {}
    assert {"2024-04", "2024-05", "2024-09"} <= {month for month, day, _ in told.links() if day == "2024-10-12"}


@case(lines(count=12), [*credits(count=12, skip=["2024-03"]), flow("2024-04-12", 10000), flow("2024-09-20", 2001)])
def test_nearly_the_sum_makes_nothing_good(told: Told) -> None:
    """One fen off proves nothing."""
    assert told.accused() == [("2024-03", "short_credit", None, 2000), ("2024-08", "over_credit", "unknown_extra", -2001)]


@case(lines(count=12), [*(flow(f"{month}-12", 11300 if 4 < int(month[5:7]) < 11 else DUE)
                          for month in run_of("2024-02", 11)), flow("2025-01-12"), flow("2024-12-20", 1400)])
def test_a_part_of_a_steady_deduction_makes_no_month_good(told: Told) -> None:
    """Six months less 7.00 are a deduction; 14.00 later are not two of them."""
    assert {month for month, answer in told.unusual().items() if answer == "account_deduction/explained"} == set(
        run_of("2024-04", 6))


@case([*lines(count=8), *lines("2024-09", 4, scale=110)],
      [*credits(count=8, skip=["2024-05", "2024-07"]), flow("2024-08-12", 10800),
       *credits("2024-09", 4, amount=13200), flow("2024-12-20", 13200)])
def test_a_credit_that_came_twice_makes_nothing_good(told: Told) -> None:
    """120.00 of May and the 12.00 that July lacks make 132.00, but that is November's sum, which came twice."""
    assert {month: label for month, label, *_ in told.accused()} == {
        "2024-05": "missing_month", "2024-07": "short_credit", "2024-11": "over_credit"}


def test_the_earliest_credit_makes_good_the_latest_run() -> None:
    """Of equal answers the one whose open months are earliest; a lone whole line is the search's own matter."""
    lacks = [Lack(at, at, at, 20, 100, True) for at in range(4)]
    assert made_good(lacks, [Extra(7, 5, 12, 200, True)]) == {7: lacks[2:]}
    assert made_good(lacks, [Extra(7, 5, 12, 100, True)]) == {}
    assert made_good(lacks, [Extra(7, 5, 12, 100, False)]) == {7: lacks[3:]}
    assert made_good(lacks, [Extra(7, 3, 12, 100, False)]) == {7: lacks[2:3]}  # the premium of 3 came on the 20th
    assert made_good(lacks, [Extra(7, 14, 12, 200, True)]) == {7: lacks[2:]}  # twelve months on, 0 and 1 are out of reach
    assert made_good(lacks, [Extra(7, 14, 12, 300, True)]) == {}


@case(lines(count=12), [*credits(count=12, skip=["2024-03", "2024-06"]), flow("2024-04-12", 14000),
                        flow("2024-07-12", 10000)])
def test_too_much_and_too_little_that_add_up_by_chance(told: Told) -> None:
    """20.00 too much for March and too little for June: neither is another month's, and nothing came twice."""
    assert told.accused() == [("2024-03", "over_credit", "unknown_extra", -2000), ("2024-06", "short_credit", None, 2000)]


@case(lines(), [flow("2024-01-31"), *credits("2024-02", 5)])
def test_the_first_credit_a_month_early(told: Told) -> None:
    """Before the holiday: after January's premium of the 20th, on a day on which no other month's credit comes."""
    assert told.unusual() == {}
    assert told.links()[0] == ("2024-01", "2024-01-31", DUE)


@case(lines(), [flow("2024-01-12"), *credits("2024-02", 5)])
def test_the_credit_of_the_month_before_the_first_line(told: Told) -> None:
    """On the usual day it is December's, whose line is not at hand; January's is missing."""
    assert told.unusual() == {"2024-01": MISSING}


@case([*(line(f"2024-{month:02d}", paid_on=f"2024-{month:02d}-05", scale=100 if month < 9 else 110)
         for month in range(1, 10)),
       *(line(month, scale=10, payment_kind="top_up", paid_on="2024-09-05") for month in ("2024-07", "2024-08"))],
      [*(flow(f"2024-{month:02d}-12") for month in range(2, 9) if month != 4), flow("2024-09-12", 13200),
       flow("2024-09-12", 2400)], as_of="2024-09-30", coverage=[cover(end="2024-09-30")])
def test_top_ups_credited_at_once_are_no_surplus(told: Told) -> None:
    """All the top-ups that arrived together came as one sum in their month of arrival, as the months themselves do."""
    assert [link for link in told.links() if link[2] == 1200] == [
        ("2024-07", "2024-09-12", 1200), ("2024-08", "2024-09-12", 1200)]
    assert not any(label == "over_credit" for _, label, *_ in told.accused())


@case([line(month, scale=100 + at % 4 * 3 + at, paid_on=f"{month}-05") for at, month in enumerate(run_of("2024-01", 11))],
      [flow(f"{month}-18", 120 * (100 + at % 4 * 3 + at) - (300 if at > 2 else 0))
       for at, month in enumerate(run_of("2024-01", 11))],
      as_of="2024-11-30", coverage=[cover(end="2024-11-30")])
def test_a_deduction_from_credits_that_come_at_once(told: Told) -> None:
    """Credited in the month of arrival, from the fourth month on less 3.00: the last is no surplus of the one before."""
    assert [(link[0], link[1][:7]) for link in told.links()] == [(month, month) for month in run_of("2024-01", 11)]
    assert told.unusual() == dict.fromkeys(run_of("2024-04", 8), "account_deduction/explained")


# ------------------------------------------------------------------------------------- months before the record's begin


@case(lines("2024-03", 8), [*credits("2023-12", 2), flow("2024-04-15"), *credits("2024-03", 8)])
def test_late_credit_of_month_before_the_lines(told: Told) -> None:
    """December and January came in their places, nothing in March, two in April: the second one is February's, which has no line here."""
    assert told.unusual() == {}


@case(lines("2024-03", 8), [*credits("2023-12", 2, amount=11000), flow("2024-04-12", 11000), *credits("2024-03", 8)])
def test_late_credit_of_month_before_the_lines_of_older_base(told: Told) -> None:
    """The same with another sum until February: no line has it."""
    assert told.unusual() == {}


@case(lines("2024-03", 8), [*credits("2023-12", 3), flow("2024-04-15"), *credits("2024-03", 8)])
def test_no_month_before_the_lines_lacks_its_credit(told: Told) -> None:
    """February came in its place: of two in April one is too much."""
    assert told.unusual() == {"2024-03": "over_credit/duplicate_credit/open"}


@case(lines("2024-03", 8), [flow("2024-04-15"), *credits("2024-03", 8)])
def test_nothing_came_before_the_lines(told: Told) -> None:
    """Nobody knows of a month before March: it has one credit too many."""
    assert told.unusual() == {"2024-03": "over_credit/duplicate_credit/open"}
