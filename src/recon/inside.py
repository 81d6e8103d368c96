"""Runs what makes many small steps on tables in a thread of polars' own pool, where each step costs a tenth.

Polars does most steps in its own threads: called from another, each wakes a thread and waits for it, which takes far
longer (0.1 to 1 ms) than the step on a small table, and adds up over the thousand steps of a run. Called from one of
its threads it just goes on there. There is no call for that, but a Python function given to a step with several columns
runs there (docs/adr/0032). Should polars do otherwise one day, the answers are the same and only take longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import polars as pl

P = ParamSpec("P")
T = TypeVar("T")

_here = threading.local()
_TWO_COLUMNS = pl.DataFrame({"first": [0], "second": [0]})  # two, as a single one is done where it is asked for


def inside_polars(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, run in a thread of polars; for pure functions of tables, that ask nothing of their thread.

    What it raises is raised to its caller; an interrupt ends it at its next step on a table. Called by another such
    function it goes on in the same thread.
    """
    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        if getattr(_here, "inside", False):
            return function(*args, **kwargs)
        answers: list[T] = []
        raised: list[BaseException] = []

        def run(column: pl.Series) -> pl.Series:
            if not (answers or raised):
                _here.inside = True
                try:
                    answers.append(function(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - polars would raise another in its place
                    raised.append(error)
                finally:
                    _here.inside = False
            return column

        _TWO_COLUMNS.select(pl.col("first").map_batches(run, return_dtype=pl.Int64), pl.col("second") + 1)
        if raised:
            raise raised[0]
        return answers[0]

    return inside
