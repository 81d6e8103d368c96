"""Damage every sample that prints a running balance, one place at a time, and see whether reading it says so.

Three kinds of damage: a line is lost, two amounts are swapped, a digit of an amount or balance is gone. Each must be
found (a problem that the undamaged sample does not have, or a rejected line) or the row reported: what is said of the
damaged file (column ``unproved`` of table source) names the line as one whose amount nothing proves, or the line beside
the lost one as one before or after which lines may be missing. ``python tools/mutate.py`` tries all; ``make mutate``
does the same, and fails where one damage is neither.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from recon.reading import claim as claiming
from recon.reading.claim import Head, Header
from recon.reading.containers import open_file
from recon.reading.format import Formats
from recon.reading.formats import load_formats
from recon.reading.grid import Grid
from recon.reading.lines import GridRows
from recon.reading.proof import unproved
from recon.reading.rows import read_rows
from recon.reading.values import Unreadable, parse_fen

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "sample_statements", ROOT / "tests" / "formats")
MOVES = ("amount_fen", "in_fen", "out_fen")


@dataclass(frozen=True)
class Damage:
    """One damage to a grid: what it is, and the lines (row indices) it touches."""

    kind: str
    rows: tuple[int, ...]
    column: str = ""
    at: int = 0  # of the digit


@dataclass
class Sample:
    """A grid with a running balance, how it reads undamaged, and which of its rows are lines."""

    name: str
    grid: Grid
    header: Header
    before: GridRows
    lines: list[int]


def samples(formats: Formats) -> Iterator[Sample]:
    """Every sample in which a running balance is checked."""
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.name.endswith(".expected.tsv"):
                continue
            for grid in open_file(path, formats.header_words).grids:
                sample = prepared(f"{path.relative_to(ROOT).as_posix()} {grid.name}".strip(), grid, formats)
                if sample:
                    yield sample


def prepared(name: str, grid: Grid, formats: Formats) -> Sample | None:
    """A grid as a sample, if one format claims it and it has a running balance that is checked."""
    head = Head.of(grid)
    claims = claiming.decide(result for known in formats
                             if isinstance(result := claiming.claim(head, known), Header))
    if len(claims) != 1:
        return None
    header = claims[0]
    balance = header.columns.get("balance_fen")
    if balance is None or header.format.checks.get("balance") == "none" or header.format.refuse:
        return None
    before = read_rows(grid, header)
    repeated = {problem.place for problem in before.problems if problem.code == "page-repeat"}
    lines = [at for at in range(header.row + 1, len(grid.rows)) if grid.places[at] not in repeated
             and fen(grid, at, balance) is not None and any(
                 fen(grid, at, header.columns[column]) for column in MOVES if column in header.columns)]
    return Sample(name, grid, header, before, lines)


def fen(grid: Grid, row: int, column: int) -> int | None:
    """The amount in a cell; None where there is none."""
    try:
        return parse_fen(grid.rows[row][column]) if len(grid.rows[row]) > column else None
    except Unreadable:
        return None


def damages(sample: Sample) -> Iterator[Damage]:
    """Every damage that changes what the sample says."""
    columns = {name: sample.header.columns[name] for name in (*MOVES, "balance_fen") if name in sample.header.columns}
    moves = [index for name, index in columns.items() if name in MOVES]
    for at in sample.lines:
        if sample.grid.rows.count(sample.grid.rows[at]) == 1:  # of a line printed twice, one is enough
            yield Damage("line lost", (at,))
        for name, index in columns.items():
            text = sample.grid.rows[at][index] if len(sample.grid.rows[at]) > index else ""
            value = fen(sample.grid, at, index)
            for place, char in enumerate(text):
                if char.isdigit() and value is not None and _value(text[:place] + text[place + 1:]) != value:
                    yield Damage("digit gone", (at,), name, place)
    for one, other in combinations(sample.lines, 2):
        if [fen(sample.grid, one, index) or 0 for index in moves] != [
                fen(sample.grid, other, index) or 0 for index in moves]:
            yield Damage("amounts swapped", (one, other))


def _value(text: str) -> int | None:
    try:
        return parse_fen(text) or 0
    except Unreadable:
        return None


def damaged(sample: Sample, damage: Damage) -> Grid:
    """The grid after a damage."""
    grid = deepcopy(sample.grid)
    if damage.kind == "line lost":
        del grid.rows[damage.rows[0]], grid.places[damage.rows[0]]
        grid.marks = {(row - (row > damage.rows[0]), column): mark for (row, column), mark in grid.marks.items()
                      if row != damage.rows[0]}
    elif damage.kind == "digit gone":
        row, index = grid.rows[damage.rows[0]], sample.header.columns[damage.column]
        row[index] = row[index][:damage.at] + row[index][damage.at + 1:]
    else:
        one, other = (grid.rows[at] for at in damage.rows)
        for name in MOVES:
            index = sample.header.columns.get(name)
            if index is not None:
                for row in (one, other):
                    row += [""] * (index + 1 - len(row))
                one[index], other[index] = other[index], one[index]
    return grid


FOUND, REPORTED, SILENT = "found", "reported", "neither"


def outcome(sample: Sample, damage: Damage) -> str:
    """What reading the damaged grid says of the damage: found, reported, or neither."""
    grid = damaged(sample, damage)
    after = read_rows(grid, sample.header)
    known = Counter(problem.code for problem in sample.before.problems)
    now = Counter(problem.code for problem in after.problems if problem.code != "page-repeat")
    if after.rejected > sample.before.rejected or any(now[code] > known[code] for code in now):
        return FOUND
    return REPORTED if is_reported(sample, damage, said_of(after)) else SILENT


def said_of(rows: GridRows) -> dict[str, set[str]]:
    """What is said of a file in ``unproved``: kind -> places."""
    text = unproved([rows.proof]) if rows.proof else None
    parts = (part.partition(" ") for part in text.split("; ")) if text else ()
    return {kind: set(places.split(", ")) for kind, _, places in parts}


def is_reported(sample: Sample, damage: Damage, said: dict[str, set[str]]) -> bool:
    """Whether the line damaged, or the line next to the one lost, is named as not proved."""
    if damage.kind != "line lost":
        return any(sample.grid.places[at] in said.get("amount", ()) for at in damage.rows)
    lines = sample.lines
    at = lines.index(damage.rows[0])
    beyond = said.get("before", set()) | said.get("after", set())
    return (at == 0 and sample.grid.places[lines[1]] in beyond) or (
        at == len(lines) - 1 and sample.grid.places[lines[-2]] in beyond)


def some(sample: Sample, many: int, seed: int = 1) -> list[Damage]:
    """A few damages of each kind, the same ones every time."""
    chosen: list[Damage] = []
    every = list(damages(sample))
    for kind in ("line lost", "digit gone", "amounts swapped"):
        of_kind = [damage for damage in every if damage.kind == kind]
        chosen += random.Random(f"{seed}{sample.name}{kind}").sample(of_kind, min(many, len(of_kind)))
    return chosen


def main() -> int:
    """Try every damage on every sample; 1 where one is neither found nor reported."""
    counts: dict[str, Counter[str]] = {}
    silent: list[str] = []
    count = 0
    for sample in samples(load_formats([ROOT / "mappings"])):
        count += 1
        for damage in damages(sample):
            told = outcome(sample, damage)
            counts.setdefault(damage.kind, Counter())[told] += 1
            if told == SILENT:
                silent.append(f"{sample.name}: {damage.kind} {sample.grid.places[damage.rows[0]]} {damage.column}")
    print(f"{count} samples with a running balance")
    for kind, told in counts.items():
        print(f"{kind}: {told.total()} tried, {told[FOUND]} found, {told[REPORTED]} reported as not proved")
    every = sum((told for told in counts.values()), Counter[str]())
    print(f"found or reported: {every[FOUND] + every[REPORTED]} of {every.total()}")
    for text in silent:
        print(f"NEITHER {text}")
    return int(bool(silent))


if __name__ == "__main__":
    sys.exit(main())
