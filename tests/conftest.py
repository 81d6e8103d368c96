"""Hypothesis profiles: ``ci`` is quick and the same everywhere, ``thorough`` looks for new and smallest examples.

HYPOTHESIS_PROFILE=thorough HYPOTHESIS_EXAMPLES=200 python -m pytest tests/test_properties.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from support import rules_loaded_once

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("ci", max_examples=8, derandomize=True, database=None,
                          phases=(Phase.explicit, Phase.generate), **_COMMON)
settings.register_profile("thorough", max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "1000")), **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Pictures are read only by the tests that are about it: an engine that happens to be installed changes no other test.
os.environ["RECON_OCR"] = "off"


@pytest.fixture(scope="session", autouse=True)
def _shipped_rules_once() -> Iterator[None]:
    """Hundreds of runs in one process read the same shipped files: once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        rules_loaded_once(patch)
        yield
