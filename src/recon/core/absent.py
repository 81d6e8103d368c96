"""Months without any contribution line where there ought to be one.

A month is owed a line when it lies between two lines of one spell at one payer, inside a stated employment spell, or
under a payslip deduction, and the contribution files cover it (DESIGN sections 5 and 7). Nothing is inferred from
absence elsewhere.
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.context import Context
from recon.core.overlap import payer_key
from recon.core.prepare import Prepared
from recon.tables import ACCOUNT

# Lines of one payer this far apart still bracket one spell; beyond, leaving and coming back is likelier.
BRACKET_MONTHS = 6


def absent_months(prepared: Prepared, lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Months that lack a line: person_id, region, scheme, payer, employer, month, proved_by, neighbours.

    ``proved_by`` is spell (stated employment), bracket or payroll (a deduction);
    ``neighbours`` names the rows around a bracketed month.
    """
    own = lines.filter(~pl.col("is_side") & pl.col("row_id").is_not_null())
    if own.is_empty():
        return _empty()
    main = own.filter(pl.col("payment_kind") != "refund")
    spells = _spells(prepared, main)
    wanted = pl.concat([_bracketed(main, spells), _employed(spells, context), _deducted(context)])
    # A line for the month anywhere else (another region or scheme) is a line; so is a refund: it had been paid.
    missing = wanted.join(own.select("person_id", "month").unique(), on=["person_id", "month"], how="anti")
    retired = prepared.tables["person"].select(
        "person_id", months.index_of(pl.col("retired_from")).alias("_retired")
    )
    missing = missing.join(retired, on="person_id", how="left").filter(
        (pl.col("month") < pl.col("_retired")).fill_null(True)
    )
    return _covered(missing, context).sort(*ACCOUNT, "month", "proved_by", "payer", nulls_last=True).unique(
        [*ACCOUNT, "month"], keep="first", maintain_order=True
    )


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={
        "person_id": pl.String, "region": pl.String, "scheme": pl.String, "payer": pl.String, "employer": pl.String,
        "month": pl.Int32, "proved_by": pl.String, "neighbours": pl.String,
    })


def _spells(prepared: Prepared, main: pl.DataFrame) -> pl.DataFrame:
    """Stated employment: the roster's current spell and ``enrolment``, with first and last whole month (null: open).

    ``is_whole``: the source tells all spells of the person, not just the current one.
    """
    serving = pl.col("insured_status").fill_null("in_service") != "retired"
    payer = payer_key().alias("payer")
    joined, left = pl.col("employed_from"), pl.col("employed_to")
    # Who pays a broken month is local and contractual: only whole months are owed.
    first = months.index_of(joined) + (joined.dt.day() > 1).cast(pl.Int32)
    last = months.index_of(left) - (left != left.dt.month_end()).cast(pl.Int32)
    person = prepared.tables["person"].filter(serving).drop_nulls("employed_from").select(
        "person_id", "region", pl.lit("310").alias("scheme"), payer, "employer",
        first.alias("from"), last.alias("to"), pl.lit(False).alias("is_whole"),
    )
    enrolment = prepared.tables["enrolment"].filter(serving).drop_nulls("from_month").select(
        "person_id", "region", pl.col("scheme").fill_null("310"), payer, "employer",
        months.index_of(pl.col("from_month")).alias("from"), months.index_of(pl.col("to_month")).alias("to"),
        pl.lit(True).alias("is_whole"),
    )
    regions = main.select("person_id", pl.col("region").alias("_region")).unique().sort("_region", nulls_last=True)
    known = regions.group_by("person_id", maintain_order=True).agg(pl.col("_region").first())
    return pl.concat([person, enrolment]).join(known, on="person_id", how="left").with_columns(
        pl.coalesce("region", "_region").alias("region")
    ).drop("_region")


def _bracketed(main: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """Months between two neighbouring lines of one payer: one spell, as far as nothing says otherwise.

    A longer hole than :data:`BRACKET_MONTHS` is a rehire, not a spell; stated spells decide where there are any.
    """
    lines = main.filter(pl.col("payment_kind").is_in(["normal", "back_pay"])).select(
        *ACCOUNT, "payer", "employer", "month", "row_id")
    gap = pl.col("month_next") - pl.col("month") - 1
    steps = lines.select(*ACCOUNT, "month").unique().with_columns(
        pl.col("month").shift(-1).over(ACCOUNT, order_by="month").alias("month_next")
    ).filter((gap > 0) & (gap <= BRACKET_MONTHS))
    if steps.is_empty():
        return _empty()
    # Most accounts have no hole: only lines beside one are looked at.
    beside = pl.concat([
        steps.select(*ACCOUNT, "month"), steps.select(*ACCOUNT, pl.col("month_next").alias("month"))]).unique()
    regular = lines.join(beside, on=[*ACCOUNT, "month"], how="semi", nulls_equal=True).sort("row_id").unique(
        [*ACCOUNT, "payer", "month"], keep="first", maintain_order=True
    ).sort(*ACCOUNT, "month", "payer", nulls_last=True)
    # The same payer has a line on both sides of the hole, whoever else pays beside it.
    holes = regular.join(steps, on=[*ACCOUNT, "month"], nulls_equal=True).drop_nulls("payer").join(
        regular.select(*ACCOUNT, "payer", pl.col("month").alias("month_next"), pl.col("row_id").alias("row_id_next")),
        on=[*ACCOUNT, "payer", "month_next"], nulls_equal=True,
    )
    inside = holes.with_columns(
        pl.int_ranges(pl.col("month") + 1, pl.col("month_next"), dtype=pl.Int32).alias("month"),
        pl.concat_str("row_id", "row_id_next", separator="; ").alias("neighbours"),
    ).explode("month").select(
        *ACCOUNT, "payer", "employer", "month", pl.lit("bracket").alias("proved_by"), "neighbours"
    )
    if spells.is_empty():
        return inside
    # The roster's spell speaks of its own payer only; enrolment speaks of everybody's.
    whole = spells.filter("is_whole").select("person_id").unique()
    own = spells.filter(~pl.col("is_whole")).select("person_id", "payer").unique()
    free = inside.join(whole, on="person_id", how="anti").join(own, on=["person_id", "payer"], how="anti")
    told = inside.join(free, on=inside.columns, how="anti", nulls_equal=True).join(
        spells.select("person_id", pl.col("payer").alias("_payer"), "from", "to", "is_whole"), on="person_id"
    ).filter(
        (pl.col("is_whole") | (pl.col("payer") == pl.col("_payer")))
        & (pl.col("month") >= pl.col("from")) & (pl.col("month") <= pl.col("to")).fill_null(True)
    ).select(inside.columns).unique()
    return pl.concat([free, told])


def _employed(spells: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Whole months inside stated spells, up to the as-of month."""
    if spells.is_empty():
        return _empty()
    until = pl.lit(months.index(context.as_of), dtype=pl.Int32)
    return spells.with_columns(pl.min_horizontal(pl.col("to").fill_null(until), until).alias("_end")).filter(
        pl.col("_end") >= pl.col("from")
    ).with_columns(
        pl.int_ranges("from", pl.col("_end") + 1, dtype=pl.Int32).alias("month")
    ).explode("month").select(
        *ACCOUNT, "payer", "employer", "month", pl.lit("spell").alias("proved_by"),
        pl.lit(None, dtype=pl.String).alias("neighbours"),
    )


def _deducted(context: Context) -> pl.DataFrame:
    """Months with a payslip deduction."""
    return context.deducted.select(
        "person_id", "region", pl.lit("310").alias("scheme"), pl.col("payer").fill_null(""), "employer", "month",
        pl.lit("payroll").alias("proved_by"), "neighbours")


def _covered(missing: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Only months that a contribution file speaks of: the person's own, or one of the payer's.

    A file of several people with the person's lines speaks of other payers only where no file names them: they may
    be spelled otherwise there.
    """
    if missing.is_empty():
        return missing.select(_empty().columns)
    numbered = missing.with_row_index("_n")
    inside = (pl.col("month") >= pl.col("from")) & (pl.col("month") <= pl.col("to"))
    known = context.payer_cover.select("payer", pl.lit(True).alias("_known")).unique()
    theirs = (pl.col("payer") == pl.col("_payer")).fill_null(False) | pl.col("_known").is_null()
    own = numbered.join(
        context.paid_cover.rename({"region": "_region", "payer": "_payer"}), on="person_id"
    ).join(known, on="payer", how="left").filter(
        inside & ((pl.col("_payer").is_null() & (pl.col("_region").is_null() | pl.col("region").is_null()))
                  | ((pl.col("_payer").is_null() | theirs) & pl.col("region").eq_missing(pl.col("_region"))))
    )["_n"]
    payer = numbered.join(context.payer_cover, on=["payer", "region"], nulls_equal=True).filter(inside)["_n"]
    hit = pl.concat([own, payer]).unique()
    return numbered.filter(pl.col("_n").is_in(hit.implode())).select(_empty().columns)
