"""JSON is read and written as the host does it."""

import pytest

from local_host.runtime import newtonsoft


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (5, "5"),
        (True, "True"),
        (1.0, "1"),
        (0.0, "0"),
        (-2.50, "-2.5"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (123456.789, "123456.789"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (1.5e300, "1.5E+300"),
        ("2026-01-02T03:04:05Z", "01/02/2026 03:04:05"),
        ("2026-01-02T03:04:05.1234567+02:00", "01/02/2026 01:04:05"),
        ("2026-01-02T03:04:05", "01/02/2026 03:04:05"),
        ("2026-01-02", "2026-01-02"),
        ("2026-13-02T03:04:05Z", "2026-13-02T03:04:05Z"),
    ],
)
def test_a_scalar_becomes_the_text_that_dotnet_writes(value: str | float, text: str) -> None:
    assert newtonsoft.as_text(value) == text


def test_nested_values_are_compact_with_their_dates_in_utc() -> None:
    value = {"at": "2026-01-02T03:04:05.1200000+02:00", "z": ["2026-01-02T03:04:05Z"], "n": 1.0, "ü": None}
    assert newtonsoft.compact(value) == (
        '{"at":"2026-01-02T01:04:05.12+00:00","z":["2026-01-02T03:04:05Z"],"n":1.0,"ü":null}'
    )


@pytest.mark.parametrize("depth", [65, 20_000])
def test_what_is_nested_deeper_than_64_counts_as_no_json(depth: int) -> None:
    with pytest.raises(ValueError, match="deeper than 64"):
        newtonsoft.parse("[" * depth + "]" * depth)
    assert newtonsoft.parse("[" * 64 + "]" * 64)


def test_an_array_is_no_object() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        newtonsoft.parse_object("[1]")
