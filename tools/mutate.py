"""Damage every sample that prints a running balance, one place at a time, and see whether reading it says so.

Three kinds of damage: a line is lost, two amounts are swapped, a digit of an amount or balance is gone. Each must be
found: a problem that the undamaged sample does not have, or a rejected line. What nothing in the file can prove is
counted apart and must be just that: a line lost at either end, or the amount of the first line in time, of a file that
prints neither sums nor counts nor the balance before its lines, and does not number them. ``python tools/mutate.py``
tries all; ``make mutate`` does the same.
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
from recon.reading.formats import Formats, load_formats
from recon.reading.grid import Grid
from recon.reading.lines import GridRows
from recon.reading.rows import read_rows
from recon.reading.values import Unreadable, parse_day, parse_fen

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "sample_statements", ROOT / "tests" / "formats")
MOVES = ("amount_fen", "in_fen", "out_fen")
SUMS = ("total_in", "total_out", "page_in", "page_out")
COUNTS = ("total_count", "count_in", "count_out", "page_count")


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

    @property
    def prints_sums(self) -> bool:
        """Whether the file prints what its lines add up to."""
        rows = self.grid.rows[self.header.row + 1:]
        return any(fact in self.before.facts for fact in SUMS) or any("合计" in "".join(row) for row in rows)

    @property
    def prints_counts(self) -> bool:
        """Whether the file prints how many lines it has."""
        return any(fact in self.before.facts for fact in COUNTS)


    @property
    def oldest(self) -> int:
        """The line that is the first in time: of the first and last, the one with the earlier day."""
        day = self.header.columns["posted_on"]
        first, last = (parse_day(self.grid.rows[at][day]) for at in (self.lines[0], self.lines[-1]))
        return self.lines[0] if first is None or last is None or first <= last else self.lines[-1]

    @property
    def is_numbered(self) -> bool:
        """Whether the lines are numbered from 1, without the gaps some banks leave."""
        return bool({"序号", "顺序号"} & set(self.header.leaves)) and self.header.format.checks.get("numbers") != "none"


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


def is_found(sample: Sample, damage: Damage) -> bool:
    """Whether reading the damaged grid says something that reading the whole one does not, or rejects more."""
    after = read_rows(damaged(sample, damage), sample.header)
    known = Counter(problem.code for problem in sample.before.problems)
    now = Counter(problem.code for problem in after.problems if problem.code != "page-repeat")
    return after.rejected > sample.before.rejected or any(now[code] > known[code] for code in now)


def is_provable(sample: Sample, damage: Damage) -> bool:
    """Whether anything in the file could contradict the damage."""
    ends = {sample.lines[0], sample.lines[-1]}
    if damage.rows == (sample.oldest,) and ("opening_balance" in sample.before.facts or (
            damage.kind == "line lost" and sample.is_numbered)):
        return True
    if damage.kind == "line lost":
        return sample.prints_sums or sample.prints_counts or damage.rows[0] not in ends
    first_amount = damage.kind == "digit gone" and damage.column != "balance_fen" and damage.rows[0] in ends
    return sample.prints_sums or not first_amount


def some(sample: Sample, many: int, seed: int = 1) -> list[Damage]:
    """A few damages of each kind, the same ones every time."""
    chosen: list[Damage] = []
    every = list(damages(sample))
    for kind in ("line lost", "digit gone", "amounts swapped"):
        of_kind = [damage for damage in every if damage.kind == kind]
        chosen += random.Random(f"{seed}{sample.name}{kind}").sample(of_kind, min(many, len(of_kind)))
    return chosen


def main() -> int:
    """Try every damage on every sample; 1 where one that can be proved was not found."""
    total, found, unprovable, missed = Counter[str](), Counter[str](), 0, []
    count = 0
    for sample in samples(load_formats([ROOT / "mappings"])):
        count += 1
        for damage in damages(sample):
            total[damage.kind] += 1
            if is_found(sample, damage):
                found[damage.kind] += 1
            elif is_provable(sample, damage):
                missed.append(f"{sample.name}: {damage.kind} {sample.grid.places[damage.rows[0]]} {damage.column}")
            else:
                unprovable += 1
    print(f"{count} samples with a running balance")
    for kind in total:
        print(f"{kind}: {found[kind]} of {total[kind]} found")
    print(f"not found because nothing in the file could tell (its two ends, without totals): {unprovable}")
    for text in missed:
        print(f"MISSED {text}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
