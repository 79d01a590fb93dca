"""Whatever happens to a host, nothing is lost: it finishes what it has begun, or the next host does it again."""

import signal
import subprocess
import threading
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from local_host.__main__ import STOPPED_AT_ONCE
from local_host.process import HostProcess, HostProcessError
from tests.azurite import Account
from tests.local_host.apps import App
from tests.local_host.conftest import WAIT_SECONDS, texts, wait_until

POLL_OFTEN = {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01"}
CODE = """
def work(kind, name):
    note(kind=f"{kind} begun", name=name)
    time.sleep(float(os.environ.get("PAUSE", "0")))
    while "GATE" in os.environ and int(name) >= 20 and not os.path.exists(os.environ["GATE"]):
        time.sleep(0.05)
    note(kind=f"{kind} done", name=name)

@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def on_message(message: func.QueueMessage) -> None:
    work("message", message.get_body().decode())

@app.blob_trigger(arg_name="client", path="images/{name}", connection="AzureWebJobsStorage")
def on_blob(client: blob.BlobClient) -> None:
    work("blob", client.blob_name)
"""


def test_what_a_killed_host_had_begun_is_done_by_the_next(
    tmp_path: Path, account: Account, queue: QueueClient, blobs: BlobServiceClient
) -> None:
    gate = tmp_path / "gate"  # the last five of each kind wait until this file is there
    settings = {"AzureWebJobsStorage": account.connection_string, "GATE": str(gate)}
    app = App(tmp_path / "app", CODE, settings)
    images = blobs.create_container("images")
    env = {"PYTHON_THREADPOOL_THREAD_COUNT": "64"}
    with HostProcess(app.folder, env, lease_seconds=2, scan_seconds=0.3) as host:
        for number in range(25):
            queue.send_message(f"{number}")
            images.upload_blob(f"{number}", b"1")
        for kind in ("message", "blob"):
            app.wait_for_notes(f"{kind} begun", 21)
            app.wait_for_notes(f"{kind} done", 5)
        host.kill()
        for kind in ("message", "blob"):
            assert {each["name"] for each in app.notes(f"{kind} done")} <= {str(number) for number in range(20)}
        gate.touch()
        host.start()
        everything = {str(number) for number in range(25)}
        for kind in ("message", "blob"):
            wait_until(lambda kind=kind: {each["name"] for each in app.notes(f"{kind} done")} == everything, 60)


def test_a_host_that_is_told_to_stop_finishes_and_its_own_azurite_keeps_the_rest(tmp_path: Path) -> None:
    gate = tmp_path / "gate"  # 20 waits until this file is there
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "GATE": str(gate)}
    app = App(tmp_path / "app", CODE, settings)
    host = HostProcess(app.folder, arguments=["--data", str(tmp_path / "data")])
    with host:
        queue = QueueServiceClient.from_connection_string(str(host.status.azurite)).create_queue("work")
        queue.send_message("20")
        app.wait_for_notes("message begun", 1)
        assert app.notes("message done") == []
        threading.Timer(0.5, gate.touch).start()
        assert host.stop() == 0
        assert app.notes("message done") == [{"name": "20"}]
        host.start()
        after = QueueServiceClient.from_connection_string(str(host.status.azurite)).get_queue_client("work")
        assert after.get_queue_properties().approximate_message_count == 0
        assert "connection string: DefaultEndpointsProtocol=http" in host.log_text()
        assert "az storage blob upload-batch --destination images --source FOLDER" in host.log_text()
        blobs = BlobServiceClient.from_connection_string(str(host.status.azurite))
        assert blobs.get_container_client("images").exists()  # on its own emulator it makes what the triggers watch


def test_a_host_whose_own_azurite_has_ended_says_so_and_ends_at_once(tmp_path: Path) -> None:
    app = App(tmp_path / "app", CODE, {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "PAUSE": "600"})
    with HostProcess(app.folder, arguments=["--in-memory"]) as host:
        queue = QueueServiceClient.from_connection_string(str(host.status.azurite)).create_queue("work")
        queue.send_message("in flight")
        app.wait_for_notes("message begun", 1)
        children = psutil.Process(host.pid).children()
        [azurite] = [child for child in children if "azurite.js" in " ".join(child.cmdline())]
        azurite.kill()
        process = host._process
        assert process is not None
        assert process.wait(5) == 1
        assert "Azurite has ended (code -9): start again" in host.log_text()
        assert "Traceback" not in host.log_text()
        assert not host._status_file.exists()
        assert psutil.wait_procs(children, WAIT_SECONDS)[1] == []


def test_after_sigterm_a_host_goes_on_for_a_while_and_what_is_left_comes_back_when_its_lease_ends(
    tmp_path: Path, account: Account, queue: QueueClient
) -> None:
    gate = tmp_path / "gate"  # 20 waits until this file is there
    app = App(tmp_path / "app", CODE, {"AzureWebJobsStorage": account.connection_string, "GATE": str(gate)})
    with HostProcess(app.folder, POLL_OFTEN, lease_seconds=8, arguments=["--grace-seconds", "8"]) as host:
        queue.send_message("20")
        app.wait_for_notes("message begun", 1)
        process = host._process
        assert process is not None
        host.terminate()
        wait_until(lambda: "as a host in Azure does" in host.log_text())
        queue.send_message("1")  # new messages are still taken
        wait_until(lambda: {"name": "1"} in app.notes("message done"))
        assert process.wait(WAIT_SECONDS) == 0
        assert texts(queue) == []  # still hidden
        gate.touch()
        host.start()
        wait_until(lambda: {"name": "20"} in app.notes("message done"))
    assert app.notes("message begun") == [{"name": "20"}, {"name": "1"}, {"name": "20"}]


def test_a_function_that_takes_too_long_has_failed(
    tmp_path: Path, account: Account, queue: QueueClient, queues: QueueServiceClient
) -> None:
    app = App(tmp_path / "app", CODE, {"AzureWebJobsStorage": account.connection_string, "PAUSE": "60"})
    with HostProcess(app.folder, {"AzureFunctionsJobHost__functionTimeout": "00:00:02"}) as host:
        queue.send_message("endless")
        wait_until(lambda: "functionTimeout of 2 s exceeded" in host.log_text())
        wait_until(lambda: "work-poison" in [each.name for each in queues.list_queues()])
        wait_until(lambda: texts(queues.get_queue_client("work-poison")) == ["endless"])


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path, account: Account, queue: QueueClient) -> None:
    app = App(tmp_path / "app", CODE, {"AzureWebJobsStorage": account.connection_string, "PAUSE": "600"})
    with HostProcess(app.folder) as host:
        queue.send_message("in flight")
        app.wait_for_notes("message begun", 1)
        process = host._process
        assert process is not None
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "Stopping: finishing what is in flight" in host.log_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == STOPPED_AT_ONCE


@pytest.mark.parametrize(
    ("code", "settings", "message"),
    [
        ("import nowhere_to_be_found", {}, "nowhere_to_be_found"),
        ("raise ImportError('it begins here' + ', and goes on' * 500)", {}, "it begins here"),
        (CODE.replace('"work"', '"%MISSING%"'), {}, "no setting MISSING is given"),
        ("app.timer_trigger(arg_name='t', schedule='0 0 25 * * *')(lambda t: None)", {}, "no schedule"),
    ],
)
def test_an_app_that_cannot_start_says_why(
    tmp_path: Path, account: Account, code: str, settings: dict[str, str], message: str
) -> None:
    app = App(tmp_path / "app", code, {"AzureWebJobsStorage": account.connection_string, **settings})
    with pytest.raises(HostProcessError, match=rf"(?s)ended with code 1.*cannot start.*{message}"):
        HostProcess(app.folder).start()


def test_an_error_that_an_app_raises_on_purpose_is_told_without_a_stack_trace(tmp_path: Path, account: Account) -> None:
    code = 'class InvalidSetting(ValueError): ...\nraise InvalidSetting("POLICY is wrong")'
    app = App(tmp_path / "app", code, {"AzureWebJobsStorage": account.connection_string})
    with pytest.raises(HostProcessError) as raised:
        HostProcess(app.folder).start()
    assert "The host cannot start: InvalidSetting: POLICY is wrong" in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_host_stops_with_the_process_that_started_it(tmp_path: Path, account: Account) -> None:
    app = App(tmp_path / "app", CODE, {"AzureWebJobsStorage": account.connection_string})
    host = HostProcess(app.folder).start()
    process = host._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as when its parent is killed
    try:
        assert process.wait(WAIT_SECONDS) == 0
    except subprocess.TimeoutExpired:
        host.kill()
        raise
