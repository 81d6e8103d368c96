"""The answers for one person: plain, short, about nobody else, and without blame."""

from __future__ import annotations

import re

import polars as pl
import pytest

import report_run
from recon.report.explain import SHORT_EN, SHORT_ZH, Answers, answers, explain, find_person
from recon.report.story import named_regions, shown_places
from recon.report.view import RunView

PEOPLE = [str(number) for number in range(1001, 1010)]
BLAME = re.compile("欠缴|挪用|截留|漏缴|挂靠|保险公司|社保局|统筹")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("person", PEOPLE)
def test_short_answers_fit_a_chat(person: str, lang: str) -> None:
    """At most 150 Chinese characters, never empty, never half a sentence."""
    text = explain(report_run.every_verdict(lang=lang), person, short=True)
    assert 20 < len(text) <= (SHORT_EN if lang == "en" else SHORT_ZH)
    assert text.endswith("." if lang == "en" else "。")
    assert "\n" not in text


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("person", PEOPLE)
def test_nobody_else_and_no_blame(person: str, short: bool) -> None:
    """No colleague, no full name or ID, no word of blame, no pooled share."""
    view = report_run.every_verdict()
    text = explain(view, person, short=short)
    assert not BLAME.search(text)
    assert "同单位" not in text
    for name, number in view.table("person").select("person_name", "person_id").iter_rows():
        assert name not in text
        assert number not in text


def test_a_missing_month() -> None:
    """What was paid, when, what should have come, that the rest fits, and what to say to whom."""
    text = explain(report_run.every_verdict(), "1001", short=True)
    assert text == (
        "测*您好：2024年5月医保费已缴（2024-05-20到账），应划入120.00元，所给明细里没有这一笔。"
        "请拨区号+12393，报：所属期2024年5月、到账日2024-05-20、应划120.00元，问是否已记账、记到哪个账户。"
        "这与您刷卡消费无关。其余11个月都对上了。"
    )


def test_an_undecided_month_says_so() -> None:
    """The sum is certain, the month is not."""
    text = explain(report_run.every_verdict(), "1008")
    assert "差额确定，月份不能确定（也可能是2024-06）" in text
    assert "带所属期的个人账户明细可以定" in text


def test_an_end_without_a_date_is_answered_conditionally() -> None:
    """If exported today the months are missing; without a date nothing is certain; the page to send is named."""
    text = explain(report_run.every_verdict(), "1006")
    assert "若是2025-03-31导出的，则2024年12月未见划入（估算120.00元）；没有日期不能断定" in text
    assert "请发：国家医保服务平台" in text
    assert "消费明细不需要" in text


def test_a_smaller_credit_names_its_cause() -> None:
    """From when, from what to what, why, and that nobody left anything out."""
    text = explain(report_run.every_verdict(policy_refs={"420000/2022-09/in_service_credit": "门诊共济改革"}), "1009")
    assert "从2022年9月起，每月划入由300.00元变为200.00元，少100.00元：当地划入规则变了-100.00元" in text
    assert "不是少交也不是漏发" in text
    assert "依据：门诊共济改革" in text


def test_two_balances() -> None:
    """Ledger and available balance are set side by side with their dates."""
    text = explain(report_run.every_verdict(), "1001")
    assert "账面余额3,455.40元（2025-01-03），可用余额3,215.40元（2025-01-11），差240.00元，两个日期不同" in text


def test_a_retiree_has_no_premium() -> None:
    """A month without contribution is not said to have been paid for."""
    run = report_run.Run()
    one = run.person("测试甲", "1", 1)
    run.add(one, "2024-09", "missing_month", "credit_missing", "open", due=10700, line=False, part=10700)
    text = explain(run.view(), "1", short=True)
    assert text.startswith("测*您好：2024年9月应划入107.00元，所给明细里没有这一笔。")


def test_who_is_meant() -> None:
    """Employee number first, then ID (without prefix, in any case), then list number; nobody is said to be nobody."""
    view = report_run.every_verdict()
    one = view.table("person")["person_id"][2]
    assert find_person(view, "1003") == [one]
    assert find_person(view, one.lower()) == [one]
    assert find_person(view, " 3 ") == [one]
    assert find_person(view, "4711") == []
    assert "没有找到" in explain(view, "4711")


def test_an_alias_is_the_same_person() -> None:
    """A second number of a person finds that person."""
    view = report_run.every_verdict()
    person = view.table("person").with_columns(
        pl.when(pl.col("employee_no") == "1004").then(pl.lit("PSN:0001;E123")).alias("aliases"))
    view = report_run.every_verdict(tables={**view.tables, "person": person})
    assert find_person(view, "e123") == [person["person_id"][3]]


def test_several_people_are_told_apart_by_list_number() -> None:
    """One employee number in two companies: both are listed, masked, with their list numbers."""
    run = report_run.Run()
    for serial, name in enumerate(("测试甲", "王样例"), start=1):
        run.add(run.person(name, "7", serial), "2024-01")
    text = explain(run.view(), "7")
    assert "有2人符合" in text
    assert "序号1 测* ****0019" in text
    assert "序号2 王*" in text


def test_a_file_with_a_hash_in_its_name() -> None:
    """Its name is looked up whole: shown by number where it tells who it is about, and the days it covers are found."""
    plain = report_run.every_verdict()
    name = plain.table("person").filter(pl.col("employee_no") == "1001")["person_name"][0]
    file = f"{name}#1.csv"
    renamed = {
        table: frame.with_columns(
            pl.col("^(file|row_id|evidence)$").str.replace_all("个账明细.csv", file, literal=True))
        for table, frame in plain.tables.items()
    }
    renamed["coverage"] = renamed["coverage"].with_columns(pl.lit(None, dtype=pl.String).alias("person_id"))
    view = report_run.every_verdict(tables=renamed)
    place = view.table("flow")["row_id"][0]
    assert place.startswith(f"{file}#")
    shown, unknown = shown_places(view, [place, "另一个#表.csv#L2"])
    number = sorted(view.table("source")["file"]).index(file) + 1
    assert shown == place.replace(file, f"F{number:04d}")
    assert unknown == "另一个#表.csv#L2"
    text = explain(view, "1001")
    assert name not in text
    assert "2024-01-01至2024-12-31" in text  # what the export covers


def test_regions_are_named_but_no_figure_is_touched() -> None:
    """A code that stands alone becomes its name; the same digits in an amount, an ID or a longer number stay."""
    view = report_run.every_verdict(region_names={"110000": "北京市", "420100": "武汉市"})
    text = "从110000转到420100（110000.50元，1110000元，110000199001011234，共110000）。420100."
    assert named_regions(view, text) == (
        "从北京市转到武汉市（110000.50元，1110000元，110000199001011234，共北京市）。武汉市.")



def test_explained_differences_have_a_sentence() -> None:
    """Months counted as differing are told: what a refund left too much was taken back, a premium was deducted."""
    run = report_run.Run()
    who = run.person("测试甲", "1001", 1)
    run.add(who, "2024-01", "clawback", credited=12000, due=9600, part=-2400)
    run.add(who, "2024-02", "clawback", credited=9600, part=2400)
    run.add(who, "2024-03", "account_deduction", credited=11300, part=700)
    run.add(who, "2024-04")
    told = explain(run.view(), "1001")
    assert "2024年1月基数下调后多划的24.00元" in told
    assert "2024年2月的划入少24.00元" in told
    assert "从账户代扣的保费，共7.00元" in told
    assert "24.00 yuan of 2024-01" in explain(run.view(lang="en"), "1001")
    assert "不用做什么" in told


def test_an_undecided_month_names_only_other_months() -> None:
    """What is told to be open is not said to be open instead."""
    run = report_run.Run()
    who = run.person("测试甲", "1001", 1)
    for month, others in (("2024-03", "2024-04;2024-05"), ("2024-04", "2024-03;2024-05")):
        run.add(who, month, "missing_month", "credit_missing", "open", confidence="undecided", alternatives=others)
    run.add(who, "2024-05")
    assert "（也可能是2024-05）" in explain(run.view(), "1001")


def test_a_retirees_month_that_is_not_due_says_until_when_to_wait() -> None:
    """No contribution line has a month due: the evidence names it."""
    run = report_run.Run()
    who = run.person("测试甲", "1001", 1)
    run.add(who, "2025-02", "delay", "not_yet_due", "pending", line=False, part=8300,
            evidence="应划83.00元，应划月2025-02，尚未见划入")
    told = explain(run.view(), "1001")
    assert "?" not in told
    assert "请等到2025年2月底再看" in told


def _account_alone(**changes: str) -> RunView:
    """Somebody with three credits and no contribution record, beside somebody with both."""
    run = report_run.Run()
    run.add(run.person("测试甲", "1001", 1), "2024-01")
    alone = run.person("测试乙", "1002", 2)
    run.rows["flow"] += [
        {"row_id": f"个账.csv#L{at}", "person_id": alone, "region": "420100", "scheme": "310", "flow_kind": "credit",
         "posted_on": report_run.month("2024-01", at), "amount_fen": 8300} for at in (2, 3, 4)]
    return run.view(**changes)


def test_an_account_alone_is_not_called_fine() -> None:
    """Nothing says what was due: that is told with what is there, and which record would tell."""
    told = answers(_account_alone(), "1002")
    assert isinstance(told, Answers)
    assert told.months == ["您的个人账户明细里有3笔划入、共249.00元，但没有您的缴费记录，每月该划多少、少没少都无从判断。"]
    assert told.todo == ["请补上您的缴费明细（国家医保服务平台或当地医保、税务网页）；已退休的，在人员名单里写上退休年月即可。"]
    assert told.months[0] in told.short
    assert told.todo[0] in told.short
    english = explain(_account_alone(lang="en"), "1002", short=True)
    assert "no contribution record of you" in english
    assert "a roster with the month of retirement" in english
