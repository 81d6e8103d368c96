"""recon's own tables as Parquet, read as columns: no text and no Python object per cell.

What a row of such a file can be is known by its types. Rows in which everything is plain are taken as columns; the
others (an empty required cell, an unknown word, an odd ID) go through :func:`recon.reading.rows.read_rows` as text, so
that every check and every problem is the same as for CSV. ``tests/test_parquet.py`` holds both ways equal.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from recon.problems import Problem
from recon.reading import identity, values
from recon.reading.claim import HEAD_ROWS, Header
from recon.reading.columns import ordinary_id
from recon.reading.grid import Grid
from recon.reading.lines import LINE_DATE, REQUIRED, GridRows
from recon.reading.named_months import with_named_months
from recon.reading.printed import check_balance
from recon.reading.rows import read_rows
from recon.tables import INPUT_TABLES

_OLDEST, _NEWEST = 1900, 2199  # years that are read, as in recon.reading.values


@dataclass
class ParquetGrid(Grid):
    """A Parquet file: its first rows as text, for the formats to look at, and all of it as ``frame``.

    Of a slice of a file ``frame`` holds the rows from the one after ``before`` on.
    """

    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    before: int = 0

    def whole(self) -> Grid:
        """All rows as text."""
        return _text_grid(self.frame, range(self.before + 1, self.before + self.frame.height + 1))

    def texts(self, column: str) -> list[str]:
        """The distinct texts of a column, by its own name; empty where there is none."""
        names = [name for name in self.frame.columns if values.fold(name) == column]
        return self.frame[names[0]].cast(pl.String).drop_nulls().unique().to_list() if names else []


def open_parquet(data: bytes) -> ParquetGrid | Problem:
    """The file as a grid; places are ``R1`` for the first row of data."""
    try:
        return grid_of(pl.read_parquet(io.BytesIO(data)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        return Problem("unreadable-file", value=type(error).__name__)


def grid_of(frame: pl.DataFrame) -> ParquetGrid:
    """All rows of a file, or as many of its first ones, as a grid."""
    head = _text_grid(frame.head(2 * HEAD_ROWS), range(1, 2 * HEAD_ROWS + 1))
    return ParquetGrid(rows=head.rows, places=head.places, kind="parquet", frame=frame)


def _text_grid(frame: pl.DataFrame, numbers: range | list[int]) -> Grid:
    texts = frame.select(pl.all().cast(pl.String).fill_null(""))
    rows = [list(frame.columns), *map(list, texts.iter_rows())]
    return Grid(rows=rows, places=["header", *(f"R{number}" for number in numbers)][:len(rows)], kind="parquet")


def read_parquet_rows(grid: ParquetGrid, header: Header) -> GridRows:
    """What :func:`recon.reading.rows.read_rows` gives for the same file, the plain rows without a detour by text."""
    rows = _by_columns(grid, header)
    if rows is None:
        return read_rows(grid.whole(), header)
    if header.format.table == "flow":
        broken, rows.proof = check_balance(rows.frame, balance_column(grid, header))
        rows.problems += broken
    return rows


def balance_column(grid: Grid, header: Header) -> str:
    """What the file calls the running balance."""
    shown = header.columns.get("balance_fen")
    return "balance_fen" if shown is None else grid.rows[0][shown]


def slice_rows(grid: ParquetGrid, header: Header) -> GridRows:
    """The rows of a slice of a native table, as of the whole file but without a look at its running balance."""
    rows = _by_columns(grid, header)
    if rows is None:
        rows = read_rows(grid.whole(), header)
        rows.frame = rows.frame.with_columns(pl.col("_at") + grid.before)
        rows.problems = [problem for problem in rows.problems if problem.code != "balance-break"]
        rows.proof = None
    return rows


def _by_columns(grid: ParquetGrid, header: Header) -> GridRows | None:
    """The rows as columns; None: nothing of it can be taken without a detour by text."""
    frame, table = grid.frame, header.format.table
    plain = _plain_columns(frame, header) if header.format.native and header.row == 0 else None
    if plain is None:
        return None
    first = grid.before + 1
    numbered = plain.with_columns(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("_at"))
    good = numbered.filter("_plain")
    odd_at = numbered.filter(~pl.col("_plain"))["_at"]
    rows = _odd_rows(frame, odd_at.to_list(), header, grid.before)
    schema = INPUT_TABLES[table] | dict.fromkeys(("_number", "_psn", "_name", "_employee_no"), pl.String())
    good = good.with_columns(
        pl.format("R{}", "_at").alias("_place"),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in ("_number", "_psn", "_name", "_employee_no",
                                                                 "person_name", "employee_no")
          if name not in good.columns),
    )
    good = good.select(*(name for name in schema if name in good.columns), "_at", "_place")
    if table == "flow":
        good = with_named_months(good)
    line = LINE_DATE.get(table, "")
    days = good[line].drop_nulls() if line in good.columns else pl.Series(dtype=pl.Date)
    if rows.frame.height:
        # The odd rows know the columns they have; those the plain ones lack are empty there.
        rest = rows.frame.drop("row_id", strict=False)
        whole = pl.concat([good, rest], how="diagonal_relaxed").sort("_at", "_place", maintain_order=True)
    else:
        whole = good
    firsts = [day for day in (rows.first, days.min()) if isinstance(day, date)]
    lasts = [day for day in (rows.last, days.max()) if isinstance(day, date)]
    problems = [problem for problem in rows.problems if problem.code != "balance-break"]
    return replace(
        rows, frame=whole, proof=None, rows_read=good.height + rows.rows_read, problems=problems,
        first=min(firsts, default=None), last=max(lasts, default=None),
    )


def _odd_rows(frame: pl.DataFrame, at: list[int], header: Header, before: int) -> GridRows:
    """The rows that need a closer look, read as text under their own places."""
    part = frame[[number - before - 1 for number in at]] if at else frame.clear()
    rows = read_rows(_text_grid(part, at), header)
    if rows.frame.height:
        real = dict(enumerate(at, start=1))
        rows.frame = rows.frame.with_columns(
            pl.col("_at").replace_strict(real, return_dtype=pl.Int64).alias("_at")
        )
    return rows


def _plain_columns(frame: pl.DataFrame, header: Header) -> pl.DataFrame | None:
    """The table's columns, typed, and ``_plain``: nothing in the row needs a closer look; None: read all as text."""
    table = header.format.table
    schema = INPUT_TABLES[table]
    names = {column: frame.columns[index] for column, index in header.columns.items()}
    if "person_id" not in names or any(not set(group) & set(names) for group in REQUIRED[table]):
        return None
    known = [column for column in names if column in schema and column != "row_id"]
    columns: dict[str, pl.Series] = {}
    plain = pl.Series("_plain", [True]).new_from_index(0, frame.height)
    for column in known:
        series = frame[names[column]].alias(column)
        wanted = schema[column]
        if column == "person_id":
            read = _ids(series)
            columns["person_id"], fine = read["person_id"], read["_fine"]
            told = read["id_type"]
        elif wanted == pl.Int64():
            if not series.dtype.is_integer():
                return None
            columns[column] = series.cast(pl.Int64, strict=False)
            fine = columns[column].is_between(-(10**15) + 1, 10**15 - 1).fill_null(value=True)
            fine &= columns[column].is_null() == series.is_null()
        elif wanted == pl.Date():
            if series.dtype != pl.Date:
                return None
            columns[column] = series.dt.month_start() if column.endswith("_month") else series
            fine = series.dt.year().is_between(_OLDEST, _NEWEST).fill_null(value=True)
        elif wanted == pl.Boolean():
            if series.dtype != pl.Boolean:
                return None
            columns[column], fine = series, None
        elif series.dtype not in (pl.String, pl.Null) and not isinstance(series.dtype, (pl.Categorical, pl.Enum)):
            return None
        elif column in header.format.words:
            columns[column] = series.cast(pl.String)
            fine = columns[column].is_in(sorted(header.format.words[column].values())) | series.is_null()
        else:
            columns[column], fine = _texts(series.cast(pl.String), is_name=column == "person_name"), None
        if fine is not None:
            plain &= fine
    if table == "person":  # what the table does not state, the number does
        stated = columns.get("id_type")
        columns["id_type"] = told if stated is None else stated.zip_with(stated.is_not_null(), told)
    typed = pl.DataFrame([columns[name] for name in schema if name in columns])
    for group in REQUIRED[table]:
        here = [name for name in group if name in columns]
        plain &= typed.select(pl.any_horizontal(pl.col(here).is_not_null())).to_series()
    helpers = {"person_name": "_name", "employee_no": "_employee_no"}
    if {"person_name", "employee_no"} & set(names) - set(schema):
        return None  # clues that the table itself does not keep
    return typed.with_columns(
        *(pl.col(name).alias(helper) for name, helper in helpers.items() if name in columns),
        plain.alias("_plain"),
    )


def _texts(series: pl.Series, *, is_name: bool) -> pl.Series:
    """A column of names or remarks as :func:`values.text_column` reads it, each distinct text once."""
    distinct = series.unique().drop_nulls()
    texts = distinct.to_list()
    clean = values.text_column(texts)
    if is_name:
        clean = [None if text is None else identity.read_name(text) for text in clean]
    changed = {text: new for text, new in zip(texts, clean, strict=True) if text != new}
    return series.replace(list(changed), pl.Series(list(changed.values()), dtype=pl.String)) if changed else series


def _ids(series: pl.Series) -> pl.DataFrame:
    """person_id, id_type and ``_fine`` per row; distinct numbers are read once, plain ones without :func:`read_id`."""
    texts = series.cast(pl.String).alias("_text")
    distinct = pl.DataFrame({"_text": texts.unique().drop_nulls()})
    text = pl.col("_text")
    ordinary = ordinary_id(text)
    permit = text.str.slice(0, 2).is_in(["81", "82", "83"])
    quick = distinct.filter(ordinary).with_columns(
        text.alias("person_id"), pl.lit(value=True).alias("_fine"),
        pl.when(permit).then(pl.lit("residence_permit")).otherwise(pl.lit("resident")).alias("id_type"),
    )
    rest = distinct.filter(~ordinary)["_text"].to_list()
    read = [identity.read_id(one) for one in rest]
    slow = pl.DataFrame(
        {"_text": rest, "person_id": [one.text if one.kind == identity.FULL else None for one in read],
         "_fine": [one.kind == identity.FULL and not one.wrong_check_digit for one in read],
         "id_type": [one.id_type for one in read]},
        schema={"_text": pl.String, "person_id": pl.String, "_fine": pl.Boolean, "id_type": pl.String},
    )
    told = pl.concat([quick.select(slow.columns), slow])
    return texts.to_frame().join(told, on="_text", how="left", maintain_order="left").with_columns(
        pl.col("_fine").fill_null(value=False)
    )
