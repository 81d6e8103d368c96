"""The result table ``month``: one row per account and accrual month, its parts summed up into one answer."""

from __future__ import annotations

from functools import cache

import polars as pl

from recon.core import months
from recon.core.gaps import KEY, rows_named
from recon.core.text import listed, yuan
from recon.labels import LABEL_ORDER, STATUSES, verdict
from recon.tables import ACCOUNT, conform

_STATUS_RANK = {status: rank for rank, status in enumerate(STATUSES)}
_LABEL_RANK = {label: rank for rank, label in enumerate(LABEL_ORDER)}
_NEVER_HEADLINE = ("pooled_share", "flat_fee")
ROWS_NAMED = 4  # of each side, in the evidence of a month


def month_table(
    lines: pl.DataFrame, links: pl.DataFrame, gap: pl.DataFrame, margins: pl.DataFrame, person: pl.DataFrame
) -> pl.DataFrame:
    """The table ``month`` (see DESIGN sections 3 and 7)."""
    lines = lines.join(margins, on="line", how="left", maintain_order="left").with_columns(_confidence())
    rows = _sums(lines).join(_links(links), on=KEY, how="full", coalesce=True, nulls_equal=True)
    rows = rows.with_columns(
        pl.col("contributed_fen", "credited_fen", "credited_on_time_fen").fill_null(0)
    )
    headline, money = _headline(gap), _money(gap)
    key = ["person_id", "region", "scheme", "accrual_month"]
    rows = (
        rows.with_columns(months.date_of(pl.col("month")).alias("accrual_month"))
        .join(headline, on=key, how="left", nulls_equal=True).join(money, on=key, how="left", nulls_equal=True)
        .join(_alternatives(lines), on=KEY, how="left", nulls_equal=True)
        .join(person.select("person_id", pl.col("person_name").alias("_name"), "employee_no",
                            pl.col("employer").alias("_employer"), pl.col("payer").alias("_payer")),
              on="person_id", how="left")
    )
    unknown = pl.col("has_unknown").fill_null(False)
    rows = rows.with_columns(
        pl.coalesce("_name", "person_name").alias("person_name"),
        pl.coalesce("employer", "_employer").alias("employer"), pl.coalesce("raw_payer", "_payer").alias("payer"),
        pl.when(unknown).then(None).otherwise(pl.col("pooled_sum").fill_null(0)).alias("pooled_fen"),
        pl.when(unknown).then(None).otherwise(pl.col("flat_sum").fill_null(0)).alias("flat_fen"),
        pl.col("label").fill_null("on_time"), pl.col("status").fill_null("explained"),
    )
    late = (pl.col("label") == "on_time") & pl.col("is_paid_late").fill_null(False)
    rows = rows.with_columns(
        pl.when(late).then(pl.lit("paid_late")).otherwise(pl.col("cause")).alias("cause"),
        pl.when(~pl.col("bare")).then(pl.col("expected_sum")).otherwise(None).alias("expected_fen"),
    )
    rows = _with_verdict(rows).with_columns(_evidence().alias("evidence"))
    return conform(rows.sort(key, nulls_last=True), "month")


def _confidence() -> pl.Expr:
    """How sure: proved, undecided or probable; null where no link was in question."""
    asked = pl.col("in_question").fill_null(False) & pl.col("has_export")
    return (
        pl.when(~asked).then(None)
        .when(pl.col("tied")).then(pl.lit("undecided"))
        .when(pl.col("bounded")).then(pl.lit("probable"))
        .when(pl.col("proved")).then(pl.lit("proved"))
        .otherwise(pl.lit("probable")).alias("line_confidence")
    )


def _sums(lines: pl.DataFrame) -> pl.DataFrame:
    regular = ~pl.col("is_side") & (pl.col("payment_kind") != "refund") & ~pl.col("netted")
    paid_lag = pl.when(pl.col("row_id").is_not_null() & (pl.col("paid") == True) & regular).then(  # noqa: E712
        pl.col("arrival") - pl.col("month"))
    own = ~pl.col("is_side") & ~pl.col("absent")
    due = pl.when((pl.col("label") == "refund_due").fill_null(False) | (pl.col("settled") & (pl.col("paid") == False)))  # noqa: E712
    biggest = pl.col("total_fen").abs()
    return lines.group_by(KEY).agg(
        pl.col("person_name").min(),
        pl.col("employer").sort_by(biggest, pl.col("employer"), descending=[True, False], nulls_last=True).first(),
        pl.col("raw_payer").sort_by(biggest, pl.col("raw_payer"), descending=[True, False], nulls_last=True).first(),
        pl.col("contributed_fen").sum(),
        due.then(0).otherwise(pl.col("expected_fen")).filter(own).sum().alias("expected_sum"),
        # Nothing is known of the amount when a line that counts has no known amount.
        (pl.col("expected_fen").is_null() & own & (pl.col("label") != "refund_due").fill_null(True)).any()
        .alias("bare"),
        paid_lag.max().cast(pl.Int32).alias("paid_lag_months"),
        pl.col("is_paid_late").any().alias("is_paid_late"),
        pl.col("margin").min(),
        pl.col("line_confidence").replace_strict(
            {"undecided": 0, "probable": 1, "proved": 2}, default=None, return_dtype=pl.Int8
        ).min().replace_strict({0: "undecided", 1: "probable", 2: "proved"}, default=None, return_dtype=pl.String)
        .alias("confidence"),
        pl.col("other_rule").any().alias("other_rule"), pl.col("policy_ref").min(),
        (pl.col("policy_confidence") == "inferred").any().fill_null(False).alias("is_inferred"),
    ).join(listed(lines, KEY, ["row_id"], ROWS_NAMED, "line_rows"), on=KEY, how="left", nulls_equal=True)


def _links(links: pl.DataFrame) -> pl.DataFrame:
    return links.group_by(KEY).agg(
        pl.col("amount_fen").sum().alias("credited_fen"),
        pl.col("amount_fen").filter(~pl.col("is_late")).sum().alias("credited_on_time_fen"),
        pl.col("lag").max().cast(pl.Int32).alias("lag_months"),
        pl.col("posted_on").max().cast(pl.String).alias("posted_last"),
    ).join(listed(links, KEY, ["flow_row_id"], ROWS_NAMED, "flow_rows"), on=KEY, how="left", nulls_equal=True)


def _headline(gap: pl.DataFrame) -> pl.DataFrame:
    """label, cause, status: the part with the worst status, of equals the largest, of equals the first in the table."""
    shown = gap.filter(~pl.col("label").is_in(_NEVER_HEADLINE)).with_columns(
        pl.col("status").replace_strict(_STATUS_RANK, return_dtype=pl.Int8).alias("_status"),
        pl.col("label").replace_strict(_LABEL_RANK, return_dtype=pl.Int8).alias("_label"),
        pl.col("amount_fen").abs().alias("_size"),
    )
    key = ["person_id", "region", "scheme", "accrual_month"]
    return shown.sort(
        *key, "_status", "_size", "_label", "cause", descending=[False] * 5 + [True, False, False], nulls_last=True
    ).group_by(key, maintain_order=True).agg(
        pl.col("label", "cause", "status", "evidence").first(),
        (pl.col("status") == "unknown").any().alias("has_unknown"),
    ).rename({"evidence": "part_evidence"})


def _money(gap: pl.DataFrame) -> pl.DataFrame:
    key = ["person_id", "region", "scheme", "accrual_month"]
    return gap.group_by(key).agg(
        pl.col("amount_fen").filter(pl.col("label") == "pooled_share").sum().alias("pooled_sum"),
        pl.col("amount_fen").filter(pl.col("label") == "flat_fee").sum().alias("flat_sum"),
    )


def _alternatives(lines: pl.DataFrame) -> pl.DataFrame:
    """For each undecided month, the other months that are open in tied answers."""
    if not (lines["line_confidence"] == "undecided").any():
        return lines.clear().select(*KEY, pl.lit(None, dtype=pl.String).alias("alternatives"))
    tied = lines.filter((pl.col("line_confidence") == "undecided") & pl.col("openable").fill_null(False)).select(
        *ACCOUNT, pl.col("month").alias("_other")
    ).unique()
    asked = lines.filter(pl.col("line_confidence") == "undecided").select(KEY).unique()
    return (
        asked.join(tied, on=ACCOUNT, how="left", nulls_equal=True).filter(pl.col("_other") != pl.col("month"))
        .sort(*KEY, "_other", nulls_last=True).group_by(KEY, maintain_order=True)
        .agg(months.date_of(pl.col("_other")).dt.strftime("%Y-%m").str.join(";").alias("alternatives"))
    )


def _with_verdict(rows: pl.DataFrame) -> pl.DataFrame:
    kinds = rows.select("label", "cause", "status").unique()
    named = kinds.with_columns(
        pl.Series("verdict", [verdict(*kind) for kind in kinds.iter_rows()], dtype=pl.String)
    )
    return rows.join(named, on=["label", "cause", "status"], how="left", nulls_equal=True)


@cache
def _evidence() -> pl.Expr:
    """The headline part's evidence, or what was due and came; undecided months name what would settle them."""
    plain = pl.concat_str(
        pl.lit("应划"), yuan(pl.col("expected_fen")), pl.lit("元，已划"), yuan(pl.col("credited_fen")), pl.lit("元"),
        pl.when(pl.col("posted_last").is_not_null())
        .then(pl.concat_str(pl.lit("（"), pl.col("posted_last"), pl.lit("）"))).otherwise(pl.lit("")),
        pl.when(pl.col("other_rule").fill_null(False)).then(
            pl.concat_str(pl.lit("；按交界另一侧的规则接受（"), pl.col("policy_ref").fill_null("?"), pl.lit("）"))
        ).otherwise(pl.lit("")),
        pl.when(pl.col("is_inferred").fill_null(False)).then(
            pl.concat_str(pl.lit("；应划由当地多数人的划入推断（"), pl.col("policy_ref").fill_null("?"), pl.lit("）"))
        ).otherwise(pl.lit("")),
        rows_named(),
    )
    undecided = pl.when(pl.col("confidence") == "undecided").then(pl.concat_str(
        pl.lit("；差额确定，月份不能确定（也可能是"), pl.col("alternatives").fill_null("相邻月份"),
        pl.lit("），带所属期的个人账户明细可以定"),
    )).otherwise(pl.lit(""))
    return pl.concat_str(pl.coalesce("part_evidence", plain), undecided)
