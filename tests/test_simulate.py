"""The synthetic employer: same arguments, same files; every export is read; its truth is sound; recon finds it."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from filecmp import dircmp
from pathlib import Path

import pytest

from recon.labels import BALANCE_LABELS, CAUSE, CAUSES, LABELS
from recon.simulate import SimulateError, simulate
from recon.simulate.employer import REGIONS, Line, hire, last_day, month_of, resident_id, two_per_cent
from recon.simulate.events import EVENTS, plant
from support import ROOT, run_recon

sys.path.insert(0, str(ROOT / "tools"))
PEOPLE, MONTHS, SEED = 300, 24, 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One employer for all tests of this module."""
    folder = tmp_path_factory.mktemp("made")
    simulate(folder, people=PEOPLE, months=MONTHS, seed=SEED)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    """A truth file as rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def differing(one: Path, other: Path) -> list[str]:
    """Files that are not the same bytes, or stand on one side only."""
    compared = dircmp(one, other, ignore=[])
    found = [*compared.left_only, *compared.right_only]
    found += [name for name in compared.common_files if (one / name).read_bytes() != (other / name).read_bytes()]
    for name in compared.common_dirs:
        found += differing(one / name, other / name)
    return found


def test_same_arguments_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, people=60, months=12, seed=5)
    assert differing(tmp_path / "one", tmp_path / "two") == []


def test_another_seed_another_employer(tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(tmp_path / str(seed), people=60, months=12, seed=seed)
    assert "truth_month.csv" in differing(tmp_path / "1", tmp_path / "2")


def test_never_into_a_folder_that_has_one(made: Path) -> None:
    with pytest.raises(SimulateError):
        simulate(made, people=1, months=12, seed=1)


@pytest.mark.parametrize("arguments", [["--months", "3"], ["--people", "0"], ["--noise", "90"]], ids=" ".join)
def test_sizes_that_make_no_sense(tmp_path: Path, arguments: list[str]) -> None:
    assert run_recon(["simulate", tmp_path / "x", *arguments]).code == 2
    assert not (tmp_path / "x").exists()


def test_the_command(tmp_path: Path) -> None:
    done = run_recon(["simulate", tmp_path / "x", "--people", "40", "--months", "12", "--lang", "en"])
    assert done.code == 0
    assert done.stdout.startswith("40 people, ")
    assert run_recon(["simulate", tmp_path / "x", "--people", "40", "--months", "12"]).code == 2


def test_every_export_is_claimed_and_read(made: Path) -> None:
    """At least six formats, and not one row that cannot be used."""
    from recon.batch import Options, identify

    claims = [claim for _, claim in identify(made / "exports", Options())]
    assert [claim.file for claim in claims if claim.format_id is None] == []
    assert len({claim.format_id for claim in claims}) >= 8


def test_the_truth_is_sound(made: Path) -> None:
    """One row per month, labels that exist, links only between rows that are there."""
    months = rows_of(made / "truth" / "truth_month.csv")
    links = rows_of(made / "truth" / "truth_link.csv")
    keys = Counter((row["person_id"], row["accrual_month"]) for row in months)
    assert max(keys.values()) == 1
    assert {(row["label"], row["cause"] or None) for row in months} <= set(CAUSE)
    assert {(link["person_id"], link["accrual_month"]) for link in links} <= set(keys)
    used: dict[tuple[str, str, str], int] = defaultdict(int)
    for link in links:
        used[link["person_id"], link["posted_on"], link["accrual_month"]] += int(link["amount_fen"])
    assert min(used.values()) > 0
    assert len({row["label"] for row in months}) >= 10
    assert all(run > 0 for run in json.loads((made / "truth" / "run.json").read_text())["events"].values())


def test_every_event_is_planted() -> None:
    """In a larger employer every event of the table happens, in about the share that was asked for."""
    world = hire(2000, MONTHS, 3)
    plant(world, 16)
    assert {event.code for event in EVENTS} <= set(world.planted)
    months = sum(len({line.month for line in person.lines}) for person in world.people)
    assert 0.12 < world.planted.total() / months < 0.22


# What the data cannot show: parts that are no headline, the error nobody should see, and what only payroll tells.
NOT_PLANTED = {("pooled_share", None), ("flat_fee", None), ("unexplained", None)}


def test_every_label_and_cause_of_a_credit_is_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label or cause that recon can give and the simulation never asks for is measured nowhere."""
    monkeypatch.setattr("recon.simulate.employer.TELLING", 10)
    simulate(tmp_path, people=800, months=24, seed=3)
    planted = {(row["label"], row["cause"] or None) for row in rows_of(tmp_path / "truth" / "truth_month.csv")}
    credit = {(cause.label, cause.code) for cause in CAUSES if cause.label in {label.code for label in LABELS}
              and cause.label not in (*BALANCE_LABELS, "base_out_of_limits")}
    assert {key for key in credit - planted if key[0] != "unexplained" or key in NOT_PLANTED} == NOT_PLANTED


def test_what_is_taken_back_adds_up() -> None:
    """What the months before had too much is just what the credit lacks; the record states the whole premium."""
    world = hire(2000, MONTHS, 3)
    plant(world, 16)
    found = [credit for person in world.people for credit in person.credits if credit.takes_back]
    assert {bool(credit.takes_back[0].returned) for credit in found} == {True, False}
    for person in world.people:
        for credit in (credit for credit in person.credits if credit.takes_back):
            (line, fen), = credit.shares
            came = {id(each): share for other in person.credits for each, share in other.shares}
            over = sum(came[id(each)] - each.due_fen for each in credit.takes_back)
            assert over == line.due_fen - fen > 0


def test_torn_exports_keep_their_balances(made: Path) -> None:
    """Where lines are left out, the balance moves by more than the lines do, and on both sides lines stay."""
    from recon.simulate.exports import entries

    world = hire(PEOPLE, MONTHS, SEED)
    plant(world, 16)
    torn = [person for person in world.people if person.torn]
    assert torn
    for person in torn:
        whole = [entry.day for entry in entries(person, person.windows[0], torn=False)]
        shown = [entry.day for entry in entries(person, person.windows[0])]
        assert person.torn is not None
        assert shown == [day for day in whole if not person.torn[0] <= day <= person.torn[1]] != whole
        assert shown[0] < person.torn[0] <= person.torn[1] < shown[-1]
    assert "rows_missing" in {row["cause"] for row in rows_of(made / "truth" / "truth_month.csv")}


def test_a_city_with_a_rule_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough people credited by another rule than the table's: each month says so; fewer people have the table's."""
    import accuracy

    city = next(region for region in REGIONS if region.extra_per_mille)
    monkeypatch.setattr("recon.simulate.employer.REGIONS", (replace(city, share=100),))
    found = accuracy.simulated(tmp_path / "city", 80, MONTHS, 1, 16).months
    scored = found.filter(~found["tie"])
    assert scored.filter(scored["truth"] == "policy_unknown/table_differs").height > 500
    assert scored["right"].mean() > 0.99
    simulate(tmp_path / "few", people=20, months=MONTHS, seed=1)
    assert "table_differs" not in {row["cause"] for row in rows_of(tmp_path / "few" / "truth" / "truth_month.csv")}


def test_people_have_their_own_valid_ids() -> None:
    world = hire(3000, 12, 1)
    numbers = [person.id for person in world.people]
    assert len(set(numbers)) == len(numbers)
    from stdnum.cn import ric

    assert all(ric.calc_check_digit(number) == number[17] for number in numbers)


@pytest.mark.parametrize("people", [1, 7, 40])
def test_small_employers(tmp_path: Path, people: int) -> None:
    """As many people as were asked for, however few."""
    assert simulate(tmp_path / "x", people=people, months=12, seed=1).people == people
    assert len(hire(people, 12, 1).people) == people


def test_small_things() -> None:
    assert resident_id("110105", date(1985, 3, 7), 491) == "110105198503074917"
    assert two_per_cent(1_234_575) == 24_692
    assert last_day(2024 * 12 + 1) == date(2024, 2, 29)
    assert month_of(date(2024, 2, 29)) == 2024 * 12 + 1
    assert sum(region.share for region in REGIONS) == 100


def test_a_hole_before_credits_from_elsewhere_is_a_tie() -> None:
    """A leaver whose new employer's credits go on: the hole could be any later month, and says so."""
    from recon.simulate.employer import Credit, Window, day_in
    from recon.simulate.truth import Row, Seen, _mark_ties

    person = next(person for person in hire(50, 12, 1).people if person.region.code == "420100")
    person.windows = [Window(date(2023, 1, 1), date(2025, 1, 1), "stated", "csv")]
    lines = [Line(person.unit, month, "normal", 600_000, 12_000, day_in(month, 9)) for month in range(24290, 24296)]
    seen = [Seen(line, line.month, line.month + 1, line.month + 3, [(day_in(line.month + 1, 12), 12_000)])
            for line in lines]
    seen[2].links = []
    rows = {line.month: Row(line.month) for line in lines}
    person.credits = [Credit(day_in(24297, 12), 12_000)]
    _mark_ties(person, seen, rows)
    assert [month for month, row in rows.items() if row.tie] == [24292, 24293, 24294, 24295]
    person.credits = []
    rows = {line.month: Row(line.month) for line in lines}
    _mark_ties(person, seen, rows)
    assert not any(row.tie for row in rows.values())


def test_a_month_without_a_line_before_a_credit_that_came_twice_is_a_tie() -> None:
    """The second credit may be that month's, paid late, whose record is not at hand; three months later it is not."""
    from recon.simulate.employer import Credit, Window, day_in
    from recon.simulate.truth import Part, Row, Seen, _mark_ties

    person = next(person for person in hire(50, 12, 1).people if person.region.code == "420100")
    person.windows = [Window(date(2023, 1, 1), date(2025, 1, 1), "stated", "csv")]
    gone, tied = 24291, {2: [24291, 24293], 3: []}
    lines = [Line(person.unit, month, "normal", 600_000, 12_000, day_in(month, 9))
             for month in range(24290, 24297) if month != gone]
    seen = [Seen(line, line.month, line.month + 1, line.month + 3, [(day_in(line.month + 1, 12), 12_000)])
            for line in lines]
    for later, months in tied.items():
        rows = {month: Row(month) for month in range(24290, 24297)}
        rows[gone].parts.append(Part("missing_month", "contribution_missing", "open", 0))
        person.credits = [Credit(day_in(gone + later + 1, 12), 12_000, surplus=gone + later)]
        _mark_ties(person, seen, rows)
        assert [month for month, row in rows.items() if row.tie] == months


def test_a_deduction_does_not_let_equal_credits_cross() -> None:
    """Two credits less one deduction in one month: the older line has the earlier."""
    from recon.simulate.employer import Credit, day_in
    from recon.simulate.truth import Seen, _uncross

    person = hire(1, 12, 1).people[0]
    person.windows = []
    lines = [Line(person.unit, month, "normal", 600_000, 12_000, day_in(month, 9), deducted=500)
             for month in (24290, 24291)]
    days = [day_in(24292, 14), day_in(24292, 12)]
    person.credits = [Credit(day, 11_500, [(line, 11_500)]) for line, day in zip(lines, days, strict=True)]
    seen = [Seen(line, line.month, line.month + 1, line.month + 3, [(day, 11_500)])
            for line, day in zip(lines, days, strict=True)]
    _uncross(person, seen)
    assert [each.links[0][0] for each in seen] == sorted(days)


@pytest.mark.parametrize(("hole", "twice", "read"), [(1, 4, True), (4, 1, True), (1, 9, True), (9, 1, True),
                                                     (4, 1, False)])
def test_a_hole_and_a_credit_that_came_twice_are_a_run_out_of_step(hole: int, twice: int, *, read: bool) -> None:
    """In one run of equal amounts they are credits that came late, or early, where they may: DESIGN section 6."""
    from recon.simulate.employer import NEVER, Credit, Window, day_in
    from recon.simulate.truth import _read_as_late, _seen_lines

    world = hire(50, 24, 1)
    world.late_run = NEVER
    person = next(person for person in world.people if person.region.code == "420100")
    person.unit.profile = replace(person.unit.profile, paid_on=True)
    person.windows = [Window(date(2023, 1, 1), date(2026, 1, 1), "stated", "csv")]
    person.cover = [(date(2023, 1, 1), date(2026, 1, 1), False)]
    # Paid on the 20th and credited on the 12th a month later: a credit of the same month would come before its premium.
    pays = 5 if read else 20
    person.lines = [Line(person.unit, month, "normal", 600_000, 12_000, day_in(month, pays))
                    for month in range(24290, 24302)]
    person.credits = [Credit(day_in(line.month + 1, 12), 12_000, [(line, 12_000)])
                      for at, line in enumerate(person.lines) if at != hole]
    again = Credit(day_in(person.lines[twice].month + 1, 20), 12_000, surplus=person.lines[twice].month)
    person.credits.append(again)
    seen = _seen_lines(person, 1)
    found, tied = _read_as_late(world, person, seen, sorted(month_of(credit.posted) for credit in person.credits))
    assert found == ({id(again)} if read else set())
    assert not tied
    assert [at for at, each in enumerate(seen) if not each.links] == ([] if read else [hole])
    links = [each.links[0][0] for each in seen if each.links]
    assert links == sorted(links)


def test_a_credit_from_elsewhere_in_a_months_own_place_is_one_too_many() -> None:
    """The next employer's first credit comes in the place of the last own month: a surplus there, by DESIGN section 7."""
    world = hire(3000, 24, 1)
    plant(world, 16)
    strays = [(person, credit) for person in world.people if person.goes_on_elsewhere and not person.printed
              for credit in person.credits if credit.surplus and not credit.shares and credit.cause in
              ("duplicate_credit", "unknown_extra") and credit.surplus == max(line.month for line in person.lines)]
    assert strays


def test_recon_finds_what_was_planted(made: Path) -> None:
    """A floor, not the goal: the goal and its measurement stand in docs/accuracy.md."""
    import accuracy

    from recon.batch import Options, run_folder, write_tables

    as_of = json.loads((made / "truth" / "run.json").read_text())["as_of"]
    run = run_folder(made / "exports", Options(as_of=as_of))
    assert run.counts["rejected"] == {"files": 0, "rows": 0}
    write_tables(made / "tables", run)
    compared = accuracy.compare(made / "tables", made / "truth")
    scored = compared.months.filter(~compared.months["tie"])
    assert scored["right"].mean() > 0.97
    assert compared.macro_f1 > 0.85
    facts = dict(compared.facts)
    assert facts["sum of |unexplained| (fen)"] == "0"
    assert float(facts["false missing_month per 10,000 months"]) < 10
