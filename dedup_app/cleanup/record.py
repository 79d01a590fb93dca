"""The record of a clearing up: what the manifest's entries say of each image, and of whom it is a copy."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Any, Final

from dedup_app.cleanup.ports import BlobContent, Manifest
from dedup_app.configuration.setting_reader import NAMESPACE
from dedup_app.configuration.settings import Settings
from dedup_core.errors import InvalidPath, PermanentError
from dedup_core.groups.plan import Keep, KeepPlan, PlannedGroup, PlannedImage
from dedup_core.groups.plan_file import image_as_dict, plan_as_dict
from dedup_core.paths import MAX_NAME_CHARACTERS, ImagePath

VERSION: Final = 1


class InvalidManifest(PermanentError):
    """The manifest is damaged, of another plan or account, or none at all."""

    reason = "invalid-manifest"


class UnclearTime(ValueError):
    """A time without a zone, from which nobody can tell how long an image has been away."""


class Step(StrEnum):
    """What has happened to an image; each is noted when it is done."""

    BEGUN = "begun"
    """Noted before its copy is made, so that no copy is ever forgotten in the quarantine."""
    COPIED = "copied"
    DELETED = "deleted"
    TOLD = "told"
    """The app will take it out of its index. It is in quarantine now."""
    REFUSED = "refused"
    """It stayed where it is."""
    RESTORED = "restored"
    UNDONE = "undone"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Moved:
    """One image of the manifest, with the last step that was noted.

    `content` is what it was when it was copied; None before that. `away_since`: when it was deleted from its place.
    """

    image: PlannedImage
    keeper: PlannedImage
    quarantined: ImagePath
    step: Step
    content: BlobContent | None = None
    away_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The first entry: which plan is followed, and where to. `lease_id`: what the leases of each run are made of.

    `tags`: whether tags move along. `keep`: by whose word images go. `begun_at`: what was decided later, a run may not
    have heard of.
    """

    plan: str
    account: str
    quarantine: str
    lease_id: str
    tags: bool
    keep: Keep
    begun_at: datetime


class Record:
    """A manifest with a sense of what it says. Several threads may note steps of different images."""

    def __init__(self, manifest: Manifest, header: Header, moved: Iterable[Moved], now: Callable[[], datetime]) -> None:
        self._manifest = manifest
        self._now = now
        self._lock = Lock()
        self._moved = {it.image.path: it for it in moved}
        self.header = header
        # Whoever goes on with the manifest has the leases of a killed run; who has a copy of it elsewhere has others.
        self.lease_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{header.lease_id} {manifest.place}"))

    @classmethod
    def begin(
        cls, manifest: Manifest, plan: KeepPlan, now: Callable[[], datetime], *, quarantine: str, tags: bool
    ) -> "Record":
        """Go on with the manifest of this plan, or begin it. Raises `InvalidManifest` if it is that of another one."""
        found = cls.going_on(manifest, plan, now, quarantine=quarantine, tags=tags)
        if found is not None:
            return found
        header = Header(digest_of(plan), plan.account, quarantine, str(uuid.uuid4()), tags, plan.keep, now())
        fields = {"manifest": VERSION, "plan": header.plan, "account": header.account, "keep": plan.keep.value}
        more = {"quarantine": quarantine, "lease": header.lease_id, "tags": tags, "at": header.begun_at.isoformat()}
        manifest.append(fields | more)
        return cls(manifest, header, (), now)

    @classmethod
    def going_on(
        cls, manifest: Manifest, plan: KeepPlan, now: Callable[[], datetime], *, quarantine: str, tags: bool
    ) -> "Record | None":
        """What the manifest of this plan says; None if it is empty. Raises `InvalidManifest` as `begin` does."""
        if next(iter(manifest.entries()), None) is None:
            return None
        found = cls.read(manifest, now)
        theirs = found.header
        if theirs != replace(theirs, plan=digest_of(plan), account=plan.account, quarantine=quarantine, tags=tags):
            raise InvalidManifest(
                "the manifest belongs to another plan, quarantine or choice of tags: go on with the same ones, or "
                "name another file with --manifest"
            )
        return found

    @classmethod
    def read(cls, manifest: Manifest, now: Callable[[], datetime]) -> "Record":
        """What the manifest says. Raises `InvalidManifest`."""
        steps = iter(manifest.entries())
        first = next(steps, None)
        if first is None:
            raise InvalidManifest("the manifest is empty: `dedup apply` writes one")
        if first.get("manifest") != VERSION:
            raise InvalidManifest(f"this is no manifest of version {VERSION}: `dedup apply` writes one")
        moved: dict[str, Moved] = {}
        line = 1
        try:
            told, account, quarantine, lease, tags = (
                first[it] for it in ("plan", "account", "quarantine", "lease", "tags")
            )
            keep = Keep(first.get("keep", Keep.POLICY))  # an earlier version did not tell it
            header = Header(told, account, quarantine, lease, tags, keep, _moment(first["at"]))
            for entry in steps:
                line += 1
                moved[entry["image"]] = _after(moved.get(entry["image"]), entry)
                _must_be_a_copy(moved[entry["image"]], header)
        except UnclearTime as error:
            raise InvalidManifest(f"line {line} of the manifest: {error}") from error
        except (KeyError, TypeError, ValueError, InvalidPath) as error:
            raise InvalidManifest(f"line {line} of the manifest is damaged: {error!r}") from error
        return cls(manifest, header, moved.values(), now)

    @classmethod
    def of_app(cls, manifest: Manifest, now: Callable[[], datetime], settings: Settings) -> "Record":
        """What the manifest says, if it is about the app with these settings. Raises `InvalidManifest`.

        Another one has heard of no decision about these images, and knows nothing of who wants them.
        """
        found = cls.read(manifest, now)
        for what, theirs, ours, hint in (
            ("account", found.header.account, settings.account, ""),
            ("quarantine", found.header.quarantine, settings.quarantine_container, f": look at {NAMESPACE}"),
        ):
            if theirs != ours:
                raise InvalidManifest(f"the manifest is about the {what} {theirs!r}, the settings name {ours!r}{hint}")
        return found

    @property
    def images(self) -> list[Moved]:
        with self._lock:
            return list(self._moved.values())

    def of(self, path: ImagePath) -> Moved | None:
        with self._lock:
            return self._moved.get(path)

    def note(self, moved: Moved, step: Step, **more: Any) -> Moved:
        """Note a step, and what is known of the image after it."""
        entry: dict[str, Any] = {"step": step.value, "image": str(moved.image.path), "at": self._now().isoformat()}
        if step is Step.BEGUN:
            entry |= {
                "to": str(moved.quarantined),
                "of": image_as_dict(moved.image),
                "keeper": image_as_dict(moved.keeper),
            }
        if step is Step.COPIED and moved.content is not None:
            entry["content"] = moved.content.as_dict()
        with self._lock:
            self._manifest.append(entry | more)
            after = _after(moved, entry)
            self._moved[moved.image.path] = after
        return after


def digest_of(plan: KeepPlan) -> str:
    """What tells one plan from another one."""
    return hashlib.sha256(json.dumps(plan_as_dict(plan), sort_keys=True).encode()).hexdigest()


def quarantined_path(container: str, group: PlannedGroup, image: PlannedImage) -> ImagePath:
    """Where a copy goes: under the id of the image that stays for it, so that a listing tells who is relied upon.

    The etag tells apart what was at the same place at different times; the name, where there is room, is for people.
    """
    name = _copy_name(group.keeper, image)
    named = f"{name}/{image.path.container}/{image.path.name}"
    return ImagePath(container, named if len(named) <= MAX_NAME_CHARACTERS else name)


def _copy_name(keeper: PlannedImage, image: PlannedImage) -> str:
    return f"{kept_for(keeper.path)}{image.path.image_id}-{image.etag}"


def kept_for(keeper: ImagePath) -> str:
    """How the names of all copies begin for which an image stays."""
    return f"{keeper.image_id}/"


def _after(before: Moved | None, entry: Mapping[str, Any]) -> Moved:
    step = Step(entry["step"])
    if step is Step.BEGUN:
        image, keeper = (_unplanned(entry[name]) for name in ("of", "keeper"))
        return Moved(image, keeper, ImagePath.parse(entry["to"]), step)
    if before is None:
        raise ValueError(f"{entry['image']} was never begun")
    if step is Step.COPIED and "content" in entry:
        return replace(before, step=step, content=BlobContent(**entry["content"]))
    if step is Step.DELETED:
        return replace(before, step=step, away_since=_moment(entry["at"]))
    return replace(before, step=step)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        in_utc = f"{moment.isoformat()}+00:00"
        raise UnclearTime(f"the time {text!r} has no zone: write {in_utc} if it is in UTC, as `dedup apply` does")
    return moment


def _must_be_a_copy(moved: Moved, header: Header) -> None:
    """Whoever follows the manifest deletes what it names: nothing but the copy of the image, whoever wrote it."""
    name = _copy_name(moved.keeper, moved.image)
    if moved.quarantined.container != header.quarantine or not f"{moved.quarantined.name}/".startswith(f"{name}/"):
        raise ValueError(f"{moved.quarantined} is no copy of {moved.image.path} in {header.quarantine}")


def _unplanned(fields: Mapping[str, Any]) -> PlannedImage:
    return PlannedImage(ImagePath.parse(fields["path"]), fields["etag"], fields["sha256"], fields["bytes"])
