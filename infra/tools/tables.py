"""Writes the tables of docs/deploy.md that tell what infra/ creates: `python -m infra.tools.tables`.

If the Bicep has changed, it takes the snapshots anew first, which needs the compiler.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from infra.tools.compiler import WHERE_TO_GET_IT, find_compiler
from infra.tools.rights import NEEDS, ROLES, grants
from infra.tools.snapshots import Deployment, Snapshot, is_stale, snapshot
from infra.tools.snapshots import main as take_snapshots

INFRA = Path(__file__).parent.parent
PAGE = INFRA.parent / "docs" / "deploy.md"

TOLD_ELSEWHERE = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/config",
}

_BLOCK = re.compile(r"(<!-- from infra: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    check = parser.parse_args(arguments).check
    if is_stale():
        if check or find_compiler() is None:
            remedy = "run python -m infra.tools.tables" if find_compiler() else f"{WHERE_TO_GET_IT}, then run make docs"
            print(f"infra/snapshots are older than infra/: {remedy}", file=sys.stderr)  # noqa: T201
            return 1
        take_snapshots()
    page = PAGE.read_text(encoding="utf-8")
    fresh = with_tables(page)
    if page == fresh:
        return 0
    if check:
        print("docs/deploy.md is not what infra/ says: run python -m infra.tools.tables", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def with_tables(page: str) -> str:
    """The page with every table between `<!-- from infra: NAME -->` and `<!-- end -->` made anew."""
    found = snapshot()
    tables = {"resources": resources(found.main), "roles": roles(found), "settings": settings(found.main)}
    return _BLOCK.sub(lambda block: f"{block[1]}\n{tables[block[2]]}\n\n{block[3]}", page)


def role_ids() -> dict[str, str]:
    """The built-in roles that infra/ uses, and their ids."""
    ids: dict[str, str] = json.loads((INFRA / "roles.json").read_text(encoding="utf-8"))
    return ids


def app_settings(deployment: Deployment) -> dict[str, str]:
    """The settings of the Function app."""
    (config,) = (it for it in deployment.of_type("Microsoft.Web/sites/config") if it.name == "appsettings")
    return config.properties


def resources(deployment: Deployment) -> str:
    found: dict[str, list[str]] = defaultdict(list)
    for it in deployment.resources:
        if it.type not in TOLD_ELSEWHERE:
            found[it.type].append(it.properties.get("displayName", it.name))
    rows = [(f"`{kind}`", ", ".join(f"`{name}`" for name in names)) for kind, names in found.items()]
    return _table(("what", "named"), rows)


def roles(found: Snapshot) -> str:
    rows: dict[tuple[str, str, str], str] = {}
    by_queue = snapshot("own numbers")
    for grant in grants([*found.main.resources, *by_queue.subscriptions.resources], role_ids()):
        reasons = [
            need.why
            for need in NEEDS
            if (need.who, need.where) == (grant.who, grant.where) and need.actions <= ROLES[grant.role]
        ]
        rows[grant.who, grant.where, grant.role] = "; ".join(reasons)
    order = [(need.who, need.where) for need in NEEDS]
    told = sorted(((*key, why) for key, why in rows.items()), key=lambda row: (order.index((row[0], row[1])), row[2]))
    return _table(("who", "where", "role", "for what"), told)


def settings(deployment: Deployment) -> str:
    return _table(("setting", "value"), [(f"`{name}`", _shown(it)) for name, it in app_settings(deployment).items()])


def _shown(value: Any) -> str:
    text = str(value)
    return f"{text.strip('<>')} (by Azure)" if text.startswith("<") else f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
