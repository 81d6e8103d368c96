"""Who a row speaks of: one spelling per person, and numbers, masks and names traced back to it.

``person_id`` is the 18-digit ID in upper case, else ``PSN:`` + 个人编号, else ``DOC:`` + document number (DESIGN
section 3). A wrong check digit warns and never rejects; a number that a spreadsheet has damaged is never joined on,
only compared digit by digit together with the name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from stdnum.cn import ric

from recon.reading.glyphs import modern
from recon.reading.values import clean, is_empty

# How far a cell identifies a person.
FULL, MASKED, DAMAGED, NONE, BAD = "full", "masked", "damaged", "none", "bad"

_RESIDENT = re.compile(r"^\d{17}[\dX]$")
_OLD_RESIDENT = re.compile(r"^\d{15}$")
_SCIENTIFIC = re.compile(r"^(\d)(?:\.(\d+))?E\+?(1[4-9]|20)$", re.IGNORECASE)
_STARS = re.compile(r"[*＊#●•·×]+")
_MASK = re.compile(r"^(?=.*[\dA-Z])[\dA-Z]*[*＊#●•×]+[\dA-Z*＊#●•×]*$")
_DOCUMENTS = (
    ("home_return_permit", re.compile(r"^[HM]\d{8}(?:\d{2})?$")),  # 回乡证
    ("permanent_residence", re.compile(r"^[A-Z]{3}\d{12}$")),  # 外国人永久居留证, first version
    ("taiwan_permit", re.compile(r"^\d{8}$")),  # 台胞证
    ("passport", re.compile(r"^[A-Z]{1,2}\d{6,9}$")),
    ("other", re.compile(r"^(?=.*\d)[A-Z\d][A-Z\d()/-]{4,29}$")),
)
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]")


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
            return Identity(FULL, bare, prefix[:3].lower())
    scientific = _SCIENTIFIC.match(bare)
    if scientific:
        digits = scientific.group(1) + (scientific.group(2) or "").rstrip("0")
        return Identity(DAMAGED, digits + "~")
    if _RESIDENT.match(bare):
        return _resident(bare, damaged)
    if _OLD_RESIDENT.match(bare) and _PROVINCE.match(bare) and _birth_date("19" + bare[6:12]):
        seventeen = bare[:6] + "19" + bare[6:]
        return Identity(FULL, seventeen + ric.calc_check_digit(seventeen + "0"), "resident")
    if damaged:
        return Identity(DAMAGED, bare[:15] + "~")
    if _MASK.match(bare):
        return Identity(MASKED, _STARS.sub("*", bare)) if re.search(r"[\dA-Z]{2}", bare) else Identity(NONE)
    for id_type, pattern in _DOCUMENTS:
        if pattern.match(bare):
            return Identity(FULL, f"DOC:{bare}", id_type)
    return Identity(BAD)


def _resident(bare: str, damaged: bool) -> Identity:
    right: bool = ric.calc_check_digit(bare) == bare[17]
    if damaged or (not right and bare.endswith("000")):
        return Identity(DAMAGED, bare[:15] + "~")
    kind = {"81": "residence_permit", "82": "residence_permit", "83": "residence_permit"}.get(bare[:2])
    if bare[0] == "9":
        kind = "permanent_residence"
    return Identity(FULL, bare, kind or "resident", not right or (kind is None and not _birth_date(bare[6:14])))


def _birth_date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def birth_date(person_id: str) -> date | None:
    """The birth date inside an 18-digit ID, None for any other."""
    return _birth_date(person_id[6:14]) if _RESIDENT.match(person_id) else None


@lru_cache(maxsize=65536)
def read_psn(text: str, damaged: bool = False) -> str | None:
    """``PSN:`` + 个人编号, None where the cell is empty or was damaged by a spreadsheet."""
    if damaged or is_empty(text):
        return None
    bare = clean(text).upper().replace(" ", "").removeprefix("PSN:")
    return None if not bare or _STARS.search(bare) or _SCIENTIFIC.match(bare) else f"PSN:{bare}"


_DOTS = re.compile("[•‧∙・．.]")


@lru_cache(maxsize=65536)
def read_name(text: str) -> str:
    """A person's name as it is shown: NFKC, no spaces between Chinese characters, one dot for all dots."""
    name = unicodedata.normalize("NFKC", modern(clean(text)))
    name = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", name)
    return _DOTS.sub("·", name) if re.search(r"[^\x00-\x7f]", name) else name


def _name_key(name: str) -> str:
    return re.sub(r"\s+", "", name).casefold()


def _fits(mask: str, text: str) -> bool:
    """Whether ``text`` may stand behind ``mask``, whose stars hide one or more characters each."""
    parts = [re.escape(part) for part in _STARS.split(mask)]
    return re.fullmatch(".+".join(part for part in parts) if len(parts) > 1 else parts[0], text) is not None


def _fits_number(mask: str, text: str) -> bool:
    head, _, tail = mask.replace("~", "*").partition("*")
    tail = tail.rpartition("*")[2]
    return text.startswith(head) and text.endswith(tail) and len(text) > len(head) + len(tail)


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
    """Everybody the files name in full, and the other names they go by."""

    ids: set[str] = field(default_factory=set)
    by_psn: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_name: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_employee_no: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    shown_name: dict[str, str] = field(default_factory=dict)

    def learn(self, clues: Iterable[Clue]) -> None:
        """Take in every row that names its person in full; call it for all files before the first :meth:`find`."""
        for clue in clues:
            person = clue.person_id
            if person is None:
                continue
            self.ids.add(person)
            if clue.psn and clue.psn != person:
                self.by_psn[clue.psn].add(person)
            if clue.name and not _STARS.search(clue.name):
                self.by_name[_name_key(clue.name)].add(person)
                self.names[person].add(_name_key(clue.name))
                self.shown_name.setdefault(person, clue.name)
            if clue.employee_no:
                self.by_employee_no[clue.employee_no].add(person)

    def find(self, clue: Clue) -> tuple[str | None, int]:
        """The person of a clue and how many fit; (None, n) unless exactly one does.

        A 个人编号 that nobody is known by still is a person of its own.
        """
        if clue.person_id and not (clue.person_id.startswith("PSN:") and clue.person_id in self.by_psn):
            return clue.person_id, 1
        psn = clue.psn or clue.person_id
        fits: set[str]
        if psn and self.by_psn.get(psn):
            fits = self.by_psn[psn]
        elif psn and clue.number is None:
            return psn, 1
        elif clue.number and clue.number.endswith("~") and not clue.name:
            return None, 0  # what a spreadsheet left of a number proves nothing by itself
        elif clue.number:
            fits = {person for person in self.ids if _fits_number(clue.number, person.removeprefix("DOC:"))}
        elif clue.employee_no and self.by_employee_no.get(clue.employee_no):
            fits = self.by_employee_no[clue.employee_no]
        elif clue.name:
            fits = self._named(clue.name)
        else:
            return None, 0
        by_pattern = clue.number is not None and not (psn and self.by_psn.get(psn))
        if clue.name and (len(fits) > 1 or by_pattern):
            fits = {person for person in fits if self._may_be_called(person, clue.name)}
        return (next(iter(fits)), 1) if len(fits) == 1 else (None, len(fits))

    def _named(self, name: str) -> set[str]:
        key = _name_key(name)
        if not _STARS.search(key):
            return self.by_name.get(key, set())
        return {person for known, people in self.by_name.items() if _fits(key, known) for person in people}

    def _may_be_called(self, person: str, name: str) -> bool:
        key, known = _name_key(name), self.names.get(person)
        return not known or any(_fits(key, other) if _STARS.search(key) else key == other for other in known)
