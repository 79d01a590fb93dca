"""What the same pictures come to, worked out once a process, because many tests repeat them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from dedup_changes.copy_maker import MadeCopy, make_copies
from dedup_core.comparison import measure
from dedup_core.comparison.alignment.seen_image import SeenImage
from dedup_core.decoding.working_image import WorkingImage
from dedup_decoders import in_process

extract_once = cache(in_process.extract_features)
decode_once = cache(in_process.decode)
both_once = cache(in_process.features_and_picture)
_measure_images = measure.measure_images
_measured: dict[tuple[object, ...], Any] = {}
_made: dict[tuple[object, ...], list[MadeCopy]] = {}


def remember(patch: pytest.MonkeyPatch) -> None:
    """Have an app in memory decode and measure the same pictures once."""
    patch.setattr(in_process, "extract_features", extract_once)
    patch.setattr(in_process, "decode", decode_once)
    patch.setattr(in_process, "features_and_picture", both_once)
    patch.setattr(measure, "measure_images", measure_once)


def measure_once(left: WorkingImage | SeenImage, right: WorkingImage | SeenImage, hint: object = None) -> Any:
    key = (_told(left), _told(right), hint)
    if key not in _measured:
        _measured[key] = _measure_images(left, right, hint)  # type: ignore[arg-type]
    return _measured[key]


def copies_once(picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
    """Copies as the copy maker makes them."""
    keys = {change: (*_told(picture), name, change) for change in changes}
    for change, key in keys.items():
        if key not in _made:
            _made[key] = make_copies(picture, name, [change])
    return [copy for change in changes for copy in _made[keys[change]]]


def _told(image: WorkingImage | SeenImage) -> tuple[object, ...]:
    """All that a measurement goes by."""
    it = image.working if isinstance(image, SeenImage) else image
    return it.pixels.shape, it.pixels.tobytes(), it.width, it.height, it.whole
