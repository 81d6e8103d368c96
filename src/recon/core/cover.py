"""What the exports cover: the days of each account, and the months of each person's and payer's contributions.

A file's span is stated, exported, declared or, where nobody says it, that of its own lines: the one fact here that
needs all of a file's people (:func:`flow_files`, :func:`contribution_files`, added up over parts of the people).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recon.core import months
from recon.core.overlap import file_of, payer_key
from recon.core.prepare import Prepared
from recon.tables import SEEN_PROOFS, SPENDING

_BASIS_RANK = {"stated": 0, "exported": 1, "declared": 2, "lines": 3}


def flow_files(flow: pl.DataFrame) -> pl.DataFrame:
    """file, from, to: the days of each file's account lines."""
    # What a person typed or a picture shows is there; it does not show that nothing else is.
    return _flow_rows(flow).filter(~pl.col("proof").is_in(SEEN_PROOFS).fill_null(False)).group_by("file").agg(
        pl.col("posted_on").min().alias("from"), pl.col("posted_on").max().alias("to"))


def contribution_files(contribution: pl.DataFrame) -> pl.DataFrame:
    """file, from, to (months of its lines; null where all were typed or seen), people."""
    seen = pl.col("proof").is_in(SEEN_PROOFS).fill_null(False)
    return _contribution_rows(contribution).group_by("file").agg(
        pl.col("accrual_month").filter(~seen).min().alias("from"),
        pl.col("accrual_month").filter(~seen).max().alias("to"), pl.col("person_id").n_unique().alias("people"),
    )


def added_files(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Of :func:`flow_files` or :func:`contribution_files` of several groups of people: those of all."""
    rows = pl.concat(parts)
    people = [pl.col("people").sum()] if "people" in rows.columns else []
    return rows.group_by("file").agg(pl.col("from").min(), pl.col("to").max(), *people)


def flow_cover(prepared: Prepared, files: pl.DataFrame) -> pl.DataFrame:
    """person_id, region, from, to (days), open_end of the people in ``prepared``; ``files``: those of everybody."""
    spans = _file_spans(prepared.tables["coverage"], "flow", files)
    flow = prepared.tables["flow"]
    # A page that shows money out alone, and no balance that would tell what else moved, may be filtered to that.
    shows_more = (pl.col("amount_fen") > 0) | pl.col("balance_fen").is_not_null() | ~pl.col("flow_kind").is_in(SPENDING)
    members = _flow_rows(flow.filter(shows_more.fill_null(True))).select("person_id", "region", "file").unique()
    general = members.join(
        spans.filter(pl.col("person_id").is_null()).select("file", "from", "to", "open_end"), on="file"
    ).select("person_id", "region", "from", "to", "open_end")
    # A statement about a person that names no region speaks of every account of that person.
    stated = spans.filter(pl.col("person_id").is_not_null())
    if stated.is_empty():
        return _merge_spans(general)
    homes = pl.concat([
        prepared.tables[name].select("person_id", "region") for name in ("contribution", "flow", "person")
    ]).unique()
    personal = stated.select("person_id", "region", "from", "to", "open_end").join(
        homes.select("person_id").unique(), on="person_id", how="semi")
    placed = pl.concat([
        personal.drop_nulls("region"),
        personal.filter(pl.col("region").is_null()).drop("region").join(
            homes.drop_nulls(), on="person_id").select(personal.columns),
    ])
    return _merge_spans(pl.concat([general, placed]))


def contribution_cover(prepared: Prepared, files: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Months covered per person and per payer (files of several people), from/to as month numbers.

    A file of one person speaks of whoever paid (payer null), in the regions of its lines; one of several people of the
    region and payer of the person's lines in it.
    """
    rows = _contribution_rows(prepared.tables["contribution"])
    spans = _file_spans(prepared.tables["coverage"], "contribution", files.drop("people")).filter(
        pl.col("person_id").is_null()
    ).select("file", months.index_of(pl.col("from")).alias("from"), months.index_of(pl.col("to")).alias("to"))
    rows = rows.join(files.select("file", (pl.col("people") > 1).alias("_many")), on="file")
    place = ["region", "payer"]
    per_person = rows.with_columns(
        pl.when("_many").then("payer").alias("payer")
    ).select("person_id", *place, "file").unique().join(spans, on="file").select("person_id", *place, "from", "to")
    per_payer = rows.filter("_many").select("payer", "region", "file").unique().join(spans, on="file").select(
        "payer", "region", "from", "to")
    return per_person.unique(), per_payer.unique()


def _flow_rows(flow: pl.DataFrame) -> pl.DataFrame:
    return flow.select("person_id", "region", "posted_on", "proof", file_of().alias("file"))


def _contribution_rows(contribution: pl.DataFrame) -> pl.DataFrame:
    return contribution.select(
        "person_id", "region", payer_key().alias("payer"), "accrual_month", file_of().alias("file"), "proof"
    ).drop_nulls(["file", "accrual_month"])


def _file_spans(coverage: pl.DataFrame, table: str, own_lines: pl.DataFrame) -> pl.DataFrame:
    """file, person_id (null: all in it), region, from, to, open_end: the best statement of each file, ends filled.

    ``own_lines``: file, from, to of the lines themselves, used where nobody states a period.
    """
    rows = coverage.filter(pl.col("table") == table)
    lines = pl.concat([
        rows.filter(pl.col("basis") == "lines").select("file", "from", "to"), own_lines.select("file", "from", "to")
    ]).group_by("file").agg(pl.col("from").min().alias("line_from"), pl.col("to").max().alias("line_to"))
    bare = [pl.lit(None, dtype=pl.String).alias("person_id"), pl.lit(None, dtype=pl.String).alias("region"),
            pl.col("line_from").dt.month_start().alias("from"), pl.col("line_to").dt.month_end().alias("to"),
            pl.lit(True).alias("open_end")]
    if rows.is_empty():
        return lines.select("file", *bare).drop_nulls(["from", "to"])
    stated = rows.filter(pl.col("basis") != "lines").with_columns(
        pl.col("basis").replace_strict(_BASIS_RANK, default=2, return_dtype=pl.Int32).alias("_rank"),
        pl.coalesce("to", "exported_on").alias("to"),
    ).join(lines, on="file", how="left")
    best = stated.filter(pl.col("_rank") == pl.col("_rank").min().over("file", "person_id")).select(
        "file", "person_id", "region",
        pl.coalesce("from", pl.col("line_from").dt.month_start()).alias("from"),
        pl.coalesce("to", pl.col("line_to").dt.month_end()).alias("to"),
        pl.col("to").is_null().alias("open_end"),
    )
    whole = best.filter(pl.col("person_id").is_null())
    rest = lines.join(whole, on="file", how="anti").select("file", *bare)
    return pl.concat([best, rest]).drop_nulls(["from", "to"])


def _merge_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Overlapping or adjoining spans of one account as one; its end is open when its latest end is."""
    key = ["person_id", "region"]
    ordered = spans.sort(*key, "from", "to", nulls_last=True).with_columns(
        pl.col("to").cum_max().shift(1).over(key, order_by=["from", "to"]).alias("_before")
    )
    return (
        ordered.with_columns(
            (pl.col("_before").is_null() | (pl.col("from") > pl.col("_before").dt.offset_by("1d")))
            .cast(pl.Int32).cum_sum().over(key, order_by=["from", "to"]).alias("_island")
        )
        .sort("to", pl.col("open_end").cast(pl.Int8), descending=[False, True])
        .group_by(*key, "_island", maintain_order=True)
        .agg(pl.col("from").min(), pl.col("to").max(), pl.col("open_end").last())
        .drop("_island").sort(*key, "from", nulls_last=True)
    )
