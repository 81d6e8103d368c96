"""One spelling per person; numbers, masks and names traced back only when nobody else fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.reading.identity import (
    BAD,
    DAMAGED,
    FULL,
    MASKED,
    NONE,
    Clue,
    People,
    birth_date,
    read_id,
    read_name,
    read_psn,
)

ID_A, ID_B, ID_C = "420106198804121018", "110105198605172016", "420106199001021018"


@pytest.mark.parametrize(("text", "person", "kind"), [
    (ID_A, ID_A, "resident"), (f" {ID_A}\t", ID_A, "resident"), (f"'{ID_A}", ID_A, "resident"),
    (f'="{ID_A}"', ID_A, "resident"), ("11010519491231002x", "11010519491231002X", "resident"),
    ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X", "resident"),
    ("420106 19880412 1018", ID_A, "resident"),
    ("110105491231002", "11010519491231002X", "resident"),
    ("810000199408230021", "810000199408230021", "residence_permit"),
    ("E12345678", "DOC:E12345678", "passport"), ("H1234567890", "DOC:H1234567890", "home_return_permit"),
    ("12345678", "DOC:12345678", "taiwan_permit"), ("FRA123456789012", "DOC:FRA123456789012", "permanent_residence"),
    ("PSN:42010001", "PSN:42010001", "psn"), ("doc:ab12345", "DOC:AB12345", "doc"),
])
def test_full_ids(text: str, person: str, kind: str) -> None:
    """Every way of writing a number that names one person."""
    found = read_id(text)
    assert (found.kind, found.text, found.id_type) == (FULL, person, kind)


def test_the_check_digit_warns_and_never_rejects() -> None:
    """A wrong last digit, or an impossible birth date, is still the person."""
    assert not read_id(ID_A).wrong_check_digit
    for wrong in (ID_A[:-1] + "7", ID_A[:-1] + "X"):
        assert read_id(wrong).kind == FULL
        assert read_id(wrong).wrong_check_digit


@pytest.mark.parametrize(("text", "kind", "pattern"), [
    ("1101**********1234", MASKED, "1101*1234"), ("1101****1234", MASKED, "1101*1234"),
    ("4.20106E+17", DAMAGED, "420106~"),
    ("4.201061988041211e17", DAMAGED, "4201061988041211~"), ("420106198804121000", DAMAGED, "420106198804121~"),
    ("", NONE, None), ("--", NONE, None), ("****", NONE, None), ("待补", BAD, None),
    ("张三", BAD, None), ("123", BAD, None),
])
def test_partial_ids(text: str, kind: str, pattern: str | None) -> None:
    """Masked, damaged, empty and unreadable numbers are told apart."""
    assert (read_id(text).kind, read_id(text).text) == (kind, pattern)


def test_numbers_a_spreadsheet_kept_as_numbers_are_damaged() -> None:
    """Their last digits are gone whatever they look like."""
    assert read_id("420106198804121024", damaged=True).kind == DAMAGED


@given(st.text(max_size=25))
def test_any_text_is_some_kind(text: str) -> None:
    """Nothing raises, and a full number never is empty."""
    found = read_id(text)
    assert found.kind in (FULL, MASKED, DAMAGED, NONE, BAD)
    assert (found.kind == FULL) <= bool(found.text)


def test_names_and_numbers() -> None:
    """Spaces between Chinese characters, dots and widths do not make another name."""
    assert read_name("测 试　甲") == "测试甲"
    assert read_name("买买提•阿里") == read_name("买买提·阿里") == "买买提·阿里"
    assert read_name("JOHN  SMITH") == "JOHN SMITH"
    assert read_psn(" 4201000001 ") == "PSN:4201000001"
    assert read_psn("4.2E+17") is read_psn("--") is read_psn("420*01") is read_psn("1", damaged=True) is None
    assert str(birth_date(ID_A)) == "1988-04-12"
    assert birth_date("PSN:1") is None


@pytest.fixture
def people() -> People:
    known = People()
    known.learn([
        Clue(person_id=ID_A, psn="PSN:1", name="测试甲", employee_no="A001"),
        Clue(person_id=ID_B, psn="PSN:2", name="郑样板"),
        Clue(person_id=ID_C, name="测某甲"),
    ])
    return known


@pytest.mark.parametrize(("clue", "person"), [
    (Clue(psn="PSN:1"), ID_A), (Clue(psn="PSN:9"), "PSN:9"), (Clue(person_id="PSN:2"), ID_B),
    (Clue(employee_no="A001"), ID_A), (Clue(name="郑样板"), ID_B), (Clue(name="郑*板"), ID_B),
    (Clue(name="郑**"), ID_B),
    (Clue(number="1101*2016"), ID_B), (Clue(number="1101*2016", name="郑*板"), ID_B),
    (Clue(number="420106~", name="测试甲"), ID_A), (Clue(number="4201*1018", name="测试甲"), ID_A),
    (Clue(number="4201*1018", name="测*甲"), None), (Clue(number="4201*1018"), None), (Clue(name="测*甲"), None),
    (Clue(number="420106198804121~"), None), (Clue(number="1101*2016", name="别人"), None), (Clue(name="无此人"), None),
    (Clue(number="1101*2016", name="别人", psn="PSN:2"), ID_B),
])
def test_finding(people: People, clue: Clue, person: str | None) -> None:
    """Exactly one fits, or nobody is named; a damaged number proves nothing without the name."""
    assert people.find(clue)[0] == person


def test_two_owners_of_one_number(people: People) -> None:
    """A personal number that stands for two people is told apart by the name or not at all."""
    people.learn([Clue(person_id=ID_C, psn="PSN:1")])
    assert people.find(Clue(psn="PSN:1", name="测试甲"))[0] == ID_A
    assert people.find(Clue(psn="PSN:1")) == (None, 2)
