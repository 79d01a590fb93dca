"""Weak hits, looked at again with both fingerprints at hand and before any image is read."""

from typing import Final

import numpy as np

from dedup_core.fingerprinting.keypoints import BUCKET_BITS, Keypoints
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import MAX_DISTANCE_BITS
from dedup_core.search.hit import Hit
from dedup_core.search.keypoint_query import probes_of
from dedup_core.search.keypoint_votes import agree
from dedup_core.views import VIEWS, View

SURE_KEYPOINTS: Final = 3  # docs/fingerprints.md#thinning
LEAST_AGREEING: Final = 5  # docs/fingerprints.md#thinning
_WORD_TOLERANCE: Final = 8  # bits of 28: the index looks for nearly equal words, here any resemblance counts


def is_plausible(query: Fingerprints, found: Fingerprints, hit: Hit) -> bool:
    """Whether a hit is sure by itself, or else enough keypoints of both pictures bear it out."""
    if hit.distance_bits <= MAX_DISTANCE_BITS or hit.shared_keypoints >= SURE_KEYPOINTS:
        return True
    return loosely_agreeing(query.keypoints, found.keypoints, hit.view) >= LEAST_AGREEING


def loosely_agreeing(query: Keypoints, found: Keypoints, view: View) -> int:
    """The most keypoints of the query that, seen in `view`, resemble keypoints found in the same arrangement."""
    probes = probes_of(query)
    in_view = probes.views == VIEWS.index(view)
    words = probes.buckets[in_view, 0] | probes.rests[in_view] << np.uint32(BUCKET_BITS)
    differing = np.bitwise_count(words[:, None] ^ found.words[None, :])
    asked, held = np.nonzero(differing <= _WORD_TOLERANCE)  # pairs of keypoints
    if len(asked) == 0:
        return 0
    places, other = probes.places[in_view][asked], found.places[held].astype(np.int32)
    first, second = (side.ravel() for side in np.indices((len(asked), len(asked))))
    agreeing = agree(places[first], other[first], places[second], other[second]).reshape(len(asked), len(asked))
    # Which keypoints of the query agree with each pair, each counted once however many it resembles.
    of_query = asked[:, None] == np.arange(len(query))[None, :]
    return 1 + int((agreeing.astype(np.int32) @ of_query > 0).sum(axis=1).max())
