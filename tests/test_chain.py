"""Lines in the order of their balances: what only looks like a jump, what is one, and what balances cannot say."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_cases import DUE, ME, Book, Row, Told, account, context_of, cover, credits, flow, lines, policy
from recon.core.balance import MOVES
from recon.core.bridge import broken_bridges
from recon.core.chain import chained
from recon.core.context import Context, build_context
from recon.core.reconcile import Result, reconcile
from recon.tables import conform
from strategies import examples
from support import MAPPINGS
from test_balance import chained as with_balances

book = Book()
case = book.case


def judged(rows: list[Row]) -> pl.DataFrame:
    """The lines in chain order."""
    return chained(account((), rows)["flow"])


def holes_of(rows: list[Row], **more: object) -> list[tuple[str, str, int]]:
    """from, to and amount of every hole."""
    found = context_of(account((), rows, **more)).hole  # type: ignore[arg-type]
    return [(str(start), str(end), fen) for start, end, fen in
            found.select("hole_from", "hole_to", "amount_fen").iter_rows()]


YEAR = with_balances([row for month in range(2, 13) for row in (
    flow(f"2024-{month:02d}-12"), flow(f"2024-{month:02d}-12", -3000 - month, "spend"),
    flow(f"2024-{month:02d}-12", -500, "spend"), flow(f"2024-{month:02d}-20", -100, "mutual_aid"))], start=700)


@examples(12)
@given(st.randoms(use_true_random=False))
def test_lines_of_a_day_may_stand_in_any_order(random: Random) -> None:
    """Whatever the order within the days, the chain is found: no jump."""
    shuffled = sorted(random.sample(YEAR, len(YEAR)), key=lambda row: row["posted_on"])
    assert holes_of(shuffled) == []
    assert judged(shuffled)["after_fen"].to_list()[-1] == YEAR[-1]["balance_fen"]


@examples(5)
@given(st.data())
def test_a_deleted_line_is_found_with_its_amount(data: st.DataObject) -> None:
    """Lines taken out of the middle leave one hole of their sum, between the lines on either side."""
    first = data.draw(st.integers(1, len(YEAR) - 3))
    count = data.draw(st.integers(1, min(4, len(YEAR) - first - 1)))
    gone, left = YEAR[first:first + count], YEAR[:first] + YEAR[first + count:]
    random = data.draw(st.randoms(use_true_random=False))
    shuffled = sorted(random.sample(left, len(left)), key=lambda row: row["posted_on"])
    found = holes_of(shuffled)
    assert sum(fen for *_, fen in found) == sum(row["amount_fen"] for row in gone)
    assert all(start <= YEAR[first + count]["posted_on"] and end >= YEAR[first - 1]["posted_on"]
               for start, end, _ in found)
    table = reconcile_of(left).tables["balance"]
    assert table["unexplained_fen"].sum() == sum(row["amount_fen"] for row in gone)


def reconcile_of(rows: list[Row]) -> Result:
    """The answers to flows alone."""
    tables = account((), rows)
    context = context_of(tables)
    return reconcile(tables, policy(), context.as_of, context)


def test_a_balance_booked_a_day_later_is_no_jump() -> None:
    """A line whose balance already holds the next day's line: the order is odd, nothing is missing."""
    rows = with_balances([flow("2024-02-12"), flow("2024-03-02", -100, "spend"), flow("2024-03-01", -900, "spend"),
                          flow("2024-03-12"), flow("2024-04-12")])
    assert holes_of(sorted(rows, key=lambda row: row["posted_on"])) == []


@pytest.mark.parametrize("day", ["2024-02-27", "2024-03-30", "2024-04-02"])
def test_a_balance_booked_weeks_later_is_no_jump(day: str) -> None:
    """A stay in hospital dated by its days and booked when settled, in another month: nothing is missing, months chain."""
    rows = with_balances([flow("2024-02-12"), flow("2024-03-05", -100, "spend"), flow("2024-03-12"),
                          flow("2024-04-12"), flow(day, -900, "spend"), flow("2024-05-12")], 5_000)
    dated = sorted(rows, key=lambda row: row["posted_on"])
    assert holes_of(dated) == []
    table = reconcile_of(dated).tables["balance"].sort("month")
    assert table["unexplained_fen"].sum() == 0
    assert table["closing_fen"].to_list()[-1] == rows[-1]["balance_fen"]
    assert table["closing_fen"].to_list()[:-1] == table["opening_fen"].to_list()[1:]


def test_two_files_continue_each_other() -> None:
    """The second file opens with what the first closed with; where it does not, lines are missing between them."""
    rows = with_balances(credits(count=8))
    second = [row | {"file": "later.csv"} for row in rows[4:]]
    assert holes_of(rows[:4] + second) == []
    lost = [row | {"file": "later.csv"} for row in rows[5:]]
    assert holes_of(rows[:4] + lost) == [("2024-05-12", "2024-07-12", DUE)]
    assert [problem.code for problem in context_of(account((), rows[:4] + lost)).problems] == ["balance-gap"]


def test_days_without_cover_are_no_hole() -> None:
    """What moved on days no export covers is unexplained in the balance, but nothing was taken out of an export."""
    rows = with_balances(credits(count=8))
    split = rows[:4] + [row | {"file": "later.csv"} for row in rows[5:]]
    said = [cover("flow.csv", end="2024-05-31"), cover("later.csv", start="2024-07-01")]
    assert holes_of(split, coverage=said) == []
    tables = account((), split, coverage=said)
    context = context_of(tables)
    assert reconcile(tables, policy(), context.as_of, context).tables["balance"]["unexplained_fen"].sum() == DUE


def test_a_hole_of_the_bank_is_none_of_the_account() -> None:
    """Lines missing in the bank's ledger take nothing away from the insurer's own."""
    bank = with_balances([row | {"ledger": "bank", "file": "bank.csv"} for row in credits(count=8)])
    assert holes_of([*with_balances(credits(count=8)), *bank[:3], *bank[4:]]) == []
    assert len(holes_of([*bank[:3], flow("2024-04-20", -500, "spend", ledger="bank", file="bank.csv") | {
        "balance_fen": bank[2]["balance_fen"] - 500}, *bank[4:]])) == 1


def test_an_income_only_export_is_whole() -> None:
    """The export we ask for (no spending): its falls are use that is not shown, a rise is a missing line."""
    rows = [row for row in YEAR if row["flow_kind"] == "credit"]
    assert set(judged(rows)["fits"]) == {"income_only"}
    assert holes_of(rows) == []
    assert [fen for *_, fen in holes_of(rows[:3] + rows[4:])] == [DUE - (3004 + 600) - (3005 + 600)]


def test_balances_that_never_chain_say_nothing() -> None:
    """Another figure in the balance column is no running balance: told once, no hole, no opening."""
    rows = [row | {"balance_fen": 100000 + 777 * at} for at, row in enumerate(YEAR)]
    assert holes_of(rows) == []
    context = context_of(account((), rows))
    assert [(problem.code, problem.place) for problem in context.problems] == [("balance-never-chains", "L2")]
    assert reconcile_of(rows).tables["balance"]["opening_fen"].null_count() == 11


def test_two_accounts_in_one_export_are_told_apart() -> None:
    """Two chains that take turns: no hole, both balances count, and the export is asked for again."""
    own = with_balances(credits(count=8))
    other = with_balances([flow(f"2024-{month:02d}-15", -1000, "spend") for month in range(2, 10)], start=50000)
    rows = sorted([*own, *other], key=lambda row: row["posted_on"])
    assert holes_of(rows) == []
    assert [problem.code for problem in context_of(account((), rows)).problems] == ["mixed-accounts"]
    last = reconcile_of(rows).tables["balance"].sort("month").row(-1, named=True)
    assert last["closing_fen"] == own[-1]["balance_fen"] + other[-1]["balance_fen"]


def test_balances_of_the_whole_account_on_sub_accounts() -> None:
    """Lines of 当年 and 历年 that print one common balance chain together."""
    kinds = ["current_year", "past_years"]
    rows = [row | {"sub_account": kinds[at % 2]} for at, row in enumerate(YEAR)]
    assert holes_of(rows) == []
    table = reconcile_of(rows).tables["balance"]
    whole = table.filter(pl.col("sub_account").is_null()).sort("month")
    assert whole["closing_fen"].to_list()[-1] == YEAR[-1]["balance_fen"]
    assert set(table["sub_account"]) == {None, *kinds}


def test_sub_accounts_together() -> None:
    """The account is the sum of its sub-accounts, in months in which one of them rests too."""
    rows = with_balances(credits(count=3, sub_account="current_year"))
    rows += with_balances([flow("2024-03-20", -200, "spend", sub_account="past_years")], start=900)
    whole = reconcile_of(rows).tables["balance"].filter(pl.col("sub_account").is_null()).sort("month")
    assert whole.select("opening_fen", "closing_fen").rows() == [
        (900, 900 + DUE), (900 + DUE, 700 + 2 * DUE), (700 + 2 * DUE, 700 + 3 * DUE)]


def test_readings_anchor_lines_without_balances() -> None:
    """Without printed balances two readings say what the lines leave out."""
    read = [{"person_id": ME, "region": "420100", "read_on": day, "kind": "ledger", "amount_fen": fen}
            for day, fen in (("2024-02-29", 50000), ("2024-06-30", 50000 + 4 * DUE - 3000))]
    tables = account((), credits(count=5), reading=read)
    context = context_of(tables)
    assert context.hole.height == 0
    table = reconcile(tables, policy(), context.as_of, context).tables["balance"].sort("month")
    assert table["opening_fen"][0] == 50000 - DUE
    assert table["closing_fen"].to_list()[-1] == 50000 + 4 * DUE - 3000
    assert table["unexplained_fen"].to_list() == [0, 0, 0, 0, -3000]


SPENT = [row for month in range(1, 13) for row in (
    flow(f"2024-{month:02d}-05", -700 - month, "spend"), flow(f"2024-{month:02d}-25", -300, "spend"))]
WITH_SPEND = with_balances(sorted([*credits(count=11, skip=["2024-05"]), *SPENT], key=lambda row: row["posted_on"]))
WHOLE = with_balances(sorted([*credits(count=11), *SPENT], key=lambda row: row["posted_on"]))


@case(lines(count=11), WITH_SPEND)
def test_a_whole_chain_accuses(told: Told) -> None:
    """With a chain that holds, a credit that is not there did not come."""
    assert told.unusual() == {"2024-05": "missing_month/credit_missing/open"}


@case(lines(count=11), [row for row in WHOLE if row["posted_on"] != "2024-06-12"])
def test_a_hole_accuses_nobody(told: Told) -> None:
    """The deleted line may be the credit: the month is not judged, and says where lines are missing."""
    assert told.unusual() == {"2024-05": "data_incomplete/rows_missing/unknown"}
    assert "2024-06-05至2024-06-25之间缺行" in told.months()["2024-05"]["evidence"]


@case(lines(count=11), [row for row in WITH_SPEND if row["posted_on"] not in ("2024-07-25", "2024-08-05")])
def test_a_hole_in_the_time_of_grace(told: Told) -> None:
    """The credit may have come late, inside the hole: as little can be said."""
    assert told.unusual() == {"2024-05": "data_incomplete/rows_missing/unknown"}


@case(lines(count=11), [row for row in WITH_SPEND if row["posted_on"] != "2024-11-05"])
def test_a_hole_elsewhere(told: Told) -> None:
    """A hole that touches neither the due month nor the time of grace takes no answer away."""
    assert told.unusual() == {"2024-05": "missing_month/credit_missing/open"}


def test_editions_agree_about_holes() -> None:
    """The hole is found before spend is dropped: the HR edition judges the same months."""
    tables = account(lines(count=11), [row for row in WHOLE if row["posted_on"] != "2024-06-12"])
    context = context_of(tables)
    bare = tables["flow"].filter(pl.col("flow_kind") != "spend").with_columns(
        pl.lit(None, dtype=pl.Int64).alias("balance_fen"))
    one = reconcile(tables, policy(), context.as_of, context)
    other = reconcile(tables | {"flow": bare}, policy(), context.as_of, context, spend=False)
    assert one.tables["month"].equals(other.tables["month"])
    assert one.tables["match"].equals(other.tables["match"])


@examples(4)
@given(st.data())
def test_spend_moves_no_answer_under_one_cover(data: st.DataObject) -> None:
    """For a fixed as-of date and cover, holes and all, any spend added or taken away leaves match and month as they are."""
    gone = data.draw(st.sets(st.integers(1, len(WITH_SPEND) - 2), max_size=3))
    rows = [row for at, row in enumerate(WITH_SPEND) if at not in gone]
    tables = account(lines(count=11), rows)
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context)
    kept = [row for row in rows if row["flow_kind"] != "spend" or data.draw(st.booleans())]
    more = data.draw(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 28), st.integers(1, 40_000)), max_size=5))
    more_rows = [flow(f"2024-{month:02d}-{day:02d}", -fen, "spend", file="more.csv") for month, day, fen in more]
    spent = tables | {"flow": account((), [*kept, *more_rows])["flow"]}
    again = reconcile(spent, policy(), context.as_of, context)
    assert without_rows(result, "month").equals(without_rows(again, "month"))
    assert without_rows(result, "match").equals(without_rows(again, "match"))


def without_rows(result: Result, table: str) -> pl.DataFrame:
    """A result table without the names of account lines, which count the lines of a file."""
    return result.tables[table].drop("flow_row_id", "evidence", strict=False)


# --- a made-up employer ------------------------------------------------------------------------------------------


@cache
def employer() -> tuple[dict[str, pl.DataFrame], date]:
    """The tables of a synthetic employer; every account line has a running balance, as good exports have."""
    from recon.reading.folder import read_folder
    from recon.simulate import simulate

    with TemporaryDirectory() as place:
        made = simulate(Path(place), people=60, months=24, seed=11)
        read = read_folder(Path(place) / "exports", mappings=[MAPPINGS], region_of=policy().region_of, workers=1)
    tables = dict(read.tables)
    context = build_context(tables, policy(), date.fromisoformat(made.as_of))
    kept = reconcile(tables, policy(), context.as_of, context).inputs["flow"].filter(pl.col("duplicate_of").is_null())
    balanced = kept.sort("person_id", "region", "posted_on", "row_id").with_columns(
        (pl.col("amount_fen").cum_sum().over("person_id", "region") + 100_000).alias("balance_fen"))
    tables["flow"] = conform(balanced, "flow")
    return tables, date.fromisoformat(made.as_of)


@cache
def whole() -> tuple[Context, Result]:
    """The answers to everything."""
    tables, as_of = employer()
    context = build_context(tables, policy(), as_of)
    return context, reconcile(tables, policy(), as_of, context)


def test_every_bridge_closes() -> None:
    """Paid to balance, to the fen, for everybody; nothing is unexplained where nothing is missing."""
    context, result = whole()
    bridge = result.tables["bridge"]
    assert broken_bridges(bridge).height == 0
    assert bridge["person_id"].n_unique() >= 60
    assert bridge.filter(pl.col("part").is_in(["unexplained", "unexplained_credit"])).height == 0
    assert context.hole.height == 0
    for group in ("employer", "region"):  # the parts add up for any set of accounts
        sums = bridge.group_by(group).agg(
            pl.col("amount_fen").filter(pl.col("side") != "total").sum().alias("parts"),
            pl.col("amount_fen").filter(pl.col("part") == "change").sum().alias("change"))
        assert sums.filter(pl.col("parts") != pl.col("change")).height == 0


def test_closing_follows_from_the_columns() -> None:
    """opening + every column = closing, and each month opens with what the month before closed with."""
    _, result = whole()
    table = result.tables["balance"].filter(pl.col("sub_account").is_null()).sort(
        "person_id", "region", "scheme", "month")
    again = table.select(pl.col("opening_fen") + sum(pl.col(name) for name in MOVES) + pl.col("unexplained_fen"))
    assert again.to_series().equals(table["closing_fen"], check_names=False)
    before = table.with_columns(pl.col("closing_fen").shift(1).over("person_id", "region", "scheme").alias("before"))
    assert before.filter(pl.col("before") != pl.col("opening_fen")).height == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_deletions_are_found(seed: int) -> None:
    """One to three lines taken out of the middle of every account: the right amount, between the right days, and no
    month is accused of a credit that was taken out."""
    tables, as_of = employer()
    random = Random(seed)
    gone: dict[tuple[str, str], list[Row]] = {}
    around: dict[tuple[str, str], tuple[date, date]] = {}
    for key, group in tables["flow"].group_by("person_id", "region", maintain_order=True):
        rows = group.rows(named=True)
        count = random.randint(1, 3)
        if len(rows) >= 8:
            first = random.randint(2, len(rows) - count - 2)
            taken = rows[first:first + count]
            if sum(row["amount_fen"] for row in taken):
                gone[str(key[0]), str(key[1])] = taken
                around[str(key[0]), str(key[1])] = rows[first - 1]["posted_on"], rows[first + count]["posted_on"]
    lost = [row["row_id"] for rows in gone.values() for row in rows]
    left = tables | {"flow": tables["flow"].filter(~pl.col("row_id").is_in(lost))}
    context = build_context(left, policy(), as_of)
    found = {(person, region): (fen, start, end) for person, region, fen, start, end in context.hole.group_by(
        "person_id", "region").agg(pl.col("amount_fen").sum(), pl.col("hole_from").min(), pl.col("hole_to").max())
        .iter_rows()}
    right = 0
    for place, rows in gone.items():
        fen, start, end = found.pop(place, (0, date.min, date.min))
        days = [row["posted_on"] for row in rows]
        right += (fen == sum(row["amount_fen"] for row in rows) and start <= min(days) and max(days) <= end
                  and around[place] == (start, end))
    assert found == {}
    assert len(gone) > 40
    assert right >= len(gone) * 0.99
    if seed > 1:
        return
    result = reconcile(left, policy(), as_of, context)
    unexplained = {(person, region): fen for person, region, fen in result.tables["balance"].group_by(
        "person_id", "region").agg(pl.col("unexplained_fen").sum()).iter_rows()}
    assert [place for place, rows in gone.items() if unexplained[place] != sum(row["amount_fen"] for row in rows)] == []
    links = whole()[1].tables["match"].filter(pl.col("flow_row_id").is_in(lost))
    accused = result.tables["month"].filter(pl.col("label") == "missing_month").join(
        links, on=["person_id", "region", "scheme", "accrual_month"], how="semi")
    assert accused.rows() == []
