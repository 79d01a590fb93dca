"""Nothing that a blob is called, and no error, can forge a line of the log or give a signature away."""

import io
import logging
from collections.abc import Iterator

import pytest

from local_host.log import harmless, set_up_logging

SIGNED = "https://a.blob.core.windows.net/images?sv=2025-01-05&sig=c2VjcmV0%2BMore%3D&se=2030"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr("sys.stdout", stream)
    set_up_logging(verbose=False)
    yield stream
    root.handlers = handlers
    root.setLevel(level)


def test_a_new_line_in_a_name_does_not_begin_a_line_of_its_own(written: io.StringIO) -> None:
    logging.getLogger("local_host.blobs").warning("Blob %s is gone", "a\n12:00:00.000 ERROR all is lost\r\x1b[2Jb")
    assert written.getvalue().count("\n") == 2
    assert "\n  | 12:00:00.000 ERROR all is lost\\r\\x1b[2Jb is gone" in written.getvalue()


def test_a_stack_trace_stays_readable(written: io.StringIO) -> None:
    try:
        raise ValueError("first\nsecond")  # noqa: TRY301
    except ValueError:
        logging.getLogger("local_host").exception("It failed")
    assert "\n  | Traceback" in written.getvalue()
    assert "\n  | second" in written.getvalue()


@pytest.mark.parametrize("text", [SIGNED, f"<Error>{SIGNED}</Error>", f"GET '{SIGNED}'", SIGNED.replace("sig", "SIG")])
def test_the_signature_of_a_sas_is_not_written(text: str) -> None:
    assert "c2VjcmV0" not in harmless(text)
    assert "se=2030" in harmless(text)


def test_other_text_is_written_as_it_is() -> None:
    assert harmless("ähnlich 图片.jpg\tdesign=1 sig") == "ähnlich 图片.jpg\tdesign=1 sig"
