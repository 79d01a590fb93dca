"""An app on a storage account of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.azurite import Account
from tests.conftest import NewIndex
from tests.e2e.app import App, app_on


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, **new_index()) as running:
        yield running
