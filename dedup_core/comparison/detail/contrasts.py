"""Contrasts of blocks against each other: gone in one picture but for a trace, or the other way round."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

type Blocks = NDArray[np.bool_]
_OTHER_CONTRAST: Final = 16.0  # ratio of variances, against the usual one: what is there has gone but for a trace
TEXTURED: Final = 64.0  # variance in gray levels above which a block shows anything
_OPPOSED: Final = -0.7  # correlation: half of the variance of either is that of the other the other way round


def has_other_contrast(gain: Float32s, usual: float) -> Blocks:
    """Where a block's ratio of variances is so far from the usual one that what is there is gone but for a trace."""
    return np.asarray((gain > usual * _OTHER_CONTRAST) | (gain * _OTHER_CONTRAST < usual))


def is_opposed(covariance: Float32s, left: Float32s, right: Float32s) -> Blocks:
    """Where light has become dark and dark light; of the covariance and the variances of blocks."""
    return np.asarray((covariance < _OPPOSED * np.sqrt(left * right)) & (np.minimum(left, right) > TEXTURED))
