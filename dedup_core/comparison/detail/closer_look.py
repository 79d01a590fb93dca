"""A closer look at two aligned pictures: whether every part shows the same, block by block, at full working size."""

from dataclasses import dataclass, replace
from operator import le
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.bend import Bend
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.trimmed_borders import clear_of_borders, clear_of_rims
from dedup_core.comparison.detail.block_planes import DOUBTFUL, BlockPlanes, Blocks
from dedup_core.comparison.detail.block_shapes import differences_in_shape, opposed_in_all_colors
from dedup_core.comparison.detail.displacement import UNMOVED, displacement
from dedup_core.comparison.detail.evened_planes import EvenedPlanes
from dedup_core.comparison.detail.fading import fading
from dedup_core.comparison.detail.outliers import may_stand_out, outliers
from dedup_core.comparison.detail.specks import worst_of
from dedup_core.comparison.detail.thickness import thickened
from dedup_core.comparison.measurement import DISPLACED, FEW_PARTS, RETONED, Detail
from dedup_core.comparison.regions import Region, RegionKind
from dedup_core.comparison.structure.clusters import PixelBox, boxes_of
from dedup_core.comparison.structure.edge_agreement import with_neighbors
from dedup_core.comparison.tones.evened_tones import EXPLAINED
from dedup_core.limits import WORKING_SIZE

SURE_DETAIL: Final = 0.08  # difference of a block; all presets take it for a copy's, but for that of plain pictures
_SURE_RETONED: Final = 0.2  # the same in another light, of which presets take more
_NEXT_TO_NOTHING: Final = 0.025  # little more than what is left of saved crops where they lie exactly (0.006 to 0.021)
_LEAST_SIDE: Final = 24  # pixels: two blocks of 16, one every 8
_CHANGED: Final = 0.45  # a block that differs more than this shows something else; docs/thresholds.md#detail
_RIM: Final = 1  # pixels
_FEW: Final = 12  # blocks that show anything: of so little, half as large ones tell more
_DULLED: Final = 0.005  # of the blocks: where other colors that are clipped or nearly black change shapes as well


@dataclass(frozen=True, slots=True)
class Look:
    """What the closer look found, where, and a map (255 or 0) of the turned left picture without what changed.

    `bend`: the smooth field by which most of right is still off, where that is as much as matters.
    """

    detail: Detail | None
    regions: tuple[Region, ...]
    unchanged: Image.Image
    bend: Bend | None = None

    @property
    def shows_nothing(self) -> bool:
        """Whether what both show is so plain that it tells nothing of what either shows besides."""
        return self.detail is not None and self.detail.blocks == 0

    @property
    def finds_much(self) -> bool:
        """Whether anything differs by more than every preset takes for a copy's."""
        if self.detail is None:
            return False
        sure = _SURE_RETONED if self.detail.is_retoned else SURE_DETAIL
        in_one_tone = self.detail.evened or 0.0
        return self.detail.worst > sure or in_one_tone > SURE_DETAIL or self.detail.stands_out

    @property
    def finds_next_to_nothing(self) -> bool:
        """Whether so little differs, and nothing stands out, that laid on each other better they would show no more."""
        detail = self.detail
        if detail is None or detail.stands_out:
            return False
        return detail.worst <= _NEXT_TO_NOTHING and detail.outlier == 0.0

    def or_better(self, other: "Look") -> "Look":
        """The other look at the same two pictures, laid on each other a little otherwise, if most of them fits better.

        Not if the worst place does: what differs fits best where everything else is a little off. A look that shows
        nothing fits nothing.
        """
        if self.detail is None or other.detail is None:
            return self if other.detail is None else other
        if other.shows_nothing or self.shows_nothing:
            return self if other.shows_nothing else other
        return other if other.detail.usual < self.detail.usual else self

    def or_clearer(self, other: "Look") -> "Look":
        """The other look at the same two pictures, in other colors, if it finds less in every way."""
        if self.detail is None or other.detail is None:
            return self
        ours, theirs = (
            (it.worst, it.altered_share, it.reshaped, it.outlier, it.displacement) for it in (self.detail, other.detail)
        )
        return other if all(map(le, theirs, ours)) else self

    def or_worse(self, whole: "Look") -> "Look":
        """The look at what lies within the margins, or that at the whole pictures if it shows more that differs.

        Whole frames show what is in the margins, and the same blocks otherwise, but not at the same places.
        """
        if whole.detail is None or whole.shows_nothing:
            return self
        if self.detail is None or self.shows_nothing:
            return replace(whole, unchanged=self.unchanged)
        found, others, detail = (self, whole, self.detail)
        if whole.detail.worst > self.detail.worst:
            found, others, detail = (whole, self, whole.detail)
        outlier = max(self.detail.outlier, whole.detail.outlier)
        faded = max(self.detail.faded, whole.detail.faded)
        displaced = self.detail.displacement  # where they lie best: elsewhere all may be
        detail = replace(detail, outlier=outlier, faded=faded, displacement=displaced)
        return Look(detail, found.regions or others.regions, self.unchanged)


NOT_LOOKED: Final = Look(None, (), Image.new("L", (1, 1), 255))


def look_closer(placed: Placed, *, recolored: bool = False) -> Look:
    """Compare what both show, at the size of the one with fewer pixels and as sharp as the more blurred one.

    `recolored` ones are asked in every doubtful place whether it is the shape that differs.
    """
    scale = min(1.0, WORKING_SIZE / max(placed.left.shape[:2]), placed.zoom)
    planes = _planes_of(placed, scale)
    if planes is None:
        return _nothing_in(0)
    if not planes.textured.any():
        return _nothing_in(int(planes.seen.sum()))
    differences = planes.differences_anywhere()
    if planes.reversed(differences).any():
        planes.opposed &= opposed_in_all_colors(planes, placed, scale)
    planes.explain_by_tone(differences)
    retoned = planes.retoned(differences)
    look = _looked(planes, placed, scale, differences, retoned, recolored=recolored)
    if not (recolored and look.finds_much):
        return look
    mixed = EvenedPlanes.recolored(planes, placed, scale, differences)
    if mixed is None or not mixed.planes.textured.any():
        return look
    return look.or_clearer(_looked(mixed.planes, placed, scale, mixed.differences, retoned, recolored=True))


def _nothing_in(places: int) -> Look:
    return Look(Detail(0.0, 0.0, 0.0, 0.0, 0.0, blocks=0, places=places), (), Image.new("L", (1, 1), 255))


def _looked(
    planes: BlockPlanes, placed: Placed, scale: float, differences: Float32s, retoned: float, *, recolored: bool
) -> Look:
    textured = planes.textured
    doubtful = textured & (differences > (DOUBTFUL if recolored or retoned > RETONED else _CHANGED))
    shapes = differences_in_shape(planes, placed, scale, doubtful, differences) if doubtful.any() else differences
    if retoned > RETONED:  # colors that were clipped make another gray of it, and nothing else; none makes light dark
        differences = np.where(planes.reversed(differences), differences, shapes)
    changed = textured & (differences > _CHANGED)
    shares, reshaped = planes.shares_of(changed), planes.shares_of(textured & (shapes > _CHANGED))
    worst = worst_of(differences[textured])
    in_few_parts = min(shares[0], reshaped[0]) <= FEW_PARTS
    displaced = displacement(planes) if in_few_parts else UNMOVED
    bend = displaced.bend
    in_doubt = in_few_parts and retoned > RETONED
    in_place = in_doubt and may_stand_out(planes, differences)
    is_displaced = in_doubt and displaced.pixels > DISPLACED
    evened = None
    if in_place or is_displaced or (in_doubt and worst > SURE_DETAIL):
        evened = EvenedPlanes.of(planes, placed, scale, differences)
    outlier, stand_out = _outliers(planes, evened, shapes if recolored else differences, retoned, recolored=recolored)
    faded, are_faded = fading(planes, differences, retoned)
    if is_displaced:  # the edge of a soft shade lies elsewhere in other tones
        displaced = UNMOVED if evened is None else displacement(evened.planes)
    detail = Detail(
        worst=worst,
        usual=planes.usual(differences),
        calm=float(np.quantile(differences[textured], 0.25)),
        altered_share=shares[0],
        lost_share=(reshaped if retoned > RETONED else shares)[1],  # what is dark in place of light is not gone
        reshaped_share=reshaped[0],
        reshaped=worst_of(shapes[planes.both_show], _DULLED),
        blocks=int(textured.sum()),
        places=int(planes.seen.sum()),
        grain=planes.grain,
        retoned=retoned,
        starkness=planes.starkness,
        outlier=outlier,
        displacement=displaced.pixels,
        is_negative=bool(planes.is_negative),
        evened=None if evened is None else evened.worst(differences, textured),
        faded=faded,
        thickened=thickened(planes) if in_doubt else 0.0,
    )
    marked = changed | stand_out | are_faded
    if displaced.pixels > DISPLACED:
        marked |= displaced.places > DISPLACED
    boxes = [planes.in_shares(corners) for corners in boxes_of(marked, planes.cell)]
    regions = tuple(placed.region(RegionKind.CHANGED, *corners) for corners in boxes)
    return Look(detail, regions, planes.map_of(~with_neighbors(changed)), bend)


def _planes_of(placed: Placed, scale: float) -> BlockPlanes | None:
    """What both show in blocks, in smaller ones where few show anything; None where there is no room for one."""
    cut = clear_of_borders(clear_of_rims(placed).cut(scale, "L", Image.Resampling.BICUBIC), placed)
    box = _without_rim(cut.bounds())
    if box is None:
        return None
    planes = BlockPlanes.of(cut, box)
    if 0 < planes.textured.sum() < _FEW:
        smaller = BlockPlanes.of(cut, box, small=True)
        planes = smaller if smaller.textured.any() else planes
    return planes


def _outliers(
    planes: BlockPlanes, evened: EvenedPlanes | None, differences: Float32s, retoned: float, *, recolored: bool
) -> tuple[float, Blocks]:
    """What stands out, of `evened` planes where those were made: other tones are no difference then.

    Of `recolored` ones only where a curve for each channel explains their colors.
    """
    if evened is not None and (not recolored or evened.left_over <= EXPLAINED):
        return outliers(evened.planes, evened.differences, evened.left_over, bent=True)
    return outliers(planes, differences, retoned)


def _without_rim(box: PixelBox | None) -> PixelBox | None:
    """The box but for its outermost pixels, in which a trimmed border still shows; None for too small a one."""
    if box is None or min(box[2] - box[0], box[3] - box[1]) < _LEAST_SIDE + 2 * _RIM:
        return None
    return box[0] + _RIM, box[1] + _RIM, box[2] - _RIM, box[3] - _RIM
