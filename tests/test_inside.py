"""Functions that run in a thread of polars give what they give elsewhere."""

from __future__ import annotations

import threading

import polars as pl
import pytest

from recon.inside import inside_polars


@inside_polars
def where(*more: object) -> tuple[int, tuple[object, ...]]:
    """The thread it runs in, and what it was given."""
    return threading.get_ident(), more


def test_it_runs_in_a_thread_of_polars() -> None:
    """Else it would only be slower; this is how one learns that polars has changed."""
    thread, given = where(1, None)
    assert given == (1, None)
    assert thread != threading.get_ident()


def test_one_calls_the_other_in_the_same_thread() -> None:
    """Nothing waits for a thread that waits for it."""
    @inside_polars
    def outer() -> tuple[int, int]:
        return threading.get_ident(), where()[0]

    assert len(set(outer())) == 1


def test_what_is_raised_is_raised_to_the_caller() -> None:
    """The same exception, with where it came from; the next call is none the worse."""
    problem = ValueError("no such month")

    @inside_polars
    def broken() -> pl.DataFrame:
        raise problem

    with pytest.raises(ValueError, match="no such month") as told:
        broken()
    assert told.value is problem
    assert told.traceback[-1].name == "broken"
    assert where(2)[1] == (2,)


def test_several_threads_at_once() -> None:
    """Whoever calls gets the own answer."""
    told: dict[int, object] = {}
    threads = [threading.Thread(target=lambda at=at: told.update({at: where(at)[1]})) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert told == {at: (at,) for at in range(8)}
