"""Each login's cookie is small, sealed, and good for this login only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_oauthclient.storage.login_cookie import USED
from flask_oauthclient.storage.login_cookie import LoginCookie
from flask_oauthclient.storage.login_cookie import cookie_expiry
from flask_oauthclient.storage.login_cookie import cookie_names
from flask_oauthclient.storage.login_cookie import is_login_cookie
from flask_oauthclient.storage.login_cookie import open_login
from flask_oauthclient.storage.login_cookie import seal_login
from flask_oauthclient.storage.sealing import Sealer

STATE = "s" * 30
EXPIRES = 1_800_000_000
DATA = {
    "redirect_uri": "https://application.example.com/auth/google/callback",
    "nonce": "n" * 20,
    "code_verifier": "v" * 48,
}


def test_a_cookie_carries_a_login(sealer: Sealer) -> None:
    value = seal_login(sealer, "demo", STATE, EXPIRES, DATA)
    assert open_login(sealer, "demo", STATE, value) == LoginCookie(EXPIRES, DATA)
    for secret in DATA.values():
        assert secret not in value


def test_a_cookie_may_only_prove_the_browser(sealer: Sealer) -> None:
    value = seal_login(sealer, "demo", STATE, EXPIRES, None)
    assert open_login(sealer, "demo", STATE, value) == LoginCookie(EXPIRES, None)
    assert len(value) < 60


def test_an_ordinary_cookie_has_at_most_400_bytes(sealer: Sealer) -> None:
    name = cookie_names("a-client-with-a-long-name", STATE)[1]
    value = seal_login(sealer, "a-client-with-a-long-name", STATE, EXPIRES, DATA)
    attributes = "; Secure; HttpOnly; Path=/; SameSite=Lax; Max-Age=600"
    assert len(f"{name}={value}{attributes}") <= 400


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text()),
        max_size=5,
    )
)
def test_whatever_json_is_kept_comes_back(extra: dict[str, Any]) -> None:
    sealer = Sealer(["secret of the test"])
    data = {**DATA, "extra": extra, "max_age": 5}
    value = seal_login(sealer, "demo", STATE, EXPIRES, data)
    opened = open_login(sealer, "demo", STATE, value)
    assert opened == LoginCookie(EXPIRES, data)


@pytest.mark.parametrize(
    ("client", "state"),
    [
        ("other", STATE),
        ("demo", "t" * 30),
        ("demo", STATE[:-1]),
        ("demos", STATE[1:]),
        ("demo " + STATE, ""),
    ],
)
def test_a_cookie_opens_for_its_own_login_only(client: str, state: str, sealer: Sealer) -> None:
    value = seal_login(sealer, "demo", STATE, EXPIRES, DATA)
    assert open_login(sealer, client, state, value) is None


def test_the_time_of_a_cookie_cannot_be_changed(sealer: Sealer) -> None:
    value = seal_login(sealer, "demo", STATE, EXPIRES, DATA)
    stated, _, sealed = value.partition(".")
    assert cookie_expiry(value) == EXPIRES
    for other in (f"{EXPIRES + 600:x}", stated.upper(), f"0{stated}", f"0x{stated}", "", "-1"):
        assert open_login(sealer, "demo", STATE, f"{other}.{sealed}") is None
    assert open_login(sealer, "demo", STATE, sealed) is None


@pytest.mark.parametrize(
    "value", ["", ".", "used", "x.y", "6b49d200", "6b49d200.", "\u0661.a", ".a", "f" * 5000]
)
def test_what_was_not_sealed_here_is_no_login(value: str, sealer: Sealer) -> None:
    assert open_login(sealer, "demo", STATE, value) is None


@given(st.text(max_size=200))
def test_reading_never_fails(value: str) -> None:
    assert open_login(Sealer(["secret"]), "demo", STATE, value) is None
    cookie_expiry(value)


def test_every_login_has_names_of_its_own() -> None:
    names = {
        name
        for client in ("git", "github", "git_hub")
        for state in ("a" * 30, "b" * 30, "hub_" + "a" * 26)
        for name in cookie_names(client, state)
    }
    assert len(names) == 18
    assert all(is_login_cookie(name) for name in names)
    assert not is_login_cookie("session")
    assert not is_login_cookie("__Host-session")


def test_the_names_say_nothing_of_the_login() -> None:
    plain, secure = cookie_names("demo", STATE)
    assert plain.startswith("oac_")
    assert secure.startswith("__Host-oac_")
    assert "demo" not in plain
    assert STATE[:5] not in plain
    assert max(map(len, (plain, secure))) <= 24


def test_the_mark_of_a_used_login_is_no_time() -> None:
    assert cookie_expiry(USED) is None
