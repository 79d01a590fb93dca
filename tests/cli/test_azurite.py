"""The command against a real storage account, emulated: what it queues is there, what it reads was stored."""

import json
from dataclasses import replace

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient
from typer.testing import CliRunner, Result

from dedup_app.configuration.settings import Settings
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import facts_of, records_of
from dedup_cli.main import app
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.messages import VerifyMessage
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from tests.azurite import Account
from tests.cli.conftest import NOW
from tests.core.pictures import encoded, scene

A, B = ImagePath("images", "shirts/a b.jpg"), ImagePath("images", "b.jpg")


@pytest.fixture
def dedup(account: Account, tmp_path, monkeypatch):
    """Runs the command in a folder whose local.settings.json names the account."""
    values = {"ImageStorage": account.connection_string, "IMAGE_CONTAINER": "images"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ImageStorage", raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return run


def upload(account: Account) -> None:
    with BlobServiceClient.from_connection_string(account.connection_string) as blobs:
        blobs.create_container("images")
        for path in (A, B):
            blobs.get_blob_client("images", path.name).upload_blob(b"an image")


def test_an_enqueued_message_is_on_the_queue_as_the_app_reads_it(dedup, account: Account):
    assert dedup("enqueue", str(A), str(B)).exit_code == 2
    upload(account)
    assert dedup("enqueue", str(A), str(B)).exit_code == 0
    [message] = QueueClient.from_connection_string(account.connection_string, "verify-pairs").receive_messages()
    parsed = VerifyMessage.parse(message.content)
    assert (parsed.left, [target.path for target in parsed.rights], parsed.origin) == (A, [B], "manual")


def test_stored_pairs_and_lengths_are_told(dedup, account: Account):
    environment = {"ImageStorage": account.connection_string}
    services = connect(Settings.from_environment(environment))
    for path in (A, B):
        services.features.put(FeaturesRow(path, "0x1", INDEXED, None, "", NOW))
    verdict = Verdict(VerdictKind.DUPLICATE, ("structure matches",), ColorMetrics(1.0, 2.0, 0.9), 4, "upright")
    services.pairs.put_verdict(PairRow(A, B, "0x1", "0x1", verdict, 4, "upright", NOW))
    upload(account)
    dedup("enqueue", str(A), str(B))
    [pair] = json.loads(dedup("duplicates", str(A), "--json").output)
    status = json.loads(dedup("status", "--json").output)
    assert (pair["left"], pair["right"], pair["verdict"]) == (str(A), str(B), "duplicate")
    assert status["images"] == {"indexed": 2}
    assert status["queues"]["verify-pairs"] == {"waiting": 1, "poison": 0}


def test_an_account_without_anything_in_it_is_told_as_empty(dedup):
    status = json.loads(dedup("status", "--json").output)
    assert status["images"] == {}
    assert status["statistics"] is None
    assert json.loads(dedup("duplicates", "--json").output) == []


def test_a_lost_log_and_a_full_container_are_brought_back(dedup, account: Account):
    environment = {"ImageStorage": account.connection_string}
    services = connect(Settings.from_environment(environment))
    with BlobServiceClient.from_connection_string(account.connection_string) as blobs:
        container = blobs.create_container("images")
        for number in range(3):
            container.upload_blob(f"{number}.png", encoded(scene(number, (160, 120))))
        assert json.loads(dedup("ingest", "--all", "--json").output) == {"blobs": 3, "queued": 3, "unusable": []}
        for number in range(3):
            services.ingest.ingest(ImagePath("images", f"{number}.png"))
        assert json.loads(dedup("ingest", "--all", "--json").output)["queued"] == 0
        blobs.delete_container("dedup-index")
    assert json.loads(dedup("reindex", "--json").output) == {"indexed": 3, "queued": 0, "held": 3}
    found = connect(Settings.from_environment(environment)).index.add_and_search(
        "f" * 32, 1, services.features.get(ImagePath("images", "1.png").image_id).features.fingerprints
    )
    assert [hit.image_id for hit in found] == [ImagePath("images", "1.png").image_id]


def test_an_index_of_the_other_engine_is_filled_from_the_tables(
    dedup, account: Account, index_url: str, monkeypatch: pytest.MonkeyPatch
):
    environment = {"ImageStorage": account.connection_string}
    services = connect(Settings.from_environment(environment))
    path = ImagePath("images", "1.png")
    with BlobServiceClient.from_connection_string(account.connection_string) as blobs:
        blobs.create_container("images").upload_blob(path.name, encoded(scene(1, (160, 120))))
    services.ingest.ingest(path)
    monkeypatch.setenv("INDEX_URL", index_url)
    assert json.loads(dedup("reindex", "--json").output) == {"indexed": 1, "queued": 0, "held": 1}
    row = services.features.get(path.image_id)
    index = connect(Settings.from_environment(environment | {"INDEX_URL": index_url})).index
    assert index.held("") == {path.image_id: row.version}
    assert [hit.image_id for hit in index.search("f" * 32, 1, row.features.fingerprints)] == [path.image_id]


def test_copies_are_planned_for_moved_away_and_brought_back(dedup, account: Account, tmp_path):
    environment = {"ImageStorage": account.connection_string}
    services = connect(Settings.from_environment(environment))
    container = BlobServiceClient.from_connection_string(account.connection_string).create_container("images")
    pictures = {A: encoded(scene(1, (90, 70))), B: encoded(scene(1, (90, 70)), "JPEG", quality=50)}
    for path, data in pictures.items():
        container.upload_blob(path.name, data, metadata={"from": "ann"})
        assert services.ingest.ingest(path).status == "indexed"
    row = services.pairs.get(A, B)
    assert row is not None
    verdict = Verdict(VerdictKind.DUPLICATE, ("structure matches",), ColorMetrics(1.0, 2.0, 0.9), 4, "upright")
    row = replace(row, verdict=verdict, verified_at=NOW)
    services.pairs.put_verdict(row)
    services.verdict_log.append(
        [*map(facts_of, services.features.summaries([A.image_id, B.image_id]).values()), *records_of(row)]
    )
    (tmp_path / "plan.json").write_text(dedup("plan", "--format", "json").output)
    assert "1 image would go" in dedup("apply", "plan.json").output
    assert "1 image in quarantine" in dedup("apply", "plan.json", "--yes").output
    [kept] = container.list_blobs()
    assert "1 image brought back" in dedup("undo", "plan.manifest.jsonl").output
    assert {name: container.download_blob(name).readall() for name in container.list_blob_names()} == {
        path.name: data for path, data in pictures.items()
    }
    assert kept.name in {A.name, B.name}
    services.decoders.close()
