"""``recon verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from recon import job
from recon.commands.common import CONFIG, LANG, PASSWORDS, progress_bar, sentences


@click.command()
@click.argument("run", default="last")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="状态文件夹。The state folder.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="导出文件夹，若已搬走。The folder of exports, where it has moved.")
@CONFIG
@PASSWORDS
@LANG
def verify(run: str, state: Path | None, folder: Path | None, config: Path | None, passwords: Path | None,
           lang: str) -> None:
    """把保留的一次运行重做一遍，逐表比对。Perform a kept run again and compare: RUN is its number, or last.

    按当时的文件（核对 sha256）、参数和基准日，从头读起；什么也不写。
    With the files (by sha256), settings and as-of date of then, read from scratch; nothing is written.

    \b
    例 / examples:
      recon verify 17 --state .recon
      recon verify last --config recon.toml

    \b
    退出码 / exit: 0 完全相同 the same · 3 有表不同 tables differ · 4 文件已不是当时的 the input has changed
                   2 没有这次运行 no such run
    """
    with sentences(), progress_bar() as progress:
        settings = job.settle(folder, config, {"state": state, "passwords": passwords}, needs_folder=False)
        found = job.verify(settings, run, progress)
    chinese = lang == "zh"
    click.echo(f"第 {found.run_id} 次运行，基准日 {found.as_of}" if chinese else
               f"run {found.run_id}, as of {found.as_of}")
    if found.missing or found.changed:
        click.echo(f"文件缺 {found.missing} 个，改过 {found.changed} 个" if chinese else
                   f"input files: {found.missing} missing, {found.changed} changed")
    if found.rules:
        names = ", ".join(found.rules)
        click.echo(f"规则文件改过：{names}" if chinese else f"rule files differ: {names}")
    if found.program:
        click.echo(f"当时的程序版本：{found.program}" if chinese else f"the program was version {found.program}")
    for name, then, now in found.tables:
        click.echo(f"不同：{name}（{then} 行 → {now} 行）" if chinese else f"differs: {name} ({then} rows, now {now})")
    if not found.tables:
        click.echo(f"{found.compared} 张表全部相同" if chinese else f"all {found.compared} tables are the same")
    sys.exit(found.exit_code)
