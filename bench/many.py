"""Many people as native Parquet tables: two years of contributions and credits, most records clean.

``python bench/many.py FOLDER PEOPLE`` writes ``contribution.parquet`` and ``flow.parquet``; the same arguments give the
same files. As in a real bureau's book most people (88%) are credited in full after a steady lag; of the rest, one month
in ten is missing, one in twenty comes with the next, some come late or short. Rows lie in the order of posting.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

MONTHS = 24
FIRST_MONTH = 2023 * 12 + 2  # March 2023, counted as year * 12 + month - 1
REGION = "420100"
SEED = 20250331
DIRTY_PERCENT = 12
PAYER_PEOPLE = 200
MAX_LAG = 5
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def resident_ids(count: int) -> pl.Series:
    """Made-up resident IDs with valid check digits: an area, a birth day from 1960 on, a number."""
    number = np.arange(count, dtype=np.int64)
    year, rest = 1960 + number % 45, number // 45
    month, rest = rest % 12 + 1, rest // 12
    day, serial = rest % 28 + 1, rest // 28 % 999 + 1
    area = 420102 + rest // 28 // 999
    body = ((area * 10_000 + year) * 100 + month) * 100 + day
    body = body * 1000 + serial
    digits = body[:, None] // 10 ** np.arange(16, -1, -1, dtype=np.int64) % 10
    check = (digits * np.array(_WEIGHTS)).sum(axis=1) % 11
    last = pl.Series(list("10X98765432")).gather(pl.Series(check))
    return pl.Series("person_id", pl.Series(body).cast(pl.String) + last)


def write(folder: Path, people: int) -> tuple[Path, Path]:
    """Both tables in ``folder``; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "contribution.parquet", folder / "flow.parquet"
    chance = np.random.default_rng(SEED)
    month = np.tile(np.arange(MONTHS, dtype=np.int32), people)
    own = np.repeat(chance.integers(8_000, 50_000, people), MONTHS)
    own = own + np.repeat(chance.integers(0, 4_000, people), MONTHS) * (month >= 10)  # the yearly new base
    dirty = np.repeat(chance.random(people) < DIRTY_PERCENT / 100, MONTHS)
    lag = np.repeat(chance.choice(np.array([1, 1, 1, 2, 3], dtype=np.int32), people), MONTHS)
    event = chance.random(people * MONTHS)
    lag = np.where(dirty & (event > 0.95), np.minimum(lag + 1, MAX_LAG), lag)
    missing = dirty & (event < 0.10)
    lump = dirty & (event >= 0.10) & (event < 0.15) & (month < MONTHS - 1)
    short = dirty & (event >= 0.15) & (event < 0.17)
    first = np.flatnonzero(lump)
    first = first[~missing[first + 1] & ~lump[first + 1]]  # paid together with the next month
    amount = own - np.where(short, 100, 0)
    amount[first + 1] += own[first]
    kept = ~missing
    kept[first] = False
    person = np.repeat(np.arange(people, dtype=np.uint32), MONTHS)
    ids = resident_ids(people)
    payers = pl.Series("payer", [f"91420100MA{number:08d}" for number in range(-(-people // PAYER_PEOPLE))])

    def of_person(values: pl.Series, at: np.ndarray) -> pl.Series:
        return values.gather(pl.Series(at))

    def day(number: np.ndarray, of_month: int) -> pl.Expr:
        at = pl.Series(number + FIRST_MONTH)
        return pl.date(pl.lit(at) // 12, pl.lit(at) % 12 + 1, of_month)

    order = np.argsort(month, kind="stable")
    pl.select(
        person_id=of_person(ids, person[order]), region=pl.lit(REGION),
        payer=of_person(payers, person[order] // PAYER_PEOPLE),
        accrual_month=day(month[order], 1), paid_on=day(month[order], 20),
        base_fen=pl.Series(own[order] * 50), employee_fen=pl.Series(own[order]), employer_fen=pl.Series(own[order] * 4),
    ).write_parquet(paths[0])
    posted = (month + lag)[kept]
    order = np.argsort(posted, kind="stable")
    pl.select(
        person_id=of_person(ids, person[kept][order]), region=pl.lit(REGION), posted_on=day(posted[order], 12),
        flow_kind=pl.lit("credit"), amount_fen=pl.Series(amount[kept][order]),
    ).write_parquet(paths[1])
    return paths


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]), int(sys.argv[2])):
        print(f"{written.name}: {written.stat().st_size / 1e6:.0f} MB")
