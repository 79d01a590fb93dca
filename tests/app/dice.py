"""Several handlers in turns, in orders of their steps that dice throw."""

import random
import threading
from collections.abc import Callable

from tests.app.world import World


class Dice:
    """Lets several handlers run in turns, one call to a port at a time; who is next is thrown by seeded dice."""

    def __init__(self, world: World, seed: int) -> None:
        self._random = random.Random(seed)
        self._turns: dict[int, threading.Semaphore] = {}
        self._arrived = threading.Semaphore(0)
        self._failures: list[BaseException] = []
        world.before = self._wait_for_turn

    def run(self, handlers: list[Callable[[], object]]) -> None:
        threads = [threading.Thread(target=self._handle, args=(handler,), daemon=True) for handler in handlers]
        running = []
        for thread in threads:
            thread.start()
            assert self._arrived.acquire(timeout=30)
            running.append(thread)
        while running := [thread for thread in running if thread.ident in self._turns]:
            self._turns[self._random.choice(running).ident].release()
            assert self._arrived.acquire(timeout=30)
        assert self._failures == []

    def _handle(self, handler: Callable[[], object]) -> None:
        self._turns[threading.get_ident()] = threading.Semaphore(0)
        try:
            self._wait_for_turn(0, "start")
            handler()
        except BaseException as failure:  # noqa: BLE001 - shown by the test's own thread
            self._failures.append(failure)
        finally:
            del self._turns[threading.get_ident()]
            self._arrived.release()

    def _wait_for_turn(self, _number: int, _step: str) -> None:
        turn = self._turns.get(threading.get_ident())
        if turn is not None:
            self._arrived.release()
            turn.acquire()
