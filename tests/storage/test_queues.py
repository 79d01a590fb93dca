"""What all queues do, in memory and on Azure Queues."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, QueueMessage

from dedup_app.ports.queues import IngestQueue, PoisonMessage, QueueLengths, Queues, VerifyQueue
from dedup_app.ports.reports import RejectedMessage
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.views import View
from dedup_storage.account.clients import StorageClients
from dedup_storage.messaging.poison_queues import AzurePoisonQueues
from dedup_storage.messaging.queues import GAVE_UP, AzureIngestQueue, AzureQueues, AzureVerifyQueue
from tests.memory import MemoryIngestQueue, MemoryQueues, MemoryVerifyQueue
from tests.storage.examples import NOON, image

VERIFY = VerifyMessage(
    left=image("é#.jpg"),
    rights=(VerifyTarget(image("b.jpg"), "0x2", View.MIRRORED, 12),),
    left_etag="0x1",
    origin="candidate",
)
CONTAINERS = frozenset({"images"})

type GiveUp = Callable[[str, str], None]


class QueuesContract(ABC):
    """What every implementation of the queue ports does."""

    @pytest.fixture
    @abstractmethod
    def verify_queue(self) -> VerifyQueue: ...

    @pytest.fixture
    @abstractmethod
    def ingest_queue(self) -> IngestQueue: ...

    @pytest.fixture
    @abstractmethod
    def queues(self) -> Queues: ...

    @pytest.fixture
    @abstractmethod
    def give_up(self) -> GiveUp:
        """Do what the host does with a message (queue, text) after its last try."""

    def test_queues_that_do_not_exist_are_empty(self, queues: Queues) -> None:
        assert queues.lengths() == {"verify-pairs": QueueLengths(0, 0), "ingest-images": QueueLengths(0, 0)}
        assert list(queues.poison()) == []

    def test_lengths_count_what_was_sent(
        self, queues: Queues, verify_queue: VerifyQueue, ingest_queue: IngestQueue
    ) -> None:
        for _ in range(3):
            verify_queue.send(VERIFY)
        ingest_queue.send(IngestMessage(image()))
        assert queues.lengths() == {"verify-pairs": QueueLengths(3, 0), "ingest-images": QueueLengths(1, 0)}

    def test_many_messages_are_all_sent(self, queues: Queues, ingest_queue: IngestQueue) -> None:
        assert ingest_queue.send_all(IngestMessage(image(f"{number}.jpg")) for number in range(40)) == 40
        assert ingest_queue.send_all([]) == 0
        assert queues.lengths()["ingest-images"] == QueueLengths(40, 0)

    def test_messages_that_failed_for_good_are_counted_and_shown(self, queues: Queues, give_up: GiveUp) -> None:
        give_up("verify-pairs", '{"left": "nowhere"}')
        assert queues.lengths()["verify-pairs"] == QueueLengths(0, 1)
        for _ in range(2):  # looking does not take them away
            (message,) = queues.poison()
            assert (message.queue, message.excerpt, message.reason) == ("verify-pairs", '{"left": "nowhere"}', GAVE_UP)

    def test_failed_messages_are_shown_up_to_the_limit(self, queues: Queues, give_up: GiveUp) -> None:
        for number in range(5):
            give_up("verify-pairs", str(number))
            give_up("ingest-images", str(number))
        assert len(queues.poison(limit=3)) == 3
        assert len(queues.poison(limit=100)) == 10


class TestMemoryQueues(QueuesContract):
    @pytest.fixture
    def verify_queue(self) -> MemoryVerifyQueue:
        return MemoryVerifyQueue()

    @pytest.fixture
    def ingest_queue(self) -> MemoryIngestQueue:
        return MemoryIngestQueue()

    @pytest.fixture
    def queues(self, verify_queue: MemoryVerifyQueue, ingest_queue: MemoryIngestQueue) -> MemoryQueues:
        return MemoryQueues({"verify-pairs": verify_queue, "ingest-images": ingest_queue})

    @pytest.fixture
    def give_up(self, queues: MemoryQueues) -> GiveUp:
        return lambda queue, text: queues.poisoned.append(RejectedMessage(queue, "id", text, GAVE_UP, NOON))

    def test_messages_are_kept_in_order(self, verify_queue: MemoryVerifyQueue) -> None:
        verify_queue.send(VERIFY)
        assert verify_queue.messages == [VERIFY]


class TestAzureQueues(QueuesContract):
    @pytest.fixture
    def verify_queue(self, clients: StorageClients) -> AzureVerifyQueue:
        return AzureVerifyQueue(clients.queues, "verify-pairs")

    @pytest.fixture
    def ingest_queue(self, clients: StorageClients) -> AzureIngestQueue:
        return AzureIngestQueue(clients.queues, "ingest-images")

    @pytest.fixture
    def queues(self, clients: StorageClients) -> AzureQueues:
        return AzureQueues(clients.queues, ("verify-pairs", "ingest-images"))

    @pytest.fixture
    def give_up(self, clients: StorageClients) -> GiveUp:
        def give_up(queue: str, text: str) -> None:
            client = clients.queues.get_queue_client(f"{queue}-poison")
            with suppress(ResourceExistsError):
                client.create_queue()
            client.send_message(text)

        return give_up

    def test_a_message_arrives_as_plain_text_and_never_expires(
        self, verify_queue: AzureVerifyQueue, clients: StorageClients
    ) -> None:
        verify_queue.send(VERIFY)
        message = clients.queues.get_queue_client("verify-pairs").receive_message()
        assert message is not None
        assert message.content.startswith("{")
        assert VerifyMessage.parse(message.content, containers=CONTAINERS) == VERIFY
        assert message.expires_on is not None
        assert message.expires_on.year == 9999

    def test_an_ingest_message_arrives_as_plain_text(
        self, ingest_queue: AzureIngestQueue, clients: StorageClients
    ) -> None:
        ingest_queue.send(IngestMessage(image()))
        message = clients.queues.get_queue_client("ingest-images").receive_message()
        assert message is not None
        assert IngestMessage.parse(message.content, containers=CONTAINERS) == IngestMessage(image())

    def test_a_long_poison_message_is_shortened(self, queues: AzureQueues, give_up: GiveUp) -> None:
        give_up("verify-pairs", "x" * 40_000)
        (message,) = queues.poison()
        assert message.excerpt == "x" * 500


@pytest.mark.parametrize("call", ["update_message", "delete_message"])
def test_an_answer_that_is_lost_while_poison_is_looked_at_leaves_nothing_undone(
    clients: StorageClients, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The client asks once more, and the message is not as it was when it was received."""
    poison, queue = AzurePoisonQueues(clients.queues), clients.queues.create_queue("work-poison")
    for text in ("one", "two", "three"):
        queue.send_message(text)
    ask = getattr(QueueClient, call)

    def twice(self: QueueClient, message: QueueMessage, **options: Any) -> Any:
        ask(self, message, **options)
        return ask(self, message, **options)

    with monkeypatch.context() as losing:
        losing.setattr(QueueClient, call, twice)
        assert poison.take("work", 5, lambda message: message.body == "one") == 1
    assert sorted(it.body for it in poison.peek("work")) == ["three", "two"]


def test_poison_is_peeked_taken_out_the_oldest_first_and_cleared(clients: StorageClients) -> None:
    poison = AzurePoisonQueues(clients.queues)
    assert poison.peek("work") == []
    assert poison.take("work", 5, lambda _message: True) == 0
    poison.clear("work")
    queue = clients.queues.create_queue("work-poison")
    for text in ("one", "two", "three"):
        queue.send_message(text)
    assert [it.body for it in poison.peek("work")] == ["one", "two", "three"]
    assert (poison.count("work"), poison.count("play")) == (3, 0)
    assert poison.take("work", 5, lambda message: message.body == "one") == 1
    clients.queues.get_queue_client("work-poison").send_message("four")
    assert [it.body for it in poison.peek("work")] == ["two", "three", "four"]
    assert poison.take("work", 5, lambda message: message.body == "two") == 1
    poison.clear("work")
    assert poison.peek("work") == []


def test_poison_that_stays_keeps_nothing_behind_it_waiting(clients: StorageClients) -> None:
    poison, looked_at = AzurePoisonQueues(clients.queues), list[str]()
    queue = clients.queues.create_queue("stuck-poison")
    for number in range(80):
        queue.send_message(f"{number}")
    assert poison.take("stuck", 5, lambda message: int(message.body) >= 70) == 5

    def look(message: PoisonMessage) -> bool:
        looked_at.append(message.body)
        return False

    queue.clear_messages()
    for number in range(80):
        queue.send_message(f"{number}")
    assert poison.take("stuck", 32, look, datetime.now(UTC) - timedelta(hours=1)) == 0
    assert len(looked_at) == 32  # all of them are too young, and so are those behind them
