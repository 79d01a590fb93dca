"""For all tests of the use cases: an app in memory, and pictures that are looked at once."""

import pytest

from tests.app.world import World
from tests.remembered import remember


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch)


@pytest.fixture
def world() -> World:
    """An app in memory."""
    return World()
