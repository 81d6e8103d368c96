"""The first pass over all input: coverage, usual lags and cohorts. Its result is an input of the core.

Whatever one person's answer needs to know of other people or of whole files stands in :class:`Context`, so that for a
fixed context adding a person, sharding by person, or adding spend changes nobody's answer. The people are asked in one
part or in many (:mod:`recon.core.survey`); :func:`gather` adds up what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from recon.core import cohorts, shifts
from recon.core.infer import SCHEMA as INFERRED_RULES
from recon.core.infer import rules_from
from recon.core.lags import carried_of, lags_of
from recon.core.payroll.deducted import deducted_months, no_deductions
from recon.core.payroll_settings import PayrollSettings
from recon.core.survey import Known, Part, Seen, Told, Voted
from recon.inside import inside_polars
from recon.policy import Policy
from recon.problems import Problem

# "Nearly all colleagues have theirs": share and number of people that make a wait overdue.
OVERDUE_PERCENT = 90
OVERDUE_PEOPLE = 10

# A round put to every part of the people, by the name of :class:`recon.core.survey.Part`'s method: what all of them
# answer together (:func:`recon.core.survey.together`).
Ask = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """What the core must know beyond one person.

    cover: person_id, region, from, to (days), open_end (the end is known from lines only): what each account's
        exports cover, merged.
    paid_cover: person_id, region, payer (null: any), from, to (months): what the contribution files with somebody's
        lines speak of. payer_cover: payer, region, from, to: the same of files of several people.
    lag: region, scheme, payer, learned: usual lag learned from a cohort, all of a region (payer null) or one payer's
        people. own_lag: the same per account. steady (region, scheme, payer, steady_lag): the lag that most records of
        a cohort share, so that one person's lag hardly changes alone.
    shift: region, scheme, payer, arrival, shift, lasts, lasting: months by which a whole region's credits (payer null),
        or those of one payer's people, came later (or earlier) than the usual lag at some arrival; nobody's own doing.
        lasts: from there to the end. lasting: the shift that what is due counts with there.
    cohort: payer, region, scheme, month, people, credited, have: how many of a payer's people have a month's credit in
        its usual place, and how many have it at all.
    silent: payer, region, scheme, month: months for which nobody of a payer has a line, though many have one before
        and after: a file that is not there, or a month that was not declared.
    unpaid: payer, region, scheme, month, people, unpaid: how many of them have a record that says unpaid.
    deduction: region, payer, accrual, season, rest_fen, fixed: a shortfall that many people of a region (payer null) or
        of a payer share in one calendar month, that of the credit or the accrual month; fixed: of whatever credit.
    inferred: rules that the data themselves show (:func:`recon.core.infer.infer_rules`).
    elsewhere: person_id, region, due, expected_fen, other_rows: credits of the same name under another number.
    hole: days between which the running balance proves that covered lines are missing (:mod:`recon.core.holes`).
    nobodys: region, scheme, payer, month: in which nearly none of a payer's people got anything.
    problems: what the balances of the exports show to be wrong with them.
    deducted: person_id, region, payer, employer, month, neighbours: months with a payslip deduction; a person without a
        region is where the payer's others are.
    posting_prints: files whose printed accrual months are those of posting throughout.
    """

    as_of: date
    tolerance: int | None
    cover: pl.DataFrame
    paid_cover: pl.DataFrame
    payer_cover: pl.DataFrame
    lag: pl.DataFrame
    steady: pl.DataFrame
    own_lag: pl.DataFrame
    shift: pl.DataFrame
    cohort: pl.DataFrame
    silent: pl.DataFrame
    unpaid: pl.DataFrame
    deduction: pl.DataFrame
    elsewhere: pl.DataFrame
    hole: pl.DataFrame
    nobodys: pl.DataFrame
    inferred: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INFERRED_RULES))
    problems: tuple[Problem, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    deducted: pl.DataFrame = field(default_factory=no_deductions)
    posting_prints: tuple[str, ...] = field(default=())


@inside_polars
def build_context(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, *, tolerance: int | None = None,
    payroll: PayrollSettings | None = None, part: Part | None = None,
) -> Context:
    """The first pass (see :class:`Context`); ``tolerance`` in months overrides every region's.

    part: ``Part(tables, policy)`` of a caller who gives it to :func:`recon.core.reconcile.reconcile` afterwards.
    """
    part = part or Part(tables, policy)
    return gather(lambda name, *arguments: getattr(part, name)(*arguments), policy, as_of, tolerance=tolerance,
                  deducted=deducted_months(part.prepared.tables, payroll))


def gather(
    ask: Ask, policy: Policy, as_of: date, *, tolerance: int | None = None, deducted: pl.DataFrame
) -> Context:
    """The context of all people, whom ``ask`` asks in parts; ``deducted``: their months with a payslip deduction.

    These are told of all people at once (:func:`recon.core.payroll.deducted.deducted_months`): by whose names payers
    appear, everybody's rows say.
    """
    seen: Seen = ask("seen")
    inferred = rules_from(seen.asked, policy)
    strangers = cohorts.with_meant(seen.strangers)
    voted: Voted = ask("voted", inferred, strangers, seen.flow_files, as_of)
    lag, steady, notes = lags_of(voted.votes, policy)
    known = Known(seen.flow_files, seen.contribution_files,
                  cohorts.same_people(strangers, voted.namesakes), lag, steady, carried_of(voted.votes))
    told: Told = ask("told", known)
    course = shifts.courses(told.shares, lag, policy)
    shift, changes = shifts.believed(course, ask("fitting", course, known.flow_files) if course.height else None)
    own = shifts.payer_courses(told.shares, lag, shift, policy)
    if own.height:
        mine, lag, turns = shifts.payers_own(own, ask("payers_fitting", own, known.flow_files), lag)
        shift, changes = pl.concat([shift, mine]), changes + turns
        # One late run leaves the lag that all share as it is.
        steady = steady.join(mine.filter(pl.col("lasting") != 0), on=["region", "scheme", "payer"], how="anti")
    return Context(
        as_of=as_of, tolerance=tolerance, **told.own, problems=tuple(told.problems), payer_cover=told.payer_cover,
        lag=lag, steady=steady, shift=shift, cohort=told.credited_people,
        silent=cohorts.silent_months(told.payer_months), unpaid=cohorts.unpaid_people(told.payer_months),
        elsewhere=cohorts.elsewhere(told.waiting, told.strange),
        nobodys=shifts.nobodys(told.shares, lag, policy),
        deduction=cohorts.common_deductions(told.credited, told.lacking), inferred=inferred,
        notes=tuple(notes + changes), deducted=_placed(deducted, seen.payer_regions),
        posting_prints=cohorts.posting_prints(seen.printed_months),
    )


def _placed(deducted: pl.DataFrame, regions: pl.DataFrame) -> pl.DataFrame:
    """``deducted`` with the region in which the payer has most lines (``regions``) where its own is unknown."""
    places = regions.sort("payer", "lines", "region", descending=[False, True, False]).group_by(
        "payer", maintain_order=True).agg(pl.col("region").first().alias("_region"))
    return deducted.join(places, on="payer", how="left", maintain_order="left").with_columns(
        pl.coalesce("region", "_region").alias("region")).drop("_region")


def newest_date(tables: Mapping[str, pl.DataFrame], today: date) -> date | None:
    """The default as-of date: the newest posted, arrived or export date that is not after ``today``.

    Where no row has any, the end of the newest accrual month that is over; None where there is none either.
    """
    day, end = newest_days(tables, today)
    return day or end


DATED = {
    "flow": ["posted_on"], "contribution": ["paid_on", "treasury_on", "allocated_on"],
    "coverage": ["exported_on"], "payment": ["paid_on"], "reading": ["read_on"],
}
# Every column that newest_days looks at, by table.
DAY_COLUMNS = {name: [*columns, *{"contribution": ["accrual_month"], "reading": ["person_id", "kind"]}.get(name, [])]
               for name, columns in DATED.items()}


def newest_days(tables: Mapping[str, pl.DataFrame], today: date) -> tuple[date | None, date | None]:
    """The two days that :func:`newest_date` chooses from, of some people's rows: of any kind, and ends of months.

    The figures of a whole year stand at its end, which is not the day somebody read them: they move nothing.
    """
    if "reading" in tables:
        yearly = pl.col("kind").str.starts_with("year_").fill_null(value=False).any().over("person_id", "read_on")
        tables = {**tables, "reading": tables["reading"].filter(~yearly)}
    days = [
        tables[name][column].filter(tables[name][column] <= today).max()
        for name, names in DATED.items() if name in tables for column in names
    ]
    known = [day for day in days if isinstance(day, date)]
    if "contribution" not in tables:
        return max(known, default=None), None
    ends = tables["contribution"].select(pl.col("accrual_month").dt.month_end().alias("end"))["end"]
    end = ends.filter(ends <= today).max()
    return max(known, default=None), end if isinstance(end, date) else None
