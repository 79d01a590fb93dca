"""sRGB -> CIELAB, and sums over it."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels

_WHITE_D65: Final = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)
_XYZ_FROM_RGB: Final = np.array(  # IEC 61966-2-1, divided by the white point
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    dtype=np.float32,
)
_THIRD_OF_EXPONENT: Final = np.int32(709921077)  # two thirds of the bits of 1.0, less what makes the error least
CODES: Final = np.arange(256) / 255  # what a channel can be, 0..1
_TOE_END: Final = 0.04045
_TO_XYZ: Final = (_XYZ_FROM_RGB / _WHITE_D65[:, None]).T
_LINEAR: Final = np.where(CODES <= _TOE_END, CODES / 12.92, ((CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_to_lab(pixels: Pixels, *, as_stored: bool = False) -> Float32s:
    """CIELAB (L 0..100, a and b about -108..98, float32) of sRGB pixels ..., 3) uint8, under D65.

    `as_stored` takes NumPy's cube roots, with which palettes have been stored: a and b of a gray are zero but for
    rounding, and its sign decides to which cell of a palette the gray belongs.

    Source: IEC 61966-2-1 (sRGB to XYZ) and CIE 15:2018 (XYZ to CIELAB).
    """
    xyz = _LINEAR.take(pixels) @ _TO_XYZ
    f = np.cbrt(xyz) if as_stored else _cube_roots(xyz)
    dark = xyz <= 216 / 24389  # few pixels of most pictures
    f[dark] = xyz[dark] * np.float32(24389 / 27 / 116) + np.float32(16 / 116)
    lab = xyz  # written over: it is not needed any more, and there are enough planes of this size at the peak
    lab[..., 0] = 116 * f[..., 1] - 16
    lab[..., 1] = 500 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200 * (f[..., 1] - f[..., 2])
    return lab


def lab_of(values: Float32s | Float64s) -> Float32s:
    """CIELAB of sRGB in 0..1, (..., 3), rounded to 8 bits; what is beyond is clipped."""
    return srgb_to_lab((values.clip(0.0, 1.0) * 255).round().astype(np.uint8))


def _cube_roots(values: Float32s) -> Float32s:
    """Of values up to 1 to the last bit but one, and of 0.001 for all that are less.

    A third of the exponent, and twice Halley's method: several times faster than NumPy's, and alike on all processors.
    """
    values = np.maximum(values, np.float32(0.001))
    roots: Float32s = (values.view(np.int32) // 3 + _THIRD_OF_EXPONENT).view(np.float32)
    for _ in range(2):
        cubes = roots * roots
        cubes *= roots
        divisors = cubes + cubes
        divisors += values
        cubes += values
        cubes += values
        roots *= cubes
        roots /= divisors
    return roots


def block_means(planes: Float32s | Pixels, side: int) -> Float32s:
    """Means of square blocks, (h, w, c) -> (h // side, w // side, c) float32; a rest at the edge is left out.

    Planes with less than one block stay as they are.
    """
    height, width, channels = planes.shape
    if side > min(height, width):
        return planes.astype(np.float32)
    rows, columns = height // side, width // side
    whole = planes[: rows * side, : columns * side].reshape(rows, side, columns * side * channels)
    across = whole.sum(axis=1, dtype=np.float32).reshape(rows, columns, side, channels)
    total: Float32s = across[:, :, 0].copy()
    for column in range(1, side):  # many times faster than a mean over two short axes
        total += across[:, :, column]
    total /= np.float32(side * side)
    return total


def squared_lengths(vectors: Float32s) -> Float32s:
    """Of (..., 3); in place. Three additions, because NumPy's sum over so short an axis takes many times longer."""
    vectors *= vectors
    lengths: Float32s = vectors[..., 0] + vectors[..., 1]
    lengths += vectors[..., 2]
    return lengths
