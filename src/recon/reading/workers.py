"""Work in processes of its own: an abort, a hang or a bomb costs one task, never the run.

A worker is another Python that takes tasks from its standard input and answers on its standard output, in pickles,
under a limit of memory; its parent kills it when a task takes too long. This module knows nothing of what is done.
``multiprocessing`` would do for the work, but its pools fail as a whole when one process dies, and it runs the main
module of the caller again in each worker.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from recon.collect import seldom

SECONDS = 90.0  # for any one task, however small
SHARE = 1 << 30  # bytes that one part of a large run takes, at most
_FULL = 71  # exit code of a worker without memory
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from recon.reading.workers import serve; serve()"
)
# What a worker must not inherit: nothing below needs it.
_SECRET = ("RECON_PASSWORDS",)


@dataclass(frozen=True)
class Task:
    """A call of ``function`` (``package.module:name``) as ``function(shared, *arguments)`` within ``seconds``."""

    key: Any
    function: str
    arguments: tuple[Any, ...]
    seconds: float = SECONDS


@dataclass(frozen=True)
class Failure:
    """A task without an answer: ``kind`` is slow, memory, crash (the process died) or error (it raised)."""

    kind: str
    detail: str = ""


class Pool:
    """Up to ``number`` workers, started at once; ``shared`` is sent to each of them before its first task."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._workers = [_idle.pop() if _idle else _Worker() for _ in range(number)]  # reused: a start takes a while

    def run(self, tasks: Sequence[Task], shared: Any) -> Iterator[tuple[Task, Any]]:
        """Each task with its answer or Failure as it is finished, beginning now; few answers wait to be taken."""
        waiting, done = deque(tasks), SimpleQueue[tuple[Task, Any]]()
        room = threading.Semaphore(2 * self._number)
        stopped = threading.Event()
        threads = [
            threading.Thread(target=self._serve, args=(slot, waiting, done, room, stopped, shared), daemon=True)
            for slot in range(min(self._number, len(tasks)))
        ]
        for thread in threads:
            thread.start()
        return self._answers(len(tasks), done, room, stopped, threads)

    def _answers(
        self, count: int, done: SimpleQueue[tuple[Task, Any]], room: threading.Semaphore, stopped: threading.Event,
        threads: list[threading.Thread],
    ) -> Iterator[tuple[Task, Any]]:
        try:
            for _ in range(count):
                yield done.get()
                room.release()
        except BaseException:
            stopped.set()
            for worker in self._workers:
                worker.kill()
            raise
        finally:
            stopped.set()
            room.release(self._number)
            for thread in threads:
                thread.join()

    def close(self) -> None:
        """Keep living workers for the next pool of this process."""
        _idle.extend(worker for worker in self._workers if worker.alive)
        self._workers = []

    def _serve(
        self, slot: int, waiting: deque[Task], done: SimpleQueue[tuple[Task, Any]], room: threading.Semaphore,
        stopped: threading.Event, shared: Any,
    ) -> None:
        sent: _Worker | None = None
        while True:
            room.acquire()
            try:
                task = waiting.popleft()
            except IndexError:
                return
            if stopped.is_set():
                return
            answer: Any = Failure("crash")
            try:
                if not self._workers[slot].alive:
                    self._workers[slot] = _Worker()
                worker = self._workers[slot]
                if worker is not sent:
                    worker.call(("shared", shared, ()), SECONDS)
                    sent = worker
                answer = worker.call((task.function, None, task.arguments), task.seconds)
            except OSError as error:  # no process could be started
                answer = Failure("crash", error.strerror or "")
            finally:
                done.put((task, answer))


def each_in_turn(
    function: str, shared: Any, arguments: Sequence[tuple[Any, ...]], workers: int | None = None,
    seconds: float = SECONDS,
) -> Iterator[Any]:
    """``function(shared, *each)`` for each of ``arguments``, in ``workers`` processes, in order.

    workers None: one a core, but no more than half of the machine's memory holds at :data:`SHARE` bytes each.
    What costs a worker its life, or raises there, is done again here: a bug then shows itself.
    """
    number = min(workers or max(1, min(cores(), _installed() // 2 // SHARE)), len(arguments))
    module, _, name = function.partition(":")

    def here(each: tuple[Any, ...]) -> Any:
        return getattr(importlib.import_module(module), name)(shared, *each)

    if number < 2:
        yield from map(here, arguments)
        return
    pool, told, turn = Pool(number), dict[int, Any](), 0
    for task, answer in pool.run([Task(at, function, each, seconds) for at, each in enumerate(arguments)], shared):
        told[task.key] = answer
        while turn in told:
            mine = told.pop(turn)
            yield here(arguments[turn]) if isinstance(mine, Failure) else mine
            turn += 1
    pool.close()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_this_process(tasks: Sequence[Task], shared: Any) -> Iterator[tuple[Task, Any]]:
    """The same without workers: exceptions become failures, but nothing stops an abort or a hang."""
    for task in tasks:
        yield task, _answer(task.function, shared, task.arguments)


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        threads = os.environ.get("POLARS_MAX_THREADS", "2")  # several workers share the cores
        environment = {name: value for name, value in os.environ.items() if name not in _SECRET}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries print quotes what stands in a file
            env=environment | {"POLARS_MAX_THREADS": threads},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._lock = threading.Lock()
        self._busy = self._expired = False
        self.alive = True
        with contextlib.suppress(OSError):
            self._send(sys.path)

    def call(self, message: tuple[str, Any, tuple[Any, ...]], seconds: float) -> Any:
        """The answer to one message, or Failure; after slow, memory and crash the worker is dead."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        self._busy, self._expired = True, False
        timer.start()
        if seconds <= 0:  # no time at all: the timer alone may be later than the answer
            self._expire()
        try:
            self._send(message)
            assert self._process.stdout is not None
            answer = pickle.load(self._process.stdout)
        except Exception:  # noqa: BLE001 - a pipe that breaks off in the middle of a pickle raises nearly anything
            self.kill()
            answer = self._why(seconds)
        finally:
            timer.cancel()
            with self._lock:
                self._busy = False
        return answer

    def kill(self) -> None:
        """End the process and its pipes."""
        self.alive = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        pickle.dump(message, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()

    def _expire(self) -> None:
        with self._lock:
            if self._busy:
                self._expired = True
                self._process.kill()

    def _why(self, seconds: float) -> Failure:
        code = self._process.returncode
        if self._expired or code == -getattr(signal, "SIGXCPU", 0):
            return Failure("slow", f"{seconds:.0f}")
        if code == _FULL:
            return Failure("memory")
        with contextlib.suppress(ValueError):
            return Failure("crash", signal.Signals(-code).name)
        return Failure("crash", str(code))


_idle: list[_Worker] = []


@atexit.register
def close_idle() -> None:
    """End the workers kept for the next pool."""
    while _idle:
        _idle.pop().kill()


# ------------------------------------------------------------------------------------------------- inside a worker


def serve() -> None:
    """Answer tasks until there are no more; nothing but answers reaches the standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    _limit_memory()
    seldom()
    shared: Any = None
    while True:
        try:
            function, given, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if function == "shared":
            shared, answer = given, None
        else:
            _limit_processor_time()
            answer = _answer(function, shared, arguments)
        try:
            pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        except MemoryError:
            os._exit(_FULL)
        answers.flush()
        del answer


def _answer(function: str, shared: Any, arguments: tuple[Any, ...]) -> Any:
    module, _, name = function.partition(":")
    call: Callable[..., Any] = getattr(importlib.import_module(module), name)
    try:
        return call(shared, *arguments)
    except MemoryError:
        return Failure("memory")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a file makes a reader raise, Rust's panics too
        return Failure("error", type(error).__name__)


def memory_limit() -> int:
    """Bytes one worker may use: half of the machine's, within 1 to 4 GiB."""
    return int(min(4 << 30, max(1 << 30, _installed() // 2)))


def _installed() -> int:
    """Bytes of memory of the machine; 8 GiB where it does not say."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 8 << 30


def _limit_memory() -> None:
    """Linux counts written memory (RLIMIT_DATA), other systems address space; Windows has no such limit."""
    try:
        import resource
    except ImportError:
        return
    which = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (memory_limit(), resource.getrlimit(which)[1]))


def _limit_processor_time() -> None:
    """A worker whose parent was killed in the middle of a hang ends by itself after an hour of processor time."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    with contextlib.suppress(ValueError, OSError):
        limit = int(used.ru_utime + used.ru_stime) + 3600
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
