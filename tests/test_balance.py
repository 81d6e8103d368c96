"""The table balance: what moved in each account, sub-account and month, and whether the printed balances chain."""

from __future__ import annotations

import polars as pl

from core_cases import AS_OF, DUE, Book, Row, Told, account, context_of, credits, flow, lines, policy
from recon.core.reconcile import reconcile

book = Book()
case = book.case


def chained(rows: list[Row], start: int = 0) -> list[Row]:
    """The lines with the balance each leaves."""
    balance, found = start, []
    for row in rows:
        balance += row["amount_fen"]
        found.append(row | {"balance_fen": balance})
    return found


def of_month(told: Told, month: str, **where: str) -> Row:
    """The one row of balance of a month."""
    rows = told.table("balance").filter(pl.col("month").dt.strftime("%Y-%m") == month)
    for column, value in where.items():
        rows = rows.filter(pl.col(column) == value)
    (row,) = rows.rows(named=True)
    return row


MOVED = [
    flow("2024-02-12"), flow("2024-02-13", -3000, "spend"), flow("2024-02-14", -500, "mutual_aid"),
    flow("2024-02-15", -700, "premium"), flow("2024-02-16", 11, "interest"), flow("2024-02-17", 2000, "subsidy"),
    flow("2024-02-18", 900, "transfer_in"), flow("2024-02-19", -400, "transfer_out"), flow("2024-02-20", -100, "payout"),
    flow("2024-02-21", 300, "reversal"), flow("2024-02-22", -20, "adjustment"), flow("2024-02-23", 50, "carry_over"),
    flow("2024-02-24", 7, "other"),
]


@case((), chained(MOVED, start=1000))
def test_every_kind_has_its_column(told: Told) -> None:
    """Opening and all movements give closing; each kind of line counts in one column, with its sign."""
    row = of_month(told, "2024-02")
    assert {name: row[name] for name in row if name.endswith("_fen")} == {
        "opening_fen": 1000, "credit_fen": DUE + 2000, "interest_fen": 11, "spend_fen": -3000, "mutual_aid_fen": -500,
        "premium_fen": -700, "transfer_fen": 400, "adjustment_fen": 337, "closing_fen": 11548, "unexplained_fen": 0,
        "subsidy_fen": 2000, "payout_fen": -100, "reversal_fen": 300, "carry_over_fen": 50, "other_fen": 7}
    assert row["breaks"] == 0


@case((), chained([flow("2024-02-12"), flow("2024-03-12"), flow("2024-03-20", -5000, "spend"), flow("2024-04-12")]))
def test_months_chain(told: Told) -> None:
    """A month opens with what the month before closed with."""
    rows = [of_month(told, month) for month in ("2024-02", "2024-03", "2024-04")]
    assert [(row["opening_fen"], row["closing_fen"]) for row in rows] == [(0, DUE), (DUE, 19000), (19000, 31000)]
    assert [row["breaks"] for row in rows] == [0, 0, 0]


@case((), [*chained([flow("2024-02-12"), flow("2024-02-20", -5000, "spend")]),
           *chained([flow("2024-03-12")], start=6000)])
def test_a_lost_line_breaks_the_chain(told: Told) -> None:
    """Where the next balance does not follow, the month in which it shows has a break."""
    assert of_month(told, "2024-02")["breaks"] == 0
    assert of_month(told, "2024-03")["breaks"] == 1


@case((), [flow("2024-02-12") | {"balance_fen": DUE}, flow("2024-02-20", -5000, "spend") | {"balance_fen": 6500}])
def test_what_the_lines_do_not_explain(told: Told) -> None:
    """unexplained_fen is closing less opening less all movements."""
    row = of_month(told, "2024-02")
    assert (row["unexplained_fen"], row["breaks"]) == (-500, 1)


@case((), list(reversed(chained([flow("2024-02-12"), flow("2024-02-12", -5000, "spend"),
                                 flow("2024-02-12", -300, "spend"), flow("2024-03-12")]))))
def test_newest_first_exports_chain_as_well(told: Told) -> None:
    """An export that prints the newest line first chains from the bottom up, within a day too."""
    row = of_month(told, "2024-02")
    assert (row["opening_fen"], row["closing_fen"], row["breaks"]) == (0, 6700, 0)


@case((), [flow("2024-02-12"), flow("2024-02-20", -5000, "spend")])
def test_without_printed_balances(told: Told) -> None:
    """Without printed balances movements are known, opening and closing are not."""
    row = of_month(told, "2024-02")
    assert (row["credit_fen"], row["spend_fen"]) == (DUE, -5000)
    assert (row["opening_fen"], row["closing_fen"], row["unexplained_fen"]) == (None, None, None)


@case((), [*chained([flow("2024-02-12", sub_account="current_year")]),
           *chained([flow("2024-02-13", -200, "spend", sub_account="past_years")], start=900)])
def test_sub_accounts_have_balances_of_their_own(told: Told) -> None:
    """当年 and 历年 each add up by themselves."""
    assert of_month(told, "2024-02", sub_account="current_year")["closing_fen"] == DUE
    assert of_month(told, "2024-02", sub_account="past_years")["opening_fen"] == 900


@case((), chained([flow("2024-02-12"), flow("2024-02-20", -5000, "spend")])
      + chained([flow("2024-02-12", file="again.csv"), flow("2024-02-20", -5000, "spend", file="again.csv")]))
def test_lines_exported_twice_move_once(told: Told) -> None:
    """The same lines in two files move the account once."""
    row = of_month(told, "2024-02")
    assert (row["credit_fen"], row["spend_fen"], row["unexplained_fen"]) == (DUE, -5000, 0)


@case(lines(), credits())
def test_balance_never_explains_a_month(told: Told) -> None:
    """Every month with a line has a row, whatever the months of contribution say."""
    assert told.table("balance").height == 6


LONG = chained([row for month in range(2, 8) for row in (
    flow(f"2024-{month:02d}-12"), flow(f"2024-{month:02d}-12", -3000, "spend"))])


@case((), LONG[:7] + [row | {"file": "again.csv"} for row in LONG[4:]])
def test_overlapping_exports_chain(told: Told) -> None:
    """R35: two exports that overlap in the middle of a day are one chain without a break."""
    rows = told.table("balance").sort("month")
    assert set(rows["unexplained_fen"]) == {0}
    assert set(rows["breaks"]) == {0}
    assert rows["closing_fen"].to_list() == [9000 * number for number in range(1, 7)]


def test_balances_need_all_lines() -> None:
    """Where spend was dropped at reading, no balance is shown at all."""
    tables = account(lines(), chained(credits()))
    context = context_of(tables, AS_OF)
    assert reconcile(tables, policy(), context.as_of, context, spend=False).tables["balance"].height == 0
    assert reconcile(tables, policy(), context.as_of, context).tables["balance"].height == 6
