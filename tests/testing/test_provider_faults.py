from __future__ import annotations

import gzip
import threading
import time
import typing as t

import pytest
import requests
from joserfc import jws
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from joserfc.jwk import OctKey

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import SigningKey
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import claims_of
from tests.testing._relying_party import header_of
from tests.testing._relying_party import query_of

DISCOVERY = "/.well-known/openid-configuration"


def test_respond_stands_in_for_the_endpoint(rp: RelyingParty, op: DevelopmentProvider) -> None:
    code = rp.code()
    op.faults.on("token", times=1).respond(503, b"busy", {"Retry-After": "5"})
    refused = rp.redeem(code)
    assert (refused.status_code, refused.content) == (503, b"busy")
    assert refused.headers["Retry-After"] == "5"
    # The endpoint wasn't run, so the code is still good.
    assert rp.redeem(code).status_code == 200


def test_a_fault_strikes_as_often_as_it_was_told(rp: RelyingParty, op: DevelopmentProvider) -> None:
    fault = op.faults.on("jwks", times=2).respond(500)
    assert [rp.get("/jwks").status_code for _ in range(3)] == [500, 500, 200]
    assert fault.hits == 2


def test_a_fault_may_look_at_the_request(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("token", when=lambda call: call.form.get("grant_type") == "refresh_token").status(
        403
    )
    token = rp.redeem(rp.code())
    assert token.status_code == 200
    assert rp.refresh(token.json()["refresh_token"]).status_code == 403


def test_a_fault_ends_with_its_block_or_when_cleared(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    with op.faults.on("jwks").respond(500):
        assert rp.get("/jwks").status_code == 500
    assert rp.get("/jwks").status_code == 200
    op.faults.on("jwks").respond(500)
    op.faults.clear()
    assert rp.get("/jwks").status_code == 200


def test_faults_of_a_point_add_up(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("discovery").edit_json(lambda doc: {**doc, "issuer": "https://evil.test"})
    op.faults.on("discovery").edit_json(lambda doc: {**doc, "extra": doc["issuer"]}).header(
        "X-Fault", "yes"
    )
    response = rp.get(DISCOVERY)
    assert response.json()["extra"] == "https://evil.test"
    assert response.headers["X-Fault"] == "yes"


def test_an_edited_document_has_its_own_etag(rp: RelyingParty, op: DevelopmentProvider) -> None:
    etag = rp.get("/jwks").headers["ETag"]
    op.faults.on("jwks").edit_json(lambda doc: {"keys": doc["keys"][1:]})
    changed = rp.get("/jwks", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert len(changed.json()["keys"]) == 2
    etag = changed.headers["ETag"]
    assert rp.get("/jwks", headers={"If-None-Match": etag}).status_code == 304


def test_a_point_that_does_not_exist_is_an_error(op: DevelopmentProvider) -> None:
    with pytest.raises(ValueError, match="no point 'tokens'"):
        op.faults.on(t.cast("t.Any", "tokens"))


def test_headers_and_status_are_edited(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("jwks").header("Cache-Control", "max-age=0").header("ETag", None).status(201)
    response = rp.get("/jwks")
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "max-age=0"
    assert "ETag" not in response.headers


def test_json_and_redirects_in_the_endpoints_place(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    op.faults.on("token", times=1).respond_json({"error": "server_error"}, 400)
    op.faults.on("jwks").redirect("http://127.0.0.1:5001/elsewhere", 302)
    assert rp.redeem("x").json() == {"error": "server_error"}
    assert rp.get("/jwks").headers["Location"] == "http://127.0.0.1:5001/elsewhere"


def test_callback_parameters_are_edited(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.auto_sign_in = "alice"
    with op.faults.on("callback").edit_params(lambda pairs: [*pairs, ("state", "second")]):
        assert rp.authorize().headers["Location"].count("state=") == 2
    with op.faults.on("callback").edit_params(lambda pairs: [p for p in pairs if p[0] != "iss"]):
        assert "iss" not in rp.callback()
        posted = rp.authorize(response_mode="form_post")
        assert 'name="iss"' not in posted.text


def test_id_token_claims_and_header_are_edited(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("id_token").edit_claims(lambda claims: {**claims, "aud": "other"}).edit_header(
        lambda header: {**header, "typ": "at+jwt"}
    )
    token = rp.login()["id_token"]
    assert claims_of(token)["aud"] == "other"
    assert header_of(token)["typ"] == "at+jwt"
    keys = KeySet.import_key_set(rp.get("/jwks").json())
    assert jwt.decode(token, keys).claims["aud"] == "other"


def test_a_tampered_signature_does_not_verify(rp: RelyingParty, op: DevelopmentProvider) -> None:
    keys = KeySet.import_key_set(rp.get("/jwks").json())
    with op.faults.on("id_token").tamper_signature():
        bad = rp.login()["id_token"]
    assert jwt.decode(rp.login()["id_token"], keys).claims["sub"] == "alice"
    with pytest.raises(BadSignatureError):
        jwt.decode(bad, keys)


def test_id_tokens_signed_otherwise(rp: RelyingParty, op: DevelopmentProvider) -> None:
    with op.faults.on("id_token").sign_with("none"):
        token = rp.login()["id_token"]
    assert header_of(token)["alg"] == "none"
    assert token.endswith(".")
    with op.faults.on("id_token").sign_with("HS256", DEMO_CLIENT_SECRET):
        token = rp.login()["id_token"]
    assert jwt.decode(token, OctKey.import_key(DEMO_CLIENT_SECRET), algorithms=["HS256"]).claims
    foreign = SigningKey.generate("RS256")
    with op.faults.on("id_token").sign_with("RS256", foreign):
        token = rp.login()["id_token"]
    assert header_of(token)["kid"] == foreign.kid
    with op.faults.on("id_token").sign_with("RS256", foreign, kid="lied"):
        assert header_of(rp.login()["id_token"])["kid"] == "lied"


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "PS512"])
def test_one_rsa_key_signs_by_every_rsa_algorithm(
    rp: RelyingParty, op: DevelopmentProvider, alg: str
) -> None:
    ours = op.keys.signing_key("RS256")
    op.faults.on("id_token").sign_with(alg, ours.private)
    document = rp.get("/jwks").json()
    for key in document["keys"]:
        del key["alg"]
    keys = KeySet.import_key_set(document)
    assert jwt.decode(rp.login()["id_token"], keys, algorithms=[alg]).claims["sub"] == "alice"


def test_a_key_that_does_not_fit_is_an_error_of_the_test(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    op.faults.on("id_token").sign_with("ES256", op.keys.signing_key("RS256"))
    code = rp.code()
    with pytest.raises(ValueError, match="cannot sign with 'ES256'"):
        rp.redeem(code)
    with pytest.raises(ValueError, match="No signing key can be made"):
        SigningKey.generate("HS256")


def test_payload_and_compact_form_are_replaced(rp: RelyingParty, op: DevelopmentProvider) -> None:
    duplicate = b'{"sub":"a","sub":"b"}'
    keys = KeySet.import_key_set(rp.get("/jwks").json())
    with op.faults.on("id_token").payload(duplicate):
        token = rp.login()["id_token"]
    assert jws.deserialize_compact(token, keys).payload == duplicate
    with op.faults.on("id_token").edit_compact(lambda token: token + ".more"):
        assert rp.login()["id_token"].count(".") == 3


def test_userinfo_as_a_signed_jwt(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("userinfo").as_jwt(
        change=lambda claims: {**claims, "iss": op.issuer, "aud": "demo"}
    )
    response = rp.bearer("/userinfo", rp.login()["access_token"])
    assert response.headers["Content-Type"] == "application/jwt"
    keys = KeySet.import_key_set(rp.get("/jwks").json())
    claims = jwt.decode(response.text, keys).claims
    assert claims["sub"] == "alice"
    assert claims["aud"] == "demo"
    op.faults.clear()
    op.faults.on("userinfo").as_jwt("none")
    response = rp.bearer("/userinfo", rp.login()["access_token"])
    assert header_of(response.text)["alg"] == "none"


def test_delay_is_ended_by_clear(rp: RelyingParty, op: DevelopmentProvider) -> None:
    fault = op.faults.on("jwks").delay(30)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(rp.get("/jwks").status_code))
    thread.start()
    while not fault.hits:
        time.sleep(0.001)
    assert answers == []
    op.faults.clear()
    thread.join(timeout=10)
    assert answers == [200]


def test_slow_sends_single_bytes(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("jwks").slow(100_000)
    with rp.get("/jwks", stream=True) as response:
        assert "Content-Length" not in response.headers
        assert response.raw.read(1) == b"{"
        op.faults.clear()
        assert b'"keys"' in response.raw.read()


def test_endless_is_read_as_far_as_one_likes(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("jwks").endless()
    received = 0
    with rp.get("/jwks", stream=True) as response:
        for chunk in response.iter_content(65_536):
            received += len(chunk)
            if received > 1_000_000:
                break
    assert received > 1_000_000


def test_endless_over_a_socket(op: DevelopmentProvider) -> None:
    op.faults.on("jwks").endless()
    with op.serve() as server, requests.Session() as session:
        session.trust_env = False
        with session.get(f"{server.url}/jwks", stream=True) as response:
            assert len(response.raw.read(500_000)) == 500_000


def test_a_gzip_bomb_is_small_on_the_wire(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.faults.on("jwks").gzip_bomb(8 * 1024 * 1024)
    with rp.get("/jwks", stream=True) as response:
        packed = response.raw.read(decode_content=False)
    assert len(packed) < 50_000
    assert len(gzip.decompress(packed)) > 8 * 1024 * 1024
    assert set(rp.get("/jwks").json()) == {"keys"}


def test_a_dropped_connection(rp: RelyingParty, op: DevelopmentProvider) -> None:
    code = rp.code()
    op.faults.on("token", times=1).drop()
    with pytest.raises(requests.ConnectionError):
        rp.redeem(code)
    assert op.log[-1].status == 0
    op.faults.on("token", times=1).drop(processed=True)
    with pytest.raises(requests.ConnectionError):
        rp.redeem(code)
    # This time the code was used up and only the answer was lost.
    assert rp.redeem(code).status_code == 400


@pytest.mark.parametrize("over_socket", [False, True])
def test_a_cut_body_breaks_its_promise(op: DevelopmentProvider, over_socket: bool) -> None:
    op.faults.on("jwks").cut(10)
    with op.serve() as server, requests.Session() as session:
        session.trust_env = False
        if not over_socket:
            session.mount(server.url, op.adapter())
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            session.get(f"{server.url}/jwks")


def test_a_dropped_connection_over_a_socket(op: DevelopmentProvider) -> None:
    op.faults.on("jwks", times=1).drop()
    with op.serve() as server, requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.ConnectionError):
            session.get(f"{server.url}/jwks")
        assert session.get(f"{server.url}/jwks").status_code == 200


def test_the_general_form_wraps_what_produces_the_answer(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    seen: list[int] = []

    def watch(produce: t.Callable[[], t.Any]) -> t.Any:
        answer = produce()
        seen.append(answer.status)
        return answer

    op.faults.on("authorize").wrap(watch)
    op.auto_sign_in = "alice"
    assert "code" in query_of(rp.authorize().headers["Location"])
    assert seen == [302]


def test_faults_are_counted_right_from_many_threads(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    import concurrent.futures

    op.faults.on("jwks", times=10).respond(500)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: rp.get("/jwks").status_code, range(40)))
    assert statuses.count(500) == 10
