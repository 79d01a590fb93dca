"""An app on a storage account of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.azurite import Account
from tests.e2e.app import App, app_on


@pytest.fixture
def app(account: Account) -> Iterator[App]:
    with app_on(account) as running:
        yield running
