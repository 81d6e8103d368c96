"""The result table ``step``: why a person's monthly credit changed, in parts that add up to the change.

The series is expected_fen of normal and back_pay lines summed per month, over months that have one. Causes are
substituted in a fixed order: status, tier, policy, age, base; what the rules do not reproduce is measured on the base
(a stated amount that keeps its ratio) and the rest is rounding (one fen) or unexplained.
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.expect import amount_by_rule, with_rules
from recon.core.prepare import ACCOUNT
from recon.core.text import yuan
from recon.policy import Policy
from recon.tables import conform

_STATE = ["insured", "tier", "month", "born", "base_fen"]


def step_table(lines: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """One row per account, month of change and cause (see the module)."""
    changes = _changes(lines)
    if changes.is_empty():
        return conform(pl.DataFrame(schema={"person_id": pl.String}), "step")
    shift = pl.col("month") - pl.col("was_month")
    # Holding the age while the policy month moves on means being born that much later.
    same_age = (pl.col("was_born") + shift).alias("born")
    stages = {
        "before": [pl.col(f"was_{name}").alias(name) for name in _STATE],
        "status_change": [pl.col(f"was_{name}").alias(name) for name in _STATE[1:]],
        "tier_change": [pl.col(f"was_{name}").alias(name) for name in _STATE[2:]],
        "policy_change": [same_age, pl.col("was_base_fen").alias("base_fen")],
        "age_bracket": [pl.col("was_base_fen").alias("base_fen")],
        "base_change": [],
    }
    previous = None
    parts: list[pl.Expr] = []
    for stage, columns in stages.items():
        changes = changes.with_columns(_amount(changes.with_columns(columns), policy).alias(f"_{stage}"))
        if previous is not None:
            parts.append((pl.col(f"_{stage}") - pl.col(f"_{previous}")).alias(stage))
        previous = stage
    reproduced = (pl.col("_before") == pl.col("from_fen")) & (pl.col("_base_change") == pl.col("to_fen"))
    scaled = (pl.col("from_fen") * pl.col("base_fen") * 2 + pl.col("was_base_fen")) // (pl.col("was_base_fen") * 2)
    by_base = pl.when((pl.col("was_base_fen") > 0) & (pl.col("base_fen") > 0)).then(
        scaled - pl.col("from_fen")
    ).otherwise(0).fill_null(0)
    rest = pl.col("to_fen") - pl.col("from_fen") - by_base
    tells_policy = pl.col("_policy_change") != pl.col("_tier_change")
    changes = changes.with_columns(parts).with_columns(reproduced.fill_null(False).alias("_clear"))
    clear = changes.filter("_clear")
    rough = changes.filter(~pl.col("_clear")).with_columns(
        by_base.alias("base_change"), rest.alias("_rest"), tells_policy.fill_null(False).alias("_policy")
    )
    rows = [_rows(clear, cause, pl.col(cause)) for cause in list(stages)[1:]]
    small = pl.col("_rest").abs() <= 1
    rows += [
        _rows(rough, "base_change", pl.col("base_change")),
        _rows(rough.filter(small), "rounding", pl.col("_rest")),
        _rows(rough.filter(~small & pl.col("_policy")), "policy_change", pl.col("_rest")),
        _rows(rough.filter(~small & ~pl.col("_policy")), "unexplained", pl.col("_rest")),
    ]
    return conform(pl.concat(rows).sort("person_id", "region", "accrual_month", "cause", nulls_last=True), "step")


def _changes(lines: pl.DataFrame) -> pl.DataFrame:
    regular = lines.filter(
        pl.col("payment_kind").is_in(["normal", "back_pay"]) & pl.col("payable") & (pl.col("stream") != "retiree")
        & (pl.col("label") != "refund_due").fill_null(True)
    )
    series = regular.sort(
        "expected_fen", "base_fen", "insured", "tier", "policy_ref", "row_id",
        descending=[True, True, False, False, False, False], nulls_last=True,
    ).group_by(
        [*ACCOUNT, "month"], maintain_order=True
    ).agg(
        pl.col("expected_fen").sum(), pl.col("base_fen").sum(), pl.col("insured", "tier", "born", "policy_ref").first(),
        pl.col("row_id").first(),
    ).sort(*ACCOUNT, "month", nulls_last=True)
    before = [
        pl.col(name).shift(1).over(ACCOUNT, order_by="month").alias(f"was_{name}")
        for name in ["expected_fen", "row_id", *_STATE]
    ]
    return series.with_columns(before).filter(
        pl.col("was_expected_fen").is_not_null() & (pl.col("was_expected_fen") != pl.col("expected_fen"))
    ).rename({"was_expected_fen": "from_fen", "expected_fen": "to_fen"})


def _amount(situation: pl.DataFrame, policy: Policy) -> pl.Series:
    frame = situation.with_row_index("_order")
    ruled, _ = with_rules(frame.select("_order", "region", "scheme", *_STATE), policy)
    return ruled.with_columns(
        pl.when(pl.col("has_account") == False).then(0)  # noqa: E712  null is not "no account"
        .otherwise(amount_by_rule(pl.col("base_fen"))).alias("_amount")
    ).sort("_order")["_amount"]


def _rows(changes: pl.DataFrame, cause: str, amount: pl.Expr) -> pl.DataFrame:
    rows = changes.with_columns(amount.cast(pl.Int64).alias("amount_fen")).filter(pl.col("amount_fen") != 0)
    return rows.select(
        "person_id", "region", months.date_of(pl.col("month")).alias("accrual_month"), "from_fen", "to_fen",
        pl.lit(cause).alias("cause"), "amount_fen",
        pl.concat_str(
            pl.lit("每月应划从"), yuan(pl.col("from_fen")), pl.lit("元变为"), yuan(pl.col("to_fen")), pl.lit("元 ["),
            pl.col("was_row_id"), pl.lit("; "), pl.col("row_id"), pl.lit("]"),
        ).alias("evidence"),
        "policy_ref",
    )
