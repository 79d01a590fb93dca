"""What infra/ creates in the ways in which it can be used, from the compiler's snapshots."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

from infra.tools.snapshots import Deployment, Resource, snapshot
from infra.tools.ways import WAYS  # noqa: F401 - the tests take it from here

ROOT = Path(__file__).parent.parent.parent
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))


def main_only(name: str = "new account") -> Deployment:
    """What azd itself deploys, and so would delete."""
    return snapshot(name).main


@cache
def way(name: str = "new account") -> Deployment:
    """The deployment of main.bicep in one of WAYS, with what images-data.sh puts into an existing account."""
    found = snapshot(name)
    return Deployment(found.main.resources + found.inside.resources, found.main.outputs)


def subscriptions(name: str = "new account") -> Deployment:
    """What the post-deploy script deploys with the outputs of main.bicep."""
    return snapshot(name).subscriptions


def everything(name: str = "new account") -> list[Resource]:
    return [*way(name).resources, *subscriptions(name).resources]


def only(deployment: Deployment, kind: str) -> Resource:
    """The one resource of a type."""
    (found,) = deployment.of_type(kind)
    return found


def app_settings(name: str = "new account") -> dict[str, str]:
    return site_config("appsettings", name)


def site_config(kind: str, name: str = "new account") -> dict[str, Any]:
    """What is set of the app: `appsettings`, `authsettingsV2`; nothing where it is left alone."""
    found = [it for it in way(name).of_type("Microsoft.Web/sites/config") if it.name == kind]
    return found[0].properties if found else {}


def declared_parameters(file: Path) -> dict[str, str]:
    """The parameters of a Bicep file and their types."""
    return dict(re.findall(r"^param (\w+) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))


@cache
def triggers() -> dict[str, dict[str, Any]]:
    """What the host is told of each function's trigger; all names are the defaults, as in Azure."""
    spec = importlib.util.spec_from_file_location("function_app_of_infra", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # an app tells of its functions only once
    return {it.get_function_name(): it.get_trigger().get_dict_repr() for it in module.app.get_functions()}
