"""The native libraries are new enough, and a format whose library is not is refused with that reason."""

import re

import pytest

from dedup_core.decoding import libraries
from dedup_core.decoding.decoder import PLUGINS, decode
from dedup_core.decoding.formats import ALL_FORMATS
from dedup_core.decoding.libraries import FLOORS, Library, all_libraries, decoder_of, version_numbers
from dedup_core.errors import UnreadableImage
from dedup_core.limits import COMMON_FORMATS, RARE_FORMATS
from tests.core.odd_files import sound_files

SOUND = dict(sound_files())


def test_every_format_that_is_read_has_libraries_and_every_library_a_floor() -> None:
    assert set(libraries.BY_FORMAT) == set(PLUGINS) == ALL_FORMATS == COMMON_FORMATS | RARE_FORMATS
    assert {name for names in libraries.BY_FORMAT.values() for name in names} == set(FLOORS)


@pytest.mark.parametrize(("format_name", "found"), list(all_libraries()))
def test_the_pinned_libraries_tell_their_version_and_none_is_below_its_floor(
    format_name: str, found: tuple[Library, ...]
) -> None:
    assert [str(it) for it in found if it.is_below_floor] == []
    silent = {it.name for it in found if not it.version}
    assert silent <= {"aom"}, f"{format_name}: no version of {silent}"  # Pillow's AVIF decodes with dav1d alone


def test_the_floors_are_not_lowered_by_accident() -> None:
    """The holes that made them: docs/decisions/0010-native-libraries.md."""
    at_least = {"libheif": "1.23.5", "libde265": "1.1.3", "libwebp": "1.3.2", "libtiff": "4.7.2", "OpenJPEG": "2.5.4"}
    assert {
        name: FLOORS[name] for name, floor in at_least.items() if version_numbers(FLOORS[name]) < version_numbers(floor)
    } == {}


@pytest.mark.parametrize(
    ("version", "floor", "below"),
    [("1.23.0", "1.23.5", True), ("1.23.5", "1.23.5", False), ("1.23.10", "1.23.5", False), ("1.24", "1.23.5", False),
     ("1.23", "1.23.5", True), ("1.5.3-0-gb546257", "1.4.0", False), ("", "1.0", False)],
)  # fmt: skip
def test_versions_are_compared_number_by_number(version: str, floor: str, below: bool) -> None:
    assert Library("lib", version, floor).is_below_floor is below


def test_a_format_whose_library_has_known_holes_is_refused_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Library("libheif", "1.23.0", FLOORS["libheif"])
    monkeypatch.setattr(libraries, "libraries_of", lambda name: (old,) if name == "HEIC" else ())
    with pytest.raises(
        UnreadableImage, match=re.escape("libheif 1.23.0 has known holes, HEIC files need 1.23.5 or newer")
    ) as caught:
        decode(SOUND["heic-plain"])
    assert caught.value.reason == "decoder-outdated"
    assert decode(SOUND["png-plain"]).format == "PNG"


def test_what_decides_about_a_file_has_a_name_that_changes_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries.decoder_of.cache_clear()
    before = decoder_of("HEIC")
    assert before.startswith("readers ")
    assert "libheif 1." in before
    assert "HEIC" in decoder_of(None)
    libraries.decoder_of.cache_clear()
    monkeypatch.setattr(libraries, "READERS_VERSION", libraries.READERS_VERSION + 1)
    assert decoder_of("HEIC") != before
    libraries.decoder_of.cache_clear()
