"""SeenImage: a working image with what every comparison of it asks for, so that it is made once and not once a pair."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hashes import hashes_of
from dedup_core.fingerprinting.luma import LumaPicture


class SeenImage:
    """Luma and hashes of a working image, each made when it is first asked for."""

    def __init__(self, working: WorkingImage) -> None:
        self.working = working

    @cached_property
    def luma(self) -> LumaPicture:
        return LumaPicture(self.working)

    @cached_property
    def hashes(self) -> NDArray[np.uint8]:
        """As in `Fingerprints`: (windows, 32), empty for a flat picture."""
        return hashes_of(self.luma)
