"""Calendars as data: the collection deadline, the credit day, and known stops."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core_cases import BEIJING, WUHAN, Book, Told, account, credits, line, lines, policy
from recon.core.context import build_context
from recon.core.reconcile import reconcile
from recon.policy import Policy, PolicyError, load_policy
from support import MAPPINGS

book = Book()
case = book.case

CALENDAR = """code = "420100"

[[calendar]]
from = "open"
collection_deadline_months = 0
collection_deadline_day = 25
source = ["一份通知"]
confidence = "high"

[[stop]]
code = "move_2024"
from = "2024-01"
kind = "platform_move"
name = "平台切换停办"
first_day = 2024-03-10
last_day = "2024-03-25"
source = ["一份通知"]
confidence = "high"
"""


def own(folder: Path, text: str = CALENDAR) -> Policy:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return load_policy([MAPPINGS / "policy", folder])


def test_the_national_deadline_is_the_end_of_the_month_after() -> None:
    assert policy().deadline(WUHAN, date(2024, 1, 1)) == date(2024, 2, 29)
    assert policy().deadline(None, date(2023, 12, 1)) == date(2024, 1, 31)


def test_a_region_may_have_its_own_deadline_by_day(tmp_path: Path) -> None:
    mine = own(tmp_path)
    assert mine.deadline(WUHAN, date(2024, 2, 1)) == date(2024, 2, 25)
    assert mine.deadline(BEIJING, date(2024, 2, 1)) == date(2024, 3, 31)


def answer(mine: Policy, paid_on: str, as_of: str = "2024-12-31") -> Told:
    """One person whose March was paid on this day."""
    rows = [*lines(skip=["2024-03"]), line("2024-03", paid_on=paid_on)]
    tables = account(rows, credits())
    day = date.fromisoformat(as_of)
    return Told(reconcile(tables, mine, day, build_context(tables, mine, day)))


@pytest.mark.parametrize(("paid_on", "cause"), [("2024-03-25", None), ("2024-03-26", "paid_late")])
def test_paid_late_is_held_against_the_day(tmp_path: Path, paid_on: str, cause: str | None) -> None:
    """The 25th of the month itself is in time, the 26th is late, though the credit came on time."""
    row = answer(own(tmp_path), paid_on).months()["2024-03"]
    assert (row["label"], row["cause"]) == ("on_time", cause)


def test_without_a_deadline_of_its_own_the_month_after_is_in_time() -> None:
    assert answer(policy(), "2024-03-26").months()["2024-03"]["cause"] is None


def test_stops_of_a_region_and_of_the_country(tmp_path: Path) -> None:
    """A stop of one time, and the yearly one that comes back."""
    found = own(tmp_path).stops(WUHAN, date(2024, 1, 1), date(2024, 12, 31))
    assert [(stop.kind, stop.first, stop.last) for stop in found] == [
        ("year_end_closing", date(2023, 12, 20), date(2024, 1, 5)),
        ("platform_move", date(2024, 3, 10), date(2024, 3, 25)),
        ("year_end_closing", date(2024, 12, 20), date(2025, 1, 5)),
    ]
    assert own(tmp_path).stops(WUHAN, date(2024, 4, 1), date(2024, 4, 30)) == []
    assert [stop.name for stop in policy().stops(None, date(2030, 1, 1), date(2030, 1, 2))] == ["年终结转"]


def test_a_region_s_own_stop_takes_the_place_of_the_national_one(tmp_path: Path) -> None:
    text = CALENDAR.replace("platform_move", "year_end_closing").replace('last_day = "2024-03-25"',
                                                                         'last_day = "2024-03-25"\nyearly = true')
    found = own(tmp_path, text).stops(WUHAN, date(2025, 1, 1), date(2025, 12, 31))
    assert [(stop.first, stop.last) for stop in found] == [(date(2025, 3, 10), date(2025, 3, 25))]


@pytest.mark.parametrize(("old", "new", "key"), [
    ('"2024-03-25"', '"2024-03-01"', "last_day"), ('"2024-03-25"', '"2024-3"', "last_day"),
    ('"platform_move"', '"holiday"', "kind"), ("day = 25", "day = 32", "collection_deadline_day"),
    ('code = "move_2024"\n', "", "code"),
])
def test_a_mistake_in_a_calendar_is_refused(tmp_path: Path, old: str, new: str, key: str) -> None:
    with pytest.raises(PolicyError, match=key):
        own(tmp_path, CALENDAR.replace(old, new))


@case(lines(), credits(count=5), as_of="2024-07-20")
def test_a_wait_says_on_which_day_the_region_credits(told: Told) -> None:
    """Wuhan states no day, so the evidence has none."""
    assert "日前划入" not in told.gap("2024-06", "delay")["evidence"]


@case(lines(region=BEIJING, base_fen=700000, due=14000), credits(count=5, region=BEIJING, amount=14000), as_of="2024-07-02")
def test_a_wait_in_beijing_names_the_fifth(told: Told) -> None:
    assert told.gap("2024-06", "delay")["evidence"].endswith("；当地一般在每月5日前划入")


@case(lines("2024-09", 3), credits("2024-09", 2), as_of="2024-12-31")
def test_a_wait_over_the_year_s_end_names_the_closing(told: Told) -> None:
    """November is due in December: the closing of the year may push it on, and nothing is accused."""
    gap = told.gap("2024-11", "delay")
    assert gap["status"] == "pending"
    assert "年终结转（12-20至01-05，具体日期以当地通知为准），划入可能顺延" in gap["evidence"]


@case(lines("2024-03", 3), credits("2024-03", 2), as_of="2024-06-30")
def test_a_wait_in_summer_names_no_stop(told: Told) -> None:
    assert "顺延" not in told.gap("2024-05", "delay")["evidence"]
