"""Accounts that are alike take one answer: the one that each of them gets by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.core import alike, reconcile
from recon.core.context import build_context
from recon.core.match import match
from recon.core.match_rows import Matched
from recon.policy import load_policy
from recon.tables import empty
from strategies import examples
from support import MAPPINGS
from test_clean import assert_equal

POLICY = load_policy([MAPPINGS / "policy"])
MONTHS = 14
AS_OF = date(2026, 3, 31)
# What can become of a month's credit: months after its usual one, None: it never came, and "twice".
EVENTS: tuple[int | str | None, ...] = (0, 0, 0, 0, 0, 0, 0, 1, 2, -1, None, "twice", "other")


def day(number: int, of_month: int) -> date:
    """A day of month ``number``, counted from January 2022."""
    return date(2022 + number // 12, number % 12 + 1, of_month)


def person(
    number: int, wages: tuple[int, ...], lag: int, events: list[int | str | None], start: int, on: int
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Lines and credits: ``wages`` in equal parts of the time, credits after ``lag`` months but for the events."""
    lines: list[dict[str, object]] = []
    credits: list[dict[str, object]] = []
    who = f"PSN:{number:06d}"
    for at, event in enumerate(events):
        fen = wages[at * len(wages) // len(events)]
        lines.append({"row_id": f"c.csv#L{number}-{at}", "person_id": who, "region": "420100",
                      "accrual_month": day(start + at, 1), "paid_on": day(start + at, 20), "base_fen": fen * 50,
                      "employee_fen": fen, "employer_fen": fen * 4, "into_account_fen": fen})
        if event is None:
            continue
        shift = event if isinstance(event, int) else 0
        amounts = {"twice": [fen, fen], "other": [wages[0] + wages[-1] - fen]}.get(str(event), [fen])
        for each, amount in enumerate(amounts):
            credits.append({"row_id": f"f.csv#L{number}-{at}-{each}", "person_id": who, "region": "420100",
                            "posted_on": day(start + at + lag + shift, on), "flow_kind": "credit",
                            "amount_fen": amount})
    return lines, credits


def tables(people: list[tuple[list[dict[str, object]], list[dict[str, object]]]]) -> dict[str, pl.DataFrame]:
    """The input tables of these people."""
    made = {}
    for name, rows in (("contribution", [row for lines, _ in people for row in lines]),
                       ("flow", [row for _, credits in people for row in credits])):
        blank = empty(name)
        made[name] = pl.concat([blank, pl.DataFrame(rows, schema_overrides={
            column: kind for column, kind in blank.schema.items() if rows and column in rows[0]})], how="diagonal")
    return made


def asked(made: dict[str, pl.DataFrame]) -> tuple[Matched, Matched, int]:
    """Together and one by one, and how many took another's answer."""
    seen: list[tuple[Any, ...]] = []

    def note(*told: Any) -> Matched:
        seen.append(told)
        return match(*told)

    taken: list[int] = []
    real = alike.settle_alike

    def counted(lines: pl.DataFrame, credit: pl.DataFrame) -> alike.Alike:
        found = real(lines, credit)
        taken.append(found.members.height)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "match", note)
        reconcile.reconcile(made, POLICY, AS_OF, build_context(made, POLICY, AS_OF))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "FEW", 1)
        patch.setattr("recon.core.match.settle_alike", counted)
        quick = match(*seen[0])
        patch.setattr(alike, "FEW", 1 << 30)
        slow = match(*seen[0])
    return quick, slow, taken[0]


@examples(5)
@given(st.data())
def test_alike_people_get_the_answer_that_each_gets_alone(data: st.DataObject) -> None:
    """Histories that several people share, at other wages, in other years, on other days."""
    histories = data.draw(st.lists(
        st.tuples(st.integers(0, 4), st.lists(st.sampled_from(EVENTS), min_size=MONTHS, max_size=MONTHS),
                  st.integers(1, 3)), min_size=1, max_size=3))
    people = []
    for lag, events, steps in histories:
        for _ in range(3):
            first = data.draw(st.integers(9_000, 30_000))
            raised = data.draw(st.lists(st.integers(0, first // 3), min_size=steps - 1, max_size=steps - 1))
            wages = (first, *(first + more for more in raised))
            people.append(person(len(people), wages, lag, events, data.draw(st.sampled_from((0, 12, 24))),
                                 data.draw(st.sampled_from((12, 25)))))
    quick, slow, _ = asked(tables(people))
    assert_equal(quick, slow)


@pytest.mark.parametrize("events", [[0] * 5 + [None] + [0] * 8, [0] * 4 + [2] + [0] * 9])
def test_one_of_many_is_solved(events: list[int | str | None]) -> None:
    """At other wages, with a new wage of any ratio below a half more, and a year later, the answer is one."""
    people = [person(0, (10_000, 10_700), 2, events, 12, 12), person(1, (23_111, 24_000), 2, events, 12, 12),
              person(2, (17_000, 17_919), 2, events, 24, 12), person(3, (12_000, 12_700), 2, events, 12, 25),
              *(person(4 + at, (9_000,), 1, [0] * MONTHS, at * 36, 12) for at in (0, 1))]  # the cover of the file
    quick, slow, taken = asked(tables(people))
    assert_equal(quick, slow)
    assert taken == 2  # the fourth's credits come after the day on which others' premiums arrive


@pytest.mark.parametrize("wages", [(10_000, 20_000), (10_000, 15_000), (10_000, 10_100, 10_200)])
def test_amounts_that_may_add_up_are_asked_one_by_one(wages: tuple[int, ...]) -> None:
    """Two lines that make one credit, three that make two, equal steps of the wage."""
    people = [person(number, tuple(fen * (number + 1) for fen in wages), 2, [0] * MONTHS, 0, 12) for number in range(3)]
    quick, slow, taken = asked(tables(people))
    assert_equal(quick, slow)
    assert not taken


def test_of_whom_something_was_taken_back_is_asked_alone() -> None:
    """What is left of a credit is no credit like any other, though somebody else has one of that sum."""
    events: list[int | str | None] = [0] * 5 + [None] + [0] * 8
    people = [person(number, (12_000,), 2, events, 0, 12) for number in range(3)]
    for number, (_, credits) in enumerate(people[:2]):
        credits.append(credits[8] | {"row_id": f"f.csv#L{number}-r", "flow_kind": "reversal", "amount_fen": -2_000})
    quick, slow, taken = asked(tables(people))
    assert_equal(quick, slow)
    assert not taken
