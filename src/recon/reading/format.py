"""What a format is: one layout of one export, as the readers ask it.

A format never names a file, an extension or a line: it is recognised by its header names and titles. How it is written
down is :mod:`recon.reading.format_toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from recon.reading.values import fold
from recon.tables import INPUT_TABLES, Schema

# A bank statement or wallet bill: each row becomes an account line, an employer's payment, or other business.
STATEMENT = "statement"
SCHEMAS: dict[str, Schema] = {**INPUT_TABLES, STATEMENT: INPUT_TABLES["flow"] | INPUT_TABLES["payment"]}
# Columns a format may read besides those of its table: pieces that are combined, and what identifies a person.
HELPERS: dict[str, frozenset[str]] = {
    "*": frozenset({"psn_no", "person_name", "employee_no", "currency"}),
    "contribution": frozenset({
        "accrual_to_month", "total_fen", "employer_base_fen", "employee_into_fen", "employer_into_fen",
        "other_fen", "subsidy_fen", "other_into_fen", "employee_rate", "rate", "reversed", "people_count",
        "employee_total_fen", "employer_total_fen", "party", "party_fen",
    }),
    "flow": frozenset({"in_fen", "out_fen", "kind_text", "direction", "void", "fee_fen", "fund_fen", "own_fen"}),
    "person": frozenset({"bank_account"}),
    "reading": frozenset({"year", "opening_fen", "interest_fen"}),
    "payroll": frozenset({"net_fen"}),
    STATEMENT: frozenset({
        "in_fen", "out_fen", "kind_text", "direction", "void", "counterparty", "method", "state", "account_no",
    }),
}
# What a preamble or footer can state.
FACTS = frozenset({
    "person_name", "person_id", "psn_no", "region", "employer", "payer", "scheme", "sub_account", "tier", "proof",
    "accrual_month", "pay_month", "account_no",
    "opening_balance", "closing_balance",
    "period", "period_from", "period_to", "exported", "total_in", "total_out", "total_count",
    "count_in", "count_out", "count_neutral", "page_in", "page_out", "page_count",
})
READING_KINDS = ("ledger", "available", "current_year", "past_years", "year_credited", "year_spent")
SUM_OF = "sum:"  # in identities: all columns whose lowest name begins so
LEVEL = ">"  # between the levels of a header of several rows: "基本医疗 > 单位 > 应缴费额"


class FormatError(ValueError):
    """A mistake in a format file: where it is and what to change."""

    def __init__(self, file: Path | str, key: str, message: str) -> None:
        super().__init__(f"{Path(file).name}: {key}: {message}")
        self.file, self.key, self.message = Path(file), key, message


class Reason(str):
    """Why a format does not claim a grid; ``near``: how much of what it asks for is there, 0 to 1."""

    near: float = 0.0


@dataclass(frozen=True)
class Block:
    """Columns that make a line of their own in a wide row (one insurance of several), and what is fixed in it."""

    name: str
    values: Mapping[str, str]  # column -> value
    columns: Mapping[str, str]  # column of the table -> its name in the header's columns
    blank: bool = False  # an empty cell says 0: the row is there, and nothing was taken


@dataclass(frozen=True)
class Format:
    """One layout of one export; what each part means stands in ``mappings/formats/README.md``.

    Aliases, words and titles are folded.
    """

    id: str
    zh: str
    en: str
    table: str
    header: tuple[tuple[str, ...], ...]  # each group: one of these columns must be in the header
    without: Mapping[str, str] = field(default_factory=dict)  # folded header that must not be there -> its column
    names: frozenset[str] = frozenset()  # folded header names that must be there as they are
    titles: tuple[str, ...] = ()
    not_titles: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    replaces: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # folded header -> column, preference
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # column -> folded word -> canonical value
    contains: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # column -> (part, value)...
    derive: Mapping[str, tuple[tuple[int, str, bool], ...]] = field(default_factory=dict)  # (sign, column, optional)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    amount: str = "signed"
    unknown: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: frozenset[str] = frozenset()
    footers: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    native: bool = False
    paths: tuple[tuple[tuple[str, ...], str, int], ...] = ()  # levels of a header of several rows, column, preference
    header_rows: int = 1
    fallback: bool = False  # claims only what no other format claims
    titles_below: bool = False  # the title may come out below the table
    title_facts: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # fact -> (part, value)...
    blocks: tuple[Block, ...] = ()
    identities: Mapping[str, tuple[tuple[int, str, bool], ...]] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    pick: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holder: str = ""
    refuse: str = ""  # why the layout is known and not used
    month: str = ""  # the column that the whole file may state once
    month_from: tuple[str, ...] = ()  # where, of MONTH_FROM
    across: str = ""  # the amount that stands in one column per month

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every column the format can find in a header."""
        return frozenset(column for column, _ in self.aliases.values()) | {column for _, column, _ in self.paths}

    @cached_property
    def shown(self) -> Mapping[str, str]:
        """Column -> its first header name."""
        names = sorted((-rank, word, column) for word, (column, rank) in self.aliases.items())
        spread = {f"{self.across}@month": "1月 2月 …"} if self.across else {}
        return {column: LEVEL.join(levels) for levels, column, _ in self.paths} | {
            column: word for _, word, column in names} | spread

    @cached_property
    def paths_by_leaf(self) -> Mapping[str, list[tuple[tuple[str, ...], str, int]]]:
        """The names of several levels by their lowest one."""
        found: dict[str, list[tuple[tuple[str, ...], str, int]]] = {}
        for entry in self.paths:
            found.setdefault(entry[0][-1], []).append(entry)
        return found

    @cached_property
    def words_of_header(self) -> frozenset[str]:
        """Every header name the format knows, folded, with and without a unit behind amounts."""
        amounts = [word for word, (column, _) in self.aliases.items() if is_amount(column)]
        return frozenset(self.aliases) | {word + unit for word in amounts for unit in ("元", "万元")}

    @cached_property
    def refusals(self) -> dict[tuple[str, ...], Reason]:
        """Why rows were no header of the format, as far as they were asked about."""
        return {}

    @cached_property
    def label_pattern(self) -> re.Pattern[str] | None:
        """Finds the labels of the preamble: each as a cell of its own or before a colon."""
        words = sorted({word for words in self.labels.values() for word in words}, key=len, reverse=True)
        return label_pattern(tuple(words)) if words else None

    @cached_property
    def label_facts(self) -> Mapping[str, str]:
        """Folded label -> fact."""
        return {fold(word): fact for fact, words in self.labels.items() for word in words}

    @cached_property
    def footer_pattern(self) -> re.Pattern[str] | None:
        """Matches the text of a row that belongs to the page, not to the data."""
        return re.compile("|".join(f"(?:{part})" for part in self.footers)) if self.footers else None


def is_amount(column: str) -> bool:
    """Whether a column of a header holds money; ``employee_fen@330`` is the one of a block."""
    return column.partition("@")[0].endswith("_fen")


@lru_cache(maxsize=256)  # most formats share their labels, and a pattern of all of them takes long to make
def label_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Matches any of ``words`` (longest first), spaces allowed inside, followed by a colon or a cell border."""
    spaced = "|".join(r"[ \u3000]*".join(re.escape(char) for char in word) for word in words)
    return re.compile(rf"(?<![\w\u4e00-\u9fff])({spaced})[ \u3000]*(?:[::][ \u3000]*\x1f?|\x1f)")


@dataclass(frozen=True)
class Formats:
    """All formats known to a run, by id."""

    by_id: Mapping[str, Format]

    def __iter__(self) -> Iterator[Format]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    @cached_property
    def header_words(self) -> frozenset[str]:
        """Every known header name, folded: by them a reader finds the columns of an un-ruled PDF."""
        return frozenset(word for known in self.by_id.values() for word in (*known.aliases, *known.names))
