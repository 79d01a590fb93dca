"""Plain borders are found as by a scan of every line, although most pictures are spared it."""

import numpy as np
import pytest

from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting import luma
from dedup_core.fingerprinting.luma import LumaPicture


def picture_with_a_doubtful_border(seed: int) -> WorkingImage:
    """Noise inside a border whose lines are just plain enough, or just not: a few specks, near the tolerance."""
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(130, 512, 2))
    pixels = random.integers(0, 256, (height, width), dtype=np.uint8)
    thickness = int(random.integers(1, 30))
    edge = np.full((thickness, width), 100.0)
    specks = random.random(edge.shape) < random.uniform(0.0, 0.05)
    edge[specks] += random.uniform(6.0, 60.0)
    edge += random.normal(0, random.uniform(0, 6), edge.shape)
    pixels[:thickness] = edge.clip(0, 255).astype(np.uint8)
    turned = np.ascontiguousarray(np.rot90(pixels, int(random.integers(4))))
    colors = np.repeat(turned[..., None], 3, axis=2)
    return WorkingImage(colors, "PNG", colors.shape[1], colors.shape[0], colors.nbytes)


def test_the_short_cut_finds_the_borders_of_the_full_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [picture_with_a_doubtful_border(seed) for seed in range(300)]
    quick = [LumaPicture(picture).frame for picture in pictures]
    monkeypatch.setattr(luma, "_may_be_plain", lambda *_: True)
    assert quick == [LumaPicture(picture).frame for picture in pictures]
    assert 50 < sum(frame != (0.0, 0.0, it.width, it.height) for frame, it in zip(quick, pictures, strict=True)) < 250
