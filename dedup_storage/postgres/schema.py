"""What the index is in PostgreSQL: three tables and three functions, in a schema of its own that the first use makes.

`images` has a row for each image that was ever heard of, without fingerprints where it was removed: its version keeps a
late addition from bringing it back. `words` has a row for each word of an image (`dedup_core/search/shared_words.py`),
but of a word that many images have only the first of them: the others are in `crowded`, which is asked only for words
that the likest of the images found share with what is asked for (docs/scale.md#crowded-words).
Functions carry the number of their revision, so that instances of two versions of the app can work side by side.
"""

from typing import Any, Final

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from dedup_app.event_log import EventLog
from dedup_core.fingerprinting.record import SCHEME
from dedup_core.search.shared_words import REVISION

log = EventLog(__name__)

PUT: Final = "put_4"
PUT_TYPES: Final = ("uuid[]", "bigint[]", "bigint[]", "bytea[]", "integer[]", "integer[]")
MET: Final = "met_3"
MET_TYPES: Final = ("integer[]", "integer")
FOUND: Final = "found_4"
FOUND_TYPES: Final = ("uuid", "bigint", "integer[]", "integer[]", "integer[]", "integer", "integer")
CROWD: Final = 10  # images that have a word, from which on more of them are a crowd: docs/scale.md#crowded-words
CROWD_GROWS: Final = 1 << 20  # images for each of which this number grows by one: chance brings so many together
_LIKE: Final = 3  # words in common that chance hardly ever makes
_LOCK: Final = 0x64656475_70696478  # any number, the same in all instances

# Stored as it is: 296 bytes of hashes do not compress.
_TABLES: Final = """
CREATE TABLE {schema}.images (
    id uuid PRIMARY KEY,
    slot integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    version bigint NOT NULL,
    content bigint,
    fingerprints bytea,
    words integer[] NOT NULL
);
ALTER TABLE {schema}.images ALTER COLUMN fingerprints SET STORAGE PLAIN, ALTER COLUMN words SET STORAGE PLAIN;
CREATE UNIQUE INDEX ON {schema}.images (slot);
CREATE INDEX ON {schema}.images (content) WHERE content IS NOT NULL;
CREATE TABLE {schema}.words (word integer NOT NULL, slot integer NOT NULL);
CREATE INDEX ON {schema}.words (word, slot);
"""

# A table of its own, because an index that an earlier version made has none.
_CROWDED: Final = """
CREATE TABLE IF NOT EXISTS {schema}.crowded (word integer NOT NULL, slot integer NOT NULL);
CREATE INDEX IF NOT EXISTS crowded_word_slot_idx ON {schema}.crowded (word, slot);
"""

_PUT: Final = """
CREATE FUNCTION {schema}.{put}(
    ids uuid[], versions bigint[], contents bigint[], all_fingerprints bytea[], all_words integer[], ends integer[]
) RETURNS void LANGUAGE plpgsql SET search_path = {schema}, pg_temp SET enable_seqscan = off AS $$
DECLARE
    new record;
    old record;
    is_known boolean;
    taken integer;
    crowded_words integer[];
BEGIN
    FOR new IN
        SELECT a.id, a.version, a.content, a.fingerprints,
               all_words[coalesce(lag(a.words_end) OVER (ORDER BY a.number), 0) + 1 : a.words_end] AS words
        FROM unnest(ids, versions, contents, all_fingerprints, ends)
            WITH ORDINALITY AS a(id, version, content, fingerprints, words_end, number)
        ORDER BY a.id  -- so that two batches cannot wait for each other
    LOOP
        LOOP
            SELECT i.slot, i.version, i.fingerprints, i.words INTO old FROM images i WHERE i.id = new.id FOR UPDATE;
            is_known := FOUND;
            EXIT WHEN is_known;
            INSERT INTO images (id, version, content, fingerprints, words)
                VALUES (new.id, new.version, new.content, new.fingerprints, new.words)
                ON CONFLICT (id) DO NOTHING RETURNING slot INTO taken;
            EXIT WHEN FOUND;
        END LOOP;
        IF is_known THEN
            CONTINUE WHEN old.version > new.version;
            IF old.fingerprints IS NOT DISTINCT FROM new.fingerprints THEN
                UPDATE images SET version = new.version WHERE id = new.id AND version < new.version;
                CONTINUE;
            END IF;
            taken := old.slot;
            DELETE FROM words w USING unnest(old.words) AS gone(word) WHERE w.word = gone.word AND w.slot = taken;
            DELETE FROM crowded c USING unnest(old.words) AS gone(word) WHERE c.word = gone.word AND c.slot = taken;
            UPDATE images SET version = new.version, content = new.content, fingerprints = new.fingerprints,
                words = new.words WHERE id = new.id;
        END IF;
        crowded_words := ARRAY(
            SELECT its.word FROM unnest(new.words) AS its(word)
            WHERE EXISTS (SELECT FROM words w WHERE w.word = its.word OFFSET {crowd} - 1 + taken / {crowd_grows})
        );
        INSERT INTO words (word, slot)
            SELECT its.word, taken FROM unnest(new.words) AS its(word) WHERE its.word <> ALL (crowded_words);
        INSERT INTO crowded (word, slot) SELECT its.word, taken FROM unnest(crowded_words) AS its(word);
    END LOOP;
END $$;
"""

# Counted by whoever asks: grouping them here takes as long again as reading them.
_MET: Final = """
CREATE FUNCTION {schema}.{met}(asked_words integer[], most_met integer)
RETURNS TABLE (slots integer[]) LANGUAGE plpgsql STABLE
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY SELECT ARRAY(SELECT w.slot FROM words w WHERE w.word = ANY (asked_words) LIMIT most_met);
END $$;
"""

_FOUND: Final = """
CREATE FUNCTION {schema}.{found}(
    asked_id uuid, asked_content bigint, asked_words integer[], likest integer[], shared_by integer[],
    most_met integer, most integer
)
RETURNS TABLE (id bytea, version bigint, fingerprints bytea) LANGUAGE plpgsql STABLE
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    near integer[] := likest;
    shared_words integer[];
BEGIN
    IF shared_by[1] >= {like} THEN
        shared_words := ARRAY(
            SELECT unnest(asked_words)
            INTERSECT
            SELECT unnest(i.words) FROM images i
            WHERE i.slot IN (
                SELECT it.slot FROM unnest(near[1:{crowd}], shared_by[1:{crowd}]) AS it(slot, shared)
                WHERE it.shared >= {like}
            )
        );
        near := ARRAY(
            SELECT it.slot
            FROM (
                SELECT * FROM unnest(near, shared_by)
                UNION ALL
                SELECT met.slot, count(*)
                FROM (SELECT c.slot FROM crowded c WHERE c.word = ANY (shared_words) LIMIT most_met) AS met
                GROUP BY met.slot HAVING count(*) > 1
            ) AS it(slot, shared)
            GROUP BY it.slot ORDER BY sum(it.shared) DESC, it.slot LIMIT most
        );
    END IF;
    RETURN QUERY
    SELECT uuid_send(i.id), i.version, NULL::bytea FROM images i WHERE i.id = asked_id
    UNION ALL
    SELECT uuid_send(i.id), i.version, i.fingerprints
    FROM (
        (SELECT same.slot FROM images same WHERE same.content = asked_content LIMIT most)
        UNION
        SELECT unnest(near)
    ) AS found(slot) JOIN images i ON i.slot = found.slot
    WHERE i.id <> asked_id;
END $$;
"""

# Whoever makes the schema owns it. In Azure the app and the person who runs `dedup reindex` are two roles, both members
# of this one: https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-create-users
_SHARED_BY: Final = "azure_pg_admin"
_SHARE: Final = f"""
GRANT USAGE, CREATE ON SCHEMA {{schema}} TO {_SHARED_BY};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{schema}} TO {_SHARED_BY};
"""


def schema_name(namespace: str) -> str:
    """The schema of a namespace, the scheme of fingerprints and the revision of words; an older one is of no use."""
    # No namespace is called so: they have no underscore, and begin with none of what PostgreSQL keeps for itself.
    kept = f"scheme_{SCHEME}_words_{REVISION}"
    return f"dedup_{namespace}_{kept}" if namespace else f"dedup_{kept}"


def ensure_schema(connection: Connection[Any], name: str) -> None:
    """Make the tables and functions that are not there; of several instances that want to, one does."""
    if _is_there(connection, name):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if not _has(connection, name, "to_regclass", "images"):
            connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(name)))
            connection.execute(_in_schema(_TABLES, name))
            _tell_of_older(connection, name)
        if not _is_there(connection, name):
            connection.execute(_in_schema(_CROWDED, name))
            for function, text in ((PUT, _PUT), (MET, _MET), (FOUND, _FOUND)):
                if not _has(connection, name, "to_regproc", function):
                    connection.execute(_in_schema(text, name))
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_SHARED_BY]).fetchone():
                connection.execute(_in_schema(_SHARE, name))


def _tell_of_older(connection: Connection[Any], name: str) -> None:
    """An app that was updated begins with an empty index, and finds nothing in it until somebody fills it."""
    kept_in = name[: name.index("scheme_")] + "scheme_"
    older = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) AND nspname <> %s", [kept_in, name]
    ).fetchall()
    if older:
        log.warning(
            "index_outdated",
            schemas=", ".join(sorted(schema for (schema,) in older)),
            remedy="run `dedup reindex`, then `dedup reconcile --deep --fix`",
        )


def _is_there(connection: Connection[Any], name: str) -> bool:
    """Whether the functions are there, which are made last; nothing has to be allowed for a look."""
    return _has(connection, name, "to_regproc", FOUND)


def _has(connection: Connection[Any], name: str, look: str, what: str) -> bool:
    row = connection.execute(SQL("SELECT {}(%s)").format(SQL(look)), [f'"{name}"."{what}"']).fetchone()
    return row is not None and row[0] is not None


def _in_schema(text: str, name: str) -> Composed:
    return SQL(text).format(
        schema=Identifier(name),
        put=Identifier(PUT),
        met=Identifier(MET),
        found=Identifier(FOUND),
        crowd=CROWD,
        crowd_grows=CROWD_GROWS,
        like=_LIKE,
    )
