"""One view of each payment: what several exports tell of one month's payment counts once.

Two exports of the same payments, a record and a declaration say, tell nearly every month alike, or one tells less than
the other: such months are compared all at once (:func:`_plain_views`). A month told in any other way is looked at row
by row. What an export is, and how lines of accounts are told apart, stands in :mod:`recon.core.overlap`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import reduce
from operator import and_

import polars as pl

from recon.core.overlap import BILL_PROOFS, Row, disagreement, export_days, export_of
from recon.problems import Problem
from recon.tables import ACCOUNT, SEEN_PROOFS

_FILLED = ("into_account_fen", "paid_on", "base_fen", "booked_month", "employer", "payer", "tier")
# Each party's part may stand in a file of its own; a bill says nothing of what arrived.
_PARTIES = ("employee_fen", "employer_fen")
_MONTH = [*ACCOUNT, "accrual_month"]


def mark_repeated_contributions(
    contribution: pl.DataFrame, coverage: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, list[Problem]]:
    """Set ``duplicate_of``: one payment told by several exports counts once; the fullest row stays.

    Two rows of different exports are views of one payment when person, region, scheme, month, kind and amounts agree
    (an amount one of them does not state agrees with any) and neither employer, arrival day nor paid flag contradict.
    A bill or declaration is a view of the record of the same month. Equal rows within one export are two payments; two
    rows of one export, each with one party's part, are one view.
    What is left over on both sides and names the same payer is one payment that was amended: the export with the later
    day of export is right (``coverage``), else the row that says paid; what the other row puts into the account stands
    in ``also_fen`` of the row that counts, because nobody knows which is right.
    """
    contribution = contribution.with_columns(pl.lit(None, dtype=pl.Int64).alias("also_fen"))
    frame = contribution.with_columns(export_of().alias("_file"))
    several = frame.group_by(_MONTH).agg(pl.col("_file").n_unique().alias("_files")).filter(pl.col("_files") > 1)
    if several.is_empty():
        return contribution, []
    suspects = frame.join(several.with_row_index("_month"), on=_MONTH, nulls_equal=True)
    views, fills, odd = _plain_views(suspects)
    exported = export_days(coverage, "contribution")
    problems: list[Problem] = []
    duplicates: dict[str, str] = {}
    filled: dict[str, dict[str, object]] = {}
    also: dict[str, int | None] = {}
    for _, group in odd.select(frame.columns).sort("row_id").group_by(_MONTH, maintain_order=True):
        problems += _one_by_one(group.to_dicts(), exported, duplicates, filled, also)
    views = pl.concat([views, pl.DataFrame(
        {"row_id": list(duplicates), "_first": list(duplicates.values())}, schema=views.schema)])
    if views.is_empty():
        return contribution, []
    fills = pl.concat([fills, pl.DataFrame(
        [{"row_id": row, **fill} for row, fill in filled.items() if row not in duplicates], schema=fills.schema)])
    return contribution.join(views, on="row_id", how="left", maintain_order="left").join(
        fills, on="row_id", how="left", maintain_order="left", suffix="_told"
    ).with_columns(
        pl.coalesce("_first", "duplicate_of").alias("duplicate_of"),
        pl.col("row_id").replace_strict(also, default=None, return_dtype=pl.Int64).alias("also_fen"),
        *(pl.coalesce(name, f"{name}_told").alias(name) for name in (*_FILLED, *_PARTIES)),
    ).select(contribution.columns), problems


def _plain_views(suspects: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What :func:`_one_by_one` finds where that is plain, for all months at once.

    In: rows with their export (``_file``), the number of their month and how many exports tell it (``_files``). A month
    is plain when all its rows are alike, or when each export has one row and these are of two kinds of which one is a
    view of the other. Out: row_id and ``_first``, the row it is a view of; what the rows that count take over from
    their views, by row_id; the rows of months that are not plain.
    """
    content = [name for name in suspects.columns if name not in ("row_id", "_file")]
    told = suspects.group_by(content).agg("row_id", "_file").with_row_index("_kind").explode("row_id", "_file")
    is_bill = pl.col("proof").is_in(BILL_PROOFS).fill_null(False)
    seen = pl.col("proof").is_in(SEEN_PROOFS).fill_null(False)
    ordered = told.sort(is_bill, seen, -_fullness_of(content), "row_id").with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).over("_month", "_file").alias("_k"))
    compared = ["row_id", "_kind", "proof", "payment_kind", "employer", "payer", "paid_on", "paid", "base_fen",
                "into_account_fen", *_PARTIES, "booked_month", "tier"]
    heads = ordered.select("_month", "_k", *compared).unique(["_month", "_k"], keep="first")
    pairs = ordered.join(heads, on=["_month", "_k"], suffix="_first", maintain_order="left").with_columns(
        pl.col("row_id_first").alias("_first"))
    into, into_first = pl.col("into_account_fen"), pl.col("into_account_fen_first")
    is_head = pl.col("row_id") == pl.col("_first")
    is_view = _is_same_payment() & (into == into_first).fill_null(True)
    kinds = pl.col("_kind").n_unique().over("_month")
    two = (kinds == 2) & (pl.len().over("_month") == pl.col("_files"))
    plain = ((kinds == 1) | two) & (is_head | is_view).all().over("_month")
    pairs = pairs.with_columns(plain.alias("_plain"))
    views = pairs.filter(pl.col("_plain") & ~is_head)
    said = {name: pl.col(name) for name in _FILLED} | {
        name: pl.when(pl.col("proof").eq_missing(pl.col("proof_first"))).then(name) for name in _PARTIES}
    new = {name: pl.when(pl.col(f"{name}_first").is_null()).then(value).alias(name) for name, value in said.items()}
    fills = views.filter(pl.col("_kind") != pl.col("_kind_first")).select("_first", **new).filter(
        pl.any_horizontal(pl.col(name).is_not_null() for name in new)
    ).unique("_first", keep="first", maintain_order=True).rename({"_first": "row_id"})
    return views.select("row_id", "_first"), fills, pairs.filter(~pl.col("_plain"))


def _fullness_of(columns: list[str]) -> pl.Expr:
    """:func:`_fullness` of rows with ``columns``, but for what is the same for all of them."""
    return (
        pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int32) for name in columns)
        + 50 * pl.col("into_account_fen").is_not_null().cast(pl.Int32)
        + 20 * pl.col("paid_on").is_not_null().cast(pl.Int32)
    )


def _is_same_payment() -> pl.Expr:
    """:func:`_same_payment` of a row and its ``_first``."""
    def same(name: str) -> pl.Expr:
        return (pl.col(name) == pl.col(f"{name}_first")).fill_null(True)

    def stated(name: str) -> pl.Expr:
        return pl.col(name).is_not_null() & pl.col(f"{name}_first").is_not_null()

    kind, first_kind = pl.col("payment_kind"), pl.col("payment_kind_first")
    parties = same("employer") & same("payer")
    of_bill = parties & ((kind != "top_up") & (first_kind != "top_up")).fill_null(True)
    of_record = reduce(and_, (
        kind.eq_missing(first_kind), parties, same("paid_on"), same("paid"), same("base_fen"),
        same("employee_fen"), same("employer_fen"),
        stated("employee_fen") | stated("employer_fen") | stated("base_fen"),
    ))
    return pl.when(pl.col("proof").is_in(BILL_PROOFS).fill_null(False)).then(of_bill).otherwise(of_record)


def _one_by_one(
    rows: list[Row], exported: Mapping[str, date], duplicates: dict[str, str], fills: dict[str, dict[str, object]],
    also: dict[str, int | None],
) -> Iterator[Problem]:
    """What the rows of one month are views of, put into the three tables by row_id; yields what is to be said."""
    rows.sort(key=lambda row: (  # a part is a view of the whole, however much it tells besides
        row["proof"] in BILL_PROOFS, row["proof"] in SEEN_PROOFS, len(_parts(row)) == 1, -_fullness(row),
        row["row_id"]))
    kept: list[Row] = []
    taken: dict[tuple[str, str], set[str]] = {}  # row kept, export that has a view of it: the parts that view tells
    mine: dict[str, str] = {}
    for row in rows:
        view = next(
            (other for other in kept
             if other["_file"] != row["_file"]
             and _is_free(taken.get((str(other["row_id"]), str(row["_file"]))), row)
             and _same_payment(other, row)),
            None,
        )
        if view is None:
            kept.append(row)
            continue
        taken.setdefault((str(view["row_id"]), str(row["_file"])), set()).update(_parts(row))
        _view(view, row, mine, fills)
        if None not in (view["into_account_fen"], row["into_account_fen"]) and (
            view["into_account_fen"] != row["into_account_fen"]
        ):
            yield disagreement("contradictory-lines", view, row, "into_account_fen")
            also[str(view["row_id"])] = row["into_account_fen"]
    for newer, older, problem in _amended_payments(kept, taken, exported):
        _view(newer, older, mine, fills)
        yield problem
        if problem.code == "contradictory-lines":
            also[str(newer["row_id"])] = _into_account(older)
    duplicates |= mine


def _parts(row: Row) -> set[str]:
    """The parties whose part of a payment a row tells."""
    return {column for column in _PARTIES if row[column]}


def _is_free(told: set[str] | None, row: Row) -> bool:
    """Whether an export with a view that tells ``told`` may have ``row`` as one more: the other party's part."""
    return told is None or (len(told) == len(_parts(row)) == 1 and told != _parts(row))


def _view(kept: Row, row: Row, duplicates: dict[str, str], fills: dict[str, dict[str, object]]) -> None:
    """``row`` is another view of ``kept``, which takes over what it does not state itself."""
    first, other = str(kept["row_id"]), str(row["row_id"])
    duplicates[other] = first
    for known, target in duplicates.items():
        if target == other:
            duplicates[known] = first
    for column in (*_FILLED, *(_PARTIES if kept["proof"] == row["proof"] else ())):
        if kept[column] is None and row[column] is not None:
            kept[column] = row[column]
            fills.setdefault(first, {})[column] = row[column]


def _into_account(row: Row) -> int | None:
    """What a row puts into the account: the stated sum, else two per cent of its base, else the employee's part."""
    if row["into_account_fen"] is not None:
        return int(row["into_account_fen"])
    return (int(row["base_fen"]) * 2 + 50) // 100 if row["base_fen"] is not None else row["employee_fen"]


def _fullness(row: Row) -> int:
    """How much a row tells; a stated credited amount and arrival day weigh most."""
    return sum(value is not None for value in row.values()) + 50 * (row["into_account_fen"] is not None) + 20 * (
        row["paid_on"] is not None
    )


def _same_payment(one: Row, other: Row) -> bool:
    bill = other["proof"] in BILL_PROOFS
    if not bill and one["payment_kind"] != other["payment_kind"]:
        return False
    compared = ["employer", "payer"] if bill else ["employer", "payer", "paid_on", "paid", "base_fen"]
    if bill and "top_up" in (one["payment_kind"], other["payment_kind"]):
        return False
    amounts = [] if bill else ["employee_fen", "employer_fen"]
    stated = [column for column in amounts if None not in (one[column], other[column])]
    if amounts and not stated:
        stated = ["base_fen"] if None not in (one["base_fen"], other["base_fen"]) else []
        if not stated:
            return False
    if any(one[column] != other[column] for column in stated):
        return False
    return all(one[c] == other[c] or one[c] is None or other[c] is None for c in compared)


def _amended_payments(
    kept: list[Row], taken: Mapping[tuple[str, str], set[str]], exported: Mapping[str, date]
) -> Iterator[tuple[Row, Row, Problem]]:
    """(right, superseded, what to say) of rows that two exports tell differently, each of which lacks the other's."""
    gone: set[str] = set()
    for at, one in enumerate(kept):
        for other in kept[at + 1:]:
            first, second = str(one["row_id"]), str(other["row_id"])
            if (
                one["_file"] == other["_file"] or gone & {first, second}
                or (first, str(other["_file"])) in taken or (second, str(one["_file"])) in taken
                or not _one_payment_amended(one, other)
            ):
                continue
            days = [exported.get(str(row["_file"])) or exported.get(str(row["_file"]).partition("#")[0])
                    for row in (one, other)]
            seen = [row["proof"] in SEEN_PROOFS for row in (one, other)]
            known = None not in days and days[0] != days[1] and seen[0] == seen[1]
            if known:
                newer, older = (one, other) if str(days[0]) > str(days[1]) else (other, one)
            else:
                newer, older = sorted((one, other), key=lambda row: (
                    row["proof"] in SEEN_PROOFS, row["paid"] is not True, str(row["paid_on"] or "9"),
                    -_fullness(row), str(row["row_id"]),
                ))
            gone.add(str(older["row_id"]))
            changed = next((column for column in (
                "employee_fen", "employer_fen", "base_fen", "paid", "paid_on", "payment_kind", "into_account_fen",
            ) if one[column] != other[column] and None not in (one[column], other[column])), "employee_fen")
            yield newer, older, disagreement("amended-line" if known else "contradictory-lines", newer, older, changed)


def _one_payment_amended(one: Row, other: Row) -> bool:
    """Whether two rows of one month are the same payment told differently: the same payer, or the same sums."""
    if {one["proof"], other["proof"]} & set(BILL_PROOFS):
        return False
    if any(one[c] != other[c] and None not in (one[c], other[c]) for c in ("employer", "payer")):
        return False
    sums = [c for c in ("employee_fen", "employer_fen") if None not in (one[c], other[c])]
    same_sums = bool(sums) and all(one[c] == other[c] for c in sums)
    nobody = not any(row[c] for row in (one, other) for c in ("employer", "payer"))
    same_payer = nobody or any(one[c] is not None and one[c] == other[c] for c in ("employer", "payer"))
    if one["payment_kind"] == other["payment_kind"]:
        return same_sums or (same_payer and one["payment_kind"] == "normal")
    return same_sums and same_payer and {one["payment_kind"], other["payment_kind"]} == {"normal", "back_pay"}
