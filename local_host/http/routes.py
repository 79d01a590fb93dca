"""Route templates of HTTP triggers: `items/{id:int?}`, `{*rest}`, defaults and constraints."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from local_host.runtime.bindings import Function, HttpTrigger
from local_host.settings import SettingsError

_SEGMENT = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}?=]+)*)(?:=(?P<default>[^}]*))?(?P<optional>\?)?\}"
)
_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
    "guid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
}


@dataclass(frozen=True)
class Route:
    """One function's address: methods and a pattern that yields the route's parameters."""

    function: Function
    template: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    auth_level: str
    defaults: dict[str, str]

    @property
    def literal_length(self) -> int:
        """How much of the template is fixed: of two routes that match, the more exact one is taken."""
        return len(_SEGMENT.sub("", self.template))

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the route's parameters, or None when the request is not for this function."""
        if self.methods and method not in self.methods:
            return None
        found = self.pattern.fullmatch(path.strip("/"))
        if found is None:
            return None
        given = {name: unquote(value) for name, value in found.groupdict().items() if value is not None}
        return self.defaults | given


def make_route(function: Function, prefix: str) -> Route:
    """Compile the route of an HTTP function; raises SettingsError for a template that is not understood."""
    trigger = function.trigger
    if not isinstance(trigger, HttpTrigger):
        raise TypeError(f"{function.name} has no HTTP trigger")
    template = "/".join(part for part in (prefix, (trigger.route or function.name).strip("/")) if part)
    pattern, defaults = _compile(template)
    return Route(function, template, pattern, trigger.methods, trigger.auth_level, defaults)


def find_route(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the most exact route for a request, with its parameters."""
    found = [(route, parameters) for route in routes if (parameters := route.match(method, path)) is not None]
    return max(found, key=lambda pair: pair[0].literal_length, default=None)


def _compile(template: str) -> tuple[re.Pattern[str], dict[str, str]]:
    pattern = ""
    defaults: dict[str, str] = {}
    for position, segment in enumerate(template.split("/")):
        slash = "/" if position else ""
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            if "{" in segment:
                raise SettingsError(f"route {template!r}: {segment!r} is not understood")
            pattern += re.escape(slash + segment)
            continue
        piece = f"{slash}(?P<{match['name']}>{_value_pattern(match, template)})"
        if match["default"] is not None:
            defaults[match["name"]] = match["default"]
        pattern += f"(?:{piece})?" if match["optional"] or match["default"] is not None or match["rest"] else piece
    return re.compile(pattern, re.IGNORECASE), defaults


def _value_pattern(match: re.Match[str], template: str) -> str:
    if match["rest"]:
        return ".*"
    names = [name for name in match["constraints"].split(":") if name]
    unknown = [name for name in names if name not in _CONSTRAINTS]
    if unknown or len(names) > 1:
        raise SettingsError(f"route {template!r}: the constraint {':'.join(names)} is not supported here")
    return _CONSTRAINTS[names[0]] if names else "[^/]+"
