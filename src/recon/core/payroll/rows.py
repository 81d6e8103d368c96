"""Parts as rows of ``gap`` and ``finding``: worded, with a desk, a stable id and the cause they share with others."""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.naming import finding_ids, gap_ids
from recon.core.payroll_settings import PayrollSettings
from recon.core.text import fill, yuan
from recon.labels import ACTION_FIELDS, LABEL, PAYROLL_CAUSES
from recon.tables import SCHEME_ACCOUNT, conform

# Causes that go on from month to month make one finding per payer; the others one per payer and month.
_LASTING = ("amount_differs", "base_differs", "wrong_branch", "double_enrolment")
_SUMS = {
    "deducted_not_declared": "工资扣款{ded}元，未见申报",
    "declared_not_deducted": "申报个人部分{due}元，工资扣款{ded}元",
    "amount_differs": "工资扣款{ded}元，申报个人部分{due}元，差{amount}元",
    "joiner_leaver_edge": "工资扣款{ded}元，申报个人部分{due}元",
    "double_enrolment": "同月两处参保，较小一处{estimate}元", "wrong_branch": "个人部分{estimate}元",
    "top_up_not_recovered": "申报的个人补差{amount}元，工资表未见扣回",
    "late_fee_deducted": "工资扣滞纳金或利息{amount}元",
    "base_differs": "相当于个人部分{estimate}元",
    "declared_not_paid": "申报个人部分{due}元，到账{arr}元", "unit_not_fully_paid": "合计少缴{amount}元",
    "paid_late": "个人部分{arr}元", "paid_differs_from_bank": "相差{amount}元",
    "deferred": "缓缴期内，个人部分{due}元", "refund_due": "已退费而未退还个人{amount}元",
}


def person_rows(
    parts: pl.DataFrame, rows: pl.DataFrame, covered: pl.DataFrame, settings: PayrollSettings
) -> pl.DataFrame:
    """The parts of people as rows of ``gap`` (and payer), those of one cause with its ``finding_id``."""
    facts = rows.select(
        "person_id", "month", yuan(pl.col("ded_fen")).alias("ded"), yuan(pl.col("target_fen")).alias("due"),
        yuan(pl.col("arr_fen")).alias("arr"), pl.col("arrived_on").cast(pl.String).alias("arrived"),
        pl.col("covers_payroll"),
    )
    named = parts.join(facts, on=["person_id", "month"], how="left").with_columns(
        months.date_of(pl.col("month")).alias("accrual_month"), pl.lit("payroll").alias("basis"),
        pl.lit(SCHEME_ACCOUNT).alias("scheme"), pl.col("fen").alias("amount_fen"))
    named = named.with_columns(gap_ids(named))
    size = covered.select("payer", "month", pl.col("people").alias("_size"))
    lasting = pl.col("label").is_in(list(_LASTING))
    named = named.join(size, on=["payer", "month"], how="left", nulls_equal=True).with_columns(
        pl.concat_str(pl.lit("payroll"), pl.col("payer").fill_null(""), pl.col("region").fill_null(""), "label",
                      pl.col("cause").fill_null(""), "status",
                      pl.when(lasting).then(pl.lit("")).otherwise(pl.col("month").cast(pl.String)), separator="|")
        .alias("_cohort"))
    in_month = pl.col("person_id").n_unique().over("_cohort", "month")
    wide = (in_month >= settings.cohort_people) & (in_month * 100 >= pl.col("_size") * settings.cohort_percent)
    named = named.with_columns(wide.any().over("_cohort").alias("_wide"), pl.lit(None, dtype=pl.String).alias("since"))
    named = named.with_columns(
        pl.when(pl.col("_wide") & (pl.col("label") != "joiner_leaver_edge")).then("_cohort").alias("_finding"))
    return named.with_columns(finding_ids(named["_finding"]), *_words())


def unit_rows(units: pl.DataFrame, absorbed: pl.DataFrame) -> pl.DataFrame:
    """One row of ``gap`` per payer's month, person_id null, each its own finding; plus payer, people and since."""
    shifts = absorbed.filter(pl.col("cause") == "offset_shift").select(
        "payer", "region", "month", "label", "cause", "fen", "people",
        pl.when(pl.col("fen") == 0).then(pl.lit("resolved")).otherwise(pl.lit("open")).alias("status"),
        pl.concat_str(
            pl.lit("从"), "since", pl.lit("的工资起，扣款对应的所属月份由"), _signed("before"), pl.lit("变为"),
            _signed("after"), pl.lit("（相对发薪月）"),
        ).alias("why"),
        pl.lit("").alias("rows"), pl.lit("").alias("arrived"), "since",
    )
    held = absorbed.filter(pl.col("label") == "unit_not_fully_paid").group_by("payer", "month").agg(
        pl.col("people").sum().alias("_people"), pl.col("fen").sum().alias("_held"))
    plain = units.with_columns(pl.lit(None, dtype=pl.String).alias("since"))
    every = pl.concat([plain, shifts.select(plain.columns)]).join(
        held, on=["payer", "month"], how="left", nulls_equal=True)
    is_short = pl.col("label") == "unit_not_fully_paid"
    every = every.with_columns(
        pl.when(is_short).then(pl.coalesce("_people", "people")).otherwise("people").alias("people"),
        pl.when(is_short).then(pl.col("_held")).alias("estimated_fen"),
        months.date_of(pl.col("month")).alias("accrual_month"), pl.lit("payroll").alias("basis"),
        pl.lit(SCHEME_ACCOUNT).alias("scheme"), pl.col("fen").alias("amount_fen"),
        pl.lit(None, dtype=pl.String).alias("person_id"), pl.lit("").alias("ded"), pl.lit("").alias("due"),
        pl.lit("").alias("arr"),
        pl.concat_str(pl.lit("unit"), pl.col("payer").fill_null(""), pl.col("region").fill_null(""), "label",
                      pl.col("cause").fill_null(""), pl.col("month").cast(pl.String), separator="|").alias("_finding"),
    ).drop("_people", "_held")
    # Several debits of one month under one cause are one row.
    every = every.group_by("_finding", maintain_order=True).agg(
        pl.col("amount_fen", "fen").sum(), pl.col("people").max(),
        pl.col("why").str.join("；"), pl.col("rows").filter(pl.col("rows") != "").str.join("; "),
        pl.exclude("_finding", "amount_fen", "fen", "people", "why", "rows").first())
    return every.with_columns(gap_ids(every), finding_ids(every["_finding"]), *_words())


def as_gap(*frames: pl.DataFrame) -> pl.DataFrame:
    """The rows of table ``gap``."""
    return pl.concat([conform(frame, "gap") for frame in frames]).sort(
        "person_id", "region", "accrual_month", "label", "cause", nulls_last=True)


def findings(people: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The rows of table ``finding``: one per cause that hit many, and one per payer's month."""
    frames = []
    for frame, is_unit in ((people, False), (units, True)):
        named = frame.filter(pl.col("finding_id").is_not_null())
        count = pl.col("people").max() if is_unit else pl.col("person_id").n_unique()
        rows = named.group_by("finding_id").agg(
            pl.col("basis", "label", "cause", "owner", "payer", "region", "why", "since").sort(nulls_last=True).first(),
            pl.lit("payer").alias("scope"), count.cast(pl.Int32).alias("people"), pl.col("amount_fen").sum(),
            pl.col("accrual_month").min().dt.strftime("%Y-%m").alias("_from"),
            pl.col("accrual_month").max().dt.strftime("%Y-%m").alias("_to"),
            pl.col("arrived").sort(nulls_last=True).first(), pl.col("estimated_fen").sum().alias("_estimated"),
        ).with_columns(
            pl.when(pl.col("_from") == pl.col("_to")).then("_from").otherwise(
                pl.concat_str("_from", pl.lit("至"), "_to")).alias("_span"))
        fields = {
            "month": pl.col("_span"), "arrived": pl.col("arrived"), "region": pl.col("region"),
            "due": pl.coalesce("since", pl.lit("见明细")),
            "amount": yuan(pl.when(pl.col("amount_fen") != 0).then(pl.col("amount_fen").abs()).otherwise("_estimated")),
        }
        why = pl.when(pl.lit(is_unit) & (pl.col("why") != "")).then(
            pl.concat_str(pl.lit("："), "why")).otherwise(pl.lit(""))
        who = pl.when(pl.col("people") > 0).then(
            pl.concat_str(pl.lit("，"), pl.col("people").cast(pl.String), pl.lit("人"))).otherwise(pl.lit(""))
        frames.append(conform(rows.with_columns(
            pl.concat_str(
                pl.col("payer").fill_null("全部缴费主体"), pl.lit(" "), pl.col("region").fill_null(""), pl.lit(" "),
                "_span", who, why,
            ).alias("evidence"),
            _by_cause({(one.label, one.code): one.action for one in PAYROLL_CAUSES}, fields).alias("action"),
        ), "finding"))
    return pl.concat(frames).sort("finding_id")


# ------------------------------------------------------------------------------------------------------------ words


def _signed(column: str) -> pl.Expr:
    return pl.when(pl.col(column) > 0).then(pl.concat_str(pl.lit("+"), pl.col(column).cast(pl.String))).otherwise(
        pl.col(column).cast(pl.String))


def _words() -> list[pl.Expr]:
    """evidence, counter_check, owner and action from the catalogue."""
    money = pl.when(pl.col("amount_fen") != 0).then(pl.col("amount_fen").abs()).otherwise(pl.col("estimated_fen"))
    fields = {
        "month": pl.col("accrual_month").dt.strftime("%Y-%m"), "amount": yuan(money.fill_null(0)),
        "arrived": pl.col("arrived").fill_null("（记录未列）"), "region": pl.col("region").fill_null(""),
        "due": pl.coalesce("since", pl.lit("见依据")),
    }
    assert set(fields) == set(ACTION_FIELDS)
    sums = {
        "ded": pl.col("ded"), "due": pl.col("due"), "arr": pl.col("arr"), "amount": yuan(pl.col("amount_fen").abs()),
        "estimate": yuan(pl.col("estimated_fen").fill_null(0)),
    }
    sentence: pl.Expr = pl.lit("")
    for label, template in _SUMS.items():
        sentence = pl.when(pl.col("label") == label).then(fill(template, sums)).otherwise(sentence)
    whole = pl.concat_str(pl.lit("合计"), sums["amount"], pl.lit("元"))
    sentence = pl.when(pl.col("person_id").is_null()).then(whole).otherwise(sentence)
    why = pl.when(pl.col("why").fill_null("") != "").then(pl.concat_str(pl.lit("；"), "why")).otherwise(pl.lit(""))
    rows = pl.when(pl.col("rows").fill_null("") != "").then(
        pl.concat_str(pl.lit(" ["), "rows", pl.lit("]"))).otherwise(pl.lit(""))
    owners = {(one.label, one.code): one.owner for one in PAYROLL_CAUSES}
    settled = pl.col("status") == "resolved"
    return [
        pl.concat_str(sentence, why, rows).alias("evidence"),
        pl.when(settled).then(pl.lit("nobody")).otherwise(_by_cause(owners, {})).alias("owner"),
        _by_cause({(one.label, one.code): one.action for one in PAYROLL_CAUSES}, fields).alias("action"),
        pl.when(settled).then(pl.lit(None, dtype=pl.String)).otherwise(_checks()).alias("counter_check"),
    ]


_CHECKS = {
    "deducted_not_declared": "已排除：扣款月份与所属月份的错位、相邻月份补申报、入离职当月、两处参保、申报未覆盖的月份",
    "declared_not_deducted": "已排除：扣款月份与所属月份的错位、相邻月份补扣、入离职当月、工资表未覆盖的月份",
    "declared_not_paid": "已排除：征收期未结束、缓缴、单位合计少缴、到账记录未覆盖的月份；账单不作为依据",
    "top_up_not_recovered": "已排除：以后月份扣回、并在正常扣款里扣回",
    "paid_differs_from_bank": "已排除：几笔合缴一个月、一笔合缴几个月、滞纳金和利息",
}


def _checks() -> pl.Expr:
    check: pl.Expr = pl.lit(None, dtype=pl.String)
    for label, text in _CHECKS.items():
        assert label in LABEL
        check = pl.when(pl.col("label") == label).then(pl.lit(text)).otherwise(check)
    return check


def _by_cause(texts: dict[tuple[str, str | None], str], fields: dict[str, pl.Expr]) -> pl.Expr:
    """The text of each row's label and cause, its fields filled."""
    chosen: pl.Expr = pl.lit("")
    for (label, code), text in texts.items():
        same = pl.col("cause").is_null() if code is None else pl.col("cause") == code
        value = fill(text, fields) if fields else pl.lit(text)
        chosen = pl.when((pl.col("label") == label) & same).then(value).otherwise(chosen)
    return chosen
