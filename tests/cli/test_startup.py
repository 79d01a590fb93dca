"""The command starts quickly: nothing loads the storage SDK before it is needed."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest
from typer.testing import CliRunner

from dedup_cli.loaded_commands import MODULES
from dedup_cli.main import app
from tests.core.pictures import scene

ROOT = str(Path(__file__).parents[2])
DEDUP = [sys.executable, "-m", "dedup_cli"]


def test_comparing_files_loads_nothing_of_azure():
    program = (
        "import sys, dedup_cli.main; sys.exit(' '.join(it for it in sys.modules if it.partition('.')[0] == 'azure'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_command_loads_no_module_of_another():
    program = (
        "import sys; sys.argv = ['dedup', 'undo', '--help']; from dedup_cli.main import app\n"
        "try: app()\n"
        "finally: print(*(it for it in sys.modules if it.startswith('dedup_cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {it.removeprefix("dedup_cli.") for it in done.stdout.splitlines()[-1].split()}
    assert loaded & set(MODULES.values()) == {"cleanup.undo"}


def test_the_entry_point_runs_as_a_module_of_its_own():
    program = "import sys; sys.argv = ['dedup', '--help']; from dedup_cli.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "duplicates" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="a device of Linux")
def test_output_that_has_no_room_is_told_in_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*DEDUP, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: cannot write the output: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_who_is_told_to_end_leaves_nothing_behind(tmp_path, tmp_path_factory):
    scene(1).save(tmp_path / "0.png")
    for number in range(1, 300):
        (tmp_path / f"{number}.png").write_bytes((tmp_path / "0.png").read_bytes())
    command = [*DEDUP, "scan", str(tmp_path), "--jobs", "2", "--html", str(tmp_path / "report.html")]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment) as scanning:
        deadline = time.monotonic() + 60
        while not (children := psutil.Process(scanning.pid).children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        scanning.terminate()
        assert scanning.communicate(timeout=60) == ("", "")
    assert scanning.returncode == 128 + signal.SIGTERM
    assert psutil.wait_procs(children, 20)[1] == []
    assert len(list(tmp_path.iterdir())) == 300


def test_who_stops_it_while_it_is_loaded_sees_no_traceback():
    program = (
        "import sys\n"
        "class Stopping:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stopping())\n"
        "from dedup_cli.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_who_stops_it_again_while_it_ends_sees_no_traceback():
    program = (
        "import sys, threading, time; threading.Thread(target=time.sleep, args=[60]).start()\n"
        "sys.argv = ['dedup', '--version']; from dedup_cli.__main__ import main; main()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ending:
        assert ending.stdout
        assert ending.stdout.readline().startswith("dedup ")
        deadline = time.monotonic() + 30
        while ending.poll() is None and time.monotonic() < deadline:
            ending.send_signal(signal.SIGINT)
            time.sleep(0.1)
        ended = ending.poll()
        ending.kill()
        assert (ended, ending.communicate()[1]) == (-signal.SIGINT, "")


@pytest.mark.skipif(os.name == "nt", reason="as a POSIX shell closes it")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_who_closes_an_output_is_told_nothing_there(tmp_path, closed):
    line = f'exec "$@" {closed}'
    command = ["sh", "-c", line, "sh", *DEDUP, "scan", str(tmp_path), "--json", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("encoding", "arguments"), [("ascii", []), ("ascii", ["--json"]), ("ascii:surrogateescape", [])]
)
def test_letters_that_the_output_lacks_are_spelled_out(tmp_path, encoding, arguments):
    files = {str(tmp_path / name) for name in ("größe-👕.png", "日本.png")}
    for file in files:
        scene(1).save(file)
    done = subprocess.run(
        [*DEDUP, "scan", str(tmp_path), "--jobs", "1", "--no-cache", *arguments],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        text=True,
        check=True,
    )
    if arguments:
        group = json.loads(done.stdout)["groups"][0]
        assert {group["keep"]["path"], group["copies"][0]["path"]} == files
    else:
        assert "\\u65e5\\u672c.png" in done.stdout


class Garbled(BaseHTTPRequestHandler):
    """Answers as a proxy before queues that are down: without a body in XML. Tables are there, and empty."""

    def do_GET(self) -> None:
        is_table = "/reports" in self.path
        body = b'{"odata.error": {"code": "ResourceNotFound", "message": {"value": "none"}}}' if is_table else b""
        self.send_response(404 if is_table else 500)
        self.send_header("Content-Type", "application/json" if is_table else "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not into the output of the tests."""


def test_an_answer_that_is_none_of_a_storage_account_is_told_in_one_sentence(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Garbled) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/somebody"
        ends = "".join(f"{service}Endpoint={place};" for service in ("Blob", "Queue", "Table"))
        done = subprocess.run(
            [*DEDUP, "poison", "list"],
            cwd=tmp_path,
            env=os.environ | {"ImageStorage": f"AccountName=somebody;AccountKey=c29tZQ==;{ends}", "PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            check=False,
        )
        server.shutdown()
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert done.stderr.startswith("error: Could not")


def test_libraries_start_no_threads_beside_the_processes_of_a_command():
    program = (
        "import os, sys; sys.argv = ['dedup', '--version']; from dedup_cli.__main__ import main\n"
        "assert 'numpy' not in sys.modules\n"
        "try: main()\n"
        "finally: print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    for given, expected in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")):
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.splitlines()[-1] == expected, done.stderr


def test_it_tells_its_version():
    declared = tomllib.loads(Path(ROOT, "pyproject.toml").read_text())["project"]["version"]
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout.strip()) == (0, f"dedup {declared}")
