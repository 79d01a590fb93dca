"""Workflows, containers and templates use the same Python, the same targets and the same files as the rest."""

import json
import re

from infra.tools.compiler import VERSION
from tests.infra.deployments import ROOT
from tests.infra.test_package import PARTS

PYTHON = (ROOT / ".python-version").read_text().strip()


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_container_holds_what_the_package_holds():
    lines = re.findall(r"^COPY (.+) /\S*$", text("Dockerfile"), re.MULTILINE)
    copied = {name for line in lines for name in line.split()}
    assert copied == PARTS
    allowed = {line.removeprefix("!") for line in text(".dockerignore").splitlines() if line.startswith("!")}
    assert allowed == PARTS


def test_what_is_left_out_of_the_package_is_left_out_of_the_container():
    """What deletes images, above all."""
    left_out = {line.strip("/") for line in text(".funcignore").splitlines() if line.startswith("/dedup_")}
    within_parts = {it for it in left_out if it.partition("/")[0] in PARTS}
    behind_what_is_let_in = text(".dockerignore").rpartition("!")[2].splitlines()
    assert within_parts
    assert within_parts <= set(behind_what_is_let_in)


def test_every_container_has_the_python_of_the_project():
    assert re.search(r"^FROM \S+/python:4-python(\S+)$", text("Dockerfile"), re.MULTILINE)[1] == PYTHON
    assert json.loads(text(".devcontainer/devcontainer.json"))["image"].endswith(f":{PYTHON}")


def test_the_workflows_run_what_a_developer_runs():
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for name in ("ci", "release"):
        workflow = text(f".github/workflows/{name}.yml")
        assert "- run: .ci/run\n" in workflow
        assert f"az bicep install --version v{VERSION} " in workflow
        assert set(re.findall(r"make ([a-z]+)", workflow)) <= targets
    assert set(re.findall(r"^make ([a-z]+)$", text(".ci/run"), re.MULTILINE)) == {"check", "test"}


def test_a_release_publishes_the_package_that_make_writes():
    package = re.search(r"infra\.tools\.package (\S+)", text("Makefile"))[1]
    assert package in text(".github/workflows/release.yml")


def test_the_changelog_has_a_place_for_the_next_version():
    assert "\n## Unreleased\n" in text("CHANGELOG.md")
    assert re.search(r'^version = "\d+\.\d+\.\d+"$', text("pyproject.toml"), re.MULTILINE)
