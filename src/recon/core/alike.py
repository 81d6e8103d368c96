"""Accounts that differ only by their wage or by whole years: one of them is solved, the others take its answer.

The search does not know amounts, only which of them are equal and which sums fit (:class:`recon.core.links.Frame`), so
everybody whose credits came after the same lag, or who lacks the same month, has the same answer. Here that is seen
before any frame is made, over columns. Two accounts are alike when every line and credit agrees in all that the
matching looks at: months counted from a January, prices, marks, which amounts are equal, and how these compare
where the matching compares them (:func:`_relations`). Only accounts are asked in which amounts can do no more than be
equal or not: every credit has a line of its amount that it may belong to, and no two lines add up to a credit. Equal
hashes only propose; every row is compared. ``tests/test_alike.py`` holds the answers equal to those given one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon.core.links import REACH_MONTHS, YEAR
from recon.core.prepare import is_subsidy

MAX_AMOUNTS = 4  # different amounts of one account
MAX_ROWS = 300  # lines, and credits; longer records may be answered by a simpler rule, which names the file
FEW = 16  # accounts; fewer are quicker one by one
# All of a line that the matching looks at, less what an account asked here has not (accepted amounts, printed months…).
_LINE = ["stream", "month", "arrival", "day", "amount", "due", "usual", "open_price", "payable", "steady", "shift",
         "prepaid", "weak", "run_late", "paid", "absent", "followed", "ahead"]
_LINE_FROM: list[str | pl.Expr] = [
    # Of a stream only its kind and its place among the account's matter, not the day in its name.
    pl.col("stream").str.split(":").list.first() + pl.col("stream").rank("dense").over("account").cast(pl.String),
    "month", "arrival", pl.col("arrival_day").dt.day().cast(pl.Int32).alias("day"),
    pl.col("expected_fen").alias("amount"), *_LINE[_LINE.index("due"):],
]
_CREDIT = ["month", "day", "amount"]
_MONTHS = ["month", "arrival", "due"]


@dataclass(frozen=True)
class Alike:
    """What is to be solved one by one, and who takes whose answer."""

    lines: pl.DataFrame
    credit: pl.DataFrame
    members: pl.DataFrame  # account, like (the account that is solved for it), months (to add to its months)
    line_of: pl.DataFrame  # account, at (place in the account), line
    credit_of: pl.DataFrame  # account, at, credit, net_fen, person_id, region, scheme

    def answers(self, links: pl.DataFrame, margins: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Links and margins of the members, from those of the accounts that were solved."""
        told = links.join(self.credit_of.select("account", "credit", at_credit="at"), on="credit").join(
            self.line_of.select("line", at_line="at"), on="line", how="left")
        taken = self.members.join(told.rename({"account": "like"}).select(
            "like", "at_line", "at_credit", "month", "kind", "surplus"), on="like")
        mine = taken.join(
            self.credit_of, left_on=["account", "at_credit"], right_on=["account", "at"], how="left",
        ).join(self.line_of, left_on=["account", "at_line"], right_on=["account", "at"], how="left").select(
            "line", "credit", "person_id", "region", "scheme", pl.col("month") + pl.col("months"),
            pl.col("net_fen").alias("amount_fen"), "kind", "surplus",
        )
        judged = margins.join(self.line_of.rename({"account": "like"}), on="line").drop("line")
        return mine.select(links.columns), self.members.join(judged, on="like").join(
            self.line_of, on=["account", "at"], how="left").select(margins.columns)


def settle_alike(lines: pl.DataFrame, credit: pl.DataFrame) -> Alike:
    """Who takes whose answer (see :class:`Alike`).

    ``lines`` and ``credit`` carry ``account``; those of an account lie in the order in which they are matched.
    """
    if lines["account"].n_unique() < FEW:
        return _nobody(lines, credit)
    rows = lines.select(
        "account", "line", pl.int_range(pl.len()).over("account").alias("at"), *_LINE_FROM,
        (pl.col("by_place") | pl.col("is_annual") | pl.col("whole_yuan")
         | (pl.col("accepts").list.len().fill_null(0) > 0) | pl.col("unrefunded_fen").is_not_null()
         | (pl.col("payable") & (pl.col("expected_fen").fill_null(0) <= 0))).fill_null(True).alias("odd"),
    )
    coins = credit.select(
        "account", "credit", "net_fen", "person_id", "region", "scheme",
        pl.int_range(pl.len()).over("account").alias("at"),
        "month", pl.col("posted_on").dt.day().cast(pl.Int32).alias("day"), pl.col("net_fen").alias("amount"),
        (pl.col("printed").is_not_null() | (pl.col("amount_fen") != pl.col("net_fen"))
         | is_subsidy()).alias("odd"),
    )
    plain = _plain(rows, coins)
    if plain.height < FEW:
        return _nobody(lines, credit)
    rows, coins = (each.join(plain, on="account", maintain_order="left") for each in (rows, coins))
    days = pl.when(pl.col("days") == 0).then("day").otherwise(pl.col("day").is_null().cast(pl.Int32))
    shaped = [
        each.with_columns(
            [pl.col(name) - pl.col("january") for name in _MONTHS if name in each.columns],
        ).with_columns(days.alias("day"), pl.when(pl.col("amount") != 0).then("amount"))
        for each in (rows, coins)
    ]
    ranks = pl.concat([each.select("account", "amount") for each in shaped]).drop_nulls().unique().select(
        "account", "amount", pl.col("amount").rank("dense").over("account").alias("_rank"))
    lines_shaped, coins_shaped = (
        each.join(ranks, on=["account", "amount"], how="left", maintain_order="left").with_columns(
            pl.col("_rank").alias("amount"))
        for each in shaped
    )
    members = _members(plain, lines_shaped.select("account", "at", *_LINE),
                       coins_shaped.select("account", "at", *_CREDIT))
    if not members.height:
        return _nobody(lines, credit)
    line_of = rows.select("account", "at", "line")
    credit_of = coins.select("account", "at", "credit", "net_fen", "person_id", "region", "scheme")
    left = [each.join(members, on="account", how="anti", maintain_order="left") for each in (lines, credit)]
    return Alike(left[0], left[1], members, line_of, credit_of)


def _nobody(lines: pl.DataFrame, credit: pl.DataFrame) -> Alike:
    account = lines.schema["account"]
    none = pl.DataFrame(schema={"account": account, "like": account, "months": pl.Int32})
    return Alike(lines, credit, none, pl.DataFrame(), pl.DataFrame())


def _plain(rows: pl.DataFrame, coins: pl.DataFrame) -> pl.DataFrame:
    """Accounts in which amounts can only be equal or not: account, january, size, relations, days."""
    of_lines = rows.group_by("account").agg(
        (pl.col("month").min() // YEAR * YEAR).alias("january"), pl.col("odd").any().alias("_odd"),
        pl.len().alias("_lines"), pl.col("day").min().alias("_from"), pl.col("day").max().alias("_to"),
    ).filter(~pl.col("_odd") & (pl.col("_lines") <= MAX_ROWS))
    of_coins = coins.group_by("account").agg(
        pl.col("odd").any().alias("_odd"), pl.len().alias("_credits"),
        pl.col("day").min().alias("_first"), pl.col("day").max().alias("_last"),
    ).filter(~pl.col("_odd") & (pl.col("_credits") <= MAX_ROWS))
    accounts = of_lines.drop("_odd").join(of_coins.drop("_odd"), on="account")
    # Every credit follows, within reach, the arrival of a line of its amount.
    known = rows.filter("payable").drop_nulls("arrival").select("account", "amount", "arrival").unique().sort("arrival")
    near = coins.select("account", "amount", "month").unique().sort("month").join_asof(
        known, left_on="month", right_on="arrival", by=["account", "amount"], strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )
    lone = near.filter((pl.col("month") - pl.col("arrival") > REACH_MONTHS).fill_null(True))
    amounts = pl.concat([each.select("account", "amount") for each in (rows, coins)]).filter(
        pl.col("amount") != 0).group_by("account").agg(pl.col("amount").unique().sort())
    listed = pl.col("amount").list
    found = accounts.join(lone, on="account", how="anti").join(amounts.filter(
        (listed.len() <= MAX_AMOUNTS) & (listed.first() > 0) & (listed.last() * 2 < listed.first() * 3)), on="account")
    each = [listed.get(at, null_on_oob=True) for at in range(MAX_AMOUNTS)]
    gaps = pl.concat_list([each[j] - each[i] for i in range(MAX_AMOUNTS) for j in range(i + 1, MAX_AMOUNTS)])
    return found.with_columns(_relations(each).alias("relations"), gaps.list.drop_nulls().alias("_gaps")).filter(
        pl.col("_gaps").list.n_unique() == pl.col("_gaps").list.len()
    ).select(
        "account", "january", "_lines", "_credits", "relations",
        # Whether a credit may belong to a line that arrived in its month is the same for all (1: it may, -1: it may
        # not), or the days are compared (0).
        pl.when((pl.col("_first") >= pl.col("_to")) | pl.col("_to").is_null()).then(1)
        .when(pl.col("_last") < pl.col("_from")).then(-1).otherwise(0).alias("days"),
    ).sort("account")


def _relations(each: list[pl.Expr]) -> pl.Expr:
    """How an account's amounts, in rising order, compare wherever the matching compares them, as one text.

    By how many quarters two differ (an inexact link), whether one lies within an eighth of another (a month without a
    line), whether the difference of two is at most a quarter of a third (a deduction).
    """
    marks: list[pl.Expr] = []
    for i, low in enumerate(each):
        for high in each[i + 1:]:
            gap = high - low
            marks += [gap * 4 // low, gap * 4 // high, (gap <= low // 8).cast(pl.Int64),
                      (gap <= high // 8).cast(pl.Int64)]
            marks += [(gap * 4 <= other).cast(pl.Int64) for other in each]
    return pl.concat_str([mark.cast(pl.String).fill_null("") for mark in marks], separator=",")


def _members(plain: pl.DataFrame, lines: pl.DataFrame, coins: pl.DataFrame) -> pl.DataFrame:
    """account, like, months: who takes the answer of another that is alike."""
    sums = [
        each.group_by("account").agg(pl.struct(pl.exclude("account")).hash().bitwise_xor().alias(name))
        for name, each in (("_of_lines", lines), ("_of_credits", coins))
    ]
    key = ["_of_lines", "_of_credits", "_lines", "_credits", "relations", "days"]
    asked = plain.join(sums[0], on="account").join(sums[1], on="account").with_columns(
        pl.col("account").min().over(key).alias("like"))
    others = asked.filter(pl.col("account") != pl.col("like")).join(
        plain.select(like="account", _january="january"), on="like")
    differ = [_differing(others, each) for each in (lines, coins)]
    return others.join(pl.concat(differ), on="account", how="anti").select(
        "account", "like", (pl.col("january") - pl.col("_january")).alias("months"))


def _differing(others: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Accounts with a row that is not that of the account they were taken to be like."""
    pairs = rows.join(others.select("account", "like"), on="account").join(
        rows, left_on=["like", "at"], right_on=["account", "at"], how="left", suffix="_like")
    named = [name for name in rows.columns if name not in ("account", "at")]
    same = pl.all_horizontal([pl.col(name).eq_missing(pl.col(f"{name}_like")) for name in named])
    return pairs.filter(~same).select("account").unique()
