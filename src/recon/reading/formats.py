"""Formats as data: what one layout of one export looks like, read from TOML and checked before anything is read.

A format never names a file, an extension or a line: it is recognised by its header names and titles. ``shared.toml``
beside the formats holds what all of them have in common: aliases of columns, code words, labels of the preamble.
The grammar is described in ``mappings/formats/README.md``; a mistake in a file is a :class:`FormatError` that names
file and key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from recon.reading.values import fold
from recon.tables import FLOW_KINDS, INPUT_TABLES, PAYMENT_KINDS, PAYROLL_ITEMS, PROOFS, Schema

SHARED = "shared.toml"

# A bank statement or wallet bill: each row becomes an account line, an employer's payment, or other business.
STATEMENT = "statement"
SCHEMAS: dict[str, Schema] = {**INPUT_TABLES, STATEMENT: INPUT_TABLES["flow"] | INPUT_TABLES["payment"]}

# Columns a format may read besides those of its table: pieces that are combined, and what identifies a person.
HELPERS: dict[str, frozenset[str]] = {
    "*": frozenset({"psn_no", "person_name", "employee_no", "currency"}),
    "contribution": frozenset({
        "accrual_to_month", "total_fen", "employer_base_fen", "employee_into_fen", "employer_into_fen",
        "other_fen", "subsidy_fen", "other_into_fen", "employee_rate", "rate", "reversed", "people_count",
        "employee_total_fen", "employer_total_fen",
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
AMOUNTS = ("signed", "by_kind", "in_out", "direction", "proved")
CHECKS = {
    "sums": ("exact", "hint", "none"), "counts": ("exact", "hint", "none"), "counts_by_way": ("exact", "hint", "none"),
    "balance": ("checked", "proof", "none"), "numbers": ("checked", "none"), "sign": ("own", "absolute"),
}
PICKS = ("medical", "medical_not", "premium", "premium_not", "organisation", "method")
HOLDERS = ("", "person", "organisation")
UNKNOWN_WORD = ("reject", "other", "keep", "null")
_SECTIONS = frozenset({
    "id", "zh", "en", "table", "samples", "claim", "columns", "values", "contains", "derive", "defaults", "drop",
    "amount", "unknown", "labels", "titles", "blocks", "identities", "checks", "pick", "holder", "refuse", "totals",
    "footers", "month",
})
# Where the month of a whole file may stand, in this order: behind a label, in a line above the table, in the name of
# the sheet, in the name of the file.
MONTH_FROM = ("label", "title", "sheet", "file")
_CLAIM_KEYS = frozenset({
    "header", "names", "without", "titles", "not_titles", "facts", "replaces", "header_rows", "fallback",
    "titles_below",
})
_SHARED_SECTIONS = frozenset({"aliases", "values", "contains", "drop", "labels", "totals", "footers", "pick"})
MAX_HEADER_ROWS = 3
SUM_OF = "sum:"  # in identities: all columns whose lowest name begins so
LEVEL = ">"  # between the levels of a header of several rows: "基本医疗 > 单位 > 应缴费额"
_WORD_COLUMNS: dict[str, frozenset[str] | None] = {
    "payment_kind": frozenset(PAYMENT_KINDS), "paid": frozenset({"true", "false"}), "proof": frozenset(PROOFS),
    "insured_status": frozenset({"in_service", "retired", "flexible", "other"}), "scheme": None, "tier": None,
    "sub_account": frozenset({"current_year", "past_years"}), "ledger": frozenset({"app", "bank", "wallet"}),
    "flow_kind": frozenset(FLOW_KINDS), "reversed": frozenset({"original", "reversing", "no"}),
    "void": frozenset({"true", "false"}), "id_type": None, "direction": frozenset({"in", "out", "none"}),
    "state": frozenset({"done", "void"}), "kind": frozenset(READING_KINDS), "item": frozenset(PAYROLL_ITEMS),
    "deferred": frozenset({"true"}),
}


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


def shipped() -> Path:
    """The mappings that come with recon: inside the installed package, else the checkout's own."""
    inside = Path(str(resources.files("recon"))) / "mappings"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "mappings"


def format_files(directory: Path) -> list[Path]:
    """The format files of a mappings directory: ``formats/*.toml``, or ``*.toml`` where it has no such folder."""
    inside = directory / "formats"
    if inside.is_dir():
        return sorted(inside.glob("*.toml"))
    if (directory / "policy").is_dir():
        return []
    return sorted(path for path in directory.glob("*.toml") if path.name == SHARED or _is_format(path))


def load_formats(directories: Sequence[Path]) -> Formats:
    """Every format of ``directories``, checked; a later one replaces an earlier one of the same id.

    Raises FormatError at the first mistake. Files that have not changed are not read again by the same process.
    """
    files = [path for directory in directories for path in format_files(Path(directory))]
    return _loaded(tuple((path, (state := path.stat()).st_mtime_ns, state.st_size) for path in files))


@lru_cache(maxsize=8)
def _loaded(files: tuple[tuple[Path, int, int], ...]) -> Formats:
    shared: dict[str, dict[str, Any]] = {}
    raw: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, *_ in files:
        if path.name == SHARED:
            _merge_shared(path, shared, _toml(path))
    for path, *_ in files:
        if path.name != SHARED:
            data = _toml(path)
            _check_head(path, data)
            raw[data["id"]] = (path, data)
    formats = {key: _build(path, data, shared) for key, (path, data) in sorted(raw.items())}
    for key, (path, _) in raw.items():
        for other in formats[key].replaces - formats.keys():
            raise FormatError(path, "claim.replaces", f"no format is called {other!r}")
    return Formats(formats)


def shared_words(directories: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """What all formats have in common: the sections of every shared.toml of ``directories``, put together.

    Raises FormatError at the first mistake.
    """
    shared: dict[str, dict[str, Any]] = {}
    for path in (path for directory in directories for path in format_files(Path(directory)) if path.name == SHARED):
        _merge_shared(path, shared, _toml(path))
    return shared


def _is_format(path: Path) -> bool:
    return "columns" in _toml(path)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(path, "-", f"not valid TOML: {error}") from error


def _merge_shared(path: Path, shared: dict[str, dict[str, Any]], data: dict[str, Any]) -> None:
    for section, content in data.items():
        if section not in _SHARED_SECTIONS:
            raise FormatError(path, section, f"unknown key; {SHARED} may hold {', '.join(sorted(_SHARED_SECTIONS))}")
        if section in ("totals", "footers"):
            content = {"": _texts(path, section, content)}
        if not isinstance(content, dict):
            raise FormatError(path, section, "must be a table [..]")
        known = shared.setdefault(section, {})
        for name, value in content.items():
            if section in ("values", "contains"):
                if not isinstance(value, dict):
                    raise FormatError(path, f"{section}.{name}", "must be a table [..]")
                inner = known.setdefault(name, {})
                for word, texts in value.items():
                    inner[word] = [*inner.get(word, []), *_texts(path, f"{section}.{name}.{word}", texts)]
            else:
                known[name] = [*known.get(name, []), *_texts(path, f"{section}.{name}", value)]


def _check_head(path: Path, data: dict[str, Any]) -> None:
    for key in ("id", "zh", "table", "columns", "claim"):
        if key not in data:
            raise FormatError(path, key, "is missing")
    for key in data:
        if key not in _SECTIONS:
            raise FormatError(path, key, f"unknown key; known are {', '.join(sorted(_SECTIONS))}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(data["id"])):
        raise FormatError(path, "id", "must be lower-case letters, digits and _")
    if data["table"] not in SCHEMAS:
        raise FormatError(path, "table", f"must be one of {', '.join(SCHEMAS)}")


def _texts(path: Path, key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FormatError(path, key, "must be a list of texts")
    return value


def _build(path: Path, data: dict[str, Any], shared: Mapping[str, Mapping[str, Any]]) -> Format:
    table = data["table"]
    known = frozenset(SCHEMAS[table]) | HELPERS["*"] | HELPERS.get(table, frozenset())
    flat, paths = _by_level(path, data["columns"])
    aliases = _aliases(path, flat, shared.get("aliases", {}), known, {column for _, column, _ in paths})
    blocks, names, more = _blocks(path, data.get("blocks", []), known)
    paths += more
    for word, hit in names.items():
        if aliases.setdefault(word, hit)[0] != hit[0] and aliases[word][1] < 1000:
            raise FormatError(path, "blocks", f"{word!r} also stands for {aliases[word][0]}")
        aliases[word] = hit
    columns = {column for column, _ in aliases.values()} | {column for _, column, _ in paths}
    claim = data["claim"]
    for key in claim:
        if key not in _CLAIM_KEYS:
            raise FormatError(path, f"claim.{key}", f"unknown key; known are {', '.join(sorted(_CLAIM_KEYS))}")
    month, month_from, across = _month(path, data.get("month", {}), table)
    spread = {f"{across}@month"} if across else set()
    header = _groups(path, "claim.header", claim.get("header", []), columns | spread)
    if not header:
        raise FormatError(path, "claim.header", "needs at least one column")
    amount = _one_of(path, "amount", data.get("amount", "signed"), AMOUNTS)
    derive = {column: _terms(path, f"derive.{column}", terms, columns)
              for column, terms in data.get("derive", {}).items()}
    for column in derive:
        if column not in SCHEMAS[table] or not column.endswith("_fen"):
            raise FormatError(path, f"derive.{column}", f"is not an amount column of table {table}")
    levels = claim.get("header_rows", 1)
    if levels not in range(1, MAX_HEADER_ROWS + 1) or (paths and levels == 1):
        raise FormatError(path, "claim.header_rows", f"must be 2 to {MAX_HEADER_ROWS} where names have several levels")
    checks = {key: _one_of(path, f"checks.{key}", value, CHECKS.get(key, ()))
              for key, value in data.get("checks", {}).items()}
    own_totals = _texts(path, "totals", data.get("totals", []))
    own_footers = _texts(path, "footers", data.get("footers", []))
    return Format(
        id=data["id"], zh=str(data["zh"]), en=str(data.get("en", data["zh"])), table=table, header=header,
        without=_without(path, claim.get("without", []), aliases, shared.get("aliases", {})),
        names=frozenset(fold(text) for text in _texts(path, "claim.names", claim.get("names", []))),
        titles=tuple(fold(text) for text in _texts(path, "claim.titles", claim.get("titles", []))),
        not_titles=tuple(fold(text) for text in _texts(path, "claim.not_titles", claim.get("not_titles", []))),
        facts=_groups(path, "claim.facts", claim.get("facts", []), FACTS),
        replaces=frozenset(_texts(path, "claim.replaces", claim.get("replaces", []))),
        aliases=aliases,
        words=_words(path, data.get("values", {}), shared.get("values", {})),
        contains=_contains(path, data.get("contains", {}), shared.get("contains", {})),
        derive=derive,
        defaults=_defaults(path, data.get("defaults", {}), table, columns),
        drop=_drop(path, data.get("drop", {}), shared.get("drop", {}), columns),
        amount=amount,
        unknown=_unknown(path, data.get("unknown", {})),
        labels=_labels(path, data.get("labels", {}), shared.get("labels", {})),
        totals=frozenset(fold(text) for text in [*shared.get("totals", {}).get("", []), *own_totals]),
        footers=_footers(path, [*shared.get("footers", {}).get("", []), *own_footers]),
        samples=tuple(_texts(path, "samples", data.get("samples", []))),
        paths=tuple(paths), header_rows=levels, blocks=blocks, checks=checks,
        fallback=_flag(path, "claim.fallback", claim.get("fallback", False)),
        titles_below=_flag(path, "claim.titles_below", claim.get("titles_below", False)),
        title_facts=_title_facts(path, data.get("titles", {})),
        identities={name: _terms(path, f"identities.{name}", terms, columns)
                    for name, terms in data.get("identities", {}).items()},
        pick=_pick(path, data.get("pick", {}), shared.get("pick", {})) if table == STATEMENT else {},
        holder=_one_of(path, "holder", data.get("holder", ""), HOLDERS),
        refuse=str(data.get("refuse", "")), month=month, month_from=month_from, across=across,
    )


def _one_of(path: Path, key: str, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise FormatError(path, key, f"must be one of {', '.join(filter(None, allowed))}" if allowed else "unknown key")
    return str(value)


def _flag(path: Path, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FormatError(path, key, "must be true or false")
    return value


def _by_level(
    path: Path, columns: Mapping[str, Any], suffix: str = ""
) -> tuple[dict[str, list[str]], list[tuple[tuple[str, ...], str, int]]]:
    """Plain names, and those of several levels (``医疗 > 单位 > 应缴费额``) as (folded levels, column, preference)."""
    flat: dict[str, list[str]] = {}
    paths: list[tuple[tuple[str, ...], str, int]] = []
    for column, words in columns.items():
        key = f"columns.{column}{suffix}"
        flat[column] = [word for word in _texts(path, key, words) if LEVEL not in word]
        for at, word in enumerate(word for word in words if LEVEL in word):
            levels = tuple(fold(part) for part in word.split(LEVEL))  # "=医疗": the whole name, not a part of it
            if len(levels) > MAX_HEADER_ROWS or not all(levels):
                raise FormatError(path, key, f"{word!r} must have 2 to {MAX_HEADER_ROWS} levels, none of them empty")
            paths.append((levels, column + suffix, at))
    return flat, paths


def _blocks(
    path: Path, entries: Any, known: frozenset[str]
) -> tuple[tuple[Block, ...], dict[str, tuple[str, int]], list[tuple[tuple[str, ...], str, int]]]:
    """The blocks of a wide row, their plain names and those of several levels.

    Their columns are called ``employee_fen@330`` in the header's columns.
    """
    blocks: list[Block] = []
    names: dict[str, tuple[str, int]] = {}
    paths: list[tuple[tuple[str, ...], str, int]] = []
    for at, entry in enumerate(entries):
        key = f"blocks[{at}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("columns"), dict):
            raise FormatError(path, key, "needs columns = {..}")
        values = {name: value for name, value in entry.items() if name not in ("columns", "blank")}
        if not isinstance(entry.get("blank", False), bool):
            raise FormatError(path, f"{key}.blank", "must be true or false")
        for name, value in values.items():
            if name not in known or not isinstance(value, str):
                raise FormatError(path, f"{key}.{name}", "must be a column of the table with a text")
            if (allowed := _WORD_COLUMNS.get(name)) is not None and value not in allowed:
                raise FormatError(path, f"{key}.{name}", f"must be one of {', '.join(sorted(allowed))}")
        name = "-".join(values.values()) or str(at)
        flat, levels = _by_level(path, entry["columns"], f"@{name}")
        for column in entry["columns"]:
            if column not in known:
                raise FormatError(path, f"{key}.{column}", f"unknown column; known are {', '.join(sorted(known))}")
        paths += levels
        names |= {fold(word): (f"{column}@{name}", rank) for column, words in flat.items()
                  for rank, word in enumerate(words)}
        columns = {column: f"{column}@{name}" for column in entry["columns"]}
        blocks.append(Block(name, values, columns, blank=entry.get("blank", False)))
    return tuple(blocks), names, paths


def _month(path: Path, own: Any, table: str) -> tuple[str, tuple[str, ...], str]:
    """The column that a file states once, where it may, and the amount that stands in one column per month."""
    if not isinstance(own, dict) or own.keys() - {"column", "from", "across"}:
        raise FormatError(path, "month", "must be a table with column, from and across")
    if not own:
        return "", (), ""
    column, places, across = own.get("column"), own.get("from", []), own.get("across", "")
    if column not in FACTS or column not in SCHEMAS[table]:
        raise FormatError(path, "month.column", "must be a month of the table that a line may state")
    if set(_texts(path, "month.from", places)) - set(MONTH_FROM):
        raise FormatError(path, "month.from", f"must be of {', '.join(MONTH_FROM)}")
    if across and (across not in SCHEMAS[table] or not is_amount(across)):
        raise FormatError(path, "month.across", f"is not an amount of table {table}")
    return column, tuple(one for one in MONTH_FROM if one in places), across


def _title_facts(path: Path, own: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    """What words of the title state: fact -> (folded part, value)."""
    result: dict[str, tuple[tuple[str, str], ...]] = {}
    for fact, values in own.items():
        if fact not in FACTS or not isinstance(values, dict):
            raise FormatError(path, f"titles.{fact}", f"must be a table, one of {', '.join(sorted(FACTS))}")
        result[fact] = tuple((fold(text), value) for value, texts in values.items()
                             for text in _texts(path, f"titles.{fact}.{value}", texts))
    return result


def _pick(path: Path, own: Mapping[str, Any], shared: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Words by which lines of a statement are picked; a format's own list stands in for the shared one."""
    for name in (own.keys() | shared.keys()) - set(PICKS):
        raise FormatError(path, f"pick.{name}", f"must be one of {', '.join(PICKS)}")
    return {name: tuple(fold(text) for text in _texts(path, f"pick.{name}", own.get(name, shared.get(name, []))))
            for name in PICKS}


def _aliases(
    path: Path, own: Mapping[str, Any], shared: Mapping[str, list[str]], known: frozenset[str], elsewhere: set[str]
) -> dict[str, tuple[str, int]]:
    """Folded header -> (column, preference): a format's own aliases come first and win over shared ones."""
    found: dict[str, tuple[str, int]] = {}
    for level, column, words in (
        *((0, column, _texts(path, f"columns.{column}", words)) for column, words in own.items()),
        *((1000, column, shared.get(column, [])) for column in own),
    ):
        if column not in known:
            raise FormatError(path, f"columns.{column}", f"unknown column; known are {', '.join(sorted(known))}")
        for at, word in enumerate(words):
            other = found.setdefault(fold(word), (column, level + at))
            if other[0] != column and (other[1] >= 1000) == bool(level):
                raise FormatError(path, f"columns.{column}", f"{word!r} also stands for {other[0]}")
    for column in own:
        if column not in elsewhere and not any(other == column for other, _ in found.values()):
            raise FormatError(path, f"columns.{column}", f"no header name, neither here nor in {SHARED}")
    return found


def _without(
    path: Path, names: Any, aliases: Mapping[str, tuple[str, int]], shared: Mapping[str, list[str]]
) -> dict[str, str]:
    """Header words of the columns that must not be there, the format's own or shared ones."""
    words: dict[str, str] = {}
    for name in _texts(path, "claim.without", names):
        mine = {word for word, (column, _) in aliases.items() if column == name}
        theirs = {fold(word) for word in shared.get(name, [])} - aliases.keys()
        if not mine and not theirs:
            raise FormatError(path, "claim.without", f"{name}: neither among [columns] nor in {SHARED}")
        words |= dict.fromkeys(mine | theirs, name)
    return words


def _groups(path: Path, key: str, groups: Any, columns: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    parts = tuple(tuple(group.split("|")) for group in _texts(path, key, groups))
    unknown = {name for group in parts for name in group} - set(columns)
    if unknown:
        raise FormatError(path, key, f"{', '.join(sorted(unknown))}: not among [columns]")
    return parts


def _terms(path: Path, key: str, terms: Any, columns: set[str]) -> tuple[tuple[int, str, bool], ...]:
    parsed = []
    for term in _texts(path, key, terms):
        sign, name, optional = (-1 if term.startswith("-") else 1), term.lstrip("+-").rstrip("?"), term.endswith("?")
        if name.startswith(SUM_OF):  # every column of that name, in however many blocks
            parsed.append((sign, SUM_OF + fold(name.removeprefix(SUM_OF)), True))
            continue
        if name not in columns or not is_amount(name):
            raise FormatError(path, key, f"{name!r} is not an amount among [columns]")
        parsed.append((sign, name, optional))
    return tuple(parsed)


def _words(
    path: Path, own: Mapping[str, Any], shared: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, dict[str, str]]:
    result: dict[str, dict[str, str]] = {}
    for column in (own.keys() | shared.keys()) & _WORD_COLUMNS.keys():
        words: dict[str, str] = {}
        for source, key in ((shared.get(column, {}), SHARED), (own.get(column, {}), path.name)):
            mine: dict[str, str] = {}
            for value, texts in source.items():
                _check_value(path, f"values.{column}", column, value)
                for text in _texts(path, f"values.{column}.{value}", texts):
                    if mine.setdefault(fold(text), value) != value:
                        raise FormatError(path, f"values.{column}", f"{text!r} stands for two values in {key}")
            words |= mine
        result[column] = words
    for column in own.keys() - _WORD_COLUMNS.keys():
        raise FormatError(path, f"values.{column}", f"only {', '.join(sorted(_WORD_COLUMNS))} hold code words")
    return result


def _check_value(path: Path, key: str, column: str, value: str) -> None:
    allowed = _WORD_COLUMNS[column]
    bare = value.rstrip("+-") if column == "flow_kind" else value
    if allowed is not None and bare not in allowed:
        raise FormatError(path, key, f"{value!r} must be one of {', '.join(sorted(allowed))}")


def _contains(
    path: Path, own: Mapping[str, Any], shared: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, tuple[tuple[str, str], ...]]:
    result = {}
    for column in own.keys() | shared.keys():
        if column not in _WORD_COLUMNS:
            raise FormatError(path, f"contains.{column}", "holds no code words")
        pairs: list[tuple[str, str]] = []
        for source in (own.get(column, {}), shared.get(column, {})):
            for value, texts in source.items():
                _check_value(path, f"contains.{column}", column, value)
                pairs += ((fold(text), value) for text in _texts(path, f"contains.{column}.{value}", texts))
        result[column] = tuple(pairs)
    return result


def _defaults(path: Path, own: Mapping[str, Any], table: str, columns: set[str]) -> dict[str, Any]:
    for column, value in own.items():
        if column not in SCHEMAS[table]:
            raise FormatError(path, f"defaults.{column}", f"is not a column of table {table}")
        if column == "paid" and (isinstance(value, bool) or value in columns):
            continue
        if not isinstance(value, str):
            raise FormatError(path, f"defaults.{column}", "must be text (paid: true, false or a column)")
        allowed = _WORD_COLUMNS.get(column)
        if allowed is not None and value not in allowed:
            raise FormatError(path, f"defaults.{column}", f"must be one of {', '.join(sorted(allowed))}")
    return dict(own)


def _drop(
    path: Path, own: Mapping[str, Any], shared: Mapping[str, list[str]], columns: set[str]
) -> dict[str, tuple[str, ...]]:
    for column in own.keys() - columns:
        raise FormatError(path, f"drop.{column}", "not among [columns]")
    return {
        column: tuple(fold(text) for text in [*_texts(path, f"drop.{column}", own.get(column, [])),
                                              *shared.get(column, [])])
        for column in (own.keys() | shared.keys()) & columns
    }


def _unknown(path: Path, own: Mapping[str, Any]) -> dict[str, str]:
    for column, value in own.items():
        if column not in _WORD_COLUMNS or value not in UNKNOWN_WORD:
            raise FormatError(path, f"unknown.{column}", f"must be one of {', '.join(UNKNOWN_WORD)}")
    return dict(own)


def _labels(
    path: Path, own: Mapping[str, Any], shared: Mapping[str, list[str]]
) -> dict[str, tuple[str, ...]]:
    for fact in (own.keys() | shared.keys()) - FACTS:
        raise FormatError(path, f"labels.{fact}", f"must be one of {', '.join(sorted(FACTS))}")
    mine = {word for fact in own for word in _texts(path, f"labels.{fact}", own[fact])}
    return {
        fact: (*own.get(fact, []), *(word for word in shared.get(fact, []) if word not in mine))
        for fact in sorted(own.keys() | shared.keys())
    }


def _footers(path: Path, patterns: list[str]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise FormatError(path, "footers", f"{pattern!r}: {error}") from error
    return tuple(patterns)
