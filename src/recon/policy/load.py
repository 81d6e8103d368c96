"""Policy files -> Policy: reads, checks everything, and lays the user's files over the shipped ones value by value."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
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


def load_policy(directories: Sequence[Path]) -> Policy:
    """The policy of all ``directories``: the shipped one first, each later one overriding value by value.

    A later file with the same region code and the same ``from`` replaces only the keys it gives; a new ``from`` adds an
    entry. Raises PolicyError with every mistake found, naming file and key.
    """
    mistakes: list[Mistake] = []
    regions: dict[str, RegionFile] = {}
    for rank, directory in enumerate(directories):
        here: dict[str, str] = {}
        for path in policy_files(directory):
            region = _read(path, rank, mistakes)
            if region is None:
                continue
            file = region.files[0]
            if region.code in here:
                mistakes.append(Mistake(file, "code", f"{region.code} already stands in {here[region.code]}"))
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
        mistakes.append(Mistake(file, "", f"cannot be read: {type(error).__name__}; save it as UTF-8"))
        return None
    except tomllib.TOMLDecodeError as error:
        mistakes.append(Mistake(file, "", f"is not valid TOML: {error}"))
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
            self.wrong("sources", "is not a table of name = text")
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
            self.wrong("code", "is missing; it is the six-digit code of the region")
        region.code = str(region.about.pop("code", ""))
        return region

    def section(self, region: RegionFile, section: str, raw: object) -> None:
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            self.wrong(section, f"is a list of entries; write [[{section}]]")
            return
        for number, item in enumerate(raw, start=1):
            place = f"{section}[{number}]"
            code = ""
            if section in CODED:
                code = str(item.get("code", ""))
                if not code:
                    self.wrong(f"{place}.code", "is missing")
                    continue
            elif "code" in item:
                self.wrong(f"{place}.code", f"is not for [[{section}]]")
            entry = self.entry(section, place, item)
            if entry is None:
                continue
            entries = region.sections.setdefault((section, code), [])
            if entries and entry.start <= entries[-1].start:
                problem = "overlaps" if entry.start == entries[-1].start else "comes after"
                self.wrong(f"{place}.from", f"{entry.since} {problem} the entry from {entries[-1].since}; "
                                            "entries stand in the order of their months, each month once")
                continue
            entries.append(entry)

    def entry(self, section: str, place: str, item: Table) -> Entry | None:
        keys = SECTIONS[section]
        for key in item:
            if key not in ENTRY_KEYS and key not in keys:
                self.wrong(f"{place}.{key}", _unknown_key(key, [*ENTRY_KEYS, *keys]))
        if "from" not in item:
            self.wrong(f"{place}.from", 'is missing; write a month such as "2024-05", or "open"')
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
        uncertain = self.month(place, "uncertain_from", item) if "uncertain_from" in item else None
        if uncertain is not None and uncertain >= start:
            self.wrong(f"{place}.uncertain_from", f"{item['uncertain_from']} is not before from {since}")
        if not set(item) & {*keys, "unknown", "note"}:
            self.wrong(place, "states nothing; give a value, or name under unknown what is not known")
        return Entry(
            start, since, values, uncertain, self.word(place, item, "applies_to", ("accrual", "credit")),
            self.word(place, item, "basis"), self.word(place, item, "note"), own.get("from", confidence), self.rank,
        )

    def month(self, place: str, key: str, item: Table) -> date | None:
        try:
            if key != "from" and item[key] == OPEN:
                raise ValueError('is a month such as "2021-05"')  # noqa: TRY301  one handler for both
            return month(item[key])
        except ValueError as error:
            self.wrong(f"{place}.{key}", str(error))
            return None

    def source(self, place: str, item: Table) -> tuple[str, ...]:
        """The texts of the entry's sources; ``@name`` stands for a text of the file's [sources]."""
        raw = item.get("source")
        if raw is None:
            self.wrong(f"{place}.source", "is missing; every value needs the text or page it was taken from")
            return ()
        found = []
        try:
            for name in texts([raw] if isinstance(raw, str) else raw):
                if name.startswith("@") and name[1:] not in self.sources:
                    self.wrong(f"{place}.source", f"{name} is not in [sources]")
                else:
                    found.append(text(self.sources[name[1:]]) if name.startswith("@") else name)
        except ValueError as error:
            self.wrong(f"{place}.source", str(error))
        return tuple(found)

    def confidence(self, section: str, place: str, item: Table) -> tuple[str, dict[str, str]]:
        """The entry's confidence and the differing ones of single values (``from``: of the month itself)."""
        given = item.get("confidence")
        if given not in CONFIDENCES:
            self.wrong(f"{place}.confidence", f"{given!r} is none of: {', '.join(CONFIDENCES)}" if given is not None
                       else f"is missing; it is one of: {', '.join(CONFIDENCES)}")
        own = item.get("confidence_of", {})
        if not isinstance(own, dict):
            self.wrong(f"{place}.confidence_of", "is not a table of key = confidence")
            own = {}
        for key, word in own.items():
            if key != "from" and key not in SECTIONS[section]:
                self.wrong(f"{place}.confidence_of.{key}", _unknown_key(key, ["from", *SECTIONS[section]]))
            elif word not in CONFIDENCES:
                self.wrong(f"{place}.confidence_of.{key}", f"{word!r} is none of: {', '.join(CONFIDENCES)}")
        return str(given), {str(key): str(word) for key, word in own.items()}

    def unknown(self, section: str, place: str, item: Table) -> tuple[str, ...]:
        raw = item.get("unknown", [])
        names = tuple(raw) if isinstance(raw, list) else ()
        if not isinstance(raw, list) or not all(isinstance(name, str) for name in names):
            self.wrong(f"{place}.unknown", "is a list of key names")
            return ()
        for name in names:
            if name not in SECTIONS[section]:
                self.wrong(f"{place}.unknown", _unknown_key(name, list(SECTIONS[section])))
            elif name in item:
                self.wrong(f"{place}.unknown", f"{name} is both stated and unknown")
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
            self.wrong(f"{place}.{key}", f"{found!r} is none of: {', '.join(words)}")
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
            mistakes.append(Mistake(region.files[0], "name", f"is missing; no other file names region {region.code}"))
        for name in dict.fromkeys((str(region.about.get("name", region.code)), *_aliases(region))):
            if owner.setdefault(name, region.code) != region.code:
                mistakes.append(Mistake(region.files[-1], "aliases", f"{name} is also a name of {owner[name]}"))
    return mistakes


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key}; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
