"""The workbook of a forecast: who may have a gap this month, and what new bases cost each; full names, masked IDs."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import xlsxwriter

from recon.report.paper import Book, Column, write_table
from recon.report.sheets import shown_id
from recon.report.style import FONT
from recon.report.view import RunView, people
from recon.report.words import Words


def write_forecast(path: Path, view: RunView, month: date, listed: pl.DataFrame, bases: pl.DataFrame) -> None:
    """Two sheets; ``listed`` and ``bases`` as :func:`recon.core.payroll.forecast.forecast` gives them."""
    words = Words(view.lang)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True,
               "default_format_properties": dict(FONT)}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({
            "category": "recon-report", "title": words("forecast_title", month=f"{month:%Y-%m}"),
            "created": datetime.combine(view.as_of, datetime.min.time()),
        })
        book = Book(workbook, words, footer=words("forecast_title", month=f"{month:%Y-%m}"))
        who = people(view)
        _people_sheet(book, view, listed.join(who.select("person_id", "person_name", "employee_no", "employer"),
                                              on="person_id", how="left"))
        _bases_sheet(book, view, bases.join(who.select("person_id", "person_name", "employee_no", "employer"),
                                            on="person_id", how="left"))


def _people_sheet(book: Book, view: RunView, frame: pl.DataFrame) -> None:
    words = book.words
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("employer"), "long", 24), Column(words("region")), Column(words("accrual_month"), "month"),
        Column(words("why"), "long", 40), Column(words("forecast_since"), "month"),
        Column(words("declared_own"), "estimate"), Column(words("declared_firm"), "estimate"),
        Column(words("forecast_deadline"), "day"),
    ]
    rows = [
        (row["employee_no"], row["person_name"], shown_id(view, row["person_id"]), row["employer"] or row["payer"],
         view.region_names.get(row["region"] or "", row["region"]), row["month"], words(f"forecast_{row['cause']}"),
         row["since"], row["own_fen"], row["firm_fen"], row["deadline"])
        for row in frame.iter_rows(named=True)
    ]
    write_table(book, words("forecast_people"), columns, rows, frozen=2)


def _bases_sheet(book: Book, view: RunView, frame: pl.DataFrame) -> None:
    words = book.words
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("employer"), "long", 24), Column(words("region")), Column(words("forecast_from"), "month"),
        Column(words("from_base"), "money"), Column(words("to_base"), "money"),
        Column(words("forecast_known"), "long", 22),
        Column(words("own_month"), "money"), Column(words("firm_month"), "money"),
        Column(words("top_up_months"), "int"), Column(words("own_top_up"), "money"),
        Column(words("firm_top_up"), "money"),
    ]
    rows = [
        (row["employee_no"], row["person_name"], shown_id(view, row["person_id"]), row["employer"] or row["payer"],
         view.region_names.get(row["region"] or "", row["region"]), row["from_month"], row["old_base_fen"],
         row["new_base_fen"], words(f"known_by_{row['known_by']}"), row["own_month_fen"], row["firm_month_fen"],
         row["top_up_months"], row["own_top_up_fen"], row["firm_top_up_fen"])
        for row in frame.iter_rows(named=True)
    ]
    write_table(book, words("forecast_bases"), columns, rows, frozen=2)
