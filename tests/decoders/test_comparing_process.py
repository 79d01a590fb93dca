"""Processes that compare end with the one that started them, however that ends."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from dedup_decoders.comparing_process import prepare

pool = ProcessPoolExecutor(2, get_context("spawn"), prepare)
print(*{pool.submit(os.getpid).result() for _ in range(2)}, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_scan_that_is_killed_leaves_no_process_behind():
    killed = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with killed:
        assert killed.stdout
        processes = [psutil.Process(int(it)) for it in killed.stdout.readline().split() if psutil.pid_exists(int(it))]
    left = psutil.wait_procs(processes, 20)[1]
    for process in left:
        process.kill()
    assert (killed.returncode, left) == (-signal.SIGKILL, [])
