"""The discrepancy workbook: summary, exceptions, grid, links, leftovers, data problems, inputs; written to a path."""

from __future__ import annotations

import io
import tempfile
from datetime import datetime
from pathlib import Path

import xlsxwriter

from recon.report import balances, changes, payroll_sheets, sheets, summary
from recon.report.paper import SHEET_ROWS, Book
from recon.report.style import FONT
from recon.report.view import RunView, exceptions, people
from recon.report.words import Words

_STREAMED_ROWS = 50_000


def write_workbook(path: Path, view: RunView, *, sheet_rows: int = SHEET_ROWS) -> None:
    """Write the workbook of ``view`` to ``path``, as given; the caller renames it into place.

    The same view gives the same bytes. Small workbooks are built in memory; large ones are streamed through a
    directory beside ``path``, so that no personal data is left in a shared temporary directory.
    """
    rows = sum(view.table(name).height for name in ("month", "match", "expected", "gap", "problem"))
    options = {
        "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "default_format_properties": dict(FONT),
    }
    if rows <= _STREAMED_ROWS:
        buffer = io.BytesIO()  # whole before the disk is touched: a full disk then costs a sentence, not a mess
        _write(buffer, view, options | {"in_memory": True}, sheet_rows)
        path.write_bytes(buffer.getbuffer())
        return
    with tempfile.TemporaryDirectory(prefix=".recon-", dir=path.parent) as scratch:
        _write(str(path), view, options | {"constant_memory": True, "tmpdir": scratch}, sheet_rows)


def _write(target: str | io.BytesIO, view: RunView, options: dict[str, object], sheet_rows: int) -> None:
    words = Words(view.lang)
    with xlsxwriter.Workbook(target, options) as workbook:
        # The date of creation is the as-of date: nothing here reads a clock, and equal runs give equal bytes.
        workbook.set_properties({
            # By this mark the reading knows recon's own workbook, left in the folder of exports.
            "category": "recon-report",
            "title": words("title"), "created": datetime.combine(view.as_of, datetime.min.time()),
        })
        workbook.set_size(2400, 1400)
        footer = f"{words('title')} · {words('as_of', day=view.as_of.isoformat())}"
        book = Book(workbook, words, footer=footer, sheet_rows=sheet_rows)
        who = people(view)
        listed = exceptions(view, who)
        shape = sheets.grid_shape(book, view, who)
        summary.write(book, view, who, listed, shape)
        sheets.write_exceptions(book, view, listed)
        sheets.write_since(book, view, who)
        payroll_sheets.write_payroll(book, view, who)
        sheets.write_grid(book, view, shape)
        sheets.write_matched(book, view, who)
        sheets.write_unmatched(book, view, who)
        changes.write_changes(book, view, who)
        balances.write_balances(book, view, who)
        sheets.write_problems(book, view)
        sheets.write_inputs(book, view)
        sheets.write_audit(book, view)
