"""The pure core: tables and policy in, tables out. No files, no clock, no logging.

exports -> lines (what is due) -> links -> parts (labels) -> months, gaps, findings, steps, balances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.core import cohorts, gaps, limits, months
from recon.core.absent import absent_months
from recon.core.account_parts import balance_gaps, broken_months, ledger_findings, ledger_parts, moving_parts
from recon.core.balance import MOVES, balance_table, one_ledger, with_readings
from recon.core.bridge import bridge_table, broken_bridges
from recon.core.calendar import explain_waits, with_deadline
from recon.core.chain import chained
from recon.core.context import Context
from recon.core.credit_places import Learned
from recon.core.due import settle_second, with_due
from recon.core.expect import conflict_problems, lines_of, policy_conflicts, retiree_lines
from recon.core.gaps import KEY, gap_table
from recon.core.holes import jumps
from recon.core.inferred import CONFLICT, conflict_findings, mark_conflicts, with_inferred
from recon.core.judge import judge, parts_of, with_links
from recon.core.ledgers import only_in_one
from recon.core.match import match
from recon.core.monthly import month_table
from recon.core.moves import recognised
from recon.core.overlap import mark_repeated_flows, payer_key
from recon.core.prepare import SUBSIDY, Prepared, is_subsidy, prepare
from recon.core.readings import anchors, reading_parts
from recon.core.steps import step_table
from recon.core.survey import Part
from recon.inside import inside_polars
from recon.policy import Policy
from recon.problems import Problem
from recon.tables import RESULT_TABLES, SPENDING, conform, empty


@dataclass(frozen=True)
class Members:
    """What the table ``finding`` is made of: of findings that count people, the people at hand; the others whole.

    months: :func:`recon.core.gaps.counted_members`. bases: :func:`recon.core.limits.outside_limits`.
    """

    months: pl.DataFrame
    bases: pl.DataFrame
    others: pl.DataFrame


@dataclass(frozen=True)
class Result:
    """All result tables but ``problem`` and ``source``, the input tables as judged, and what was noticed.

    conflicts: :func:`recon.core.expect.policy_conflicts`; the problems say the same. members: what the table
    ``finding`` says of the people at hand.
    """

    tables: dict[str, pl.DataFrame]
    inputs: dict[str, pl.DataFrame]
    problems: list[Problem]
    conflicts: pl.DataFrame
    members: Members


class IdentityError(AssertionError):
    """An identity of DESIGN section 7 does not hold: a bug, never an input's fault."""


@inside_polars
def reconcile(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, context: Context, *, spend: bool = True,
    part: Part | None = None,
) -> Result:
    """Every person and month answered (DESIGN sections 4 to 7).

    tables: canonical input tables (missing ones are empty). context: :func:`recon.core.context.build_context` of all
    input, of which ``tables`` may be a shard. spend=False says spend lines were dropped at reading: no balances then.
    part: what the context was made of, where that was ``tables``: its first steps are not done again.
    Raises :class:`IdentityError` where a sum does not hold.
    """
    if as_of != context.as_of:
        message = f"as_of {as_of} differs from the context's {context.as_of}"
        raise ValueError(message)
    if part is None or part.prepared.by_lag:
        prepared = prepare(dict(tables), Learned(context.lag, context.own_lag, context.posting_prints, context.shift,
                                                 _typical(tables["contribution"], policy)))
        own = with_inferred(lines_of(prepared, policy), context.inferred)
    else:
        prepared, own = part.prepared, part.lines
    lines = _all_lines(own, prepared, policy, context)
    lines = with_due(lines, prepared.credit, context, policy)
    found = match(lines, prepared.credit, context.posting_prints, context.payer_cover)
    links = found.links
    lines = _mark_surplus(settle_second(lines, links), links)
    links = links.filter(pl.col("line").is_null() | pl.col("line").is_in(lines["line"].implode()))
    lines, links = with_links(lines, links, prepared.credit)
    lines = mark_conflicts(judge(lines, context)).join(
        prepared.undone, on=["person_id", "region", "scheme", "due"], how="left", nulls_equal=True,
        maintain_order="left",
    )
    parts = parts_of(lines, links)
    gap, payers = gap_table(parts, lines, links, context)
    gap, conflict_finding = conflict_findings(explain_waits(gap, lines, policy), lines, context.inferred)
    month = month_table(lines, links, gap, found.margins, prepared.tables["person"])
    base_gap, bases = limits.outside_limits(lines, policy, as_of)
    result = {
        "expected": _expected_table(lines), "match": _match_table(links, found.margins), "month": month,
        "gap": pl.concat([gap, base_gap]), "step": step_table(lines, policy),
    }
    result |= _account_tables(prepared, result, context, complete=spend)
    counted = gaps.counted_members(gap.filter(pl.col("cause").fill_null("") != CONFLICT), payers)
    members = Members(counted, bases, pl.concat([conflict_finding, ledger_findings(result["gap"])]))
    result["finding"] = finding_table(members)
    check_identities(result, prepared.credit)
    conflicts = policy_conflicts(lines.filter(pl.col("row_id").is_not_null()))
    problems = prepared.problems + found.problems + conflict_problems(conflicts)
    assert set(result) == set(RESULT_TABLES) - {"problem", "source", "payroll_month", "rollup"}
    return Result(result, prepared.tables, problems, conflicts, members)


def without_spend(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables as the HR edition holds them: no spend line, no place, no memo, no balance that would tell of them.

    Of a memo only the word for a subsidy stays: it decides what a credit is, in every edition alike.
    """
    flow = mark_repeated_flows(tables["flow"]).filter(~pl.col("flow_kind").is_in(SPENDING)).with_columns(
        pl.when(is_subsidy()).then(pl.lit(SUBSIDY)).alias("memo"),
        pl.lit(None, dtype=pl.Int64).alias("balance_fen"),
    )
    return {**tables, "flow": flow}


def members_of(parts: Sequence[Members]) -> Members:
    """The members of all findings, of what several groups of people have of them; a few at a time or all at once."""
    return Members(
        gaps.added_members([one.months for one in parts]), limits.added_members([one.bases for one in parts]),
        pl.concat([one.others for one in parts]).unique(maintain_order=True),
    )


def finding_table(members: Members) -> pl.DataFrame:
    """The table ``finding``: one cause that hit many, with how many they are and what it comes to."""
    return pl.concat([gaps.finding_table(members.months), members.others, limits.base_findings(members.bases)])


def check_identities(result: Mapping[str, pl.DataFrame], credit: pl.DataFrame | None = None) -> None:
    """Assert the identities of DESIGN section 7 on result tables; IdentityError names the first that fails."""
    month, gap, links = result["month"], result["gap"], result["match"]
    key = ["person_id", "region", "scheme", "accrual_month"]
    parts = gap.filter(pl.col("basis") == "credit").group_by(key).agg(pl.col("amount_fen").sum().alias("parts"))
    sums = month.join(parts, on=key, how="full", coalesce=True, nulls_equal=True)
    broken = sums.filter(
        pl.col("label").is_null()
        | (pl.col("contributed_fen") != pl.col("credited_on_time_fen") + pl.col("parts").fill_null(0))
    )
    if broken.height:
        raise IdentityError(f"contributed = credited on time + parts fails in {broken.height} months")
    linked = links.group_by(key).agg(pl.col("amount_fen").sum().alias("linked"))
    uncounted = month.join(linked, on=key, how="full", coalesce=True, nulls_equal=True).filter(
        pl.col("credited_fen").is_null() | (pl.col("credited_fen") != pl.col("linked").fill_null(0))
    )
    if uncounted.height:
        raise IdentityError(f"credited = sum of links fails in {uncounted.height} months")
    if month.select(key).is_duplicated().any():
        raise IdentityError("an account has two rows for one month")
    if "bridge" in result and (bad := broken_bridges(result["bridge"])).height:
        raise IdentityError(f"the bridge from paid to balance does not close for {bad.height} accounts")
    if "balance" in result:
        moved = sum((pl.col(name) for name in MOVES), pl.lit(0))
        off = result["balance"].filter(
            pl.col("opening_fen") + moved + pl.col("unexplained_fen") != pl.col("closing_fen"))
        if broken_months(gap, result["balance"]).height:
            raise IdentityError("credits less the balance's parts are not the change of the balance")
        if off.height:
            raise IdentityError(f"opening + movements + unexplained = closing fails in {off.height} months")
    if credit is not None:
        used = links.group_by("flow_row_id").agg(pl.col("amount_fen").sum().alias("used")).join(
            credit.select(pl.col("row_id").alias("flow_row_id"), "net_fen"), on="flow_row_id", how="left"
        ).filter(pl.col("net_fen").is_null() | (pl.col("used") > pl.col("net_fen")))
        if used.height:
            raise IdentityError(f"{used.height} credits are used for more than they are")


def _account_tables(
    prepared: Prepared, result: Mapping[str, pl.DataFrame], context: Context, *, complete: bool
) -> dict[str, pl.DataFrame]:
    """Does the account add up: balance, bridge and what explains a balance, where no line was dropped at reading."""
    flow, reading = prepared.tables["flow"], prepared.tables["reading"]
    gap = result["gap"]
    if not complete:
        lines = one_ledger(flow.filter(pl.col("duplicate_of").is_null()))
        balance = empty("balance")
    else:
        lines = recognised(one_ledger(chained(with_readings(flow, reading))), context.as_of)
        balance = balance_table(lines)
        parts = balance_gaps([
            moving_parts(lines, jumps(lines, context.cover)), ledger_parts(only_in_one(flow)),
            reading_parts(reading, lines, result["expected"], context.cover, anchors(lines)),
        ])
        gap = pl.concat([gap, parts])
    bridge = bridge_table(result["month"], gap, result["match"], prepared.credit, lines, balance, complete=complete)
    return {"gap": gap, "balance": balance, "bridge": bridge}


def _typical(contribution: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """region, typical: the months after which credits usually come, of the regions that credit month by month."""
    regions = contribution["region"].drop_nulls().unique().to_list()
    return cohorts.schedule_frame(regions, policy, None).filter(pl.col("kind") != "annual").select("region", "typical")


def _all_lines(own: pl.DataFrame, prepared: Prepared, policy: Policy, context: Context) -> pl.DataFrame:
    """Contribution lines (``own``), retiree months and months that lack a line, in one frame."""
    lines = own.with_columns(
        pl.lit(False).alias("absent"), pl.lit(None, dtype=pl.String).alias("neighbours")
    )
    retired = retiree_lines(prepared, policy, context.as_of, context.cover)
    if retired.height:
        retired = with_inferred(retired, context.inferred).with_columns(
            pl.lit(False).alias("absent"), pl.lit(None, dtype=pl.String).alias("raw_payer")
        )
        lines = pl.concat([lines, retired], how="diagonal_relaxed")
    absent = absent_months(prepared, lines, context)
    if absent.height:
        typical = lines.filter(pl.col("row_id").is_not_null() & ~pl.col("is_side")).group_by("person_id").agg(
            pl.coalesce("expected_fen", "estimated_fen").filter(pl.col("month") == pl.col("month").max()).max()
            .alias("estimated_fen")
        )
        rows = absent.join(typical, on="person_id", how="left").with_columns(
            pl.lit(True).alias("absent"), pl.lit(False).alias("paid"), pl.lit("normal").alias("payment_kind"),
            pl.lit("normal").alias("stream"), pl.col("month").alias("arrival"),
            *(pl.lit(0, dtype=pl.Int64).alias(name) for name in
              ("contributed_fen", "total_fen", "expected_fen", "flat_fen")),
            *(pl.lit(False).alias(name) for name in
              ("is_side", "netted", "no_account", "stated", "payable", "surely_account")),
            pl.lit([], dtype=pl.List(pl.Int64)).alias("accepts"), pl.lit(False).alias("unsure"),
        ).drop("proved_by")
        lines = pl.concat([lines, rows], how="diagonal_relaxed")
    over = months.last_over(context.as_of)
    kept = ~pl.col("is_side") & ~pl.col("netted")
    retirees = (pl.col("stream") == "retiree") & pl.col("row_id").is_null()
    lines = _with_settled(
        lines, kept & (((pl.col("paid") == True) & (pl.col("total_fen") > 0)) | retirees))  # noqa: E712
    # A bill beside the record of its month, paid or not, is another view of it.
    lines = _with_unpaid_record(lines)
    billed_view = pl.col("paid").is_null() & (pl.col("settled") | pl.col("unpaid_record"))
    # Unpaid and absent months wait until the end of the month after, or of a later deadline of the region.
    waits = pl.max_horizontal("deadline_months", 1)
    lines = with_deadline(lines.filter(~billed_view), policy)
    allocated = lines.filter(pl.col("allocated_on").is_not_null()).select(
        "person_id", "region", pl.lit(True).alias("allocates")).unique()
    return lines.join(
        allocated, on=["person_id", "region"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(
        pl.col("allocates").fill_null(False), (pl.col("month") + waits <= over).alias("absent_over"),
        (kept & ~pl.col("no_account") & ~pl.col("absent") & (
            pl.col("paid").is_null() | ((pl.col("paid") == True) & pl.col("expected_fen").is_null())  # noqa: E712
        )).fill_null(False).alias("by_place"),
        pl.col("whole_yuan").fill_null(False),
    )


def _with_settled(lines: pl.DataFrame, is_paid: pl.Expr) -> pl.DataFrame:
    """``settled``: the account's month has a line that ``is_paid``; most lines are such lines themselves."""
    own = is_paid.fill_null(False)
    others = lines.filter(~own).select(KEY).unique()
    beside = lines.filter(own).select(KEY).join(others, on=KEY, how="semi", nulls_equal=True).unique()
    return lines.join(
        beside.with_columns(pl.lit(True).alias("settled")), on=KEY, how="left", nulls_equal=True, maintain_order="left"
    ).with_columns((own | pl.col("settled").fill_null(False)).alias("settled"))


def _with_unpaid_record(lines: pl.DataFrame) -> pl.DataFrame:
    """``unpaid_record``: for a bill, that a record says its month was not paid by the same payer."""
    if lines["paid"].null_count() == 0:  # most records hold no bill
        return lines.with_columns(pl.lit(False).alias("unpaid_record"))
    told = lines.with_columns(payer_key().alias("_payer"))
    records = told.filter((pl.col("paid") == False) & pl.col("row_id").is_not_null()).select(  # noqa: E712
        *KEY, "_payer", pl.lit(True).alias("unpaid_record")).unique()
    return told.join(
        records, on=[*KEY, "_payer"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col("unpaid_record").fill_null(False)).drop("_payer")


def _mark_surplus(lines: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """A credit in the place of an unpaid or absent month says the record is not the whole story: no accusation then."""
    if not links["surplus"].any():
        return lines
    surplus = links.filter("surplus").select(KEY).unique().with_columns(pl.lit(True).alias("_surplus"))
    marked = lines.join(surplus, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    there = pl.col("_surplus").fill_null(False)
    return marked.with_columns((pl.col("settled") | there).alias("settled")).filter(
        ~(pl.col("absent") & there & (pl.len().over(KEY) > 1))
    ).with_columns((pl.col("absent") & ~there).alias("absent")).drop("_surplus")


def _expected_table(lines: pl.DataFrame) -> pl.DataFrame:
    own = lines.filter(pl.col("row_id").is_not_null())
    known = pl.when(pl.col("paid") == True).then(  # noqa: E712
        pl.col("contributed_fen") - pl.col("expected_fen") - pl.col("flat_fen"))
    rows = own.with_columns(
        months.date_of(pl.col("month")).alias("accrual_month"), months.date_of(pl.col("due")).alias("due_month"),
        months.date_of(pl.col("last")).alias("last_month"), known.alias("pooled_fen"),
    )
    return conform(rows.sort("row_id"), "expected")


def _match_table(links: pl.DataFrame, margins: pl.DataFrame) -> pl.DataFrame:
    rows = links.join(margins.select("line", "margin", "tied"), on="line", how="left").with_columns(
        months.date_of(pl.col("month")).alias("accrual_month"), pl.col("lag").cast(pl.Int32).alias("lag_months"),
        (~pl.col("tied").fill_null(False)).alias("decided"),
    )
    return conform(
        rows.sort("person_id", "region", "scheme", "accrual_month", "posted_on", "flow_row_id", nulls_last=True),
        "match",
    )
