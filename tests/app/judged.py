"""Pairs whose truth a script knows, measured and decided about in a world in memory."""

import random
from datetime import UTC, datetime

from dedup_app.feedback.decisions import Act
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.measurement import Detail, PairMeasurement
from dedup_core.comparison.verdict import decide
from dedup_core.features import ImageFeatures
from dedup_core.paths import ImagePath
from dedup_core.views import View
from dedup_decoders.in_process import extract_features
from tests.app.world import World, photo

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def measured(residual: float = 1.0, structure: float = 0.95) -> PairMeasurement:
    """A pair that only its color and its structure speak against."""
    return PairMeasurement(
        metrics=ColorMetrics(1.0, 2.0, 0.97),
        view=View.UPRIGHT,
        distance_bits=10,
        same_pixels=False,
        same_when_small=False,
        frame_difference=0.0,
        structure=structure,
        changed_share=0.0,
        texture=0.9,
        coverage=1.0,
        inner_coverage=1.0,
        plain_share=0.0,
        color_residual=residual,
        detail=Detail(0.05, 0.02, 0.0, 0.0, 0.0, 400, places=500),
    )


def decided(residuals: dict[float, bool], *, seed: int = 0) -> World:
    """A world in which a script decided about pairs by their color residual."""
    world = World(plain_index=True)
    features = extract_features(photo(1))
    for number, (residual, is_copy) in enumerate(residuals.items()):
        left, right = (ImagePath("images", f"{seed}-{number}-{side}.png") for side in "ab")
        pair(world, features, left, right, measured(residual))
        world.services.decisions.decide_pair(left, right, Act.DUPLICATE if is_copy else Act.NOT_DUPLICATE, "script")
    return world


def pair(
    world: World, features: ImageFeatures, left: ImagePath, right: ImagePath, measurement: PairMeasurement
) -> None:
    for path in (left, right):
        world.features.put(FeaturesRow(path, "0x1", INDEXED, features, "", NOW, version=1))
    row = PairRow(left, right, "0x1", "0x1", decide(measurement), 10, "upright", NOW, 1, 1, measurement=measurement)
    world.pairs.put_verdict(row)


def residuals(count: int, limit: float, *, seed: int = 0) -> dict[float, bool]:
    """Pairs whose truth is that they are copies up to this residual, all near the limit of the presets."""
    chance = random.Random(seed)
    return {(value := round(chance.uniform(0.5, 5.0), 4)): value <= limit for _ in range(count)}


def world_of(residuals: list[float], **settings: int) -> World:
    """Pairs of two images each, whose colors differ so far."""
    world = World(plain_index=True, **settings)
    features = extract_features(photo(1))
    for number, residual in enumerate(residuals):
        sides = (ImagePath("images", f"{number}-{side}.png") for side in "ab")
        pair(world, features, *sides, measured(residual))
    return world
