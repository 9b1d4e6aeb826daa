"""Every code that the package gives is in the table, and every code of the table is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_oauthclient
from flask_oauthclient.protocol import errors
from flask_oauthclient.protocol.error_codes import CODES

PACKAGE = Path(flask_oauthclient.__file__).parent
#: Not ours to raise: what a class is called that others derive from.
ABSTRACT = {"oauth_error"}
#: The class's own default, for an error whose code comes from the provider.
FROM_PROVIDER = {"TokenRequestError"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The modules of the package, but for those of the development provider."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "testing" not in path.relative_to(PACKAGE).parts:
            yield path, ast.parse(path.read_text("utf-8"))


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def constants(node: ast.expr) -> Iterator[str]:
    """The strings that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def raised(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Codes that are given to an error where it is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_error(name_of(node.func)):
            given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "error")]
            for code in (code for expression in given for code in constants(expression)):
                yield node.lineno, code


def is_error(name: str) -> bool:
    """Whether a name is one of our error classes."""
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, errors.OAuthError)


def own_words(tree: ast.Module) -> Iterator[str]:
    """Every string of a module, except for the keys of the tables of codes."""
    tables = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and name_of(node.target) in ("CODES", "REFUSALS")
    ]
    keys = {id(key) for table in tables if isinstance(table, ast.Dict) for key in table.keys}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            yield node.value


def test_every_code_that_is_raised_is_in_the_table() -> None:
    unknown = [
        f"{path.relative_to(PACKAGE)}:{line}: {code}"
        for path, tree in modules()
        for line, code in raised(tree)
        if code not in CODES
    ]

    assert unknown == []


def test_the_walk_finds_something() -> None:
    found = {code for _, tree in modules() for _, code in raised(tree)}

    assert {"insecure_transport", "invalid_claim", "metadata_not_found", "missing_iss"} <= found


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_table_is_used(code: str) -> None:
    assert any(code in set(own_words(tree)) for _, tree in modules())


def test_every_class_has_a_code_of_the_table() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    kinds = [k for k in kinds if issubclass(k, errors.OAuthError) and "error" in vars(k)]
    codes = {k.__name__: k.error for k in kinds if k.__name__ not in FROM_PROVIDER}

    assert {name: code for name, code in codes.items() if code not in CODES} == {
        "OAuthError": "oauth_error"
    }
    assert ABSTRACT.isdisjoint(CODES)
