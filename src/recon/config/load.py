"""``recon.toml`` -> Settings, or every mistake in it: file, key, what is wrong and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from recon.config.keys import KEYS, REPEATED, REPEATED_KEYS, SECTIONS, Key

CONFIG_NAME = "recon.toml"
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_REPORT_FIELDS = re.compile(r"\{(?!as_of\}|month\})[^}]*\}?")


class ConfigError(Exception):
    """All mistakes of one file, a line each."""


@dataclass(frozen=True)
class Channel:
    """Where a notification goes; its address is read from the environment or a protected file when it is sent."""

    name: str
    url_env: str | None = None
    url_file: Path | None = None


@dataclass(frozen=True)
class Payer:
    """A paying unit (缴费主体), by its tax id or unit number."""

    payer: str
    name: str | None = None
    employer: str | None = None
    branch: str | None = None
    region: str | None = None
    agency: bool = False
    aliases: tuple[str, ...] = ()
    offset: int | None = None


@dataclass(frozen=True)
class Region:
    """A region's own rules, by its code."""

    region: str
    joins_by: int | None = None
    leaves_from: int | None = None
    deadline_day: int | None = None
    offset: int | None = None


@dataclass(frozen=True)
class Deferral:
    """Months, both included, whose employer part may be paid later."""

    first: date
    last: date
    payer: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Settings:
    """What a run is told; None where nobody said anything. Paths are absolute or relative to the working directory."""

    file: Path | None = None  # the recon.toml they come from
    folder: Path | None = None
    report: Path | None = None
    tables: Path | None = None
    tables_format: str | None = None
    mappings: Path | None = None
    passwords: Path | None = None
    as_of: str | None = None
    region: str | None = None
    tolerance: int | None = None
    edition: str | None = None
    lang: str | None = None
    full_ids: bool | None = None
    fail_on: str | None = None
    leg_payroll: str | None = None
    leg_declared: str | None = None
    leg_arrived: str | None = None
    leg_payment: str | None = None
    leg_flow: str | None = None
    holidays: tuple[date, ...] | None = None
    workdays: tuple[date, ...] | None = None
    company: str | None = None
    offset: int | None = None
    joins_by: int | None = None
    leaves_from: int | None = None
    deadline_day: int | None = None
    rounding_fen: int | None = None
    cohort_people: int | None = None
    cohort_percent: int | None = None
    unit_short_percent: int | None = None
    min_fen: int | None = None
    min_people: int | None = None
    stale_days: int | None = None
    state: Path | None = None
    cache: bool | None = None
    keep_runs: int | None = None
    monthly: int | None = None
    at: str | None = None
    next_workday: bool | None = None
    kind: str | None = None
    notify_when: str | None = None
    channels: tuple[Channel, ...] = ()
    payers: tuple[Payer, ...] = ()
    regions: tuple[Region, ...] = ()
    deferrals: tuple[Deferral, ...] = ()

    def over(self, given: Mapping[str, Any]) -> Settings:
        """These settings with what is ``given`` (and not None) in their place: the command line wins."""
        known = {one.name for one in fields(self)}
        return replace(self, **{name: value for name, value in given.items() if name in known and value is not None})

    @property
    def legs(self) -> dict[str, str]:
        """What is said of each leg; auto where nothing is."""
        names = ("payroll", "declared", "arrived", "payment", "flow")
        return {name: getattr(self, f"leg_{name}") or "auto" for name in names}


def find_config(folder: Path | None, given: Path | None) -> Path | None:
    """The file given, else ``recon.toml`` in ``folder`` (without one: in the working directory), else None."""
    if given is not None:
        return given
    path = (folder or Path()) / CONFIG_NAME
    return path if path.is_file() else None


def load_config(path: Path) -> Settings:
    """The settings of one file. Raises ConfigError with every mistake in it, each with what to do."""
    shown = path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"没有这个配置文件：{shown}；用 recon init 写一份 / no such file; write one with recon init"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise ConfigError(f"{shown} 读不了（{why}）；请存为 UTF-8 文本 / cannot be read; save it as UTF-8") from None
    return read_config(text, path)


def read_config(text: str, path: Path) -> Settings:
    """The settings that ``text`` states as the content of ``path``; raises ConfigError like :func:`load_config`."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path.name} 不是合格的 TOML：{error}；文字要加引号，路径用单引号或 / / not valid TOML; quote texts, "
            "write paths in single quotes or with /"
        ) from None
    reader = _Reader(path, text)
    values = dict(reader.read(data))
    if reader.mistakes:
        raise ConfigError("\n".join(reader.mistakes))
    return Settings(file=path, **values)


class _Wrong(Exception):
    """What is expected instead, in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh, self.en = zh, en


@dataclass
class _Reader:
    """Walks one file's tables and collects values and mistakes."""

    path: Path
    text: str
    mistakes: list[str] = field(default_factory=list)

    def read(self, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """(field of Settings, value) for every key that is right."""
        outer = [name for name in REPEATED if "." not in name]
        for section, table in data.items():
            if section in outer:
                yield section, tuple(self._repeated(section, table))
            elif section not in SECTIONS:
                self._unknown("", section, [*SECTIONS, *outer])
            elif not isinstance(table, dict):
                self._wrong("", section, _Wrong(f"应写成 [{section}] 一节", f"must be a section [{section}]"))
            else:
                table = dict(table)
                inner = [name for name in REPEATED if name.startswith(f"{section}.")]
                for name in inner:
                    last = name.rpartition(".")[2]
                    if last in table:
                        yield last, tuple(self._repeated(name, table.pop(last)))
                keys = [key for key in KEYS if key.section == section]
                read = self._keys(section, keys, table, [name.rpartition(".")[2] for name in inner])
                yield from ((key.field, value) for key, value in read)

    def _keys(self, section: str, keys: list[Key], table: Mapping[str, Any], more: list[str]) -> list[tuple[Key, Any]]:
        """(key, value) of one table; ``more`` are further names that may stand in it."""
        by_name = {key.name: key for key in keys}
        found = []
        for name, value in table.items():
            if name not in by_name:
                self._unknown(section, name, [*by_name, *more])
                continue
            try:
                found.append((by_name[name], _value(by_name[name], value, self.path.parent)))
            except _Wrong as wrong:
                self._wrong(section, name, wrong)
        return found

    def _repeated(self, section: str, value: Any) -> Iterator[Channel | Payer | Region | Deferral]:
        """The entries of a section that may be repeated: ``[name."ID"]`` or ``[[name]]``."""
        written = REPEATED[section][0]
        entries: list[tuple[str, Any]]
        if written.startswith("[["):
            entries = [(str(number), one) for number, one in enumerate(value, 1)] if isinstance(value, list) else []
        else:
            entries = list(value.items()) if isinstance(value, dict) else []
        if not entries or not all(isinstance(entry, dict) for _, entry in entries):
            self._wrong("", section, _Wrong(f"应写成 {written}", f"write it as {written}"))
            return
        keys = [key for key in REPEATED_KEYS if key.section == section]
        for name, entry in entries:
            place = f"{section} {name}"
            if section == "notify.channels" and "url" in entry:
                entry = {key: one for key, one in entry.items() if key != "url"}
                self._wrong(place, "url", _Wrong(
                    "地址含密钥，不能写在这里：放进环境变量（url_env）或只有本人可读的文件（url_file）",
                    "an address holds a secret: put it in an environment variable (url_env) or a file readable by you "
                    "alone (url_file)"))
            read = {key.name: one for key, one in self._keys(place, keys, entry, [])}
            match section:
                case "notify.channels":
                    if ("url_env" in read) == ("url_file" in read):
                        self._wrong(place, "url_env", _Wrong("url_env 和 url_file 写且只写一个",
                                                             "give one of url_env and url_file"))
                    yield Channel(**{"name": name} | read)
                case "payers":
                    yield Payer(name, **read)
                case "regions":
                    yield Region(name, **read)
                case _:
                    if "first" not in read or "last" not in read or read["first"] > read["last"]:
                        self._wrong(place, "first", _Wrong("first 和 last 都要写，first 不晚于 last",
                                                           "first and last are needed, in that order"))
                    else:
                        yield Deferral(**read)

    def _unknown(self, section: str, name: str, known: list[str]) -> None:
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"；相近的有：{'、'.join(near)}" if near else f"；可用的有：{'、'.join(known)}"
        hint_en = f"; near: {', '.join(near)}" if near else f"; known: {', '.join(known)}"
        what = ("没有这个键", "no such key") if section else ("没有这一节", "no such section")
        self.mistakes.append(f"{self._place(section, name)}：{what[0]}{hint} / {what[1]}{hint_en}")

    def _wrong(self, section: str, name: str, wrong: _Wrong) -> None:
        self.mistakes.append(f"{self._place(section, name)}：{wrong.zh} / {wrong.en}")

    def _place(self, section: str, name: str) -> str:
        """``recon.toml:12 [run] tolerance``; the line is looked up in the text, for tomllib does not tell it."""
        head = re.escape(section.partition(" ")[0])
        inside = re.search(rf"^\s*\[+\s*{head}\b.*$", self.text, re.MULTILINE) if section else None
        start = inside.end() if inside else 0
        found = re.search(rf"^\s*\[*\"?{re.escape(name)}\"?\s*[\]=.]", self.text[start:], re.MULTILINE)
        line = f":{self.text.count(chr(10), 0, start + found.end()) + 1}" if found else ""
        inner = f" [{section}]" if section else ""
        return f"{self.path.name}{line}{inner} {name}"


def _text() -> _Wrong:
    return _Wrong("应是加引号的文字", "must be a quoted text")


def _flag() -> _Wrong:
    return _Wrong("应是 true 或 false", "must be true or false")


def _value(key: Key, value: Any, base: Path) -> Any:
    """The value of a key as Settings holds it; raises _Wrong with what is expected."""
    match key.kind:
        case "flag":
            if isinstance(value, bool):
                return value
            raise _flag()
        case "number":
            if isinstance(value, int) and not isinstance(value, bool) and key.low <= value <= key.high:
                return value
            raise _Wrong(f"应是 {key.low} 到 {key.high} 的整数", f"must be a whole number from {key.low} to {key.high}")
        case "money":
            return _fen(value)
        case "texts":
            if isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value):
                return tuple(one.strip() for one in value)
            raise _Wrong('应是加引号的文字的列表，如 ["甲"]', 'must be a list of quoted texts like ["A"]')
        case "days":
            if isinstance(value, list) and all(_is_day(one) for one in value):
                return tuple(value)
            raise _Wrong("应是日期的列表，如 [2027-02-05]", "must be a list of days like [2027-02-05]")
    if key.name == "as_of" and _is_day(value):
        value = value.isoformat()
    if not isinstance(value, str) or not value.strip():
        raise _text()
    value = value.strip()
    if key.kind == "choice" and value not in key.choices:
        near = get_close_matches(value, key.choices, n=1)
        hint = f"；是否指 {near[0]}？" if near else ""
        raise _Wrong(f"只能是 {'、'.join(key.choices)}{hint}", f"must be one of {', '.join(key.choices)}")
    if key.kind == "time":
        found = _TIME.fullmatch(value)
        if not found:
            raise _Wrong('应是 "HH:MM"，如 "08:30"', 'must be "HH:MM" like "08:30"')
        return f"{int(found[1]):02d}:{found[2]}"
    if key.kind == "month":
        try:
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            raise _Wrong('应是 "年-月"，如 "2025-01"', 'must be "YYYY-MM" like "2025-01"') from None
    if key.name == "as_of" and value != "today":
        try:
            date.fromisoformat(value)
        except ValueError:
            raise _Wrong('应是 "today" 或日期，如 "2025-01-31"', 'must be "today" or a day like "2025-01-31"') from None
    if key.kind == "path":
        if key.name == "report" and (_REPORT_FIELDS.search(value) or not value.lower().endswith(".xlsx")):
            raise _Wrong("应以 .xlsx 结尾，花括号里只能是 {as_of} 或 {month}",
                         "must end in .xlsx; only {as_of} and {month} may stand in braces")
        return base / Path(value).expanduser()
    return value


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _fen(value: Any) -> int:
    """Yuan as text, whole number or exact decimal -> fen."""
    wrong = _Wrong('应是元，如 "1.00"，不小于 0，至多两位小数',
                   'must be yuan like "1.00": not negative, two decimals at most')
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or "_" in str(value):  # "1_00" is no sum
        raise wrong
    try:
        fen = Decimal(value) * 100
    except InvalidOperation:
        raise wrong from None
    if not fen.is_finite() or fen < 0 or fen != fen.to_integral_value():
        raise wrong
    return int(fen)
