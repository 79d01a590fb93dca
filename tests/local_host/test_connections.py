"""Settings that name no storage are refused by their names, and no key is shown."""

from pathlib import Path

import pytest

from local_host.process import HostProcess, HostProcessError
from local_host.settings import SettingsError
from local_host.storage.connections import Connections
from tests.local_host.apps import App

CODE = """
@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
"""


@pytest.mark.parametrize("value", ["garbage", " ", "AccountKey=secret", "'AccountName=a;AccountKey=secret'"])
@pytest.mark.parametrize("name", ["Images", "AzureWebJobsImages"])
def test_what_is_no_connection_string_is_refused_by_its_name(name: str, value: str) -> None:
    connections = Connections({name: value})
    for service in (connections.blobs, connections.queues):
        with pytest.raises(SettingsError, match=f"^{name} is no whole connection string: copy one") as refused:
            service("Images")
        assert "secret" not in str(refused.value)


def test_what_is_no_address_is_refused_by_its_name() -> None:
    connections = Connections({f"Images__{it}ServiceUri": "http://host:port/" for it in ("blob", "queue")})
    for name, service in (("blob", connections.blobs), ("queue", connections.queues)):
        with pytest.raises(SettingsError, match=f"^Images gives no address: set Images__{name}ServiceUri to https://"):
            service("Images")


def test_a_host_with_such_a_setting_says_so_and_ends(tmp_path: Path) -> None:
    app = App(tmp_path / "app", CODE, {})
    with pytest.raises(HostProcessError, match="cannot start: AzureWebJobsStorage is no whole connection") as ended:
        HostProcess(app.folder, {"AzureWebJobsStorage": "garbage"}).start()
    assert "Traceback" not in str(ended.value)
