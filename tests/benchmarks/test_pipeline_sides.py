"""What the pipeline's benchmark compares: the app of another checkout alone, and all processes of a host."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.checkouts import HERE, linked
from benchmarks.process_tree import DECODERS, HOST, WORKER, ProcessTree

BUSY = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
STARTS_ANOTHER = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {!r}])\n"
WAITS_FOR = "import os\nwhile not os.path.exists({!r}): time.sleep(0.01)\n"
REPORTS_AND_WAITS = "print('done', flush=True)\nsys.stdin.read()\n"


def test_the_app_is_the_others_and_host_and_clocks_are_ours(tmp_path):
    other = tmp_path / "other"
    (other / "benchmarks").mkdir(parents=True)
    for name in ("function_app.py", "host.json", "benchmarks/pipeline.py", "benchmarks/clocked_host.py"):
        (other / name).write_text("theirs")
    (other / "local_host").mkdir()
    folder = linked(other, tmp_path / "linked")
    for name in ("function_app.py", "host.json", "benchmarks/pipeline.py"):
        assert (folder / name).read_text() == "theirs"
    assert (folder / "local_host").resolve() == HERE / "local_host"
    assert (folder / "benchmarks" / "clocked_host.py").resolve() == HERE / "benchmarks" / "clocked_host.py"


def test_a_folder_without_an_app_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"function_app\.py"):
        linked(tmp_path, tmp_path / "linked")


def test_processes_below_the_host_count_also_those_that_ended(tmp_path):
    seen = tmp_path / "seen"
    grandchild = BUSY + WAITS_FOR.format(str(seen))
    child = BUSY + STARTS_ANOTHER.format(grandchild) + "child.wait()\n" + REPORTS_AND_WAITS
    host = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "sys.stdin.read()\nchild.stdin.close()\nchild.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", host], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        tree = ProcessTree(process.pid)
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + 60
        while process.stdout.read() != b"done\n":
            assert time.monotonic() < deadline
            used = tree.look()
            if used[DECODERS] >= 0.2:
                seen.touch()
        used = tree.look()
        process.stdin.close()
    assert used[WORKER] >= 0.2
    assert used[DECODERS] >= 0.2  # as it was last seen
    assert used[HOST] < used[WORKER]
    assert tree.most_processes == 3
