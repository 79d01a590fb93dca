"""The commands of README in a fresh clone, one by one as they are written there."""

import re
from pathlib import Path

import pytest

from tests.clone import (
    ROOT,
    Shell,
    commands,
    environment_of,
    make_clone,
    services_on,
    started,
    wait_until_compared,
)
from tests.core.pictures import encoded, scene

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = make_clone(tmp_path_factory.mktemp("readme") / "clone")
    photos = clone / "my-photos"
    photos.mkdir()
    for name, data in {
        "a.png": encoded(scene(1, (240, 180))),
        "b.jpg": encoded(scene(1, (240, 180)).resize((160, 120)), "JPEG"),
        "c.png": encoded(scene(2, (240, 180))),
    }.items():
        (photos / name).write_bytes(data)
        (clone / name).write_bytes(data)
    (clone / "a.jpg").write_bytes(encoded(scene(1, (240, 180)), "JPEG"))
    return clone


@pytest.fixture(scope="module")
def environment(clone: Path) -> dict[str, str]:
    return environment_of(clone)


def test_own_images_are_uploaded_and_told_apart_by_the_commands_as_they_are_written(
    clone: Path, environment: dict[str, str]
) -> None:
    assert "make start " in README
    with started(clone, environment) as connection_string:
        services = services_on(connection_string)
        shell = Shell(clone, environment)
        written = commands(README)
        upload = written.index(next(line for line in written if line.startswith("az storage")))
        shell.run(written[upload - 1].replace("…", connection_string))
        for line in written[upload : upload + 2]:
            shell.run(line)
        wait_until_compared(services, 3)
        told = {line.split("#")[0].strip(): shell.run(line) for line in written[upload + 2 : upload + 5]}
        assert re.search(r"indexed +3", told["dedup status"])
        pairs = " ".join(told["dedup duplicates"].split())
        assert "duplicate" in pairs
        assert "images/a.png" in pairs
        assert "images/b.jpg" in pairs
        assert "images/c.png" not in pairs
        assert re.search(r"1 group, 2 images", told["dedup groups"])
        [python] = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "azure" in code]
        (clone / "my-photos" / "2019").mkdir()
        (clone / "my-photos" / "2019" / "d.png").write_bytes(encoded(scene(3, (240, 180))))
        (clone / "upload.py").write_text(python)
        shell.run("python upload.py")
        wait_until_compared(services, 4)
        shell.close()


def test_a_folder_and_two_files_need_no_app(clone: Path, environment: dict[str, str]) -> None:
    shell = Shell(clone, environment)
    shell.run("source .venv/bin/activate")
    scan, compare = (line for line in commands(README) if line.startswith(("dedup scan", "dedup compare")))
    assert "1 copy of 1 picture" in shell.run(scan)
    assert (clone / "report.html").stat().st_size > 10_000
    assert shell.run(compare).startswith("duplicate: a.jpg and b.jpg")
    assert (clone / "why.png").read_bytes().startswith(b"\x89PNG")
    shell.close()
