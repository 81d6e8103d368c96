"""``recon check``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch
from recon.commands.common import LANG, MAPPINGS, sentences


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@MAPPINGS
@LANG
def check(folder: Path | None, mappings: Path | None, lang: str) -> None:
    """检查所有格式与政策文件。Validate every mapping and policy file, shipped and your own.

    写出导出文件夹 FOLDER，则连同其中自己的政策文件一起检查。With a FOLDER of exports, the policy files in it too.

    \b
    例 / examples:
      recon check --mappings my-mappings
      recon check 导出文件夹
    """
    with sentences():
        formats, regions = batch.check(mappings, folder)
    click.echo(f"格式 {formats} 个、统筹区 {regions} 个，没有错误" if lang == "zh" else
               f"{formats} formats and {regions} regions, no mistakes")
