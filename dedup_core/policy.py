"""The thresholds between the verdicts, and the three presets of them."""

from dataclasses import dataclass
from numbers import Real
from typing import Final

_SHARES: Final = (
    "min_structure",
    "min_plain_structure",
    "min_altered_structure",
    "max_altered_share",
    "max_reshaped_share",
    "max_usual_difference",
    "max_detail_difference",
    "max_clean_difference",
    "min_coverage",
    "min_inner_coverage",
    "min_part",
    "min_kept_color",
    "max_plain_share",
    "min_texture",
    "max_mark_texture",
)
_DISTANCES: Final = (
    "max_color_residual",
    "max_plain_color_residual",
    "max_altered_color_residual",
    "max_plain_difference",
    "max_frame_difference",
    "max_displacement",
    "max_hue_residual",
    "max_light_residual",
    "max_channel_residual",
    "max_plain_tone_residual",
    "max_toning",
    "max_spot_residual",
)
_LARGEST_DISTANCE: Final = 258.0  # of two sRGB colors in CIELAB: saturated green and blue


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds between the verdicts; every default is measured in docs/thresholds.md."""

    min_structure: float = 0.8  # docs/thresholds.md#structure
    min_plain_structure: float = 0.84  # docs/thresholds.md#before-a-plain-background
    max_color_residual: float = 3.8  # docs/thresholds.md#color-residual
    max_plain_color_residual: float = 2.5  # docs/thresholds.md#before-a-plain-background
    max_hue_residual: float = 1.5  # docs/thresholds.md#tone-is-not-color
    max_light_residual: float = 5.0  # docs/thresholds.md#tone-is-not-color
    max_channel_residual: float = 3.0  # docs/thresholds.md#tone-is-not-color
    max_plain_tone_residual: float = 1.2  # docs/thresholds.md#tone-is-not-color
    min_kept_color: float = 0.3  # docs/thresholds.md#tone-is-not-color
    max_toning: float = 6.0  # docs/thresholds.md#tone-is-not-color
    max_spot_residual: float = 12.0  # docs/thresholds.md#another-color-in-one-place
    max_detail_difference: float = 0.35  # docs/thresholds.md#detail
    max_clean_difference: float = 0.1  # docs/thresholds.md#detail
    min_altered_structure: float = 0.45  # docs/thresholds.md#altered-or-distinct
    max_altered_share: float = 0.25  # docs/thresholds.md#altered-or-distinct
    max_reshaped_share: float = 0.01  # docs/thresholds.md#detail
    max_usual_difference: float = 0.25  # docs/thresholds.md#altered-or-distinct
    max_altered_color_residual: float = 4.5  # docs/thresholds.md#altered-or-distinct
    min_inner_coverage: float = 0.8  # docs/thresholds.md#coverage
    min_part: float = 0.1  # docs/thresholds.md#coverage
    max_frame_difference: float = 8.0  # docs/thresholds.md#animations-and-pages
    max_displacement: float = 0.8  # docs/thresholds.md#displaced-parts
    min_coverage: float = 0.35  # docs/thresholds.md#coverage
    max_plain_share: float = 0.25  # docs/thresholds.md#before-a-plain-background
    min_texture: float = 0.02  # docs/thresholds.md#plain-pictures
    max_mark_texture: float = 0.3  # docs/thresholds.md#before-a-plain-background
    max_plain_difference: float = 2.3  # docs/thresholds.md#plain-pictures

    def __post_init__(self) -> None:
        for name in (*_SHARES, *_DISTANCES):
            if not isinstance(getattr(self, name), Real):
                raise TypeError(f"{name} is {getattr(self, name)!r}; it takes a number")
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it takes 0 to 1")
        for name in _DISTANCES:
            if not 0.0 <= getattr(self, name) <= _LARGEST_DISTANCE:
                raise ValueError(f"{name} is {getattr(self, name)}; it takes 0 to {_LARGEST_DISTANCE:.0f}")
        if self.min_altered_structure > self.min_structure:
            limit = f"min_structure, {self.min_structure}"
            raise ValueError(f"min_altered_structure is {self.min_altered_structure}; it takes at most {limit}")


STRICT: Final = Policy(
    min_structure=0.88,
    min_plain_structure=0.9,
    max_hue_residual=0.8,
    max_light_residual=2.5,
    max_channel_residual=1.0,
    max_plain_tone_residual=0.6,
    max_spot_residual=8.0,
    max_detail_difference=0.25,
    max_clean_difference=0.08,
    min_altered_structure=0.6,
    max_altered_share=0.15,
    max_usual_difference=0.15,
    max_altered_color_residual=2.5,
    min_inner_coverage=0.9,
    min_part=0.15,
    max_color_residual=2.0,
    max_plain_color_residual=1.5,
    min_coverage=0.5,
    max_plain_share=0.15,
    max_plain_difference=1.0,
    max_frame_difference=5.0,
    max_displacement=0.6,
)
BALANCED: Final = Policy()
LOOSE: Final = Policy(
    min_structure=0.75,
    min_plain_structure=0.8,
    max_hue_residual=2.2,
    max_light_residual=8.0,
    max_channel_residual=4.0,
    max_plain_tone_residual=1.6,
    max_spot_residual=18.0,
    max_detail_difference=0.45,
    max_clean_difference=0.16,
    min_altered_structure=0.4,
    max_altered_share=0.4,
    max_usual_difference=0.35,
    max_altered_color_residual=6.0,
    min_inner_coverage=0.7,
    max_color_residual=5.5,
    max_plain_color_residual=3.5,
    min_coverage=0.25,
    max_plain_share=0.35,
    max_plain_difference=4.0,
    max_frame_difference=12.0,
    max_displacement=1.2,
)
PRESETS: Final = {"strict": STRICT, "balanced": BALANCED, "loose": LOOSE}


def policy_of(policy: Policy | str) -> Policy:
    """The policy itself or the preset of that name. Raises `ValueError` for another name."""
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, str) or policy not in PRESETS:
        raise ValueError(f"policy is {policy!r}; it takes {', '.join(map(repr, PRESETS))} or a Policy")
    return PRESETS[policy]
