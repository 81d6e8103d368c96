"""What a month is called, who is asked, and what nobody is accused of (DESIGN section 7)."""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pytest

from core_cases import (
    BEIJING,
    DUE,
    ME,
    OTHER,
    PAID,
    PLAIN,
    SHANGHAI,
    SHENZHEN,
    SUZHOU,
    THIRD,
    Book,
    Row,
    Tables,
    Told,
    account,
    answer_of,
    colleagues,
    context_of,
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
    staff,
)
from recon.core import cohorts

book = Book()
case = book.case
MISSING = "missing_month/credit_missing/open"
UNKNOWN = "policy_unknown/unknown"


# ---------------------------------------------------------------------------------------------- who may be accused


@case(lines(count=3, region=SHENZHEN, due=None), credits(count=2, region=SHENZHEN))
def test_unknown_tier_accuses_nobody(told: Told) -> None:
    """R01: where it is not known whether the tier has an account, nothing is missing, and what came is linked."""
    assert told.unusual() == {"2024-03": UNKNOWN}  # what came is to the fen what a tier with an account would get
    assert told.links() == [("2024-01", "2024-02-12", DUE), ("2024-02", "2024-03-12", DUE)]
    assert told.accused() == []


@case(lines(count=6, due=None, region=SHENZHEN), [flow("2024-03-12", 2 * DUE, region=SHENZHEN),
                                                  *credits("2024-03", 4, region=SHENZHEN)])
def test_a_lump_before_the_months_that_show_the_tier(told: Told) -> None:
    """What the account is known to get month by month later tells the sum of the first two, too."""
    assert told.unusual() == {"2024-01": "delay/late/resolved"}


@case(lines(count=9, due=None, region=SHENZHEN),
      [*credits(count=7, skip=["2024-03", "2024-05"], region=SHENZHEN), flow("2024-06-12", 9000, region=SHENZHEN)])
def test_credits_show_that_the_tier_has_an_account(told: Told) -> None:
    """Nobody states the tier, but months have to the fen what one with an account gets: between them it is that.

    After the last of them the tier may be another, and nobody is accused.
    """
    short = "short_credit/open"
    assert told.unusual() == {"2024-03": MISSING, "2024-05": short, "2024-08": UNKNOWN, "2024-09": UNKNOWN}


@case(lines(count=3, due=None, insured_status="flexible"), credits(count=1))
def test_flexible_employment_accuses_nobody(told: Told) -> None:
    """R01: whether flexible employment has an account is local; unknown is not yes."""
    assert set(told.unusual().values()) == {UNKNOWN}
    assert told.links() == [("2024-01", "2024-02-12", DUE)]


@case(lines(count=3, due=None, scheme="999"), credits(count=1, scheme="999"))
def test_unknown_scheme_accuses_nobody(told: Told) -> None:
    """R01: a scheme nobody knows is no scheme that surely has an account."""
    assert set(told.answers(scheme="999").values()) == {UNKNOWN}


@case(lines(count=3, due=None, region=SHENZHEN, tier="1"), credits(count=2, region=SHENZHEN))
def test_known_tier_may_be_accused_of_nothing_at_all(told: Told) -> None:
    """A tier that surely has an account and got nothing is a missing month under any confidence."""
    assert told.unusual()["2024-03"] == MISSING
    assert told.gap("2024-03", "missing_month")["estimated_fen"] > 0


@case(lines("2021-01", 3, due=None, region=SUZHOU), credits("2021-01", 3, amount=17000, region=SUZHOU),
      coverage=[cover(start="2020-01-01")], roster=[person(region=SUZHOU)])
def test_weak_rule_accuses_of_no_amount(told: Told) -> None:
    """An amount that differs from a rule of low confidence is unknown, with an estimate, and not short."""
    assert set(told.unusual().values()) == {UNKNOWN}
    assert told.accused() == []


@case(lines("2022-01", 3, due=None), credits("2022-01", 3, amount=18000),
      coverage=[cover(start="2021-01-01")])
def test_unknown_rule_takes_the_credit_by_place(told: Told) -> None:
    """Without a known rule each month takes the credit in its place; expected and pooled are null."""
    month = told.months()["2022-02"]
    assert (answer_of(month), month["credited_fen"]) == (UNKNOWN, 18000)
    assert (month["expected_fen"], month["pooled_fen"]) == (None, None)
    assert told.gap("2022-02", "policy_unknown")["amount_fen"] == PAID - 18000


@case(lines(count=3, due=None), credits(count=3, amount=11000))
def test_sure_rule_accuses_of_an_amount(told: Told) -> None:
    """A rule of high confidence carries a short credit."""
    assert told.parts("2024-02") in (
        {"short_credit/open": 1000}, {"account_deduction/explained": 1000})


# ------------------------------------------------------------------------------------------------- no account at all


@case([line("2024-01", scheme="390", employee_fen=38000, employer_fen=0, into_account_fen=None, paid=False,
            paid_on=None)], credits(count=1))
def test_unpaid_scheme_without_account(told: Told) -> None:
    """R05: no_account comes first in the judging order: an unpaid line of 城乡居民 is neither received nor owed."""
    month = told.months(scheme="390")["2024-01"]
    assert (answer_of(month), month["verdict"]) == ("no_account/explained", "no_account")
    assert told.accused() == []


@case(lines(count=3, region=SHENZHEN, tier="2", due=0), [flow("2024-02-12", 1, "interest", region=SHENZHEN)])
def test_tier_without_account_and_a_stated_zero(told: Told) -> None:
    """R05: a stated zero in a tier without an account is no_account, not received."""
    month = told.months()["2024-02"]
    assert (month["verdict"], told.parts("2024-02")) == ("no_account", {"no_account/explained": PAID})


@case(lines(count=3, region=SHENZHEN, tier="2"), credits(count=3, region=SHENZHEN))
def test_a_stated_credit_proves_an_account(told: Told) -> None:
    """A stated credited amount beats the rule that says the tier has no account."""
    assert told.unusual() == {}


@case([line("2024-01", scheme="390", employee_fen=38000, employer_fen=0, into_account_fen=None)], credits(count=1))
def test_paid_scheme_without_account(told: Told) -> None:
    """The whole sum of a scheme without an account is the part no_account; nothing is pooled or missing."""
    assert told.gap("2024-01", "no_account")["amount_fen"] == 38000


# --------------------------------------------------------------------------------------------- one month, more lines


@case([row for month in run_of("2024-01", 4)
       for row in (line(month, employer_fen=0, into_account_fen=None),
                   line(month, employee_fen=0, into_account_fen=None))], credits(count=4))
def test_parties_on_separate_rows_are_one_payment(told: Told) -> None:
    """R06: the employee's and the employer's share on two rows are one payment, not a double one."""
    assert told.unusual() == {}
    month = told.months()["2024-02"]
    assert (month["expected_fen"], month["pooled_fen"], month["contributed_fen"]) == (DUE, PAID - DUE, PAID)


@case([row for month in run_of("2024-01", 4)
       for row in (line(month, employer_fen=0), line(month, employee_fen=0, into_account_fen=0))], credits(count=4))
def test_parties_on_separate_rows_with_stated_amounts(told: Told) -> None:
    """R06: the same with stated credited amounts, one of them zero."""
    assert told.unusual() == {}


@case([*lines(skip=["2024-03"]), line("2024-03", scale=60), line("2024-03", scale=40)], credits())
def test_two_halves_of_a_month_are_due_together(told: Told) -> None:
    """Two lines of one employer with different bases are both due, and one credit may pay both."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["expected_fen"] == DUE


@case([*lines(), line("2024-03", employer="乙公司")], credits())
def test_second_employer_is_a_refund(told: Told) -> None:
    """A second full line that earned no credit is to be refunded: pending, outside expected and pooled."""
    assert told.unusual() == {"2024-03": "refund_due/pending"}
    month = told.months()["2024-03"]
    assert (month["expected_fen"], month["pooled_fen"], month["verdict"]) == (DUE, PAID - DUE, "received")


@case([*lines(), line("2024-03", employer="乙公司")], [*credits(), flow("2024-04-15")])
def test_second_employer_with_its_own_credit(told: Told) -> None:
    """A second full line that earned a credit of its own is simply due twice."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["credited_fen"] == 2 * DUE


@case([*lines(), line("2024-02", scheme="330", scale=5, due=None, base_fen=None, paid_on="2024-06-20")], credits())
def test_side_schemes_are_folded_into_the_month(told: Told) -> None:
    """Side schemes are flat fees of the 310 row."""
    month = told.months()["2024-02"]
    assert (month["contributed_fen"], month["flat_fen"], month["expected_fen"]) == (PAID + 3000, 3000, DUE)


@case([*lines(), line("2024-02", scheme="330", scale=5, due=None, base_fen=None, paid_on="2024-06-20")], credits())
def test_side_schemes_have_no_say_in_lateness(told: Told) -> None:
    """R08: paid_lag_months and paid_late speak of the 310 line, not of a side scheme that arrived later."""
    month = told.months()["2024-02"]
    assert (month["paid_lag_months"], month["cause"]) == (0, None)


@case([*lines(), refund("2024-02", "2024-06-20", scale=10)], [*credits(skip=["2024-02"]), flow("2024-03-12", 10800)])
def test_refunds_have_no_say_in_lateness(told: Told) -> None:
    """R08: a refund four months later does not make the month's premium late."""
    assert told.months()["2024-02"]["paid_lag_months"] == 0
    assert told.unusual() == {}


@case([*lines(skip=["2024-03"]), line("2024-03", paid_on="2024-06-20")],
      [*credits(skip=["2024-03"]), flow("2024-07-13")])
def test_paid_late_is_the_payers_and_no_delay(told: Told) -> None:
    """A premium that arrived after the collection deadline and was credited in time is on time, cause paid_late."""
    month = told.months()["2024-03"]
    assert (month["label"], month["cause"], month["verdict"]) == ("on_time", "paid_late", "received")
    assert (month["paid_lag_months"], month["lag_months"]) == (3, 1)


@case([*lines(skip=["2024-03"]), line("2024-03", paid_on="2024-04-20")],
      [*credits(skip=["2024-03"]), flow("2024-05-13")])
def test_paid_within_the_deadline_is_not_late(told: Told) -> None:
    """A premium that arrived by the end of the month after the accrual month is not late."""
    assert told.unusual() == {}


# --------------------------------------------------------------------------------------------- nothing known to be due


@case([*lines(count=3), line("2024-04", base_fen=None, employee_fen=None, employer_fen=None, into_account_fen=None),
       line("2024-05", base_fen=None, employee_fen=0, employer_fen=48000, into_account_fen=None)],
      [*credits(count=3), flow("2024-12-12", 1, "interest")])
def test_a_payment_without_an_amount_accuses_nobody(told: Told) -> None:
    """R29: where nothing is known to be due, nothing is missing."""
    assert told.accused() == []


@case([*lines(count=3), line("2024-04", into_account_fen=-5)], credits(count=3))
def test_a_negative_stated_credit_is_not_owed(told: Told) -> None:
    """R29: a negative credited amount on a normal line is no debt of the account."""
    assert all(amount > 0 for *_, amount in told.accused())


# ------------------------------------------------------------------------------------------------ unpaid, bills, proof


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None)], credits(count=5))
def test_unpaid_record(told: Told) -> None:
    """A fund record that says unpaid after the deadline: amount 0, expected_fen what it would put in, owner payer."""
    row, month = told.gap("2024-06", "missing_month"), told.months()["2024-06"]
    assert (row["cause"], row["status"], row["amount_fen"], row["owner"]) == ("contribution_unpaid", "open", 0, "payer")
    assert (row["estimated_fen"], month["expected_fen"], month["contributed_fen"]) == (DUE, DUE, 0)
    assert month["verdict"] == "not_paid"


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None)], credits(count=5), as_of="2024-07-30")
def test_unpaid_before_the_deadline(told: Told) -> None:
    """An unpaid month is not yet due until the end of the month after it."""
    assert told.unusual()["2024-06"] == "delay/not_yet_due/pending"


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None)], credits(count=5), as_of="2024-07-31")
def test_unpaid_on_the_deadline(told: Told) -> None:
    """A month is over when the as-of date is its last day."""
    assert told.unusual()["2024-06"] == "missing_month/contribution_unpaid/open"


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None)], credits(count=6))
def test_unpaid_record_beside_a_credit(told: Told) -> None:
    """R12: one credit in the place of an unpaid month is neither credited twice nor proof that nobody paid."""
    causes = {cause for month, _, cause, _ in told.accused() if month == "2024-06"}
    assert causes <= {"unknown_extra"}


@case(lines(skip=["2024-03"]), credits())
def test_absent_month_beside_a_credit(told: Told) -> None:
    """R12: a month without a line but with the usual credit is not accused of having no contribution."""
    causes = {cause for month, _, cause, _ in told.accused() if month == "2024-03"}
    assert causes <= {"unknown_extra"}


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None),
       line("2024-06", payment_kind="back_pay", paid_on="2024-09-20"), line("2024-07")],
      [*credits(count=5), flow("2024-08-12"), flow("2024-10-12")])
def test_unpaid_and_paid_back_later(told: Told) -> None:
    """A month that was unpaid and then paid back is settled: one row, nothing open."""
    assert told.accused() == []
    assert told.months()["2024-06"]["contributed_fen"] == PAID


@case(lines(count=3, proof="billed", paid=None, paid_on=None), credits(count=3))
def test_a_bill_proves_no_payment(told: Told) -> None:
    """Billed months are data_incomplete: contributed 0, the bill's sum in estimated_fen, no accusation."""
    row, month = told.gap("2024-02", "data_incomplete"), told.months()["2024-02"]
    assert (row["cause"], row["status"], row["estimated_fen"]) == ("billed_only", "unknown", PAID)
    assert (month["contributed_fen"], month["pooled_fen"], month["verdict"]) == (0, None, "cannot_tell")
    assert len(told.links()) == 3


@case([line(month, base_fen=None, due=None, employee_fen=11111) for month in run_of("2024-01", 6) if month != "2024-03"],
      credits())
def test_a_month_without_a_line_where_no_amount_is_known(told: Told) -> None:
    """What the other months got tells that the month's line is missing, not that its credit is too much."""
    assert told.accused() == []
    assert told.answers()["2024-03"] == "data_incomplete/contribution_unseen/unknown"


@case(lines(count=8, due=None, base_fen=None, paid_on=None),
      [*credits(count=3), flow("2024-06-12"), *credits("2024-06", 1, amount=9000), *credits("2024-07", 2)])
def test_the_persons_part_is_due_where_no_file_names_a_base(told: Told) -> None:
    """A download without bases: what the person pays is credited, the credits say so, and what lacks is seen."""
    assert told.accused() == [("2024-04", "missing_month", "credit_missing", DUE), ("2024-06", "short_credit", None, 3000)]
    assert {row["expected_fen"] for row in told.months().values()} == {DUE}


@case(lines(count=8, due=None, base_fen=None, paid_on=None),
      [*credits(count=2), *credits("2024-03", 5, amount=DUE - 500), *credits("2024-08", 1, amount=9000)])
def test_a_deduction_hides_no_persons_part_where_no_file_names_a_base(told: Told) -> None:
    """Two whole credits and five less 5 yuan say what is due; what lacks beside these is no more than likely to be due."""
    assert told.accused() == []
    answers = {month: answer for month, answer in told.unusual().items() if month < "2024-08"}
    assert answers == dict.fromkeys(run_of("2024-03", 5), "account_deduction/explained")
    assert {row["expected_fen"] for row in told.months().values()} == {DUE}


@case(lines(count=8, due=None, base_fen=None, paid_on=None, employee_fen=DUE + 500), credits(count=8))
def test_a_sum_that_is_never_credited_may_be_no_deduction_where_no_file_names_a_base(told: Told) -> None:
    """The same sum lacking throughout may be one that is paid beside the person's part: nobody knows the base."""
    assert {answer.split("/")[0] for answer in told.unusual().values()} == {"policy_unknown"}


@case(lines("2021-09", 8, region=BEIJING, due=None, base_fen=None, paid_on=None, employee_fen=DUE + 300),
      [flow(f"{later(month, 1)}-12", DUE + DUE // 2, region=BEIJING) for month in run_of("2021-09", 8) if month != "2022-01"],
      coverage=[cover(start="2021-01-01")], roster=[person(region=BEIJING, birth_date="1981-03-07")], as_of="2022-07-31")
def test_the_employers_share_goes_with_the_persons_part_where_no_file_names_a_base(told: Told) -> None:
    """Beijing until August 2022, from 35 to 44: 2% of the person's, 1% of the employer's; the 3 yuan are the fund's."""
    assert told.accused() == [("2022-01", "missing_month", "credit_missing", DUE + DUE // 2)]
    assert {(row["expected_fen"], row["flat_fen"]) for row in told.months().values()} == {(DUE + DUE // 2, 300)}


@case(lines("2021-09", 8, region=BEIJING, due=None, base_fen=None, paid_on=None, employee_fen=12013),
      [flow(f"{later(month, 1)}-12", 12013 + 6006, region=BEIJING) for month in run_of("2021-09", 8) if month != "2022-01"],
      coverage=[cover(start="2021-01-01")], roster=[person(region=BEIJING, birth_date="1981-03-07")], as_of="2022-07-31")
def test_the_persons_part_leaves_a_fen_of_the_employers_share_open(told: Told) -> None:
    """A part of 120.13 is of bases from 6006.25 to 6006.74, whose 1% is 60.06 or 60.07: the credits say which."""
    assert told.accused() == [("2022-01", "missing_month", "credit_missing", 18019)]
    assert {row["expected_fen"] for row in told.months().values()} == {18019}


@case([*lines("2024-04", 5, region=SHANGHAI, due=None, base_fen=None, paid_on=None),
       *lines("2024-09", 11, region=SHANGHAI, due=None, base_fen=None, paid_on=None, scale=110)],
      [flow("2025-07-01", 5 * DUE + 7 * DUE * 110 // 100, region=SHANGHAI)], as_of="2025-07-31")
def test_the_persons_parts_of_a_year_are_due_where_no_file_names_a_base(told: Told) -> None:
    """A yearly credit that is the sum of a window's parts says as much as three monthly ones."""
    answers = told.answers()
    assert {answer for month, answer in answers.items() if month < "2025-04"} == {PLAIN}
    assert {answer for month, answer in answers.items() if month >= "2025-04"} == {"delay/annual_schedule/pending"}
    assert {row["expected_fen"] for month, row in told.months().items() if month < "2024-09"} == {DUE}


@case(lines("2024-04", 12, region=SHANGHAI, due=None, base_fen=None, paid_on=None),
      [flow("2025-07-01", 12 * DUE + 100, region=SHANGHAI)], as_of="2025-07-31")
def test_a_yearly_credit_that_is_no_sum_of_parts_says_nothing(told: Told) -> None:
    """What is due stays unknown, and nobody is accused."""
    assert told.accused() == []
    assert set(told.answers().values()) == {"policy_unknown/unknown"}


@case(lines(count=6, due=None, base_fen=None, employee_fen=DUE + 700), credits(count=6))
def test_a_flat_sum_in_the_persons_part_without_a_base(told: Told) -> None:
    """Wuhan's 7.00 that the policy knows stays with the fund."""
    assert told.unusual() == {}
    assert {(row["expected_fen"], row["flat_fen"]) for row in told.months().values()} == {(DUE, 700)}


@case(lines(count=6, due=None, base_fen=None, employee_fen=DUE + 300), credits(count=6))
def test_a_part_that_no_credit_equals_says_nothing(told: Told) -> None:
    """Neither the person's part nor that less a known sum ever came: what is due stays unknown."""
    assert told.accused() == []
    assert {row["expected_fen"] for row in told.months().values()} == {None}


@case(lines(count=12, due=0), credits(count=12, skip=["2024-05"]))
def test_a_column_of_zeros_that_the_credits_deny(told: Told) -> None:
    """It was not filled: nothing came too much, and the month that never came is seen by the rule."""
    assert told.accused() == [("2024-05", "missing_month", "credit_missing", DUE)]
    assert told.codes() == ["zeros-ignored"]


@case([*lines(count=4), *lines("2024-05", 3, due=0, employer=None, insured_status="flexible", employee_fen=54000, employer_fen=0),
       *lines("2024-08", 5)], credits(count=12, skip=["2024-05", "2024-06", "2024-07"]))
def test_flexible_months_that_state_zero_have_no_account(told: Told) -> None:
    """Between two jobs the person pays a rate that carries no account: not received, and nothing is missing."""
    assert told.unusual() == dict.fromkeys(run_of("2024-05", 3), "no_account/explained")


@case(lines(count=12), [flow(f"{later(month, 1)}-12", 9300 if month == "2024-07" else 11300) for month in run_of("2024-01", 12)])
def test_a_short_month_in_a_steady_deduction_is_short_by_the_rest(told: Told) -> None:
    """What is taken from every credit is taken from this one, too."""
    assert told.accused() == [("2024-07", "short_credit", None, 2000)]
    assert told.parts("2024-07") == {"short_credit/open": 2000, "account_deduction/explained": 700}
    assert "少20.00元，另有7.00元" in told.gap("2024-07", "short_credit")["evidence"]
    assert set(told.table("step")["cause"]) <= {"policy_change"}


UNEVEN = [line(month, due=12000 + 37 * at, base_fen=600000 + 1850 * at) for at, month in enumerate(run_of("2024-01", 12))]


@case(UNEVEN, [flow(f"{later(row['accrual_month'][:7], 1)}-12", -(-row["into_account_fen"] // 10) * 10) for row in UNEVEN])
def test_credits_rounded_up_to_the_jiao_are_right(told: Told) -> None:
    """Where all credits of an account are round and what is due is not, a few fen are rounding, not too much."""
    assert told.unusual() == {}
    assert set(told.table("step")["cause"]) <= {"base_change", "rounding", "policy_change"}


@case(UNEVEN, [flow(f"{later(row['accrual_month'][:7], 1)}-12", (row["into_account_fen"] + 50) // 100 * 100)
               for row in UNEVEN if row["accrual_month"] != "2024-05-01"])
def test_credits_rounded_to_the_yuan_are_right(told: Told) -> None:
    """Some more and some less than due; the month that never came is still seen, to the fen."""
    assert told.accused() == [("2024-05", "missing_month", "credit_missing", 12148)]
    assert "交界" not in told.months()["2024-03"]["evidence"]


@case([*lines(count=12), *lines("2025-01", 7, due=12360, base_fen=618000)],
      [*credits(count=12), *credits("2025-01", 7, amount=12300)], as_of="2025-12-31")
def test_credits_rounded_to_the_yuan_are_right_after_sums_that_need_no_rounding(told: Told) -> None:
    """A year's credits were just what was due, which was round; the next year's are rounded down."""
    assert told.unusual() == {}


@case([*lines(count=12), *lines("2025-01", 4, due=12324, base_fen=616200)],
      [*credits(count=12), *credits("2025-01", 4, amount=12300)], as_of="2025-12-31")
def test_a_few_credits_rounded_to_the_yuan_are_no_deduction(told: Told) -> None:
    """Nobody's premium is 24 fen."""
    assert told.unusual() == {}


@case([*lines(count=12), *lines("2025-01", 2, due=12324, base_fen=616200)],
      [*credits(count=12), *credits("2025-01", 2, amount=12300)], as_of="2025-12-31")
def test_two_credits_that_are_round_tell_no_rounding(told: Told) -> None:
    """Twice may be chance."""
    assert [label for _, label, *_ in told.accused()] == ["short_credit"] * 2


@case(UNEVEN, [flow(f"{later(row['accrual_month'][:7], 1)}-12", row["into_account_fen"] - 37 * (at == 4))
               for at, row in enumerate(UNEVEN)])
def test_a_round_credit_among_others_is_short(told: Told) -> None:
    """Other credits are to the fen: this one was not rounded."""
    assert told.accused() == [("2024-05", "short_credit", None, 37)]


@case(lines(), [flow("2024-03-03", -2000, "spend"), flow("2024-06-03", -1500, "spend")])
def test_a_page_of_spending_alone_proves_no_credit_missing(told: Told) -> None:
    """Without balances it may be filtered to that: it is no export of the credits."""
    assert set(told.answers().values()) == {"data_incomplete/no_account_export/unknown"}


@case(lines(count=3), [flow("2024-03-03", -2000, "spend", balance_fen=8000)], as_of="2025-03-31")
def test_spending_with_balances_shows_that_nothing_came(told: Told) -> None:
    """A printed balance tells what else moved."""
    assert {label for _, label, _, _ in told.accused()} == {"missing_month"}


@case([*lines(count=3), *lines("2024-04", 3, scale=90)],
      [*credits(count=5), flow("2024-07-12", 10800 - 2 * 1200)])
def test_what_the_old_base_put_in_too_much_is_taken_back_later(told: Told) -> None:
    """Two months still on the old base, and a credit that lacks just both: nobody is accused, each names the other."""
    assert told.accused() == []
    assert told.unusual() == dict.fromkeys(["2024-04", "2024-05", "2024-06"], "clawback/explained")
    assert "2024-04、2024-05多划的合计" in told.gap("2024-06", "clawback")["evidence"]


@case([*lines(count=3), line("2024-04", scale=90), line("2024-05", paid_on="2024-05-08", scale=90),
       *lines("2024-06", 3, scale=90)],
      [*credits(count=4), flow("2024-06-12", 10800 - 1200), *credits("2024-06", 3, amount=10800)])
def test_what_one_month_had_too_much_is_taken_back_with_the_next(told: Told) -> None:
    """The first of two credits that together are what is due is no advance on the second: it had come before that lacked."""
    assert told.unusual() == dict.fromkeys(["2024-04", "2024-05"], "clawback/explained")
    assert ("2024-04", "2024-05-12", DUE) in told.links()


@case(lines(count=8), [*credits(count=8, skip=["2024-04", "2024-05"]), flow("2024-05-12", DUE + 1500), flow("2024-06-12", DUE - 1500)])
def test_a_surplus_that_the_next_credit_lacks_to_the_fen_was_taken_back(told: Told) -> None:
    """Why it was too much nobody can tell; that the account gave it back the sums do."""
    assert told.unusual() == dict.fromkeys(["2024-04", "2024-05"], "clawback/explained")
    assert "2024-04" in told.gap("2024-05", "clawback")["evidence"]


@case(lines(count=12), [*credits(count=12, skip=["2024-04", "2024-05", "2024-10"]), flow("2024-05-12", DUE + 5000),
                        flow("2024-06-12", DUE - 5000)])
def test_a_large_surplus_that_the_next_credit_lacks_was_taken_back(told: Told) -> None:
    """Nearly half a credit: neither is anything else, nor the months before October a month late."""
    assert told.unusual() == {"2024-10": MISSING, **dict.fromkeys(["2024-04", "2024-05"], "clawback/explained")}


@case(lines(count=8), [*credits(count=8, skip=["2024-02", "2024-07"]), flow("2024-03-12", DUE + 1500), flow("2024-08-12", DUE - 1500)])
def test_what_a_credit_lacks_half_a_year_after_a_surplus_is_lacking(told: Told) -> None:
    """So long after, equal sums may be chance."""
    assert told.unusual() == {"2024-02": "over_credit/unknown_extra/open", "2024-07": "short_credit/open"}


@case([*lines(count=8), refund("2024-02", "2024-04-10", scale=20)],
      [*credits(count=8, skip=["2024-04"]), flow("2024-05-12", DUE - 2400)])
def test_a_credit_less_what_was_refunded_is_not_the_refunded_months(told: Told) -> None:
    """It has the very sum the refunded month is due now; but it lacks in its own place what that month got too much."""
    assert told.unusual() == dict.fromkeys(["2024-02", "2024-04"], "clawback/explained")
    assert ("2024-04", "2024-05-12", DUE - 2400) in told.links()


@case([*lines("2022-01", 6, region=BEIJING, due=None),
       line("2022-02", region=BEIJING, due=None, scale=-20, paid_on="2022-04-10", payment_kind="refund")],
      [*credits("2022-01", 6, amount=18000, region=BEIJING), flow("2022-05-14", -3600, "reversal", region=BEIJING)],
      roster=[person(region=BEIJING)], as_of="2022-12-31")
def test_a_refund_takes_back_its_part_of_the_credit_the_employers_share_included(told: Told) -> None:
    """No share is stated: the credit was 3% of the base, so a fifth of the base is a fifth of the credit."""
    assert told.unusual() == {}
    assert told.months()["2022-02"]["credited_fen"] == 18000 - 3600


@case([*lines(count=9), refund("2024-03", "2024-05-10", scale=20)],
      [*credits("2024-02", 8, skip=["2024-05"]), flow("2024-06-12", DUE - 2400)])
def test_an_open_month_before_a_part_is_taken_back_stays_open(told: Told) -> None:
    """No run of credits a month late, though one has the refunded month's sum: each stands in its own place."""
    assert told.unusual() == {"2024-01": MISSING, **dict.fromkeys(["2024-03", "2024-05"], "clawback/explained")}


@case([*lines(count=12), refund("2024-02", "2024-04-10", scale=20), refund("2024-07", "2024-09-10", scale=10)],
      [*credits(count=12, skip=["2024-05", "2024-10"]), flow("2024-06-12", DUE - 2400), flow("2024-11-12", DUE - 1200)])
def test_two_parts_are_taken_back_one_by_one(told: Told) -> None:
    """Each credit that lacks something names the month that had it too much."""
    assert told.unusual() == dict.fromkeys(["2024-02", "2024-05", "2024-07", "2024-10"], "clawback/explained")
    assert "2024-07" in told.gap("2024-10", "clawback")["evidence"]
    assert "2024-02" not in told.gap("2024-10", "clawback")["evidence"]


@case([*lines(count=12), refund("2024-02", "2024-04-10", scale=20), refund("2024-07", "2024-09-10", scale=20)],
      [*credits(count=12, skip=["2024-05", "2024-06", "2024-10"]), flow("2024-06-12", DUE - 2400),
       flow("2024-07-12", DUE - 3333), flow("2024-11-12", DUE - 2400)])
def test_what_was_netted_is_not_made_good_by_a_later_surplus(told: Told) -> None:
    """July had as much too much as May's credit had been short of; but that had settled February."""
    assert told.unusual() == {**dict.fromkeys(["2024-02", "2024-05", "2024-07", "2024-10"], "clawback/explained"),
                              "2024-06": "short_credit/open"}


@case(lines(count=3, paid=None, paid_on=None), credits(count=3))
def test_a_record_that_does_not_say_whether_it_was_paid_is_no_bill(told: Told) -> None:
    """Neither a flag nor a day of arrival: it cannot be told, and nobody is sent for a bill's proof."""
    row = told.gap("2024-02", "data_incomplete")
    assert (row["cause"], row["status"], row["owner"]) == ("arrival_unsaid", "unknown", "file_owner")
    assert "账单" not in row["evidence"]


@case([*lines(count=2), line("2024-03", paid=False, deferred=True, paid_on=None)], credits(count=2))
def test_a_deferred_month_is_called_deferred(told: Told) -> None:
    """缓缴: the record says so; no bill, no accusation."""
    assert told.unusual() == {"2024-03": "data_incomplete/deferred/unknown"}
    assert told.gap("2024-03", "data_incomplete")["owner"] == "payer"


@case([*lines(count=2), line("2024-03", paid=False, deferred=True, paid_on=None), *lines("2024-04", 2)],
      [*credits(count=5, skip=["2024-03"]), flow("2024-05-20", 20000, memo="门诊补助")])
def test_a_subsidy_is_not_the_credit_of_a_month_that_may_be_unpaid(told: Told) -> None:
    """It is too much for the month in whose place it came; the deferred month before it got nothing."""
    assert told.unusual() == {"2024-03": "data_incomplete/deferred/unknown", "2024-04": "over_credit/subsidy/open"}


@case(lines(count=3, proof="billed", paid=True, paid_on=None), credits(count=1))
def test_a_bill_that_says_paid_is_still_a_bill(told: Told) -> None:
    """proof = billed makes paid null whatever the file says, so nothing is missing."""
    assert set(told.answers().values()) == {"data_incomplete/billed_only/unknown"}


@case([*lines(count=5), line("2024-06", proof="billed", paid=None, paid_on=None)],
      [row | {"amount_fen": DUE - 500} for row in credits(count=6)])
def test_a_bill_with_a_deduction_stays_a_bill(told: Told) -> None:
    """The same sum is lacking from all credits; what no record says was paid is still not explained by it."""
    assert told.answers()["2024-05"] == "account_deduction/explained"
    assert told.answers()["2024-06"] == "data_incomplete/billed_only/unknown"


@case(lines(count=3, proof="billed", paid=None, paid_on=None, due=None), credits(count=1))
def test_the_sentence_of_a_bill_names_the_bill(told: Told) -> None:
    """R07: the sum of a bill is never called the credit that is due."""
    assert "估算应划600.00元" not in told.gap("2024-02", "data_incomplete")["evidence"]


@case([*lines(count=3), line("2024-04", proof="human")], credits(count=3))
def test_a_human_record_counts_as_paid(told: Told) -> None:
    """proof = human with paid = true is a payment like any other."""
    assert told.unusual() == {"2024-04": MISSING}


# -------------------------------------------------------------------------------------------------- true sentences


@case([*lines(), line("2024-03", employer="乙公司")], credits(skip=["2024-03"]))
def test_no_sentence_claims_a_credit_that_never_came(told: Told) -> None:
    """R07: where nothing of the month came, no evidence says that the other payment was credited."""
    assert all("已划入" not in row["evidence"] for row in told.gaps("2024-03"))
    assert ("2024-03", "missing_month", "credit_missing", DUE) in told.accused()


@case([*lines(count=12), line("2024-03", scale=20, payment_kind="top_up", paid_on="2024-08-20")], credits(count=12))
def test_top_up_has_a_sentence(told: Told) -> None:
    """R07: a top-up that did not come says what was due and when."""
    evidence = told.gap("2024-03", "top_up")["evidence"]
    assert "24.00" in evidence
    assert "2024-08-20" in evidence


@case(lines(treasury_on="2024-01-21", allocated_on="2024-01-25", count=1)
      + lines("2024-02", 1, treasury_on="2024-02-21"), credits(count=1))
def test_not_allocated_has_a_sentence(told: Told) -> None:
    """R07: money in the treasury that was not split to people, where others of the person's were, is named as such."""
    row = told.gap("2024-02", "missing_month")
    assert row["cause"] == "not_allocated"
    assert "120.00" in row["evidence"]


@case(lines("2021-01", 3, due=None, region=SUZHOU), credits("2021-01", 3, amount=17000, region=SUZHOU),
      coverage=[cover(start="2020-01-01")], roster=[person(region=SUZHOU)])
def test_estimates_name_the_whole_estimate(told: Told) -> None:
    """R18: the estimate in the words of policy_unknown is what would be due, not what is left of it."""
    evidence = told.gap("2021-02", "policy_unknown")["evidence"]
    assert "已划170.00元" in evidence
    assert "估算应划180.00元" in evidence


@pytest.mark.parametrize(("month", "label"), [
    ("2021-02", "policy_unknown"), ("2021-03", "policy_unknown"), ("2021-04", "data_incomplete")])
def test_what_cannot_be_estimated_is_not_estimated_as_nothing(month: str, label: str) -> None:
    """Unknown is never zero: of a retiree where nothing is known of the city's sums no figure is named."""
    told = solve(account(
        [], [flow(f"{each}-04", 9700, region=SUZHOU) for each in run_of("2021-01", 2)],
        roster=[retiree(region=SUZHOU)], coverage=[cover(start="2021-01-01", end="2021-03-31")]), "2021-04-30")
    gap = told.gap(month, label)
    assert gap["estimated_fen"] is None
    assert "无法估算" in gap["evidence"]
    assert "应划0.00" not in gap["evidence"]


@pytest.mark.parametrize(("years", "answer"), [
    ((2022, 2023, 2024), "account_deduction/explained"), ((2023, 2024), "short_credit/open")])
def test_a_larger_sum_lacking_once_a_year(years: tuple[int, ...], answer: str) -> None:
    """Half a credit, lacking to the fen in one month of three years, is a premium of the year; of two years it is not."""
    less = [f"{year}-06" for year in years]
    told = solve(account(
        lines("2022-01", 36),
        [*credits("2022-01", 36, skip=less), *(flow(f"{later(month, 1)}-12", DUE // 2) for month in less)],
    ), "2025-03-31")
    assert told.unusual() == dict.fromkeys(less, answer)


@case(lines("2021-01", 3, due=None, region=SUZHOU), credits("2021-01", 2, amount=18000, region=SUZHOU),
      coverage=[cover(start="2020-01-01")], roster=[person(region=SUZHOU)])
def test_an_uncertain_amount_is_called_an_estimate(told: Told) -> None:
    """R18: nothing arrived may be said under a weak rule, but its amount is called an estimate."""
    row = told.gap("2021-03", "missing_month")
    assert (row["cause"], row["status"], row["estimated_fen"]) == ("credit_missing", "open", 18000)
    assert "估算" in row["evidence"]


@case([*lines(count=5), line("2024-06", paid=False, paid_on=None),
       line("2024-06", payment_kind="back_pay", paid_on="2024-08-20"), line("2024-07")],
      [*credits(count=5), flow("2024-08-12")])
def test_the_arrival_named_is_that_of_the_payment(told: Told) -> None:
    """A sentence and an action about a payment name the day that payment arrived, not another line of the month."""
    row = told.gap("2024-06", "missing_month")
    assert "缴费到账2024-08-20" in row["evidence"]
    assert "到账日2024-08-20" in row["action"]


@case((), [flow(f"{month}-05", 9700, region=BEIJING) for month in run_of("2024-01", 3)],
      roster=[retiree(region=BEIJING)], coverage=[cover(start="2024-01-01")], as_of="2024-03-31")
def test_a_retirees_credit_does_not_go_into_the_pool(told: Told) -> None:
    """The negative pooled share of a retiree is what the pool pays, and its sentence does not say the opposite."""
    (row,) = told.table("gap").filter(pl.col("accrual_month") == date(2024, 2, 1)).rows(named=True)
    assert (row["label"], row["amount_fen"]) == ("pooled_share", -9700)
    assert "进统筹基金" not in row["evidence"]


VARIED = [line(month, scale=scale) for month, scale in zip(run_of("2024-01", 7), (100, 103, 97, 110, 104, 99, 101),
                                                        strict=True)]


@case([row for row in VARIED if row["accrual_month"] != "2024-04-01"],
      [flow(f"{later(row['accrual_month'][:7], 1)}-12", row["into_account_fen"]) for row in VARIED])
def test_a_credit_of_a_wage_that_varies_is_none_too_many(told: Told) -> None:
    """Where the months before and after differ, a month without a line whose credit is like theirs lacks its record."""
    assert told.unusual() == {"2024-04": "data_incomplete/contribution_unseen/unknown"}


@case([row for row in VARIED if row["accrual_month"] != "2024-04-01"],
      [flow(f"{later(row['accrual_month'][:7], 1)}-12", row["into_account_fen"]) for row in VARIED
       if row["accrual_month"] != "2024-04-01"] + [flow("2024-05-12", 4500)])
def test_an_odd_credit_is_too_much_all_the_same(told: Told) -> None:
    """A credit far from what the neighbouring months are due is of unknown origin, with or without a line."""
    assert told.unusual() == {"2024-04": "over_credit/unknown_extra/open"}


@case([line(month, **({"paid": False, "paid_on": None} if month == "2024-04" else {})) for month in run_of("2024-01", 7)],
      credits(count=7))
def test_a_credit_whose_month_is_recorded_unpaid_says_so(told: Told) -> None:
    """The record is there, and says that nothing arrived: that, too, is in the evidence, with its row."""
    assert told.unusual() == {"2024-04": "data_incomplete/contribution_unseen/unknown"}
    evidence = told.gap("2024-04", "data_incomplete")["evidence"]
    assert "（写明未到账）" in evidence
    assert f"{told.ids[ME]}/contribution.csv#L5" in evidence


def _shares(month: str) -> list[Row]:
    """A payment told by a row for each share, as a receipt has it."""
    told = line(month, file="receipt.csv", due=None)
    return [told | {"employer_fen": None}, told | {"employee_fen": None}]


@pytest.mark.parametrize("less", [{}, {"due": None}, {"due": None, "paid_on": None}])
def test_both_shares_of_a_payment_are_views_of_the_whole(less: Row) -> None:
    """One record has a row for each share and another the whole, which may tell less: one payment all the same."""
    whole = [line(month, file="record.csv", **less) for month in run_of("2024-01", 6)]
    halves = [row for month in run_of("2024-01", 6) for row in _shares(month)]
    for rows in ([*whole, *halves], [*halves, *whole]):
        assert solve(account(rows, credits(skip=["2024-03"]))).unusual() == {"2024-03": MISSING}
    twice = [*whole, *halves, *_shares("2024-02")]  # paid twice, says the receipt
    assert solve(account(twice, credits())).unusual() == {"2024-02": "refund_due/pending"}


@case(lines(), [*credits(), flow("2024-04-20", -DUE, "reversal")])
def test_a_reversed_credit_is_not_called_unseen(told: Told) -> None:
    """R07: where a credit came and was taken back, the evidence names the rows of both."""
    evidence = told.gap("2024-03", "missing_month")["evidence"]
    assert f"{told.ids[ME]}/flow.csv#L8" in evidence


# ------------------------------------------------------------------------------------------------- over and short


@case(lines(), [*credits(), flow("2024-04-25")])
def test_credited_twice(told: Told) -> None:
    """The same sum again in the month's place is a duplicate credit: open, negative, counted as credited."""
    assert told.parts("2024-03") == {"over_credit/duplicate_credit/open": -DUE}
    month = told.months()["2024-03"]
    assert (month["credited_fen"], month["credited_on_time_fen"], month["verdict"]) == (
        2 * DUE, 2 * DUE, "amount_differs")


@case(lines(), [*credits(), flow("2024-04-25", memo="门诊共济补助")])
def test_a_subsidy_by_its_memo(told: Told) -> None:
    """An extra credit whose memo says 补助 is a subsidy."""
    assert told.parts("2024-03") == {"over_credit/subsidy/open": -DUE}


@case(lines(), [*credits(), flow("2024-04-25", 5000)])
def test_an_unknown_extra(told: Told) -> None:
    """An extra credit of another sum is an unknown extra."""
    assert told.parts("2024-03") == {"over_credit/unknown_extra/open": -5000}


@case(lines(), [*credits(), flow("2024-04-25", 5000, "subsidy")])
def test_a_line_of_kind_subsidy_is_no_credit(told: Told) -> None:
    """Lines of other kinds than credit never enter the months."""
    assert told.unusual() == {}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 13000)])
def test_a_larger_credit_in_the_place_of_one(told: Told) -> None:
    """A single larger credit in the month's place pays it and carries the surplus as a negative part."""
    assert told.parts("2024-03") == {"over_credit/unknown_extra/open": -1000}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", 11000)])
def test_a_smaller_credit_in_the_place_of_one(told: Told) -> None:
    """A single smaller credit in the month's place is a short credit of the rest."""
    assert told.parts("2024-03") == {"short_credit/open": 1000}
    assert told.months()["2024-03"]["credited_fen"] == 11000


@case(lines(count=6), [*credits(count=5), flow("2024-07-12", 11000)], as_of="2024-08-31")
def test_short_before_the_last_month_is_waiting(told: Told) -> None:
    """Short before last_month is over is a pending delay for the rest."""
    assert told.parts("2024-06") == {"delay/late/pending": 1000}


@case(lines(count=10), [*credits(count=4, amount=11000), *credits("2024-05", 1), *credits("2024-06", 1, amount=11000),
                        *credits("2024-07", 2), *credits("2024-09", 2, amount=11000)])
def test_a_deduction_that_stops_and_goes_on(told: Told) -> None:
    """A sum that is lacking month after month is the same deduction where it is lacking now and then."""
    assert told.unusual() == dict.fromkeys([*run_of("2024-01", 4), "2024-06", "2024-09", "2024-10"],
                                           "account_deduction/explained")


@case(lines(), credits(count=3) + credits("2024-04", 3, amount=11000))
def test_three_equal_small_shortfalls_are_a_deduction(told: Told) -> None:
    """The same small shortfall three times looks like a premium taken from the account: explained, owner nobody."""
    assert [told.parts(month) for month in run_of("2024-04", 3)] == [{"account_deduction/explained": 1000}] * 3
    assert told.gap("2024-05", "account_deduction")["owner"] == "nobody"


@case(lines(), credits(count=4) + credits("2024-05", 2, amount=11000))
def test_two_equal_shortfalls_are_not_enough(told: Told) -> None:
    """Two equal shortfalls stay short credits."""
    assert {label for _, label, _, _ in told.accused()} == {"short_credit"}


@case(lines(), credits(count=3) + credits("2024-04", 3, amount=7000))
def test_large_equal_shortfalls_are_no_deduction(told: Told) -> None:
    """A large part of the credit gone each month is no premium."""
    assert {label for _, label, _, _ in told.accused()} == {"short_credit"}


@case(lines(count=12), [*credits(count=12, skip=["2024-02", "2024-06", "2024-10"]),
                        *(flow(f"2024-{month}-12", 11000) for month in ("03", "07", "11"))])
def test_scattered_equal_shortfalls_are_no_deduction(told: Told) -> None:
    """R33: equal shortfalls in three scattered months are not steady, and stay short credits."""
    assert [part[:2] for part in told.accused()] == [
        (month, "short_credit") for month in ("2024-02", "2024-06", "2024-10")]


@case(lines(count=12), [flow(f"{later(month, 1)}-12", 11300 + {"2024-07": -2000, "2024-10": 2000}.get(month, 0))
                        for month in run_of("2024-01", 12)])
def test_a_short_month_is_made_good_beside_a_deduction(told: Told) -> None:
    """7.00 are taken every month; July's 20.00 less come with October's credit: nothing is short, nothing too much."""
    assert told.accused() == []
    assert told.parts("2024-07") == {"account_deduction/explained": 700, "delay/late/resolved": 2000}
    assert told.parts("2024-10") == {"account_deduction/explained": 700}
    assert ("2024-07", "2024-11-12", 2000) in told.links()


@case(lines(count=3, scale=90) + lines("2024-04", 3), credits(count=3, amount=10800)
      + credits("2024-04", 3, amount=10800))
def test_the_credit_of_an_older_base_is_no_deduction(told: Told) -> None:
    """Shortfalls that equal the credit of the old base are short credits: the new base was not taken up."""
    assert [part[:2] for part in told.accused()] == [(month, "short_credit") for month in run_of("2024-04", 3)]


@case(lines(count=4, due=None, base_fen=600020), credits(count=4, amount=12001))
def test_either_rounding_of_a_broken_share_is_right(told: Told) -> None:
    """2% of 6000.20 are 120.004: 120.01 came, and nobody says too much of it."""
    assert told.unusual() == {}
    assert {row["expected_fen"] for row in told.months().values()} == {12001}


@case([*lines(count=3, due=None), line("2024-04")], [*credits(count=2), flow("2024-04-12", 12001), flow("2024-05-12", 11999)])
def test_one_fen_off_a_whole_share_or_a_stated_sum_is_off(told: Told) -> None:
    """2% of 6000.00 leave nothing to round, nor does a sum that the record states."""
    assert told.unusual() == {"2024-03": "over_credit/unknown_extra/open", "2024-04": "short_credit/open"}


@case(lines(count=4, due=None), credits(count=4, amount=9000), roster=[person(retired_from="2024-01-01")],
      coverage=[cover(start="2024-02-01")])
def test_paid_on_after_retirement_accuses_of_no_amount(told: Told) -> None:
    """The roster says retired, the record that premiums were paid: what is due is another matter."""
    assert [told.answers()[month] for month in run_of("2024-01", 4)] == ["policy_unknown/unknown"] * 4


RETIRES = {"roster": [person(region=BEIJING, birth_date="1964-06-10", insured_status="retired",
                             retired_from="2024-07-01")]}
UNTIL_JULY = [*lines(region=BEIJING, scale=200), line("2024-07", paid=False, paid_on=None, region=BEIJING, scale=200)]


@case(UNTIL_JULY, [*credits(region=BEIJING, amount=2 * DUE),
                   *(flow(f"{month}-12", 9700, region=BEIJING) for month in run_of("2024-07", 9))], **RETIRES)
def test_an_unpaid_line_of_a_retired_month_is_no_matter(told: Told) -> None:
    """The roster says retired from July, the record that July is unpaid: July's pension credit came, nothing is open."""
    assert told.accused() == []
    assert told.unusual() == {}
    assert told.months()["2024-07"]["expected_fen"] == 9700


@case(UNTIL_JULY, [*credits(region=BEIJING, amount=2 * DUE),
                   *(flow(f"{month}-12", 9700, region=BEIJING) for month in run_of("2024-08", 8))], **RETIRES)
def test_the_missing_credit_of_a_retired_month_is_the_insurers(told: Told) -> None:
    """The same, and July's credit never came: the account lacks it, not a premium."""
    assert told.accused() == [("2024-07", "missing_month", "credit_missing", 9700)]


@case([*lines(count=8), *(refund(month, "2024-06-10", scale=20) for month in ("2024-01", "2024-02"))],
      [*credits(count=8, skip=["2024-06"]), flow("2024-07-12", DUE - 2 * 2400)])
def test_a_lowered_base_taken_back_with_the_next_credit(told: Told) -> None:
    """What two refunded months had got too much is just what June's credit lacks: both sides name each other."""
    assert told.accused() == []
    assert told.unusual() == dict.fromkeys(["2024-01", "2024-02", "2024-06"], "clawback/explained")
    assert "2024-01、2024-02" in told.gap("2024-06", "clawback")["evidence"]
    assert "2024-06" in told.gap("2024-01", "clawback")["evidence"]


@case([*lines(count=8), *(refund(month, "2024-06-10", scale=20) for month in ("2024-01", "2024-02"))],
      [*credits(count=8, skip=["2024-06"]), flow("2024-07-12", DUE - 2 * 2400 - 1)])
def test_another_sum_takes_nothing_back(told: Told) -> None:
    """One fen more is not what the refunded months had too much."""
    assert {row[1] for row in told.accused()} == {"over_credit", "short_credit"}


# -------------------------------------------------------------------------------------------------------- top-ups


def top_up(month: str, paid_on: str | None, **changes: object) -> Row:
    """A correction of 100.00, of which 20.00 is due in the account."""
    return line(month, base_fen=100000, employee_fen=2000, employer_fen=8000, into_account_fen=2000,
                payment_kind="top_up", paid_on=paid_on, **changes)


@case([*lines(count=12), top_up("2024-10", "2025-02-20")], credits(count=12))
def test_top_up_waiting(told: Told) -> None:
    """A top-up not credited yet is pending until its last month is over."""
    assert told.parts("2024-10") in ({"top_up/late/pending": 2000}, {"delay/not_yet_due/pending": 2000})


@case([*lines(count=12), top_up("2024-09", "2025-01-20")], credits(count=12))
def test_top_up_late(told: Told) -> None:
    """A top-up not credited by its own due month is pending."""
    assert told.parts("2024-09") == {"top_up/late/pending": 2000}


@case([*lines(count=12), top_up("2024-03", "2024-08-20")], credits(count=12))
def test_top_up_open(told: Told) -> None:
    """A top-up that never came is open, under its own label."""
    assert told.accused() == [("2024-03", "top_up", "credit_missing", 2000)]


@case([*lines(count=12), top_up("2024-03", "2024-08-20")], [*credits(count=12), flow("2024-11-15", 2000)])
def test_top_up_resolved(told: Told) -> None:
    """A top-up credited after its due month is resolved."""
    assert told.parts("2024-03") == {"top_up/late/resolved": 2000}


@case([*lines(count=12), top_up("2024-03", "2024-08-20")], [*credits(count=12), flow("2024-09-15", 2000)])
def test_top_up_in_time(told: Told) -> None:
    """A top-up credited in time is on time."""
    assert told.unusual() == {}


@case([*lines(count=12), *(top_up(month, "2024-08-20") for month in run_of("2024-01", 3))],
      [*credits(count=12), flow("2024-09-15", 6000)])
def test_top_ups_of_three_months_in_one_credit(told: Told) -> None:
    """Top-ups of contiguous months may come as one credit."""
    assert told.unusual() == {}


@case([*lines(count=12), top_up("2024-03", None)], credits(count=12))
def test_top_up_without_arrival_is_never_late(told: Told) -> None:
    """A top-up line that states neither arrival nor booking is never late."""
    assert told.accused() == []


# ------------------------------------------------------------------------------------------------------ back pay


def back_pay(**changes: object) -> list[Row]:
    """Three months paid back in August."""
    return lines("2024-04", 3, payment_kind="back_pay", **({"paid_on": "2024-08-20"} | changes))


AROUND = lines(count=3) + lines("2024-07", 3)
AROUND_CREDITS = credits(count=3) + credits("2024-07", 3)


@case(AROUND + back_pay(due=None), AROUND_CREDITS)
def test_back_pay_of_unknown_rule_accuses_nobody(told: Told) -> None:
    """Whether back pay is credited is the region's rule; unknown, it is no accusation."""
    assert told.unusual() == dict.fromkeys(run_of("2024-04", 3), UNKNOWN)


@case(AROUND + back_pay(due=None), [*AROUND_CREDITS, flow("2024-09-13", 3 * DUE)])
def test_back_pay_in_one_lump(told: Told) -> None:
    """Back pay of one arrival may come as one credit; its lateness is the payer's."""
    assert told.accused() == []
    assert {told.months()[month]["credited_fen"] for month in run_of("2024-04", 3)} == {DUE}


@case(AROUND + back_pay(), AROUND_CREDITS)
def test_back_pay_with_stated_amounts_is_owed(told: Told) -> None:
    """Back pay whose credited amount is stated is due like any line."""
    assert told.accused() == [(month, "missing_month", "credit_missing", DUE) for month in run_of("2024-04", 3)]


@case(AROUND + back_pay(paid_on=None), AROUND_CREDITS)
def test_back_pay_without_arrival_is_never_late(told: Told) -> None:
    """A back pay line with neither arrival nor booking is never late, and its due month is said to be unknown."""
    assert told.accused() == []
    assert "应划月不明" in told.gap("2024-04", "delay")["evidence"]


# ------------------------------------------------------------------------------------------------ cohorts, findings


def test_overdue_needs_ten_colleagues() -> None:
    """Late while nearly all of ten people have theirs is overdue; among nine it is only late."""
    for count, told in ((10, "delay/overdue/pending"), (8, "delay/late/pending")):
        people = [ME, *colleagues(count)]
        paid, came = staff(people, missing={ME: ["2024-06"]})
        assert solve(account(paid, came), "2024-09-10").unusual() == {"2024-06": told}


def test_overdue_needs_nearly_all_colleagues() -> None:
    """Where two of twelve wait, nobody is overdue."""
    people = [ME, *colleagues(11)]
    paid, came = staff(people, missing={ME: ["2024-06"], people[1]: ["2024-06"]})
    assert solve(account(paid, came), "2024-09-10").unusual() == {"2024-06": "delay/late/pending"}


def test_colleagues_who_had_theirs_late_have_theirs() -> None:
    """Two of twelve colleagues were credited a month late: all have theirs, and who still waits is overdue."""
    people = [ME, *colleagues(12)]
    paid, came = staff(people, missing={one: ["2024-06"] for one in people[:3]})
    late = [flow("2024-08-20", person_id=one) for one in people[1:3]]
    assert solve(account(paid, came + late), "2024-09-10").unusual() == {"2024-06": "delay/overdue/pending"}


def test_colleagues_who_had_theirs_in_parts_or_less_a_deduction_have_theirs() -> None:
    """Two of twelve colleagues had the month in two credits, or a little less: who still waits is overdue."""
    people = [ME, *colleagues(12)]
    paid, came = staff(people, missing={one: ["2024-06"] for one in people[:3]})
    parts = [flow("2024-07-12", 5000, person_id=people[1]), flow("2024-07-15", 7000, person_id=people[1])]
    less = [flow("2024-07-12", DUE - 700, person_id=people[2])]
    assert solve(account(paid, came + parts + less), "2024-09-10").unusual() == {"2024-06": "delay/overdue/pending"}


def test_who_has_an_older_months_credit_in_a_months_place_lacks_that_months() -> None:
    """Where all of a payer's people wait for a month, in whose place the month before came, nobody is overdue."""
    people = [ME, *colleagues(12)]
    paid = [line(month, person_id=one, scale=100 + 3 * at) for one in people for at, month in enumerate(run_of("2024-01", 6))]
    came = [flow(f"{later(month, 2 if at > 3 else 1)}-12", 120 * (100 + 3 * at), person_id=one)
            for one in people for at, month in enumerate(run_of("2024-01", 5))]
    assert solve(account(paid, came), "2024-07-31").unusual()["2024-06"] == "delay/late/pending"


def test_overdue_is_still_pending() -> None:
    """Overdue never counts as open; its verdict and desk are its own."""
    people = [ME, *colleagues(12)]
    paid, came = staff(people, missing={ME: ["2024-06"]})
    told = solve(account(paid, came), "2024-09-10")
    assert told.months()["2024-06"]["verdict"] == "overdue"
    assert told.gap("2024-06", "delay")["owner"] == "insurer"
    assert told.accused() == []


def test_one_finding_for_a_payers_month() -> None:
    """A month that five people of one payer lack is one finding with its members and their sum."""
    people = [ME, *colleagues(4)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    told = solve(account(paid, came))
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["amount_fen"]) == ("payer", 5, 5 * DUE)
    assert finding["payer"] == "示例公司"
    assert (finding["label"], finding["cause"]) == ("missing_month", "credit_missing")
    members = told.result.tables["gap"].filter(pl.col("finding_id") == finding["finding_id"])
    assert members["person_id"].to_list() == sorted(people)
    assert told.unusual() == {"2024-03": MISSING}


def test_a_finding_speaks_of_all_its_members() -> None:
    """R37: the action of a finding does not quote one member's sum as if it were the whole."""
    people = [ME, *colleagues(4)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    (finding,) = solve(account(paid, came)).result.tables["finding"].rows(named=True)
    assert "应划120.00元" not in finding["action"]


def test_findings_do_not_hang_on_the_order_of_rows() -> None:
    """R31: two employers in one month and no export: the finding is the same whichever line comes first."""
    paid = [*lines(), line("2024-03", employer="乙公司")]
    one, other = (solve(account(rows)).result.tables["gap"] for rows in (paid, paid[::-1]))
    assert one.drop("evidence").equals(other.drop("evidence"))


def test_no_finding_for_four_people() -> None:
    """Four people with one cause are four rows."""
    people = [ME, *colleagues(3)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    assert solve(account(paid, came)).result.tables["finding"].height == 0


def test_unpaid_month_of_a_payer_is_one_finding() -> None:
    """A month unpaid for five people of one payer is one finding, without any account export."""
    people = colleagues(5)
    paid, _ = staff(people, count=5)
    paid += [line("2024-06", person_id=one, paid=False, paid_on=None) for one in people]
    (finding,) = [row for row in solve(account(paid)).result.tables["finding"].rows(named=True)
                  if row["cause"] == "contribution_unpaid"]
    assert (finding["people"], finding["amount_fen"], finding["owner"]) == (5, 0, "payer")


def test_people_without_export_are_one_finding() -> None:
    """Nobody's export missing is said once per payer, not once per month; it accuses nobody and carries no sum."""
    people = colleagues(3)
    paid, _ = staff(people)
    told = solve(account(paid)).of(people[0])
    assert set(told.answers().values()) == {"data_incomplete/no_account_export/unknown"}
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["amount_fen"]) == ("file", 3, 0)
    assert finding["payer"] == "示例公司"


def test_each_finding_names_its_own_payer() -> None:
    """A second, smaller line of another payer makes that month the other payer's: column and sentence say so alike."""
    paid = [*lines(), line("2024-03", employer="乙公司", base_fen=300000, employee_fen=6000, into_account_fen=6000)]
    found = solve(account(paid)).result.tables["finding"]
    assert sorted(found["payer"]) == ["乙公司", "示例公司"]
    assert all(row["evidence"].startswith(f"{row['payer']} 420100 ") for row in found.rows(named=True))


def test_a_common_deduction_is_one_in_another_years_month_and_for_whom_it_came_late() -> None:
    """What many lack of January's credit is the same deduction a year later for one, who got January's with a delay."""
    people = colleagues(6)
    paid = [row for one in people for row in lines("2024-01", 6, person_id=one)] + lines("2024-10", 6)
    less = {f"{one} 2024-01" for one in people}
    came = [flow(f"{later(month, 1)}-12", DUE - 700 * (f"{one} {month}" in less), person_id=one)
            for one in people for month in run_of("2024-01", 6)]
    mine = [flow(f"{later(month, 2 if month == '2025-01' else 1)}-12", DUE - 700 * (month == "2025-01"))
            for month in run_of("2024-10", 6)]
    told = solve(account(paid, [*came, *mine]), as_of="2025-06-30")
    assert told.of(people[0]).parts("2024-01") == {"account_deduction/explained": 700}
    assert told.parts("2025-01") == {"account_deduction/explained": 700, "delay/late/resolved": DUE - 700}


def test_equal_shortfall_of_five_people_is_a_deduction() -> None:
    """The same shortfall of five people in one credit month is explained, though each has it only once."""
    people = [ME, *colleagues(4)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    came += [flow("2024-04-12", DUE - 700, person_id=one) for one in people]
    assert solve(account(paid, came)).parts("2024-03") == {"account_deduction/explained": 700}


def test_one_sum_taken_of_all_is_a_deduction_from_the_smallest_credit_too() -> None:
    """What is a small part of five colleagues' credits is the same premium where it is a third of one's own."""
    people = colleagues(5)
    paid = [row for one in people for row in lines(person_id=one, scale=200)] + lines()
    came = [flow(f"{later(month, 1)}-12", 2 * DUE - 4000 * (month == "2024-03"), person_id=one)
            for one in people for month in run_of("2024-01", 6)]
    mine = [*credits(skip=["2024-03"]), flow("2024-04-12", DUE - 4000)]
    told = solve(account(paid, [*came, *mine]))
    assert told.of(people[0]).parts("2024-03") == {"account_deduction/explained": 4000}
    assert told.parts("2024-03") == {"account_deduction/explained": 4000}


def five_who_lack(fen: int) -> tuple[list[str], list[Row], list[Row]]:
    """Five people of one payer with different wages, their lines, and their credits: March's lacks ``fen`` for each."""
    scales = (60, 70, 80, 90, 110)
    people = colleagues(len(scales))
    paid = [row for one, scale in zip(people, scales, strict=True) for row in lines(person_id=one, scale=scale)]
    came = [flow(f"{later(month, 1)}-12", DUE * scale // 100 - fen * (month == "2024-03"), person_id=one)
            for one, scale in zip(people, scales, strict=True) for month in run_of("2024-01", 6)]
    return people, paid, came


def test_one_sum_taken_of_five_different_credits_is_a_deduction() -> None:
    """To whom so many different sums were due and who all lack the same one paid one premium, however large a part."""
    people, paid, came = five_who_lack(4000)
    told = solve(account(paid, came))
    assert [told.of(one).parts("2024-03") for one in people] == [{"account_deduction/explained": 4000}] * len(people)


def test_one_sum_taken_of_different_credits_may_leave_an_older_bases_credit() -> None:
    """Whom the premium leaves just what the old base gave paid it like the others, to whom other sums were due."""
    _, paid, came = five_who_lack(3600)
    mine = [*lines(count=2, scale=70), *lines("2024-03", 4)]
    left = [*credits(count=2, amount=DUE * 70 // 100), flow("2024-04-12", DUE - 3600), *credits("2024-04", 3)]
    told = solve(account([*paid, *mine], [*came, *left]))
    assert told.parts("2024-03") == {"account_deduction/explained": 3600}
    assert solve(account(mine, left)).parts("2024-03") == {"short_credit/open": 3600}


def test_a_large_equal_shortfall_of_equal_credits_is_short() -> None:
    """Where all were due the same, the same lacks of all also if each got so much less of what was due."""
    people = [ME, *colleagues(5)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    came += [flow("2024-04-12", DUE - 4000, person_id=one) for one in people]
    assert solve(account(paid, came)).parts("2024-03") == {"short_credit/open": 4000}


def test_a_steady_deduction_and_one_for_all_may_be_taken_together() -> None:
    """Whose credits lack 5 yuan each month, and 7 more in the month in which all colleagues lack these, is not short."""
    people = [ME, *colleagues(5)]
    paid, came = staff(people[1:], missing={one: ["2024-03"] for one in people})
    came += [flow("2024-04-12", DUE - 700, person_id=one) for one in people[1:]]
    mine = [flow(f"{later(month, 1)}-12", DUE - 500 - 700 * (month == "2024-03")) for month in run_of("2024-01", 6)]
    told = solve(account([*paid, *lines()], [*came, *mine]))
    assert told.accused() == []
    assert told.parts("2024-03") == {"account_deduction/explained": 1200}
    mine[2] = flow("2024-04-12", DUE - 500 - 900)
    assert solve(account([*paid, *lines()], [*came, *mine])).parts("2024-03") == {
        "short_credit/open": 900, "account_deduction/explained": 500}


def test_equal_shortfall_of_four_people_is_short() -> None:
    """Four people are no cohort."""
    people = [ME, *colleagues(3)]
    paid, came = staff(people, missing={one: ["2024-03"] for one in people})
    came += [flow("2024-04-12", DUE - 700, person_id=one) for one in people]
    assert solve(account(paid, came)).parts("2024-03") == {"short_credit/open": 700}


# ------------------------------------------------------------------------------------------- another number's account


def strangers(count: int) -> Tables:
    """Somebody whose credits stand under the number of ``count`` namesakes without contributions."""
    names = colleagues(count)
    return account(
        lines(), [flow("2024-02-20", 1, "interest"), *(row for one in names for row in credits(person_id=one))],
        roster=[person(), *(person(person_id=one, employer=None, region=None) for one in names)])


def test_credits_under_another_number() -> None:
    """Credits of the same name, months and sums under a number without contributions: other_identity, both named."""
    told = solve(strangers(1))
    assert set(told.unusual().values()) == {"missing_month/other_identity/open"}
    assert "flow.csv#L5" in told.gap("2024-03", "missing_month")["evidence"]
    assert told.gap("2024-03", "missing_month")["owner"] == "insurer"


def test_late_and_short_credits_under_another_number() -> None:
    """Once the number is known to be the person's, a credit that came late there, or less a premium, is the person's, too."""
    (other,) = colleagues(1)
    came = [*credits(person_id=other, count=10, skip=["2024-03", "2024-05", "2024-08"]),
            flow("2024-05-13", person_id=other), flow("2024-06-12", DUE - 700, person_id=other)]
    told = solve(account(lines(count=10), [flow("2024-02-20", 1, "interest"), *came], roster=[
        person(), person(person_id=other, employer=None, region=None)]))
    assert {month: answer for month, answer in told.unusual().items() if "other_identity" not in answer} == {
        "2024-08": MISSING}


def test_a_credit_under_a_number_mistyped() -> None:
    """One place off somebody's number, with a wrong check digit, no name and no contributions: it can be no other's."""
    for typed in (f"{ME[:16]}{ME[17]}{ME[16]}", f"{ME[:8]}9{ME[9:]}"):
        came = [*credits(skip=["2024-03"]), flow("2024-04-12", person_id=typed)]
        told = solve(account(lines(), came))
        assert told.unusual() == {"2024-03": "missing_month/other_identity/open"}
    twice = [flow("2024-04-12", person_id=typed), flow("2024-06-12", person_id=f"{ME[:10]}7{ME[11:]}")]
    assert solve(account(lines(), [*credits(skip=["2024-03", "2024-05"]), *twice])).unusual() == dict.fromkeys(
        ("2024-03", "2024-05"), "missing_month/other_identity/open")
    # Another sum, or a number that is right, is somebody else's.
    others = (flow("2024-04-12", DUE + 1, person_id=typed), flow("2024-04-12", person_id=OTHER))
    for other in others:
        assert solve(account(lines(), [*credits(skip=["2024-03"]), other])).unusual() == {"2024-03": MISSING}


def test_where_wrong_check_digits_are_many_no_number_is_mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers made up to hide whose they are have wrong check digits, too, and are near to anybody's."""
    tables = account(lines(), [*credits(skip=["2024-03"]), flow("2024-04-12", person_id=f"{ME[:8]}9{ME[9:]}")])
    monkeypatch.setattr(cohorts, "MISTYPED_MOST", 0)
    assert solve(tables).unusual() == {"2024-03": MISSING}


def test_among_numbers_without_check_digits_none_is_mistyped() -> None:
    """Where most numbers of unknown people have a wrong check digit and are near nobody's, a near one is chance."""
    numbers = [f"{ME[:16]}{ME[17]}{ME[16]}", "420100198001010011", "420100198001010022"]
    came = [flow("2024-04-12", person_id=one) for one in numbers]
    assert solve(account(lines(), [*credits(skip=["2024-03"]), *came])).unusual() == {"2024-03": MISSING}


def test_a_mistyped_number_that_may_be_two_peoples_is_nobodys() -> None:
    """Where the number may have been either of two people's, it is taken for neither's."""
    one, two = "420100197301270000", "420100195701270000"
    typed = "420100197501270000"
    paid = [row for each in (one, two) for row in lines(person_id=each)]
    came = [row for each in (one, two) for row in credits(person_id=each, skip=["2024-03"])]
    told = solve(account(paid, [*came, flow("2024-04-12", person_id=typed)]))
    assert "missing_month/other_identity/open" not in set(told.of(one).unusual().values())


def test_two_namesakes_are_no_other_number() -> None:
    """Where two numbers bear the name, neither is taken for the person's."""
    assert set(solve(strangers(2)).unusual().values()) == {MISSING}


# ------------------------------------------------------------------------------------------------------ gap ids


def ids_of(told: Told, month: str) -> set[str]:
    """The gap ids of a month."""
    return set(told.table("gap").filter(pl.col("accrual_month") == date.fromisoformat(f"{month}-01"))["gap_id"])


def test_gap_id_survives_a_new_explanation() -> None:
    """A gap keeps its id while it turns from waiting to missing, grows, or moves to another row of the file."""
    waiting = solve(account(lines(), credits(skip=["2024-06"])), "2024-08-31")
    missing = solve(account(lines(), credits(skip=["2024-06"])))
    moved = solve(account([line("2023-12"), *lines(scale=110)], credits(skip=["2024-06"], amount=13200)))
    assert waiting.gap("2024-06", "delay")["gap_id"] == missing.gap("2024-06", "missing_month")["gap_id"]
    assert moved.gap("2024-06", "missing_month")["gap_id"] == missing.gap("2024-06", "missing_month")["gap_id"]


def test_gap_id_counts_zero_as_positive() -> None:
    """A month unpaid (amount 0) and then paid but not credited is the same gap."""
    unpaid = solve(account([*lines(count=5), line("2024-06", paid=False, paid_on=None)], credits(count=5)))
    paid = solve(account(lines(), credits(count=5)))
    assert unpaid.gap("2024-06", "missing_month")["gap_id"] == paid.gap("2024-06", "missing_month")["gap_id"]


def test_gap_id_tells_surplus_from_shortfall() -> None:
    """Parts of different sign in one month have different ids."""
    told = solve(account(lines(), [*credits(), flow("2024-04-25")]))
    assert len(ids_of(told, "2024-03")) == 2


def test_of_two_payments_of_one_sum_the_first_is_the_months_own() -> None:
    """What another payer paid later for three months takes no later month's credit."""
    paid = [line(month, payer="甲公司", paid_on=f"{month}-07") for month in run_of("2024-01", 14)]
    twice = [line(month, payer="乙公司", employer="乙公司", paid_on=f"{later(month, 1)}-05")
             for month in run_of("2024-08", 3)]
    told = solve(account([*paid, *twice], credits(count=14, lag=0)))
    assert told.unusual() == dict.fromkeys(run_of("2024-08", 3), "refund_due/pending")


@case([*lines(), line("2024-03", payer="甲公司", employer="甲公司", payment_kind="back_pay", paid_on="2024-05-20")],
      credits())
def test_back_pay_of_a_month_that_another_employer_paid_is_due_back(told: Told) -> None:
    """A new employer's back pay for a month that the old one paid, and that has its credit, is a second payment."""
    assert told.unusual() == {"2024-03": "refund_due/pending"}


@case([*lines(), line("2024-03", payer="甲公司", employer="甲公司", payment_kind="back_pay", paid_on="2024-05-20")],
      [*credits(), flow("2024-06-20")])
def test_back_pay_beside_another_employers_month_with_its_own_credit(told: Told) -> None:
    """Both were credited: nothing is lacking or due back."""
    assert told.unusual() == {}


@case([*lines(), line("2024-03", scale=110, payer="甲公司", employer="甲公司")], credits())
def test_of_two_payments_the_one_without_its_credit_is_due_back(told: Told) -> None:
    """The larger of two payments of one month is the second one where only the smaller was credited."""
    assert told.unusual() == {"2024-03": "refund_due/pending"}
    assert told.parts("2024-03") == {"refund_due/pending": PAID * 110 // 100}


@case([*lines(treasury_on="2024-01-21", allocated_on="2024-01-22", skip=["2024-02"]),
       line("2024-02", treasury_on="2024-02-21")], [*credits(skip=["2024-02"]), flow("2024-06-20")])
def test_a_premium_not_split_is_the_open_one(told: Told) -> None:
    """That the fund has not split a month's premium says which month is open, beside a credit that came twice later."""
    assert told.unusual() == {"2024-02": "missing_month/not_allocated/open", "2024-05": "over_credit/duplicate_credit/open"}


@case([*lines(count=5), line("2024-06", scale=90), line("2024-07")],
      [*credits(count=5), flow("2024-08-12"), flow("2024-08-20", 10000)], as_of="2024-08-31")
def test_short_and_late_parts_of_one_month_are_two_rows(told: Told) -> None:
    """R28: of a short credit that came late one part is resolved and the rest waits; live parts have keys of their own."""
    gap = told.table("gap")
    live = gap.filter(pl.col("status").is_in(["open", "pending"]))
    assert live.select("gap_id", "label", "cause").is_duplicated().sum() == 0
    amounts = dict(gap.filter(pl.col("label") == "delay", pl.col("accrual_month") == date(2024, 6, 1))
                   .select("status", "amount_fen").rows())
    assert amounts == {"resolved": 10000, "pending": 800}


# ------------------------------------------------------------------------------------------------ one mixed folder


def mixed(*, spend: bool = True, turn: bool = False) -> Tables:
    """Some of everything: three employers, bills, refunds, reversals, retirees, people without an export."""
    people = colleagues(12)
    paid, came = staff(people, missing={people[0]: ["2024-06"], people[1]: ["2024-03"], people[2]: ["2024-04"]})
    came += [flow("2024-05-12", 11000, person_id=people[2]), flow("2024-04-25", person_id=people[3]),
             flow("2024-05-20", -2000, "reversal", person_id=people[4])]
    paid += [refund("2024-02", "2024-05-20") | {"person_id": people[5]},
             line("2024-03", person_id=people[6], employer="乙公司"),
             line("2024-07", person_id=people[7], proof="billed", paid=None, paid_on=None),
             line("2024-02", person_id=people[8], scheme="330", scale=5, due=None, base_fen=None),
             line("2024-05", person_id=people[9], scale=20, payment_kind="top_up", paid_on="2024-06-20")]
    paid += lines(person_id=ME, employer="丙公司", skip=["2024-04"]) + lines(person_id=OTHER, employer="丙公司")
    paid += [line("2024-07", person_id=ME, employer="丙公司", paid=False, paid_on=None)]
    came += credits(person_id=ME, skip=["2024-02", "2024-04"])
    paid += lines("2022-06", 6, person_id="DOC:E1", region=BEIJING, base_fen=1000000, employee_fen=20300,
                  employer_fen=98000, due=None)
    came += credits("2022-06", 3, person_id="DOC:E1", region=BEIJING, amount=28000)
    came += credits("2022-09", 3, person_id="DOC:E1", region=BEIJING, amount=20000)
    came += [flow(f"2024-{month:02d}-05", 9700, person_id=THIRD, region=BEIJING) for month in (1, 2, 4, 5)]
    paid += lines(person_id="DOC:E2", region=SHENZHEN, due=None) + lines(person_id="DOC:E3", region=SHENZHEN, tier="2",
                                                                        due=None)
    came += credits(count=2, person_id="DOC:E2", region=SHENZHEN)
    came += [flow("2024-03-03", 1, "interest", person_id="DOC:E3", region=SHENZHEN)]
    if spend:
        came += [flow(f"{later('2024-01', number)}-2{number}", -DUE, "spend", person_id=people[number])
                 for number in range(6)]
    roster = [retiree(person_id=THIRD, region=BEIJING), person(person_id=OTHER, employer="丙公司"),
              person(person_id="DOC:E1", region=BEIJING, birth_date="1990-03-01")]
    coverage = [cover(start="2022-01-01", end="2025-02-28")]
    if turn:
        paid.reverse()
    tables = account(paid, came, roster=roster, coverage=coverage)
    if turn:
        tables["flow"] = tables["flow"].reverse()
    return tables


@pytest.fixture(scope="module")
def folder() -> tuple[Tables, Told]:
    """The mixed folder and its answers."""
    tables = mixed()
    return tables, solve(tables)


def test_mixed_folder_holds_the_identities(folder: tuple[Tables, Told]) -> None:
    """Every paid fen is in its month; what is open adds up; every label of the folder is one we know of."""
    tables, told = folder
    month, paid = told.result.tables["month"], tables["contribution"].filter(pl.col("paid"))
    assert month["contributed_fen"].sum() == paid["employee_fen"].sum() + paid["employer_fen"].sum()
    assert {"missing_month", "short_credit", "over_credit", "refund_due", "data_incomplete", "policy_unknown",
            "no_account", "flat_fee", "pooled_share", "top_up"} <= set(told.result.tables["gap"]["label"])


def test_rows_of_gap_are_unique(folder: tuple[Tables, Told]) -> None:
    """(gap_id, label, cause) is the key of a live row, and a gap_id names one account's month and sign."""
    gap = folder[1].result.tables["gap"]
    live = gap.filter(pl.col("status").is_in(["open", "pending"]))
    assert live.select("gap_id", "label", "cause").is_duplicated().sum() == 0
    named = gap.select("gap_id", "person_id", "region", "scheme", "accrual_month", pl.col("amount_fen") < 0).unique()
    assert named["gap_id"].is_duplicated().sum() == 0


def test_evidence_names_rows_of_the_input(folder: tuple[Tables, Told]) -> None:
    """Every row a part names exists in the input and is the person's own."""
    tables, told = folder
    month = {key(row): row for row in told.result.tables["month"].rows(named=True)}
    owner = dict(pl.concat([tables[name].select("row_id", "person_id") for name in ("contribution", "flow")]).rows())
    for row in told.result.tables["gap"].filter(pl.col("basis") == "credit").rows(named=True):
        named = rows_of(row["evidence"])
        assert named or not (month[key(row)]["contributed_fen"] or month[key(row)]["credited_fen"]), row
        assert {owner.get(one) for one in named} <= {row["person_id"]}, row


def test_evidence_reproduces_the_amounts(folder: tuple[Tables, Told]) -> None:
    """What a part's rows paid less what they credited is the month's rest: nothing is left to take on trust."""
    tables, told = folder
    paid = {row["row_id"]: row for row in tables["contribution"].rows(named=True)}
    came = {row["row_id"]: row["amount_fen"] for row in tables["flow"].rows(named=True)}
    month = {key(row): row for row in told.result.tables["month"].rows(named=True)}
    for row in told.result.tables["gap"].filter(pl.col("basis") == "credit").rows(named=True):
        named, of_month = rows_of(row["evidence"]), month[key(row)]
        sums = sum(paid[one]["employee_fen"] + paid[one]["employer_fen"]
                   for one in named if one in paid and paid[one]["paid"])
        if row["cause"] != "contribution_missing":  # which names the lines around the month
            assert sums == of_month["contributed_fen"], row
        assert sum(came[one] for one in named if one in came) >= of_month["credited_fen"], row


def rows_of(evidence: str) -> list[str]:
    """The row_ids named in brackets at the end of an evidence."""
    found = re.search(r"\[([^\]]*)\]$", evidence)
    return found[1].split("; ") if found else []


def key(row: Row) -> tuple[object, ...]:
    """The account and month of a row."""
    return row["person_id"], row["region"], row["scheme"], row["accrual_month"]


WORST_FIRST = ("open", "unknown", "pending", "resolved", "explained")


def test_headline_is_the_worst_part(folder: tuple[Tables, Told]) -> None:
    """A month is named by the part with the worst status, of equals the largest; pooled_share and flat_fee never."""
    told = folder[1].result.tables
    shown: dict[tuple[object, ...], list[Row]] = {}
    credit = told["gap"].filter(pl.col("basis") == "credit")
    for row in credit.filter(~pl.col("label").is_in(["pooled_share", "flat_fee"])).rows(named=True):
        shown.setdefault(key(row), []).append(row)
    for month in told["month"].rows(named=True):
        found = shown.get(key(month))
        if not found:
            assert (month["label"], month["status"], month["verdict"]) == ("on_time", "explained", "received")
            continue
        worst = min(WORST_FIRST.index(row["status"]) for row in found)
        size = max(abs(row["amount_fen"]) for row in found if row["status"] == WORST_FIRST[worst])
        assert answer_of(month) in {answer_of(row) for row in found if row["status"] == WORST_FIRST[worst]
                                    and abs(row["amount_fen"]) == size}, month


def test_pooled_is_null_only_where_a_month_is_unknown(folder: tuple[Tables, Told]) -> None:
    """pooled_fen is null where a part is unknown, else what the parts say; of a retiree it is less expected_fen."""
    told = folder[1].result.tables
    unknown = {key(row) for row in told["gap"].filter(status="unknown").rows(named=True)}
    for month in told["month"].rows(named=True):
        assert (month["pooled_fen"] is None) == (key(month) in unknown), month
        if month["person_id"] == THIRD and month["pooled_fen"] is not None:
            assert month["pooled_fen"] == -month["expected_fen"]


def test_links_are_of_the_account_and_of_known_rows(folder: tuple[Tables, Told]) -> None:
    """A link joins rows of one account and gives its lag in months; without a payment it is a retiree's or a surplus."""
    tables, told = folder
    paid = {row["row_id"]: row for row in tables["contribution"].rows(named=True)}
    came = {row["row_id"]: row for row in tables["flow"].rows(named=True)}
    over = told.result.tables["gap"].filter(label="over_credit")
    surplus = {key(row): -row["amount_fen"] for row in over.rows(named=True)}
    for row in told.result.tables["match"].rows(named=True):
        credit, payment = came[row["flow_row_id"]], paid.get(row["contribution_row_id"] or "")
        assert (credit["person_id"], credit["posted_on"]) == (row["person_id"], row["posted_on"])
        assert payment is not None or row["person_id"] == THIRD or surplus.get(key(row), 0) > 0, row
        if payment is not None and row["lag_months"] is not None:
            clock = payment["paid_on"] or payment["accrual_month"]
            months = (row["posted_on"].year - clock.year) * 12 + row["posted_on"].month - clock.month
            assert (payment["accrual_month"], months) == (row["accrual_month"], row["lag_months"])


def test_every_open_part_has_a_desk_and_a_sentence(folder: tuple[Tables, Told]) -> None:
    """What is open, pending or unknown says what it is about; what is open also says whom to ask."""
    gap = folder[1].result.tables["gap"]
    for row in gap.filter(pl.col("status") != "explained").rows(named=True):
        assert not row["evidence"].startswith(" ["), row
        assert row["action"], row
    assert "nobody" not in gap.filter(pl.col("status") == "open")["owner"].to_list()


def test_order_of_rows_changes_nothing(folder: tuple[Tables, Told]) -> None:
    """The same folder with its rows the other way round has the same months, but for the places of the rows."""
    turned = solve(mixed(turn=True)).result.tables["month"]
    assert turned.drop("evidence").equals(folder[1].result.tables["month"].drop("evidence"))


def test_spend_changes_neither_links_nor_months(folder: tuple[Tables, Told]) -> None:
    """Taking all spending away changes neither match nor month."""
    tables, told = folder
    less = mixed(spend=False)
    alone = solve(less, context=context_of(tables))
    for name in ("match", "month"):
        assert alone.result.tables[name].equals(told.result.tables[name])
    one, other = (each.result.tables["gap"].filter(pl.col("basis") == "credit") for each in (alone, told))
    assert one.equals(other)


def test_each_person_alone_gets_the_same_answer(folder: tuple[Tables, Told]) -> None:
    """Sharding by person, with the context of all, changes nobody's answer."""
    tables, told = folder
    context = context_of(tables)
    people = sorted(set(tables["contribution"]["person_id"]) | set(tables["flow"]["person_id"]))
    for shard in (people[::2], people[1::2]):
        mine = {name: frame.filter(pl.col("person_id").is_in(shard) | pl.col("person_id").is_null())
                if "person_id" in frame.columns else frame for name, frame in tables.items()}
        alone = solve(mine, context=context)
        for name in ("match", "month", "gap"):
            of_all = told.result.tables[name].filter(pl.col("person_id").is_in(shard))
            assert alone.result.tables[name].equals(of_all)


@pytest.mark.parametrize("tolerance", [1, 12])
def test_tolerance_never_limits_links(folder: tuple[Tables, Told], tolerance: int) -> None:
    """match is identical for every tolerance; only waiting and missing change places."""
    tables, told = folder
    other = solve(tables, tolerance=tolerance).result.tables
    assert other["match"].equals(told.result.tables["match"])
    changed = other["month"].join(told.result.tables["month"], on=["person_id", "region", "scheme", "accrual_month"])
    moved = changed.filter(pl.col("status") != pl.col("status_right"))
    assert set(moved["label"]) | set(moved["label_right"]) <= {
        "delay", "missing_month", "top_up", "short_credit", "data_incomplete"}


def test_an_arrival_nobody_recorded_is_not_named() -> None:
    """Where the record has no day of arrival, the clock's stand-in is not told as one."""
    told = solve(account([line(f"2024-{month:02}", paid_on=None) for month in range(1, 7)], credits(skip=["2024-03"])))
    part = told.gap("2024-03", "missing_month")
    assert "到账（记录未列）" in part["evidence"]
    assert "2024-03-20" not in part["action"]


@case([line("2024-01", scale=90), line("2024-02", scale=95), *lines("2024-03", 6, skip=["2024-05"]),
       line("2024-05", scale=110, paid=False, paid_on=None), line("2024-05", scale=110, paid=None, paid_on=None, proof="billed")],
      [flow("2024-02-12", DUE * 90 // 100), *credits("2024-03", 6, skip=["2024-05"]), flow("2024-06-12", DUE * 95 // 100)])
def test_a_bill_beside_the_record_that_its_month_is_unpaid_is_the_same_premium(told: Told) -> None:
    """Its sum counts once, and a late credit that stands in its place stays the month's whose very sum it is."""
    assert told.unusual() == {"2024-02": "delay/late/resolved", "2024-05": "missing_month/contribution_unpaid/open"}
    assert told.months()["2024-05"]["expected_fen"] == DUE * 110 // 100


@case([*lines(count=5), *lines("2024-09", 6, employer="另一公司")],
      [*credits(count=4), flow("2024-06-12", DUE - 3000), flow("2024-10-12", 2 * DUE), *credits("2024-10", 5)])
def test_a_credit_with_the_sum_of_a_month_without_a_line_stands_beside_a_short_one(told: Told) -> None:
    """No line is lacking that a month between two employers could be of: the credit stands in it all the same."""
    assert told.unusual() == {"2024-05": "short_credit/open", "2024-08": "data_incomplete/contribution_unseen/unknown"}


@case(lines("2022-01", 8, due=None), [*credits("2022-01", 8, skip=["2022-03", "2022-04", "2022-05"]), flow("2022-06-12", 3 * DUE)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_months_of_unknown_amount_that_came_together_are_not_missing(told: Told) -> None:
    """Nothing came in the places of two of them; what came in the third one's is just what all are likely to be due."""
    assert told.accused() == []
    assert {month: row["credited_fen"] for month, row in told.months().items()} == dict.fromkeys(run_of("2022-01", 8), DUE)


@case(lines("2022-01", 8, due=None), [*credits("2022-01", 8, skip=["2022-03"]), flow("2022-05-20")],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_a_month_of_unknown_amount_that_came_late_beside_the_next_is_not_missing(told: Told) -> None:
    """Two equal credits stand in April's place: one is March's, which has none of its own."""
    assert told.accused() == []
    assert ("2022-03", "2022-05-20", DUE) in told.links() or ("2022-03", "2022-05-12", DUE) in told.links()


@case(lines("2022-01", 8, due=None), [*credits("2022-01", 8, skip=["2022-03"]), flow("2022-05-20", DUE + 700)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_a_month_of_unknown_amount_is_missing_though_something_else_came(told: Told) -> None:
    """What came beside April's is not what March is likely to be due."""
    assert told.accused() == [("2022-03", "missing_month", "credit_missing", DUE)]


@case([*lines(count=8), *lines(count=8, scale=60)],
      [*credits(count=8, amount=DUE * 160 // 100, skip=["2024-04"]), flow("2024-05-12", DUE * 120 // 100)])
def test_one_credit_of_two_payments_of_a_month_may_be_short(told: Told) -> None:
    """More than either payment's and less than both's: the month is short, not one of them too much and one missing."""
    assert told.accused() == [("2024-04", "short_credit", None, DUE * 40 // 100)]


@case([*lines(count=8), *lines(count=8, scale=60)],
      [*credits(count=8, amount=DUE * 160 // 100, skip=["2024-04"]), flow("2024-05-12", DUE)])
def test_one_credit_of_one_of_two_payments_leaves_the_other_missing(told: Told) -> None:
    """It is just the first one's: nothing came of the other."""
    assert told.accused() == [("2024-04", "missing_month", "credit_missing", DUE * 60 // 100)]


@case([*lines("2022-01", 4, due=None, skip=["2022-02"]), line("2022-02", due=None, paid_on="2022-03-05", scale=103)],
      [*credits("2022-01", 4, skip=["2022-02"]), flow("2022-04-12", DUE * 103 // 100)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_of_two_months_of_unknown_amount_each_has_what_it_is_likely_to_be_due(told: Told) -> None:
    """February's premium came with March's, and so did the credits: the sums say whose each is."""
    assert {("2022-02", "2022-04-12", DUE * 103 // 100), ("2022-03", "2022-04-12", DUE)} <= set(told.links())


@case([*lines("2022-01", 4, due=None), *lines("2022-05", 4)],
      [*credits("2022-01", 8, skip=["2022-03"]), flow("2022-07-20")], as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_a_month_of_unknown_amount_that_came_months_late_is_not_missing(told: Told) -> None:
    """Beside June's, whose amount is known, came just what March is likely to be due."""
    assert told.accused() == []
    assert [day[:7] for month, day, _ in told.links() if month == "2022-03"] == ["2022-07"]


@case([*lines("2022-01", 6, due=None), *(line(month, due=None, scale=5, payment_kind="top_up", paid_on="2022-06-25")
                                          for month in run_of("2022-01", 3))],
      [*credits("2022-01", 6), flow("2022-07-20", 2 * DUE * 5 // 100)], as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_top_ups_of_unknown_amount_that_came_together(told: Told) -> None:
    """Two of three came in one credit: it is none of the month's in whose place it came, and only one is missing."""
    assert [(label, amount) for _, label, _, amount in told.accused()] == [("top_up", DUE * 5 // 100)]


@case([line("2022-01", due=None), line("2022-02", due=None, paid_on="2022-03-20", scale=103),
       *lines("2022-03", 4, due=None)],
      [*credits("2022-01", 6, skip=["2022-02", "2022-03"]), flow("2022-04-12", DUE * 203 // 100)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_two_months_of_unknown_amount_paid_together_came_together(told: Told) -> None:
    """The credit in their common place is the sum of what both are likely to be due."""
    assert told.accused() == []
    assert {("2022-02", "2022-04-12", DUE * 103 // 100), ("2022-03", "2022-04-12", DUE)} <= set(told.links())


@case([line("2022-01", due=None, scale=105), line("2022-02", due=None), line("2022-03", due=None, scale=105),
       *lines("2022-04", 4, due=None)],
      [*credits("2022-02", 6, skip=["2022-03"]), flow("2022-05-20", DUE * 105 // 100)],
      as_of="2023-12-31", coverage=[cover(start="2022-03-01")])
def test_a_late_credit_is_the_nearest_months(told: Told) -> None:
    """January, whose place lies before the export, is likely to be due as much as March, which lacks it."""
    assert told.accused() == []
    assert ("2022-03", "2022-05-20", DUE * 105 // 100) in told.links()


@case([line("2022-01", due=None), line("2022-02", due=None, scale=103), line("2022-03", due=None, scale=98),
       *lines("2022-04", 4, due=None)],
      [flow("2022-02-12"), flow("2022-04-12", DUE * 103 // 100), flow("2022-05-20", DUE * 98 // 100), *credits("2022-04", 4)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_two_late_months_of_unknown_amount_in_a_row(told: Told) -> None:
    """In March's place came just what February is likely to be due: March's own came a month later."""
    assert told.accused() == []
    assert {("2022-02", "2022-04-12", DUE * 103 // 100), ("2022-03", "2022-05-20", DUE * 98 // 100)} <= set(told.links())


def _stated_from(month: str, rows: list[Row]) -> list[Row]:
    """The lines, of which only those from ``month`` on state what goes into the account."""
    return [row | ({} if row["accrual_month"][:7] >= month else {"into_account_fen": None}) for row in rows]


@case(_stated_from("2022-04", [*lines("2022-01", 2), line("2022-03", paid_on="2022-04-20", scale=103), *lines("2022-04", 4)]),
      [*credits("2022-01", 7, skip=["2022-03", "2022-04"]), flow("2022-05-12", DUE * 203 // 100)],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_a_month_of_unknown_amount_came_with_one_of_known_amount(told: Told) -> None:
    """Both were paid on one day: the credit is what April is due and March is likely to be."""
    assert told.accused() == []
    assert {("2022-03", "2022-05-12", DUE * 103 // 100), ("2022-04", "2022-05-12", DUE)} <= set(told.links())


@case([*lines("2022-01", 6), *lines("2022-03", 2, due=None, scale=60, employer="另一公司")],
      [*credits("2022-01", 6, skip=["2022-03", "2022-04"]), *(flow(f"{later(month, 1)}-12", DUE * 160 // 100, accrual_month=f"{month}-01") for month in run_of("2022-03", 2))],
      as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_one_credit_of_a_payment_of_known_amount_and_one_of_unknown(told: Told) -> None:
    """Nothing is too much: the second payer's share is what it is likely to be."""
    assert told.accused() == []


@case([*lines("2022-01", 6, due=None), *(line(month, due=None, scale=5, payment_kind="top_up", paid_on="2022-04-25")
                                          for month in run_of("2022-01", 3))],
      [*credits("2022-01", 6), flow("2022-06-20", 3 * DUE * 5 // 100)], as_of="2023-12-31", coverage=[cover(start="2021-01-01")])
def test_top_ups_of_unknown_amount_that_came_together_late(told: Told) -> None:
    """All three in one credit a month after their place."""
    assert told.accused() == []


@case([*lines(count=3), line("2024-04", scale=112, paid_on="2024-05-04"), *lines("2024-05", 4)],
      [*credits(count=3), flow("2024-06-12", DUE - 700), flow("2024-06-12", DUE * 112 // 100 - 700), *credits("2024-06", 3)])
def test_of_two_odd_credits_of_a_month_the_larger_is_the_larger_lines(told: Told) -> None:
    """Either lacks 7.00: it is not one that lacks more and one that has too much."""
    assert {("2024-04", "2024-06-12", DUE * 112 // 100 - 700), ("2024-05", "2024-06-12", DUE - 700)} <= set(told.links())
    assert not [part for part in told.accused() if part[1] == "over_credit"]


UNEQUAL = {month: DUE + 37 * at * at for at, month in enumerate(run_of("2024-01", 9))}
TWICE = {month: due + due * 6 // 10 for month, due in UNEQUAL.items()}
PAID_TWICE = [line(month, due=fen, employee_fen=fen, base_fen=50 * fen)
              for month, due in UNEQUAL.items() for fen in (due, due * 6 // 10)]


def in_one(*others: Row, skip: str = "2024-04") -> list[Row]:
    """Both payments of each month in one credit but those of ``skip``, and ``others``."""
    return [*(flow(f"{later(month, 1)}-12", fen) for month, fen in TWICE.items() if month != skip), *others]


@case([*lines(count=9, skip=["2024-05"]), *lines(count=9, scale=60, skip=["2024-05"]), line("2024-05", scale=160)],
      credits(count=9, skip=["2024-04"], amount=DUE * 160 // 100))
def test_two_payments_credited_in_one_are_missing_once(told: Told) -> None:
    """May was paid in one: leaving April's two open is no dearer than May's one."""
    assert told.accused() == [("2024-04", "missing_month", "credit_missing", DUE * 160 // 100)]


@case(PAID_TWICE, in_one(flow("2024-05-12", 8000)))
def test_one_credit_of_two_payments_is_short_however_little_it_is(told: Told) -> None:
    """Less than either: both came short, none is missing."""
    assert told.accused() == [("2024-04", "short_credit", None, TWICE["2024-04"] - 8000)]


@case(PAID_TWICE, in_one(flow("2024-05-12", TWICE["2024-04"]), flow("2024-05-15", TWICE["2024-04"])))
def test_one_credit_of_two_payments_that_came_twice(told: Told) -> None:
    """It came twice as a whole."""
    assert told.accused() == [("2024-04", "over_credit", "duplicate_credit", -TWICE["2024-04"])]


@case(PAID_TWICE, in_one(flow("2024-06-12", TWICE["2024-04"])))
def test_one_credit_of_two_payments_is_late_as_a_whole(told: Told) -> None:
    """Each payment has its own share of it."""
    assert told.unusual() == {"2024-04": "delay/late/resolved"}
    assert [fen for month, _, fen in told.links() if month == "2024-04"] == [
        UNEQUAL["2024-04"] * 6 // 10, UNEQUAL["2024-04"]]
    assert set(told.table("match")["kind"]) == {"N:1"}


@case(PAID_TWICE, in_one(flow("2024-05-12", UNEQUAL["2024-04"])))
def test_one_of_two_payments_that_are_credited_in_one_may_be_missing(told: Told) -> None:
    """What came is to the fen the first one's."""
    assert told.accused() == [("2024-04", "missing_month", "credit_missing", UNEQUAL["2024-04"] * 6 // 10)]


@case(PAID_TWICE, [flow(f"{later(month, 1)}-12", fen) for month, due in UNEQUAL.items()
                   for fen in (due, due * 6 // 10) if (month, fen) != ("2024-04", due)])
def test_two_payments_credited_apart_are_two(told: Told) -> None:
    """April's first payment was not credited."""
    assert told.accused() == [("2024-04", "missing_month", "credit_missing", UNEQUAL["2024-04"])]
    assert set(told.table("match")["kind"]) == {"1:1"}


HEFEI = "340100"  # nobody says what a retiree gets there


def retiring(*others: Row) -> list[Row]:
    """Credits at work up to May's, 85.00 each month from July on, and ``others``."""
    return [*credits(count=5, region=HEFEI), *others,
            *(flow(f"{month}-20", 8500, region=HEFEI) for month in run_of("2024-07", 6))]


ABOUT_TO = {"as_of": "2024-12-31", "roster": [person(
    region=HEFEI, retired_from="2024-07-01", insured_status="retired", birth_date="1964-06-15")]}


@case(lines(region=HEFEI), retiring(flow("2024-07-12", 10700, region=HEFEI)), **ABOUT_TO)
def test_the_last_month_at_work_is_short_beside_the_first_of_retirement(told: Told) -> None:
    """What July brings a retiree here each month tells: the other credit of July is June's, and lacks 13.00."""
    assert told.accused() == [("2024-06", "short_credit", None, 1300)]
    assert told.months()["2024-07"]["credited_fen"] == 8500


@case(lines(region=HEFEI), retiring(*(flow(f"2024-07-{day}", region=HEFEI) for day in (12, 13))), **ABOUT_TO)
def test_the_last_month_at_work_came_twice_beside_the_first_of_retirement(told: Told) -> None:
    """The retiree's own sum is there: the second one of June's sum is none of July's."""
    assert told.accused() == [("2024-06", "over_credit", "duplicate_credit", -DUE)]
    assert told.months()["2024-07"]["credited_fen"] == 8500


@case(lines(region=HEFEI), retiring(), **ABOUT_TO)
def test_the_last_month_at_work_is_missing_beside_the_first_of_retirement(told: Told) -> None:
    """What came in July is July's."""
    assert told.accused() == [("2024-06", "missing_month", "credit_missing", DUE)]


@case(lines(region=HEFEI), [*credits(region=HEFEI), *(
    flow(f"{month}-20", 8500 + 100 * int(month[5:]), region=HEFEI) for month in run_of("2024-07", 6))], **ABOUT_TO)
def test_retirement_of_unknown_and_changing_sums(told: Told) -> None:
    """Nothing tells what is due: each month has what came in it."""
    assert told.accused() == []
