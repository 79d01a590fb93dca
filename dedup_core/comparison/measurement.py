"""PairMeasurement: all that is measured of a pair, and the form in which it can be stored and judged again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.regions import Region, swapped
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.views import View, opposite

MEASUREMENT_VERSION: Final = 39  # of what is stored; raised when a number comes to mean something else
"""Changes whenever a number means something else: measurements of another version are not judged again."""


_WITH_VERDICT: Final = ("regions", "sides")
SURE_RESIDUAL: Final = 1.5  # within the limits of every preset: no other exposure and no tone has to explain it
RETONED: Final = 5.0  # gray levels; docs/thresholds.md#detail
MOST_KEPT: Final = 0.57  # docs/thresholds.md#another-color-in-one-place
MONOCHROME: Final = 0.8  # CIELAB units of color besides one for each lightness
DUOTONE: Final = 1.2  # what two inks leave of that, as their mixtures bend
SAME_GROUND: Final = 2.0  # CIELAB units: what saving leaves of a plain color
SAME_COLOR: Final = 3.0  # CIELAB units: what compression and scaling do to a color
STANDS_OUT: Final = 1.0  # times; docs/thresholds.md#what-stands-out
DISPLACED: Final = 0.6  # pixels; no preset takes less for displaced: docs/thresholds.md#displaced-parts
MOST_TURN: Final = 8.0  # degrees, more than a scanner's: docs/thresholds.md#before-a-plain-background
MANY_BLOCKS: Final = 100  # docs/thresholds.md#coverage
MOST_OF_ONE: Final = 0.5  # docs/thresholds.md#coverage
FEW_PARTS: Final = 0.03  # of what is shown: with more that differs no allowance makes two pictures one


@dataclass(frozen=True, slots=True)
class Detail:
    """What a closer look at two aligned pictures found, block by block.

    `worst` 0..2 is the largest difference of a block but for specks (1 - correlation; 1 where only one picture shows
    something), `usual` the median of what a picture shows, of the one that keeps more, `calm` the lower quartile.
    `altered_share` 0..1 is the share of what a picture shows that the other one shows otherwise or not at all, of the
    picture that keeps more; `lost_share` that of the other one; `reshaped_share` is as `altered_share` where colors may
    be any others, and `reshaped` the largest such difference where both show something, but for specks and one in 200.
    `blocks` is how many blocks show anything, of `places` that were compared. `grain` is the standard deviation of
    noise in all of them, above that of rounding, and `retoned` the mean difference of what agrees, both in gray
    levels. `starkness` 0..1: how near the usual block of both pictures is to half black and half white. `outlier`: how
    many times what nearly all places of a word's size differ by, for scaling and compression, the largest difference
    is; 0 where none stands out. `displacement`: how far the parts that moved most moved against the rest, but for what
    bends the whole, in pixels of the size at which both were compared; 0 where too little shows to tell.
    `one_is_overlaid`: something lies over just one of the two. `is_negative`: what is light in one of them is dark in
    the other. `evened`: the largest difference that is one in the tones of either as well; None where that was not
    asked, or no change of tone explains the rest. `faded`: how many times what copying changes of contrasts that of a
    word differs by that differs most, in the same tones; 0 where that is next to nothing.
    """

    worst: float
    usual: float
    altered_share: float
    lost_share: float
    reshaped_share: float
    blocks: int
    grain: float = 0.0
    retoned: float = 0.0
    calm: float = 0.0
    starkness: float = 0.0
    reshaped: float = 0.0
    outlier: float = 0.0
    displacement: float = 0.0
    one_is_overlaid: bool = False
    is_negative: bool = False
    evened: float | None = None
    places: int = 0
    faded: float = 0.0
    thickened: float = 0.0

    @property
    def is_retoned(self) -> bool:
        """Whether tones were changed: more than saving and scaling do."""
        return self.retoned > RETONED

    @property
    def stands_out(self) -> bool:
        """Whether a place differs, or has faded, by more than copying explains in the rest."""
        return max(self.outlier, self.faded) > STANDS_OUT


@dataclass(frozen=True, slots=True)
class Tones:
    """What is left of a difference once changes of tone have been allowed for, CIELAB units.

    `hue`: of a and b, once saturation at every lightness and a slight tint were allowed for. `light`: of L, once a tone
    curve and a smooth field of light were. `channels`: of all, once a curve for each channel was. `most_color`,
    `least_color`: how much color the one and the other picture has besides one for each lightness; next to nothing in
    gray, sepia and duotone. `tint`: how far those colors for each lightness are apart. `spot`: as `hue` (or `channels`,
    if that is less), in the places that differ most, and not on average. `spread`: how far what has one color in one
    picture is from its mean in the other, root of the mean of squares; little for a thing in another color. `kept`
    0..1: the share of what is no plain background that has the same color in both, as it is. `mark`: how many times
    what copying leaves in color alone the largest difference in a small place is. `color_off`: how far the usual color
    is off, in levels of 255. `cast`: where one picture has next to no color besides one for each lightness, how many
    times the gain of one channel is that of another in the exposure that explains most of the colors, 0 where it was
    not asked; `off_cast`: what that leaves of them, in nearly all places; `ground`: how far the colors of a light plain
    ground are apart, None without one; `saturation` 0..1: how much color the paler picture has beside the other.
    `shade` 0..1: the share of what is before a light plain ground, the same in both, that is lighter or darker by more
    than a change of light makes it. `gray_off`: where one picture is gray all over and most of the other one is, too,
    how far its lumas are off those of the colors, in levels of 255, in nearly all places; else None. `mark_in_tones`:
    as `mark`, or less where a curve for each channel explains more of it; 0 where no such curves explain the tones.
    `clear_mark`: as `mark`, of what is clear of clipped channels, or less where curves for each explain more of that.
    `exchanged` 0..1: of even places nearby that one picture shows in two colors, the share that the other shows in one,
    whichever way that is less; 0 where colors match anyhow. `painted`: how far the colors of an even area are apart
    where nearly all others are as they were, those of its color, too, or in one tone are, or where neither tone nor
    saturation explains it; 0 for none. `kept_in_tone` 0..1: the share of even places, but for plain background, that
    have the same color once one curve for all channels gave one picture the tone of the other; 0 where that was not
    asked. `off_tone`: as `color_residual`, with all channels as many times as bright, and clipped; None where even
    places are otherwise. `off_saturation`: the same with all colors as many times as saturated; None where places are
    otherwise, or it was not asked. `off_in_tone`: how far the colors of an even place are apart on that curve, CIELAB
    units, in the place that differs most but for specks. `off_balance`: as `off_tone`, with a warmer or colder light
    on two pages; None where it is no such light, or places are otherwise, or it was not asked.
    `fine_mark`: as `mark`, of two pages at a larger size. `stronger_mark`: as `mark`, where a stronger color is one of
    its own. `lost_mark`, `lost_fine_mark`: as `mark` and `fine_mark`, where one picture has no color and the lightness
    of all that is marked; all other marks are 0 then. `panel`: how far the colors of the plain part are apart that was
    trimmed along one side of both. `kept_before` 0..1: the share of what is before a light plain ground in another
    color, and not much darker, that has the same color. `grayed`: where one picture has no color, how far those of one
    lightness in the other are from their mean, root of the mean of squares; 0 where little lost a color.
    """

    hue: float
    light: float
    channels: float
    most_color: float
    least_color: float
    tint: float
    spot: float = 0.0
    spread: float = 0.0
    kept: float = 0.0
    mark: float = 0.0
    color_off: float = 0.0
    cast: float = 0.0
    off_cast: float = 0.0
    ground: float | None = None
    saturation: float = 0.0
    shade: float = 0.0
    gray_off: float | None = None
    mark_in_tones: float = 0.0
    clear_mark: float = 0.0
    exchanged: float = 0.0
    painted: float = 0.0
    kept_in_tone: float = 0.0
    off_tone: float | None = None
    off_saturation: float | None = None
    fine_mark: float = 0.0
    off_in_tone: float = 0.0
    off_balance: float | None = None
    stronger_mark: float = 0.0
    panel: float = 0.0
    kept_before: float = 0.0
    lost_mark: float = 0.0
    lost_fine_mark: float = 0.0
    grayed: float = 0.0

    @property
    def keeps_ground(self) -> bool:
        """Whether both show one light plain ground in the same color."""
        return self.ground is not None and self.ground <= SAME_GROUND


@dataclass(frozen=True, slots=True)
class PairMeasurement:
    """All that is measured of a pair; `decide` needs nothing else.

    `turn` 0..180: how many degrees one is turned against the other besides `view`.
    `same_pixels`: the pictures were compared whole, in all channels, bits and frames, and are equal. `same_when_small`:
    they are of one size and equal once they are shrunk to `WORKING_SIZE` and 8 bits; what a single pixel of the whole
    ones shows may differ. `frame_difference` 0..255: the largest difference of an area in sampled frames of animations
    or pages after the first, in gray levels.
    `structure` -1..1: correlation of edges or of lightness where both are seen. `changed_share` 0..1: share of textured
    blocks that do not agree. `texture` 0..1: share of blocks with any texture. `coverage` 0..1: share of the larger
    picture that the other shows too, `inner_coverage` that of the one of which more is shown. `plain_share` 0..1: share
    of plain background in both, with plain margins of one color that both have all around.
    `color_residual` 0..~258: mean CIELAB difference that no exposure, contrast or white balance explains, where nothing
    changed, or of strangers simply the mean difference; `tones`: what no change of tone explains there. `detail`: the
    closer look. Both are None where the pictures are too unlike for one. `fine`: of the tiles of two pages, compared at
    a larger size, the one in which most stands out; None where no print may be too small to be read. `regions`: the
    parts that the two show differently, and the one that both show where one is inside the other. `sides`: which of the
    two has something over it or around it, or shows less. `colors`: of the palette of one of the two in which the other
    was compared; 0 where it was compared as it is. `strokes`: how many strokes a row or a column of either meets, in
    the median, of two that lie turned or mirrored.
    """

    metrics: ColorMetrics
    view: View
    distance_bits: int | None
    same_pixels: bool
    same_when_small: bool
    frame_difference: float
    structure: float
    changed_share: float
    texture: float
    coverage: float
    inner_coverage: float
    plain_share: float
    color_residual: float
    turn: float = 0.0
    detail: Detail | None = None
    tones: Tones | None = None
    fine: Detail | None = None
    regions: tuple[Region, ...] = ()
    sides: Sides = ALIKE
    colors: int = 0
    strokes: float = 0.0

    def seen_from_right(self) -> Self:
        """The same measurement with left and right exchanged."""
        regions, sides = swapped(self.regions), self.sides.swapped()
        return replace(self, view=opposite(self.view), regions=regions, sides=sides)

    def as_dict(self) -> dict[str, Any]:
        """Everything but what is stored with the verdict (regions and sides), fit for JSON."""
        stored = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _WITH_VERDICT}
        stored["metrics"], stored["view"] = self.metrics.as_dict(), self.view.value
        for name, part in (("detail", self.detail), ("tones", self.tones), ("fine", self.fine)):
            stored[name] = None if part is None else asdict(part)
        return {"version": MEASUREMENT_VERSION} | stored

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], regions: tuple[Region, ...] = (), sides: Sides = ALIKE
    ) -> Self | None:
        """What `as_dict` gave; None for a measurement of another version, which has to be taken anew."""
        if stored.get("version") != MEASUREMENT_VERSION:
            return None
        values = {name: value for name, value in stored.items() if name != "version"}
        values["metrics"], values["view"] = ColorMetrics(**values["metrics"]), View(values["view"])
        for name, kind in (("detail", Detail), ("tones", Tones), ("fine", Detail)):
            values[name] = None if values[name] is None else kind(**values[name])
        return cls(**values, regions=regions, sides=sides)
