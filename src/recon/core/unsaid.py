"""What an export leaves unsaid or says by default, told by sums and memos, so that no word and no zero accuses.

An export names the kind of a line in words of its own; an unknown one is read as ``other`` and said. Where such a line
holds just what the account is due, in its place, it is the credit, and that is said, too. A line of kind credit whose
memo says that it is interest is interest, unless it has just the sum due. A column of credited amounts that holds
zeros, while what the employee paid is credited month after month, was never filled: it states nothing.
"""

from __future__ import annotations

import polars as pl

from recon.core.links import REACH_MONTHS
from recon.core.months import index_of
from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import ACCOUNT

UNSAID_KIND = "other"
# Of an account without any line of kind credit: one sum in so many months is what comes month by month.
REGULAR_MONTHS = 3
ZERO_LAG = 2
_INTEREST = "结息|利息|计息"
_MORE = "划|缴|本金|本息|含|及|和"  # a memo that says more than interest: which of its sum is interest is not said


def credits_by_amount(flow: pl.DataFrame, payments: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """``flow`` with ``flow_kind`` credit where the sum says so (see the module), and one problem per person and file.

    payments: paid lines with month numbers (:class:`recon.core.prepare.Prepared`). No more lines of a sum are taken
    than payments of it lack a credit.
    """
    counted = (pl.col("amount_fen") > 0) & pl.col("duplicate_of").is_null() & pl.col("posted_on").is_not_null()
    unsaid = flow.filter(counted & (pl.col("flow_kind") == UNSAID_KIND)).select(
        *ACCOUNT, "row_id", "amount_fen", index_of(pl.col("posted_on")).alias("month"))
    if unsaid.is_empty():
        return flow, []
    said = flow.filter(counted & (pl.col("flow_kind") == "credit")).select(*ACCOUNT, "amount_fen")
    wordless = unsaid.join(said, on=ACCOUNT, how="anti", nulls_equal=True)
    regular = wordless.filter(pl.col("month").n_unique().over(*ACCOUNT, "amount_fen") >= REGULAR_MONTHS)
    line = [*ACCOUNT, "amount_fen"]
    sums = _due_sums(payments)
    lacking = sums.group_by(line).agg(pl.len().cast(pl.Int64).alias("due")).join(
        said.group_by(line).agg(pl.len().cast(pl.Int64).alias("came")), on=line, how="left", nulls_equal=True
    ).with_columns((pl.col("due") - pl.col("came").fill_null(0)).alias("lacking"))
    gap = pl.col("month") - pl.col("arrival")
    near = unsaid.join(sums, on=line, nulls_equal=True).filter((gap >= 0) & (gap <= REACH_MONTHS)).unique("row_id")
    due = near.join(lacking, on=line, nulls_equal=True).filter(
        pl.struct("month", "row_id").rank("ordinal").over(line) <= pl.col("lacking"))
    hit = pl.concat([regular["row_id"], due["row_id"]]).unique()
    if hit.is_empty():
        return flow, []
    is_hit = pl.col("row_id").is_in(hit.implode())
    first = flow.filter(is_hit).sort("posted_on", "row_id").with_columns(
        pl.col("row_id").str.split("#").list.first().alias("_file")
    ).unique(["person_id", "_file"], keep="first", maintain_order=True)
    problems = [
        Problem("kind-by-amount", file, row_id.partition("#")[2], "flow_kind", value=yuan_text(fen))
        for file, row_id, fen in first.select("_file", "row_id", "amount_fen").iter_rows()
    ]
    return flow.with_columns(pl.when(is_hit).then(pl.lit("credit")).otherwise("flow_kind").alias("flow_kind")), problems


def interest_by_memo(flow: pl.DataFrame, payments: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """``flow`` with flow_kind interest where a credit's memo says just that (see the module), one problem a person.

    payments: as for :func:`credits_by_amount`. Interest is never a month's credit (DESIGN section 4).
    """
    memo = pl.col("memo").fill_null("").str.replace(r"^\S+ ", "")  # what an export calls the line stands before it
    said = flow.filter(
        (pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0) & memo.str.contains(_INTEREST)
        & ~memo.str.contains(_MORE))
    if said.is_empty():
        return flow, []
    said = said.join(_due_sums(payments).select(*ACCOUNT, "amount_fen").unique(), on=[*ACCOUNT, "amount_fen"],
                     how="anti", nulls_equal=True)
    first = said.sort("posted_on", "row_id", nulls_last=True).unique("person_id", keep="first", maintain_order=True)
    problems = [
        Problem("kind-by-memo", row_id.partition("#")[0], row_id.partition("#")[2], "flow_kind", value=yuan_text(fen))
        for row_id, fen in first.select("row_id", "amount_fen").iter_rows()
    ]
    is_said = pl.col("row_id").is_in(said["row_id"].implode())
    return flow.with_columns(
        pl.when(is_said).then(pl.lit("interest")).otherwise("flow_kind").alias("flow_kind")), problems


def unfilled_shares(payments: pl.DataFrame, flow: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """``payments`` with into_account_fen null where it is a zero that the credits deny, and one problem per file.

    An account's zeros are denied together: where at least :data:`REGULAR_MONTHS` and half of its normal lines with a
    zero have a credit of just the employee's part, all at one lag of at most :data:`ZERO_LAG` months.
    """
    zero = payments.filter(
        (pl.col("into_account_fen") == 0) & (pl.col("employee_fen") > 0) & (pl.col("payment_kind") == "normal")
        & ~pl.col("is_side") & pl.col("paid").fill_null(True) & pl.col("arrival").is_not_null()
    ).select("row_id", "person_id", "region", pl.col("account_scheme").alias("scheme"), "month",
             pl.col("employee_fen").alias("amount_fen"), pl.col("arrival").cast(pl.Int32))
    if zero.is_empty():
        return payments, []
    came = flow.filter((pl.col("flow_kind") == "credit") & pl.col("duplicate_of").is_null()).select(
        *ACCOUNT, "amount_fen", index_of(pl.col("posted_on")).cast(pl.Int32).alias("_posted")).unique()
    fits = zero.join(came, on=[*ACCOUNT, "amount_fen"], nulls_equal=True).with_columns(
        (pl.col("_posted") - pl.col("arrival")).alias("_lag")).filter(pl.col("_lag").is_between(0, ZERO_LAG))
    best = fits.group_by(*ACCOUNT, "_lag").agg(pl.col("month").n_unique().alias("_fits")).group_by(ACCOUNT).agg(
        pl.col("_fits").max())
    denied = zero.group_by(ACCOUNT).agg(pl.col("month").n_unique().alias("_all")).join(
        best, on=ACCOUNT, nulls_equal=True
    ).filter((pl.col("_fits") >= REGULAR_MONTHS) & (pl.col("_fits") * 2 >= pl.col("_all")))
    hit = zero.join(denied, on=ACCOUNT, how="semi", nulls_equal=True)["row_id"]
    if hit.is_empty():
        return payments, []
    files = hit.str.split("#").list.first().unique().sort().to_list()
    return payments.with_columns(
        pl.when(~pl.col("row_id").is_in(hit.implode())).then("into_account_fen").alias("into_account_fen")
    ), [Problem("zeros-ignored", file, None, "into_account_fen") for file in files]


def _due_sums(payments: pl.DataFrame) -> pl.DataFrame:
    """The account, amount_fen and arrival of what each payment may have put into the account, one row each."""
    paid = payments.filter(
        ~pl.col("is_side") & pl.col("paid").fill_null(True) & (pl.col("total_fen") > 0)
        & pl.col("arrival").is_not_null())
    share = ((pl.col("base_fen") * 2 + 50) // 100).alias("share")
    sums = paid.select(
        "row_id", "person_id", "region", pl.col("account_scheme").alias("scheme"), pl.col("arrival").cast(pl.Int32),
        pl.concat_list("into_account_fen", "employee_fen", share).alias("amount_fen"))
    return sums.explode("amount_fen").filter(pl.col("amount_fen") > 0).unique().drop("row_id")
