"""Single figures, transfers, premiums from the account, two ledgers: what explains a balance, and how surely."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_cases import (
    BEIJING,
    DUE,
    ME,
    WUHAN,
    Book,
    Row,
    Told,
    account,
    context_of,
    credits,
    flow,
    lines,
    policy,
    run_of,
    solve,
)
from recon.core.reconcile import reconcile
from test_balance import chained as with_balances

book = Book()
case = book.case


def read(day: str, yuan: str, kind: str = "ledger") -> Row:
    """One figure of a screenshot."""
    return {"person_id": ME, "region": WUHAN, "read_on": day, "kind": kind, "amount_fen": round(float(yuan) * 100)}


def parts(told: Told) -> list[tuple[str, str | None, str, int]]:
    """label, cause, status and amount of every part of basis balance."""
    rows = told.table("gap").filter(pl.col("basis") == "balance").sort("accrual_month", "label", "cause")
    return rows.select("label", "cause", "status", "amount_fen").rows()


def evidence(told: Told, lang: str = "") -> str:
    """All that is said about the balance."""
    rows = told.table("gap").filter(pl.col("basis") == "balance").sort("accrual_month", "label", "cause")
    return "\n".join(rows[f"evidence{lang}"])


PAID = lines("2024-12", 9)  # due in January to September
TWO = [read("2024-12-31", "3215.40"), read("2025-08-31", "3455.40")]


@case(PAID, reading=TWO, as_of="2025-08-31")
def test_two_readings_give_a_bound(told: Told) -> None:
    """What it should have grown by, what it grew by, and what would settle the rest."""
    assert parts(told) == [("unexplained", "reading_bound", "unknown", 72000)]
    assert "若没有消费，应增960.00元，实增240.00元；差720.00元是消费或未划入" in evidence(told)
    assert ("the balance should have grown by 960.00 yuan without spend, it grew by 240.00; 720.00 is spend or "
            "missing: the year's spend total settles it") in evidence(told, "_en")


@case(PAID, reading=[*TWO, read("2025-08-31", "720", "year_spent")], as_of="2025-08-31")
def test_the_spend_total_settles_it(told: Told) -> None:
    """All of it was used: nothing is missing."""
    assert parts(told) == [("spend", "by_totals", "explained", 72000)]
    assert "该到的都到了" in evidence(told)


@case(PAID, reading=[*TWO, read("2025-08-31", "600", "year_spent")], as_of="2025-08-31")
def test_the_spend_total_leaves_a_month(told: Told) -> None:
    """Less was used than that: the rest, one month, did not come."""
    assert parts(told) == [("spend", "by_totals", "explained", 60000), ("unexplained", "reading_bound", "unknown", DUE)]


@case(PAID, reading=[*TWO, read("2025-08-31", "840", "year_credited")], as_of="2025-08-31")
def test_the_credit_total_settles_it_too(told: Told) -> None:
    """The year's credits say what was used and what did not come."""
    assert parts(told) == [
        ("spend", "by_totals", "explained", 60000), ("unexplained", "reading_bound", "unknown", DUE),
        ("unexplained", "year_total", "unknown", DUE)]


@case(PAID, reading=[read("2025-01-20", "100.00"), read("2025-08-10", "340.00")], as_of="2025-08-31")
def test_the_months_of_the_days_themselves_widen_the_bound(told: Told) -> None:
    """A credit of the first or last month may lie on either side of the reading."""
    assert "应增720.00–960.00元，实增240.00元；差480.00–720.00元" in evidence(told)
    assert parts(told) == [("unexplained", "reading_bound", "unknown", 48000)]


@case(PAID, reading=[read("2024-12-31", "100.00"), read("2025-08-31", "1060.00")], as_of="2025-08-31")
def test_everything_came(told: Told) -> None:
    """It grew by all that was due: nothing is missing and nothing was used."""
    assert parts(told) == [("unexplained", "reading_fits", "explained", 0)]


JANUARY = [read("2025-01-03", "3455.40"), read("2025-01-02", "3215.40", "available")]


@case(lines("2024-01", 12), [*credits("2024-01", 11), flow("2025-01-03")], reading=JANUARY)
def test_ledger_against_available(told: Told) -> None:
    """facts/users.md section 3: 240.00 apart, of which 120.00 came between the days; the rest cannot be told."""
    found = [part for part in parts(told) if part[0] != "interest"]
    assert found == [("in_transit", "between_dates", "explained", DUE), ("unexplained", "held_back", "unknown", DUE)]
    assert "其间（2025-01-03）账户变动120.00元" in evidence(told)
    assert "另120.00元暂时没有依据说明，两个数不是同一天：常见是冻结或在途，账没有少" in evidence(told)


@pytest.mark.parametrize(("more", "found"), [
    ({"reading": [read("2025-01-03", "500"), read("2025-01-03", "380", "available")]},
     ("in_transit", None, "pending", DUE)),
    ({"reading": [read("2025-01-20", "500"), read("2025-01-20", "200", "available"),
                  read("2025-01-20", "300", "past_years")]}, ("scope_limited", None, "explained", 30000)),
    ({"flows": [flow("2025-01-02"), flow("2025-01-05", 0, "other", memo="司法冻结300.00元")],
      "reading": [read("2025-01-20", "500"), read("2025-01-20", "200", "available")]},
     ("frozen", None, "pending", 30000)),
    ({"reading": [read("2025-01-20", "500"), read("2025-01-20", "600", "available")]},
     ("unexplained", "held_back", "unknown", -10000)),
])
def test_why_less_is_available(more: dict[str, list[Row]], found: tuple[object, ...]) -> None:
    """Just booked, another sub-account, frozen, or not to be told."""
    tables = account((), more.get("flows", [flow("2025-01-02")]), reading=more["reading"])
    context = context_of(tables)
    told = Told(reconcile(tables, policy(), context.as_of, context))
    assert parts(told) == [found]


@case((), with_balances(credits("2024-01", 5)), reading=[read("2024-03-31", "240"), read("2024-05-31", "500")])
def test_a_reading_is_held_against_the_printed_balance(told: Told) -> None:
    """The first agrees; the second does not, and says so."""
    assert parts(told) == [("unexplained", "reading_differs", "unknown", -2000)]


@case((), credits("2024-01", 5), reading=[read("2024-12-31", "700", "year_credited")])
def test_a_yearly_total_is_held_against_the_lines(told: Told) -> None:
    """Another 100.00 by the total: lines are missing, or it counts something else."""
    assert parts(told) == [("unexplained", "year_total", "unknown", 10000)]


@case((), with_balances([
    flow("2024-02-12", 100000), *(flow(f"{month}-20", -300, "premium", memo="长期护理险") for month in run_of("2024-02", 4)),
    flow("2024-11-02", -6900, "spend", memo="惠民保投保"), *(flow(f"{month}-21", -500, "other") for month in run_of("2024-03", 3)),
    flow("2024-06-30", -38000, "premium", memo="城乡居民医保代缴"), flow("2024-12-03", -700, "spend", memo="药店")]))
def test_premiums_are_recognised(told: Told) -> None:
    """By name, or by their rhythm: with the sum, and since when."""
    found = {(label, cause) for label, cause, _, _ in parts(told)}
    assert found == {("premium", "long_term_care"), ("premium", "supplement"), ("premium", "steady_deduction"),
                     ("premium", "family_premium"), ("spend", None)}
    assert "自2024-02起每月扣3.00元（长期护理险），共4次" in evidence(told)
    assert "3.00 yuan a month since 2024-02 (long-term care insurance), 4 times" in evidence(told, "_en")
    assert told.table("balance")["premium_fen"].sum() == -(4 * 300 + 6900 + 3 * 500 + 38000)


@case((), [flow("2024-03-05", -90000, "transfer_out"), flow("2024-05-10", 90000, "transfer_in", region=BEIJING, file="b.csv"),
           flow("2024-04-01", -500, "transfer_out"), flow("2025-03-01", -700, "transfer_out")])
def test_transfers_are_matched_across_regions_and_files(told: Told) -> None:
    """Out and in are one transfer; what never arrives is asked after, unless it just left."""
    assert parts(told) == [
        ("transfer", None, "explained", 90000), ("transfer", "transfer_unmatched", "unknown", 500),
        ("transfer", None, "explained", -90000), ("transfer", "transfer_pending", "pending", 700)]
    assert f"2024-03-05从{WUHAN}转出900.00元，2024-05-10转入{BEIJING}" in evidence(told)


@case((), with_balances([flow("2024-02-12", sub_account="current_year"),
                         flow("2024-12-31", -DUE, "carry_over", sub_account="current_year")])
      + with_balances([flow("2024-12-31", DUE, "carry_over", sub_account="past_years")], start=5000))
def test_a_carry_over_nets_out(told: Told) -> None:
    """Out of the current year and into the past years: together nothing moved."""
    assert parts(told) == []
    row = told.table("balance").filter(pl.col("sub_account").is_null()).sort("month").row(-1, named=True)
    assert (row["opening_fen"], row["closing_fen"], row["adjustment_fen"]) == (17000, 17000, 0)


@case((), [flow("2024-12-31", -DUE, "carry_over", sub_account="current_year")])
def test_half_a_carry_over_asks_for_the_other_half(told: Told) -> None:
    """One sub-account alone is not the account."""
    assert parts(told) == [("carry_over", "carry_unpaired", "unknown", DUE)]


@case((), with_balances([flow("2024-02-12", 500000), flow("2024-06-30", 1250, "interest"), flow("2024-12-31", 90000, "interest")]))
def test_interest_has_a_plausible_band(told: Told) -> None:
    """Some per cent of the balance at most; more is asked after."""
    assert parts(told) == [("interest", None, "explained", -1250), ("interest", "interest_odd", "unknown", -90000)]


BANK = [flow(f"{month}-14", DUE, ledger="bank", file="bank.csv") for month in run_of("2024-02", 8)]


@case((), [*(row for row in credits(count=8) if row["posted_on"] != "2024-06-12"),
           *(row for row in BANK if row["posted_on"] != "2024-05-14")])
def test_two_ledgers_are_compared_line_by_line(told: Told) -> None:
    """What only one has is a finding; what stands two days apart is the same line."""
    assert parts(told) == [("in_transit", "only_in_app", "unknown", DUE), ("unexplained", "only_in_bank", "unknown", DUE)]
    found = told.result.tables["finding"].filter(pl.col("basis") == "balance")
    assert set(told.table("gap")["finding_id"].drop_nulls()) <= set(found["finding_id"])
    assert "2024-05-12的120.00元：医保明细有、银行明细没有" in evidence(told)


@case((), with_balances([flow("2024-02-12"), flow("2024-02-20", -3000, "spend"), flow("2024-02-21", -700, "mutual_aid")]))
def test_the_family_is_told_apart(told: Told) -> None:
    """Spend by the family is no own spend."""
    assert parts(told) == [("mutual_aid", None, "explained", 700), ("spend", None, "explained", 3000)]
    assert dict(told.table("bridge").select("part", "amount_fen").iter_rows()) == {
        "credit_outside": DUE, "spend": -3000, "mutual_aid": -700, "credited": DUE, "change": DUE - 3700,
        "opening": 0, "closing": DUE - 3700}


@case([row | {"employee_fen": 12700} for row in lines(count=6)], with_balances(credits(count=4)), as_of="2024-08-31")
def test_the_bridge_names_every_fen(told: Told) -> None:
    """Pooled, flat, missing or waiting: from what was paid to what came."""
    bridge = dict(told.table("bridge").select("part", "amount_fen").iter_rows())
    assert bridge["contributed"] == 6 * (12700 + 48000)
    assert bridge["credited"] == bridge["change"] == 4 * DUE
    assert sum(fen for part, fen in bridge.items() if part not in ("credited", "change", "opening", "closing")) == 4 * DUE
    assert "unexplained" not in bridge


@settings(max_examples=5)
@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from([
    "credit", "spend", "mutual_aid", "premium", "interest", "transfer_out", "reversal", "adjustment", "carry_over"]),
    st.integers(1, 30000)), min_size=1, max_size=30), st.booleans(), st.sets(st.integers(0, 30), max_size=4))
def test_everything_adds_up(moves: list[tuple[int, str, int]], prints: bool, lost: set[int]) -> None:
    """Whatever moves, printed or not, with lines lost or not: the core's own identities hold (they raise), and the
    balance's unexplained part is what the lost lines moved."""
    rows = [flow(str(date.fromordinal(date(2024, 1, 1).toordinal() + at)),
                 fen if kind in ("credit", "interest", "adjustment") else -fen, kind) for at, kind, fen in sorted(moves)]
    told = with_balances(rows, 10_000) if prints else rows
    kept = [row for at, row in enumerate(told) if at not in lost or at in (0, len(rows) - 1)]
    tables = account((), kept)
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context)
    never = any(problem.code in ("balance-never-chains", "mixed-accounts") for problem in context.problems)
    if prints and not never:
        gone = sum(row["amount_fen"] for at, row in enumerate(rows) if at in lost and at not in (0, len(rows) - 1))
        assert result.tables["balance"].filter(pl.col("sub_account").is_null())["unexplained_fen"].sum() == gone


def _year() -> list[Row]:
    """Half a year of credits and use, with its running balance."""
    return with_balances([row for month in range(2, 8) for row in (
        flow(f"2024-{month:02d}-12"), flow(f"2024-{month:02d}-20", -3000, "spend"))])


@pytest.mark.parametrize(("rows", "found"), [
    ([row for row in _year() if row["flow_kind"] == "credit"], [("scope_limited", "use_hidden", "explained", 3000)] * 5),
    ([row | {"file": f"{1 + (at > 5)}.csv"} for at, row in enumerate(_year()) if not 3 < at < 8],
     [("scope_limited", "not_exported", "unknown", 2 * (3000 - DUE))]),
    ([row for at, row in enumerate(_year()) if at != 5], [("unexplained", "rows_missing", "unknown", 3000)]),
])
def test_lines_of_less_than_the_balances_count(rows: list[Row], found: list[tuple[str, str, str, int]]) -> None:
    """Lines of income only, or of fewer days, are another scope; balances that do not follow are not explained."""
    told = solve(account(lines(count=6), rows, coverage=()))
    assert [part for part in parts(told) if part[:2] != ("spend", None)] == found
