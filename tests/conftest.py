"""Fixtures that every part shares."""

import os
from collections.abc import Iterator

import pytest

from tests.azurite import Account, Azurite, run_azurite

# As function_app.py does for the app, and before any test loads NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole run."""
    with run_azurite() as running:
        yield running


@pytest.fixture
def account(azurite: Azurite) -> Account:
    """A fresh, empty storage account for one test; `account.connection_string` connects to it."""
    return azurite.new_account()
