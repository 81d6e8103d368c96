"""What a run is told: ``recon.toml`` and the command line as settings, and the settings as options of the batch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from recon import batch
from recon.batch import Options, UsageError
from recon.config import CONFIG_NAME, Channel, ConfigError, Settings, find_config, load_config, read_config, template
from recon.config.load import Deferral, Payer, Region

if TYPE_CHECKING:
    from recon.core.payroll_settings import PayrollSettings

REPORT = Path("report.xlsx")
_ALWAYS_JOINS, _ALWAYS_LEAVES = 31, 1  # where only one half of the mid-month rule is stated


def settle(
    folder: Path | None, config: Path | None, given: Mapping[str, Any], *, needs_folder: bool = True
) -> Settings:
    """The settings of a run: what is ``given`` (the command line) over the file, the folder among them.

    Raises UsageError for mistakes in the file, and where no folder is known but needed.
    """
    path = find_config(folder, config)
    try:
        settings = load_config(path) if path else Settings()
    except ConfigError as error:
        raise UsageError(str(error)) from None
    settings = settings.over({**given, "folder": folder})
    if settings.folder is None and path is not None:
        settings = settings.over({"folder": path.parent})
    if settings.folder is None and needs_folder:
        raise UsageError(
            "没有指定文件夹：写 recon run 文件夹，或用 recon init 写一份配置 / no folder: give one, or write a "
            "configuration with recon init"
        )
    return settings


def options_of(settings: Settings, ask: batch.Ask | None = None) -> Options:
    """The part of the settings that decides answers; ``ask`` may be asked for the password of a file."""
    return Options(
        as_of=settings.as_of, region=settings.region, tolerance=settings.tolerance, mappings=settings.mappings,
        edition=settings.edition, lang=settings.lang or "zh", full_ids=bool(settings.full_ids), legs=settings.legs,
        payroll=payroll_of(settings), passwords=settings.passwords, ask=ask,
    )


def payroll_of(settings: Settings) -> PayrollSettings:
    """What the payroll legs are told of the firm."""
    from recon.core import payroll_settings as rules

    joins = {"": settings.joins_by} | {one.region: one.joins_by for one in settings.regions}
    leaves = {"": settings.leaves_from} | {one.region: one.leaves_from for one in settings.regions}
    deadlines = {"": settings.deadline_day} | {one.region: one.deadline_day for one in settings.regions}
    offsets = {("", ""): settings.offset} | {(one.region, ""): one.offset for one in settings.regions} | {
        ("", one.payer): one.offset for one in settings.payers}
    named = {"payment": "bank", "flow": "credit"}
    numbers = {"cohort_people": settings.cohort_people, "cohort_percent": settings.cohort_percent,
               "rounding_fen": settings.rounding_fen, "unit_short_percent": settings.unit_short_percent}
    stated = {name: number for name, number in numbers.items() if number is not None}
    return rules.PayrollSettings(
        company=settings.company or "",
        payers={
            one.payer: rules.Payer(one.name or one.payer, one.employer, one.branch, one.region, one.agency, one.aliases)
            for one in settings.payers},
        mid_month={region: rules.MidMonthRule(_or(joins[region], _ALWAYS_JOINS), _or(leaves[region], _ALWAYS_LEAVES))
                   for region in joins if joins[region] is not None or leaves[region] is not None},
        offsets={key: offset for key, offset in offsets.items() if offset is not None},
        deferrals=tuple(rules.Deferral(one.first, one.last, one.payer, one.region) for one in settings.deferrals),
        deadline_day={region: day for region, day in deadlines.items() if day is not None},
        legs=frozenset(named.get(leg, leg) for leg, use in settings.legs.items() if use != "off"),
        **stated,
    )


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def report_path(settings: Settings, day: date) -> Path:
    """Where the workbook goes, with the as-of ``day`` filled in."""
    report = settings.report or REPORT
    return Path(str(report).replace("{as_of}", day.isoformat()).replace("{month}", f"{day:%Y-%m}"))


def scratch_of(settings: Settings) -> Path:
    """Where a large run may lay down its tables: beside what it writes, else where the system keeps such things."""
    for place in (settings.tables, (settings.report or REPORT).absolute().parent):
        while place is not None and not place.exists() and place != place.parent:
            place = place.parent
        if place is not None and place.is_dir() and os.access(place, os.W_OK):
            return place
    return Path(gettempdir())


def packed(settings: Settings) -> dict[str, Any]:
    """The settings as JSON can hold them, for :func:`unpacked`."""
    return {name: _plain(value) for name, value in asdict(settings).items() if value not in (None, ())}


def unpacked(facts: Mapping[str, Any]) -> Settings:
    """The settings that were :func:`packed`; what a later version no longer knows is left out."""
    paths = ("file", "folder", "passwords", "report", "tables", "mappings", "state")
    values: dict[str, Any] = {name: Path(value) if name in paths else value for name, value in facts.items()}
    for name in ("holidays", "workdays"):
        if name in values:
            values[name] = tuple(date.fromisoformat(day) for day in values[name])
    kinds: dict[str, Any] = {"channels": Channel, "payers": Payer, "regions": Region, "deferrals": Deferral}
    for name, kind in kinds.items():
        known = {one.name for one in fields(kind)}
        values[name] = tuple(kind(**_parsed({key: one[key] for key in one.keys() & known}))
                             for one in values.get(name, ()))
    return Settings().over(values)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _parsed(entry: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "first": date.fromisoformat, "last": date.fromisoformat, "aliases": tuple, "url_file": Path,
    }
    return {name: kinds[name](value) if name in kinds and value is not None else value
            for name, value in entry.items()}


def write_config(folder: Path, chosen: Mapping[tuple[str, str], str | int | bool]) -> Path:
    """A commented recon.toml in ``folder``; an existing one is left alone and named in a UsageError."""
    if not folder.is_dir():
        raise UsageError(f"没有这个文件夹：{folder.name} / no such folder")
    path = folder / CONFIG_NAME
    text = template(chosen)
    try:
        read_config(text, path)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{CONFIG_NAME} 已经有了，没有改动 / there is one already; it was left as it is") from None
    except OSError as error:
        raise UsageError(f"写不进 {CONFIG_NAME}：{error.strerror} / cannot be written") from None
    return path
