"""Pictures that only grow brighter, and so have hardly a positive coefficient, are found like others."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.hash_views import view_hashes
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.views import View

RAMP = np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))
RAMPS = {
    "to the right": RAMP,
    "to the left": RAMP[:, ::-1],
    "downwards": RAMP.T,
    "upwards": RAMP.T[::-1],
}


def fingerprints(name, compress_level):
    encoded = BytesIO()
    Image.fromarray(np.ascontiguousarray(RAMPS[name])).save(encoded, "PNG", compress_level=compress_level)
    return extract_features(encoded.getvalue()).fingerprints


@pytest.mark.parametrize("name", RAMPS)
def test_a_ramp_finds_its_copy_in_another_file_and_the_ramps_in_other_directions(name):
    index = FingerprintIndex()
    for number, other in enumerate(RAMPS):
        index.add(f"{number:032x}", fingerprints(other, 1))
    hits = {hit.image_id: hit.distance_bits for hit in index.search(fingerprints(name, 9))}
    assert len(hits) == len(RAMPS)
    assert hits[f"{list(RAMPS).index(name):032x}"] == 0


@pytest.mark.parametrize("name", RAMPS)
def test_a_ramp_is_not_flat_also_when_it_was_stored(name):
    found = fingerprints(name, 1)
    assert not found.is_flat
    assert found.hashes.any(axis=1).all()
    stored = Fingerprints.from_bytes(found.to_bytes())
    assert stored == found
    assert not stored.is_flat


def test_the_only_bit_of_a_ramp_is_no_dc_bit_and_the_same_in_the_transposed_view():
    hashes = fingerprints("to the right", 1).hashes
    assert np.bitwise_count(hashes).sum(axis=1).tolist() == [1, 1]
    assert not (hashes[:, 0] & 1).any()
    assert (view_hashes(hashes, View.TRANSPOSED) == hashes).all()
