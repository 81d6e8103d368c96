"""Why a person's month differs between the legs: parts that add up, each named once (DESIGN section 7, basis payroll).

In: :class:`recon.core.payroll.months.PersonMonths`. Out: one row per part (:data:`PART`). Over the compared months the
parts of leg 1 add up to deducted − declared and those of leg 2 to declared − arrived; ``check`` asserts it. A part is
explained by the first rule that fits to the fen, from the plain (rounding, a late fee, a refund) to the unexplained.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import polars as pl

from recon.core import months
from recon.core.calendar import is_after
from recon.core.expect import ACCUSING, ESTIMATE_PPM
from recon.core.limits import clamped
from recon.core.payroll.legs import Legs, form_of, key_of
from recon.core.payroll.months import PersonMonths, roster_edges
from recon.core.payroll_settings import PayrollSettings
from recon.core.rounded import rounded_share
from recon.policy import Policy
from recon.tables import Schema

PART: Schema = {
    "person_id": pl.String(), "month": pl.Int32(), "payer": pl.String(), "region": pl.String(), "label": pl.String(),
    "cause": pl.String(), "fen": pl.Int64(), "estimated_fen": pl.Int64(), "status": pl.String(), "leg": pl.Int32(),
    "why": pl.String(), "rows": pl.String(),
}
NEAR_MONTHS = 3  # a deduction may stand so many months beside its own
BASE_GRACE_MONTHS = 6  # so long after a new base year the old limits may still be used, until the top-up
_RATE_STEP_PPM = 5_000  # rates are multiples of half a per cent


class PayrollIdentityError(AssertionError):
    """The parts of a leg do not add up to its difference: a bug, never an input's fault."""


def rules_of(rows: pl.DataFrame, policy: Policy, settings: PayrollSettings) -> pl.DataFrame:
    """Per region and month: ppm (employee's rate), flats, floor_fen and cap_fen (the widest of now and the old base
    year's), new_floor_fen and new_cap_fen (the month's own), deadline (day). Limits that nobody is sure of are null.
    """
    found = []
    for region, month in rows.select("region", "month").unique().sort("region", "month", nulls_last=True).rows():
        day = months.first_day(month)
        rule = policy.rule(region, "310", None, "in_service", day)
        now = policy.base_limits(region, day) if region else None
        before = policy.base_limits(region, months.first_day(month - BASE_GRACE_MONTHS)) if region else None
        sure = now is not None and now.confidence in ACCUSING
        floors = [one.floor_fen for one in (now, before) if one is not None and one.floor_fen is not None]
        caps = [one.cap_fen for one in (now, before) if one is not None and one.cap_fen is not None]
        stated = settings.deadline_day.get(region or "") or settings.deadline_day.get("")
        last = policy.deadline(region, day)
        deadline = min(months.first_day(month) + timedelta(days=stated - 1), months.last_day(month)) if stated else last
        found.append((region, month, rule.employee_ppm or ESTIMATE_PPM, list(rule.flat_fens),
                      min(floors, default=None) if sure else None, max(caps, default=None) if sure else None,
                      now.floor_fen if sure and now else None, now.cap_fen if sure and now else None, deadline))
    return pl.DataFrame(found, schema={
        "region": pl.String, "month": pl.Int32, "ppm": pl.Int64, "flats": pl.List(pl.Int64), "floor_fen": pl.Int64,
        "cap_fen": pl.Int64, "new_floor_fen": pl.Int64, "new_cap_fen": pl.Int64, "deadline": pl.Date,
    }, orient="row")


def person_parts(
    found: PersonMonths, legs: Legs, tables: dict[str, pl.DataFrame], policy: Policy, settings: PayrollSettings,
    as_of: date, frozen: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The parts of all people, and the months absorbed by a finding about a whole payer: payer, region, month, cause,
    people, fen. ``frozen``: payer, month of units whose total is short (their unpaid people are one finding).
    """
    rows = found.rows.join(rules_of(found.rows, policy, settings), on=["region", "month"], how="left", nulls_equal=True)
    agencies = _agencies(settings)
    rows = with_compared(rows).with_columns(
        pl.col("payer").is_in(agencies).fill_null(value=False).alias("by_agency"),
        pl.concat_str(pl.col("slip_rows"), pl.col("decl_rows"), pl.col("arr_rows"), separator="; ",
                      ignore_nulls=True).alias("rows"),
        (pl.col("deadline") <= as_of).fill_null(value=False).alias("over"),
        (pl.col("deferred") | _deferred(settings)).alias("is_deferred"),
    )
    rows = _with_double(rows, legs)
    rows = with_edges(rows, tables)
    rows, corrections = _corrections(rows)
    rows, absorbed = _absorb_shifts(rows, found)
    rows, moved = _wrong_months(rows, settings)
    first = pl.concat([corrections, moved, _deductions(rows, settings), _late_fees(rows)])
    _check_first(rows, first, absorbed)
    second, held, short = _arrivals(rows, frozen)
    rest = [_double(rows, first), _wrong_branch(rows, tables, legs, settings), _bases(rows, first),
            _paid_late(rows), _residents(rows, legs)]
    parts = pl.concat([first, second, *rest]).filter(pl.col("label").is_not_null())
    looked = rows.select("person_id", "month", pl.col("compared").alias("is_compared")).join(
        short, on=["person_id", "month"], how="left")
    return parts.sort("person_id", "month", "label", "cause", nulls_last=True), pl.concat([absorbed, held]), looked


def with_compared(rows: pl.DataFrame) -> pl.DataFrame:
    """``compared``: whether payslip and declaration (or record) both speak of the month."""
    return rows.with_columns(
        (pl.col("covers_payroll") & (pl.col("covers_declared") | pl.col("covers_arrived"))).alias("compared"))


def _part(rows: pl.DataFrame, label: str, cause: pl.Expr | str | None, fen: pl.Expr, *, leg: int,
          status: pl.Expr | str = "open", estimated: pl.Expr | None = None, why: pl.Expr | str = "") -> pl.DataFrame:
    """``rows`` as parts of one label."""
    def text(value: pl.Expr | str | None) -> pl.Expr:
        return value if isinstance(value, pl.Expr) else pl.lit(value, dtype=pl.String)

    return rows.select(
        "person_id", "month", "payer", "region", pl.lit(label).alias("label"), text(cause).alias("cause"),
        fen.cast(pl.Int64).alias("fen"),
        (estimated if estimated is not None else pl.lit(None)).cast(pl.Int64).alias("estimated_fen"),
        text(status).alias("status"), pl.lit(leg, dtype=pl.Int32).alias("leg"), text(why).alias("why"), "rows",
    )


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=PART)


# ------------------------------------------------------------------------------------------------------ what is known


def _agencies(settings: PayrollSettings) -> list[str]:
    """The keys of payers that pay for other firms' people."""
    return sorted(number for number, payer in settings.payers.items() if payer.is_agency)


def _deferred(settings: PayrollSettings) -> pl.Expr:
    """Whether the settings defer a row's month."""
    hit: pl.Expr = pl.lit(value=False)
    for one in settings.deferrals:
        inside = pl.col("month").is_between(months.index(one.first), months.index(one.last))
        if one.payer is not None:
            inside &= pl.col("payer").eq_missing(one.payer)
        if one.region is not None:
            inside &= pl.col("region").eq_missing(one.region)
        hit = hit | inside
    return hit


def _with_double(rows: pl.DataFrame, legs: Legs) -> pl.DataFrame:
    """``second_fen`` (own part of the smaller enrolments), ``second_all`` (with the employer's), ``second_kind``."""
    # With what is collected beside 310; a side line alone is no enrolment.
    key = ["person_id", "month", "leg", "payer", "region"]
    normal = legs.lines.filter((pl.col("kind") == "normal") & ((pl.col("own_fen") > 0) | (pl.col("base_fen") > 0)))
    # Few months have two lines in one leg; only these are looked at.
    several = normal.group_by("person_id", "month", "leg").len().filter(pl.col("len") > 1)
    normal = normal.join(several, on=["person_id", "month"], how="semi")
    main = normal.filter((pl.col("scheme") == "310").any().over(key))
    view = main.group_by("person_id", "month", "leg", "payer", "region").agg(
        pl.col("own_fen").sum(), (pl.col("own_fen") + pl.col("firm_fen").fill_null(0)).sum().alias("all"),
        pl.col("paid").fill_null(value=True).any())
    # A record that says unpaid is still an enrolment; one leg's view is enough, the declaration's first.
    best = view.sort("leg", descending=True).with_columns(
        pl.col("leg").first().over("person_id", "month").alias("_leg"))
    mine = best.filter(pl.col("leg") == pl.col("_leg")).sort(
        "own_fen", "payer", descending=[True, False], nulls_last=True)
    double = mine.group_by("person_id", "month", maintain_order=True).agg(
        pl.len().alias("enrolments"), pl.col("region").n_unique().alias("_regions"),
        (pl.col("own_fen").sum() - pl.col("own_fen").first()).alias("second_fen"),
        (pl.col("all").sum() - pl.col("all").first()).alias("second_all"),
    ).filter(pl.col("enrolments") > 1).with_columns(
        pl.when(pl.col("_regions") > 1).then(pl.lit("two_regions")).otherwise(pl.lit("two_payers")).alias("second_kind")
    ).drop("enrolments", "_regions")
    refund = pl.min_horizontal(pl.col("decl_refund"), pl.col("arr_refund").fill_null(0))
    return rows.join(double, on=["person_id", "month"], how="left").with_columns(
        # One that the fund has refunded already is settled.
        pl.when(refund == 0).then("second_kind").alias("second_kind"), pl.col("second_fen").fill_null(0),
        pl.col("second_all").fill_null(0), pl.col("arr_refund").fill_null(0))


def with_edges(rows: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """``edge``: joiner or leaver where a month on one side only is that of joining or leaving; ``edge_day``."""
    dates = roster_edges(tables["person"], tables["enrolment"])
    legs = ("slip", "target")
    spans = rows.group_by("person_id").agg(
        *(pl.col("month").filter(pl.col(f"has_{leg}")).min().alias(f"first_{leg}") for leg in legs),
        *(pl.col("month").filter(pl.col(f"has_{leg}")).max().alias(f"last_{leg}") for leg in legs),
    )
    cover = rows.group_by("payer").agg(
        pl.col("month").filter("compared").min().alias("from_month"),
        pl.col("month").filter("compared").max().alias("to_month"))
    joined = rows.join(dates, on="person_id", how="left").join(spans, on="person_id", how="left").join(
        cover, on="payer", how="left", nulls_equal=True)
    one_sided = (pl.col("ded_fen") > 0) != (pl.col("target_fen") > 0)
    begins = (pl.col("first_slip") - pl.col("first_target")).abs() == 1
    ends = (pl.col("last_slip") - pl.col("last_target")).abs() == 1
    at_start = begins & (pl.col("month") == pl.min_horizontal("first_slip", "first_target")) & (
        pl.col("month") > pl.col("from_month"))
    at_end = ends & (pl.col("month") == pl.max_horizontal("last_slip", "last_target")) & (
        pl.col("month") < pl.col("to_month"))
    edge = (
        pl.when(pl.col("month") == pl.col("joined")).then(pl.lit("joiner"))
        .when(pl.col("month") == pl.col("left")).then(pl.lit("leaver"))
        .when(pl.col("joined").is_null() & at_start).then(pl.lit("joiner"))
        .when(pl.col("left").is_null() & at_end).then(pl.lit("leaver"))
    )
    day = pl.when(edge == "joiner").then("joined_day").when(edge == "leaver").then("left_day")
    return joined.with_columns(
        pl.when(one_sided).then(edge).alias("edge"), pl.when(one_sided).then(day).alias("edge_day"))


# ------------------------------------------------------------------------------------ leg 1: payslip and declaration


def _allocated(rows: pl.DataFrame, due: str, paid: str) -> pl.DataFrame:
    """``due_rest``: what is still due of each month when all that was paid, whenever, is laid on the oldest months.

    ``paid_rest``: what of each month's payment met no due.
    """
    ordered = rows.sort("person_id", "month")
    total_due, total_paid = pl.col(due).sum().over("person_id"), pl.col(paid).sum().over("person_id")
    end_due = pl.col(due).cum_sum().over("person_id", order_by="month")
    end_paid = pl.col(paid).cum_sum().over("person_id", order_by="month")
    met = pl.min_horizontal(pl.max_horizontal(total_paid - (end_due - pl.col(due)), pl.lit(0)), pl.col(due))
    over = pl.min_horizontal(pl.max_horizontal(end_paid - total_due, pl.lit(0)), pl.col(paid))
    return ordered.with_columns((pl.col(due) - met).alias("due_rest"), over.alias("paid_rest"))


def _corrections(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Top-ups and refunds, which a payslip settles in another month than theirs; what meets nothing joins ``gap_fen``.

    Adds ``gap_fen`` (deducted − declared of the regular items, less what is settled here).
    """
    live = pl.col("compared")
    refunds = -pl.when("has_decl").then("decl_refund").otherwise("arr_refund")
    rows = rows.with_columns(
        pl.when(live).then(pl.max_horizontal("target_top_up", pl.lit(0))).otherwise(0).alias("_top"),
        pl.when(live).then(pl.max_horizontal("slip_top_up", pl.lit(0))).otherwise(0).alias("_top_paid"),
        pl.when(live).then(refunds + pl.max_horizontal(-pl.col("target_top_up"), pl.lit(0))).otherwise(0)
        .alias("_back"),
        pl.when(live).then(-pl.col("slip_refund") + pl.max_horizontal(-pl.col("slip_top_up"), pl.lit(0)))
        .otherwise(0).alias("_back_paid"),
        pl.when(live).then(pl.col("ded_fen") - pl.col("target_fen")).otherwise(0).alias("gap_fen"),
    )
    rows = _allocated(rows, "_top", "_top_paid").rename({"due_rest": "top_rest", "paid_rest": "top_over"})
    rows = _allocated(rows, "_back", "_back_paid").rename({"due_rest": "back_rest", "paid_rest": "back_over"})
    # A month refunded by the fund that was never deducted (twice) nets out; so does a top-up inside the regular item.
    nets = (pl.col("gap_fen") + pl.col("back_rest") == 0) & (pl.col("back_rest") > 0)
    rows = rows.with_columns(
        pl.when(nets).then(0).otherwise("gap_fen").alias("gap_fen"), pl.when(nets).then(0).otherwise("back_rest")
        .alias("back_rest"))
    owed = pl.col("top_rest").sum().over("person_id")
    inside = (owed > 0) & (pl.col("gap_fen") == owed) & (pl.col("ded_fen") > 0) & (pl.col("target_fen") > 0)
    rows = rows.with_columns(inside.alias("_inside")).with_columns(
        pl.col("_inside").any().over("person_id").alias("_recovered"),
        (pl.col("_inside") & (pl.col("_inside").cum_sum().over("person_id", order_by="month") == 1)).alias("_inside"),
    ).with_columns(
        pl.when("_inside").then(0).otherwise("gap_fen").alias("gap_fen"),
        pl.when("_recovered").then(0).otherwise("top_rest").alias("top_rest"),
    )
    rows = rows.with_columns((pl.col("gap_fen") + pl.col("top_over") - pl.col("back_over")).alias("gap_fen"))
    last_slip = pl.col("last_slip")
    last_run = pl.col("to_month")
    gone = (pl.col("left").is_not_null() & (pl.col("left") <= last_run)) | (last_slip < last_run) | last_slip.is_null()
    cause = pl.when(gone.fill_null(value=False)).then(pl.lit("leaver")).otherwise(pl.lit("in_service"))
    top = rows.filter(pl.col("top_rest") > 0)
    back = rows.filter(pl.col("back_rest") > 0)
    parts = pl.concat([
        _part(top, "top_up_not_recovered", cause, -pl.col("top_rest"), leg=1),
        _part(back, "refund_due", "refund_not_returned", pl.col("back_rest"), leg=1),
    ])
    return rows, parts


def _absorb_shifts(rows: pl.DataFrame, found: PersonMonths) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Months skipped or deducted twice because a payer's offset changed: one finding, never one per person.

    Adds ``shift_fen``: what of each row's ``gap_fen`` is that finding's.
    """
    out = []
    rows = rows.with_columns(pl.lit(0, dtype=pl.Int64).alias("shift_fen"))
    for one in found.offsets:
        for pay, before, after in one.shifts:
            skipped = range(pay + before, pay + after)
            twice = range(pay + after, pay + before)
            for month in [*skipped, *twice]:
                is_skip = month in skipped
                place = pl.coalesce("group_region", "region")  # of a month nobody was deducted for, only the line tells
                hit = pl.col("payer").eq_missing(one.payer) & place.eq_missing(one.region) & (
                    pl.col("month") == month) & (pl.col("gap_fen") != 0) & (
                    pl.col("gap_fen") == (-pl.col("target_fen") if is_skip else pl.col("target_fen")))
                mine = rows.filter(hit)
                label = "declared_not_deducted" if is_skip else "deducted_not_declared"
                out.append((one.payer, one.region, month, label, "offset_shift", mine.height,
                            int(mine["gap_fen"].sum()), f"{months.first_day(pay):%Y-%m}", before, after))
                rows = rows.with_columns(
                    pl.when(hit).then("gap_fen").otherwise("shift_fen").alias("shift_fen"),
                    pl.when(hit).then(0).otherwise("gap_fen").alias("gap_fen"))
    absorbed = pl.DataFrame(out, schema={
        "payer": pl.String, "region": pl.String, "month": pl.Int32, "label": pl.String, "cause": pl.String,
        "people": pl.Int64, "fen": pl.Int64, "since": pl.String, "before": pl.Int64, "after": pl.Int64,
    }, orient="row")
    return rows, absorbed


def _wrong_months(rows: pl.DataFrame, settings: PayrollSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of neighbouring months of one person whose differences cancel to the fen: deducted in the wrong one."""
    odd = rows.filter(pl.col("gap_fen").abs() > settings.rounding_fen).sort("person_id", "month")
    opposite = odd.group_by("person_id").agg((pl.col("gap_fen") > 0).any().alias("_plus"),
                                             (pl.col("gap_fen") < 0).any().alias("_minus"))
    suspects = odd.join(opposite.filter(pl.col("_plus") & pl.col("_minus")), on="person_id", how="semi")
    waiting: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for person, month, fen in suspects.select("person_id", "month", "gap_fen").iter_rows():
        waiting[person].append((month, fen))
    paired: list[tuple[str, int, int]] = []
    for person, gaps in waiting.items():
        left = list(gaps)
        for month, fen in gaps:
            if (month, fen) not in left:
                continue
            mates = [one for one in left if one[1] == -fen and 0 < abs(one[0] - month) <= NEAR_MONTHS]
            if mates:
                mate = min(mates, key=lambda one: (abs(one[0] - month), one[0]))
                left.remove((month, fen))
                left.remove(mate)
                paired += [(person, month, mate[0]), (person, mate[0], month)]
    mates_of = pl.DataFrame(paired, schema={"person_id": pl.String, "month": pl.Int32, "mate": pl.Int32}, orient="row")
    marked = rows.join(mates_of, on=["person_id", "month"], how="left")
    moved = marked.filter(pl.col("mate").is_not_null())
    why = pl.concat_str(pl.lit("与"), months.date_of(pl.col("mate")).dt.strftime("%Y-%m"), pl.lit("的差额相抵"))
    parts = _part(moved, "amount_differs", "wrong_month", pl.col("gap_fen"), leg=1, status="resolved", why=why)
    return marked.with_columns(
        pl.when(pl.col("mate").is_not_null()).then(0).otherwise("gap_fen").alias("gap_fen")
    ).drop("mate"), parts


def _deductions(rows: pl.DataFrame, settings: PayrollSettings) -> pl.DataFrame:
    """What is left of deducted − declared, each month with one label."""
    odd = rows.filter(pl.col("gap_fen") != 0)
    if odd.is_empty():
        return _none()
    gap, ded, due = pl.col("gap_fen"), pl.col("ded_fen"), pl.col("target_fen")
    both = (ded > 0) & (due > 0)
    is_rounding = both & ((gap.abs() <= settings.rounding_fen) | ((ded % 100 == 0) & (gap.abs() < 100)))
    seen = rows.group_by("person_id").agg(pl.col("has_target").any().alias("ever"), pl.len().alias("n_months"))
    odd = odd.join(seen, on="person_id", how="left")
    never = ~pl.col("ever") & (pl.col("n_months") > 1)
    has_edge = pl.col("edge").is_not_null()
    label = (
        pl.when(is_rounding).then(pl.lit("amount_differs"))
        .when((gap > 0) & (gap == pl.col("line_late_fee"))).then(pl.lit("late_fee_deducted"))
        .when(pl.col("second_kind").is_not_null() & (gap == -pl.col("second_fen"))).then(pl.lit("double_enrolment"))
        .when((ded > 0) & ~pl.col("has_target") & has_edge).then(pl.lit("joiner_leaver_edge"))
        .when((ded > 0) & ~pl.col("has_target")).then(pl.lit("deducted_not_declared"))
        .when((due > 0) & (ded == 0) & has_edge).then(pl.lit("joiner_leaver_edge"))
        .when((due > 0) & (ded == 0)).then(pl.lit("declared_not_deducted"))
        .otherwise(pl.lit("amount_differs"))
    )
    odd = odd.with_columns(label.alias("label")).with_columns(_why_amount(is_rounding).alias("_amount_cause"))
    cause = (
        pl.when(pl.col("label") == "amount_differs").then("_amount_cause")
        .when(pl.col("label") == "double_enrolment").then("second_kind")
        .when(pl.col("label") == "joiner_leaver_edge").then("edge")
        .when(pl.col("label") == "declared_not_deducted").then(
            pl.when("has_slip").then(pl.lit("no_deduction")).otherwise(pl.lit("not_on_payroll")))
        .when(pl.col("label") == "deducted_not_declared").then(
            pl.when("by_agency").then(pl.lit("agency")).when(never).then(pl.lit("never_declared"))
            .when("covers_declared").then(pl.lit("not_in_declaration")).otherwise(pl.lit("not_in_record")))
    )
    status = pl.when(is_rounding).then(pl.lit("explained")).otherwise(pl.lit("open"))
    why = _edge_words(settings)
    return pl.concat([
        _part(odd.filter(pl.col("label") == name), name, cause, gap, leg=1, status=status,
              estimated=pl.col("second_all") if name == "double_enrolment" else None,
              why=why if name == "joiner_leaver_edge" else _base_words() if name == "amount_differs" else "")
        for name in odd["label"].unique().sort().to_list()
    ])


def _why_amount(is_rounding: pl.Expr) -> pl.Expr:
    """The cause of an amount that differs: flat sum, rate, base, else none."""
    gap, ded, due = pl.col("gap_fen"), pl.col("ded_fen"), pl.col("target_fen")
    base, own, ppm = pl.col("line_base"), pl.col("slip_base"), pl.col("ppm")
    side = pl.max_horizontal("side_fen", pl.col("arr_side_fen").fill_null(0))
    flat = (pl.col("flats").list.contains(gap.abs())) | ((side > 0) & (gap.abs() == side))
    # The flat sum inside the declared amount, where it holds one.
    inside = due - rounded_share(base, ppm)
    plain = ded - pl.when(inside > 0).then(inside).otherwise(0)
    other_base = own.is_not_null() & base.is_not_null() & (own != base)
    by_base = other_base & ((rounded_share(own, ppm) - plain).abs() <= 1)
    rate = (plain * 1_000_000 + base // 2) // base
    stepped = (rate + _RATE_STEP_PPM // 2) // _RATE_STEP_PPM * _RATE_STEP_PPM
    same_base = own.is_null() | (own == base)
    by_rate = base.is_not_null() & (base > 0) & same_base & ((rounded_share(base, stepped) - plain).abs() <= 1) & (
        stepped != ppm) & (stepped > 0)
    # A round base that nobody states: what it gives at the region's rate is a whole yuan of base.
    implied = (plain * 1_000_000) % (ppm * 100) == 0
    by_implied = own.is_null() & base.is_not_null() & implied & (plain > 0)
    return (
        pl.when(is_rounding).then(pl.lit("rounding"))
        .when(flat & ~by_base).then(pl.lit("flat_sum"))
        .when(by_base).then(pl.lit("base")).when(by_rate).then(pl.lit("rate"))
        .when(by_implied).then(pl.lit("base"))
    )


def _edge_words(settings: PayrollSettings) -> pl.Expr:
    """What the mid-month rule says of the month, where one is stated and the day is known."""
    text: pl.Expr = pl.lit("当地入离职月份的规则未说明")
    for region, rule in sorted(settings.mid_month.items()):
        here = pl.lit(value=True) if region == "" else pl.col("region").eq_missing(region)
        owed = pl.when(pl.col("edge") == "joiner").then(pl.col("edge_day") <= rule.joins_by).otherwise(
            pl.col("edge_day") >= rule.leaves_from)
        said = pl.when(owed.is_null()).then(pl.lit("入离职日期不明")).when(owed).then(
            pl.lit("按规则当月应由本单位申报和扣款")).otherwise(pl.lit("按规则当月不应由本单位申报和扣款"))
        text = pl.when(here).then(said).otherwise(text)
    day = pl.when(pl.col("edge_day").is_not_null()).then(
        pl.concat_str(pl.lit("（"), pl.col("edge_day").cast(pl.String), pl.lit("日）"))).otherwise(pl.lit(""))
    word = pl.when(pl.col("edge") == "joiner").then(pl.lit("当月入职")).otherwise(pl.lit("当月离职"))
    return pl.concat_str(word, day, pl.lit("，"), text)


def _base_words() -> pl.Expr:
    base = (pl.col("line_base") // 100).cast(pl.String)
    own = (pl.col("slip_base") // 100).cast(pl.String)
    return pl.when(pl.col("line_base").is_not_null() & pl.col("slip_base").is_not_null()).then(
        pl.concat_str(pl.lit("申报基数"), base, pl.lit("，工资表基数"), own)).when(
        pl.col("line_base").is_not_null()).then(pl.concat_str(pl.lit("申报基数"), base)).otherwise(pl.lit(""))


def _late_fees(rows: pl.DataFrame) -> pl.DataFrame:
    """An item 滞纳金 or 利息 on a payslip."""
    return _part(rows.filter((pl.col("late_fee") > 0) & pl.col("compared")), "late_fee_deducted", None,
                 pl.col("late_fee"), leg=1)


def _check_first(rows: pl.DataFrame, parts: pl.DataFrame, absorbed: pl.DataFrame) -> None:
    """Deducted − declared = Σ parts + what findings about a payer absorbed, for every person's compared months.

    By person only: a correction of one payer may be settled on the payslip of another.
    """
    refunds = pl.when("has_decl").then("decl_refund").otherwise("arr_refund")
    deducted = pl.sum_horizontal("ded_fen", "slip_top_up", "slip_refund", "late_fee")
    declared = pl.sum_horizontal("target_fen", "target_top_up", refunds)
    # A late fee that was paid back is nobody's finding.
    given_back = pl.min_horizontal("late_fee", pl.lit(0))
    named = parts.group_by("person_id").agg(pl.col("fen").sum().alias("_named"))
    off = rows.filter("compared").group_by("person_id").agg(
        (deducted - declared - given_back).sum().alias("_whole"), pl.col("shift_fen").sum().alias("_shift"),
    ).join(named, on="person_id", how="full", coalesce=True).filter(
        pl.sum_horizontal("_named", "_shift") != pl.col("_whole").fill_null(0))
    if off.height:
        raise PayrollIdentityError(f"deducted - declared is not the sum of its parts for {off.height} people")
    by_payer = rows.group_by("payer").agg(pl.col("shift_fen").sum()).join(
        absorbed.group_by("payer").agg(pl.col("fen").sum()), on="payer", how="full", coalesce=True, nulls_equal=True)
    if by_payer.filter(pl.col("shift_fen").fill_null(0) != pl.col("fen").fill_null(0)).height:
        raise PayrollIdentityError("what a change of offset absorbed is not what its people's months lost")


# ------------------------------------------------------------------------------------ leg 2: declaration and arrival


def _arrivals(rows: pl.DataFrame, frozen: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Declared − arrived by cause; people of a unit whose total is short are held back: second frame, as absorbed.

    Third: person_id, month, short_fen of every judged month.
    """
    judged = rows.filter(
        pl.col("covers_arrived") & pl.col("has_target") & ~(pl.col("paid_unknown") & (pl.col("arr_fen") == 0))
        # Without payslip or declaration a record that says unpaid is a matter of the credit basis alone.
        & (pl.col("has_decl") | pl.col("has_slip"))
    ).with_columns((pl.col("target_fen") - pl.col("arr_fen")).alias("short_fen"))
    short = judged.select("person_id", "month", "short_fen")
    judged = judged.filter(pl.col("short_fen") != 0)
    nothing = (pl.col("arr_fen") == 0) & (pl.col("short_fen") > 0)
    cause = (
        pl.when(nothing & pl.col("by_agency")).then(pl.lit("agency"))
        .when(nothing & pl.col("has_arr")).then(pl.lit("unpaid")).when(nothing).then(pl.lit("not_in_record"))
        .when(pl.col("short_fen") > 0).then(pl.lit("short")).otherwise(pl.lit("over"))
    )
    judged = judged.with_columns(cause.alias("cause"), nothing.alias("nothing"))
    held = judged.join(frozen.select("payer", "month", pl.lit(value=True).alias("_frozen")), on=["payer", "month"],
                       how="left", nulls_equal=True).with_columns(
        (pl.col("_frozen").fill_null(value=False) & pl.col("nothing")).alias("_held"))
    free = held.filter(~pl.col("_held"))
    late = free.filter(pl.col("nothing") & pl.col("is_deferred"))
    open_ = free.filter(~(pl.col("nothing") & pl.col("is_deferred")))
    status = pl.when("over").then(pl.lit("open")).otherwise(pl.lit("pending"))
    parts = pl.concat([
        _part(open_, "declared_not_paid", pl.col("cause"), pl.col("short_fen"), leg=2, status=status),
        _part(late, "deferred", None, pl.col("short_fen"), leg=2, status="pending"),
    ])
    together = held.filter("_held").group_by("payer", "region", "month").agg(
        pl.len().cast(pl.Int64).alias("people"), pl.col("short_fen").sum().alias("fen")
    ).select("payer", "region", "month", pl.lit("unit_not_fully_paid").alias("label"),
             pl.lit(None, dtype=pl.String).alias("cause"), "people", "fen",
             pl.lit(None, dtype=pl.String).alias("since"), pl.lit(None, dtype=pl.Int64).alias("before"),
             pl.lit(None, dtype=pl.Int64).alias("after"))
    difference = int(judged["short_fen"].sum())
    if difference != int(parts["fen"].sum()) + int(together["fen"].sum()):
        raise PayrollIdentityError(f"declared - arrived = {difference} is not the sum of its parts")
    return parts, together, short


def _paid_late(rows: pl.DataFrame) -> pl.DataFrame:
    """Premiums that arrived after the deadline of their month: by the day, else by the month of booking."""
    late = rows.filter(is_after("arrived_on", "booked", "deadline") & (pl.col("arr_fen") > 0)
                       & (pl.col("has_slip") | pl.col("has_decl")))
    when = pl.coalesce(pl.col("arrived_on").cast(pl.String), months.date_of(pl.col("booked")).dt.strftime("%Y-%m"))
    why = pl.concat_str(pl.lit("到账"), when, pl.lit("，征收期至"), pl.col("deadline").cast(pl.String))
    return _part(late, "paid_late", None, pl.lit(0), leg=0, status="resolved", estimated=pl.col("arr_fen"), why=why)


# ----------------------------------------------------------------------------------------------- enrolment and bases


def _double(rows: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Two enrolments of one month that the deductions did not show already."""
    told = first.filter(pl.col("label") == "double_enrolment").select("person_id", "month")
    mine = rows.filter(pl.col("second_kind").is_not_null()).join(told, on=["person_id", "month"], how="anti")
    return _part(mine, "double_enrolment", pl.col("second_kind"), pl.lit(0), leg=0, estimated=pl.col("second_all"))


def _residents(rows: pl.DataFrame, legs: Legs) -> pl.DataFrame:
    """Insured as a resident 390 in a month that the employer declares too."""
    both = rows.filter("has_target").join(
        legs.residents.rename({"row_id": "_other"}), on=["person_id", "month"], how="inner")
    both = both.with_columns(pl.concat_str("rows", "_other", separator="; ", ignore_nulls=True).alias("rows"))
    return _part(both, "double_enrolment", "two_schemes", pl.lit(0), leg=0, estimated=pl.col("target_fen"))


def _wrong_branch(
    rows: pl.DataFrame, tables: dict[str, pl.DataFrame], legs: Legs, settings: PayrollSettings
) -> pl.DataFrame:
    """Declared by another payer, or in another region, than payslip, enrolment or roster say.

    The roster states the present: it is held against months from the day of joining on, or from the first month that
    agrees with it; against all only where none ever does. Agencies pay for others by design: never a wrong payer.
    A tax id, a unit number and a name are not held against each other: nothing says that they differ.
    """
    key = ["person_id", "month"]
    normal = legs.lines.filter(pl.col("kind") == "normal")
    roster = tables["person"].select(
        "person_id", key_of("payer", legs.known).alias("roster_payer"), pl.col("region").alias("roster_region"),
    ).unique("person_id", keep="first", maintain_order=True)
    spells = tables["enrolment"].select(
        "person_id", key_of("payer", legs.known).alias("spell_payer"), pl.col("region").alias("spell_region"),
        months.index_of(pl.col("from_month")).alias("_from"), months.index_of(pl.col("to_month")).alias("_to"))
    live = rows.filter("has_target").join(normal, on=key, how="semi").join(roster, on="person_id", how="left")
    spell = live.select("person_id", "month").join(spells, on="person_id").filter(
        (pl.col("month") >= pl.col("_from")) & (pl.col("month") <= pl.col("_to")).fill_null(value=True)
    ).unique(["person_id", "month"], keep="last", maintain_order=True).select(
        "person_id", "month", "spell_payer", "spell_region")
    live = live.join(spell, on=["person_id", "month"], how="left")
    agencies = _agencies(settings)
    parts = []
    for cause in ("payer", "region"):
        said = normal.select(*key, cause).drop_nulls(cause).unique()
        agreeing = live.join(said, left_on=[*key, f"roster_{cause}"], right_on=[*key, cause], how="semi").group_by(
            "person_id").agg(pl.col("month").min().alias("_agreeing"))
        present = pl.coalesce("joined", "_agreeing", pl.lit(0))
        by_roster = pl.when(pl.col("month") >= present).then(f"roster_{cause}")
        stated = pl.coalesce(f"stated_{cause}", f"spell_{cause}", by_roster)
        wrong = live.join(agreeing, on="person_id", how="left").with_columns(stated.alias("_stated")).filter(
            pl.col("_stated").is_not_null()).join(said, on=key, how="semi").join(
            said, left_on=[*key, "_stated"], right_on=[*key, cause], how="anti")
        if cause == "payer":
            same_form = said.select(*key, form_of("payer").alias("_form"))
            wrong = wrong.join(said.filter(pl.col("payer").is_in(agencies)), on=key, how="anti").with_columns(
                form_of("_stated").alias("_form")).join(same_form, on=[*key, "_form"], how="semi").drop("_form")
        names = said.join(wrong, on=key, how="semi").group_by(key).agg(
            pl.col(cause).sort().str.join("、").alias("_said"))
        wrong = wrong.join(names, on=key, how="left")
        why = pl.concat_str(pl.lit("申报在"), "_said", pl.lit("，花名册或工资表为"), "_stated")
        parts.append(_part(wrong, "wrong_branch", cause, pl.lit(0), leg=0, estimated=pl.col("target_fen"), why=why))
    return pl.concat(parts)


def _bases(rows: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Payroll's base, or the one the declared wage gives within the limits, is not the declared base."""
    by_base = (pl.col("label") == "amount_differs") & (pl.col("cause") == "base")
    told = first.filter(by_base).select("person_id", "month")
    live = rows.filter(pl.col("line_base").is_not_null() & pl.col("has_target")).join(
        told, on=["person_id", "month"], how="anti")
    base, own, wage = pl.col("line_base"), pl.col("slip_base"), pl.col("line_wage")
    limited = clamped(wage, floor="new_floor_fen", cap="new_cap_fen")
    known = pl.col("new_floor_fen").is_not_null() & pl.col("new_cap_fen").is_not_null() & wage.is_not_null()
    out = (base < pl.col("floor_fen")) | (base > pl.col("cap_fen"))
    by_payroll = own.is_not_null() & (own != base)
    by_wage = known & ~by_payroll & (limited != base) & ~out.fill_null(value=False) & (
        (wage >= pl.col("floor_fen")) & (wage <= pl.col("cap_fen")))
    return pl.concat([
        _part(live.filter(by_payroll), "base_differs", "payroll_base", pl.lit(0), leg=0,
              estimated=rounded_share((own - base).abs(), pl.col("ppm")), why=_base_words()),
        _part(live.filter(by_wage), "base_differs", "wage", pl.lit(0), leg=0,
              estimated=rounded_share((limited - base).abs(), pl.col("ppm")),
              why=pl.concat_str(pl.lit("申报基数"), (base // 100).cast(pl.String), pl.lit("，申报工资"),
                                (wage // 100).cast(pl.String))),
    ])
