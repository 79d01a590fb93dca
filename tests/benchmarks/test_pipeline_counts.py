"""How the throughput benchmark counts operations and processor time."""

import pytest

from benchmarks.clocked_host import StageClock
from benchmarks.drawn_images import drawn_images
from benchmarks.storage_operations import billed_as, kind_of
from local_host.azurite import StorageRequest

ACCOUNT = "http://127.0.0.1:1/devstoreaccount1"


@pytest.mark.parametrize(
    ("method", "target", "kind", "billed"),
    [
        ("GET", "/images/a.jpg", "app: image GET 200", ("app", "blob read")),
        ("HEAD", "/images/a.jpg", "host: image HEAD 200", ("host", "blob other")),
        ("PUT", "/dedup-index/000001?comp=appendblock", "app: log PUT append", ("app", "blob write")),
        ("POST", "/verify-pairs/messages", "app: queue verify-pairs send", ("app", "queue")),
        ("POST", "/blob-events/messages", "host: queue blob-events send", ("host", "queue")),
        ("GET", "/verify-pairs/messages?numofmessages=4", "host: queue verify-pairs receive", ("host", "queue")),
        (
            "GET",
            "/features(PartitionKey='00',RowKey='00ff')?$select=etag",
            "app: table features GET",
            ("app", "table"),
        ),
        ("GET", "/images?restype=container&comp=list", "host: other GET", ("host", "blob list")),
    ],
)
def test_an_operation_is_told_by_who_needs_it_and_how_it_is_billed(
    method: str, target: str, kind: str, billed: tuple[str, str]
) -> None:
    request = StorageRequest(method, f"{ACCOUNT}{target}", 200)
    assert kind_of(request, "images") == kind
    assert billed_as(request) == billed


def test_a_stage_inside_another_one_counts_only_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter((0.0, 1.0, 4.0, 6.0))  # outer begins, inner begins, inner ends, outer ends
    monkeypatch.setattr("benchmarks.clocked_host.time.thread_time", lambda: next(seconds))
    StageClock.totals.clear()
    clock = StageClock()
    inner = clock.wrap("inner", lambda: "done")
    assert clock.wrap("outer", inner)() == "done"
    assert dict(StageClock.totals) == {"inner": 3.0, "outer": 3.0}


def test_drawn_images_hold_the_asked_share_of_copies_and_no_picture_twice() -> None:
    images = dict(drawn_images(20, 0.2))
    assert sum("copy" in name for name in images) == 4
    assert len(set(images.values())) == 20
