"""A lost line, two swapped amounts or a lost digit in a file with a running balance does not pass unseen."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pytest

from recon.reading.folder import read_folder
from recon.reading.formats import load_formats
from support import MAPPINGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import mutate

EACH = 2  # damages of each kind and sample; `make mutate` tries all


@pytest.fixture(scope="module")
def samples() -> list[mutate.Sample]:
    return list(mutate.samples(load_formats([MAPPINGS])))


def test_damage_is_found_or_the_row_reported(samples: list[mutate.Sample]) -> None:
    """Each damage is found, or the damaged file's own report names the row as not proved."""
    assert len(samples) >= 40
    silent = [(sample.name, damage) for sample in samples for damage in mutate.some(sample, EACH)
              if mutate.outcome(sample, damage) == mutate.SILENT]
    assert silent == []


def test_ends_are_found_or_reported(samples: list[mutate.Sample]) -> None:
    """The first and last line lost, and their amounts damaged: what no balance beyond them can tell."""
    told = Counter[str]()
    for sample in samples:
        ends = {sample.lines[0], sample.lines[-1]}
        own = [damage for damage in mutate.damages(sample) if damage.rows[0] in ends and damage.kind == "line lost"]
        digits = [damage for damage in mutate.damages(sample) if damage.rows[0] in ends and damage.kind == "digit gone"
                  and damage.column != "balance_fen"]
        told.update(mutate.outcome(sample, damage) for damage in own + digits[:1] + digits[-1:])
    assert told[mutate.SILENT] == 0
    assert told[mutate.REPORTED] > 50
    assert told[mutate.FOUND] > 50


# Samples in which a lost line is found and the end is reported all the same, and why.
FOUND_BY_CHANCE = {
    "tests/formats/banks/icbc.pdf": "sums of each page: a line of a page would be missed, a whole page would not",
    "tests/formats/banks/bank_citic.pdf": "signs by the balance: without the line another one's sign stays open",
}


def test_nothing_is_reported_that_the_file_proves(samples: list[mutate.Sample]) -> None:
    """Where a sample reports an end, no damage there is found; where it reports none, every one is."""
    for sample in samples:
        if sample.name.strip() in FOUND_BY_CHANCE:
            continue
        said = mutate.said_of(sample.before)
        places = [sample.grid.places[at] for at in sample.lines]
        beyond = said.get("before", set()) | said.get("after", set())
        ends = (sample.lines[0], sample.lines[-1])
        for at in ends:
            told = mutate.outcome(sample, mutate.Damage("line lost", (at,)))
            assert (told == mutate.FOUND) != (sample.grid.places[at] in beyond), (sample.name, at, told)
        every = list(mutate.damages(sample))
        for at in ends:
            digits = [damage for damage in every if damage.rows == (at,) and damage.kind == "digit gone"
                      and damage.column != "balance_fen"]
            is_open = sample.grid.places[at] in said.get("amount", set())
            tried = (mutate.outcome(sample, damage) for damage in (digits if is_open else digits[:2]))
            assert is_open == (mutate.REPORTED in tried), (sample.name, at)
        assert beyond <= {places[0], places[-1]}


FINDS = {"balance-break", "total-mismatch", "sign-unproved", "unreadable-amount"}


@pytest.mark.parametrize("name", [
    "sample_statements/武汉/个人账户收支明细_A003.csv", "tests/formats/banks/rcu.csv", "tests/formats/banks/abc.csv",
    "tests/formats/banks/boc.csv", "tests/formats/banks/bank_shanghai.xlsx",
])
def test_a_run_names_the_row_of_a_damaged_file(samples: list[mutate.Sample], tmp_path: Path, name: str) -> None:
    """What a run says of a damaged file, in its tables: a problem, or the row in table source."""
    [sample] = [one for one in samples if one.name.split(" ")[0] == name]
    ends = {sample.lines[0], sample.lines[-1]}
    tried = [damage for damage in mutate.damages(sample) if damage.rows[0] in ends and damage.kind != "amounts swapped"]
    for number, damage in enumerate([*tried[:3], *tried[-3:]]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with (folder / "a.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(mutate.damaged(sample, damage).rows)
        read = read_folder(folder, mappings=[MAPPINGS], region_of=lambda _: None, workers=1)
        codes = {problem.code for problem in read.problems}
        rows = str(read.sources["unproved"][0])
        lines = [at for at in sample.lines if at != damage.rows[0] or damage.kind != "line lost"]
        # One line of the file is one row of the grid; a lost one brings the others up.
        line = 1 + (damage.rows[0] if damage.kind == "digit gone" else
                    lines[0] if damage.rows[0] < lines[0] else lines[-1])
        line -= damage.kind == "line lost" and damage.rows[0] < line
        kinds = ("amount",) if damage.kind == "digit gone" else ("before", "after")
        reported = any(part.startswith(kinds) and f"L{line}" in part.split(" ", 1)[1].split(", ")
                       for part in rows.split("; "))
        assert codes & FINDS or reported, (damage, codes, rows, line)
