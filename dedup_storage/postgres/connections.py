"""Connections to the database of the index: pooled, by TLS, signed in by an identity, none of them waiting for ever."""

import atexit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, Final

import certifi
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from dedup_app.configuration.index_address import IndexAddress
from dedup_app.time_limit import end_of_time, seconds_left
from dedup_storage.postgres.arrays import register_arrays
from dedup_storage.postgres.errors import our_errors

MOST_CONNECTIONS: Final = 4  # of a process: a search takes some tens of milliseconds, mostly of the server's time
CONNECT_SECONDS: Final = 10  # half of `WAIT_SECONDS`, so that one that is lost leaves time for another
WAIT_SECONDS: Final = 20.0  # for one of the connections, the first one being made included
STATEMENT_SECONDS: Final = 30  # a search takes some tens of milliseconds; half of what a call to storage may take
LONG_SECONDS: Final = 480  # for the schema, and for counting everything
_IDLE_SECONDS: Final = 300.0  # an app that has nothing to do keeps none of the few that a server has
_LIFE_SECONDS: Final = 1800.0  # so that a server that took the place of another one gets its share

type Password = Callable[[], str]
type Prepare = Callable[[Connection[Any]], None]


class Connections:
    """Hands out connections in autocommit mode; nothing connects before the first is wanted.

    `password` is asked for each new connection, since tokens do not last; `prepare` is called with the first one, and
    again after it failed.
    """

    def __init__(self, address: IndexAddress, password: Password, prepare: Prepare) -> None:
        self._address = address
        self._password = password
        self._prepare = prepare
        self._lock = Lock()
        self._pool: ConnectionPool[Connection[Any]] | None = None

    @contextmanager
    def connection(self, action: str) -> Iterator[Connection[Any]]:
        """A connection; `action` says what is tried with it, as in `search the index`.

        Raises `StoreBusy` if there is none to be had, or when the time is over that this thread has.
        """
        with our_errors(action):
            left = seconds_left(end_of_time())
            pool = self._opened()
            with ExitStack() as stack:
                try:
                    connection = stack.enter_context(pool.connection(timeout=min(WAIT_SECONDS, left)))
                except PoolTimeout:
                    seconds_left(end_of_time())
                    # By itself, because a pool that cannot connect does not say why.
                    Connection.connect(**self._parameters()).close()
                    raise
                yield connection

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                atexit.unregister(self._pool.close)
            self._pool = None

    def _opened(self) -> ConnectionPool[Connection[Any]]:
        with self._lock:
            if self._pool is None:
                # By itself, as above.
                with Connection.connect(**self._parameters()) as connection:
                    _limit(connection, LONG_SECONDS)
                    self._prepare(connection)
                self._pool = ConnectionPool(
                    kwargs=self._parameters,
                    min_size=0,
                    max_size=MOST_CONNECTIONS,
                    max_idle=_IDLE_SECONDS,
                    max_lifetime=_LIFE_SECONDS,
                    reconnect_timeout=WAIT_SECONDS,
                    configure=_configured,
                    check=ConnectionPool.check_connection,
                    open=True,
                    name="index",
                )
                atexit.register(self._pool.close)  # else its threads keep a command from ending
            return self._pool

    def _parameters(self) -> dict[str, Any]:
        at = self._address
        return {
            "host": at.host,
            "port": at.port,
            "dbname": at.database,
            "user": at.user,
            **({} if at.is_local and not at.password else {"password": at.password or self._password()}),
            **transport(at),
            "application_name": "dedup",
            "autocommit": True,
            # A pooler between us and the server gives each transaction another session, which knows no statements.
            "prepare_threshold": None,
            "connect_timeout": CONNECT_SECONDS,
            # A peer that says nothing any more is given up within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }


def transport(address: IndexAddress) -> dict[str, str]:
    """TLS with a certificate that names the host, but for sockets of this machine."""
    if address.is_local:
        return {"sslmode": "disable"}
    return {"sslmode": "verify-full", "sslrootcert": address.root_certificates or certifi.where()}


def _configured(connection: Connection[Any]) -> None:
    register_arrays(connection)
    _limit(connection, STATEMENT_SECONDS)


def _limit(connection: Connection[Any], seconds: int) -> None:
    connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{seconds}s"])


@contextmanager
def long_statement(connection: Connection[Any]) -> Iterator[None]:
    """What may take minutes, as counting everything does."""
    with connection.transaction():
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{LONG_SECONDS}s"])
        yield
