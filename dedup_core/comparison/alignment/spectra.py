"""Where to start an alignment of what repeats itself, as lines of text do: by their spectra.

Source: Reddy and Chatterji, "An FFT-based technique for translation, rotation, and scale-invariant image registration",
IEEE Transactions on Image Processing 1996.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Float64s
from dedup_core.comparison.alignment.starts import Pyramids, Start, in_nearest_view

type _Shape = tuple[int, ...]
SIDE: Final = 160  # longer side in pixels: lines of text, three pixels apart, still show
_SPECTRUM: Final = 256  # points of a side, of which a plane fills the most
_LOWEST, _HIGHEST = 6.0, 120.0  # waves along those: fewer tell the shape of the frame, more the grid of pixels
_STEP: Final = 0.0125  # of the logarithm of a zoom: lines at the edge are moved by less than one of them
_ANGLES: Final = 120  # of half a turn
_LARGEST_ZOOM: Final = 2.5  # of a part that is smaller, too little of the spectrum is the same
LEAST_OVERLAP: Final = 0.4  # of the smaller one: a crop lies inside as a whole; fewer points agree somewhere by chance
_LEAST_LIKENESS: Final = 0.2  # of two spectra: those of strangers have 0.12 to 0.26, of crops to a half 0.28 to 0.7
_RIVAL: Final = 0.6  # of the better likeness; of a page, its mirror image has up to 0.9
_LEAST_ENERGY: Final = 1e-9


def spectrum_starts(pyramids: Pyramids) -> list[Start]:
    """The likeliest place of the left picture, of its mirror image, and of both upside down; the best first.

    None of that one of them whose spectrum is hardly like that of the right picture, or far less than the other's.
    """
    ours, theirs = (_log_polar(pyramid.plane_at(SIDE)) for pyramid in pyramids)
    # Of a picture upside down, what turned one way turns the other.
    sides = ours, np.roll(ours[:, ::-1], 1, axis=1)
    likeliest = [_turn_and_zoom(side, theirs) for side in sides]
    least = max(_LEAST_LIKENESS, _RIVAL * max(likeness for likeness, _, _ in likeliest))
    found: list[tuple[float, Start]] = []
    for mirrored, (likeness, turn, zoom) in zip((False, True), likeliest, strict=True):
        if likeness >= least:
            for score, matrix in _placed(pyramids, turn, zoom, mirrored=mirrored):
                found.append((score, in_nearest_view(matrix, pyramids[0].extent, mirrored=mirrored)))
    found.sort(key=lambda it: -it[0])
    return [start for _, start in found]


@cache
def _places() -> tuple[tuple[NDArray[np.intp], ...], Float32s, Float32s]:
    """Where in a half spectrum, counted row by row, the four neighbors of each point of a log-polar grid lie.

    Those of the upper row and of the lower one, and how far below and to the right of the first of them the point lies.
    """
    radii = np.exp(np.arange(np.log(_LOWEST), np.log(_HIGHEST), _STEP))[:, None]
    angles = (np.arange(_ANGLES) / _ANGLES - 0.5) * np.pi  # half of all: the other half of a spectrum repeats it
    x, y = radii * np.cos(angles), radii * np.sin(angles) + _SPECTRUM / 2
    rows, columns = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    # Waves up and to the left, of negative frequencies, come last.
    upper, lower = ((row - _SPECTRUM // 2) % _SPECTRUM * (_SPECTRUM // 2 + 1) + columns for row in (rows, rows + 1))
    neighbors = upper, upper + 1, lower, lower + 1
    return neighbors, (y - rows).astype(np.float32), (x - columns).astype(np.float32)


def _log_polar(plane: Float32s) -> Float32s:
    """How strong waves of each length and direction are, (radii, angles), against all that are as long."""
    windowed = (plane - plane.mean()) * np.outer(*(np.hanning(side + 2)[1:-1] for side in plane.shape)).astype(
        np.float32
    )
    strength = np.log1p(np.abs(np.fft.rfft2(windowed, s=(_SPECTRUM, _SPECTRUM))).astype(np.float32))
    neighbors, down, across = _places()
    first, second, third, fourth = (strength.take(places) for places in neighbors)
    upper = first * (1 - across) + second * across
    lower = third * (1 - across) + fourth * across
    polar = upper * (1 - down) + lower * down
    return np.asarray(polar - polar.mean(axis=1, keepdims=True))


def _turn_and_zoom(ours: Float32s, theirs: Float32s) -> tuple[float, float, float]:
    """How like the right picture's spectrum the left one's is at best, -1..1, and turned and zoomed by how much then.

    The turn is in radians, up to half of one.
    """
    count, most = len(ours), round(np.log(_LARGEST_ZOOM) / _STEP)
    size = 60 * -(-(count + most) // 60), _ANGLES  # of small factors, for the FFT
    spectra = np.fft.rfft2(ours, s=size).conj() * np.fft.rfft2(theirs, s=size)
    likeness = np.fft.irfft2(spectra, s=size)
    shifts = np.arange(-most, most + 1)
    sums, others = (np.concatenate([[0.0], np.cumsum(np.square(it).sum(axis=1))]) for it in (ours, theirs))
    first, end = np.maximum(0, -shifts), count - np.maximum(0, shifts)
    energy = (sums[end] - sums[first]) * (others[end + shifts] - others[first + shifts])
    scores = likeness[shifts] / np.sqrt(energy + _LEAST_ENERGY)[:, None]
    shift, angle = np.unravel_index(int(scores.argmax()), scores.shape)
    return float(scores[shift, angle]), float(angle) * np.pi / _ANGLES, float(np.exp(-shifts[shift] * _STEP))


def _placed(pyramids: Pyramids, turn: float, zoom: float, *, mirrored: bool) -> Iterator[tuple[float, Float64s]]:
    """How well the turned left picture, and the same upside down, lies where it lies best, and the (2, 3) matrix."""
    ours, theirs = pyramids[0].at(round(SIDE * min(1.0, zoom))), pyramids[1].at(round(SIDE * min(1.0, 1 / zoom)))
    height, width = ours.shape
    cosine, sine = np.cos(turn), np.sin(turn)
    size = round(abs(cosine) * width + abs(sine) * height), round(abs(sine) * width + abs(cosine) * height)
    back = np.array([[cosine, sine], [-sine, cosine]])
    start = np.array([width, height]) / 2 - back @ np.array(size) / 2
    coefficients = tuple(np.column_stack([back, start]).ravel().tolist())
    image = Image.fromarray(np.ascontiguousarray(ours[::-1] if mirrored else ours))
    turned = np.asarray(image.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR))
    canvas = _least_canvas(turned.shape, theirs.shape)
    spectrum, of_theirs = (np.fft.rfft2(plane, s=(canvas, canvas)) for plane in (turned, theirs))
    weights = _overlap_weights(turned.shape, theirs.shape, canvas)
    longer = max(theirs.shape)
    for half in (False, True):
        # Upside down a plane has the conjugate spectrum, but for where it begins.
        likeness = np.fft.irfft2((spectrum if half else spectrum.conj()) * of_theirs, s=(canvas, canvas))
        scores = weights * (np.roll(likeness, (1 - size[1], 1 - size[0]), axis=(0, 1)) if half else likeness)
        best = int(scores.argmax())
        down, across = _shift_of(best, theirs.shape, canvas)
        there = np.array([across, down]) - back.T @ start
        linear = back.T
        if half:
            there, linear = np.array([across, down]) + size + back.T @ start, -linear
        matrix = np.column_stack([linear * (max(ours.shape) / longer), there / longer])
        yield float(scores.flat[best]), matrix


def _overlap_weights(left: _Shape, right: _Shape, canvas: int) -> Float32s:
    """1 / sqrt(overlap) for every shift of left on right: it makes z-scores of correlations; 0 for too little overlap.

    (canvas, canvas), where shifts up and to the left come last; the canvas holds as much as `_least_canvas`.
    """
    shares = []
    for ours, theirs in zip(left, right, strict=True):
        shift = np.arange(canvas)
        shift = np.where(shift < theirs, shift, shift - canvas)
        shares.append(np.clip(np.minimum(ours + shift, theirs) - np.maximum(shift, 0), 0, None))
    area = shares[0][:, None] * shares[1][None, :]
    enough = area >= LEAST_OVERLAP * min(left[0] * left[1], right[0] * right[1])
    return np.where(enough, 1.0 / np.sqrt(np.maximum(area, 1)), 0.0).astype(np.float32)


def _least_canvas(left: _Shape, right: _Shape) -> int:
    """How long a canvas is on which no shift that overlaps enough wraps around: a power of two, for the FFT."""
    sides = zip(left, right, strict=True)
    longest = max(ours + theirs - int(LEAST_OVERLAP * min(ours, theirs)) for ours, theirs in sides)
    return 1 << (longest - 1).bit_length()


def _shift_of(place: int, right: _Shape, canvas: int) -> tuple[int, int]:
    """Rows and columns by which left is shifted at a place of the scores, counted row by row."""
    down, across = (
        shift if shift < side else shift - canvas for shift, side in zip(divmod(place, canvas), right, strict=True)
    )
    return down, across
