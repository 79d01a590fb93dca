"""What every engine that finds candidates does: an implementation inherits this and says how an instance starts."""

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.superseded import Superseded
from dedup_core.search.hit import Hit
from dedup_core.views import View
from tests.storage.examples import fingerprints_of_text, image

type Another = Callable[[], CandidateIndex]

MANY = 7  # as many as make something full that is meant to get full in these tests
A, B, C = (image(name).image_id for name in "abc")
CAT, DOG = fingerprints_of_text("cat"), fingerprints_of_text("dog")


def ids(hits: list[Hit]) -> list[str]:
    return sorted(hit.image_id for hit in hits)


class CandidateIndexContract(ABC):
    """What every engine does, whatever it keeps the fingerprints in."""

    @pytest.fixture
    @abstractmethod
    def another(self) -> Another:
        """Starts another instance of the app on the same, at first empty, collection."""

    def test_the_first_image_finds_nothing_not_even_itself(self, another: Another) -> None:
        assert another().add_and_search(A, 0, CAT) == []

    def test_a_look_alike_is_found_and_a_stranger_is_not(self, another: Another) -> None:
        log = another()
        log.add_and_search(A, 0, CAT)
        log.add_and_search(B, 0, DOG)
        assert log.add_and_search(C, 0, CAT) == [Hit(A, 0, View.UPRIGHT)]

    def test_an_image_of_another_instance_is_found_at_once(self, another: Another) -> None:
        ours, theirs = another(), another()
        ours.add_and_search(A, 0, CAT)
        theirs.add_and_search(B, 0, DOG)
        assert ids(theirs.add_and_search(C, 0, CAT)) == [A]
        assert ids(ours.add_and_search(A, 0, CAT)) == [C]

    def test_an_instance_that_starts_later_knows_everything(self, another: Another) -> None:
        log = another()
        for number in range(3 * MANY):
            log.add_and_search(image(str(number)).image_id, 0, CAT)
        assert len(another().add_and_search(A, 0, CAT)) == 3 * MANY
        late = another()
        late.catch_up()
        assert A in late.held(A[:2])
        assert late.refresh() == 3 * MANY + 1

    def test_an_overwritten_image_is_found_by_its_new_content_only(self, another: Another) -> None:
        log = another()
        log.add_and_search(A, 0, CAT)
        log.add_and_search(A, 0, DOG)
        assert log.add_and_search(B, 0, CAT) == []
        assert ids(log.add_and_search(C, 0, DOG)) == [A]

    def test_a_hit_tells_the_version_of_what_was_found(self, another: Another) -> None:
        log = another()
        log.add_and_search(A, 7, CAT)
        assert [hit.version for hit in log.add_and_search(B, 3, CAT)] == [7]
        log.add_and_search(A, 8, CAT)
        assert [hit.version for hit in another().search(B, 3, CAT)] == [8]

    def test_a_removed_image_is_not_found_by_any_instance(self, another: Another) -> None:
        ours, theirs = another(), another()
        ours.add_and_search(A, 0, CAT)
        theirs.refresh()
        ours.remove(A, 0)
        assert theirs.add_and_search(B, 0, CAT) == []
        assert another().add_and_search(B, 0, CAT) == []

    def test_adding_the_same_image_again_changes_nothing(self, another: Another) -> None:
        log = another()
        for _ in range(3):
            log.add_and_search(A, 0, CAT)
        assert ids(log.add_and_search(B, 0, CAT)) == [A]
        assert log.refresh() == 2

    def test_many_images_at_once_are_found_like_single_ones(self, another: Another) -> None:
        log = another()
        log.add_and_search(A, 0, CAT)
        strangers = [(image(str(number)).image_id, 0, DOG) for number in range(50)]
        assert log.add_all([*strangers, (B, 0, CAT)]) == 51
        assert ids(log.add_and_search(C, 0, CAT)) == sorted([A, B])
        assert another().refresh() == 53

    def test_the_highest_version_counts_whenever_it_comes(self, another: Another) -> None:
        ours, theirs = another(), another()
        ours.add_and_search(A, 7, CAT)
        with pytest.raises(Superseded) as late:
            theirs.add_and_search(A, 6, DOG)
        assert late.value.version == 7
        ours.remove(A, 6)
        for index in (ours, theirs, another()):
            assert ids(index.add_and_search(B, 1, CAT)) == [A]
        ours.remove(A, 8)
        ours.add_all([(A, 7, CAT)])
        for index in (ours, theirs, another()):
            assert ids(index.add_and_search(B, 1, CAT)) == []
            assert index.held(A[:2]).get(A) is None
        assert ids(ours.add_and_search(A, 9, CAT)) == [B]
        assert ours.held(A[:2])[A] == 9
        assert ids(another().search(C, 1, CAT)) == sorted([A, B])
        assert ours.remove_all([(A, 9), (B, 2)]) == 2
        assert another().search(C, 1, CAT) == []

    def test_instances_find_each_other_however_many_there_are(self, another: Another) -> None:
        logs = [another() for _ in range(3)]
        for number in range(5 * MANY):
            expected = sorted(image(str(earlier)).image_id for earlier in range(number))
            assert ids(logs[number % 3].add_and_search(image(str(number)).image_id, 0, CAT)) == expected

    def test_an_instance_that_slept_for_long_misses_none(self, another: Another) -> None:
        awake, asleep = another(), another()
        asleep.add_and_search(A, 0, CAT)
        for number in range(4 * MANY):
            awake.add_and_search(image(str(number)).image_id, 0, CAT)
        assert len(asleep.add_and_search(B, 0, CAT)) == 4 * MANY + 1

    def test_two_instances_with_eight_threads_each_always_find_each_others_look_alikes(self, another: Another) -> None:
        logs = [another(), another()]
        rounds = 6
        start = threading.Barrier(16)

        def add(worker: int) -> list[tuple[str, str, list[str]]]:
            found = []
            for number in range(rounds):
                start.wait(timeout=60)
                # Workers 0 and 8 have a look-alike pair, so have 1 and 9, ...: one on each instance.
                look = f"{number}-{worker % 8}"
                image_id = image(f"{look}-{worker}").image_id
                hits = logs[worker // 8].add_and_search(image_id, 0, fingerprints_of_text(look))
                found.append((look, image_id, ids(hits)))
            return found

        with ThreadPoolExecutor(16) as threads:
            results = [result for worker in threads.map(add, range(16)) for result in worker]
        pairs: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        for look, image_id, hits in results:
            pairs[look].append((image_id, hits))
        assert len(pairs) == 8 * rounds
        for (first, first_hits), (second, second_hits) in pairs.values():
            assert first_hits in ([], [second])
            assert second_hits in ([], [first])
            assert first_hits or second_hits
