"""What a person was shown of a group or a pair, as a short text: whoever decides hands it back, and means nothing else.

It follows from the bytes of the images and from what is decided about them, so uploads and the word of somebody else
make it another one, and the same bytes uploaded again do not.
"""

import hashlib
from collections.abc import Iterable

from dedup_core.groups.facts import Decided, ImageFacts
from dedup_core.groups.group import Group

CHARACTERS = 32


def shown_of_group(group: Group) -> str:
    """Of the keeper, and the images beside it in whatever order."""
    members = sorted((_image(it.facts), _decided(it.decided)) for it in group.members)
    return _digest([_image(group.keeper), *(part for member in members for part in member)])


def shown_of_pair(left: ImageFacts, right: ImageFacts, decided: Decided | None) -> str:
    """Of two images, whichever is named first."""
    return _digest([*sorted(map(_image, (left, right))), _decided(decided)])


def _image(facts: ImageFacts) -> bytes:
    return facts.image_id + (facts.content or str(facts.version).encode())


def _decided(decided: Decided | None) -> bytes:
    """Not when: what was taken back and holds again has a later time."""
    if decided is None or decided.decision is None:
        return b""
    return b"\0".join((decided.decision.encode(), decided.keeper, decided.by.encode()))


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4) + part)
    return digest.hexdigest()[:CHARACTERS]
