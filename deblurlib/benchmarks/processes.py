"""Work spread over processes, each on one thread, handed back as it gets done."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def check_jobs(jobs: int) -> int:
    """Check a number of processes, and hand it back.

    Raises:
        ValueError: not a whole number of at least 1.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ValueError(f"jobs: expected a whole number of at least 1, got {jobs!r}.")
    return jobs


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes on one thread inside the block: seconds compare, and processes leave each other alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def as_they_come(function: Callable[..., T], tasks: Sequence[tuple[Any, ...]], jobs: int) -> Iterator[T]:
    """The results of a function at the top of a module, one for each tuple of arguments, in the order they get done.

    Args:
        function: What to compute.
        tasks: Its arguments, which travel to the processes.
        jobs: Processes; 1 computes here, one after the other.

    Example:
        >>> sorted(as_they_come(divmod, [(7, 2), (9, 4)], 1))
        [(2, 1), (3, 1)]
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield function(*task)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context) as pool:
        waiting = [pool.submit(function, *task) for task in tasks]
        try:
            for finished in as_completed(waiting):
                yield finished.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
