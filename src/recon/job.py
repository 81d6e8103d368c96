"""One run from its settings to what it leaves behind: the door behind the commands that are told by ``recon.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import batch
from recon.batch import Options, UsageError
from recon.config import CONFIG_NAME, ConfigError, Settings, find_config, load_config, read_config, template

if TYPE_CHECKING:
    from recon.core.payroll_settings import PayrollSettings

REPORT = Path("report.xlsx")
_ALWAYS_JOINS, _ALWAYS_LEAVES = 31, 1  # where only one half of the mid-month rule is stated


def settle(folder: Path | None, config: Path | None, given: Mapping[str, Any]) -> Settings:
    """The settings of a run: what is ``given`` (the command line) over the file, the folder among them.

    Raises UsageError for mistakes in the file, and where no folder is known.
    """
    path = find_config(folder, config)
    try:
        settings = load_config(path) if path else Settings()
    except ConfigError as error:
        raise UsageError(str(error)) from None
    settings = settings.over({**given, "folder": folder})
    if settings.folder is None and path is not None:
        settings = settings.over({"folder": path.parent})
    if settings.folder is None:
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
    from recon.core.payroll_settings import Deferral, MidMonthRule, Payer, PayrollSettings

    joins = {"": settings.joins_by} | {one.region: one.joins_by for one in settings.regions}
    leaves = {"": settings.leaves_from} | {one.region: one.leaves_from for one in settings.regions}
    deadlines = {"": settings.deadline_day} | {one.region: one.deadline_day for one in settings.regions}
    offsets = {("", ""): settings.offset} | {(one.region, ""): one.offset for one in settings.regions} | {
        ("", one.payer): one.offset for one in settings.payers}
    named = {"payment": "bank", "flow": "credit"}
    numbers = {"cohort_people": settings.cohort_people, "cohort_percent": settings.cohort_percent,
               "rounding_fen": settings.rounding_fen, "unit_short_percent": settings.unit_short_percent}
    stated = {name: number for name, number in numbers.items() if number is not None}
    return PayrollSettings(
        company=settings.company or "",
        payers={one.payer: Payer(one.name or one.payer, one.employer, one.branch, one.region, one.agency, one.aliases)
                for one in settings.payers},
        mid_month={region: MidMonthRule(_or(joins[region], _ALWAYS_JOINS), _or(leaves[region], _ALWAYS_LEAVES))
                   for region in joins if joins[region] is not None or leaves[region] is not None},
        offsets={key: offset for key, offset in offsets.items() if offset is not None},
        deferrals=tuple(Deferral(one.first, one.last, one.payer, one.region) for one in settings.deferrals),
        deadline_day={region: day for region, day in deadlines.items() if day is not None},
        legs=frozenset(named.get(leg, leg) for leg, use in settings.legs.items() if use != "off"),
        **stated,
    )


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


@dataclass(frozen=True)
class Outcome:
    """A finished run, where its report is, and its exit code."""

    run: batch.Run
    report: Path
    exit_code: int
    counts: dict[str, Any]


def perform(
    settings: Settings, progress: batch.Progress | None = None, ask: batch.Ask | None = None
) -> Outcome:
    """Read, reconcile and write what the settings ask for. Raises UsageError."""
    assert settings.folder is not None
    done = batch.run_folder(settings.folder, options_of(settings, ask), progress)
    report = report_path(settings, done)
    if settings.tables is not None:
        batch.write_tables(settings.tables, done, settings.tables_format or "parquet")
    batch.write_report(report, done)
    return Outcome(done, report, done.exit_code, dict(done.counts))


def report_path(settings: Settings, done: batch.Run) -> Path:
    """Where the workbook goes, with the as-of date filled in."""
    report = settings.report or REPORT
    day = done.view.as_of
    return Path(str(report).replace("{as_of}", day.isoformat()).replace("{month}", f"{day:%Y-%m}"))


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
