"""The half of a registry that makes routes to include."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern

    from ..protocol.errors import OAuthError
    from ..sign_in.identity import Identity
    from ..sign_in.login_result import LoginResult


class Mountable:
    """What :class:`OAuth` can do beside calling APIs: sign people in."""

    def urls(
        self,
        *,
        on_login: Callable[[HttpRequest, LoginResult], Any] | None = None,
        on_error: Callable[[HttpRequest, OAuthError], Any] | None = None,
        on_logout: Callable[[HttpRequest, Identity], Any] | None = None,
        on_start: Callable[[HttpRequest, str], Any] | None = None,
        on_link: Callable[[HttpRequest, LoginResult, Identity], Any] | None = None,
        on_unlink: Callable[[HttpRequest, str, Identity], Any] | None = None,
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
    ) -> tuple[list[URLPattern], str]:
        """Make the routes of signing in and out.

        ``path("auth/", include(oauth.urls(on_login=...)))``; the redirect URI of a client is
        ``/auth/callback/<name>`` then, and ``{% url "oauthclient:login" %}`` the way in.

        :param on_login: ``(request, result)`` -> a user of Django's, who is then logged in as by
            :func:`django.contrib.auth.login`; or the project's own key of the person (a string or
            whole number), or ``None``, which sign in without such a user; or a response, with
            which nobody is signed in: the project has decided otherwise. An :class:`OAuthError`
            that it raises becomes an error page.
        :param on_error: ``(request, error)`` -> a response instead of the error page, or ``None``.
        :param on_logout: ``(request, identity)`` -> a response, or ``None``; the session is gone.
        :param on_start: ``(request, client name)`` -> data (JSON) for ``result.extra``.
        :param on_link: ``(request, result, identity)``: link the account of the result to who is
            signed in; a response, or ``None``.
        :param on_unlink: ``(request, client name, identity)``: the same for taking it away.
        :param providers: names of the clients that these routes serve; default is all.
        :param labels: what to call them on the page.
        :param paths: where a route stands other than usual: a path, or one for each client.
        :param query_params: parameters of the authorization request that a visitor may choose in
            the query of the login routes, such as ``login_hint`` or ``ui_locales``.
        :param keep_in_session: keys of the session that a login does not remove.
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
        :returns: what :func:`django.urls.include` takes.
        :raises InvalidSettingError: if that cannot work.
        """
        from ..sign_in.settings import SignInSettings
        from .urls import patterns

        settings = SignInSettings.of(
            self,
            paths or {},
            made_by="urls()",
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
        return patterns(settings, paths)
