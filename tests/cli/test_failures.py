"""Every failure is one sentence with a remedy and an exit code that scripts can act on."""

import pytest

from dedup_app.configuration.index_address import INDEX_URL
from dedup_app.services import Services
from dedup_core.errors import DedupError, PermanentError, StoreBusy, TemporaryError
from tests.cli.conftest import Run


def failing(services: Services, monkeypatch: pytest.MonkeyPatch, error: DedupError) -> None:
    def fail(*_arguments: object, **_named: object) -> dict[str, int]:
        raise error

    monkeypatch.setattr(services.features, "tally", fail)


def of_the_index(error: TemporaryError) -> TemporaryError:
    error.setting = INDEX_URL
    return error


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (of_the_index(StoreBusy("Could not query features: 25006")), 4, "check that INDEX_URL names a database"),
        (
            of_the_index(TemporaryError("Could not query features: 28P01", reason="access-denied")),
            3,
            "in INDEX_URL, or",
        ),
        (StoreBusy("Could not query features: timed out"), 4, "names an account that can be reached"),
        (TemporaryError("Could not query features: 403", reason="access-denied"), 3, "check the key in ImageStorage"),
        (PermanentError("Could not query features: 400"), 2, "400\n"),
    ],
)
def test_a_failure_of_the_storage_is_told_with_what_to_do(
    dedup: Run,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    error: DedupError,
    code: int,
    remedy: str,
):
    failing(services, monkeypatch, error)
    result = dedup("status")
    assert result.exit_code == code
    assert result.stderr.startswith("error: Could not query features: ")
    assert remedy in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_an_unknown_command_is_told_with_the_nearest_one(dedup: Run):
    result = dedup("statos")
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("groups", "--json", "--format", "csv"), "leave out --json or --format csv"),
        (("groups", "--json", "--format", "table"), "leave out --json or --format table"),
        (("plan", "--format", "csv", "--json"), "leave out --json or --format csv"),
        (("rejected", "--json", "--format", "csv"), "leave out --json or --format csv"),
        (("scan", "--json", "--format", "csv", "."), "leave out --json or --format csv"),
        (("duplicates", "--json", "--format", "csv"), "leave out --json or --format csv"),
        (("duplicates", "--json", "--format", "parquet", "--output", "x"), "leave out --json or --format parquet"),
        (("duplicates", "--all", "--kind", "distinct"), "leave out --all or --kind"),
        (("tune", "--json", "--write"), "give one of the two"),
        (("ingest", "--all", "--watch", "--json"), "leave it out with --json"),
        (("ingest", "--reason", "corrupt"), "give --rejected with it"),
        (("measure", "--page", "https://example.org/"), "give --html with it"),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_one_sentence(dedup: Run, given: tuple[str, ...], told: str):
    result = dedup(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: --")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_options_for_the_same_are_taken_together(dedup: Run):
    assert dedup("groups", "--json", "--format", "json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("scan", "--jobs", "many", "."), "--jobs"),
        (("scan", "--policy", "foo", "."), "'--policy': 'foo' is not one of 'strict', 'balanced', 'loose'; see"),
        (("--nonsense",), "--nonsense"),
        (("duplicates", "--nonsense"), "--nonsense"),
        (("compare", "a.png"), "Missing argument"),
        (("groups", "--since", "yesterday"), "'yesterday' is no date: write 2026-11-29 or 2026-11-29T08:30:00; see"),
        (("poison",), "Missing argument 'ACTION'. Choose from: list, redrive, purge; see"),
        (("owner", "nope"), "Invalid value for 'ACTION': 'nope' is not one of 'show', 'take-over'; see"),
    ],
)
def test_an_option_that_is_wrong_is_told_in_one_sentence(dedup: Run, given: tuple[str, ...], told: str):
    result = dedup(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert told in result.stderr
    assert "--help" in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_arguments_it_shows_its_help(dedup: Run):
    assert "Usage" in dedup().output


def test_a_bug_is_not_hidden_behind_a_sentence(dedup: Run, services: Services, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(services.features, "tally", lambda *_, **_named: 1 / 0)
    assert isinstance(dedup("status").exception, ZeroDivisionError)
