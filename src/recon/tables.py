"""The canonical tables: every column that crosses a module boundary, with its type.

Names and types are the public contract of ``--tables`` (DESIGN section 3). Money is whole fen (Int64, ``_fen``),
months are dates on the first of the month, ids are text. Input tables are also recon's native input format:
a CSV or Parquet file whose header fits one of them is read as it is, missing columns null.
"""

from __future__ import annotations

import polars as pl

Schema = dict[str, pl.DataType]

_TEXT, _FEN, _DAY, _FLAG, _INT = pl.String(), pl.Int64(), pl.Date(), pl.Boolean(), pl.Int32()


def _schema(*specs: str) -> Schema:
    """Columns from compact specs: ``name`` is text, ``name:fen|day|flag|int`` the other kinds."""
    kinds = {"fen": _FEN, "day": _DAY, "flag": _FLAG, "int": _INT}
    schema: Schema = {}
    for spec in specs:
        name, _, kind = spec.partition(":")
        schema[name] = kinds[kind] if kind else _TEXT
    return schema


INPUT_TABLES: dict[str, Schema] = {
    "contribution": _schema(
        "row_id", "person_id", "person_name", "region", "scheme", "tier", "employer", "payer",
        "accrual_month:day", "booked_month:day", "paid_on:day", "treasury_on:day", "allocated_on:day",
        "base_fen:fen", "wage_fen:fen", "employee_fen:fen", "employer_fen:fen", "into_account_fen:fen",
        "late_fee_fen:fen", "payment_kind", "paid:flag", "proof", "insured_status", "duplicate_of",
        "confirmed_by", "confirmed_on:day", "deferred:flag",
    ),
    "flow": _schema(
        "row_id", "person_id", "region", "scheme", "sub_account", "ledger", "posted_on:day", "accrual_month:day",
        "flow_kind", "amount_fen:fen", "balance_fen:fen", "memo", "duplicate_of",
        "proof", "confirmed_by", "confirmed_on:day",
    ),
    "reading": _schema(
        "row_id", "person_id", "region", "read_on:day", "kind", "amount_fen:fen", "proof", "confirmed_by",
        "confirmed_on:day",
    ),
    "person": _schema(
        "person_id", "person_name", "employee_no", "department", "cost_centre", "id_type", "birth_date:day", "aliases",
        "employer", "payer", "region", "tier", "insured_status", "retired_from:day", "employed_from:day",
        "employed_to:day",
    ),
    "enrolment": _schema(
        "person_id", "employer", "payer", "region", "scheme", "tier", "insured_status", "from_month:day",
        "to_month:day",
    ),
    "payroll": _schema(
        "row_id", "person_id", "person_name", "employee_no", "employer", "payer", "pay_month:day", "for_month:day",
        "item", "deducted_fen:fen", "base_fen:fen", "wage_fen:fen", "region", "department", "cost_centre",
    ),
    "payment": _schema("row_id", "payer", "paid_on:day", "amount_fen:fen", "memo", "for_month:day"),
    "coverage": _schema("table", "file", "person_id", "region", "from:day", "to:day", "exported_on:day", "basis"),
}

RESULT_TABLES: dict[str, Schema] = {
    "expected": _schema(
        "row_id", "person_id", "region", "scheme", "accrual_month:day", "expected_fen:fen", "pooled_fen:fen",
        "flat_fen:fen", "due_month:day", "last_month:day", "policy_ref", "policy_confidence",
    ),
    "match": _schema(
        "person_id", "region", "scheme", "accrual_month:day", "contribution_row_id", "flow_row_id", "posted_on:day",
        "amount_fen:fen", "lag_months:int", "kind", "margin:int", "decided:flag",
    ),
    "month": _schema(
        "person_id", "person_name", "employee_no", "employer", "payer", "region", "scheme", "accrual_month:day",
        "contributed_fen:fen", "pooled_fen:fen", "flat_fen:fen", "expected_fen:fen", "credited_on_time_fen:fen",
        "credited_fen:fen", "paid_lag_months:int", "lag_months:int", "label", "cause", "status", "verdict",
        "confidence", "alternatives", "evidence", "margin:int",
    ),
    "gap": _schema(
        "gap_id", "person_id", "region", "scheme", "accrual_month:day", "basis", "label", "cause", "amount_fen:fen",
        "estimated_fen:fen", "status", "evidence", "counter_check", "owner", "action", "finding_id",
        "evidence_en",
    ),
    "finding": _schema(
        "finding_id", "basis", "label", "cause", "scope", "people:int", "amount_fen:fen", "evidence", "owner",
        "action", "payer",
    ),
    "payroll_month": _schema(
        "person_id", "person_name", "employee_no", "department", "cost_centre", "employer", "payer", "branch",
        "region", "scheme", "accrual_month:day", "deducted_fen:fen", "declared_fen:fen", "declared_employer_fen:fen",
        "arrived_fen:fen", "arrived_employer_fen:fen", "credited_fen:fen", "paid_on:day", "payroll_base_fen:fen",
        "declared_base_fen:fen", "legs", "is_compared:flag", "short_fen:fen", "label", "cause", "status",
    ),
    "rollup": _schema(
        "level", "company", "branch", "cost_centre", "region", "scheme", "accrual_month:day", "basis", "label", "cause",
        "status", "people:int", "amount_fen:fen", "deducted_fen:fen", "declared_fen:fen", "arrived_fen:fen",
        "credited_fen:fen",
    ),
    "step": _schema(
        "person_id", "region", "accrual_month:day", "from_fen:fen", "to_fen:fen", "cause", "amount_fen:fen",
        "evidence", "policy_ref", "scheme", "policy_confidence", "from_base_fen:fen", "to_base_fen:fen", "from_share",
        "to_share", "detail",
    ),
    "balance": _schema(
        "person_id", "region", "sub_account", "month:day", "opening_fen:fen", "credit_fen:fen", "interest_fen:fen",
        "spend_fen:fen", "mutual_aid_fen:fen", "premium_fen:fen", "transfer_fen:fen", "adjustment_fen:fen",
        "closing_fen:fen", "unexplained_fen:fen", "breaks:int", "scheme", "ledger", "subsidy_fen:fen", "payout_fen:fen",
        "reversal_fen:fen", "carry_over_fen:fen", "other_fen:fen",
    ),
    "bridge": _schema("person_id", "region", "scheme", "employer", "side", "part", "amount_fen:fen"),
    "problem": _schema("code", "severity", "file", "place", "column", "value", "message", "remedy"),
    "source": _schema(
        "file", "sha256", "format", "table", "rows_read:int", "rows_used:int", "rows_rejected:int",
        "rows_skipped:int", "first_date:day", "last_date:day", "status", "rows_proved:int", "unproved",
    ),
}

TABLES: dict[str, Schema] = INPUT_TABLES | RESULT_TABLES

# The parts of ``bridge`` in their order: from the contributions to the credits, from these to the balance; and what
# they add up to (opening and closing only where balances are known).
PAID_PARTS = (
    "contributed", "pooled_share", "flat_fee", "no_account", "refund_due", "account_deduction", "clawback", "pending",
    "missing_month", "short_credit", "top_up", "over_credit", "policy_unknown", "data_incomplete", "unexplained_credit",
    "credit_without_record", "credit_outside", "other_ledger",
)
ACCOUNT_PARTS = (
    "interest", "subsidy", "spend", "mutual_aid", "premium", "transfer", "payout", "reversal", "adjustment",
    "carry_over", "other", "unexplained",
)
BRIDGE_TOTALS = ("credited", "change", "opening", "closing")

PAYMENT_KINDS = ("normal", "back_pay", "top_up", "refund", "lump_to_pool")
# human: typed or confirmed by a person (confirmed_by, confirmed_on); ocr: read from a picture and proved by its
# balances or printed totals.
PROOFS = ("declared", "billed", "tax_receipt", "fund_record", "human", "ocr")
# What of the lines of a file with a running balance nothing proves (``unproved`` of table source, each followed by the
# places it is said of): whether lines come before, the amount, whether lines come after.
UNPROVED = ("before", "amount", "after")
SPENDING = ("spend", "mutual_aid")  # flow kinds that tell of a person's life; no answer about credits looks at them
SEEN_PROOFS = ("human", "ocr")  # what such lines leave out proves nothing
FLOW_KINDS = (
    "credit", "spend", "mutual_aid", "premium", "interest", "subsidy", "transfer_in", "transfer_out", "payout",
    "reversal", "adjustment", "carry_over", "other",
)
# Items of a payslip: the employee's 2% (and whatever flat sum its column holds), a flat sum of its own, a correction, a
# return, a late fee or interest, anything that is no premium of the medical insurance.
PAYROLL_ITEMS = ("medical", "flat", "top_up", "refund", "late_fee", "other")
SCHEME_ACCOUNT = "310"
ACCOUNT = ["person_id", "region", "scheme"]  # what an account is; every rule holds for each of them
SIDE_SCHEMES = ("320", "330", "370", "410", "510")


def empty(name: str) -> pl.DataFrame:
    """The table ``name`` with all its columns and no rows."""
    return pl.DataFrame(schema=TABLES[name])


def conform(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """``frame`` with exactly the columns of table ``name``, in order and typed; missing ones are null.

    Raises polars' InvalidOperationError when a present column cannot be cast without loss.
    """
    schema = TABLES[name]
    if list(frame.schema.items()) == list(schema.items()):
        return frame
    given = frame.schema
    return frame.select(
        pl.lit(None, dtype=dtype).alias(column) if column not in given
        else pl.col(column) if given[column] == dtype else pl.col(column).cast(dtype)
        for column, dtype in schema.items()
    )


def conform_all(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Every input table, conformed; absent ones are empty."""
    return {name: conform(tables[name], name) if name in tables else empty(name) for name in INPUT_TABLES}
