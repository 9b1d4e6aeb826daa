from __future__ import annotations

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import Persona
from tests.testing._relying_party import RelyingParty


@pytest.mark.parametrize(
    ("scope", "present", "absent"),
    [
        ("openid", {"sub"}, {"name", "email", "address", "phone_number"}),
        ("openid profile", {"name", "locale"}, {"email"}),
        ("openid email", {"email", "email_verified"}, {"name"}),
        ("openid address phone", {"address", "phone_number"}, {"name", "email"}),
    ],
)
def test_userinfo_gives_the_claims_of_the_scopes(
    rp: RelyingParty, scope: str, present: set[str], absent: set[str]
) -> None:
    claims = rp.bearer("/userinfo", rp.login(scope=scope)["access_token"]).json()
    assert present <= set(claims)
    assert not absent & set(claims)


def test_userinfo_by_post_with_header_or_form(rp: RelyingParty) -> None:
    token = rp.login()["access_token"]
    by_header = rp.post("/userinfo", headers={"Authorization": f"bearer {token}"})
    by_form = rp.post("/userinfo", data={"access_token": token})
    assert by_header.json() == by_form.json()
    assert by_form.headers["Cache-Control"] == "no-store"


def test_a_missing_token_is_challenged_without_an_error_code(rp: RelyingParty) -> None:
    for response in (
        rp.get("/userinfo"),
        rp.get("/userinfo", params={"access_token": rp.login()["access_token"]}),
        rp.get("/userinfo", headers={"Authorization": "Basic eDp5"}),
    ):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="development provider"'


def test_a_bad_token_is_challenged_with_an_error_code(rp: RelyingParty) -> None:
    response = rp.bearer("/userinfo", "made-up")
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert response.json()["error"] == "invalid_token"


def test_two_tokens_at_once_are_refused(rp: RelyingParty) -> None:
    token = rp.login()["access_token"]
    response = rp.post(
        "/userinfo", data={"access_token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 400
    assert 'error="invalid_request"' in response.headers["WWW-Authenticate"]


def test_too_little_scope_is_named(rp: RelyingParty) -> None:
    response = rp.bearer("/api/notes", rp.login(scope="openid")["access_token"])
    assert response.status_code == 403
    challenge = response.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="api"' in challenge


def test_the_default_people_differ_in_what_matters(op: DevelopmentProvider) -> None:
    people = op.personas
    assert "email" not in people["dana"].claims
    assert people["bob"].claims["email_verified"] is False
    assert not people["anh"].name.isascii()
    assert people["erin"].claims_for(["profile"])["groups"] == ["admins", "on-call"]
    assert people["anh"].initials == "NÁ"


def test_people_may_be_given(rp: RelyingParty) -> None:
    op = DevelopmentProvider(personas=[Persona("1", "One", {"email": "one@example.com"})])
    op.auto_sign_in = "1"
    rp.session.mount(op.issuer, op.adapter())
    other = RelyingParty(op, rp.session)
    claims = other.bearer("/userinfo", other.login()["access_token"]).json()
    assert claims == {"sub": "1", "name": "One", "email": "one@example.com"}


def test_me_tells_what_the_token_is(rp: RelyingParty) -> None:
    me = rp.bearer("/api/me", rp.login(scope="openid api")["access_token"]).json()
    assert me["sub"] == "alice"
    assert me["client_id"] == "demo"
    assert me["scope"] == "openid api"
    assert 0 < me["expires_in"] <= 3600


def test_notes_belong_to_their_person(rp: RelyingParty, op: DevelopmentProvider) -> None:
    alice = {"Authorization": f"Bearer {rp.login()['access_token']}"}
    assert rp.get("/api/notes", headers=alice).json() == {"notes": []}
    added = rp.post("/api/notes", json={"text": " Buy milk "}, headers=alice)
    assert added.status_code == 201
    assert added.json()["text"] == "Buy milk"
    assert [n["text"] for n in rp.get("/api/notes", headers=alice).json()["notes"]] == ["Buy milk"]
    op.auto_sign_in = "bob"
    bob = {"Authorization": f"Bearer {rp.login()['access_token']}"}
    assert rp.get("/api/notes", headers=bob).json() == {"notes": []}


def test_notes_are_bounded(rp: RelyingParty) -> None:
    alice = {"Authorization": f"Bearer {rp.login()['access_token']}"}
    for number in range(103):
        rp.post("/api/notes", json={"text": f"note {number}"}, headers=alice)
    notes = rp.get("/api/notes", headers=alice).json()["notes"]
    assert len(notes) == 100
    assert notes[0]["text"] == "note 3"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"text": 5}', b'{"text": " "}', b"\xff"])
def test_a_bad_note_is_refused(rp: RelyingParty, body: bytes) -> None:
    alice = {"Authorization": f"Bearer {rp.login()['access_token']}"}
    response = rp.post("/api/notes", data=body, headers=alice)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_note"


def test_a_long_note_is_refused(rp: RelyingParty) -> None:
    alice = {"Authorization": f"Bearer {rp.login()['access_token']}"}
    assert rp.post("/api/notes", json={"text": "x" * 501}, headers=alice).status_code == 400
    assert rp.post("/api/notes", json={"text": "x" * 500}, headers=alice).status_code == 201
