"""A keep plan as the text that `dedup plan` writes and `dedup apply` reads; people may take lines out, not put in."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from dedup_core.errors import InvalidPath, PermanentError
from dedup_core.groups.plan import Keep, KeepPlan, LeftOut, PlannedCopy, PlannedGroup, PlannedImage
from dedup_core.paths import ImagePath

VERSION: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class InvalidPlan(PermanentError):
    """The text is no plan that could be followed; the message says where and why."""

    reason = "invalid-plan"


def plan_as_dict(plan: KeepPlan) -> dict[str, Any]:
    """The plan, fit for JSON."""
    return {
        "plan": VERSION,
        "account": plan.account,
        "keep": plan.keep.value,
        "made_at": plan.made_at,
        "images": len(plan.copies),
        "bytes": plan.bytes_to_gain,
        "groups": [
            {
                "group": group.group_id,
                "stays": image_as_dict(group.keeper),
                "why": list(group.why),
                "goes": [
                    image_as_dict(copy.image)
                    | {"verdict": copy.verdict, "decided_by": copy.decided_by, "why": copy.why}
                    for copy in group.copies
                ],
            }
            for group in plan.groups
        ],
        "left_out": [{"path": it.path, "why": it.why} for it in plan.left_out],
    }


def image_as_dict(image: PlannedImage) -> dict[str, Any]:
    return {"path": str(image.path), "etag": image.etag, "sha256": image.sha256, "bytes": image.byte_size}


def parse_plan(text: str) -> KeepPlan:
    """The plan that `plan_as_dict` was made of. Raises `InvalidPlan`, also where following it would lose a picture."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidPlan(f"the plan is no JSON ({error}): write one with `dedup plan --format json`") from error
    if not isinstance(fields, dict) or fields.get("plan") != VERSION:
        raise InvalidPlan(f"this is no plan of version {VERSION}: write one with `dedup plan --format json`")
    try:
        plan = KeepPlan(
            _text(fields, "account"),
            Keep(_text(fields, "keep")),
            _text(fields, "made_at"),
            tuple(_parse_group(it) for it in _list(fields, "groups")),
            tuple(LeftOut(_text(it, "path"), _text(it, "why")) for it in _list(fields, "left_out")),
        )
    except (TypeError, ValueError, KeyError, AttributeError, InvalidPath) as error:
        raise InvalidPlan(f"the plan is damaged: {_told(error)}") from error
    _must_lose_no_picture(plan)
    return plan


def _must_lose_no_picture(plan: KeepPlan) -> None:
    stays = {group.keeper.path for group in plan.groups}
    seen: set[ImagePath] = set()
    for copy in plan.copies:
        path = copy.image.path
        if path in stays:
            raise InvalidPlan(f"{path} goes and stays in the same plan: make it anew with `dedup plan`")
        if path in seen:
            raise InvalidPlan(f"{path} goes twice in the plan: make it anew with `dedup plan`")
        seen.add(path)


def _parse_image(fields: Mapping[str, Any]) -> PlannedImage:
    path, etag, sha256, size = (fields[name] for name in ("path", "etag", "sha256", "bytes"))
    image_path = ImagePath.parse(path)
    if not isinstance(etag, str) or not etag:
        raise ValueError(f"{path} has no etag")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"{path} has no SHA-256")
    if type(size) is not int or size < 0:
        raise ValueError(f"{path} has no size")
    return PlannedImage(image_path, etag, sha256, size)


def _parse_group(fields: Mapping[str, Any]) -> PlannedGroup:
    copies = tuple(
        PlannedCopy(_parse_image(it), _text(it, "verdict"), _text(it, "decided_by"), _text(it, "why"))
        for it in _list(fields, "goes")
    )
    return PlannedGroup(_text(fields, "group"), _parse_image(fields["stays"]), tuple(_list(fields, "why")), copies)


def _text(fields: Mapping[str, Any], name: str) -> str:
    if not isinstance(fields[name], str):
        raise TypeError(f"{name!r} is no text")
    return str(fields[name])


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(fields[name], list):
        raise TypeError(f"{name!r} is no list")
    return list(fields[name])


def _told(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
