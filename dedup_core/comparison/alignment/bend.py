"""A smooth bend of a whole picture, as lenses, prints and curled paper make it: a cubic of the place, either way."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float64s

_ORDER: Final = 3  # of the polynomial, in both directions together: ten terms
_MOST: Final = 0.03  # of a side: a lens that bends by 6 % takes the corners so far; beyond, nothing was measured
_MESH: Final = 16  # quads either way: within one a cubic bend of `_MOST` is even to a twentieth of a pixel of 512


def cubic_terms(across: Float64s, down: Float64s) -> Float64s:
    """The ten terms of a cubic in both directions, (n, 10)."""
    return np.stack([across**i * down**j for i in range(_ORDER + 1) for j in range(_ORDER + 1 - i)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """How far right and down of its place a picture shows what belongs there, in shares of its sides: (10, 2)."""

    coefficients: Float64s

    @classmethod
    def through(cls, places: Float64s, moved: Float64s) -> Self:
        """The bend that moves these places (n, 2) by so much (n, 2), both in shares of the sides."""
        across, down = (2 * places - 1).T
        return cls(np.linalg.lstsq(cubic_terms(across, down), moved)[0])

    def __add__(self, other: "Bend") -> "Bend":
        """Both, one after the other; of so slight ones the order does not matter."""
        return Bend(self.coefficients + other.coefficients)

    def at(self, across: Float64s, down: Float64s) -> Float64s:
        """How far it moves these places, (n, 2) in shares of the sides."""
        return np.clip(cubic_terms(2 * across - 1, 2 * down - 1) @ self.coefficients, -_MOST, _MOST)

    def taken_from(self, image: Image.Image, inside: NDArray[np.bool_]) -> tuple[Image.Image, NDArray[np.bool_]]:
        """The image unbent, and which of its pixels show what was `inside` (h, w)."""
        size = image.size
        ends = [np.linspace(0, side, _MESH + 1).round().astype(int) for side in size]
        across, down = (it.ravel() for it in np.meshgrid(*ends))
        source = np.stack([across, down], axis=1) + self.at(across / size[0], down / size[1]) * size
        source = source.reshape(_MESH + 1, _MESH + 1, 2)
        mesh = [
            ((int(ends[0][c]), int(ends[1][r]), int(ends[0][c + 1]), int(ends[1][r + 1])), _quad(source, r, c))
            for r, c in np.ndindex(_MESH, _MESH)
            if ends[0][c] < ends[0][c + 1] and ends[1][r] < ends[1][r + 1]
        ]
        shown = Image.fromarray(inside.astype(np.uint8) * 255)
        unbent = image.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
        return unbent, np.asarray(shown.transform(size, Image.Transform.MESH, mesh, Image.Resampling.NEAREST)) > 0


def _quad(source: Float64s, row: int, column: int) -> tuple[float, ...]:
    """Where the corners of a field of the mesh are in the bent image, as Pillow takes them: counter-clockwise."""
    corners = source[row, column], source[row + 1, column], source[row + 1, column + 1], source[row, column + 1]
    return tuple(float(value) for corner in corners for value in corner)
