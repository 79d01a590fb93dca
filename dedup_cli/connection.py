"""Where the commands get the storage account from: the environment, or local.settings.json of the current folder."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import typer

from dedup_app.configuration.extras import from_extra
from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import STORAGE, StorageConnection
from dedup_app.services import Services
from dedup_cli.local_app import local_app_of, means_the_emulator
from dedup_core.errors import InvalidSetting

SETTINGS_FILE = "local.settings.json"
OF_THE_SDK = "AZURE_STORAGE_CONNECTION_STRING"
LOGGED_BY_THE_WAY = (
    "azure",  # tracebacks of answers that a proxy has garbled
    "psycopg.pool",  # each try to connect to a server that is not there
)
FROM_THE_EXTRA = ("azure", "requests", "urllib3")


def services_of(context: typer.Context) -> Services:
    """The services of the account that the settings name, or those that a test hands over as the context's object.

    Raises `NamespaceTaken` where these settings are another app's.
    """
    services = unchecked_services_of(context)
    services.ownership.check()
    return services


def unchecked_services_of(context: typer.Context) -> Services:
    """The same, whosever the namespace is."""
    if isinstance(context.obj, Services):
        return context.obj
    settings = read_settings(Path.cwd(), os.environ)
    with from_extra("an app in Azure", FROM_THE_EXTRA, "cli,azure"):
        from dedup_storage.connect import connect  # noqa: PLC0415 - half a second that `--help` need not wait
    for name in LOGGED_BY_THE_WAY:
        logging.getLogger(name).addHandler(logging.NullHandler())
    return connect(settings)


def read_settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of the environment and, for names it lacks, of `local.settings.json` in the folder.

    Where they name the emulator, the one of the app that runs in this folder is meant, whatever its ports.
    """
    of_file = _values(folder / SETTINGS_FILE)
    if any(map(_is_of_the_account, environment)):  # one way to connect, and not half of two
        of_file = {name: value for name, value in of_file.items() if not _is_of_the_account(name)}
    values = {**of_file, **environment}
    app = local_app_of(folder) if means_the_emulator(values.get(STORAGE, "")) else None
    if app:
        values[STORAGE] = app.emulator
    settings = Settings.from_environment(values)
    if settings.image_storage is None:
        raise InvalidSetting(_not_set(environment))
    return replace(settings, uploads_queue=app.uploads_queue) if app else settings


def _is_of_the_account(name: str) -> bool:
    return name.partition("__")[0] == STORAGE


def _not_set(environment: Mapping[str, str]) -> str:
    """What `az` and the SDK go by may be another account than that of the app: it is offered, and never just taken."""
    elsewhere = StorageConnection(environment.get(OF_THE_SDK, ""))
    if elsewhere.account:
        return (
            f"{STORAGE} is not set; {OF_THE_SDK} names the account {elsewhere.account}: if that is the one of the "
            f'app, export {STORAGE}="${OF_THE_SDK}"'
        )
    return (
        f"{STORAGE} is not set: put the connection string of the storage account into the environment, "
        f"or run this in a folder whose {SETTINGS_FILE} has it"
    )


def _values(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"cannot read {file}: {error}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSetting(
            f"{file} is not valid JSON ({error}): compare it with local.settings.sample.json"
        ) from error
    values = content.get("Values", {}) if isinstance(content, dict) else None
    if not isinstance(values, dict) or content.get("IsEncrypted"):
        raise InvalidSetting(f'{file} must hold {{"IsEncrypted": false, "Values": {{...}}}}, not encrypted')
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise InvalidSetting(f"the value of {wrong[0]} in {file} must be a text in quotes")
    return values
