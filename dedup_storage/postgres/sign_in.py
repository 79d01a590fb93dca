"""Signing in to Azure Database for PostgreSQL: a token of the app's identity in place of a password."""

from typing import Final

from azure.core.exceptions import AzureError

from dedup_core.errors import TemporaryError
from dedup_storage.account.clients import credential_of
from dedup_storage.postgres.connections import Password

# https://learn.microsoft.com/azure/postgresql/flexible-server/security-entra-configure
SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"


def tokens(client_id: str) -> Password:
    """Gives a token for each new connection; the credential keeps one until it is about to expire.

    Raises `TemporaryError` where there is none to be had.
    """
    credential = None

    def token() -> str:
        nonlocal credential
        if credential is None:
            credential = credential_of(client_id)
        try:
            return credential.get_token(SCOPE).token
        except AzureError as error:
            raise TemporaryError(f"No token to sign in to the index: {error.message}", reason="access-denied") from None

    return token
