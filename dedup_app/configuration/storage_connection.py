"""How to reach the storage account, and what it is called."""

from dataclasses import dataclass, field

from dedup_core.paths import account_of_url

STORAGE = "ImageStorage"  # the setting that says it
DEVELOPMENT_ACCOUNT = "devstoreaccount1"  # what UseDevelopmentStorage=true stands for


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """How to reach the storage account: a connection string, or the addresses of its services and an identity."""

    connection_string: str = field(default="", repr=False)
    blob_service_uri: str = ""
    queue_service_uri: str = ""
    table_service_uri: str = ""
    client_id: str = ""

    @property
    def uses_identity(self) -> bool:
        return not self.connection_string

    @property
    def account(self) -> str:
        """The name of the account, or nothing where only a custom domain is known."""
        if self.uses_identity:
            return account_of_url(self.blob_service_uri)
        text = self.connection_string
        parts = {name.strip().lower(): it.strip() for name, _, it in (part.partition("=") for part in text.split(";"))}
        if parts.get("usedevelopmentstorage", "").lower() == "true":
            return DEVELOPMENT_ACCOUNT
        return parts.get("accountname", "").lower() or account_of_url(parts.get("blobendpoint", ""))
