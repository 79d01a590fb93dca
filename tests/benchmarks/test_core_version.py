"""What a benchmark keeps of features and measurements is made anew once any code beneath changes."""

import pytest

from benchmarks.quality_eval.core_version import _closure
from benchmarks.quality_eval.workers import OF_FEATURES, OF_MEASUREMENTS


@pytest.mark.parametrize(
    ("of", "beneath"),
    [
        (OF_FEATURES, {"decoding.decoder", "fingerprinting.hashes", "fingerprinting.keypoint_detector"}),
        (
            OF_MEASUREMENTS,
            {
                "decoding.decoder",
                "comparison.alignment.align",
                "comparison.tones.tones_between",
                "fingerprinting.hashes",
            },
        ),
    ],
)
def test_results_rest_on_all_modules_that_make_them(of, beneath):
    assert beneath <= _closure(of)
