"""``recon policy``: what is known of each region, what changed, and a file of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch
from recon.commands.common import LANG, MAPPINGS, sentences

EXPORTS = click.option(
    "--from", "exports", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="一并采用此导出文件夹里自己的政策文件。Also use the policy files that lie among these exports.",
)


@click.group()
def policy() -> None:
    """各地规则：有哪些、从何时起、出自哪里、多可信。The regions' rules: what, since when, from where, how sure.

    \b
    例 / examples:
      recon policy list
      recon policy show 武汉 --at 2024-05
      recon policy diff 北京 2022-08 2022-10
      recon policy new 武汉 -o 武汉.policy.toml
    """


@policy.command("list")
@EXPORTS
@MAPPINGS
@LANG
def list_(exports: Path | None, mappings: Path | None, lang: str) -> None:
    """所有统筹区，一行一个。All regions, one a line.

    \b
    例 / example:
      recon policy list
    """
    with sentences():
        lines = batch.policy_list(mappings, exports, lang)
    click.echo("\n".join(lines))


@policy.command()
@click.argument("region")
@click.option("--at", metavar="MONTH", help="只看这个月有效的规则，如 2024-05。What is in force in this month.")
@EXPORTS
@MAPPINGS
@LANG
def show(region: str, at: str | None, exports: Path | None, mappings: Path | None, lang: str) -> None:
    """一个统筹区的全部规则：REGION 是代码、名称或别名。All that is stated of a region: a code, a name or an alias.

    \b
    例 / examples:
      recon policy show 420100
      recon policy show 北京 --at 2022-10
      recon policy show 全国
    """
    with sentences():
        lines = batch.policy_show(region, at, mappings, exports, lang)
    click.echo("\n".join(lines))


@policy.command()
@click.argument("region")
@click.argument("month_a")
@click.argument("month_b")
@EXPORTS
@MAPPINGS
@LANG
def diff(region: str, month_a: str, month_b: str, exports: Path | None, mappings: Path | None, lang: str) -> None:
    """两个月之间规则有什么不同。What differs between two months.

    \b
    例 / example:
      recon policy diff 北京 2022-08 2022-10
    """
    with sentences():
        lines = batch.policy_diff(region, month_a, month_b, mappings, exports, lang)
    click.echo("\n".join(lines))


@policy.command()
@click.argument("region")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.toml",
              help="写到这里；不写则打印。Write it here; printed otherwise.")
@click.option("--name", metavar="名称",
              help="自带政策中没有的地区，写出名称。The name of a region that is not in the table.")
@click.option("--from", "exports", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="读这个文件夹，把从数据推断出的规则写进草稿。"
                   "Put into the draft what the data of this folder suggest.")
@MAPPINGS
@LANG
def new(region: str, output: Path | None, name: str | None, exports: Path | None, mappings: Path | None,
        lang: str) -> None:
    """起草一份自己的政策文件，只改要改的值。Draft a policy file of your own; change only what you know better.

    推断出的规则可信度只写“低”：不能单独用来说谁少划了。
    What is inferred has low confidence: no amount is judged by it alone.

    \b
    例 / examples:
      recon policy new 武汉 -o 导出文件夹/武汉.policy.toml
      recon policy new 442000 --name 中山市 --from 导出文件夹
    """
    with sentences():
        text, told = batch.policy_new(region, mappings, exports, output, name=name, lang=lang)
    if output is None:
        click.echo(text, nl=False)
    for line in told:
        click.echo(line, err=output is None)
