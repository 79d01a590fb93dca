"""What `benchmarks/cost.py` makes of two runs of the pipeline."""

import pytest

from benchmarks.cost import Assumptions, Measured, bill, money, search_hours

PLAIN = {
    "images": 100,
    "comparisons": 0,
    "billed_per_image": {"app: table": 3.0, "host: queue": 2.0},
    "cpu_ms_per_image": {"azurite": 30.0, "decode": 10.0, "search": 5.0},
}
COPIES = {
    "images": 100,
    "comparisons": 20,
    "billed_per_image": {"app: table": 4.0, "app: queue": 0.2, "host: queue": 2.2},
    "cpu_ms_per_image": {"azurite": 40.0, "decode": 16.0, "search": 5.0},
}
NOTHING_BY_CHANCE = Assumptions(
    instance_gb=2.0, cores=1.0, search_ms_per_million=0.0, false_candidates_per_million_pairs=0.0
)


def test_a_comparison_costs_what_a_run_with_copies_takes_more() -> None:
    measured = Measured.of(PLAIN, COPIES)
    assert measured.operations_per_comparison["table"] == pytest.approx(5.0)
    assert measured.operations_per_comparison["queue"] == pytest.approx(2.0)
    assert measured.cpu_seconds_per_comparison == pytest.approx(0.03)


def test_the_storage_emulator_is_not_on_the_bill() -> None:
    assert Measured.of(PLAIN, COPIES).cpu_seconds_per_image == pytest.approx(0.01)


def test_operations_of_distinct_images_grow_with_their_number() -> None:
    small, large = (bill(count, 0.0, Measured.of(PLAIN, COPIES), NOTHING_BY_CHANCE) for count in (1_000, 10_000))
    assert large.operations["table"] == pytest.approx(10 * small.operations["table"])
    assert large.gb_seconds == pytest.approx(10 * small.gb_seconds) == pytest.approx(10_000 * 0.01 * 2)


def test_false_candidates_and_searches_grow_with_the_square() -> None:
    given = Assumptions(instance_gb=1.0, cores=1.0, search_ms_per_million=30.0, false_candidates_per_million_pairs=2.0)
    total = bill(1_000_000, 0.0, Measured.of(PLAIN, COPIES), given)
    assert total.comparisons == pytest.approx(1_000_000, rel=1e-5)
    assert total.cpu_seconds == pytest.approx(10_000 + 30_000 + 15_000, rel=1e-5)


def test_a_search_takes_what_it_always_does_and_more_among_more_images() -> None:
    assert search_hours(3_600_000, 10.0, 0.0) == pytest.approx(10.0)
    assert search_hours(2_000_000, 0.0, 18.0) == pytest.approx(10.0)


def test_only_prices_that_were_given_are_summed() -> None:
    total = bill(10_000, 0.2, Measured.of(PLAIN, COPIES), NOTHING_BY_CHANCE)
    assert money(total, {}) == 0.0
    assert money(total, {"table": 0.5}) == pytest.approx((10_000 * 3 + 2_000 * 5) / 10_000 * 0.5)
    assert money(total, {"gb-second": 0.1}) == pytest.approx(total.gb_seconds * 0.1)
