"""What infra/ creates in each way of using it, as the Bicep compiler predicts it: `python -m infra.tools.snapshots`.

They are in infra/snapshots, so that the tables of the docs and the tests need no compiler, and so that a change of the
Bicep shows what it changes in Azure. Who changes the Bicep takes them anew.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from infra.tools.compiler import SUBSCRIPTION, Compiler
from infra.tools.ways import DEPLOYER, EXAMPLE, WAYS, inside_parameters, subscription_parameters

INFRA = Path(__file__).parent.parent
SNAPSHOTS = INFRA / "snapshots"
SOURCES = SNAPSHOTS / "SOURCES.sha256"
ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
HASH = "abc123"  # in place of the hash of subscription, environment and region

_GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/"
_KNOWN_IN_AZURE = re.compile(r"\[?reference\('([^']*)', '[^']*'(?:, 'full')?\)\.([\w.]+)\]?")


@dataclass(frozen=True)
class Resource:
    """One resource; `id` begins with its group, what only Azure knows is told as `<clientId of id-dedup-abc123>`."""

    id: str
    type: str
    name: str
    api_version: str
    body: Mapping[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.body.get("properties", {}))

    @property
    def group(self) -> str:
        return self.id.partition("/")[0]

    @property
    def scope(self) -> str:
        """The id of the resource that a role assignment is about."""
        return self.id.partition(f"/{ROLE_ASSIGNMENTS}")[0]


@dataclass(frozen=True)
class Deployment:
    """What a template and its modules create, and what they give back."""

    resources: list[Resource]
    outputs: dict[str, str] = field(default_factory=dict)

    def of_type(self, name: str) -> list[Resource]:
        return [it for it in self.resources if it.type == name]


@dataclass(frozen=True)
class Snapshot:
    """A way of using infra/: what azd deploys, what the scripts put beside existing images, and the subscriptions."""

    main: Deployment
    inside: Deployment
    subscriptions: Deployment


def main() -> None:
    with Compiler() as compiler:
        for name in WAYS:
            snapshot_file(name).write_text(as_text(take(name, compiler)), encoding="utf-8")
    SOURCES.write_text(digest() + "\n", encoding="utf-8")


@cache
def snapshot(name: str = "new account") -> Snapshot:
    """The snapshot of a way, from its file."""
    parts = json.loads(snapshot_file(name).read_text(encoding="utf-8"))
    return Snapshot(*(_deployment(parts[part]) for part in ("main", "inside", "subscriptions")))


def snapshot_file(name: str) -> Path:
    return SNAPSHOTS / f"{name.replace(' ', '-')}.json"


def is_stale() -> bool:
    """Whether something that the snapshots are made of has changed since they were taken."""
    return SOURCES.read_text(encoding="utf-8").strip() != digest()


def digest() -> str:
    """A hash of all that snapshots are made of."""
    total = hashlib.sha256()
    for file in sorted(_sources()):
        total.update(f"{file.relative_to(INFRA).as_posix()}\n".encode() + file.read_bytes())
    return total.hexdigest()


def take(name: str, compiler: Compiler) -> dict[str, Any]:
    """The snapshot of a way, by the compiler. Raises `BicepError`."""
    main = compiler.predict(INFRA / "main.bicep", {**EXAMPLE, "principalId": DEPLOYER, **WAYS[name]})
    outputs = main["outputs"]
    inside: dict[str, Any] = {"predictedResources": []}
    if outputs["IMAGES_ACCOUNT_IS_NEW"] == "False":
        group = outputs["IMAGES_ACCOUNT_RESOURCE_GROUP"]
        inside = compiler.predict(INFRA / "modules" / "images-data.bicep", inside_parameters(outputs), group=group)
    group = outputs["SYSTEM_TOPIC_RESOURCE_GROUP"]
    subscriptions = compiler.predict(INFRA / "subscriptions.bicep", subscription_parameters(outputs), group=group)
    return {"main": main, "inside": inside, "subscriptions": subscriptions}


def as_text(parts: Mapping[str, Any]) -> str:
    """A snapshot as its file has it: in order, without ids that mean nothing."""
    wanted = {
        part: {
            "outputs": dict(sorted(predicted.get("outputs", {}).items())),
            "resources": sorted(predicted["predictedResources"], key=lambda it: (it["type"], str(it["id"]))),
        }
        for part, predicted in parts.items()
    }
    text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n"
    (token,) = re.findall(r'"FUNCTION_APP_NAME": "func-dedup-(\w+)"', text)
    text = (
        text.replace(token, HASH)
        .replace(_GROUPS, "")
        .replace(f"/subscriptions/{SUBSCRIPTION}/", "")
        .replace("/providers/", "/")
    )
    return _KNOWN_IN_AZURE.sub(lambda found: f"<{found[2]} of {found[1].rpartition('/')[2]}>", text)


def _deployment(part: Mapping[str, Any]) -> Deployment:
    return Deployment([_resource(it) for it in part["resources"]], part["outputs"])


def _resource(predicted: Mapping[str, Any]) -> Resource:
    identity = str(predicted["id"]).removeprefix("providers/")
    if predicted["type"] == ROLE_ASSIGNMENTS and identity.startswith("["):
        # [extensionResourceId('scope', 'type', guid(…))]: the name is a hash of a principal's id, which Azure makes up.
        identity = f"{identity.split("'")[1]}/{ROLE_ASSIGNMENTS}/{predicted['name']}"
    if predicted["type"] == "Microsoft.Resources/resourceGroups":
        identity = str(predicted["name"])
    name = str(predicted["name"]).rpartition("/")[2]
    return Resource(identity, predicted["type"], name, predicted["apiVersion"], predicted)


def _sources() -> Iterator[Path]:
    yield from INFRA.rglob("*.bicep")
    yield from (INFRA / "queries").iterdir()
    yield from (INFRA / "roles.json", INFRA / "workbook.json", INFRA / "tools" / "ways.py")


if __name__ == "__main__":
    main()
