"""The result table ``step``: why a person's monthly credit changed, in parts that add up to the change to the fen.

The series is expected_fen of normal and back_pay lines (and of a retiree's months) summed per month, less what looks
like a premium taken from the account, over months that have one. Between two neighbours of the series the causes are
substituted one after the other, always in this order, each with all earlier ones already in force: status, tier,
policy, age, base, account deduction. What rounding leaves is rounding; what the rules do not reproduce (an amount that
the export states, a rule that is not known) is put down to a cause that is there, else it is unexplained. Where an
amount was taken by the rule on the other side of a boundary, the step stands in the month in which the credit moved.
"""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from recon.core import months
from recon.core.expect import amount_by_rule, with_rules
from recon.core.limits import BASE_ROUNDING_FEN, with_limits
from recon.core.text import fill, percent, yuan
from recon.policy import Policy
from recon.tables import ACCOUNT, SCHEME_ACCOUNT, conform

_STATE = ["insured", "tier", "month", "born", "base_fen"]
# Which parts of the earlier state are still in force while a cause is being substituted, in the documented order.
_HELD = {
    "before": ("insured", "tier", "month", "born", "base_fen"), "status_change": ("tier", "month", "born", "base_fen"),
    "tier_change": ("month", "born", "base_fen"), "policy_change": ("born", "base_fen"),
    "age_bracket": ("base_fen",), "base_change": (),
}
_BETWEEN = ("status_change", "tier_change", "policy_change", "age_bracket")
BY_RULE = ("status_change", "tier_change", "policy_change", "age_bracket", "base_change")
_WHOLE_YUAN_FEN = 50
_TEXT = pl.lit(None, dtype=pl.String)


def step_table(lines: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """One row per account, month of change and cause (see the module); rows of one change add up to to − from.

    lines: judged lines. from_base_fen, to_base_fen, from_share and to_share (``2%+1%``: employee's and employer's part,
    or a fixed sum a month) are those of the two months; detail says what moved: wage, floor or cap of a base, or a
    refund of a part of it, and from what to what a status or tier went (``in_service>retired``).
    """
    changes = _changes(lines)
    if changes.is_empty():
        return conform(pl.DataFrame(schema={"person_id": pl.String}), "step")
    changes = _with_details(_with_parts(_with_stages(changes, policy)), policy)
    rows = [_rows(changes, cause) for cause in (*BY_RULE, "account_deduction", "rounding", "unexplained")]
    order = ["person_id", "region", "scheme", "accrual_month", "cause"]
    return conform(pl.concat(rows).sort(order, nulls_last=True), "step")


def _changes(lines: pl.DataFrame) -> pl.DataFrame:
    """Neighbours of the series that differ: one row each, the earlier month's columns as ``was_``."""
    key = [*ACCOUNT, "month"]
    taken = pl.when(pl.col("label") == "account_deduction").then("rest_fen").otherwise("taken_fen").fill_null(0)
    regular = lines.filter(
        pl.col("payment_kind").is_in(["normal", "back_pay"]) & pl.col("payable")
        & (pl.col("label") != "refund_due").fill_null(True)
    ).select(
        *key, "payer", "payment_kind", "base_fen", "expected_fen", "insured", "tier", "born", "policy_ref",
        "policy_confidence", "row_id", "whole_yuan", "round_fen", taken.alias("taken_fen"),
        (pl.col("unrefunded_fen") - pl.col("expected_fen")).fill_null(0).alias("refunded_fen"),
    )
    regular = regular.join(_beside_changes(regular), on=key, how="semi", nulls_equal=True)
    # Two rows may tell one payment, each party on its own: their base counts once.
    bases = regular.unique([*key, "payer", "payment_kind", "base_fen"], keep="any").group_by(key).agg(
        pl.col("base_fen").sum())
    series = regular.sort(
        "expected_fen", "base_fen", "insured", "tier", "policy_ref", "row_id",
        descending=[True, True, False, False, False, False], nulls_last=True,
    ).group_by(key, maintain_order=True).agg(
        (pl.col("expected_fen") + pl.col("refunded_fen")).sum().alias("full_fen"),
        pl.col("taken_fen", "refunded_fen").sum(), pl.len().alias("parties"),
        pl.col("insured", "tier", "born", "policy_ref", "policy_confidence", "row_id", "whole_yuan").first(),
        pl.col("round_fen").max(),
    ).join(bases, on=key, how="left", nulls_equal=True).with_columns(
        (pl.col("full_fen") - pl.col("taken_fen") - pl.col("refunded_fen")).alias("fen")
    ).sort(*key, nulls_last=True)
    before = [
        pl.col(name).shift(1).over(ACCOUNT, order_by="month").alias(f"was_{name}")
        for name in ["fen", "full_fen", "taken_fen", "refunded_fen", "parties", "row_id", "whole_yuan", "round_fen",
                     *_STATE]
    ]
    return series.with_columns(before).filter(
        pl.col("was_fen").is_not_null() & (pl.col("was_fen") != pl.col("fen"))
        # A sum that is only known to the yuan does not change by what a credit shows of its fen.
        & ~(pl.col("whole_yuan").fill_null(False) & pl.col("was_whole_yuan").fill_null(False)
            & ((pl.col("was_fen") - pl.col("fen")).abs() <= _WHOLE_YUAN_FEN))
    ).rename({"was_fen": "from_fen", "fen": "to_fen"})


def _beside_changes(regular: pl.DataFrame) -> pl.DataFrame:
    """The months that differ from their neighbour before in the series, and these neighbours: few of all."""
    key = [*ACCOUNT, "month"]
    last = pl.col("month", "fen").shift(1).over(ACCOUNT, order_by="month")
    series = regular.group_by(key).agg((pl.col("expected_fen").sum() - pl.col("taken_fen").sum()).alias("fen"))
    changed = series.with_columns(last.name.prefix("last_")).filter(pl.col("fen") != pl.col("last_fen"))
    return pl.concat([
        changed.select(key), changed.select(*ACCOUNT, pl.col("last_month").alias("month"))]).unique()


def rules_before(contribution: pl.DataFrame, person: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """What the policy alone says of the time before an account's first line: the last change of its rule before it.

    In: the contributions as judged and the roster. One row per account whose rule changed: person_id, region, scheme,
    first_month (of its lines), since, earliest (null: since is certain), from_share, to_share, from_fen, to_fen (on the
    base of the first line; null where the rule is not known), policy_ref, policy_confidence. Nothing here is a change
    that the export shows.
    """
    columns = {"since": pl.Date(), "earliest": pl.Date(), "from_share": pl.String(), "to_share": pl.String(),
               "from_fen": pl.Int64(), "to_fen": pl.Int64(), "policy_ref": pl.String(),
               "policy_confidence": pl.String()}
    own = contribution.filter(
        (pl.col("payment_kind").fill_null("normal") == "normal") & (pl.col("paid") != False).fill_null(True)  # noqa: E712
        & (pl.col("scheme").fill_null(SCHEME_ACCOUNT) == SCHEME_ACCOUNT) & pl.col("duplicate_of").is_null()
        & (pl.col("base_fen") > 0) & pl.col("region").is_not_null() & pl.col("accrual_month").is_not_null()
    )
    first = own.sort("accrual_month", "base_fen", "row_id").unique(
        ["person_id", "region"], keep="first", maintain_order=True
    ).join(person.select("person_id", "birth_date", pl.col("insured_status").alias("_status")), on="person_id",
           how="left", maintain_order="left").with_columns(
        pl.coalesce("insured_status", pl.when(pl.col("_status") != "retired").then("_status")).fill_null("in_service")
        .alias("insured"),
        months.index_of(pl.col("birth_date")).alias("born"), months.index_of(pl.col("accrual_month")).alias("first"),
        pl.lit(SCHEME_ACCOUNT).alias("scheme"),
    )
    starts = pl.DataFrame(
        [{"region": region, "insured": insured, "first": month, "month": months.index(start), "earliest": earliest}
         for region, insured, month in first.select("region", "insured", "first").unique().iter_rows()
         for start, earliest in [
             one for one in policy.rule_starts(region, insured) if months.index(one[0]) <= month][-1:]],
        schema={"region": pl.String(), "insured": pl.String(), "first": pl.Int32(), "month": pl.Int32(),
                "earliest": pl.Date()},
    )
    frame = first.select(
        "person_id", "accrual_month", "region", "scheme", "insured", "tier", "born", "base_fen", "first"
    ).join(starts, on=["region", "insured", "first"], how="inner", maintain_order="left")
    if frame.is_empty():
        return frame.select("person_id", "region", "scheme", pl.col("accrual_month").alias("first_month")).with_columns(
            pl.lit(None, dtype=kind).alias(name) for name, kind in columns.items())
    # The month before an uncertain start stands before all of its window.
    before = pl.coalesce(months.index_of(pl.col("earliest")), "month") - 1
    now, _ = with_rules(frame, policy)
    was, _ = with_rules(frame.with_columns(before.alias("month"), (pl.col("born") + before - pl.col("month"))), policy)
    own_share, own_amount = _share(), _rule_amount()
    told = now.select(
        "person_id", "region", "scheme", pl.col("accrual_month").alias("first_month"),
        months.date_of(pl.col("month")).alias("since"), "earliest",
        was.select(own_share).to_series().alias("from_share"), own_share.alias("to_share"),
        was.select(own_amount).to_series().alias("from_fen"), own_amount.alias("to_fen"), "policy_ref",
        pl.col("confidence").alias("policy_confidence"),
    )
    return told.filter(pl.col("to_fen").is_not_null() & pl.col("from_fen").ne_missing(pl.col("to_fen")))


# ----------------------------------------------------------------------------------------------- the substitution


def _with_stages(changes: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """``_amount_X``, ``_ref_X`` and ``_share_X`` after each stage X, and which accepted rule the two months took.

    ``_was_other`` and ``_now_other``: the cause that stands for the difference between the month's own rule and the
    accepted one its amount agrees with; null where the own rule holds or none does.
    """
    out = changes.with_row_index("_at")
    for stage, want, other in (("before", "was_full_fen", "_was_other"), ("base_change", "full_fen", "_now_other")):
        found = _by_rule(changes, _HELD[stage], want, policy)
        out = out.with_columns(
            *_stage(found, stage), found["other"].alias(other), found["other_ref"].alias(f"{other}_ref"),
            found["other_share"].alias(f"{other}_share"))
    # Most changes are of the base alone: one rule on both sides, and nothing between them to work out.
    same = (
        pl.col("insured").eq_missing(pl.col("was_insured")) & pl.col("tier").eq_missing(pl.col("was_tier"))
        & (pl.col("_ref_before") == pl.col("_ref_base_change"))
        & (pl.col("_share_before") == pl.col("_share_base_change"))
    ).fill_null(False)
    alone = out.filter(same).with_columns(
        pl.col(f"_{name}_before").alias(f"_{name}_{stage}")
        for stage in _BETWEEN for name in ("amount", "ref", "share"))
    rest = out.filter(~same)
    if rest.is_empty():
        return alone.drop("_at")
    for stage in _BETWEEN:
        rest = rest.with_columns(*_stage(_by_rule(rest, _HELD[stage], None, policy), stage))
    return pl.concat([alone, rest.select(alone.columns)]).sort("_at").drop("_at")


def _stage(found: pl.DataFrame, stage: str) -> list[pl.Series]:
    return [found["amount"].alias(f"_amount_{stage}"), found["policy_ref"].alias(f"_ref_{stage}"),
            found["share"].alias(f"_share_{stage}")]


def _by_rule(changes: pl.DataFrame, held: tuple[str, ...], want: str | None, policy: Policy) -> pl.DataFrame:
    """amount, policy_ref, share and other of each change, in its order, with the earlier state's ``held`` columns."""
    state = [pl.col(f"was_{name}").alias(name) if name in held else pl.col(name) for name in _STATE]
    if "born" in held and "month" not in held:
        # Holding the age while the month of the rule moves on means being born that much later.
        state[_STATE.index("born")] = (pl.col("was_born") + pl.col("month") - pl.col("was_month")).alias("born")
    wanted = pl.col(want).alias("_want") if want else pl.lit(None, dtype=pl.Int64).alias("_want")
    frame = changes.select("region", "scheme", *state, wanted).with_row_index("_order")
    ruled, alternatives = with_rules(frame, policy)
    ruled = ruled.with_columns(_rule_amount().alias("amount"), _share().alias("share")).sort("_order")
    other = (
        ruled.filter(pl.col("_want").is_not_null() & pl.col("amount").ne_missing(pl.col("_want")))
        .select("_order", "_rule", "_want", "base_fen", pl.col("policy_ref").alias("_own"))
        .join(alternatives, on="_rule")
        .with_columns(_rule_amount().alias("_other"), _share().alias("other_share"))
        .filter(pl.col("_other") == pl.col("_want"))
        .with_columns(pl.when(pl.col("policy_ref") != pl.col("_own")).then(pl.lit("policy_change"))
                      .otherwise(pl.lit("age_bracket")).alias("other"), pl.col("policy_ref").alias("other_ref"))
        .sort("_order", "other", "other_ref", "other_share").unique("_order", keep="first", maintain_order=True)
        .select("_order", "other", "other_ref", "other_share")
    )
    return ruled.join(other, on="_order", how="left", maintain_order="left").select(
        "amount", "policy_ref", "share", "other", "other_ref", "other_share")


def _rule_amount() -> pl.Expr:
    return (
        pl.when(pl.col("has_account") == False).then(0)  # noqa: E712  null is not "no account"
        .when(pl.col("monthly_fen").is_not_null()).then("monthly_fen")
        .otherwise(amount_by_rule(pl.col("base_fen")))
    )


def _share() -> pl.Expr:
    """``2%+1%``, ``2%``, ``2%+35.00`` or ``97.00``: what a month's rule credits, in words of no language."""
    fixed = pl.when(pl.col("employer_month_fen") > 0).then(
        pl.concat_str(pl.lit("+"), yuan(pl.col("employer_month_fen")))
    ).when(pl.col("employer_ppm") > 0).then(
        pl.concat_str(pl.lit("+"), percent(pl.col("employer_ppm")))
    ).otherwise(pl.lit(""))
    return (
        pl.when(pl.col("has_account") == False).then(pl.lit("0"))  # noqa: E712
        .when(pl.col("monthly_fen").is_not_null()).then(yuan(pl.col("monthly_fen")))
        .when(pl.col("personal_ppm").is_not_null() & pl.col("employer_ppm").is_not_null())
        .then(pl.concat_str(percent(pl.col("personal_ppm")), fixed)).otherwise(_TEXT)
    )


def _with_parts(changes: pl.DataFrame) -> pl.DataFrame:
    """One column of fen per cause, adding up to to_fen − from_fen in every row."""
    stages = list(_HELD)
    chain = {after: pl.col(f"_amount_{after}") - pl.col(f"_amount_{before}")
             for before, after in pairwise(stages)}
    # The rule of a month may be the accepted one of a neighbour: then the step is when the amounts moved, not the rule.
    was = pl.when(pl.col("_was_other").is_not_null()).then(
        pl.col("was_full_fen") - pl.col("_amount_before")).otherwise(0)
    now = pl.when(pl.col("_now_other").is_not_null()).then(
        pl.col("full_fen") - pl.col("_amount_base_change")).otherwise(0)
    moved = {
        cause: part + pl.when(pl.col("_now_other") == cause).then(now).otherwise(0)
        - pl.when(pl.col("_was_other") == cause).then(was).otherwise(0)
        for cause, part in chain.items()
    }
    slack = pl.when(pl.col("whole_yuan").fill_null(False)).then(_WHOLE_YUAN_FEN).otherwise(
        pl.max_horizontal("parties", "was_parties", "round_fen", "was_round_fen")).cast(pl.Int64)
    # By the rules: what they leave. By the base alone: an amount that keeps its ratio to the base.
    whole = pl.col("full_fen") - pl.col("was_full_fen")
    both = (pl.col("was_base_fen") > 0) & (pl.col("base_fen") > 0)
    ratio = pl.when(both).then(
        (pl.col("was_full_fen") * pl.col("base_fen") * 2 + pl.col("was_base_fen")) // (pl.col("was_base_fen") * 2)
        - pl.col("was_full_fen")
    ).otherwise(0).fill_null(0)
    out = changes.with_columns(
        *(part.alias(f"_by_{cause}") for cause, part in moved.items()), ratio.alias("_ratio"), slack.alias("_slack"))
    left = whole - pl.sum_horizontal([pl.col(f"_by_{cause}") for cause in BY_RULE], ignore_nulls=False)
    rough = whole - pl.col("_ratio")
    out = out.with_columns(left.alias("_left"), rough.alias("_rough"))
    by_rule = (pl.col("_left").abs() <= pl.max_horizontal("_slack", pl.col("_rough").abs())).fill_null(False)
    rest = pl.when(by_rule).then("_left").otherwise("_rough")
    # Where the rule of one side is not known, the rest is the first thing that is known to have changed.
    unknown = pl.col("_left").is_null()
    changed = (
        pl.when(pl.col("insured").ne_missing(pl.col("was_insured"))).then(pl.lit("status_change"))
        .when(pl.col("tier").ne_missing(pl.col("was_tier"))).then(pl.lit("tier_change"))
        .when((pl.col("_ref_policy_change") != pl.col("_ref_tier_change"))
              | (pl.col("_now_other") == "policy_change") | (pl.col("_was_other") == "policy_change"))
        .then(pl.lit("policy_change"))
    )
    out = out.with_columns(rest.alias("_rest"), by_rule.alias("_ruled")).with_columns(
        pl.when(pl.col("_rest").abs() <= pl.col("_slack")).then(pl.lit("rounding"))
        .when(unknown).then(pl.coalesce(changed, pl.lit("unexplained"))).otherwise(pl.lit("unexplained"))
        .alias("_for_rest")
    )
    parts = []
    for cause in (*BY_RULE, "rounding", "unexplained"):
        own = pl.lit(0, dtype=pl.Int64)
        if cause in moved:
            otherwise = pl.col("_ratio") if cause == "base_change" else pl.lit(0, dtype=pl.Int64)
            own = pl.when(pl.col("_ruled")).then(pl.col(f"_by_{cause}")).otherwise(otherwise)
        if cause == "base_change":  # a part of the base was refunded in one of the two months
            own = own + pl.col("was_refunded_fen") - pl.col("refunded_fen")
        parts.append((own + pl.when(pl.col("_for_rest") == cause).then("_rest").otherwise(0)).alias(cause))
    return out.with_columns(*parts, (pl.col("was_taken_fen") - pl.col("taken_fen")).alias("account_deduction"))


# ------------------------------------------------------------------------------------------------------ the words


def _with_details(changes: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """``_moved``: whether a base moved with the floor, with the cap or by itself; shares and refs of both sides."""
    now = with_limits(changes.select("region", "month"), policy)
    was = with_limits(changes.select("region", pl.col("was_month").alias("month")), policy)

    def at(limit: str) -> pl.Series:
        return changes.select(
            ((pl.col("base_fen") - now[limit]).abs() < BASE_ROUNDING_FEN)
            & ((pl.col("was_base_fen") - was[limit]).abs() < BASE_ROUNDING_FEN) & pl.lit(now[limit] != was[limit])
        ).to_series().fill_null(False)

    return changes.with_columns(
        pl.when(pl.col("was_refunded_fen") != pl.col("refunded_fen")).then(pl.lit("refund"))
        .when(at("floor_fen")).then(pl.lit("floor")).when(at("cap_fen")).then(pl.lit("cap"))
        .otherwise(pl.lit("wage")).alias("_moved"),
        pl.coalesce("_was_other_share", "_share_before").alias("from_share"),
        pl.coalesce("_now_other_share", "_share_base_change").alias("to_share"),
        pl.coalesce("_was_other_ref", "_ref_before").alias("_from_ref"),
    )


_TOLD = {
    "status_change": "人员类别由{was_insured}变为{insured}", "tier_change": "档次由{was_tier}变为{tier}",
    "policy_change": "当地规则由{from_share}变为{to_share}（{from_ref} → {to_ref}）",
    "age_bracket": "年龄到了另一档，划入由{from_share}变为{to_share}",
    "base_change": "缴费基数由{from_base}元变为{to_base}元{moved}",
    "account_deduction": "每月像是从账户代扣{taken}元（原来{was_taken}元）", "rounding": "尾数取整",
    "unexplained": "依据不足，尚不能说明",
}
_REFUNDED = "缴费退过一部分（基数下调），应划因此少{refunded}元（前一个月少{was_refunded}元）"

_MOVED = {"floor": "（当地下限调整）", "cap": "（当地上限调整）", "wage": "", "refund": ""}
_STATUS = {"in_service": "在职", "retired": "退休", "flexible": "灵活就业"}


def _rows(changes: pl.DataFrame, cause: str) -> pl.DataFrame:
    """The rows of ``step`` of one cause."""
    fields = {
        "from_share": pl.col("from_share").fill_null("不明"), "to_share": pl.col("to_share").fill_null("不明"),
        "from_ref": pl.col("_from_ref"), "to_ref": pl.col("policy_ref"), "from_base": yuan(pl.col("was_base_fen")),
        "to_base": yuan(pl.col("base_fen")), "moved": pl.col("_moved").replace_strict(_MOVED, return_dtype=pl.String),
        "was_tier": pl.col("was_tier"), "tier": pl.col("tier"), "taken": yuan(pl.col("taken_fen")),
        "was_taken": yuan(pl.col("was_taken_fen")), "refunded": yuan(pl.col("refunded_fen")),
        "was_refunded": yuan(pl.col("was_refunded_fen")),
        **{name: pl.col(name).replace_strict(_STATUS, default=pl.col(name), return_dtype=pl.String)
           for name in ("insured", "was_insured")},
    }
    def pair(name: str) -> pl.Expr:
        return pl.concat_str(pl.col(f"was_{name}").fill_null("?"), pl.lit(">"), pl.col(name).fill_null("?"))

    detail = {
        "base_change": pl.col("_moved"), "status_change": pair("insured"), "tier_change": pair("tier"),
    }.get(cause, _TEXT)
    told = fill(_TOLD[cause], fields)
    if cause == "base_change":
        same = pl.col("was_base_fen").eq_missing(pl.col("base_fen"))
        refunded = fill(_REFUNDED, fields)
        told = pl.when(pl.col("_moved") != "refund").then(told).when(same).then(refunded).otherwise(
            pl.concat_str(told, pl.lit("；"), refunded))
    named = pl.concat_str("was_row_id", "row_id", separator="; ", ignore_nulls=True)
    found = changes.with_columns(pl.col(cause).cast(pl.Int64).alias("amount_fen")).filter(pl.col("amount_fen") != 0)
    return found.select(
        "person_id", "region", "scheme", months.date_of(pl.col("month")).alias("accrual_month"), "from_fen", "to_fen",
        pl.lit(cause).alias("cause"), "amount_fen",
        pl.concat_str(
            pl.lit("每月应划从"), yuan(pl.col("from_fen")), pl.lit("元变为"), yuan(pl.col("to_fen")), pl.lit("元；"),
            told,
            pl.when(named != "").then(pl.concat_str(pl.lit(" ["), named, pl.lit("]"))).otherwise(pl.lit("")),
        ).alias("evidence"),
        "policy_ref", "policy_confidence", pl.col("was_base_fen").alias("from_base_fen"),
        pl.col("base_fen").alias("to_base_fen"), "from_share", "to_share", detail.alias("detail"),
    )
