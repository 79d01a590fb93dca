"""What the API says and takes, as OpenAPI shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from dedup_app.feedback.decisions import Act, PairDecision, Said
from dedup_app.feedback.shown import shown_of_group, shown_of_pair
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import moment
from dedup_core.comparison.verdict import Verdict
from dedup_core.groups.facts import Decided, Family, ImageFacts
from dedup_core.groups.group import Group, Member, may_go

type ImageId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
type PairSide = Literal["left", "right"]
type GroupId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{32}-(duplicate|altered|color_variant|not_duplicate)$")
]


class ImageModel(BaseModel):
    """One image; sizes are 0 where they are not known. `quality`: of its worst save as JPEG, 100 if there was none."""

    id: str
    path: str
    width: int
    height: int
    bytes: int
    format: str
    quality: int
    saved_again: bool
    true_side: int
    names_camera: bool
    added_at: str | None
    version: int

    @classmethod
    def of(cls, facts: ImageFacts) -> "ImageModel":
        return cls(
            id=facts.image_id.hex(),
            path=facts.path,
            width=facts.width,
            height=facts.height,
            bytes=facts.byte_size,
            format=facts.format,
            quality=facts.quality,
            saved_again=facts.saved_again,
            true_side=facts.detail_side,
            names_camera=facts.has_camera_data,
            added_at=moment(facts.added_at).isoformat() if facts.added_at else None,
            version=facts.version,
        )


class DecidedModel(BaseModel):
    """What a person decided about a pair."""

    decision: str
    keeper: str | None
    by: str
    at: str

    @classmethod
    def of(cls, decided: Decided | None) -> "DecidedModel | None":
        if decided is None or decided.decision is None:
            return None
        keeper = decided.keeper.hex() or None
        return cls(decision=decided.decision.value, keeper=keeper, by=decided.by, at=moment(decided.at).isoformat())

    @property
    def said(self) -> Said:
        return Said(self.decision, self.keeper or "", self.by)


class RegionModel(BaseModel):
    """A part of a pair: boxes as shares of width and height (left, top, right, bottom)."""

    kind: str
    left: list[float]
    right: list[float]


class ComparisonModel(BaseModel):
    """What was measured of the keeper (left) and a member (right), and why the verdict is what it is."""

    verdict: str | None
    reasons: list[str]
    dominant_distance: float | None = None
    pixel_difference: float | None = None
    histogram_correlation: float | None = None
    distance_bits: int | None = None
    view: str = "upright"
    regions: list[RegionModel] = []
    verified_at: str | None = None

    @classmethod
    def of(cls, pair: PairRow) -> "ComparisonModel":
        model = cls.of_verdict(pair.verdict)
        model.verified_at = pair.verified_at.isoformat() if pair.verified_at else None
        return model

    @classmethod
    def of_verdict(cls, verdict: Verdict | None) -> "ComparisonModel":
        if verdict is None:
            return cls(verdict=None, reasons=[])
        metrics = verdict.metrics
        return cls(
            verdict=verdict.kind.value,
            reasons=list(verdict.reasons),
            distance_bits=verdict.distance_bits,
            view=str(verdict.view),
            regions=[RegionModel.model_validate(region.as_dict()) for region in verdict.regions],
            dominant_distance=metrics.dominant_distance if metrics else None,
            pixel_difference=metrics.pixel_difference if metrics else None,
            histogram_correlation=metrics.histogram_correlation if metrics else None,
        )


class MemberModel(BaseModel):
    """An image of a group besides its keeper; `may_go`: a plan may name it.

    `unsure`: it or the keeper was altered, nobody can tell which, and a person has to choose. `told_apart`: a person
    said of its bytes and those of another image here that they are no copies, or that both stay. `shown`: for whoever
    decides about it and the keeper only to hand back.
    """

    image: ImageModel
    decided: DecidedModel | None
    decided_before: DecidedModel | None
    may_go: bool
    unsure: bool
    told_apart: bool
    shown: str
    comparison: ComparisonModel | None = None

    @classmethod
    def of(cls, member: Member, keeper: ImageFacts, family: Family, pair: PairRow | None = None) -> "MemberModel":
        return cls(
            image=ImageModel.of(member.facts),
            decided=DecidedModel.of(member.decided),
            decided_before=DecidedModel.of(member.lapsed),
            may_go=may_go(family, member),
            unsure=member.is_unsure,
            told_apart=member.is_told_apart,
            shown=shown_of_pair(keeper, member.facts, member.decided or member.lapsed),
            comparison=ComparisonModel.of(pair) if pair else None,
        )


class GroupModel(BaseModel):
    """A keeper, why it is the keeper, and the images verified directly against it.

    `unsure`: it may be the keeper that was altered, and no member that is `unsure` goes before a person chooses.
    `shown`: for whoever decides to hand back.
    """

    id: str
    verdict: str
    identical: bool
    keeper: ImageModel
    why: list[str]
    unsure: bool
    members: list[MemberModel]
    decided: bool
    bytes_to_gain: int
    newest_at: str
    shown: str

    @classmethod
    def of(cls, group: Group, pairs: dict[bytes, PairRow] | None = None) -> "GroupModel":
        pairs = pairs or {}
        return cls(
            id=group.id,
            verdict=group.family.value,
            identical=group.is_identical,
            keeper=ImageModel.of(group.keeper),
            why=group.why,
            unsure=group.is_unsure,
            members=[
                MemberModel.of(it, group.keeper, group.family, pairs.get(it.facts.image_id)) for it in group.members
            ],
            decided=group.is_decided,
            bytes_to_gain=group.bytes_to_gain,
            newest_at=moment(group.newest_at).isoformat(),
            shown=shown_of_group(group),
        )


class GroupPageModel(BaseModel):
    """One page; `total`, `decided` and `bytes_to_gain` are of all groups that the filters let through."""

    groups: list[GroupModel]
    next_cursor: str | None
    matching: int
    total: int
    decided: int
    bytes_to_gain: int


class DecisionRequest(BaseModel):
    """With `shown`, nothing is decided (409) if the group or pair changed since, or somebody decided about it.

    With `undoes`, nothing is taken back (409) where something else holds by now.
    """

    model_config = {"extra": "forbid"}
    act: Act
    keeper: ImageId | None = Field(None, description="The id of the image to stay, with the act `keeper`")
    shown: str = Field("", description="As the group or pair had it")
    undoes: DecidedModel | None = Field(None, description="What an answer had in `decided`, with the act `undo`")


class DecisionModel(BaseModel):
    """One pair after a decision."""

    left: str
    right: str
    decided: DecidedModel | None

    @classmethod
    def of(cls, done: PairDecision) -> "DecisionModel":
        return cls(left=done.left.image_id, right=done.right.image_id, decided=DecidedModel.of(done.decided))


class DuplicatesModel(BaseModel):
    """The groups that an image is in."""

    groups: list[GroupModel]


class RejectedModel(BaseModel):
    """A file that could not be read, and why."""

    path: str
    reason: str
    detail: str


class RejectedPageModel(BaseModel):
    """Some of them, in the order of their ids; a page may be empty while there is a next one."""

    rejected: list[RejectedModel]
    next_cursor: str | None


class CheckHitModel(BaseModel):
    """An image that is here already, or looks like the one that was asked about."""

    path: str
    id: str
    comparison: ComparisonModel


class CheckModel(BaseModel):
    """Whether a picture is here; nothing of it was stored."""

    known: bool
    hits: list[CheckHitModel]


class ErrorModel(BaseModel):
    """What went wrong, in a sentence."""

    detail: str
