"""Reads settings one by one out of an environment; every error names the setting and what it takes."""

import math
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from dedup_app.configuration.index_address import IndexAddress
from dedup_app.configuration.schedule import schedule_problem
from dedup_app.configuration.storage_connection import STORAGE, StorageConnection
from dedup_core.errors import InvalidPath, InvalidSetting
from dedup_core.limits import COMMON_FORMATS, RARE_FORMATS
from dedup_core.paths import ImagePath

POLICY_PREFIX = "POLICY_"
NAMESPACE = "DEDUP_NAMESPACE"
QUOTES = "\"'"  # which shells take away, and files of an environment or a form in the portal do not

_QUEUE = re.compile(r"(?=.{3,56}\Z)[a-z0-9]+(-[a-z0-9]+)*")
# What may begin the name of a table, and of a queue with a hyphen after it.
_NAMESPACE = re.compile(r"[a-z][a-z0-9]{0,19}")
_CONNECTION_STRING = re.compile(r"(^|;)\s*(UseDevelopmentStorage=true|AccountName=.|BlobEndpoint=.)", re.IGNORECASE)


class SettingReader:
    """Reads one setting after the other; an empty value counts as absent."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.namespace = self._namespace()

    def text(self, name: str, default: str) -> str:
        value = self._environment.get(name, "").strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in QUOTES:  # not shown: it may hold a key
            raise InvalidSetting(f"{name} is in quotes, which are a part of it here: leave them out")
        return value or default

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.text(name, default)
        for known in choices:
            if value.lower() == known.lower():
                return known
        raise InvalidSetting(f"{name} is {value!r}; set it to {' or '.join(choices)}")

    def switch(self, name: str, default: bool) -> bool:
        return self.choice(name, ("true", "false"), str(default).lower()) == "true"

    def words(self, name: str) -> tuple[str, ...]:
        value = self.text(name, "")
        words = tuple(part.strip() for part in value.split(",")) if value else ()
        if not all(words):
            raise InvalidSetting(f"{name} is {value!r}; write something before and after each comma")
        return words

    def container(self, name: str, default: str) -> str:
        return _container(name, self.text(name, default))

    def own_container(self, name: str, default: str) -> str:
        """The name of a container of the app's own: that of its namespace."""
        return _container(name, self._in_namespace(self.text(name, default)))

    def own_queue(self, name: str, default: str) -> str:
        """The name of a queue: that of the app's namespace, whether it was set or not."""
        value = self._in_namespace(self.text(name, default))
        if not _QUEUE.fullmatch(value):
            raise InvalidSetting(
                f"{name} is {value!r}; it takes 3 to 56 lower-case letters, digits and single hyphens (63 with -poison)"
            )
        return value

    def optional_queue(self, name: str) -> str:
        """The name of a queue that somebody else reads, as it is; empty where none is set."""
        value = self.text(name, "")
        if value and not _QUEUE.fullmatch(value):
            raise InvalidSetting(f"{name} is {value!r}; it takes 3 to 56 lower-case letters, digits and single hyphens")
        return value

    def https(self, name: str, what: str, example: str) -> str:
        """The https address of something, such as that of the example; empty where none is set."""
        value = self.text(name, "")
        try:
            url = urlsplit(value)
        except ValueError as error:
            raise InvalidSetting(f"{name} is not a URL: {error}") from error
        if value and (url.scheme != "https" or not url.hostname or url.query or url.username):
            raise InvalidSetting(f"{name} must be the https address of the {what} and nothing more, such as {example}")
        return value

    def index_address(self, name: str) -> IndexAddress | None:
        """The address of a PostgreSQL database; None where none is set. Never shown: it may hold a password."""
        value = self.text(name, "")
        try:
            return IndexAddress.parse(value) if value else None
        except ValueError as error:
            raise InvalidSetting(
                f"{name}: {error}; write postgresql://<role>@<host>/<database>, where an identity signs in"
            ) from None

    def _namespace(self) -> str:
        value = self.text(NAMESPACE, "")
        if value and not _NAMESPACE.fullmatch(value):
            raise InvalidSetting(
                f"{NAMESPACE} is {value!r}; it takes up to 20 lower-case letters and digits, a letter first"
            )
        return value

    def _in_namespace(self, name: str) -> str:
        return f"{self.namespace}-{name}" if self.namespace else name

    def schedule(self, name: str, default: str) -> str:
        value = self.text(name, default)
        problem = schedule_problem(value)
        if problem:
            raise InvalidSetting(f"{name} is {value!r}: {problem}; write one such as {default!r}")
        return value

    def whole(self, name: str, default: int, *, least: int = 1, most: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or len(value) > len(str(most)) or not least <= int(value) <= most:
            raise InvalidSetting(f"{name} is {value!r}; set it to a whole number from {least} to {most}")
        return int(value)

    def formats(self, name: str, default: frozenset[str]) -> frozenset[str]:
        value = self.text(name, ",".join(default))
        named = frozenset(part.strip().upper() for part in value.split(","))
        known = COMMON_FORMATS | RARE_FORMATS
        if not named <= known:
            listed = ", ".join(sorted(it.lower() for it in known))
            raise InvalidSetting(f"{name} is {value!r}; name some of {listed}, with commas between them")
        return named

    def policy_overrides(self) -> dict[str, float]:
        names = [name for name in self._environment if name.startswith(POLICY_PREFIX)]
        return {name.removeprefix(POLICY_PREFIX).lower(): self._number(name) for name in names if self.text(name, "")}

    def _number(self, name: str) -> float:
        value = self.text(name, "")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InvalidSetting(f"{name} is {value!r}; set it to a number, or leave it out for that of POLICY")
        return number

    def storage(self) -> StorageConnection | None:
        connection_string = self.text(STORAGE, "")
        uris = {name: self._service_uri(name) for name in ("blob", "queue", "table")}
        if connection_string and any(uris.values()):
            raise InvalidSetting(f"{STORAGE} and {STORAGE}__*ServiceUri are both set; keep one way to connect")
        if connection_string:
            if not _CONNECTION_STRING.search(connection_string):  # never shown: it may hold the account's key
                raise InvalidSetting(
                    f"{STORAGE} is not a connection string; copy one from the account's access keys, "
                    "or write UseDevelopmentStorage=true for Azurite"
                )
            return StorageConnection(connection_string)
        if not any(uris.values()):
            return None
        for name, uri in uris.items():
            if not uri:
                raise InvalidSetting(f"{STORAGE}__{name}ServiceUri is missing; all three services are needed")
        client_id = self.text(f"{STORAGE}__clientId", "")
        return StorageConnection("", uris["blob"], uris["queue"], uris["table"], client_id)

    def _service_uri(self, service: str) -> str:
        example = f"https://account.{service}.core.windows.net"
        return self.https(f"{STORAGE}__{service}ServiceUri", "service", example)


def _container(name: str, value: str) -> str:
    try:
        ImagePath(value, "name")
    except InvalidPath as error:
        raise InvalidSetting(f"{name}: {error}") from error
    return value
