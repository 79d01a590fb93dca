"""What would be deployed is small, holds only what the app needs, and runs with requirements.txt and nothing else."""

import importlib.util
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec

from dedup_app.configuration.settings import Settings
from dedup_app.ports.image_status import INDEXED
from dedup_core.decoding.libraries import BY_FORMAT, libraries_of
from dedup_storage.connect import connect
from infra.tools import package as tools
from infra.tools.package import LIBRARIES, NEWEST_GLIBC, main, write_package
from tests.azurite import Account
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.infra.deployments import ROOT, triggers

X86_64 = 0x3E
PARTS = {
    "dedup_app",
    "dedup_core",
    "dedup_decoders",
    "dedup_storage",
    "dedup_web",
    "function_app.py",
    "host.json",
    "requirements.txt",
}
START_SECONDS = 180
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
def whole_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with its libraries, as `make package` writes it, unpacked."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:  # packing a hundred megabytes of libraries holds nothing more
        patch.setattr(tools, "PACKING", zipfile.ZIP_STORED)
        assert main([str(folder / "app.zip")]) == 0
    with zipfile.ZipFile(folder / "app.zip") as archive:
        archive.extractall(folder / "app")
    return folder / "app"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with nothing in it."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_the_package_holds_the_app_and_nothing_else(package: Path):
    assert {it.name for it in package.iterdir()} == PARTS
    in_parts = {it.suffix for it in package.rglob("*") if it.is_file() and it.parent != package}
    assert in_parts <= {".py", ".typed", ".html", ".css", ".js"}


def test_the_package_is_under_two_megabytes_and_under_eight_tenths_packed(package: Path):
    assert sum(it.stat().st_size for it in package.rglob("*") if it.is_file()) < 2 * MEGABYTE
    assert (package.parent / "app.zip").stat().st_size < 0.8 * MEGABYTE


def test_the_code_that_deletes_images_is_not_deployed(package: Path):
    deleting = {it for it in package.rglob("*.py") if ".delete_blob(" in it.read_text(encoding="utf-8")}
    logs = package / "dedup_storage" / "logs"
    assert deleting == {logs / "segments.py", logs / "snapshot_blobs.py"}  # of the index, in its own container
    assert not (package / "dedup_app" / "cleanup").exists()


def test_whatever_the_package_loads_is_in_it(package: Path):
    """What is left out is loaded by the command alone, when it is asked for."""
    imports = re.compile(r"^(?:from|import) (dedup_[\w.]+)", re.MULTILINE)
    modules = {it: imports.findall(it.read_text(encoding="utf-8")) for it in package.rglob("*.py")}
    places = {it: package.joinpath(*it.split(".")) for it in {name for names in modules.values() for name in names}}
    missing = {name for name, place in places.items() if not (place.is_dir() or place.with_suffix(".py").is_file())}
    assert len(places) > 100
    assert [(it.name, name) for it, names in modules.items() for name in names if name in missing] == []


def test_the_same_files_make_the_same_package(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--without-libraries", str(tmp_path / "dist" / "again.zip")]) == 0
    assert (tmp_path / "dist" / "again.zip").read_bytes() == (package.parent / "app.zip").read_bytes()
    assert "again.zip" in capsys.readouterr().out


def test_virtual_environments_stay_here_and_libraries_go_along():
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    left_out = ["venv/bin/python", "env/bin/python", "my_env/bin/python", ".venv/bin/python", ".env", "dist/app.zip"]
    assert [name for name in left_out if not ignored.match_file(name)] == []
    inside = ("numpy/__init__.py", "azure/functions/py.typed", "x/docs/a.md", "x/tests/a.py", "x-1.dist-info/LICENSE")
    assert [name for name in inside if ignored.match_file(str(LIBRARIES / name))] == []


def test_an_azd_that_reads_no_funcignore_deploys_nothing():
    """1.18.0 was the first to: until then everything but virtual environments was sent."""
    text = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    (oldest,) = re.findall(r'^requiredVersions:\n  azd: ">= ([\d.]+)"$', text, re.MULTILINE)
    assert tuple(map(int, oldest.split("."))) >= (1, 18, 0)


def test_azd_has_the_libraries_built_in_azure():
    assert "\n    remoteBuild: true\n" in (ROOT / "azure.yaml").read_text(encoding="utf-8")


def test_the_libraries_are_all_that_is_listed_and_lack_nothing(whole_package: Path):
    there = {it.name.lower().replace("_", "-"): it for it in distributions(path=[str(whole_package / LIBRARIES)])}
    listed = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {name: there[name].version for name, _ in listed} == dict(listed)
    needed = [Requirement(text) for it in there.values() for text in it.requires or ()]
    for it in needed:
        if it.marker is None or it.marker.evaluate({"extra": ""}):
            found = there[it.name.lower().replace("_", "-").replace(".", "-")]
            assert it.specifier.contains(found.version, prereleases=True), f"{it} but {found.version} is there"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_hashes_so_that_pip_takes_no_other_file(name: str):
    """One hash is enough to have pip insist on them; one pin without any would end every installation."""
    pins = re.split(r"^(?=[A-Za-z])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(pins) > 50
    assert [pin.split(" ")[0] for pin in pins if not re.search(r"==\S+ \\\n.*--hash=sha256:[0-9a-f]{64}\b", pin)] == []


def test_the_list_of_materials_names_every_library_and_the_native_ones_inside(whole_package: Path):
    listed = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    bom = json.loads((whole_package.parent / "app.cdx.json").read_text(encoding="utf-8"))
    components = {it["name"]: it for it in bom["components"]}
    assert {name: it["version"] for name, it in components.items()} == listed
    assert [name for name, it in components.items() if not it.get("licenses")] == []
    allowed = set(re.findall(r"sha256:(\w+)", (ROOT / "requirements.txt").read_text()))
    assert {it["value"] for name in listed for it in components[name]["properties"]} == allowed
    inside = {part["name"]: part for it in components.values() for part in it.get("components", ())}
    decoders = {library for name in BY_FORMAT for library in libraries_of(name) if library.version}
    assert {it.name: it.version for it in decoders if it.name != "Pillow"}.items() <= {
        name: part.get("version") for name, part in inside.items()
    }.items()
    binaries = [it for it in (whole_package / LIBRARIES).glob("*.libs/*") if ".so" in it.name]
    assert {it.name for it in binaries} == {name for name, part in inside.items() if part["type"] == "file"}
    from cyclonedx.model.bom import Bom  # noqa: PLC0415 - not in each process that collects tests

    Bom.from_json(bom).validate()


def test_a_library_that_is_not_the_one_that_was_pinned_is_refused(tmp_path: Path):
    listed = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pin = re.search(r"^packaging==.*?(?=^[a-z])", listed, re.MULTILINE | re.DOTALL)
    assert pin is not None
    (tmp_path / "pins.txt").write_text(re.sub("sha256:.{8}", "sha256:00000000", pin[0]), encoding="utf-8")
    command = ["download", "--no-deps", "--dest", tmp_path / "wheels", "--requirement", tmp_path / "pins.txt"]
    tried = subprocess.run([sys.executable, "-m", "pip", *command], capture_output=True, text=True, check=False)
    assert tried.returncode != 0
    assert "DO NOT MATCH THE HASHES" in tried.stderr


def test_a_damaged_wheel_of_before_is_downloaded_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """As pip refuses one whose hash is another."""

    def pip(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        if "download" in command:
            (Path(command[-1]) / "numpy.whl").write_text("whole", encoding="utf-8")
            return subprocess.CompletedProcess(command, 0)
        wheels = Path(command[command.index("--find-links") + 1])
        if (wheels / "numpy.whl").read_text(encoding="utf-8") == "whole":
            return subprocess.CompletedProcess(command, 0)
        if check:
            raise subprocess.CalledProcessError(1, command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(tools, "WHEELS", tmp_path / "wheels")
    monkeypatch.setattr(subprocess, "run", pip)
    tools.install_libraries(tmp_path / "libraries")
    (wheel,) = (tmp_path / "wheels").rglob("*.whl")
    wheel.write_text("dama", encoding="utf-8")
    tools.install_libraries(tmp_path / "libraries")
    assert wheel.read_text(encoding="utf-8") == "whole"


def test_nothing_is_compiled_at_a_start_and_nothing_remembers_where_it_was_compiled(whole_package: Path):
    """Python looks neither at the times of such files nor at their sources."""
    sources = [*whole_package.glob("*.py"), *whole_package.glob("dedup_*/**/*.py")]
    sources += [whole_package / LIBRARIES / name for name in ("numpy/__init__.py", "azure/data/tables/_entity.py")]
    assert len(sources) > 200
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert compiled[:8] == importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little"), source
        assert str(tempfile.gettempdir()).encode() not in compiled, source


def test_the_libraries_are_for_the_machines_of_functions(whole_package: Path):
    binaries = [it for it in (whole_package / LIBRARIES).rglob("*") if ".so" in it.suffixes]
    assert len(binaries) > 20
    for binary in binaries:
        data = binary.read_bytes()
        assert data[:4] == b"\x7fELF"
        assert data[18] == X86_64, binary
        needs = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", data)]
        assert max(needs, default=0) <= NEWEST_GLIBC, binary
        assert not re.search(r"\.cpython-3(?!13)\d+", binary.name)
    assert not (whole_package / LIBRARIES / "bin").exists()


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="its libraries are for Linux on x86"
)
def test_the_package_takes_in_an_image_with_nothing_but_its_libraries(
    whole_package: Path, bare_python: Path, account: Account, tmp_path: Path
):
    package = whole_package
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
        process.wait(START_SECONDS)


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
            env={
                "PATH": os.defpath,
                "HOME": str(folder),
                "PYTHONPATH": f"{lent}{os.pathsep}{package / LIBRARIES}",
                **environment,
            },
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
