"""recon's own tables as input, and recon's own outputs, which are recognised and left alone.

A CSV or Parquet file whose header fits an input table of DESIGN section 3 is read as it is: money already in fen,
missing columns null. The tables and workbooks recon writes may lie in the folder too; they are never read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from recon.reading.claim import Head
from recon.reading.format import Format
from recon.reading.values import fold
from recon.tables import FLOW_KINDS, INPUT_TABLES, PAYMENT_KINDS, PROOFS, RESULT_TABLES

# Columns that tell one input table from all others; of "a|b" either.
_KEYS: dict[str, tuple[str, ...]] = {
    "contribution": ("person_id", "accrual_month", "employee_fen|employer_fen|into_account_fen|base_fen"),
    "flow": ("person_id", "posted_on", "amount_fen"),
    "reading": ("person_id", "read_on", "amount_fen"),
    "person": ("person_id", "person_name|employee_no|birth_date|insured_status|employed_from|employer|region|tier"),
    "enrolment": ("person_id", "from_month"),
    "payroll": ("pay_month|for_month", "deducted_fen"),
    "payment": ("paid_on", "amount_fen"),
    "coverage": ("table", "file", "from|to|exported_on"),
}
# Columns that another input table has and this one must not: person lists are told apart by what they lack.
_WITHOUT: dict[str, tuple[str, ...]] = {
    "person": (
        "accrual_month", "posted_on", "read_on", "from_month", "pay_month", "amount_fen", "deducted_fen", "table",
    ),
    "payment": ("person_id",),
}
# Columns by which each result table is recognised.
_RESULT_SIGNS: dict[str, frozenset[str]] = {
    "expected": frozenset({"expected_fen", "policy_ref", "due_month"}),
    "match": frozenset({"contribution_row_id", "flow_row_id"}),
    "month": frozenset({"credited_on_time_fen", "verdict"}),
    "gap": frozenset({"gap_id", "basis"}),
    "finding": frozenset({"finding_id", "scope"}),
    "payroll_month": frozenset({"deducted_fen", "declared_fen", "arrived_fen", "legs"}),
    "rollup": frozenset({"level", "label", "people"}),
    "step": frozenset({"from_fen", "to_fen", "cause"}),
    "balance": frozenset({"opening_fen", "closing_fen"}),
    "bridge": frozenset({"side", "part"}),
    "problem": frozenset({"code", "severity", "remedy"}),
    "source": frozenset({"sha256", "rows_read"}),
}


@cache
def native_formats() -> tuple[Format, ...]:
    """One format per input table: the columns by their own names, words by their own values."""
    return tuple(
        Format(
            id=f"native_{table}", zh=f"recon 原生表 {table}", en=f"recon's own table {table}", table=table,
            header=tuple(tuple(group.split("|")) for group in keys),
            without={fold(column): column for column in _WITHOUT.get(table, ())},
            aliases={fold(column): (column, 0) for column in INPUT_TABLES[table]},
            words={"payment_kind": {value: value for value in PAYMENT_KINDS},
                   "flow_kind": {value: value for value in FLOW_KINDS},
                   "proof": {value: value for value in PROOFS}},
            unknown={"payment_kind": "reject", "flow_kind": "reject", "proof": "reject"},
            native=True,
        )
        for table, keys in _KEYS.items()
    )


def result_table(head: Head) -> str | None:
    """The result table a grid holds, if it is one of recon's own."""
    assert _RESULT_SIGNS.keys() == RESULT_TABLES.keys()  # a new result table needs its signs
    for _, cells in head.rows[:1]:
        for table, signs in _RESULT_SIGNS.items():
            if signs <= set(cells):
                return table
    return None


def source_files(row_ids: Iterable[str]) -> set[str]:
    """The files that ``row_id`` values of a written-out table point to."""
    return {row_id.partition("#")[0] for row_id in row_ids if "#" in row_id}
