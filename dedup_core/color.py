"""The three color metrics of an aligned pair, and the palette, histogram and CIELAB conversion beneath them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColorMetrics:
    """The color metrics of one pair, always computed together."""

    dominant_distance: float
    pixel_difference: float
    histogram_correlation: float

    def as_dict(self) -> dict[str, float]:
        return {
            "dominant_distance": self.dominant_distance,
            "pixel_difference": self.pixel_difference,
            "histogram_correlation": self.histogram_correlation,
        }
