"""Azurite starts on free ports, keeps its data, counts its requests, and never outlives who started it."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import BlobServiceClient

from local_host.azurite import WATCH_SECONDS, Azurite, AzuriteError, StorageRequest
from local_host.storage.development import start_development_storage
from tests.local_host.conftest import wait_until

ROOT = Path(__file__).parents[2]
START_AND_DIE = """
import os, sys
from pathlib import Path
from azure.storage.blob import BlobServiceClient
from local_host.azurite import Azurite
azurite = Azurite(Path(sys.argv[1])).start()
BlobServiceClient.from_connection_string(azurite.connection_string).create_container("kept")
print(azurite.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_requests_are_counted_at_the_storage_side(tmp_path: Path) -> None:
    with Azurite(access_log=tmp_path / "access.log") as azurite:
        blobs = BlobServiceClient.from_connection_string(azurite.connection_string)
        blobs.create_container("images").upload_blob("a.jpg", b"1")
        wait_until(lambda: len(azurite.requests()) == 2)
        created, uploaded = azurite.requests()
    assert created == StorageRequest("PUT", "/devstoreaccount1/images?restype=container", 201)
    assert (uploaded.method, uploaded.url, uploaded.status) == ("PUT", "/devstoreaccount1/images/a.jpg", 201)


def test_it_stops_with_a_process_that_is_killed_and_its_folder_is_for_the_next(tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", START_AND_DIE, tmp_path], stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    assert died.returncode == -9
    pid = int(died.stdout)
    with Azurite(tmp_path) as again:  # waits until the first has left the folder
        wait_until(
            lambda: not psutil.pid_exists(pid)
        )  # its lock is gone a moment before its entry in the process table
        blobs = BlobServiceClient.from_connection_string(again.connection_string)
        assert [container.name for container in blobs.list_containers()] == ["kept"]
        with pytest.raises(AzuriteError, match="Another Azurite"):
            Azurite(tmp_path, start_timeout_seconds=0.3).start()


def test_who_watches_it_hears_of_its_end_and_of_none_that_was_asked_for() -> None:
    codes = list[int]()
    with Azurite() as azurite:
        azurite.watch(codes.append)
    time.sleep(2 * WATCH_SECONDS)
    with Azurite() as azurite:
        assert codes == []
        azurite.watch(codes.append)
        psutil.Process(azurite.pid).kill()
        wait_until(lambda: codes == [-9])


def test_development_storage_becomes_a_real_connection_string() -> None:
    environ = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "ImageStorage": "usedevelopmentstorage=True;",
        "A": "1",
    }
    azurite = start_development_storage(environ, None)
    assert azurite is not None
    try:
        assert environ == {
            "AzureWebJobsStorage": azurite.connection_string,
            "ImageStorage": azurite.connection_string,
            "A": "1",
        }
    finally:
        azurite.stop()


def test_no_azurite_is_started_for_a_storage_elsewhere() -> None:
    environ = {"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=aa=="}
    assert start_development_storage(environ, None) is None
