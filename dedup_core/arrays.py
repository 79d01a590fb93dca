"""The kinds of arrays that the core passes around."""

import numpy as np
from numpy.typing import NDArray

type Float32s = NDArray[np.float32]
type Float64s = NDArray[np.float64]
type Pixels = NDArray[np.uint8]
