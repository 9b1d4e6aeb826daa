"""Whatever is made of a token masks its secrets too."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.protocol.masked import MaskedDict
from flask_oauthclient.protocol.oauth1.token import OAuth1Token
from flask_oauthclient.protocol.oauth2.token import OAuth2Token

FIELDS = {"access_token": "SECRET", "oauth_token": "SECRET", "expires_in": 60, "expires_at": 5}


class Own(OAuth2Token):
    """A class of an application."""


def _in_place(token: Any) -> Any:
    token |= {"more": "SECRET"}
    return token


MADE: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "copy": (lambda token: token.copy(), {}),
    "copy.copy": (copy.copy, {}),
    "deepcopy": (copy.deepcopy, {}),
    "pickle": (lambda token: pickle.loads(pickle.dumps(token)), {}),
    "or": (lambda token: token | {"more": "SECRET"}, {"more": "SECRET"}),
    "or-wins": (lambda token: token | {"expires_at": 6}, {"expires_at": 6}),
    "reflected": (lambda token: {"expires_at": 6, "more": "SECRET"} | token, {"more": "SECRET"}),
    "in-place": (_in_place, {"more": "SECRET"}),
    "both": (lambda token: token | token, {}),
}


@pytest.mark.parametrize("kind", [OAuth1Token, OAuth2Token, Own])
@pytest.mark.parametrize(("make", "more"), MADE.values(), ids=MADE)
def test_it_is_of_the_same_class(make: Any, more: dict[str, Any], kind: type[MaskedDict]) -> None:
    token = kind(FIELDS)

    made = make(token)

    assert type(made) is kind
    assert made == {**FIELDS, **more}
    assert "SECRET" not in f"{made!r} {made}"
    assert repr(made).startswith(f"{kind.__name__}(")


@pytest.mark.parametrize("kind", [OAuth1Token, OAuth2Token])
def test_a_copy_is_another_token(kind: type[MaskedDict]) -> None:
    token = kind(FIELDS)

    token.copy()["more"] = "x"
    token | {"more": "x"}

    assert token == FIELDS


def test_a_copy_does_not_begin_to_live_anew() -> None:
    token = OAuth2Token({"access_token": "a", "expires_in": 60}, now=0)
    del token["expires_at"]

    assert token.copy() == {"access_token": "a", "expires_in": 60}


@pytest.mark.parametrize("other", [None, [("a", "b")], "text"])
def test_nothing_but_a_dict_can_be_joined(other: Any) -> None:
    token: Any = OAuth2Token(FIELDS)

    with pytest.raises(TypeError):
        token | other
    with pytest.raises(TypeError):
        other | token
