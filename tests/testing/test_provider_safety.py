from __future__ import annotations

import logging
import subprocess
import sys

import pytest
import requests
from flask import Flask

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("FLASK_DEBUG", raising=False)


@pytest.mark.usefixtures("production")
def test_it_refuses_to_run_in_production() -> None:
    with pytest.raises(RuntimeError, match="debug or testing mode only"):
        DevelopmentProvider()


@pytest.mark.usefixtures("production")
def test_it_runs_in_production_when_told_to() -> None:
    assert DevelopmentProvider(insecure_outside_debug=True).issuer


def test_debug_decides_when_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DevelopmentProvider(debug=True).issuer
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(RuntimeError):
        DevelopmentProvider(debug=False)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("true", True), ("0", False)])
def test_flask_debug_allows_it(monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    if allowed:
        assert DevelopmentProvider().issuer
    else:
        with pytest.raises(RuntimeError):
            DevelopmentProvider()


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("setting", ["DEBUG", "TESTING"])
def test_the_application_around_it_allows_it(setting: str) -> None:
    application = Flask("application")
    application.config[setting] = True
    with application.app_context():
        assert DevelopmentProvider().issuer


def test_an_application_in_production_refuses_it_even_under_pytest() -> None:
    with Flask("application").app_context(), pytest.raises(RuntimeError):
        DevelopmentProvider()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:5001", 200),
        ("localhost", 200),
        ("app.localhost:80", 200),
        ("[::1]:5001", 200),
        ("op.test", 200),
        ("provider.example", 200),
        ("evil.com", 421),
        ("127.0.0.1.evil.com", 421),
        ("localhost.evil.com", 421),
        ("192.168.0.1", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_only_hosts_of_this_machine_are_answered(rp: RelyingParty, host: str, status: int) -> None:
    assert rp.get("/jwks", headers={"Host": host}).status_code == status


def test_its_own_host_is_answered_when_it_runs_elsewhere_on_purpose() -> None:
    op = DevelopmentProvider("http://op:5001", insecure_outside_debug=True)
    guarded = DevelopmentProvider("http://op:5001")
    with requests.Session() as session:
        session.mount("http://op:5001/", op.adapter())
        assert session.get("http://op:5001/jwks").status_code == 200
        assert session.get("http://op:5001/jwks", headers={"Host": "x.com"}).status_code == 421
        session.mount("http://op:5001/", guarded.adapter())
        assert session.get("http://op:5001/jwks").status_code == 421


def test_a_large_body_is_refused(rp: RelyingParty) -> None:
    assert rp.post("/token", data=b"x" * 300_000).status_code == 413


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="signing_alg"):
        DevelopmentProvider(signing_alg="none")
    with pytest.raises(ValueError, match="same client_id"):
        DevelopmentProvider(clients=[ClientRecord("a"), ClientRecord("a")])


def test_no_secret_shows_in_a_repr(rp: RelyingParty, op: DevelopmentProvider) -> None:
    token = rp.login()
    shown = [
        repr(op),
        repr(op.secrets),
        repr(list(op.log)),
        repr(op.clients),
        repr(op.keys.signing_key("RS256")),
        repr(op.log[-1].form),
        repr(op.log[-1].headers),
    ]
    assert token["access_token"] in op.secrets
    for text in shown:
        assert op.secrets.found_in(text) == []


def test_the_ledger_knows_every_secret_of_a_login(rp: RelyingParty) -> None:
    code = rp.code()
    token = rp.redeem(code).json()
    refreshed = rp.refresh(token["refresh_token"]).json()
    for secret in (
        DEMO_CLIENT_SECRET,
        code,
        "state-of-the-test",
        "nonce-of-the-test",
        "verifier-verifier-verifier-verifier-verifier",
        *(token[name] for name in ("access_token", "refresh_token", "id_token")),
        *(refreshed[name] for name in ("access_token", "refresh_token", "id_token")),
    ):
        assert secret in rp.op.secrets
    assert rp.op.secrets.found_in(f"GET /callback?code={code}&x=y") == [code]
    assert len(rp.op.secrets & {code, "other"}) == 1


def test_nothing_secret_is_logged(rp: RelyingParty, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), rp.op.serve():
        rp.login()
    # The HTTP client of this test logs the URLs that it opens; that isn't the provider's doing.
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("urllib3")]
    assert rp.op.secrets.found_in("\n".join(ours)) == []


def test_the_log_keeps_the_latest_requests(rp: RelyingParty, op: DevelopmentProvider) -> None:
    rp.get("/jwks", params={"a": "b"})
    rp.redeem("made-up")
    record = op.log[0]
    assert (record.method, record.path, record.endpoint, record.status) == (
        "GET",
        "/jwks",
        "jwks",
        200,
    )
    assert record.query["a"] == "b"
    assert op.log[-1].form["code"] == "made-up"
    assert op.log[-1].headers["content-TYPE"] == "application/x-www-form-urlencoded"
    assert op.log.count("/jwks") == op.log.count("jwks") == 1
    assert [record.status for record in op.log[:2]] == [200, 400]
    op.log.clear()
    assert len(op.log) == 0


def test_the_log_is_bounded() -> None:
    from flask_oauthclient.testing.provider import RequestLog
    from flask_oauthclient.testing.provider.call import Call

    log = RequestLog(limit=3)
    for number in range(5):
        log.add(Call("GET", f"/{number}"), "home", 200)
    assert [record.path for record in log] == ["/2", "/3", "/4"]


def test_the_ledger_is_bounded_and_passes_over_short_values() -> None:
    from flask_oauthclient.testing.provider import SecretLedger

    ledger = SecretLedger(limit=2)
    ledger.add("short", None, "long-enough-1", "long-enough-2", "long-enough-3")
    assert list(ledger) == ["long-enough-2", "long-enough-3"]


def test_the_command_line_says_what_it_is_and_stops_at_a_signal() -> None:
    command = [sys.executable, "-u", "-m", "flask_oauthclient.testing.provider", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(9)]
            text = "".join(lines)
            assert "for development only" in text
            assert DEMO_CLIENT_SECRET in text
            issuer = next(line.split()[1] for line in lines if line.strip().startswith("issuer"))
            document = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10)
            assert document.json()["issuer"] == issuer
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0


def test_the_command_line_names_a_port_that_is_taken(op: DevelopmentProvider) -> None:
    with op.serve() as server:
        command = [
            sys.executable,
            "-m",
            "flask_oauthclient.testing.provider",
            f"--port={server.port}",
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert f"Port {server.port} cannot be used" in result.stderr
