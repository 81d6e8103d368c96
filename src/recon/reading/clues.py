"""What each row says of its person.

It stays in helper columns (``_number``, ``_psn``, ``_name``, ``_employee_no``): only all files together tell who is
is meant (:mod:`recon.reading.people`).
"""

from __future__ import annotations

import re

from recon.reading import identity, values
from recon.reading.formats import STATEMENT
from recon.reading.grid import DAMAGED
from recon.reading.lines import Reading

_NO_PERSON = frozenset({"payment", "coverage", STATEMENT})
_PARTS = re.compile(r"[;；,，、/\s]+")


def read_identity(reading: Reading) -> None:
    """person_id where the row says it in full, and the clues where it does not."""
    blank = [""] * len(reading.at)
    ids, psns = reading.cells.get("person_id", blank), reading.cells.get("psn_no", blank)
    damaged = _damaged(reading)
    found = {text: identity.read_id(text) for text in dict.fromkeys(ids)}
    full = {text: known.text if known.kind == identity.FULL else None for text, known in found.items()}
    part = {text: known.text if known.kind in (identity.MASKED, identity.DAMAGED) else None
            for text, known in found.items()}
    person, number = [full[text] for text in ids], [part[text] for text in ids]
    psn_of = {text: identity.read_psn(text) for text in set(psns)}
    psn = [psn_of[text] for text in psns]
    for column, position in sorted(damaged):
        if column == "person_id":
            person[position], number[position] = None, identity.read_id(ids[position], damaged=True).text
        else:
            psn[position] = None
            reading.note("damaged-id", position, "psn_no", psns[position])
    if any(known.kind == identity.BAD for known in found.values()):
        for position, text in enumerate(ids):
            if found[text].kind == identity.BAD and ("person_id", position) not in damaged:
                # The row still counts where its 个人编号 says whose it is.
                (reading.note if psn[position] else reading.refuse)("unreadable-id", position, "person_id", text)
    for text, known in found.items():
        if known.wrong_check_digit:
            reading.note("id-check-digit", ids.index(text), "person_id", text)
    name = values.by_value(
        reading.cells.get("person_name", blank),
        lambda text: identity.read_name(text) if not values.is_empty(text) else None,
    )[0]
    staff = values.text_column(reading.cells.get("employee_no", blank))
    if reading.format.table == STATEMENT:
        account = {text: identity.read_account(text) for text in set(reading.cells.get("account_no", blank))}
        psn = [known or (None if name[at] or person[at] or number[at] else account.get(text))
               for at, (known, text) in enumerate(zip(psn, reading.cells.get("account_no", blank), strict=True))]
    if "bank_account" in reading.cells:  # the roster says whose accounts these are
        accounts = [[identity.read_account(part) for part in _PARTS.split(text)]
                    for text in reading.cells["bank_account"]]
        reading.read["aliases"] = [";".join(filter(None, [given, *parts])) or None
                                   for given, parts in zip(reading.column("aliases"), accounts, strict=True)]
    reading.read |= {
        "person_id": person, "_number": number, "_psn": psn, "_name": name, "person_name": name,
        "_employee_no": staff, "employee_no": staff,
    }
    if reading.format.table == "person":
        reading.read["id_type"] = [stated or found[text].id_type for stated, text in
                                   zip(reading.column("id_type"), ids, strict=True)]
    if reading.format.table not in _NO_PERSON:
        for position, clues in enumerate(zip(person, number, psn, name, staff, strict=True)):
            if not any(clues) and position not in reading.reject and position not in reading.drop:
                reading.refuse("missing-value", position, "person_id")


def _damaged(reading: Reading) -> set[tuple[str, int]]:
    """(column, position) of ID cells the file holds as a number too long to be exact."""
    if DAMAGED not in reading.grid.marks.values():
        return set()
    position_of = {at: position for position, at in enumerate(reading.at)}
    column_of = {index: column for column, index in reading.header.columns.items()
                 if column in ("person_id", "psn_no")}
    return {
        (column_of[index], position_of[at]) for (at, index), mark in reading.grid.marks.items()
        if mark == DAMAGED and index in column_of and at in position_of
    }
