"""Threads that work within the time limit of whoever asks them to, and whose log lines name the same invocation."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial


class Threads(ThreadPoolExecutor):
    """A pool whose every task runs in a copy of its caller's context, which a plain pool does not pass on."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As the pool's own, by which `map` goes, too."""
        return super().submit(copy_context().run, partial(fn, *args, **kwargs))
