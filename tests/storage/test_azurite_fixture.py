"""Each test has an empty account of its own, whose requests are counted."""

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from tests.azurite import Account, Azurite


def test_each_service_of_a_fresh_account_answers_and_is_empty(account: Account) -> None:
    with (
        BlobServiceClient.from_connection_string(account.connection_string) as blobs,
        QueueServiceClient.from_connection_string(account.connection_string) as queues,
        TableServiceClient.from_connection_string(account.connection_string) as tables,
    ):
        assert list(blobs.list_containers()) == []
        assert list(queues.list_queues()) == []
        assert list(tables.list_tables()) == []


def test_two_accounts_do_not_share_data(azurite: Azurite) -> None:
    ours, theirs = azurite.new_account(), azurite.new_account()
    with (
        TableServiceClient.from_connection_string(ours.connection_string) as our_tables,
        TableServiceClient.from_connection_string(theirs.connection_string) as their_tables,
    ):
        our_tables.create_table("features").create_entity({"PartitionKey": "p", "RowKey": "r"})
        assert [table.name for table in our_tables.list_tables()] == ["features"]
        assert list(their_tables.list_tables()) == []


def test_requests_are_counted_at_the_storage_side(account: Account) -> None:
    with BlobServiceClient.from_connection_string(account.connection_string) as blobs:
        blobs.create_container("images").upload_blob("a b.jpg", b"1234")
        assert blobs.get_blob_client("images", "a b.jpg").download_blob().readall() == b"1234"
    assert [(request.method, request.status) for request in account.requests()] == [
        ("PUT", 201),
        ("PUT", 201),
        ("GET", 206),
    ]
