"""The gap rows of basis balance: what moved an account besides credits, month by month, and what its figures say.

For every account and calendar month: credits − (closing − opening) = Σ amount_fen of the moving parts, asserted. The
other parts (:data:`COMPARED`) set two figures side by side (ledger and available, two readings, two ledgers): they are
about the same money and are never added to the moving ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl

from recon.core.naming import finding_ids, gap_ids
from recon.core.readings import PARTS
from recon.core.text import fill, yuan, yuan_text
from recon.labels import ACTION_FIELDS, CAUSES
from recon.tables import ACCOUNT, conform, empty

KEY = [*ACCOUNT, "accrual_month"]
NAMED = 4
# Which label a kind of line has; credits are what the parts are taken from.
_LABELS = {
    "spend": "spend", "mutual_aid": "mutual_aid", "premium": "premium", "interest": "interest", "subsidy": "subsidy",
    "transfer_in": "transfer", "transfer_out": "transfer", "payout": "payout", "reversal": "reversal",
    "adjustment": "adjustment", "other": "adjustment", "carry_over": "carry_over",
}
COMPARED = (
    ("spend", "by_totals"), ("frozen", None), ("in_transit", None), ("in_transit", "between_dates"),
    ("in_transit", "only_in_app"), ("scope_limited", None), ("unexplained", "reading_differs"),
    ("unexplained", "reading_bound"), ("unexplained", "reading_fits"), ("unexplained", "year_total"),
    ("unexplained", "held_back"), ("unexplained", "only_in_app"), ("unexplained", "only_in_bank"),
)
# By cause: label, status, what is told. Lines of fewer days, or of income only, count less than the balances do.
_JUMPS = {
    "rows_missing": ("unexplained", "unknown", "{from}至{to}之间余额接不上，缺的行净额{amount}元",
                     "between {from} and {to} the balance jumps by {amount} yuan: lines are missing"),
    "not_exported": ("scope_limited", "unknown", "{from}至{to}之间没有明细，余额变动{amount}元",
                     "no export covers {from} to {to}; the balance moved by {amount} yuan"),
    "use_hidden": ("scope_limited", "explained", "{from}至{to}之间余额少了{amount}元，明细只列收入，这是没有显示的支出",
                   "the balance fell by {amount} yuan between {from} and {to}; the export shows income only"),
}


def moving_parts(lines: pl.DataFrame, jumps: pl.DataFrame) -> pl.DataFrame:
    """One row per account, calendar month, label and cause (columns of :data:`recon.core.readings.PARTS`).

    lines: with cause, told, told_en, told_status (:func:`recon.core.moves.recognised`). amount_fen is what the balance
    has less because of it: spend is positive, interest negative.
    """
    moved = lines.filter(pl.col("flow_kind").is_in(list(_LABELS))).with_columns(
        pl.col("flow_kind").replace_strict(_LABELS, default=None, return_dtype=pl.String).alias("label"),
        pl.col("posted_on").dt.month_start().alias("accrual_month"), pl.col("told_status").fill_null("explained"),
    ).sort(*KEY, "posted_on", "row_id", nulls_last=True)
    rows = pl.col("row_id").head(NAMED).str.join("; ")
    known = moved.group_by([*KEY, "label", "cause", "told_status"], maintain_order=True).agg(
        (-pl.col("amount_fen").sum()).alias("amount_fen"), pl.len().alias("_n"),
        pl.col("told").drop_nulls().unique(maintain_order=True).head(NAMED).str.join("；").alias("_told"),
        pl.col("told_en").drop_nulls().unique(maintain_order=True).head(NAMED).str.join("; ").alias("_told_en"),
        rows.alias("_rows"),
    ).with_columns(
        pl.concat_str(
            pl.when(pl.col("_told") != "").then("_told").otherwise(pl.concat_str(
                pl.col("_n").cast(pl.String), pl.lit("笔，合计"), yuan(pl.col("amount_fen").abs()), pl.lit("元"))),
            pl.lit(" ["), "_rows", pl.lit("]")).alias("evidence"),
        pl.when(pl.col("_told_en") != "").then("_told_en").otherwise(
            pl.concat_str(pl.col("_n").cast(pl.String), pl.lit(" lines, "), yuan(pl.col("amount_fen").abs()),
                          pl.lit(" yuan in all"))).alias("evidence_en"),
        pl.col("told_status").alias("status"),
    )
    return pl.concat([known.select(list(PARTS)), _jump_parts(jumps)]).filter(pl.col("amount_fen") != 0)


def _jump_parts(jumps: pl.DataFrame) -> pl.DataFrame:
    """Each jump of the balance, booked where it shows."""
    if jumps.is_empty():
        return pl.DataFrame(schema=PARTS)
    rows = []
    for row in jumps.iter_rows(named=True):
        label, status, zh, en = _JUMPS[row["cause"]]
        rows.append({
            "person_id": row["person_id"], "region": row["region"], "scheme": row["scheme"],
            "accrual_month": row["shown_on"].replace(day=1), "label": label, "cause": row["cause"], "status": status,
            "amount_fen": -row["amount_fen"],
            "evidence": _told(zh, row) + f" [{row['last_row']}; {row['row_id']}]", "evidence_en": _told(en, row),
        })
    frame = pl.DataFrame(rows, schema=PARTS)
    return frame.group_by([*KEY, "label", "cause", "status"], maintain_order=True).agg(
        pl.col("amount_fen").sum(), pl.col("evidence").str.join("；"), pl.col("evidence_en").str.join("; "),
    ).select(list(PARTS))


def _told(text: str, row: dict[str, object]) -> str:
    amount = int(str(row["amount_fen"]))
    shown = yuan_text(-amount if row["cause"] == "use_hidden" else amount)
    return text.format(**{"from": row["hole_from"], "to": row["hole_to"], "amount": shown})


def ledger_parts(lone: pl.DataFrame) -> pl.DataFrame:
    """Lines that only one of two ledgers has (:func:`recon.core.ledgers.only_in_one`), month by month."""
    if lone.is_empty():
        return pl.DataFrame(schema=PARTS)
    app = pl.col("only_in") == "app"
    credit = app & (pl.col("amount_fen") > 0)
    zh = pl.when(app).then(pl.lit("医保明细有、银行明细没有")).otherwise(pl.lit("银行明细有、医保明细没有"))
    en = pl.when(app).then(pl.lit("in the insurer's ledger, not in the bank's")).otherwise(
        pl.lit("in the bank's ledger, not in the insurer's"))
    each = lone.sort(*ACCOUNT, "posted_on", "row_id", nulls_last=True).with_columns(
        pl.col("posted_on").dt.month_start().alias("accrual_month"),
        pl.when(credit).then(pl.lit("in_transit")).otherwise(pl.lit("unexplained")).alias("label"),
        pl.concat_str(pl.lit("only_in_"), "only_in").alias("cause"), pl.lit("unknown").alias("status"),
        pl.concat_str(pl.col("posted_on").cast(pl.String), pl.lit("的"), yuan(pl.col("amount_fen")), pl.lit("元："), zh)
        .alias("_zh"),
        pl.concat_str(yuan(pl.col("amount_fen")), pl.lit(" yuan of "), pl.col("posted_on").cast(pl.String),
                      pl.lit(": "), en).alias("_en"),
    )
    return each.group_by([*KEY, "label", "cause", "status"], maintain_order=True).agg(
        pl.col("amount_fen").sum(),
        pl.concat_str(pl.col("_zh").head(NAMED).str.join("；"), pl.lit(" ["),
                      pl.col("row_id").head(NAMED).str.join("; "), pl.lit("]")).alias("evidence"),
        pl.col("_en").head(NAMED).str.join("; ").alias("evidence_en"),
    ).select(list(PARTS))


def balance_gaps(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The parts as rows of the table ``gap``: named, with their desk and sentence."""
    rows = pl.concat(parts)
    if rows.is_empty():
        return conform(rows, "gap")
    lone = pl.col("cause").fill_null("").str.starts_with("only_in_")
    found = pl.concat_str(
        pl.lit("ledgers"), "person_id", pl.col("region").fill_null(""), "cause", "label", separator="|")
    named = rows.with_columns(pl.when(lone).then(found).alias("_finding"), pl.lit("balance").alias("basis"))
    return conform(named.with_columns(
        gap_ids(named), finding_ids(named["_finding"]),
        pl.when(pl.col("status") == "unknown").then(pl.col("amount_fen").abs()).alias("estimated_fen"), *_desk(),
    ).sort(*KEY, "label", "cause", "status", nulls_last=True), "gap")


def ledger_findings(gap: pl.DataFrame) -> pl.DataFrame:
    """One row of ``finding`` per account and ledger that has lines the other has not."""
    named = gap.filter((pl.col("basis") == "balance") & pl.col("finding_id").is_not_null())
    if named.is_empty():
        return empty("finding")
    rows = named.group_by("finding_id", maintain_order=True).agg(
        pl.col("basis", "label", "cause", "owner", "action").first(), pl.lit("file").alias("scope"),
        pl.col("person_id").n_unique().cast(pl.Int32).alias("people"), pl.col("amount_fen").sum(),
        pl.col("evidence").str.join("；"),
    )
    return conform(rows.sort("finding_id"), "finding")


def broken_months(gap: pl.DataFrame, balance: pl.DataFrame) -> pl.DataFrame:
    """Account months whose moving parts do not lead from their credits to the change of the balance: none, ever."""
    compared = pl.lit(False)
    for label, cause in COMPARED:
        compared = compared | ((pl.col("label") == label) & pl.col("cause").eq_missing(pl.lit(cause, dtype=pl.String)))
    parts = gap.filter((pl.col("basis") == "balance") & ~compared).group_by(KEY).agg(
        pl.col("amount_fen").sum().alias("parts"))
    whole = balance.filter(pl.col("sub_account").is_null() & pl.col("closing_fen").is_not_null()).select(
        *ACCOUNT, pl.col("month").alias("accrual_month"),
        (pl.col("credit_fen") - pl.col("subsidy_fen") - pl.col("closing_fen") + pl.col("opening_fen")).alias("gap"))
    return whole.join(parts, on=KEY, how="left", nulls_equal=True).filter(
        pl.col("gap") != pl.col("parts").fill_null(0))


@cache
def _desk() -> list[pl.Expr]:
    fields = {
        "month": pl.col("accrual_month").dt.strftime("%Y-%m"), "arrived": pl.lit(""), "due": pl.lit(""),
        "amount": yuan(pl.col("amount_fen").abs()), "region": pl.col("region"),
    }
    assert set(fields) == set(ACTION_FIELDS)
    owner: pl.Expr = pl.lit("nobody")
    action: pl.Expr = pl.lit("")
    for cause in CAUSES:
        if cause.label not in _OWN:
            continue
        test = (pl.col("label") == cause.label) & pl.col("cause").eq_missing(pl.lit(cause.code, dtype=pl.String))
        owner = pl.when(test).then(pl.lit(cause.owner)).otherwise(owner)
        action = pl.when(test).then(fill(cause.action, fields)).otherwise(action)
    return [owner.alias("owner"), action.alias("action")]


_OWN = {*_LABELS.values(), "frozen", "in_transit", "scope_limited", "unexplained"}
