"""The events of examples/requests.http, posted to a running app exactly as they stand there."""

import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from dedup_app.ports.image_status import DELETED
from local_host.process import HostProcess
from tests.azurite import Account
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App, app_on
from tests.infra.deployments import ROOT, triggers

TEXT = (ROOT / "examples" / "requests.http").read_text(encoding="utf-8")
REQUEST = re.compile(
    r"^# @name (?P<name>\w+)\nPOST (?P<address>\S+)\n(?P<headers>(?:[\w-]+: [^\n]*\n)+)\n(?P<body>\[.*?^\])",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Example:
    """One request of the file."""

    address: str
    headers: Mapping[str, str]
    body: str

    def post(self, host: HostProcess, account: str) -> tuple[int, str]:
        """The events of the file name the emulator's usual account; here they name that of the test."""
        values = {
            "host": host.url.rstrip("/"),
            "blobsKey": host.status.keys["blobs_extension"],
            "eventGridKey": host.status.keys["eventgrid_extension"],
        }
        address = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], self.address)
        body = self.body.replace("devstoreaccount1", account)
        request = urllib.request.Request(address, body.encode(), dict(self.headers))  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own host
            return response.status, response.read().decode()


EXAMPLES = {
    found["name"]: Example(
        found["address"], dict(line.split(": ", 1) for line in found["headers"].splitlines()), found["body"]
    )
    for found in REQUEST.finditer(TEXT)
}


@pytest.fixture
def app(account: Account) -> Iterator[App]:
    with app_on(account, BLOB_TRIGGER_SOURCE="EventGrid") as running:
        yield running


def test_every_request_of_the_file_is_tried_here():
    assert len(re.findall(r"^POST ", TEXT, re.MULTILINE)) == len(EXAMPLES)
    assert set(EXAMPLES) == {"handshake", "created", "deleted"}
    named = set(re.findall(r"functionName=(?:Host\.Functions\.)?(\w+)", TEXT))
    assert named == {name for name, it in triggers().items() if it["type"] in {"blobTrigger", "eventGridTrigger"}}
    assert set(re.findall(r"\{\{(\w+)\}\}", TEXT)) == set(re.findall(r"^@(\w+) = ", TEXT, re.MULTILINE))


def test_the_app_answers_the_handshake_takes_the_image_in_and_lets_it_go(app: App):
    with app.host() as host:
        code, answer = EXAMPLES["handshake"].post(host, app.account.name)
        assert (code, "512d38b6-c7b8-40c8-89fe-f46f9e9622b6" in answer) == (200, True)
        app.upload({"photo.jpg": encoded(drawn(1), "JPEG")})
        assert EXAMPLES["created"].post(host, app.account.name)[0] == 202
        app.wait_until_idle(1)
        app.delete("photo.jpg")
        assert EXAMPLES["deleted"].post(host, app.account.name)[0] == 202
        app.wait_for(lambda: app.rows()["photo.jpg"].status == DELETED, "the deletion")
