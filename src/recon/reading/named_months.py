"""The month that a credit's memo names in words: ``2025年3月划账``, ``3月份医保划入``.

Only a month before that of posting, at most a year: what names the month of posting may mean either, and what names
several months, a day or a beginning names no one month that is paid for.
"""

from __future__ import annotations

import polars as pl

_NUMERALS = {name: number for number, name in enumerate("一二三四五六七八九十", 1)} | {"十一": 11, "十二": 12}
_MONTH = "(0?[1-9]|1[0-2]|十[一二]?|[一二三四五六七八九])月"
_NAMED = f"(?:^|[^0-9一二三四五六七八九十]){_MONTH}"
_YEARS = rf"(?:^|[^0-9])(20\d\d|\d\d)年度?\s*{_MONTH}"
# A range or a list of months, a day, or since when something holds.
_SEVERAL = r"[0-9一二三四五六七八九十月份]\s*[-—–~～至到、,，和及/&+]\s*(?:\d{2,4}年)?\s*[0-9一二三四五六七八九十]+月"
_NO_MONTH = r"月份?(?:\s*\d{1,2}[日号]|起|开始|以?[前后]|底|末|初|至|到|[-—–~～])"
MOST_MONTHS = 12  # between the month named and that of posting
MOST_WITHOUT_YEAR = 9  # without its year: what is named further back is as likely a month to come


def with_named_months(flow: pl.DataFrame) -> pl.DataFrame:
    """``flow`` with accrual_month of the credits that print none, where their memo names it (see the module)."""
    if not {"memo", "flow_kind", "posted_on"} <= set(flow.columns):
        return flow
    if "accrual_month" not in flow.columns:
        flow = flow.with_columns(pl.lit(None, dtype=pl.Date).alias("accrual_month"))
    asked = ((pl.col("flow_kind") == "credit") & pl.col("memo").str.contains("月", literal=True)
             & pl.col("accrual_month").is_null())
    memos = flow.filter(asked.fill_null(value=False)).select("memo", "posted_on").unique()
    if memos.is_empty():
        return flow
    memo, posted = pl.col("memo"), pl.col("posted_on").dt.year() * 12 + pl.col("posted_on").dt.month() - 1
    named = memo.str.extract(_NAMED).replace(_NUMERALS).cast(pl.Int32, strict=False)
    year = memo.str.extract(_YEARS).cast(pl.Int32, strict=False)
    year = pl.when(year < 100).then(year + 2000).otherwise(year)
    back = (posted - (named - 1)) % 12
    ago = pl.when(year.is_not_null()).then(posted - (year * 12 + named - 1)).when(
        ~memo.str.contains(rf"年度?\s*{_MONTH}") & (back <= MOST_WITHOUT_YEAR)).then(back)
    alone = (memo.str.count_matches(_NAMED) == 1) & ~memo.str.contains(_SEVERAL) & ~memo.str.contains(_NO_MONTH)
    told = memos.with_columns(pl.when(alone).then(ago).alias("_ago")).filter(
        pl.col("_ago").is_between(1, MOST_MONTHS)).select(
        "memo", "posted_on", pl.col("posted_on").dt.month_start().dt.offset_by(
            pl.format("-{}mo", pl.col("_ago"))).alias("_named"))
    if told.is_empty():
        return flow
    return flow.join(told, on=["memo", "posted_on"], how="left", maintain_order="left").with_columns(
        pl.when(asked).then("_named").otherwise("accrual_month").alias("accrual_month")).drop("_named")
