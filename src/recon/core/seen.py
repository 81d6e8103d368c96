"""Accounts that are seen: whether there is one hangs on a tier that no file states, and the credits tell.

Where a region has tiers with and without an account (Shenzhen), a line without a tier has no sure amount. Yet an
account whose credits are, month after month and to the fen, what the tier with an account gets, has that tier. What
was seen holds between the first and the last of these months: before and after the tier may be another, so that
sums and lumps are known there, too, but a month without a credit accuses nobody.

The same goes for lists that name no base (an employer's download): where all that the person pays is credited, the
amount due is the person's part, with or without a flat sum in it, and the employer's share of the base that pays so
much. That, too, is believed once the credits say so, some of them less a sum that is taken again and again; of a yearly
credit, once it is the sum of months in a row.
"""

from __future__ import annotations

import polars as pl

from recon.core.lag_lines import DEDUCTION_MONTHS, DEDUCTION_SHARE
from recon.core.rounded import PPM, rounded_share
from recon.tables import ACCOUNT

IN_SERVICE = "in_service"

# So many months must have their very sum, credited at most so many months after the premium arrived.
SEEN_MONTHS = 3
SEEN_LAG = 3
YEAR = 12
LEAST_TAKEN = 100  # what less is lacking is no deduction: a base worked out of the part of it is a few fen off
_LINE = ("stream", "month", "payment_kind", "paid")
_FEN_OFF = [-2, -1, 0, 1, 2]  # by so many fen the employer's share may be another than that of the likeliest base
_SHARES = ("employee_fen", "employee_ppm", "employer_ppm")


def with_own_parts(lines: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with with_fen, with_confidence, with_ref and with_flat of those whose base no file names.

    By the rule all the person pays is credited, so the person's part less the flat sum in it (one the policy knows, or
    none: what most of the account's credits fit) would be due, and what the rule takes of the employer's part of the
    base that pays so much. ``credit``: (account), net_fen, month.
    """
    lines = lines.with_columns(pl.lit(None, dtype=pl.Int64).alias("with_flat"))
    part = pl.col("employee_fen")
    own = (
        pl.col("expected_fen").is_null() & pl.col("base_fen").is_null() & (part > 0) & ~pl.col("is_side")
        & ~pl.col("no_account") & (pl.col("has_account") == True) & (pl.col("insured") == IN_SERVICE)  # noqa: E712
        & (pl.col("personal_ppm") == pl.col("employee_ppm")) & (pl.col("employee_ppm") > 0)
        & pl.col("employer_ppm").is_not_null() & (pl.col("employer_month_fen") == 0)
    ).fill_null(False)
    asked = lines.filter(own)
    if asked.is_empty():
        return lines
    known = pl.concat_list(pl.lit(0, dtype=pl.Int64), "flat_fens")
    asked = asked.select(*ACCOUNT, *_LINE, *_SHARES, known.alias("_flat")).explode("_flat")
    flats = asked.with_columns(_with_employers_share().alias("net_fen"))
    sums = asked.select(*ACCOUNT, *_SHARES, "_flat").unique().with_columns(
        pl.lit(_FEN_OFF).alias("_off")).explode("_off").filter(_may_be_off()).with_columns(
        (_with_employers_share() + pl.col("_off")).alias("net_fen"))
    came = credit.select(*ACCOUNT, "net_fen")
    months = sums.select(*ACCOUNT, "net_fen", "_flat").unique().join(came, on=[*ACCOUNT, "net_fen"], nulls_equal=True)
    fits = pl.concat([each.select(*ACCOUNT, "_flat") for each in (months, _years(flats, credit, "_flat"))])
    best = fits.group_by(*ACCOUNT, "_flat").agg(pl.len().alias("_n")).sort(
        "_n", "_flat", descending=[True, False]).unique(ACCOUNT, keep="first", maintain_order=True).drop("_n")
    # Of the sums that the base may make due the one that the most credits have.
    off = sums.join(best, on=[*ACCOUNT, "_flat"], how="semi", nulls_equal=True).join(
        came.group_by(*ACCOUNT, "net_fen").agg(pl.len().alias("_n")), on=[*ACCOUNT, "net_fen"], nulls_equal=True
    ).sort("_n", pl.col("_off").abs(), "_off", descending=[True, False, False]).unique(
        [*ACCOUNT, *_SHARES], keep="first", maintain_order=True).select(*ACCOUNT, *_SHARES, "_off")
    joined = lines.join(best, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left").join(
        off, on=[*ACCOUNT, *_SHARES], how="left", nulls_equal=True, maintain_order="left")
    told = own & pl.col("_flat").is_not_null()
    due = _with_employers_share() + pl.col("_off").fill_null(0)
    return joined.with_columns(
        pl.when(told).then(due).otherwise("with_fen").alias("with_fen"),
        pl.when(told).then("confidence").otherwise("with_confidence").alias("with_confidence"),
        pl.when(told).then("policy_ref").otherwise("with_ref").alias("with_ref"),
        pl.when(told).then("_flat").otherwise("with_flat").alias("with_flat"),
    ).drop("_flat", "_off")


def _employers_share(base_off: pl.Expr | int = 0) -> pl.Expr:
    """The employer's share of the base (and ``base_off``) of which the part without ``_flat`` is the person's."""
    base = (pl.col("employee_fen") - pl.col("_flat")) * PPM // pl.col("employee_ppm")
    return rounded_share(base + base_off, pl.col("employer_ppm"))


def _with_employers_share() -> pl.Expr:
    """The person's part without ``_flat``, and the employer's share of the base of which that part is the person's."""
    return pl.col("employee_fen") - pl.col("_flat") + _employers_share()


def _may_be_off() -> pl.Expr:
    """Whether the employer's share may be ``_off`` more: bases half a fen of the person's part away have that part."""
    half = PPM // (2 * pl.col("employee_ppm"))
    share = _employers_share() + pl.col("_off")
    return (pl.col("_off") == 0) | share.is_between(_employers_share(-half), _employers_share(half))


def with_seen_accounts(lines: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with expected_fen, policy_confidence and policy_ref of the tier with an account, where it is seen.

    lines: with the columns of :func:`recon.core.expect.lines_of` and those of the rule that would hold with an account
    (with_fen, with_confidence, with_ref, with_flat; null for all other lines), which are dropped.
    """
    kept = lines.drop("with_fen", "with_confidence", "with_ref", "with_flat")
    open_question = pl.col("with_fen").is_not_null() & pl.col("expected_fen").is_null() & (pl.col("with_fen") > 0)
    asked = lines.filter(open_question & (pl.col("payment_kind") == "normal") & (pl.col("paid") == True))  # noqa: E712
    if asked.is_empty():
        return kept
    near = asked.select(*ACCOUNT, "month", "arrival", "arrival_day", "with_fen").join(
        credit.select(*ACCOUNT, "net_fen", "posted_on", pl.col("month").alias("_posted"), pl.col("row_id").alias("_c")),
        on=ACCOUNT, nulls_equal=True,
    ).with_columns((pl.col("_posted") - pl.coalesce("arrival", "month")).alias("_lag")).filter(
        pl.col("_lag").is_between(0, SEEN_LAG) & (pl.col("posted_on") >= pl.col("arrival_day")).fill_null(True))
    exact = near.filter(pl.col("net_fen") == pl.col("with_fen"))
    fits = pl.concat([exact, _after_deductions(near, exact)])
    # At the lag that most months have; of equal ones the longest, so that the last month seen is none too late.
    seen = fits.group_by(*ACCOUNT, "_lag").agg(
        pl.col("month").min().alias("_first"), pl.col("month").max().alias("_last"),
        pl.min_horizontal(pl.col("month").n_unique(), pl.col("_c").n_unique()).alias("_count"),
    ).filter(pl.col("_count") >= SEEN_MONTHS)
    years = _years(asked.select(*ACCOUNT, *_LINE, pl.col("with_fen").alias("net_fen")), credit).group_by(ACCOUNT).agg(
        pl.lit(0, pl.Int32).alias("_lag"), pl.col("_first").min(), pl.col("_last").max(),
        (pl.col("_last") - pl.col("_first")).max().cast(seen.schema["_count"]).alias("_count"))
    seen = pl.concat([seen, years.select(pl.col(name).cast(kind) for name, kind in seen.schema.items())]).sort(
        "_count", "_lag", descending=True).unique(ACCOUNT, keep="first", maintain_order=True)
    if seen.is_empty():
        return kept
    joined = lines.join(seen, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left")
    likely = open_question & pl.col("_first").is_not_null()
    sure = (likely & pl.col("month").is_between("_first", "_last")).fill_null(False)
    back_pay = pl.col("payment_kind") == "back_pay"
    confidence = pl.when(sure & ~back_pay).then("with_confidence").otherwise(pl.lit("low"))
    return joined.with_columns(
        pl.when(likely).then("with_fen").otherwise("expected_fen").alias("expected_fen"),
        pl.when(likely).then("with_fen").otherwise("rule_fen").alias("rule_fen"),
        pl.when(likely).then(confidence).otherwise("policy_confidence").alias("policy_confidence"),
        pl.when(likely).then("with_ref").otherwise("policy_ref").alias("policy_ref"),
        pl.when(likely).then(pl.coalesce("with_flat", "flat_fen")).otherwise("flat_fen").alias("flat_fen"),
        (pl.col("surely_account") | sure).alias("surely_account"),
    ).drop("with_fen", "with_confidence", "with_ref", "with_flat", "_first", "_last", "_count", "_lag")


def _after_deductions(near: pl.DataFrame, exact: pl.DataFrame) -> pl.DataFrame:
    """Those of ``near`` (lines and credits of their months) that lack the same small sum again and again.

    In :data:`DEDUCTION_MONTHS` months, or in the same one of several years, at a lag at which some of the account's
    lines have their very sum (``exact``): without any the sum may be one that is paid and never credited.
    """
    rest = pl.col("with_fen") - pl.col("net_fen")
    short = near.filter((rest >= LEAST_TAKEN) & (rest * DEDUCTION_SHARE <= pl.col("with_fen"))).with_columns(
        rest.alias("_rest"), (pl.col("month") % YEAR).alias("_season")
    ).join(exact.select(*ACCOUNT, "_lag").unique(), on=[*ACCOUNT, "_lag"], how="semi", nulls_equal=True)
    same = [*ACCOUNT, "_lag", "_rest"]
    return short.filter(
        (pl.col("month").n_unique().over(same) >= DEDUCTION_MONTHS)
        | (pl.col("month").n_unique().over(*same, "_season") > 1)).select(near.columns)


def _years(lines: pl.DataFrame, credit: pl.DataFrame, *apart: str) -> pl.DataFrame:
    """Account, ``apart``, _first, _last: runs of months (at most a year) whose sum is one later credit, to the fen.

    Of lines that are credited once a year. lines: account, :data:`_LINE`, net_fen (what would be due), ``apart`` (taken
    by themselves). A run of fewer than :data:`SEEN_MONTHS` months with lines tells nothing.
    """
    key = [*ACCOUNT, *apart]
    sums = lines.filter(
        (pl.col("stream") == "annual") & (pl.col("payment_kind") == "normal") & (pl.col("paid") == True)  # noqa: E712
    ).group_by(*key, "month").agg(pl.col("net_fen").sum()).sort(*key, "month", nulls_last=True).with_columns(
        pl.col("net_fen").cum_sum().over(key).alias("_to"), pl.int_range(pl.len()).over(key).alias("_n"))
    first = sums.select(*key, pl.col("month").alias("_first"), (pl.col("_to") - pl.col("net_fen")).alias("_from"),
                        pl.col("_n").alias("_before"))
    runs = first.join(sums.select(*key, pl.col("month").alias("_last"), "_to", "_n"), on=key, nulls_equal=True).filter(
        (pl.col("_n") - pl.col("_before") + 1 >= SEEN_MONTHS) & (pl.col("_last") - pl.col("_first") < YEAR)
    ).with_columns((pl.col("_to") - pl.col("_from")).alias("net_fen"))
    return runs.join(credit.select(*ACCOUNT, "net_fen", pl.col("month").alias("_posted")), on=[*ACCOUNT, "net_fen"],
                     nulls_equal=True).filter(pl.col("_posted") > pl.col("_last")).select(*key, "_first", "_last")
