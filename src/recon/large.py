"""A run whose tables do not fit into memory: answered in shards of people, its tables as Parquet.

In: a folder that was read into shards (:func:`recon.reading.spread.read_spread`). Out: every table of all people on
disk, and in memory the rows of those whom a workbook can show: people with something to look at, large sums first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from recon import sharding
from recon.core.context import Context
from recon.core.overlap import BILL_PROOFS
from recon.core.payroll.check import PayrollResult, check_payroll
from recon.core.payroll.rollup import added_rollups
from recon.core.payroll_settings import PayrollSettings
from recon.core.reconcile import finding_table
from recon.policy import Policy
from recon.problems import Problem
from recon.reading.slices import Places
from recon.reading.spread import Spread
from recon.tables import INPUT_TABLES, RESULT_TABLES, conform, empty

SHOWN_PEOPLE = 20_000  # of whom a workbook tells


@dataclass(frozen=True)
class Large:
    """The answers. stored: where tables of all people lie; tables: all tables, of those only the people shown.

    shown: how many people these are.
    """

    stored: dict[str, Path]
    tables: dict[str, pl.DataFrame]
    shown: int
    context: Context
    payroll: PayrollResult
    problems: list[Problem]


class Shards:
    """The input of a large run, of which rows may be left out before it is answered."""

    def __init__(self, read: Spread) -> None:
        self.places: Places = sharding.shards_of(read)
        self.shared = dict(read.tables)
        self.people = read.people

    def rows(self, table: str, which: pl.Expr) -> pl.DataFrame:
        """The rows of an input table that ``which`` says."""
        return self._scan(table).filter(which).collect(engine="streaming")

    def has(self, table: str, which: pl.Expr) -> bool:
        """Whether there is one."""
        return bool(self._scan(table).filter(which).select(pl.len()).collect(engine="streaming").item())

    def without(self, table: str, which: pl.Expr) -> None:
        """Leave these rows out from now on."""
        if table in self.shared:
            self.shared[table] = self.shared[table].filter(~which)
        for folder in self.places.folders:
            path = folder / f"table-{table}.parquet"
            pl.read_parquet(path).filter(~which).write_parquet(path, compression="lz4")

    def newest(self, today: date) -> date | None:
        """:func:`recon.core.context.newest_date` of all people."""
        return sharding.newest_of(self.places, today)

    def _scan(self, table: str) -> pl.LazyFrame:
        if table in self.shared:
            return self.shared[table].lazy()
        return pl.scan_parquet([folder / f"table-{table}.parquet" for folder in self.places.folders])


def answer(
    shards: Shards, policy: Policy, as_of: date, directory: Path, *, firm: PayrollSettings, spend: bool,
    tolerance: int | None = None, unsure: Callable[[], Collection[str]] = tuple,
) -> Large:
    """Answer everybody; the tables of all people come to lie in ``directory``.

    spend: lines of spending, places, memos and balances are kept (else the edition is hr). unsure: people to whom a
    payslip that was not used may belong. Payslips and declarations are compared for all people at once.
    """
    places = shards.places
    deducted = sharding.deducted_in(places, firm)
    context = sharding.survey_shards(places, policy, as_of, tolerance=tolerance, deducted=deducted)
    told = sharding.answer_shards(places, policy, as_of, context, spend=spend, drop=not spend)
    stored = {}
    for name in INPUT_TABLES:
        if name not in shards.shared:
            stored[name] = sharding.to_disk(
                places, f"input-{name}", directory / f"{name}.parquet", keep=name == "person")
    for name in RESULT_TABLES.keys() - {"gap"}:
        if (places.folders[0] / f"result-{name}.parquet").exists():
            stored[name] = sharding.to_disk(
                places, f"result-{name}", directory / f"{name}.parquet", keep=name == "month")
    payroll = _payroll(shards, stored, policy, as_of, firm, unsure)
    rollup = added_rollups(sharding.roll_up_shards(places, payroll, firm))
    stored["gap"] = sharding.to_disk(places, "result-gap", directory / "gap.parquet", more=payroll.gap)
    small = {
        "finding": pl.concat([finding_table(told.members), payroll.finding]), "rollup": rollup,
        "payroll_month": payroll.payroll_month, **{name: conform(frame, name) for name, frame in shards.shared.items()},
    }
    problems = [*context.problems, *sharding.problems_of(told), *payroll.problems]
    if shards.people <= SHOWN_PEOPLE:
        everyone = {name: pl.read_parquet(path) for name, path in stored.items()}
        return Large(stored, {**small, **everyone}, shards.people, context, payroll, problems)
    shown = _shown(stored)
    some = {name: _of(stored[name], shown) for name in stored}
    small["payroll_month"] = payroll.payroll_month.filter(pl.col("person_id").is_in(shown.implode()))
    stored["payroll_month"] = directory / "payroll_month.parquet"
    payroll.payroll_month.write_parquet(stored["payroll_month"])
    return Large(stored, {**small, **some}, len(shown), context, payroll, problems)


def _payroll(
    shards: Shards, stored: Mapping[str, Path], policy: Policy, as_of: date, firm: PayrollSettings,
    unsure: Callable[[], Collection[str]],
) -> PayrollResult:
    """The legs of the employer, where there is one (:func:`recon.core.payroll.check.has_legs`)."""
    everyone = pl.lit(value=True)
    if not (shards.has("payroll", everyone) or shards.shared["payment"].height
            or shards.has("contribution", pl.col("proof").is_in(BILL_PROOFS))):
        return PayrollResult(empty("gap"), empty("finding"), empty("payroll_month"), (), [])
    tables = {name: pl.read_parquet(stored[name]) for name in (*INPUT_TABLES, "month") if name in stored}
    return check_payroll({**shards.shared, **tables}, policy, as_of, firm, unsure())


def _shown(stored: Mapping[str, Path]) -> pl.Series:
    """The people whom a workbook shows: with open gaps, the largest first; then with others to look at; then any."""
    is_open, sums = pl.col("status") == "open", pl.col("amount_fen").abs()
    gaps = pl.scan_parquet(stored["gap"], glob=False).filter(
        pl.col("status").is_in(["open", "unknown", "pending"]) & (pl.col("cause").fill_null("") != "no_account_export")
        & pl.col("person_id").is_not_null()
    ).group_by("person_id").agg(is_open.any().alias("open"), sums.filter(is_open).sum().alias("fen")).collect(
        engine="streaming")
    people = gaps.sort("open", "fen", "person_id", descending=[True, True, False]).head(SHOWN_PEOPLE)["person_id"]
    if len(people) < SHOWN_PEOPLE:
        others = pl.scan_parquet(stored["month"], glob=False).select("person_id").unique().collect(engine="streaming")
        rest = others.join(people.to_frame(), on="person_id", how="anti")["person_id"].drop_nulls().sort()
        people = pl.concat([people, rest.head(SHOWN_PEOPLE - len(people))])
    return people.sort()


def _of(path: Path, people: pl.Series) -> pl.DataFrame:
    """The rows of these people, and those that speak of nobody."""
    return pl.scan_parquet(path, glob=False).filter(
        pl.col("person_id").is_in(people.implode()) | pl.col("person_id").is_null()).collect(engine="streaming")
