"""工资核对, 名单核对 and 分类汇总: the legs side by side, who stands in which of them, and the totals by place.

Only for runs that have an employer's own leg; the findings themselves stand on the exceptions sheet, where they can be
decided on.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from recon.labels import STATUSES
from recon.report.paper import Book, Column, Toned, write_table
from recon.report.sheets import shown_id
from recon.report.view import RunView
from recon.report.words import Words

_LEGS = ("roster", "payroll", "declared", "arrived")
_SUMS = ("amount_fen", "deducted_fen", "declared_fen", "arrived_fen", "credited_fen")


def write_payroll(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """All three sheets, as far as there is anything to show."""
    if view.table("payroll_month").height:
        _write_legs(book, view, who)
        _write_people(book, view, who)
    if view.table("rollup").height and (view.edition != "person" or view.table("payroll_month").height):
        _write_rollup(book, view)


def _write_legs(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """工资核对: months in which the legs differ, one row each, worst first."""
    words = book.words
    rank = {status: at for at, status in enumerate(STATUSES)}
    frame = view.table("payroll_month").filter(pl.col("label").is_not_null()).join(
        who.select("person_id", "number"), on="person_id", how="left"
    ).sort(
        pl.col("status").replace_strict(rank, return_dtype=pl.Int32), "label", "cause", "accrual_month", "number",
        nulls_last=True)
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("department")), Column(words("cost_centre")), Column(words("branch"), "long", 20),
        Column(words("region")), Column(words("accrual_month"), "month"), Column(words("deducted"), "money"),
        Column(words("declared_own"), "money"), Column(words("declared_firm"), "money"),
        Column(words("arrived_own"), "money"), Column(words("credited"), "money"), Column(words("paid_on"), "day"),
        Column(words("payroll_base"), "money"), Column(words("declared_base"), "money"), Column(words("status")),
        Column(words("finding"), "long", 18), Column(words("cause"), "long", 26),
        Column(words("legs_seen"), "long", 16),
    ]
    rows = [
        (
            row["employee_no"], row["person_name"], shown_id(view, row["person_id"]), row["department"],
            row["cost_centre"], row["branch"], _region(view, row["region"]), row["accrual_month"], row["deducted_fen"],
            row["declared_fen"], row["declared_employer_fen"], row["arrived_fen"], row["credited_fen"], row["paid_on"],
            row["payroll_base_fen"], row["declared_base_fen"], words.status(row["status"]), words.label(row["label"]),
            words.cause(row["label"], row["cause"]), _legs_seen(words, row["legs"]),
        )
        for row in frame.iter_rows(named=True)
    ]
    write_table(book, words("payroll_sheet"), columns, rows, frozen=2)


def _write_people(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """名单核对: people whom one leg knows and another does not, with the months in which each speaks of them."""
    words = book.words
    frame = presence(view).join(who, on="person_id", how="left").sort("missing", "number", nulls_last=True)
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("employer"), "long", 22), *(Column(words(f"in_{leg}")) for leg in _LEGS),
        Column(words("remark"), "long", 40),
    ]
    rows = [
        (
            row["employee_no"], row["person_name"], shown_id(view, row["person_id"]), row["employer"],
            *(_span(words, row, leg) for leg in _LEGS),
            words("in_not_in", has=words.join([words(f"in_{leg}") for leg in _LEGS if row[f"has_{leg}"]]),
                  lacks=words.join([words(f"in_{leg}") for leg in row["missing"].split(",")])),
        )
        for row in frame.iter_rows(named=True)
    ]
    write_table(book, words("presence_sheet"), columns, rows, frozen=2)


def presence(view: RunView) -> pl.DataFrame:
    """People whom some leg lacks: person_id, has_LEG, from_LEG, to_LEG for each of _LEGS, and ``missing``.

    A leg without anybody is not there and lacks nobody; retired people pay nothing and are not looked for.
    """
    month = view.table("payroll_month")
    spans = {
        leg: month.filter(pl.col("legs").str.contains(leg)).group_by("person_id").agg(
            pl.col("accrual_month").min().alias(f"from_{leg}"), pl.col("accrual_month").max().alias(f"to_{leg}"))
        for leg in _LEGS[1:]
    }
    person = view.table("person")
    retired = (pl.col("insured_status").fill_null("") == "retired") | pl.col("retired_from").is_not_null()
    spans["roster"] = person.filter(~retired).group_by("person_id").agg(
        pl.col("employed_from").min().alias("from_roster"), pl.col("employed_to").max().alias("to_roster"))
    known = pl.concat([one.select("person_id") for one in spans.values()]).unique().join(
        person.filter(retired).select("person_id"), on="person_id", how="anti")
    there = [leg for leg in _LEGS if spans[leg].height]
    for leg in _LEGS:
        known = known.join(spans[leg].with_columns(pl.lit(value=True).alias(f"has_{leg}")), on="person_id", how="left")
    known = known.with_columns(pl.col(f"has_{leg}").fill_null(value=False) for leg in _LEGS)
    lacking = [pl.when(~pl.col(f"has_{leg}")).then(pl.lit(leg)) for leg in there]
    return known.with_columns(pl.concat_str(lacking, separator=",", ignore_nulls=True).alias("missing")).filter(
        pl.col("missing") != "").sort("person_id")


def _write_rollup(book: Book, view: RunView) -> None:
    """分类汇总: company, branch, cost centre, region; a total per place and month, then its findings."""
    words = book.words
    columns = [
        Column(words("level")), Column(words("company"), "long", 16), Column(words("branch"), "long", 22),
        Column(words("cost_centre"), "long", 14), Column(words("region")), Column(words("scheme")),
        Column(words("accrual_month"), "month"), Column(words("finding"), "long", 20),
        Column(words("cause"), "long", 26), Column(words("status")), Column(words("people"), "int"),
        *(Column(words(f"sum_{name}"), "money") for name in _SUMS),
    ]
    rows = []
    for row in view.table("rollup").iter_rows(named=True):
        is_total = row["label"] is None
        tone = "good" if is_total else ""
        cells: list[Any] = [
            words(f"level_{row['level']}"), row["company"], row["branch"], row["cost_centre"],
            _region(view, row["region"]), words.code("scheme", row["scheme"]), row["accrual_month"],
            words("all_of_it") if is_total else words.label(row["label"]),
            None if is_total else words.cause(row["label"], row["cause"]),
            None if is_total else words.status(row["status"]), row["people"], *(row[name] for name in _SUMS),
        ]
        cells[7] = Toned(cells[7], tone) if tone else cells[7]
        rows.append(tuple(cells))
    write_table(book, words("rollup_sheet"), columns, rows, frozen=3)


def _region(view: RunView, code: str | None) -> str | None:
    return view.region_names.get(code or "", code)


def _legs_seen(words: Words, legs: str | None) -> str:
    return words.join([words(f"in_{leg}") for leg in (legs or "").split(",") if leg])


def _span(words: Words, row: dict[str, Any], leg: str) -> str:
    """``2024-01 – 2024-12``, ``✓`` where the leg knows no months, ``—`` where it does not know the person."""
    if not row[f"has_{leg}"]:
        return "—"
    first, last = row[f"from_{leg}"], row[f"to_{leg}"]
    if first is None and last is None:
        return "✓"
    return f"{first:%Y-%m} – {last:%Y-%m}" if first and last else f"{first:%Y-%m} –" if first else f"– {last:%Y-%m}"
