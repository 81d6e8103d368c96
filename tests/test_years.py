"""What holds for every input, on a made-up employer: all identities of tests/test_properties.py over many years at once.

``RECON_YEARS_PEOPLE`` says how many people (two years each); ``make properties`` takes thousands.
"""

from __future__ import annotations

import os
from datetime import date

import polars as pl
import pytest

from core_cases import policy
from recon.core.context import build_context
from recon.core.reconcile import Result, check_identities, reconcile
from recon.reading.folder import read_folder
from recon.simulate import simulate
from support import MAPPINGS

PEOPLE = int(os.environ.get("RECON_YEARS_PEOPLE", "60"))
OWN = ("expected", "match", "month", "gap", "step")  # what a shard alone gives; a finding is about many
Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, date]:
    """The input tables of a made-up employer, and the day they are looked at."""
    folder = tmp_path_factory.mktemp("firm")
    made = simulate(folder, people=PEOPLE, months=24, seed=5, noise=24)
    read = read_folder(folder / "exports", mappings=[MAPPINGS], region_of=policy().region_of)
    return read.tables, date.fromisoformat(str(made.as_of))


@pytest.fixture(scope="module")
def answer(firm: tuple[Tables, date]) -> Result:
    """The answers, with the context of everybody."""
    tables, as_of = firm
    return reconcile(tables, policy(), as_of, build_context(tables, policy(), as_of))


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Equal rows, whatever their order."""
    assert one.columns == other.columns
    return one.sort(pl.all(), nulls_last=True).equals(other.sort(pl.all(), nulls_last=True))


def test_the_identities_hold(answer: Result) -> None:
    """Parts add up, links add up, no credit is used twice, every month has one row, and nothing is unexplained."""
    check_identities(answer.tables)
    gap = answer.tables["gap"]
    assert gap.filter((pl.col("label") == "unexplained") & (pl.col("basis") == "credit")).height == 0


def test_shards_agree(firm: tuple[Tables, date], answer: Result) -> None:
    """Three shards of the people under one context give the rows of the whole."""
    tables, as_of = firm
    context = build_context(tables, policy(), as_of)
    parts = []
    for shard in range(3):
        mine = pl.col("person_id").hash(3) % 3 == shard
        own = {name: frame.filter(mine | pl.col("person_id").is_null()) if "person_id" in frame.columns else frame
               for name, frame in tables.items()}
        parts.append(reconcile(own, policy(), as_of, context).tables)
    for name in OWN:
        assert same(pl.concat([part[name] for part in parts]), answer.tables[name]), name


def test_row_order_changes_nothing(firm: tuple[Tables, date], answer: Result) -> None:
    """Shuffled rows give the same tables, row for row."""
    tables, as_of = firm
    mixed = {name: frame.sample(fraction=1, shuffle=True, seed=9) for name, frame in tables.items()}
    again = reconcile(mixed, policy(), as_of, build_context(mixed, policy(), as_of))
    for name in OWN:
        assert same(again.tables[name], answer.tables[name]), name


def test_tolerance_never_limits_links(firm: tuple[Tables, date], answer: Result) -> None:
    """The links are the same whatever the tolerance."""
    tables, as_of = firm
    for tolerance in (0, 12):
        context = build_context(tables, policy(), as_of, tolerance=tolerance)
        again = reconcile(tables, policy(), as_of, context)
        assert again.tables["match"].equals(answer.tables["match"]), tolerance


def test_spend_changes_no_link_and_no_month(firm: tuple[Tables, date], answer: Result) -> None:
    """Without any line of spending, links and months are the same."""
    tables, as_of = firm
    bare = {**tables, "flow": tables["flow"].filter(~pl.col("flow_kind").is_in(["spend", "mutual_aid"]))}
    context = build_context(tables, policy(), as_of)
    again = reconcile(bare, policy(), as_of, context)
    for name in ("match", "month"):
        assert again.tables[name].equals(answer.tables[name]), name


def test_evidence_names_rows_that_exist(firm: tuple[Tables, date], answer: Result) -> None:
    """Every row an answer names in its evidence is a row of the input."""
    tables, _ = firm
    known = set(tables["contribution"]["row_id"]) | set(tables["flow"]["row_id"])
    told = answer.tables["gap"].filter(pl.col("basis") == "credit")["evidence"].drop_nulls()
    named = told.str.extract(r" \[([^\]]+)\]").drop_nulls().str.split("; ").explode()
    assert named.len() > 0
    assert set(named) <= known
