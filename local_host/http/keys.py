"""The keys that HTTP callers must show, kept like the host keeps them in `azure-webjobs-secrets`."""

import enum
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import BlobServiceClient

from local_host.storage.state import create_json, open_container, read_json, write_json

SECRETS_CONTAINER = "azure-webjobs-secrets"
KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
SYSTEM_KEYS = ("blobs_extension", "eventgrid_extension")


class Access(enum.Enum):
    """What a request's key is worth: enough, nothing (401), or something, but not here (403)."""

    GRANTED = enum.auto()
    NO_KEY = enum.auto()
    OTHER_SCOPE = enum.auto()


@dataclass(frozen=True)
class HostKeys:
    """`master` opens everything, `function` every function, the others the two webhooks that Event Grid posts to."""

    master: str
    function: str
    blobs_extension: str
    eventgrid_extension: str

    def check(self, auth_level: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Access:
        """Say whether a request shows a key that is good enough; a key opens its own level only, the master key all."""
        if auth_level == "ANONYMOUS":
            return Access.GRANTED
        shown = (headers.get(KEY_HEADER) or query.get(KEY_PARAMETER) or "").encode()
        keys = {"ADMIN": self.master, "FUNCTION": self.function} | self.system
        opened = {level for level, key in keys.items() if hmac.compare_digest(shown, key.encode())}
        if opened & {auth_level, "ADMIN"}:
            return Access.GRANTED
        return Access.OTHER_SCOPE if opened else Access.NO_KEY

    @property
    def system(self) -> dict[str, str]:
        """The keys of the webhooks, by name."""
        return {name: getattr(self, name) for name in SYSTEM_KEYS}


def load_keys(service: BlobServiceClient, host_id: str) -> HostKeys:
    """Return the keys of a host, made at its first start and the same ever after."""
    blob = open_container(service, SECRETS_CONTAINER).get_blob_client(f"{host_id}/host.json")
    content = read_json(blob)
    if content is None:
        create_json(blob, _new_keys())
        content = read_json(blob) or {}
    if _add_missing(content["systemKeys"]):  # made by an earlier version
        write_json(blob, content)
    return HostKeys(
        master=content["masterKey"]["value"],
        function=_named(content["functionKeys"], "default"),
        **{name: _named(content["systemKeys"], name) for name in SYSTEM_KEYS},
    )


def _new_keys() -> dict[str, Any]:
    return {
        "masterKey": _new_key("master"),
        "functionKeys": [_new_key("default")],
        "systemKeys": [_new_key(name) for name in SYSTEM_KEYS],
    }


def _add_missing(keys: list[dict[str, Any]]) -> bool:
    missing = set(SYSTEM_KEYS) - {key["name"] for key in keys}
    keys += [_new_key(name) for name in missing]
    return bool(missing)


def _new_key(name: str) -> dict[str, Any]:
    return {"name": name, "value": secrets.token_urlsafe(40), "encrypted": False}


def _named(keys: list[dict[str, Any]], name: str) -> str:
    return next(str(key["value"]) for key in keys if key["name"] == name)
