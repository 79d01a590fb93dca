"""The list of materials of a package, as CycloneDX: `python -m infra.tools.sbom FOLDER FILE.cdx.json`.

Every library in the folder with its license and what it needs, the hashes of its pin, and the native libraries that its
wheel brings along, which scanners of packages and systems do not see. The same folder makes the same list.
"""

import argparse
import hashlib
import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

import dedup_core
from dedup_core.decoding.libraries import BY_FORMAT, PACKAGES, libraries_of

ROOT = Path(__file__).parent.parent.parent
APP = "near-duplicate-images"
PILLOW = "pillow"  # whose wheel holds what PACKAGES does not name
NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)  # as in the package: the same libraries make the same bytes
_PIN = re.compile(r"^([\w.-]+)==(\S+) \\\n((?: +--hash=sha256:\w+(?: \\)?\n)+)", re.MULTILINE)
_SEPARATORS = re.compile(r"[-_.]+")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the libraries are installed")
    parser.add_argument("file", type=Path, help="where to write the list")
    given = parser.parse_args(arguments)
    write_sbom(given.folder, given.file)
    return 0


def write_sbom(folder: Path, file: Path) -> None:
    """Write the list of the libraries in the folder."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, APP))
    bom.metadata.timestamp = NO_TIME
    bom.metadata.component = app = Component(
        name=APP, version=dedup_core.__version__, type=ComponentType.APPLICATION, bom_ref=APP
    )
    found = {_plain(it.name): it for it in distributions(path=[str(folder)])}
    hashes = pinned_hashes()
    components = {name: _component(name, it, hashes.get(name, ())) for name, it in sorted(found.items())}
    bom.components.update(components.values())
    for name, distribution in found.items():
        needed = [components[it] for it in _needed(distribution) if it in components]
        bom.register_dependency(components[name], needed)
    bom.register_dependency(app, components.values())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def pinned_hashes() -> dict[str, list[str]]:
    """The SHA-256 of each file that requirements.txt allows of a library, by its name."""
    pins = _PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    return {_plain(name): re.findall(r"sha256:(\w+)", hashes) for name, _, hashes in pins}


def _component(name: str, distribution: Distribution, hashes: Sequence[str]) -> Component:
    return Component(
        name=name,
        version=distribution.version,
        purl=PackageURL("pypi", name=name, version=distribution.version),
        bom_ref=name,
        licenses=_licenses(distribution),
        # A hash of a component is that of one file, and the pin allows one for each machine.
        properties=[Property(name="pin:sha256", value=value) for value in hashes],
        components=[*_decoders(name), *_native_files(name, distribution)],
    )


def _licenses(distribution: Distribution) -> list[License]:
    stated = distribution.metadata
    text = stated.get("License-Expression") or stated.get("License") or ""
    if not text or "\n" in text:
        classified = [
            it.rpartition(" :: ")[2] for it in stated.get_all("Classifier", []) if it.startswith("License ::")
        ]
        text = ", ".join(classified)
    return [LicenseFactory().make_from_string(text)] if text else []


def _decoders(wheel: str) -> Iterator[Component]:
    """The native libraries that decode, as they say what they are."""
    known = {library.name: library for name in BY_FORMAT for library in libraries_of(name)}
    for name, library in sorted(known.items()):
        if library.version and name.lower() != wheel and PACKAGES.get(name, PILLOW) == wheel:
            yield Component(name=name, version=library.version, bom_ref=f"{wheel}/{name}")


def _native_files(wheel: str, distribution: Distribution) -> Iterator[Component]:
    """Shared libraries of others inside the wheel: those that repairing it has put into `*.libs`."""
    for entry in sorted(distribution.files or ()):
        if entry.parts[0].endswith(".libs"):
            file = Path(str(entry.locate()))
            sha256 = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(file.read_bytes()).hexdigest())
            yield Component(
                name=entry.name, type=ComponentType.FILE, hashes=[sha256], bom_ref=f"{wheel}/{entry.as_posix()}"
            )


def _needed(distribution: Distribution) -> Iterator[str]:
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _plain(requirement.name)


def _plain(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
