"""Floor and cap of the contribution base 缴费基数: a wage clamped to them, and declared bases that lie outside.

Limits are policy data and hold for their year only; where a region's are not known nothing is said. ``clamped`` is the
one place where a wage becomes the base it should have been declared at: payslips, declarations and the forecast use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import polars as pl

from recon.core import months
from recon.core.expect import ACCUSING, ESTIMATE_PPM, amount_by_rule
from recon.core.naming import finding_ids, gap_ids
from recon.core.rounded import rounded_share
from recon.core.text import fill, listed, yuan
from recon.labels import BASE_FINDING, CAUSE, COUNTER_CHECKS
from recon.policy import Policy
from recon.tables import conform, empty

LABEL = "base_out_of_limits"
# Bases are declared in whole yuan in some places; less than this is no difference.
BASE_ROUNDING_FEN = 100
NAMED_IN_EVIDENCE = 4
_BASE_KEY = ["person_id", "region", "scheme", "month", "payer"]
_RULE = ["personal_ppm", "employer_ppm", "employer_month_fen", "confidence"]
_LIMITS = pl.Schema({
    "region": pl.String(), "month": pl.Int32(), "floor_fen": pl.Int64(), "cap_fen": pl.Int64(),
    "limit_confidence": pl.String(), "limit_ref": pl.String(), "limit_since": pl.Int32(),
})


def with_limits(frame: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """``frame`` (region, month as a number) with floor_fen, cap_fen, limit_confidence, limit_ref and limit_since.

    All five are null where the region's limits of the month are not known.
    """
    rows = []
    for region, month in frame.select("region", "month").drop_nulls().unique().sort("region", "month").iter_rows():
        limit = policy.base_limits(region, months.first_day(month))
        if limit is not None:
            rows.append({
                "region": region, "month": month, "floor_fen": limit.floor_fen, "cap_fen": limit.cap_fen,
                "limit_confidence": limit.confidence, "limit_ref": limit.ref,
                "limit_since": months.index(limit.since),
            })
    return frame.join(pl.DataFrame(rows, schema=_LIMITS), on=["region", "month"], how="left", maintain_order="left")


def clamped(wage: pl.Expr, *, floor: str = "floor_fen", cap: str = "cap_fen") -> pl.Expr:
    """``wage`` (fen) raised to the column ``floor`` and cut at ``cap``.

    A null limit does nothing, a null wage stays null.
    """
    return pl.when(wage.is_not_null()).then(pl.min_horizontal(pl.max_horizontal(wage, floor), cap))


def outside_limits(lines: pl.DataFrame, policy: Policy, as_of: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Declared bases below the floor or above the cap: rows of ``gap`` (basis payroll), and their findings' members.

    lines: those of :func:`recon.core.expect.lines_of`. A month's base is the largest of a payer's normal lines plus its
    top-ups. amount_fen is what the account misses each month by the region's rule (negative: what it gets too much);
    where the rule is not known it is 0 and estimated_fen says about how much. In the running base year an old base that
    was right the year before is pending: a top-up 补差 usually follows. One finding per payer, limit and cause
    (:func:`base_findings`).
    """
    nothing = empty("gap"), pl.DataFrame(schema=_MEMBERS)
    beyond = _beyond(_in_service(lines), policy)
    if beyond.is_empty():
        return nothing
    found = _outside(with_limits(_bases(beyond), policy), policy, as_of)
    if found.is_empty():
        return nothing
    rows = found.with_columns(*_words(), *_ids(found))
    order = ["person_id", "region", "scheme", "accrual_month", "cause"]
    return conform(rows.sort(order, nulls_last=True), "gap"), _members(rows)


def _in_service(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines in service of a scheme that surely has an account, with a base."""
    return lines.filter(
        pl.col("row_id").is_not_null() & pl.col("payment_kind").is_in(["normal", "back_pay", "top_up"])
        & ~pl.col("is_side") & ~pl.col("netted") & (pl.col("insured") == "in_service") & (pl.col("base_fen") > 0)
        & pl.col("has_account").fill_null(False) & (pl.col("paid") != False).fill_null(True)  # noqa: E712
        & pl.col("region").is_not_null()
    ).select(*_BASE_KEY, "payment_kind", "paid_on", "base_fen", "employer", "row_id", *_RULE)


def _beyond(own: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The lines of months in which some line's base is below the floor, or all together are above the cap: few of all.

    A month's base lies between the two.
    """
    sums = with_limits(own.group_by(_BASE_KEY).agg(
        pl.col("base_fen").min().alias("least"), pl.col("base_fen").sum().alias("most")), policy)
    beyond = sums.filter((pl.col("least") < pl.col("floor_fen")) | (pl.col("most") > pl.col("cap_fen")))
    return own.join(beyond, on=_BASE_KEY, how="semi", nulls_equal=True)


def _bases(own: pl.DataFrame) -> pl.DataFrame:
    """One row per person, payer and month: its base and its rule."""
    is_top_up = pl.col("payment_kind") == "top_up"
    once = own.filter(is_top_up).unique([*_BASE_KEY, "paid_on", "base_fen"], keep="any").group_by(_BASE_KEY).agg(
        pl.col("base_fen").sum().alias("_more"))
    return own.filter(~is_top_up).sort("base_fen", "row_id", descending=[True, False]).group_by(
        _BASE_KEY, maintain_order=True
    ).agg(
        pl.col("base_fen").first(), pl.col(_RULE).first(), pl.col("employer").drop_nulls().first(),
    ).join(
        listed(own.filter(~is_top_up), _BASE_KEY, ["row_id"], NAMED_IN_EVIDENCE, "rows"),
        on=_BASE_KEY, how="left", nulls_equal=True, maintain_order="left",
    ).join(once, on=_BASE_KEY, how="left", nulls_equal=True).with_columns(
        pl.col("base_fen") + pl.col("_more").fill_null(0)
    ).with_columns(months.date_of(pl.col("month")).alias("accrual_month"))


def _outside(bases: pl.DataFrame, policy: Policy, as_of: date) -> pl.DataFrame:
    base = pl.col("base_fen")
    low = (base + BASE_ROUNDING_FEN <= pl.col("floor_fen")).fill_null(False)
    high = (base - BASE_ROUNDING_FEN >= pl.col("cap_fen")).fill_null(False)
    found = bases.filter(low | high).with_columns(
        pl.when(low).then(pl.lit("below_floor")).otherwise(pl.lit("above_cap")).alias("cause"),
        pl.when(low).then("floor_fen").otherwise("cap_fen").alias("limit_fen"),
    )
    if found.is_empty():
        return found
    before = with_limits(found.select("region", (pl.col("month") - 12).alias("month")), policy)
    was_right = (
        (base >= before["floor_fen"] - BASE_ROUNDING_FEN) & (base <= before["cap_fen"] + BASE_ROUNDING_FEN)
    ).fill_null(True)
    running = pl.col("limit_since") + 12 > months.index(as_of)
    known = pl.col("confidence").is_in(ACCUSING) & amount_by_rule(base).is_not_null()
    missed = amount_by_rule(pl.col("limit_fen")) - amount_by_rule(base)
    about = rounded_share(pl.col("limit_fen"), pl.lit(ESTIMATE_PPM)) - rounded_share(base, pl.lit(ESTIMATE_PPM))
    return found.with_columns(
        pl.lit("payroll").alias("basis"), pl.lit(LABEL).alias("label"),
        pl.when(known).then(missed).otherwise(0).alias("amount_fen"),
        pl.when(known).then(None).otherwise(pl.coalesce(missed, about)).alias("estimated_fen"),
        pl.when(~pl.col("limit_confidence").is_in(ACCUSING)).then(pl.lit("unknown"))
        .when(running & was_right).then(pl.lit("pending")).otherwise(pl.lit("open")).alias("status"),
    )


_EVIDENCE = {
    "below_floor": "申报基数{base}元，低于当地下限{limit}元（{ref}）；账户每月{effect}{amount}元",
    "above_cap": "申报基数{base}元，高于当地上限{limit}元（{ref}）；账户每月{effect}{amount}元",
}


@cache
def _words() -> list[pl.Expr]:
    """evidence, owner, action and counter_check."""
    missed = pl.coalesce("estimated_fen", "amount_fen")
    about = pl.when(pl.col("estimated_fen").is_not_null()).then(pl.lit("约")).otherwise(pl.lit(""))
    effect = pl.concat_str(about, pl.when(missed < 0).then(pl.lit("多划")).otherwise(pl.lit("少划")))
    fields = {
        "base": yuan(pl.col("base_fen")), "limit": yuan(pl.col("limit_fen")), "ref": pl.col("limit_ref"),
        "effect": effect, "amount": yuan(missed.abs()), "month": pl.col("accrual_month").dt.strftime("%Y-%m"),
    }
    evidence, action, owner = pl.lit(""), pl.lit(""), pl.lit("nobody")
    for cause, template in _EVIDENCE.items():
        test, told = pl.col("cause") == cause, CAUSE[LABEL, cause]
        evidence = pl.when(test).then(fill(template, fields)).otherwise(evidence)
        action = pl.when(test).then(fill(told.action, fields)).otherwise(action)
        owner = pl.when(test).then(pl.lit(told.owner)).otherwise(owner)
    return [
        pl.concat_str(evidence, pl.lit(" ["), "rows", pl.lit("]")).alias("evidence"),
        action.alias("action"), owner.alias("owner"), pl.lit(COUNTER_CHECKS[LABEL]).alias("counter_check"),
    ]


def _ids(found: pl.DataFrame) -> list[pl.Series]:
    names = found.select(pl.concat_str(
        pl.lit("base"), pl.col("payer").fill_null(""), "limit_ref", "cause", "status", separator="|")).to_series()
    return [gap_ids(found, pl.coalesce("estimated_fen", "amount_fen")), finding_ids(names)]


_ALIKE = ("basis", "label", "cause", "owner", "limit_ref", "limit_fen", "payer")
_MEMBERS = pl.Schema({
    "finding_id": pl.String(), **dict.fromkeys(_ALIKE, pl.String()), "limit_fen": pl.Int64(), "people": pl.Int32(),
    "amount_fen": pl.Int64(), "count": pl.UInt32(), "from": pl.Date(), "to": pl.Date(),
})


def _members(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per finding with its members at hand counted."""
    return rows.group_by("finding_id").agg(
        pl.col(_ALIKE).sort().first(),
        pl.col("person_id").n_unique().cast(pl.Int32).alias("people"), pl.col("amount_fen").sum(),
        pl.len().alias("count"), pl.col("accrual_month").min().alias("from"), pl.col("accrual_month").max().alias("to"),
    ).cast(_MEMBERS).select(_MEMBERS.names())


def added_members(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Of the members that several groups of people give: those of all."""
    return parts[0] if len(parts) == 1 else pl.concat(parts).group_by("finding_id").agg(
        pl.col(_ALIKE).sort().first(), pl.col("people", "amount_fen", "count").sum(), pl.col("from").min(),
        pl.col("to").max(),
    )


def base_findings(members: pl.DataFrame) -> pl.DataFrame:
    """One row of ``finding`` for each row of members (:func:`outside_limits`)."""
    grouped = members.with_columns(
        pl.col("from").dt.strftime("%Y-%m").alias("first"), pl.col("to").dt.strftime("%Y-%m").alias("last"))
    fields = {
        "payer": pl.col("payer").fill_null(""), "people": pl.col("people").cast(pl.String),
        "count": pl.col("count").cast(pl.String), "first": pl.col("first"), "last": pl.col("last"),
        "limit": yuan(pl.col("limit_fen")), "ref": pl.col("limit_ref"),
        "what": pl.when(pl.col("cause") == "below_floor").then(pl.lit("低于下限")).otherwise(pl.lit("高于上限")),
        "amount": yuan(pl.col("amount_fen")),
    }
    evidence, action = (fill(template, fields) for template in BASE_FINDING)
    return conform(grouped.with_columns(
        pl.lit("payer").alias("scope"), evidence.alias("evidence"), action.alias("action"),
        pl.col("payer").replace("", None),
    ).sort("finding_id"), "finding")
