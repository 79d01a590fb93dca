"""A queue is polled, and its messages are kept, retried and poisoned, as the host does it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import ParseError

import pytest
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from local_host.queues.listener import (
    ListenerOptions,
    PoisonQueue,
    QueueListener,
    Result,
    poison_queue_name,
    polling_delays,
)
from tests.local_host.conftest import WAIT_SECONDS, texts, wait_until

type Start = Callable[..., QueueListener]


@pytest.fixture
def start(queue: QueueClient, queues: QueueServiceClient) -> Iterator[Start]:
    """Start a listener on the queue `work`; it is stopped when the test ends."""
    started: list[QueueListener] = []

    def start_one(
        handle: Callable[[QueueMessage], Result],
        *,
        poison: str | None = "work-poison",
        clock: Callable[[], float] = time.monotonic,
        **options: float,
    ):
        chosen = {"batch_size": 4, "new_batch_threshold": 2, "max_dequeue_count": 5, "max_polling_seconds": 0.2}
        target = PoisonQueue(queues.get_queue_client(poison)) if poison else None
        listener = QueueListener(queue, target, handle, ListenerOptions(**(chosen | options)), clock)
        started.append(listener)
        listener.start()
        return listener

    yield start_one
    for listener in started:
        listener.stop()
        listener.join()


class Gate:
    """A handler that notes messages and holds them until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.seen: list[str] = []
        self.running = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, message: QueueMessage) -> Result:
        with self._lock:
            self.seen.append(message.content)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        self.opened.wait(WAIT_SECONDS)
        with self._lock:
            self.running -= 1
        return Result.DONE


def waits(listener: QueueListener) -> bool:
    """Whether it looks for no message: both of its threads wait for something to change, or for their time."""
    return len(listener._changed._waiters) == 2


def length(queue: QueueClient) -> int:
    return queue.get_queue_properties().approximate_message_count or 0


def test_a_finished_message_is_deleted(queue: QueueClient, start: Start) -> None:
    queue.send_message("hello")
    seen: list[str] = []

    def handle(message: QueueMessage) -> Result:
        seen.append(message.content)
        return Result.DONE

    start(handle)
    wait_until(lambda: length(queue) == 0)
    assert seen == ["hello"]


def test_no_more_than_batch_and_threshold_are_in_flight(queue: QueueClient, start: Start) -> None:
    for number in range(20):
        queue.send_message(str(number))
    gate = Gate()
    listener = start(gate, batch_size=4, new_batch_threshold=2)
    wait_until(lambda: gate.running >= 4 and waits(listener))
    assert gate.running == 4  # that is above the threshold of 2: no new batch yet
    gate.opened.set()
    wait_until(lambda: length(queue) == 0)
    assert sorted(gate.seen, key=int) == [str(number) for number in range(20)]
    assert gate.most_at_once <= 6


def test_a_new_batch_is_fetched_when_only_the_threshold_is_in_flight(queue: QueueClient, start: Start) -> None:
    for number in range(6):
        queue.send_message(str(number))
    others, third = Gate(), Gate()
    gates = {"2": third}
    listener = start(
        lambda message: Result.DONE if message.content == "3" else gates.get(message.content, others)(message)
    )
    wait_until(lambda: others.running >= 2 and third.running == 1 and len(listener._messages) <= 3 and waits(listener))
    assert others.running == 2  # 0, 1 and 2 are in flight, one more than the threshold of 2: no new batch yet
    third.opened.set()
    wait_until(lambda: others.running == 4)  # 0 and 1 of the first batch, 4 and 5 of the second
    others.opened.set()


def test_a_failed_message_is_tried_again_at_once_and_then_goes_to_the_poison_queue(
    queue: QueueClient, queues: QueueServiceClient, start: Start
) -> None:
    sent = queue.send_message("bad")
    counts: list[int | None] = []

    def handle(message: QueueMessage) -> Result:
        counts.append(message.dequeue_count)
        return Result.FAILED

    start(handle, max_dequeue_count=3)
    wait_until(lambda: length(queue) == 0)
    assert counts == [1, 2, 3]
    (poisoned,) = queues.get_queue_client("work-poison").receive_messages()
    assert poisoned.content == "bad"
    assert poisoned.id != sent.id  # a new message, with a life of its own
    assert poisoned.dequeue_count == 1


def test_a_failed_message_waits_for_the_visibility_timeout(queue: QueueClient, start: Start) -> None:
    queue.send_message("bad")
    times: list[float] = []

    def handle(_message: QueueMessage) -> Result:
        times.append(time.monotonic())
        return Result.FAILED if len(times) == 1 else Result.DONE

    start(handle, visibility_timeout_seconds=1)
    wait_until(lambda: length(queue) == 0)
    assert len(times) == 2
    assert times[1] - times[0] >= 0.9


def test_a_message_that_was_taken_too_often_is_poisoned_without_being_handled(
    queue: QueueClient, queues: QueueServiceClient, start: Start
) -> None:
    queue.send_message("crashes the host")
    for _ in range(2):
        (taken,) = queue.receive_messages(max_messages=1)
        queue.update_message(taken, visibility_timeout=0)
    handled: list[str] = []

    def handle(message: QueueMessage) -> Result:
        handled.append(message.content)
        return Result.DONE

    start(handle, max_dequeue_count=2)
    wait_until(lambda: length(queue) == 0)
    assert handled == []
    assert texts(queues.get_queue_client("work-poison")) == ["crashes the host"]


def test_without_a_poison_queue_a_failed_message_stays_hidden(queue: QueueClient, start: Start) -> None:
    queue.send_message("bad")
    counts: list[int | None] = []

    def handle(message: QueueMessage) -> Result:
        counts.append(message.dequeue_count)
        return Result.FAILED

    listener = start(handle, poison=None, max_dequeue_count=1, lease_seconds=30)
    wait_until(lambda: len(counts) == 1 and not listener._messages)
    assert (counts, length(queue), texts(queue)) == ([1], 1, [])


class Clock:
    """Seconds that pass when the test says so. Every look at them is counted."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.seconds


def test_the_lease_is_renewed_while_a_message_is_handled(
    queue: QueueClient, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[float] = []
    update = QueueClient.update_message

    def note(client: QueueClient, *args: object, visibility_timeout: float, **options: object) -> QueueMessage:
        renewed.append(visibility_timeout)
        return update(client, *args, visibility_timeout=visibility_timeout, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(QueueClient, "update_message", note)
    queue.send_message("slow")
    clock, gate = Clock(), Gate()
    start(gate, lease_seconds=600, clock=clock)
    wait_until(lambda: gate.running == 1)
    for seconds, looks_needed in ((299, 1), (300, 3), (600, 3)):  # a renewal takes three looks
        clock.seconds = seconds
        enough = clock.looks + looks_needed
        wait_until(lambda enough=enough: clock.looks >= enough)
    assert renewed == [600, 600]
    gate.opened.set()
    wait_until(lambda: length(queue) == 0)
    assert renewed == [600, 600]


def test_a_message_of_a_host_that_died_comes_back_when_its_lease_ends(queue: QueueClient, start: Start) -> None:
    queue.send_message("left behind")
    list(queue.receive_messages(max_messages=1, visibility_timeout=1))  # by the host that died
    counts: list[int | None] = []

    def handle(message: QueueMessage) -> Result:
        counts.append(message.dequeue_count)
        return Result.DONE

    start(handle)
    wait_until(lambda: length(queue) == 0)
    assert counts == [2]


def test_stopping_waits_for_what_is_in_flight_and_takes_nothing_new(queue: QueueClient, start: Start) -> None:
    queue.send_message("in flight")
    gate = Gate()
    listener = start(gate)
    wait_until(lambda: gate.running == 1)
    listener.stop()
    queue.send_message("too late")
    threading.Timer(0.5, gate.opened.set).start()
    listener.join()
    assert gate.seen == ["in flight"]
    assert texts(queue) == ["too late"]


def test_a_message_that_a_receive_under_way_brings_after_the_stop_is_made_visible_again(
    queue: QueueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send_message("too late")
    handled: list[str] = []

    def handle(message: QueueMessage) -> Result:
        handled.append(message.content)
        return Result.DONE

    listener = QueueListener(queue, None, handle, ListenerOptions(4, 2, 5))
    receive = queue.receive_messages

    def stopped_meanwhile(**options: int) -> object:
        listener.stop()
        return receive(**options)

    monkeypatch.setattr(queue, "receive_messages", stopped_meanwhile)
    listener.start()
    listener.join()
    assert handled == []
    assert texts(queue) == ["too late"]


def test_a_message_that_somebody_else_deleted_is_no_error(queue: QueueClient, start: Start) -> None:
    queue.send_message("first")
    done: list[str] = []

    def handle(message: QueueMessage) -> Result:
        if message.content == "first":
            queue.delete_message(message.id, message.pop_receipt)
        done.append(message.content)
        return Result.DONE

    start(handle)
    wait_until(lambda: done == ["first"])
    queue.send_message("second")
    wait_until(lambda: done == ["first", "second"])
    wait_until(lambda: length(queue) == 0)


def test_a_queue_that_is_made_later_is_found(queues: QueueServiceClient) -> None:
    client = queues.get_queue_client("later")
    seen = threading.Event()

    def handle(_message: QueueMessage) -> Result:
        seen.set()
        return Result.DONE

    options = ListenerOptions(batch_size=1, new_batch_threshold=0, max_dequeue_count=5, max_polling_seconds=0.2)
    listener = QueueListener(client, None, handle, options)
    listener.start()
    client.create_queue()
    client.send_message("hello")
    assert seen.wait(WAIT_SECONDS)
    listener.stop()
    listener.join()


def test_an_empty_queue_is_asked_less_and_less_often() -> None:
    delays = list(itertools.islice(polling_delays(60), 14))
    assert delays[0] == pytest.approx(0.1)
    assert 0.18 <= delays[1] <= 0.22
    assert 0.1 + 0.8 * 0.2 <= delays[2] <= 0.1 + 1.2 * 0.2
    assert 0.1 + 0.8 * 12.8 <= delays[8] <= 0.1 + 1.2 * 12.8
    assert delays[13] == 60


def test_the_delays_have_jitter_and_respect_the_longest() -> None:
    fifth = {next(itertools.islice(polling_delays(60), 5, None)) for _ in range(10)}
    assert len(fifth) > 1
    assert max(itertools.islice(polling_delays(2), 30)) == 2


def test_the_poison_queue_is_named_after_its_queue() -> None:
    assert poison_queue_name("work") == "work-poison"
    assert poison_queue_name("work-poison") is None
    assert poison_queue_name("w" * 60) is None


def test_an_answer_without_its_body_is_survived(
    start: Start, queue: QueueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK lets the error of the XML parser through, which is no AzureError."""
    receive, cut = queue.receive_messages, []

    def receive_messages(**options: int):
        if not cut:
            cut.append(True)
            raise ParseError("no element found")
        return receive(**options)

    monkeypatch.setattr(queue, "receive_messages", receive_messages)
    seen: list[str] = []

    def handle(message: QueueMessage) -> Result:
        seen.append(message.content)
        return Result.DONE

    queue.send_message("a")
    start(handle)
    wait_until(lambda: seen == ["a"])
    assert cut
