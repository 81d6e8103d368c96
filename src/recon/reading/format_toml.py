"""Formats as data: what one TOML file says, checked before anything is read.

``shared.toml`` beside the formats holds what all of them have in common: aliases of columns, code words, labels of the
preamble. The grammar is described in ``mappings/formats/README.md``; a mistake in a file is a
:class:`recon.reading.format.FormatError` that names file and key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recon.reading.format import (
    FACTS,
    HELPERS,
    LEVEL,
    READING_KINDS,
    SCHEMAS,
    STATEMENT,
    SUM_OF,
    Block,
    Format,
    FormatError,
    is_amount,
)
from recon.reading.values import fold
from recon.tables import FLOW_KINDS, PAYMENT_KINDS, PAYROLL_ITEMS, PROOFS

SHARED = "shared.toml"
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
_WORD_COLUMNS: dict[str, frozenset[str] | None] = {
    "payment_kind": frozenset(PAYMENT_KINDS), "paid": frozenset({"true", "false"}), "proof": frozenset(PROOFS),
    "insured_status": frozenset({"in_service", "retired", "flexible", "other"}), "scheme": None, "tier": None,
    "sub_account": frozenset({"current_year", "past_years"}), "ledger": frozenset({"app", "bank", "wallet"}),
    "flow_kind": frozenset(FLOW_KINDS), "reversed": frozenset({"original", "reversing", "no"}),
    "void": frozenset({"true", "false"}), "id_type": None, "direction": frozenset({"in", "out", "none"}),
    "state": frozenset({"done", "void"}), "kind": frozenset(READING_KINDS), "item": frozenset(PAYROLL_ITEMS),
    "deferred": frozenset({"true"}), "party": frozenset({"person", "employer"}),
}


def read_toml(path: Path) -> dict[str, Any]:
    """The file as TOML; FormatError where it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(path, "-", f"not valid TOML: {error}") from error


def merge_shared(path: Path, shared: dict[str, dict[str, Any]], data: dict[str, Any]) -> None:
    """Add to ``shared`` what ``data``, a shared.toml, holds; FormatError where a section or an entry is wrong."""
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


def check_head(path: Path, data: dict[str, Any]) -> None:
    """FormatError unless the sections that every format has are there, and none that no format has."""
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


def build_format(path: Path, data: dict[str, Any], shared: Mapping[str, Mapping[str, Any]]) -> Format:
    """The format that ``data`` says, with the words of ``shared``; FormatError at the first mistake."""
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
