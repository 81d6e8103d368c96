"""``recon simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from recon.commands.common import LANG, fail


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--people", type=click.IntRange(1, 1_000_000), default=300, show_default=True, help="人数。People.")
@click.option("--months", type=click.IntRange(12, 60), default=24, show_default=True, help="月数。Months.")
@click.option("--seed", type=int, default=1, show_default=True,
              help="随机种子；同样的参数得到同样的文件。The same arguments give the same files.")
@click.option("--noise", type=click.IntRange(0, 40), default=16, show_default=True, metavar="PERCENT",
              help="百分之几的人月有预设的事件。Per cent of person-months with a planted event.")
@click.option("--payroll", is_flag=True,
              help="改为编造一家有工资表、申报、到账和银行流水的公司（12个月），每种人事核对差异都有。"
                   "Instead a firm with payrolls, declarations, records and bank statements, every HR finding planted.")
@LANG
def simulate(folder: Path, people: int, months: int, seed: int, noise: int, payroll: bool, lang: str) -> None:
    """编造一家公司：FOLDER/exports 是导出，FOLDER/truth 是答案。Make up an employer: its exports, and the truth.

    所有人、金额都是编造的。All people and sums are made up; tools/accuracy.py compares a run with the truth.

    \b
    例 / example:
      recon simulate trial --people 1000 --months 24 --seed 7
      recon simulate firm --payroll --people 500
    """
    from recon import simulate as room

    try:
        if payroll:
            made = room.simulate_payroll(folder, people=people, seed=seed)
        else:
            made = room.simulate(folder, people=people, months=months, seed=seed, noise=noise)
    except room.SimulateError as error:
        fail(str(error))
    click.echo(
        f"{made.people}人 {made.months}人月，文件 {made.files} 个，基准日 {made.as_of}" if lang == "zh" else
        f"{made.people} people, {made.months} months, {made.files} files, as of {made.as_of}"
    )
