"""Pictures for throughput: as many distinct ones as asked for, and a known share of near-duplicates among them."""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (640, 480)
COARSEST = (4, 3)
OCTAVES = 6
PALER = 6


def drawn_images(count: int, copies_share: float) -> Iterator[tuple[str, bytes]]:
    """JPEG files by name. A copy is the picture before it, paler, smaller and more compressed; its name says so."""
    copies = 0
    scene = draw_scene(0)
    for number in range(count):
        is_copy = number > 0 and copies < copies_share * number
        copies += is_copy
        if is_copy:
            picture = scene.resize((480, 360), Image.Resampling.LANCZOS).point(lambda value: min(255, value + PALER))
        else:
            scene = picture = draw_scene(number)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=60 if is_copy else 88)
        yield f"{number:06}{'-copy' if is_copy else ''}.jpg", buffer.getvalue()


def draw_scene(seed: int) -> Image.Image:
    """Random colors in patches of every size, the smaller the weaker, as in a photograph; no two pictures are alike."""
    random = np.random.default_rng(seed)
    planes = np.zeros((COARSEST[1], COARSEST[0], 3), np.float32)
    for octave in range(OCTAVES):
        height, width = COARSEST[1] << octave, COARSEST[0] << octave
        # Light varies more than color, as it does in photographs.
        patches = random.normal(0, 1, (height, width, 1)) + random.normal(0, 0.5, (height, width, 3))
        planes = resized(planes, (width, height)) + patches.astype(np.float32) * np.float32(40 * 0.7**octave)
    grain = random.normal(0, 3, (SIZE[1], SIZE[0], 1)).astype(np.float32)
    return Image.fromarray((resized(planes, SIZE) + grain + 128).clip(0, 255).astype(np.uint8))


def resized(planes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, 3) at another size, smoothly."""
    channels = [Image.fromarray(planes[..., channel]).resize(size, Image.Resampling.BICUBIC) for channel in range(3)]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)
