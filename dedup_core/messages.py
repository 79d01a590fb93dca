"""Queue messages, versioned and validated."""

import base64
import binascii
import codecs
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from dedup_core.errors import InvalidMessage, InvalidPath
from dedup_core.fingerprinting.record import HASH_BITS
from dedup_core.paths import ImagePath, redact_signatures
from dedup_core.views import View

VERSION = 1
MAX_MESSAGE_BYTES = 48 * 1024  # base64 makes 64 KiB of it, which is all that a queue message may be
MAX_TARGETS = 25  # a message of the largest pictures is still done well within the time that a function has
MOST_TARGETS = 100  # that a message by hand may name: each of them is read, and gets a row
ORIGINS = ("candidate", "manual")
# The host merges the top level of a JSON message into the trigger's metadata: such a key would overwrite the real one.
METADATA_KEYS = frozenset(
    {"id", "dequeuecount", "insertiontime", "expirationtime", "nextvisibletime", "popreceipt", "queuetrigger"}
)
_EXCERPT_CHARACTERS = 400
_MOST_VERSION = 2**63 - 1  # what tables hold
_MOST_TAG_CHARACTERS = 256  # of an etag or tag, which goes into a header; those of storage have some fifty
_TAG = re.compile(r'(W/)?"[^"]+"')  # an etag of HTTP: what is none is refused at each try; `*` would mean any row


@dataclass(frozen=True, slots=True)
class VerifyTarget:
    """One candidate of a `VerifyMessage`; all but the path are hints and may be missing.

    `version` is that of the content with the etag, `tag` that of the pair's row when it was opened.
    """

    path: ImagePath
    etag: str = ""
    view: View | None = None
    distance_bits: int | None = None
    version: int = 0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class VerifyMessage:
    """Verify `left` against each of `rights`. `origin` is `candidate` or `manual`."""

    left: ImagePath
    rights: tuple[VerifyTarget, ...]
    left_etag: str = ""
    origin: str = "manual"
    left_version: int = 0

    @classmethod
    def parse(cls, body: str | bytes, *, containers: Collection[str] | None = None, account: str = "") -> Self:
        """Read a message as plain text or base64; with `containers` and `account`, refuse other images.

        Raises `InvalidMessage`, which says what is wrong.
        """
        fields = _parse_fields(body, {"left", "right", "rights", "origin"})
        if ("right" in fields) == ("rights" in fields):
            raise InvalidMessage("Give either 'right' (one image) or 'rights' (a list of images)")
        entries = fields["rights"] if "rights" in fields else [fields["right"]]
        if not isinstance(entries, list) or not entries:
            kind = "an empty one" if entries == [] else json_kind(entries)
            raise InvalidMessage(f"'rights' must be a list of at least one image, not {kind}")
        if len(entries) > MOST_TARGETS:
            raise InvalidMessage(f"'rights' holds {len(entries):,} images: a message may name up to {MOST_TARGETS}")
        origin = fields.get("origin", "manual")
        if origin not in ORIGINS:
            raise InvalidMessage(f"'origin' must be one of {', '.join(ORIGINS)}, not {_shortened(origin)}")
        left = _parse_target(fields.get("left"), "left", containers, account)
        rights: dict[ImagePath, VerifyTarget] = {}
        for number, entry in enumerate(entries):
            target = _parse_target(entry, "right" if "right" in fields else f"rights[{number}]", containers, account)
            rights.setdefault(target.path, target)
        if left.path in rights:
            raise InvalidMessage(f"{left.path} cannot be verified against itself: name two different images")
        return cls(left.path, tuple(rights.values()), left.etag, origin, left.version)

    def to_json(self) -> str:
        """The message as `parse` reads it; text of ASCII only, so characters are bytes."""
        fields = {
            "version": VERSION,
            "left": _target_fields(VerifyTarget(self.left, self.left_etag, version=self.left_version)),
            "rights": [_target_fields(target) for target in self.rights],
            "origin": self.origin,
        }
        return json.dumps(fields, separators=(",", ":"))

    def split(self, max_bytes: int = MAX_MESSAGE_BYTES, max_targets: int = MAX_TARGETS) -> Iterator[Self]:
        """The same work in as many messages as it takes to keep each under both limits."""
        empty_bytes = len(replace(self, rights=()).to_json())
        part: list[VerifyTarget] = []
        part_bytes = empty_bytes
        for target in self.rights:
            target_bytes = len(json.dumps(_target_fields(target), separators=(",", ":"))) + 1
            if part and (part_bytes + target_bytes > max_bytes or len(part) == max_targets):
                yield replace(self, rights=tuple(part))
                part, part_bytes = [], empty_bytes
            part.append(target)
            part_bytes += target_bytes
        if part:
            yield replace(self, rights=tuple(part))


@dataclass(frozen=True, slots=True)
class IngestMessage:
    """Extract the features of one image that is already there.

    `again`: also where it was refused and nothing that could change that has another version. `force`: whatever is
    known of it, it is read, appended and looked up once more.
    """

    path: ImagePath
    again: bool = False
    force: bool = False

    @classmethod
    def parse(cls, body: str | bytes, *, containers: Collection[str] | None = None, account: str = "") -> Self:
        """Read `{"path": "images/a.jpg"}`, `"again": true` added or not, as text or base64. Raises `InvalidMessage`."""
        fields = _parse_fields(body, {"path", "again", "force"})
        path = _parse_path(fields.get("path"), "path", containers, account)
        if path.is_generated:
            raise InvalidMessage(f"{path} is generated: it can be compared, but there is no blob to ingest")
        for name in ("again", "force"):
            if not isinstance(fields.get(name, False), bool):
                raise InvalidMessage(f"{name} is true or false, not {json_kind(fields[name])}")
        return cls(path, fields.get("again", False), fields.get("force", False))

    def to_json(self) -> str:
        fields: dict[str, Any] = {"version": VERSION, "path": str(self.path)}
        return json.dumps(
            fields | {name: True for name in ("again", "force") if getattr(self, name)}, separators=(",", ":")
        )


def message_excerpt(body: str | bytes) -> str:
    """What a refused message said, for people to look at: decoded where possible, shortened, without signatures."""
    try:
        text = decode_text(body)
    except InvalidMessage:
        text = body if isinstance(body, str) else body.decode(errors="backslashreplace")
    text = redact_signatures(text).encode(errors="backslashreplace").decode()
    return text if len(text) <= _EXCERPT_CHARACTERS else text[:_EXCERPT_CHARACTERS] + "..."


def _parse_fields(body: str | bytes, known: Collection[str]) -> dict[str, Any]:
    fields = parse_json(body)
    if not isinstance(fields, dict):
        raise InvalidMessage(f"The message must be a JSON object, not {json_kind(fields)}")
    version = fields.pop("version", VERSION)
    if version != VERSION or not isinstance(version, int) or isinstance(version, bool):
        raise InvalidMessage(f"Version {_shortened(version)} is not understood: this app reads version {VERSION}")
    for key in fields:
        if key.lower() in METADATA_KEYS:
            raise InvalidMessage(f"The key {key!r} would overwrite the queue's own {key!r}: leave it out")
    _refuse_unknown_keys(fields, known, "The message")
    return fields


def parse_json(body: str | bytes) -> Any:
    """What a message holds, as plain text or base64. Raises `InvalidMessage`."""
    text = decode_text(body)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(_why_no_json(text, error)) from error


def _why_no_json(text: str, error: ValueError | RecursionError) -> str:
    """What people are shown of a message is decoded, however often it was encoded, and then looks as it should."""
    try:
        inner = base64.b64decode(text, validate=True)
    except ValueError:
        return f"The message is not valid JSON: {error}"
    try:
        json.loads(inner.decode())
    except (ValueError, RecursionError):
        is_utf16 = inner[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        why = "base64 of UTF-16: encode the text as UTF-8" if is_utf16 else f"not valid JSON: {error}"
        return f"The message is {why}"
    return "The message is base64 within base64: encode it once, or not at all"


def decode_text(body: str | bytes) -> str:
    """The text of a message that may be base64; JSON never reads as base64, because `{` is not in its alphabet."""
    try:
        text = (body if isinstance(body, str) else body.decode()).strip("\ufeff \t\r\n")
    except UnicodeDecodeError as error:
        raise InvalidMessage("The message is not UTF-8 text") from error
    if not text:
        raise InvalidMessage("The message is empty")
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode().strip("\ufeff \t\r\n")
    except (binascii.Error, ValueError):
        return text


def json_kind(value: object) -> str:
    """What a value of JSON is called in a sentence."""
    if value is None:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _parse_target(entry: object, name: str, containers: Collection[str] | None, account: str) -> VerifyTarget:
    if not isinstance(entry, Mapping):
        return VerifyTarget(_parse_path(entry, name, containers, account))
    _refuse_unknown_keys(entry, {"path", "etag", "view", "distance", "version", "tag"}, f"{name!r}")
    etag, tag = _hint(entry, "etag", ""), _hint(entry, "tag", "")
    for key, text in (("etag", etag), ("tag", tag)):
        if not isinstance(text, str):
            raise InvalidMessage(f"The {key} of {name!r} must be a text, not {json_kind(text)}")
        if len(text) > _MOST_TAG_CHARACTERS or not (text.isascii() and text.isprintable() and text == text.strip()):
            raise InvalidMessage(f"The {key} of {name!r} is none that storage gives: {_shortened(text)}")
    if tag and not _TAG.fullmatch(tag):
        raise InvalidMessage(f"The tag of {name!r} is none that storage gives: {_shortened(tag)}; leave it out")
    version = _hint(entry, "version", 0)
    if type(version) is not int or not 0 <= version <= _MOST_VERSION:
        raise InvalidMessage(f"The version of {name!r} must be a whole number, not {_shortened(version)}")
    distance = _hint(entry, "distance", None)
    if distance is not None and (type(distance) is not int or not 0 <= distance <= HASH_BITS):
        raise InvalidMessage(f"The distance of {name!r} must be 0 to {HASH_BITS} bits, not {_shortened(distance)}")
    view = _hint(entry, "view", None)
    if view is not None and view not in tuple(View):
        raise InvalidMessage(f"The view of {name!r} must be one of {', '.join(View)}, not {_shortened(view)}")
    path = _parse_path(entry.get("path"), name, containers, account)
    return VerifyTarget(path, etag, view and View(view), distance, version, tag)


def _parse_path(value: object, name: str, containers: Collection[str] | None, account: str) -> ImagePath:
    if not isinstance(value, str):
        raise InvalidMessage(
            f"{name!r} must name an image as text or as an object with a 'path', not {json_kind(value)}"
        )
    try:
        return ImagePath.parse(value, containers=containers, account=account)
    except InvalidPath as error:
        raise InvalidMessage(f"{name!r} is no image: {error}") from error


def _refuse_unknown_keys(fields: Mapping[str, Any], known: Collection[str], where: str) -> None:
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise InvalidMessage(
            f"{where} holds the unknown key {_shortened(unknown[0])}: known are {', '.join(sorted(known))}"
        )


def _target_fields(target: VerifyTarget) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"path": str(target.path), "etag": target.etag}
    if target.view is not None:
        fields["view"] = str(target.view)
    if target.distance_bits is not None:
        fields["distance"] = target.distance_bits
    if target.version:
        fields["version"] = target.version
    if target.tag:
        fields["tag"] = target.tag
    return fields


def _hint(entry: Mapping[str, Any], key: str, default: object) -> Any:
    value = entry.get(key)
    return default if value is None else value


def _shortened(value: object) -> str:
    text = redact_signatures(json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004
