"""Fixtures that every part shares."""

import gc
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.azurite import Account, Azurite, run_azurite
from tests.postgres import Postgres, remove_postgres, run_postgres

# As function_app.py does for the app, and before any test loads NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Images of Python often set it: each of the hundreds of processes of a run would compile all modules anew. The modules
# go into __pycache__ of the checkout, whoever set it; git and the package leave these out.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Collecting tests loads modules, and what is loaded stays.
gc.disable()
# How long an example takes says what else the machine does, not whether the code is right.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

ENGINES = ("embedded", "postgres")
# Files whose tests take long, with processes of their own: begun last, they would leave other cores without work.
LONG = (
    *("tests/test_tutorial.py", "tests/infra/test_package.py", "tests/e2e/test_events.py", "tests/soak/test_soak.py"),
    *("tests/local_host/test_crash.py", "tests/test_readme.py", "tests/e2e/test_side_by_side.py", "tests/e2e/"),
    *("tests/web/test_page.py", "tests/app/test_explored.py"),
)

POSTGRES = pytest.StashKey[Path]()

type NewIndex = Callable[[], dict[str, str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=ENGINES, default="embedded", help="of the candidate index, in tests/e2e")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, for the time in which tests wait for processes and for storage."""
    return (os.process_cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files first, at each worker: each is given its share in this order, and later takes from ends of others."""
    workers: int = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0], []).append(item)
    long = sorted((file for file in by_file if file.startswith(LONG)), key=_place)
    shares = [[item for file in long[first::workers] for item in by_file[file]] for first in range(workers)]
    others = [item for file in by_file if file not in long for item in by_file[file]]
    ordered: list[pytest.Item] = []
    for left, share in zip(range(workers, 0, -1), shares, strict=True):
        room = max(0, (len(items) - len(ordered)) // left - len(share))
        ordered += share + others[:room]
        del others[:room]
    items[:] = ordered + others


def _place(file: str) -> int:
    return next(place for place, start in enumerate(LONG) if file.startswith(start))


def pytest_collection_finish() -> None:
    """What was collected lives as long as the run: the collector of garbage need not look at it each time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)  # ten times as many as usual: looking for cycles that often took 7 % of the time


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the run's PostgreSQL, which is not below pytest's: where root runs it, it is another user's.

    Each run of pytest that begins closes its folder to all others, and the server ended within minutes.
    """
    folder = Path(tempfile.gettempdir()) / f"postgres-of-tests-{secrets.token_hex(8)}"
    config.stash[POSTGRES] = Path(getattr(config, "workerinput", {}).get("postgres", folder))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell it to a worker."""
    node.workerinput["postgres"] = str(node.config.stash[POSTGRES])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the run has begun, and not in its workers: one that leaves cannot know whether another is about to come."""
    if not hasattr(session.config, "workerinput"):
        remove_postgres(session.config.stash[POSTGRES])


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of the candidate index: the test's parameter, else what `--engine` says."""
    return str(getattr(request, "param", request.config.getoption("--engine")))


@pytest.fixture
def new_index(request: pytest.FixtureRequest, engine: str) -> NewIndex:
    """Makes settings that choose the engine, each time with an empty index."""
    if engine == "embedded":
        return dict
    postgres: Postgres = request.getfixturevalue("postgres")
    return lambda: {"INDEX_URL": postgres.new_database()}


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole run."""
    with run_azurite() as running:
        yield running


@pytest.fixture
def account(azurite: Azurite) -> Account:
    """A fresh, empty storage account for one test; `account.connection_string` connects to it."""
    return azurite.new_account()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """One PostgreSQL for the whole run, all its processes together."""
    with run_postgres(pytestconfig.stash[POSTGRES]) as running:
        yield running


@pytest.fixture
def index_url(postgres: Postgres) -> str:
    """An empty database for one test, as the setting INDEX_URL names it."""
    return postgres.new_database()
