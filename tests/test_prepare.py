"""One view of each payment and one count of each line: duplicates, ledgers, reversals, refunds."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_cases import (
    BEIJING,
    DUE,
    ME,
    PAID,
    SHENZHEN,
    WUHAN,
    Book,
    Row,
    Told,
    account,
    colleagues,
    context_of,
    cover,
    credits,
    flow,
    later,
    line,
    lines,
    policy,
    refund,
    retiree,
    run_of,
    solve,
)
from recon.core import repeated_payments
from recon.core.overlap import export_of, mark_repeated_flows
from recon.core.reconcile import reconcile
from recon.core.repeated_payments import mark_repeated_contributions
from recon.tables import conform

book = Book()
case = book.case


def with_balances(flows: list[dict[str, object]], start: int = 0) -> list[dict[str, object]]:
    """The lines with the balance each leaves."""
    balance, rows = start, []
    for row in flows:
        balance += int(str(row["amount_fen"]))
        rows.append(row | {"balance_fen": balance})
    return rows


def again(rows: list[dict[str, object]], **changes: object) -> list[dict[str, object]]:
    """The same lines, told by another file."""
    return [row | {"file": "again.csv"} | changes for row in rows]


# ------------------------------------------------------------------------------------------------ one line, two files


@case(lines(), with_balances(credits()) + again(credits()))
def test_export_without_balances_repeats_the_one_with(told: Told) -> None:
    """Lines exported twice count once, though one file prints no balance."""
    assert told.unusual() == {}
    assert len(told.links()) == 6


@case(lines(), with_balances(credits()) + again(with_balances(credits())))
def test_export_with_the_same_balances_counts_once(told: Told) -> None:
    """Lines exported twice with equal balances count once."""
    assert told.unusual() == {}


@case(lines(), with_balances(credits()) + with_balances(again(credits())[2:3], start=7))
def test_lines_with_other_balances_are_other_lines(told: Told) -> None:
    """Equal lines whose printed balances differ are two credits."""
    assert told.unusual() == {"2024-03": "over_credit/duplicate_credit/open"}
    assert told.parts("2024-03") == {"over_credit/duplicate_credit/open": -DUE}


@case(lines(), [*credits(), flow("2024-04-12"), *again(credits()), flow("2024-04-12", file="again.csv")])
def test_twins_of_one_export_survive_a_second_export(told: Told) -> None:
    """Two equal credits of one day in each of two exports are two credits, not one and not four."""
    assert told.accused() == [("2024-03", "over_credit", "duplicate_credit", -DUE)]
    assert sum(amount for _, _, amount in told.links()) == 7 * DUE


@case(lines(), credits() + again(credits(), region=None, scheme="310"))
def test_export_without_region_repeats_the_one_with(told: Told) -> None:
    """An export that leaves the region and scheme out is read as the person's account before lines are compared."""
    assert told.unusual() == {}


@case(lines(), credits() + again(credits(), sub_account="current_year"))
def test_export_without_sub_accounts_repeats_the_one_with(told: Told) -> None:
    """Lines exported twice count once, though one file does not split the account."""
    assert told.unusual() == {}
    assert len(told.links()) == 6


@case(lines(), credits() + again(credits(), flow_kind="other"))
def test_export_with_unknown_kinds_repeats_the_one_with(told: Told) -> None:
    """A line whose kind one file does not tell is the line of the file that does."""
    assert told.unusual() == {}
    assert told.codes() == []


def issued(older: str | None, newer: str | None) -> list[Row]:
    """Two exports of the whole time, and the days on which they were made."""
    return [cover("flow.csv", exported_on=older, basis="stated"), cover("again.csv", exported_on=newer, basis="stated")]


def changed(flows: list[Row], **changes: object) -> list[Row]:
    """The lines of the re-issued export: the third is told differently."""
    return [row | (changes if at == 2 else {}) for at, row in enumerate(again(flows))]


@case(lines(), credits() + changed(credits(), amount_fen=11000), coverage=issued("2024-12-01", "2025-03-01"))
def test_a_reissued_statement_amends_a_line(told: Told) -> None:
    """The export made later is believed; both places and both sums are named; nothing counts twice."""
    assert told.unusual() == {"2024-03": "short_credit/open"}
    assert [(each.code, each.place, each.value) for each in told.problems()] == [
        ("amended-line", "L4", "120.00 → 110.00 (flow.csv#L4)")]


@case(lines(), credits() + changed(credits(), amount_fen=11000), coverage=issued("2025-03-01", "2024-12-01"))
def test_the_amended_line_of_an_older_export_does_not_count(told: Told) -> None:
    """The same the other way round."""
    assert told.unusual() == {}
    assert [(each.code, each.value) for each in told.problems()] == [
        ("amended-line", "110.00 → 120.00 (again.csv#L4)")]


@case(lines(), credits() + changed(credits(), amount_fen=11000), coverage=issued(None, None))
def test_exports_that_disagree_without_a_date(told: Told) -> None:
    """Nothing says which is newer: the larger sum counts, once, and the disagreement names both."""
    assert told.unusual() == {}
    assert [(each.code, each.value) for each in told.problems()] == [
        ("contradictory-lines", "110.00 ≠ 120.00 (again.csv#L4)")]


@case(lines(), credits() + changed(credits(), posted_on="2024-04-15"), coverage=issued("2024-12-01", "2025-03-01"))
def test_a_reissued_statement_moves_a_day(told: Told) -> None:
    """The same sum a few days apart, each only in one export, is one line."""
    assert told.unusual() == {}
    assert [each.code for each in told.problems()] == ["amended-line"]
    assert sum(amount for _, _, amount in told.links()) == 6 * DUE


@case(lines(), credits() + again(credits(skip=["2024-03"])), coverage=issued("2024-12-01", "2025-03-01"))
def test_a_line_only_one_of_two_exports_shows(told: Told) -> None:
    """It counts, and is said: both files cover the day."""
    assert told.unusual() == {}
    assert [(each.code, each.file, each.place) for each in told.problems()] == [
        ("line-in-one-file", "flow.csv", "L4")]


@case(lines(), credits() + again([flow("2024-04-20", -500, "spend")]), coverage=issued("2024-12-01", "2025-03-01"))
def test_an_export_of_another_kind_disagrees_with_nothing(told: Told) -> None:
    """An export that shows spending only says nothing about credits."""
    assert told.codes() == []


@case(lines(), again(credits(), proof="human", file="a-typed.csv") + credits())
def test_typed_lines_repeat_the_export(told: Told) -> None:
    """What a person typed and an export tells counts once, as the export's."""
    assert told.unusual() == {}
    assert told.codes() == []


@case(lines(), again(credits()[1:4], proof="human") + credits())
def test_what_a_person_left_out_is_no_disagreement(told: Told) -> None:
    """A typed or confirmed line shows what there is, not that there is nothing else."""
    assert told.unusual() == {}
    assert told.codes() == []


@case(lines(), credits() + changed(credits(), amount_fen=13000, proof="human"), coverage=issued("2024-12-01", "2025-03-01"))
def test_an_export_is_believed_before_a_person(told: Told) -> None:
    """Even where the person wrote later and more; both are named."""
    assert told.unusual() == {}
    assert [(each.code, each.file, each.value) for each in told.problems()] == [
        ("contradictory-lines", "flow.csv", "130.00 ≠ 120.00 (again.csv#L4)")]


@case(lines() + changed(lines(), proof="human", base_fen=500000, employee_fen=10000, employer_fen=40000,
                        into_account_fen=10000), credits())
def test_a_record_is_believed_before_a_person(told: Told) -> None:
    """The same for contributions."""
    assert told.unusual() == {}
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}
    assert told.codes() == ["contradictory-lines"]


@case(lines(), credits() + again(credits(skip=["2024-03"]), ledger="bank"), coverage=issued(None, None))
def test_the_bank_shows_less_than_the_account(told: Told) -> None:
    """App and bank disagree about a credit that both cover: it counts once and both are named."""
    assert told.unusual() == {}
    assert [(each.code, each.place) for each in told.problems()] == [("line-in-one-file", "L4")]


@case(lines(), credits(skip=["2024-03"]) + again(credits(), ledger="bank"), coverage=issued(None, None))
def test_the_bank_shows_more_than_the_account(told: Told) -> None:
    """The account's own export is believed; what only the bank shows is said."""
    assert told.unusual() == {"2024-03": "missing_month/credit_missing/open"}
    assert [each.code for each in told.problems()] == ["line-in-one-file"]


# ------------------------------------------------------------------------------------------------------- two ledgers


@case(lines(), credits(ledger="app") + again(credits(ledger="bank")))
def test_bank_ledger_mirrors_the_account(told: Told) -> None:
    """R02: the same credits in the app's and in the bank's ledger are one set of credits."""
    assert told.unusual() == {}
    assert sum(amount for _, _, amount in told.links()) == 6 * DUE


@case(lines(), credits(ledger="bank"))
def test_bank_ledger_alone_is_the_account(told: Told) -> None:
    """R02: where there is no other export, the bank's lines are the credits."""
    assert told.unusual() == {}


@case(lines(), credits(ledger="app") + again(credits(count=3, first="2023-10"), ledger="bank")
      + again(credits(), ledger="bank"))
def test_bank_ledger_fills_what_the_app_does_not_reach(told: Told) -> None:
    """R02: bank lines before the app's export change nothing about the months it shows."""
    assert told.unusual() == {}


def later_bank(flows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same credits as the bank books them, two days later."""
    return [row | {"file": "again.csv", "ledger": "bank", "posted_on": f"{str(row['posted_on'])[:8]}14"} for row in flows]


@case(lines(), credits(ledger="app") + later_bank(credits()))
def test_bank_ledger_posts_a_day_or_two_later(told: Told) -> None:
    """R32: a bank line two days after the app's line is the same credit, the last one too."""
    assert told.unusual() == {}


@case(lines(), credits(count=4, ledger="app") + later_bank(credits()), coverage=())
def test_bank_ledger_reaches_further(told: Told) -> None:
    """R32: where the bank's export reaches further, it adds the months beyond and repeats none."""
    assert told.unusual() == {}
    assert len(told.links()) == 6


# --------------------------------------------------------------------------------------------- one payment, two files


@case(lines() + again(lines()), credits())
def test_two_files_with_the_same_payments(told: Told) -> None:
    """The same payment told by two files is one payment."""
    assert told.unusual() == {}
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}


@case(lines() + again(lines(), base_fen=None, paid_on=None, employer=None, into_account_fen=None), credits())
def test_a_poorer_view_of_the_same_payments(told: Told) -> None:
    """A file that states less (no base, day, employer or credited amount) is a view of the same payments."""
    assert told.unusual() == {}


@case(lines() + again(lines(), proof="tax_receipt", into_account_fen=None), credits())
def test_tax_receipt_is_a_view_of_the_record(told: Told) -> None:
    """A tax receipt beside the fund's record of the same month is no second payment."""
    assert told.unusual() == {}


@case(lines(due=None) + again(lines(), paid_on=None), credits())
def test_views_complete_each_other(told: Told) -> None:
    """One view gives the day, the other the credited amount: the payment has both."""
    assert told.unusual() == {}
    assert set(told.table("expected")["policy_confidence"]) == {"stated"}


@case(lines(count=3) + again(lines(count=3), into_account_fen=11000), credits(count=3))
def test_views_that_contradict_are_reported(told: Told) -> None:
    """Two views of one payment with different credited amounts are a problem of the input, and still one payment."""
    assert "contradictory-lines" in told.codes()
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}


@case(lines() + again(lines(), proof="billed", paid=None, paid_on=None), credits(skip=["2024-03"]))
def test_bill_beside_record_is_one_payment(told: Told) -> None:
    """Bill and record of one month are two views, not two payments; the record decides."""
    assert told.unusual() == {"2024-03": "missing_month/credit_missing/open"}
    assert told.months()["2024-03"]["contributed_fen"] == PAID


@case(lines() + again(lines(), proof="declared", paid=None, paid_on=None, employee_fen=13000), credits())
def test_declaration_of_another_amount_is_still_a_view(told: Told) -> None:
    """A declaration is a view of the month's record even where its amounts differ."""
    assert told.unusual() == {}


def record(older: str | None, newer: str | None) -> list[Row]:
    """The days on which two contribution records were exported."""
    return [cover(), *(cover(name, table="contribution", exported_on=day, basis="exported")
                       for name, day in (("contribution.csv", older), ("again.csv", newer)) if day)]


@case([*lines(skip=["2024-03"]), line("2024-03", paid=False, paid_on=None), *again(lines())], credits(),
      coverage=record("2024-04-02", "2024-09-01"))
def test_unpaid_then_paid_is_one_payment(told: Told) -> None:
    """An older record says unpaid, a newer one paid: paid, once, and the amendment is shown."""
    assert told.unusual() == {}
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}
    assert [(each.code, each.value) for each in told.problems()] == [
        ("amended-line", "False → True (contribution.csv#L7)")]


@case([*lines(skip=["2024-03"]), line("2024-03", paid=False, paid_on=None), *again(lines())], credits())
def test_unpaid_and_paid_without_dates(told: Told) -> None:
    """Nothing says which record is newer: a payment is not unmade, so paid is believed, and the difference said."""
    assert told.unusual() == {}
    assert told.codes() == ["contradictory-lines"]


@case(lines() + changed(lines(), base_fen=500000, employee_fen=10000, employer_fen=40000, into_account_fen=10000),
      credits(), coverage=record("2024-04-02", "2024-09-01"))
def test_an_amended_payment(told: Told) -> None:
    """The newer record's sums count; the older ones are no second payment."""
    assert told.months()["2024-03"]["contributed_fen"] == 50000
    assert told.unusual() == {"2024-03": "over_credit/unknown_extra/open"}
    assert told.codes() == ["amended-line"]


@case(lines() + changed(lines(), paid_on="2024-03-25"), credits(), coverage=record("2024-04-02", "2024-09-01"))
def test_two_arrival_days_are_one_payment(told: Told) -> None:
    """The same sums of one month with another day of arrival in each record."""
    assert told.unusual() == {}
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}


@case(lines() + again(lines(employer="另一公司", scale=50)), credits())
def test_two_employers_are_two_payments(told: Told) -> None:
    """What two employers paid for one month is never taken for an amendment."""
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID + PAID // 2}
    assert "amended-line" not in told.codes()


@case([*lines(), line("2024-03"), *again([*lines(), line("2024-03")])], credits())
def test_a_double_payment_in_two_files_stays_double(told: Told) -> None:
    """Twins survive a second export, of payments too."""
    assert told.unusual() == {"2024-03": "refund_due/pending"}


@case([*lines(), line("2024-03")], credits())
def test_equal_rows_of_one_file_are_two_payments(told: Told) -> None:
    """The same full line twice in one file is a double payment: the second is to be refunded."""
    assert told.unusual() == {"2024-03": "refund_due/pending"}
    assert told.parts("2024-03") == {"refund_due/pending": PAID}
    month = told.months()["2024-03"]
    assert (month["contributed_fen"], month["expected_fen"], month["pooled_fen"]) == (2 * PAID, DUE, PAID - DUE)


# --------------------------------------------------------------------------------------------------------- reversals


@case(lines(), [*credits(), flow("2024-08-12", -3 * DUE, "reversal")])
def test_reversal_of_several_credits(told: Told) -> None:
    """R03: a reversal larger than any credit takes back the latest ones, and their months say so."""
    assert told.accused() == [(month, "missing_month", "credit_missing", DUE)
                              for month in ("2024-04", "2024-05", "2024-06")]


@case(lines(), [*credits(), flow("2024-06-20", -2 * DUE, "reversal")])
def test_reversal_looks_back_only(told: Told) -> None:
    """R03: credits after the reversal are not touched by it."""
    assert [month for month, *_ in told.accused()] == ["2024-04", "2024-05"]


@case(lines(count=12), [*credits(count=12), flow("2024-05-14"), flow("2024-07-12", -DUE, "reversal")])
def test_reversal_takes_what_came_twice(told: Told) -> None:
    """A credit that came twice and was taken back two months later leaves nothing open: not the latest one went."""
    assert told.unusual() == {}
    assert ("2024-06", "2024-07-12", DUE) in told.links()


@case(lines(count=12), [*credits(count=12), flow("2024-05-14"), flow("2024-07-13", -DUE, "reversal"), flow("2024-08-14")])
def test_reversal_and_a_credit_anew(told: Told) -> None:
    """Taken back the day after it came, and two in the next month: the latest went, and came late; May's is too much."""
    assert told.unusual() == {"2024-04": "over_credit/duplicate_credit/open", "2024-06": "delay/late/resolved"}


@case([*lines(count=6), *lines("2024-07", 6, scale=110)],
      [*credits(), *credits("2024-07", 6, amount=13200), flow("2024-03-14"), flow("2024-07-13", -DUE, "reversal"),
       flow("2024-08-14")])
def test_reversal_and_a_credit_anew_beside_another_base(told: Told) -> None:
    """So it is where the next month's own credit has another sum."""
    assert told.unusual() == {"2024-02": "over_credit/duplicate_credit/open", "2024-06": "delay/late/resolved"}


@case(lines(count=12), [*credits(count=12), flow("2024-05-25"), flow("2024-07-30", -DUE, "reversal")])
def test_reversal_takes_what_came_before_its_time(told: Told) -> None:
    """Though the extra one came after the next premium: the months go on as before."""
    assert told.unusual() == {}


@case(lines(count=12), [*credits(count=12), flow("2024-05-14"), flow("2024-09-14"), flow("2024-11-12", -2 * DUE, "reversal")])
def test_reversal_takes_both_that_came_twice(told: Told) -> None:
    """One reversal of two credits that came twice."""
    assert told.unusual() == {}


@case(lines(count=12), [*credits(count=12), flow("2024-05-14"), flow("2024-07-12", -DUE // 2, "reversal")])
def test_reversal_takes_a_part_of_what_came_twice(told: Told) -> None:
    """What is left of it is still too much; no other month is short."""
    assert told.accused() == [("2024-04", "over_credit", "unknown_extra", -DUE // 2)]


@case([*lines(count=12), line("2024-02", paid_on="2024-04-20", payment_kind="back_pay", employer="示例乙公司")],
      [*credits(count=12), flow("2024-05-20"), flow("2024-07-20", -DUE, "reversal")])
def test_reversal_beside_a_second_payment_takes_the_latest(told: Told) -> None:
    """Two payments of one arrival are due two credits: none came twice."""
    assert [month for month, *_ in told.accused()] == ["2024-06"]


@case([*lines(count=8, due=None, employee_fen=DUE + 300), line("2024-03", due=None, employee_fen=DUE + 300),
       refund("2024-03", "2024-04-20") | {"employee_fen": -DUE - 300, "into_account_fen": None}],
      [*credits(count=8), flow("2024-04-12"), flow("2024-05-20", -DUE, "reversal")])
def test_the_refund_of_a_second_payment_with_a_flat_sum_takes_its_own_credit(told: Told) -> None:
    """A month paid twice, 3 yuan beside it, was credited twice: the reversal takes the second one, not the next month's."""
    assert told.accused() == []
    assert told.links()[3] == ("2024-04", "2024-05-12", DUE)


@case([*lines("2024-02", 6, scale=110), line("2024-01"), line("2024-01"), refund("2024-01", "2024-02-20")],
      [*credits("2024-02", 6, amount=13200), flow("2024-03-20", -DUE, "reversal")],
      coverage=[cover(start="2024-03-01")])
def test_the_refund_of_a_second_payment_before_the_export_takes_nothing(told: Told) -> None:
    """Both credits of the month came before the export begins: what took one back touches no other month's."""
    assert told.accused() == []
    assert told.links()[0] == ("2024-02", "2024-03-12", 13200)


@case(lines(), [flow("2024-01-20", -DUE, "reversal"), *credits()])
def test_reversal_of_nothing_is_reported(told: Told) -> None:
    """R03: a reversal that no earlier credit can bear changes no month and is named as a problem."""
    assert told.unusual() == {}
    assert told.codes() == ["unmatched-reversal"]


@case(lines(), [*credits(), flow("2024-08-12", -7 * DUE, "reversal")])
def test_reversal_of_more_than_everything(told: Told) -> None:
    """R03: what no credit can bear of a reversal is named; the credits it takes are gone."""
    assert len(told.accused()) == 6
    assert told.codes() == ["unmatched-reversal"]


@case([*lines(), refund("2024-03", "2024-04-20")],
      [*credits(), flow("2024-05-13", -DUE, accrual_month="2024-03-01")])
def test_printed_reversal_among_unprinted_credits(told: Told) -> None:
    """R04: a reversal that prints its month takes the credit of that month, though the credits print none."""
    assert told.unusual() == {}
    assert "2024-03" not in {month for month, _, _ in told.links()}


@case(lines(), [row | {"accrual_month": f"2024-{month:02d}-01"} for month, row in enumerate(credits(), 1)]
      + [flow("2024-07-20", -2000, "reversal", accrual_month="2024-03-01")])
def test_partial_reversal_lessens_its_month(told: Told) -> None:
    """A partial reversal reduces the month it prints."""
    assert told.accused() == [("2024-03", "short_credit", None, 2000)]


@case(lines(), [*credits(), flow("2024-04-20", -2000, "reversal")])
def test_partial_reversal_without_month_lessens_the_latest(told: Told) -> None:
    """A partial reversal that prints nothing reduces the latest earlier credit."""
    assert told.accused() == [("2024-03", "short_credit", None, 2000)]


@case(lines(), [*credits(), flow("2024-04-20", -DUE, "reversal"), flow("2024-06-25")])
def test_reversed_and_credited_again_later(told: Told) -> None:
    """A credit taken back and given again two months later moves its month and the one between; nothing is open."""
    assert told.unusual() == {"2024-03": "delay/late/resolved", "2024-04": "delay/late/resolved"}
    assert told.links()[2:5] == [("2024-03", "2024-05-12", DUE), ("2024-04", "2024-06-12", DUE),
                                 ("2024-05", "2024-06-25", DUE)]


@case(lines(), [*credits(), flow("2024-04-20", -DUE, "reversal"), flow("2024-04-25")])
def test_reversed_and_credited_again_at_once(told: Told) -> None:
    """A credit taken back and given again within the month is on time and no surplus."""
    assert told.unusual() == {}


@case(lines(), [*credits(), flow("2024-04-20", -DUE, "reversal")])
def test_reversal_is_no_surplus_and_no_silence(told: Told) -> None:
    """A credit taken back for good leaves its month open."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE)]


@case(lines(), [*credits(), flow("2024-07-20", -DUE, "reversal"), flow("2024-07-21", -DUE, "reversal")])
def test_two_reversals_take_two_credits(told: Told) -> None:
    """Each reversal cancels another credit, the latest first."""
    assert [month for month, *_ in told.accused()] == ["2024-05", "2024-06"]


@case(lines(), [*credits(), flow("2024-04-20", -5000, "spend"), flow("2024-04-22", 5000, "reversal")])
def test_reversal_of_a_spend_is_no_credit(told: Told) -> None:
    """A positive reversal cancels a spend line and never pays a month."""
    assert told.unusual() == {}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-04-20", -DUE, "spend"), flow("2024-04-22", DUE, "reversal")])
def test_reversal_of_a_spend_hides_no_hole(told: Told) -> None:
    """A spend that came back, though equal to a credit, does not stand in for a missing month."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE)]


# ----------------------------------------------------------------------------------------------------------- refunds


@case([*lines(), refund("2024-03", "2024-04-20")], credits(skip=["2024-03"]))
def test_full_refund_and_no_credit(told: Told) -> None:
    """A line and its full refund cancel: nothing was paid, nothing is due, nothing is open."""
    assert told.unusual() == {}
    month = told.months()["2024-03"]
    assert (month["contributed_fen"], month["expected_fen"], month["credited_fen"]) == (0, 0, 0)


@case([*lines(), refund("2024-03", "2024-04-20")], [*credits(), flow("2024-05-13", -DUE)])
def test_full_refund_whose_credit_was_taken_back(told: Told) -> None:
    """A refund whose credit was taken back leaves nothing open in total."""
    assert sum(amount for *_, amount in told.accused()) == 0


@case([*lines(), refund("2024-03", "2024-04-20")], credits())
def test_full_refund_whose_credit_stayed(told: Told) -> None:
    """The credit of a refunded month that was not taken back is a surplus of that month, and no other month suffers."""
    assert told.accused() == [("2024-03", "over_credit", "unknown_extra", -DUE)]


@case([*lines(), refund("2024-03", "2024-04-20", scale=20)], [*credits(skip=["2024-03"]), flow("2024-04-12", 9600)])
def test_partial_refund_lessens_what_is_due(told: Told) -> None:
    """A partial refund reduces the month's expectation by its own credited amount."""
    assert told.unusual() == {}
    month = told.months()["2024-03"]
    assert (month["contributed_fen"], month["expected_fen"]) == (48000, 9600)


@case([*lines(), refund("2024-03", "2024-05-20", scale=20)], [*credits(), flow("2024-06-13", -2400, "reversal")])
def test_a_refunds_share_is_taken_from_its_own_month(told: Told) -> None:
    """What the account gives back for a refund comes off the refunded month's credit, though later ones came."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["credited_fen"] == told.months()["2024-03"]["expected_fen"] == 9600


def test_a_refunds_share_is_taken_at_the_accounts_own_lag() -> None:
    """Where all credits come two months later, so did the refunded month's: the share is not the month before's."""
    told = solve(account([*lines(paid_on=None), refund("2024-03", "2024-05-20", scale=20) | {"paid_on": None}],
                         [*credits(lag=2), flow("2024-07-13", -2400, "reversal")]))
    assert {month: row["credited_fen"] for month, row in told.months().items()} == {
        **dict.fromkeys(run_of("2024-01", 6), DUE), "2024-03": 9600}


def test_a_refunds_share_is_taken_at_the_lag_of_all() -> None:
    """With one sum throughout and a credit before the first month, only colleagues tell which credit was March's."""
    sums = {month: 90 + number for number, month in enumerate(run_of("2023-07", 12))}
    others = colleagues(25)
    told = solve(account(
        [*lines(), refund("2024-03", "2024-05-20", scale=20),
         *(line(month, scale=scale, person_id=each) for each in others for month, scale in sums.items())],
        [flow("2024-02-12"), *credits(lag=2), flow("2024-07-13", -2400, "reversal"),
         *(flow(f"{later(month, 2)}-12", 120 * scale, person_id=each) for each in others
           for month, scale in sums.items())],
    ))
    assert told.links() == [
        (month, f"{later(month, 2)}-12", 9600 if month == "2024-03" else DUE) for month in run_of("2024-01", 6)]


@case([*lines(), refund("2024-03", "2024-06-20", scale=20)],
      [flow(f"{later(month, 1)}-12", accrual_month=f"{later(month, 1)}-01") for month in run_of("2024-01", 6)]
      + [flow("2024-07-13", -2400, "reversal", accrual_month="2024-07-01")])
def test_a_reversal_that_prints_its_posting_month_names_none(told: Told) -> None:
    """Where a file prints the months of posting, a share is taken from the refunded month, not from the printed one."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["credited_fen"] == 9600


@case([*lines(skip=["2024-01", "2024-03"]), line("2024-01", scale=110, employee_fen=13900, due=None),
       line("2024-03", employee_fen=12700, due=None), refund("2024-03", "2024-05-20", scale=20)],
      [*credits(skip=["2024-01"]), flow("2024-04-13", 13200), flow("2024-06-13", -2400, "reversal")])
def test_a_refunds_share_is_taken_from_the_sum_of_its_own_month(told: Told) -> None:
    """Of two credits of the month the one of the refunded month's sum gives the share back, flat sum or not."""
    assert told.unusual() == {"2024-01": "delay/late/resolved"}
    assert told.months()["2024-03"]["credited_fen"] == 9600


@case([*lines(), refund("2024-03", "2024-05-20")],
      [*(flow(f"{later(month, 1)}-12", accrual_month=f"{month}-01") for month in run_of("2024-01", 6) if month != "2024-02"),
       flow("2024-04-22", accrual_month="2024-02-01"), flow("2024-06-14", -DUE, "reversal")])
def test_a_refund_takes_the_credit_that_prints_its_month(told: Told) -> None:
    """Of two credits of the month the one that prints the refunded month was taken back, not a late one of another."""
    assert told.unusual() == {"2024-02": "delay/late/resolved"}


@case([*lines(), refund("2024-01", "2024-03-20")],
      [*credits(skip=["2024-01"]), flow("2024-04-13", -DUE, "reversal")])
def test_a_refund_of_what_came_before_the_export_takes_nothing(told: Told) -> None:
    """The credit of the refunded month is older than all at hand: none of these was taken back."""
    assert told.unusual() == {}
    assert told.codes() == ["unmatched-reversal"]


@case(lines(), [*credits(), flow("2024-04-20", -DUE - 300, "reversal")])
def test_a_reversal_larger_than_its_credits_is_of_another(told: Told) -> None:
    """No credit has the sum, and no few together: what was taken back is not at hand, and no month lacks its own."""
    assert told.unusual() == {}
    assert told.codes() == ["unmatched-reversal"]


@case([line("2024-01", scale=110), *lines("2024-02", 5)],
      [*credits("2024-02", 5), flow("2024-03-12", 13200), flow("2024-03-20", -2400, "reversal")])
def test_of_two_credits_of_a_day_the_one_in_its_place_is_lessened(told: Told) -> None:
    """A partial reversal that names no month is of the credit that stands in its own month's place."""
    assert told.unusual() == {"2024-01": "delay/late/resolved", "2024-02": "short_credit/open"}


@case([*lines(), line("2024-03", employer="乙公司"), refund("2024-03", "2024-04-20") | {"employer": "乙公司"}],
      [*credits(), flow("2024-06-13"), flow("2024-06-14", -DUE, "reversal")])
def test_a_second_payment_refunded_takes_nothing_from_its_month(told: Told) -> None:
    """The refund of a second employer's payment lessens nothing: a later reversal is of the latest credit."""
    assert told.unusual() == {}


FLAT = {"employee_fen": 12700, "into_account_fen": None}  # 7.00 of it for large medical bills


@case([*[row | FLAT for row in lines()], line("2024-03", scale=90, employer="乙公司") | FLAT | {"employee_fen": 11500},
       refund("2024-03", "2024-04-20", scale=90) | {"employer": "乙公司", "into_account_fen": None}], credits())
def test_a_refund_without_the_flat_sum_is_a_full_one(told: Told) -> None:
    """The flat sum is not paid back: the second payment's refund is whole all the same, and lessens no other line."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["flat_fen"] == 1400
    mine = told.table("expected").filter(pl.col("accrual_month") == date(2024, 3, 1))
    assert sorted(mine["expected_fen"]) == [0, 0, DUE]


@case([*lines(), refund("2024-06", "2024-07-20", scale=20)], credits(), as_of="2024-08-20")
def test_a_refunded_line_may_have_got_its_whole_credit_before(told: Told) -> None:
    """The last credit is that of its own month, from which the refund's share is not taken yet."""
    assert told.accused() == [("2024-06", "over_credit", "unknown_extra", -2400)]
    assert told.links()[-1] == ("2024-06", "2024-07-12", DUE)


@case([*lines(paid_on=None), line("2024-07", paid_on=None), refund("2024-06", "2024-07-20", scale=20) | {"paid_on": None}],
      credits(), as_of="2024-08-20")
def test_a_refunded_lines_whole_credit_is_not_the_next_months(told: Told) -> None:
    """It stands in the place of the month that was refunded, though only the next one is due just this sum now."""
    assert told.links()[-1] == ("2024-06", "2024-07-12", DUE)


@case([*lines(), refund("2024-03", "2024-04-20", scale=20)], credits())
def test_partial_refund_and_the_full_credit(told: Told) -> None:
    """After a partial refund the full credit is too much by the refunded share."""
    assert told.accused() == [("2024-03", "over_credit", "unknown_extra", -2400)]


@case([*lines(), line("2024-03", employer="乙公司"), refund("2024-03", "2024-06-20") | {"employer": "乙公司"}], credits())
def test_refund_of_a_double_payment_settles_it(told: Told) -> None:
    """A second payer's line that was refunded leaves the month plainly on time."""
    assert told.unusual() == {}
    assert told.months()["2024-03"]["contributed_fen"] == PAID


@case([*lines(), line("2024-03", employee_fen=0, employer_fen=500000, base_fen=None, into_account_fen=None,
                      payment_kind="lump_to_pool", paid_on="2024-04-20")], credits())
def test_lump_to_pool_is_never_credited(told: Told) -> None:
    """A lump paid into the pool expects no credit and is pooled whole."""
    assert told.unusual() == {}
    month = told.months()["2024-03"]
    assert (month["expected_fen"], month["pooled_fen"]) == (DUE, PAID - DUE + 500000)


@case(lines(late_fee_fen=500), credits())
def test_late_fees_are_neither_contributed_nor_credited(told: Told) -> None:
    """Late fees are no contribution."""
    assert {row["contributed_fen"] for row in told.months().values()} == {PAID}


@case([line("2024-01", scheme="390", employee_fen=38000, employer_fen=0, into_account_fen=None),
       line("2024-01", scheme="390", employee_fen=-8000, employer_fen=0, base_fen=None, into_account_fen=None,
            payment_kind="refund"),
       line("2024-02", scheme="390", employee_fen=-8000, employer_fen=0, base_fen=None, into_account_fen=None,
            payment_kind="refund")], credits(count=1))
def test_refund_of_a_scheme_without_account(told: Told) -> None:
    """R24: a refund where there is no account lessens the part no_account, with its line or without."""
    assert told.parts("2024-01") == {"no_account/explained": 30000}
    assert told.parts("2024-02") == {"no_account/explained": -8000}


@case([*lines(count=2, region=SHENZHEN, tier="2", due=None),
       refund("2024-01", "2024-02-20", scale=10) | {"region": SHENZHEN, "tier": "2", "into_account_fen": None}])
def test_refund_of_a_tier_without_account(told: Told) -> None:
    """R24: the same for a tier."""
    assert told.gap("2024-01", "no_account")["amount_fen"] == 54000


@case([*lines(), refund("2024-03", "2024-04-20") | {"paid": False, "paid_on": None}], credits(skip=["2024-03"]))
def test_refund_that_was_not_paid_out(told: Told) -> None:
    """R30: a refund applied for and not paid out takes nothing from the month."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE)]


@case([*lines(count=12), refund("2024-01", "2024-02-25"), refund("2024-08", "2024-09-25")],
      [*credits("2024-02", 11), flow("2024-09-28", -DUE, "reversal")])
def test_a_reversal_is_of_the_refund_whose_credit_is_at_hand(told: Told) -> None:
    """The account starts in March: what took January's credit back came before, as that credit did."""
    assert told.codes() == []
    assert told.months()["2024-08"]["credited_fen"] == 0
    assert told.accused() == []


@case([*lines(), line("2024-03", payment_kind="refund", paid_on="2024-04-20")], credits(skip=["2024-03"]))
def test_refund_printed_without_a_sign(told: Told) -> None:
    """R30: a refund is a refund, printed with a minus or without; it is no second payment."""
    assert told.accused() == []


# ------------------------------------------------------------------------------------------------------- as tables


def lines_of(*rows: tuple[str, int, int | None]) -> pl.DataFrame:
    """Credits of one day: (row_id, amount, balance)."""
    return conform(pl.DataFrame([
        {"row_id": place, "person_id": ME, "region": WUHAN, "scheme": "310", "posted_on": date(2024, 5, 12),
         "flow_kind": "credit", "amount_fen": amount, "balance_fen": balance} for place, amount, balance in rows
    ], schema_overrides={"balance_fen": pl.Int64}), "flow")


def repeated(flow: pl.DataFrame) -> dict[str, str]:
    """row_id -> the row it repeats."""
    return dict(flow.filter(pl.col("duplicate_of").is_not_null()).select("row_id", "duplicate_of").iter_rows())


@pytest.mark.parametrize(("row_id", "export"), [
    ("a.csv#L3", "a.csv"), ("z.zip!内/a.csv#L4", "z.zip!内/a.csv"), ("b.pdf#p3:12", "b.pdf"),
    ("a.xlsx#Sheet1!R17", "a.xlsx#Sheet1"), ("a.xlsx#1月!R2/2024-01", "a.xlsx#1月"), ("t.parquet#R9", "t.parquet"),
    ("z.zip!a.xlsx#明细!R3", "z.zip!a.xlsx#明细"),
])
def test_an_export_is_a_file_or_a_sheet(row_id: str, export: str) -> None:
    """The same data on two sheets of one workbook is two exports of it."""
    assert pl.DataFrame({"row_id": [row_id]}).select(export_of()).item() == export


def test_the_same_data_on_two_sheets_counts_once() -> None:
    """Twins of one sheet survive."""
    rows = [(f"a.xlsx#{sheet}!R{at}", 12000, None) for sheet in ("明细", "备份") for at in (2, 3)]
    assert len(repeated(mark_repeated_flows(lines_of(*rows)))) == 2


def test_marking_again_without_balances_changes_nothing() -> None:
    """The HR edition takes balances away after lines are compared: a twin is no copy then either."""
    first = mark_repeated_flows(lines_of(("b.csv#L2", 12000, 12000), ("b.csv#L3", 12000, 24000), ("a.csv#L2", 12000, 24000)))
    assert repeated(first) == {"b.csv#L3": "a.csv#L2"}
    assert repeated(mark_repeated_flows(first.with_columns(pl.lit(None, pl.Int64).alias("balance_fen")))) == {
        "b.csv#L3": "a.csv#L2"}


@given(st.lists(st.lists(st.sampled_from([100, 200]), max_size=4), min_size=1, max_size=4))
def test_as_many_count_as_the_fullest_export_shows(exports: list[list[int]]) -> None:
    """Of equal lines as many survive as the export with most of them has, whatever the others show."""
    rows = [(f"{name}.csv#L{at}", amount, None) for name, export in zip("abcd", exports, strict=False)
            for at, amount in enumerate(export)]
    if not rows:
        return
    marked = mark_repeated_flows(lines_of(*rows))
    kept = marked.filter(pl.col("duplicate_of").is_null())["amount_fen"].to_list()
    assert {amount: kept.count(amount) for amount in (100, 200)} == {
        amount: max(export.count(amount) for export in exports) for amount in (100, 200)}


# What exports of the same few months may say of a payment; a column is left out where it says nothing.
PAYMENT = st.fixed_dictionaries({}, optional={
    "employee_fen": st.sampled_from([100, 200]), "employer_fen": st.just(300), "base_fen": st.sampled_from([5000, 6000]),
    "into_account_fen": st.sampled_from([100, 130]), "paid_on": st.just(date(2024, 1, 5)), "paid": st.booleans(),
    "employer": st.just("E"), "payer": st.sampled_from(["P", "Q"]), "tier": st.just("T"),
    "proof": st.sampled_from(["fund_record", "fund_record", "declared", "tax_receipt", "human"]),
    "payment_kind": st.sampled_from(["normal", "normal", "normal", "top_up", "back_pay"]),
})
EXPORTS = st.lists(st.tuples(st.sampled_from(["a.csv#L", "b.csv#L", "c.xlsx#S!R"]), st.integers(0, 1)), max_size=5)


@given(st.lists(st.tuples(st.tuples(PAYMENT, PAYMENT), EXPORTS), min_size=1, max_size=4))
def test_months_compared_at_once_are_told_as_row_by_row(
    months: list[tuple[tuple[dict[str, object], dict[str, object]], list[tuple[str, int]]]],
) -> None:
    """Whether a month's rows are looked at one by one or with those of all other months changes nothing."""
    rows = [{"proof": "fund_record", "payment_kind": "normal", **payments[which], "person_id": ME, "region": WUHAN,
             "scheme": "310", "accrual_month": date(2024, month + 1, 1), "row_id": f"{export}{month}{at}"}
            for month, (payments, told) in enumerate(months) for at, (export, which) in enumerate(told)]
    frame = conform(pl.DataFrame(rows, schema_overrides={"paid_on": pl.Date}, infer_schema_length=None)
                    if rows else pl.DataFrame(schema={"row_id": pl.String}), "contribution")
    plain = repeated_payments._plain_views

    def one_by_one(suspects: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        views, fills, _ = plain(suspects)
        return views.clear(), fills.clear(), suspects

    at_once = mark_repeated_contributions(frame)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repeated_payments, "_plain_views", one_by_one)
        each = mark_repeated_contributions(frame)
    assert at_once[0].equals(each[0])
    assert at_once[1] == each[1]


def test_a_record_and_a_declaration_are_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an export downloaded twice nor a bill beside the record leaves a month to be looked at by itself."""
    record = lines(count=12)
    others = [[row | {"file": "again.csv"} for row in record],
              [row | {"file": "bill.csv", "proof": "declared", "base_fen": None, "paid": None} for row in record]]
    monkeypatch.setattr(repeated_payments, "_one_by_one", None)
    for more in others:
        marked, _ = mark_repeated_contributions(account([*record, *more], [])["contribution"])
        assert marked["duplicate_of"].null_count() == 12


def test_three_records_of_one_payment_count_once() -> None:
    """Each of three files amends the one before; one row is left and every other points at it."""
    rows = pl.DataFrame([
        {"row_id": f"{name}.csv#L2", "person_id": ME, "region": WUHAN, "scheme": "310", "employer": "示例公司",
         "accrual_month": date(2024, 3, 1), "employee_fen": fen, "employer_fen": 4 * fen, "payment_kind": "normal",
         "paid": True, "proof": "fund_record"} for name, fen in (("a", 100), ("b", 200), ("c", 300))])
    marked, problems = mark_repeated_contributions(conform(rows, "contribution"))
    assert len(set(marked["duplicate_of"].drop_nulls())) == 1
    assert marked["duplicate_of"].null_count() == 1
    assert [each.code for each in problems] == ["contradictory-lines"] * 2


def test_spending_decides_no_credit_of_two_exports() -> None:
    """Two exports that share only spending, and a bank's ledger beside it: the answers are those without spending."""
    bought = [flow("2024-03-05", -2000, "spend"), flow("2024-04-25", -2100, "spend")]
    two = [*credits(), *bought, *again(credits(skip=["2024-02"])[1:2]), *again(bought),
           flow("2024-03-13", DUE + 500, file="again.csv")]
    app = [*credits(count=2), flow("2024-08-20", -3000, "spend")]
    bank = again(credits("2024-04", 2, ledger="bank"))
    for rows in (two, app + bank):
        tables = account(lines(), rows)
        bare = {**tables, "flow": tables["flow"].filter(pl.col("flow_kind") != "spend")}
        context = context_of(tables)
        one, other = (reconcile(each, policy(), context.as_of, context).tables for each in (tables, bare))
        for name in ("match", "month"):
            assert one[name].equals(other[name]), name


# ------------------------------------------------------------------- refunded and paid anew; one reversal for several

ANEW = [refund("2024-03", "2024-05-10"), line("2024-03", paid_on="2024-07-15")]


@case([*lines(count=12), *ANEW], [*credits(count=12), flow("2024-06-12", -DUE, "reversal"), flow("2024-08-14")])
def test_refunded_and_paid_anew(told: Told) -> None:
    """What the refund took back is March's first credit, though March has another payment by now."""
    assert told.unusual() == {"2024-03": "on_time/paid_late/explained"}
    assert [day[:7] for month, day, _ in told.links() if month == "2024-03"] == ["2024-08"]


@case([*lines(count=12), *ANEW], [*credits(count=12), flow("2024-06-12", -DUE, "reversal")])
def test_refunded_paid_anew_and_not_credited_anew(told: Told) -> None:
    """March is the open month, no other."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", DUE)]


@case([*lines(count=12), line("2024-03", paid_on="2024-04-25"), refund("2024-03", "2024-06-10")], credits(count=12))
def test_of_a_double_payment_the_later_one_is_refunded(told: Told) -> None:
    """The first has its credit; nothing is left to be undecided about."""
    assert told.unusual() == {}
    assert {row["confidence"] for row in told.months().values()} == {"proved"}


@case([*lines(count=12), line("2024-03", paid_on="2024-04-25"), refund("2024-03", "2024-06-10")],
      [*credits(count=12), flow("2024-05-13"), flow("2024-07-13", -DUE, "reversal")])
def test_a_double_payment_credited_twice_and_taken_back(told: Told) -> None:
    """The reversal is of the second credit, not of the latest."""
    assert told.unusual() == {}


@case([*lines(count=12), *(refund(month, "2024-07-10") for month in ("2024-02", "2024-03"))],
      [*credits(count=12), flow("2024-08-15", -2 * DUE, "reversal")])
def test_one_reversal_of_two_refunded_months(told: Told) -> None:
    """Two months' credits go in one sum; the latest two are not touched."""
    assert told.accused() == []
    assert {"2024-02", "2024-03"}.isdisjoint(month for month, *_ in told.links())


@case([*lines(count=12), *(refund(month, "2024-07-10", scale=20) for month in ("2024-01", "2024-02", "2024-03"))],
      [*credits(count=12), flow("2024-08-12", -3 * 2400, "reversal")])
def test_one_reversal_of_three_partial_refunds(told: Told) -> None:
    """A lowered base: each month gives its own part back."""
    assert told.unusual() == {}
    assert [fen for month, _, fen in told.links() if month < "2024-04"] == [9600] * 3


@case([*lines(count=12, scale=50), *(row | {"paid_on": f"{row['accrual_month'][:7]}-21"}
                                     for row in lines(count=12, scale=50))], credits(count=12, skip=["2024-05"]))
def test_a_payer_that_pays_in_two_parts(told: Told) -> None:
    """Month after month two equal lines and one credit: neither is a second payment, and all of May is missing."""
    assert told.unusual() == {"2024-05": "missing_month/credit_missing/open"}
    assert told.accused() == [("2024-05", "missing_month", "credit_missing", DUE)]


@case([*lines(count=12, scale=50), *(row | {"paid_on": f"{row['accrual_month'][:7]}-21"}
                                     for row in lines(count=12, scale=50)),
       line("2024-06", scale=50, paid_on="2024-06-22")], credits(count=12))
def test_a_third_part_where_two_are_usual(told: Told) -> None:
    """One line more than every other month has is a second payment, and due back."""
    assert told.unusual() == {"2024-06": "refund_due/pending"}


@case([*lines(count=12), refund("2024-03", "2024-05-10")], [*credits(count=12), flow("2024-12-20", -DUE, "reversal")])
def test_a_refund_whose_credit_is_taken_back_after_months(told: Told) -> None:
    """Seven months later it is still the refunded month's, not the latest."""
    assert told.accused() == []


@case([*lines(count=6, scale=50), *(row | {"paid_on": f"{row['accrual_month'][:7]}-21"}
                                    for row in lines(count=6, scale=50))],
      [*credits(count=6, amount=6000), *(row | {"posted_on": row["posted_on"][:8] + "14"}
                                         for row in credits(count=6, amount=6000, skip=["2024-03"]))])
def test_which_part_of_a_month_is_open_is_no_question(told: Told) -> None:
    """Two lines of one month and sum, one credit: the month is open, whichever line is."""
    assert told.accused() == [("2024-03", "missing_month", "credit_missing", 6000)]
    assert told.months()["2024-03"]["confidence"] != "undecided"


def running(rows: list[Row], late: int) -> list[Row]:
    """Account lines with the balances they leave, ``late`` fen more from the fourth on."""
    return [row | {"balance_fen": DUE * (at + 1) + (late if at > 2 else 0)} for at, row in enumerate(rows)]


@case(lines(), [*running(credits(), 0), *(row | {"file": "newer.csv"} for row in running(credits(), 500))],
      coverage=[cover(exported_on="2025-01-10"), cover("newer.csv", exported_on="2025-01-11")])
def test_balances_moved_by_an_amendment_are_no_second_credits(told: Told) -> None:
    """Two exports with the same lines, whose balances differ from one on: nothing was credited twice."""
    assert told.unusual() == {}
    assert told.codes() == ["amended-line"]


@case([*lines(employer_fen=None, file="own.csv"), *lines(employee_fen=None, into_account_fen=None, file="firm.csv")],
      credits())
def test_each_party_in_a_file_of_its_own_is_one_payment(told: Told) -> None:
    """The tax bureau tells the person's part and the employer's apart: together they are what was paid."""
    assert told.unusual() == {}
    assert {row["contributed_fen"] for row in told.months().values()} == {60000}


# ------------------------------------------------------------------------------------- credits under an unknown word


def of_other_kind(rows: list[Row]) -> list[Row]:
    """Account lines whose kind no list of words knows."""
    return [row | {"flow_kind": "other"} for row in rows]


@case(lines(), of_other_kind(credits(skip=["2024-04"])))
def test_an_unknown_word_for_credits_accuses_nobody(told: Told) -> None:
    """Just the sum due, month by month: only what is not there is missing."""
    assert told.unusual() == {"2024-04": "missing_month/credit_missing/open"}
    assert told.codes() == ["kind-by-amount"]


@case(lines(), [*credits(), flow("2024-07-21", 87, memo="年度结息"), flow("2024-07-22", DUE, memo="补缴及利息")])
def test_a_credit_whose_memo_says_interest_is_interest(told: Told) -> None:
    """No over-credit; a memo that says more than interest, or a sum that is due, stays a credit."""
    assert [(label, fen) for _, label, _, fen in told.accused()] == [("over_credit", -DUE)]
    assert "kind-by-memo" in told.codes()


@case(lines(), [*credits(skip=["2024-06"]), flow("2024-07-12", memo="利息")])
def test_a_sum_due_is_a_credit_whatever_its_memo(told: Told) -> None:
    """Just what June was due, in its place."""
    assert told.unusual() == {}


@case(lines(), [*credits(skip=["2024-03"]), *of_other_kind([flow("2024-05-20")])])
def test_one_line_of_unknown_kind_in_the_place_of_a_credit(told: Told) -> None:
    """Late, and under another word."""
    assert told.unusual() == {"2024-03": "delay/late/resolved"}


@case(lines(), [*credits(skip=["2024-03"]), flow("2024-07-20"), *of_other_kind([flow("2024-04-12", 11999)])])
def test_another_sum_of_unknown_kind_is_no_credit(told: Told) -> None:
    """One fen less is something else."""
    assert told.codes() == []


@case(lines(), [*credits(), *of_other_kind([flow("2024-05-20")])])
def test_a_line_of_unknown_kind_beside_all_credits_is_none(told: Told) -> None:
    """No month lacks the sum."""
    assert told.unusual() == {}
    assert told.codes() == []


@case(roster=[retiree(region=BEIJING, birth_date="1960-01-01")], flows=of_other_kind([
    flow(f"{month}-12", 9700, region=BEIJING) for month in run_of("2024-01", 15) if month != "2024-06"]),
    coverage=[cover(start="2024-01-01")])
def test_a_retirees_credits_under_an_unknown_word(told: Told) -> None:
    """Without any line called a credit, one sum month by month is."""
    assert told.unusual() == {"2024-06": "missing_month/credit_missing/open"}


# ---------------------------------------------------------------------- two exports that print another day of each line


def days_on(rows: list[Row], days: int, file: str) -> list[Row]:
    """The same lines in another export, each so many days later."""
    return [row | {"file": file, "posted_on": str(date.fromisoformat(row["posted_on"]) + timedelta(days))} for row in rows]


@case(lines(), [*credits(), *days_on(credits(), 1, "again.csv")], coverage=[])
def test_two_exports_that_print_another_day_throughout(told: Told) -> None:
    """One prints the day of booking, the other the day after: six credits, not twelve."""
    assert told.unusual() == {}
    assert told.codes() == ["contradictory-lines"]


@case(lines(count=8), [*credits(count=6), *days_on(credits("2024-03", 6), 2, "again.csv")], coverage=[])
def test_two_exports_of_other_days_and_months(told: Told) -> None:
    """In the months both show; the others are told once anyway."""
    assert told.unusual() == {}


@case(lines(), [*credits(), *days_on(credits(skip=["2024-02"]), 1, "again.csv")])
def test_exports_of_which_one_lacks_a_line_are_not_shifted(told: Told) -> None:
    """Not every credit has its equal: the lines count, as two exports without a line in common do."""
    assert [row[1] for row in told.accused()] == ["over_credit"] * 5


@case(lines(), [*credits(), *days_on(credits(), 8, "again.csv")])
def test_more_days_apart_are_other_credits(told: Told) -> None:
    """Eight days are no other way to print a day."""
    assert [row[1] for row in told.accused()] == ["over_credit"] * 6


# ------------------------------------------------------------------------------------ records that contradict each other

OTHER_RECORD = line("2024-03", scale=90, file="other.csv")


@case([*lines(), OTHER_RECORD], credits())
def test_either_of_two_records_may_be_right(told: Told) -> None:
    """Two exports state other sums for March, and nobody knows which is newer: the one that came is accepted."""
    assert told.unusual() == {}
    assert told.codes() == ["contradictory-lines"]
    assert told.months()["2024-03"]["expected_fen"] == DUE


@case([*lines(), OTHER_RECORD], [*credits(skip=["2024-03"]), flow("2024-04-12", 10800)])
def test_the_other_of_two_records_may_be_right(told: Told) -> None:
    """The same with the smaller sum."""
    assert told.unusual() == {}


@case([*lines(), OTHER_RECORD], [*credits(skip=["2024-03"]), flow("2024-04-12", 10000)])
def test_a_credit_of_neither_record_is_short(told: Told) -> None:
    """What came is less than either."""
    assert [row[:2] for row in told.accused()] == [("2024-03", "short_credit")]


@case([*lines(), OTHER_RECORD], credits(), coverage=[
    cover(), *({"table": "contribution", "file": name, "from": "2024-01-01", "to": "2024-06-30", "exported_on": day,
                "basis": "stated"} for name, day in (("contribution.csv", "2024-07-01"), ("other.csv", "2024-09-01")))])
def test_the_newer_of_two_records_is_right(told: Told) -> None:
    """Where the days of export say which is newer, only that one counts."""
    assert told.accused() == [("2024-03", "over_credit", "unknown_extra", -1200)]


@case([*lines(count=12), refund("2024-03", "2024-03-25")],
      [*credits(count=12, skip=["2024-03"]), flow("2024-12-13", -DUE, "reversal"), flow("2024-12-20")])
def test_a_reversal_takes_no_refunded_months_credit_that_never_came(told: Told) -> None:
    """March was refunded before its credit was due, and none came: what went in December was November's."""
    assert told.unusual() == {}
    assert told.months()["2024-11"]["credited_fen"] == DUE


@case([line(month, scale=100 + at) for at, month in enumerate(run_of("2024-01", 10))],
      [*(flow(f"{later(month, 1)}-12", 120 * (100 + at)) for at, month in enumerate(run_of("2024-01", 10))),
       flow("2024-04-20", 12240), flow("2024-10-14", -3000, "reversal")])
def test_a_part_taken_back_is_not_of_the_credit_that_came_twice_long_before(told: Told) -> None:
    """Only a whole credit is taken back because it came twice; a part is of the latest that can bear it."""
    assert told.unusual() == {"2024-03": "over_credit/duplicate_credit/open", "2024-09": "short_credit/open"}


@case(lines(count=8), [
    flow("2024-05-12", accrual_month="2024-03-01"),
    *(flow(f"{later(month, 1)}-12", accrual_month=f"{month}-01") for month in run_of("2024-01", 8) if month != "2024-03"),
    flow("2024-05-13", -DUE, "reversal"), flow("2024-05-16", accrual_month="2024-03-01")])
def test_a_reversal_takes_the_credit_whose_month_is_credited_anew(told: Told) -> None:
    """March and April came on one day; one of them was taken back, and three days later March is printed again."""
    assert told.unusual() == {"2024-03": "delay/late/resolved"}


@pytest.mark.parametrize(("day", "unusual"), [
    ("2024-10-14", {}),
    ("2024-12-15", {"2024-03": "over_credit/duplicate_credit/open", "2024-11": "missing_month/credit_missing/open"}),
])
def test_what_came_twice_is_taken_back_within_half_a_year(day: str, unusual: dict[str, str]) -> None:
    """March's second credit came in April; a reversal in December is of the latest equal credit, November's."""
    came = [*credits(count=12), flow("2024-04-14"), flow(day, -DUE, "reversal")]
    assert solve(account(lines(count=12), came)).unusual() == unusual


@case([*lines(count=12), line("2024-05", paid_on="2024-05-22")],
      [*credits(count=12), flow("2024-04-14"), flow("2024-11-13"), flow("2024-11-14", -DUE, "reversal")])
def test_a_reversal_takes_what_came_twice_just_before_it(told: Told) -> None:
    """March's second credit of half a year ago stays; a premium paid twice between them changes nothing."""
    assert told.unusual()["2024-03"] == "over_credit/duplicate_credit/open"
    assert "2024-10" not in told.unusual()


@case(lines(count=12), [*credits(count=12, skip=["2024-09", "2024-11"]), flow("2024-04-16"), flow("2024-10-12"),
                        flow("2024-10-13", -DUE, "reversal"), flow("2024-11-14"), flow("2024-12-12", DUE - 3000)])
def test_what_is_taken_back_and_credited_anew_next_month_though_one_after_it_is_short(told: Told) -> None:
    """Two credits in November: October's was taken back and came anew, not March's second one."""
    assert told.unusual() == {"2024-03": "over_credit/duplicate_credit/open", "2024-09": "delay/late/resolved",
                              "2024-11": "short_credit/open"}
