"""``recon explain``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from recon import batch, job
from recon.commands.common import FOLDER, ask_password, progress_bar, run_options, sentences


@click.command()
@FOLDER
@click.argument("person")
@click.option("--short", is_flag=True, help="一百五十字以内，可贴进聊天。At most 150 characters, to paste into a chat.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="写成一页 HTML，手机可读、可打印，不引用任何外部资源。Also write one self-contained page.")
@run_options
def explain(folder: Path, person: str, short: bool, html: Path | None, config: Path | None, **given: Any) -> None:
    """一个人的答案。The answers for one person: PERSON is an employee number or a list number.

    证件号不要写在命令行里；写 - 则从标准输入读。Give an ID on standard input, with PERSON as -.

    \b
    例 / examples:
      recon explain sample_statements A007
      recon explain sample_statements A007 --short
      recon explain sample_statements A007 --html A007.html
      echo 110105198503074917 | recon explain sample_statements -
    """
    key = sys.stdin.readline().strip() if person == "-" else person
    with sentences(), progress_bar() as progress:
        options = job.options_of(job.settle(folder, config, {**given, "edition": "person"}), ask_password())
        text = batch.explain_person(folder, key, options, short=short, html=html, progress=progress)
    click.echo(text)
