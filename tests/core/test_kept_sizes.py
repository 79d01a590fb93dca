"""What is kept for the sizes of pictures is bounded: a collection of crops has thousands of them."""

from functools import _lru_cache_wrapper
from typing import Any

import pytest

from dedup_core.comparison.structure import local_contrast
from dedup_core.fingerprinting import blobs

KEPT_MB = 16


@pytest.mark.parametrize(
    ("kept", "of"),
    [
        (blobs.dct_basis, lambda number: (300 + number, 50)),
        (blobs._response, lambda number: (60 + number % 100, 110 + number // 20, 3)),
        (blobs._gaussian, lambda number: (60 + number % 100, 110 + number // 20, 2.0)),
        (local_contrast._means_of_means, lambda number: (1 + number % 100, 1 + number // 100)),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_a_thousand_sizes_take_little_memory(kept: "_lru_cache_wrapper[Any]", of: Any):
    kept.cache_clear()
    sizes = {kept(*of(number)).nbytes for number in range(1000)}
    assert kept.cache_info().currsize * max(sizes) < KEPT_MB * 1e6
