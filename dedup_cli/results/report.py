"""`dedup report`: groups of copies as one page with small pictures, to send to somebody who has no account."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.ports.pairs import PairRow
from dedup_app.queries.review import GroupFilter, State
from dedup_app.services import Services
from dedup_cli.connection import services_of
from dedup_cli.named_images import note_prefix
from dedup_cli.presentation.html_page import NO_PICTURE, escaped, figure, outlined, page, picture_of
from dedup_cli.presentation.output import console, counted, plain, tell
from dedup_cli.presentation.progress import progress
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_cli.results.duplicates import Prefix, Since
from dedup_core.comparison.regions import Region, changed
from dedup_core.comparison.verdict import Verdict
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import Family, ImageFacts
from dedup_core.groups.group import Group, Member
from dedup_core.paths import ImagePath

MOST_OF_A_GROUP = 12  # pictures of a crowd that are shown; the others are counted
READS_AT_ONCE = 4  # images, as they are read and decoded: a machine of four cores is busy with them
TITLES = {
    Family.SAME: "Copies",
    Family.ALTERED: "Altered pictures",
    Family.COLOR: "Color variants",
    Family.APART: "Pictures that are no copies",
}
STYLES = {Family.SAME: "copy", Family.ALTERED: "other", Family.COLOR: "other", Family.APART: "other"}


def report(
    context: typer.Context,
    html: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")],
    verdict: Annotated[Family, typer.Option(help="Which groups.")] = Family.SAME,
    state: Annotated[State, typer.Option(help="Those that people have decided, or not.")] = State.ALL,
    prefix: Prefix = "",
    since: Since = None,
    most: Annotated[
        int, typer.Option(min=1, max=2_000, help="How many groups are on the page, the newest first.")
    ] = 200,
) -> None:
    """Write groups of copies with small pictures into one page that loads nothing and runs nothing.

    It first says how many images it reads: those of the groups on the page, each once.

    Example: dedup report --html copies.html --prefix uploads/ --since 2026-11-01
    """
    check_place(html)
    services = services_of(context)
    note_prefix(services, prefix)
    start = None if since is None else since.replace(tzinfo=UTC)
    wanted = GroupFilter(verdict, state=state, prefix=prefix, since=start)
    found = services.review.matching(wanted)
    shown = found[:most]
    images = [image for group in shown for image in _shown(group)]
    size = sum(image.byte_size for image in images) / 1e6
    left_out = f"; groups left out: {len(found) - len(shown):,} (--most)" if len(found) > len(shown) else ""
    tell(f"reads {counted(len(images), 'image')} of {counted(len(shown), 'group')}, {size:,.1f} MB in all{left_out}")
    pictures = _pictures(services, images)
    gain = sum(it.bytes_to_gain for it in found) / 1e6
    told = (
        f"{len(shown):,} of {counted(len(found), 'group')}, {gain:,.1f} MB to gain in all; "
        f"made on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Nothing was changed or deleted."
    )
    compared = (services.review.pairs_of(group, MOST_OF_A_GROUP - 1) for group in shown)
    sections = (_section(group, pairs, pictures) for group, pairs in zip(shown, compared, strict=True))
    body = "\n".join(sections) or "<p>No group is as was asked for.</p>"
    write_whole(html, page(f"{TITLES[verdict]} in the container {services.settings.image_container}", told, body))
    console().print(Text(f"the page is at {plain(str(html))}", style="dim"))


def _shown(group: Group) -> Sequence[ImageFacts]:
    return list(group.images)[:MOST_OF_A_GROUP]


def _pictures(services: Services, images: Sequence[ImageFacts]) -> dict[bytes, str]:
    """The markup of each picture, a few images read at a time and only their small copies held.

    One that cannot be read leaves its place empty and says why; storage that is busy ends it all.
    """
    once = {image.image_id: image for image in images}
    with progress("images") as count, ThreadPoolExecutor(READS_AT_ONCE) as threads:
        made: dict[bytes, str] = {}
        for number, (image_id, picture) in enumerate(
            zip(once, threads.map(lambda it: _picture(services, it), once.values()), strict=True), 1
        ):
            made[image_id] = picture
            count(number)
    return made


def _picture(services: Services, image: ImageFacts) -> str:
    try:
        return picture_of(services.loader.load(ImagePath.parse(image.path)).working.pixels, image.path)
    except PermanentError as error:
        return NO_PICTURE.format(escaped(error.reason))


def _section(group: Group, pairs: Mapping[bytes, PairRow], pictures: Mapping[bytes, str]) -> str:
    return f'<section class="group">{"".join(_figures(group, pairs, pictures))}</section>'


def _figures(group: Group, pairs: Mapping[bytes, PairRow], pictures: Mapping[bytes, str]) -> Iterator[str]:
    members = group.members[: MOST_OF_A_GROUP - 1]
    compared = {it: pair.verdict for it, pair in pairs.items() if pair.verdict is not None}
    why = "; ".join(group.why)
    style, word = ("other", "unsure") if group.is_unsure else ("keep", "keep")
    regions = _changed(compared.get(members[0].facts.image_id)) if len(members) == 1 else []
    keeper = outlined(pictures[group.keeper.image_id], [region.left for region in regions])
    yield figure(keeper, group.keeper.path, _size(group.keeper), style, word, why)
    for member in members:
        verdict = compared.get(member.facts.image_id)
        kind, style = (
            member.link.kind.value.replace("_", " ") if member.link else group.family.value,
            STYLES[group.family],
        )
        if member.is_unsure:
            kind, style = f"{kind}, unsure", "other"
        picture = outlined(pictures[member.facts.image_id], [region.right for region in _changed(verdict)])
        told = "; ".join(filter(None, [_decision(member), *(verdict.reasons if verdict else ())]))
        yield figure(picture, member.facts.path, _size(member.facts), style, kind, told)
    if (more := len(group.members) - len(members)) > 0:
        yield f'<p class="quiet">and {more:,} more</p>'


def _changed(verdict: Verdict | None) -> list[Region]:
    """The parts in which the two show something else."""
    return changed(verdict.regions) if verdict else []


def _decision(member: Member) -> str:
    if member.decided is None or member.decided.decision is None:
        return ""
    return f"decided by {member.decided.by or 'a person'}: {member.decided.decision.value.replace('_', ' ')}"


def _size(facts: ImageFacts) -> str:
    return f"{facts.width} x {facts.height}, {facts.byte_size:,} bytes"
