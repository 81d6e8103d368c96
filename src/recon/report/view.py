"""What the reader is shown: the run as one value, and the frames behind each sheet, computed from its tables.

Nothing here decides anything: months, parts, owners and actions come from the result tables, words from
:mod:`recon.labels`. Frames are sorted, so that the same run gives the same workbook byte for byte.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from recon.labels import EVENTS, LABEL_ORDER, STATUSES
from recon.report.words import Words
from recon.tables import TABLES, conform, empty

# Pending, and nobody need look yet: these are counted on the summary, not listed.
WAITING_CAUSES = ("not_yet_due", "annual_schedule")
SCOPE_CAUSE = "no_account_export"
ACCOUNT = ("person_id", "region", "scheme")
_PROVES_NOTHING = ("declared", "billed")
SOURCES_SHOWN = 4
_IS_CREDIT = (pl.col("flow_kind") == "credit") & pl.col("duplicate_of").is_null() & (pl.col("amount_fen") > 0)


@dataclass(frozen=True)
class Since:
    """What an earlier run makes known: the day it spoke of, and what is different now.

    ages: gap_id, first_as_of (text), age_days, event. events: one row per gap that differs, with first_as_of,
    the words of then (``…_was``, amount_was) and of now, event and why (codes; several whys joined by ``;``).
    """

    as_of: str
    ages: pl.DataFrame
    events: pl.DataFrame


@dataclass(frozen=True)
class RunView:
    """One run, ready to be shown. ``tables`` holds any of the canonical tables; absent ones count as empty.

    Of a run too large for memory ``stored`` says where tables lie as Parquet, and ``tables`` holds of these only the
    rows of the people who are shown; :meth:`whole` is everybody.

    ``generated_at`` is text given by the caller (nothing here reads a clock). ``region_names`` and ``policy_refs``
    turn codes and references into words; without them the codes are shown. ``rules_before`` is
    :func:`recon.core.steps.rules_before`. ``decisions`` are gap_id, decision, note, decided_at and as_written (the
    hidden cell); ``since`` is there when a state remembers an earlier run.
    """

    tables: Mapping[str, pl.DataFrame]
    as_of: date
    edition: str = "hr"
    lang: str = "zh"
    folder: str = ""
    version: str = ""
    parameters: Sequence[tuple[str, str]] = ()
    generated_at: str = ""
    full_ids: bool = False
    region_names: Mapping[str, str] = field(default_factory=dict)
    policy_refs: Mapping[str, str] = field(default_factory=dict)
    rules_before: pl.DataFrame | None = None  # what the policy alone says of the time before each record
    decisions: pl.DataFrame | None = None
    since: Since | None = None
    stored: Mapping[str, Path] = field(default_factory=dict)

    def whole(self, name: str) -> pl.LazyFrame:
        """The table ``name`` of all people, with all its columns."""
        if name in self.stored:
            return pl.scan_parquet(self.stored[name], glob=False)
        return self.table(name).lazy()

    def collected(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What :meth:`whole` was asked, in little memory where the tables are stored."""
        return rows.collect(engine="streaming" if self.stored else "auto")

    def table(self, name: str) -> pl.DataFrame:
        """The table ``name`` with all its columns, empty when the run has none."""
        frame = self.tables.get(name)
        if frame is None:
            return empty(name)
        return frame if set(TABLES[name]) <= set(frame.columns) else conform(frame, name)


def people(view: RunView) -> pl.DataFrame:
    """One row per person: number (the list number, from 1), person_id, person_name, employee_no, employer, payer.

    Sorted by employee number (people without one last), name and ID. The roster wins over the other tables.
    """
    parts = [
        view.table(name).select(
            pl.col(column) if column in TABLES[name] else pl.lit(None, dtype=pl.String).alias(column)
            for column in ("person_id", "person_name", "employee_no", "employer", "payer")
        )
        for name in ("person", "month", "contribution", "payroll", "flow", "reading")
    ]
    return (
        pl.concat(parts)
        .filter(pl.col("person_id").is_not_null())
        .group_by("person_id")
        .agg(pl.exclude("person_id").drop_nulls().first())
        .sort("employee_no", "person_name", "person_id", nulls_last=True)
        .with_row_index("number", offset=1)
    )


_DECIDED = ("decision", "note", "decided_at", "as_written")
_AGED: dict[str, pl.DataType] = {"first_as_of": pl.String(), "age_days": pl.Int64(), "event": pl.String()}


def _with_past(view: RunView, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with what was decided on their gaps, and since when these are known; null where nothing is."""
    if view.decisions is not None:
        rows = rows.join(view.decisions.select("gap_id", *_DECIDED), on="gap_id", how="left")
    else:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in _DECIDED)
    if view.since is not None:
        ages = view.since.ages.select("gap_id", *(pl.col(name).cast(kind) for name, kind in _AGED.items()))
        return rows.join(ages, on="gap_id", how="left")
    return rows.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in _AGED.items())


def exceptions(view: RunView, who: pl.DataFrame) -> pl.DataFrame:
    """The parts a person should look at, worst first: open, unknown, and pending ones that are past their time.

    One row per part; due and credited stand on the first row of a month only, so that the columns may be added up.
    ``difference_fen`` is due less credited, or the part's own amount where a month has several rows. People without
    any account export are scope, not exceptions. ``sources`` are the row_ids behind the month.
    """
    parts = view.table("gap").filter(
        pl.col("status").is_in(["open", "unknown"])
        | ((pl.col("status") == "pending") & ~pl.col("cause").fill_null("").is_in(WAITING_CAUSES)),
        pl.col("cause").fill_null("") != SCOPE_CAUSE,
    )
    month = view.table("month").select(
        *ACCOUNT, "accrual_month", "payer", "expected_fen", "credited_fen", "verdict", "confidence", "alternatives",
        pl.col("label").alias("month_label"), pl.col("cause").alias("month_cause"),
        pl.col("employer").alias("month_employer"),
    )
    key = [*ACCOUNT, "accrual_month"]
    short = pl.col("expected_fen") - pl.col("credited_fen")
    certain = pl.col("status").is_in(["open", "pending"]) & (pl.col("amount_fen") != 0)
    on_credit = pl.col("basis") == "credit"
    is_main = (pl.col("label") == pl.col("month_label")) & pl.col("cause").eq_missing(pl.col("month_cause"))
    return (
        _with_past(view, parts)
        .join(month, on=key, how="left", nulls_equal=True)
        .join(who.select("person_id", "person_name", "employee_no", "employer", "number"), on="person_id", how="left")
        .join(_payer_facts(view), on="finding_id", how="left")
        .join(_payroll_facts(view), on=key, how="left", nulls_equal=True)
        .join(_month_facts(view), on=key, how="left", nulls_equal=True)
        .with_columns(
            pl.coalesce(pl.when(pl.col("person_id").is_null()).then("payer_name"), "month_employer", "employer")
            .alias("employer"),
            pl.when(pl.col("person_id").is_null()).then("payer_people").alias("payer_people"),
            pl.when(certain & (pl.col("basis") == "payroll"))
            .then(pl.max_horizontal(pl.col("amount_fen").abs(), pl.col("estimated_fen").abs()))
            .when(certain).then(pl.col("amount_fen").abs())
            .otherwise(pl.coalesce(pl.col("estimated_fen").abs(), pl.when(on_credit).then(short.abs()), pl.lit(0)))
            .alias("stake_fen"),
            (~is_main.fill_null(value=False)).alias("_aside"),
            _rank("status", STATUSES), _rank("label", LABEL_ORDER),
        )
        .sort(*key, "_aside", "label_rank", "gap_id", "cause", nulls_last=True)
        .with_columns(
            pl.len().over([*key, "basis"]).alias("_rows"),
            pl.int_range(pl.len()).over([*key, "basis"]).alias("_place"),
        )
        .with_columns(
            pl.col("expected_fen").alias("due_fen"), pl.col("credited_fen").alias("got_fen"),
            pl.when(on_credit & (pl.col("_place") == 0)).then("expected_fen").alias("expected_fen"),
            pl.when(on_credit & (pl.col("_place") == 0)).then("credited_fen").alias("credited_fen"),
            pl.when(on_credit & (pl.col("_rows") == 1)).then(short)
            .when(pl.col("status") != "unknown").then("amount_fen")
            .alias("difference_fen"),
        )
        .sort(
            "status_rank", "stake_fen", "accrual_month", "number", "region", "scheme", "basis", "_place",
            descending=[False, True, *[False] * 6], nulls_last=True,
        )
        .drop("_aside", "_rows", "_place", "month_label", "month_cause", "month_employer", "number")
    )


def _payer_facts(view: RunView) -> pl.DataFrame:
    """finding_id -> payer_name and payer_people of what hits a whole payer: its gap rows name no person."""
    whole = view.table("gap").filter(pl.col("person_id").is_null()).select("finding_id").drop_nulls().unique()
    named = view.table("payroll_month").drop_nulls(["payer", "branch"]).group_by("payer").agg(
        pl.col("branch").mode().sort().first().alias("payer_name"))
    return view.table("finding").join(whole, on="finding_id", how="semi").select(
        "finding_id", pl.col("people").cast(pl.UInt32).alias("payer_people"), "payer",
    ).join(named, on="payer", how="left").select(
        "finding_id", "payer_people",
        pl.coalesce("payer_name", "payer", pl.lit(Words(view.lang)("all_payers"))).alias("payer_name"))


def _payroll_facts(view: RunView) -> pl.DataFrame:
    """Per account and month what each leg says, for readers of another language."""
    return view.table("payroll_month").select(
        *ACCOUNT, "accrual_month", "deducted_fen", "declared_fen", "arrived_fen")


def groups(rows: pl.DataFrame, status: str) -> pl.DataFrame:
    """``rows`` of one status put together by finding, else by cause and desk; most serious first, accepted ones not.

    Columns: basis, label, cause, verdict, owner, finding_id, employers, employer, months,
    people, parts, stake_fen, estimated (any sum in it is an estimate), row (place of its first row in ``rows``),
    action (of the first part), arrived_on, due_month.
    """
    return (
        rows.with_row_index("row")
        .filter((pl.col("status") == status) & pl.col("decision").ne_missing(pl.lit("accepted")))
        .with_columns(pl.coalesce("finding_id", pl.concat_str(
            "basis", "label", "cause", "owner", separator="|", ignore_nulls=True)).alias("_group"))
        .group_by("_group", maintain_order=True)
        .agg(
            pl.col("basis", "label", "cause", "verdict", "owner", "finding_id").first(),
            pl.col("employer").drop_nulls().unique().len().alias("employers"),
            pl.col("employer").drop_nulls().sort().first(),
            pl.col("accrual_month").drop_nulls().unique().sort().alias("months"),
            (pl.col("person_id").drop_nulls().n_unique() + pl.col("payer_people").sum()).alias("people"),
            pl.len().alias("parts"),
            pl.col("stake_fen").sum(),
            (((pl.col("amount_fen") == 0) | (pl.col("status") == "unknown")) & (pl.col("stake_fen") > 0))
            .any().alias("estimated"),
            pl.col("row").min(),
            pl.col("action").first(), pl.col("arrived_on").max(), pl.col("due_month").max(),
        )
        .sort("stake_fen", "people", "row", descending=[True, True, False])
    )


def counts(view: RunView, status: str) -> pl.DataFrame:
    """The parts of one status by cause: label, cause, owner, people, parts, months, sums, due, action of the first.

    Those that someone acts on first, then the largest. ``due`` is the month in which the latest of them is due.
    ``amount_fen`` adds what is certain; unknown parts may still hold the pooled share and are not added up.
    """
    key = [*ACCOUNT, "accrual_month"]
    due = view.table("expected").group_by(key).agg(pl.col("due_month").max())
    return (
        view.table("gap").filter(pl.col("status") == status)
        .join(due, on=key, how="left", nulls_equal=True)
        .group_by("label", "cause", "owner")
        .agg(
            pl.col("person_id").n_unique().alias("people"),
            pl.struct(key).n_unique().alias("parts"),
            pl.col("amount_fen").sum() if status != "unknown" else pl.lit(None, dtype=pl.Int64).alias("amount_fen"),
            pl.col("estimated_fen").sum(),
            pl.col("accrual_month").drop_nulls().unique().sort().alias("months"),
            pl.col("due_month").max().dt.strftime("%Y-%m").alias("due"), pl.col("action").first(),
        )
        .sort(
            pl.col("owner") == "nobody", "people", "parts", "label", "cause",
            descending=[False, True, True, False, False], nulls_last=True,
        )
    )


def headcount(view: RunView) -> int:
    """How many people the run knows from the roster, contributions and payroll (an account alone makes none)."""
    return _known(view).height


def legs(view: RunView) -> pl.DataFrame:
    """What was looked at: one row per leg, with people, missing, months, first, last, lines and files.

    Legs: payroll, declared (bills and declarations), arrived (proof of payment), flow, and payment and reading where
    there are any. ``missing`` counts known people of whom the leg says nothing; null when the leg is absent.
    """
    contribution, flow = view.table("contribution"), view.table("flow")
    proof = pl.col("proof").fill_null("fund_record")
    frames = [
        ("payroll", view.table("payroll"), "pay_month"),
        ("declared", contribution.filter(proof.is_in(_PROVES_NOTHING)), "accrual_month"),
        ("arrived", contribution.filter(~proof.is_in(_PROVES_NOTHING)), "accrual_month"),
        ("flow", flow, "posted_on"),
    ]
    optional = [("payment", view.table("payment"), "paid_on"), ("reading", view.table("reading"), "read_on")]
    roster = view.table("person")
    retired = roster.filter((pl.col("insured_status") == "retired") | pl.col("retired_from").is_not_null())["person_id"]
    known = _known(view)
    paying = known.filter(~pl.col("person_id").is_in(retired.implode()))  # a retiree pays nothing: none to be missed
    rows = []
    for leg, frame, day in [*frames, *((name, one, when) for name, one, when in optional if one.height)]:
        seen = frame["person_id"].drop_nulls().unique() if "person_id" in frame.columns else None
        meant = known if leg in ("flow", "reading") else paying
        month = frame[day].dt.truncate("1mo")
        rows.append({
            "leg": leg,
            "people": None if seen is None else len(seen),
            "missing": None if seen is None or not frame.height
            else meant.filter(~pl.col("person_id").is_in(seen.implode())).height,
            "months": month.drop_nulls().n_unique(), "first": month.min(), "last": month.max(),
            "lines": frame.height,
            "files": frame.select(_file_of("row_id")).to_series().drop_nulls().n_unique(),
        })
    return pl.DataFrame(rows, schema={
        "leg": pl.String, "people": pl.Int64, "missing": pl.Int64, "months": pl.Int64, "first": pl.Date,
        "last": pl.Date, "lines": pl.Int64, "files": pl.Int64,
    })


def covered(view: RunView) -> tuple[date | None, date | None]:
    """First and last accrual month of the run."""
    month = view.table("month")["accrual_month"]
    first, last = month.min(), month.max()
    return (first if isinstance(first, date) else None, last if isinstance(last, date) else None)


def employers(view: RunView) -> list[str]:
    """The employers of the run, the largest first."""
    return (
        view.table("month").filter(pl.col("employer").is_not_null())
        .group_by("employer").agg(pl.col("person_id").n_unique().alias("people"))
        .sort("people", "employer", descending=[True, False])["employer"].to_list()
    )


@dataclass(frozen=True)
class TieOut:
    """The sums of the run and what they prove; each flag is computed from the tables, never assumed."""

    contributed_fen: int
    on_time_fen: int
    parts: list[tuple[str, int, int]]  # label, fen, months
    rest_fen: int
    months: int
    months_off: int
    short_fen: dict[str, int]  # due less credited by status of the month, where the due is known
    expected_fen: int  # of months whose due is known, as is credited_known_fen
    credited_known_fen: int
    credited_fen: int
    linked_fen: int
    credits_fen: int
    loose_fen: int
    rows_read: int
    rows_counted: int
    changed_fen: int | None  # of the balances; None where no balance is in the run
    bridge_off_fen: int
    unexplained_fen: int

    @property
    def is_identity(self) -> bool:
        """Contributed = credited on time + every part, in total and month by month."""
        return self.rest_fen == 0 and self.months_off == 0


def tie_out(view: RunView, loose: pl.DataFrame) -> TieOut:
    """The run added up; ``loose`` are the credits of :func:`unmatched_credits`."""
    month = view.table("month")
    part = view.table("gap").filter(pl.col("basis") == "credit")
    source = view.table("source")
    by_label = {
        label: (fen, months) for label, fen, months in part.group_by("label").agg(
            pl.col("amount_fen").sum(), pl.struct(*ACCOUNT, "accrual_month").n_unique().alias("months"),
        ).iter_rows()
    }
    key = [*ACCOUNT, "accrual_month"]
    off = (
        month.select(*key, pl.col("contributed_fen").fill_null(0) - pl.col("credited_on_time_fen").fill_null(0))
        .join(part.group_by(key).agg(pl.col("amount_fen").sum().alias("parts_fen")), on=key, how="full",
              coalesce=True, nulls_equal=True)
        .filter(pl.col("contributed_fen").fill_null(0) != pl.col("parts_fen").fill_null(0))
    )
    known = month.filter(pl.col("expected_fen").is_not_null())
    contributed, on_time = _sum(month, "contributed_fen"), _sum(month, "credited_on_time_fen")
    ordered = sorted(by_label, key=lambda label: LABEL_ORDER.index(label) if label in LABEL_ORDER else 99)
    return TieOut(
        contributed_fen=contributed, on_time_fen=on_time,
        parts=[(label, *by_label[label]) for label in ordered],
        rest_fen=contributed - on_time - sum(fen for fen, _ in by_label.values()),
        months=month.height, months_off=off.height,
        short_fen=dict(known.group_by("status").agg(pl.col("expected_fen").sum() - pl.col("credited_fen").sum())
                       .iter_rows()),
        expected_fen=_sum(known, "expected_fen"), credited_known_fen=_sum(known, "credited_fen"),
        credited_fen=_sum(month, "credited_fen"),
        linked_fen=_sum(view.table("match"), "amount_fen"),
        credits_fen=_sum(credits_of(view), "amount_fen"), loose_fen=_sum(loose, "rest_fen"),
        rows_read=_sum(source, "rows_read"),
        rows_counted=sum(_sum(source, column) for column in ("rows_used", "rows_rejected", "rows_skipped")),
        **_bridged(view),
    )


def _bridged(view: RunView) -> dict[str, Any]:
    """The change of the balances, what the bridge leaves over of it (nothing), and what moved without a line."""
    bridge = view.table("bridge")
    change = bridge.filter(pl.col("part") == "change")
    known = bridge.join(change.select(ACCOUNT), on=list(ACCOUNT), how="semi", nulls_equal=True)
    parts = known.filter(pl.col("side") != "total")
    return {
        "changed_fen": _sum(change, "amount_fen") if change.height else None,
        "bridge_off_fen": _sum(change, "amount_fen") - _sum(parts, "amount_fen"),
        "unexplained_fen": _sum(bridge.filter(pl.col("part") == "unexplained"), "amount_fen"),
    }


_ARRIVAL_LABELS = ("declared_not_paid", "deferred", "unit_not_fully_paid")
_DEDUCTION_LABELS = (
    "deducted_not_declared", "declared_not_deducted", "amount_differs", "joiner_leaver_edge", "double_enrolment",
    "top_up_not_recovered", "late_fee_deducted", "refund_due",
)


def payroll_ties(view: RunView) -> list[tuple[str, int, int]]:
    """(text, difference of two legs, what its parts leave of it: 0) for the legs that were compared."""
    month = view.table("payroll_month")
    gap = view.table("gap").filter(pl.col("basis") == "payroll")
    looked = month.filter(pl.col("is_compared"))
    ties = []
    if looked.height:
        deducted = _sum(looked, "deducted_fen") - _sum(looked, "declared_fen")
        ties.append(("tie_deducted", deducted, deducted - _sum(
            gap.filter(pl.col("label").is_in(_DEDUCTION_LABELS)), "amount_fen")))
    if month["short_fen"].drop_nulls().len():
        short = _sum(month, "short_fen")
        whole = pl.col("label") == "unit_not_fully_paid"  # its own amount is the unit's, its people's stands beside it
        parts = gap.filter(pl.col("label").is_in(_ARRIVAL_LABELS)).select(
            pl.when(whole).then(pl.col("estimated_fen").fill_null(0)).otherwise("amount_fen").sum()).item()
        ties.append(("tie_arrived", short, short - int(parts or 0)))
    return ties


def grid(view: RunView, who: pl.DataFrame) -> tuple[pl.DataFrame, list[date]]:
    """One row per account, one column per month (named by its ISO date) holding its state; and the months.

    A state is a verdict, or ``received_late`` (credited after its time) or ``refund`` (credited, and paid twice);
    ``?`` after it says that which month it is cannot be told. Ahead stand number, employee_no, person_name, employer
    and the account; behind open_months, expected_fen, credited_fen, difference_fen (of months with a known due).
    """
    state = (
        pl.when((pl.col("verdict") == "received") & (pl.col("label") == "delay")).then(pl.lit("received_late"))
        .when((pl.col("verdict") == "received") & (pl.col("label") == "refund_due")).then(pl.lit("refund"))
        .otherwise("verdict")
    )
    doubt = (
        pl.when((pl.col("confidence") == "undecided") & (pl.col("verdict") != "received")).then(pl.lit("?"))
        .otherwise(pl.lit(""))
    )
    month = view.table("month")
    months = month["accrual_month"].drop_nulls().unique().sort().to_list()
    known = pl.when(pl.col("expected_fen").is_not_null())
    totals = month.group_by(ACCOUNT).agg(
        (pl.col("status") == "open").sum().alias("open_months"),
        pl.col("expected_fen").sum(), known.then("credited_fen").sum().alias("credited_fen"),
        pl.col("employer").drop_nulls().last(),
    ).with_columns((pl.col("expected_fen") - pl.col("credited_fen")).alias("difference_fen"))
    cells = month.select(*ACCOUNT, pl.col("accrual_month").cast(pl.String), (state + doubt).alias("state"))
    wide = cells.pivot(
        on="accrual_month", index=list(ACCOUNT), values="state", aggregate_function="first",
        on_columns=[one.isoformat() for one in months],
    )
    rows = (
        wide.join(totals, on=ACCOUNT, how="left", nulls_equal=True)
        .join(who.select("number", "person_id", "employee_no", "person_name"), on="person_id", how="left")
        .sort("number", "region", "scheme")
    )
    return rows, months


def since_events(view: RunView) -> pl.DataFrame:
    """What differs from the last run, the news first, then by amount and month."""
    assert view.since is not None
    return view.since.events.with_columns(_rank("event", tuple(EVENTS))).sort(
        "event_rank", pl.coalesce("amount_fen", "amount_was").abs(), "accrual_month", "gap_id",
        descending=[False, True, False, False], nulls_last=True,
    )


def since_counts(view: RunView) -> dict[str, int]:
    """How many gaps are new, reopened, opened, worse, changed, resolved and gone since the last run."""
    return event_counts(view.since.events) if view.since is not None else {}


def event_counts(events: pl.DataFrame) -> dict[str, int]:
    """How many events there are of each kind, in the order in which they are told."""
    found = dict(events["event"].value_counts().iter_rows())
    return {event: int(found.get(event, 0)) for event in EVENTS}


def links(view: RunView, who: pl.DataFrame) -> pl.DataFrame:
    """The links with the person's name and number, by person and month."""
    return (
        view.table("match")
        .join(who.select("number", "person_id", "employee_no", "person_name"), on="person_id", how="left")
        .sort("number", "region", "scheme", "accrual_month", "posted_on", "flow_row_id", nulls_last=True)
    )


def unmatched_due(view: RunView, who: pl.DataFrame) -> pl.DataFrame:
    """Lines that should have put something into an account and have no link, each with its month's cause.

    People without an account export are left out: nothing can be linked for them.
    """
    key = [*ACCOUNT, "accrual_month"]
    match = view.table("match")
    month = view.table("month").select(*key, "label", "cause", "status", "verdict")
    linked_line = match.select(pl.col("contribution_row_id").alias("row_id")).drop_nulls().unique()
    linked_month = match.select(key).unique()
    due = view.table("expected").filter(pl.col("expected_fen").fill_null(1) != 0)
    lone = pl.concat([
        due.filter(pl.col("row_id").is_not_null()).join(linked_line, on="row_id", how="anti"),
        due.filter(pl.col("row_id").is_null()).join(linked_month, on=key, how="anti", nulls_equal=True),
    ])
    return (
        lone.join(month, on=key, how="left", nulls_equal=True)
        .filter((pl.col("cause").fill_null("") != SCOPE_CAUSE) & (pl.col("label").fill_null("") != "no_account"))
        .join(who.select("number", "person_id", "employee_no", "person_name"), on="person_id", how="left")
        .sort("number", "region", "scheme", "accrual_month", "row_id", nulls_last=True)
    )


def unmatched_credits(view: RunView, who: pl.DataFrame) -> pl.DataFrame:
    """Credits that are in no link, wholly or in part: ``rest_fen`` of each, and ``why``.

    why: reversed (cancelled by a later reversal), no_contributions (no line of that person at all), before, after
    (outside the person's contribution lines), else no_place.
    """
    used = view.table("match").group_by("flow_row_id").agg(pl.col("amount_fen").sum().alias("used_fen"))
    lone = (
        credits_of(view).join(used, left_on="row_id", right_on="flow_row_id", how="left")
        .with_columns((pl.col("amount_fen") - pl.col("used_fen").fill_null(0)).alias("rest_fen"))
        .filter(pl.col("rest_fen") != 0)
    )
    spans = view.table("month").filter(pl.col("contributed_fen").fill_null(0) != 0).group_by("person_id").agg(
        pl.col("accrual_month").min().alias("first"), pl.col("accrual_month").max().alias("last"),
    )
    posted = pl.col("posted_on").dt.truncate("1mo")
    why = (
        pl.when(pl.col("row_id").is_in(_reversed(view, lone))).then(pl.lit("reversed"))
        .when(pl.col("first").is_null()).then(pl.lit("no_contributions"))
        .when(posted <= pl.col("first")).then(pl.lit("before"))
        .when(posted > pl.col("last").dt.offset_by("1mo")).then(pl.lit("after"))
        .otherwise(pl.lit("no_place"))
    )
    return (
        lone.join(spans, on="person_id", how="left").with_columns(why.alias("why"))
        .join(who.select("number", "person_id", "employee_no", "person_name"), on="person_id", how="left")
        .sort("number", "posted_on", "row_id", nulls_last=True)
    )


def only_credited(view: RunView) -> pl.DataFrame:
    """People with an account's credits and no month to look at, as no contribution says what was due.

    Columns: person_id, credits (how many), credit_fen (their sum).
    """
    lone = view.whole("flow").filter(_IS_CREDIT).select("person_id", "amount_fen").join(
        view.whole("month").select("person_id"), on="person_id", how="anti"
    ).group_by("person_id").agg(pl.len().alias("credits"), pl.col("amount_fen").sum().alias("credit_fen"))
    return view.collected(lone).sort("person_id")


def problems(view: RunView) -> pl.DataFrame:
    """The data problems, errors first, then by file and place."""
    return (
        view.table("problem").with_columns(_rank("severity", ("error", "warning", "info")))
        .sort("severity_rank", "file", "code", "place", nulls_last=True)
    )


def split_evidence(text: str | None) -> tuple[str, list[str]]:
    """The sentence of an ``evidence``, and the row_ids it names (``sentence [row; row]``, as the core writes it)."""
    head, bracket, rest = (text or "").partition(" [")
    rows, closing, tail = rest.rpartition("]")
    if not (bracket and closing):
        return text or "", []
    return head + tail, [row for row in rows.split("; ") if row]


def file_of(place: str, files: Collection[str]) -> str:
    """The file of a row_id (``file#place``): the longest of ``files`` that it begins with, for names may hold a #.

    What stands before the first # where none of them fits.
    """
    marks = [at for at, char in enumerate(place) if char == "#"]
    return next((place[:at] for at in reversed(marks) if place[:at] in files), place.partition("#")[0])


def _known(view: RunView) -> pl.DataFrame:
    ids = [view.table(name).select("person_id") for name in ("person", "month", "contribution", "payroll")]
    return pl.concat(ids).drop_nulls().unique()


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0)


def _rank(column: str, order: Sequence[str]) -> pl.Expr:
    """Place of a value in ``order``, others last, as ``<column>_rank``."""
    places = {value: place for place, value in enumerate(order)}
    return pl.col(column).replace_strict(places, default=len(order), return_dtype=pl.Int32).alias(f"{column}_rank")


def _file_of(column: str) -> pl.Expr:
    return pl.col(column).str.extract(r"^(.*)#[^#]*$")


def credits_of(view: RunView) -> pl.DataFrame:
    """The account's credits, each line once."""
    return view.table("flow").filter(_IS_CREDIT)


def _reversed(view: RunView, lone: pl.DataFrame) -> list[str]:
    """Rows of ``lone`` that a later reversal of the opposite amount cancels: the latest earlier one each (DESIGN 6)."""
    back = view.table("flow").filter(
        pl.col("duplicate_of").is_null(), pl.col("amount_fen") < 0, pl.col("flow_kind").is_in(["reversal", "credit"]),
    ).sort("posted_on", "row_id")
    free: dict[tuple[str, int], list[tuple[date, str]]] = {}
    dated = lone.filter(pl.col("posted_on").is_not_null()).sort("posted_on", "row_id")
    for person, fen, day, row in dated.select("person_id", "amount_fen", "posted_on", "row_id").iter_rows():
        free.setdefault((person, fen), []).append((day, row))
    cancelled: list[str] = []
    for person, fen, day in back.select("person_id", "amount_fen", "posted_on").drop_nulls().iter_rows():
        waiting = free.get((person, -fen), [])
        earlier = [one for one in waiting if one[0] <= day]
        if earlier:
            waiting.remove(earlier[-1])
            cancelled.append(earlier[-1][1])
    return cancelled


def _month_facts(view: RunView) -> pl.DataFrame:
    """Per account and month: ``sources`` (the first row_ids behind it), how many, arrived_on and due_month."""
    key = [*ACCOUNT, "accrual_month"]
    contribution = view.table("contribution")
    paid = contribution.select("row_id", pl.coalesce("paid_on", "booked_month").alias("arrived_on"))
    lines = view.table("expected").join(paid, on="row_id", how="left").select(
        *key, "row_id", pl.lit(0).alias("side"), "arrived_on", "due_month")
    nothing = pl.lit(None, dtype=pl.Date)
    stray = (  # lines that put nothing into an account have no row in ``expected``
        contribution.select("person_id", "accrual_month", "row_id")
        .join(lines.select("row_id"), on="row_id", how="anti")
        .join(view.table("month").select(key), on=["person_id", "accrual_month"], how="inner")
        .select(*key, "row_id", pl.lit(0).alias("side"), nothing.alias("arrived_on"), nothing.alias("due_month"))
    )
    credit = view.table("match").select(
        *key, pl.col("flow_row_id").alias("row_id"), pl.lit(1).alias("side"), nothing.alias("arrived_on"),
        nothing.alias("due_month"),
    )
    named = pl.col("row_id").drop_nulls()
    return (
        pl.concat([lines, stray, credit]).unique()
        .sort(*key, "side", "row_id")
        .group_by(key, maintain_order=True)
        .agg(named.head(SOURCES_SHOWN).alias("sources"), named.len().alias("sources_all"),
             pl.col("arrived_on").max(), pl.col("due_month").max())
    )
