"""What each row says of its person.

It stays in helper columns (``_number``, ``_psn``, ``_name``, ``_employee_no``): only all files together tell who is
is meant (:mod:`recon.reading.people`).
"""

from __future__ import annotations

import re

import polars as pl

from recon.reading import columns, identity
from recon.reading.format import STATEMENT
from recon.reading.grid import DAMAGED
from recon.reading.lines import Reading

_NO_PERSON = frozenset({"payment", "coverage", STATEMENT})
_PARTS = re.compile(r"[;；,，、/\s]+")


def read_identity(reading: Reading) -> None:
    """person_id where the row says it in full, and the clues where it does not."""
    ids, psns = reading.texts("person_id"), reading.texts("psn_no")
    damaged = _damaged(reading)
    if reading.format.table == "person":  # asks what kind of document each number is
        ids = list(ids)
    person, number, found = columns.ids(ids)
    psn = columns.psns(psns)
    if damaged:
        own, parts, personal = list(person), list(number), list(psn)
        for column, position in sorted(damaged):
            if column == "person_id":
                own[position], parts[position] = None, identity.read_id(ids[position], damaged=True).text
            else:
                personal[position] = None
                reading.note("damaged-id", position, "psn_no", psns[position])
        person, number, psn = own, parts, personal
    for position in columns.where(ids, {text for text, known in found.items() if known.kind == identity.BAD}):
        if ("person_id", position) not in damaged:
            # The row still counts where its 个人编号 says whose it is.
            (reading.note if psn[position] else reading.refuse)("unreadable-id", position, "person_id", ids[position])
    said: set[str] = set()
    for position in columns.where(ids, {text for text, known in found.items() if known.wrong_check_digit}):
        if ids[position] not in said:
            said.add(ids[position])
            reading.note("id-check-digit", position, "person_id", ids[position])
    name, staff = columns.names(reading.texts("person_name")), columns.texts(reading.texts("employee_no"))
    if reading.format.table == STATEMENT:
        accounts = columns.by_value(reading.texts("account_no"), identity.read_account, pl.String())[0]
        nameless = columns.all_missing([name, person, number])
        psn = columns.coalesced(psn, columns.only(accounts, nameless))
    if "bank_account" in reading.cells:  # the roster says whose accounts these are
        known = [[identity.read_account(part) for part in _PARTS.split(text)]
                 for text in reading.cells["bank_account"]]
        reading.read["aliases"] = [";".join(filter(None, [given, *parts])) or None
                                   for given, parts in zip(reading.column("aliases"), known, strict=True)]
    reading.read |= {
        "person_id": person, "_number": number, "_psn": psn, "_name": name, "person_name": name,
        "_employee_no": staff, "employee_no": staff,
    }
    if reading.format.table == "person":
        reading.read["id_type"] = [stated or found[text].id_type for stated, text in
                                   zip(reading.column("id_type"), ids, strict=True)]
    if reading.format.table not in _NO_PERSON:
        for position in columns.all_missing([person, number, psn, name, staff]):
            if position not in reading.reject and position not in reading.drop:
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
