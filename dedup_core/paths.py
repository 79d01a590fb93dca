"""Any spelling of a blob -> ImagePath."""

import hashlib
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlsplit

from dedup_core.errors import InvalidPath

MAX_NAME_CHARACTERS = 1024  # the limit of Blob Storage
GENERATED_CONTAINER = "test:"  # no real container can be called that: `:` is not allowed in their names
_SYSTEM_CONTAINERS = frozenset({"$root", "$web", "$logs", "$blobchangefeed"})
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_SAS_TAIL = re.compile(r"\?(?:[^?]*&)?sig=.*\Z", re.IGNORECASE | re.DOTALL)
_SAS_SIGNATURE = re.compile(r"(\bsig(?:=|%3D))[^&\s\"'\\]+", re.IGNORECASE)
_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)
_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
_PAD = " \t\r\n"
_SHOWN_CHARACTERS = 120
_FORMS = "write container/name, for example images/shirts/red.jpg, or the URL of the blob"


@dataclass(frozen=True, slots=True, order=True)
class ImagePath:
    """One blob: container and name exactly as storage knows them, or a generated image (`test://pattern?parameters`).

    `str()` is the canonical text: `ImagePath.parse(str(path)) == path` for every path there is. Case is kept, and so
    is the Unicode form, because storage keeps blobs apart whose names differ only in these. Two images are the same
    blob exactly when their paths are equal. Raises `InvalidPath` for names that storage cannot hold.
    """

    container: str
    name: str

    def __post_init__(self) -> None:
        if self.is_generated:
            _check_generated_name(self.name)
        else:
            _check_container(self.container)
            _check_name(self.name)

    @classmethod
    def parse(cls, text: str, *, containers: Collection[str] | None = None, account: str = "") -> Self:
        """Read any spelling: `images/a b.jpg`, `/images/a%20b.jpg`, back slashes, a blob's URL.

        A URL may be host or path style, of the `blob` or the `dfs` endpoint.

        In the path form `?` and `#` belong to the name, but for a shared access signature at the end, which is dropped;
        in a URL they end the name. `%` and two hex digits are decoded in both. With `containers`, others are refused;
        with `account`, URLs that name another storage account (a custom domain names none).
        """
        stripped = text.strip(_PAD)
        if not stripped:
            raise InvalidPath(f"The path is empty: {_FORMS}")
        path = cls._parse_stripped(stripped)
        _check_account(stripped, account)
        if containers is not None and not path.is_generated and path.container not in containers:
            raise InvalidPath(
                f"{_shown(stripped)} is in the container {path.container!r}, which this app does not watch; "
                f"configured: {', '.join(sorted(containers))}"
            )
        return path

    @classmethod
    def of_event(cls, url: str, subject: str = "", *, account: str = "") -> Self:
        """The blob that an event of Blob Storage is about: its subject has the name as it is, its URL perhaps not.

        In some events `#`, `?` and `%` stand in the URL unescaped, which then names another blob or none.
        """
        named = _SUBJECT.fullmatch(subject)
        if named is None:
            return cls.parse(url, account=account)
        _check_account(url, account)
        return cls(named["container"], named["name"])

    @classmethod
    def readings(cls, text: str, *, containers: Collection[str] | None = None, account: str = "") -> tuple[Self, ...]:
        """What a person may mean by a path: the blob of just that name first, if escapes in it could be part of it.

        A blob can be called `a%2Bb.jpg` as well as `a+b.jpg`, and lists of blobs show names without escaping them.
        """
        parsed = cls.parse(text, containers=containers, account=account)
        container, _, name = text.strip(_PAD).replace("\\", "/").lstrip("/").partition("/")
        if _SCHEME.match(text.strip(_PAD)) or container != parsed.container or not _ESCAPE.search(name):
            return (parsed,)
        return cls(container, name), parsed

    @classmethod
    def _parse_stripped(cls, text: str) -> Self:
        _check_characters(text)
        scheme = _SCHEME.match(text)
        if scheme is None:
            return cls._from_segments(_SAS_TAIL.sub("", text).replace("\\", "/").lstrip("/"), text)
        match scheme[1].lower():
            case "http" | "https":
                return cls._from_segments(_path_of_url(text), text)
            case "test":
                pattern, _, query = text[scheme.end() :].partition("?")
                parameters = _parse_parameters(query, text)
                return cls.test(pattern.rstrip("/"), **parameters)
            case other:
                raise InvalidPath(f"{_shown(text)} uses {other}://, which this app does not read: {_FORMS}")

    @classmethod
    def _from_segments(cls, encoded: str, text: str) -> Self:
        container, slash, name = _decode(encoded, text).partition("/")
        if not slash or not name:
            raise InvalidPath(f"{_shown(text)} names no blob: {_FORMS}")
        return cls(container, name)

    @classmethod
    def test(cls, pattern: str, /, **parameters: object) -> Self:
        """A generated image: `ImagePath.test("circle", color="red")` is `test://circle?color=red`."""
        return cls(GENERATED_CONTAINER, _generated_name(pattern, {key: str(it) for key, it in parameters.items()}))

    def __str__(self) -> str:
        if self.is_generated:
            return f"{self.container}/{self.name}"
        return f"{self.container}/{_escape(self.name)}"

    def begins_with(self, prefix: str) -> bool:
        """Whether the name, without the container, begins so: as storage knows it, or as `str()` shows it."""
        return self.name.startswith(prefix) or ("%" in prefix and _escape(self.name).startswith(prefix))

    @property
    def image_id(self) -> str:
        """First 16 bytes of SHA-256 of the canonical path, 32 lower-case hex characters."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:32]

    @property
    def is_generated(self) -> bool:
        """Drawn by `dedup_core.loading.generated` instead of read; never a question of letters in an ordinary path."""
        return self.container == GENERATED_CONTAINER

    @property
    def pattern(self) -> str:
        """What a generated image shows: `circle` of `test://circle?color=red`."""
        return self.name[1:].partition("?")[0]

    @property
    def parameters(self) -> dict[str, str]:
        """How a generated image is drawn: `{"color": "red"}` of `test://circle?color=red`."""
        return dict(parse_qsl(self.name.partition("?")[2], keep_blank_values=True))


def redact_signatures(text: str) -> str:
    """The text without the secret part of any shared access signature in it, fit for logs and tables."""
    return _SAS_SIGNATURE.sub(r"\1...", text)


def _shown(text: str) -> str:
    """A path as error messages show it: quoted, shortened, without its signature."""
    redacted = redact_signatures(text)
    return repr(redacted if len(redacted) <= _SHOWN_CHARACTERS else redacted[:_SHOWN_CHARACTERS] + "...")


def _check_characters(text: str) -> None:
    control = _CONTROL.search(text)
    if control is not None:
        character = f"the control character U+{ord(control[0]):04X}"
        raise InvalidPath(f"{_shown(text)} holds {character}; give the blob a name without it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidPath(f"{_shown(text)} holds half of a surrogate pair and is no valid Unicode") from error


def _check_container(container: str) -> None:
    if container in _SYSTEM_CONTAINERS or _CONTAINER.fullmatch(container):
        return
    hint = f"; did you mean {container.lower()!r}?" if _CONTAINER.fullmatch(container.lower()) else ""
    raise InvalidPath(
        f"{_shown(container)} is not a container name (3 to 63 lower-case letters, digits and single hyphens){hint}"
    )


def _check_name(name: str) -> None:
    if not name:
        raise InvalidPath(f"The blob name is empty: {_FORMS}")
    _check_characters(name)
    _check_length(name)
    if not {".", ".."}.isdisjoint(name.replace("\\", "/").split("/")):
        raise InvalidPath(f"{_shown(name)} holds a '.' or '..' segment; write the path that it stands for")


def _check_length(name: str) -> None:
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidPath(f"{_shown(name)} has {len(name)} characters; a blob name has at most {MAX_NAME_CHARACTERS}")


def _decode(encoded: str, text: str) -> str:
    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError as error:
        raise InvalidPath(
            f"{_shown(text)} holds percent escapes that are not UTF-8; write %25 for a real percent sign"
        ) from error


def _escape(name: str) -> str:
    """Escape just what `ImagePath.parse` would read as something else: ordinary names stay as people know them."""
    escaped = _ESCAPE.sub(lambda match: "%25" + match[0][1:], name).replace("\\", "%5C")
    if _SAS_TAIL.search(escaped):
        escaped = escaped.replace("?", "%3F")
    if escaped.endswith(" "):
        escaped = escaped[:-1] + "%20"
    return escaped


def account_of_url(text: str) -> str:
    """The storage account that the URL of a blob or a blob service names, or nothing: a custom domain names none."""
    try:
        url = urlsplit(text.replace("\\", "/"))
        host = url.hostname or ""
        if _is_path_style(url):
            return url.path.removeprefix("/").partition("/")[0].lower()
    except ValueError:
        return ""
    is_named = ".blob." in host or ".dfs." in host
    return host.partition(".")[0].removesuffix("-secondary") if is_named else ""


def _check_account(text: str, account: str) -> None:
    scheme = _SCHEME.match(text)
    if not account or scheme is None or scheme[1].lower() not in ("http", "https"):
        return
    named = account_of_url(text)
    if named not in ("", account.lower()):
        raise InvalidPath(
            f"{_shown(text)} is in the storage account {named!r}, but this app reads {account!r}: copy the image there"
        )


def _path_of_url(text: str) -> str:
    """The still encoded `container/name` of a blob's URL."""
    try:
        url = urlsplit(text.replace("\\", "/"))
        path_style = _is_path_style(url)
    except ValueError as error:
        raise InvalidPath(f"{_shown(text)} is not a URL ({error}): {_FORMS}") from error
    keys = {key.lower() for key, _ in parse_qsl(url.query, keep_blank_values=True)}
    if not keys.isdisjoint({"snapshot", "versionid"}):
        raise InvalidPath(f"{_shown(text)} is a snapshot or an old version; only current blobs can be compared")
    path = url.path.removeprefix("/")
    return path.partition("/")[2] if path_style else path


def _is_path_style(url: SplitResult) -> bool:
    """Azurite and other emulators put the account into the path: http://127.0.0.1:10000/account/container/name."""
    host = url.hostname or ""
    if ".blob." in host or ".dfs." in host:  # the latter names blobs of accounts with a hierarchical namespace
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or url.port is not None
    return True


def _generated_name(pattern: str, parameters: dict[str, str]) -> str:
    pattern = pattern.lower()
    if not _PATTERN.fullmatch(pattern):
        raise InvalidPath(
            f"{_shown(pattern)} is not the name of a test pattern: write for example test://solid?color=red"
        )
    for key, value in parameters.items():
        if not _PATTERN.fullmatch(key):
            raise InvalidPath(f"{_shown(key)} is not the name of a parameter of test://{pattern}")
        _check_characters(value)
    query = "&".join(f"{key}={quote(parameters[key], safe=',')}" for key in sorted(parameters))
    name = f"/{pattern}?{query}" if query else f"/{pattern}"
    _check_length(name)
    return name


def _parse_parameters(query: str, text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for part in query.split("&") if query else ():
        key, equals, value = part.partition("=")
        key = key.lower()
        if not equals or key in parameters:
            raise InvalidPath(f"{_shown(text)}: give each parameter once, as name=value")
        parameters[key] = _decode(value, text)
    return parameters


def _check_generated_name(name: str) -> None:
    pattern, _, query = name.removeprefix("/").partition("?")
    if name != _generated_name(pattern, _parse_parameters(query, f"test:/{name}")):
        raise InvalidPath(f"{_shown(name)} is not the canonical name of a generated image: use ImagePath.test")
