"""What the page asks people so that settings can be tuned, and what they have seen of the precision until now."""

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel

from dedup_app.feedback.informative_pairs import LEAST_DECISIONS, LEAST_OF_EITHER, InformativePair, TuningProgress
from dedup_app.feedback.precision import PrecisionReport, Seen, SeenPart
from dedup_app.feedback.shown import shown_of_pair
from dedup_app.intervals import Share
from dedup_web import models
from dedup_web.context import PROBLEMS, Given

type Seed = Annotated[int, Query(ge=0, le=1_000_000, description="Another number looks elsewhere first")]


class TellingPairModel(BaseModel):
    """Two images to decide about. `turns_into` is the verdict that they would have with the dial turned by `distance`
    (0 is today's policy, 1 the next preset); null for a pair that was asked for by its images. `shown`: for whoever
    decides to hand back.
    """

    left: models.ImageModel
    right: models.ImageModel
    comparison: models.ComparisonModel | None
    decided: models.DecidedModel | None
    turns_into: str | None
    distance: float
    shown: str

    @classmethod
    def of(cls, found: InformativePair) -> "TellingPairModel":
        pair = found.pair
        return cls(
            left=models.ImageModel.of(found.left),
            right=models.ImageModel.of(found.right),
            comparison=models.ComparisonModel.of(pair) if pair else None,
            decided=models.DecidedModel.of(pair.decided) if pair else None,
            turns_into=found.turns_into.value if found.turns_into else None,
            distance=found.distance,
            shown=shown_of_pair(found.left, found.right, pair.decided if pair else None),
        )


class TuningProgressModel(BaseModel):
    """How many decisions `dedup tune` could follow, of how many it needs: in all, and of either kind.

    Of the pairs that were looked at, `near_decided` lie near a threshold and are decided; `far_grouped` lie near none,
    are not decided and are shown in groups. `all_looked_at`: whether there are no other pairs.
    """

    copies: int
    others: int
    needed: int
    needed_of_either: int
    near_decided: int
    far_grouped: int
    all_looked_at: bool

    @classmethod
    def of(cls, progress: TuningProgress) -> "TuningProgressModel":
        return cls(
            copies=progress.copies,
            others=progress.others,
            needed=LEAST_DECISIONS,
            needed_of_either=LEAST_OF_EITHER,
            near_decided=progress.near_decided,
            far_grouped=progress.far_grouped,
            all_looked_at=progress.all_looked_at,
        )


class ShareModel(BaseModel):
    """`count` of `of`, and the interval of the share (95 %)."""

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def share(cls, share: Share) -> "ShareModel":
        return cls(count=share.count, of=share.of, low=share.low, high=share.high)


class SeenModel(BaseModel):
    """Pairs with a verdict that people looked at, and how many of them they said are no copies."""

    verdict: str
    denied: ShareModel

    @classmethod
    def seen(cls, seen: Seen) -> "SeenModel":
        return cls(verdict=seen.verdict.value, denied=ShareModel.share(seen.denied))


class SeenPartModel(BaseModel):
    """The same of one folder or month."""

    name: str
    seen: list[SeenModel]

    @classmethod
    def part(cls, part: SeenPart) -> "SeenPartModel":
        return cls(name=part.name, seen=[SeenModel.seen(it) for it in part.seen])


class PrecisionModel(BaseModel):
    """What people have seen; `kinds` counts pairs by the month and the kind of their verdict.

    `is_low` where the precision of copies lies below the setting, interval and all.
    """

    seen: list[SeenModel]
    folders: list[SeenPartModel]
    months: list[SeenPartModel]
    kinds: dict[str, dict[str, int]]
    is_low: bool

    @classmethod
    def of(cls, report: PrecisionReport) -> "PrecisionModel":
        return cls(
            seen=[SeenModel.seen(it) for it in report.seen],
            folders=[SeenPartModel.part(it) for it in report.folders],
            months=[SeenPartModel.part(it) for it in report.months],
            kinds={month: {kind.value: count for kind, count in of.items()} for month, of in report.kinds},
            is_low=report.is_low,
        )


def add_tuning(api: FastAPI) -> None:
    @api.get("/api/telling", responses=PROBLEMS)
    def telling(
        given: Given, size: Annotated[int, Query(ge=1, le=200, description="Pairs")] = 50, seed: Seed = 0
    ) -> list[TellingPairModel]:
        """Pairs near a threshold that nobody has decided about: decisions about them tell `dedup tune` most."""
        return [TellingPairModel.of(it) for it in given.services.informative_pairs.most_informative(size, seed)]

    @api.get("/api/tuning", responses=PROBLEMS)
    def tuning(given: Given, seed: Seed = 0) -> TuningProgressModel:
        """How many decisions `dedup tune` has and needs, and why no pair may be left to ask about."""
        return TuningProgressModel.of(given.services.informative_pairs.progress(seed))

    @api.get("/api/pairs/{left}/{right}", responses=PROBLEMS)
    def read_pair(given: Given, left: models.ImageId, right: models.ImageId) -> TellingPairModel:
        """Two images and what was measured of them, if they were compared."""
        return TellingPairModel.of(given.services.informative_pairs.pair(left, right))

    @api.get("/api/precision", responses=PROBLEMS)
    def precision(given: Given) -> PrecisionModel:
        """How many pairs of each verdict people looked at, and how many of them were no copies."""
        return PrecisionModel.of(given.services.precision.report())
