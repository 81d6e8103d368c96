"""Text to fen, days and months: exact, or refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.reading import values
from recon.reading.values import Unreadable, fold, parse_day, parse_fen, parse_months


@pytest.mark.parametrize(("text", "fen"), [
    ("120", 12000), ("120.00", 12000), ("29.02", 2902), ("1,234.50", 123450), ("1,234,567.8", 123456780),
    ("¥28.16", 2816), ("￥0.11", 11), ("CNY 13.50", 1350), ("CNY13.50", 1350), ("13.50元", 1350),
    ("+10000.00", 1000000),
    ("-1,000.00", -100000), ("－３．５", -350), ("１２３．４５", 12345), ("(100.00)", -10000), ("（100.00）", -10000),
    ("100.00-", -10000), ("-¥5.00", -500), ("¥-5.00", -500), ("29.020000000000003", 2902), ("0.1", 10), (".5", 50),
    ("5.", 500), ("120.0000", 12000), ('="120.00"', 12000), ("120.00\t", 12000), ("0.00", 0), ("-0.00", 0),
    ("9999999999999.99", 999999999999999), ("-9999999999999.99", -999999999999999),
])
def test_amounts(text: str, fen: int) -> None:
    """Every spelling of formats.md section 0 that means one amount."""
    assert parse_fen(text) == fen
    assert values.fen_column([text, "", text]) == ([fen, None, fen], [])


@pytest.mark.parametrize("text", ["", " ", "-", "--", "------", "/", "***", "（空）", "—", "\t", "\u3000", "null"])
def test_empty_amounts(text: str) -> None:
    """What exports print for nothing."""
    assert parse_fen(text) is None


@pytest.mark.parametrize("text", [
    "1,2O0.00", "1.234,56", "12..34", "1,23", "12,34.5", "壹佰元整", "1.2万", "120万元", "1.234", "29.025", "1e5",
    "4.2E+17",
    "10000000000000", "10000000000000.00", "-10000000000000", "110105198503074917", "99999999999999999999.99",
    "1_00", "1_000.00", "1_0,000.00", "100_", "_100", "100._5", "-1_00",
    "12 0", "1,719.3 3", "xx,yyyy.zz", "120.00(已退款20.00)", "USD 5", "五", "--5", "()", "1,", "¥",
])
def test_refused_amounts(text: str) -> None:
    """What could mean something else is refused, never guessed."""
    with pytest.raises(Unreadable) as caught:
        parse_fen(text)
    assert text not in str(caught.value)
    assert values.fen_column(["1.00", text]) == ([100, None], [1])


def test_the_unit_comes_from_the_header() -> None:
    """万元 in the header multiplies; in a cell it is refused."""
    assert parse_fen("1.2345", values.WAN) == 1234500
    assert parse_fen("0.000001", values.WAN) == 1
    for text in ("0.0000001", "1000000000", "1_0"):
        with pytest.raises(Unreadable):
            parse_fen(text, values.WAN)


@given(st.integers(-10**14, 10**14), st.sampled_from(["{:,}.{:02d}", "¥{}.{:02d}", "{}.{:02d}", "{}.{:02d}元"]))
def test_amounts_round_trip(fen: int, shape: str) -> None:
    """What is printed is read back, to the fen."""
    text = ("-" if fen < 0 else "") + shape.format(abs(fen) // 100, abs(fen) % 100)
    assert parse_fen(text) == fen
    assert values.fen_column([text])[0] == [fen]


@given(st.text(max_size=12))
def test_the_short_way_agrees(text: str) -> None:
    """A column reads what a cell reads."""
    try:
        expected: int | None = parse_fen(text)
        bad: list[int] = []
    except Unreadable:
        expected, bad = None, [0]
    assert values.fen_column([text]) == ([expected], bad)


@pytest.mark.parametrize("text", [
    "202301", "2023-01", "2023.01", "2023/1", "2023/01", "2023年1月", "2023年01月", "2023年01月01日", "20230131",
    "2023-01-31 10:20:30", "2023-01-31T00:00:00", "44927", "２０２３０１", "2023年1月份", "*2023-01",
])
def test_months(text: str) -> None:
    """Every spelling of domain.md c.3."""
    assert parse_months(text) == (date(2023, 1, 1), date(2023, 1, 1))


@pytest.mark.parametrize("text", [
    "202301-202303", "*2023-01至2023-03", "2023年1月至2023年3月", "2023-01 至 2023-03", "2023.01-2023.03",
    "202301~202303",
])
def test_month_ranges(text: str) -> None:
    """A range is its first and last month."""
    assert parse_months(text) == (date(2023, 1, 1), date(2023, 3, 1))


@pytest.mark.parametrize("text", [
    "202313", "2023年13月", "1月", "23-01", "2023", "202303-202301", "2023-02-30", "abc", "99999", "2023-1-1-1",
])
def test_refused_months(text: str) -> None:
    """No month, a backward range, no such day."""
    with pytest.raises(Unreadable):
        parse_months(text)


def test_a_lost_zero_is_refused() -> None:
    """2023.1 among 2023.01 is October that a spreadsheet took for a number."""
    spans, bad = values.month_column(["2023.01", "2023.1", "2023.11"])
    assert bad == [1]
    assert spans[1] is None
    assert values.month_column(["2023.1", "2023.2"])[1] == []


@pytest.mark.parametrize("text", [
    "2024-01-31", "2024/1/31", "2024.01.31", "2024年1月31日", "20240131", "20240131 101500", "2024-01-31 10:34:43",
    "2024-01-31\n10:34:43", "2024/1/31 10:00", "45322", "45322.5", "2024-01-31T10:34:43.123456",
])
def test_days(text: str) -> None:
    """Year, month, day in this order, or a serial number."""
    assert parse_day(text) == date(2024, 1, 31)


@pytest.mark.parametrize("text", ["05/12/2024", "5/12/24", "240131", "0131", "2024-13-01", "31.01.2024", "昨天"])
def test_refused_days(text: str) -> None:
    """Which is the month cannot be known, or there is no year."""
    with pytest.raises(Unreadable):
        parse_day(text)


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_days_round_trip(day: date) -> None:
    """Every day in every usual shape."""
    spelled = f"{day.year}年{day.month}月{day.day}日"
    for text in (f"{day}", f"{day:%Y%m%d}", f"{day:%Y/%m/%d}", spelled, f"{day} 00:00:00"):
        assert parse_day(text) == day


@given(st.text(max_size=20))
def test_nothing_else_is_raised(text: str) -> None:
    """Any text is read, empty, or Unreadable."""
    for parse in (parse_fen, parse_day, parse_months, values.parse_whole_fen, values.parse_flag):
        try:
            parse(text)
        except Unreadable:
            continue


def test_native_numbers_and_flags() -> None:
    """recon's own tables hold whole fen and plain flags."""
    assert values.whole_fen_column(["12000", "-5", "12000.0", "", "1.5", "x", "1_00"]) == (
        [12000, -5, 12000, None, None, None, None], [4, 5, 6])
    assert values.whole_fen_column(["9" * 15, "-" + "9" * 15, "1" + "0" * 15]) == ([10**15 - 1, 1 - 10**15, None], [2])
    assert values.by_value(["true", "0", "1", "False", "", "maybe"], values.parse_flag) == (
        [True, False, True, False, None, None], [5])


def test_fold() -> None:
    """Headers compare alike however they are dressed."""
    assert fold("缴费基数（元）") == fold(" 缴 费 基 数(元): ") == "缴费基数元"
    assert fold("到帐日期") == fold("到账日期*")
    assert fold("⼾名") == "户名"


def test_a_wrapped_line_of_a_cell_is_one_text() -> None:
    """A line break between two Chinese characters is where a line went on; elsewhere it parts words."""
    assert values.clean("样例社区卫生服务中\n心") == "样例社区卫生服务中心"
    assert values.clean("POS 消费 \r\n 示例药房\nA1") == "POS 消费示例药房 A1"
    assert values.clean("2024-03-05\n10:00:00") == "2024-03-05 10:00:00"
