"""The month that a credit's memo names in words, and what names none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recon.reading.named_months import with_named_months
from support import run_recon

POSTED = date(2025, 5, 12)


def named(memo: str | None, kind: str = "credit", printed: date | None = None) -> date | None:
    """accrual_month of one line posted on 12 May 2025."""
    flow = pl.DataFrame({"memo": [memo], "flow_kind": [kind], "posted_on": [POSTED], "accrual_month": [printed]},
                        schema_overrides={"memo": pl.String, "accrual_month": pl.Date})
    told = with_named_months(flow)["accrual_month"][0]
    assert told is None or isinstance(told, date)
    return told


@pytest.mark.parametrize(("memo", "month"), [
    ("2025年3月划账", date(2025, 3, 1)), ("3月份医保划入", date(2025, 3, 1)), ("三月份划入", date(2025, 3, 1)),
    ("十二月划入", date(2024, 12, 1)), ("25年04月 个人账户划入", date(2025, 4, 1)), ("2024年5月补划", date(2024, 5, 1)),
])
def test_a_month_in_words_is_the_month_paid_for(memo: str, month: date) -> None:
    """With its year, or the last such month before that of posting."""
    assert named(memo) == month


@pytest.mark.parametrize("memo", [
    None, "个人账户划入", "每月划入", "补缴3个月", "5月划账", "2025年5月划账", "2025年6月划账", "6月划账", "2024年4月划账", "24年3月划账", "去年3月划入",
    "1-3月划账", "2025年1月至3月划账", "1月、2月划入", "3月15日划入", "3月起调整", "3月底划入", "13月划账",
])
def test_what_names_no_single_month_before_posting_says_nothing(memo: str | None) -> None:
    """The month of posting may be just that; ranges, days, beginnings and what lies too far back name no month."""
    assert named(memo) is None


def test_only_credits_without_a_printed_month_are_asked() -> None:
    """A purchase has no month; what is printed stays."""
    assert named("3月份购药", "spend") is None
    assert named("2025年3月划账", printed=date(2025, 2, 1)) == date(2025, 2, 1)


FLOWS = "".join(
    f"110105198503074917,420100,2024-{posted},credit,12000,2024年{month}月划账\n"
    for posted, month in (("02-12", 1), ("04-12", 3), ("05-12", 4), ("05-14", 2), ("06-12", 5)))
PAID = "".join(f"110105198503074917,420100,310,2024-{month:02d}-01,2024-{month:02d}-20,600000,12000,48000,true\n"
               for month in range(1, 6))


@pytest.mark.parametrize("parquet", [False, True])
def test_a_late_credit_is_of_the_month_that_its_memo_names(tmp_path: Path, *, parquet: bool) -> None:
    """February's came in May with April's: equal sums, and the memos say whose each is."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "contribution.csv").write_text(
        "person_id,region,scheme,accrual_month,paid_on,base_fen,employee_fen,employer_fen,paid\n" + PAID, "utf-8")
    (tmp_path / "in" / "flow.csv").write_text("person_id,region,posted_on,flow_kind,amount_fen,memo\n" + FLOWS, "utf-8")
    if parquet:
        text = tmp_path / "in" / "flow.csv"
        pl.read_csv(text, schema_overrides={"region": pl.String}, try_parse_dates=True).write_parquet(
            text.with_suffix(".parquet"))
        text.unlink()
    run_recon(["run", tmp_path / "in", "-o", tmp_path / "r.xlsx", "--tables", tmp_path / "t", "--as-of", "2024-12-31"])
    month = pl.read_parquet(tmp_path / "t" / "month.parquet").sort("accrual_month")
    match = pl.read_parquet(tmp_path / "t" / "match.parquet").sort("accrual_month")
    assert month["label"].to_list() == ["on_time", "delay", "on_time", "on_time", "on_time"]
    assert match["posted_on"].to_list() == [
        date(2024, 2, 12), date(2024, 5, 14), date(2024, 4, 12), date(2024, 5, 12), date(2024, 6, 12)]
