"""Work on many recordings in processes side by side, with a progress bar."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import track

from contracts.errors import PlumblineError, Reason, RecordingError

MAX_WORKERS: Final = 64

Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error on its way from another process, which brings back values only."""

    reason: Reason
    message: str
    hint: str


def each(
    work: Callable[[Task], Done],
    tasks: Sequence[Task],
    title: str,
    *,
    workers: int | None = None,
    console: Console,
) -> Iterator[Done]:
    """What ``work``, a module's own function, gives of each task, as they are done, in any order.

    ``workers``: one a processor for None. RecordingError with what ``work`` refused.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks), MAX_WORKERS)
    done = map(work, tasks) if count <= 1 else _side_by_side(work, tasks, count)
    yield from track(
        done,
        title,
        total=len(tasks),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _side_by_side(
    work: Callable[[Task], Done], tasks: Sequence[Task], count: int
) -> Iterator[Done]:
    # a fresh interpreter each: a copy of this one would hold the locks of its threads
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_done_or_refused, work, task) for task in tasks]
        try:
            for future in as_completed(futures):
                result = future.result()
                if isinstance(result, Refusal):
                    raise RecordingError(result.reason, result.message, hint=result.hint)
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _done_or_refused(work: Callable[[Task], Done], task: Task) -> Done | Refusal:
    try:
        return work(task)
    except PlumblineError as error:
        return Refusal(error.reason, error.message, error.hint)
