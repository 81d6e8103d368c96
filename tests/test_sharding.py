"""A run in shards, in one process or several, gives the tables and problems of the whole run."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import core_cases as core
from payroll_cases import AS_OF, lines, person_id, slips
from recon import sharding
from recon.core.context import Context, build_context, newest_date
from recon.core.reconcile import Result, reconcile
from recon.core.survey import Part
from recon.policy import load_policy
from recon.reading.folder import read_folder
from recon.sharding import reconcile_all
from recon.simulate import simulate
from recon.tables import conform, conform_all
from support import MAPPINGS

POLICY = load_policy([MAPPINGS / "policy"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pl.DataFrame], date]:
    """A simulated employer's tables, and the day they are looked at."""
    place = tmp_path_factory.mktemp("made")
    simulate(place, people=30, months=12, seed=3)
    read = read_folder(place / "exports", mappings=[MAPPINGS], region_of=POLICY.region_of, workers=1)
    as_of = newest_date(read.tables, date(2100, 1, 1))
    assert as_of
    return read.tables, as_of


@pytest.fixture(scope="module")
def whole(made: tuple[dict[str, pl.DataFrame], date]) -> tuple[Context, Result]:
    """What nobody split says of them."""
    tables, as_of = made
    context = build_context(tables, POLICY, as_of)
    return context, reconcile(tables, POLICY, as_of, context)


def assert_same(one: Result, other: Result) -> None:
    """The same rows in the same order, and the same problems."""
    for left, right in ((one.tables, other.tables), (one.inputs, other.inputs)):
        assert left.keys() == right.keys()
        for name, frame in left.items():
            columns = frame.columns
            assert frame.height == right[name].height, name
            key = [pl.struct(columns).hash()]
            assert frame.sort(key).equals(right[name].sort(key)), name
    for name in ("month", "expected", "match"):
        assert one.tables[name].equals(other.tables[name]), name
    assert sorted(map(repr, one.problems)) == sorted(map(repr, other.problems))


@pytest.mark.parametrize("reversals", [True, False])
def test_the_first_pass_may_lend_its_steps(
    made: tuple[dict[str, pl.DataFrame], date], reversals: bool
) -> None:
    """Where nothing was taken back; reversals go by the lags that only the context knows."""
    tables, as_of = made
    if not reversals:
        tables = {**tables, "flow": tables["flow"].filter(
            (pl.col("amount_fen") > 0) | ~pl.col("flow_kind").is_in(["reversal", "credit"]))}
    part = Part(tables, POLICY)
    context = build_context(tables, POLICY, as_of, part=part)
    assert part.prepared.by_lag == reversals
    assert_same(reconcile(tables, POLICY, as_of, context, part=part), reconcile(tables, POLICY, as_of, context))


@pytest.mark.parametrize("workers", [1, 2])
def test_shards_give_the_whole(
    made: tuple[dict[str, pl.DataFrame], date], whole: tuple[Context, Result], workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Findings over many people and warnings over many rows included."""
    if workers > 1:  # other processes do the work
        monkeypatch.delattr(sharding, "answer_shard")
    (tables, as_of), (context, result) = made, whole
    assert result.tables["finding"].height
    assert_same(reconcile_all(tables, POLICY, as_of, context, shards=5, workers=workers), result)


def assert_same_context(one: Context, other: Context) -> None:
    """The same rows in any order, the same words and problems."""
    for field in fields(Context):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, pl.DataFrame):
            assert_frame_equal(left, right, check_row_order=False)
        elif field.name == "problems":
            assert sorted(map(repr, left)) == sorted(map(repr, right))
        else:
            assert left == right, field.name


@pytest.mark.parametrize("workers", [1, 2])
def test_shards_give_the_context_of_the_whole(
    made: tuple[dict[str, pl.DataFrame], date], whole: tuple[Context, Result], workers: int
) -> None:
    """Whoever is asked with whom: lags, shifts, cohorts, covers, numbers of one name."""
    (tables, as_of), (context, _) = made, whole
    assert min(len(context.cohort), len(context.cover), len(context.unpaid))
    assert_same_context(sharding.context_of(tables, POLICY, as_of, shards=5, workers=workers), context)


def test_what_many_people_show_is_the_same_in_shards() -> None:
    """A late run, a learned lag, a common deduction, a month nobody has, credits under another number.

    Each is told by people who lie in several shards, as is what a file covers.
    """
    people = core.colleagues(40)
    paid, came = core.staff(people, count=12, missing={one: ["2024-07"] for one in people})
    came += [core.flow("2024-09-20", person_id=one) for one in people]  # July's run comes with August's
    came = [row | ({"amount_fen": core.DUE - 500} if row["posted_on"] == "2024-12-12" else {}) for row in came]
    paid = [row for row in [*paid, *core.lines(count=6)] if row["accrual_month"] != "2024-04-01"]
    for number, one in enumerate(people):  # elsewhere, of several wages, by a share that no policy states
        there, came_there = core.staff([one.replace("42000", "32050")], count=12, lag=2, region=core.SUZHOU,
                                       employer="乙公司", scale=80 + number, due=None)
        paid += there
        came += [row | {"amount_fen": 210 * (80 + number)} for row in came_there]
    came += [*core.credits(count=6, person_id=core.OTHER)]
    roster = [core.person(), core.person(person_id=core.OTHER, employer=None),
              core.retiree(person_id=core.THIRD, person_name="测试丙")]
    came += [core.flow(f"2024-{month:02d}-12", 8000, person_id=core.THIRD) for month in range(1, 13)]
    tables = core.account(paid, came, roster=roster)
    whole = core.context_of(tables)
    names = ("shift", "lag", "steady", "deduction", "silent", "elsewhere", "inferred")
    told = {name: getattr(whole, name).height for name in names}
    assert min(told.values()), told
    assert len(whole.notes) == 2
    as_of = date.fromisoformat(core.AS_OF)
    assert_same_context(sharding.context_of(tables, POLICY, as_of, shards=7, workers=1), whole)
    answers = reconcile(tables, POLICY, as_of, whole)
    causes = set(answers.tables["finding"]["cause"])
    assert {"contribution_unseen", "table_differs", "no_account_export", "late", "contribution_missing"} <= causes
    assert_same(reconcile_all(tables, POLICY, as_of, whole, shards=7, workers=1), answers)


@pytest.mark.parametrize("shards", [5, 2 * sharding.FOLDED + 1])
def test_a_course_that_hardly_a_line_fits_is_none_in_shards(shards: int) -> None:
    """Of the courses that a late run suggests some fit fewer lines than lack their credit: in shards, too.

    In so many as well that what is added up is added to again.
    """
    people, months = core.colleagues(40), core.run_of("2024-01", 12)
    paid = [core.line(month, person_id=one, scale=100 + at) for one in people for at, month in enumerate(months)]
    came = [core.flow(f"{core.later(month, 2 if month == '2024-07' else 1)}-12", 120 * (100 + at), person_id=one)
            for one in people for at, month in enumerate(months)]
    tables = core.account(paid, came)
    whole = core.context_of(tables)
    assert whole.shift.filter(pl.col("shift") != 0).height == 1
    as_of = date.fromisoformat(core.AS_OF)
    assert_same_context(sharding.context_of(tables, POLICY, as_of, shards=shards, workers=1), whole)


def test_a_payers_bases_are_one_finding() -> None:
    """People of several shards whose base lies below the floor, and a month that a payer did not pay for anybody."""
    people = core.colleagues(9)
    paid = [core.line(month, person_id=one, region=core.BEIJING, base_fen=300000, employee_fen=6300,
                      paid=not month.startswith("2023-08"))
            for one in people for month in core.run_of("2023-07", 2)]
    tables = core.account(paid, [core.flow("2023-08-12", 6000, person_id=one, region=core.BEIJING) for one in people])
    as_of = date(2023, 12, 31)
    context = build_context(tables, POLICY, as_of)
    whole = reconcile(tables, POLICY, as_of, context)
    found = dict(whole.tables["finding"].select("cause", "people").iter_rows())
    assert found == {"below_floor": 9, "contribution_unpaid": 9}
    assert_same(reconcile_all(tables, POLICY, as_of, context, shards=4, workers=1), whole)


def test_small_runs_stay_whole(
    made: tuple[dict[str, pl.DataFrame], date], whole: tuple[Context, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the bound nothing is split; above it is."""
    (tables, as_of), (context, _) = made, whole
    split: list[int] = []
    real = sharding._split

    def note(*arguments: object) -> list[Path]:
        split.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sharding, "_split", note)
    reconcile_all(tables, POLICY, as_of, context, workers=1)
    assert not split
    monkeypatch.setattr(sharding, "FROM_ROWS", 100)
    monkeypatch.setattr(sharding, "SHARD_ROWS", sharding.rows_of(tables) // 2)
    reconcile_all(tables, POLICY, as_of, context, workers=1)
    assert split


def test_tables_on_disk_are_those_in_memory(
    made: tuple[dict[str, pl.DataFrame], date], whole: tuple[Context, Result], tmp_path: Path
) -> None:
    """Nothing but the tables is left behind."""
    (tables, as_of), (context, result) = made, whole
    problems = sharding.tables_to_disk(dict(tables), POLICY, as_of, tmp_path, shards=4, workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.parquet" for name in result.tables}
    for name, frame in result.tables.items():
        key = [pl.struct(frame.columns).hash()]
        assert pl.read_parquet(tmp_path / f"{name}.parquet").sort(key).equals(frame.sort(key)), name
    assert sorted(map(repr, problems)) == sorted(map(repr, [*context.problems, *result.problems]))


def test_a_payers_region_is_that_of_all_its_people() -> None:
    """Somebody only on the payroll belongs where most of the payer's people are, not where most of the shard's are."""
    rows = [row | ({"region": "110000"} if row["person_id"] == person_id(1) else {})
            for row in lines(range(6), people=4, proof="fund_record") if row["person_id"] != person_id(0)]
    paid = slips(range(6), people=1)
    tables = conform_all({name: conform(pl.DataFrame(told), name)
                          for name, told in (("contribution", rows), ("payroll", paid))})
    context = build_context(tables, POLICY, AS_OF)
    whole = reconcile(tables, POLICY, AS_OF, context)
    mine = whole.tables["month"].filter(pl.col("person_id") == person_id(0))
    assert mine["region"].unique().to_list() == ["420100"]
    assert_same(reconcile_all(tables, POLICY, AS_OF, context, shards=2, workers=1), whole)
