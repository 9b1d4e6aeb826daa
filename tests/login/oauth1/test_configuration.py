"""Where the settings of an OAuth 1.0a client come from, and what is wrong with some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient import FlaskOAuth1App
from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import UnknownOptionError
from tests.servers.oauthlib_server import OAuth1Server

from .._authlib_style import make_app
from ._site import ORIGIN
from ._site import Site
from .test_contract import CALLBACK
from .test_contract import CLIENT
from .test_contract import answering

MakeSite = Callable[..., Site]

#: Keywords of the site that shall come from the configuration instead.
NOTHING = dict.fromkeys(
    [
        "client_id",
        "client_secret",
        "request_token_url",
        "authorize_url",
        "access_token_url",
        "api_base_url",
    ]
)


def config_of(server: OAuth1Server, **more: Any) -> dict[str, Any]:
    return {
        "DEMO_CLIENT_ID": server.client_id,
        "DEMO_CLIENT_SECRET": server.client_secret,
        "DEMO_REQUEST_TOKEN_URL": server.request_token_url,
        "DEMO_AUTHORIZE_URL": server.authorize_url,
        "DEMO_ACCESS_TOKEN_URL": server.access_token_url,
        "DEMO_API_BASE_URL": f"{server.base_url}/",
        **more,
    }


def test_everything_comes_from_the_configuration(
    make_oauth1_site: MakeSite, oauth1_server: OAuth1Server
) -> None:
    config = config_of(
        oauth1_server,
        DEMO_REQUEST_TOKEN_PARAMS={"params": {"scope": "read"}, "realm": "photos"},
        DEMO_ACCESS_TOKEN_PARAMS={"data": {"x_auth_mode": "web"}},
        DEMO_AUTHORIZE_PARAMS={"lang": "de"},
        DEMO_REDIRECT_URI=f"{ORIGIN}/callback/demo",
        DEMO_CLIENT_KWARGS={"signature_method": "HMAC-SHA256", "timeout": 5},
        DEMO_USER_AGENT="ours",
    )
    site = make_oauth1_site(config=config, register=NOTHING)
    assert isinstance(site.client(), FlaskOAuth1App)

    token = site.login(redirect_uri=None)
    answer = site.client().get("echo", token=token)
    assert answer.json()["user"] == "alice"
    [initiate], [exchange] = (oauth1_server.log(path) for path in ("/initiate", "/token"))
    assert (initiate["query"], initiate["realm"]) == (["scope"], "photos")
    assert exchange["form"] == ["x_auth_mode"]
    assert exchange["signature_method"] == "HMAC-SHA256"
    assert site.line.requests[0].headers["User-Agent"] == "ours"


def test_rsa_key_comes_from_the_configuration(
    make_oauth1_site: MakeSite, oauth1_server: OAuth1Server
) -> None:
    kwargs = {"signature_method": "RSA-SHA1", "rsa_key": oauth1_server.rsa_key}
    config = config_of(oauth1_server, DEMO_CLIENT_KWARGS=kwargs)
    site = make_oauth1_site(config=config, register=NOTHING)
    token = site.login(user="bob")
    assert site.client().get("echo", token=token).json()["user"] == "bob"
    assert oauth1_server.log("/token")[0]["signature_method"] == "RSA-SHA1"


def test_client_with_an_rsa_key_needs_no_secret(
    make_oauth1_site: MakeSite, oauth1_server: OAuth1Server
) -> None:
    kwargs = {"signature_method": "RSA-SHA256", "rsa_key": oauth1_server.rsa_key}
    site = make_oauth1_site(register={"client_secret": None, "client_kwargs": kwargs})
    token = site.login()
    assert site.client().get("echo", token=token).json()["user"] == "alice"


@pytest.mark.parametrize("said", ["true", "True", " 1 ", True, 1])
def test_switch_as_text(make_oauth1_site: MakeSite, oauth1_server: OAuth1Server, said: Any) -> None:
    config = config_of(oauth1_server, DEMO_REQUIRE_CALLBACK_CONFIRMED=said)
    site = make_oauth1_site(config=config, register=NOTHING)
    oauth1_server.configure(callback_confirmed=None)
    assert site.start().text == "callback_not_confirmed"


@pytest.mark.parametrize("said", ["false", "0", False, None])
def test_switch_as_text_that_says_no(
    make_oauth1_site: MakeSite, oauth1_server: OAuth1Server, said: Any
) -> None:
    config = config_of(oauth1_server, DEMO_REQUIRE_CALLBACK_CONFIRMED=said)
    site = make_oauth1_site(config=config, register=NOTHING)
    oauth1_server.configure(callback_confirmed=None)
    with pytest.warns(UserWarning, match="does not confirm"):
        assert site.start().status_code == 302


def test_switch_that_says_neither() -> None:
    oauth = OAuth(make_app(DEV_REQUIRE_CALLBACK_CONFIRMED="maybe"))
    oauth.register("dev", **CLIENT)
    with pytest.raises(InvalidSettingError, match="require_callback_confirmed"):
        oauth.dev.create_authorization_url(CALLBACK)


@pytest.mark.parametrize(
    ("keyword", "nearest"),
    [
        ("scope", ""),
        ("code_challenge_method", ""),
        ("token_endpoint_auth_method", ""),
        ("signature_methd", "signature_method"),
        ("rsa_keys", "rsa_key"),
        ("timeouts", "timeout"),
        ("require_callback_confirmed", ""),
    ],
)
@pytest.mark.parametrize("where", ["code", "configuration"])
def test_keyword_that_no_session_of_oauth_1_has(keyword: str, nearest: str, where: str) -> None:
    wrong = {"client_kwargs": {keyword: "x"}}
    config = {"DEV_CLIENT_KWARGS": wrong["client_kwargs"]} if where == "configuration" else {}
    oauth = OAuth(make_app(**config))
    oauth.register("dev", **CLIENT, **(wrong if where == "code" else {}))
    with pytest.raises(UnknownOptionError, match=f"no option '{keyword}'") as caught:
        oauth.dev.create_authorization_url(CALLBACK)
    assert isinstance(caught.value, TypeError)
    assert f"{nearest!r}" in str(caught.value) if nearest else "table" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"signature_method": "HMAC-MD5"}, "signature_method"),
        ({"signature_method": "hmac-sha1"}, "signature_method"),
        ({"signature_type": "HEADERS"}, "signature_type"),
        ({"signature_method": "RSA-SHA1", "rsa_key": "no key"}, "rsa_key|RSA"),
        ({"signature_method": "RSA-SHA1"}, "rsa_key|RSA"),
    ],
)
def test_values_that_cannot_work(wrong: dict[str, Any], names: str) -> None:
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, client_kwargs=wrong)
    with answering(), pytest.raises(InvalidSettingError, match=names) as caught:
        oauth.dev.create_authorization_url(CALLBACK)
    assert isinstance(caught.value, ValueError)
    assert caught.value.error in ("invalid_configuration", "missing_configuration")


def test_unknown_option_names_the_nearest() -> None:
    oauth = OAuth(make_app())
    with pytest.raises(UnknownOptionError, match="'request_token_url'"):
        oauth.register("dev", **CLIENT, request_tokens_url="https://provider.test/")


@pytest.mark.parametrize("params", ["request_token_params", "access_token_params"])
@pytest.mark.parametrize("keyword", ["scope", "parms", "auth"])
def test_parameters_that_are_no_part_of_a_request(params: str, keyword: str) -> None:
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, **{params: {keyword: "x"}})
    calls: dict[str, Callable[[], Any]] = {
        "request_token_params": lambda: oauth.dev.create_authorization_url(CALLBACK),
        "access_token_params": lambda: oauth.dev.fetch_access_token(
            {"oauth_token": "a", "oauth_token_secret": "b"}, oauth_verifier="v"
        ),
    }
    with answering(), pytest.raises(UnknownOptionError, match=keyword):
        calls[params]()


@pytest.mark.parametrize("params", ["json", "files"])
def test_request_for_credentials_is_a_form(params: str) -> None:
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, request_token_params={params: {"a": "b"}})
    with answering(), pytest.raises(InvalidSettingError, match=params):
        oauth.dev.create_authorization_url(CALLBACK)


@pytest.mark.parametrize("missing", ["authorize_url", "access_token_url", "request_token_url"])
def test_missing_endpoint(missing: str) -> None:
    oauth = OAuth(make_app())
    oauth.register("dev", client_cls=FlaskOAuth1App, **{**CLIENT, missing: None})
    given = {"oauth_token": "a", "oauth_token_secret": "b"}
    calls: dict[str, Callable[[], Any]] = {
        "authorize_url": lambda: oauth.dev.authorize_redirect(CALLBACK),
        "request_token_url": lambda: oauth.dev.authorize_redirect(CALLBACK),
        "access_token_url": lambda: oauth.dev.fetch_access_token(given, oauth_verifier="v"),
    }
    with (
        oauth.app.test_request_context(),
        answering(),
        pytest.raises(RuntimeError, match=f'Missing "{missing}" value') as caught,
    ):
        calls[missing]()
    assert isinstance(caught.value, MissingConfigurationError)
    assert caught.value.http_status == 500


@pytest.mark.parametrize("client_id", [None, ""])
def test_missing_client_id(client_id: str | None) -> None:
    oauth = OAuth(make_app())
    with pytest.raises(ConfigurationError, match="client_id"):
        oauth.register("dev", **{**CLIENT, "client_id": client_id}).create_authorization_url()


def test_login_needs_a_secret_key() -> None:
    app = make_app()
    app.secret_key = None
    oauth = OAuth(app)
    oauth.register("dev", **CLIENT)
    given = "oauth_token=foo&oauth_token_secret=s&oauth_callback_confirmed=true"
    with (
        app.test_request_context(),
        answering(given),
        pytest.raises(MissingConfigurationError, match="SECRET_KEY"),
    ):
        oauth.dev.authorize_redirect(CALLBACK)


def test_options_of_oauth_2_do_no_harm() -> None:
    # The established client takes and ignores them.
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, userinfo_endpoint="https://provider.test/me", leeway=5)
    with answering("oauth_token=foo&oauth_token_secret=s&oauth_callback_confirmed=true"):
        assert oauth.dev.create_authorization_url(CALLBACK)["state"] == "foo"


def test_compliance_fix_is_called_with_the_session_once() -> None:
    seen: list[Any] = []
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, compliance_fix=seen.append)
    for _ in range(2):
        with answering("oauth_token=foo&oauth_token_secret=s&oauth_callback_confirmed=true"):
            oauth.dev.create_authorization_url(CALLBACK)
    assert seen == [oauth.dev.session]
