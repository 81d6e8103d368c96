"""First steps on the input tables: one spelling, one view of each payment, one count of each line.

In: canonical input tables. Out: the same tables with defaults filled, ``duplicate_of`` set, the accounts numbered and
reversals carried out. Nothing is dropped from the tables that are written; later steps look at the kept rows only.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from recon.core import months
from recon.core.months import index_of
from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import SCHEME_ACCOUNT, SIDE_SCHEMES, conform_all

ACCOUNT = ["person_id", "region", "scheme"]
MIRROR_DAYS = 5  # a bank books the account's credit so many days apart at most
_BILL_PROOFS = ("declared", "billed")


@dataclass(frozen=True)
class Prepared:
    """Tables ready for the core. ``contribution`` and ``flow`` carry ``account_scheme`` / net amounts as noted."""

    tables: dict[str, pl.DataFrame]
    contribution: pl.DataFrame  # kept rows; + account_scheme, month, arrival, arrival_day, total_fen, is_side
    credit: pl.DataFrame  # uncancelled credits; + month, net_fen, printed
    undone: pl.DataFrame  # account, due (month posted), undone_rows: credits that reversals took back whole
    problems: list[Problem]


def prepare(tables: dict[str, pl.DataFrame]) -> Prepared:
    """Fill defaults, find repeated lines, carry out reversals (see :class:`Prepared`)."""
    tables = conform_all(tables)
    problems: list[Problem] = []
    tables["person"] = _one_row_each(tables["person"])
    tables["contribution"] = _fill_contribution(tables["contribution"], tables["person"])
    tables["contribution"], found = mark_repeated_contributions(tables["contribution"])
    problems += found
    tables["flow"] = _fill_flow(tables["flow"], tables["contribution"], tables["person"])
    tables["flow"] = mark_repeated_flows(tables["flow"])
    credit, undone, found = _credit_view(tables["flow"])
    return Prepared(tables, _payment_view(tables["contribution"]), credit, undone, problems + found)


def payer_key() -> pl.Expr:
    """Who pays, as far as the row says: the payer, else the employer."""
    return pl.coalesce("payer", "employer").fill_null("")


def file_of(column: str = "row_id") -> pl.Expr:
    """The file part of a ``file#place`` column."""
    return pl.col(column).str.split("#").list.first()


# ------------------------------------------------------------------------------------------------- contributions


def _one_row_each(person: pl.DataFrame) -> pl.DataFrame:
    """One row per person: of several rosters, each column's first stated value in a fixed order of rows."""
    if person.height == person["person_id"].n_unique():
        return person
    columns = [name for name in person.columns if name != "person_id"]
    ordered = person.sort(person.columns, nulls_last=True)
    return ordered.group_by("person_id", maintain_order=True).agg(
        pl.col(name).drop_nulls().first() for name in columns
    ).select(person.columns)


def _fill_contribution(contribution: pl.DataFrame, person: pl.DataFrame) -> pl.DataFrame:
    known = person.select("person_id", pl.col("region").alias("_region"), pl.col("tier").alias("_tier"))
    own = contribution.filter(pl.col("region").is_not_null()).group_by("person_id").agg(
        pl.when(pl.col("region").n_unique() == 1).then(pl.col("region").first()).alias("_own")
    )
    proof = pl.col("proof").fill_null("fund_record")
    arrived = pl.any_horizontal(pl.col("paid_on", "treasury_on", "allocated_on").is_not_null())
    return (
        contribution.join(known, on="person_id", how="left").join(own, on="person_id", how="left")
        .with_columns(
            pl.coalesce("region", "_region", "_own"),
            pl.coalesce("tier", "_tier"),
            pl.col("scheme").fill_null(SCHEME_ACCOUNT),
            proof.alias("proof"),
            pl.col("payment_kind").fill_null("normal"),
            pl.when(proof.is_in(_BILL_PROOFS)).then(None)
            .when(pl.col("paid").is_null() & (arrived | (proof == "tax_receipt"))).then(True)
            .otherwise(pl.col("paid")).alias("paid"),
        )
        .drop("_region", "_tier", "_own")
    )


def mark_repeated_contributions(contribution: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """Set ``duplicate_of``: one payment told by several files counts once; the fullest row stays.

    Two rows of different files are views of one payment when person, region, scheme, month, kind and amounts agree
    (an amount one of them does not state agrees with any) and neither employer, arrival day nor paid flag contradict.
    A bill or declaration is a view of the record of the same month. Equal rows within one file are two payments.
    """
    keys = ["person_id", "region", "scheme", "accrual_month"]
    frame = contribution.with_columns(file_of().alias("_file"))
    several = frame.group_by(keys).agg(pl.col("_file").n_unique().alias("_files")).filter(pl.col("_files") > 1)
    if several.is_empty():
        return contribution, []
    suspects = frame.join(several, on=keys, how="semi", nulls_equal=True)
    problems: list[Problem] = []
    duplicates: dict[str, str] = {}
    fills: dict[str, dict[str, object]] = {}
    for _, group in suspects.sort("row_id").group_by(keys, maintain_order=True):
        rows = group.to_dicts()
        rows.sort(key=lambda row: (row["proof"] in _BILL_PROOFS, -_fullness(row), row["row_id"]))
        kept: list[dict[str, object]] = []
        taken: dict[tuple[str, str], bool] = {}
        for row in rows:
            view = next(
                (other for other in kept
                 if other["_file"] != row["_file"]
                 and (str(other["row_id"]), str(row["_file"])) not in taken
                 and _same_payment(other, row)),
                None,
            )
            if view is None:
                kept.append(row)
                continue
            taken[str(view["row_id"]), str(row["_file"])] = True
            duplicates[str(row["row_id"])] = str(view["row_id"])
            for column in ("into_account_fen", "paid_on", "base_fen", "booked_month", "employer", "payer", "tier"):
                if view[column] is None and row[column] is not None:
                    view[column] = row[column]
                    fills.setdefault(str(view["row_id"]), {})[column] = row[column]
            if None not in (view["into_account_fen"], row["into_account_fen"]) and (
                view["into_account_fen"] != row["into_account_fen"]
            ):
                file, _, place = str(row["row_id"]).partition("#")
                both = " / ".join(yuan_text(int(str(one["into_account_fen"]))) for one in (view, row))
                problems.append(Problem("contradictory-lines", file, place, "into_account_fen", both))
    if not duplicates:
        return contribution, []
    marked = contribution.with_columns(
        pl.coalesce(pl.col("row_id").replace_strict(duplicates, default=None, return_dtype=pl.String), "duplicate_of")
        .alias("duplicate_of")
    )
    for column in ("into_account_fen", "paid_on", "base_fen", "booked_month", "employer", "payer", "tier"):
        values = {row: fill[column] for row, fill in fills.items() if column in fill}
        if values:
            new = pl.col("row_id").replace_strict(values, default=None, return_dtype=marked.schema[column])
            marked = marked.with_columns(pl.coalesce(pl.col(column), new).alias(column))
    return marked, problems


def _fullness(row: dict[str, object]) -> int:
    """How much a row tells; a stated credited amount and arrival day weigh most."""
    return sum(value is not None for value in row.values()) + 50 * (row["into_account_fen"] is not None) + 20 * (
        row["paid_on"] is not None
    )


def _same_payment(one: dict[str, object], other: dict[str, object]) -> bool:
    bill = other["proof"] in _BILL_PROOFS
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


def _payment_view(contribution: pl.DataFrame) -> pl.DataFrame:
    """Kept payment lines with the numbers the core works on (see :class:`Prepared`)."""
    side = pl.col("scheme").is_in(SIDE_SCHEMES)
    normal = pl.col("payment_kind") == "normal"
    month = index_of(pl.col("accrual_month"))
    arrival = pl.coalesce(
        index_of(pl.col("paid_on")), index_of(pl.col("booked_month")), pl.when(normal).then(month)
    )
    stated = pl.col("employee_fen").fill_null(0) + pl.col("employer_fen").fill_null(0)
    # Some exports print what was refunded without a sign.
    total = pl.when(pl.col("payment_kind") == "refund").then(-stated.abs()).otherwise(stated)
    return contribution.filter(pl.col("duplicate_of").is_null()).with_columns(
        pl.when(side).then(pl.lit(SCHEME_ACCOUNT)).otherwise(pl.col("scheme")).alias("account_scheme"),
        side.alias("is_side"),
        month.alias("month"),
        arrival.alias("arrival"),
        pl.col("paid_on").alias("arrival_day"),
        total.alias("total_fen"),
        pl.when(pl.col("paid") == True).then(total).otherwise(0).alias("contributed_fen"),  # noqa: E712  null is false
    )


# --------------------------------------------------------------------------------------------------------- flows


def _fill_flow(flow: pl.DataFrame, contribution: pl.DataFrame, person: pl.DataFrame) -> pl.DataFrame:
    """Defaults for a flow: the account's scheme, and the person's region where the export names none."""
    flow = flow.with_columns(pl.col("scheme").fill_null(SCHEME_ACCOUNT))
    if flow["region"].null_count() == 0:
        return flow
    known = (
        pl.concat([
            contribution.select("person_id", "region", (-index_of(pl.col("accrual_month"))).alias("_rank")),
            person.select("person_id", "region", pl.lit(0, dtype=pl.Int32).alias("_rank")),
        ])
        .drop_nulls("region").sort("_rank", "region")
        .group_by("person_id", maintain_order=True).agg(pl.col("region").first().alias("_region"))
    )
    return flow.join(known, on="person_id", how="left").with_columns(pl.coalesce("region", "_region")).drop("_region")


def mark_repeated_flows(flow: pl.DataFrame) -> pl.DataFrame:
    """Set ``duplicate_of``: a line exported in several files counts once; equal twins within one file survive.

    Lines agree when account, day, kind, amount and printed balance agree; where one file prints no balance, without it.
    """
    if flow["row_id"].null_count() or flow.select(file_of().n_unique()).item() < 2:
        return flow
    line = ["person_id", "region", "scheme", "sub_account", "ledger", "posted_on", "flow_kind", "amount_fen"]
    frame = flow.select(*line, "balance_fen", "row_id", file_of().alias("_file")).sort("row_id")
    exact = _copies(frame, [*line, "balance_fen"])
    rest = frame.join(exact, on="row_id", how="anti")
    loose = rest.join(
        rest.group_by(line).agg(pl.col("balance_fen").is_null().any().alias("_bare"),
                                pl.col("balance_fen").is_not_null().any().alias("_printed"))
        .filter(pl.col("_bare") & pl.col("_printed")),
        on=line, how="semi", nulls_equal=True,
    ).sort(pl.col("balance_fen").is_null(), "row_id", maintain_order=True)
    copies = pl.concat([exact, _copies(loose, line)])
    return flow.join(copies, on="row_id", how="left").with_columns(
        pl.coalesce("duplicate_of", "_first").alias("duplicate_of")
    ).drop("_first")


def _copies(frame: pl.DataFrame, line: list[str]) -> pl.DataFrame:
    """row_id and the row it repeats (``_first``): the k-th equal line of one file repeats the k-th of another."""
    ranked = frame.with_columns(pl.int_range(pl.len()).over([*line, "_file"]).alias("_k"))
    return (
        ranked.with_columns(pl.col("row_id").first().over([*line, "_k"]).alias("_first"))
        .filter(pl.col("row_id") != pl.col("_first")).select("row_id", "_first")
    )


def _one_ledger(flow: pl.DataFrame) -> pl.DataFrame:
    """The bank's ledger mirrors the account's: its lines count only where the account's own export does not reach.

    A bank line is also a mirror when the account's export has the same sum a few days before (or after) it.
    """
    bank = pl.col("ledger").fill_null("app") == "bank"
    if not flow.select(bank.any()).item():
        return flow
    own, other = flow.filter(~bank), flow.filter(bank)
    span = own.group_by(ACCOUNT).agg(pl.col("posted_on").min().alias("_from"), pl.col("posted_on").max().alias("_to"))
    near = other.select(*ACCOUNT, "amount_fen", "posted_on", "row_id").join(
        own.select(*ACCOUNT, "amount_fen", pl.col("posted_on").alias("_own")), on=[*ACCOUNT, "amount_fen"],
        nulls_equal=True,
    ).filter((pl.col("posted_on") - pl.col("_own")).dt.total_days().abs() <= MIRROR_DAYS)
    outside = other.join(span, on=ACCOUNT, how="left", nulls_equal=True).filter(
        ~pl.col("posted_on").is_between("_from", "_to").fill_null(False)
    ).join(near, on="row_id", how="anti").select(flow.columns)
    return pl.concat([own, outside])


def _credit_view(flow: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """Credits that count: kept, positive, less what reversals took back (``net_fen``), with month numbers.

    Second, the credits that were taken back whole, per account and month posted.
    """
    problems: list[Problem] = []
    takers: dict[str, str] = {}
    kept = _one_ledger(flow.filter(pl.col("duplicate_of").is_null()))
    takes = kept.filter(
        ((pl.col("flow_kind") == "reversal") | (pl.col("flow_kind") == "credit")) & (pl.col("amount_fen") < 0)
    )
    credits = kept.filter((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0)).with_columns(
        pl.col("amount_fen").alias("net_fen")
    )
    if takes.height:
        left, takers, problems = _carry_out_reversals(credits, takes)
        credits = credits.with_columns(
            pl.col("row_id").replace_strict(left, default=None, return_dtype=pl.Int64).fill_null(pl.col("net_fen"))
            .alias("net_fen")
        )
    counted = credits.filter(pl.col("net_fen") > 0).with_columns(
        index_of(pl.col("posted_on")).alias("month"), index_of(pl.col("accrual_month")).alias("printed")
    ).sort("person_id", "region", "scheme", "posted_on", "net_fen", "printed", "balance_fen", "row_id",
           nulls_last=True)
    undone = credits.filter(pl.col("net_fen") <= 0).group_by(
        *ACCOUNT, index_of(pl.col("posted_on")).alias("due")
    ).agg(pl.concat([
        pl.col("row_id"), pl.col("row_id").replace_strict(takers, default=None, return_dtype=pl.String),
    ]).drop_nulls().sort().str.join("; ").alias("undone_rows"))
    return counted, undone, problems


def _carry_out_reversals(
    credits: pl.DataFrame, takes: pl.DataFrame
) -> tuple[dict[str, int], dict[str, str], list[Problem]]:
    """What is left of each credit a reversal touches, and the row that took from it last.

    The latest earlier equal one goes (of the month it prints, where it prints one); else the latest larger one
    shrinks; else the latest ones go together until the sum is taken. What no credit can bear is returned to nobody.
    """
    accounts = takes.select(ACCOUNT).unique()
    mine = credits.join(accounts, on=ACCOUNT, how="semi", nulls_equal=True)
    by_account: dict[tuple[object, ...], list[list[Any]]] = defaultdict(list)  # day, left, row_id, printed month
    order = ["posted_on", "amount_fen", "row_id"]
    for row in mine.sort(order).select(*ACCOUNT, "posted_on", "net_fen", "row_id", "accrual_month").iter_rows():
        by_account[row[:3]].append(list(row[3:]))
    left: dict[str, int] = {}
    takers: dict[str, str] = {}
    problems: list[Problem] = []
    for row in takes.sort("posted_on", "amount_fen", "row_id").select(
        *ACCOUNT, "posted_on", "amount_fen", "accrual_month", "row_id"
    ).iter_rows():
        day, amount, printed = row[3], -row[4], row[5]
        earlier = [item for item in by_account[row[:3]] if item[0] <= day and item[1] > 0]
        if printed is not None:
            # A printed month is best met by a credit that prints it, else by one posted in the month after it.
            usual = months.index(printed) + 1
            earlier.sort(key=lambda item: (item[3] == printed, -abs(months.index(item[0]) - usual), item[0]))
        equal = [item for item in earlier if item[1] == amount]
        larger = [item for item in earlier if item[1] > amount]
        for hit in equal[-1:] or larger[-1:] or reversed(earlier):
            taken = min(hit[1], amount)
            hit[1] -= taken
            amount -= taken
            left[hit[2]] = hit[1]
            takers[hit[2]] = row[6]
            if not amount:
                break
        if amount:
            file, _, place = row[6].partition("#")
            problems.append(Problem("unmatched-reversal", file, place, "amount_fen", yuan_text(amount)))
    return left, takers, problems
