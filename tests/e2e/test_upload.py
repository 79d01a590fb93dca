"""Images that land, from the upload to the verdict."""

from dedup_app.image_status import INDEXED, ImageStatus
from dedup_core.comparison.verdict import VerdictKind
from tests.core.drawings import drawn, encoded
from tests.e2e.app import App


def test_uploads_are_indexed_or_rejected_and_their_look_alikes_verified(app: App) -> None:
    shirt = drawn(1)
    app.upload(
        {
            "shop/a b#1.png": encoded(shirt),
            "shop/copy 100%.png": encoded(shirt),
            "shop/ähnlich.jpg": encoded(shirt, "JPEG"),
            "shop/stranger.png": encoded(drawn(2)),
            "shop/letter.jpg": b"Dear Sir or Madam",
        }
    )
    with app.host():
        app.wait_until_idle(5)
    rows = app.rows()
    assert rows.pop("shop/letter.jpg").status == ImageStatus.rejected("unsupported-format")
    assert {row.status for row in rows.values()} == {INDEXED}
    kinds = {names: pair.verdict.kind for names, pair in app.pairs().items()}
    assert kinds == {
        frozenset({"shop/a b#1.png", "shop/copy 100%.png"}): VerdictKind.IDENTICAL,
        frozenset({"shop/a b#1.png", "shop/ähnlich.jpg"}): VerdictKind.DUPLICATE,
        frozenset({"shop/copy 100%.png", "shop/ähnlich.jpg"}): VerdictKind.DUPLICATE,
    }


def test_an_overwritten_image_is_looked_up_again(app: App) -> None:
    app.upload({"a.png": encoded(drawn(1)), "b.png": encoded(drawn(2))})
    with app.host():
        app.wait_until_idle(2)
        assert app.pairs() == {}
        app.upload({"b.png": encoded(drawn(1))})
        assert app.wait_for_verdict("a.png", "b.png").verdict.kind is VerdictKind.IDENTICAL
