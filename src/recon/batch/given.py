"""What a call gives, made sure of: folders, policy, passwords, months, days, legs; a mistake is a UsageError."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from recon.batch.calls import Ask, UsageError

if TYPE_CHECKING:
    import polars as pl

    from recon.large import Shards
    from recon.policy import Policy
    from recon.problems import Problem

MOST_PASSWORDS = 100  # those somebody knows, not a list to try


def folder_of(folder: Path) -> Path:
    """The folder, its path whole; UsageError where there is none."""
    if not folder.is_dir():
        raise UsageError(f"没有这个文件夹：{folder.name} / no such folder")
    return folder.resolve()


def mappings_of(user: Path | None) -> list[Path]:
    """The shipped formats and policy, then the user's; UsageError where that is no directory."""
    from recon.reading.formats import shipped

    if user is not None and not user.is_dir():
        raise UsageError(f"没有这个目录：{user} / no such directory")
    return [shipped(), *([user] if user else [])]


def passwords_of(file: Path | None) -> tuple[str, ...]:
    """The passwords of a protected file and of the environment (RECON_PASSWORDS), one a line; never logged."""
    lines = os.environ.get("RECON_PASSWORDS", "").splitlines()
    if file is not None:
        file = file.expanduser()
        try:
            if os.name == "posix" and file.stat().st_mode & 0o077:
                raise UsageError(f"别人也能读 {file.name}；先执行 chmod 600 / others may read it; chmod 600 it first")
            lines = file.read_text(encoding="utf-8-sig").splitlines() + lines
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            raise UsageError(f"密码文件 {file.name} 读不了（{why}） / the file of passwords cannot be read") from None
    passwords = tuple(dict.fromkeys(line for line in lines if line.strip()))
    if len(passwords) > MOST_PASSWORDS:
        raise UsageError(f"密码最多 {MOST_PASSWORDS} 个 / at most {MOST_PASSWORDS} passwords")
    return passwords


def ask_shown(folder: Path, ask: Ask | None) -> Ask | None:
    """``ask`` with the file called as on any screen: by number where its name carries personal data."""
    if ask is None:
        return None
    from recon.reading.containers import list_files
    from recon.report.mask import mask_files

    shown = mask_files(sorted(name for name, _ in list_files(folder)))
    return lambda name: ask(shown.get(name, "?"))


def policy_of(mappings: list[Path], exports: Sequence[Path] = ()) -> Policy:
    """The shipped policy, then the files among the exports, then the user's own mappings: the later wins."""
    from recon.policy import PolicyError, load_policy

    shipped, *own = [inside if (inside := path / "policy").is_dir() else path for path in mappings]
    try:
        return load_policy([shipped, exports, *own])
    except PolicyError as error:
        raise UsageError(f"政策文件有误，改正后再运行 / mistakes in a policy file:\n{error}") from None


def user_policy(mappings: Path | None, exports: Path | None) -> Policy:
    """The policy a user goes by: the shipped, what lies among the exports, the own mappings."""
    return policy_of(mappings_of(mappings), exported_policy(folder_of(exports)) if exports else ())


def exported_policy(folder: Path) -> list[Path]:
    """The policy files that lie among the exports."""
    from recon.policy import exported_policy_files

    return exported_policy_files(folder)


def input_files(folder: Path) -> list[tuple[str, Path]]:
    """(name, path) of every file that a run on ``folder`` would read."""
    from recon.reading.containers import list_files

    return list_files(folder)


def rule_files(mappings: Path | None, folder: Path | None = None) -> dict[str, Path]:
    """Every format and policy file that decides answers, by a name that does not tell where it lies.

    Those of policy that lie among the exports of ``folder`` are among them.
    """
    from recon.policy.load import policy_files
    from recon.reading.formats import format_files

    found = {}
    for owner, directory in zip(("shipped", "own"), mappings_of(mappings), strict=False):
        inside = directory / "policy" if (directory / "policy").is_dir() else directory
        for path in sorted({*format_files(directory), *policy_files(inside)}):
            found[f"{owner}/{path.parent.name}/{path.name}"] = path
    if folder is not None:
        exported = exported_policy(folder_of(folder))
        found |= {f"exports/policy/{path.relative_to(folder.resolve()).as_posix()}": path for path in exported}
    return found


def region_code(text: str | None, policy: Policy) -> str | None:
    """The code of a region by its code or name; UsageError names near ones."""
    if text is None:
        return None
    code = policy.region_of(text)
    if code is None:
        raise UsageError(unknown_region(text, policy))
    return code


def unknown_region(text: str, policy: Policy) -> str:
    """What to say of a region that nobody knows."""
    near = "、".join(policy.near_names(text))
    return (f"不认识的统筹区：{text}；相近的有：{near or '无'}；全部见 recon policy list / "
            f"unknown region; near: {near or 'none'}; recon policy list shows all")


def month_of(text: str) -> date:
    """A month as people write it: 2024-05, 2024.5, 202405, 2024年5月."""
    found = re.fullmatch(r"\s*(\d{4})\s*[-./年]?\s*(\d{1,2})\s*月?\s*", text)
    try:
        return date(int(found[1]), int(found[2]), 1) if found else date.fromisoformat(text).replace(day=1)
    except ValueError:
        raise UsageError(f"月份看不懂：{text}；请写成 2024-05 / unreadable month; write 2024-05") from None


def day_of(text: str | None, newest: date | None, today: date) -> date:
    """The as-of date: the stated one, else the newest among the rows."""
    if text == "today":
        return today
    if text is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"基准日看不懂：{text}；请写成 2024-12-31 或 today / unreadable date") from None
    return newest or today  # without a single date nothing is judged by it


def with_legs(
    tables: dict[str, pl.DataFrame], legs: Mapping[str, str]
) -> tuple[dict[str, pl.DataFrame], list[Problem]]:
    """The tables without the legs that are switched off, and a problem for each required one that is not there."""
    from recon.problems import Problem

    tables = dict(tables)
    missing = []
    for leg, (table, rows) in _rows_of_legs().items():
        if legs.get(leg) == "off":
            tables[table] = tables[table].filter(~rows)
        elif legs.get(leg) == "required" and tables[table].filter(rows).is_empty():
            missing.append(Problem("leg-absent", value=leg))
    return tables, missing


def with_large_legs(shards: Shards, legs: Mapping[str, str]) -> list[Problem]:
    """The same for tables in shards."""
    from recon.problems import Problem

    missing = []
    for leg, (table, rows) in _rows_of_legs().items():
        if legs.get(leg) == "off":
            shards.without(table, rows)
        elif legs.get(leg) == "required" and not shards.has(table, rows):
            missing.append(Problem("leg-absent", value=leg))
    return missing


def _rows_of_legs() -> dict[str, tuple[str, pl.Expr]]:
    """The table of each leg, and which of its rows belong to it."""
    import polars as pl

    declared = pl.col("proof").is_in(["declared", "billed"]).fill_null(value=False)
    everything = pl.lit(value=True)
    return {"payroll": ("payroll", everything), "payment": ("payment", everything), "flow": ("flow", everything),
            "declared": ("contribution", declared), "arrived": ("contribution", ~declared)}


def future_days(rows: Callable[[str, pl.Expr], pl.DataFrame], today: date) -> list[Problem]:
    """One notice per file with days after today: they do not move the as-of date. rows: of a table, those asked for."""
    import polars as pl

    from recon.problems import Problem

    found = []
    for name, column in (("flow", "posted_on"), ("contribution", "paid_on"), ("payment", "paid_on")):
        later = rows(name, pl.col(column) > today).with_columns(
            pl.col("row_id").str.split_exact("#", 1).struct.rename_fields(["file", "place"]).alias("at")
        ).unnest("at").sort("file", column, "place").unique("file", keep="last", maintain_order=True)
        found += [
            Problem("as-of-future", row["file"], row["place"], column, row[column].isoformat())
            for row in later.iter_rows(named=True)
        ]
    return found


def perhaps_on_payroll(
    rows: Callable[[str, pl.Expr], pl.DataFrame], problems: list[Problem], sources: pl.DataFrame
) -> set[str]:
    """People of a name that a payroll states without a number and that several bear: who was meant, nobody knows."""
    import polars as pl

    payrolls = set(sources.filter(pl.col("table").fill_null("").str.contains("payroll"))["file"])
    names = {one.value for one in problems if one.code == "ambiguous-person" and one.file in payrolls and one.value}
    return {
        person for name in ("person", "contribution")
        for person in rows(name, pl.col("person_name").is_in(sorted(names)))["person_id"].drop_nulls()
    }
