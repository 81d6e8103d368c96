"""Parts as rows of the result table ``gap``: named, evidenced, with a desk and a sentence for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl

from recon.core import months
from recon.core.context import Context
from recon.core.judge import is_judged
from recon.core.naming import finding_ids, gap_ids
from recon.core.text import fill, listed, yuan
from recon.labels import ACTION_FIELDS, CAUSES, COUNTER_CHECKS, FINDING_ACTIONS
from recon.tables import conform, empty

KEY = ["person_id", "region", "scheme", "month"]
COHORT_PEOPLE = 5
COHORT_PERCENT = 50
NAMED_IN_EVIDENCE = 6


def gap_table(
    parts: pl.DataFrame, lines: pl.DataFrame, links: pl.DataFrame, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The credit-basis rows of ``gap``: parts of equal month, label, cause and status added up.

    Second: finding_id, payer of the findings that are about one payer.
    """
    clock = lines.select(
        pl.col("line").cast(pl.UInt32), months.date_of(pl.col("due")).alias("_due"),
        # Only what the record says: an accrual month that stands in as the clock is no day of arrival.
        pl.coalesce(
            pl.col("arrival_day").cast(pl.String), pl.col("booked_month").dt.strftime("%Y-%m")
        ).alias("_arrived"),
    )
    rows = parts.join(clock, on="line", how="left").group_by([*KEY, "label", "cause", "status"]).agg(
        pl.col("_due").max().dt.strftime("%Y-%m").alias("due_text"), pl.col("_arrived").min().alias("arrived"),
        pl.col("amount_fen").sum(), pl.col("estimated_fen").sum(),
        pl.col("estimated_fen").is_not_null().any().alias("_e"),
    ).with_columns(pl.when("_e").then(pl.col("estimated_fen")).alias("estimated_fen"))
    facts = month_facts(lines, links)
    rows = rows.join(facts, on=KEY, how="left", nulls_equal=True).with_columns(
        months.date_of(pl.col("month")).alias("accrual_month"), pl.lit("credit").alias("basis"),
    )
    retired = pl.lit("（退休，不缴费）")
    unstated = pl.col("arrived").fill_null("（记录未列）")
    rows = rows.with_columns(pl.when("is_retiree").then(retired).otherwise(unstated).alias("arrived"))
    rows = rows.with_columns(gap_ids(rows))
    # Label by label, so that a row is not asked for the sentences of all others.
    by_label = rows.partition_by("label", as_dict=True) or {(None,): rows}
    rows = pl.concat([
        part.with_columns(evidence_of(label).alias("evidence"), *_desk(label))
        for (label,), part in by_label.items()
    ])
    rows = _with_finding(rows, context)
    order = ["person_id", "region", "scheme", "accrual_month", "label", "cause", "status"]
    payers = rows.filter("_of_payer").select("finding_id", "payer").unique("finding_id")
    return conform(rows.sort(order, nulls_last=True), "gap"), payers


def month_facts(lines: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Per month: payer, what was due and came, and the row_ids of its lines and links for the evidence."""
    own = lines.group_by(KEY).agg(
        pl.col("weak").any().alias("is_weak"),
        pl.col("payer").min().alias("payer"),
        (pl.col("stream") == "retiree").any().alias("is_retiree"),
        pl.col("run_late").any().alias("is_run"),
        pl.col("undone_rows").is_not_null().any().alias("is_undone"),
        (pl.col("paid") == False).any().alias("is_unpaid"),  # noqa: E712
        pl.col("policy_ref").min().alias("ref"),
        pl.col("other_rule").any().alias("other_rule"), pl.col("taken_months").min(),
        # Null where nobody can say what any of its lines is due: unknown is never zero.
        pl.when(is_judged().any()).then(pl.col("judged_fen").sum()).alias("judged"),
        pl.col("taken_fen").sum().alias("taken"),
        pl.concat_str(pl.col("hole_from").min().cast(pl.String), pl.lit("至"), pl.col("hole_to").max().cast(pl.String))
        .alias("hole"),
    )
    came = links.group_by(KEY).agg(
        pl.col("posted_on").max().cast(pl.String).alias("posted_last"),
        pl.col("amount_fen").sum().alias("came"),
    )
    named = ["row_id", "neighbours", "other_rows", "undone_rows"]
    line_rows = listed(lines, KEY, named, NAMED_IN_EVIDENCE, "line_rows")
    flow_rows = listed(links, KEY, ["flow_row_id"], NAMED_IN_EVIDENCE, "flow_rows")
    return (
        own.join(came, on=KEY, how="full", coalesce=True, nulls_equal=True)
        .join(line_rows, on=KEY, how="left", nulls_equal=True).join(flow_rows, on=KEY, how="left", nulls_equal=True)
        .with_columns(
            pl.col("came").fill_null(0), pl.col("payer").fill_null(""), pl.col("other_rule").fill_null(False),
        )
    )


_SENTENCES = {
    "pooled_share:paid": "由统筹基金支付{amount}元",
    "pooled_share": "进统筹基金{amount}元",
    "flat_fee": "定额{amount}元，不进个人账户",
    "no_account": "该档次没有个人账户，缴费{amount}元",
    "delay:resolved": "其中{amount}元于{posted}划入，晚于应划月{due}",
    "delay": "应划{amount}元，应划月{due}，尚未见划入",
    "missing_month:credit_missing": "缴费到账{arrived}，应划{amount}元（应划月{due}），明细中未见划入",
    "missing_month:contribution_unpaid": "缴费记录写明未到账",
    "missing_month:contribution_missing": "前后各月都有缴费记录，或在职期间内，缴费明细中未见这个月",
    "missing_month:other_identity": "缴费到账{arrived}，应划{amount}元未见划入；同名或差一处的另一编号下同月有同额",
    "missing_month:not_allocated": "已于国库入账，尚未分到个人；应划{amount}元（应划月{due}）未见划入",
    "top_up:resolved": "补差{amount}元于{posted}划入，晚于应划月{due}",
    "top_up": "补差缴费到账{arrived}，应划{amount}元（应划月{due}），未见划入",
    "short_credit": "应划{judged}元，已划{came}元，少{amount}元",
    "over_credit": "已划{came}元，应划{judged}元",
    "clawback:over": "应划{judged}元，已划{came}元；多的{amount}元后来从{months}的划入里扣回",
    "clawback": "应划{judged}元，已划{came}元；少的{amount}元正是{months}多划的合计，由这一笔扣回",
    "account_deduction": "应划{judged}元，已划{came}元；少的{amount}元每次（或同地多人同月）相同，像是账户代扣的保费",
    "refund_due": "同月另有一笔全额缴费，这笔{amount}元应退",
    "policy_unknown": "已划{came}元；当地当时的规则不明，估算应划{judged}元",
    "policy_unknown:unestimated": "已划{came}元；当地当时的规则不明，应划多少也无法估算",
    "data_incomplete:contribution_unseen": "已划{came}元，与前后各月应划相同或相近；所给缴费明细没有这个月的到账缴费",
    "data_incomplete:billed_only": "只有账单或申报（{estimate}元），没有到账记录",
    "data_incomplete:arrival_unsaid": "缴费记录里的这一行没有写明是否到账（{estimate}元），也没有到账日期",
    "data_incomplete:deferred": "缴费记录写明缓缴（{estimate}元），还没有到账",
    "data_incomplete:rows_missing": "估算应划{estimate}元（应划月{due}）；所给明细在{hole}之间缺行（余额接不上）",
    "data_incomplete:unestimated": "应划月{due}，应划多少无法估算，所给明细不能判断",
    "data_incomplete": "估算应划{estimate}元（应划月{due}），所给明细不能判断",
}


_DUE = pl.col("due_text").fill_null("不明")  # of a line that names neither its arrival nor its booking


@cache
def evidence_of(label: str | None = None) -> pl.Expr:
    """A sentence and the row_ids that reproduce its amounts; works on a frame with :func:`month_facts` joined.

    ``label`` where all rows have it: the sentences of others are then left out.
    """
    fields = {
        "amount": yuan(pl.col("amount_fen").abs()), "arrived": pl.col("arrived"), "due": _DUE,
        "posted": pl.col("posted_last"), "came": yuan(pl.col("came")), "judged": yuan(pl.col("judged")),
        "estimate": yuan(pl.col("estimated_fen").fill_null(0)), "hole": pl.col("hole"),
        "months": pl.col("taken_months"),
    }
    key = pl.concat_str(pl.col("label"), pl.lit(":"), pl.coalesce(
        pl.when(pl.col("status") == "resolved").then(pl.lit("resolved")),
        pl.when((pl.col("label") == "pooled_share") & (pl.col("amount_fen") < 0)).then(pl.lit("paid")),
        pl.when((pl.col("label") == "clawback") & (pl.col("amount_fen") < 0)).then(pl.lit("over")),
        pl.when(pl.col("judged").is_null() & ((pl.col("label") == "policy_unknown") | (
            (pl.col("label") == "data_incomplete") & pl.col("estimated_fen").is_null()))).then(pl.lit("unestimated")),
        "cause",
        pl.lit(""),
    ))
    # General sentences first, so that the specific ones (label:cause) laid over them win.
    sentence: pl.Expr = pl.lit("")
    for name, template in sorted(_SENTENCES.items(), key=lambda item: ":" in item[0]):
        if label is not None and name.partition(":")[0] != label:
            continue
        test = key == name if ":" in name else pl.col("label") == name
        sentence = pl.when(test).then(fill(template, fields)).otherwise(sentence)
    rule = pl.when(pl.col("other_rule")).then(
        pl.concat_str(pl.lit("；按交界另一侧的规则接受（"), pl.col("ref").fill_null("?"), pl.lit("）"))
    ).otherwise(pl.lit(""))
    weak = pl.col("is_weak").fill_null(False) & pl.col("label").is_in(["missing_month", "delay", "top_up"])
    estimated = pl.when(weak).then(pl.lit("；应划为估算")).otherwise(pl.lit(""))
    undone = pl.when(pl.col("is_undone").fill_null(False) & (pl.col("label") == "missing_month")).then(
        pl.lit("；曾划入，后被红冲")).otherwise(pl.lit(""))
    taken = pl.when((pl.col("taken").fill_null(0) > 0) & (pl.col("label") == "short_credit")).then(
        pl.concat_str(pl.lit("，另有"), yuan(pl.col("taken")), pl.lit("元每次相同，像是账户代扣"))
    ).otherwise(pl.lit(""))
    unpaid = pl.when(pl.col("is_unpaid").fill_null(False) & (pl.col("cause") == "contribution_unseen")).then(
        pl.lit("（写明未到账）")).otherwise(pl.lit(""))
    return pl.concat_str(sentence, unpaid, taken, rule, estimated, undone, rows_named())


def rows_named() -> pl.Expr:
    """The row_ids behind an answer, in brackets; nothing where a month has no row of its own."""
    rows = pl.concat_str(pl.col("line_rows"), pl.col("flow_rows"), separator="; ", ignore_nulls=True)
    return pl.when(rows != "").then(pl.concat_str(pl.lit(" ["), rows, pl.lit("]"))).otherwise(pl.lit(""))


@cache
def _desk(label: str | None = None) -> list[pl.Expr]:
    """owner, action and counter_check from the catalogue of causes; ``label`` where all rows have it."""
    fields = {
        "month": pl.col("accrual_month").dt.strftime("%Y-%m"), "arrived": pl.col("arrived"),
        "amount": yuan(pl.coalesce(
            pl.when(pl.col("amount_fen") != 0).then(pl.col("amount_fen").abs()), "estimated_fen", pl.lit(0))),
        "region": pl.col("region"), "due": _DUE,
    }
    assert set(fields) == set(ACTION_FIELDS)
    owner: pl.Expr = pl.lit("nobody")
    action: pl.Expr = pl.lit("")
    causes = [cause for cause in CAUSES if label in (None, cause.label)]
    for cause in causes:
        same = pl.col("cause").is_null() if cause.code is None else pl.col("cause") == cause.code
        test = (pl.col("label") == cause.label) & same
        owner = pl.when(test).then(pl.lit(cause.owner)).otherwise(owner)
        action = pl.when(test).then(fill(cause.action, fields)).otherwise(action)
    settled = pl.col("status") == "resolved"
    check: pl.Expr = pl.lit(None, dtype=pl.String)
    for name, text in COUNTER_CHECKS.items():
        if label not in (None, name) and all(cause.code != name for cause in causes):
            continue
        test = (pl.col("cause") == name) | ((pl.col("label") == name) & pl.col("cause").is_null())
        check = pl.when(test & ~settled).then(pl.lit(text)).otherwise(check)
    return [
        pl.when(settled).then(pl.lit("nobody")).otherwise(owner).alias("owner"),
        pl.when(settled).then(pl.lit("已划入，无需处理。")).otherwise(action).alias("action"),
        check.alias("counter_check"),
    ]


# ------------------------------------------------------------------------------------------------------ findings


def _with_finding(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``finding_id`` where one cause hit many: by the context's cohorts, so that sharding changes nothing.

    ``_of_payer``: whether the finding is about the row's payer alone.
    """
    credit_wide = context.cohort.filter(
        (pl.col("people") >= COHORT_PEOPLE)
        & ((pl.col("people") - pl.col("credited")) * 100 >= pl.col("people") * COHORT_PERCENT)
    ).select("payer", "region", "scheme", "month", pl.lit(True).alias("_credit_wide"))
    paid_wide = context.unpaid.filter(
        (pl.col("people") >= COHORT_PEOPLE) & (pl.col("unpaid") * 100 >= pl.col("people") * COHORT_PERCENT)
    ).select("payer", "region", "scheme", "month", pl.lit(True).alias("_paid_wide"))
    key = ["payer", "region", "scheme", "month"]
    rows = rows.join(credit_wide, on=key, how="left", nulls_equal=True).join(
        paid_wide, on=key, how="left", nulls_equal=True
    )
    unsettled = pl.col("status").is_in(["open", "pending", "unknown"])
    by_month = unsettled & (
        (pl.col("_credit_wide").fill_null(False) & pl.col("cause").is_in(["credit_missing", "late", "not_allocated"]))
        | (pl.col("_paid_wide").fill_null(False) & (pl.col("cause") == "contribution_unpaid"))
    )
    no_export = pl.col("cause") == "no_account_export"
    absent = pl.col("cause") == "contribution_missing"
    unseen = pl.col("cause") == "contribution_unseen"
    silent = context.silent.select(*key, pl.lit(True).alias("_silent"))
    silent_region = context.silent.select(*key[1:], pl.lit(True).alias("_region_silent")).unique()
    rows = rows.join(silent, on=key, how="left", nulls_equal=True).join(
        silent_region, on=key[1:], how="left", nulls_equal=True
    )
    run = pl.col("is_run").fill_null(False) & (pl.col("label") == "delay") & (pl.col("cause") == "late")
    in_region = run | (unseen & pl.col("_region_silent").fill_null(False))
    place = pl.col("region").fill_null("")
    at = pl.col("month").cast(pl.String)

    def name(*parts: pl.Expr | str) -> pl.Expr:
        return pl.concat_str(*parts, separator="|")

    named = rows.with_columns(
        pl.when(run).then(name(pl.lit("region"), place, "scheme", at, "cause"))
        .when(in_region).then(name(pl.lit("file"), place, "scheme", at, "cause"))
        .when(absent & pl.col("_silent").fill_null(False))
        .then(name(pl.lit("payer"), "payer", place, "scheme", at, "cause"))
        .when(by_month)
        .then(name(pl.lit("payer"), "payer", place, "scheme", at, "label", pl.col("cause").fill_null("")))
        .when(no_export).then(name(pl.lit("file"), "payer", place))
        .alias("_finding"),
    )
    return named.with_columns(
        finding_ids(named["_finding"]), (pl.col("_finding").is_not_null() & ~in_region).alias("_of_payer"))


def counted_members(gap: pl.DataFrame, payers: pl.DataFrame) -> pl.DataFrame:
    """One row per finding with its members at hand counted, from the gap rows that point to it.

    payers: those of :func:`gap_table`; a finding about a whole region names none. What several groups of people give
    is put together by :func:`added_members`.
    """
    return gap.filter(pl.col("finding_id").is_not_null()).group_by("finding_id").agg(
        pl.col(_ALIKE).sort().first(),
        (pl.col("status") == "resolved").any().alias("is_run"),
        pl.col("person_id").n_unique().cast(pl.Int32).alias("people"),
        pl.when(pl.col("cause") == "no_account_export").then(0).otherwise(pl.col("amount_fen")).sum()
        .alias("amount_fen"),
        pl.col("accrual_month").min().alias("from"), pl.col("accrual_month").max().alias("to"),
    ).join(payers, on="finding_id", how="left").with_columns(pl.col("payer").replace("", None))


_ALIKE = ("basis", "label", "cause", "owner", "region")


def added_members(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Of :func:`counted_members` of several groups of people: those of all."""
    if len(parts) == 1:
        return parts[0]
    rows = pl.concat(parts)
    return rows.group_by("finding_id").agg(
        pl.col(_ALIKE).sort().first(), pl.col("is_run").any(), pl.col("people", "amount_fen").sum(),
        pl.col("from").min(), pl.col("to").max(), pl.col("payer").max(),
    ).select(rows.columns)


def finding_table(members: pl.DataFrame) -> pl.DataFrame:
    """One row of ``finding`` per row of :func:`counted_members`."""
    if members.is_empty():
        return empty("finding")
    is_file = pl.col("cause").is_in(["no_account_export", "contribution_unseen"])
    rows = members.with_columns(
        # Only a run that came late for a whole region has members whose credit is there by now.
        pl.when(is_file).then(pl.lit("file")).when("is_run").then(pl.lit("region")).otherwise(pl.lit("payer"))
        .alias("scope"),
        pl.col("from").dt.strftime("%Y-%m").alias("_from"), pl.col("to").dt.strftime("%Y-%m").alias("_to"),
    )
    fields = {
        "month": pl.col("_from"), "people": pl.col("people").cast(pl.String), "amount": yuan(pl.col("amount_fen")),
    }
    action: pl.Expr = pl.lit("")
    for desk, template in FINDING_ACTIONS.items():
        special = (pl.col("scope") == "region") if desk == "run_late" else (pl.col("cause") == desk)
        action = pl.when((pl.col("owner") == desk) | special).then(fill(template, fields)).otherwise(action)
    return conform(rows.with_columns(
        action.alias("action"),
        pl.concat_str(
            pl.col("payer").fill_null(""), pl.lit(" "), pl.col("region").fill_null(""), pl.lit(" "), pl.col("_from"),
            pl.when(pl.col("_from") != pl.col("_to")).then(pl.concat_str(pl.lit(" 至 "), pl.col("_to")))
            .otherwise(pl.lit("")),
            pl.lit("，"), pl.col("people").cast(pl.String), pl.lit("人同一原因"),
        ).str.strip_chars_start().alias("evidence")
    ).sort("finding_id"), "finding")
