"""host.json and local.settings.json are read as the host reads them."""

import json
from pathlib import Path

import pytest

from local_host.settings import (
    HostConfig,
    SettingsError,
    host_id,
    load_local_settings,
    parse_time_span,
    read_host_config,
)


def read(folder: Path, extensions: object, **rest: object) -> HostConfig:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions, **rest}))
    return read_host_config(folder, {}, processors=4)


def test_an_empty_host_json_means_the_defaults_of_the_host(tmp_path: Path) -> None:
    config = read(tmp_path, {})
    assert config.queues.batch_size == 16
    assert config.queues.new_batch_threshold == 16 // 2 * 4
    assert config.queues.max_dequeue_count == 5
    assert config.queues.visibility_timeout_seconds == 0
    assert config.queues.max_polling_seconds == 60
    assert config.queues.base64
    assert config.blobs.max_degree_of_parallelism == 8 * 4
    assert config.blobs.poison_blob_threshold == 5
    assert config.route_prefix == "api"
    assert config.function_timeout_seconds == 1800


def test_what_host_json_says_is_taken(tmp_path: Path) -> None:
    queues = {
        "batchSize": 4,
        "newBatchThreshold": 2,
        "maxDequeueCount": 3,
        "visibilityTimeout": "00:00:30",
        "maxPollingInterval": "00:00:02",
        "messageEncoding": "none",
    }
    config = read(tmp_path, {"queues": queues, "http": {"routePrefix": "v1/"}}, functionTimeout="00:05:00")
    assert (config.queues.batch_size, config.queues.new_batch_threshold, config.queues.max_dequeue_count) == (4, 2, 3)
    assert (config.queues.visibility_timeout_seconds, config.queues.max_polling_seconds) == (30, 2)
    assert not config.queues.base64
    assert config.route_prefix == "v1"
    assert config.function_timeout_seconds == 300


def test_the_threshold_follows_the_batch_size_and_the_processors(tmp_path: Path) -> None:
    assert read(tmp_path, {"queues": {"batchSize": 6}}).queues.new_batch_threshold == 12


def test_a_function_timeout_of_minus_one_means_no_limit(tmp_path: Path) -> None:
    assert read(tmp_path, {}, functionTimeout="-1").function_timeout_seconds is None


@pytest.mark.parametrize(
    ("queues", "named"),
    [
        ({"batchSize": 33}, "batchSize"),
        ({"batchSize": True}, "batchSize"),
        ({"maxPollingInterval": "soon"}, "maxPollingInterval"),
        ({"messageEncoding": "rot13"}, "messageEncoding"),
        ([], "queues"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_setting(tmp_path: Path, queues: object, named: str) -> None:
    with pytest.raises(SettingsError, match=rf"host\.json.*{named}"):
        read(tmp_path, {"queues": queues})


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"host\.json is missing"):
        read_host_config(tmp_path, {})


def test_a_variable_overrides_host_json(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"queues": {"batchSize": 8}}}))
    environ = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "2",
        "AzureFunctionsJobHost__functionTimeout": "00:00:07",
    }
    config = read_host_config(tmp_path, environ)
    assert config.queues.batch_size == 2
    assert config.function_timeout_seconds == 7


def test_local_settings_never_override_the_environment(tmp_path: Path) -> None:
    values = {"CONTAINER": "from-file", "OTHER": "from-file", "NUMBER": 7, "FLAG": True}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    environ = {"CONTAINER": "from-environment"}
    load_local_settings(tmp_path, environ)
    assert environ == {"CONTAINER": "from-environment", "OTHER": "from-file", "NUMBER": "7", "FLAG": "true"}


def test_encrypted_local_settings_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {"A": "x"}}')
    with pytest.raises(SettingsError, match="func settings decrypt"):
        load_local_settings(tmp_path, {})


def test_an_app_without_local_settings_uses_the_environment_alone(tmp_path: Path) -> None:
    environ = {"A": "1"}
    load_local_settings(tmp_path, environ)
    assert environ == {"A": "1"}


def test_the_host_id_is_the_same_for_the_same_folder_and_another_for_another(tmp_path: Path) -> None:
    assert host_id(tmp_path, {}) == host_id(tmp_path, {})
    assert host_id(tmp_path, {}) != host_id(tmp_path / "other", {})
    assert len(host_id(tmp_path, {})) <= 32


def test_the_host_id_can_be_set(tmp_path: Path) -> None:
    assert host_id(tmp_path, {"AzureFunctionsWebHost__hostid": "my-host-1"}) == "my-host-1"
    with pytest.raises(SettingsError, match="AzureFunctionsWebHost__hostid"):
        host_id(tmp_path, {"AzureFunctionsWebHost__hostid": "My_Host"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:02", 2), ("01:00:00", 3600), ("1.00:00:01", 86401), ("00:00:00.5", 0.5), ("00:10", 600)],
)
def test_time_spans_are_read_as_in_dotnet(text: str, seconds: float) -> None:
    assert parse_time_span(text) == seconds
