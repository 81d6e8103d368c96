"""What must be known beyond one person: coverage, learned lags, cohorts, the as-of date (DESIGN section 5)."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core_cases import (
    AS_OF,
    BEIJING,
    CHONGQING,
    DUE,
    ME,
    OTHER,
    PLAIN,
    WUHAN,
    Book,
    Told,
    account,
    colleagues,
    context_of,
    cover,
    credits,
    flow,
    later,
    line,
    lines,
    person,
    policy,
    refund,
    retiree,
    run_of,
    solve,
    staff,
)
from recon.core.context import newest_date
from recon.core.reconcile import reconcile

book = Book()
case = book.case
MISSING = "missing_month/credit_missing/open"
TAIL, AFTER, BEFORE = (f"data_incomplete/{cause}/unknown" for cause in ("tail_open", "after_export", "before_export"))


# ---------------------------------------------------------------------------------------------------------- coverage


@case(lines(), credits(count=4), coverage=())
def test_end_known_from_lines_only(told: Told) -> None:
    """A hole at the end of an export whose date is unknown is data_incomplete, and asks for a dated page."""
    assert told.unusual() == {"2024-05": TAIL, "2024-06": TAIL}
    assert told.gap("2024-05", "data_incomplete")["owner"] == "file_owner"
    assert told.gap("2024-05", "data_incomplete")["estimated_fen"] == DUE


@case(lines(), credits(skip=["2024-03"]), coverage=())
def test_a_later_credit_covers_a_hole(told: Told) -> None:
    """A hole with a later credit of the same account is covered, whoever dated the export."""
    assert told.unusual() == {"2024-03": MISSING}


@case(lines(), credits(count=4), coverage=[cover(end="2024-09-30")])
def test_declared_to_the_end_of_the_window(told: Told) -> None:
    """Cover to the end of last_month lets a month be missing."""
    assert told.unusual() == {"2024-05": MISSING, "2024-06": MISSING}


@case(lines(), credits(count=4), coverage=[cover(start=None, end=None, exported_on="2024-09-29", basis="exported")])
def test_exported_a_day_too_early(told: Told) -> None:
    """Stated dates count to the day: exported on the last but one day of its last month, June cannot be judged."""
    assert told.unusual() == {"2024-05": MISSING, "2024-06": AFTER}


@case(lines(), credits(count=4), coverage=[cover(start=None, end=None, exported_on="2024-06-15", basis="exported")])
def test_exported_inside_the_due_month(told: Told) -> None:
    """A month is covered when all of its due month is."""
    assert told.unusual() == {"2024-05": AFTER, "2024-06": AFTER}


@case(lines(), credits("2024-03", 4), coverage=[cover(start="2024-03-15")])
def test_export_that_starts_late(told: Told) -> None:
    """Months whose due month begins before the cover are before_export and ask for an earlier one."""
    assert told.unusual() == {"2024-01": BEFORE, "2024-02": BEFORE}
    assert told.months()["2024-01"]["verdict"] == "cannot_tell"


@case(lines(), [*credits(count=2), flow("2024-12-12", 1, "interest", file="more.csv")],
      coverage=[cover(end="2024-03-31"), cover("more.csv", start="2024-09-01", end="2024-12-31")])
def test_a_gap_between_two_exports(told: Told) -> None:
    """Between two exports nothing is covered."""
    assert told.unusual() == dict.fromkeys(run_of("2024-03", 4), AFTER)


@case(lines(), [*credits(count=2), flow("2024-12-12", 1, "interest", file="more.csv")],
      coverage=[cover(end="2024-03-31"), cover("more.csv", start="2024-04-01", end="2024-12-31")])
def test_adjoining_exports_are_united(told: Told) -> None:
    """The files of one account are united: one ends where the next begins."""
    assert told.unusual() == dict.fromkeys(run_of("2024-03", 4), MISSING)


@case([*lines(), *lines(person_id=OTHER)], [*credits(), *credits(count=1, person_id=OTHER)], coverage=())
def test_a_file_covers_all_its_people(told: Told) -> None:
    """Without a statement a file covers first to last line over all persons in it."""
    assert told.unusual() == {}
    assert told.of(OTHER).unusual() == dict.fromkeys(run_of("2024-02", 3), MISSING) | dict.fromkeys(
        run_of("2024-05", 2), TAIL)


@case([*lines(), *lines(count=3, person_id=OTHER)], credits(),
      coverage=[cover(), cover(start="2024-01-01", end="2024-12-31", person_id=OTHER)])
def test_a_statement_about_a_person_needs_no_region(told: Told) -> None:
    """R09: a coverage row for a person without a region speaks of every account of that person."""
    assert told.of(OTHER).unusual() == dict.fromkeys(run_of("2024-01", 3), MISSING)


@case([*lines(), *lines(count=3, person_id=OTHER)], credits(),
      coverage=[cover(), cover(start="2024-01-01", end="2024-12-31", person_id=OTHER, region=WUHAN)])
def test_a_statement_about_a_person_and_a_region(told: Told) -> None:
    """R09: the same with the region named."""
    assert told.of(OTHER).unusual() == dict.fromkeys(run_of("2024-01", 3), MISSING)


@case([*lines(), *lines(count=3, person_id=OTHER)], credits())
def test_nobodys_export_covers_a_colleague(told: Told) -> None:
    """A file without a line of a person says nothing of that person."""
    assert set(told.of(OTHER).answers().values()) == {"data_incomplete/no_account_export/unknown"}


@case(lines(), [row | {"region": BEIJING} for row in credits()])
def test_an_export_of_another_region_covers_nothing(told: Told) -> None:
    """An account is a person in a region: another region's export is no export of this one."""
    assert set(told.answers(WUHAN).values()) == {"data_incomplete/no_account_export/unknown"}


# -------------------------------------------------------------------------------------------------------- as-of date


def test_newest_date_of_accepted_rows() -> None:
    """The default as-of date is the newest posted, arrived or export date that is not in the future."""
    tables = account([line("2024-01"), line("2024-02", paid_on="2024-08-20")], credits(count=1),
                     coverage=[cover(end=None, exported_on="2024-07-01", basis="exported")])
    assert newest_date(tables, date(2030, 1, 1)) == date(2024, 8, 20)
    assert newest_date(tables, date(2024, 8, 19)) == date(2024, 7, 1)


def test_birth_retirement_and_bills_never_move_it() -> None:
    """A retirement date, a birth date, a declared end or next month's bill is no sign that time has passed."""
    tables = account([line("2024-01"), line("2024-09", proof="billed", paid=None, paid_on=None)], credits(count=1),
                     roster=[retiree(retired_from="2025-05-01", birth_date="2026-01-01")])
    assert newest_date(tables, date(2030, 1, 1)) == date(2024, 2, 12)


def test_the_figures_of_a_year_are_no_day_of_reading() -> None:
    """A yearly ledger taken in September states the running year, too; a balance read on a day moves the as-of date."""
    def tables(*kinds: str) -> dict[str, pl.DataFrame]:
        reading = [{"person_id": "A", "kind": kind, "read_on": date(2024, 12, 31)} for kind in kinds]
        return {"reading": pl.DataFrame(reading), "coverage": pl.DataFrame({"exported_on": [date(2024, 9, 25)]})}

    assert newest_date(tables("ledger", "year_credited"), date(2025, 6, 1)) == date(2024, 9, 25)
    assert newest_date(tables("ledger"), date(2025, 6, 1)) == date(2024, 12, 31)


def test_without_a_date_the_newest_finished_month() -> None:
    """Where no row carries a date, the newest accrual month that is over counts; without one there is none."""
    tables = account(lines(paid_on=None))
    assert newest_date(tables, date(2024, 4, 15)) == date(2024, 3, 31)
    assert newest_date(account(), date(2024, 4, 15)) is None


def test_two_as_of_dates_do_not_mix() -> None:
    """A context of one day never answers for another."""
    tables = account(lines(), credits())
    with pytest.raises(ValueError, match="as_of"):
        reconcile(tables, policy(), date(2024, 1, 1), context_of(tables, AS_OF))


# ------------------------------------------------------------------------------------------------------- usual lags


def test_twenty_people_teach_a_lag() -> None:
    """Twenty people with a steady lag of two months correct a weak schedule: on time, and said."""
    people = colleagues(20)
    tables = account(*staff(people, lag=2))
    told = solve(tables)
    assert set(told.result.tables["month"]["label"]) == {"on_time"}
    assert set(told.result.tables["month"]["lag_months"]) == {2}
    assert [note for note in context_of(tables).notes if "20人" in note and "2个月" in note]


def test_a_learned_lag_serves_everybody() -> None:
    """What twenty people teach is used for one more, whose own hole is then a hole."""
    people = [ME, *colleagues(20)]
    told = solve(account(*staff(people, lag=2, missing={ME: ["2024-03"]})))
    assert told.unusual() == {"2024-03": MISSING}


def test_five_people_teach_nothing() -> None:
    """Five people with a lag of two months are late."""
    people = colleagues(5)
    told = solve(account(*staff(people, lag=2))).of(people[0])
    assert set(told.answers().values()) == {"delay/late/resolved"}


def test_five_people_show_where_credits_are_looked_for() -> None:
    """They do not move what is due, but a credit two months later is a month's own: nothing is missing, all are late."""
    people = [ME, *colleagues(5)]
    months = run_of("2024-04", 10)
    paid = [line(month, person_id=one, region=BEIJING, scale=(100 if month < "2024-07" else 103) + number,
                 paid_on=f"{later(month, 1)}-15") for number, one in enumerate(people) for month in months]
    paid = [row | {"paid": False, "paid_on": None} if (row["person_id"], row["accrual_month"]) == (ME, "2024-07-01")
            else row for row in paid]
    came = [flow(f"{later(month, 3)}-21", 120 * ((100 if month < "2024-07" else 103) + number), person_id=one,
                 region=BEIJING) for number, one in enumerate(people) for month in months[:8]
            if (one, month) != (ME, "2024-07")]
    told = solve(account(paid, came, coverage=[cover(start="2024-07-01", end="2025-02-28")]), as_of="2025-02-28")
    late = "delay/late/resolved"
    assert told.unusual() == dict.fromkeys([*months[:3], *months[4:8]], late) | {
        "2024-07": "missing_month/contribution_unpaid/open", "2024-12": "delay/late/pending",
        "2025-01": "delay/not_yet_due/pending"}


def test_a_stated_schedule_is_not_corrected() -> None:
    """Twenty people do not overrule a schedule that is well known."""
    people = colleagues(20)
    told = solve(account(*staff(people, "2023-01", lag=2, region=BEIJING))).of(people[0])
    assert set(told.answers().values()) == {"delay/late/resolved"}


def test_a_lag_that_most_people_show_is_learned() -> None:
    """With much amiss in the records, most of those that speak for one lag alone are enough; those of one amount fit
    others as well."""
    people = colleagues(40)
    varied, plain, other = people[:24], people[24:34], people[34:]
    paid, came = staff(plain, lag=2)
    came += [row for one in plain for row in credits("2023-11", 2, person_id=one, lag=2)]
    sooner = staff(other, lag=1)
    for one in varied:
        paid += [line(month, person_id=one, scale=100 + at) for at, month in enumerate(run_of("2024-01", 10))]
        came += [flow(f"{later(month, 2)}-12", 120 * (100 + at), person_id=one)
                 for at, month in enumerate(run_of("2024-01", 10)) if at != 4]
    told = solve(account(paid + sooner[0], came + sooner[1]))
    assert told.of(varied[0]).unusual() == {"2024-05": MISSING}
    assert told.of(plain[0]).unusual() == told.of(other[0]).unusual() == {}


def test_one_sum_throughout_takes_the_lag_that_colleagues_show() -> None:
    """Lines before and after the export fit the region's own lag and a shorter one alike: neither is one's own."""
    people = colleagues(36)
    months = run_of("2023-06", 20)
    scale = {month: 100 + at for at, month in enumerate(months)}
    paid = [line(month, person_id=one, scale=scale[month]) for one in people for month in months]
    came = [flow(f"{later(month, number // 30)}-25", 120 * scale[month], person_id=one)
            for number, one in enumerate(people) for month in months]
    mine = [flow(f"{month}-25") for month in months[2:17]]
    tables = account([*paid, *lines("2023-06", 20)], [*came, *(row | {"file": "mine.csv"} for row in mine)],
                     coverage=[cover(), cover("mine.csv", "2023-08-01", "2024-10-31")])
    told = solve(tables, as_of="2025-03-31")
    assert told.links()[0] == ("2023-08", "2023-08-25", DUE)
    assert told.answers()["2023-07"] == "data_incomplete/before_export/unknown"


def test_people_of_one_sum_throughout_teach_the_lag_that_leaves_nothing_alone() -> None:
    """One sum fits any lag; what the export covers before the first credit and after the last line tells them apart."""
    people = colleagues(25)
    missing = {one: [later("2023-08", at)] for at, one in enumerate(people[:12])}
    paid, came = staff(people, "2023-06", 20, lag=2, missing=missing, region=CHONGQING)
    came = [row for row in came if row["posted_on"] < "2025-03"]
    for coverage in (cover("flow.csv", "2023-06-01", "2025-02-28"), cover("flow.csv", "2023-06-01", "2025-12-31")):
        told = solve(account(paid, came, coverage=[coverage]), as_of="2025-02-28")
        assert [told.of(one).accused() for one in people] == [
            [(month, "missing_month", "credit_missing", DUE) for month in missing.get(one, [])] for one in people]
        assert set(told.of(people[-1]).answers().values()) == {PLAIN, "delay/not_yet_due/pending"}
    short = [[row for row in rows if row.get("accrual_month", row.get("posted_on")) >= start] for rows, start in (
        (paid, "2024-06"), (came, "2024-08"))]
    told = solve(account(*short, coverage=[cover("flow.csv", "2024-06-01", "2025-02-28")]), as_of="2025-02-28")
    assert told.of(people[-1]).accused() == []
    few = [[row for row in rows if row["person_id"] in people[21:]] for rows in (paid, came)]
    told = solve(account(*few, coverage=[cover("flow.csv", "2023-06-01", "2025-02-28")]), as_of="2025-02-28")
    assert told.of(people[-1]).unusual() == {"2023-06": MISSING}  # of four people each may lack the first month


def test_ten_people_of_one_sum_with_a_year_each_need_not_all_agree() -> None:
    """Of twelve with more than a year each, ten show a lag by their ends; that two show another hides it no longer."""
    people = colleagues(12)
    paid, came = staff(people[:10], "2023-06", 20, lag=2, region=CHONGQING)
    more, soon = staff(people[10:], "2023-06", 20, lag=0, region=CHONGQING)
    came = [row for row in [*came, *soon] if row["posted_on"] < "2025-03"]
    told = solve(account([*paid, *more], came, coverage=[cover("flow.csv", "2023-06-01", "2025-02-28")]),
                 as_of="2025-02-28")
    assert [told.of(one).accused() for one in people[:10]] == [[]] * 10
    few = [[row for row in rows if row["person_id"] in people[2:]] for rows in ([*paid, *more], came)]
    told = solve(account(*few, coverage=[cover("flow.csv", "2023-06-01", "2025-02-28")]), as_of="2025-02-28")
    assert told.of(people[2]).unusual() == {"2023-06": MISSING}  # eight of ten are too few


def test_people_of_one_sum_whose_export_ends_early_have_the_lag_of_their_own_records() -> None:
    """Where the records end, one sum fits a longer lag as well; what the export covers says which it is."""
    here, there = colleagues(25), [one.replace("42000", "42010") for one in colleagues(8)]
    paid, came = staff(here, "2023-06", 20, lag=0, paid_on=None, region=CHONGQING)
    more, soon = staff(there, "2024-03", 11, lag=0, paid_on=None, region=CHONGQING, employer="乙公司")
    soon = [row | {"file": "there.csv"} for row in soon if row["posted_on"] < "2024-10"]
    tables = account([*paid, *more], [*came, *soon], coverage=[
        cover("flow.csv", "2023-05-01", "2025-02-28"), cover("there.csv", "2023-05-01", "2024-09-27")])
    told = solve(tables, as_of="2025-02-28")
    assert told.of(here[0]).unusual() == {}
    assert told.of(there[0]).answers()["2024-09"] == PLAIN
    assert set(list(told.of(there[0]).answers().values())[-4:]) == {"data_incomplete/after_export/unknown"}


def test_a_record_of_one_sum_that_ends_early_shows_no_shorter_lag() -> None:
    """The export of a payer's people ends early: by the schedule one line more has a place outside, which says nothing."""
    here, there = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)]
    paid, came = staff(here, "2023-06", 20, lag=2, region=CHONGQING)
    more, soon = staff(there, "2023-06", 20, lag=2, region=CHONGQING, employer="乙公司")
    came, soon = ([row | {"file": name} for row in rows if row["posted_on"] < end] for rows, name, end in (
        (came, "here.csv", "2025-03"), (soon, "there.csv", "2024-10")))
    tables = account([*paid, *more], [*came, *soon], coverage=[
        cover("here.csv", "2023-05-01", "2025-02-28"), cover("there.csv", "2023-05-01", "2024-09-30")])
    told = solve(tables, as_of="2025-02-28")
    for one in (here[0], there[0]):
        assert told.of(one).accused() == []
        assert told.of(one).answers()["2023-06"] == PLAIN
    assert told.of(there[0]).answers()["2024-08"] == "data_incomplete/after_export/unknown"


def test_what_lies_behind_the_export_makes_no_record_one_of_several_sums() -> None:
    """A new base after the export's end tells nothing of its lag; what was seen is of one sum."""
    here, there = colleagues(25), [one.replace("42000", "42010") for one in colleagues(8)]
    scale = {one: 100 + at for at, one in enumerate(here)}
    months = run_of("2023-10", 14)
    paid = [line(month, person_id=one, region=CHONGQING, scale=scale[one] + at)
            for one in here for at, month in enumerate(months)]
    came = [flow(f"{later(month, 2)}-12", 120 * (scale[one] + at), person_id=one, region=CHONGQING, file="here.csv")
            for one in here for at, month in enumerate(months) if later(month, 2) < "2025-01"]
    paid += [line(month, person_id=one, region=CHONGQING, employer="乙公司", scale=100 if month < "2024-10" else 110)
             for one in there for month in months]
    came += [flow(f"{later(month, 2)}-12", person_id=one, region=CHONGQING, file="there.csv")
             for one in there for month in months if later(month, 2) < "2024-10"]
    tables = account(paid, came, coverage=[
        cover("here.csv", "2023-08-01", "2024-12-31"), cover("there.csv", "2023-08-01", "2024-09-27")])
    told = solve(tables, as_of="2024-12-31")
    assert told.of(here[0]).accused() == told.of(there[0]).accused() == []
    assert told.of(there[0]).answers()["2024-08"] == "data_incomplete/after_export/unknown"


def test_months_of_an_unknown_sum_count_where_the_ends_of_a_record_tell_its_lag() -> None:
    """What an export does not state before a rule is known came all the same: such credits are nobody's else."""
    people = colleagues(25)
    paid, came = staff(people, "2023-09", 18, lag=2, region="140200", due=None)
    came = [row for row in came if row["posted_on"] < "2025-03"]
    told = solve(account(paid, came, coverage=[cover("flow.csv", "2023-09-01", "2025-02-28")]), as_of="2025-02-28")
    answers = told.of(people[0]).answers()
    assert answers["2023-12"] == "policy_unknown/unknown"
    assert answers["2024-06"] == PLAIN
    assert told.of(people[0]).links()[-1][:2] == ("2024-12", "2025-02-12")
    assert told.of(people[0]).accused() == []


def test_a_deduction_hides_no_lag() -> None:
    """Twenty people whose credits are all the same sum less than due teach a lag as well as others."""
    people = colleagues(20)
    paid, came = staff(people, count=8, lag=2)
    told = solve(account(paid, [row | {"amount_fen": DUE - 500} for row in came])).of(people[0])
    assert set(told.answers().values()) == {"account_deduction/explained"}


def test_ten_of_twenty_people_must_tell_one_lag_from_the_others() -> None:
    """Those whose one amount fits another lag as well count among the twenty, where ten more show one lag alone."""
    varied, plain = colleagues(22)[:12], colleagues(22)[12:]
    paid, came = staff(plain, lag=2)
    came += [row for one in plain for row in credits("2023-11", 2, person_id=one, lag=2)]
    for one in varied:
        paid += [line(month, person_id=one, scale=100 + at) for at, month in enumerate(run_of("2024-01", 6))]
        came += [flow(f"{later(month, 2)}-12", 120 * (100 + at), person_id=one)
                 for at, month in enumerate(run_of("2024-01", 6))]
    assert solve(account(paid, came)).of(varied[0]).unusual() == {}
    few = [row for row in paid if row["person_id"] not in varied[5:]], [
        row for row in came if row["person_id"] not in varied[5:]]
    assert set(solve(account(*few)).of(varied[0]).answers().values()) == {"delay/late/resolved"}


def test_where_several_lags_are_common_a_record_has_the_one_most_of_its_lines_fit() -> None:
    """Of a payer's people some are credited after one month, some after two: a lone hole does not hide whose is whose."""
    people = colleagues(24)
    soon, late = people[:12], people[12:]
    paid, came = staff(soon, count=14)
    more, after = staff(late, count=14, lag=2, missing={late[0]: ["2024-08"]})
    told = solve(account(paid + more, came + after))
    assert told.of(soon[0]).unusual() == told.of(late[1]).unusual() == {}
    assert told.of(late[0]).unusual() == {"2024-08": MISSING}
    # Among people who all are credited after one month the same record speaks of one late month more or less.
    paid, came = staff(people[:-1], count=14)
    more, after = staff(people[-1:], count=14, lag=2, missing={people[-1]: ["2024-08"]})
    assert solve(account(paid + more, came + after)).of(people[-1]).unusual() != {"2024-08": MISSING}


def test_a_payer_that_pays_later_has_a_lag_of_its_own() -> None:
    """Where exports do not say when premiums arrived, the people of a payer that pays a month later tell it."""
    here, there = [*colleagues(20)], ["PSN:乙" + str(at) for at in range(6)]
    paid, came = staff(here, count=13, paid_on=None)
    more, later_on = staff(there, count=13, lag=2, paid_on=None, employer="乙公司", missing={there[0]: ["2024-05"]})
    tables = account(paid + more, came + later_on)
    told = solve(tables)
    assert told.of(here[0]).unusual() == told.of(there[1]).unusual() == {}
    assert told.of(there[0]).unusual() == {"2024-05": MISSING}
    assert [note for note in context_of(tables).notes if "乙公司" in note and "2个月" in note]


@pytest.mark.parametrize("flat", [False, True])
def test_twenty_people_of_a_payer_teach_its_lag_in_less_than_a_year(*, flat: bool) -> None:
    """They are a cohort of their own, as a region's people are, though others there are credited sooner."""
    here, there = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)]
    months = run_of("2024-01", 9)
    rows = [(one, lag, employer, month, 100 if flat else 100 + at)
            for people, lag, employer in ((here, 1, "甲公司"), (there, 2, "乙公司"))
            for one in people for at, month in enumerate(months)]
    paid = [line(month, person_id=one, employer=employer, region=CHONGQING, paid_on=None, scale=scale)
            for one, _, employer, month, scale in rows]
    came = [flow(f"{later(month, lag)}-12", 120 * scale, person_id=one, region=CHONGQING)
            for one, lag, _, month, scale in rows if (one, month) != (there[0], "2024-05")]
    told = solve(account(paid, came, coverage=[cover("flow.csv", "2023-12-01", "2024-12-31")]), as_of="2024-12-31")
    assert told.of(here[0]).unusual() == told.of(there[1]).unusual() == {}
    assert told.of(there[0]).unusual() == {"2024-05": MISSING}


def test_a_payer_whose_people_fit_the_usual_lag_keeps_it_though_others_are_credited_sooner() -> None:
    """Their record fits both; that they pay later the export does not say."""
    here, there = colleagues(25), ["PSN:乙" + str(at) for at in range(6)]
    months = run_of("2024-01", 8)
    paid = [line(month, person_id=one, scale=100 + at, paid_on=f"{month}-02")
            for one in here for at, month in enumerate(months)]
    came = [flow(f"{month}-12", 120 * (100 + at), person_id=one) for one in here for at, month in enumerate(months)]
    more, later_on = staff(there, count=8, paid_on=None, employer="乙公司", missing={there[0]: ["2024-05"]})
    tables = account(paid + more, came + later_on)
    told = solve(tables)
    assert told.of(here[0]).unusual() == told.of(there[1]).unusual() == {}
    assert told.of(there[0]).unusual() == {"2024-05": MISSING}


def test_a_payer_whose_premiums_name_their_arrival_has_the_shorter_lag_that_others_teach() -> None:
    """That it pays later is out of the question; its people's record, of one sum and without ends, fits both."""
    here, there = colleagues(25), ["PSN:乙" + str(at) for at in range(6)]
    months = run_of("2024-01", 12)
    paid = [line(month, person_id=one, scale=100 + at, paid_on=f"{month}-02")
            for one in here for at, month in enumerate(months)]
    came = [flow(f"{month}-12", 120 * (100 + at), person_id=one) for one in here for at, month in enumerate(months)]
    paid += [line(month, person_id=one, paid_on=f"{month}-02", employer="乙公司") for one in there for month in months]
    came += [flow(f"{month}-12", person_id=one, file="there.csv") for one in there for month in months[3:9]]
    told = solve(account(paid, came, coverage=[
        cover("flow.csv", "2023-12-01", "2024-12-31"), cover("there.csv", "2024-04-01", "2024-09-20")]),
        as_of="2024-12-31")
    assert told.of(here[0]).unusual() == {}
    answers = told.of(there[0]).answers()
    assert answers["2024-03"] == "data_incomplete/before_export/unknown"
    assert answers["2024-09"] == PLAIN


def test_a_well_known_schedule_counts_from_an_arrival() -> None:
    """Where nobody says when premiums arrived, a schedule that is well known counts from a month that is not: what
    twenty people show is used."""
    people = colleagues(20)
    told = solve(account(*staff(people, "2023-01", lag=2, region=BEIJING, paid_on=None)))
    assert told.of(people[0]).unusual() == {}


def test_a_learned_lag_finds_the_hole_under_a_known_schedule() -> None:
    """Under a schedule that stands, credits that take longer are late, and the hole is where it is."""
    people, months = [ME, *colleagues(20)], run_of("2023-01", 8)
    paid = [line(month, person_id=one, region=BEIJING, scale=110 if at > 4 else 100)
            for one in people for at, month in enumerate(months)]
    came = [flow(f"{later(month, 2)}-12", 13200 if at > 4 else DUE, person_id=one, region=BEIJING)
            for one in people for at, month in enumerate(months) if (one, at) != (ME, 2)]
    came += credits("2022-12", 2, person_id=ME, region=BEIJING)
    told = solve(account(paid, came))
    assert told.unusual() == dict.fromkeys(months, "delay/late/resolved") | {"2023-03": MISSING}


@case([line(month, scale=100 + at) for at, month in enumerate(run_of("2024-01", 15))],
      [flow(f"{later(month, 2)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-01", 15)) if at != 6])
def test_far_more_months_of_one_person_teach_a_lag(told: Told) -> None:
    """A record with something amiss teaches that person's lag where far more lines fit it than any other."""
    assert told.unusual() == {"2024-07": MISSING}


@case(lines(count=12), credits(count=12, lag=2))
def test_twelve_months_of_one_person_teach_a_lag(told: Told) -> None:
    """Twelve clean months of one person are enough for that person."""
    assert told.unusual() == {}


@case([*lines(count=8), *lines("2024-09", 6, scale=110),
       *(line(month, scale=10, payment_kind="top_up", paid_on="2024-09-20") for month in ("2024-07", "2024-08"))],
      [*credits(count=8, lag=2), *credits("2024-09", 6, amount=13200, lag=2), flow("2024-11-11", 2400)])
def test_the_credit_of_top_ups_hides_no_lag(told: Told) -> None:
    """What came for top-ups is no month's credit: fourteen clean months teach the lag all the same."""
    assert told.unusual() == {}


@case([line(month, paid_on=f"{month}-05") for month in run_of("2024-01", 14)], credits("2023-12", 14),
      coverage=[cover(start="2024-01-01", end="2025-02-28")])
def test_the_ends_of_the_records_teach_no_shorter_lag(told: Told) -> None:
    """Lines and credits of the same months, of one sum: the first credit is an older month's, the last is not due yet.

    As in a record of six months (conformance 19); in one of a year and more, too.
    """
    assert told.unusual() == {"2025-02": "data_incomplete/after_export/unknown"}
    assert told.links()[0] == ("2024-01", "2024-02-12", DUE)


@case([line(month, paid_on=f"{month}-05") for month in run_of("2024-01", 14)],
      [flow(f"{later(month, 1)}-12", accrual_month=f"{month}-01") for month in run_of("2023-12", 14)],
      coverage=[cover(start="2024-01-01", end="2025-12-31")])
def test_printed_months_tell_the_lag(told: Told) -> None:
    """Credits that print the month before theirs teach no lag of none, though the sums of the same months agree."""
    assert told.unusual() == {"2025-02": "delay/late/pending"}


@case([line(month, paid_on=f"{month}-05") for month in run_of("2024-01", 14)], credits("2023-12", 14))
def test_a_shorter_lag_is_learned_where_nothing_came_after(told: Told) -> None:
    """Where the export goes on and nothing more came, the credits are those of the same months."""
    assert told.unusual() == {}


@case([line(month, paid_on=f"{month}-05", region=BEIJING, scale=100 + at)
       for at, month in enumerate(run_of("2024-01", 15))],
      [flow(f"{month}-12", 120 * (100 + at), region=BEIJING) for at, month in enumerate(run_of("2024-01", 15)) if at > 1],
      coverage=[cover(start="2024-03-01")])
def test_a_month_whose_credit_came_before_the_export_by_the_learned_lag_is_not_missing(told: Told) -> None:
    """Every credit comes in the month of arrival: those of the months before the export cannot be seen."""
    assert told.unusual() == {"2024-01": BEFORE, "2024-02": BEFORE}


@case(lines(count=11), credits(count=11, lag=2))
def test_eleven_months_teach_nothing(told: Told) -> None:
    """Eleven are not."""
    assert set(told.answers().values()) == {"delay/late/resolved"}


def test_a_regions_lag_changes_for_all() -> None:
    """Where a whole region is credited a month later from some month on, nothing is open, and a hole stays a hole."""
    people = [ME, *colleagues(24)]
    paid, came = staff(people, count=6, missing={ME: ["2024-03"]})
    more, later_on = staff(people, "2024-07", 6, lag=2)
    told = solve(account(paid + more, came + later_on))
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE)]
    assert told.result.tables["gap"].filter(status="open").height == 1


def test_what_would_come_after_the_export_by_the_changed_lag_is_not_lacking() -> None:
    """A month late after the lag became longer is late: the last month, whose credit nobody can have seen, lacks none."""
    people = [ME, *colleagues(24)]
    paid, came = staff(people, count=6, region="440100", missing={ME: ["2024-06"]})
    more, later_on = staff(people, "2024-07", 6, lag=2, region="440100")
    late = flow("2024-09-14", region="440100")
    seen = [row for row in [*came, *later_on, late] if row["posted_on"] < "2025-02"]
    told = solve(account([*paid, *more], seen, coverage=[cover(start="2024-01-01", end="2025-01-31")])).of(ME)
    assert told.accused() == []
    assert ("2024-06", "2024-09-12", DUE) in told.links()


def _two_payers(first: int, second: int, count: int = 25) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """``count`` of one payer whose lag becomes another after six months of 2024, and 25 of another with a lag of 1."""
    mine, others = colleagues(count), [one.replace("42000", "42010") for one in colleagues(25)]
    paid, came = staff(mine, count=6, lag=first, employer="甲公司")
    more, later_on = staff(mine, "2024-07", 8, lag=second, employer="甲公司")
    steady = staff(others, count=14, employer="乙公司")
    return [*paid, *more, *steady[0]], [*came, *later_on, *steady[1]]


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_payers_lag_changes_for_all_its_people(first: int, second: int) -> None:
    """Where one payer's people are credited a month later or sooner from some month on, nothing is open or too much."""
    paid, came = _two_payers(first, second)
    hole = next(row for row in came if (row["person_id"], row["posted_on"]) == (colleagues(1)[0], "2024-11-12"))
    came.remove(hole)
    told = solve(account(paid, came))
    assert told.of(colleagues(1)[0]).accused() == [(later("2024-11", -second), "missing_month", "credit_missing", DUE)]
    assert told.result.tables["gap"].filter(status="open").height == 1
    assert told.of("PSN:4201000001").unusual() == {}


def test_a_payers_lag_changes_when_some_of_its_people_have_left() -> None:
    """Ten people in the middle of the year, a late run in June; from December on the credits of the eight come sooner."""
    paid, came = [], []
    for number, one in enumerate(colleagues(10)):
        for at, month in enumerate(run_of("2024-04", 8) if number < 2 else run_of("2024-01", 20)):
            lag = 1 + (month == "2024-05") - (month >= "2024-12")
            paid.append(line(month, person_id=one, person_name=f"测试{number}", paid_on=None,
                             booked_month=f"{month}-01", scale=100 + 7 * at % 30 + number, payer="P1"))
            came.append(flow(f"{later(month, lag)}-{12 + (lag == 2)}", 120 * (100 + 7 * at % 30 + number), person_id=one))
    told = solve(account(paid, came))
    assert [told.of(one).unusual() for one in colleagues(10)] == [{"2024-05": "delay/late/resolved"}] * 10


@pytest.mark.parametrize("count", [5, 12])
@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_small_payers_lag_changes_for_all_its_people(first: int, second: int, count: int) -> None:
    """Five people are enough to show that all of their payer are credited later or sooner from some month on."""
    paid, came = _two_payers(first, second, count)
    mine = colleagues(1)[0]
    came.remove(next(row for row in came if (row["person_id"], row["posted_on"]) == (mine, "2024-11-12")))
    told = solve(account(paid, came))
    assert told.of(mine).accused() == [(later("2024-11", -second), "missing_month", "credit_missing", DUE)]
    assert told.result.tables["gap"].filter(status="open").height == 1
    assert context_of(account(paid, came)).shift.filter(pl.col("shift") != 0)["payer"].unique().to_list() == ["甲公司"]


def test_back_pay_may_keep_to_the_schedule_where_the_learned_lag_is_longer() -> None:
    """Three months paid afterwards and credited a month later are these three, though all else takes two months."""
    people = colleagues(24)
    paid, came = staff(people, "2024-01", 13, lag=2)
    months = run_of("2024-11", 3)
    mine = [*lines("2024-01", 10), *(line(month, payment_kind="back_pay", paid_on="2025-02-05") for month in months)]
    own = [*credits("2024-01", 10, lag=2), flow("2025-03-12", 3 * DUE)]
    told = solve(account([*paid, *mine], [*came, *own])).of(ME)
    assert told.accused() == []
    assert [link[0] for link in told.links()[-3:]] == months


def test_a_refunds_share_is_taken_where_the_payers_changed_lag_put_its_month() -> None:
    """After a payer's lag became two months a partly refunded month's credit is the one that came two months later."""
    paid, came = _two_payers(1, 2)
    mine = colleagues(1)[0]
    paid.append(refund("2024-10", "2024-11-20", scale=20) | {"person_id": mine, "employer": "甲公司"})
    came.append(flow("2025-02-13", -2400, "reversal", person_id=mine))
    told = solve(account(paid, came)).of(mine)
    assert told.unusual() == {}
    assert told.months()["2024-10"]["credited_fen"] == 9600


def test_a_late_run_leaves_the_lag_around_it_as_it_is() -> None:
    """After a payer's lag became two months, one run comes later still: what came before it at two is on time, too."""
    people, others = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)]
    months = run_of("2024-01", 16)
    lag = [1 if at < 5 else 3 if at == 10 else 2 for at in range(len(months))]
    paid = [line(month, person_id=one, paid_on=None, employer="甲公司" if one in people else "乙公司", scale=100 + at)
            for one in [*people, *others] for at, month in enumerate(months)]
    came = [flow(f"{later(month, lag[at] if one in people else 1)}-12", 120 * (100 + at), person_id=one)
            for one in [*people, *others] for at, month in enumerate(months)]
    told = solve(account(paid, came), as_of="2025-09-30").of(people[0])
    assert told.unusual() == {"2024-11": "delay/late/resolved"}


def test_a_late_run_made_good_in_the_last_month_of_the_export_turns_no_lag() -> None:
    """One run comes late for all, with the next, just before most exports end: who goes on has no longer lag after it."""
    people, months = colleagues(14), run_of("2024-01", 14)
    paid = [line(month, person_id=one, paid_on=None, region=CHONGQING) for one in people for month in months]
    came = [flow(f"{later(month, 2 if month == '2024-08' else 1)}-{11 if month == '2024-08' else 12}", person_id=one,
                 region=CHONGQING, file="flow.csv" if one in people[:11] else "more.csv")
            for one in people for month in months if one not in people[:11] or month < "2024-10"]
    told = solve(account(paid, came, coverage=[
        cover(start="2024-02-01", end="2024-10-31"), cover("more.csv", start="2024-02-01", end="2025-03-31")]),
        as_of="2025-03-31")
    assert told.of(people[13]).unusual() == {"2024-08": "delay/late/resolved"}


def test_the_late_run_of_a_regions_largest_payer_is_not_that_of_another() -> None:
    """One payer's people make the region's course; another's, of another lag, got theirs in time, less a premium."""
    many, few, months = colleagues(60), [one.replace("42000", "42010") for one in colleagues(14)], run_of("2024-01", 14)
    paid = [line(month, person_id=one, region=CHONGQING, employer="甲公司" if one in many else "乙公司")
            for one in [*many, *few] for month in months]
    came = [flow(f"{later(month, 3 if month in ('2024-05', '2024-06') else 2)}-12", person_id=one, region=CHONGQING)
            for one in many for month in months]
    came += [flow(f"{later(month, 1)}-12", DUE - 1500 * (month == "2024-06"), person_id=one, region=CHONGQING)
             for one in few for month in months]
    told = solve(account(paid, came, coverage=[cover(start="2024-01-01", end="2025-06-30")]), as_of="2025-06-30")
    assert set(told.of(many[0]).unusual()) == {"2024-05", "2024-06"}
    assert told.of(few[0]).unusual() == {"2024-06": "account_deduction/explained"}


def test_credits_of_months_before_the_lists_say_nothing_of_a_lag() -> None:
    """Both files begin in January: its credit may be December's. One sum throughout and a lag grown since: typical first."""
    people, months = colleagues(12), run_of("2023-12", 16)
    paid = [line(month, person_id=one, paid_on=None, region=CHONGQING) for one in people for month in months[1:]]
    came = [flow(f"{later(month, 1 if month < '2024-08' else 2)}-12", person_id=one, region=CHONGQING)
            for one in people for month in months[:-2]]
    told = solve(account(paid, came, coverage=[cover(start="2024-01-01", end="2025-03-31")]), as_of="2025-03-31")
    assert told.of(people[0]).links()[0][:2] == ("2024-01", "2024-02-12")


def test_a_late_run_after_a_payers_lag_became_shorter_is_late() -> None:
    """What is due counts from the lag that lasts around the run, not from the one that the payer began with."""
    paid, came = _two_payers(2, 1)
    mine = colleagues(25)
    came = [row | {"posted_on": "2025-01-11"} if row["person_id"] in mine and row["posted_on"] == "2024-12-12" else row
            for row in came]
    told = solve(account(paid, came)).of(mine[0])
    assert told.unusual()["2024-11"] == "delay/late/resolved"
    assert "2024-12" not in told.unusual()


def test_a_payers_late_run_leaves_its_lag_steady() -> None:
    """Two months missing in a row are no other lag of one person's before them, though all colleagues had a late run."""
    people, months = colleagues(25), run_of("2024-01", 16)
    paid = [line(month, person_id=one, paid_on=None, region=CHONGQING,
                 scale=110 if month >= "2024-09" else 100) for one in people for month in months[2:]]
    came = [flow(f"{later(month, 3 if month == '2024-11' else 2)}-{11 if month == '2024-11' else 12}",
                 DUE * (110 if month >= "2024-09" else 100) // 100, person_id=one, region=CHONGQING)
            for one in people for month in months if one != people[0] or month not in ("2024-05", "2024-06")]
    others = staff([one.replace("42000", "42010") for one in colleagues(25)], "2024-03", 12, region=CHONGQING, employer="乙公司")
    told = solve(account([*paid, *others[0]], [*came, *others[1]], coverage=[cover(start="2024-03-01", end="2025-06-30")]), as_of="2025-06-30")
    assert told.of(people[0]).unusual() == {
        "2024-05": MISSING, "2024-06": MISSING, "2024-11": "delay/late/resolved"}


def test_two_months_together_are_two_though_one_was_as_much_before() -> None:
    """After a reform halved the credits two of them came as one, of the old sum: the delay is taken back then."""
    people, months = colleagues(12), run_of("2022-01", 18)
    paid = [line(month, person_id=one, paid_on=None, region=CHONGQING, due=DUE * (2 if month < "2022-09" else 1))
            for one in people for month in months]
    came = [flow(f"{later(month, 1)}-12", DUE * (2 if month < "2022-09" or month == "2022-10" else 1), person_id=one,
                 region=CHONGQING)
            for one in people for month in months if month != "2022-09"]
    told = solve(account(paid, came, coverage=[cover(start="2022-02-01", end="2023-07-31")]), as_of="2023-07-31")
    assert told.of(people[0]).unusual() == {"2022-09": "delay/late/resolved"}
    assert context_of(account(paid, came)).shift.filter(pl.col("shift") != 0)["arrival"].to_list() == [2022 * 12 + 8]


def test_each_of_two_payers_has_its_own_lag_in_one_account() -> None:
    """June is paid by two payers, whose credits come one and two months after: both are June's."""
    mine, others = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)]
    paid, came = staff(mine, count=14, lag=2, employer="甲公司")
    more, soon = staff(others, count=14, employer="乙公司")
    paid += [*more, line("2024-06", person_id=mine[0], person_name="测试0001", employer="乙公司")]
    told = solve(account(paid, [*came, *soon, flow("2024-07-13", person_id=mine[0])])).of(mine[0])
    assert told.unusual() == {}
    assert [link for link in told.links() if link[0] == "2024-06"] == [
        ("2024-06", "2024-07-13", DUE), ("2024-06", "2024-08-12", DUE)]


def test_a_month_that_a_payers_people_never_got_changes_no_lag() -> None:
    """A payer's people lack one month and have a later run late: the lag that the rest shows was theirs throughout."""
    people, others = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)]
    months = run_of("2024-01", 16)
    due = {month: DUE if month < "2024-04" else 12600 for month in months}
    paid = [line(month, person_id=one, employer=employer, scale=due[month] // 120)
            for employer, mine in (("甲公司", people), ("乙公司", others)) for one in mine for month in months]
    posted = {month: later(month, 3 if month == "2024-10" else 2) for month in months if month != "2024-05"}
    came = [flow(f"{at}-12", due[month], person_id=one) for one in people for month, at in posted.items()]
    before = [flow(f"2024-{month:02d}-12", person_id=one) for one in people for month in (1, 2)]
    came += [flow(f"{later(month, 2)}-12", due[month], person_id=one) for one in others for month in months]
    told = solve(account(paid, [*before, *came]), as_of="2025-07-31")
    assert told.of(people[0]).unusual() == {"2024-05": MISSING, "2024-10": "delay/late/resolved"}


def test_a_run_that_came_as_one_credit_with_the_next_takes_its_delay_back() -> None:
    """Two months in one sum for all of a payer's people are two months."""
    paid, came = _two_payers(1, 1)
    mine = {f"PSN:42000{number:05d}" for number in range(1, 26)}
    came = [row | {"amount_fen": 2 * DUE} if row["person_id"] in mine and row["posted_on"] == "2024-08-12" else row
            for row in came if not (row["person_id"] in mine and row["posted_on"] == "2024-07-12")]
    context = context_of(account(paid, came))
    assert context.shift.filter(pl.col("shift") != 0).select("payer", "arrival", "lasts").rows() == [
        ("甲公司", 2024 * 12 + 5, False)]


def test_a_regions_course_is_no_lag_of_ones_own() -> None:
    """After a region's lag became longer, the longer part of a record is neither its payer's own lag nor its person's."""
    groups = {"甲公司": colleagues(25), "乙公司": [one.replace("42000", "42010") for one in colleagues(8)]}
    months = run_of("2023-08", 20)
    scale = [100 if at < 6 else 100 + at for at in range(len(months))]
    paid = [line(month, person_id=one, employer=employer, scale=scale[at])
            for employer, people in groups.items() for one in people for at, month in enumerate(months)]
    came = [flow(f"{later(month, 1 if at < 6 else 2)}-12", 120 * scale[at], person_id=one)
            for people in groups.values() for one in people for at, month in enumerate(months)]
    told = solve(account(paid, came), as_of="2025-06-30")
    for people in groups.values():
        assert told.of(people[0]).unusual() == {}
        assert told.of(people[0]).links()[0] == ("2023-08", "2023-09-12", DUE)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("lag", [1, 2])
def test_who_keeps_a_lag_of_the_regions_course_takes_no_part_in_it(lag: int, *, flat: bool) -> None:
    """Where most of a region's people are credited a month later from some month on, another payer's lag stays its own."""
    many, few = colleagues(25), [one.replace("42000", "42010") for one in colleagues(8)]
    months = run_of("2023-08", 20)
    scale = [100 if flat else 100 + at for at in range(len(months))]
    paid = [line(month, person_id=one, employer="甲公司" if one in many else "乙公司", scale=scale[at])
            for one in [*many, *few] for at, month in enumerate(months)]
    came = [flow(f"{later(month, lag if one in few else 1 if at < 6 else 2)}-12", 120 * scale[at], person_id=one)
            for one in [*many, *few] for at, month in enumerate(months)]
    told = solve(account(paid, came), as_of="2025-06-30")
    assert told.of(many[0]).unusual() == {}
    assert told.of(few[0]).unusual() == {}
    assert told.of(few[0]).links()[0] == ("2023-08", f"{later('2023-08', lag)}-12", DUE)


def test_a_payers_run_comes_late_for_all_its_people() -> None:
    """A run that came late for one payer only is seen, though the region's other people had theirs."""
    paid, came = _two_payers(1, 1)
    mine = {f"PSN:42000{number:05d}" for number in range(1, 26)}
    came = [row | {"posted_on": "2024-08-20"} if row["person_id"] in mine and row["posted_on"] == "2024-07-12" else row
            for row in came]
    assert context_of(account(paid, came)).shift.filter(pl.col("shift") != 0).select("payer", "shift").rows() == [
        ("甲公司", 1)]


def test_a_top_up_for_all_is_no_second_month() -> None:
    """A small credit beside everybody's own takes back no delay: the lag of a region that became longer stays so."""
    people = colleagues(25)
    paid, came = staff(people, count=6)
    more, later_on = staff(people, "2024-07", 8, lag=2)
    extra = [flow("2024-12-13", 2400, person_id=one) for one in people]
    shift = context_of(account([*paid, *more], [*came, *later_on, *extra])).shift
    assert shift.filter(pl.col("shift") == 0)["arrival"].max() == 2024 * 12 + 5


def test_premiums_that_a_payer_paid_late_turn_no_lag() -> None:
    """Two months' premiums that arrived together, and a month in which none did, delay nothing and take nothing back.

    Later nobody gets one month, and then the lag becomes shorter: that month is missing, not a late run of all.
    """
    people = colleagues(20)
    months = run_of("2024-08", 20)
    scale = {month: 100 if month < "2025-07" else 109 for month in months}
    arrives = {month: "2025-03" if month == "2024-12" else later(month, 1) for month in months}
    paid = [line(month, person_id=one, region=CHONGQING, payer="P1", paid_on=None, booked_month=f"{arrives[month]}-01",
                 scale=scale[month] + number) for number, one in enumerate(people) for month in months]
    came = [flow(f"{later(arrives[month], 1 if month < '2025-07' else 0)}-{20 + (month > '2025-01')}",
                 120 * (scale[month] + number), person_id=one, region=CHONGQING)
            for number, one in enumerate(people) for month in months if month != "2025-05"]
    told = solve(account(paid, came, coverage=[cover(start="2024-08-01", end="2026-06-30")]), as_of="2026-07-01").of(people[0])
    assert told.unusual() == {"2024-12": "on_time/paid_late/explained", "2025-05": MISSING}


def test_two_premiums_that_arrived_together_are_two_months_of_one_lag() -> None:
    """A payer pays July with September for all its seven people, whose export begins late: the lag is one throughout."""
    people = colleagues(7)
    months = run_of("2023-09", 21)
    arrives = {month: "2024-09" if month == "2024-07" else month for month in months}
    paid = [line(month, person_id=one, region=BEIJING, payer="P1", paid_on=None, booked_month=f"{arrives[month]}-01",
                 scale=70 + 10 * number) for number, one in enumerate(people) for month in months]
    came = [flow(f"{later(arrives[month], 1)}-15", 120 * (70 + 10 * number), person_id=one, region=BEIJING)
            for number, one in enumerate(people) for month in months[3:]]
    told = solve(account(paid, came, coverage=[cover(start="2024-01-01", end="2025-06-30")]), as_of="2025-06-30")
    for one in people:
        assert told.of(one).unusual() == dict.fromkeys(months[:3], BEFORE) | {"2024-07": "on_time/paid_late/explained"}


def test_a_month_that_few_people_lack_is_no_longer_lag() -> None:
    """Seven people of one payer lack one month, and one sum comes to the end: that hardly shows that all came later."""
    people, months = colleagues(7), run_of("2023-04", 23)
    paid = [line(month, person_id=one, region="440100", payer="P1", paid_on=None, booked_month=f"{month}-01",
                 scale=70 + 10 * number) for number, one in enumerate(people) for month in months]
    came = [flow(f"{later(month, 1)}-06", 120 * (70 + 10 * number), person_id=one, region="440100")
            for number, one in enumerate(people) for month in months if month != "2023-09"]
    told = solve(account(paid, came, coverage=[cover(start="2023-05-01", end="2025-03-07")]), as_of="2025-03-07")
    assert [told.of(one).unusual() for one in people] == [{"2023-09": MISSING}] * 7


def test_a_hole_stays_a_hole_among_steady_colleagues() -> None:
    """Where five colleagues show one constant lag, credits past the last contribution do not shift a hole away."""
    people = [ME, *colleagues(5)]
    paid, came = staff(people, missing={ME: ["2024-03"]})
    told = solve(account(paid, came + credits("2024-07", 2)))
    assert told.unusual() == {"2024-03": MISSING}


def test_a_hole_stays_a_hole_though_all_exports_go_on() -> None:
    """The same where everybody's export goes on past the last contribution line, as it does at any employer."""
    people = [ME, *colleagues(5)]
    paid, came = staff(people, missing={ME: ["2024-03"]})
    for one in people:
        came += credits("2024-07", 2, person_id=one)
    told = solve(account(paid, came))
    assert told.of(people[1]).unusual() == {}
    assert told.unusual() == {"2024-03": MISSING}


def test_people_do_not_change_each_other() -> None:
    """In one context, an employer's other people change nobody's answer."""
    people = [ME, *colleagues(6)]
    paid, came = staff(people, missing={ME: ["2024-03"], people[2]: ["2024-05"]})
    tables = account(paid, came, roster=[person()])
    mine = account([row for row in paid if row["person_id"] == ME], [row for row in came if row["person_id"] == ME],
                   roster=[person()])
    alone, among = solve(mine, context=context_of(tables)), solve(tables)
    assert alone.answers() == among.answers()
    assert [row["evidence"] for row in alone.months().values()] == [row["evidence"] for row in among.months().values()]


def test_one_amount_and_a_late_month_are_no_lag_of_ones_own() -> None:
    """With one amount throughout, a record whose last month was late fits no lag at all as well as the common one."""
    people = colleagues(25)
    paid, came = staff(people, count=13, missing={ME: ["2025-01"]})
    mine = lines(count=13)
    own = [*credits(count=12), flow("2025-03-12")]
    told = solve(account([*paid, *mine], [*came, *own])).of(ME)
    assert told.unusual() == {"2025-01": "delay/late/resolved"}


def test_a_late_run_is_seen_through_other_trouble() -> None:
    """Where every fifth colleague has something of their own in the month, the run is still late for all."""
    people = colleagues(40)
    paid, came = staff(people, count=12, missing={one: ["2024-07"] for one in people})
    late = [flow("2024-09-20", person_id=one) for one in people]
    extras = [flow("2024-08-20", 777, person_id=one) for one in people[:8]]
    told = solve(account(paid, [*came, *late, *extras]))
    assert set(told.of(people[-1]).unusual().values()) == {"delay/late/resolved"}
    shift = context_of(account(paid, [*came, *late, *extras])).shift
    assert shift.filter(pl.col("shift") != 0).height == 1


def test_whom_a_late_run_spared_is_not_early() -> None:
    """A lump that holds the month whose run came late for all, and came in time itself, stays one lump."""
    people = colleagues(40)
    paid, came = staff(people, count=12, missing={one: ["2024-07"] for one in people})
    late = [flow("2024-09-20", person_id=one) for one in people]
    mine = lines(count=12)
    own = [*credits(count=12, skip=["2024-03", "2024-04", "2024-05", "2024-06", "2024-07"]),
           flow("2024-04-12", DUE * 8 // 10), flow("2024-08-12", 4 * DUE)]
    told = solve(account([*paid, *mine], [*came, *late, *own])).of(ME)
    assert told.unusual() == {"2024-03": "short_credit/open", **dict.fromkeys(run_of("2024-04", 3), "delay/late/resolved")}


def test_a_surplus_beside_a_late_run_belongs_to_the_month_that_usually_comes_then() -> None:
    """Where a late run came in the next month's place, a credit too many there is that month's, not the late one's."""
    people = colleagues(30)
    paid, came = staff(people, count=12, missing={one: ["2024-07"] for one in people})
    late = [flow("2024-09-20", person_id=one) for one in people]
    told = solve(account(paid, [*came, *late, flow("2024-09-21", 777, person_id=people[0])])).of(people[0])
    assert told.unusual() == {"2024-07": "delay/late/resolved", "2024-08": "over_credit/unknown_extra/open"}


def test_a_lump_of_months_that_a_late_run_spared_is_late_once() -> None:
    """Two months late for all in a lump that came sooner: not two things out of the ordinary, and no older month's lump."""
    people = colleagues(40)
    paid, came = staff(people, count=14, missing={one: ["2024-07", "2024-08"] for one in people})
    late = [flow(f"2024-10-{day}", person_id=one) for one in people for day in (18, 20)]
    mine = lines(count=14)
    own = [*credits(count=14, skip=run_of("2024-04", 5)), flow("2024-09-12", 4 * DUE)]
    told = solve(account([*paid, *mine], [*came, *late, *own])).of(ME)
    assert told.unusual() == {"2024-04": MISSING, **dict.fromkeys(run_of("2024-05", 3), "delay/late/resolved")}


def test_no_month_is_missing_where_an_equal_sum_came_too_much_later() -> None:
    """One month late beyond a run that was late for all: not one that is missing and, months later, one that came twice."""
    people = colleagues(40)
    paid, came = staff(people, count=14, missing={one: ["2024-07"] for one in people})
    late = [flow("2024-09-20", person_id=one) for one in people]
    own = [*credits(count=14, skip=["2024-03", "2024-05", "2024-07"]), flow("2024-07-13"), flow("2024-09-20"), flow("2024-10-14")]
    told = solve(account([*paid, *lines(count=14)], [*came, *late, *own])).of(ME)
    assert told.accused() == []


def test_a_yearly_deduction_from_a_late_run_is_one() -> None:
    """The same sum is lacking from everybody's late credit of one month: a deduction, though it stands in the next place."""
    people = colleagues(30)
    paid, came = staff(people, count=12, missing={one: ["2024-07"] for one in people})
    late = [flow("2024-09-20", DUE - 1200, person_id=one) for one in people]
    told = solve(account(paid, [*came, *late])).of(people[0])
    # Which of the two credits of September is whose nobody can tell.
    assert told.unusual() == {"2024-07": "delay/late/resolved", "2024-08": "account_deduction/explained"}


def test_a_late_credit_after_the_last_line_of_somebody_who_left() -> None:
    """The employer's records go on without the person: one more credit of the last sum is no later month's, but late."""
    paid, came = staff(colleagues(30), count=12)
    own = [*credits(count=8, skip=["2024-07", "2024-08"]), flow("2024-09-12"), flow("2024-10-12")]
    told = solve(account([*paid, *lines(count=8)], [*came, *own])).of(ME)
    assert told.unusual() == {"2024-07": "delay/late/resolved", "2024-08": "delay/late/resolved"}


def test_no_month_is_missing_where_all_of_an_old_base_came_in_the_end() -> None:
    """One month late beside two runs late for all, up to a new base: the last credit of the old one is no surplus."""
    people = colleagues(40)
    runs = {"2024-04": "2024-06-20", "2024-07": "2024-09-20"}
    paid, came = staff(people, count=14, missing={one: list(runs) for one in people})
    late = [flow(day, person_id=one) for one in people for day in runs.values()]
    months = run_of("2024-01", 14)
    own = [line(month, scale=100 if month < "2024-09" else 110) for month in months]
    got = [*credits(count=2), *(flow(day) for day in ("2024-06-12", "2024-07-12", "2024-07-13", "2024-09-12", "2024-09-13",
                                                       "2024-10-12")), *credits("2024-09", 6, amount=13200)]
    told = solve(account([*paid, *own], [*came, *late, *got])).of(ME)
    assert told.accused() == []


def test_a_month_that_all_lack_teaches_no_lag() -> None:
    """A hole that everybody shares leaves the usual lag as it is: few lines that fit by chance are no record."""
    people = colleagues(30)
    paid, came = staff(people, count=8, missing={one: ["2024-04"] for one in people})
    told = solve(account(paid, came))
    assert told.of(people[0]).unusual() == {"2024-04": MISSING}
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["amount_fen"]) == ("payer", 30, 30 * DUE)


def test_a_few_changed_sums_tell_a_month_nobody_got_from_a_longer_lag() -> None:
    """A month that nobody of a payer's got is one event: the sums of six of its people outweigh 25 lacking credits."""
    mine, others, months = colleagues(25), [one.replace("42000", "42010") for one in colleagues(25)], run_of("2024-01", 14)
    scale = {one: [110 if at < 6 and month >= "2024-05" else 100 for month in months] for at, one in enumerate(mine)}
    scale |= {one: [100 + at for at in range(len(months))] for one in others}
    paid = [line(month, person_id=one, scale=scale[one][at], employer="甲公司" if one in mine else "乙公司")
            for one in scale for at, month in enumerate(months)]
    came = [flow(f"{later(month, 2)}-12", 120 * scale[one][at], person_id=one)
            for one in scale for at, month in enumerate(months) if one in others or month != "2024-08"]
    told = solve(account(paid, came, coverage=[cover(start="2024-03-01", end="2025-06-30")]), as_of="2025-06-30")
    for one in mine[::8]:
        assert told.of(one).unusual() == {"2024-08": MISSING}


def test_printed_months_tell_a_month_nobody_got_from_a_longer_lag() -> None:
    """Where the credits print their months, a month that nobody of a payer's got does not make its changed lag longer."""
    paid, came = _two_payers(1, 2)
    mine = colleagues(25)
    came = [row | {"accrual_month": f"{later(row['posted_on'][:7], -2 if row['posted_on'] > '2024-09' else -1)}-01"}
            for row in came if row["person_id"] in mine and row["posted_on"] != "2025-01-12"]
    came.remove(next(row for row in came if (row["person_id"], row["posted_on"]) == (mine[0], "2025-03-12")))
    tables = account([row for row in paid if row["person_id"] in mine], came)
    told = solve(tables, as_of="2025-04-28")
    assert context_of(tables).shift["shift"].max() == 1
    assert told.of(mine[1]).accused() == [("2024-11", "missing_month", "credit_missing", DUE)]
    assert "2025-01" not in told.of(mine[1]).unusual()
    assert told.of(mine[0]).unusual()["2025-01"] != "delay/not_yet_due/pending"


def test_whose_month_none_of_the_payers_people_got_lacks_it_too() -> None:
    """A credit in the place of a month that all colleagues lack is that of the month before, a month late."""
    people, months = colleagues(25), run_of("2024-01", 14)
    mine = people[0]
    paid = [line(month, person_id=one, scale=100 + (0 if one == mine else at))
            for one in people for at, month in enumerate(months)]
    came = [flow(f"{later(month, 1)}-12", 120 * (100 + (0 if one == mine else at)), person_id=one)
            for one in people for at, month in enumerate(months)
            if month != "2024-08" and (one, month) != (mine, "2024-07")]
    told = solve(account(paid, [*came, flow("2024-09-15", person_id=mine)]), as_of="2025-06-30")
    assert told.of(people[1]).unusual() == {"2024-08": MISSING}
    assert told.of(mine).unusual() == {"2024-07": "delay/late/resolved", "2024-08": MISSING}


def test_a_month_nobody_got_and_a_late_run_after_it_are_two_things() -> None:
    """The late run that was made up for takes back its own delay, not that of a month that never came."""
    people = colleagues(25)
    months = run_of("2024-01", 14)
    due = {month: DUE if month < "2024-06" else 13200 for month in months}
    paid = [line(month, person_id=one, scale=due[month] // 120) for one in people for month in months]
    posted = {month: later(month, 2 if month == "2024-08" else 1) for month in months if month != "2024-02"}
    came = [flow(f"{at}-12", due[month], person_id=one) for one in people for month, at in posted.items()]
    came += [flow("2025-04-12", 13200, person_id=one) for one in people]  # of a month after all lines
    told = solve(account(paid, came), as_of="2025-06-30").of(people[0])
    assert told.unusual() == {"2024-02": MISSING, "2024-08": "delay/late/resolved"}


def test_a_deduction_from_all_accounts_hides_no_lump_from_the_regions_course() -> None:
    """Amounts less a common deduction fit their months as whole ones do: a lump for all delays nothing after it."""
    people = colleagues(25)
    months = run_of("2024-01", 14)
    due = {month: DUE if month < "2024-09" else 13200 for month in months}
    paid = [line(month, person_id=one, scale=due[month] // 120) for one in people for month in months]
    single = [month for month in months if month not in ("2024-04", "2024-05")]
    came = [flow(f"{later(month, 1)}-12", due[month] - 1200, person_id=one) for one in people for month in single]
    lumps = [flow("2024-06-12", 2 * DUE, person_id=one) for one in people]
    tables = account(paid, came + lumps)
    shift = context_of(tables, as_of="2025-06-30").shift.filter(pl.col("shift") != 0)
    assert shift.select("arrival", "lasts").rows() == [(2024 * 12 + 3, False)]  # April's came with May's
    told = solve(tables, as_of="2025-06-30").of(people[0])
    assert told.unusual() == dict.fromkeys(single, "account_deduction/explained") | {"2024-04": "delay/late/resolved"}


@pytest.mark.parametrize("payers", [("甲公司",), ("甲公司", "乙公司")])
def test_a_late_run_is_one_finding_of_the_region(payers: tuple[str, ...]) -> None:
    """A run that came late for everybody is one finding with its members, though all is there by now.

    It is about the region: it names no payer, though all its members may have the same.
    """
    people = colleagues(30)
    paid, came = staff(people, count=8, missing={one: ["2024-04"] for one in people})
    paid = [row | {"employer": payers[people.index(row["person_id"]) % len(payers)]} for row in paid]
    told = solve(account(paid, [*came, *(flow("2024-06-25", person_id=one) for one in people)]))
    assert told.of(people[0]).unusual() == {"2024-04": "delay/late/resolved"}
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["label"]) == ("region", 30, "delay")
    assert finding["payer"] is None
    assert not any(payer in finding["evidence"] for payer in payers)


@pytest.mark.parametrize("one_file", [True, False])
def test_a_contribution_file_that_is_not_there(one_file: bool) -> None:
    """Credits of the usual sum in a month that the contribution files lack are no surplus: one finding asks for the file."""
    people = colleagues(30)
    paid, came = staff(people, count=8)
    kept = [row | {"file": "all.csv" if one_file else f"c-{row['accrual_month'][:7]}.csv"}
            for row in paid if row["accrual_month"][:7] != "2024-04"]
    told = solve(account(kept, came))
    assert told.of(people[0]).unusual() == {"2024-04": "data_incomplete/contribution_unseen/unknown"}
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["owner"]) == ("file", 30, "file_owner")


@pytest.mark.parametrize("varied", [False, True])
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_one_credit_for_a_month_without_a_line_and_one_beside_it(varied: bool, before: bool, own: bool) -> None:
    """What came with a neighbour for a month whose file is not there, or whose line is not, is none too much."""
    people = colleagues(25)
    mine, months = people[0], run_of("2024-01", 12)
    held, with_it = ("2024-04", "2024-05") if before else ("2024-05", "2024-06")
    scale = {month: 100 + at * varied for at, month in enumerate(months)}
    paid = [line(month, person_id=one, scale=scale[month], file=f"{month}.csv") for one in people for month in months
            if month != "2024-05" or (own and one != mine)]
    came = [flow(f"{later(month, 1)}-12", 120 * (scale[month] + (scale[held] if (one, month) == (mine, with_it) else 0)),
                 person_id=one) for one in people for month in months if (one, month) != (mine, held)]
    told = solve(account(paid, came)).of(mine)
    unseen = {"2024-05": "data_incomplete/contribution_unseen/unknown"}
    assert told.unusual() == ({"2024-04": "delay/late/resolved"} if before else {}) | unseen
    assert told.months()["2024-05"]["credited_fen"] == 120 * scale["2024-05"]
    assert {link[0] for link in told.links() if link[1] == f"{later(with_it, 1)}-12"} == {held, with_it}


def test_a_month_nobody_has_a_line_for_is_one_finding() -> None:
    """A month that one file covers, without a line and without a credit for anybody: one finding of the payer."""
    people = colleagues(30)
    paid, came = staff(people, count=8, missing={one: ["2024-04"] for one in people})
    told = solve(account([row | {"file": "all.csv"} for row in paid if row["accrual_month"][:7] != "2024-04"], came))
    assert told.of(people[0]).unusual() == {"2024-04": "missing_month/contribution_missing/open"}
    (finding,) = told.result.tables["finding"].rows(named=True)
    assert (finding["scope"], finding["people"], finding["cause"]) == ("payer", 30, "contribution_missing")


def test_credits_rounded_up_to_the_yuan_are_not_two_in_one_month() -> None:
    """On the base of the second year all credits are more than any month's sum, by a part of a yuan: no run came twice."""
    paid, came = [], []
    for number, who in enumerate(colleagues(24)):
        first, second = 12000 + 100 * number, 12160 + 100 * number
        paid += [*lines("2023-06", 9, person_id=who, due=first, base_fen=first * 50),
                 *lines("2024-03", 7, person_id=who, due=second, base_fen=second * 50)]
        came += [*credits("2023-06", 9, person_id=who, amount=first),
                 *credits("2024-03", 7, person_id=who, amount=second + 40)]
    told = solve(account(paid, came))
    assert set(told.result.tables["month"]["label"]) == {"on_time"}
