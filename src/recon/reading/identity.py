"""Who a row speaks of: one spelling per person, and numbers, masks and names traced back to it.

``person_id`` is the 18-digit ID in upper case, else ``PSN:`` + 个人编号, else ``DOC:`` + document number (DESIGN
section 3). A wrong check digit warns and never rejects; a number that a spreadsheet has damaged is never joined on,
only compared digit by digit together with the name. What is masked or a bare name counts only where one person fits.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from stdnum.cn import ric, uscc

from recon.reading.glyphs import modern
from recon.reading.values import clean, is_empty

# How far a cell identifies a person.
FULL, MASKED, DAMAGED, NONE, BAD = "full", "masked", "damaged", "none", "bad"

_RESIDENT = re.compile(r"^\d{17}[\dX]$")
_OLD_RESIDENT = re.compile(r"^\d{15}$")
_SCIENTIFIC = re.compile(r"^(\d)(?:\.(\d+))?E\+?(1[4-9]|20)$", re.IGNORECASE)
_STARS = re.compile(r"[*＊#●•·×]+")
_STAR = re.compile(r"[*＊#●•·×]")
_MASK = re.compile(r"^(?=.*[\dA-Z])[\dA-Z]*[*＊#●•×]+[\dA-Z*＊#●•×]*$")
# Letters that look like X in the last place: Cyrillic, Greek, the sign of multiplication.
_LIKE_X = re.compile(r"^(\d{17})[ХхΧχ×✕✖╳]$")
_DOCUMENTS = (
    ("home_return_permit", re.compile(r"^[HM]\d{8}(?:\d{2})?$")),  # 回乡证, with the number of its renewal or without
    ("permanent_residence", re.compile(r"^[A-Z]{3}\d{12}$")),  # 外国人永久居留证, first version
    ("taiwan_permit", re.compile(r"^\d{8}$|^\d{10}\([A-Z]\)$|^\d{8}\d{2}[A-Z]$|^\d{8}\([A-Z]\)$")),  # 台胞证
    ("passport", re.compile(r"^[A-Z]{1,2}\d{6,9}$")),
    # 外国人社会保障号码: the letters of the country, then the number of the document.
    ("social_security_no", re.compile(r"^[A-Z]{3}(?=(?:[A-Z]*\d){5})[A-Z\d]{6,15}$")),
    ("other", re.compile(r"^(?=.*\d)[A-Z\d][A-Z\d()/-]{4,29}$")),
)
# A resident's number with a digit too few, too many, or a letter typed for one: no document of its own.
_MISTYPED = re.compile(r"^(?=(?:[A-Z]*\d){14})(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{4}[\dA-Z]{10,13}$")
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]")
# Documents whose last digits only count renewals: the stem stays with the person.
_RENEWED = re.compile(r"^DOC:([HM]\d{8})\d{2}$|^DOC:(\d{8})(?:\d{2}\(?[A-Z]\)?|\([A-Z]\))$")
_VISIBLE = 4  # characters of a number that must be seen to tell a person by it without a name


@dataclass(frozen=True)
class Identity:
    """What one ID cell says.

    ``text`` is the person_id when ``kind`` is full, else what is visible of it: * stands for what is masked, ~ for
    what a spreadsheet has damaged.
    """

    kind: str
    text: str | None = None
    id_type: str | None = None
    wrong_check_digit: bool = False


@lru_cache(maxsize=65536)
def read_id(text: str, damaged: bool = False) -> Identity:
    """The person an ID cell names; ``damaged`` when the file holds it as a number of 16 or more digits."""
    if is_empty(text):
        return Identity(NONE)
    bare = clean(text).upper().replace(" ", "")
    for prefix in ("PSN:", "DOC:"):
        if bare.startswith(prefix) and len(bare) > len(prefix):
            return Identity(FULL, bare, "psn" if prefix == "PSN:" else _document(bare.removeprefix(prefix)) or "other")
    scientific = _SCIENTIFIC.match(bare)
    if scientific:
        digits = scientific.group(1) + (scientific.group(2) or "").rstrip("0")
        return Identity(DAMAGED, digits + "~")
    bare = _plain_number(bare)
    if _RESIDENT.match(bare):
        return _resident(bare, damaged)
    if _OLD_RESIDENT.match(bare) and _PROVINCE.match(bare) and _birth_date("19" + bare[6:12]):
        seventeen = bare[:6] + "19" + bare[6:]
        return Identity(FULL, seventeen + ric.calc_check_digit(seventeen + "0"), "resident")
    if damaged:
        return Identity(DAMAGED, bare[:15] + "~")
    if _MASK.match(bare):
        return Identity(MASKED, _STAR.sub("*", bare)) if re.search(r"[\dA-Z]{2}", bare) else Identity(NONE)
    if _MISTYPED.match(bare) or uscc.is_valid(bare):  # 统一社会信用代码: an organisation is nobody's employee
        return Identity(BAD)
    id_type = _document(bare)
    return Identity(FULL, f"DOC:{bare}", id_type) if id_type else Identity(BAD)


def _plain_number(bare: str) -> str:
    """A number without the hyphens some type into it, and with X for what only looks like X in the last place."""
    if re.fullmatch(r"\d{6}-\d{8}-\d{3}[\dX]", bare):
        bare = bare.replace("-", "")
    like = _LIKE_X.match(bare)
    return like.group(1) + "X" if like and ric.calc_check_digit(like.group(1) + "0") == "X" else bare


def _document(number: str) -> str | None:
    """The kind of document whose numbers look like this."""
    return next((id_type for id_type, pattern in _DOCUMENTS if pattern.match(number)), None)


def id_type_of(person_id: str) -> str | None:
    """The kind of document behind a person_id, None where it says nothing."""
    return read_id(person_id).id_type


def _resident(bare: str, damaged: bool) -> Identity:
    """18 digits: a resident, a 港澳台居民居住证 (from 81, 82, 83), a foreigner's permanent residence card (9)."""
    right: bool = ric.calc_check_digit(bare) == bare[17]
    if damaged or (not right and bare.endswith("000")):
        return Identity(DAMAGED, bare[:15] + "~")
    if bare[0] == "9":
        return Identity(FULL, bare, "permanent_residence")
    kind = "residence_permit" if bare[:2] in ("81", "82", "83") else "resident"
    return Identity(FULL, bare, kind, not right or not _birth_date(bare[6:14]))


def _birth_date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def birth_date(person_id: str) -> date | None:
    """The birth date inside an 18-digit ID, None for any other."""
    return _birth_date(person_id[6:14]) if _RESIDENT.match(person_id) else None


ACCOUNT = "ACC:"  # + the number of a bank account: who holds it stands in the roster, never in the number


def read_account(text: str) -> str | None:
    """``ACC:`` + a bank account's number, stars for what is masked; a number of up to six digits is only its end."""
    bare = _STARS.sub("*", clean(text).replace(" ", "").replace("-", ""))
    if not re.fullmatch(r"[\d*]*\d{3,}[\d*]*", bare):
        return None
    return f"{ACCOUNT}{'*' if len(bare) <= 6 else ''}{bare}"


@lru_cache(maxsize=65536)
def read_psn(text: str, damaged: bool = False) -> str | None:
    """``PSN:`` + 个人编号, None where the cell is empty or was damaged by a spreadsheet."""
    if damaged or is_empty(text):
        return None
    bare = clean(text).upper().replace(" ", "").removeprefix("PSN:")
    return None if not bare or _STARS.search(bare) or _SCIENTIFIC.match(bare) else f"PSN:{bare}"


_DOTS = re.compile("[•‧∙⋅・．﹒.]")
# A character a system could not store: a question mark, a blank square, a private code point.
_LOST = re.compile("[?？□■�〓\ue000-\uf8ff]")


@lru_cache(maxsize=65536)
def read_name(text: str) -> str:
    """A person's name as it is shown: NFKC, no spaces between Chinese characters, one dot for all dots."""
    name = unicodedata.normalize("NFKC", modern(clean(text)))
    name = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", name)
    return _DOTS.sub("·", name) if re.search(r"[^\x00-\x7f]", name) else name


@lru_cache(maxsize=65536)
def _name_key(name: str) -> str:
    """A name as names are compared: no spaces, no dots between its parts, small letters, ``?`` for a lost character."""
    return _LOST.sub("?", re.sub(r"\s+", "", name).casefold().replace("·", ""))


def is_partial(name: str) -> bool:
    """Whether a name hides or has lost some of its characters."""
    return _STARS.search(name.replace("·", "")) is not None or _LOST.search(name) is not None


@lru_cache(maxsize=65536)
def _pattern(mask: str) -> re.Pattern[str]:
    """What may stand behind a mask: a run of stars hides one character or more, ``?`` exactly one."""
    parts = re.split(r"(\*+|\?)", _STAR.sub("*", mask))
    return re.compile("".join(
        "." if part == "?" else ".+" if part.startswith("*") else re.escape(part) for part in parts
    ), re.DOTALL)


def _fits(mask: str, text: str) -> bool:
    """Whether ``text`` may stand behind a masked name."""
    return _pattern(mask).fullmatch(text) is not None


def _fits_number(mask: str, text: str) -> bool:
    """Whether a number may stand behind a masked or damaged one; of equal length, digit by digit."""
    if mask.endswith("~"):
        head = mask[:-1]
        return text.startswith(head) and len(text) > len(head)
    if len(mask) == len(text):
        return all(one in ("*", other) for one, other in zip(mask, text, strict=True))
    return _pattern(mask).fullmatch(text) is not None


@dataclass
class _Ends:
    """Texts by what they begin and end with, so that a mask is compared with few of them."""

    texts: set[str] = field(default_factory=set)
    shapes: dict[tuple[int, int], dict[tuple[str, str], list[str]]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """One more text."""
        if text not in self.texts:
            self.texts.add(text)
            self.shapes.clear()

    def like(self, mask: str) -> list[str]:
        """The texts that begin and end as ``mask`` does before its first and after its last hidden character."""
        head = re.split(r"[*?~]", mask, maxsplit=1)[0]
        tail = re.split(r"[*?~]", mask)[-1]
        shape = (len(head), len(tail))
        if shape not in self.shapes:
            found: dict[tuple[str, str], list[str]] = defaultdict(list)
            for text in sorted(self.texts):
                if len(text) >= sum(shape):
                    found[text[: shape[0]], text[len(text) - shape[1]:]].append(text)
            self.shapes[shape] = found
        return self.shapes[shape].get((head, tail), [])


@dataclass(frozen=True)
class Clue:
    """All that one row says about its person. ``number`` is the pattern of a masked or damaged ID."""

    person_id: str | None = None
    psn: str | None = None
    number: str | None = None
    name: str | None = None
    employee_no: str | None = None


@dataclass
class People:
    """Everybody the files name in full, and the other names and numbers they go by."""

    ids: set[str] = field(default_factory=set)
    by_psn: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_name: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_employee_no: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    other_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # earlier documents -> the person
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    also_called: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # names the roster lists
    shown_name: dict[str, str] = field(default_factory=dict)
    _numbers: _Ends = field(default_factory=_Ends)
    _name_keys: _Ends = field(default_factory=_Ends)

    def learn(self, clues: Iterable[Clue]) -> None:
        """Take in every row that names its person in full; call it for all files before the first :meth:`find`."""
        for clue in clues:
            person = clue.person_id
            if person is None:
                continue
            self.ids.add(person)
            self._numbers.add(person.removeprefix("DOC:"))
            if clue.psn and clue.psn != person:
                self.by_psn[clue.psn].add(person)
            if clue.name and not is_partial(clue.name):
                self._call(person, clue.name)
                self.shown_name.setdefault(person, clue.name)
            if clue.employee_no:
                self.by_employee_no[clue.employee_no].add(person)

    def _call(self, person: str, name: str) -> None:
        key = _name_key(name)
        self.by_name[key].add(person)
        self.names[person].add(key)
        self._name_keys.add(key)

    def learn_aliases(self, person: str, aliases: str) -> None:
        """Other numbers and names of a person, as the roster lists them: ``PSN:…;DOC:…;旧护照号;曾用名``."""
        for alias in filter(None, map(str.strip, re.split("[;；,，、/]", aliases))):
            if alias.startswith(ACCOUNT):
                self.by_psn[alias].add(person)
                continue
            known = read_id(alias)
            if known.kind == FULL and known.text and known.text.startswith("PSN:"):
                self.by_psn[known.text].add(person)
            elif known.kind == FULL and known.text and known.text != self._now(person):
                self.other_ids[known.text].add(person)
            elif not any(char.isdigit() for char in alias):
                self._call(person, read_name(alias))
                self.also_called[person].add(_name_key(read_name(alias)))

    def differs(self, person: str, name: str) -> str | None:
        """The name by which a person was first known, where ``name`` is another one and no alias.

        A name with hidden or lost characters, or in another script, contradicts nothing.
        """
        first = self.shown_name.get(person)
        if first is None or is_partial(name) or name.isascii() != first.isascii():
            return None
        key = _name_key(name)
        return None if key == _name_key(first) or key in self.also_called[person] else first

    def join_renewals(self) -> None:
        """回乡证 and 台胞证 that differ only in what counts renewals are one person, known by the latest."""
        stems: dict[str, set[str]] = defaultdict(set)
        for person in self.ids:
            if person.startswith("DOC:") and id_type_of(person) in ("home_return_permit", "taiwan_permit"):
                stems[_stem(person)].add(person)
        for people in stems.values():
            latest = max(people, key=lambda each: (len(each), each))
            for person in people - {latest}:
                self.other_ids[person].add(latest)

    def is_settled(self, person_id: str) -> bool:
        """Whether a person_id is nobody's other number and needs no tracing."""
        return not person_id.startswith("PSN:") and person_id not in self.other_ids

    def find(self, clue: Clue) -> tuple[str | None, int]:
        """The person of a clue and how many fit; (None, n) unless exactly one does.

        A 个人编号 that nobody is known by still is a person of its own.
        """
        own = clue.person_id
        if own and own in self.other_ids:
            people = {self._now(each) for each in self.other_ids[own]}
            return (next(iter(people)), 1) if len(people) == 1 else (None, len(people))
        if own and not (own.startswith("PSN:") and own in self.by_psn):
            return own, 1
        psn = clue.psn or own
        if psn and psn.startswith(ACCOUNT):
            owners = {person for known, people in self.by_psn.items()
                      if known.startswith(ACCOUNT) and _fits_number(psn, known) for person in people}
            return (next(iter(owners)), 1) if len(owners) == 1 else (None, len(owners))
        fits: set[str]
        if psn and self.by_psn.get(psn):
            fits = self.by_psn[psn]
        elif psn and clue.number is None:
            return psn, 1
        elif clue.number and not clue.name and (clue.number.endswith("~") or _visible(clue.number) < _VISIBLE):
            return None, 0  # what a spreadsheet or a mask left of a number proves nothing by itself
        elif clue.number:
            fits = self._numbered(clue.number)
        elif clue.employee_no and self.by_employee_no.get(clue.employee_no):
            fits = self.by_employee_no[clue.employee_no]
        elif clue.name:
            fits = self._named(clue.name)
        else:
            return None, 0
        by_pattern = clue.number is not None and not (psn and self.by_psn.get(psn))
        if clue.name and (len({self._now(person) for person in fits}) > 1 or by_pattern):
            fits = {person for person in fits if self._may_be_called(person, clue.name)}
        fits = {self._now(person) for person in fits}
        return (next(iter(fits)), 1) if len(fits) == 1 else (None, len(fits))

    def near(self, clue: Clue) -> set[str]:
        """Everybody to whom a number, a mask or a name of the clue may belong: whom :meth:`find` chooses from."""
        fits = set(self.by_psn.get(clue.psn or clue.person_id or "", ()))
        if clue.number:
            fits |= self._numbered(clue.number)
        if clue.employee_no:
            fits |= self.by_employee_no.get(clue.employee_no, set())
        return fits | self._named(clue.name) if clue.name else fits

    def _numbered(self, mask: str) -> set[str]:
        """The numbers that may stand behind a mask."""
        return {person for text in self._numbers.like(mask) if _fits_number(mask, text)
                for person in (text, f"DOC:{text}") if person in self.ids}

    def _now(self, person: str) -> str:
        """The number a person goes by now, where ``person`` is an earlier one of one person."""
        seen = {person}
        while len(owners := self.other_ids.get(person, set())) == 1 and not owners <= seen:
            person = next(iter(owners))
            seen.add(person)
        return person

    def _named(self, name: str) -> set[str]:
        key = _name_key(name)
        if not is_partial(key):
            return self.by_name.get(key, set())
        mask = _STAR.sub("*", key)
        return {person for known in self._name_keys.like(mask) if _fits(mask, known) for person in self.by_name[known]}

    def _may_be_called(self, person: str, name: str) -> bool:
        key, known = _name_key(name), self.names.get(person)
        return not known or any(_fits(key, other) if is_partial(key) else key == other for other in known)


def _visible(mask: str) -> int:
    return sum(char != "*" for char in mask)


def _stem(person_id: str) -> str:
    """What stays of a renewed travel permit's number."""
    renewed = _RENEWED.match(person_id)
    return f"DOC:{renewed.group(1) or renewed.group(2)}" if renewed else person_id
