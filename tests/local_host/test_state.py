"""Of several hosts one holds a lock; it passes on at once when its holder stops or was killed on this machine."""

import os
import socket
import subprocess
import threading
import time

import pytest
from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobServiceClient, ContainerClient

from local_host.storage.state import HOSTS_CONTAINER, Singleton, create_json, open_container, read_json
from tests.azurite import Account
from tests.local_host.conftest import wait_until


@pytest.fixture
def hosts(blobs: BlobServiceClient) -> ContainerClient:
    return open_container(blobs, HOSTS_CONTAINER)


def singleton(hosts: ContainerClient) -> Singleton:
    return Singleton(hosts, "host-1", "thing.Listener")


def test_a_lock_has_one_holder_and_passes_on_when_released(hosts: ContainerClient) -> None:
    first, second = singleton(hosts), singleton(hosts)
    stop = threading.Event()
    assert first.acquire(stop)
    threading.Timer(0.3, stop.set).start()
    assert not second.acquire(stop)
    assert (first.held, second.held) == (True, False)
    first.release()
    assert second.acquire(threading.Event())
    second.release()
    assert hosts.get_blob_client("locks/host-1/thing.Listener").exists()


def test_hosts_with_different_ids_do_not_wait_for_each_other(hosts: ContainerClient) -> None:
    locks = [Singleton(hosts, host_id, "thing.Listener") for host_id in ("host-1", "host-2")]
    assert all(lock.acquire(threading.Event()) for lock in locks)
    for lock in locks:
        lock.release()


def dead_pid() -> int:
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_the_lock_of_a_host_that_was_killed_here_is_taken_over_at_once(hosts: ContainerClient) -> None:
    blob = hosts.get_blob_client("locks/host-1/thing.Listener")
    create_json(blob, {})
    lease = blob.acquire_lease(60)
    blob.set_blob_metadata({"machine": socket.gethostname(), "pid": str(dead_pid())}, lease=lease)
    lock = singleton(hosts)
    started = time.monotonic()
    assert lock.acquire(threading.Event())
    assert time.monotonic() - started < 10
    lock.release()


@pytest.mark.parametrize(
    ("machine", "pid"),
    [("elsewhere", "1"), (socket.gethostname(), str(os.getpid()))],
    ids=["elsewhere", "this machine"],
)
def test_the_lock_of_a_host_that_may_live_is_left_alone(hosts: ContainerClient, machine: str, pid: str) -> None:
    blob = hosts.get_blob_client("locks/host-1/thing.Listener")
    create_json(blob, {})
    lease = blob.acquire_lease(60)
    blob.set_blob_metadata({"machine": machine, "pid": pid}, lease=lease)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    assert not singleton(hosts).acquire(stop)
    lease.renew()


def test_a_lock_that_was_lost_is_no_longer_held(hosts: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_host.storage.state.RENEW_LOCK_SECONDS", 0.2)
    lock = singleton(hosts)
    assert lock.acquire(threading.Event())
    blob = hosts.get_blob_client("locks/host-1/thing.Listener")
    assert lock._lease is not None
    lock._lease.break_lease(lease_break_period=0)
    blob.acquire_lease(15)
    wait_until(lambda: not lock.held)
    lock.release()


def test_a_garbled_answer_about_a_lock_is_survived(account: Account, hosts: ContainerClient) -> None:
    holder = singleton(hosts)
    assert holder.acquire(threading.Event())
    garbled = 0

    def garble(response: PipelineResponse) -> None:
        nonlocal garbled
        if response.http_request.method == "HEAD":
            response.http_response.headers["Last-Modified"] = "garbled"
            garbled += 1

    service = BlobServiceClient.from_connection_string(account.connection_string, raw_response_hook=garble)
    waiting = singleton(service.get_container_client(HOSTS_CONTAINER))
    threading.Timer(1.0, holder.release).start()
    assert waiting.acquire(threading.Event())
    assert garbled > 0
    waiting.release()


def test_a_blob_is_created_only_once(hosts: ContainerClient) -> None:
    blob = hosts.get_blob_client("x")
    assert read_json(blob) is None
    assert create_json(blob, {"a": 1})
    assert not create_json(blob, {"a": 2})
    assert read_json(blob) == {"a": 1}
