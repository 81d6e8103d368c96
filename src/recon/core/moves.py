"""What moved an account besides credits, recognised: insurance paid from it, transfers, carry-over, interest.

In: the account's lines. Out: the same lines with ``flow_kind`` as the balance counts it and ``cause``, ``told`` and
``told_en`` where more can be said about a line. Credits are never touched: what is credited is another question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any

import polars as pl

from recon.core import months
from recon.core.text import yuan_text
from recon.tables import ACCOUNT

# Insurance that is paid from the account, by words in the memo; the first that fits names it.
INSURANCES: tuple[tuple[str, str, str, str], ...] = (
    ("long_term_care", r"长护|长期护理|护理保险", "长期护理险", "long-term care insurance"),
    ("serious_illness", r"大病|大额", "大病（大额）保险", "serious-illness insurance"),
    ("supplement", r"惠民保|惠民险|普惠健康|惠.{0,4}保|益联保|岁康|补充医疗|商业(补充|健康)", "惠民保等补充保险",
     "supplementary insurance (惠民保)"),
    ("family_premium", r"居民医保|城乡居民|家属参保|代缴", "代家人缴的居民医保", "residents' insurance for the family"),
)
_NAMES = {code: (zh, en) for code, _, zh, en in INSURANCES} | {"steady_deduction": ("固定扣款", "a steady deduction")}
# Kinds of line that may be such a premium under another name; a bare ``spend`` only by its memo.
_DISGUISES = ("spend", "other", "adjustment")
# The same sum so many months in a row, or in the same month of so many years, is a steady deduction.
STEADY_MONTHS, STEADY_YEARS = 3, 2
# Money transferred out arrives at the new place within so many months; before that nobody need ask.
ARRIVES_MONTHS, WAIT_MONTHS = 12, 3
# The two halves of a yearly carry-over stand at most so many days apart.
CARRY_DAYS = 62
# Interest of a year is plausible up to this part of the greatest balance (the accounts pay one to three per cent).
INTEREST_PER_MILLE = 40


def recognised(flow: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """``flow`` (with after_fen) with kinds as the balance counts them, and cause, told, told_en, told_status."""
    texts: dict[str, tuple[str | None, str, str, str]] = {}
    named = flow.with_columns(_insurance().alias("_insurance"))
    disguised = pl.col("flow_kind").is_in(_DISGUISES) & pl.col("_insurance").is_not_null() & (pl.col("amount_fen") < 0)
    named = named.with_columns(pl.when(disguised).then(pl.lit("premium")).otherwise("flow_kind").alias("flow_kind"))
    named = _steady(named, texts)
    _by_account(named, ("transfer_in", "transfer_out"), ["person_id"],
                lambda rows: _transfers(rows, as_of, texts))
    _by_account(named, ("carry_over",), ACCOUNT, lambda rows: _carried(rows, texts))
    _interest(named, texts)
    told = pl.DataFrame(
        [(row_id, *text) for row_id, text in texts.items()], orient="row",
        schema={"row_id": pl.String, **dict.fromkeys(("cause", "told", "told_en", "told_status"), pl.String)},
    )
    return named.join(told, on="row_id", how="left", maintain_order="left").drop("_insurance")


@cache
def _insurance() -> pl.Expr:
    memo = pl.col("memo").fill_null("")
    found: pl.Expr = pl.lit(None, dtype=pl.String)
    for code, words, _, _ in reversed(INSURANCES):
        found = pl.when(memo.str.contains(words)).then(pl.lit(code)).otherwise(found)
    return found


def _steady(flow: pl.DataFrame, texts: dict[str, tuple[str | None, str, str, str]]) -> pl.DataFrame:
    """Premiums told with their sum and since when; equal sums without a name, too, where they come steadily."""
    taken = flow.filter(
        (pl.col("amount_fen") < 0)
        & ((pl.col("flow_kind") == "premium") | pl.col("flow_kind").is_in(["other", "adjustment"]))
    ).with_columns(months.index_of(pl.col("posted_on")).alias("_month"))
    same = [*ACCOUNT, "_insurance", "amount_fen"]
    steady: list[str] = []
    for _, group in taken.sort("posted_on", "row_id").group_by(same, maintain_order=True):
        row = group.row(0, named=True)
        rhythm = _rhythm(group["_month"].to_list())
        if row["flow_kind"] != "premium" and not rhythm:
            continue
        code = row["_insurance"] or ("steady_deduction" if rhythm else None)
        if row["flow_kind"] != "premium":
            steady += group["row_id"].to_list()
        sum_, since = yuan_text(-row["amount_fen"]), f"{row['posted_on']:%Y-%m}"
        zh, en = _NAMES.get(code or "", ("代缴保费", "a premium"))
        if rhythm:
            every, every_en = ("每月", "a month") if rhythm == 1 else ("每年", "a year")
            text = (f"自{since}起{every}扣{sum_}元（{zh}），共{group.height}次",
                    f"{sum_} yuan {every_en} since {since} ({en}), {group.height} times")
        else:
            text = (f"{since}扣{sum_}元（{zh}）", f"{sum_} yuan in {since} ({en})")
        texts.update(dict.fromkeys(group["row_id"], (code, *text, "explained")))
    if not steady:
        return flow
    return flow.with_columns(
        pl.when(pl.col("row_id").is_in(steady)).then(pl.lit("premium")).otherwise("flow_kind").alias("flow_kind"))


def _rhythm(numbers: list[int]) -> int:
    """1: month by month, 12: year by year, 0: neither."""
    distinct = sorted(set(numbers))
    run = longest = 1
    for before, later in pairwise(distinct):
        run = run + 1 if later == before + 1 else 1
        longest = max(longest, run)
    if longest >= STEADY_MONTHS:
        return 1
    years: dict[int, set[int]] = defaultdict(set)
    for number in distinct:
        years[number % 12].add(number // 12)
    return 12 if any(len(found) >= STEADY_YEARS for found in years.values()) else 0


def _by_account(
    flow: pl.DataFrame, kinds: tuple[str, ...], key: list[str], tell: Callable[[list[dict[str, Any]]], None]
) -> None:
    lines = flow.filter(pl.col("flow_kind").is_in(kinds))
    if lines.is_empty():
        return
    lines = lines.sort("posted_on", "row_id")
    for _, group in lines.group_by(key, maintain_order=True):
        tell(group.rows(named=True))


def _transfers(
    rows: list[dict[str, Any]], as_of: date, texts: dict[str, tuple[str | None, str, str, str]]
) -> None:
    """Each transfer out with the transfer of the same sum into another account of the person, soonest first."""
    into = [row for row in rows if row["amount_fen"] > 0]
    for out in (row for row in rows if row["amount_fen"] < 0):
        sum_, left = yuan_text(-out["amount_fen"]), out["posted_on"]
        pair = next((row for row in into if row["amount_fen"] == -out["amount_fen"] and row["region"] != out["region"]
                     and -1 <= months.index(row["posted_on"]) - months.index(left) <= ARRIVES_MONTHS), None)
        if pair is None:
            waits = months.index(as_of) - months.index(left) <= WAIT_MONTHS
            cause, status = ("transfer_pending", "pending") if waits else ("transfer_unmatched", "unknown")
            texts[out["row_id"]] = (
                cause, f"{left}转出{sum_}元，所给明细中未见转入",
                f"{sum_} yuan were transferred out on {left}; no export shows them arriving", status)
            continue
        into.remove(pair)
        zh = f"{left}从{out['region']}转出{sum_}元，{pair['posted_on']}转入{pair['region']}"
        en = f"{sum_} yuan left {out['region']} on {left} and arrived at {pair['region']} on {pair['posted_on']}"
        for row in (out, pair):
            texts[row["row_id"]] = (None, zh, en, "explained")


def _carried(rows: list[dict[str, Any]], texts: dict[str, tuple[str | None, str, str, str]]) -> None:
    """The two halves of a carry-over between sub-accounts; half of one alone asks for the other sub-account."""
    free = list(rows)
    while free:
        row = free.pop(0)
        other = next((one for one in free if one["amount_fen"] == -row["amount_fen"]
                      and abs((one["posted_on"] - row["posted_on"]).days) <= CARRY_DAYS), None)
        sum_ = yuan_text(abs(row["amount_fen"]))
        if other is None:
            texts[row["row_id"]] = (
                "carry_unpaired", f"{row['posted_on']}结转{sum_}元，只见一半（当年与历年各应有一笔）",
                f"a carry-over of {sum_} yuan on {row['posted_on']}: only one half is in the export", "unknown")
            continue
        free.remove(other)
        for one in (row, other):
            texts[one["row_id"]] = (None, f"{row['posted_on']}年度结转{sum_}元，一出一进",
                                    f"a yearly carry-over of {sum_} yuan, out and in", "explained")


def _interest(flow: pl.DataFrame, texts: dict[str, tuple[str | None, str, str, str]]) -> None:
    """Interest outside the plausible band is told; it is not computed to the fen."""
    lines = flow.filter(pl.col("flow_kind") == "interest")
    if lines.is_empty():
        return
    most = flow.filter(pl.col("after_fen").is_not_null()).select(
        *ACCOUNT, pl.col("posted_on").alias("_day"), pl.col("after_fen").alias("_had"))
    year = lines.join(most, on=ACCOUNT, how="left", nulls_equal=True).filter(
        pl.col("_day").is_null() | ((pl.col("_day") <= pl.col("posted_on"))
                                    & (pl.col("_day") >= pl.col("posted_on").dt.offset_by("-13mo")))
    ).group_by("row_id").agg(pl.col("_had").max(), pl.col("amount_fen").first(), pl.col("posted_on").first())
    for row_id, had, fen, day in year.iter_rows():
        sum_ = yuan_text(fen)
        if had is not None and not 0 <= fen <= max(had, 0) * INTEREST_PER_MILLE // 1000:
            texts[row_id] = ("interest_odd", f"{day}利息{sum_}元，与账户余额相比不像利息",
                             f"interest of {sum_} yuan on {day} does not fit the balance", "unknown")
        else:
            texts[row_id] = (None, f"{day}利息{sum_}元", f"interest of {sum_} yuan on {day}", "explained")
