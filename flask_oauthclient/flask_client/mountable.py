"""The half of a registry that makes routes to mount."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from ..protocol.errors import OAuthError
    from ..sign_in.identity import Identity
    from ..sign_in.login_result import LoginResult


class Mountable:
    """What :class:`OAuth` can do beside calling APIs: sign people in."""

    def create_blueprint(
        self,
        name: str = "oauthclient",
        *,
        on_login: Callable[[LoginResult], str | int | Response | tuple[Any, ...] | None]
        | None = None,
        on_error: Callable[[OAuthError], Any] | None = None,
        on_logout: Callable[[Identity], Any] | None = None,
        on_start: Callable[[str], Any] | None = None,
        on_link: Callable[[LoginResult, Identity], Any] | None = None,
        on_unlink: Callable[[str, Identity], Any] | None = None,
        providers: Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        paths: Mapping[str, str | Mapping[str, str]] | None = None,
        query_params: Iterable[str] = (),
        keep_in_session: Iterable[str] = (),
        third_party_login: bool = False,
        link_max_age: int = 900,
        revoke: bool = True,
        forget_tokens: bool = False,
        token_in_signals: bool = False,
        docs_url: str | None = None,
    ) -> Blueprint:
        """Make the routes of signing in and out.

        Mount it with ``app.register_blueprint(bp, url_prefix="/auth")``; the redirect URI of a
        client is ``/auth/callback/<name>`` then.

        :param name: name of the blueprint.
        :param on_login: ``(result)`` -> the application's key of the person (a string or whole
            number), a response, or ``None``. With a response nobody is signed in: the application
            has decided otherwise. An :class:`OAuthError` that it raises becomes an error page.
        :param on_error: ``(error)`` -> a response instead of the error page, or ``None``.
        :param on_logout: ``(identity)`` -> a response, or ``None``. The session is gone already.
        :param on_start: ``(client name)`` -> data (JSON) that ``on_login`` finds in
            ``result.extra``.
        :param on_link: ``(result, identity)``: link the account of the result to who is signed in;
            a response, or ``None``.
        :param on_unlink: ``(client name, identity)``: take the link away; a response, or ``None``.
        :param providers: names of the clients that this blueprint serves; default is all.
        :param labels: what to call them on the page.
        :param paths: where a route stands other than usual (see :data:`ROUTES`): a path, or one
            for each of some clients.
        :param query_params: parameters of the authorization request that a visitor may choose in
            the query of the login routes, such as ``login_hint`` or ``ui_locales``.
        :param keep_in_session: keys of the session that a login does not remove, such as that of
            a shopping cart.
        :param third_party_login: whether a site that knows an issuer's users may start their
            login (OpenID Connect Core 4) without their pressing a button here.
        :param link_max_age: seconds that a sign-in may be old for linking and unlinking.
        :param revoke: whether signing out revokes the tokens of the login (RFC 7009), unless a
            store keeps them.
        :param forget_tokens: whether signing out removes and revokes all stored tokens of the
            person, as unlinking does with those of one account; else work goes on without them.
        :param token_in_signals: whether ``login_succeeded`` and ``account_linked`` carry it.
        :param docs_url: where error codes are explained, up to ``errors.html``; an empty string
            takes the link away.
        :raises InvalidSettingError: if that cannot work.
        """
        from ..sign_in.settings import SignInSettings
        from .blueprint import make_blueprint

        settings = SignInSettings.of(
            self,
            paths or {},
            providers=providers,
            labels=labels or {},
            on_start=on_start,
            on_login=on_login,
            on_error=on_error,
            on_logout=on_logout,
            on_link=on_link,
            on_unlink=on_unlink,
            query_params=query_params,
            keep_in_session=keep_in_session,
            third_party_login=third_party_login,
            link_max_age=link_max_age,
            revoke=revoke,
            forget_tokens=forget_tokens,
            token_in_signals=token_in_signals,
            docs_url=docs_url,
        )
        return make_blueprint(name, settings, paths)
