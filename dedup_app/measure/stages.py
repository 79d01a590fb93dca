"""Where a copy was lost on its way from a search to the right verdict."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from dedup_app.pipeline.candidates import Candidate, is_borne_out, is_there
from dedup_app.ports.features import FeaturesRow
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import VerdictKind, decide
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.policy import Policy
from dedup_core.search.hit import Hit


class Stage(StrEnum):
    """`found` is none of them: the pair was a candidate and judged rightly."""

    FOUND = "found"
    NO_CANDIDATE = "not a candidate"
    THINNED = "thinned"
    BEYOND = "beyond MAX_CANDIDATES"
    ALIGNMENT = "alignment"
    STRUCTURE = "structure"
    COLOR = "color"


LOST = tuple(stage for stage in Stage if stage is not Stage.FOUND)


def stage_of_search(
    original: FeaturesRow, asked: Fingerprints, hits: Sequence[Hit], confirmed: Sequence[Candidate], most: int
) -> Stage:
    """Why the original is not among the candidates that are verified, of which `confirmed` passed the first look."""
    own = next((hit for hit in hits if hit.image_id == original.path.image_id), None)
    if own is None or not is_there(original):
        return Stage.NO_CANDIDATE
    if not is_borne_out(asked, original, own):
        return Stage.THINNED
    is_confirmed = any(it.hit.image_id == own.image_id for it in confirmed)
    return Stage.BEYOND if not is_confirmed and len(confirmed) >= most else Stage.THINNED


def is_found(search: Stage, measurement: PairMeasurement, policy: Policy, right: Collection[str]) -> bool:
    """Whether a copy is a candidate, and judged rightly."""
    return search is Stage.FOUND and decide(measurement, policy).kind.value in right


def stage_of_verdict(measurement: PairMeasurement, policy: Policy, right: Collection[str]) -> Stage:
    """What of the comparison led to a wrong verdict; `found` if it is right."""
    kind = decide(measurement, policy).kind
    if kind.value in right:
        return Stage.FOUND
    if kind is not VerdictKind.DISTINCT:
        return Stage.COLOR  # the same shapes, taken for another color, or for the same one
    detail = measurement.detail
    is_inside = measurement.inner_coverage >= policy.min_inner_coverage and measurement.coverage >= policy.min_part
    if detail is None or (measurement.coverage < policy.min_coverage and not is_inside):
        return Stage.ALIGNMENT  # no place was found where the two are at all alike
    is_one_picture = (
        measurement.structure >= policy.min_altered_structure
        and detail.altered_share <= policy.max_altered_share
        and detail.usual <= policy.max_usual_difference
    )
    is_recolored = measurement.color_residual > policy.max_altered_color_residual
    return Stage.COLOR if is_one_picture and is_recolored else Stage.STRUCTURE
