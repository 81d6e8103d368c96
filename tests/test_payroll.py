"""Payslip ↔ declaration ↔ arrival ↔ bank: each finding of DESIGN section 7 (basis payroll), found once and only where it is."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payroll_cases import AS_OF, PAYER, check, debits, lines, month, person_id, slips, told
from recon.core.payroll import parts
from recon.core.payroll.rollup import roll_up
from recon.core.payroll_settings import Deferral, MidMonthRule, Payer, PayrollSettings
from recon.labels import CAUSE, LABEL
from recon.policy import load_policy
from recon.reading.formats import shipped
from recon.report.view import RunView, exceptions, people
from recon.tables import empty
from strategies import examples
from support import ROOT

sys.path.insert(0, str(ROOT / "tools"))
RECORD = "fund_record"


def without(rows: list[dict[str, object]], who: int, *at: int, column: str = "accrual_month") -> list[dict[str, object]]:
    """``rows`` less those of a person and some months."""
    return [row for row in rows if not (row["person_id"] == person_id(who) and row[column] in {month(one) for one in at})]


def changed(rows: list[dict[str, object]], who: int, at: int, column: str = "accrual_month", **more: object
            ) -> list[dict[str, object]]:
    """``rows`` with other values in those of one person and month."""
    return [row | more if row["person_id"] == person_id(who) and row[column] == month(at) else row for row in rows]


def test_a_firm_with_every_finding_planted() -> None:
    """Precision and recall of at least 0.99 for every finding, in a firm with all legs."""
    from payroll_accuracy import check_native, scores

    found, planted = check_native(500, 1)
    assert len({row[3] for row in planted}) == 15
    weak = [one for one in scores(found, planted) if min(one.precision, one.recall) < 0.99]
    assert weak == []


def test_what_agrees_says_nothing() -> None:
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + lines(range(6), proof=RECORD),
                   payment=debits(range(6)))
    assert told(result) == []
    assert result.problems == []


@pytest.mark.parametrize("offset", [-2, -1, 0, 1])
def test_the_offset_of_payslips_is_learned(offset: int) -> None:
    """Four people join later: that tells which month a payslip is for; nobody is accused."""
    paid, declared = slips(range(3, 9)), lines(range(12))
    for who in range(4):
        paid, declared = without(paid, who, 3, 4, column="pay_month"), without(declared, who, *range(5 + offset))
    result = check(payroll=paid, contribution=declared)
    others = told(result)
    assert [set(one.by_month.values()) for one in result.offsets] == [{offset}]
    assert others == []


def test_a_change_of_offset_is_one_finding() -> None:
    """From −1 to 0 in July: June was never deducted, which is one row, not one per person."""
    people = 30
    joined = list(range(10))
    paid = slips(range(1, 7), people) + slips(range(7, 12), people, fen=13000)
    paid = [row for row in paid if not (row["person_id"] in map(person_id, joined) and row["pay_month"] < month(4))]
    # Under the old offset who joins in March is first deducted in April; the new base of July is deducted in July.
    declared = lines(range(6), people) + lines(range(6, 12), people, own=13000)
    declared = [row for row in declared if not (
        row["person_id"] in map(person_id, joined) and row["accrual_month"] < month(3))]
    paid = [row | {"pay_month": month(7)} if row["pay_month"] == month(7) else row for row in paid]
    paid = [row for row in paid if row["pay_month"] != month(6)] + slips([6], people, fen=13000)
    result = check(payroll=paid, contribution=declared)
    shifts = [row for row in told(result) if row[3] == "offset_shift"]
    assert len(shifts) == 1
    assert shifts[0][:2] == ("", "2024-06")
    assert [one for one in told(result) if one[3] != "offset_shift"] == []
    assert result.finding.filter(pl.col("cause") == "offset_shift")["people"].to_list() == [people]


def test_a_deduction_without_a_declaration() -> None:
    result = check(payroll=slips(range(6)), contribution=without(lines(range(6)), 3, 2))
    assert told(result) == [(person_id(3), "2024-03", "deducted_not_declared", "not_in_declaration", 12000)]
    assert result.gap["owner"].to_list() == ["hr_declare"]
    assert "pay.csv#L2003" in result.gap["evidence"][0]


def test_an_agency_is_asked_itself() -> None:
    firm = PayrollSettings(payers={PAYER: Payer("示例代理", is_agency=True)})
    result = check(firm, payroll=slips(range(6)), contribution=without(lines(range(6)), 3, 2))
    assert [(row[2], row[3]) for row in told(result)] == [("deducted_not_declared", "agency")]
    assert result.gap["owner"].to_list() == ["agency"]


def test_a_declaration_without_a_deduction() -> None:
    """On the payroll with nothing deducted, and not on the payroll at all, are two causes."""
    paid = changed(without(slips(range(6)), 3, 2, column="pay_month"), 4, 2, column="pay_month", deducted_fen=0)
    result = check(payroll=paid, contribution=lines(range(6)))
    assert told(result) == [
        (person_id(3), "2024-03", "declared_not_deducted", "not_on_payroll", -12000),
        (person_id(4), "2024-03", "declared_not_deducted", "no_deduction", -12000)]


@pytest.mark.parametrize(("fen", "base", "cause"), [
    (12007, 600_000, "rounding"), (12700, 600_000, "flat_sum"), (15000, 600_000, "rate"), (13000, 650_000, "base"),
    (12391, 600_000, ""),
])
def test_why_amounts_differ(fen: int, base: int, cause: str) -> None:
    paid = changed(slips(range(6), base_fen=600_000), 3, 2, column="pay_month", deducted_fen=fen, base_fen=base)
    result = check(payroll=paid, contribution=lines(range(6)))
    assert told(result) == [(person_id(3), "2024-03", "amount_differs", cause, fen - 12000)]


def test_deducted_in_the_wrong_month() -> None:
    """Nothing in March, double in April: two parts that cancel, settled."""
    paid = changed(without(slips(range(6)), 3, 2, column="pay_month"), 3, 3, column="pay_month", deducted_fen=24000)
    result = check(payroll=paid, contribution=lines(range(6)))
    assert [(row[1], row[2], row[3], row[4]) for row in told(result)] == [
        ("2024-03", "amount_differs", "wrong_month", -12000), ("2024-04", "amount_differs", "wrong_month", 12000)]
    assert result.gap["status"].unique().to_list() == ["resolved"]


def test_the_month_of_joining_is_an_edge() -> None:
    """Joined on the 20th and deducted, declared from the next month on; the rule says whose month it is."""
    firm = PayrollSettings(mid_month={"": MidMonthRule(joins_by=15, leaves_from=16)})
    paid = without(slips(range(6)), 3, 0, 1, column="pay_month")
    declared = without(lines(range(6)), 3, 0, 1, 2)
    roster: list[dict[str, object]] = [{"person_id": person_id(3), "employed_from": date(2024, 3, 20)}]
    result = check(firm, payroll=paid, contribution=declared, person=roster)
    assert [(row[2], row[3]) for row in told(result)] == [("joiner_leaver_edge", "joiner")]
    assert "不应由本单位" in result.gap["evidence"][0]


def test_enrolled_twice() -> None:
    other = [row | {"row_id": f"b{row['row_id']}", "payer": "91420100MA4KTEST98"} for row in lines([2], people=1)]
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + other)
    assert told(result) == [(person_id(0), "2024-03", "double_enrolment", "two_payers", -12000)]
    assert result.gap["estimated_fen"].to_list() == [60000]


def test_a_resident_scheme_beside() -> None:
    """390 stands apart: it is told, never added to 310."""
    resident = lines([2], people=1, own=38000, proof=RECORD, scheme="390", employer_fen=None)
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + resident)
    assert [(row[2], row[3], row[4]) for row in told(result)] == [("double_enrolment", "two_schemes", 0)]
    assert result.payroll_month["scheme"].unique().to_list() == ["310"]


def test_a_tax_id_and_a_unit_number_beside_one_name_are_one_payer() -> None:
    """Payslips print the tax id, records the insurer's unit number; two tax ids of one name stay two payers."""
    paid = [row | {"employer": "示例科技有限公司"} for row in slips(range(6))]
    record = [row | {"employer": "示例科技有限公司", "payer": "42010600018"} for row in lines(range(6), proof=RECORD)]
    assert told(check(payroll=paid, contribution=record)) == []
    other = [row | {"payer": "91420100MA4KTEST98"} for row in record]
    assert {(row[2], row[3]) for row in told(check(payroll=paid, contribution=other))} == {("wrong_branch", "payer")}


@pytest.mark.parametrize("said", [
    {"employer": "示例科技有限公司", "payer": None},  # the name alone, as pages of one person print it
    {"employer": None, "payer": "42010600018"},  # the insurer's number alone, as older systems do
])
def test_what_cannot_be_held_against_a_tax_id_is_no_other_payer(said: dict[str, str | None]) -> None:
    paid = [row | {"employer": "示例科技有限公司"} for row in slips(range(6))]
    assert told(check(payroll=paid, contribution=[row | said for row in lines(range(6), proof=RECORD)])) == []


def test_another_payer_or_region() -> None:
    moved = changed(changed(lines(range(6)), 3, 2, payer="91420100MA4KTEST98"), 4, 2, region="110000")
    stated = changed(slips(range(6)), 4, 2, column="pay_month", region="420100")
    result = check(payroll=stated, contribution=moved)
    assert [(row[2], row[3]) for row in told(result)] == [("wrong_branch", "payer"), ("wrong_branch", "region")]


def test_a_top_up_is_recovered_later_or_not() -> None:
    """Two people owe the top-up of two months; one pays it in June, the other not."""
    extra = [row | {"row_id": f"t{row['row_id']}", "payment_kind": "top_up", "employee_fen": 400, "employer_fen": 1600}
             for row in lines([1, 2], people=2)]
    paid = [*slips(range(6)), slips([5], people=1)[0] | {"row_id": "pay.csv#x", "item": "top_up", "deducted_fen": 800}]
    result = check(payroll=paid, contribution=lines(range(6)) + extra)
    assert told(result) == [
        (person_id(1), "2024-02", "top_up_not_recovered", "in_service", -400),
        (person_id(1), "2024-03", "top_up_not_recovered", "in_service", -400)]


def test_a_late_fee_is_the_employers() -> None:
    paid = [*slips(range(6)), slips([2], people=1)[0] | {"row_id": "pay.csv#x", "item": "医保滞纳金", "deducted_fen": 1234}]
    result = check(payroll=paid, contribution=lines(range(6)))
    assert told(result) == [(person_id(0), "2024-03", "late_fee_deducted", "", 1234)]


def test_a_refund_is_returned_or_not() -> None:
    """Two people were declared and deducted twice and refunded by the fund; one got it back on a later payslip."""
    twice = [row | {"row_id": f"{kind}{row['row_id']}", "payment_kind": kind, "employee_fen": sign * 12000,
                    "employer_fen": sign * 48000}
             for kind, sign in (("back_pay", 1), ("refund", -1)) for row in lines([2], people=2)]
    paid = slips(range(6)) + [row | {"row_id": f"{row['row_id']}b"} for row in slips([2], people=2)]
    paid.append(slips([4], people=1)[0] | {"row_id": "pay.csv#x", "item": "refund", "deducted_fen": -12000})
    result = check(payroll=paid, contribution=lines(range(6)) + twice)
    assert told(result) == [(person_id(1), "2024-03", "refund_due", "refund_not_returned", 12000)]


def test_declared_and_not_arrived() -> None:
    """The record says unpaid, or does not have the person; before the deadline both only wait."""
    record = changed(without(lines(range(6), proof=RECORD), 3, 2), 4, 2, paid=False, paid_on=None)
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + record)
    assert told(result) == [
        (person_id(3), "2024-03", "declared_not_paid", "not_in_record", 12000),
        (person_id(4), "2024-03", "declared_not_paid", "unpaid", 12000)]
    assert set(result.gap["status"]) == {"open"}
    early = check(as_of=date(2024, 4, 10), payroll=slips(range(6)), contribution=lines(range(6)) + record)
    assert set(early.gap["status"]) == {"pending"}


def test_a_bill_proves_no_payment() -> None:
    """With a declaration alone nothing is said to have arrived, and nobody is accused."""
    result = check(payroll=slips(range(6)), contribution=lines(range(6), proof="billed"))
    assert told(result) == []
    assert result.payroll_month["arrived_fen"].null_count() == result.payroll_month.height


def test_a_unit_that_is_short_by_a_little_is_one_finding() -> None:
    """Three yuan are missing and nobody's premium is split: one row about the unit, none about its people."""
    record = [row | {"paid": False, "paid_on": None} if row["accrual_month"] == month(2) else row
              for row in lines(range(6), proof=RECORD)]
    bank = [row | {"amount_fen": 599_700} if row["row_id"] == "bank.csv#L2" else row for row in debits(range(6))]
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + record, payment=bank)
    assert told(result) == [("", "2024-03", "unit_not_fully_paid", "", 300)]
    assert result.finding.select("people", "amount_fen", "owner").rows() == [(10, 300, "finance")]
    assert result.gap["estimated_fen"].to_list() == [120_000]


@pytest.mark.parametrize(("payer", "branch", "shown"), [
    (PAYER, PAYER, PAYER), ("ACME (Wuhan) Co Ltd", "ACME (Wuhan) Co Ltd", "ACME (Wuhan) Co Ltd"), (None, None, "all payers"),
])
def test_a_finding_about_a_unit_says_whose_it_is(payer: str | None, branch: str | None, shown: str) -> None:
    """Roll-up and report name the payer by its column: whole where it has spaces, none made up where nobody names it."""
    def named(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        return [row | {"payer": payer} for row in rows]

    record = [row | {"paid": False, "paid_on": None} if row["accrual_month"] == month(2) else row
              for row in lines(range(6), proof=RECORD)]
    bank = [row | {"amount_fen": 599_700} if row["row_id"] == "bank.csv#L2" else row for row in debits(range(6))]
    result = check(payroll=named(slips(range(6))), contribution=named(lines(range(6)) + record), payment=named(bank))
    assert told(result) == [("", "2024-03", "unit_not_fully_paid", "", 300)]
    assert result.finding["payer"].to_list() == [payer]
    tables = {"month": empty("month"), "person": empty("person"), "gap": result.gap, "finding": result.finding,
              "payroll_month": result.payroll_month}
    whole = roll_up(tables, PayrollSettings()).filter(pl.col("level") == "branch")
    assert set(whole["branch"]) == {branch}
    view = RunView(tables, as_of=AS_OF, lang="en")
    assert exceptions(view, people(view))["employer"].to_list() == [shown]


def test_a_deferral_is_no_debt() -> None:
    record = [row | {"paid": False, "paid_on": None} if row["accrual_month"] == month(2) else row
              for row in lines(range(6), proof=RECORD)]
    firm = PayrollSettings(deferrals=(Deferral(month(2), month(2)),))
    result = check(firm, payroll=slips(range(6)), contribution=lines(range(6)) + record)
    assert {(row[2], row[1]) for row in told(result)} == {("deferred", "2024-03")}
    assert set(result.gap["status"]) == {"pending"}


def test_late_arrivals_of_a_whole_unit_are_one_finding() -> None:
    record = [row | {"paid_on": date(2024, 6, 20)} if row["accrual_month"] == month(2) else row
              for row in lines(range(6), proof=RECORD)]
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + record)
    assert result.finding.select("label", "people").rows() == [("paid_late", 10)]
    assert set(result.gap["status"]) == {"resolved"}


def test_a_month_of_booking_shows_a_late_arrival_where_no_day_is_known() -> None:
    """Booked in the month after is in time, two months after is not."""
    record = [row | {"paid_on": None, "booked_month": month(5 if row["accrual_month"] == month(3) else 3)}
              for row in lines([2, 3], people=2, proof=RECORD)]
    result = check(payroll=slips([2, 3], people=2), contribution=record)
    assert [(row[1], row[2]) for row in told(result)] == [("2024-04", "paid_late"), ("2024-04", "paid_late")]


@pytest.mark.parametrize(("day", "late"), [(11, {"paid_late"}), (12, set())])
def test_a_policy_may_state_the_day_of_the_deadline(tmp_path: Path, day: int, late: set[str]) -> None:
    """All arrive on the 12th of the month after: late where the region collects until the 11th."""
    (tmp_path / "own.toml").write_text(
        f'code = "420100"\n[[calendar]]\nfrom = "open"\ncollection_deadline_day = {day}\nsource = ["通知"]\n'
        'confidence = "high"\n', encoding="utf-8")
    rules = load_policy([shipped() / "policy", tmp_path])
    result = check(rules=rules, payroll=slips(range(6)), contribution=lines(range(6)) + lines(range(6), proof=RECORD))
    assert {row[2] for row in told(result)} == late
    unpaid = changed(lines(range(6), proof=RECORD, paid_on=None), 4, 2, paid=False)
    waiting = check(
        as_of=date(2024, 4, 11), rules=rules, payroll=slips(range(6)), contribution=lines(range(6)) + unpaid)
    assert waiting.gap["status"].to_list() == ["open" if late else "pending"]


@pytest.mark.parametrize(("change", "cause", "fen"), [(-4321, "short", 4321), (5000, "over", -5000)])
def test_the_bank_differs(change: int, cause: str, fen: int) -> None:
    bank = [row | {"amount_fen": 600_000 + change} if row["row_id"] == "bank.csv#L2" else row for row in debits(range(6))]
    result = check(payroll=slips(range(6)), contribution=lines(range(6)) + lines(range(6), proof=RECORD), payment=bank)
    assert told(result) == [("", "2024-03", "paid_differs_from_bank", cause, fen)]


def test_debits_are_matched_many_to_many() -> None:
    """One debit for two months, two debits for one month, a late fee apart: nothing but the late fee is said."""
    bank = [row for row in debits(range(6)) if row["row_id"] not in ("bank.csv#L2", "bank.csv#L3", "bank.csv#L4")]
    one = debits([3])[0]
    bank += [one | {"row_id": "bank.csv#a", "amount_fen": 1_200_000}]
    four = debits([4])[0]
    bank += [four | {"row_id": "bank.csv#b", "amount_fen": 480_000}, four | {"row_id": "bank.csv#c", "amount_fen": 120_000}]
    bank += [four | {"row_id": "bank.csv#d", "amount_fen": 5_000, "memo": "医疗保险费滞纳金"}]
    result = check(contribution=lines(range(6)) + lines(range(6), proof=RECORD), payment=bank)
    assert [(row[2], row[3], row[4]) for row in told(result)] == [("paid_differs_from_bank", "late_fee", -5000)]
    assert result.gap["status"].to_list() == ["explained"]


def test_no_debit_and_no_declaration() -> None:
    bank = [row for row in debits(range(6)) if row["row_id"] != "bank.csv#L2"]
    bank.append(debits([3])[0] | {"row_id": "bank.csv#x", "amount_fen": 77_777, "paid_on": date(2024, 5, 28)})
    result = check(contribution=lines(range(6)) + lines(range(6), proof=RECORD), payment=bank)
    assert [(row[1], row[3], row[4]) for row in told(result)] == [
        ("2024-03", "no_debit", 600_000), ("2024-05", "no_declaration", -77_777)]


def test_one_cause_of_many_is_one_finding() -> None:
    """Half of a payer's people lack the flat sum for months: one finding with its members."""
    paid = [row | {"deducted_fen": 11300} if int(str(row["person_id"])[-4:]) < 6 else row for row in slips(range(6))]
    result = check(payroll=paid, contribution=lines(range(6)))
    assert result.finding.select("label", "cause", "people").rows() == [("amount_differs", "flat_sum", 6)]
    assert result.gap["finding_id"].n_unique() == 1


def test_legs_are_optional() -> None:
    """A leg that is switched off, or not there, accuses nobody."""
    assert told(check(payroll=slips(range(6)))) == []
    assert told(check(payment=debits(range(6)))) == []
    off = PayrollSettings(legs=frozenset({"declared", "arrived"}))
    assert told(check(off, payroll=slips(range(3)), contribution=without(lines(range(6)), 3, 2))) == []


def test_a_missing_payroll_month_is_a_problem_not_ten_findings() -> None:
    result = check(payroll=[row for row in slips(range(6)) if row["pay_month"] != month(2)], contribution=lines(range(6)))
    assert told(result) == []
    assert [(one.code, one.column, one.value) for one in result.problems] == [
        ("leg-month-missing", "payroll", f"{PAYER} 2024-03")]


@examples(5)
@given(st.randoms(use_true_random=False), st.lists(st.tuples(
    st.integers(0, 9), st.integers(0, 5), st.sampled_from([0, 11000, 12000, 12005, 24000])), max_size=12))
def test_parts_add_up_and_order_is_irrelevant(random: object, changes: list[tuple[int, int, int]]) -> None:
    """Whatever is deducted: the identities hold (asserted inside) and shuffled rows give the same answer."""
    paid = slips(range(6))
    for who, at, fen in changes:
        paid = changed(paid, who, at, column="pay_month", deducted_fen=fen)
    declared = lines(range(6)) + lines(range(6), proof=RECORD)
    first = check(payroll=paid, contribution=declared)
    difference = sum(int(str(row["deducted_fen"])) for row in paid) - 60 * 12000
    assert first.gap["amount_fen"].sum() == difference
    random.shuffle(paid)  # type: ignore[attr-defined]
    random.shuffle(declared)  # type: ignore[attr-defined]
    again = check(payroll=paid, contribution=declared)
    assert again.gap.equals(first.gap)
    assert again.payroll_month.equals(first.payroll_month)


@examples(5)
@given(st.lists(st.tuples(
    st.integers(0, 5), st.integers(0, 5), st.sampled_from(["top_up", "refund", "late_fee", "medical"]),
    st.sampled_from([-12000, -700, 700, 12000]), st.booleans()), max_size=14))
def test_parts_of_every_person_add_up(extras: list[tuple[int, int, str, int, bool]]) -> None:
    """Corrections on either side, settled or not, in whatever month: asserted inside for each person."""
    paid, declared = slips(range(6), 6), lines(range(6), 6)
    for number, (who, at, kind, fen, on_payslip) in enumerate(extras):
        if on_payslip:
            paid += [row | {"row_id": f"more.csv#L{number}", "item": kind, "deducted_fen": fen}
                     for row in slips([at], 6) if row["person_id"] == person_id(who)]
        elif kind in ("top_up", "refund"):
            declared += [row | {"row_id": f"more.csv#L{number}", "payment_kind": kind, "employee_fen": fen}
                         for row in lines([at], 6) if row["person_id"] == person_id(who)]
    result = check(payroll=paid, contribution=declared)
    assert set(result.gap["label"]) <= set(LABEL)


def test_what_one_person_has_too_much_is_not_anothers_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that only add up over everybody are a bug, and found."""
    real = parts._deductions

    def swapped(*arguments: object) -> pl.DataFrame:
        found = real(*arguments)  # type: ignore[arg-type]
        return found.with_columns(pl.col("person_id").reverse())

    monkeypatch.setattr(parts, "_deductions", swapped)
    paid = changed(changed(slips(range(6)), 3, 2, column="pay_month", deducted_fen=12120), 4, 2, column="pay_month",
                   deducted_fen=11880)
    with pytest.raises(parts.PayrollIdentityError):
        check(payroll=paid, contribution=lines(range(6)))


def test_every_row_has_its_words() -> None:
    """Label, cause, desk, sentence and evidence of every kind of row, and no word that accuses."""
    from payroll_accuracy import settings_of

    from payroll_cases import policy
    from recon.core.payroll.check import check_payroll
    from recon.core.prepare import prepare
    from recon.simulate.payroll import make_firm
    from recon.simulate.payroll_exports import native_tables

    firm = make_firm(120, 3)
    result = check_payroll(prepare(native_tables(firm)).tables, policy(), AS_OF, settings_of())  # type: ignore[arg-type]
    for row in result.gap.to_dicts():
        assert row["label"] in LABEL
        assert (row["label"], row["cause"]) in CAUSE
        assert row["action"]
        assert "{" not in row["action"] + row["evidence"]
        assert not any(word in row["action"] + row["evidence"] for word in ("欠缴", "挪用", "截留", "漏缴", "挂靠"))
    assert result.gap.select("gap_id", "label", "cause").is_duplicated().sum() == 0
    assert set(result.gap["finding_id"].drop_nulls()) == set(result.finding["finding_id"])


def test_the_workbook_shows_the_legs(tmp_path: Path) -> None:
    """A firm's exports in real layouts end in the three payroll sheets, and both sums of the legs tie out."""
    from openpyxl import load_workbook

    from recon import batch
    from recon.report.view import payroll_ties
    from recon.simulate.payroll import make_firm
    from recon.simulate.payroll_exports import write_firm

    firm = make_firm(60, 1)
    write_firm(firm, tmp_path)
    run = batch.run_folder(tmp_path / "exports", batch.Options(as_of=firm.as_of.isoformat()))
    assert [rest for _, _, rest in payroll_ties(run.view)] == [0, 0]
    batch.write_report(tmp_path / "r.xlsx", run)
    book = load_workbook(tmp_path / "r.xlsx", read_only=True)
    for name, least in (("工资核对", 20), ("名单核对", 1), ("分类汇总", 50)):
        assert book[name].max_row > least, name
    rows = list(book["分类汇总"].iter_rows(values_only=True))
    book.close()
    head = rows[0]
    level, finding, amount = head.index("层级"), head.index("发现"), head.index("差异金额")
    totals = {one: round(sum(row[amount] or 0 for row in rows[1:] if row[level] == one and row[finding] != "合计"), 2)
              for one in ("公司", "分公司", "成本中心", "参保地")}
    assert len(set(totals.values())) == 1
