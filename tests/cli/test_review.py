"""The review page on one's own machine: what the command needs before it serves it."""

import pwd
import socket
import webbrowser

import pytest
import uvicorn

from tests.cli.conftest import Run


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name in the environment, and a user id that the system does not know."""

    def unknown(user_id: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user_id}")

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda _server, sockets: [it.close() for it in sockets])


@pytest.mark.usefixtures("nameless", "unserved")
def test_who_has_no_name_here_is_asked_for_one(dedup: Run) -> None:
    result = dedup("review", "--no-browser")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: you have no name on this machine: give the one for your decisions with --as\n"
    named = dedup("review", "--no-browser", "--as", "ann")
    assert named.exit_code == 0
    assert "decisions are noted under the name ann" in named.stdout + named.stderr


@pytest.mark.usefixtures("unserved")
def test_the_key_of_the_page_is_not_among_what_a_browser_is_started_with(
    dedup: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    printed = dedup("review", "--as", "ann").stdout.splitlines()[0]
    (started,) = opened
    address, _, key = printed.partition("code=")
    assert started.startswith(f"{address}code=")
    assert key not in started


def test_a_name_that_could_not_be_stored_is_refused_before_anything_is_decided(dedup: Run) -> None:
    result = dedup("review", "--no-browser", "--as", "J\udcfcrgen")  # bytes in another encoding than this system's
    assert (result.exit_code, "is no Unicode" in result.stderr) == (2, True)


def test_a_port_that_is_taken_is_told(dedup: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = dedup("review", "--no-browser", "--as", "ann", "--port", str(taken.getsockname()[1]))
    assert (result.exit_code, "(Address already in use): choose another one" in result.stderr) == (2, True)
