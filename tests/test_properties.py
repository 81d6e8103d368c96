"""What holds for every input, tried on made-up people (tests/strategies.py).

More examples: HYPOTHESIS_PROFILE=thorough python -m pytest tests/test_properties.py
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recon.core.context import build_context
from recon.core.reconcile import reconcile
from recon.policy import load_policy
from strategies import World, damaged_flows, examples, spends, worlds
from support import MAPPINGS

if TYPE_CHECKING:
    from recon.core.context import Context
    from recon.policy import Policy

Tables = Mapping[str, pl.DataFrame]
ACCOUNT_MONTH = ["person_id", "region", "scheme", "accrual_month"]
# finding is about many people at once, so it is the one table that a shard alone cannot give.
PERSONAL = ("expected", "match", "month", "gap", "step", "balance")



@cache
def policy() -> Policy:
    """The shipped policy."""
    return load_policy([MAPPINGS / "policy"])


def solve(world: World, tables: Tables | None = None, context: Context | None = None) -> dict[str, pl.DataFrame]:
    """The result tables of a world, or of other tables under its context."""
    context = context or build_context(world.tables, policy(), world.as_of)
    return reconcile(dict(tables or world.tables), policy(), world.as_of, context).tables


def assert_same(one: pl.DataFrame, other: pl.DataFrame, without: tuple[str, ...] = ()) -> None:
    """The same rows, in whatever order; a failure shows the rows that only one side has."""
    columns = [column for column in one.columns if column not in without]
    assert one.select(columns).schema == other.select(columns).schema
    left, right = (Counter(frame.select(columns).iter_rows()) for frame in (one, other))
    assert [*(left - right).elements()] == [*(right - left).elements()]


@examples(4)
@given(worlds())
def test_the_money_adds_up(world: World) -> None:
    """Paid is credited on time plus the parts; no credit is used twice; nobody is accused unseen."""
    result = solve(world)
    parts_sum_to_the_gap(result)
    contributed_is_what_was_paid(world, result)
    no_credit_is_used_twice(world, result)
    nobody_is_accused_without_cover(world, result)
    steps_add_up(result)


def steps_add_up(result: Tables) -> None:
    """The causes of a change add up to it, to the fen, and none of them is nothing."""
    key = ["person_id", "region", "scheme", "accrual_month", "from_fen", "to_fen"]
    sums = result["step"].group_by(key).agg(pl.col("amount_fen").sum(), (pl.col("amount_fen") == 0).any().alias("empty"))
    assert sums.filter(pl.col("empty") | (pl.col("amount_fen") != pl.col("to_fen") - pl.col("from_fen"))).rows() == []


def parts_sum_to_the_gap(result: Tables) -> None:
    """Per account and month, contributed is credited on time plus the parts, and every part has its month."""
    month, credit = result["month"], result["gap"].filter(pl.col("basis") == "credit")
    parts = credit.group_by(ACCOUNT_MONTH).agg(pl.col("amount_fen").sum())
    assert month.select(ACCOUNT_MONTH).is_duplicated().sum() == 0
    assert parts.join(month, on=ACCOUNT_MONTH, how="anti", nulls_equal=True).rows() == []
    joined = month.join(parts, on=ACCOUNT_MONTH, how="left", nulls_equal=True).with_columns(
        pl.col("amount_fen").fill_null(0))
    wrong = joined.filter(pl.col("contributed_fen") != pl.col("credited_on_time_fen") + pl.col("amount_fen"))
    assert wrong.select(*ACCOUNT_MONTH, "contributed_fen", "credited_on_time_fen", "amount_fen").rows() == []


def contributed_is_what_was_paid(world: World, result: Tables) -> None:
    """No paid fen is lost or doubled between the contribution lines and the month rows."""
    lines = world.tables["contribution"].filter(pl.col("paid"))
    paid = lines.select((pl.col("employee_fen") + pl.col("employer_fen")).sum()).item()
    assert result["month"]["contributed_fen"].sum() == paid


def no_credit_is_used_twice(world: World, result: Tables) -> None:
    """The links of a credit add up to at most its amount; links join rows of one account and add up to the month."""
    match, flow = result["match"], world.tables["flow"]
    used = match.group_by("flow_row_id", "person_id").agg(pl.col("amount_fen").sum().alias("used"))
    joined = used.join(flow, left_on="flow_row_id", right_on="row_id", how="left", suffix="_flow")
    assert joined.filter(pl.col("amount_fen").is_null() | (pl.col("used") > pl.col("amount_fen"))).rows() == []
    assert joined.filter(pl.col("person_id") != pl.col("person_id_flow")).rows() == []
    assert match.filter(pl.col("amount_fen") <= 0).rows() == []
    linked = match.group_by(ACCOUNT_MONTH).agg(pl.col("amount_fen").sum())
    months = result["month"].join(linked, on=ACCOUNT_MONTH, how="full", nulls_equal=True, coalesce=True)
    wrong = months.filter(pl.col("credited_fen").fill_null(0) != pl.col("amount_fen").fill_null(0))
    assert wrong.select(*ACCOUNT_MONTH, "credited_fen", "amount_fen").rows() == []


def nobody_is_accused_without_cover(world: World, result: Tables) -> None:
    """A person without a flow export has no open month but for payments that are unpaid or absent."""
    with_flow = world.tables["flow"]["person_id"].unique().to_list()
    accused = result["month"].filter(
        ~pl.col("person_id").is_in(with_flow) & (pl.col("status") == "open")
        & ~pl.col("cause").is_in(["contribution_unpaid", "contribution_missing"]))
    assert accused.rows() == []


@examples(4)
@given(worlds(), st.randoms(use_true_random=False))
def test_row_order_changes_nothing(world: World, random: Random) -> None:
    """The rows of the input, and with them the files, may come in any order."""
    shuffled = {name: frame[random.sample(range(frame.height), frame.height)] for name, frame in world.tables.items()}
    result, again = solve(world), solve(World(shuffled, world.as_of))
    for table, frame in result.items():
        assert_same(frame, again[table])


@examples(4)
@given(worlds())
def test_shards_agree(world: World) -> None:
    """Each person alone, under the context of all, gets the answer they get among all."""
    context = build_context(world.tables, policy(), world.as_of)
    result = solve(world, context=context)
    alone = [solve(world, world.only([person]), context) for person in world.people]
    for table in PERSONAL:
        assert_same(result[table], pl.concat([shard[table] for shard in alone]))


@examples(4)
@given(st.data())
def test_spend_changes_no_link_and_no_month(data: st.DataObject) -> None:
    """Under one context, taking all spending away or adding more changes neither match nor month."""
    world = data.draw(worlds())
    context = build_context(world.tables, policy(), world.as_of)
    result = solve(world, context=context)
    flow = world.tables["flow"]
    for other in (flow.filter(pl.col("flow_kind") != "spend"), pl.concat([flow, data.draw(spends(world))])):
        again = solve(world, world.tables | {"flow": other}, context)
        assert_same(result["match"], again["match"])
        assert_same(result["month"], again["month"])


@examples(4)
@given(worlds(), st.integers(0, 12))
def test_tolerance_never_limits_links(world: World, tolerance: int) -> None:
    """match is the same for every tolerance."""
    context = build_context(world.tables, policy(), world.as_of, tolerance=tolerance)
    assert_same(solve(world)["match"], solve(world, context=context)["match"])


@given(damaged_flows())
def test_no_input_row_is_lost(rows: list[Mapping[str, str]]) -> None:
    """Every line of a file ends in a table, in problem or in a counted skip, at its place."""
    from recon.reading.folder import read_folder

    with TemporaryDirectory() as place:
        with (Path(place) / "flow.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        read = read_folder(Path(place), mappings=[MAPPINGS], region_of=policy().region_of, workers=1)
    source = read.sources.row(0, named=True)
    assert source["rows_read"] == source["rows_used"] + source["rows_rejected"] + source["rows_skipped"]
    assert source["rows_used"] == read.tables["flow"].height
    places = {row_id.partition("#")[2] for row_id in read.tables["flow"]["row_id"]}
    places |= {problem.place for problem in read.problems if problem.place}
    assert places >= {f"L{number}" for number in range(2, len(rows) + 2)}


@examples(4)
@given(worlds())
def test_file_names_change_nothing(world: World) -> None:
    """Renaming the files, and so the order in which they are read, changes no month."""
    renamed = {name: _rename(frame) for name, frame in world.tables.items()}
    result, again = solve(world), solve(World(renamed, world.as_of))
    assert_same(result["month"], again["month"], without=("evidence",))
    assert_same(result["match"], again["match"], without=("flow_row_id", "contribution_row_id"))


def _rename(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in files whose names sort the other way round."""
    columns = [column for column in ("row_id", "file") if column in frame.columns]
    turned = {letter: chr(ord("a") + ord("z") - ord(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"}

    def turn(text: str) -> str:
        file, mark, place = text.partition("#")
        return "".join(turned.get(letter, letter) for letter in file) + mark + place

    return frame.with_columns(pl.Series(name, [turn(text) for text in frame[name]], pl.String) for name in columns)
