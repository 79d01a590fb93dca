"""Shares with the interval in which the true one lies (95 %), which is wide where little was counted."""

import math
from dataclasses import dataclass
from typing import Final

_NORMAL_95: Final = 1.959964  # standard deviations on either side


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`; `low` and `high` by Wilson (1927), which holds for few and for shares of 0 and 1, too."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """0 where nothing was counted."""
        return self.count / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        return self._bounds()[0]

    @property
    def high(self) -> float:
        return self._bounds()[1]

    def as_dict(self) -> dict[str, float | int]:
        return {"count": self.count, "of": self.of, "share": self.share, "low": self.low, "high": self.high}

    def _bounds(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        z2 = _NORMAL_95**2
        middle = (self.share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        spread = math.sqrt(self.share * (1 - self.share) / self.of + z2 / (4 * self.of**2))
        half = _NORMAL_95 * spread / (1 + z2 / self.of)
        # At the ends the formula gives 0 and 1, but for rounding.
        return (0.0 if self.count == 0 else middle - half), (1.0 if self.count == self.of else middle + half)
