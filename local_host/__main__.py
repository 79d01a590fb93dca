"""`python -m local_host start`: runs a Function app until Ctrl-C."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from azure.core.exceptions import AzureError

from local_host.azurite import AzuriteError
from local_host.blobs.scanner import DEFAULT_SCAN_SECONDS
from local_host.host import DEFAULT_PORT, Host, HostOptions
from local_host.log import set_up_logging
from local_host.queues.listener import DEFAULT_LEASE_SECONDS
from local_host.runtime.worker import WorkerError
from local_host.settings import SettingsError
from local_host.status import describe, remove_status, write_status
from local_host.threads import crashed

STOPPED_AT_ONCE = 130

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
        )
    )
    status_file = (chosen.status_file or app_dir / ".local_host" / "status.json").resolve()
    stop = _stop_signal()
    if chosen.stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    try:
        host.start()
    except (SettingsError, WorkerError, AzuriteError, AzureError) as error:
        logger.error("The host cannot start: %s", error)  # noqa: TRY400, the text says it all
        return 1
    for line in describe(host):
        logger.info("%s", line)
    write_status(host, status_file)
    try:
        stop.wait()
        logger.info("Stopping: finishing what is in flight")
        host.stop()
        host.join()
    finally:
        remove_status(status_file)
    logger.info("Stopped")
    exit_code = 1 if crashed.is_set() else 0
    if host.worker.has_abandoned_threads:
        logging.shutdown()
        os._exit(exit_code)  # they cannot be ended otherwise
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_host", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="start")
    start = commands.add_parser("start", help="run an app", description="Run a Function app until Ctrl-C.")
    start.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py and host.json (here)")
    start.add_argument(
        "--port", type=int, help=f"port of the HTTP functions, 0 for a free one ({DEFAULT_PORT}, or free if taken)"
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
        default=DEFAULT_SCAN_SECONDS,
        help="pause between two looks into a blob container (%(default)s)",
    )
    start.add_argument("--data", type=Path, help="where Azurite keeps its data (.azurite in the app's folder)")
    start.add_argument("--in-memory", action="store_true", help="Azurite keeps nothing")
    start.add_argument("--status-file", type=Path, help="where to write how this host is reached, as JSON")
    start.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input ends")
    start.add_argument("--verbose", action="store_true", help="also what the host, the runtime and the SDKs log")
    return parser


def _stop_signal() -> threading.Event:
    """Return the event that the first Ctrl-C or SIGTERM sets; the second ends the process on the spot."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(STOPPED_AT_ONCE)
        stop.set()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
