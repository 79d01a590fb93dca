"""Ownership: a namespace of tables and queues belongs to one app, the first that started there, until handed over.

Two apps in one namespace would take each other's messages: work that names another container is refused as wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol

from dedup_app.configuration.setting_reader import NAMESPACE
from dedup_app.configuration.settings import Settings
from dedup_core.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Owner:
    """An app: the container that it watches and the name of its site in Azure, empty while no site has started.

    Both stay the same over restarts, instances and deployments. `since` is when it became the owner, `tag` the
    stored record's etag.
    """

    container: str
    site: str
    since: datetime
    tag: str = field(default="", compare=False, repr=False)

    def is_the_app(self, other: "Owner") -> bool:
        """Whether both are one app. What runs outside of Azure, as the command does, has no site."""
        return self.container == other.container and (not self.site or not other.site or self.site == other.site)

    def __str__(self) -> str:
        return f"the app {self.site + ' ' if self.site else ''}that watches the container {self.container}"


class OwnerRecord(Protocol):
    """The one record of a namespace that says whose it is."""

    def owner(self) -> Owner | None: ...

    def create_owner(self, owner: Owner) -> bool:
        """Write the record if there is none; whether it was written."""
        ...

    def replace_owner(self, owner: Owner, tag: str) -> bool:
        """Write the record if it still has this tag; whether it was written."""
        ...


class NamespaceTaken(InvalidSetting):
    """The namespace belongs to another app."""

    reason = "namespace-taken"


class OwnershipService:
    """Says whether this app may work here. What is asked of storage is asked once a process."""

    def __init__(self, *, record: OwnerRecord, settings: Settings, now: Callable[[], datetime]) -> None:
        self._record = record
        self._settings = settings
        self._now = now
        self._is_ours = False
        self._lock = Lock()

    def require(self) -> None:
        """Go on if the namespace is this app's or nobody's yet. Raises `NamespaceTaken`.

        Only a no is asked for again, so that an app goes on without a restart once the namespace is its own.
        """
        if not self._is_ours:
            with self._lock:
                self._is_ours = self._is_ours or self._claim()

    def require_anew(self) -> None:
        """As `require`, but the record is read again: it may have been handed over since. Raises `NamespaceTaken`."""
        with self._lock:
            self._is_ours = False
        self.require()

    def check(self) -> None:
        """Raise `NamespaceTaken` if it is another app's; nothing is written."""
        self._refuse_another(self._record.owner())

    def owner(self) -> Owner | None:
        """Whose the namespace is; None before the first app has started."""
        return self._record.owner()

    def take_over(self, site: str = "") -> Owner:
        """Hand the namespace to the app with these settings, whoever had it; without a site, to the next to start."""
        owner = self._this_app(site)
        while not ((before := self._record.owner()) and self._record.replace_owner(owner, before.tag)):
            if before is None and self._record.create_owner(owner):
                break
        return owner

    def _claim(self) -> bool:
        app = self._this_app(self._settings.site_name)
        while True:
            owner = self._record.owner()
            self._refuse_another(owner)
            if owner is None:
                if self._record.create_owner(app):  # else somebody was faster: whoever that is
                    return True
            elif (
                owner.site
                or not app.site
                or self._record.replace_owner(Owner(owner.container, app.site, owner.since), owner.tag)
            ):
                return True

    def _refuse_another(self, owner: Owner | None) -> None:
        app = self._this_app(self._settings.site_name)
        if owner is None or owner.is_the_app(app):
            return
        settings = self._settings
        place = f"namespace {settings.namespace}" if settings.namespace else "default namespace"
        hand_over = "dedup owner take-over" + (f" --site {app.site}" if app.site else "")
        raise NamespaceTaken(
            f"the {place} of account {settings.account or 'ImageStorage'} (table {settings.table('features')}, queue "
            f"{settings.verify_queue}) belongs since {owner.since:%Y-%m-%d} to {owner}; this is {app}. "
            f"Set {NAMESPACE} to a name of its own for this one or, if it takes the place of the other, which was "
            f"stopped, run `{hand_over}` with its settings"
        )

    def _this_app(self, site: str) -> Owner:
        return Owner(self._settings.image_container, site.lower(), self._now())
