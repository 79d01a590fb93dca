"""What a host and the processes below it use: processor time and memory, the host, its worker and the rest apart."""

from collections import Counter
from contextlib import suppress

import psutil

HOST, WORKER, DECODERS = "host", "app", "decoders"


class ProcessTree:
    """A host with all processes that it started: what they have used, those that ended included, and their peak."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._cpu: dict[int, tuple[str, float]] = {}
        self.peak_mib = 0.0
        self.most_processes = 0

    def look(self) -> Counter[str]:
        """Processor seconds until now by role: the host, the app (the worker it started), decoders (what that started).

        Memory shared by several counts once (proportional set size).
        """
        resident = 0
        processes = [self._root, *self._root.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                self._cpu[process.pid] = self._role(process), cpu_seconds(process)
                resident += process.memory_full_info().pss
        self.peak_mib = max(self.peak_mib, resident / 1024**2)
        self.most_processes = max(self.most_processes, len(processes))
        used: Counter[str] = Counter()
        for role, seconds in self._cpu.values():
            used[role] += seconds  # type: ignore[assignment] # a Counter of seconds
        return used

    def _role(self, process: psutil.Process) -> str:
        if process.pid == self._root.pid:
            return HOST
        return WORKER if process.ppid() == self._root.pid else DECODERS


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of the process, without its children."""
    times = process.cpu_times()
    return times.user + times.system
