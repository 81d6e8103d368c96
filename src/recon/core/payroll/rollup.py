"""Totals for the firm: company > branch > cost centre > region, per scheme, month and label, in people and fen.

In: result tables. Out: table ``rollup``. A row without a label is the total of its place: people and what each leg sums
to. People are counted at every level by themselves, so they do not add up where one person stands in two branches;
amounts do, and that is asserted. Schemes are never added together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from recon.core.payroll_settings import PayrollSettings
from recon.tables import conform

LEVELS = ("company", "branch", "cost_centre", "region")
_SUMS = ("deducted_fen", "declared_fen", "arrived_fen", "credited_fen")
_HIDDEN = ("pooled_share", "flat_fee")  # never in the reader's sheets (DESIGN section 7)


class RollupError(AssertionError):
    """A level of the roll-up does not add up to the whole: a bug, never an input's fault."""


def roll_up(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings) -> pl.DataFrame:
    """Table ``rollup`` of a run's ``month``, ``gap``, ``payroll_month`` and ``person``."""
    place = _places(tables, settings)
    key = ["person_id", "region", "scheme", "accrual_month"]
    gap = tables["gap"].filter(~pl.col("label").is_in(_HIDDEN)).join(
        place, on=key, how="left", nulls_equal=True).join(
        _unit_places(tables, settings), on="gap_id", how="left").with_columns(
        pl.coalesce("branch", "unit_branch").alias("branch"), pl.lit(settings.company).alias("company"),
        # What cannot be told may still hold the pooled share: people are counted, nothing is added up.
        pl.when((pl.col("basis") == "credit") & (pl.col("status") == "unknown")).then(0).otherwise("amount_fen")
        .alias("amount_fen"))
    legs = _legs(tables).join(place, on=key, how="left", nulls_equal=True).with_columns(
        pl.lit(settings.company).alias("company"))
    frames = []
    for depth in range(1, len(LEVELS) + 1):
        dims = list(LEVELS[:depth])
        by = [*dims, "scheme", "accrual_month"]
        totals = legs.group_by(by).agg(pl.col("person_id").n_unique().cast(pl.Int32).alias("people"),
                                       *(pl.col(name).sum() for name in _SUMS))
        parts = gap.group_by([*by, "basis", "label", "cause", "status"]).agg(
            pl.col("person_id").drop_nulls().n_unique().cast(pl.Int32).alias("people"), pl.col("amount_fen").sum())
        if int(parts["amount_fen"].sum()) != int(gap["amount_fen"].sum()) or any(
            int(totals[name].sum()) != int(legs[name].sum()) for name in _SUMS
        ):
            raise RollupError(f"level {LEVELS[depth - 1]} does not add up to the whole")
        frames += [conform(one.with_columns(pl.lit(LEVELS[depth - 1]).alias("level")), "rollup")
                   for one in (totals, parts)]
    return _sorted(pl.concat(frames))


def added_rollups(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The roll-up of all people, of those of several groups of people."""
    rows = pl.concat(parts)
    sums = ["people", "amount_fen", *_SUMS]
    # A sum that no part has stays empty.
    return _sorted(rows.group_by(pl.exclude(sums)).agg(
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in sums).select(rows.columns))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("level").replace_strict({name: at for at, name in enumerate(LEVELS)}, return_dtype=pl.Int32)
    order = ["accrual_month", "company", "branch", "cost_centre", "region", "scheme"]
    return rows.sort(rank, *order, pl.col("label").is_not_null(), "basis", "label", "cause", "status", nulls_last=True)


def branch_of(settings: PayrollSettings) -> pl.Expr:
    """The branch of a row with payer and employer: as the settings say, else the employer's name, else the payer."""
    named = {number: payer.branch or payer.name for number, payer in settings.payers.items()}
    known = pl.col("payer").replace_strict(named, default=None, return_dtype=pl.String) if named else pl.lit(
        None, dtype=pl.String)
    return pl.coalesce(known, "employer", "payer")


def _places(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings) -> pl.DataFrame:
    """person_id, region, scheme, accrual_month -> branch, cost_centre."""
    key = ["person_id", "region", "scheme", "accrual_month"]
    month = tables["month"].select(*key, branch_of(settings).alias("branch"))
    payroll = tables["payroll_month"].select(*key, pl.col("branch"), pl.coalesce("cost_centre", "department")
                                             .alias("cost_centre"))
    person = tables["person"].select("person_id", pl.coalesce("cost_centre", "department").alias("_centre")).unique(
        "person_id", keep="first", maintain_order=True)
    return payroll.join(month.rename({"branch": "_branch"}), on=key, how="full", coalesce=True, nulls_equal=True).join(
        person, on="person_id", how="left").with_columns(
        pl.coalesce("branch", "_branch").alias("branch"), pl.coalesce("cost_centre", "_centre").alias("cost_centre")
    ).select(*key, "branch", "cost_centre").unique(key, keep="first", maintain_order=True)


def _unit_places(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings) -> pl.DataFrame:
    """gap_id -> unit_branch of the rows that speak of a payer, whose finding names it."""
    units = tables["gap"].filter(pl.col("person_id").is_null()).select("gap_id", "finding_id").unique("gap_id")
    return units.join(tables["finding"].select("finding_id", "payer"), on="finding_id", how="left").with_columns(
        pl.lit(None, dtype=pl.String).alias("employer")).select("gap_id", branch_of(settings).alias("unit_branch"))


def _legs(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per account and month with what each leg sums to; credits are those of the month."""
    key = ["person_id", "region", "scheme", "accrual_month"]
    credited = tables["month"].select(*key, pl.col("credited_fen").fill_null(0))
    payroll = tables["payroll_month"].select(*key, *(pl.col(name).fill_null(0) for name in _SUMS[:3]))
    return payroll.join(credited, on=key, how="full", coalesce=True, nulls_equal=True).with_columns(
        *(pl.col(name).fill_null(0) for name in _SUMS))
