"""预告: before payroll closes, who is about to have a gap this month, and what a change of base will cost each.

Nothing here accuses: it compares who ought to be in the month (payslips, the roster, last month's declaration) with who
is declared for it so far, and bases with those of the last month. In: the input tables as judged and the run's gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.core import months
from recon.core.limits import clamped
from recon.core.payroll.legs import build_legs
from recon.core.payroll.months import PersonMonths, person_months, roster_edges
from recon.core.payroll.parts import rules_of
from recon.core.payroll_settings import PayrollSettings
from recon.core.rounded import rounded_share
from recon.policy import Policy
from recon.tables import Schema

# Why somebody may have a gap, the most pressing first.
CAUSES = ("not_in_declaration", "to_be_added", "dropped", "unsettled", "to_be_removed")
PEOPLE: Schema = {
    "person_id": pl.String(), "payer": pl.String(), "region": pl.String(), "month": pl.Date(), "cause": pl.String(),
    "own_fen": pl.Int64(), "firm_fen": pl.Int64(), "deadline": pl.Date(), "seen_in": pl.String(), "since": pl.Date(),
}
BASES: Schema = {
    "person_id": pl.String(), "payer": pl.String(), "region": pl.String(), "from_month": pl.Date(),
    "old_base_fen": pl.Int64(), "new_base_fen": pl.Int64(), "known_by": pl.String(), "own_month_fen": pl.Int64(),
    "firm_month_fen": pl.Int64(), "top_up_months": pl.Int32(), "own_top_up_fen": pl.Int64(),
    "firm_top_up_fen": pl.Int64(),
}
SETTLED_WITHIN = 6  # open payroll findings of so many months before are still this month's business
WAGE_MONTHS = 6  # an average wage needs so many payslips of the year before
_UNSETTLED = ("deducted_not_declared", "declared_not_paid", "joiner_leaver_edge")


@dataclass(frozen=True)
class Forecast:
    """``people``: who may have a gap in ``month`` and why; ``bases``: whose base changes and what it costs.

    declared: whether a declaration of the month is there already.
    """

    month: date
    declared: bool
    people: pl.DataFrame
    bases: pl.DataFrame


def forecast(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, settings: PayrollSettings | None = None,
    month: date | None = None,
) -> Forecast:
    """The month ahead; ``month`` defaults to the newest that a payslip or declaration speaks of, else the as-of month.

    tables: input tables as judged, with the run's ``gap``.
    """
    settings = settings or PayrollSettings()
    legs = build_legs(tables, settings)
    found = person_months(legs, tables["person"], settings)
    newest = found.rows.filter("has_slip" if found.rows["has_slip"].any() else "has_target")["month"].max()
    at = months.index(month) if month is not None else newest if isinstance(newest, int) else months.index(as_of)
    covered = found.covered.filter((pl.col("month") == at) & (pl.col("covers_declared") | pl.col("covers_arrived")))
    people = _people(found, tables, settings, policy, at, covered)
    return Forecast(months.first_day(at), covered.height > 0, people, _bases(found, policy, settings, at))


def _people(
    found: PersonMonths, tables: Mapping[str, pl.DataFrame], settings: PayrollSettings, policy: Policy, at: int,
    covered: pl.DataFrame,
) -> pl.DataFrame:
    rows = found.rows
    last = rows.filter((pl.col("month") < at) & pl.col("has_target")).sort("month").group_by(
        "person_id", maintain_order=True).agg(
        pl.col("payer", "region", "target_fen").last(), pl.coalesce("decl_firm", "arr_firm").last().alias("firm_fen"),
        pl.col("month").last().alias("last_month"))
    now = rows.filter(pl.col("month") == at).select(
        "person_id", pl.col("payer").alias("now_payer"), pl.col("region").alias("now_region"), "has_slip",
        "has_target", "ded_fen")
    edges = _edges(tables, settings, last)
    everybody = pl.concat([now.select("person_id"), last.select("person_id"), edges.select("person_id")]).unique()
    frame = everybody.join(now, on="person_id", how="left").join(last, on="person_id", how="left").join(
        edges, on="person_id", how="left").with_columns(
        pl.col("has_slip", "has_target").fill_null(value=False), pl.coalesce("now_payer", "payer").alias("payer"),
        pl.coalesce("now_region", "region").alias("region"), pl.lit(at, dtype=pl.Int32).alias("month"))
    paid = rows.filter((pl.col("month") == at) & pl.col("has_slip")).height > 0
    on_roster = pl.col("in_roster").fill_null(value=False)
    employed = on_roster & (pl.col("starts").fill_null(0) <= at) & (pl.col("ends").fill_null(10**6) >= at)
    gone = (pl.col("ends") < at).fill_null(value=False)
    was_in = pl.col("last_month") == at - 1
    expected = pl.col("has_slip") | (employed & pl.col("starts").is_not_null())
    declaring = covered["payer"].drop_nulls().unique()
    # Whoever has no payer yet is looked for in every declaration there is.
    has_declaration = pl.when(pl.col("payer").is_null()).then(pl.lit(covered.height > 0)).otherwise(
        pl.col("payer").is_in(declaring.implode()))
    cause = (
        pl.when(gone & (pl.col("has_target") | (was_in & ~has_declaration)) & ~pl.col("has_slip"))
        .then(pl.lit("to_be_removed"))
        .when(gone).then(None)
        .when(has_declaration & expected & ~pl.col("has_target") & ~was_in.fill_null(value=False))
        .then(pl.lit("not_in_declaration"))
        .when(has_declaration & was_in & ~pl.col("has_target") & (expected | pl.lit(not paid)))
        .then(pl.lit("dropped"))
        .when(~has_declaration & expected & ~was_in.fill_null(value=False)).then(pl.lit("to_be_added"))
    )
    frame = frame.with_columns(cause.alias("cause"), pl.lit(None, dtype=pl.Int32).alias("since"))
    gap = tables["gap"].filter(
        (pl.col("basis") == "payroll") & (pl.col("status") == "open") & pl.col("label").is_in(_UNSETTLED)
        & pl.col("person_id").is_not_null())
    old = gap.select("person_id", months.index_of(pl.col("accrual_month")).alias("since")).filter(
        pl.col("since").is_between(at - SETTLED_WITHIN, at - 1)).group_by("person_id").agg(pl.col("since").min())
    unsettled = frame.drop("since").filter(pl.col("cause").is_null()).join(old, on="person_id").with_columns(
        pl.lit("unsettled").alias("cause")).select(frame.columns)
    listed = pl.concat([frame.filter(pl.col("cause").is_not_null()), unsettled]).join(
        rules_of(frame.select("region", "month"), policy, settings).select("region", "month", "deadline"),
        on=["region", "month"], how="left", nulls_equal=True)
    rank = pl.col("cause").replace_strict({name: place for place, name in enumerate(CAUSES)}, return_dtype=pl.Int32)
    seen = pl.concat_str(pl.when("has_slip").then(pl.lit("payroll")), pl.when(on_roster).then(pl.lit("roster")),
                         pl.when(was_in.fill_null(value=False)).then(pl.lit("last_month")), separator=",",
                         ignore_nulls=True)
    return listed.sort(rank, "payer", "person_id", nulls_last=True).select(
        "person_id", "payer", "region", months.date_of(pl.col("month")).alias("month"), "cause",
        pl.when(pl.col("ded_fen").fill_null(0) > 0).then("ded_fen").otherwise("target_fen").alias("own_fen"),
        "firm_fen", "deadline", seen.alias("seen_in"), months.date_of(pl.col("since")).alias("since"),
    ).cast(pl.Schema(PEOPLE))


def _edges(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings, last: pl.DataFrame) -> pl.DataFrame:
    """person_id, in_roster, starts, ends: first and last month the employer owes, by the mid-month rule if stated."""
    dates = roster_edges(tables["person"], tables["enrolment"]).join(
        last.select("person_id", "region"), on="person_id", how="left")
    retired = (pl.col("insured_status").fill_null("") == "retired") | pl.col("retired_from").is_not_null()
    dates = dates.join(tables["person"].filter(retired).select("person_id"), on="person_id", how="anti")
    joins: pl.Expr = pl.lit(31)
    leaves: pl.Expr = pl.lit(1)
    for region, rule in sorted(settings.mid_month.items()):
        here = pl.lit(value=True) if region == "" else pl.col("region").eq_missing(region)
        joins = pl.when(here).then(rule.joins_by).otherwise(joins)
        leaves = pl.when(here).then(rule.leaves_from).otherwise(leaves)
    return dates.select(
        "person_id", pl.lit(value=True).alias("in_roster"),
        (pl.col("joined") + (pl.col("joined_day").fill_null(1) > joins).cast(pl.Int32)).alias("starts"),
        (pl.col("left") - (pl.col("left_day").fill_null(31) < leaves).cast(pl.Int32)).alias("ends"))


def _bases(found: PersonMonths, policy: Policy, settings: PayrollSettings, at: int) -> pl.DataFrame:
    """Whose base in the month differs from the last one declared before, by what it is known, and what that costs.

    A base is known from the declaration of the month, else from its payslip, else, where the region's base year begins
    in the month, from the average wage of the calendar year before within the limits. Where the base year began earlier
    and the old base was still used, the months since then are topped up.
    """
    rows = found.rows
    before = rows.filter((pl.col("month") < at) & pl.col("line_base").is_not_null()).sort("month").group_by(
        "person_id", maintain_order=True).agg(
        pl.col("payer", "region", "month").last(), pl.col("line_base").last().alias("old"),
        pl.col("decl_firm").last().alias("firm"), pl.col("target_fen").last())
    now = rows.filter(pl.col("month") == at).select("person_id", pl.col("line_base").alias("by_declaration"),
                                                    pl.col("slip_base").alias("by_payslip"))
    starts = {region: policy.base_year_start(region) for region in before["region"].unique().to_list()}
    first = {region: _base_year(at, start) for region, start in starts.items() if start is not None}
    year_start = pl.col("region").replace_strict(first, default=None, return_dtype=pl.Int32) if first else pl.lit(
        None, dtype=pl.Int32)
    year = (at // 12 - 1) * 12
    wages = rows.filter(pl.col("month").is_between(year, year + 11) & pl.col("slip_wage").is_not_null()).group_by(
        "person_id").agg(pl.col("slip_wage").sum().alias("_sum"), pl.len().alias("_n")).filter(
        pl.col("_n") >= WAGE_MONTHS).select("person_id", ((pl.col("_sum") + pl.col("_n") // 2) // pl.col("_n"))
                                            .alias("wage"))
    frame = before.join(now, on="person_id", how="inner").join(wages, on="person_id", how="left").with_columns(
        year_start.alias("year_start"), pl.col("month").alias("last_month"), pl.lit(at, dtype=pl.Int32).alias("month"))
    rules = rules_of(frame.select("region", "month"), policy, settings)
    frame = frame.join(rules, on=["region", "month"], how="left", nulls_equal=True)
    # Bases are whole yuan.
    limited = clamped(pl.col("wage"), floor="new_floor_fen", cap="new_cap_fen")
    by_wage = pl.when(pl.col("year_start") == at).then((limited + 50) // 100 * 100)
    new = pl.coalesce("by_declaration", "by_payslip", by_wage)
    known_by = pl.when(pl.col("by_declaration").is_not_null()).then(pl.lit("declaration")).when(
        pl.col("by_payslip").is_not_null()).then(pl.lit("payslip")).otherwise(pl.lit("wages"))
    frame = frame.with_columns(new.alias("new"), known_by.alias("known_by")).filter(
        pl.col("new").is_not_null() & (pl.col("new") != pl.col("old")))
    own = rounded_share(pl.col("new"), pl.col("ppm")) - rounded_share(pl.col("old"), pl.col("ppm"))
    firm_ppm = pl.col("firm") * 1_000_000 // pl.col("old")
    firm = rounded_share(pl.col("new"), firm_ppm) - rounded_share(pl.col("old"), firm_ppm)
    late = pl.max_horizontal(pl.lit(at) - pl.coalesce("year_start", pl.lit(at)), pl.lit(0))
    return frame.select(
        "person_id", "payer", "region",
        months.date_of(pl.coalesce("year_start", pl.lit(at)).cast(pl.Int32)).alias("from_month"),
        pl.col("old").alias("old_base_fen"), pl.col("new").alias("new_base_fen"), "known_by",
        own.alias("own_month_fen"), firm.alias("firm_month_fen"), late.cast(pl.Int32).alias("top_up_months"),
        (own * late).alias("own_top_up_fen"), (firm * late).alias("firm_top_up_fen"),
    ).cast(pl.Schema(BASES)).sort("payer", "person_id", nulls_last=True)


def _base_year(at: int, start: int) -> int:
    """The month in which the base year that holds ``at`` began."""
    return at - (at - (start - 1)) % 12
