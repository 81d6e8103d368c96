"""What one asks of a folder beside the report: one person in words, the month to come, what claims a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.batch.calls import Options, Progress, UsageError
from recon.batch.given import ask_shown, exported_policy, folder_of, mappings_of, month_of, passwords_of, user_policy
from recon.batch.run import run_folder
from recon.batch.written import beside

if TYPE_CHECKING:
    from recon.reading.file_read import Claim


def explain_person(folder: Path, key: str, options: Options, *, short: bool, html: Path | None = None,
                   progress: Progress | None = None) -> str:
    """The answers for one person of ``folder`` in plain words; UsageError when nobody or several fit.

    html: where to write them as one page, too.
    """
    from recon.report.explain import answers, letter
    from recon.report.page import page

    view = run_folder(folder, options, progress).view
    told = answers(view, key)
    if isinstance(told, str):
        raise UsageError(told)
    if html is not None:
        with beside(html) as temporary:
            temporary.write_text(page(view, told), encoding="utf-8")
    return told.short if short else letter(told)


def forecast_folder(
    folder: Path, options: Options, month: str | None, output: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Who is about to have a gap in ``month`` and what new bases cost, as counts; ``output``: the lists as a workbook.

    Raises UsageError for a month that cannot be read, and where no payslip, declaration or record is there.
    """
    from recon.core.payroll.forecast import forecast
    from recon.report.forecast_sheets import write_forecast

    at = None if month is None else month_of(month)
    run = run_folder(folder, options, progress)
    policy = user_policy(options.mappings, folder)
    told = forecast(run.view.tables, policy, run.view.as_of, options.payroll, at)
    if output is not None:
        with beside(output) as temporary:
            write_forecast(temporary, run.view, told.month, told.people, told.bases)
    bases = {name: int(told.bases[name].sum()) for name in (
        "own_month_fen", "firm_month_fen", "own_top_up_fen", "firm_top_up_fen")}
    counted = dict(told.people.group_by("cause", maintain_order=True).len().iter_rows())
    deadlines = told.people["deadline"].drop_nulls()
    return {
        "month": f"{told.month:%Y-%m}", "declared": told.declared, "as_of": run.view.as_of.isoformat(),
        "deadline": str(deadlines.min()) if len(deadlines) else None, "causes": counted,
        "about_to_have_a_gap": sum(count for cause, count in counted.items() if cause != "to_be_removed"),
        "bases": {"people": told.bases.height, **bases,
                  "own_month_mean_fen": bases["own_month_fen"] // told.bases.height if told.bases.height else 0},
    }


def identify(folder: Path, options: Options) -> list[tuple[str, Claim]]:
    """(name to show, claim) per file and sheet: which format claims it, and why the others do not."""
    from recon.reading.folder import identify_folder
    from recon.report.mask import mask_files

    folder = folder_of(folder)
    own_policy = exported_policy(folder)
    claims = identify_folder(folder, mappings=mappings_of(options.mappings),
                             passwords=passwords_of(options.passwords), ask=ask_shown(folder, options.ask),
                             leave_out=[path for path in (options.passwords, *own_policy) if path])
    shown = mask_files(sorted({claim.file for claim in claims}))
    return [(shown[claim.file], claim) for claim in claims]


def proof_told(claim: Claim, lang: str) -> str | None:
    """What the running balance of a file proves and what nothing proves, in a sentence; None: it prints no balance."""
    from recon.report.words import Words

    if claim.rows_proved is None:
        return None
    words = Words(lang)
    return (f"{words('rows_proved')} {claim.rows_proved} · {words('unproved')}{'：' if lang == 'zh' else ': '}"
            f"{words.unproved(claim.unproved)}")
