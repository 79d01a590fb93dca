"""What would be deployed is small, holds only what the app needs, and runs with requirements.txt and nothing else."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from dedup_app.image_status import INDEXED
from dedup_app.settings import Settings
from dedup_storage.connect import connect
from infra.tools.package import main, write_package
from tests.azurite import Account
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.infra.deployments import ROOT, triggers

PARTS = {
    "dedup_app",
    "dedup_core",
    "dedup_decoders",
    "dedup_storage",
    "function_app.py",
    "host.json",
    "requirements.txt",
}
START_SECONDS = 60
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked in a folder of its own."""
    folder = tmp_path_factory.mktemp("package")
    write_package(folder / "app.zip")
    with zipfile.ZipFile(folder / "app.zip") as archive:
        archive.extractall(folder / "app")
    return folder / "app"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with exactly what requirements.txt says, as Azure builds it."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    # No dependencies beyond the listed ones: a requirement that the list forgot shows in the check.
    subprocess.run([*pip, "install", "--no-deps", "--no-compile", "-r", ROOT / "requirements.txt"], check=True)
    subprocess.run([*pip, "check"], check=True)
    return python


def test_the_package_holds_the_app_and_nothing_else(package: Path):
    assert {it.name for it in package.iterdir()} == PARTS
    in_parts = {it.suffix for it in package.rglob("*") if it.is_file() and it.parent != package}
    assert in_parts <= {".py", ".typed"}


def test_the_package_is_under_a_megabyte_packed_and_unpacked(package: Path):
    assert sum(it.stat().st_size for it in package.rglob("*") if it.is_file()) < MEGABYTE
    assert (package.parent / "app.zip").stat().st_size < MEGABYTE / 2


def test_the_same_files_make_the_same_package(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path / "dist" / "again.zip")]) == 0
    assert (tmp_path / "dist" / "again.zip").read_bytes() == (package.parent / "app.zip").read_bytes()
    assert "again.zip" in capsys.readouterr().out


def test_the_package_takes_in_an_image_with_nothing_but_its_requirements(
    package: Path, bare_python: Path, account: Account, tmp_path: Path
):
    environment = {
        "AzureWebJobsStorage": account.connection_string,
        "ImageStorage": account.connection_string,
        "AzureFunctionsWebHost__hostid": "package",
    }
    with BlobServiceClient.from_connection_string(account.connection_string) as service:
        container = service.create_container("images")
        container.upload_blob("photo.png", encoded(drawn(1)))
    process, status = start(package, bare_python, environment, tmp_path)
    try:
        assert set(status["functions"]) == set(triggers())
        features = connect(Settings.from_environment(environment)).features
        deadline = time.monotonic() + START_SECONDS
        while not (rows := list(features.all())) or rows[0].status != INDEXED:
            assert time.monotonic() < deadline, (tmp_path / "log.txt").read_text()
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)  # finish and stop; SIGTERM would take the 10 s that Azure gives
        process.wait()


def start(
    package: Path, python: Path, environment: dict[str, str], folder: Path
) -> tuple["subprocess.Popen[bytes]", dict]:
    """Run the package in `local_host`, which sees the package and the bare environment, but nothing else of ours.

    Of what the developer's environment has, only local_host itself and its parser of schedules are lent.
    """
    lent = folder / "lent"
    lent.mkdir()
    (lent / "local_host").symlink_to(ROOT / "local_host")
    cronsim = importlib.util.find_spec("cronsim")
    assert cronsim is not None
    assert cronsim.submodule_search_locations is not None
    (lent / "cronsim").symlink_to(cronsim.submodule_search_locations[0])
    status_file = folder / "status.json"
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [
                *(python, "-m", "local_host", "start", "--app", package, "--port", "0"),
                *("--scan-seconds", "0.2", "--status-file", status_file),
            ],
            env={"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": str(lent), **environment},
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + START_SECONDS
    while not status_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError((folder / "log.txt").read_text())
        time.sleep(0.05)
    return process, json.loads(status_file.read_text())
