"""The end session endpoint (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import typing as t

from .answer import Answer
from .answer import add_query
from .answer import redirect
from .call import Call
from .clients import ClientRecord
from .cookies import read_cookie
from .errors import PageRefusal
from .grants import Grant
from .pages import page
from .sessions import BrowserSession
from .sessions import OpenPages
from .sessions import PendingLogout
from .sessions import check_form_token

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_PATH = "/end_session/"


class LogoutEndpoint:
    """Signs people out at the request of a client.

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        self._pages: OpenPages[PendingLogout] = OpenPages()

    def end_session(self, call: Call) -> Answer:
        """Sign out, or ask first.

        :param call: The request, GET or POST.
        :returns: A redirect, or a page.
        :raises PageRefusal: if the request contradicts itself or leads to a foreign place.
        """
        if repeated := call.params.repeated():
            raise PageRefusal("A parameter was sent twice", f"Send {repeated!r} once.")
        self._provider.secrets.add(call.params.get("id_token_hint"), call.params.get("state"))
        hint = self._provider.sessions.issued_id_token(call.params.get("id_token_hint"))
        client = self._client(call, hint)
        target = _target(call, client)
        session = self._provider.session_of(call)
        # RP-Initiated Logout 2: without a hint that fits the session, ask the person.
        if session is not None and (hint is None or hint.sub != session.sub):
            return self._confirm_page(session, client, target)
        return self._sign_out(call, session, target)

    def _client(self, call: Call, hint: Grant | None) -> ClientRecord | None:
        client_id = call.params.get("client_id")
        if hint is None:
            return self._provider.clients.get(client_id or "")
        # RP-Initiated Logout 2: the client_id must be the one that the ID token was issued to.
        if client_id not in (None, hint.client_id):
            raise PageRefusal(
                "The client_id does not fit", "The ID token was issued to another client."
            )
        return self._provider.clients.get(hint.client_id)

    def _confirm_page(
        self, session: BrowserSession, client: ClientRecord | None, target: str | None
    ) -> Answer:
        provider = self._provider
        logout = self._pages.add(PendingLogout(target))
        provider.secrets.add(logout.key, logout.form_token)
        return page(
            "sign_out",
            provider.issuer,
            headers=provider.cookies.for_page(logout.key, f"{_PATH}{logout.id}"),
            form_target=target,
            client_title=client.title if client else None,
            persona=provider.personas[session.sub],
            logout=logout,
            form_token=logout.form_token,
        )

    def confirm(self, call: Call) -> Answer:
        """Take what the person decided.

        :param call: The form of the confirmation page.
        :returns: A redirect, or a page.
        :raises PageRefusal: if the form isn't from that page.
        """
        cookie = read_cookie(call, self._provider.cookies.page)
        logout = self._pages.find(call.path.removeprefix(_PATH), cookie)
        check_form_token(call, logout)
        self._pages.finish(logout)
        if call.form.get("decision") != "sign_out":
            return page("signed_out", self._provider.issuer, signed_out=False)
        return self._sign_out(call, self._provider.session_of(call), logout.target)

    def _sign_out(self, call: Call, session: BrowserSession | None, target: str | None) -> Answer:
        if session is not None:
            self._provider.sessions.end(session)
        expired = self._provider.cookies.without_session()
        if target is not None:
            return redirect(target, 303 if call.method == "POST" else 302, expired)
        return page("signed_out", self._provider.issuer, headers=expired, signed_out=True)


def _target(call: Call, client: ClientRecord | None) -> str | None:
    uri = call.params.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None:
        raise PageRefusal(
            "Where to go after the sign-out is not certain",
            "A post_logout_redirect_uri needs an id_token_hint that was issued here, or a "
            "client_id. After a restart this provider knows no ID token from before.",
        )
    if not client.allows_post_logout_redirect(uri):
        raise PageRefusal(
            "This post_logout_redirect_uri is not registered",
            "It must be one of the client's post_logout_redirect_uris, character for character.",
        )
    state = call.params.get("state")
    return uri if state is None else add_query(uri, [("state", state)])
