"""What a file prints of its own ends: the balance before its first line and after its last, row and page numbers.

A line lost at either end breaks no running balance, since none is printed beyond it; these figures tell of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import polars as pl

from recon.problems import Problem
from recon.reading import values
from recon.reading.claim import Header
from recon.reading.columns import distinct, series
from recon.reading.format import STATEMENT
from recon.reading.grid import Grid, stretches
from recon.reading.lines import Reading, Sorted, yuan
from recon.reading.values import Unreadable

_NUMBERS = frozenset({"序号", "顺序号"})
_SHOWN = 10  # stretches of missing numbers that are named
_WHOSE = ("person_id", "_number", "_psn", "_name", "sub_account")
_ACCOUNT = ("currency", "account_no")
_PAGE = re.compile(
    r"第(\d{1,4})页[,，/／]?共(\d{1,4})页|页数[:：]?(\d{1,4})[/／](\d{1,4})|^[Pp]age(\d{1,4})of(\d{1,4})$")
_LONE_PAGE = re.compile(r"^(\d{1,4})/(\d{1,4})$")


def check_ends(reading: Reading, facts: dict[str, str]) -> list[Problem]:
    """Breaks between the balances stated before and after all lines and the lines themselves, of one account.

    A break stands at the oldest or newest line, with the fen that are missing there; what agrees is noted.
    """
    stated = {fact: _fen(facts[fact]) for fact in ("opening_balance", "closing_balance") if fact in facts}
    if not stated or "balance_fen" not in reading.read or reading.chain.order not in ("oldest_first", "newest_first"):
        return []
    several = [name for name in _WHOSE if len(distinct(reading.column(name))) > 1]
    if several or any(len(distinct(reading.texts(name))) > 1 for name in _ACCOUNT):
        return []
    balances, amounts = reading.column("balance_fen"), reading.column("amount_fen")
    lines = [at for at in range(len(reading.at)) if at not in reading.drop and balances[at] is not None]
    if not lines:
        return []
    oldest, newest = (lines[0], lines[-1]) if reading.chain.order == "oldest_first" else (lines[-1], lines[0])
    opening, closing = stated.get("opening_balance"), stated.get("closing_balance")
    gaps = []
    if opening is not None and amounts[oldest] is not None:
        gaps.append(("opening", oldest, balances[oldest] - amounts[oldest] - opening))
    if closing is not None:
        gaps.append(("closing", newest, closing - balances[newest]))
    reading.agreed.update(name for name, _, gap in gaps if not gap)
    return [Problem("balance-break", None, reading.grid.places[reading.at[at]], reading.shown("balance_fen"), yuan(gap))
            for _, at, gap in gaps if gap]


def _fen(text: str) -> int | None:
    try:
        return values.parse_fen(text.split(" ")[0])
    except Unreadable:
        return None


def check_numbers(grid: Grid, header: Header, rows: Sorted) -> Iterator[Problem]:
    """The numbers that are missing where rows are numbered from 1, in one or several groups.

    Where a running balance proves what lies between two lines, only those before the first count.
    """
    known = header.format
    index = _number_column(header)
    if index is None or not rows.data:
        return
    numbers = _numbers(grid, index, rows).drop_nulls()
    if len(numbers) < 2 or (numbers.min() == 1 and numbers.max() == len(numbers) == numbers.n_unique()):
        return
    chained = "balance_fen" in header.columns and known.checks.get("balance") != "none"
    number = pl.col("number")
    groups = _groups(numbers).group_by("group", maintain_order=True).agg(
        number, number.n_unique().alias("here"), number.min().alias("first"),
        (number.min() if chained else number.max()).alias("upto"))
    upto, here = pl.col("upto"), pl.col("here")
    if groups.select(((number.list.len() > here) | (pl.col("first") < 1) | (upto > 2 * here)).any()).item():
        return  # something else than numbers of rows: a code, an account, a page
    missing: list[str] = []
    for own, end in groups.filter((pl.col("first") > 1) | (upto > here)).select("number", "upto").iter_rows():
        known_here = set(own)
        missing += stretches([each for each in range(1, end) if each not in known_here])
    if missing:
        more = ", …" if len(missing) > _SHOWN else ""
        yield Problem("numbers-missing", None, grid.places[rows.data[0]], grid.rows[header.row][index],
                      ", ".join(missing[:_SHOWN]) + more)


def first_numbered(grid: Grid, header: Header, rows: Sorted) -> int | None:
    """The row numbered 1 where rows are numbered once through: were one lost before it, the numbers would tell."""
    index = _number_column(header)
    if index is None or not rows.data:
        return None
    numbers = _numbers(grid, index, rows)
    known = numbers.drop_nulls()
    if len(known) < 2 or known.min() != 1 or known.n_unique() < len(known):
        return None
    at = numbers.index_of(1)
    return None if at is None else rows.data[at]


def _number_column(header: Header) -> int | None:
    """Where the rows of a file of lines are numbered, unless the format says that its numbers have gaps."""
    known = header.format
    if known.table not in ("contribution", "flow", STATEMENT) or known.native or known.checks.get("numbers") == "none":
        return None
    return next((at for at, leaf in enumerate(header.leaves) if leaf in _NUMBERS), None)


def _numbers(grid: Grid, index: int, rows: Sorted) -> pl.Series:
    return series(grid.cells_of(index, rows.data), pl.String()).cast(pl.Int64, strict=False)


def _groups(numbers: pl.Series) -> pl.DataFrame:
    """``number`` and ``group``: each after the first begins with 1 anew; rows of one number in a row count once."""
    own = numbers.filter((numbers != numbers.shift(1)).fill_null(value=True))
    return pl.DataFrame({"number": own, "group": ((own == 1).cast(pl.Int64).cum_sum() - 1).clip(0)})


def check_pages(grid: Grid) -> Iterator[Problem]:
    """The pages that a PDF lacks by the labels (第1页 共3页) that stand on every page of it."""
    missing = _missing_pages((_page_labels(grid) or {}).values())
    if missing:
        yield Problem("pages-missing", None, None, None, ", ".join(stretches(missing)))


def has_all_pages(grid: Grid) -> bool:
    """Whether a PDF says on each page how many there are, and all are here."""
    labels = _page_labels(grid)
    return bool(labels) and not _missing_pages((labels or {}).values())


def _page_labels(grid: Grid) -> dict[str, tuple[int, int]] | None:
    """(number, count) by page; None where not every page says it."""
    if grid.kind != "pdf":
        return None
    labels: dict[str, tuple[int, int]] = {}
    pages: dict[str, list[int]] = {}
    for at, place in enumerate(grid.places):
        pages.setdefault(place.split(":")[0], []).append(at)
    for page, places in pages.items():
        short = (row for row in map(grid.rows.__getitem__, places) if len(row) - row.count("") < 4)
        texts = ["".join(row).replace(" ", "") for row in short]
        hits = [hit for text in texts if (hit := _PAGE.search(text))]
        hits = hits or [hit for text in (texts[:1] + texts[-1:]) if (hit := _LONE_PAGE.match(text))]
        if not hits:
            return None
        number, count = (int(group) for group in hits[0].groups() if group)
        labels[page] = number, count
    return labels


def _missing_pages(labels: Iterable[tuple[int, int]]) -> list[int]:
    """Page numbers that none of several documents, one after the other in a file, has; each begins where counts do."""
    documents: list[tuple[int, list[int]]] = []
    for number, count in labels:
        if not documents or documents[-1][0] != count or documents[-1][1][-1] >= number:
            documents.append((count, []))
        documents[-1][1].append(number)
    return sorted({page for count, seen in documents for page in range(1, count + 1) if page not in seen})
