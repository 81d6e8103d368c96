"""``recon template``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch
from recon.commands.common import LANG, sentences


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.xlsx")
@LANG
def template(file: Path, lang: str) -> None:
    """一张填写表，给没有电子明细、宁愿手填的人。A fill-in workbook for those who would rather type.

    十几行：余额和全年合计、账户收支、缴费；有下拉列表、例子和说明。填好放回文件夹，recon run 会读。
    A dozen lines with dropdowns, an example and notes; put it into the folder and recon run reads it.

    \b
    例 / examples:
      recon template 模板-员工填写.xlsx
      recon template form.xlsx --lang en
    """
    with sentences():
        batch.write_template(file, lang)
    click.echo(f"已写入 {file}" if lang == "zh" else f"written to {file}")
