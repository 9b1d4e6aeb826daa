"""A site with several people, each with a browser, and with the provider's logout tokens."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import cachelib
import flask
from markupsafe import escape

from flask_oauthclient.protocol.oidc.logout_token import EVENT
from flask_oauthclient.sign_in.identity import parse
from flask_oauthclient.sign_in.signed_in import KEY
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider.jws import b64url

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

#: A claim, or a member of the header, that is left out.
ABSENT = object()


class Unreliable(cachelib.SimpleCache):
    """A cache that can be down, and notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        self.written: list[str] = []

    def _check(self) -> None:
        if self.is_down:
            raise ConnectionError("the cache does not answer")

    def get(self, key: str) -> Any:
        self._check()
        return super().get(key)

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
        self._check()
        self.written.append(key)
        return super().set(key, value, timeout)

    def add(self, key: str, value: Any, timeout: int | None = None) -> bool:
        self._check()
        self.written.append(key)
        return super().add(key, value, timeout)

    def delete(self, key: str) -> bool:
        self._check()
        self.written.append(key)
        return super().delete(key)


class Person:
    """Somebody with a browser of their own.

    :param site: the site they visit.
    :param sub: as whom they sign in.
    """

    def __init__(self, site: PeopleSite, sub: str = "alice") -> None:
        self.site = site
        self.sub = sub
        self.browser = ScriptedBrowser(
            {ORIGIN: site.app.wsgi_app, ISSUER: site.provider.wsgi, **site.elsewhere}
        )

    def open(self, path: str, **query: Any) -> Page:
        """Visit a page of the site."""
        return self.browser.open(f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else ""))

    def sign_in(self, path: str = "/auth/login", **query: Any) -> Page:
        """Sign in; at the provider too, unless somebody is signed in there."""
        url = f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else "")
        return self.browser.sign_in(url, persona=self.sub)

    def post(self, action: str, at: str = "/form", **fields: str) -> Page:
        """Press the button of a form on a page of the site."""
        page = self.open(at, action=action, fields=json.dumps(fields))
        return self.browser.submit(page, form=page.forms[0])

    def sign_out(self, **fields: str) -> Page:
        """Press the button that signs out."""
        return self.post("/auth/logout", **fields)

    @property
    def who(self) -> dict[str, Any]:
        """Who the site takes them for; empty for nobody."""
        found: dict[str, Any] = self.open("/who").response.json()
        return found

    @property
    def is_in(self) -> bool:
        """Whether they are signed in at the site."""
        return bool(self.who)

    @property
    def session(self) -> dict[str, Any]:
        """What the session holds, whatever the site thinks of it."""
        cookie = self.cookie("session")
        if cookie is None:
            return {}
        serializer = self.site.app.session_interface.get_signing_serializer(self.site.app)
        return dict(serializer.loads(cookie))

    @property
    def sid(self) -> str:
        """The provider's name of their session there."""
        kept = parse(self.session[KEY])
        assert kept is not None
        return str(kept.sid)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie of the site."""
        found = {cookie.name: cookie.value for cookie in self.browser.cookies}
        return found.get(name)


class PeopleSite(BlueprintSite):
    """The site; each :meth:`person` has a browser.

    :param provider: the provider.
    :param cache: of the registry.
    :param elsewhere: more applications by origin.
    :param config: what differs in the configuration.
    :param keywords: those of :class:`BlueprintSite`.
    """

    def __init__(
        self,
        provider: DevelopmentProvider,
        cache: Any = None,
        elsewhere: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(provider, **keywords)
        self.app.config.update(config or {})
        self.oauth.current_state().cache = cache
        self.elsewhere = dict(elsewhere or {})
        self.people: list[Person] = []
        self.app.add_url_rule("/form", "form", _form)

    def person(self, sub: str = "alice") -> Person:
        """Somebody with a browser of their own, who has not been here yet."""
        self.people.append(Person(self, sub))
        return self.people[-1]

    def signed_in(self, sub: str = "alice") -> Person:
        """The same, signed in."""
        person = self.person(sub)
        before = self.provider.auto_sign_in
        self.provider.auto_sign_in = None if before is None else sub
        person.sign_in()
        self.provider.auto_sign_in = before
        return person

    def close(self) -> None:
        """Close the connections."""
        for browser in (self.browser, *(person.browser for person in self.people)):
            browser.close()
        for name in self.oauth.names():
            getattr(self.oauth, name).session.close()

    def tell(self, token: str, name: str = "demo", **more: Any) -> Any:
        """Post a logout token as the provider does: from a server, without cookies."""
        return self.app.test_client().post(
            f"/auth/backchannel-logout/{name}",
            base_url=ORIGIN,
            **{"data": {"logout_token": token}, **more},
        )

    def token(self, **changes: Any) -> str:
        """A logout token of the provider: ``sub=``, ``sid=`` and other claims, ``header=``."""
        return logout_token(self.provider, **changes)


#: Makes sites; the keywords are those of :class:`PeopleSite`.
Make = Callable[..., PeopleSite]


@contextmanager
def people_sites(provider: DevelopmentProvider) -> Iterator[Make]:
    """Make sites with people, and close them."""
    sites: list[PeopleSite] = []

    def make(**keywords: Any) -> PeopleSite:
        sites.append(PeopleSite(provider, **keywords))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


def logout_token(
    provider: DevelopmentProvider,
    header: Mapping[str, Any] | None = None,
    signed_by: str = "RS256",
    **changes: Any,
) -> str:
    """A logout token (Back-Channel Logout 1.0 section 2.4).

    :param provider: who signs it.
    :param header: what differs in the header.
    :param signed_by: the algorithm of the provider's key.
    :param changes: claims that differ; ``ABSENT`` leaves one out.
    """
    key, now = provider.keys.signing_key(signed_by), int(time.time())
    head = {"alg": key.alg, "kid": key.kid, "typ": "logout+jwt", **(header or {})}
    claims = {
        "iss": provider.issuer,
        "aud": "rp",
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(12),
        "events": {EVENT: {}},
        **changes,
    }
    parts = [{k: v for k, v in part.items() if v is not ABSENT} for part in (head, claims)]
    signed = ".".join(b64url(json.dumps(part).encode()) for part in parts)
    token = f"{signed}.{b64url(key.sign(signed.encode()))}"
    provider.secrets.add(token)
    return token


def _form() -> str:
    fields = json.loads(flask.request.args.get("fields", "{}"))
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    action = escape(flask.request.args["action"])
    return f'<form method="post" action="{action}">{inputs}<button>Go</button></form>'
