"""Signing in to the database of the index, and what becomes of its failures."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import psycopg
import pytest
from azure.core.exceptions import ClientAuthenticationError
from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier

from dedup_app.configuration.index_address import IndexAddress
from dedup_app.time_limit import time_limit
from dedup_core.errors import DedupError, PermanentError, StoreBusy, TemporaryError
from dedup_storage.postgres import sign_in
from dedup_storage.postgres.connections import Connections, transport
from dedup_storage.postgres.errors import as_our_error, our_errors
from dedup_storage.postgres.sign_in import tokens

SECRET = "secret-token"
REMOTE = "postgresql://id-dedup@psql-dedup.postgres.database.azure.com/dedup"


def failure(url: str, password: Callable[[], str] = lambda: SECRET) -> DedupError:
    connections = Connections(IndexAddress.parse(url), password, lambda _connection: None)
    with pytest.raises(DedupError) as raised, connections.connection("search the index"):
        pass
    assert SECRET not in str(raised.value)
    assert raised.value.setting == "INDEX_URL"
    return raised.value


def test_the_certificate_of_a_server_must_name_it_and_follow_from_known_roots():
    assert transport(IndexAddress.parse(REMOTE))["sslmode"] == "verify-full"
    assert "BEGIN CERTIFICATE" in Path(transport(IndexAddress.parse(REMOTE))["sslrootcert"]).read_text()
    assert transport(IndexAddress.parse(REMOTE + "?sslrootcert=/own.pem"))["sslrootcert"] == "/own.pem"
    assert transport(IndexAddress.parse("postgresql://app@/dedup?host=/run/postgresql")) == {"sslmode": "disable"}


def test_a_server_without_tls_is_told_nothing():
    heard: SimpleQueue[bytes] = SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.put(connection.recv(8))
                    connection.sendall(b"N")  # no TLS here
                    heard.put(connection.recv(1000))

        threading.Thread(target=answer, daemon=True).start()
        told = failure(f"postgresql://app@127.0.0.1:{server.getsockname()[1]}/dedup")
    assert isinstance(told, StoreBusy)
    assert "SSL" in str(told)
    assert heard.get(timeout=20) == bytes([0, 0, 0, 8, 4, 210, 22, 47])  # the request for TLS
    assert heard.get(timeout=20) == b""  # and nothing after the refusal


def test_a_server_that_is_not_there_is_worth_another_try():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert isinstance(failure(f"postgresql://app@127.0.0.1:{port}/dedup"), StoreBusy)


def test_a_token_is_asked_for_with_each_connection_and_its_failure_is_temporary(monkeypatch: pytest.MonkeyPatch):
    asked = []

    class Credential:
        def get_token(self, scope: str) -> None:
            asked.append(scope)
            raise ClientAuthenticationError("no identity here")

    monkeypatch.setattr(sign_in, "credential_of", lambda client_id: asked.append(client_id) or Credential())
    token = tokens("client")
    for _ in range(2):
        told = failure(REMOTE, token)
        assert (type(told), told.reason) == (TemporaryError, "access-denied")
    assert asked == ["client", *2 * ["https://ossrdbms-aad.database.windows.net/.default"]]


def test_who_may_not_sign_in_and_what_is_not_set_up_is_told_apart(index_url: str):
    denied, missing = index_url.replace("postgres:@", "nobody@"), index_url.replace("/test_", "/other_")
    assert (type(failure(denied)), failure(denied).reason) == (TemporaryError, "access-denied")
    assert (type(failure(missing)), failure(missing).reason) == (TemporaryError, "index-not-ready")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.QueryCanceled(), StoreBusy),
        (errors.DeadlockDetected(), StoreBusy),
        (errors.TooManyConnections(), StoreBusy),
        (errors.AdminShutdown(), StoreBusy),
        (errors.DiskFull(), StoreBusy),
        (psycopg.OperationalError("server closed the connection unexpectedly"), StoreBusy),
        (errors.InsufficientPrivilege(), TemporaryError),
        (errors.UndefinedTable(), TemporaryError),
        (errors.DuplicateFunction(), TemporaryError),
        (errors.SequenceGeneratorLimitExceeded(), TemporaryError),
        (errors.NumericValueOutOfRange(), PermanentError),
    ],
)
def test_failures_are_of_our_two_kinds(error: psycopg.Error, kind: type[DedupError]):
    assert type(as_our_error(error, "search the index")) is kind


def test_a_statement_that_takes_too_long_is_ended_by_the_server(index_url: str):
    with our_errors("prepare"), Connection.connect(index_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('statement_timeout', '20ms', false)")
        with pytest.raises(StoreBusy, match=r"Could not wait.*QueryCanceled"), our_errors("wait"):
            connection.execute("SELECT pg_sleep(30)")


def test_after_its_time_a_function_asks_nothing(index_url: str):
    connections = Connections(IndexAddress.parse(index_url), lambda: "", lambda _connection: None)
    with time_limit(0), pytest.raises(StoreBusy), connections.connection("search the index"):
        pass


def test_connections_serve_again_after_the_server_ended_them(index_url: str):
    connections = Connections(IndexAddress.parse(index_url), lambda: "", lambda _connection: None)
    with connections.connection("look") as connection:
        ended = connection.info.backend_pid
    with Connection.connect(index_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    with connections.connection("look") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    connections.close()


def test_why_nothing_connects_any_more_is_told_of_a_running_app_too(index_url: str, monkeypatch: pytest.MonkeyPatch):
    """It was told to be busy, whatever had become of the database or the password."""
    monkeypatch.setattr("dedup_storage.postgres.connections.WAIT_SECONDS", 0.5)
    address = IndexAddress.parse(index_url)
    connections = Connections(address, lambda: "", lambda _connection: None)
    with connections.connection("look"):
        pass
    with Connection.connect(index_url.replace(f"/{address.database}?", "/postgres?"), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [address.database]
        )
        names = [Identifier(address.database), Identifier(f"{address.database}_moved")]
        other.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
        with pytest.raises(TemporaryError, match="does not exist") as raised, connections.connection("look"):
            pass
        assert raised.value.reason == "index-not-ready"
        other.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(*reversed(names)))
    with connections.connection("look") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    connections.close()


def test_the_server_of_tests_lives_on_when_another_run_begins(index_url: str, tmp_path: Path):
    """Which closes the folder of all runs to other users, and where root runs it, the server is one."""
    for folder in tmp_path.parents:
        if folder.name.startswith("pytest-of-"):
            folder.chmod(0o700)
    with Connection.connect(index_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("CHECKPOINT")
    with Connection.connect(index_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
