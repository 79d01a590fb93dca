"""The proxy fails when its dice say so, and not because a slow machine lets connections rest."""

import time

from azure.storage.queue import QueueServiceClient

from tests.azurite import Account
from tests.soak.faults import Faults, faulty_storage

IDLE_SECONDS = 7.0  # Azurite closes after six what rests


def test_a_connection_that_rested_for_longer_than_the_service_keeps_it_fails_nobody(account: Account):
    with (
        faulty_storage(account.connection_string, "images", Faults(0.0, 1)) as storage,
        QueueServiceClient.from_connection_string(storage.connection_string, retry_total=0) as queues,
    ):
        queues.create_queue("one")
        time.sleep(IDLE_SECONDS)
        queues.create_queue("two")
        assert {queue.name for queue in queues.list_queues()} == {"one", "two"}
