"""Channels that were leveled, equalized or faded: the changes of tone that take a curve for each channel."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float32s, Float64s

_NEUTRAL: Final = 12.0  # CIELAB units, of the mean color; equalized channels leave up to 10.8
_ONE_WAY: Final = 1.05  # times: what saving and coarser levels change the contrast of a channel by
_EMPTIED: Final = 6.0  # times: leveling changes the contrast of one channel by up to 3.8 times that of another
_LEAST_SPREAD: Final = 1e-6  # so that a channel that is all one has a contrast


def may_be_leveled(levels: tuple[Float32s, Float32s], labs: tuple[Float64s, Float64s], weight: Float64s) -> bool:
    """Whether a curve for each channel may be a change of tone: channels that were leveled, equalized or faded.

    That takes most of a cast away, or changes the contrast of all channels the same way; a hue that is turned adds to
    one channel what it takes from another. A channel that was emptied is no tone.
    """
    contrasts = [_contrast(it.reshape(-1, 3), weight) for it in levels]
    changes = np.sort((contrasts[0] + _LEAST_SPREAD) / (contrasts[1] + _LEAST_SPREAD))
    if changes[-1] > _EMPTIED * changes[0]:
        return False
    casts = sorted(float(np.hypot(*(lab[1:] @ weight)) / weight.sum()) for lab in labs)
    return casts[0] <= max(_NEUTRAL, casts[1] / 2) or changes[0] * _ONE_WAY >= 1.0 or changes[-1] <= _ONE_WAY


def _contrast(values: Float32s, weight: Float64s) -> Float64s:
    """The standard deviation of each channel (n, 3)."""
    shares = weight / weight.sum()
    off = values - shares @ values
    return np.asarray(np.sqrt(shares @ (off * off)), dtype=np.float64)
