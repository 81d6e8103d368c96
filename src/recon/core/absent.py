"""Months without any contribution line where there ought to be one.

A month is owed a line when it lies between two lines of one spell at one payer, or inside a stated employment spell,
and the contribution files cover it (DESIGN sections 5 and 7). Nothing is inferred from absence elsewhere.
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.context import Context
from recon.core.prepare import Prepared

_KEY = ["person_id", "region", "scheme"]


def absent_months(prepared: Prepared, lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """person_id, region, scheme, payer, employer, month, proved_by (spell or bracket): months that lack a line."""
    own = lines.filter(~pl.col("is_side") & pl.col("row_id").is_not_null())
    if own.is_empty():
        return _empty()
    main = own.filter(pl.col("payment_kind") != "refund")
    wanted = pl.concat([_bracketed(main), _employed(prepared, main, context)])
    missing = wanted.join(main.select(*_KEY, "month").unique(), on=[*_KEY, "month"], how="anti", nulls_equal=True)
    retired = prepared.tables["person"].filter(
        (pl.col("insured_status") == "retired") | pl.col("retired_from").is_not_null()
    ).select("person_id", months.index_of(pl.col("retired_from")).alias("_retired"))
    left = prepared.tables["person"].select(
        "person_id", months.index_of(pl.col("employed_from")).alias("_from"),
        months.index_of(pl.col("employed_to")).alias("_to"),
    )
    missing = (
        missing.join(retired, on="person_id", how="left").join(left, on="person_id", how="left")
        .filter((pl.col("month") < pl.col("_retired")).fill_null(True))
        .filter((pl.col("month") <= pl.col("_to")).fill_null(True))
    )
    return _covered(missing, context).sort(*_KEY, "month", "proved_by", nulls_last=True).unique(
        [*_KEY, "month"], keep="first", maintain_order=True
    )


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={
        "person_id": pl.String, "region": pl.String, "scheme": pl.String, "payer": pl.String, "employer": pl.String,
        "month": pl.Int32, "proved_by": pl.String,
    })


def _bracketed(main: pl.DataFrame) -> pl.DataFrame:
    """Months between two neighbouring lines of one payer."""
    regular = main.filter(pl.col("payment_kind").is_in(["normal", "back_pay"])).select(
        *_KEY, "payer", "employer", "month"
    ).unique([*_KEY, "payer", "month"]).sort(*_KEY, "month", "payer", nulls_last=True)
    ahead = regular.with_columns(
        pl.col("month").shift(-1).over(_KEY, order_by="month").alias("_next"),
        pl.col("payer").shift(-1).over(_KEY, order_by="month").alias("_payer"),
    )
    holes = ahead.filter((pl.col("_next") > pl.col("month") + 1) & (pl.col("_payer") == pl.col("payer")))
    return holes.with_columns(
        pl.int_ranges(pl.col("month") + 1, pl.col("_next"), dtype=pl.Int32).alias("month")
    ).explode("month").select(*_KEY, "payer", "employer", "month", pl.lit("bracket").alias("proved_by"))


def _employed(prepared: Prepared, main: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Months inside employment spells of the roster or of ``enrolment``, up to the as-of month."""
    until = months.index(context.as_of)
    person = prepared.tables["person"].filter(
        pl.col("employed_from").is_not_null() & (pl.col("insured_status").fill_null("in_service") != "retired")
    ).select(
        "person_id", "region", pl.lit("310").alias("scheme"),
        pl.coalesce("payer", "employer").fill_null("").alias("payer"), "employer",
        months.index_of(pl.col("employed_from")).alias("_from"),
        months.index_of(pl.col("employed_to")).alias("_to"),
    )
    spells = prepared.tables["enrolment"].filter(
        pl.col("insured_status").fill_null("in_service") != "retired"
    ).select(
        "person_id", "region", pl.col("scheme").fill_null("310"),
        pl.coalesce("payer", "employer").fill_null("").alias("payer"), "employer",
        months.index_of(pl.col("from_month")).alias("_from"), months.index_of(pl.col("to_month")).alias("_to"),
    )
    regions = main.select("person_id", pl.col("region").alias("_region")).unique().sort("_region", nulls_last=True)
    known = regions.group_by("person_id", maintain_order=True).agg(pl.col("_region").first())
    both = pl.concat([person, spells]).drop_nulls("_from").join(known, on="person_id", how="left").with_columns(
        pl.coalesce("region", "_region").alias("region"),
        pl.min_horizontal(pl.col("_to").fill_null(until), pl.lit(until, dtype=pl.Int32)).alias("_end"),
    ).filter(pl.col("_end") >= pl.col("_from"))
    # The first and last calendar month of a spell depend on the city's mid-month rule: only whole months are owed.
    return both.with_columns(
        pl.int_ranges(pl.col("_from"), pl.col("_end") + 1, dtype=pl.Int32).alias("month")
    ).explode("month").filter(
        (pl.col("month") > pl.col("_from")) & ((pl.col("month") < pl.col("_to")) | pl.col("_to").is_null())
    ).select(*_KEY, "payer", "employer", "month", pl.lit("spell").alias("proved_by"))


def _covered(missing: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Only months that a contribution file speaks of: the person's own, or one of the payer's."""
    if missing.is_empty():
        return missing.select(_empty().columns)
    numbered = missing.with_row_index("_n")
    inside = (pl.col("month") >= pl.col("from")) & (pl.col("month") <= pl.col("to"))
    own = numbered.join(context.paid_cover, on="person_id").filter(inside)["_n"]
    payer = numbered.join(context.payer_cover, on=["payer", "region"], nulls_equal=True).filter(inside)["_n"]
    hit = pl.concat([own, payer]).unique()
    return numbered.filter(pl.col("_n").is_in(hit.implode())).select(_empty().columns)
