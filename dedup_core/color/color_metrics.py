"""ColorMetrics: what is measured of the colors of an aligned pair."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColorMetrics:
    """The color metrics of one pair, always computed together.

    `dominant_distance` 0..~258 and `pixel_difference` 0..~258 are CIELAB distances, `histogram_correlation` is -1..1.
    """

    dominant_distance: float
    pixel_difference: float
    histogram_correlation: float

    def as_dict(self) -> dict[str, float]:
        return {
            "dominant_distance": self.dominant_distance,
            "pixel_difference": self.pixel_difference,
            "histogram_correlation": self.histogram_correlation,
        }
