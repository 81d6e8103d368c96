"""``recon check``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch
from recon.commands.common import LANG, MAPPINGS, sentences


@click.command()
@MAPPINGS
@LANG
def check(mappings: Path | None, lang: str) -> None:
    """检查所有格式与政策文件。Validate every mapping and policy file, shipped and your own.

    \b
    例 / example:
      recon check --mappings my-mappings
    """
    with sentences():
        formats, regions = batch.check(mappings)
    click.echo(f"格式 {formats} 个、统筹区 {regions} 个，没有错误" if lang == "zh" else
               f"{formats} formats and {regions} regions, no mistakes")
