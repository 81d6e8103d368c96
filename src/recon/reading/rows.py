"""One grid in one format -> canonical rows and problems: every row is used, skipped with a count, or rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from recon.problems import Problem
from recon.reading import values
from recon.reading.account_lines import finish_flow
from recon.reading.cells import (
    cells_of,
    check_required,
    check_shape,
    drop_page_repeats,
    drop_rows,
    fill_defaults,
    finish_reading,
    read_columns,
)
from recon.reading.claim import Header, read_facts
from recon.reading.clues import read_identity
from recon.reading.contributions import MONEY, finish_contribution, split_ranges
from recon.reading.ends import check_ends, check_numbers, check_pages
from recon.reading.format import STATEMENT
from recon.reading.grid import Grid
from recon.reading.lines import GridRows, Reading, Sorted, accepted_rows, line_span, no_rows
from recon.reading.monthly import above, file_stem, in_ten_thousands, month_blocks, stated_month
from recon.reading.named_months import with_named_months
from recon.reading.printed import check_identities, check_totals, follow_balance, proof_of
from recon.reading.sorting import sort_rows
from recon.reading.statement import picked_rows
from recon.reading.values import WAN


def read_rows(grid: Grid, header: Header, file: str = "") -> GridRows:
    """The canonical rows of ``grid``, whose ``header`` has been found, with everything that was wrong with them.

    ``file``: its name, where a month may stand that the file does not say otherwise.
    """
    known = header.format
    rows = sort_rows(grid, header)
    if known.refuse:
        count = len(rows.data) + rows.skipped
        table = "flow" if known.table == STATEMENT else known.table
        return GridRows(table, known.id, no_rows(table), count, count, problems=[Problem("not-usable",
                        value=known.refuse)], sheet=grid.name, others=count, covers="nothing")
    facts = dict(header.facts)
    for fact, text in read_facts((grid.rows[at] for at in rows.pages), known).items():
        facts.setdefault(fact, text)
    if "period_from" in facts and "period_to" in facts:
        facts.setdefault("period", f"{facts['period_from']} 至 {facts['period_to']}")
    found, agreed, checked = check_identities(grid, header, rows)
    if checked > 1 and 2 * agreed < checked:
        return _refused(grid, header, rows, facts, f"{checked - agreed}/{checked}")
    if known.month and not _with_month(grid, header, facts, file):
        return _refused(grid, header, rows, facts, known.shown.get(known.month, known.month), code="month-unstated")
    if known.across:
        texts = _month_texts(grid, header, file)
        header = replace(header, format=replace(known, blocks=month_blocks(
            header.columns, known.across, known.month, texts)))
        if not header.format.blocks:
            return _refused(grid, header, rows, facts, known.month, code="month-unstated")
    if header.format.blocks:
        result = _read_blocks(grid, header, rows, facts)
    else:
        reading = _read(grid, header, rows, facts)
        if known.table in ("contribution", "flow", STATEMENT) and not agreed and _is_refuted(reading):
            broken = f"{len(reading.chain.breaks)}/{reading.chain.links}"
            return _refused(grid, header, rows, facts, broken, reading.problems)
        if known.table == STATEMENT:
            result = picked_rows(reading, rows, facts)
            result.proof = proof_of(reading, rows)
            result.problems += [*check_numbers(grid, header, rows), *check_pages(grid)]
            return result
        result = _result(reading, rows, facts)
        result.proof = proof_of(reading, rows) if known.table == "flow" else None
    result.problems += [*found, *check_numbers(grid, header, rows), *check_pages(grid)]
    if WAN in header.factors.values() or in_ten_thousands(grid.rows[: header.top]):
        result.problems.append(Problem("unit-ten-thousand", place=grid.places[header.row]))
    return result


def _read(grid: Grid, header: Header, rows: Sorted, facts: dict[str, str], *, block: bool = False,
          blank: bool = False) -> Reading:
    """The columns of a grid, read, finished and checked."""
    table = header.format.table
    reading = Reading(grid, header, rows.data, cells_of(grid, header, rows.data, facts))
    if not header.format.native:
        drop_rows(reading)
        if blank:
            if "deducted_fen" in reading.cells:
                reading.cells["deducted_fen"] = [
                    "0" if values.is_empty(cell) else cell for cell in reading.cells["deducted_fen"]]
        elif block:
            _drop_blank_lines(reading)
        drop_page_repeats(reading)
    check_shape(reading)
    read_columns(reading)
    if table == "contribution":
        finish_contribution(reading)
    elif table in ("flow", STATEMENT):
        finish_flow(reading)
    elif table == "reading":
        finish_reading(reading)
    if not header.format.native:
        fill_defaults(reading)
    read_identity(reading)
    check_required(reading)
    check_totals(reading, rows, facts)
    if table in ("flow", STATEMENT):
        follow_balance(reading)
        reading.problems += check_ends(reading, facts)
    return reading


def _result(reading: Reading, rows: Sorted, facts: dict[str, str]) -> GridRows:
    """The rows of a grid that all belong to one table."""
    known = reading.format
    first, last = line_span(reading)
    frame = accepted_rows(reading)
    if known.table == "flow":
        frame = with_named_months(frame)
    others = len(reading.drop) if len(reading.drop) == len(rows.data) else 0
    if known.table == "contribution":
        frame = split_ranges(frame, reading)
    return GridRows(
        table=known.table, format=known.id, frame=frame, rows_read=len(rows.data) + rows.skipped,
        skipped=rows.skipped + len(reading.drop - reading.reject), rejected=len(reading.reject),
        problems=reading.problems, facts=facts, first=first, last=last, sheet=reading.grid.name,
        others=others, covers="nothing" if others else "stated",
    )


def _refused(
    grid: Grid, header: Header, rows: Sorted, facts: dict[str, str], value: str, problems: Iterable[Problem] = (),
    code: str = "unproved-layout",
) -> GridRows:
    """A grid that cannot be used as a whole: every line is rejected, and one problem says why."""
    kept = [problem for problem in problems if problem.code in ("total-mismatch", "page-repeat")]
    table = "flow" if header.format.table == STATEMENT else header.format.table
    return GridRows(
        table, header.format.id, no_rows(table),
        len(rows.data) + rows.skipped, rows.skipped, len(rows.data),
        [*kept, Problem(code, place=grid.places[header.row], value=value)], facts, sheet=grid.name,
        covers="nothing",
    )


def _with_month(grid: Grid, header: Header, facts: dict[str, str], file: str) -> bool:
    """Whether the month of each line is known; one for the whole file is put among its ``facts``."""
    known = header.format
    if known.month in header.columns or known.across or not known.month_from:
        return True
    said = facts.get(known.month) if "label" in known.month_from else None
    month = stated_month([said or ""]) or stated_month(_month_texts(grid, header, file))
    if month is not None:
        facts[known.month] = month
    return month is not None


def _month_texts(grid: Grid, header: Header, file: str) -> list[str]:
    """The texts a month or year of the whole grid may stand in, the nearest first."""
    texts = {"title": above(grid.rows[: header.top]), "sheet": [grid.name], "file": [file_stem(file)]}
    return [text for place in header.format.month_from for text in texts.get(place, [])]


def _is_refuted(reading: Reading) -> bool:
    """Whether columns that need a proof (cut by eye, or of a format that asks for one) have none."""
    asked = reading.grid.by_eye or reading.format.checks.get("balance") == "proof"
    return asked and bool(reading.at) and not reading.sums_agree and not reading.chain.holds


def _read_blocks(grid: Grid, header: Header, rows: Sorted, facts: dict[str, str]) -> GridRows:
    """A wide row as one line per block that says something; a row is used if any of its blocks is."""
    known = header.format
    common = {column: index for column, index in header.columns.items() if "@" not in column}
    readings: list[tuple[str, Reading, pl.DataFrame]] = []
    for number, block in enumerate(known.blocks):
        own = {column: header.columns[name] for column, name in block.columns.items() if name in header.columns}
        if not own:
            continue
        part = replace(known, blocks=(), defaults={**known.defaults, **block.values}, identities={})
        factors = {column: header.factors[block.columns[column]] for column in own
                   if block.columns[column] in header.factors}
        view = replace(header, format=part, columns={**common, **own}, factors={**header.factors, **factors})
        reading = _read(grid, view, rows, facts, block=True, blank=block.blank)
        frame = accepted_rows(reading)
        if known.table == "contribution":
            frame = split_ranges(frame, reading)
        if number:
            frame = frame.with_columns(pl.col("_place") + f"/{block.name}")
        readings.append((block.name, reading, frame))
    frames = [frame for *_, frame in readings] or [no_rows(known.table)]
    frame = pl.concat(frames, how="diagonal_relaxed").sort("_at", maintain_order=True)
    used = set(frame["_at"].to_list())
    rejected = {reading.at[position] for _, reading, _ in readings for position in reading.reject} - used
    spans = [line_span(reading) for _, reading, _ in readings]
    problems = list(dict.fromkeys(problem for _, reading, _ in readings for problem in reading.problems))
    return GridRows(
        table=known.table, format=known.id, frame=frame, rows_read=len(rows.data) + rows.skipped,
        skipped=rows.skipped + len(rows.data) - len(used) - len(rejected), rejected=len(rejected), problems=problems,
        facts=facts, first=min((first for first, _ in spans if first), default=None),
        last=max((last for _, last in spans if last), default=None), sheet=grid.name,
    )


def _drop_blank_lines(reading: Reading) -> None:
    """Rows in which the block's insurance has no money: they say nothing of it."""
    names = [name for name in reading.cells if name in (*MONEY, "amount_fen", "deducted_fen")]
    for position in range(len(reading.at)):
        if not any(any(char in "123456789" for char in reading.cells[name][position]) for name in names):
            reading.drop.add(position)
    reading.silent |= reading.drop
