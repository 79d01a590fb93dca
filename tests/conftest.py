"""Fixtures that every part shares."""

from collections.abc import Iterator

import pytest

from tests.azurite import Account, Azurite, run_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole run."""
    with run_azurite() as running:
        yield running


@pytest.fixture
def account(azurite: Azurite) -> Account:
    """A fresh, empty storage account for one test; `account.connection_string` connects to it."""
    return azurite.new_account()
