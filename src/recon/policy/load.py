"""Policy files -> Policy: reads, checks everything, and lays the user's files over the shipped ones value by value."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from recon.policy.grammar import (
    ABOUT,
    CODED,
    CONFIDENCES,
    ENTRY_KEYS,
    OPEN,
    SECTIONS,
    Entry,
    Mistake,
    PolicyError,
    RegionFile,
    Value,
    month,
    text,
    texts,
)
from recon.policy.resolve import Policy

Table = dict[str, object]
_KEYS_ABOVE = re.compile(r"^\s*(code|id)\s*=", re.MULTILINE)  # of a file that is no valid TOML


def load_policy(layers: Sequence[Path | Sequence[Path]]) -> Policy:
    """The policy of all ``layers``: the shipped one first, each later one overriding value by value.

    A layer is a directory of policy files, or the files themselves. A later file with the same region code and the same
    ``from`` replaces only the keys it gives; a new ``from`` adds an entry. Raises PolicyError with every mistake found,
    naming file and key. Files that have not changed are not read again by the same process.
    """
    return _loaded(tuple(
        tuple((path, *_stamp(path)) for path in (policy_files(layer) if isinstance(layer, Path) else layer))
        for layer in layers
    ))


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does: when it was written, and its size."""
    try:
        state = path.stat()
    except OSError:  # the reader proper says so
        return 0, 0
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=8)
def _loaded(layers: tuple[tuple[tuple[Path, int, int], ...], ...]) -> Policy:
    mistakes: list[Mistake] = []
    regions: dict[str, RegionFile] = {}
    for rank, layer in enumerate(layers):
        here: dict[str, str] = {}
        for path, *_ in layer:
            region = _read(path, rank, mistakes)
            if region is None:
                continue
            file = region.files[0]
            if region.code in here:
                message = f"{region.code} 已在另一个文件里 / already stands in {here[region.code]}"
                mistakes.append(Mistake(file, "code", message))
                continue
            here[region.code] = file
            regions[region.code] = _laid_over(regions[region.code], region) if region.code in regions else region
    mistakes += _name_mistakes(regions.values())
    if mistakes:
        raise PolicyError(mistakes)
    return Policy(regions)


def policy_files(directory: Path) -> list[Path]:
    """The policy files of a directory: all TOML in its ``policy`` folder, else those that state a region ``code``.

    Format files (they have an ``id``) may lie in the same folder and are left alone.
    """
    if (directory / "policy").is_dir():
        return sorted((directory / "policy").glob("*.toml"))
    found = sorted(directory.glob("*.toml"))
    return found if directory.name == "policy" else [path for path in found if _states_region(path)]


def exported_policy_files(folder: Path) -> list[Path]:
    """The policy files that lie among the exports of ``folder``.

    These are ``policy/*.toml``, ``*.policy.toml``, and any other ``*.toml`` directly in it that is one by its content
    (it states a region ``code`` and no format ``id``).
    """
    named = [*folder.glob("policy/*.toml"), *folder.glob("*.policy.toml")]
    others = [path for path in folder.glob("*.toml") if path not in named and _is_policy(path)]
    return sorted(path for path in {*named, *others} if path.is_file())


def _is_policy(path: Path) -> bool:
    """Whether a TOML file of unknown purpose states a region, as far as a broken one can still be told by its keys."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        keys = set(tomllib.loads(content))
    except tomllib.TOMLDecodeError:
        keys = set(_KEYS_ABOVE.findall(content.split("\n[")[0]))  # the reader proper says what is wrong with it
    return "code" in keys and "id" not in keys


def _states_region(path: Path) -> bool:
    try:
        return "code" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    except tomllib.TOMLDecodeError:
        return True  # the reader proper says what is wrong with it


def _read(path: Path, rank: int, mistakes: list[Mistake]) -> RegionFile | None:
    file = f"{path.parent.name}/{path.name}"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        mistakes.append(Mistake(file, "", f"读不了，请存为 UTF-8 / cannot be read: {why}; save it as UTF-8"))
        return None
    except tomllib.TOMLDecodeError as error:
        mistakes.append(Mistake(file, "", f"不是有效的 TOML / is not valid TOML: {error}"))
        return None
    region = _Reading(file, rank, data, mistakes).region()
    return region if region.code else None


class _Reading:
    """One file on its way in; every mistake is noted and the rest is read on."""

    def __init__(self, file: str, rank: int, data: Table, mistakes: list[Mistake]):
        self.file, self.rank, self.data, self.mistakes = file, rank, data, mistakes
        self.sources: Table = {}

    def wrong(self, key: str, message: str) -> None:
        self.mistakes.append(Mistake(self.file, key, message))

    def region(self) -> RegionFile:
        sources = self.data.get("sources", {})
        if isinstance(sources, dict):
            self.sources = sources
        else:
            self.wrong("sources", "应写成 名称 = 文字 / is not a table of name = text")
        region = RegionFile("", [self.file])
        for key, raw in self.data.items():
            if key == "sources":
                continue
            if key in ABOUT:
                try:
                    region.about[key] = ABOUT[key](raw)
                except ValueError as error:
                    self.wrong(key, str(error))
            elif key in SECTIONS:
                self.section(region, key, raw)
            else:
                self.wrong(key, _unknown_key(key, [*ABOUT, "sources", *SECTIONS]))
        if "code" not in self.data:
            self.wrong("code", "缺少统筹区的六位代码 / is missing; it is the six-digit code of the region")
        region.code = str(region.about.pop("code", ""))
        return region

    def section(self, region: RegionFile, section: str, raw: object) -> None:
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            self.wrong(section, f"要用双方括号，写成 [[{section}]] / is a list of entries; write [[{section}]]")
            return
        for number, item in enumerate(raw, start=1):
            place = f"{section}[{number}]"
            code = ""
            if section in CODED:
                code = str(item.get("code", ""))
                if not code:
                    self.wrong(f"{place}.code", "没有写 / is missing")
                    continue
            elif "code" in item:
                self.wrong(f"{place}.code", f"不用写在 / is not for [[{section}]]")
            entry = self.entry(section, place, item)
            if entry is None:
                continue
            entries = region.sections.setdefault((section, code), [])
            if entries and entry.start <= entries[-1].start:
                problem = "重复 / overlaps" if entry.start == entries[-1].start else "早于前一条 / comes before"
                self.wrong(f"{place}.from", f"{entry.since} {problem} the entry from {entries[-1].since}；按月份先后"
                                            "写，每月一条 / entries stand in the order of months, each month once")
                continue
            entries.append(entry)

    def entry(self, section: str, place: str, item: Table) -> Entry | None:
        keys = SECTIONS[section]
        for key in item:
            if key not in ENTRY_KEYS and key not in keys:
                self.wrong(f"{place}.{key}", _unknown_key(key, [*ENTRY_KEYS, *keys]))
        if "from" not in item:
            self.wrong(f"{place}.from", '没有写，请写月份如 "2024-05" 或 "open" / is missing; write a month such as '
                                        '"2024-05", or "open"')
            return None
        start = self.month(place, "from", item)
        if start is None:
            return None
        source = self.source(place, item)
        confidence, own = self.confidence(section, place, item)
        unknown = self.unknown(section, place, item)
        values: dict[str, Value] = {}
        since = str(item["from"])
        for key, spec in keys.items():
            if key not in item and key not in unknown:
                continue
            parsed: object = None
            if key in item:
                try:
                    parsed = spec.read(item[key])
                except ValueError as error:
                    self.wrong(f"{place}.{key}", str(error))
                    continue
            values[key] = Value(parsed, key in item, since, source, own.get(key, confidence), self.file)
        first, last = (one.parsed if (one := values.get(key)) else None for key in ("first_day", "last_day"))
        if section == "stop" and isinstance(first, date) and isinstance(last, date) and last < first:
            self.wrong(f"{place}.last_day", f"{last} 早于 / is before first_day {first}")
        uncertain = self.month(place, "uncertain_from", item) if "uncertain_from" in item else None
        if uncertain is not None and uncertain >= start:
            self.wrong(f"{place}.uncertain_from", f"{item['uncertain_from']} 应早于 / is not before from {since}")
        if not set(item) & {*keys, "unknown", "note"}:
            self.wrong(place, "什么也没有写；写一个值，或在 unknown 里列出不知道的 / "
                              "states nothing; give a value, or name under unknown what is not known")
        return Entry(
            start, since, values, uncertain, self.word(place, item, "applies_to", ("accrual", "credit")),
            self.word(place, item, "basis"), self.word(place, item, "note"), own.get("from", confidence), self.rank,
        )

    def month(self, place: str, key: str, item: Table) -> date | None:
        try:
            if key != "from" and item[key] == OPEN:
                raise ValueError('请写月份如 "2021-05" / is a month such as "2021-05"')  # noqa: TRY301  one handler for both
            return month(item[key])
        except ValueError as error:
            self.wrong(f"{place}.{key}", str(error))
            return None

    def source(self, place: str, item: Table) -> tuple[str, ...]:
        """The texts of the entry's sources; ``@name`` stands for a text of the file's [sources]."""
        raw = item.get("source")
        if raw is None:
            self.wrong(f"{place}.source", "没有写来源，每个值都要写出自哪份文件 / "
                       "is missing; every value needs the text or page it was taken from")
            return ()
        found = []
        try:
            for name in texts([raw] if isinstance(raw, str) else raw):
                if name.startswith("@") and name[1:] not in self.sources:
                    self.wrong(f"{place}.source", f"{name} 不在 [sources] 里 / is not in [sources]")
                else:
                    found.append(text(self.sources[name[1:]]) if name.startswith("@") else name)
        except ValueError as error:
            self.wrong(f"{place}.source", str(error))
        return tuple(found)

    def confidence(self, section: str, place: str, item: Table) -> tuple[str, dict[str, str]]:
        """The entry's confidence and the differing ones of single values (``from``: of the month itself)."""
        given = item.get("confidence")
        if given not in CONFIDENCES:
            words = ", ".join(CONFIDENCES)
            self.wrong(f"{place}.confidence", f"{given!r} 只能是其中之一 / is none of: {words}" if given is not None
                       else f"没有写可信度 / is missing; it is one of: {words}")
        own = item.get("confidence_of", {})
        if not isinstance(own, dict):
            self.wrong(f"{place}.confidence_of", "应写成 项 = 可信度 / is not a table of key = confidence")
            own = {}
        for key, word in own.items():
            if key != "from" and key not in SECTIONS[section]:
                self.wrong(f"{place}.confidence_of.{key}", _unknown_key(key, ["from", *SECTIONS[section]]))
            elif word not in CONFIDENCES:
                words = ", ".join(CONFIDENCES)
                self.wrong(f"{place}.confidence_of.{key}", f"{word!r} 只能是其中之一 / is none of: {words}")
        return str(given), {str(key): str(word) for key, word in own.items()}

    def unknown(self, section: str, place: str, item: Table) -> tuple[str, ...]:
        raw = item.get("unknown", [])
        names = tuple(raw) if isinstance(raw, list) else ()
        if not isinstance(raw, list) or not all(isinstance(name, str) for name in names):
            self.wrong(f"{place}.unknown", "应是项名的列表 / is a list of key names")
            return ()
        for name in names:
            if name not in SECTIONS[section]:
                self.wrong(f"{place}.unknown", _unknown_key(name, list(SECTIONS[section])))
            elif name in item:
                self.wrong(f"{place}.unknown", f"{name} 既写了值又列为不知道 / is both stated and unknown")
        return names

    def word(self, place: str, item: Table, key: str, words: tuple[str, ...] = ()) -> str | None:
        if key not in item:
            return None
        try:
            found = text(item[key])
        except ValueError as error:
            self.wrong(f"{place}.{key}", str(error))
            return None
        if words and found not in words:
            self.wrong(f"{place}.{key}", f"{found!r} 只能是其中之一 / is none of: {', '.join(words)}")
        return found


def _laid_over(lower: RegionFile, upper: RegionFile) -> RegionFile:
    """One region of two directories: the upper one's values where it states them, all else of the lower one."""
    about = {**lower.about, **upper.about}
    if "aliases" in lower.about and "aliases" in upper.about:
        about["aliases"] = tuple(dict.fromkeys((*_aliases(lower), *_aliases(upper))))
    sections = {key: list(entries) for key, entries in lower.sections.items()}
    for key, entries in upper.sections.items():
        by_start = {entry.start: entry for entry in sections.get(key, [])}
        for entry in entries:
            by_start[entry.start] = _entry_over(by_start[entry.start], entry) if entry.start in by_start else entry
        sections[key] = [_certain_since(by_start[start], by_start.values()) for start in sorted(by_start)]
    return RegionFile(lower.code, [*lower.files, *upper.files], about, sections)


def _entry_over(lower: Entry, upper: Entry) -> Entry:
    # Whoever restates how the month is known also restates whether its start is uncertain.
    uncertain = upper.uncertain_from if upper.basis or upper.uncertain_from else lower.uncertain_from
    return replace(
        lower, values={**lower.values, **upper.values}, uncertain_from=uncertain, rank=upper.rank,
        applies_to=upper.applies_to or lower.applies_to, basis=upper.basis or lower.basis,
        note=upper.note or lower.note, confidence=upper.confidence if upper.basis else lower.confidence,
    )


def _certain_since(entry: Entry, entries: Iterable[Entry]) -> Entry:
    """``entry`` without the uncertain window before it where a later file says what held in that window."""
    if entry.uncertain_from is not None and any(
        other.rank > entry.rank and entry.uncertain_from <= other.start < entry.start for other in entries
    ):
        return replace(entry, uncertain_from=None)
    return entry


def _aliases(region: RegionFile) -> tuple[str, ...]:
    found = region.about.get("aliases", ())
    return found if isinstance(found, tuple) else ()


def _name_mistakes(regions: Iterable[RegionFile]) -> list[Mistake]:
    """Regions without a name, and names that two regions claim."""
    mistakes, owner = [], dict[str, str]()
    for region in regions:
        if "name" not in region.about:
            message = f"没有写名称 / is missing; no other file names region {region.code}"
            mistakes.append(Mistake(region.files[0], "name", message))
        for name in dict.fromkeys((str(region.about.get("name", region.code)), *_aliases(region))):
            if owner.setdefault(name, region.code) != region.code:
                message = f"{name} 已是另一地区的名称 / is also a name of {owner[name]}"
                mistakes.append(Mistake(region.files[-1], "aliases", message))
    return mistakes


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"不认识的项 / unknown key {key}; " + (
        f"是不是 / did you mean {near[0]}?" if near else f"已知的有 / known are {', '.join(known)}")
