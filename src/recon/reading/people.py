"""All files together tell who a row speaks of: numbers, masks and names traced to one person, or said to fit nobody.

What one row says is a :class:`~recon.reading.identity.Clue`; every clue of every file is learned before the first is
traced, so that the order of files changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recon.problems import Problem
from recon.reading.identity import ACCOUNT, Clue, People, birth_date, id_type_of, is_partial
from recon.tables import TABLES, conform

if TYPE_CHECKING:
    from recon.reading.file_read import FileRead

CLUES = ("person_id", "_psn", "_number", "_name", "_employee_no")


def clues_of(frame: pl.DataFrame) -> list[Clue]:
    """Every distinct way in which rows name their people."""
    columns = [column for column in CLUES if column in frame.columns]
    if "person_id" not in columns:
        return []
    return [_clue(row) for row in frame.select(columns).unique(maintain_order=True).to_dicts()]


def _clue(row: dict[str, str | None]) -> Clue:
    """What a row of those columns says."""
    return Clue(**{column.removeprefix("_"): text for column, text in row.items()})


def who_is_who(
    reads: list[FileRead], elsewhere: Iterable[str] = (), told: Mapping[str, pl.DataFrame] | None = None
) -> People:
    """All people the files name in full, then those known by a 个人编号 alone.

    elsewhere: numbers that stand in rows put away; told: the aliases (person_id, aliases) of a file's rows put away.
    """
    people = People()
    clues = [clue for read in reads for part in read.parts for clue in clues_of(part.frame)]
    people.learn(clues)
    people.learn(Clue(person_id=person) for person in elsewhere)
    for read in reads:
        own = [part.frame.select("person_id", "aliases") for part in read.parts if "aliases" in part.frame.columns]
        if told and read.file in told:
            own.append(told[read.file])
        for frame in own:
            for row in frame.drop_nulls().unique(maintain_order=True).iter_rows():
                people.learn_aliases(*row)
    people.join_renewals()
    people.learn(
        replace(clue, person_id=clue.psn) for clue in clues
        if clue.person_id is None and clue.number is None and clue.psn and clue.psn not in people.by_psn
        and not clue.psn.startswith(ACCOUNT)
    )
    return people


def settle_people(read: FileRead, people: People, partly: str) -> None:
    """Give every row its person; rows that fit nobody or several are rejected, and the file's status is ``partly``."""
    for part in read.parts:
        frame = part.frame
        if "person_id" not in frame.columns:
            continue
        rows = frame.select(CLUES).unique(maintain_order=True).to_dicts()
        found: dict[str, str] = {}
        lost: dict[str, str] = {}
        restored: set[str] = set()
        for row in rows:
            clue = _clue(row)
            if clue.person_id and people.is_settled(clue.person_id):
                continue
            key = _key(row)
            person, fits = people.find(clue)
            is_damaged = bool(clue.number and clue.number.endswith("~"))
            if person is not None:
                found[key] = person
                if is_damaged:
                    restored.add(key)
            elif row.keys() and any(row.values()):
                lost[key] = "damaged-id" if is_damaged else "ambiguous-person" if fits else "unknown-person"
        if not found and not lost:
            continue
        keyed = frame.with_columns(pl.concat_str(
            [pl.col(column).fill_null("") for column in CLUES], separator="\x1f").alias("_key"))
        if found:
            keyed = keyed.with_columns(pl.coalesce(
                pl.col("_key").replace_strict(found, default=None, return_dtype=pl.String), "person_id"
            ).alias("person_id"))
        for row in keyed.filter(pl.col("_key").is_in(sorted(restored))).unique(
                "_key", keep="first", maintain_order=True).to_dicts():
            read.problems.append(Problem("id-restored", read.file, row["_place"], value=_shown(row)))
        gone = keyed.filter(pl.col("_key").is_in(sorted(lost)))
        if gone.height:
            unnamed = gone.filter(pl.col("_psn").str.starts_with(ACCOUNT).fill_null(False))
            if unnamed.height:
                read.problems.append(Problem("holder-unknown", read.file, unnamed["_place"][0],
                                             value=str(unnamed.height)))
            for row in gone.join(unnamed, on="_at", how="anti").to_dicts():
                read.problems.append(Problem(lost[row["_key"]], read.file, row["_place"], value=_shown(row)))
            part.rejected += gone["_at"].n_unique()
            keyed = keyed.filter(~pl.col("_key").is_in(sorted(lost)))
            read.status = partly
        part.frame = keyed.drop("_key")


def other_names(read: FileRead, people: People) -> Iterator[Problem]:
    """People whom this file calls by another name than the first file that names them: the number may be wrong."""
    said: set[tuple[str, str]] = set()
    for part in read.parts:
        if not {"person_id", "_name"} <= set(part.frame.columns):
            continue
        named = part.frame.select("person_id", "_name", "_place").drop_nulls().unique(
            ["person_id", "_name"], keep="first", maintain_order=True)
        for person, name, place in named.iter_rows():
            first = people.differs(person, name)
            if first is not None and (person, name) not in said:
                said.add((person, name))
                yield Problem("name-differs", read.file, place, value=f"{first} / {name}")


def _shown(row: dict[str, str | None]) -> str | None:
    """What a row says of its person, for the problem's value."""
    text = next((row[name] for name in ("_number", "_name", "_employee_no", "_psn") if row[name]), None)
    return text.replace("~", "…") if text else None


def _key(row: dict[str, str | None]) -> str:
    return "\x1f".join(row[column] or "" for column in CLUES)


def settle_names(reads: list[FileRead], people: People) -> None:
    """Full names for people whom a file names in part or not at all."""
    if not people.shown_name:
        return
    for part in (part for read in reads for part in read.parts):
        if "person_id" not in part.frame.columns or "person_name" not in TABLES[part.table]:
            continue
        full = pl.col("person_id").replace_strict(people.shown_name, default=None, return_dtype=pl.String)
        partial = [name for name in part.frame["person_name"].drop_nulls().unique() if is_partial(name)]
        partly = pl.col("person_name").is_in(partial).fill_null(True)
        part.frame = part.frame.with_columns(
            pl.when(partly).then(pl.coalesce(full, "person_name")).otherwise(pl.col("person_name"))
            .alias("person_name")
        )


def roster(tables: dict[str, pl.DataFrame], people: People) -> pl.DataFrame:
    """The roster with what the IDs tell (birth date, kind of document) and other numbers as aliases.

    People whom only an account names get a row of their own, so that their name can be shown.
    """
    person = tables["person"]
    numbers: dict[str, set[str]] = {}
    for other, owners in (*people.by_psn.items(), *people.other_ids.items()):
        if len(owners) == 1:
            numbers.setdefault(next(iter(owners)), set()).add(other)
    known = set(person["person_id"].to_list()) | set(tables["contribution"]["person_id"].unique().to_list())
    others = [
        {"person_id": each, "person_name": people.shown_name[each]}
        for each in sorted(set(tables["flow"]["person_id"].unique().to_list()) - known) if each in people.shown_name
    ]
    if others:
        person = pl.concat([person, conform(pl.DataFrame(others), "person")])
    ids = person["person_id"].to_list()
    aliases = [_aliases(given, numbers.get(each, set())) for each, given in
               zip(ids, person["aliases"].to_list(), strict=True)]
    return person.with_columns(
        pl.Series("aliases", aliases, dtype=pl.String),
        pl.coalesce("birth_date", pl.Series([birth_date(each) for each in ids], dtype=pl.Date)).alias("birth_date"),
        pl.coalesce("id_type", pl.Series([id_type_of(each) for each in ids], dtype=pl.String)).alias("id_type"),
    )


def _aliases(given: str | None, numbers: set[str]) -> str | None:
    """The aliases a roster gives, and the numbers found that are not among them."""
    missing = sorted(number for number in numbers if number.removeprefix("DOC:") not in (given or ""))
    return ";".join([*([given] if given else []), *missing]) or None
