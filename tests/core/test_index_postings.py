"""Inverted lists give back what was put into them, however many entries a segment has."""

import numpy as np
import pytest

from dedup_core.keypoints import BUCKET_BITS, Keypoints
from dedup_core.postings import Postings, entry_slots
from dedup_core.probes import Probes

BUCKETS = 1 << BUCKET_BITS


@pytest.mark.parametrize("count", [BUCKETS - 1, BUCKETS, BUCKETS + 1, BUCKETS + 2])
def test_about_as_many_entries_as_buckets_are_all_found(count):
    slots = np.arange(count)
    words = (slots * 7 % BUCKETS).astype(np.uint32)
    postings = Postings()
    postings.add(slots, Keypoints(words, np.zeros(count, np.uint32), np.ones((count, 3), np.uint8)))
    postings.settle()
    asked = np.array([0, 3, 5 * 7, BUCKETS - 1])
    probes = Probes(
        buckets=asked.astype(np.uint32)[:, None],
        rests=np.zeros(len(asked), np.uint32),
        views=np.zeros(len(asked), np.int64),
        places=np.zeros((len(asked), 3), np.int32),
    )
    for _ in range(2):  # the second time from entries that were renumbered
        ((probed, entries),) = postings.find(probes)
        found = sorted(zip(asked[probed].tolist(), entry_slots(entries).tolist(), strict=True))
        assert found == [(word, slot) for word in asked.tolist() for slot in np.flatnonzero(words == word).tolist()]
        postings.keep(slots)
