"""A lost line, two swapped amounts or a lost digit in a file with a running balance does not pass unseen."""

from __future__ import annotations

import sys

import pytest

from recon.reading.formats import load_formats
from support import MAPPINGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import mutate

EACH = 2  # damages of each kind and sample; `make mutate` tries all


@pytest.fixture(scope="module")
def samples() -> list[mutate.Sample]:
    return list(mutate.samples(load_formats([MAPPINGS])))


def test_damage_is_found(samples: list[mutate.Sample]) -> None:
    """Each damage is found, or nothing in the file could have told of it."""
    assert len(samples) >= 40
    missed = [
        (sample.name, damage) for sample in samples for damage in mutate.some(sample, EACH)
        if not mutate.is_found(sample, damage) and mutate.is_provable(sample, damage)
    ]
    assert missed == []


def test_what_cannot_be_proved_is_only_at_the_ends(samples: list[mutate.Sample]) -> None:
    """A line inside a file and every printed balance are always provable."""
    for sample in samples:
        inner = set(sample.lines[1:-1])
        for damage in mutate.damages(sample):
            if inner.issuperset(damage.rows) or damage.column == "balance_fen":
                assert mutate.is_provable(sample, damage)
