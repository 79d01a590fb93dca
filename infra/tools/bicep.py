"""Reads Bicep: a syntax check by tree-sitter's grammar, and what a template creates for given parameters.

It is no compiler. It knows the part of the language that infra/ uses, and stands up for what a compiler would refuse:
unknown names, modules with missing or unknown parameters, values of the wrong type. What only a deployment can know (an
address, an identity's id) becomes a text that names it, such as `<identity.properties.principalId>`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep

from infra.tools.bicep_expressions import BicepError, Expressions, Local, Node, Resource, text_of

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
_TYPES: Mapping[str, type] = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}


@dataclass(eq=False)
class Deployment:
    """What a template and its modules create, and what they give back."""

    resources: list[Resource]
    outputs: dict[str, Any]

    def of_type(self, name: str) -> list[Resource]:
        """Those that are created, not those that are only referred to."""
        return [it for it in self.resources if it.type == name and not it.existing]


def deploy(path: Path, parameters: Mapping[str, Any]) -> Deployment:
    """Everything that the template creates with these parameters. Raises `BicepError`."""
    template = _Template(path, parameters)
    template.evaluate()
    return Deployment(template.resources, template.outputs)


def syntax_errors(path: Path) -> list[str]:
    """Where the file is no Bicep; empty if it is."""

    def look(node: Node) -> Iterator[str]:
        if node.type == "ERROR" or node.is_missing:
            row, column = node.start_point
            yield f"{path.name}:{row + 1}:{column + 1}: {text_of(node)[:60]!r}"
        for child in node.children:
            yield from look(child)

    return list(look(_root(path)))


def declared_parameters(path: Path) -> dict[str, str]:
    """The parameters of a file and their types."""
    found = (it.named_children for it in _root(path).children if it.type == "parameter_declaration")
    return {text_of(name): text_of(kind) for name, kind, *_ in found}


def unused_names(path: Path) -> set[str]:
    """Parameters and variables that nothing in the file uses."""
    declared: set[str] = set()
    used: set[str] = set()

    def look(node: Node) -> None:
        for index, child in enumerate(node.named_children):
            if index == 0 and node.type in {"parameter_declaration", "variable_declaration"}:
                declared.add(text_of(child))
            elif child.type == "identifier" and not (index == 0 and node.type == "object_property"):
                used.add(text_of(child))
            look(child)

    look(_root(path))
    return declared - used


def _root(path: Path) -> Node:
    return _PARSER.parse(path.read_bytes()).root_node


class _Template:
    """One file with its parameters; names are evaluated when they are first needed, in whatever order they stand."""

    def __init__(self, path: Path, parameters: Mapping[str, Any]) -> None:
        errors = syntax_errors(path)
        if errors:
            raise BicepError("; ".join(errors))
        self.path = path
        self.resources: list[Resource] = []
        self.outputs: dict[str, Any] = {}
        self._expressions = Expressions(path, self._lookup)
        self._values: dict[str, Any] = {}
        self._declarations: dict[str, Node] = {}
        self._outputs: dict[str, Node] = {}
        self._given = dict(parameters)
        self._read_declarations()

    def evaluate(self) -> None:
        for name in self._declarations:
            self._lookup(name)
        self.outputs = {name: self._expressions.value(node, {}) for name, node in self._outputs.items()}

    def _read_declarations(self) -> None:
        for node in _root(self.path).named_children:
            if not node.type.endswith("_declaration"):
                continue
            name = text_of(node.named_children[0])
            if node.type == "output_declaration":
                self._outputs[name] = node.named_children[-1]
            elif name in self._declarations:
                raise self._expressions.error(node, f"{name} is declared twice")
            else:
                self._declarations[name] = node
        unknown = set(self._given) - set(declared_parameters(self.path))
        if unknown:
            raise BicepError(f"{self.path.name} has no parameter {', '.join(sorted(unknown))}")

    def _lookup(self, name: str) -> Any:
        """The value of a name of this file. Raises `KeyError` if there is none."""
        if name not in self._values:
            node = self._declarations[name]
            self._values[name] = getattr(self, "_" + node.type)(node)
        return self._values[name]

    def _parameter_declaration(self, node: Node) -> Any:
        name, kind, *default = node.named_children
        if text_of(name) in self._given:
            value = self._given[text_of(name)]
        elif default:
            value = self._expressions.value(default[0], {})
        else:
            raise BicepError(f"{self.path.name} needs the parameter {text_of(name)}")
        expected = _TYPES.get(text_of(kind))
        if expected is None or not isinstance(value, expected) or (isinstance(value, bool) and expected is int):
            raise self._expressions.error(node, f"{text_of(name)} is {value!r}, which is no {text_of(kind)}")
        return value

    def _variable_declaration(self, node: Node) -> Any:
        return self._expressions.value(node.named_children[-1], {})

    def _resource_declaration(self, node: Node) -> Any:
        return self._each(node, lambda body, local: self._resource(node, body, local, None))

    def _module_declaration(self, node: Node) -> Any:
        return self._each(node, lambda body, local: self._module(node, body, local))

    def _each(self, node: Node, make: Callable[[Node, Local], Any]) -> Any:
        """The one thing that is declared, a list of them for a loop, None if its condition is false."""
        body = node.named_children[-1]
        if body.type == "for_statement":
            return [make(inner, local) for local, inner in self._expressions.loop(body, {})]
        if body.type == "if_statement":
            condition, body = body.named_children
            if not self._expressions.value(condition, {}):
                return None
        return make(body, {})

    def _resource(self, node: Node, body: Node, local: Local, outer: Resource | None) -> Resource:
        symbol, kind = node.named_children[:2]
        type_name, _, version = self._expressions.value(kind, {}).partition("@")
        if outer is not None:
            type_name, version = f"{outer.type}/{type_name}", version or outer.api_version
        if not version:
            raise self._expressions.error(node, "the type has no version")
        existing = any(it.type == "existing" for it in node.children)
        resource = Resource(text_of(symbol), type_name, version, existing, self.path.name, parent=outer)
        for item in body.named_children:
            if item.type == "comment":
                continue
            inner = item.named_children[0]
            if inner.type == "resource_declaration":
                nested = self._resource(inner, inner.named_children[-1], local, resource)
                self._values[f"{resource.symbol}::{nested.symbol}"] = nested
            else:
                resource.body.update([self._expressions.object_property(item, local)])
        resource.parent = resource.body.pop("parent", outer)
        if resource.parent is not None and type_name.rpartition("/")[0] != resource.parent.type:
            raise self._expressions.error(node, f"a {type_name} cannot be in a {resource.parent.type}")
        self.resources.append(resource)
        return resource

    def _module(self, node: Node, body: Node, local: Local) -> dict[str, Any]:
        content = self._expressions.value(body, local)
        file = self._expressions.value(node.named_children[1], {})
        inner = _Template(self.path.parent / file, content.get("params", {}))
        inner.evaluate()
        self.resources += inner.resources
        return {"name": content["name"], "outputs": inner.outputs}
