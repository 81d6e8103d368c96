"""The legs as plain frames: payslip items, declared lines, lines of arrival and bank debits, in one spelling.

In: canonical input tables. Out: :class:`Legs`. Months are numbers. Schemes are never mixed: everything here is the
employee scheme 310 with what is collected beside it (330 and the like, DESIGN section 7); 390 stands apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recon.core.months import index_of
from recon.core.overlap import BILL_PROOFS, export_of, file_of
from recon.core.payroll_settings import PayrollSettings
from recon.problems import Problem
from recon.tables import PAYROLL_ITEMS, SCHEME_ACCOUNT, SIDE_SCHEMES

RESIDENT_SCHEME = "390"
_TAX_ID = r"^(?:[0-9A-Z]{18}|\d{15})$"  # 统一社会信用代码, or the older 15 digits
# What a payslip item is by a part of its name, the first that fits; a payslip's own words, not a region's.
_ITEM_PARTS = (
    ("养老|失业|工伤|公积金|年金|个税|所得税", "other"), ("滞纳|利息", "late_fee"), ("补差|补扣|补缴", "top_up"),
    ("退", "refund"), ("大额|大病|互助|定额", "flat"),
)
_LATE_FEE = "滞纳金|利息"
# A debit of all insurances together: it may be the medical insurance alone, but a difference proves nothing.
_ALL_INSURANCES, _MEDICAL = "社保|社会保险", "医"


@dataclass(frozen=True)
class Legs:
    """slips: one payslip item (person_id, payer, employer, region, pay, for, kind, fen, base_fen, wage_fen, row_id,
    file, department, cost_centre, stated_payer, stated_region); for is null where the payslip does not say it.

    lines: one contribution line (person_id, region, payer, employer, scheme, month, kind, own_fen, firm_fen, base_fen,
    wage_fen, late_fee_fen, paid, arrived_on, treasury_on, allocated_on, leg: declared | arrived, deferred, row_id,
    bill: the month it is collected with).
    debits: payer, paid_on, fen, month, is_late_fee, is_mixed (of all insurances together), row_id.
    residents: person_id, month, row_id.
    known: number or name of a payer -> its key (:func:`payer_names`).
    """

    slips: pl.DataFrame
    lines: pl.DataFrame
    debits: pl.DataFrame
    residents: pl.DataFrame
    problems: list[Problem]
    known: Mapping[str, str]


def build_legs(tables: Mapping[str, pl.DataFrame], settings: PayrollSettings) -> Legs:
    """The legs of conformed input tables (see :class:`Legs`); legs that the settings leave out are empty."""
    contribution, payroll, payment = tables["contribution"], tables["payroll"], tables["payment"]
    known = payer_names(contribution, tables["person"], payroll, settings)
    lines, twice = _lines(contribution, known)
    slips, again = _slips(payroll, known)
    debits = _debits(payment, known)
    for leg in ("declared", "arrived"):
        if leg not in settings.legs:
            lines = lines.filter(pl.col("leg") != leg)
    return Legs(
        slips if "payroll" in settings.legs else slips.clear(), lines,
        debits if "bank" in settings.legs else debits.clear(), _residents(contribution), [*twice, *again], known,
    )


def payer_names(
    contribution: pl.DataFrame, person: pl.DataFrame, payroll: pl.DataFrame, settings: PayrollSettings
) -> dict[str, str]:
    """Number or name of a payer -> its key: the number of the settings, else what the exports put beside the name.

    A name that stands beside several numbers names none of them. A firm has a tax id and a unit number of the insurer:
    payslips give one and records the other, and the name beside both says that they are one payer.
    """
    names: dict[str, str] = {}
    beside = pl.concat([one.select("employer", "payer") for one in (contribution, person)]).drop_nulls().unique()
    for employer, numbers in beside.group_by("employer").agg(pl.col("payer").unique().sort()).sort("employer").rows():
        if len(numbers) == 1:
            names[employer] = numbers[0]
    for number, payer in sorted(settings.payers.items()):
        for name in (number, payer.name, *payer.aliases):
            names[name] = number
    employers: dict[str, list[str]] = {}
    for number, payer in settings.payers.items():
        if payer.employer and not payer.is_agency:
            employers.setdefault(payer.employer, []).append(number)
    names |= {employer: numbers[0] for employer, numbers in employers.items() if len(numbers) == 1}
    for name, number in _by_payslips(payroll, beside):
        names.setdefault(name, number)
    # A name may lead to a number that the settings know by another.
    return {name: names.get(number, number) for name, number in names.items()}


def _by_payslips(payroll: pl.DataFrame, beside: pl.DataFrame) -> list[tuple[str, str]]:
    """What payslips add to ``beside``, where one name stands beside one number of theirs.

    The number of the payslips -> that of the record, where only one of the two is a tax id; the name -> the number of
    the payslips, where the record knows the name alone.
    """
    def only(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
        return pairs.group_by("employer").agg(pl.col("payer").unique().alias(name)).filter(
            pl.col(name).list.len() == 1).with_columns(pl.col(name).list.first())

    slips = only(payroll.select("employer", "payer").drop_nulls().unique(), "slip").filter(
        ~pl.col("slip").is_in(beside["payer"].implode())).unique("slip", keep="none").sort("slip")
    numbers = slips.join(only(beside, "record"), on="employer", maintain_order="left").filter(
        (form_of("slip") == "tax_id") != (form_of("record") == "tax_id"))
    names = slips.join(beside, on="employer", how="anti", maintain_order="left")
    return [*numbers.select("slip", "record").rows(), *names.select("employer", "slip").rows()]


def form_of(column: str) -> pl.Expr:
    """tax_id, number (any other, such as the insurer's unit number) or name: what a payer's key is."""
    key = pl.col(column)
    return pl.when(key.str.contains(_TAX_ID)).then(pl.lit("tax_id")).when(
        key.str.contains(r"^[0-9A-Za-z-]+$")).then(pl.lit("number")).otherwise(pl.lit("name"))


def key_of(column: str, known: Mapping[str, str]) -> pl.Expr:
    """The payer's key of a column of numbers or names; a text nobody knows stands for itself."""
    return pl.col(column).replace(dict(known)) if known else pl.col(column)


# -------------------------------------------------------------------------------------------------- contributions


def _lines(contribution: pl.DataFrame, known: Mapping[str, str]) -> tuple[pl.DataFrame, list[Problem]]:
    """Lines of scheme 310 and beside it, each once within its leg."""
    is_bill = pl.col("proof").fill_null("fund_record").is_in(BILL_PROOFS)
    ours = contribution.filter(
        pl.col("scheme").fill_null(SCHEME_ACCOUNT).is_in([SCHEME_ACCOUNT, *SIDE_SCHEMES])
        & pl.col("accrual_month").is_not_null()
    )
    sign = pl.when(pl.col("payment_kind") == "refund").then(-1).otherwise(1)

    def money(name: str) -> pl.Expr:
        own = pl.col(name)
        return pl.when(sign < 0).then(-own.abs()).otherwise(own)

    lines = ours.select(
        "person_id", "region", pl.coalesce(key_of("payer", known), key_of("employer", known)).alias("payer"),
        "employer", pl.col("scheme").fill_null(SCHEME_ACCOUNT), index_of(pl.col("accrual_month")).alias("month"),
        pl.col("payment_kind").fill_null("normal").alias("kind"),
        money("employee_fen").fill_null(0).alias("own_fen"), money("employer_fen").alias("firm_fen"),
        "base_fen", "wage_fen", pl.col("late_fee_fen").fill_null(0),
        pl.when(pl.col("deferred").fill_null(value=False) & ~is_bill).then(pl.col("paid").fill_null(value=False))
        .otherwise("paid").alias("paid"),
        pl.coalesce("paid_on", pl.col("treasury_on")).alias("arrived_on"), "paid_on", "treasury_on", "allocated_on",
        pl.when(is_bill).then(pl.lit("declared")).otherwise(pl.lit("arrived")).alias("leg"),
        pl.col("deferred").fill_null(value=False), "row_id", "duplicate_of", export_of().alias("file"),
        index_of(pl.col("booked_month")).alias("booked"),
    )
    # A record that repeats another record is one payment; a bill beside a record is the other leg, not a repetition.
    lines = lines.filter((pl.col("leg") == "declared") | pl.col("duplicate_of").is_null()).drop("duplicate_of")
    key = ["person_id", "region", "payer", "scheme", "month", "kind"]
    bills, problems = _without_repeated_files(lines.filter(pl.col("leg") == "declared"), key, "month", "own_fen")
    return _billed(pl.concat([bills, lines.filter(pl.col("leg") == "arrived")])), problems


def _billed(lines: pl.DataFrame) -> pl.DataFrame:
    """``bill``: the month with whose normal lines a line is collected. A correction is collected later than its month:
    in the month it is booked in, with the normal lines that arrived on the same day, or with those of its file.
    """
    normal = lines.filter(pl.col("kind") == "normal")
    day = normal.drop_nulls("arrived_on").group_by("payer", "leg", "arrived_on").agg(
        pl.col("month").mode().sort().last().alias("_same_day"))
    file = normal.group_by("payer", "leg", "file").agg(
        pl.when(pl.col("month").n_unique() == 1).then(pl.col("month").first()).alias("_file_month"))
    return lines.join(day, on=["payer", "leg", "arrived_on"], how="left", nulls_equal=True).join(
        file, on=["payer", "leg", "file"], how="left", nulls_equal=True).with_columns(
        pl.when(pl.col("kind") == "normal").then("month").otherwise(
            pl.coalesce("booked", "_same_day", "_file_month", "month")).alias("bill")
    ).drop("_same_day", "_file_month")


def _residents(contribution: pl.DataFrame) -> pl.DataFrame:
    """Months in which someone is insured as a resident 390, as far as a record says so."""
    return contribution.filter(
        (pl.col("scheme") == RESIDENT_SCHEME) & pl.col("duplicate_of").is_null() & pl.col("paid").fill_null(value=False)
    ).select("person_id", index_of(pl.col("accrual_month")).alias("month"), "row_id").unique(
        ["person_id", "month"], keep="first", maintain_order=True)


# -------------------------------------------------------------------------------------------------------- payslips


def _slips(payroll: pl.DataFrame, known: Mapping[str, str]) -> tuple[pl.DataFrame, list[Problem]]:
    kind = _kinds(payroll["item"].unique().to_list())
    fen = pl.col("deducted_fen").fill_null(0)
    named = payroll.with_columns(pl.col("item").replace_strict(
        kind, default="medical", return_dtype=pl.String).fill_null("medical").alias("kind"))
    rows = named.filter(pl.col("kind") != "other").select(
        "person_id", pl.coalesce(key_of("payer", known), key_of("employer", known)).alias("payer"), "employer",
        "region", index_of(pl.col("pay_month")).alias("pay"), index_of(pl.col("for_month")).alias("for"), "kind",
        pl.when(pl.col("kind") == "refund").then(-fen.abs()).otherwise(fen).alias("fen"),
        "base_fen", "wage_fen", "row_id", export_of().alias("file"), "department", "cost_centre",
    ).with_columns(
        # A payslip that says only what it deducts for was paid in that month, as far as anybody can tell.
        pl.coalesce("pay", "for").alias("pay"), pl.col("payer").alias("stated_payer"),
        pl.col("region").alias("stated_region"),
    ).filter(pl.col("person_id").is_not_null())
    return _without_repeated_files(rows, ["person_id", "pay", "for", "kind"], "pay", "fen")


def _kinds(items: list[str | None]) -> dict[str, str]:
    """Item of a payslip -> one of PAYROLL_ITEMS."""
    found = {}
    for item in items:
        if item is None:
            continue
        parts = next((kind for part, kind in _ITEM_PARTS if re.search(part, item)), "medical")
        found[item] = item if item in PAYROLL_ITEMS else parts
    return found


# ----------------------------------------------------------------------------------------------------------- bank


def _debits(payment: pl.DataFrame, known: Mapping[str, str]) -> pl.DataFrame:
    """Debits as positive sums, late fees and interest apart where the memo says so."""
    amount = pl.col("amount_fen")
    # A bank statement prints debits with a minus or without; a file that prints them all negative means debits.
    flipped = (amount > 0).sum().over(file_of()) == 0
    return payment.filter(amount.is_not_null() & pl.col("paid_on").is_not_null()).select(
        key_of("payer", known).alias("payer"), "paid_on", pl.when(flipped).then(-amount).otherwise(amount).alias("fen"),
        index_of(pl.col("for_month")).alias("month"),
        pl.col("memo").fill_null("").str.contains(_LATE_FEE).alias("is_late_fee"),
        (pl.col("memo").fill_null("").str.contains(_ALL_INSURANCES)
         & ~pl.col("memo").fill_null("").str.contains(_MEDICAL)).alias("is_mixed"), "row_id",
    ).unique(maintain_order=True)


# --------------------------------------------------------------------------------------------- one month, two files


def _without_repeated_files(
    rows: pl.DataFrame, key: list[str], month: str, amount: str
) -> tuple[pl.DataFrame, list[Problem]]:
    """Of two files of one month and the same people the fuller one; a problem names both.

    Two files belong to one month when most of the larger one's people stand in both; a smaller run beside the main one
    (补发) is added, unless it only repeats it.
    """
    if rows.is_empty() or rows["file"].n_unique() < 2:
        return rows, []
    size = rows.group_by(month, "file").agg(pl.col("person_id").n_unique().alias("people"), pl.len().alias("rows"))
    if size.group_by(month).len().filter(pl.col("len") > 1).is_empty():
        return rows, []
    # One party per file (个人, 单位) is no repetition: only sums of the same party are compared.
    sums = rows.group_by([*key, "file"]).agg(pl.col(amount).sum()).filter(pl.col(amount) != 0)
    pairs = sums.join(sums, on=key, nulls_equal=True, suffix="_b").filter(pl.col("file") < pl.col("file_b")).group_by(
        month, "file", "file_b").agg(
        pl.col("person_id").n_unique().alias("common"), (pl.col(amount) == pl.col(f"{amount}_b")).all().alias("same"))
    judged = pairs.join(size, on=[month, "file"]).join(
        size, left_on=[month, "file_b"], right_on=[month, "file"], suffix="_b")
    larger = pl.max_horizontal("people", "people_b")
    smaller = pl.min_horizontal("people", "people_b")
    repeated = judged.filter(
        ((pl.col("common") * 2 >= larger) & (larger > 1)) | (pl.col("same") & (pl.col("common") == smaller))
    ).sort(month, "file", "file_b")
    dropped: list[tuple[int, str]] = []
    problems: list[Problem] = []
    for row in repeated.iter_rows(named=True):
        if (row[month], row["file"]) in dropped or (row[month], row["file_b"]) in dropped:
            continue
        keeps_first = row["rows"] >= row["rows_b"]
        kept, left = (row["file"], row["file_b"]) if keeps_first else (row["file_b"], row["file"])
        dropped.append((row[month], left))
        number = row[month]
        file, _, sheet = left.partition("#")
        told = f"{number // 12}-{number % 12 + 1:02d}; {kept}"
        problems.append(Problem("month-twice", file, sheet or None, None, told))
    if not dropped:
        return rows, problems
    gone = pl.DataFrame(dropped, schema={month: rows.schema[month], "file": pl.String}, orient="row")
    return rows.join(gone, on=[month, "file"], how="anti"), problems
