"""What a file prints about its own lines, held against them: totals, counts, balances, sums within a row."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import checks, values
from recon.reading.claim import Header, read_facts
from recon.reading.columns import Column, all_missing, fen, picked, series, summed
from recon.reading.ends import first_numbered, has_all_pages
from recon.reading.format import STATEMENT, SUM_OF
from recon.reading.grid import Grid
from recon.reading.lines import Reading, Sorted, yuan
from recon.reading.proof import WHOSE, Printed, Proof, prove, prove_by_column
from recon.reading.values import Unreadable

_THOUSANDS, _HUNDREDS = re.compile(r"-?\d{1,3}(?:,\d{3})*"), re.compile(r"\d{3}(?:\.\d{1,2})?")
_PRINTED_SUMS = {"total_in": "came", "total_out": "went"}
_PRINTED_COUNTS = {"total_count": "count", "count_in": "count_in", "count_out": "count_out",
                   "count_neutral": "count_neutral"}
_WAYS = {"amount_fen": ("in", "out"), "in_fen": ("in",), "out_fen": ("out",)}  # which lines a sum of the column holds
_OF_A_PAGE = frozenset({"page_in", "page_out", "page_count"})
_COUNTED = re.compile(r"共?(\d+)\s*[笔条行](?:记录)?[,，]?")


def check_identities(grid: Grid, header: Header, rows: Sorted) -> tuple[list[Problem], int, int]:
    """Rows whose amounts do not add up as the format says; how many sums agree, and how many there are."""
    problems: list[Problem] = []
    agreed = every = 0
    for name, terms in header.format.identities.items():
        columns: list[tuple[int, int, int, bool]] = []  # sign, column, factor, optional
        for sign, term, optional in terms:
            if term.startswith(SUM_OF):
                leaf = term.removeprefix(SUM_OF)
                columns += [(sign, at, 1, True) for at, name in enumerate(header.leaves) if name.startswith(leaf)]
            elif term in header.columns:
                columns.append((sign, header.columns[term], header.factors.get(term, 1), optional))
            elif not optional:
                columns = []
                break
        if len(columns) < 2:
            continue
        totals, known = _row_sums([(sign, *fen(grid.cells_of(index, rows.data), factor), optional)
                                   for sign, index, factor, optional in columns])
        every += known
        agreed += known - len(totals)
        problems += [Problem("sum-differs", place=grid.places[rows.data[position]], column=name, value=yuan(total))
                     for position, total in totals]
    return problems, agreed, every


def _row_sums(parts: list[tuple[int, Sequence[int | None], list[int], bool]]) -> tuple[list[tuple[int, int]], int]:
    """Per row the signed sum of some columns: (position, sum) of those that are not 0, and how many rows have one.

    A row has none where a cell that has to be there is empty or one is unreadable, or all are empty.
    """
    read = [(sign, column, optional) for sign, column, _, optional in parts]
    unread = {position for *_, bad, _ in parts for position in bad}
    if isinstance(parts[0][1], Column):
        total = summed(read).series
        none = pl.Series(sorted({*unread, *all_missing([column for _, column, _ in read])}), dtype=pl.Int64)
        total = total.scatter(none, None) if len(none) else total
        off = (total != 0).fill_null(value=False).arg_true()
        return list(zip(off, total.gather(off), strict=True)), len(total) - total.null_count()
    found = []
    known = 0
    for position, cells in enumerate(zip(*(column for _, column, _ in read), strict=True)):
        has_all = all(optional or fen is not None for fen, (*_, optional) in zip(cells, read, strict=True))
        if position in unread or not has_all or cells.count(None) == len(cells):
            continue
        known += 1
        if total_fen := sum(sign * (fen or 0) for fen, (sign, *_) in zip(cells, read, strict=True)):
            found.append((position, total_fen))
    return found, known


def check_totals(reading: Reading, rows: Sorted, facts: dict[str, str]) -> None:
    """Printed totals against the sum of the rows above them: since the last total, or of all so far."""
    _check_stated_totals(reading, facts)
    totals = [(at, reading.grid.rows[at]) for at in rows.totals]
    for column, index in reading.header.columns.items() if rows.totals else ():
        if not column.endswith("_fen") or column == "balance_fen" or reading.unreadable.get(column):
            continue
        factor = reading.header.factors.get(column, 1)
        sums = [0, *accumulate(0 if position in reading.repeats else value or 0
                               for position, value in enumerate(fen(reading.cells[column], factor)[0]))]
        since = of_all = of_parts = 0
        for at, row in totals:
            upto = bisect_left(reading.at, at)
            stated, whole = _amount_at(row, index, factor), sums[upto]
            above = (whole, whole - sums[since])
            read = (stated, _amount_at(_rejoined(row), index, factor))
            agrees = any(one in above for one in read)
            reading.sums_agree |= agrees and bool(stated)
            if stated is not None and whole in read:
                of_all = of_parts = upto
            elif stated is not None and agrees and of_parts == since:
                of_parts = upto
            if stated is not None and not agrees:
                reading.problems.append(Problem("total-mismatch", None, reading.grid.places[at], reading.shown(column),
                                                f"{yuan(stated)} ≠ {yuan(whole)}"))
            since = upto
        ways: tuple[str, ...] = _WAYS.get(column, ())
        reading.agreed.update(ways if of_all == len(reading.at) else
                              (f"page_{way}" for way in ways) if of_parts == len(reading.at) else ())
    for column, way, other in (("in_fen", "in", "out"), ("out_fen", "out", "in")):
        # A total that leaves the one column empty, as all its lines do, says that nothing moved that way.
        place = reading.header.columns.get(column)
        if totals and place is not None and other in reading.agreed and all(
                map(values.is_empty, [*reading.texts(column), *totals[-1][1][place:place + 1]])):
            reading.agreed.add(way)


def _amount_at(row: list[str], index: int, factor: int) -> int | None:
    try:
        return values.parse_fen(row[index], factor) if len(row) > index else None
    except Unreadable:
        return None


def _rejoined(row: list[str]) -> list[str]:
    """A total whose thousands commas stand unquoted in a CSV file: cells that are pieces of one number put together."""
    cells = list(row)
    at = 0
    while at + 1 < len(cells):
        if _THOUSANDS.fullmatch(cells[at]) and _HUNDREDS.fullmatch(cells[at + 1]):
            cells[at:at + 2] = [f"{cells[at]},{cells[at + 1]}"]
        else:
            at += 1
    return cells


def _check_stated_totals(reading: Reading, facts: dict[str, str]) -> None:
    """Totals the preamble or footer states (money in, money out, numbers of lines), of the file and of each page.

    A format says of its sums and counts whether they must agree, are a hint (the source itself says they may differ),
    or mean something else.
    """
    if "amount_fen" not in reading.read or reading.format.native:
        return
    amounts, ways = reading.read["amount_fen"], reading.column("direction")
    found = checks.sums(amounts, ways, reading.repeats)
    reading.agreed |= _compare(reading, facts, found, _PRINTED_SUMS, _PRINTED_COUNTS, None)
    pages: dict[str, dict[str, str]] = {}
    for at, row in enumerate(reading.grid.rows) if _OF_A_PAGE & reading.format.labels.keys() else ():
        stated = read_facts([row], reading.format)
        for fact in stated.keys() & _OF_A_PAGE:
            pages.setdefault(reading.grid.places[at].split(":")[0], {})[fact] = stated[fact]
    own: dict[str, list[int]] = {page: [] for page in pages}
    for position, at in enumerate(reading.at if pages else ()):
        if (page := reading.grid.places[at].split(":")[0]) in own:
            own[page].append(position)
    on_all = {"in", "out", "count"} if sum(map(len, own.values())) == len(reading.at) else set()
    for page, stated in pages.items():
        found = checks.sums(picked(amounts, own[page]), picked(ways, own[page]), set())
        on_all &= _compare(
            reading, stated, found, {"page_in": "came", "page_out": "went"}, {"page_count": "count"}, page)
    reading.agreed |= {f"page_{name}" for name in on_all}


def _compare(
    reading: Reading, facts: dict[str, str], found: checks.Sums, sums: dict[str, str], counts: dict[str, str],
    place: str | None,
) -> set[str]:
    """Problems where stated sums and counts are not what the lines add up to; the names of those that agree."""
    agreed = set()
    rules = reading.format.checks
    unread = bool(reading.unreadable.get("amount_fen")) or bool(reading.unproved)
    for names, ruled, parse in ((sums, "sums", _stated_sum), (counts, "counts", _stated_count)):
        for fact, name in names.items():
            rule = rules.get("counts_by_way" if fact.startswith("count_") else ruled, "exact")
            text = facts.get(fact) or facts.get(fact.replace("count_", "total_"), "")  # 收入：3笔 120.00元 says both
            if not text or rule == "none" or (parse is _stated_sum and unread):
                continue
            if parse is _stated_count and fact not in facts and not _COUNTED.search(text):
                continue
            stated, actual = parse(text), getattr(found, name)
            if stated is None:
                continue
            shown: Callable[[int], str] = yuan if parse is _stated_sum else str
            if stated == actual:
                reading.sums_agree |= parse is _stated_sum and stated != 0
                agreed.add(fact.removeprefix("total_").removeprefix("page_"))
            else:
                code = "total-mismatch" if rule == "exact" else "total-hint"
                reading.problems.append(Problem(code, None, place, fact, f"{shown(stated)} ≠ {shown(actual)}"))
    return agreed


def _stated_sum(text: str) -> int | None:
    """Fen of a stated sum: ``1,234.00``, or the sum of ``3笔 1234.00元``; a total of money out may have a minus."""
    words = _COUNTED.sub(" ", text).split()
    try:
        fen = values.parse_fen(words[0]) if words else None
    except Unreadable:
        return None
    return None if fen is None else abs(fen)


def _stated_count(text: str) -> int | None:
    """Lines of a stated number: ``12``, ``共12条``, or the count of ``3笔 1234.00元``."""
    counted = _COUNTED.search(text)
    digits = counted.group(1) if counted else text.split(" ")[0].strip("共笔条行记录")
    return int(digits) if digits.isdigit() else None


def follow_balance(reading: Reading) -> None:
    """Breaks of the running balance, in the order in which the file prints it; several accounts each for themselves."""
    balances = reading.read.get("balance_fen")
    if not balances or reading.format.checks.get("balance") == "none":
        return
    if reading.format.table == STATEMENT:
        accounts: list[str] = [name for name in ("currency", "account_no", "sub_account") if name in reading.cells]
        keys: list[dict[str, Sequence[Any]]] = [{}, *({name: reading.cells[name]} for name in accounts)]
        if len(accounts) > 1:
            keys.append({name: reading.cells[name] for name in accounts})
    else:
        own: dict[str, Sequence[Any]] = {
            name: reading.column(name) for name in ("person_id", "_number", "_psn", "_name")}
        keys = [own, own | {"sub_account": reading.column("sub_account")}] if "sub_account" in reading.read else [own]
    amounts = _moved(reading)
    if not reading.chain.order:
        left_out = reading.drop | reading.reject if reading.format.native else reading.drop
        reading.chain = checks.chain(amounts, balances, reading.column("posted_on"), keys, left_out)
    reading.account = dict(keys[reading.chain.key])
    name = reading.shown("balance_fen")
    reading.problems += [
        Problem("balance-break", None, reading.grid.places[reading.at[position]], name, yuan(gap))
        for position, gap in reading.chain.breaks
    ]


def _moved(reading: Reading) -> Sequence[int | None]:
    """What each line moves, unknown where the direction is neither in nor out."""
    amounts = reading.column("amount_fen")
    return [None if at in reading.neutral else amount for at, amount in enumerate(amounts)] if reading.neutral else (
        amounts)


def proof_of(reading: Reading, rows: Sorted) -> Proof | None:
    """What the running balance of account lines proves and what nothing proves; None where none is printed."""
    if not reading.chain.order or "balance_fen" not in reading.read or reading.format.checks.get("balance") == "none":
        return None
    left_out = reading.drop | reading.reject if reading.format.native else reading.drop
    whose = {name: reading.read[name] for name in (*WHOSE, "sub_account") if name in reading.read}
    whose |= {name: reading.cells[name] for name in ("account_no", "sub_account") if name in reading.cells}
    numbered = first_numbered(reading.grid, reading.header, rows)
    printed = Printed(
        frozenset(reading.agreed), None if numbered is None else bisect_left(reading.at, numbered),
        bool(reading.agreed) and has_all_pages(reading.grid))
    places = reading.grid.places_of(reading.at)
    marked = not reading.format.native
    if not reading.wide:
        amounts, balances, days = _moved(reading), reading.column("balance_fen"), reading.column("posted_on")
        return prove(amounts, balances, days, places, whose, reading.account, left_out, reading.chain, printed,
                     marked=marked)
    frame = checks.in_chain_order(
        _moved(reading), reading.series("balance_fen", pl.Int64()), reading.series("posted_on", pl.Date()),
        reading.account, left_out, reading.chain.order)
    told = pl.DataFrame([pl.Series("place", places, dtype=pl.String),
                         *(series(column, pl.String()).alias(name) for name, column in whose.items())])
    return prove_by_column(frame, told, reading.chain, printed, marked=marked)


def check_balance(frame: pl.DataFrame, column: str) -> tuple[list[Problem], Proof | None]:
    """Breaks of the running balance of a frame of account lines, in the order that fits best, and what it proves."""
    if "balance_fen" not in frame.columns or frame["balance_fen"].null_count() == frame.height:
        return [], None
    own: dict[str, pl.Series] = {
        name: frame[name] for name in ("person_id", "_number", "_psn", "_name") if name in frame.columns}
    keys = [own, own | {"sub_account": frame["sub_account"]}] if "sub_account" in frame.columns else [own]
    found = checks.chain(frame["amount_fen"], frame["balance_fen"], frame["posted_on"], keys, set())
    places = frame["_place"]
    lines = checks.in_chain_order(
        frame["amount_fen"], frame["balance_fen"], frame["posted_on"], keys[found.key], set(), found.order)
    whose = frame.select(pl.col("_place").alias("place"),
                         *(name for name in (*WHOSE, "sub_account") if name in frame.columns))
    return ([Problem("balance-break", None, places[position], column, yuan(gap)) for position, gap in found.breaks],
            prove_by_column(lines, whose, found, Printed(), marked=False))
