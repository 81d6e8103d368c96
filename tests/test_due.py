"""When a credit is due: clocks, windows, yearly schedules, retirees (DESIGN section 5)."""

from __future__ import annotations

from core_cases import (
    BEIJING,
    DUE,
    HANGZHOU,
    SHANGHAI,
    SHENZHEN,
    WUHAN,
    Book,
    Row,
    Told,
    account,
    answer_of,
    colleagues,
    cover,
    credits,
    flow,
    later,
    line,
    lines,
    person,
    retiree,
    run_of,
    solve,
    staff,
)

book = Book()
case = book.case
MISSING = "missing_month/credit_missing/open"
UNKNOWN = "policy_unknown/unknown"
YEARS = [cover(start="2019-01-01", end="2026-12-31")]
FULL_YEARS = {"coverage": YEARS}


def due_of(told: Told, month: str) -> tuple[str, str]:
    """due_month and last_month of the one line of a month."""
    (row,) = [row for row in told.table("expected").rows(named=True) if f"{row['accrual_month']:%Y-%m}" == month]
    return f"{row['due_month']:%Y-%m}", f"{row['last_month']:%Y-%m}"


# ----------------------------------------------------------------------------------------------------------- clocks


@case([line("2024-01"), line("2024-02", paid_on="2024-05-03"), line("2024-03", paid_on=None, booked_month="2024-06-01"),
       line("2024-04", paid_on=None)])
def test_the_clock_starts_when_the_premium_arrived(told: Told) -> None:
    """paid_on, else the month of booking, else the accrual month starts the clock; due after 1, last after 3 months."""
    assert [due_of(told, month) for month in run_of("2024-01", 4)] == [
        ("2024-02", "2024-04"), ("2024-06", "2024-08"), ("2024-07", "2024-09"), ("2024-05", "2024-07")]


@case(lines(), credits(count=5), as_of="2024-07-30")
def test_not_yet_due(told: Told) -> None:
    """Until its due month is over a month waits, and no export is asked for."""
    assert told.unusual() == {"2024-06": "delay/not_yet_due/pending"}
    assert told.months()["2024-06"]["verdict"] == "waiting"


@case(lines(), credits(count=5), as_of="2024-07-31")
def test_late(told: Told) -> None:
    """From the last day of the due month on it is late, and waits until the last month is over."""
    assert told.unusual() == {"2024-06": "delay/late/pending"}


@case(lines(), credits(count=5), as_of="2024-09-29")
def test_late_until_the_last_day(told: Told) -> None:
    """One day before the window closes the month still waits."""
    assert told.unusual() == {"2024-06": "delay/late/pending"}


@case(lines(), credits(count=5), as_of="2024-09-30")
def test_missing_when_the_window_closed(told: Told) -> None:
    """On the last day of its last month the month is missing."""
    assert told.unusual() == {"2024-06": MISSING}


@case(lines(), [*credits(count=5), flow("2024-08-12")])
def test_came_late(told: Told) -> None:
    """Credited after its due month, the amount is a resolved delay and not on time."""
    month = told.months()["2024-06"]
    assert told.parts("2024-06") == {"delay/late/resolved": DUE}
    assert (month["credited_fen"], month["credited_on_time_fen"], month["lag_months"]) == (DUE, 0, 2)
    assert month["verdict"] == "received"


@case(lines(count=12), [*credits(count=12, skip=["2024-01"]), flow("2025-01-28")])
def test_a_link_may_reach_twelve_months(told: Told) -> None:
    """A credit twelve months after the premium pays it, long after the window closed."""
    assert told.accused() == []


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-03-12")])
def test_a_credit_before_the_premium_is_no_candidate(told: Told) -> None:
    """What was posted eight days before the premium arrived did not come from it."""
    assert ("2024-03", "missing_month", "credit_missing", DUE) in told.accused()


def test_tolerance_decides_when_a_month_is_missing() -> None:
    """A tolerance of the caller's moves the window of every region; a smaller one never begins before due."""
    tables = account(lines(), credits(count=5))
    assert solve(tables, "2024-08-31", tolerance=2).unusual() == {"2024-06": MISSING}
    assert solve(tables, "2024-08-31", tolerance=6).unusual() == {"2024-06": "delay/late/pending"}
    assert solve(tables, "2024-07-31", tolerance=0).unusual() == {"2024-06": MISSING}


# --------------------------------------------------------------------------------------------------- yearly schedules


def yearly(first: str = "2024-04", count: int = 12, **changes: object) -> list[Row]:
    """Lines of a region that credits once a year: 160.00 each, in all 1920.00."""
    return lines(first, count, region=SHANGHAI, base_fen=800000, employee_fen=16000, employer_fen=72000,
                 **({"into_account_fen": 16000} | changes))


def july(day: str, amount: int) -> Row:
    """A credit in Shanghai."""
    return flow(day, amount, region=SHANGHAI)


WINDOW = run_of("2024-04", 12)


@case(yearly(), [july("2025-07-01", 192000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_in_one_credit(told: Told) -> None:
    """A window's sum in July pays all twelve months in time; a lag means nothing there."""
    assert told.unusual() == {}
    assert {row["lag_months"] for row in told.months().values()} == {None}
    assert set(told.table("match")["kind"]) == {"N:1"}
    assert due_of(told, "2024-04") == due_of(told, "2025-03") == ("2025-07", "2025-08")


@case(yearly(), [july("2024-07-01", 1)], as_of="2025-06-30", **FULL_YEARS)
def test_year_before_its_credit(told: Told) -> None:
    """Before the credit month is over the months of the window wait for the yearly schedule."""
    assert told.answers()["2024-04"] == "delay/annual_schedule/pending"
    assert told.months()["2024-04"]["verdict"] == "waiting"


@case(yearly(), [july("2024-07-01", 50000)], as_of="2025-08-30", **FULL_YEARS)
def test_year_waits_one_month_longer(told: Told) -> None:
    """In the month after the credit month the year is late."""
    assert {told.answers()[month] for month in WINDOW} == {"delay/late/pending"}


@case(yearly(), [july("2024-07-01", 50000)], as_of="2025-08-31", **FULL_YEARS)
def test_year_that_never_came(told: Told) -> None:
    """After the last month all twelve are missing, each with its own sum."""
    assert told.accused() == [(month, "missing_month", "credit_missing", 16000) for month in WINDOW]


@case(yearly(), [july("2025-07-01", 100000), july("2025-07-01", 92000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_in_two_credits(told: Told) -> None:
    """R20: a yearly credit in two parts pays all twelve months."""
    assert told.unusual() == {}
    assert sum(amount for *_, amount in told.links()) == 192000


@case(yearly(), [july("2025-07-01", 180000), july("2025-07-03", 12000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_in_a_large_and_a_small_credit(told: Told) -> None:
    """R20: the same where the second part is less than one month; no month outside the window appears."""
    assert told.unusual() == {}
    assert list(told.answers()) == WINDOW


@case(yearly(), [july("2025-07-01", 202000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_with_a_surplus(told: Told) -> None:
    """R20: what a yearly credit holds beyond the twelve months is a surplus and does not vanish."""
    assert [(label, amount) for _, label, _, amount in told.accused()] == [("over_credit", -10000)]


@case(yearly(), [july("2025-07-01", 176000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_short_of_one_month(told: Told) -> None:
    """A yearly credit that lacks 160.00 leaves exactly that open."""
    assert sum(amount for *_, amount in told.accused()) == 16000


@case(yearly(), [july("2025-07-01", 150000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_short_of_some_months(told: Told) -> None:
    """A yearly credit that lacks 420.00, more than a month, proves that and not which months lack it."""
    assert sum(amount for *_, amount in told.accused()) == 42000
    assert {row["confidence"] for row in told.months().values()} == {"undecided"}
    assert told.months()["2025-03"]["alternatives"] == ";".join(WINDOW[:-1])


@case(yearly(), [july("2025-07-01", 186000)], as_of="2025-10-31", **FULL_YEARS)
def test_year_short_of_a_part(told: Told) -> None:
    """Of one that lacks less than any month the last month is said to be short; nothing proves that it is that one."""
    assert told.accused() == [("2025-03", "short_credit", None, 6000)]
    assert {row["confidence"] for row in told.months().values()} == {"probable"}


@case(yearly("2024-10", 6), [july("2025-07-01", 96000)], as_of="2025-10-31", **FULL_YEARS)
def test_joiner_in_the_window(told: Told) -> None:
    """Somebody who joined inside the window gets the sum of their own months."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {16000}


@case(yearly("2023-07", 12), [july("2024-07-01", 192000)], as_of="2025-06-30", **FULL_YEARS)
def test_other_twelve_months(told: Told) -> None:
    """R22: where other twelve contiguous months sum, they are used, with a warning."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {16000}
    assert "annual-window-differs" in told.codes()


@case(yearly("2021-04", into_account_fen=None), [july("2022-07-01", 240001)], as_of="2022-10-31", **FULL_YEARS)
def test_year_of_unknown_amount(told: Told) -> None:
    """R19: a yearly credit for months whose amount is unknown is shared over all twelve and accuses nobody."""
    assert set(told.answers().values()) == {UNKNOWN}
    assert sum(row["credited_fen"] for row in told.months().values()) == 240001
    assert len(told.links()) == 12


@case(yearly("2022-04", into_account_fen=None), [july("2023-07-01", 192000)], as_of="2023-10-31", **FULL_YEARS)
def test_year_of_the_accepted_amounts(told: Told) -> None:
    """R19: a yearly credit that is to the fen what the other side of a boundary gives is on time."""
    assert told.unusual() == {}
    assert {row["credited_fen"] for row in told.months().values()} == {16000}


@case(yearly(), credits("2024-04", 12, region=SHANGHAI, amount=16000), as_of="2025-10-31", **FULL_YEARS)
def test_steady_monthly_credits_beat_a_weak_yearly_schedule(told: Told) -> None:
    """R21: twelve steady monthly credits of one person say that the region does not credit yearly here."""
    assert told.unusual() == {}
    assert {row["lag_months"] for row in told.months().values()} == {1}


@case(yearly("2024-04", 14), credits("2024-04", 14, skip=["2024-09"], region=SHANGHAI, amount=16000),
      as_of="2025-10-31", **FULL_YEARS)
def test_monthly_credits_with_a_hole_in_a_yearly_region(told: Told) -> None:
    """R34: steady monthly credits in a yearly region, one of them missing, accuse no month that was credited."""
    assert {month for month, *_ in told.accused()} <= {"2024-09"}
    assert sum(amount for *_, amount in told.accused()) <= 16000


@case(yearly("2024-04", 6), credits("2024-04", 6, region=SHANGHAI, amount=16000), as_of="2025-10-31", **FULL_YEARS)
def test_few_monthly_credits_in_a_yearly_region(told: Told) -> None:
    """R34: six are too few to teach a schedule, and still nobody is accused of six months that came."""
    assert told.accused() == []


@case(yearly("2022-04", 24), [july("2023-07-01", 192000), july("2024-07-01", 192000)], as_of="2024-10-31", **FULL_YEARS)
def test_two_years_in_two_credits(told: Told) -> None:
    """Each window takes its own July."""
    assert told.unusual() == {}
    assert {day for month, day, _ in told.links() if month < "2023-04"} == {"2023-07-01"}


def test_a_payers_months_without_credits_say_nothing_of_a_year() -> None:
    """Where a region credits once a year, most months bring nobody anything: none is cheaper to leave open for that."""
    people = colleagues(24)
    paid = [row for one in people for row in yearly("2024-01", 20, person_id=one, payer="A")]
    came = [july(day, 192000) | {"person_id": one} for one in people for day in ("2024-07-01", "2025-07-01")]
    told = solve(account(paid, came, coverage=YEARS), as_of="2025-11-25")
    assert "open" not in set(told.result.tables["month"]["status"])
    links = told.result.tables["match"].rows(named=True)
    assert {f"{row['posted_on']}" for row in links if f"{row['accrual_month']:%Y-%m}" in WINDOW} == {"2025-07-01"}


# ---------------------------------------------------------------------------------------------------------- prepaid


@case(lines("2024-01", 12, region=HANGZHOU, due=9000), [flow("2024-01-10", 108000, region=HANGZHOU)], **FULL_YEARS)
def test_prepaid_year(told: Told) -> None:
    """Where the region pays the year ahead, one January credit pays the twelve months that follow."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {9000}


@case(lines("2024-01", 6, region=HANGZHOU), [flow("2024-01-10", 12 * DUE, region=HANGZHOU)], as_of="2024-12-31",
      **FULL_YEARS)
def test_prepaid_year_of_which_half_is_at_hand(told: Told) -> None:
    """A leaver, or a year still running: the months at hand have had theirs, and the rest is of no month."""
    assert told.unusual() == {}
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case(lines("2024-01", 20, region=HANGZHOU), [flow(f"{year}-01-10", 12 * DUE, region=HANGZHOU) for year in (2024, 2025)],
      as_of="2025-12-31", **FULL_YEARS)
def test_two_prepaid_years_of_which_the_second_is_running(told: Told) -> None:
    """The second January's credit is that of the year that runs, not of the one before, which had its own."""
    assert told.unusual() == {}
    assert {day for month, day, _ in told.links() if month < "2025-01"} == {"2024-01-10"}
    assert {day for month, day, _ in told.links() if month >= "2025-01"} == {"2025-01-10"}


@case(lines("2024-07", 6, region=HANGZHOU), [flow("2024-01-10", 12 * DUE, region=HANGZHOU)], as_of="2025-06-30",
      **FULL_YEARS)
def test_prepaid_year_within_which_the_record_begins(told: Told) -> None:
    """January paid for the months at hand, too, when those before them are not."""
    assert told.unusual() == {}
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case(lines("2023-07", 8, region=HANGZHOU) + lines("2024-03", 18, region=HANGZHOU, scale=105),
      [flow("2024-01-10", 12 * DUE, region=HANGZHOU), flow("2025-01-10", 12 * DUE * 105 // 100, region=HANGZHOU)],
      as_of="2025-12-31", **FULL_YEARS)
def test_a_running_year_that_twelve_lines_up_to_now_add_up_to(told: Told) -> None:
    """A raise leaves twelve lines of one sum up to the newest: January's credit is still that of its own year."""
    assert {day for month, day, _ in told.links() if month >= "2025-01"} == {"2025-01-10"}
    assert {day for month, day, _ in told.links() if "2024-01" <= month <= "2024-12"} == {"2024-01-10"}


@case(lines("2023-09", 16, region=HANGZHOU), [flow("2024-01-10", 12 * DUE, region=HANGZHOU)], as_of="2025-06-30",
      coverage=[cover(start="2023-06-01")])
def test_a_year_in_advance_before_the_export_begins(told: Told) -> None:
    """Who is paid the year in January had the months before the first one's credit before the export: nothing is missing."""
    assert told.unusual() == dict.fromkeys(run_of("2023-09", 4), "data_incomplete/before_export/unknown")


@case(lines("2024-01", 6, region=HANGZHOU), [flow("2024-01-10", 12 * DUE + 1, region=HANGZHOU)], as_of="2024-12-31",
      **FULL_YEARS)
def test_another_sum_is_no_prepaid_year(told: Told) -> None:
    """One fen more is not twelve months."""
    assert told.months()["2024-01"]["credited_fen"] == 0


AHEAD = flow("2024-01-10", 12 * DUE, region=HANGZHOU)


@case(lines("2024-01", 12, region=HANGZHOU, due=None), [AHEAD], as_of="2025-02-28", **FULL_YEARS)
def test_prepaid_year_whose_rule_is_not_known_throughout(told: Told) -> None:
    """Until 2024-03 only an estimate stands: twelve of it are the year all the same."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case([*lines("2024-01", 6, region=HANGZHOU, due=None), *lines("2024-07", 6, region=HANGZHOU, due=None, scale=120)],
      [AHEAD, flow("2025-01-10", 12 * 14400, region=HANGZHOU)], as_of="2025-02-28", **FULL_YEARS)
def test_prepaid_year_with_a_new_base(told: Told) -> None:
    """On the old base all year; what the new one adds is settled later, and the next year's is no month's."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}
    assert told.answers()["2024-08"] == "delay/late/pending"


@case(lines("2024-01", 6, region=HANGZHOU, due=None), [AHEAD, flow("2024-08-05", -6 * DUE, "reversal", region=HANGZHOU)],
      as_of="2025-02-28", **FULL_YEARS)
def test_what_a_leaver_gives_back_of_a_prepaid_year(told: Told) -> None:
    """Half of it is taken back: the months that were paid for have theirs."""
    assert told.accused() == []
    assert {row["credited_fen"] for row in told.months().values()} == {DUE}


@case(lines("2024-01", 12, region=HANGZHOU), credits("2024-01", 12, region=HANGZHOU), **FULL_YEARS)
def test_monthly_where_prepaid_is_possible(told: Told) -> None:
    """The same region may credit month by month."""
    assert told.unusual() == {}


@case(lines("2024-01", 6, region=HANGZHOU), credits("2024-01", 6, region=HANGZHOU, lag=0), **FULL_YEARS)
def test_prepaid_month(told: Told) -> None:
    """Where the region pays ahead, a credit may be posted days before its premium arrived."""
    assert told.unusual() == {}
    assert {row["lag_months"] for row in told.months().values()} == {0}


# --------------------------------------------------------------------------------------------------------- retirees


# Some records list a retiree's months, for which nothing is paid.
NOTHING_PAID = lines("2024-07", 6, region=BEIJING, insured_status="retired", base_fen=0, employee_fen=0, employer_fen=0,
                     due=None)


@case([*lines("2024-01", 6, region=BEIJING), *NOTHING_PAID],
      [*credits("2024-01", 6, region=BEIJING), *credits("2024-07", 6, region=BEIJING, lag=0, amount=9700)],
      roster=[person(region=BEIJING, birth_date="1964-06-10")])
def test_lines_of_a_retiree_for_whom_nothing_is_paid(told: Told) -> None:
    """They get the retiree's sum within the month itself; none of it is too much for the month before."""
    assert told.unusual() == {}
    assert {row["expected_fen"] for month, row in told.months().items() if month > "2024-06"} == {9700}


def pension(first: str, count: int, skip: tuple[str, ...] = (), amount: int = 9700, region: str = BEIJING) -> list[Row]:
    """A retiree's credits, on the 5th of each month."""
    return [flow(f"{month}-05", amount, region=region) for month in run_of(first, count) if month not in skip]


OLD = retiree(region=BEIJING)  # turns 70 in 2025


@case((), pension("2024-01", 12), roster=[OLD], coverage=[cover(start="2024-01-01")], as_of="2024-12-31")
def test_retiree_without_contributions(told: Told) -> None:
    """A retiree has one row per covered month, due in the month itself, paid by the pool."""
    assert told.unusual() == {}
    months = told.months()
    assert list(months) == run_of("2024-01", 12)
    assert {(row["contributed_fen"], row["expected_fen"], row["pooled_fen"], row["lag_months"])
            for row in months.values()} == {(0, 9700, -9700, 0)}
    assert set(told.table("match")["contribution_row_id"]) == {None}


@case((), pension("2024-01", 12, ("2024-03",)), roster=[OLD], coverage=[cover(start="2024-01-01")],
      as_of="2024-12-31")
def test_retiree_with_a_hole(told: Told) -> None:
    """A retiree's month without a credit is missing, and no sentence or action speaks of a premium that arrived."""
    assert told.unusual() == {"2024-03": MISSING}
    row = told.gap("2024-03", "missing_month")
    assert row["amount_fen"] == 9700
    assert "到账2024" not in row["evidence"]
    assert "到账日2024" not in row["action"]


@case([line(month, region=BEIJING, paid_on=f"{later(month, 1)}-10") for month in run_of("2023-10", 3)],
      [*credits("2023-09", 4, lag=2, region=BEIJING), *pension("2024-01", 12)],
      roster=[retiree(region=BEIJING, retired_from="2024-01-01")], as_of="2024-12-31")
def test_the_credit_before_the_first_line_of_who_then_retired(told: Told) -> None:
    """Months of retirement say nothing of when credits came before: the first is of a month before all lines."""
    assert told.unusual() == {}
    assert min(told.months()) == "2023-10"


@case(lines("2023-10", 3, region=BEIJING), [*credits("2023-10", 2, region=BEIJING), flow("2024-01-03", region=BEIJING), *pension("2024-01", 6)], roster=[retiree(region=BEIJING, retired_from=None)], as_of="2024-06-30")
def test_retiree_without_a_date_of_retirement(told: Told) -> None:
    """Without retired_from the retiree's months begin after the last contribution line."""
    assert told.unusual() == {}
    assert {month: row["pooled_fen"] < 0 for month, row in told.months().items()} == {
        month: month >= "2024-01" for month in run_of("2023-10", 9)}


@case((), pension("2024-04", 3), roster=[OLD], coverage=(), as_of="2024-06-30")
def test_retiree_from_the_first_covered_month(told: Told) -> None:
    """Nothing is said of a retiree's months before the export begins."""
    assert list(told.answers()) == ["2024-04", "2024-05", "2024-06"]


@case((), [*pension("2024-01", 2), flow("2024-03-05", 19400, region=BEIJING), *pension("2024-05", 2)],
      roster=[OLD], coverage=[cover(start="2024-01-01")], as_of="2024-06-30")
def test_retiree_credited_a_month_ahead_is_no_match(told: Told) -> None:
    """A retiree's credit cannot pay a month that has not begun."""
    assert ("2024-04", "missing_month") in [part[:2] for part in told.accused()]


@case((), [*pension("2024-01", 2), flow("2024-04-05", 19400, region=BEIJING), *pension("2024-05", 2)],
      roster=[OLD], coverage=[cover(start="2024-01-01")], as_of="2024-06-30")
def test_retiree_credited_two_months_at_once(told: Told) -> None:
    """Two months in one credit: the first is late, nothing is open."""
    assert told.unusual() == {"2024-03": "delay/late/resolved"}


@case((), [flow("2024-07-01", 168000, region=SHANGHAI)], roster=[retiree(region=SHANGHAI)], as_of="2024-12-31")
def test_retiree_of_a_yearly_region(told: Told) -> None:
    """R11: a retiree who is credited once a year is not accused month by month with 0.00."""
    assert told.accused() == []
    assert answer_of(told.months()["2024-05"]) in (UNKNOWN, "delay/annual_schedule/pending", "on_time/explained")


@case((), pension("2024-01", 3, amount=25130, region=SHENZHEN),
      roster=[retiree(region=SHENZHEN)], coverage=[cover(start="2024-01-01")], as_of="2024-12-31")
def test_retiree_of_unknown_tier(told: Told) -> None:
    """R11: a retiree whose tier, and so whose account and amount, is unknown is accused of nothing."""
    assert told.accused() == []


@case((), [row | {"region": None} for row in pension("2024-01", 3)], roster=[retiree(region=None)],
      coverage=[cover(start="2024-01-01")], as_of="2024-03-31")
def test_retiree_without_a_region(told: Told) -> None:
    """R14: a retiree whose files name no region still has a row for each covered month."""
    assert list(told.answers()) == ["2024-01", "2024-02", "2024-03"]
    assert told.accused() == []


@case((), [flow("2024-01-05", 8304), flow("2024-02-05", 8260), flow("2024-03-05", 8350), flow("2024-04-05", 8351)],
      roster=[retiree()], coverage=[cover(start="2024-01-01")], as_of="2024-04-30")
def test_whole_yuan_amounts(told: Told) -> None:
    """A sum known in whole yuan only (83) matches within half a yuan, and the credited sum becomes the expected."""
    assert told.unusual().keys() == {"2024-04"}
    assert told.months()["2024-02"]["expected_fen"] == 8260


@case((), pension("2024-01", 3), roster=[retiree(region=WUHAN)])
def test_retiree_credited_in_another_region(told: Told) -> None:
    """A retiree of one region with credits in another: the home account has no export and is accused of nothing."""
    assert told.accused() == []




def test_back_pay_of_the_same_sum_in_a_cohort_of_two_months_lag() -> None:
    """It comes when all others' does, and no month is late because back pay took its credit.

    Three people hired in April, paid back for January to March in June: all came in August, two of the three did, or
    all came by the schedule, a month after the premium.
    """
    people = colleagues(25)
    mine = [*lines("2024-04", 9), *(line(month, paid_on="2024-06-15", payment_kind="back_pay")
                                    for month in run_of("2024-01", 3))]
    own = credits("2024-04", 9, lag=2)
    theirs = dict(zip(people, ([flow("2024-08-12")] * 3, [flow("2024-08-12")] * 2, [flow("2024-07-12")] * 3),
                      strict=False))
    paid, came = staff(people[3:], "2024-01", 12, lag=2)
    told = solve(account([*paid, *(row | {"person_id": one} for one in theirs for row in mine)],
                         [*came, *(row | {"person_id": one} for one, back in theirs.items() for row in [*own, *back])]))
    whole, lacking, soon = (told.of(one) for one in theirs)
    assert whole.unusual() == soon.unusual() == {}
    assert {month: day for month, day, _ in whole.links()} == {
        **dict.fromkeys(run_of("2024-01", 3), "2024-08-12"),
        **{month: f"{later(month, 2)}-12" for month in run_of("2024-04", 9)}}
    assert list(lacking.unusual()) == ["2024-01"]
    assert {soon.months()[month]["lag_months"] for month in run_of("2024-01", 3)} == {1}
