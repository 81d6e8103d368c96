"""The payroll legs compared (DESIGN section 7, basis payroll): the one door to this package.

legs -> the month of each payslip -> one row per person and month -> parts -> rows of gap and finding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from recon.core import months
from recon.core.overlap import BILL_PROOFS
from recon.core.payroll.legs import build_legs
from recon.core.payroll.months import PersonMonths, person_months
from recon.core.payroll.offsets import Offset
from recon.core.payroll.parts import PART, person_parts
from recon.core.payroll.rollup import branch_of
from recon.core.payroll.rows import as_gap, findings, person_rows, unit_rows
from recon.core.payroll.units import unit_parts
from recon.core.payroll_settings import PayrollSettings
from recon.inside import inside_polars
from recon.labels import LABEL_ORDER, STATUSES
from recon.policy import Policy
from recon.problems import Problem
from recon.tables import SCHEME_ACCOUNT, conform, empty


@dataclass(frozen=True)
class PayrollResult:
    """gap and finding rows of basis payroll, table payroll_month, the learned offsets, and what was noticed."""

    gap: pl.DataFrame
    finding: pl.DataFrame
    payroll_month: pl.DataFrame
    offsets: tuple[Offset, ...]
    problems: list[Problem]

    @property
    def notes(self) -> tuple[str, ...]:
        """The month each payer's payslips deduct for, one line each."""
        return tuple(one.sentence() for one in self.offsets)


def has_legs(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether an employer's own leg is there: payslips, declarations or its bank; records of arrival alone are none."""
    bills = tables["contribution"]["proof"].is_in(BILL_PROOFS).any()
    return bool(tables["payroll"].height or tables["payment"].height or bills)


@inside_polars
def check_payroll(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, settings: PayrollSettings | None = None,
    unsure: Collection[str] = (),
) -> PayrollResult:
    """Every difference between payslip, declaration, arrival and bank, each once.

    tables: the input tables as judged (``Result.inputs``). unsure: people to whom a payslip that was not used may
    belong; their payslips are not held against the declaration. Raises PayrollIdentityError where parts do not add up.
    """
    settings = settings or PayrollSettings()
    if not has_legs(tables):
        return PayrollResult(empty("gap"), empty("finding"), empty("payroll_month"), (), [])
    legs = build_legs(tables, settings)
    found = person_months(legs, tables["person"], settings)
    if unsure:
        sure = ~pl.col("person_id").is_in(sorted(unsure))
        found = replace(found, rows=found.rows.with_columns(pl.col("covers_payroll") & sure))
    units, frozen = unit_parts(legs, settings, as_of)
    parts, absorbed, looked = person_parts(found, legs, dict(tables), policy, settings, as_of, frozen)
    people = person_rows(parts, found.rows, found.covered, settings)
    whole = unit_rows(units, absorbed)
    problems = [*legs.problems, *_missing_months(found)]
    return PayrollResult(
        as_gap(people, whole), findings(people, whole), _month_table(found, parts, looked, tables, settings),
        tuple(found.offsets), problems,
    )


def _month_table(
    found: PersonMonths, parts: pl.DataFrame, looked: pl.DataFrame, tables: Mapping[str, pl.DataFrame],
    settings: PayrollSettings,
) -> pl.DataFrame:
    """Table ``payroll_month``: the legs side by side, with the worst part of each month.

    declared_fen is what the declaration says, else what the record does; the employee's part with corrections.
    """
    order = {name: at for at, name in enumerate(STATUSES)}
    labels = {name: at for at, name in enumerate(LABEL_ORDER)}
    assert set(parts.columns) == set(PART)
    worst = parts.sort(
        pl.col("status").replace_strict(order, return_dtype=pl.Int32), pl.col("fen").abs(),
        pl.col("label").replace_strict(labels, return_dtype=pl.Int32), "cause", descending=[False, True, False, False],
        nulls_last=True,
    ).unique(["person_id", "month"], keep="first", maintain_order=True).select(
        "person_id", "month", "label", "cause", "status")
    person = tables["person"].select(
        "person_id", "person_name", "employee_no", pl.col("department").alias("_department"),
        pl.col("cost_centre").alias("_centre")).unique("person_id", keep="first", maintain_order=True)
    names = pl.concat([tables[name].select("person_id", pl.col("person_name").alias("_name"))
                       for name in ("payroll", "contribution")]).drop_nulls().unique("person_id", keep="first",
                                                                                    maintain_order=True)
    numbers = tables["payroll"].select("person_id", pl.col("employee_no").alias("_number")).drop_nulls().unique(
        "person_id", keep="first", maintain_order=True)
    said = pl.concat_str(
        *(pl.when(pl.col(f"has_{flag}")).then(pl.lit(leg)) for flag, leg in
          (("slip", "payroll"), ("decl", "declared"), ("arr", "arrived"))), separator=",", ignore_nulls=True)
    rows = found.rows.join(worst, on=["person_id", "month"], how="left").join(
        looked, on=["person_id", "month"], how="left").join(person, on="person_id", how="left").join(
        names, on="person_id", how="left").join(numbers, on="person_id", how="left")
    credited = tables.get("month")
    rows = rows.with_columns(
        pl.coalesce("person_name", "_name").alias("person_name"),
        pl.coalesce("employee_no", "_number").alias("employee_no"),
        pl.coalesce("slip_department", "_department").alias("department"),
        pl.coalesce("slip_cost_centre", "_centre").alias("cost_centre"), branch_of(settings).alias("branch"),
        pl.lit(SCHEME_ACCOUNT).alias("scheme"), months.date_of(pl.col("month")).alias("accrual_month"),
        pl.sum_horizontal("ded_fen", "slip_top_up", "slip_refund", "late_fee").alias("deducted_fen"),
        pl.when("has_target").then(pl.sum_horizontal(
            "target_fen", "target_top_up",
            pl.when("has_decl").then("decl_refund").otherwise(pl.col("arr_refund").fill_null(0)))).alias("declared_fen"),
        pl.when("has_decl").then("decl_firm").alias("declared_employer_fen"),
        pl.when("has_arr").then("arr_fen").alias("arrived_fen"),
        pl.when("has_arr").then("arr_firm").alias("arrived_employer_fen"),
        pl.col("arrived_on").alias("paid_on"), pl.col("slip_base").alias("payroll_base_fen"),
        pl.col("line_base").alias("declared_base_fen"), said.alias("legs"),
    ).with_columns(pl.when("has_slip").then("deducted_fen").alias("deducted_fen"))
    if credited is not None:
        rows = rows.join(credited.select("person_id", "region", "scheme", "accrual_month", "credited_fen"),
                         on=["person_id", "region", "scheme", "accrual_month"], how="left", nulls_equal=True)
    return conform(rows.sort("person_id", "month"), "payroll_month")


def _missing_months(found: PersonMonths) -> list[Problem]:
    """A leg that has months before and after a month of a payer and not the month itself: a file is missing."""
    problems = []
    for leg in ("payroll", "declared", "arrived"):
        cover = found.covered.filter(pl.col("people") > 0)
        spans = cover.filter(f"covers_{leg}").group_by("payer").agg(
            pl.col("month").min().alias("_from"), pl.col("month").max().alias("_to"))
        holes = cover.join(spans, on="payer", nulls_equal=True).filter(
            (pl.col("month") > pl.col("_from")) & (pl.col("month") < pl.col("_to")) & ~pl.col(f"covers_{leg}"))
        for payer, month in holes.select("payer", "month").sort("payer", "month", nulls_last=True).rows():
            where = f"{payer} " if payer else ""
            problems.append(Problem("leg-month-missing", None, None, leg, f"{where}{months.first_day(month):%Y-%m}"))
    return problems
