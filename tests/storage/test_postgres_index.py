"""The engine on PostgreSQL: the contract of all engines, the hits of the embedded one, and what only it can do."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from PIL import Image, ImageOps
from psycopg.sql import SQL, Identifier

from dedup_app.configuration.index_address import IndexAddress
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_storage.postgres.postgres_index import PostgresIndex
from dedup_storage.postgres.schema import CROWD, FOUND, MET, PUT
from tests.core.pictures import brighter, cropped, jpeg, padded, scene, working
from tests.storage.candidate_index import CAT, DOG, A, B, C, CandidateIndexContract, ids
from tests.storage.examples import image

SCHEMA = "dedup_scheme_2_words_3"

type Another = Callable[[], PostgresIndex]


class TestPostgresIndex(CandidateIndexContract):
    @pytest.fixture
    def another(self, index_url: str) -> Iterator[Another]:  # type: ignore[override]
        started: list[PostgresIndex] = []

        def start() -> PostgresIndex:
            started.append(PostgresIndex(IndexAddress.parse(index_url), "", lambda: ""))
            return started[-1]

        yield start
        for index in started:
            index.close()

    def test_hits_are_those_of_the_embedded_index(self, another: Another) -> None:
        original, engine = scene(1), another()
        held = {f"strange {seed}": scene(seed) for seed in range(2, 8)} | {
            "itself": original,
            "JPEG": jpeg(original, 30),
            "brighter": brighter(original, 40),
            "on white": padded(original, 0.2, "white"),
            "inverted": ImageOps.invert(original),
            "part": cropped(original, 0.1, 0.2, 0.9, 0.95),
            "turned by 20": original.rotate(20, Image.Resampling.BICUBIC, expand=True),
            **{method.name: original.transpose(method) for method in Image.Transpose},
        }
        known = {image(name).image_id: _looked_at(it, name) for name, it in held.items()}
        engine.add_all((image_id, 1, it) for image_id, it in known.items())
        embedded: FingerprintIndex = FingerprintIndex()
        for image_id, it in known.items():
            embedded.add(image_id, it)
        for image_id, it in known.items():
            assert engine.search(image_id, 1, it) == [hit for hit in embedded.search(it) if hit.image_id != image_id]
        assert len(engine.search(image("itself").image_id, 1, known[image("itself").image_id])) == len(held) - 7

    def test_a_flat_picture_meets_the_same_file_only(self, another: Another) -> None:
        index = another()
        flat, other = (Fingerprints(content, np.zeros((0, 32), np.uint8)) for content in (b"12345678", b"12345679"))
        index.add_all([(A, 0, flat), (B, 0, other)])
        assert ids(index.add_and_search(C, 0, flat)) == [A]

    def test_an_image_that_comes_twice_in_a_batch_counts_as_it_is_last(self, another: Another) -> None:
        index = another()
        assert index.add_all([(A, 2, DOG), (A, 3, CAT), (A, 1, DOG), (B, 1, DOG), (B, 1, CAT)]) == 5
        assert index.held("") == {A: 3, B: 1}
        assert ids(index.search(C, 0, CAT)) == sorted([A, B])

    def test_what_was_overwritten_or_removed_leaves_no_words(self, another: Another, index_url: str) -> None:
        index = another()
        crowd = [image(str(number)).image_id for number in range(2 * CROWD)]
        index.add_all([(A, 1, CAT), (B, 1, DOG), *((image_id, 1, CAT) for image_id in crowd)])
        index.add_and_search(A, 2, DOG)
        index.remove_all((image_id, 3) for image_id in (A, B, *crowd))
        assert rows(index_url, "words") == rows(index_url, "crowded") == 0

    def test_an_image_of_a_crowd_is_found_as_any_other(self, another: Another, index_url: str) -> None:
        index, form = another(), _looked_at(scene(1), "form")
        crowd = sorted(image(str(number)).image_id for number in range(3 * CROWD))
        index.add_all((image_id, 1, form) for image_id in crowd)
        assert rows(index_url, "words") * 2 == rows(index_url, "crowded")
        for asked in (form, _looked_at(cropped(scene(1), 0.15, 0.1, 0.9, 0.9), "part")):
            assert ids(index.search(A, 0, asked)) == crowd

    def test_strangers_do_not_bring_up_the_crowd_with_which_they_share_words(
        self, another: Another, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two words in common are chance; each of the crowd that is looked at costs as much as a look-alike."""
        index, form, stranger = another(), _looked_at(scene(1), "form"), _looked_at(scene(2), "stranger")
        two = replace(stranger.keypoints, words=np.append(form.keypoints.words[:2], stranger.keypoints.words[2:]))
        index.add_all((image(str(number)).image_id, 1, form) for number in range(3 * CROWD))
        looked_at: list[int] = []
        add_many = FingerprintIndex.add_many
        monkeypatch.setattr(
            FingerprintIndex,
            "add_many",
            lambda self, ids, *them: looked_at.append(len(ids)) or add_many(self, ids, *them),
        )
        index.search(A, 0, replace(stranger, keypoints=two, asked=two))
        assert looked_at == [CROWD]

    @pytest.mark.parametrize("knows_of_crowds", [False, True])
    def test_an_index_of_an_earlier_app_goes_on_as_it_is(
        self, another: Another, index_url: str, *, knows_of_crowds: bool
    ) -> None:
        another().add_all([(A, 1, CAT), (B, 1, DOG)])
        make_earlier(index_url, knows_of_crowds=knows_of_crowds)
        index = another()
        assert ids(index.add_and_search(C, 0, CAT)) == [A]
        index.remove(A, 2)
        assert index.held("") == {B: 1, C: 0}

    def test_an_index_of_an_earlier_revision_is_told_of(
        self, another: Another, index_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with psycopg.connect(index_url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA dedup_scheme_2")
            connection.execute("CREATE SCHEMA dedup_shop_scheme_2")
        assert another().refresh() == 0
        assert '"index_outdated", "schemas": "dedup_scheme_2", "remedy": "run `dedup reindex`' in caplog.text

    @pytest.mark.parametrize(("by_itself", "kept"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
    def test_what_is_put_is_on_disk_before_it_counts_as_put(
        self, another: Another, index_url: str, by_itself: str, kept: str
    ) -> None:
        """Where the database has it off, a crash of the server took images along that were told to be `indexed`."""
        database = Identifier(IndexAddress.parse(index_url).database)
        with psycopg.connect(index_url, autocommit=True) as connection:
            connection.execute(SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(database, SQL(by_itself)))
        index = another()
        index.add_and_search(A, 1, CAT)
        with psycopg.connect(index_url, autocommit=True) as connection:
            connection.execute("""
                CREATE TABLE seen (how text);
                CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO public.seen VALUES (current_setting('synchronous_commit'));
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE ON dedup_scheme_2_words_3.images
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();
            """)
            index.add_and_search(B, 1, CAT)
            index.remove(A, 2)
            index.add_all([(A, 3, DOG)])
            assert connection.execute("SELECT how FROM seen").fetchall() == 3 * [(kept,)]

    def test_many_that_start_at_once_make_one_schema(self, another: Another) -> None:
        indexes = [another() for _ in range(6)]
        with ThreadPoolExecutor(len(indexes)) as threads:
            numbers = range(len(indexes))
            list(threads.map(lambda at: indexes[at].add_and_search(image(str(at)).image_id, 0, CAT), numbers))
        assert another().refresh() == len(indexes)

    def test_the_app_and_whoever_fills_it_are_two_roles_in_azure(self, index_url: str) -> None:
        number = secrets.token_hex(4)
        app, person = f"app_{number}", f"person_{number}"
        with psycopg.connect(index_url, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'azure_pg_admin'").fetchone():
                connection.execute("CREATE ROLE azure_pg_admin")
            for role in (app, person):
                connection.execute(SQL("CREATE ROLE {} LOGIN IN ROLE azure_pg_admin").format(Identifier(role)))
            database = Identifier(connection.info.dbname)
            connection.execute(SQL("GRANT CREATE ON DATABASE {} TO azure_pg_admin").format(database))
        of_person, of_app = (
            PostgresIndex(IndexAddress.parse(index_url.replace("postgres:@", f"{role}@")), "", lambda: "")
            for role in (person, app)
        )
        of_person.add_all([(A, 1, CAT)])
        make_earlier(index_url)
        assert ids(of_app.add_and_search(B, 1, CAT)) == [A]
        of_person.remove_all([(B, 2)])
        assert of_app.held("") == {A: 1}
        of_person.close()
        of_app.close()
        with psycopg.connect(index_url, autocommit=True) as connection:  # roles are of the whole server
            for role in (app, person):
                connection.execute(SQL("DROP OWNED BY {} CASCADE").format(Identifier(role)))
                connection.execute(SQL("DROP ROLE {}").format(Identifier(role)))

    @pytest.mark.parametrize("name", ["second", "dedup", "pg"])
    def test_namespaces_know_nothing_of_each_other(self, index_url: str, name: str) -> None:
        first, second = (PostgresIndex(IndexAddress.parse(index_url), it, lambda: "") for it in ("", name))
        first.add_and_search(A, 0, CAT)
        assert second.add_and_search(B, 0, CAT) == []
        first.close()
        second.close()


def rows(index_url: str, table: str) -> int:
    with psycopg.connect(index_url) as connection:
        counted = SQL("SELECT count(*) FROM {}").format(Identifier(SCHEMA, table))
        (count,) = connection.execute(counted).fetchone() or (-1,)
        return int(count)


def make_earlier(index_url: str, *, knows_of_crowds: bool = False) -> None:
    """The index as an app left it that counted on the server, or knew of no crowds either."""
    later = [("FUNCTION", MET), ("FUNCTION", FOUND)]
    with psycopg.connect(index_url, autocommit=True) as connection:
        for kind, name in later if knows_of_crowds else [*later, ("FUNCTION", PUT), ("TABLE", "crowded")]:
            connection.execute(SQL("DROP {} {}").format(SQL(kind), Identifier(SCHEMA, name)))


def _looked_at(picture: Image.Image, name: str) -> Fingerprints:
    return fingerprints_of(working(picture), name.encode().ljust(8)[:8])
