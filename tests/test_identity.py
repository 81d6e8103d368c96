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
    read_account,
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
    ("PSN:42010001", "PSN:42010001", "psn"), ("doc:ab12345", "DOC:AB12345", "other"),
    ("DOC:E12345678", "DOC:E12345678", "passport"),
    ("EA1234567", "DOC:EA1234567", "passport"), ("M12345678", "DOC:M12345678", "home_return_permit"),
    ("h1234567801\t", "DOC:H1234567801", "home_return_permit"),
    ("1234567801(B)", "DOC:1234567801(B)", "taiwan_permit"), ("12345678（B）", "DOC:12345678(B)", "taiwan_permit"),
    ("820000199201010012", "820000199201010012", "residence_permit"),
    ("830000199201010010", "830000199201010010", "residence_permit"),
    ("911124198108030024", "911124198108030024", "permanent_residence"),  # the form of 2023: 18 digits from 9
    ("USA123456789012", "DOC:USA123456789012", "permanent_residence"),  # the form before it: 3 letters, 12 digits
    ("JPNTK1234567", "DOC:JPNTK1234567", "social_security_no"), ("USA0123456789", "DOC:USA0123456789", "social_security_no"),
    ("11010519491231002х", "11010519491231002X", "resident"), ("11010519491231002×", "11010519491231002X", "resident"),
    ("420106-19880412-1018", ID_A, "resident"), ("４２０１０６１９８８０４１２１０１８", ID_A, "resident"),
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
    assert read_id("420106198813451018").wrong_check_digit
    assert not read_id("911124198108030025").wrong_check_digit  # the check digit applies to residents' numbers only


@pytest.mark.parametrize(("text", "kind", "pattern"), [
    ("1101**********1234", MASKED, "1101**********1234"), ("1101＊＊●●1234", MASKED, "1101****1234"),
    ("42010619880412101O", BAD, None), ("4201061988041210", BAD, None), ("42010619880412101", BAD, None),
    ("4201061988041210188", BAD, None), ("11010519491231001×", MASKED, "11010519491231001*"),
    ("4.20106E+17", DAMAGED, "420106~"),
    ("4.201061988041211e17", DAMAGED, "4201061988041211~"), ("420106198804121000", DAMAGED, "420106198804121~"),
    ("", NONE, None), ("--", NONE, None), ("****", NONE, None), ("待补", BAD, None),
    ("张三", BAD, None), ("123", BAD, None), ("91420100MA4K0000AP", BAD, None),  # an organisation's
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
    assert {read_name(f"买买提{dot}阿里") for dot in "•·・．⋅‧"} == {"买买提·阿里"}
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


@pytest.mark.parametrize(("number", "name", "person"), [
    ("4201**1988****1018", None, ID_A), ("4201**1989****1018", None, None), ("4201061988*******8", None, ID_A),
    ("4201*1988*1018", None, ID_A), ("110105********2016", None, ID_B), ("**************2016", None, ID_B),
    ("***************018", None, None), ("***************018", "测试甲", ID_A), ("***************018", "测**", None),
    ("***************016", "郑*板", ID_B), ("4201**1988****1018", "郑样板", None),
])
def test_what_a_mask_leaves_is_compared_digit_by_digit(
    people: People, number: str, name: str | None, person: str | None
) -> None:
    """Every visible digit counts in its place; fewer than four tell nobody without a name."""
    assert people.find(Clue(number=number, name=name))[0] == person


def test_names_with_lost_characters(people: People) -> None:
    """A character a system could not store fits any one, and counts only where one person fits."""
    people.learn([Clue(person_id="DOC:E1", name="王喆样"), Clue(person_id="DOC:E2", name="买买提·阿里")])
    for name in ("王?样", "王？样", "王\ue863样", "王□样"):
        assert people.find(Clue(name=read_name(name)))[0] == "DOC:E1"
    assert people.find(Clue(name="王??样"))[0] is None
    assert people.find(Clue(name="测?甲")) == (None, 2)  # 测试甲 and 测某甲
    assert people.find(Clue(name="测试?"))[0] == ID_A
    for name in ("买买提•阿里", "买买提 阿里", "买买提阿里"):
        assert people.find(Clue(name=read_name(name)))[0] == "DOC:E2"


def test_a_renewed_document_is_the_same_person(people: People) -> None:
    """The roster names earlier numbers; of 回乡证 and 台胞证 only the count of renewals changes."""
    people.learn([Clue(person_id=text) for text in ("DOC:H1234567801", "DOC:H1234567802", "DOC:H12345678", "DOC:E9")])
    people.learn_aliases(ID_B, "E11111111;曾用名；DOC:E22222222、PSN:77")
    people.join_renewals()
    for other in ("DOC:E11111111", "DOC:E22222222", "PSN:77"):
        assert not people.is_settled(other)
        assert people.find(Clue(person_id=other)) == (ID_B, 1)
    assert people.find(Clue(name="曾用名"))[0] == ID_B
    for other in ("DOC:H1234567801", "DOC:H12345678", "DOC:H1234567802"):
        assert people.find(Clue(person_id=other))[0] == "DOC:H1234567802"
    assert people.is_settled("DOC:E9")


def test_aliases_in_a_circle_change_nobody() -> None:
    """Two numbers that name each other as the earlier one: the first stays."""
    people = People()
    people.learn([Clue(person_id="DOC:E1000001"), Clue(person_id="DOC:E1000002")])
    people.learn_aliases("DOC:E1000001", "E1000002")
    people.learn_aliases("DOC:E1000002", "E1000001")
    assert {people.find(Clue(person_id=f"DOC:E100000{at}"))[0] for at in (1, 2)} == {"DOC:E1000001"}


def test_two_names_under_one_number(people: People) -> None:
    """Another name under the same number is said, unless it is hidden, lost, in another script or a known alias."""
    people.learn_aliases(ID_A, "测旧名")
    assert people.differs(ID_A, "郑样板") == "测试甲"
    for name in ("测试甲", "测*甲", "测?甲", "CESHI JIA", "测旧名"):
        assert people.differs(ID_A, name) is None


@given(st.sampled_from([ID_A, ID_B, "DOC:E12345678"]), st.sets(st.integers(0, 8), min_size=1))
def test_a_mask_always_fits_its_own_number(person: str, hidden: set[int]) -> None:
    """Whatever digits are hidden, the number itself is among those that fit."""
    number = person.removeprefix("DOC:")
    mask = "".join("*" if at in hidden else char for at, char in enumerate(number))
    known = People()
    known.learn([Clue(person_id=ID_A), Clue(person_id=ID_B), Clue(person_id="DOC:E12345678")])
    assert person in known._numbered(mask)


# ------------------------------------------------------------------------------------------------------ bank accounts


@pytest.mark.parametrize(("text", "account"), [
    ("6222 0217 0000 1018", "ACC:6222021700001018"), ("6222****1018", "ACC:6222*1018"), ("1018", "ACC:*1018"),
    ("6222-0217-1018", "ACC:622202171018"), ("--", None), ("活期", None), ("", None), ("**", None),
])
def test_account_numbers(text: str, account: str | None) -> None:
    """A number, a masked one, the end of one, and what is none."""
    assert read_account(text) == account


def test_an_account_belongs_to_whom_the_roster_says() -> None:
    """By the whole number or its visible digits; two holders that fit are none, and no number is a person."""
    people = People()
    people.learn([Clue(person_id=ID_A)])
    people.learn_aliases(ID_A, "ACC:6222021700001018;ACC:6217000018881018")
    people.learn_aliases(ID_C, "ACC:6222021700004321")
    assert people.find(Clue(psn="ACC:6222021700001018")) == (ID_A, 1)
    assert people.find(Clue(psn="ACC:6222*1018")) == (ID_A, 1)
    assert people.find(Clue(psn="ACC:*1018")) == (ID_A, 1)  # two accounts of one person
    assert people.find(Clue(psn="ACC:6222*"))[0] is None
    assert people.find(Clue(psn="ACC:6222021700009999")) == (None, 0)
