"""Threads that the host cannot do without: when one ends by an error, the host stops instead of going deaf."""

import logging
import os
import signal
import threading
from collections.abc import Callable

logger = logging.getLogger("local_host")

crashed = threading.Event()


def essential_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Return a thread, not yet started, whose crash sends SIGINT to this process and sets `crashed`."""

    def run() -> None:
        try:
            target()
        except BaseException:
            logger.critical("%s has failed, the host stops", name, exc_info=True)
            crashed.set()
            os.kill(os.getpid(), signal.SIGINT)

    return threading.Thread(target=run, name=name, daemon=True)
