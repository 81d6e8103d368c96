"""``recon forecast``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from recon import batch, job
from recon.commands.common import FOLDER, ask_password, progress_bar, run_options, sentences, yuan

_CAUSES = {
    "not_in_declaration": ("工资表或花名册有，本月申报还没有", "on the payroll or roster, not in the declaration yet"),
    "to_be_added": ("新入职，本月须增员申报", "joined, to be declared this month"),
    "dropped": ("上月有申报，本月申报没有", "declared last month, not this month"),
    "unsettled": ("以前的月份还没有了结", "an earlier month is not settled"),
    "to_be_removed": ("已离职，本月仍会申报", "left, and would still be declared"),
}


@click.command()
@FOLDER
@click.option("--month", metavar="YYYY-MM",
              help="哪个月；默认为资料中最新的月份。Which month; default: the newest one.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="名单和每人的调基费用写成 Excel（含姓名）。Also write the lists, with names, as a workbook.")
@click.option("--json", "as_json", is_flag=True, help="打印计数（JSON）。Print the counts as JSON.")
@run_options
def forecast(folder: Path, month: str | None, output: Path | None, as_json: bool, config: Path | None,
             **given: Any) -> None:
    """预告：工资关账之前，本月谁会断缴，调基每人要补多少。Who is about to have a gap, and what new bases will cost.

    屏幕上只有人数和金额，没有姓名。The screen shows counts and sums only, no names.

    \b
    例 / examples:
      recon forecast sample_statements
      recon forecast 本月资料 --month 2024-08 -o 预告.xlsx

    \b
    退出码 / exit: 0 没有人会断缴 nobody is about to have a gap · 3 有 somebody is · 2 用法 usage
    """
    with sentences(), progress_bar() as progress:
        options = job.options_of(job.settle(folder, config, given), ask_password())
        told = batch.forecast_folder(folder, options, month, output, progress)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _tell(told, options.lang)
    sys.exit(batch.EXIT_OPEN if told["about_to_have_a_gap"] else batch.EXIT_CLEAR)


def _tell(told: dict[str, Any], lang: str) -> None:
    """A few lines for the screen: no name, no ID."""
    chinese = lang == "zh"
    deadline = told["deadline"] or ("未知" if chinese else "unknown")
    declared = ("已有申报" if told["declared"] else "还没有申报") if chinese else (
        "declared" if told["declared"] else "not declared yet")
    click.echo(f"{told['month']}（{declared}），征收期至 {deadline}" if chinese
               else f"{told['month']} ({declared}), collection ends {deadline}")
    for cause, count in told["causes"].items():
        name = _CAUSES[cause][0 if chinese else 1]
        click.echo(f"{count}人：{name}" if chinese else f"{count} people: {name}")
    if not told["causes"]:
        click.echo("没有人会断缴。" if chinese else "Nobody is about to have a gap.")
    bases = told["bases"]
    if bases["people"]:
        own, top_up = yuan(bases["own_month_fen"]), yuan(bases["own_top_up_fen"])
        firm, firm_top_up = yuan(bases["firm_month_fen"]), yuan(bases["firm_top_up_fen"])
        mean = yuan(bases["own_month_mean_fen"])
        click.echo(
            f"调基 {bases['people']}人：个人每月合计 {own} 元（平均每人 {mean}），单位每月 {firm} 元；"
            f"补差个人 {top_up} 元，单位 {firm_top_up} 元" if chinese else
            f"new bases, {bases['people']} people: {own} yuan a month from employees ({mean} each on average), "
            f"{firm} from the employer; top-ups {top_up} and {firm_top_up}")
