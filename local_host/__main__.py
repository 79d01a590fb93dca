"""`python -m local_host start`: runs a Function app until Ctrl-C."""

import argparse
import builtins
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from azure.core.exceptions import AzureError

from local_host.azurite import AzuriteError
from local_host.host import DEFAULT_PORT, EMULATOR_SCAN_SECONDS, SCAN_SECONDS, Host, HostOptions
from local_host.log import set_up_logging
from local_host.queues.listener import DEFAULT_LEASE_SECONDS
from local_host.runtime.worker import WORKER_MODULE, WorkerError
from local_host.settings import SettingsError
from local_host.status import describe, remove_status, write_status
from local_host.threads import crashed

STOPPED_AT_ONCE = 130  # as a shell reports a program that Ctrl-C ended
HIGHEST_PORT = 65_535
GRACE_SECONDS = 10.0  # what the host has after SIGTERM

logger = logging.getLogger("local_host")


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    set_up_logging(verbose=chosen.verbose)
    app_dir: Path = chosen.app.resolve()
    data_dir: Path = chosen.data or app_dir / ".azurite"
    host = Host(
        HostOptions(
            app_dir=app_dir,
            port=chosen.port,
            lease_seconds=chosen.lease_seconds,
            scan_seconds=chosen.scan_seconds,
            data_dir=None if chosen.in_memory else data_dir.resolve(),
            worker_module=chosen.worker_module,
            verbose=chosen.verbose,
        )
    )
    status_file = (chosen.status_file or app_dir / ".local_host" / "status.json").resolve()
    stop = _Stop()
    if chosen.stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    try:
        host.start(partial(_end_without_storage, host, status_file))
    except (SettingsError, WorkerError, AzuriteError, AzureError) as error:
        logger.error("The host cannot start: %s", _told(error, verbose=chosen.verbose))  # noqa: TRY400, it says it all
        return 1
    for line in describe(host):
        logger.info("%s", line)
    write_status(host, status_file)
    try:
        stop.requested.wait()
        if stop.as_in_azure:
            _stop_as_in_azure(host, chosen.grace_seconds)
        logger.info("Stopping: finishing what is in flight")
        host.stop()
        host.join()
    finally:
        remove_status(status_file)
    logger.info("Stopped")
    return 1 if crashed.is_set() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_host", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="start")
    start = commands.add_parser("start", help="run an app", description="Run a Function app until Ctrl-C.")
    start.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py and host.json (here)")
    start.add_argument(
        "--port", type=_port, help=f"port of the HTTP functions, 0 for a free one ({DEFAULT_PORT}, or free if taken)"
    )
    start.add_argument(
        "--lease-seconds",
        type=_at_least_one,
        default=DEFAULT_LEASE_SECONDS,
        help="how long a message is hidden that a killed host had taken (%(default)s)",
    )
    start.add_argument(
        "--scan-seconds",
        type=_positive,
        help=f"pause between two looks into a container ({SCAN_SECONDS:g}, {EMULATOR_SCAN_SECONDS:g} on an emulator)",
    )
    start.add_argument(
        "--grace-seconds",
        type=float,
        default=GRACE_SECONDS,
        help="how long the host goes on after SIGTERM before it ends everything (%(default)s)",
    )
    start.add_argument("--worker-module", default=WORKER_MODULE, help=argparse.SUPPRESS)
    kept = start.add_mutually_exclusive_group()
    kept.add_argument("--data", type=Path, help="where Azurite keeps its data (.azurite in the app's folder)")
    kept.add_argument("--in-memory", action="store_true", help="Azurite keeps nothing")
    start.add_argument("--status-file", type=Path, help="where to write how this host is reached, as JSON")
    start.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input ends")
    start.add_argument("--verbose", action="store_true", help="also what the host, the runtime and the SDKs log")
    return parser


class _Stop:
    """The first Ctrl-C or SIGTERM requests a stop; the second one ends the process on the spot."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.as_in_azure = False
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.requested.is_set():
            os._exit(STOPPED_AT_ONCE)
        self.as_in_azure = number == signal.SIGTERM
        self.requested.set()


def _stop_as_in_azure(host: Host, grace_seconds: float) -> NoReturn:
    """Go on as before for a while, then end everything at once: what is in flight comes back when its leases end."""
    logger.info("Stopping in %g s, as a host in Azure does after SIGTERM", grace_seconds)
    time.sleep(grace_seconds)
    logger.info("Stopped: what was in flight comes back when its lease ends")
    host.abandon()
    logging.shutdown()
    os._exit(0)


def _end_without_storage(host: Host, status_file: Path, code: int) -> NoReturn:
    """End everything at once: without storage nothing that is in flight can be finished."""
    logger.critical("Azurite has ended (code %d): start again", code)
    remove_status(status_file)
    host.abandon()
    logging.shutdown()
    os._exit(1)


def _stop_at_end_of_input(stop: _Stop) -> None:
    sys.stdin.read()
    stop.requested.set()


def _told(error: Exception, *, verbose: bool) -> str:
    """Return what a person needs: of an error that the app has raised on purpose, its text and not where that was."""
    name = str(error).partition(":")[0]
    meant = name.isidentifier() and not hasattr(builtins, name)
    trace = error.stack_trace if isinstance(error, WorkerError) else ""
    return f"{error}\n{trace}" if trace and (verbose or not meant) else str(error)


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be from 0 to {HIGHEST_PORT}")
    return value


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
