"""Luma, in which editors and JPEG tell light from color."""

from typing import Final

import numpy as np

LUMA: Final = np.array([0.299, 0.587, 0.114])  # of red, green and blue; ITU-R BT.601
