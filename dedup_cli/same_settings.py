"""Whether the settings here are those of the app: else a command would judge and choose otherwise than the app."""

from collections.abc import Mapping
from typing import Final

from dedup_app.services import Services
from dedup_cli.presentation.output import as_argument
from dedup_core.errors import InvalidSetting

HEARD_LATER: Final = "what was changed in the app is known here once its timer has run"


def require_its_keepers(services: Services) -> None:
    """Raise `InvalidSetting` unless the copies that the app keeps are kept here, too: what goes goes by these.

    More may be protected here than there, after what is protected there.
    """
    report, settings = services.reports.latest_stats_report(), services.settings
    if report is None:
        return
    told = list(report.protected)
    if [it for it in settings.protected_prefixes if it in told] != told:
        export = as_argument(f"PROTECTED_PREFIXES={','.join(told)}")
        raise InvalidSetting(
            f"the app protects images that these settings do not, or in another order: export {export} here, too "
            f"({HEARD_LATER})"
        )
    _require("KEEPER_STEPS", "chooses which copy stays by other steps", report.told, settings.keeper_told)


def require_its_policy(services: Services) -> None:
    """Raise `InvalidSetting` unless the app judges as is judged here: else it would judge the next upload otherwise."""
    report = services.reports.latest_stats_report()
    if report is not None:
        _require("POLICY", "judges by another policy", report.told, services.settings.policy_told)


def _require(names: str, what: str, told: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Raise `InvalidSetting` unless the app has told the same of the settings whose names begin so."""
    theirs = {name: value for name, value in told.items() if name.startswith(names)}
    if theirs in ({}, here):  # an earlier version tells none
        return
    export = " ".join(as_argument(f"{name}={value}") for name, value in theirs.items())
    others = [name for name in here if name not in theirs]
    unset = f" and unset {' '.join(others)}" if others else ""
    raise InvalidSetting(f"the app {what} than these settings: export {export} here, too{unset} ({HEARD_LATER})")
