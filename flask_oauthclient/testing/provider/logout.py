"""The end session endpoint (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import typing as t

from .answer import Answer
from .answer import add_query
from .answer import redirect
from .call import Call
from .clients import ClientRecord
from .errors import PageRefusal
from .grants import Grant
from .pages import page
from .sessions import BrowserSession
from .sessions import PendingLogout
from .sessions import check_form_token

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider


class LogoutEndpoint:
    """Signs people out at the request of a client.

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider

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
        if session is not None and session.sub is not None and not _fits(hint, session):
            return self._confirm_page(session, client, target)
        if hint is None and target is not None:
            return self._confirm_page(session or self._new_session(), client, target)
        return self._sign_out(call, session, target)

    def _new_session(self) -> BrowserSession:
        return self._provider.sessions.start()

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
        title = client.title if client else None
        logout = PendingLogout(session.key, target, title)
        self._provider.sessions.add_logout(logout)
        return page(
            "sign_out",
            self._provider.issuer,
            headers=self._provider.session_cookie(session),
            form_target=target,
            client_title=title,
            persona=self._provider.personas.get(session.sub or ""),
            logout=logout,
            form_token=session.form_token,
        )

    def confirm(self, call: Call) -> Answer:
        """Take what the person decided.

        :param call: The form of the confirmation page.
        :returns: A redirect, or a page.
        :raises PageRefusal: if the form isn't from that page.
        """
        session = self._provider.session_of(call)
        if session is not None:
            check_form_token(call, session)
        name = call.path.removeprefix("/end_session/")
        logout = self._provider.sessions.take_logout(name, session)
        if call.form.get("decision") == "stay":
            return page("signed_out", self._provider.issuer, signed_out=False)
        return self._sign_out(call, session, logout.target)

    def _sign_out(self, call: Call, session: BrowserSession | None, target: str | None) -> Answer:
        if session is not None:
            self._provider.sessions.end(session)
        expired = self._provider.expired_cookie()
        if target is not None:
            return redirect(target, 303 if call.method == "POST" else 302, expired)
        return page("signed_out", self._provider.issuer, headers=expired, signed_out=True)


def _fits(hint: Grant | None, session: BrowserSession) -> bool:
    return hint is not None and hint.sub == session.sub


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
