"""However many threads load images, what they hold stays under the budget, and every one of them gets its turn."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from dedup_core.decoding.header_check import check_header
from dedup_core.errors import UnreadableImage
from dedup_core.limits import DecodeLimits
from dedup_core.loading.budget import PICTURE_BUDGET_BYTES, WORKING_BYTES, ByteBudget, LoadBudgets
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.paths import ImagePath
from tests.core.pictures import encoded, scene

SECONDS = 20


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def run(*work: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=it, daemon=True) for it in work]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()


class Held:
    """What is reserved at the moment, and the most that ever was."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self._lock = threading.Lock()

    def change(self, size: int) -> None:
        with self._lock:
            self.now += size
            self.peak = max(self.peak, self.now)


def test_many_threads_together_never_hold_more_than_the_budget_and_all_finish():
    budget, held = ByteBudget(100), Held()

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(50):
            size = dice.randint(1, 60)
            with budget.reserve(size) as reservation:
                held.change(size)
                time.sleep(0.0001)
                part = dice.randint(0, size)
                held.change(part - size)
                reservation.shrink(part)
                held.change(-part)

    join(run(*(lambda seed=seed: work(seed) for seed in range(16))))
    assert 60 < held.peak <= 100
    assert (held.now, budget.free) == (0, 100)


def test_more_than_the_whole_budget_is_granted_alone():
    budget, order = ByteBudget(100), []

    def huge() -> None:
        with budget.reserve(1000):
            order.append(budget.free)

    with budget.reserve(1):
        threads = run(huge)
        time.sleep(0.05)
        assert order == []
    join(threads)
    assert order == [0]
    assert budget.free == 100


def test_who_asks_first_is_served_first_even_when_a_later_one_would_fit():
    budget, served = ByteBudget(100), []

    def ask(name: str, size: int) -> None:
        with budget.reserve(size):
            served.append(name)

    threads = []
    with budget.reserve(60):
        for waiting, (name, size) in enumerate([("large", 80), ("small", 10), ("tiny", 1)], 1):
            threads += run(lambda name=name, size=size: ask(name, size))
            wait_until(lambda waiting=waiting: len(budget._waiting) == waiting)
        assert served == []
    join(threads)
    assert served[0] == "large"
    assert sorted(served) == ["large", "small", "tiny"]


def test_room_that_is_given_back_early_lets_the_next_one_in():
    budget, entered = ByteBudget(100), threading.Event()

    def wait_for_room() -> None:
        with budget.reserve(50):
            entered.set()

    with budget.reserve(100) as reservation:
        threads = run(wait_for_room)
        reservation.shrink(50)
        assert entered.wait(SECONDS)
        join(threads)
        reservation.shrink(80)
        assert budget.free == 50
    assert budget.free == 100


def test_a_failure_gives_the_room_back():
    budget = ByteBudget(100)
    with pytest.raises(RuntimeError), budget.reserve(100):
        raise RuntimeError
    assert budget.free == 100


def test_a_picture_reserves_what_its_header_says_that_decoding_takes():
    data = encoded(scene(1, (640, 480)))
    budgets = LoadBudgets(DecodeLimits(), 1000, 10**9)
    with budgets.picture(data):
        assert budgets._pictures.free == 10**9 - check_header(data).memory_bytes - WORKING_BYTES
    assert budgets._pictures.free == 10**9


def test_what_is_no_picture_reserves_nothing():
    budgets = LoadBudgets()
    with pytest.raises(UnreadableImage), budgets.picture(b"not a picture"):
        pass
    assert budgets._pictures.free == PICTURE_BUDGET_BYTES


def test_a_loader_holds_the_largest_file_until_it_knows_the_size_and_then_that_of_the_file():
    data = encoded(scene(1, (640, 480)))
    limits = DecodeLimits(max_bytes=1_000_000)
    budgets = LoadBudgets(limits, 10_000_000, 10_000_000)
    free = []

    def read(_path: ImagePath) -> bytes:
        free.append(budgets._files.free)
        return data

    loader = MemoryEfficientImageLoader(read, limits, budgets)
    loader.load("images/a.png")
    assert free == [9_000_000]
    assert (budgets._files.free, budgets._pictures.free) == (10_000_000, 10_000_000)


def test_sixteen_threads_that_load_through_budgets_for_one_image_take_turns_and_finish():
    data = encoded(scene(1, (640, 480)), "JPEG")
    limits = DecodeLimits(max_bytes=len(data))
    budgets = LoadBudgets(limits, 2 * len(data), 1)
    held = Held()

    def read(_path: ImagePath) -> bytes:
        held.change(1)
        time.sleep(0.001)
        held.change(-1)
        return data

    loader = MemoryEfficientImageLoader(read, limits, budgets)
    join(run(*(lambda: loader.load("images/a.jpg") for _ in range(16))))
    assert loader.stats.images_downloaded == 16
    assert held.peak <= 2


def test_a_file_that_breaks_gives_back_its_room():
    limits = DecodeLimits(max_bytes=1000)
    budgets = LoadBudgets(limits, 1000, 1000)
    loader = MemoryEfficientImageLoader(lambda _path: b"broken", limits, budgets)
    with pytest.raises(UnreadableImage):
        loader.load("images/a.jpg")
    assert (budgets._files.free, budgets._pictures.free) == (1000, 1000)
    assert loader.stats.decode_failures == 1
