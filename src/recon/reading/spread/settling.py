"""What takes all files together is decided here, step by step, from what each folder of people tells."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading.checks import Chain, best_chain
from recon.reading.covered import coverage_of
from recon.reading.file_read import PARTLY, FileRead
from recon.reading.identity import People
from recon.reading.lines import yuan
from recon.reading.people import clues_of, settle_people, who_is_who
from recon.reading.proof import MOST_NAMED, closed
from recon.reading.regions import first_of_each, name_regions
from recon.reading.slices import PEOPLE_TABLES, Slice, put_away
from recon.reading.spread.balances import Named, joined, links_of_rows, named_in, proof_of, row_of
from recon.reading.spread.one_folder import Common
from recon.reading.spread.slicing import Large
from recon.reading.together import all_problems, settle_ends, sources_of, table_of
from recon.reading.workers import each_in_turn


@dataclass(frozen=True)
class Spread:
    """For each run of people a folder with ``table-*.parquet``; the rest in memory.

    bounds: the first person of each folder but the first. tables: those that speak of nobody in particular (coverage,
    payment). rows: contribution and account lines; people: how many have a line, a payslip or a place in the roster.
    """

    folders: list[Path]
    bounds: pl.Series
    tables: dict[str, pl.DataFrame]
    problems: list[Problem]
    sources: pl.DataFrame
    rows: int
    people: int


class Settling:
    """The steps from rows put away to tables, each asked of all folders."""

    def __init__(self, large: Large, reads: list[FileRead], workers: int | None) -> None:
        assert large.places is not None
        self.large, self.reads, self.workers, self.places = large, reads, workers, large.places
        sliced = [read for read in reads if large.slices.get(read.file)]
        large.dropped |= {large.number[read.file] for read in sliced if not read.parts}
        self.sliced = {read.file: read for read in sliced if read.parts}
        self.told: dict[str, Named] = {}  # of files with running balances
        self.number = dict(large.number)
        for read in reads:  # members of archives
            self.number.setdefault(read.file, len(self.number))
        self.common = Common(tuple(self.number), frozenset(large.dropped))

    def ask(self, function: str, *arguments: Any, common: Common | None = None) -> Iterator[Any]:
        """One of the functions of :mod:`recon.reading.spread.one_folder`, put to every folder."""
        return each_in_turn(f"recon.reading.spread.one_folder:{function}", common or self.common,
                            [(folder, *arguments) for folder in self.places.folders], self.workers, 600.0)

    def spread(
        self, left: Sequence[str], region_of: Callable[[str], str | None], default_region: str | None
    ) -> Spread:
        """Everything, in order."""
        self.follow_balances()
        people, moved = self.who_is_who()
        for read in self.reads:
            settle_people(read, people, PARTLY)
        codes = self.regions(region_of, anew=moved)
        settle_ends(self.reads)
        self.hand_out()
        owners = {other: next(iter(all_owners)) for known in (people.by_psn, people.other_ids)
                  for other, all_owners in known.items() if len(all_owners) == 1}
        order = {read.file: at for at, read in enumerate(self.reads)}
        proved = [part for read in self.reads for part in read.parts if part.proof is not None]
        common = replace(self.common, codes=codes, default_region=default_region, owners=owners,
                         order=tuple(order.get(name, -1) for name in self.common.names),
                         proofs=tuple(part.proof for part in proved if part.proof is not None))
        rows = count = 0
        by_name = {read.file: read for read in self.reads}
        shut: dict[int, set[int]] = {}
        for told in self.ask("settle", common=common):
            rows, count = rows + told.rows, count + told.people
            for problem in told.problems:
                by_name[problem.file].problems.append(problem)
            for number, (lines, named) in told.proofs.items():
                self._count(self.common.names[number], lines, named)
            for at, which in told.closed.items():
                shut.setdefault(at, set()).update(which)
        for at, part in enumerate(proved):
            if part.proof is not None and at in shut:
                part.proof = closed(part.proof, pl.Series(sorted(shut[at]), dtype=pl.UInt32))
        self._name_open()
        tables = {"payment": table_of("payment", self.reads), "coverage": coverage_of(self.reads)}
        return Spread(list(self.places.folders), self.places.bounds, tables, all_problems(self.reads, left),
                      sources_of(self.reads), rows, count)

    # ---- running balances

    def follow_balances(self) -> None:
        """Breaks of the running balance of each file, as :func:`recon.reading.printed.check_balance` finds them."""
        following = {file: chain for file in self.sliced if (chain := self._chain(file)) is not None}
        asked = {file: next(chain) for file, chain in following.items()}
        chains: dict[str, Chain] = {}
        while asked:
            orders = {self.number[file]: (f"key{key}", name, self._rising(file))
                      for file, (key, name) in asked.items()}
            runs = {number: self._runs(self.common.names[number]) for number in orders}
            found = {file: [self._loose_links(file, orders, runs)] for file in asked}
            for answer in self.ask("links", orders, runs):
                for number, told in answer.items():
                    found[self.common.names[number]].append(told)
            for file, parts in found.items():
                try:
                    asked[file] = following[file].send(joined(parts))
                except StopIteration as done:
                    del asked[file]
                    chains[file] = done.value
                    self.sliced[file].problems += [
                        Problem("balance-break", file, f"R{at}", self.large.seen[file].balance, yuan(gap))
                        for at, gap in done.value.breaks]
        self._prove(chains)

    def _prove(self, chains: Mapping[str, Chain]) -> None:
        """What these running balances prove; the ends of people put away lie in their folders."""
        if not chains:
            return
        orders = {self.number[file]: (f"key{chain.key}", chain.order, self._rising(file))
                  for file, chain in chains.items()}
        runs = {self.number[file]: self._runs(file) for file in chains}
        refuted = {self.number[file]: chain.refuted for file, chain in chains.items()}
        for file in chains:
            number, part = self.number[file], self.sliced[file].parts[0]
            part.proof = proof_of(part.frame, *orders[number], runs[number], refuted[number])
            self.told[file] = {}
        for answer in self.ask("prove", orders, runs, refuted):
            for number, (lines, named) in answer.items():
                self._count(self.common.names[number], lines, named)

    def _count(self, file: str, lines: int, named: Named) -> None:
        """Add up what the people of one folder have of a file's proof."""
        proof = self.sliced[file].parts[0].proof
        assert proof is not None
        proof.rows += lines
        self._add(file, named)

    def _add(self, file: str, named: Named) -> None:
        for what, (places, more) in named.items():
            before, others = self.told[file].get(what, ([], 0))
            every = sorted([*before, *places], key=row_of)
            self.told[file][what] = (every[:MOST_NAMED], others + more + max(0, len(every) - MOST_NAMED))

    def _name_open(self) -> None:
        """The places that nothing proves, of each file in slices."""
        for file, told in self.told.items():
            proof = self.sliced[file].parts[0].proof
            assert proof is not None
            self._add(file, named_in(proof))
            amounts, more = told.pop("amount", ([], 0))
            inner, others = told.pop("inner", ([], 0))
            both = [*amounts, *inner]
            proof.named = {what: told.get(what, ([], 0)) for what in ("before", "after")} | {
                "amount": (both[:MOST_NAMED], more + others + max(0, len(both) - MOST_NAMED))}

    def _chain(self, file: str) -> Generator[tuple[int, str], Chain, Chain] | None:
        """What is to be asked of a file; None: it prints no balance."""
        days = [one.days for one in self._ordered(file) if one.days is not None]
        if not any(one.balances for one in days):
            return None
        lines = sum(one.lines for one in days)
        distinct = frozenset[Any]().union(*(one.distinct for one in days))
        return best_chain(2 if days[0].has_parts else 1, rising=self._rising(file), days_twice=len(distinct) < lines,
                          all_known=all(one.all_known for one in days))

    def _ordered(self, file: str) -> list[Slice]:
        return sorted(self.large.slices[file], key=lambda one: one.piece.before)

    def _rising(self, file: str) -> bool:
        days = [one.days for one in self._ordered(file) if one.days is not None]
        return all(one.rising for one in days) and all(
            one.last <= after.first for one, after in pairwise(days))

    def _runs(self, file: str) -> pl.DataFrame:
        """_at (the first a slice may have), base: what is to be added to the slice's numbers of runs of one day."""
        rows, base, before = [], 0, None
        for one in self._ordered(file):
            if one.days is not None:
                base -= before == one.days.first  # the same run goes on
                rows.append((one.piece.before + 1, base))
                base, before = base + one.days.runs, one.days.last
        return pl.DataFrame(rows, schema={"_at": pl.Int64, "base": pl.Int64}, orient="row")

    def _loose_links(self, file: str, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, Any]) -> Chain:
        number = self.number[file]
        return links_of_rows(self.sliced[file].parts[0].frame, *orders[number], runs[number])

    # ---- who is who

    def who_is_who(self) -> tuple[People, bool]:
        """Everybody whom a row held here may speak of; whether rows put away had to be taken back."""
        documents: set[str] = set()
        frames = []
        for frame, found in self.ask("aliases"):
            documents |= found
            frames.append(frame)
        told = pl.concat(frames).sort("_file", "_at", maintain_order=True).partition_by("_file", as_dict=True)
        people = who_is_who(self.reads, sorted(documents), {
            self.common.names[number]: rows.select("person_id", "aliases") for (number,), rows in told.items()})
        moved = self._take_back(people)
        asked = {
            clue for read in self.reads for part in read.parts for clue in clues_of(part.frame)
            if not (clue.person_id and people.is_settled(clue.person_id))}
        if asked:
            known = set[str]().union(*(people.near(clue) for clue in asked))
            for rows in self.ask("near", list(asked), known):
                people.learn(clues_of(rows))
        return people, moved

    def _take_back(self, people: People) -> bool:
        """Rows put away under a number that turned out to be another one of somebody's are held here, too."""
        known = {*people.other_ids, *(number for number in people.by_psn if number.startswith("PSN:"))}
        taken = [frame for frames in self.ask("take_back", known) for frame in frames] if known else []
        for frame in taken:
            people.learn(clues_of(frame) if "is_oldest" not in frame.columns else [])
            for (number,), rows in frame.partition_by("_file", as_dict=True, include_key=False).items():
                part = self.sliced[self.common.names[number]].parts[0]
                if "is_oldest" in rows.columns:
                    assert part.proof is not None
                    part.proof.ends = pl.concat([part.proof.ends, rows], how="diagonal_relaxed")
                    continue
                part.frame = pl.concat([part.frame, rows], how="diagonal_relaxed").sort("_at", maintain_order=True)
                part.elsewhere -= rows["_at"].n_unique()
        for part in (part for read in self.reads for part in read.parts if "person_id" in part.frame.columns):
            part.frame = part.frame.with_columns(pl.col("person_id").alias("_raw"))
        return bool(taken)

    # ---- regions

    def regions(self, region_of: Callable[[str], str | None], *, anew: bool) -> dict[str, str]:
        """The code of each region text; ``anew``: rows put away have been taken back."""
        codes: dict[str, str] = {}
        seen = {file: [one.regions for one in own] for file, own in self.large.slices.items()}
        if anew:
            seen = {file: [] for file in seen}
            for frame in self.ask("regions"):
                for (number,), rows in frame.partition_by("_file", as_dict=True, include_key=False).items():
                    seen[self.common.names[number]].append(rows)
        for read in self.reads:
            for part in read.parts:
                texts = [first_of_each(part.frame, "region")] if "region" in part.frame.columns else []
                if read.file in self.sliced:
                    texts += seen[read.file]
                if texts:
                    firsts = pl.concat(texts).sort("_at", maintain_order=True).unique(
                        "region", keep="first", maintain_order=True).sort("region")
                    name_regions(read, firsts, codes, region_of)
                if texts and part.table not in PEOPLE_TABLES:
                    part.frame = part.frame.with_columns(pl.col("region").replace(codes))
        return codes

    # ---- back to the folders

    def hand_out(self) -> None:
        """The rows held here, now that it is known whom they speak of, to the folders of their people."""
        for table in PEOPLE_TABLES:
            frames = [
                part.frame.with_columns(pl.lit(self.number[read.file], dtype=pl.UInt32).alias("_file"),
                                        pl.lit(at, dtype=pl.UInt32).alias("_part"))
                for read in self.reads for at, part in enumerate(read.parts)
                if part.table == table and part.frame.height
            ]
            if frames:
                put_away(pl.concat(frames, how="diagonal_relaxed"), self.places, f"held-{table}")

