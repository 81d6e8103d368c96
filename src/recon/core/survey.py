"""What is asked of some people for the context of all: three rounds, a fourth where a region's lag seems to change.

Each round takes what the round before gave for everybody and answers for the people at hand: counts that can be added
up, and tables that speak of single people. :func:`together` adds up, a few answers at a time or all at once, so that
nobody ever holds the answers of all parts; :func:`recon.core.context.gather` asks. That the people come in one part or
in many changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from recon.core import cohorts, shifts
from recon.core.balance import one_ledger
from recon.core.chain import chained, counted
from recon.core.counts import added
from recon.core.cover import added_files, contribution_cover, contribution_files, flow_cover, flow_files
from recon.core.expect import lines_of
from recon.core.holes import balance_problems, holes, jumps, quiet_years
from recon.core.infer import Asked, ask, asked_of
from recon.core.inferred import with_inferred
from recon.core.lag_votes import PERSONAL, Votes, all_votes, votes_of
from recon.core.lags import own_lags
from recon.core.prepare import Prepared, prepare
from recon.policy import Policy
from recon.problems import Problem
from recon.tables import ACCOUNT


@dataclass(frozen=True)
class Seen:
    """First round: credits in place (of a sample), files and their spans, strangers, payers' regions, prints."""

    asked: Asked
    flow_files: pl.DataFrame
    contribution_files: pl.DataFrame
    strangers: pl.DataFrame
    payer_regions: pl.DataFrame  # payer, region, lines
    printed_months: pl.DataFrame  # file, prints, same, serving


@dataclass(frozen=True)
class Voted:
    """Second round: votes on lags (without single people's), and who bears a stranger's name."""

    votes: Votes
    namesakes: pl.DataFrame


@dataclass(frozen=True)
class Known:
    """What the rounds before say of everybody."""

    flow_files: pl.DataFrame
    contribution_files: pl.DataFrame
    same_people: pl.DataFrame
    lag: pl.DataFrame
    steady: pl.DataFrame
    carried: pl.DataFrame


@dataclass(frozen=True)
class Told:
    """Third round. own: the tables of single people (cover, hole, paid_cover, own_lag), as the context has them."""

    own: dict[str, pl.DataFrame]
    payer_cover: pl.DataFrame
    shares: pl.DataFrame
    credited_people: pl.DataFrame
    payer_months: pl.DataFrame
    credited: pl.DataFrame  # region, payer, accrual, at, people
    lacking: pl.DataFrame  # the same by rest_fen and expected_fen
    waiting: pl.DataFrame
    strange: pl.DataFrame
    problems: list[Problem]


def together(answers: Sequence[Any]) -> Any:
    """What several parts of the people answer in one round, as one answer, which may be put together with others."""
    first = answers[0]
    if len(answers) == 1:
        return first
    if isinstance(first, Seen):
        return Seen(
            asked_of([one.asked for one in answers]), added_files([one.flow_files for one in answers]),
            added_files([one.contribution_files for one in answers]), pl.concat([one.strangers for one in answers]),
            added([one.payer_regions for one in answers], ["payer", "region"]),
            added([one.printed_months for one in answers], ["file"]),
        )
    if isinstance(first, Voted):
        return Voted(all_votes([one.votes for one in answers]), pl.concat([one.namesakes for one in answers]))
    if isinstance(first, Told):
        return Told(
            {name: pl.concat([one.own[name] for one in answers]) for name in first.own},
            pl.concat([one.payer_cover for one in answers]).unique(),
            added([one.shares for one in answers], ["region", "scheme", "payer", "month"]),
            added([one.credited_people for one in answers], cohorts.PAYER_MONTH),
            added([one.payer_months for one in answers], cohorts.PAYER_MONTH),
            added([one.credited for one in answers], cohorts.DEDUCTED),
            added([one.lacking for one in answers], cohorts.LACKING),
            pl.concat([one.waiting for one in answers]), pl.concat([one.strange for one in answers]),
            [problem for one in answers for problem in one.problems],
        )
    # Of the fourth round and the fifth.
    return added(answers, [name for name in first.columns if name not in shifts.FITS])


class Part:
    """Some people with all their rows; ``lines`` and ``votes`` are kept from round to round."""

    def __init__(
        self, tables: Mapping[str, pl.DataFrame], policy: Policy, lines: pl.DataFrame | None = None,
        votes: Votes | None = None,
    ) -> None:
        self.tables, self.policy, self.votes = tables, policy, votes
        self._lines = lines
        self._cover: pl.DataFrame | None = None

    @cached_property
    def prepared(self) -> Prepared:
        """Made when it is first asked for."""
        return prepare(dict(self.tables))

    @property
    def lines(self) -> pl.DataFrame:
        """Contribution lines; from the second round on with inferred amounts."""
        if self._lines is None:
            self._lines = lines_of(self.prepared, self.policy)
        return self._lines

    def cover(self, files: pl.DataFrame) -> pl.DataFrame:
        """What the accounts' exports cover (:func:`recon.core.cover.flow_cover`); ``files``: everybody's, of flows."""
        if self._cover is None:
            self._cover = flow_cover(self.prepared, files)
        return self._cover

    def seen(self) -> Seen:
        """First round."""
        lines, prepared = self.lines, self.prepared
        main = lines.filter(~pl.col("is_side") & pl.col("row_id").is_not_null() & (pl.col("payment_kind") != "refund"))
        return Seen(
            ask(lines, prepared, self.policy), flow_files(prepared.tables["flow"]),
            contribution_files(prepared.tables["contribution"]), cohorts.strangers(prepared),
            main.filter(pl.col("region").is_not_null()).group_by("payer", "region").agg(pl.len().alias("lines")),
            cohorts.printed_months(prepared),
        )

    def voted(
        self, inferred: pl.DataFrame, strangers: pl.DataFrame, files: pl.DataFrame, as_of: date
    ) -> Voted:
        """Second round, under the rules inferred from everybody; ``files``: everybody's, of flows."""
        self._lines = with_inferred(self.lines, inferred)
        self.votes = votes_of(self._lines, self.prepared.credit, self.policy, lambda: self.cover(files).with_columns(
            pl.min_horizontal("to", pl.lit(as_of)).alias("to")))
        alone = replace(self.votes, **{name: getattr(self.votes, name).clear() for name in PERSONAL})
        return Voted(alone, cohorts.namesakes(self._lines, self.prepared, strangers))

    def told(self, known: Known) -> Told:
        """Third round, under everybody's lags and files."""
        assert self.votes is not None  # asked in the second round
        lines, prepared, policy, credit = self.lines, self.prepared, self.policy, self.prepared.credit
        own_lag = own_lags(self.votes, known.steady, known.carried, lines, credit, policy)
        paid_cover, payer_cover = contribution_cover(prepared, known.contribution_files)
        cover = self.cover(known.flow_files)
        hole, problems = _holes(prepared, cover)
        due = cohorts.due_lines(lines, known.lag, policy)
        credited, lacking = cohorts.shortfalls(due, credit)
        return Told(
            {"cover": cover, "hole": hole, "paid_cover": paid_cover, "own_lag": own_lag}, payer_cover,
            shifts.month_shares(lines, credit),
            cohorts.credited_people(due, prepared, own_lag), cohorts.payer_months(lines),
            credited, lacking, cohorts.waiting_lines(due, known.same_people),
            cohorts.strange_credits(credit, known.same_people), problems,
        )

    def fitting(self, course: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
        """Fourth round: how many lines fit the courses that regions seem to take (:func:`recon.core.shifts.fits`)."""
        return shifts.fits(self.lines, self.prepared.credit, self.cover(files), course)

    def payers_fitting(self, course: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
        """Fifth round: the same of the courses of single payers (:func:`recon.core.shifts.payer_fits`)."""
        return shifts.payer_fits(self.lines, self.prepared.credit, self.cover(files), course)


def _holes(prepared: Prepared, cover: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """Where balances prove that lines are missing, and what else is wrong with the accounts' exports."""
    flow = prepared.tables["flow"]
    # Where an account prints no balance there is no order to be told, and nothing that lines could lack.
    printing = flow.filter(pl.col("balance_fen").is_not_null()).select(ACCOUNT).unique()
    lines = chained(flow.join(printing, on=ACCOUNT, how="semi", nulls_equal=True, maintain_order="left"))
    paid = prepared.contribution.filter(pl.col("paid")).select(*ACCOUNT, pl.col("accrual_month").alias("month"))
    found = jumps(lines, cover)
    problems = [*balance_problems(lines, found), *quiet_years(counted(flow), cover, paid)]
    return holes(found, one_ledger(lines)), problems
