"""Freed pictures leave the process, whichever thread held them; planes of comparisons stay for the next one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from dedup_decoders.allocator import return_large_buffers_at_once

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

return_large_buffers_at_once()
one_at_a_time = Lock()

def hold_a_picture(number):
    with one_at_a_time:
        small = bytearray(1000)
        for size in (20_000_000, 30_000_000):
            picture = bytearray(b"x" * size)
            small = [small, bytearray(1000)]
            del picture
        return small

with ThreadPoolExecutor(8) as threads:
    kept = list(threads.map(hold_a_picture, range(24)))
    print(resident_mb())
"""


def test_large_buffers_that_many_threads_had_in_turns_do_not_stay():
    program = [sys.executable, "-c", PROGRAM]
    resident_mb = float(subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert resident_mb < 60  # 14 MB; 494 MB if the allocator is left alone


HELD = """
import resource
from dedup_decoders.allocator import return_large_buffers_at_once

def make_and_free():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        planes = [bytearray(b"x" * size) for size in [300_000] * 10 + [3_000_000] * 3]
        del planes
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

return_large_buffers_at_once()
make_and_free()
print(make_and_free())
"""


def test_freed_buffers_are_there_for_the_next_comparison():
    program = [sys.executable, "-c", HELD]
    faults = int(subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert faults < 1000  # none; 30,000 if the allocator is left alone
