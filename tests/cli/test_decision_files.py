"""`dedup export-decisions` and `dedup import-decisions`."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import pytest

from dedup_app.feedback.decisions import Act
from dedup_core.comparison.verdict import VerdictKind
from tests.storage.examples import some_features


@pytest.fixture
def decide(known, services):
    """Has a person decide about two images that have been read."""

    def decide(left: str, right: str, by: str = "ann") -> None:
        pair = known.pair(left, right, VerdictKind.DUPLICATE)
        for path in (pair.left, pair.right):
            features = replace(some_features(), sha256=sha256(path.name.encode()).hexdigest())
            services.features.put(replace(services.features.get(path.image_id), features=features))
        services.decisions.decide_pair(pair.left, pair.right, Act.KEEP_BOTH, by)

    return decide


@pytest.fixture
def file(decide, dedup, tmp_path):
    """An exported decision."""
    decide("a.jpg", "b.jpg")
    assert "decisions on 1 pair" in dedup("export-decisions", str(tmp_path / "decisions.jsonl")).output
    return tmp_path / "decisions.jsonl"


def test_what_was_exported_is_known_when_it_comes_back(file, dedup):
    assert json.loads(file.read_text())["decisions"][0]["by"] == "ann"
    result = dedup("import-decisions", str(file))
    assert (result.exit_code, "1 known already" in result.output) == (0, True)
    assert list(file.parent.iterdir()) == [file]


def test_powershell_writes_decisions_in_its_own_way(file, dedup, decide):
    decide("ä Ċ.jpg", "日本 上.jpg")  # letters with the byte of a line's end in them
    file.write_bytes(dedup("export-decisions", "-").output.replace("\n", "\r\n").encode("utf-16"))
    result = dedup("import-decisions", str(file))
    assert (result.exit_code, "2 known already" in result.output) == (0, True)
    file.write_bytes(file.read_bytes()[:-1])
    result = dedup("import-decisions", str(file))
    assert (result.exit_code, "export the decisions once more" in result.stderr) == (2, True)


def test_a_backup_outlives_the_table_that_it_is_of(file, dedup, decide, services):
    decide("c.jpg", "d.jpg")
    assert "decisions on 2 pairs" in dedup("export-decisions", str(file)).output
    backup = file.read_bytes()
    services.pairs._table.clear()
    told = dedup("export-decisions", str(file))
    assert (told.exit_code, told.stdout) == (2, "")
    assert f"{file} tells of decisions on 2 pairs, and here there are 0: it stays as it is" in told.stderr
    assert file.read_bytes() == backup
    assert list(file.parent.iterdir()) == [file]
    file.write_text("notes\n" * 9)
    assert dedup("export-decisions", str(file)).exit_code == 0


def test_it_goes_through_a_pipe(file, dedup):
    assert dedup("export-decisions", "-").output == file.read_text()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_lines_that_are_printed_move_no_cursor_and_come_back_whatever_letters_the_output_lacks(
    dedup, decide, monkeypatch, tmp_path, encoding
):
    decide("ö \u202e \U0001f600.jpg", "b.jpg", "ann \x9b2J")
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.encoding", encoding)
    printed = dedup("export-decisions", "-").output
    assert printed.removesuffix("\n").isprintable()
    assert ("ö" in printed) is (encoding == "utf-8")
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(printed.encode(encoding))
    assert "1 known already" in dedup("import-decisions", str(file)).output


def test_a_link_stays_and_what_it_names_is_replaced(file, dedup, tmp_path):
    link = tmp_path / "latest.jsonl"
    link.symlink_to(file)
    file.write_text("")
    dedup("export-decisions", str(link))
    assert link.is_symlink()
    assert file.read_text() == dedup("export-decisions", "-").output


def test_a_pipe_is_written_to_and_not_replaced(file, dedup, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_text)
        assert dedup("export-decisions", str(pipe)).exit_code == 0
        assert read.result(timeout=10) == file.read_text()
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b"nonsense", "line 1: it is no JSON (Expecting value at letter 1)"),
        (b"\x89PNG\xff", "line 1: it is not text in UTF-8"),
        (b"[" * 200_000, "line 1: its JSON is nested too deep"),
    ],
)
def test_bad_lines_are_named_and_end_in_an_exit_code(file, dedup, line, wrong):
    file.write_bytes(line + b"\n" + file.read_bytes())
    result = dedup("import-decisions", str(file), "--json")
    assert result.exit_code == 2
    assert wrong in result.stderr
    told = json.loads(result.stdout)
    assert (told["known"], [it["line"] for it in told["refused"]]) == (1, [1])


def test_images_that_are_not_here_are_named(file, dedup):
    file.write_text(file.read_text().replace("b.jpg", "z.jpg"))
    result = dedup("import-decisions", str(file))
    assert "images/z.jpg" in result.output
    assert result.exit_code == 0


@pytest.mark.parametrize("command", ["import-decisions", "export-decisions"])
def test_a_file_that_cannot_be_opened_is_named(dedup, tmp_path, command):
    result = dedup(command, str(tmp_path / "nowhere" / "decisions.jsonl"))
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
