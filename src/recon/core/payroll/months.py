"""One row per person and month with what every leg says of it, and which legs speak of the month at all.

In: :class:`recon.core.payroll.legs.Legs`. Out: the frame all findings of a person are judged on
(:func:`person_months`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recon.core.months import index_of
from recon.core.payroll.legs import Legs, key_of
from recon.core.payroll.offsets import Offset, learn_offsets
from recon.core.payroll_settings import PayrollSettings
from recon.core.text import listed
from recon.tables import SIDE_SCHEMES

REGULAR = ("medical", "flat")
ROWS_NAMED = 4
GROUP_PEOPLE = 5  # fewer people of one payer in a region have no offset of their own
SMALL = 5  # payers with fewer people in a month are covered when anybody else's month is
LEGS = ("payroll", "declared", "arrived")
_FEN = ("ded_fen", "slip_top_up", "slip_refund", "late_fee", "decl_fen", "decl_firm", "decl_top_up", "decl_refund",
        "arr_fen", "arr_firm", "arr_due", "arr_top_up", "line_late_fee", "side_fen")


@dataclass(frozen=True)
class PersonMonths:
    """rows: person_id, month, payer, region, the amounts of _FEN, has_slip, has_decl, has_arr, has_target, unpaid, ...;
    covered: payer, month, payroll, declared, arrived (whether a leg speaks of the payer's month); offsets as learned;
    slips with ``for`` filled in.
    """

    rows: pl.DataFrame
    covered: pl.DataFrame
    offsets: list[Offset]
    slips: pl.DataFrame


def person_months(legs: Legs, person: pl.DataFrame, settings: PayrollSettings) -> PersonMonths:
    """The legs side by side (see :class:`PersonMonths`)."""
    homes = _homes(legs.lines)
    slips = _placed(legs.slips, homes, person, legs.known)
    slips = _grouped(slips)
    base = _base(legs.lines, homes)
    plain = slips.filter(pl.col("kind").is_in(REGULAR) & pl.col("for").is_null()).group_by(
        "person_id", "group_region", "payer", "pay").agg(pl.col("fen").sum()).rename({"group_region": "region"})
    offsets = learn_offsets(plain, base, settings) if plain.height else []
    slips = _with_months(slips, offsets)
    slips = _doubled(slips, offsets, base)
    rows = _slip_sums(slips).join(_line_sums(legs.lines, "declared"), on=["person_id", "month"], how="full",
                                  coalesce=True).join(
        _line_sums(legs.lines, "arrived"), on=["person_id", "month"], how="full", coalesce=True)
    rows = rows.join(homes.rename({"payer": "line_payer", "region": "line_region", "employer": "line_employer"}),
                     on=["person_id", "month"], how="left")
    rows = rows.with_columns(
        *(pl.col(name).fill_null(0) for name in _FEN),
        *(pl.col(name).fill_null(value=False) for name in ("has_slip", "has_decl", "has_arr", "unpaid", "paid_unknown",
                                                           "deferred", "allocated", "no_firm", "in_treasury")),
        pl.coalesce("line_payer", "slip_payer").alias("payer"),
        pl.coalesce("line_region", "slip_region").alias("region"),
        pl.coalesce("line_employer", "slip_employer").alias("employer"),
    ).with_columns(
        pl.when("has_decl").then("decl_fen").when("has_arr").then("arr_due").otherwise(0).alias("target_fen"),
        pl.when("has_decl").then("decl_top_up").when("has_arr").then("arr_top_up").otherwise(0)
        .alias("target_top_up"),
        (pl.col("has_decl") | pl.col("has_arr")).alias("has_target"),
        pl.coalesce("decl_base", "arr_base").alias("line_base"),
        pl.coalesce("decl_wage", "arr_wage").alias("line_wage"),
    )
    covered = _coverage(rows, legs, slips, _skipped(offsets))
    rows = rows.join(covered, on=["payer", "month"], how="left", nulls_equal=True).with_columns(
        *(pl.col(f"covers_{leg}").fill_null(value=False) for leg in LEGS))
    return PersonMonths(rows.sort("person_id", "month"), covered, offsets, slips)


# ------------------------------------------------------------------------------------------------ who pays for whom


def _homes(lines: pl.DataFrame) -> pl.DataFrame:
    """person_id, month, payer, region, employer: of the largest line, a declared one before a record."""
    return lines.filter(pl.col("kind") != "refund").sort(
        pl.col("leg") == "arrived", "kind", "own_fen", "payer", "region", "row_id",
        descending=[False, False, True, False, False, False], nulls_last=True,
    ).unique(["person_id", "month"], keep="first", maintain_order=True).select(
        "person_id", "month", "payer", "region", "employer")


def _placed(slips: pl.DataFrame, homes: pl.DataFrame, person: pl.DataFrame, known: Mapping[str, str]) -> pl.DataFrame:
    """``slips`` with payer and region: what they state, else the person's nearest line, else the roster, else what most
    people of the same file have.
    """
    near = slips.select("person_id", "pay").unique().drop_nulls().sort("pay").join_asof(
        homes.sort("month").rename({"payer": "near_payer", "region": "near_region", "employer": "near_employer"}),
        left_on="pay", right_on="month", by="person_id", strategy="nearest", check_sortedness=False,
    ).select("person_id", "pay", "near_payer", "near_region", "near_employer")
    roster = person.select(
        "person_id", pl.coalesce(key_of("payer", known), key_of("employer", known)).alias("own_payer"),
        pl.col("region").alias("own_region"), pl.col("employer").alias("own_employer"),
    ).unique("person_id", keep="first", maintain_order=True)
    paying = homes["payer"].drop_nulls().unique().sort()
    stated = pl.when(pl.col("payer").is_in(paying.implode())).then("payer")
    placed = slips.join(near, on=["person_id", "pay"], how="left").join(
        roster, on="person_id", how="left").with_columns(
        pl.coalesce(stated, "near_payer", "payer", "own_payer").alias("payer"),
        pl.coalesce("near_region", "region", "own_region").alias("region"),
        pl.coalesce("employer", "near_employer", "own_employer").alias("employer"),
    )
    # A payer's own main region first: somebody nobody declared yet is where the others of the payer are.
    usual = placed.drop_nulls(["payer", "region"]).group_by("payer", "region").len().sort(
        "len", "region", descending=[True, False]).unique("payer", keep="first", maintain_order=True).select(
        "payer", pl.col("region").alias("usual_region"))
    placed = placed.join(usual, on="payer", how="left").with_columns(
        pl.coalesce("region", "usual_region").alias("region")).drop("usual_region")
    most = placed.drop_nulls("payer").group_by("file", "payer", "region").len().sort(
        "len", "payer", "region", descending=[True, False, False], nulls_last=True).unique(
        "file", keep="first", maintain_order=True).select(
        "file", pl.col("payer").alias("most_payer"), pl.col("region").alias("most_region"))
    return placed.join(most, on="file", how="left").with_columns(
        pl.coalesce("payer", "most_payer").alias("payer"), pl.coalesce("region", "most_region").alias("region"),
    ).drop("near_payer", "near_region", "near_employer", "own_payer", "own_region", "own_employer", "most_payer",
           "most_region")


def _grouped(slips: pl.DataFrame) -> pl.DataFrame:
    """``group_region``: where a payer has its people; a handful elsewhere follow the payer's main region."""
    size = slips.group_by("payer", "region").agg(
        pl.col("person_id").n_unique().alias("_people"), pl.len().alias("_slips"))
    main = size.sort("_slips", "region", descending=[True, False], nulls_last=True).unique(
        "payer", keep="first", maintain_order=True).select(
        "payer", pl.col("region").alias("_main"), pl.col("_slips").alias("_most"))
    odd = (pl.col("_people") < GROUP_PEOPLE) | (pl.col("_slips") * 10 < pl.col("_most"))
    return slips.join(size, on=["payer", "region"], how="left", nulls_equal=True).join(
        main, on="payer", how="left", nulls_equal=True).with_columns(
        pl.when(odd).then("_main").otherwise("region").alias("group_region")
    ).drop("_people", "_slips", "_main", "_most")


def _base(lines: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """person_id, month, own_fen, payer, region: what the declaration, else the record, says a payslip should deduct."""
    regular = lines.filter(pl.col("kind").is_in(["normal", "back_pay"]))
    sums = regular.group_by("person_id", "month", "leg").agg(pl.col("own_fen").sum()).sort("leg", descending=True)
    return sums.unique(["person_id", "month"], keep="first", maintain_order=True).drop("leg").join(
        homes, on=["person_id", "month"], how="left")


# --------------------------------------------------------------------------------------------- the month of a payslip


def _with_months(slips: pl.DataFrame, offsets: Sequence[Offset]) -> pl.DataFrame:
    """``slips`` with ``for`` filled by the offset of their payer's payslip month."""
    rows = [(one.region, one.payer, pay, offset) for one in offsets for pay, offset in one.by_month.items()]
    table = pl.DataFrame(rows, schema={"region": pl.String, "payer": pl.String, "pay": pl.Int32, "_offset": pl.Int32},
                         orient="row")
    latest = table.sort("pay").unique(["region", "payer"], keep="last", maintain_order=True).rename(
        {"_offset": "_last"})
    return slips.join(
        table, left_on=["group_region", "payer", "pay"], right_on=["region", "payer", "pay"], how="left",
        nulls_equal=True,
    ).join(
        latest.drop("pay"), left_on=["group_region", "payer"], right_on=["region", "payer"], how="left",
        nulls_equal=True,
    ).with_columns(
        pl.coalesce("for", pl.col("pay") + pl.coalesce("_offset", "_last", pl.lit(0))).cast(pl.Int32).alias("for"),
    ).drop("_offset", "_last")


def _doubled(slips: pl.DataFrame, offsets: Sequence[Offset], base: pl.DataFrame) -> pl.DataFrame:
    """At a change of offset that skips months, a payslip that deducts them all at once is split over them."""
    split = []
    for one in offsets:
        for pay, before, after in one.shifts:
            first, last = pay - 1 + before + 1, pay + after - 1
            split += [(one.region, one.payer, pay, month) for month in range(first, last + 1)]
    if not split:
        return slips
    skipped = pl.DataFrame(split, schema={"region": pl.String, "payer": pl.String, "pay": pl.Int32, "month": pl.Int32},
                           orient="row")
    owed = skipped.join(base.select("person_id", "month", "own_fen"), on="month")
    plain = slips.filter(pl.col("kind").is_in(REGULAR))
    mine = plain.join(owed, left_on=["person_id", "group_region", "payer", "pay"],
                      right_on=["person_id", "region", "payer", "pay"], how="inner", nulls_equal=True)
    sums = mine.group_by("person_id", "pay").agg(pl.col("own_fen").unique().sum().alias("extra"))
    own = plain.group_by("person_id", "pay", "for").agg(pl.col("fen").sum().alias("slip")).join(
        base.select("person_id", pl.col("month").alias("for"), pl.col("own_fen").alias("due")), on=["person_id", "for"])
    whole = own.join(sums, on=["person_id", "pay"]).filter(pl.col("slip") == pl.col("due") + pl.col("extra"))
    if whole.is_empty():
        return slips
    moved = mine.join(whole.select("person_id", "pay"), on=["person_id", "pay"], how="semi").unique(
        ["person_id", "pay", "month"], keep="first", maintain_order=True).with_columns(
        pl.col("own_fen").alias("fen"), pl.col("month").alias("for"), pl.lit("medical").alias("kind")
    ).select(slips.columns)
    less = moved.group_by("person_id", "pay").agg(pl.col("fen").sum().alias("_less"))
    rest = slips.join(less, on=["person_id", "pay"], how="left").with_columns(
        pl.when((pl.col("kind") == "medical") & pl.col("_less").is_not_null()
                & (pl.int_range(pl.len()).over("person_id", "pay", "kind") == 0))
        .then(pl.col("fen") - pl.col("_less")).otherwise("fen").alias("fen")).drop("_less")
    return pl.concat([rest, moved])


# ------------------------------------------------------------------------------------------------------------- sums


def _slip_sums(slips: pl.DataFrame) -> pl.DataFrame:
    def of(*kinds: str) -> pl.Expr:
        return pl.col("fen").filter(pl.col("kind").is_in(list(kinds))).sum()

    def stated(name: str) -> pl.Expr:
        told = pl.col(f"stated_{name}")
        return pl.when(told.min() == told.max()).then(told.min()).alias(f"stated_{name}")

    key = ["person_id", "month"]
    mine = slips.with_columns(pl.col("for").alias("month"))
    sums = mine.group_by(key).agg(
        of(*REGULAR).alias("ded_fen"), of("top_up").alias("slip_top_up"), of("refund").alias("slip_refund"),
        of("late_fee").alias("late_fee"), pl.lit(value=True).alias("has_slip"),
        pl.col("base_fen").drop_nulls().max().alias("slip_base"),
        pl.col("wage_fen").drop_nulls().max().alias("slip_wage"),
        pl.col("payer").drop_nulls().first().alias("slip_payer"),
        pl.col("region").drop_nulls().first().alias("slip_region"), pl.col("group_region").first(),
        pl.col("employer").drop_nulls().first().alias("slip_employer"),
        stated("payer"), stated("region"),
        pl.col("department").drop_nulls().first().alias("slip_department"),
        pl.col("cost_centre").drop_nulls().first().alias("slip_cost_centre"),
    )
    return sums.join(listed(mine, key, ["row_id"], ROWS_NAMED, "slip_rows"), on=key, how="left", nulls_equal=True)


def _line_sums(lines: pl.DataFrame, leg: str) -> pl.DataFrame:
    """What one leg of contribution lines says per person and month."""
    mine = lines.filter(pl.col("leg") == leg)
    regular = pl.col("kind").is_in(["normal", "back_pay", "lump_to_pool"])
    main = ~pl.col("scheme").is_in(SIDE_SCHEMES)
    arrived = pl.col("paid").fill_null(value=False)
    counted = pl.lit(value=True) if leg == "declared" else arrived
    name = "decl" if leg == "declared" else "arr"
    columns = [
        pl.col("own_fen").filter(regular & counted).sum().alias(f"{name}_fen"),
        pl.col("firm_fen").filter(counted).sum().alias(f"{name}_firm"),
        pl.col("own_fen").filter(pl.col("kind") == "top_up").sum().alias(f"{name}_top_up"),
        pl.col("base_fen").filter(main & (pl.col("kind") == "normal")).drop_nulls().max().alias(f"{name}_base"),
        pl.col("wage_fen").drop_nulls().max().alias(f"{name}_wage"),
        pl.lit(value=True).alias(f"has_{name}"),
    ]
    if leg == "declared":
        columns += [
            pl.col("own_fen").filter(pl.col("kind") == "refund").sum().alias("decl_refund"),
            pl.col("own_fen").filter(~main & regular).sum().alias("side_fen"),
            (pl.col("firm_fen").is_null() & main).any().alias("no_firm"),
        ]
    else:
        columns += [
            pl.col("own_fen").filter(regular).sum().alias("arr_due"),
            pl.col("own_fen").filter(pl.col("kind") == "refund").sum().alias("arr_refund"),
            (pl.col("paid") == False).any().alias("unpaid"),  # noqa: E712  null is not false
            pl.col("paid").is_null().any().alias("paid_unknown"), pl.col("deferred").any(),
            pl.col("arrived_on").filter(arrived & (pl.col("kind") == "normal")).max().alias("arrived_on"),
            pl.col("booked").filter(arrived & (pl.col("kind") == "normal")).max().alias("booked"),
            (pl.col("allocated_on").is_not_null() & arrived).any().alias("allocated"),
            pl.col("treasury_on").is_not_null().any().alias("in_treasury"),
            pl.col("late_fee_fen").sum().alias("line_late_fee"),
            pl.col("own_fen").filter(~main & regular).sum().alias("arr_side_fen"),
        ]
    key = ["person_id", "month"]
    return mine.group_by(key).agg(columns).join(
        listed(mine, key, ["row_id"], ROWS_NAMED, f"{name}_rows"), on=key, how="left", nulls_equal=True)


# --------------------------------------------------------------------------------------------------------- coverage


def _skipped(offsets: Sequence[Offset]) -> pl.DataFrame:
    """payer, month: months that a change of offset left without a payslip; the payroll does speak of them."""
    rows = {(one.payer, month) for one in offsets for pay, before, after in one.shifts
            for month in range(pay + before, pay + after)}
    return pl.DataFrame(sorted(rows, key=str), schema={"payer": pl.String, "month": pl.Int32}, orient="row")


def _coverage(rows: pl.DataFrame, legs: Legs, slips: pl.DataFrame, skipped: pl.DataFrame) -> pl.DataFrame:
    """payer, month, covers_payroll, covers_declared, covers_arrived.

    A leg speaks of a payer's month when at least half of the month's people are in it, or when one file of the leg has
    this payer's lines of both earlier and later months; a payer of few people is covered where others are.
    """
    counts = rows.group_by("payer", "month").agg(
        pl.len().alias("people"), pl.col("has_slip").sum().alias("n_payroll"),
        pl.col("has_decl").sum().alias("n_declared"), pl.col("has_arr").sum().alias("n_arrived"))
    homes = rows.select("person_id", "month", "payer")
    placed = {
        "payroll": slips.select("person_id", "file", pl.col("for").alias("month")).unique().join(
            homes, on=["person_id", "month"], how="left"),
        **{leg: legs.lines.filter(pl.col("leg") == leg).select("file", "payer", "month") for leg in LEGS[1:]},
    }
    for leg in LEGS:
        mine = placed[leg].group_by("file", "payer").agg(pl.col("month").min().alias("_from"),
                                                         pl.col("month").max().alias("_to"))
        inside = counts.select("payer", "month").join(mine, on="payer", nulls_equal=True).filter(
            (pl.col("month") > pl.col("_from")) & (pl.col("month") < pl.col("_to"))
        ).select("payer", "month").unique().with_columns(pl.lit(value=True).alias("_inside"))
        busy = counts.group_by("month").agg(
            (pl.col(f"n_{leg}").sum() * 2 >= pl.col("people").sum()).alias("_busy"))
        # A payslip file says nothing of a month nobody in it was paid for.
        spans = pl.lit(value=False) if leg == "payroll" else pl.col("_inside").fill_null(value=False)
        counts = counts.join(inside, on=["payer", "month"], how="left", nulls_equal=True).join(
            busy, on="month", how="left").with_columns(
            (((pl.col(f"n_{leg}") * 2 >= pl.col("people")) & (pl.col(f"n_{leg}") > 0)) | spans
             | ((pl.col("people") < SMALL) & pl.col("_busy"))).alias(f"covers_{leg}")
        ).drop("_inside", "_busy")
    by_shift = skipped.with_columns(pl.lit(value=True).alias("_skipped"))
    counts = counts.join(by_shift, on=["payer", "month"], how="left", nulls_equal=True).with_columns(
        pl.col("covers_payroll") | pl.col("_skipped").fill_null(value=False))
    return counts.select("payer", "month", "people", *(f"covers_{leg}" for leg in LEGS))


def roster_edges(person: pl.DataFrame, enrolment: pl.DataFrame) -> pl.DataFrame:
    """person_id, joined, left (month numbers), joined_day, left_day: as the roster says, else the enrolment's ends."""
    spell = enrolment.group_by("person_id").agg(
        index_of(pl.col("from_month")).min().alias("_from"), index_of(pl.col("to_month")).max().alias("_to"),
        pl.col("to_month").is_null().any().alias("_goes_on"))
    known = person.select(
        "person_id", index_of(pl.col("employed_from")).alias("joined"), index_of(pl.col("employed_to")).alias("left"),
        pl.col("employed_from").dt.day().cast(pl.Int32).alias("joined_day"),
        pl.col("employed_to").dt.day().cast(pl.Int32).alias("left_day"),
    ).unique("person_id", keep="first", maintain_order=True)
    return known.join(spell, on="person_id", how="full", coalesce=True).select(
        "person_id", pl.coalesce("joined", "_from").alias("joined"),
        pl.coalesce("left", pl.when(~pl.col("_goes_on")).then("_to")).alias("left"), "joined_day", "left_day")
