"""Totals of many loaders add up to what one loader would have counted."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dedup_core.loading.stats import LoaderStats

counts = st.integers(0, 10**9)
stats = st.builds(
    LoaderStats,
    images_downloaded=counts,
    bytes_downloaded=counts,
    download_failures=counts,
    decode_failures=counts,
    comparisons_performed=counts,
    comparisons_failed=counts,
    total_download_seconds=st.integers(0, 10**6).map(float),
    peak_decoded_bytes=counts,
    failures_by_reason=st.dictionaries(st.sampled_from(["not-found", "corrupt", "store-busy"]), st.integers(1, 99)),
)


def test_totals_add_up_but_the_peak_is_the_larger_one():
    first = LoaderStats(
        images_downloaded=2,
        bytes_downloaded=100,
        comparisons_performed=1,
        total_download_seconds=0.5,
        peak_decoded_bytes=70,
        failures_by_reason={"corrupt": 1},
    )
    second = LoaderStats(
        images_downloaded=1,
        bytes_downloaded=50,
        comparisons_failed=1,
        total_download_seconds=0.25,
        peak_decoded_bytes=90,
        failures_by_reason={"corrupt": 2, "not-found": 1},
    )
    assert first.merge(second) == LoaderStats(
        images_downloaded=3,
        bytes_downloaded=150,
        comparisons_performed=1,
        comparisons_failed=1,
        total_download_seconds=0.75,
        peak_decoded_bytes=90,
        failures_by_reason={"corrupt": 3, "not-found": 1},
    )


@given(stats, stats, stats)
def test_the_order_of_merging_does_not_matter(first, second, third):
    assert first.merge(second) == second.merge(first)
    assert (
        first.merge(second).merge(third) == first.merge(second.merge(third)) == LoaderStats.sum([third, first, second])
    )
    assert first.merge(LoaderStats()) == first


@given(stats)
def test_totals_survive_the_way_through_json(totals):
    assert LoaderStats.from_dict(json.loads(json.dumps(totals.as_dict()))) == totals


def test_success_rate_is_the_share_of_comparisons_that_gave_numbers():
    assert LoaderStats(comparisons_performed=3, comparisons_failed=1).success_rate == 0.75
    assert LoaderStats(comparisons_failed=2).success_rate == 0.0
    assert LoaderStats().success_rate == 1.0


def test_reads_saved_are_counted_against_six_a_comparison():
    assert LoaderStats(images_downloaded=2, comparisons_performed=1).reads_saved == 4
    assert LoaderStats(images_downloaded=6, comparisons_performed=5).reads_saved == 24
    assert LoaderStats(images_downloaded=1, comparisons_failed=1).reads_saved == 0


def test_the_rates_follow_from_merged_totals_and_are_not_averaged():
    busy, idle = LoaderStats(comparisons_performed=98, comparisons_failed=1), LoaderStats(comparisons_failed=1)
    assert busy.merge(idle).as_dict()["success_rate"] == 0.98
