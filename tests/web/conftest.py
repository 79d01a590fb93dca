"""For all tests of the page and its API: pictures that are looked at once."""

import pytest

from tests.remembered import remember


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch)
