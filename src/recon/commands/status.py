"""``recon status``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from recon import job
from recon.commands.common import CONFIG, LANG, sentences


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="状态文件夹。The state folder.")
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="供监控读取。For monitoring.")
@LANG
def status(folder: Path | None, state: Path | None, config: Path | None, as_json: bool, lang: str) -> None:
    """无人值守的运行怎么样了。How the unattended runs stand: the last good one, what was missed, what waits.

    \b
    例 / examples:
      recon status --state .recon
      recon status 导出文件夹 --json

    \b
    退出码 / exit: 0 运行正常 runs are well · 3 需要看一下（失败、漏跑、通知没发出去）somebody should look
                   2 没有状态 no state
    """
    with sentences():
        found = job.status(job.settle(folder, config, {"state": state}, needs_folder=False))
    if as_json:
        click.echo(json.dumps(found.facts | {"troubles": list(found.troubles)}, ensure_ascii=False, indent=1))
    else:
        for line in job.status_lines(found, lang):
            click.echo(line)
    sys.exit(found.exit_code)
