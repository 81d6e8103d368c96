"""Months without a contribution line: owed one only inside a spell and within what the files cover."""

from __future__ import annotations

from core_cases import (
    DUE,
    HANGZHOU,
    ME,
    OTHER,
    THIRD,
    WUHAN,
    Book,
    Row,
    Told,
    cover,
    credits,
    flow,
    line,
    lines,
    person,
    refund,
    run_of,
)

book = Book()
case = book.case
ABSENT = "missing_month/contribution_missing/open"
FULL = cover()


def spell(first: str, last: str | None = None, **changes: object) -> Row:
    """A row of enrolment."""
    return {"person_id": ME, "employer": "示例公司", "region": WUHAN, "scheme": "310", "insured_status": "in_service",
            "from_month": f"{first}-01", "to_month": last and f"{last}-01"} | changes


# Two runs of one employer, eight months apart, and the credits of both.
TWO_RUNS = lines(count=3) + lines("2024-12", 2)
TWO_RUNS_CREDITS = credits(count=3) + credits("2024-12", 2)


# ---------------------------------------------------------------------------------------------------------- brackets


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]))
def test_month_between_two_lines_of_one_payer(told: Told) -> None:
    """A month between two lines of one payer lacks its line: open, amount 0, estimated, owner payer."""
    assert told.unusual() == {"2024-03": ABSENT}
    row, month = told.gap("2024-03", "missing_month"), told.months()["2024-03"]
    assert (row["amount_fen"], row["estimated_fen"], row["owner"]) == (0, DUE, "payer")
    assert (month["contributed_fen"], month["expected_fen"], month["verdict"]) == (0, 0, "no_record")


@case(lines(count=3), credits(count=3), roster=[person(region=HANGZHOU, employed_from="2020-01-01")],
      coverage=[cover(), cover("contribution.csv", table="contribution")])
def test_a_persons_record_of_one_region_speaks_of_no_other(told: Told) -> None:
    """The roster says Hangzhou, the record is Wuhan's: whether Hangzhou has lines is not known."""
    assert told.unusual() == {}


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]))
def test_absent_month_names_its_neighbours(told: Told) -> None:
    """R13: the evidence of a bracketed month names the two lines around it."""
    evidence = told.gap("2024-03", "missing_month")["evidence"]
    assert evidence.endswith(f"[{told.ids[ME]}/contribution.csv#L3; {told.ids[ME]}/contribution.csv#L4]")


@case([*lines(skip=["2024-03"]), refund("2024-03", "2024-05-10")], credits(skip=["2024-03"]))
def test_a_refund_is_a_line_for_its_month(told: Told) -> None:
    """What was refunded had been paid: nobody is told that the records lack the month."""
    assert told.unusual() == {}


@case(lines(count=2) + lines("2024-04", 3, employer="乙公司"), credits(skip=["2024-03"]))
def test_month_between_two_employers(told: Told) -> None:
    """A gap between two employers is nobody's missing line."""
    assert told.unusual() == {}
    assert "2024-03" not in told.answers()


@case(lines(count=2, payer="91420100MA0000000X") + lines("2024-04", 3, payer="91420100MA0000000X", employer="新名公司"),
      credits(skip=["2024-03"]))
def test_renamed_employer_of_one_payer(told: Told) -> None:
    """The payer decides, not the name: a renamed employer's hole is a hole."""
    assert told.unusual() == {"2024-03": ABSENT}


@case([*lines(count=3), *lines("2024-04", 2, employer="乙公司"), *lines("2024-07", 2)],
      credits(count=8, skip=["2024-06"]))
def test_other_employer_in_between_ends_the_spell(told: Told) -> None:
    """Where another payer's lines lie in between, coming back is a new spell."""
    assert told.unusual() == {}


@case([*lines(skip=["2024-03"]), line("2024-03", scheme="330", scale=5, due=None, base_fen=None)],
      credits(skip=["2024-03"]))
def test_side_scheme_is_no_line_for_the_month(told: Told) -> None:
    """A side scheme's line does not stand in for the missing 310 line."""
    assert told.unusual() == {"2024-03": ABSENT}


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]), as_of="2024-04-29")
def test_absent_month_before_the_deadline(told: Told) -> None:
    """An absent month is not yet due until the end of the month after it."""
    assert told.answers()["2024-03"] == "delay/not_yet_due/pending"


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]), as_of="2024-04-30")
def test_absent_month_on_the_deadline(told: Told) -> None:
    """On the last day of the month after it the absent month is open."""
    assert told.answers()["2024-03"] == ABSENT


# ------------------------------------------------------------------------------------------------------------ spells


@case(TWO_RUNS, TWO_RUNS_CREDITS, roster=[person(employed_from="2024-12-01")])
def test_roster_says_a_new_spell(told: Told) -> None:
    """R10a: months before the current spell began are not owed a line, though the same employer paid before."""
    assert told.unusual() == {}


@case(lines(count=3) + lines("2024-06", 2), credits(count=3) + credits("2024-06", 2),
      roster=[person(employed_from="2024-06-01")])
def test_roster_says_a_new_spell_after_a_short_gap(told: Told) -> None:
    """R10a: the same after two months, where without a roster the gap would be a hole."""
    assert told.unusual() == {}


@case(TWO_RUNS, TWO_RUNS_CREDITS, enrolment=[spell("2023-06", "2024-03"), spell("2024-12")])
def test_enrolment_says_two_spells(told: Told) -> None:
    """R10b: months outside all enrolment spells are not owed a line."""
    assert told.unusual() == {}


@case(lines(count=3) + lines("2024-06", 2), credits(count=3) + credits("2024-06", 2),
      enrolment=[spell("2024-01", "2024-03"), spell("2024-06")])
def test_enrolment_says_two_spells_after_a_short_gap(told: Told) -> None:
    """R10b: the same for a gap that would bracket."""
    assert told.unusual() == {}


@case(lines(count=3) + lines("2024-04", 2, region=HANGZHOU) + lines("2024-06", 2),
      credits(count=3) + credits("2024-04", 2, region=HANGZHOU) + credits("2024-06", 2))
def test_a_line_in_another_region_is_a_line(told: Told) -> None:
    """R10c: months paid in another pooling area are not missing here."""
    assert told.unusual(WUHAN) == {}


@case([*lines(count=3), *lines("2024-04", 2, scheme="390", employee_fen=3800, employer_fen=0, due=None, employer=None),
       *lines("2024-06", 2)], credits(count=3) + credits("2024-06", 2))
def test_a_line_of_another_scheme_is_a_line(told: Told) -> None:
    """R10c: months paid under 城乡居民 are not missing from the employee scheme."""
    assert told.unusual() == {}


@case(TWO_RUNS, TWO_RUNS_CREDITS)
def test_a_long_gap_without_a_roster_is_a_rehire(told: Told) -> None:
    """R10: eight months between two lines of one payer, with nothing that proves employment, accuse nobody."""
    assert told.accused() == []


@case(lines(count=5), credits(count=5), roster=[person(employed_from="2024-01-01", employed_to="2024-07-31")],
      coverage=[FULL, cover("contribution.csv", "2024-01-01", "2024-09-30", table="contribution")])
def test_whole_last_month_of_a_spell_is_owed(told: Told) -> None:
    """R15: leaving on the last day of a month makes that month whole, and it is owed a line."""
    assert told.unusual() == dict.fromkeys(["2024-06", "2024-07"], ABSENT)


@case(lines(count=5), credits(count=5), roster=[person(employed_from="2024-01-01", employed_to="2024-07-30")],
      coverage=[FULL, cover("contribution.csv", "2024-01-01", "2024-09-30", table="contribution")])
def test_broken_last_month_of_a_spell_is_not_owed(told: Told) -> None:
    """R15: who pays a broken month is local: leaving a day earlier owes one month less."""
    assert told.unusual() == {"2024-06": ABSENT}


@case(lines("2024-03", 3), credits("2024-03", 3), roster=[person(employed_from="2024-02-01")],
      coverage=[FULL, cover("contribution.csv", "2024-01-01", "2024-05-31", table="contribution")])
def test_whole_first_month_of_a_spell_is_owed(told: Told) -> None:
    """R15: joining on the first makes the month whole."""
    assert told.unusual() == {"2024-02": ABSENT}


@case(lines("2024-03", 3), credits("2024-03", 3), roster=[person(employed_from="2024-02-02")],
      coverage=[FULL, cover("contribution.csv", "2024-01-01", "2024-05-31", table="contribution")])
def test_broken_first_month_of_a_spell_is_not_owed(told: Told) -> None:
    """R15: joining on the second breaks the month."""
    assert told.unusual() == {}


@case(lines(skip=["2024-03"]), credits(skip=["2024-03"]),
      roster=[person(insured_status="retired", retired_from="2024-03-01")])
def test_no_line_is_owed_after_retirement(told: Told) -> None:
    """Nobody is asked for a line from the month of retirement on."""
    assert "contribution_missing" not in {cause for _, _, cause, _ in told.accused()}


# -------------------------------------------------------------------------------------------------------- coverage


@case(lines(), credits(), roster=[person(employed_from="2023-06-01")])
def test_nothing_is_owed_beyond_the_file(told: Told) -> None:
    """Inside a spell, months before the first and after the last line of the file are not judged."""
    assert told.unusual() == {}
    assert list(told.answers()) == run_of("2024-01", 6)


@case(lines(), credits(), roster=[person(employed_from="2023-06-01")],
      coverage=[FULL, cover("contribution.csv", "2024-01-01", "2024-08-31", table="contribution")])
def test_a_declared_cover_counts(told: Told) -> None:
    """Where the contribution file is declared to reach further, the spell's months without a line are open."""
    assert told.unusual() == dict.fromkeys(["2024-07", "2024-08"], ABSENT)


@case([*lines(), *lines(count=8, person_id=OTHER)], [*credits(), *credits(count=8, person_id=OTHER)],
      roster=[person(employed_from="2023-06-01")])
def test_colleagues_show_what_the_file_covers(told: Told) -> None:
    """A file of several people covers first to last accrual month over all of them."""
    assert told.unusual() == dict.fromkeys(["2024-07", "2024-08"], ABSENT)
    assert told.of(OTHER).unusual() == {}


@case([*lines(), *lines(count=8, person_id=OTHER)], [*credits(), *credits(count=8, person_id=OTHER)])
def test_stopping_early_proves_nothing(told: Told) -> None:
    """Without a spell nobody who stops before the colleagues is owed a line."""
    assert told.unusual() == {}


@case([*lines(count=4, person_id=OTHER), *lines(count=4, person_id=THIRD)],
      [flow("2024-02-12", 1, "interest"), *credits(count=4, person_id=OTHER), *credits(count=4, person_id=THIRD)],
      roster=[person(employed_from="2023-06-01")])
def test_somebody_who_never_appears_in_the_payers_file(told: Told) -> None:
    """A spell at a payer whose file names others, but never this person, is owed each month of the file."""
    assert {cause for _, _, cause, _ in told.accused()} == {"contribution_missing"}
    assert [month for month, *_ in told.accused()] == run_of("2024-01", 4)


@case([*lines(skip=["2024-03"]), line("2024-04", payer="甲公司", employer="甲公司")], credits(skip=["2024-03"]))
def test_another_payer_beside_it_hides_no_hole(told: Told) -> None:
    """That somebody else paid as well in the month after a hole does not end the spell at the first payer."""
    assert told.unusual()["2024-03"] == ABSENT


@case([*lines(count=3, file="old.csv"), *lines(count=9, person_id=OTHER, file="old.csv"),
       *lines("2024-04", 3, employer="乙公司", file="new.csv"),
       *lines("2024-04", 3, employer="乙公司", person_id=THIRD, file="new.csv")],
      [*credits(count=6), *credits(count=9, person_id=OTHER), *credits("2024-04", 3, person_id=THIRD)],
      enrolment=[spell("2024-01", "2024-03"), spell("2024-04", employer="乙公司")])
def test_the_file_of_an_employer_one_left_says_nothing_of_the_next(told: Told) -> None:
    """What the old employer's file covers beyond the new one's proves nothing of the new one's months."""
    assert told.unusual() == {}


@case([*lines(count=3, file="all.csv"), *lines("2024-04", 3, employer="乙公司", file="all.csv")], credits(count=6),
      coverage=[cover(), cover("all.csv", table="contribution", start="2024-01-01", end="2024-08-31")],
      enrolment=[spell("2024-01", "2024-03"), spell("2024-04", employer="乙公司")])
def test_ones_own_download_speaks_of_every_employer(told: Told) -> None:
    """A file of one person covers whoever paid."""
    assert told.unusual() == {"2024-07": ABSENT, "2024-08": ABSENT}
