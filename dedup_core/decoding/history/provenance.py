"""Provenance: what a file still tells of how far it is from its camera, whatever its name and size say."""

from dataclasses import dataclass
from typing import Final

REDUCED: Final = 1  # the quality of a scene that was given a palette: nothing else has lost as much
LOSSLESS: Final = 100  # the quality of a picture that no JPEG encoder is known to have touched


@dataclass(frozen=True, slots=True)
class Provenance:
    """What tells an original from its copies.

    `quality` 1..100: of the worst save as JPEG that can be seen, as libjpeg counts it; 100 where none can be, 1 of a
    scene that was reduced to a palette.
    `saved_again`: the picture was a JPEG before this file was written. `detail_side`: the longer side in pixels at
    which the picture would still show all it has, at most its own. `has_camera_data`: its EXIF block names a camera.
    `is_gray`: nothing in it has a color.
    """

    quality: int = LOSSLESS
    saved_again: bool = False
    detail_side: int = 0
    has_camera_data: bool = False
    is_gray: bool = False


UNKNOWN: Final = Provenance()
