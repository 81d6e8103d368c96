"""``recon mapping``: formats of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recon import batch
from recon.commands.common import LANG, MAPPINGS, sentences

if TYPE_CHECKING:
    from recon.draft import Draft


@click.group()
def mapping() -> None:
    """自己的格式说明。Formats of one's own.

    \b
    例 / example:
      recon mapping new 不认识的文件.xlsx -o my-mappings/formats/my_city.toml
    """


@mapping.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.toml",
              help="写到这里；不写则打印。Write it here; printed otherwise.")
@click.option("--table", type=click.Choice(["contribution", "flow", "payroll", "person", "payment", "reading",
                                            "enrolment"]),
              help="文件里是哪一种表；默认自己判断。Which table the file holds; guessed otherwise.")
@click.option("--sheet", metavar="NAME", help="用哪个工作表；默认最像的一个。The sheet; by default the likeliest.")
@MAPPINGS
@LANG
def new(file: Path, output: Path | None, table: str | None, sheet: str | None, mappings: Path | None,
        lang: str) -> None:
    """为不认识的文件起草一份格式说明。Draft a mapping for a file that no format knows.

    找到表头，逐列猜测并写明理由，列出几个值（个人信息已遮住）；不确定的地方留给人填。
    Finds the header, guesses each column and says why, shows a few values (masked); what is unsure is left to you.

    \b
    例 / examples:
      recon mapping new 某市缴费页.xlsx -o my-mappings/formats/my_city.toml
      recon check --mappings my-mappings
      recon identify 文件夹 --mappings my-mappings
    """
    with sentences():
        draft = batch.draft_mapping(file, mappings, output, table=table, sheet=sheet, lang=lang)
    if output is None:
        click.echo(draft.text, nl=False)
    for line in _told(draft, output, lang):
        click.echo(line, err=output is None)


def _told(draft: Draft, output: Path | None, lang: str) -> Iterator[str]:
    """What was found, what is missing, what to do next."""
    zh = lang == "zh"
    yield (f"按 {draft.table} 表起草：认出 {draft.columns} 列，未用 {draft.unused} 列" if zh else
           f"drafted as table {draft.table}: {draft.columns} columns recognised, {draft.unused} not used")
    if draft.claimed_by:
        names = ", ".join(draft.claimed_by)
        yield (f"注意：已有格式认领此文件（{names}），用了草稿就会取代它" if zh else
               f"note: {names} already claims this file; the draft would replace it")
    if draft.missing:
        names = ", ".join(draft.missing)
        yield f"还缺必需的列：{names}" if zh else f"required columns not found: {names}"
    if draft.mistake is not None:
        yield f"检查：{draft.mistake}" if zh else f"check: {draft.mistake}"
    elif draft.rows is not None:
        yield (f"试读：{draft.rows} 行，其中 {draft.rejected} 行不能用" if zh else
               f"tried: {draft.rows} rows, of which {draft.rejected} cannot be used")
    if output is not None:
        folder = output.parent.parent if output.parent.name == "formats" else output.parent
        where = folder.as_posix()
        yield (f"已写入 {output}；核对后运行 recon check --mappings {where}" if zh else
               f"written to {output}; check it, then run recon check --mappings {where}")
