"""The functions of Bicep that infra/ uses; those whose answer only Azure knows give a text in angle brackets."""

import ipaddress
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

NAMESPACES: Mapping[str, Any] = {
    "subscription": {"id": "<subscription>", "subscriptionId": "<subscription>"},
    "tenant": {"tenantId": "<tenant>"},
    "deployer": {"objectId": "<deployer>"},
    "environment": {"suffixes": {"storage": "core.windows.net"}},
}

LOADERS: Mapping[str, Callable[[Path], Any]] = {
    "loadJsonContent": lambda path: json.loads(path.read_text(encoding="utf-8")),
    "loadTextContent": lambda path: path.read_text(encoding="utf-8"),
}


def _union(*objects: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for each in objects:
        merged.update(each)
    return merged


def _subnet(network: str, prefix: int, index: int) -> str:
    return str(list(ipaddress.ip_network(network).subnets(new_prefix=prefix))[index])


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "cidrSubnet": _subnet,
    "concat": lambda *parts: [item for part in parts for item in part],
    "empty": lambda value: not value,
    "guid": lambda *parts: f"guid({', '.join(map(str, parts))})",
    "listKeys": lambda *_: {"systemKeys": {"blobs_extension": "<key>"}},
    "map": lambda items, make: [make(item) for item in items],
    "resourceGroup": lambda name: name,
    "resourceId": lambda *parts: "/".join(parts[-2:]),
    "string": str,
    "subscriptionResourceId": lambda _type, name: name,
    "toLower": lambda text: text.lower(),
    "union": _union,
    "uniqueString": lambda *_: "abc123",
}
