"""Links between due lines and credits, account by account.

In: lines with due months and prices (:mod:`recon.core.due`) and net credits. Out: one row per link and one row per
line's margin. The joint best set comes from :mod:`recon.core.solve`; what it leaves over is then placed: a lone month
and a lone credit inexactly, lines whose amount is unknown by place at no price, and a surplus credit at the month in
whose place it came. Row order of the input changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import suppress
from dataclasses import replace

import polars as pl

from recon.core.alike import settle_alike
from recon.core.clean import settle_clean
from recon.core.cut_off import find_cut_off, place_cut_off
from recon.core.joined import Joined, join_lines, part_again
from recon.core.links import LATEST, PRICES, Credit, Line
from recon.core.match_leftover import (
    beyond_ends,
    lags_found,
    late_from_before,
    make_good,
    paid_ahead,
    place_annual,
    place_holed,
    place_inexact,
    place_prepaid,
    place_surplus,
    put_older_first,
    without_next_year,
)
from recon.core.match_prices import (
    accept_refunds,
    accept_taken_back,
    believe_print,
    drop_roundings,
    find_deductions,
    find_holed,
    is_of_one_unseen,
    learn_retired,
    made_up_for,
    may_be_from_outside,
    names_its_month,
    prices_of_left,
    put_unpaid_behind,
    set_apart,
)
from recon.core.match_rows import (
    LINK_SCHEMA,
    MARGIN_SCHEMA,
    Account,
    Coin,
    Matched,
    Output,
    Row,
    amounts_of,
    coins_by_account,
    emit,
    in_order,
    nulls_last,
    rows_by_account,
)
from recon.core.mixed import find_mixed, place_mixed
from recon.core.paid_together import name_parts, with_parts, without_unlisted
from recon.core.same_price import months_first, nearest, oldest_first, priced_due
from recon.core.search import Solution
from recon.core.solve import Question, solve_many
from recon.core.unknown_amounts import place_unknown

TOGETHER = 4000  # accounts that are solved in one go: enough to fill arrays, few enough to hold in memory


def match(
    lines: pl.DataFrame, credit: pl.DataFrame, posting_prints: Collection[str] = (), records: pl.DataFrame | None = None
) -> Matched:
    """Link every account (see the module). ``posting_prints``: files whose printed months are those of posting.

    records: payer, region, to: the months that the payers' contribution records speak of.
    """
    clean = settle_clean(lines.filter(~pl.col("is_side") & ~pl.col("netted")), credit)
    alike = settle_alike(in_order(_with_followed(clean.lines, records)), clean.credit)
    rows = rows_by_account(alike.lines)
    coins = coins_by_account(alike.credit)
    out = Output()
    ordered = sorted(rows, key=nulls_last)
    for start in range(0, len(ordered), TOGETHER):
        block = ordered[start:start + TOGETHER]
        asking = [_match_parted(each, rows.pop(each), coins.pop(each), out, posting_prints) for each in block]
        questions = [next(account) for account in asking]
        while questions:
            told = zip(asking, solve_many(questions), strict=True)
            again = [(account, question) for account, solution in told if (question := _tell(account, solution))]
            asking, questions = [account for account, _ in again], [question for _, question in again]
    rest = out.matched()
    links, margins = [clean.links, rest.links], [clean.margins, rest.margins]
    if alike.members.height:
        copied = alike.answers(rest.links, rest.margins)
        links.append(copied[0])
        margins.append(copied[1])
    return Matched(
        pl.concat([each.cast(pl.Schema(LINK_SCHEMA)) for each in links]),
        pl.concat([each.cast(pl.Schema(MARGIN_SCHEMA)) for each in margins]), rest.problems,
    )


def _with_followed(lines: pl.DataFrame, records: pl.DataFrame | None) -> pl.DataFrame:
    """``followed``: the payer's records speak of months after the line's, too."""
    if records is None or records.is_empty():
        return lines.with_columns(pl.lit(False).alias("followed"))
    ends = records.group_by("payer", "region").agg(pl.col("to").max().alias("_to"))
    return lines.join(ends, on=["payer", "region"], how="left", maintain_order="left").with_columns(
        (pl.col("month") < pl.col("_to")).fill_null(False).alias("followed")).drop("_to")


def _tell(account: Generator[Question, Solution, None], solution: Solution) -> Question | None:
    """The account's next question, if the solution raises one."""
    with suppress(StopIteration):
        return account.send(solution)
    return None


def _match_parted(
    account: Account, rows: list[Row], coins: list[Coin], out: Output, posting_prints: Collection[str]
) -> Generator[Question, Solution, None]:
    """Yields what the solver must answer, takes the solution, and puts links and margins into ``out``."""
    joined, begin = yield from _match_account(account, rows, coins, out, posting_prints)
    part_again(joined, out, begin)


def _match_account(
    account: Account, rows: list[Row], coins: list[Coin], out: Output, posting_prints: Collection[str]
) -> Generator[Question, Solution, tuple[Joined, int]]:
    """The lines that were joined for the matching, and where the account's links begin (:func:`part_again`)."""
    coins = without_next_year(rows, coins)
    drop_roundings(rows, coins)
    believe_print(rows, coins, out, posting_prints)
    behind = put_unpaid_behind(rows)
    if sum(coin.named for coin in coins) * 2 > len(coins):  # what most credits say says nothing of one
        for coin in coins:
            coin.named = False
    payable = [row for row in rows if row.payable]
    set_apart(payable)
    rows, joined = join_lines(rows, coins)
    payable = [row for row in rows if row.payable]
    whole = len(coins)
    coins, unlisted = without_unlisted(rows, with_parts(payable, coins))
    # Stable: months stay in order. Lines that are never late fit any credit: last, when little is left to choose from.
    payable.sort(key=lambda row: (row.arrival is None, row.stream == "normal", row.stream))
    usual = next((row.usual for row in payable if row.stream == "normal"), rows[0].usual)
    learn_retired(rows, coins)
    left_prices = prices_of_left(rows, coins)
    find_deductions(payable, coins)
    accept_refunds(payable, coins)
    accept_taken_back(payable, coins)
    asked = [PRICES.unlisted if not price and may_be_from_outside(coin, payable, coins)
             else price + LATEST if names_its_month(coin, payable) or (price and is_of_one_unseen(coin, payable, coins))
             else price
             for coin, price in zip(coins, left_prices, strict=True)]
    holed = find_holed(payable, coins)
    ahead, of_year = paid_ahead(payable, coins)
    cut_off = find_cut_off(payable, coins, usual)
    mixed = find_mixed(rows, coins)
    # They get theirs after the search.
    later = [*of_year, *(row for found in (cut_off, mixed) for mine in found.values() for row in mine)]
    open_prices = [row.open_price for row in later]
    aside = {*ahead, *cut_off, *mixed}
    asked = [0 if j in aside else price for j, price in enumerate(asked)]
    for row in later:
        row.open_price = 0
    apart = {*aside, *holed}
    solution = yield _question(payable, coins, asked, usual, apart)
    dearer = made_up_for(payable, coins, asked, solution)
    if dearer != asked:
        solution = yield _question(payable, coins, dearer, usual, apart)
    for row, price in zip(later, open_prices, strict=True):
        row.open_price = price
    solution = replace(solution, links=months_first(solution.links, payable, coins))
    used: set[int] = set()
    linked: set[int] = set()
    begin = len(out.links["line"])
    for link in oldest_first(nearest(solution.links, payable, coins), payable, coins):
        emit(account, link, payable, coins, out)
        used.update(link.credits)
        linked.update(link.lines)
    for month, coin in unlisted:
        there = next((row for row in rows if row.absent and row.month == month), None)
        out.link(account, there, coin, coin.amount, "1:1", month=month, surplus=True)
    if len(coins) + len(unlisted) > whole:
        name_parts([*coins, *(coin for _, coin in unlisted)], out, begin)
    tied = [row.month for at, row in enumerate(payable) if (margin := solution.margins[at]) is not None and margin <= 0]
    one_month = len(tied) > 1 and len(set(tied)) == 1  # whichever of its lines is open, the month is
    for at, row in enumerate(payable):
        margin = solution.margins[at]
        out.margin(row, margin, question=True, tied=margin is not None and margin <= 0 and not one_month,
                   openable=solution.openable[at], bounded=solution.bounded, proved=solution.proved[at])
    if solution.bounded:
        out.problem("record-too-long", coins[0].file, str(len(payable)))
    spare = [j for j in range(len(coins)) if j not in used]
    if not spare and not any(link.kind == "inexact" for link in solution.links):
        return joined, begin
    lags = lags_found(solution.links, payable, coins)
    for j in {*beyond_ends(payable, coins, spare, lags), *late_from_before(payable, coins, spare)}:
        left_prices[j] = 0
    open_rows = [row for at, row in enumerate(payable) if at not in linked]
    spare = place_annual(account, rows, open_rows, coins, spare, out)
    spare = place_prepaid(account, rows, open_rows, coins, spare, out)
    spare = place_cut_off(account, open_rows, coins, spare, cut_off, out)
    spare, served = place_mixed(account, open_rows, coins, spare, mixed, out)
    spare = place_holed(account, payable, open_rows, coins, spare, holed, out)
    spare = place_inexact(account, rows, open_rows, coins, spare, left_prices, usual + behind, out)
    spare = make_good(account, payable, coins, spare, out, begin,
                      {j for j, price in enumerate(dearer) if price == PRICES.made_up})
    spare = place_unknown(account, [row for row in rows if row.number not in served], coins, spare, out)
    put_older_first(rows, coins, out, begin)
    first_of_two = {(coins[link.credits[0]].month, coins[link.credits[0]].amount): payable[link.lines[0]]
                    for link in solution.links if link.kind == "1:1"}
    place_surplus(account, rows, coins, [j for j in spare if left_prices[j]], usual + behind, out, begin,
                  {payable[at].month for at in linked}, first_of_two, lags)
    if len(linked) < len(payable) and {row.number for row in payable} <= set(out.links["line"][begin:]):
        for row in payable:  # no month is open in the end: there is nothing to be undecided about
            out.settle(row)
    return joined, begin


def _question(
    payable: list[Row], coins: list[Coin], left_prices: list[int], usual: int, apart: Collection[int]
) -> Question:
    """What the solver is asked. apart: credits that are linked alone and exactly or not at all."""
    streams = {name: number for number, name in enumerate(dict.fromkeys(row.stream for row in payable))}
    lines = [
        Line(
            stream=streams[row.stream],
            kind="annual" if row.annual else "normal" if row.stream == "normal" else "other",
            month=row.month, arrival=row.arrival, day=row.day,
            amounts=amounts_of(row),
            half_yuan=row.half_yuan, open_price=row.open_price, due=priced_due(row),
            # Another payer's lag is no change of the account's.
            shift=row.shift + (row.usual - usual if row.stream == "normal" else 0),
            prepaid=row.prepaid, weak=row.weak, deducted=len(row.deducted), top_up=row.stream == "top_up",
            rounded=0 if row.rounding is None else 2 if row.once else 1,
        )
        for row in payable
    ]
    steady = any(row.steady for row in payable)
    places = {row.place for row in payable}
    credits = [
        Credit(coin.month, coin.day, coin.amount, price, coin.printed,
               PRICES.outside if steady and not price and coin.printed is None and coin.month not in places else 0,
               coin.named or j in apart)
        for j, (coin, price) in enumerate(zip(coins, left_prices, strict=True))
    ]
    return lines, credits, usual
