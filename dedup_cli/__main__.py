"""Where `dedup` and `python -m dedup_cli` begin: a sentence in place of a traceback.

For an extra that is missing, and for what is printed where it has no room or no letters; and nothing for Ctrl-C.
"""

import errno
import io
import os
import signal
import sys
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    try:
        _run()
    except KeyboardInterrupt:  # Typer sees none that comes before it is loaded, which may take a second
        sys.exit(128 + signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # who presses it once more waits for no thread to end


def _run() -> None:
    # What a command has to compute is spread over processes: threads of each of them besides only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from dedup_cli.main import app  # noqa: PLC0415 - it may not be importable
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(
            f"error: the command `dedup` needs the package {error.name}, which comes with an extra: "
            "in a clone, pip install '.[cli]' (with [cli,azure] for an app in Azure)"
        )
    signal.signal(signal.SIGTERM, _end)
    _open_what_is_closed()
    _spell_out_strange_letters()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in NO_ROOM or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still held would fail once more
        sys.stderr.write(f"error: cannot write the output: {error.strerror}\n")
        sys.exit(2)


def _end(number: int, _frame: object) -> None:
    """As Ctrl-C does: nothing half written and no process is left behind."""
    raise SystemExit(128 + number)


def _open_what_is_closed() -> None:
    """Who closes an output (`>&-`) wants nothing of it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until all is over


def _spell_out_strange_letters() -> None:
    """Names may have any letters, and the encoding of a pipe or an old terminal may lack them."""
    for stream in (sys.stdout, sys.stderr):
        # `surrogateescape` is what Python takes in the C locale; it fails on letters just the same
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
