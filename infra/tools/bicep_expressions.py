"""What an expression of Bicep means: literals, loops, conditions, names, functions, and members of resources."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter

from infra.tools.bicep_functions import FUNCTIONS, LOADERS, NAMESPACES

Node = tree_sitter.Node
type Local = Mapping[str, Any]

_ESCAPES = {"\\'": "'", "\\n": "\n", "\\\\": "\\", "\\$": "$"}
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
}


class BicepError(Exception):
    """The file is wrong, or uses a part of the language that is not known here; the text says where."""


@dataclass(eq=False)
class Resource:
    """One resource with its values filled in."""

    symbol: str
    type: str
    api_version: str
    existing: bool
    file: str
    body: dict[str, Any] = field(default_factory=dict)
    parent: "Resource | None" = None

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def id(self) -> str:
        """The types and names that lead to it, such as `storageAccounts/images1/blobServices/default`."""
        if self.parent is None:
            return f"{self.type.partition('/')[2]}/{self.name}"
        return f"{self.parent.id}/{self.type.rpartition('/')[2]}/{self.name}"

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.body.get("properties", {}))

    @property
    def scope(self) -> "Resource":
        """The resource that a role assignment is about."""
        scope = self.body["scope"]
        if not isinstance(scope, Resource):
            raise BicepError(f"{self.file}: {self.symbol} has no resource as its scope")
        return scope

    def member(self, name: str) -> Any:
        """What `resource.name` means; a text in angle brackets where only Azure knows."""
        if name in {"id", "name"}:
            return getattr(self, name)
        if name == "location" and name in self.body:
            return self.body[name]
        return f"<{self.symbol}.{name}>"


class Expressions:
    """Evaluates the expressions of one file; `lookup` knows the file's names, `local` those of loops and lambdas."""

    def __init__(self, path: Path, lookup: Callable[[str], Any]) -> None:
        self._path = path
        self._lookup = lookup

    def value(self, node: Node, local: Local) -> Any:
        evaluate = getattr(self, "_" + node.type, None)
        if evaluate is None:
            raise self.error(node, f"{node.type} is not known here")
        return evaluate(node, local)

    def loop(self, node: Node, local: Local) -> Iterator[tuple[Local, Node]]:
        """The body of a loop once for each item, with the names that the loop gives it."""
        variable, items, body = node.named_children
        names = [text_of(it) for it in (variable.named_children or [variable])]
        for index, item in enumerate(self.value(items, local)):
            yield {**local, **dict(zip(names, (item, index), strict=False))}, body

    def object_property(self, node: Node, local: Local) -> tuple[str, Any]:
        key, value = node.named_children
        return self._string(key, local) if key.type == "string" else text_of(key), self.value(value, local)

    def error(self, node: Node, text: str) -> BicepError:
        return BicepError(f"{self._path.name}:{node.start_point[0] + 1}: {text}")

    def _string(self, node: Node, local: Local) -> str:
        parts = []
        for part in node.named_children:
            if part.type == "interpolation":
                value = self.value(part.named_children[0], local)
                parts.append(str(value).lower() if isinstance(value, bool) else str(value))
            else:
                parts.append(_ESCAPES.get(text_of(part), text_of(part)))
        return "".join(parts)

    def _number(self, node: Node, _local: Local) -> int:
        return int(text_of(node))

    def _boolean(self, node: Node, _local: Local) -> bool:
        return text_of(node) == "true"

    def _null(self, _node: Node, _local: Local) -> None:
        return None

    def _object(self, node: Node, local: Local) -> dict[str, Any]:
        return dict(self.object_property(item, local) for item in node.named_children if item.type != "comment")

    def _array(self, node: Node, local: Local) -> list[Any]:
        return [self.value(item, local) for item in node.named_children if item.type != "comment"]

    def _identifier(self, node: Node, local: Local) -> Any:
        name = text_of(node)
        if name in local:
            return local[name]
        try:
            return self._lookup(name)
        except KeyError:
            raise self.error(node, f"{name} is not declared") from None

    def _for_statement(self, node: Node, local: Local) -> list[Any]:
        return [self.value(body, inner) for inner, body in self.loop(node, local)]

    def _ternary_expression(self, node: Node, local: Local) -> Any:
        condition, yes, no = node.named_children
        return self.value(yes if self.value(condition, local) else no, local)

    def _unary_expression(self, node: Node, local: Local) -> bool:
        return not self.value(node.named_children[0], local)

    def _binary_expression(self, node: Node, local: Local) -> Any:
        left, right = node.named_children
        operator = text_of(node.children[1])
        if operator not in _OPERATORS:
            raise self.error(node, f"the operator {operator} is not known here")
        return _OPERATORS[operator](self.value(left, local), self.value(right, local))

    def _lambda_expression(self, node: Node, local: Local) -> Callable[[Any], Any]:
        variable, body = node.named_children
        return lambda item: self.value(body, {**local, text_of(variable): item})

    def _resource_expression(self, node: Node, _local: Local) -> Any:
        outer, inner = (text_of(it) for it in node.named_children)
        self._lookup(outer)
        return self._lookup(f"{outer}::{inner}")

    def _subscript_expression(self, node: Node, local: Local) -> Any:
        items, index = (self.value(it, local) for it in node.named_children)
        return items[index]

    def _parenthesized_expression(self, node: Node, local: Local) -> Any:
        return self.value(node.named_children[0], local)

    def _member_expression(self, node: Node, local: Local) -> Any:
        owner, name = self.value(node.named_children[0], local), text_of(node.named_children[-1])
        if isinstance(owner, Resource):
            return owner.member(name)
        if isinstance(owner, str) and owner.startswith("<"):
            return f"{owner[:-1]}.{name}>"
        if isinstance(owner, dict) and name in owner:
            return owner[name]
        raise self.error(node, f"there is no {name}")

    def _call_expression(self, node: Node, local: Local) -> Any:
        function, arguments = node.named_children
        name = text_of(function)
        values = [self.value(it, local) for it in arguments.named_children]
        if name in NAMESPACES:
            return NAMESPACES[name]
        if name in LOADERS:
            return LOADERS[name](self._path.parent / values[0])
        if name not in FUNCTIONS:
            raise self.error(node, f"the function {name} is not known here")
        return FUNCTIONS[name](*values)


def text_of(node: Node) -> str:
    return (node.text or b"").decode()
