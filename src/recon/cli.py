"""The command line: a group whose commands are loaded when called, so that help comes at once.

Exit codes: 0 nothing open, 3 open gaps, 4 a file or row was rejected (wins over 3), 2 usage, configuration or nothing
readable, 1 a crash.
"""

from __future__ import annotations

from importlib import import_module

import click

from recon import __version__
from recon.collect import seldom

# In the order of the help; each is the module of recon.commands and the function in it.
COMMANDS = (
    "run",
    "explain",
    "forecast",
    "identify",
    "check",
    "init",
    "schedule",
    "status",
    "verify",
    "mapping",
    "template",
    "policy",
    "confirm",
    "simulate",
)


class _Lazily(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"recon.commands.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Lazily, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="recon")
def main() -> None:
    """医保个人账户对账：每人每月，缴了多少、该划多少、划了多少、差在哪里、该找谁。

    Why did the personal account of the employee medical insurance not grow? Reads a folder of exports and answers for
    every person and month, to the fen. Nothing leaves the machine.

    \b
    例 / examples:
      recon run 导出文件夹 -o report.xlsx
      recon explain 导出文件夹 A007
      recon identify 导出文件夹
    """
    seldom()


if __name__ == "__main__":
    main()
