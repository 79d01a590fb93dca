"""The index of the tests does what every candidate index does."""

import pytest

from tests.memory import MemoryIndex, Shared
from tests.storage.candidate_index import Another, CandidateIndexContract


class TestMemoryIndex(CandidateIndexContract):
    @pytest.fixture
    def another(self) -> Another:
        shared: Shared = {}
        return lambda: MemoryIndex(shared)
