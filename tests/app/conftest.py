import pytest

from tests.app.world import World
from tests.remembered import remember


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An app in memory, which remembers pictures."""
    remember(monkeypatch)
    return World()
