"""Several handlers in turns, in orders of their steps that dice throw."""

import random
from collections.abc import Callable

from greenlet import getcurrent, greenlet

from tests.app.world import World


class Dice:
    """Lets several handlers run in turns, one call to a port at a time; who is next is thrown by seeded dice."""

    def __init__(self, world: World, seed: int) -> None:
        self._random = random.Random(seed)
        self._running: list[greenlet] = []
        self._main = getcurrent()
        world.before = self._wait_for_turn

    def run(self, handlers: list[Callable[[], object]]) -> None:
        self._running = [greenlet(handler, self._main) for handler in handlers]
        while self._running:
            self._random.choice(self._running).switch()
            self._running = [it for it in self._running if not it.dead]

    def _wait_for_turn(self, _number: int, _step: str) -> None:
        if getcurrent() in self._running:  # and not in a thread of a handler's own
            self._main.switch()
