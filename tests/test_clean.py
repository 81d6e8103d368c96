"""Accounts settled as columns get the links and margins that the solver gives them, one by one."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given

from recon.core import alike, clean, reconcile
from recon.core.context import build_context, newest_date
from recon.core.match import match
from recon.core.match_rows import Matched
from recon.policy import load_policy
from recon.reading.folder import read_folder
from recon.simulate import simulate
from strategies import World, examples, worlds
from support import MAPPINGS

if TYPE_CHECKING:
    from recon.core.context import Context

POLICY = load_policy([MAPPINGS / "policy"])


def matched_by(tables: dict[str, pl.DataFrame], as_of: date, context: Context) -> tuple[Matched, Matched, int]:
    """The links of ``tables`` with and without the fast paths, and how many links the fast path gave."""
    seen: list[tuple[Any, ...]] = []

    def note(*told: Any) -> Matched:
        seen.append(told)
        return match(*told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "match", note)
        reconcile.reconcile(tables, POLICY, as_of, context)
    lines, credit, *_ = seen[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "FEW", 1)
        quick = match(*seen[0])
    counting = lines.filter(~pl.col("is_side") & ~pl.col("netted"))
    settled = clean.settle_clean(counting, credit).links.height
    real = clean._clean_accounts

    def nobody(rows: pl.DataFrame, coins: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        pairs, accounts = real(rows, coins)
        return pairs.clear(), accounts.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean, "_clean_accounts", nobody)
        patch.setattr(alike, "FEW", 1 << 30)
        slow = match(*seen[0])
    return quick, slow, settled


def assert_equal(quick: Matched, slow: Matched) -> None:
    """The same links and margins, in whatever order, and the same problems."""
    for one, other in ((quick.links, slow.links), (quick.margins, slow.margins)):
        assert one.schema == other.schema
        left, right = Counter(one.iter_rows()), Counter(other.iter_rows())
        assert [*(left - right).elements()] == [*(right - left).elements()]
    assert quick.problems == slow.problems


@examples(4)
@given(worlds())
def test_clean_records_need_no_search(world: World) -> None:
    """On made-up people."""
    context = build_context(world.tables, POLICY, world.as_of)
    quick, slow, _ = matched_by(world.tables, world.as_of, context)
    assert_equal(quick, slow)


def test_clean_records_of_an_employer(tmp_path: Path) -> None:
    """On a simulated employer of many regions; some of it is settled without the solver."""
    simulate(tmp_path, people=60, months=12, seed=5, noise=0)
    read = read_folder(tmp_path / "exports", mappings=[MAPPINGS], region_of=POLICY.region_of, workers=1)
    as_of = newest_date(read.tables, date(2100, 1, 1))
    assert as_of
    quick, slow, settled = matched_by(read.tables, as_of, build_context(read.tables, POLICY, as_of))
    assert_equal(quick, slow)
    assert settled
