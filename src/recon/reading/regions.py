"""Which region a row speaks of: what it names, else the month's record's, the roster's, the only one, the default."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from recon.problems import Problem
from recon.reading.file_read import FileRead
from recon.reading.values import clean

_REGION_TABLES = ("contribution", "flow", "reading", "enrolment")


def settle_regions(
    reads: list[FileRead], region_of: Callable[[str], str | None], default_region: str | None
) -> None:
    """Region codes for names; where a row and its file name none, :func:`fill_regions`."""
    codes: dict[str, str] = {}
    for read in reads:
        for part in read.parts:
            if "region" in part.frame.columns:
                name_regions(read, first_of_each(part.frame, "region"), codes, region_of)
                part.frame = part.frame.with_columns(pl.col("region").replace(codes))
    fill_regions(reads, default_region)


def first_of_each(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """column, _at, _place: each text of the column, in order, with the first row that has it."""
    return frame.select(column, "_at", "_place").drop_nulls(column).unique(
        column, keep="first", maintain_order=True).sort(column)


def name_regions(
    read: FileRead, texts: pl.DataFrame, codes: dict[str, str], region_of: Callable[[str], str | None]
) -> None:
    """Codes for the region names of one grid (region, _place), among ``codes``; an unknown one is said once."""
    for text, place in texts.select("region", "_place").iter_rows():
        code = codes.get(text) or region_of(clean(text))
        if code is None:
            read.problems.append(Problem("unknown-region", read.file, place, "region", text))
        codes[text] = code or text


def fill_regions(reads: list[FileRead], default_region: str | None) -> None:
    """Where a row names no region: a bill takes the month's record's; then the roster's, the only one, the default."""
    silent = [
        part for read in reads for part in read.parts if part.table in _REGION_TABLES
        and not ("region" in part.frame.columns and not part.frame["region"].null_count())
    ]
    if not silent:
        return
    roster = _region_by_person(reads, ("person",))
    elsewhere = _region_by_person(reads, ("contribution", "enrolment", "flow"))
    of_month = _region_by_month(reads)
    for part in silent:
        frame = part.frame
        steps = [pl.col("region")] if "region" in frame.columns else []
        if of_month.height and {"proof", "accrual_month"} <= set(frame.columns) and part.table == "contribution":
            # bill and record of one month are two views: who moved has another region on today's roster
            frame = frame.join(of_month, on=["person_id", "accrual_month"], how="left", maintain_order="left")
            steps.append(pl.when(pl.col("proof").is_in(["declared", "billed"])).then(pl.col("_region_month")))
        for number, known in enumerate((roster, elsewhere)):
            if known.height:
                frame = frame.join(known.rename({"region": f"_region{number}"}), on="person_id", how="left",
                                   maintain_order="left")
                steps.append(pl.col(f"_region{number}"))
        part.frame = frame.with_columns(
            pl.coalesce([*steps, pl.lit(default_region, dtype=pl.String)]).alias("region")
        ).drop("_region0", "_region1", "_region_month", strict=False)


def _region_by_person(reads: list[FileRead], tables: tuple[str, ...]) -> pl.DataFrame:
    """person_id, region of each person for whom ``tables`` name exactly one."""
    found = [part.frame.select("person_id", "region").drop_nulls().unique()
             for read in reads for part in read.parts if part.table in tables
             and {"region", "person_id"} <= set(part.frame.columns)]
    return pl.concat(found).unique().filter(pl.len().over("person_id") == 1) if found else pl.DataFrame(
        schema={"person_id": pl.String, "region": pl.String})


def _region_by_month(reads: list[FileRead]) -> pl.DataFrame:
    """person_id, accrual_month, _region_month where the contribution lines of the month name exactly one region."""
    keys = ["person_id", "accrual_month"]
    found = [part.frame.select(*keys, pl.col("region").alias("_region_month")).drop_nulls().unique()
             for read in reads for part in read.parts if part.table == "contribution"
             and {*keys, "region"} <= set(part.frame.columns)]
    return pl.concat(found).unique().filter(pl.len().over(keys) == 1) if found else pl.DataFrame(
        schema={"person_id": pl.String, "accrual_month": pl.Date, "_region_month": pl.String})
