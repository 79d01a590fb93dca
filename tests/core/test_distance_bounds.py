"""What lets the scan pass over most hashes is never more than the distance, in any view and inverted."""

import numpy as np
import pytest

from dedup_core.fingerprinting.hash_views import (
    HASH_BYTES,
    DistanceBounds,
    transpose_hashes,
    view_distances,
    view_hashes,
    with_inverted,
)
from dedup_core.views import VIEWS


def as_query(hashes):
    return np.stack([hashes, transpose_hashes(hashes)]).view("<u8")


def as_columns(hashes):
    return np.ascontiguousarray(hashes).view("<u8").T


def hashes_of(random, count):
    hashes = random.integers(0, 256, (count, HASH_BYTES), np.uint8)
    hashes[:, 0] &= 0xFE  # the DC bit
    return hashes


def test_a_bound_is_never_more_than_the_distance():
    random = np.random.default_rng(1)
    query = hashes_of(random, 1)[0]
    near = query ^ (random.random((400, HASH_BYTES)) < 0.1).astype(np.uint8) * np.uint8(2)
    columns = as_columns(np.concatenate([hashes_of(random, 400), near, ~near & np.uint8(0xFE)]))
    bounds = DistanceBounds(2000)(columns, as_query(query)).min(axis=0)
    distances = with_inverted(view_distances(columns, as_query(query))).min(axis=0)
    assert (bounds <= distances).all()
    assert bounds[:400].min() > 78  # strangers are passed over, else it spares nothing


@pytest.mark.parametrize("view", VIEWS)
def test_a_copy_in_any_view_has_the_bound_zero(view):
    query = hashes_of(np.random.default_rng(2), 1)[0]
    turned = np.stack([view_hashes(query, view), ~view_hashes(query, view)])
    turned[:, 0] &= 0xFE
    bounds = DistanceBounds(2)(as_columns(turned), as_query(query)).min(axis=0)
    assert bounds.tolist() == [0, 1]  # the DC bit is not inverted with the rest
