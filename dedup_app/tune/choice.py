"""Which policy agrees best with decisions, and whether that is more than chance: by cross-validation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_app.tune.evidence import Judgment
from dedup_app.tune.moves import moves
from dedup_core.comparison.verdict import SAME_PICTURE, kind_of
from dedup_core.policy import Policy

FOLDS: Final = 5  # docs/measure.md#tuned-by-what-people-decided
MOST_MOVES: Final = 3  # docs/measure.md#tuned-by-what-people-decided
CHANCE: Final = 0.025  # of a gain this large where none is; one side of the usual 95 %
_DRAWS: Final = 20_000  # near `CHANCE` they are off by 0.001

type Wrong = NDArray[np.bool_]
"""Which judgments a policy contradicts, (n,)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The policy that agrees best with all judgments, and what its kind of choice did on judgments it had not seen.

    `wrong_today` and `wrong_unseen` count contradicted judgments; `chance` is how often that gain comes by chance.
    """

    policy: Policy
    wrong_today: int
    wrong_unseen: int
    chance: float

    def is_better(self, today: Policy) -> bool:
        """Whether it is another policy, and better beyond chance."""
        return self.policy != today and self.wrong_unseen < self.wrong_today and self.chance <= CHANCE


class Chooser:
    """Asks every policy about every judgment once."""

    def __init__(
        self, judgments: Sequence[Judgment], today: Policy, allowed: Callable[[Policy], bool] = lambda _policy: True
    ) -> None:
        self._judgments = judgments
        self._today = today
        self._allowed = allowed
        said = np.array([it.is_copy for it in judgments])
        # Copies and strangers count alike, however many of either were decided about.
        self._weights = np.where(said, 0.5 / max(1, said.sum()), 0.5 / max(1, (~said).sum()))
        self._said = said
        self._moves = moves()
        self.wrong = cache(self._wrong)
        self._moved = cache(self._moved_from)

    def choose(self, seed: int = 0) -> Choice:
        """The best policy by all judgments, and how much better such a choice is where it has not looked."""
        today = self.wrong(self._today)
        unseen = today.copy()
        folds = folds_of(self._judgments, seed)
        for fold in range(FOLDS):
            held_back = folds == fold
            if held_back.any() and not held_back.all():
                unseen[held_back] = self.wrong(self._best(~held_back))[held_back]
        everything = np.ones(len(today), np.bool_)
        gains = self._weights * (today.astype(np.float64) - unseen)
        counts = int(today.sum()), int(unseen.sum())
        return Choice(self._best(everything), *counts, chance_of(gains, seed))

    def _best(self, seen: Wrong) -> Policy:
        """From today's policy one move after the other, as long as one helps; the fewest moves for the same."""
        best, loss = self._today, self._loss(self._today, seen)
        least = float(self._weights[seen].min())
        for _ in range(MOST_MOVES):
            tried = [(self._loss(policy, seen), distance, policy) for distance, policy in self._moved(best)]
            for candidate_loss, _, policy in sorted(tried, key=lambda it: it[:2]):  # of those alike the least unusual
                if candidate_loss > loss - 0.9 * least:
                    return best
                if self._allowed(policy):
                    best, loss = policy, candidate_loss
                    break
            else:
                return best
        return best

    def _moved_from(self, policy: Policy) -> list[tuple[float, Policy]]:
        """What each move makes of a policy, and how far it goes."""
        return [(abs(move.position), moved) for move in self._moves if (moved := move.on(policy)) is not None]

    def _loss(self, policy: Policy, seen: Wrong) -> float:
        return float((self._weights * self.wrong(policy))[seen].sum())

    def _wrong(self, policy: Policy) -> Wrong:
        says = np.array([kind_of(it.measurement, policy) in SAME_PICTURE for it in self._judgments], np.bool_)
        wrong: Wrong = says != self._said
        return wrong


def folds_of(judgments: Sequence[Judgment], seed: int) -> NDArray[np.int64]:
    """A number 0..FOLDS-1 for each judgment; pairs that hang together by images are in one, so that none is known."""
    leaders: dict[str, str] = {}

    def leader(name: str) -> str:
        while leaders.setdefault(name, name) != name:
            name = leaders[name]
        return name

    for it in judgments:
        leaders[leader(it.left)] = leader(it.right)
    together: dict[str, list[int]] = {}
    for place, it in enumerate(judgments):
        together.setdefault(leader(it.left), []).append(place)
    components = sorted(together.values())
    np.random.default_rng(seed).shuffle(components)
    folds, sizes = np.zeros(len(judgments), np.int64), [0] * FOLDS
    for component in sorted(components, key=len, reverse=True):
        fold = sizes.index(min(sizes))
        folds[component] = fold
        sizes[fold] += len(component)
    return folds


def chance_of(gains: NDArray[np.float64], seed: int) -> float:
    """How often gains and losses with random signs add up to at least as much: a sign-flip test, one-sided."""
    differing = gains[gains != 0]
    if not differing.size:
        return 1.0
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (_DRAWS, differing.size))
    reached = (signs * np.abs(differing)).sum(axis=1) >= differing.sum() - 1e-12
    return float((1 + reached.sum()) / (1 + _DRAWS))
