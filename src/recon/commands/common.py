"""What several commands share: options, sentences for mistakes, the progress bar, amounts on a screen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from recon import batch

FOLDER = click.argument("folder", type=click.Path(path_type=Path))
MAPPINGS = click.option(
    "--mappings", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="自己的格式与政策文件（formats/、policy/），逐项覆盖自带的。"
         "Your own formats and policy, laid over the shipped.",
)
LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True,
                    help="语言。Language of report and messages.")
CONFIG = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="配置文件；默认为文件夹里的 recon.toml。Settings; default: recon.toml in the folder. The command line wins.",
)


PASSWORDS = click.option(
    "--passwords", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="受密码保护的文件的密码，一行一个；此文件只许本人可读。也可用环境变量 RECON_PASSWORDS，或在终端里输入。"
         "Passwords of protected files, one a line, in a file that only you may read; RECON_PASSWORDS does too, "
         "and on a terminal you are asked.",
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that decide answers; shared by run and explain."""
    decorators: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
        click.option("--as-of", metavar="DATE|today",
                     help="基准日；默认为资料中最新的到账、入账或导出日期。"
                          "As-of date; default: the newest date in the rows."),
        click.option("--region", metavar="CODE|名称",
                     help="资料没写统筹区时用的地区，如 420100 或 武汉。Region where the files name none."),
        click.option("--tolerance", type=click.IntRange(0, 24), metavar="MONTHS",
                     help="到账后几个月内未划入只算等待。"
                          "Months before an uncredited month turns from pending to missing."),
        MAPPINGS, PASSWORDS, CONFIG,
        click.option("--lang", type=click.Choice(["zh", "en"]),
                     help="语言，默认 zh。Language of report and messages; default zh."),
    ]
    for option in reversed(decorators):
        command = option(command)
    return command


@contextmanager
def sentences() -> Iterator[None]:
    """A mistaken call ends with a sentence and exit 2; anything else that goes wrong is a bug and exits 1."""
    try:
        yield
    except batch.UsageError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what to do, and exit 2."""
    click.echo(message, err=True)
    sys.exit(batch.EXIT_USAGE)


def ask_password() -> batch.Ask | None:
    """A question for the password of a file, only on a terminal; Enter leaves the file out."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(shown: str) -> str | None:
        text = f"\n{shown} 的密码，回车跳过 / its password, Enter to skip"
        return click.prompt(text, hide_input=True, default="", show_default=False, err=True) or None

    return ask


@contextmanager
def progress_bar() -> Iterator[batch.Progress | None]:
    """A progress bar on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="读取 reading", file=sys.stderr) as bar:
        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show


def yuan(fen: int) -> str:
    """Fen as yuan with thousands separators."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
