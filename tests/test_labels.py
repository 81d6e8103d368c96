"""Labels, causes and verdicts are declared once, whole, and in words that accuse nobody."""

from __future__ import annotations

import pytest

from recon.core import gaps
from recon.labels import (
    ACTION_FIELDS,
    CAUSES,
    COUNTER_CHECKS,
    FINDING_ACTIONS,
    LABEL,
    OWNERS,
    STATUSES,
    VERDICTS,
    verdict,
)

FORBIDDEN = ("欠缴", "挪用", "截留", "漏缴", "挂靠")


def test_no_forbidden_word() -> None:
    """DESIGN section 7: never these words about a named party."""
    texts = [text for cause in CAUSES for text in (cause.zh, cause.action)]
    texts += [text for label in LABEL.values() for text in (label.zh, label.meaning_zh)]
    texts += [*COUNTER_CHECKS.values(), *FINDING_ACTIONS.values(), *gaps._SENTENCES.values()]
    assert [text for text in texts for word in FORBIDDEN if word in text] == []


def test_every_cause_has_a_label_a_desk_and_an_action() -> None:
    """A cause belongs to a declared label, its owner is a declared desk, and its action fills."""
    for cause in CAUSES:
        assert cause.label in LABEL
        assert cause.owner in OWNERS
        assert cause.action.format(**dict.fromkeys(ACTION_FIELDS, "x"))


@pytest.mark.parametrize(("label", "cause", "status", "word"), [
    ("on_time", None, "explained", "received"), ("on_time", "paid_late", "explained", "received"),
    ("delay", "late", "resolved", "received"), ("refund_due", None, "pending", "received"),
    ("delay", "not_yet_due", "pending", "waiting"), ("delay", "annual_schedule", "pending", "waiting"),
    ("delay", "late", "pending", "waiting"), ("delay", "overdue", "pending", "overdue"),
    ("missing_month", "credit_missing", "open", "paid_not_credited"),
    ("missing_month", "not_allocated", "open", "paid_not_credited"),
    ("missing_month", "other_identity", "open", "paid_not_credited"),
    ("missing_month", "contribution_unpaid", "open", "not_paid"),
    ("missing_month", "contribution_missing", "open", "no_record"),
    ("short_credit", None, "open", "amount_differs"), ("over_credit", "duplicate_credit", "open", "amount_differs"),
    ("top_up", "late", "pending", "amount_differs"), ("clawback", None, "explained", "amount_differs"),
    ("account_deduction", None, "explained", "amount_differs"), ("no_account", None, "explained", "no_account"),
    ("policy_unknown", None, "unknown", "cannot_tell"), ("data_incomplete", "tail_open", "unknown", "cannot_tell"),
    ("unexplained", None, "open", "cannot_tell"),
])
def test_verdict(label: str, cause: str | None, status: str, word: str) -> None:
    """The reader's word of DESIGN section 7, for every label and cause."""
    assert status in STATUSES
    assert verdict(label, cause, status) == word
    assert word in VERDICTS
