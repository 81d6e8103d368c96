"""``recon init``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import job
from recon.commands.common import sentences


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--region", metavar="CODE|名称", help="资料没写统筹区时用的地区。Region where the files name none.")
@click.option("--state", is_flag=True, help="打开状态：记住上次的结果。Remember earlier runs, in .recon.")
@click.option("--monthly", type=click.IntRange(1, 31), metavar="DAY", help="每月几号运行。Day of the monthly run.")
@click.option("--at", metavar="HH:MM", help="几点运行。Time of the monthly run.")
def init(folder: Path, region: str | None, state: bool, monthly: int | None, at: str | None) -> None:
    """写一份带注释的配置 recon.toml。Write a commented recon.toml into FOLDER (default: here).

    每个键都有中英文说明；没有选的都注释掉，已有的配置不会被覆盖。
    Every key is explained; what was not chosen is commented out, and an existing file is never overwritten.

    \b
    例 / examples:
      recon init 导出文件夹 --region 420100 --state
      recon init . --state --monthly 6 --at 08:30
    """
    chosen: dict[tuple[str, str], str | int | bool] = {}
    if region:
        chosen["run", "region"] = region
    if state or monthly or at:  # a scheduled run has to know what it did last
        chosen["state", "folder"] = ".recon"
    if monthly:
        chosen["schedule", "monthly"] = monthly
    if at:
        chosen["schedule", "at"] = at
    with sentences():
        path = job.write_config(folder, chosen)
    click.echo(f"已写好 {path.name}；打开看看，再运行 recon run / written; look it over, then: recon run")
