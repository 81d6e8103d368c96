"""``recon confirm``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch
from recon.commands.common import FOLDER, LANG, MAPPINGS, PASSWORDS, progress_bar, sentences


@click.command()
@FOLDER
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.xlsx",
              help="核对表；默认写在 FOLDER 里。The workbook; by default inside FOLDER.")
@MAPPINGS
@PASSWORDS
@LANG
def confirm(folder: Path, output: Path | None, mappings: Path | None, passwords: Path | None, lang: str) -> None:
    """把截图和扫描件读成草稿，对着图片核对。Draft rows of screenshots and scans, beside the pictures.

    打勾或改正、写上填写人和日期，放回文件夹；下次运行时打勾的行才算数。需要 pip install 'recon[ocr]'，全部在本机识别。
    Tick or correct the rows, say who and when, leave it in the folder: the next run counts what is ticked.
    Needs pip install 'recon[ocr]'; everything is read on this machine.

    \b
    例 / examples:
      recon confirm 文件夹
      recon confirm 文件夹 -o 核对表.xlsx
    """
    path = output or folder / ("recon核对表.xlsx" if lang == "zh" else "recon-confirm.xlsx")
    with sentences(), progress_bar() as progress:
        pictures, rows, silent, partly = batch.confirm(folder, path, mappings=mappings, lang=lang, passwords=passwords,
                                                       progress=progress)
    chinese = lang == "zh"
    if pictures:
        click.echo(f"图片 {pictures} 张，读出 {rows} 行；核对表：{path}" if chinese else
                   f"{pictures} pictures, {rows} rows read; to be confirmed in {path}")
    elif not silent:
        click.echo("没有要核对的图片或扫描件" if chinese else "no picture or scan to confirm")
    if partly:
        click.echo(f"其中 {partly} 份扫描件有几页没有读，页码写在核对表里" if chinese else
                   f"{partly} of them are scans with pages that were not read; the workbook names the pages")
    if silent:
        click.echo(f"{silent} 张图片或扫描件读不出内容，原因见 recon run 的“问题”" if chinese else
                   f"nothing could be read from {silent} pictures or scans; the problems of recon run say why")
