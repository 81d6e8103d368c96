"""``recon schedule``: print, install, remove, status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recon import job
from recon.commands.common import CONFIG, LANG, sentences


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which configuration, and which scheduler."""
    for option in (
        LANG, CONFIG,
        click.option("--kind", type=click.Choice(["cron", "systemd", "launchd", "windows"]),
                     help="哪种定时工具；默认按系统选。Which scheduler; default: the system's own."),
        click.argument("folder", type=click.Path(path_type=Path), required=False),
    ):
        command = option(command)
    return command


def _when(command: Callable[..., Any]) -> Callable[..., Any]:
    """On which day and at what time."""
    for option in (
        click.option("--at", metavar="HH:MM", help="几点，按本机时钟；默认 08:30。Time, by this machine's clock."),
        click.option("--monthly", type=click.IntRange(1, 31), metavar="DAY",
                     help="每月几号；短月取最后一天，遇节假日顺延到下一个工作日。"
                          "Day of the month; waits for the next working day in China."),
    ):
        command = option(command)
    return command


@click.group()
def schedule() -> None:
    """定时运行：打印、安装、取消、查看。Unattended runs: print, install, remove or look at the schedule.

    每天启动一次，由 recon 自己判断到没到日子：节假日顺延，关机、失败的第二天补做，做过的不再做。
    Started once a day; recon itself knows whether a run is due: it waits out holidays, makes up for days when the
    machine was off or the run failed, and does nothing twice.

    \b
    例 / examples:
      recon schedule install 导出文件夹 --monthly 6 --at 08:30
      recon schedule print 导出文件夹 --kind windows
    """


@schedule.command("print")
@_options
@_when
def print_(folder: Path | None, kind: str | None, config: Path | None, monthly: int | None, at: str | None,
           lang: str) -> None:
    """打印将要安装的内容，不做任何改动。Print what would be installed; nothing is changed.

    \b
    例 / example:
      recon schedule print 导出文件夹 --monthly 6 --at 08:30 --kind systemd
    """
    with sentences():
        settings = job.settle(folder, config, {"monthly": monthly, "at": at}, needs_folder=False)
        text = job.print_schedule(settings, kind)
    click.echo(text, nl=False)


@schedule.command()
@_options
@_when
def install(folder: Path | None, kind: str | None, config: Path | None, monthly: int | None, at: str | None,
            lang: str) -> None:
    """安装定时任务；再装一次就替换。Install the schedule; installing again replaces it.

    \b
    例 / example:
      recon schedule install 导出文件夹 --monthly 6 --at 08:30
    """
    with sentences():
        settings = job.settle(folder, config, {"monthly": monthly, "at": at}, needs_folder=False)
        told, due, announced = job.install_schedule(settings, kind)
    click.echo(told)
    click.echo(f"下次运行：{due:%Y-%m-%d %H:%M}" if lang == "zh" else f"next run: {due:%Y-%m-%d %H:%M}")
    if not announced:
        click.echo(f"{due.year} 年的放假安排还没有收录，按周末和固定假日推算；例外写在 recon.toml 的 [calendar]"
                   if lang == "zh" else
                   f"the holidays of {due.year} are not known yet: weekends and fixed holidays are used; "
                   "exceptions go into [calendar] of recon.toml")


@schedule.command()
@_options
def remove(folder: Path | None, kind: str | None, config: Path | None, lang: str) -> None:
    """取消定时任务；状态和报告都留着。Remove the schedule; state and reports stay.

    \b
    例 / example:
      recon schedule remove 导出文件夹
    """
    with sentences():
        removed = job.remove_schedule(job.settle(folder, config, {}, needs_folder=False), kind)
    if lang == "zh":
        click.echo("已取消" if removed else "本来就没有安装")
    else:
        click.echo("removed" if removed else "there was none")


@schedule.command("status")
@_options
@_when
def status_(folder: Path | None, kind: str | None, config: Path | None, monthly: int | None, at: str | None,
            lang: str) -> None:
    """有没有安装，接下来哪几天运行。Whether it is installed, and the next days on which it runs.

    \b
    例 / example:
      recon schedule status 导出文件夹
    """
    with sentences():
        settings = job.settle(folder, config, {"monthly": monthly, "at": at}, needs_folder=False)
        chosen, installed = job.schedule_state(settings, kind)
        days = ", ".join(day.isoformat() for day in job.next_days(settings))
    if lang == "zh":
        click.echo(f"{chosen}：{'已安装' if installed else '没有安装'}；接下来：{days or '没有写每月几号'}")
    else:
        click.echo(f"{chosen}: {'installed' if installed else 'not installed'}; next: {days or 'no day of the month'}")
    sys.exit(0 if installed else 3)
