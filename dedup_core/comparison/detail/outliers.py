"""Blocks that differ by more than copying left elsewhere in the same two pictures: one cell of a spreadsheet."""

from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.detail.block_planes import BlockPlanes
from dedup_core.comparison.measurement import RETONED, STANDS_OUT

type Blocks = NDArray[np.bool_]
_USUAL: Final = 0.98  # of the blocks that show anything: what they differ by is what copying left
_LEAST_DIFFERENCE: Final = 0.01  # added to that, for what differs in nothing but rounding
_LEAST_VARIANCE: Final = 9.0  # gray levels, squared: the same for what is left of a block's variance
_LEAST_OF_WORDS: Final = 0.15  # the same for the mean of a word's blocks
_LEAST_WORD: Final = 0.6  # of the usual difference: hairs that scaling thins differ by less, where all else is exact
_MOST_UNTOUCHED: Final = 0.9  # what these differ by is the usual then: in a small tile a digit is in 6 of 148 blocks
_LEAST_EDITED: Final = 0.4  # as `_LEAST_WORD`, where nothing was scaled
_WORD: Final = (2, 3)  # blocks down and across: where a few letters differ, all of these do
FEWEST: Final = 24  # blocks, of which the usual ones are not those of one word
_CLIPPED: Final = 10.0  # gray levels of other tones: brighter by a sixth, and colors are clipped
_DAMPING: Final = 1e-5  # of the terms' strength: blocks that are a plain slope have no curvature
_TO_GRAY: Final = 64.0  # squares as large as gray values
_FAR: Final = 1.3  # times: in other tones a place has to stand out so much for these to be evened first
_LEAST_FAR: Final = 0.03  # difference of a block


def outliers(planes: BlockPlanes, differences: Float32s, retoned: float, *, bent: bool = False) -> tuple[float, Blocks]:
    """How many times what nearly all places of a word's size differ by the largest difference is, and where it is.

    Counted in correlation and in gray levels, the lesser of both: noise weighs much where little shows, a place that
    lies a little off where much does. What a shift by a part of a pixel or a blur explains is no difference, unless
    nearly all else is the very same: that was neither moved nor blurred. Where tones were changed by much (`retoned`),
    colors that are clipped stand out, and nothing can be said.
    """
    shown, nowhere = planes.textured, np.zeros(planes.textured.shape, dtype=np.bool_)
    if shown.sum() < FEWEST or retoned > _CLIPPED:
        return 0.0, nowhere
    weights, words, usual_word, contrast = _weighed(planes, differences)
    words_out = words > usual_word * STANDS_OUT
    if not words_out.any():
        return 0.0, nowhere
    doubtful = shown & blocks_of_words(words_out)
    if planes.is_untouched:
        return float(words.max() / usual_word), doubtful & (differences > 0)
    rows, columns = np.nonzero(doubtful)
    of_both = [
        _moved_or_blurred(source, target, rows, columns, planes.cell, bent=bent or retoned > RETONED)
        for source, target in ((planes.left, planes.right), (planes.right, planes.left))
    ]
    # Anything explains bare paper: what only one picture shows has to be explained by the other.
    left_over = np.where(planes.on_paper[doubtful], np.maximum(*of_both), np.minimum(*of_both))
    left_over = np.where(planes.reversed(differences)[doubtful], np.inf, left_over)
    explained = np.minimum(differences[doubtful], left_over / (2 * contrast[doubtful])) * weights[doubtful]
    times = np.zeros_like(weights)
    times[doubtful] = explained
    words = mean_of_words(times) / usual_word
    return float(words.max()), shown & blocks_of_words(words > STANDS_OUT)


def may_stand_out(planes: BlockPlanes, differences: Float32s) -> bool:
    """Whether any place differs by much, and by far more than nearly all of the others, whatever may explain it."""
    shown = planes.textured
    if shown.sum() < FEWEST or differences[shown].max() < _LEAST_FAR:
        return False
    weighed = _weighed(planes, differences)
    return bool((weighed.words > weighed.usual_word * _FAR).any())


class _Weighed(NamedTuple):
    """Weights of the blocks, the weighed differences of words, what nearly all of those stay below, and contrasts."""

    weights: Float32s
    words: Float32s
    usual_word: float
    contrast: Float32s


def _weighed(planes: BlockPlanes, differences: Float32s) -> _Weighed:
    shown = planes.textured
    of_one = np.maximum(planes.left_variance, planes.right_variance) / 2  # all of it differs
    of_both = np.sqrt(planes.left_variance * planes.right_variance)
    contrast = np.where(planes.on_paper, of_one, of_both) + planes.noise
    share = _MOST_UNTOUCHED if planes.is_untouched else _USUAL
    usual = _nearly_largest(differences[shown], share) + _LEAST_DIFFERENCE
    usual_left_over = _nearly_largest((differences * contrast)[shown], share) + _LEAST_VARIANCE
    weights = np.minimum(1 / usual, contrast / usual_left_over) * shown
    words = mean_of_words(differences * weights)
    usual_word = (
        _LEAST_EDITED if planes.is_untouched else max(_LEAST_WORD, _nearly_largest(words[shown]) + _LEAST_OF_WORDS)
    )
    return _Weighed(weights, words, usual_word, contrast)


def _nearly_largest(values: Float32s, share: float = _USUAL) -> float:
    """What nearly all of them, that share, do not exceed."""
    place = int(share * (len(values) - 1))
    return float(np.partition(values, place)[place])


def mean_of_words(values: Float32s) -> Float32s:
    """The mean of the blocks of a word that begins at each block; beyond the edges nothing differs."""
    down, across = _WORD
    padded = np.pad(values, ((0, down - 1), (0, across - 1)))
    words = np.zeros_like(values)
    for row, column in np.ndindex(*_WORD):
        words += padded[row : row + values.shape[0], column : column + values.shape[1]]
    return np.asarray(words / np.float32(down * across), dtype=np.float32)


def blocks_of_words(begin: Blocks) -> Blocks:
    """All blocks of the words that begin at marked ones."""
    blocks = np.zeros_like(begin)
    for row, column in np.ndindex(*_WORD):
        blocks[row:, column:] |= begin[: begin.shape[0] - row, : begin.shape[1] - column]
    return blocks


def _moved_or_blurred(
    source: Float32s, target: Float32s, rows: NDArray[np.intp], columns: NDArray[np.intp], cell: int, *, bent: bool
) -> Float32s:
    """The variance of each of target's blocks that source's, its slopes and its curvature leave: (n,).

    And its square, where tones may be bent.
    """
    side = 2 * cell
    around = np.pad(source, 1, mode="edge")
    window: Float32s = sliding_window_view(around, (side + 2, side + 2))[rows * cell, columns * cell]
    middle = window[:, 1:-1, 1:-1]
    left, right, above, below = window[:, 1:-1, :-2], window[:, 1:-1, 2:], window[:, :-2, 1:-1], window[:, 2:, 1:-1]
    terms: list[Float32s] = [middle, right - left, below - above, left + right + above + below - 4 * middle]
    if bent:
        terms.append((middle - middle.mean(axis=(1, 2), keepdims=True)) ** 2 / _TO_GRAY)
    basis = np.stack(terms, axis=1).reshape(len(rows), len(terms), -1)  # (n, 4 or 5, side^2)
    theirs = sliding_window_view(target, (side, side))[rows * cell, columns * cell].reshape(len(rows), -1)
    basis -= basis.mean(axis=-1, keepdims=True)
    theirs = theirs - theirs.mean(axis=-1, keepdims=True)
    normal, common = basis @ basis.swapaxes(1, 2), basis @ theirs[..., None]
    size = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    damping = np.eye(len(terms), dtype=np.float32) * (_DAMPING * size + 1.0)
    explained = (common * np.linalg.solve(normal + damping, common)).sum(axis=(1, 2))
    return np.asarray(((theirs * theirs).sum(axis=1) - explained) / side**2, dtype=np.float32)
