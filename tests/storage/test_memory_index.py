import pytest

from dedup_core.fingerprinting.record import Fingerprints
from tests.memory import MemoryIndex
from tests.storage.candidate_index import Another, CandidateIndexContract


class TestMemoryIndex(CandidateIndexContract):
    @pytest.fixture
    def another(self) -> Another:
        shared: dict[str, Fingerprints] = {}
        return lambda: MemoryIndex(shared)
