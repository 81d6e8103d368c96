"""``recon identify``."""

from __future__ import annotations

from pathlib import Path

import click

from recon import batch, job
from recon.commands.common import FOLDER, LANG, MAPPINGS, PASSWORDS, ask_password, sentences

NEAREST = 5  # reasons shown for a file that nothing claims


@click.command()
@FOLDER
@MAPPINGS
@PASSWORDS
@click.option("--why", is_flag=True, help="逐个列出其他格式为何不认。Also say why each other format does not claim it.")
@LANG
def identify(folder: Path, mappings: Path | None, passwords: Path | None, why: bool, lang: str) -> None:
    """每个文件被哪种格式认领，不认领的原因。Which format claims each file, and why not.

    \b
    例 / example:
      recon identify sample_statements --why
    """
    with sentences():
        settings = job.settle(folder, None, {"mappings": mappings, "passwords": passwords})
        claims = batch.identify(folder, job.options_of(settings, ask_password()))
    for shown, claim in claims:
        name = f"{shown} [{claim.sheet}]" if claim.sheet else shown
        nobody = "没有格式认领" if lang == "zh" else "no format"
        click.echo(f"{name}\t{claim.format_id or nobody}\t{claim.table or '-'}")
        told = batch.proof_told(claim, lang)
        if told is not None:
            click.echo(f"    {told}")
        if why or claim.format_id is None:
            # The nearest first: without --why a few are enough to see what is missing.
            for format_id, reason in claim.reasons if why else claim.reasons[:NEAREST]:
                click.echo(f"    {format_id}: {reason}")
