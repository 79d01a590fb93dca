from functools import cache
from typing import Any

import pytest

from dedup_core.comparison import measure
from dedup_core.comparison.seen_image import SeenImage
from dedup_decoders import in_process
from tests.app.world import World

extract_once = cache(in_process.extract_features)
decode_once = cache(in_process.decode)
measure_images = measure.measure_images
measured: dict[tuple[object, ...], Any] = {}


def measure_once(left: SeenImage, right: SeenImage, hint: object) -> Any:
    key = (left.working.pixels.tobytes(), right.working.pixels.tobytes(), hint)
    if key not in measured:
        measured[key] = measure_images(left, right, hint)
    return measured[key]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An app in memory; the same pictures are decoded and measured once for all tests, because many repeat them."""
    monkeypatch.setattr(in_process, "extract_features", extract_once)
    monkeypatch.setattr(in_process, "decode", decode_once)
    monkeypatch.setattr(measure, "measure_images", measure_once)
    return World()
