"""Two gray planes, equally sharp, block by block: how far each block of one differs from that of the other, and why."""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.placing import Cut, Placed
from dedup_core.comparison.detail.block_windows import pixels_of, sums_within, windows
from dedup_core.comparison.detail.contrasts import TEXTURED, has_other_contrast, is_opposed
from dedup_core.comparison.structure.clusters import PixelBox
from dedup_core.comparison.structure.sharpness import (
    UNTOUCHED,
    ImagePair,
    Softening,
    block_sums,
    equally_sharp,
    smoothed,
)
from dedup_core.comparison.tones.bent_tones import tone_curve, toned, variance_and_explained, variance_off_curve

type Blocks = NDArray[np.bool_]
CELL: Final = 8  # pixels; a block is two cells wide and high, and blocks begin at every cell
_SMALL_CELL: Final = 4  # for pictures that have few pixels
_SMALL: Final = 160  # pixels of the longer side: fewer are less than 19 blocks of 16 in a row
_NOISE: Final = 2.0  # gray levels: what rounding and compression add to any block
_CALMEST: Final = 0.1  # of the blocks: they show how much grain there is
_GRAIN: Final = 2.0  # as much noise in other blocks is expected
_RELIT: Final = 11.0  # gray levels off the tone curve of the picture; docs/thresholds.md#detail
_FEW_BLOCKS: Final = 3  # of one level that say something about the tone
_LEAST_KEPT: Final = 4.0  # times: of what one picture shows the other one keeps as much, or it is not the tone
_WEAVE: Final = 16.0  # the same where nothing shows more: a fine weave that scaling has made faint, a bank of fog
_FAINT: Final = 150.0  # variance up to which what only one picture shows may be noise
_ONE_SIDED: Final = 0.08  # of the variances: below, only one picture shows anything
_PAPER: Final = 1.0  # variance in gray levels; a sky has more
_FLAT: Final = 25.0  # variance, five gray levels either way: of so plain a block the tone is all that there is
_HALF_BLACK: Final = 127.5**2  # variance of half black and half white, the largest that there is
DOUBTFUL: Final = 0.1  # a block that differs more is looked at again, shifted and by its tone
_SHIFT: Final = 2  # pixels either way that an alignment may be off at a block


class Where(NamedTuple):
    """A box in pixels of the whole turned left picture, and how large that is."""

    box: PixelBox
    whole_size: tuple[int, int]


class BlockPlanes:
    """Two gray planes, equally sharp, and the statistics of their blocks, (rows, columns) each."""

    def __init__(self, pair: ImagePair, inside: Blocks, softening: Softening, where: Where, *, small: bool) -> None:
        """Of two pictures (mode L) made equally sharp by `softening`; `inside` (h, w) is what both showed before."""
        self.softening, self.where, self.inside, self.small = softening, where, inside, small
        self.cell = _SMALL_CELL if small or max(pair[0].size) < _SMALL else CELL
        self.size = pair[0].size
        self.left, self.right = self.filled_up(smoothed(pair[0])), self.filled_up(smoothed(pair[1]))
        all_inside = bool(inside.all())
        count = np.float32((2 * self.cell) ** 2)
        ours, theirs = (block_sums(plane, self.cell) / count for plane in (self.left, self.right))
        products = ((self.left, self.left), (self.right, self.right), (self.left, self.right))
        self.left_mean, self.right_mean = ours, theirs
        squares = [block_sums(one * other, self.cell) / count for one, other in products]
        self.left_variance = np.maximum(squares[0] - ours * ours, 0.0)
        self.right_variance = np.maximum(squares[1] - theirs * theirs, 0.0)
        covariance = squares[2] - ours * theirs
        self.seen = np.ones(ours.shape, np.bool_) if all_inside else self._all_seen(inside)
        self.is_negative = covariance[self.seen].sum() < 0  # one of the other
        if self.is_negative:
            self.right, covariance = 255.0 - self.right, -covariance
        self.covariance = covariance
        self.opposed: Blocks = is_opposed(covariance, self.left_variance, self.right_variance) & ~self.is_negative
        self.noise = self._noise()
        larger = np.maximum(self.left_variance, self.right_variance)
        smaller = np.minimum(self.left_variance, self.right_variance)
        one_sided = smaller < _ONE_SIDED * larger
        self.on_paper: Blocks = one_sided & (smaller < _PAPER)
        faint = one_sided & (larger < _FAINT)
        shows = self.seen & (larger > TEXTURED) & ~faint
        least = TEXTURED if shows.any() else _WEAVE
        self.textured: Blocks = self.seen & (larger > least) & ~faint
        same = (self.left_variance == self.right_variance) & (covariance == self.left_variance)
        self.is_untouched = bool((same & self.textured).sum() >= max(1.0, UNTOUCHED * self.textured.sum()))
        if self.is_untouched:  # what is faint is no noise then
            self.textured |= self.seen & ~same & (larger > _WEAVE)
        self.flat: Blocks = self.seen & (larger < min(least, _FLAT))
        self.left_shows = self.textured & (self.left_variance > least)
        self.right_shows = self.textured & (self.right_variance > least)
        # Where neither shows much less than the other: black cloth hides its folds.
        self.both_show: Blocks = self.left_shows & self.right_shows & (smaller * _LEAST_KEPT > larger)

    def filled_up[T: np.generic](self, plane: NDArray[T]) -> NDArray[T]:
        """A plane (h, w[, 3]) with its last lines mirrored up to whole cells: what lies there is in no block else."""
        rest = [(0, -side % self.cell) for side in plane.shape[:2]]
        return np.pad(plane, [*rest, (0, 0)][: plane.ndim], mode="symmetric")

    def _all_seen(self, inside: Blocks) -> Blocks:
        """Which blocks lie inside as a whole."""
        shown = self.filled_up(np.asarray(Image.fromarray(inside).convert("L").resize(self.size, Image.Resampling.BOX)))
        outside = block_sums((shown < np.uint8(255)).astype(np.float32), self.cell)
        return np.asarray(outside == 0)

    @classmethod
    def of(cls, cut: Cut, box: PixelBox, *, small: bool = False) -> Self:
        """Of what both show inside the box of a cut in gray."""
        left, right, inside = _parts(cut, box)
        left, right, softening = equally_sharp(left, right)
        return cls((left, right), inside, softening, Where(box, cut.left.size), small=small)

    def in_color(self, placed: Placed, scale: float) -> ImagePair:
        """What these are planes of, in color (RGB) and as sharp as it was."""
        left, right, _ = _parts(placed.cut(scale, "RGB", Image.Resampling.BICUBIC), self.where.box)
        return left, ImageOps.invert(right) if self.is_negative else right

    def of_same_place(self, left: Image.Image, right: Image.Image) -> Self:
        """Planes of the same two pictures (RGB) in other colors."""
        pair = self.softening.applied(left.convert("L"), right.convert("L"))
        planes = type(self)(pair, self.inside, self.softening, self.where, small=self.small)
        planes.opposed &= self.opposed
        return planes

    @property
    def grain(self) -> float:
        """The standard deviation of noise above that of rounding, in gray levels."""
        return float(np.sqrt(self.noise)) - _NOISE

    @property
    def starkness(self) -> float:
        """How near the usual block is to half black and half white, in the picture that is less so: 1 where it is."""
        shown = self.left_variance[self.left_shows], self.right_variance[self.right_shows]
        return min(float(np.median(it)) / _HALF_BLACK if len(it) else 0.0 for it in shown)

    def _noise(self) -> np.float32:
        """The variance of what no mixture of both explains, where it is least: more than rounding leaves, in grain."""
        if not self.seen.any():
            return np.float32(_NOISE**2)
        ours, theirs = self.left_variance[self.seen], self.right_variance[self.seen]
        common = self.covariance[self.seen] ** 2
        left_over = np.minimum(ours - common / (theirs + 1.0), theirs - common / (ours + 1.0))
        return np.float32(max(_NOISE**2, _GRAIN * float(np.quantile(left_over, _CALMEST))))

    def in_shares(self, corners: PixelBox) -> tuple[float, float, float, float]:
        """A box in pixels of these planes, in shares of the whole left picture."""
        box, (width, height) = self.where
        zoom = (box[2] - box[0]) / self.size[0], (box[3] - box[1]) / self.size[1]
        left, top, right, bottom = corners
        across = [(box[0] + min(x, self.size[0]) * zoom[0]) / width for x in (left, right)]
        down = [(box[1] + min(y, self.size[1]) * zoom[1]) / height for y in (top, bottom)]
        return across[0], down[0], across[1], down[1]

    def shares_of(self, changed: Blocks) -> tuple[float, float]:
        """The share of what each picture shows that is marked, the smaller one first."""
        ours, theirs = (
            float((changed & shown).sum()) / max(1, int(shown.sum())) for shown in (self.left_shows, self.right_shows)
        )
        return min(ours, theirs), max(ours, theirs)

    def usual(self, differences: Float32s) -> float:
        """The median difference of what a picture shows, of the one that keeps more: letters over a sky add much."""
        shown = [differences[shows] for shows in (self.left_shows, self.right_shows)]
        return min((float(np.median(it)) for it in shown if len(it)), default=0.0)

    def map_of(self, blocks: Blocks) -> Image.Image:
        """Where all blocks that cover a pixel are marked (255), in the whole left picture; what has no block is."""
        if blocks.all():
            return Image.new("L", (1, 1), 255)  # like a larger one, once it is resized
        missing = pixels_of(~blocks, self.cell, self.size[::-1])
        part = Image.fromarray((~missing).astype(np.uint8) * 255)
        box, whole_size = self.where
        whole = Image.new("L", whole_size, 255)
        whole.paste(part.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.NEAREST), box[:2])
        return whole

    def differences_anywhere(self) -> Float32s:
        """1 - correlation of each block, the least of small shifts; of untouched ones where they lie, as they are."""
        differences = self.differences_in_place()
        gain = self.right_variance / np.maximum(self.left_variance, 1e-3)
        agreeing = self.textured & (differences < DOUBTFUL)
        usual = float(np.median(gain[agreeing])) if agreeing.any() else 1.0
        if agreeing.any():
            differences[agreeing & has_other_contrast(gain, usual)] = 1.0
        doubtful = np.argwhere(self.textured & (differences > DOUBTFUL))
        if len(doubtful) and not self.is_untouched:
            rows, columns = doubtful.T
            differences[rows, columns] = np.minimum(differences[rows, columns], self._shifted(rows, columns, usual))
        return differences

    def reversed(self, differences: Float32s) -> Blocks:
        """Where light has become dark and dark light, and no shift explains it: a black stone where a white one was."""
        return self.opposed & (differences >= 1.0)

    def differences_in_place(self) -> Float32s:
        """1 - correlation of each block where it lies, of what is above the noise."""
        return self._difference(self.covariance, self.left_variance, self.right_variance)

    def retoned(self, differences: Float32s) -> float:
        """How far apart the tones of what agrees are on average, in gray levels: next to nothing in a saved copy."""
        agrees = (self.textured & (differences < DOUBTFUL)) | self.flat
        if not agrees.any():
            return 0.0
        return float(np.abs(self.left_mean - self.right_mean)[agrees].mean())

    def _difference(self, covariance: Float32s, left: Float32s, right: Float32s) -> Float32s:
        """1 - correlation, of what is above the noise."""
        scale = np.sqrt((left + self.noise) * (right + self.noise))
        return np.maximum(0.0, 1.0 - (covariance + self.noise) / scale).astype(np.float32)

    def _shifted(self, rows: NDArray[np.intp], columns: NDArray[np.intp], usual: float) -> Float32s:
        """The least difference of each of these blocks with right moved by up to `_SHIFT` pixels.

        `usual` is how many times the variance of left that of right is where they agree.
        """
        side, reach = 2 * self.cell, 2 * self.cell + 2 * _SHIFT
        ours = windows(self.left, side, rows * self.cell, columns * self.cell)
        around = windows(np.pad(self.right, _SHIFT, mode="edge"), reach, rows * self.cell, columns * self.cell)
        means = sums_within(around, side) / side**2  # (5, 5, n): one for each shift
        variances = np.maximum(sums_within(around * around, side) / side**2 - means * means, 0.0)
        ours_variance = np.einsum("ijn,ijn->n", ours, ours) / side**2
        best = np.full(len(rows), 2.0, dtype=np.float32)
        for down in range(2 * _SHIFT + 1):
            for across in range(2 * _SHIFT + 1):
                theirs, variance = around[down : down + side, across : across + side], variances[down, across]
                covariance = np.einsum("ijn,ijn->n", ours, theirs) / side**2
                difference = self._difference(covariance, ours_variance, variance)
                other = has_other_contrast(variance / np.maximum(ours_variance, 1e-3), usual)
                best = np.minimum(best, np.where(other, np.maximum(difference, 1.0), difference).astype(np.float32))
        return best

    def explain_by_tone(self, differences: Float32s) -> None:
        """Lower the difference of blocks that the tone curve of the rest explains; of untouched ones none."""
        rows, columns = np.nonzero(self.textured & (differences > DOUBTFUL) & ~self.reversed(differences))
        if self.is_untouched or not len(rows):
            return
        pixels = self.agreeing_pixels(differences)
        sloped = self._is_relit(differences)
        for source, target in ((self.left, self.right), (self.right, self.left)):
            curve = tone_curve(source[pixels], target[pixels])
            if curve is None:
                continue
            shown = np.maximum(self.left_variance, self.right_variance)[rows, columns]
            error = target - toned(curve, source)
            left_over = variance_off_curve(error, rows, columns, self.cell) / (shown / 2)
            differences[rows, columns] = np.minimum(differences[rows, columns], left_over)
            differences[rows, columns] = np.minimum(
                differences[rows, columns], self._bent(source, target, rows, columns, sloped=sloped)
            )

    def agreeing_pixels(self, differences: Float32s) -> Blocks:
        """Where blocks agree or are plain, and none differs, (h, w) of whole cells."""
        agrees = (self.textured & (differences < DOUBTFUL)) | self.flat
        differs = self.textured & (differences > DOUBTFUL)
        return pixels_of(agrees, self.cell, self.left.shape) & ~pixels_of(differs, self.cell, self.left.shape)

    def _is_relit(self, differences: Float32s) -> bool:
        """Whether light and shade changed from place to place, as local contrast does: no tone curve explains it."""
        agreeing = self.textured & (differences < DOUBTFUL)
        means = self.left_mean[agreeing], self.right_mean[agreeing]
        for source, target in (means, means[::-1]):
            curve = tone_curve(source, target, least=_FEW_BLOCKS)
            if curve is not None and np.median(np.abs(target - toned(curve, source))) > _RELIT:
                return True
        return False

    def _bent(
        self, source: Float32s, target: Float32s, rows: NDArray[np.intp], columns: NDArray[np.intp], *, sloped: bool
    ) -> Float32s:
        """What a parabola of source leaves of target in each of these blocks: tones change from place to place.

        Twice the share of target's variance; 2 where source shows something and target next to nothing. `sloped`: an
        even slope is left out besides, as light that falls on a sky from another side, or local contrast, adds one.
        """
        side, cell = 2 * self.cell, self.cell
        ours, theirs = (
            sliding_window_view(plane, (side, side))[rows * cell, columns * cell].reshape(len(rows), -1)
            for plane in (source, target)
        )
        variance, explained = variance_and_explained(ours, theirs, side, sloped=sloped)
        left_over = 2 * np.maximum(variance - explained - self.noise, 0.0) / (variance + 1e-3)
        shown = np.maximum(self.left_variance, self.right_variance)[rows, columns]
        return np.where(variance * _LEAST_KEPT > shown, left_over, 2.0).astype(np.float32)


def _parts(cut: Cut, box: PixelBox) -> tuple[Image.Image, Image.Image, Blocks]:
    """What lies in a box; what right does not show is taken from left, so that no edge is blurred into what it does."""
    left, right, inside = cut.left.crop(box), cut.right.crop(box), cut.inside[box[1] : box[3], box[0] : box[2]]
    if not inside.all():
        right = right.copy()
        right.paste(left, mask=Image.fromarray(~inside))
    return left, right, inside
