"""Formats and policy: to check, to show, to draft."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from recon.batch.calls import CHINA, UsageError
from recon.batch.given import exported_policy, folder_of, mappings_of, month_of, unknown_region, user_policy
from recon.batch.written import beside

if TYPE_CHECKING:
    from recon.draft import Draft
    from recon.policy import Policy
    from recon.policy.draft import Suggested


def check(mappings: Path | None, exports: Path | None = None) -> tuple[int, int]:
    """Validate every format and policy file, shipped and the user's; (formats, regions), or UsageError with all.

    ``exports`` is a folder of exports whose own policy files are looked at too.
    """
    from recon.reading.format import FormatError
    from recon.reading.formats import load_formats

    try:
        formats = load_formats(mappings_of(mappings))
    except FormatError as error:
        raise UsageError(str(error)) from None
    return len(formats), len(user_policy(mappings, exports).regions())


def policy_list(mappings: Path | None, exports: Path | None, lang: str) -> list[str]:
    """One line per region, tab-separated."""
    from recon.policy.words import list_lines

    return list(list_lines(user_policy(mappings, exports), lang))


def policy_show(region: str, at: str | None, mappings: Path | None, exports: Path | None, lang: str) -> list[str]:
    """Everything stated of a region, or what is in force in month ``at``; UsageError names near regions."""
    from recon.policy.words import region_or_national, show_lines

    policy = user_policy(mappings, exports)
    code = region_or_national(policy, region)
    if code is None:
        raise UsageError(unknown_region(region, policy))
    return list(show_lines(policy, code, month_of(at) if at else None, lang))


def policy_diff(
    region: str, one: str, other: str, mappings: Path | None, exports: Path | None, lang: str
) -> list[str]:
    """What differs between two months of a region."""
    from recon.policy.words import diff_lines, region_or_national

    policy = user_policy(mappings, exports)
    code = region_or_national(policy, region)
    if code is None:
        raise UsageError(unknown_region(region, policy))
    return list(diff_lines(policy, code, month_of(one), month_of(other), lang))


def policy_new(
    region: str, mappings: Path | None, exports: Path | None, output: Path | None, *, name: str | None, lang: str
) -> tuple[str, list[str]]:
    """The text of a drafted policy file, written to ``output`` if given, and what to say about it.

    A file that exists is never written over. A region that nobody knows needs a six-digit code and a ``name``.
    """
    from recon.policy.draft import draft_text, latest

    if output is not None and output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    policy = user_policy(mappings, exports)
    code = policy.region_of(region)
    is_new = code is None
    if code is None:
        if not re.fullmatch(r"\d{6}(-P)?", region):
            raise UsageError(unknown_region(region, policy))
        if not name:
            raise UsageError(f"{region} 不在自带的政策里，请用 --name 写出名称；相近的有："
                             f"{'、'.join(policy.near_names(region)) or '无'} / not in the table: give --name")
        code = region
    known_name = str(policy.files[code].about.get("name", code)) if code in policy.files else str(name)
    known = {section: entry for section in ("in_service", "retiree", "employee", "base_limit", "schedule", "calendar")
             if (entry := latest(policy.line(code, section).entries)) is not None}
    suggested = _suggested(exports, policy, mappings, code) if exports is not None else []
    text = draft_text(code, known_name, known, suggested, is_new=is_new)
    told = [] if exports is None else [
        f"从数据推断出 {len(suggested)} 条规则" if lang == "zh" else f"{len(suggested)} rules inferred from the data"]
    if output is not None:
        with beside(output) as temporary:
            temporary.write_text(text, encoding="utf-8")
        where = output.parent.as_posix()
        told.append(f"已写入 {output}；改好后运行 recon check --mappings {where}" if lang == "zh" else
                    f"written to {output}; edit it, then run recon check --mappings {where}")
    return text, told


def _suggested(exports: Path, policy: Policy, mappings: Path | None, code: str) -> list[Suggested]:
    """What the data of a folder suggest for a region: one section per inferred rule."""
    from recon.core.context import newest_date
    from recon.core.inferred import suggested_sections
    from recon.policy.draft import Suggested
    from recon.reading.folder import read_folder
    from recon.sharding import context_of

    folder = folder_of(exports)
    read = read_folder(folder, mappings=mappings_of(mappings), region_of=policy.region_of,
                       leave_out=exported_policy(folder))
    today = datetime.now(CHINA).date()
    context = context_of(read.tables, policy, newest_date(read.tables, today) or today)
    return [Suggested(*one) for one in suggested_sections(context.inferred, code)]


def draft_mapping(
    file: Path, mappings: Path | None, output: Path | None, *, table: str | None = None, sheet: str | None = None,
    lang: str = "zh",
) -> Draft:
    """A drafted format for ``file``, written to ``output`` when that is given; UsageError when none can be made.

    A file that exists is never written over: it may hold somebody's work.
    """
    from recon.draft import DraftError, draft_mapping
    from recon.reading.format import FormatError

    if not file.is_file():
        raise UsageError("没有这个文件 / no such file")
    if output is not None and output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    stem = re.sub(r"[^a-z0-9_]+", "_", (output.stem if output else "").lower()).strip("_")
    try:
        draft = draft_mapping(file, mappings_of(mappings), new_id=stem if stem[:1].isalpha() else "my_format",
                              table=table, sheet=sheet, lang=lang)
    except (DraftError, FormatError) as error:
        raise UsageError(str(error)) from None
    if output is not None:
        with beside(output) as temporary:
            temporary.write_text(draft.text, encoding="utf-8")
    return draft
