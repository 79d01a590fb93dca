"""What a process of a pool that compares pictures, decoded elsewhere, does first."""

import os
from multiprocessing import parent_process
from threading import Thread

from dedup_decoders.allocator import return_large_buffers_at_once


def prepare() -> None:
    return_large_buffers_at_once()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Each process of a pool holds the queue of all open: of a parent that was killed none would ever hear."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
