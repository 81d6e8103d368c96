"""Months that a payslip proves employment for: the credit basis asks whether they have a contribution line."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon.core.payroll.legs import build_legs
from recon.core.payroll.months import person_months
from recon.core.payroll.parts import with_compared, with_edges
from recon.core.payroll_settings import PayrollSettings


def no_deductions() -> pl.DataFrame:
    """person_id, region, payer, employer, month (number), neighbours (row_ids of the payslip); no rows."""
    return pl.DataFrame(schema={"person_id": pl.String, "region": pl.String, "payer": pl.String,
                                "employer": pl.String, "month": pl.Int32, "neighbours": pl.String})


def deducted_months(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings | None = None) -> pl.DataFrame:
    """Months with a deduction (columns of :func:`no_deductions`), but those of joining or leaving.

    Who pays the month in which somebody joins or leaves is local and contractual, so it proves nothing there.
    """
    settings = settings or PayrollSettings()
    if tables["payroll"].is_empty() or "payroll" not in settings.legs:
        return no_deductions()
    legs = build_legs(tables, settings)
    rows = with_edges(with_compared(person_months(legs, tables["person"], settings).rows), dict(tables))
    return rows.filter((pl.col("ded_fen") > 0) & pl.col("edge").is_null()).select(
        "person_id", "region", "payer", "employer", "month", pl.col("slip_rows").alias("neighbours"))
