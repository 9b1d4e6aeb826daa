"""The authorization endpoint and the two pages behind it: who are you, and do you agree."""

from __future__ import annotations

import typing as t

from .answer import Answer
from .answer import add_query
from .answer import redirect
from .authorization import AuthorizationRefusal
from .authorization import AuthorizationRequest
from .authorization import ResponseTarget
from .authorization import read_request
from .call import Call
from .cookies import read_cookie
from .errors import PageRefusal
from .grants import Code
from .grants import Grant
from .pages import page
from .personas import SCOPE_TEXTS
from .personas import Persona
from .sessions import BrowserSession
from .sessions import Interaction
from .sessions import OpenPages
from .sessions import check_form_token

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_PATH = "/interaction/"


class AuthorizationEndpoint:
    """Answers authorization requests (OpenID Connect Core 3.1.2).

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        self._pages: OpenPages[Interaction] = OpenPages()

    def authorize(self, call: Call) -> Answer:
        """Begin: check the request, then show a page or answer at once.

        :param call: The authorization request.
        :returns: A page, or a response for the client.
        """
        self._remember_secrets(call)
        try:
            request = read_request(call, self._provider)
            if self._provider.auto_sign_in is not None:
                return self._answer_for_persona(call, request, self._provider.auto_sign_in)
            return self._begin(call, request)
        except AuthorizationRefusal as refusal:
            return self._refuse(call, refusal)

    def _remember_secrets(self, call: Call) -> None:
        names = ("state", "nonce", "id_token_hint")
        self._provider.secrets.add(*(call.params.get(name) for name in names))

    def _answer_for_persona(self, call: Call, request: AuthorizationRequest, sub: str) -> Answer:
        session = BrowserSession(self._provider.personas[sub].sub, int(self._provider.clock()))
        return self._issue_code(call, request, session)

    def _begin(self, call: Call, request: AuthorizationRequest) -> Answer:
        session = self._provider.session_of(call)
        if "none" in request.prompts:
            return self._without_page(call, request, session)
        interaction = self._pages.add(Interaction(request))
        return self._next_step(call, interaction, session)

    def _without_page(
        self, call: Call, request: AuthorizationRequest, session: BrowserSession | None
    ) -> Answer:
        if session is None or self._must_sign_in(request, session):
            raise AuthorizationRefusal(request.target, "login_required", "Nobody is signed in.")
        if not session.has_allowed(request.client.client_id, request.scopes):
            raise AuthorizationRefusal(
                request.target, "consent_required", "The person was not asked for consent yet."
            )
        return self._issue_code(call, request, session)

    def interact(self, call: Call) -> Answer:
        """Continue: show the next page, or take what the person decided.

        :param call: A request for ``/interaction/<id>``.
        :returns: A page, or a response for the client.
        """
        session = self._provider.session_of(call)
        cookie = read_cookie(call, self._provider.cookies.page)
        interaction = self._pages.find(call.path.removeprefix(_PATH), cookie)
        if call.method != "POST":
            return self._next_step(call, interaction, session)
        check_form_token(call, interaction)
        return self._decide(call, interaction, session)

    def _decide(
        self, call: Call, interaction: Interaction, session: BrowserSession | None
    ) -> Answer:
        decision = call.form.get("decision")
        if "persona" in call.form:
            return self._sign_in(call, interaction, session)
        if decision == "switch":
            interaction.signed_in = False
            return self._sign_in_page(interaction)
        if decision == "allow" and session is not None:
            session.allow(interaction.request.client.client_id, interaction.request.scopes)
            return self._finish(call, interaction, session)
        self._pages.finish(interaction)
        refusal = AuthorizationRefusal(
            interaction.request.target, "access_denied", "The person cancelled."
        )
        return self._refuse(call, refusal)

    def _sign_in(
        self, call: Call, interaction: Interaction, session: BrowserSession | None
    ) -> Answer:
        provider = self._provider
        sub = call.form.get("persona", "")
        if sub not in provider.personas:
            raise PageRefusal("Nobody of that name", "Choose one of the people on the page.")
        renewed = provider.sessions.sign_in(session, sub, int(provider.clock()))
        provider.secrets.add(renewed.key)
        interaction.signed_in = True
        location = f"{provider.issuer_path}{_PATH}{interaction.id}"
        return redirect(location, 303, provider.cookies.for_session(renewed.key))

    def _next_step(
        self, call: Call, interaction: Interaction, session: BrowserSession | None
    ) -> Answer:
        request = interaction.request
        if session is None:
            return self._sign_in_page(interaction)
        if not interaction.signed_in and self._must_sign_in(request, session):
            return self._sign_in_page(interaction)
        allowed = session.has_allowed(request.client.client_id, request.scopes)
        if not allowed or "consent" in request.prompts:
            return self._consent_page(interaction, session)
        return self._finish(call, interaction, session)

    def _must_sign_in(self, request: AuthorizationRequest, session: BrowserSession) -> bool:
        if request.prompts & {"login", "select_account"}:
            return True
        hinted = self._provider.sessions.issued_id_token(request.id_token_hint)
        if hinted is not None and hinted.sub != session.sub:
            return True
        age = self._provider.clock() - session.auth_time
        return request.max_age is not None and age > request.max_age

    def _sign_in_page(self, interaction: Interaction) -> Answer:
        hint = interaction.request.login_hint
        return self._page("sign_in", interaction, personas=self._personas(hint), hint=hint)

    def _personas(self, hint: str | None) -> list[Persona]:
        # The hinted person comes first; who is hinted at but not here changes nothing.
        everybody = list(self._provider.personas.values())
        return sorted(everybody, key=lambda who: not (hint and who.answers_to(hint)))

    def _consent_page(self, interaction: Interaction, session: BrowserSession) -> Answer:
        request = interaction.request
        return self._page(
            "consent",
            interaction,
            persona=self._provider.personas[session.sub],
            scopes=[(scope, *SCOPE_TEXTS.get(scope, (scope, ""))) for scope in request.scopes],
            redirect_uri=request.target.redirect_uri,
        )

    def _page(self, template: str, interaction: Interaction, **values: t.Any) -> Answer:
        provider, target = self._provider, interaction.request.target
        provider.secrets.add(interaction.key, interaction.form_token)
        return page(
            template,
            provider.issuer,
            headers=provider.cookies.for_page(interaction.key, f"{_PATH}{interaction.id}"),
            form_target=target.redirect_uri,
            client=target.client,
            interaction=interaction,
            form_token=interaction.form_token,
            **values,
        )

    def _finish(self, call: Call, interaction: Interaction, session: BrowserSession) -> Answer:
        self._pages.finish(interaction)
        return self._issue_code(call, interaction.request, session)

    def _issue_code(
        self, call: Call, request: AuthorizationRequest, session: BrowserSession
    ) -> Answer:
        provider, target = self._provider, request.target
        client_id = request.client.client_id
        grant = Grant(
            client_id, session.sub, request.scopes, session.auth_time, session.sid, request.acr
        )
        expires_at = provider.clock() + provider.authorization_code_lifetime
        code = provider.grants.add_code(
            Code(
                grant,
                target.redirect_uri,
                target.redirect_uri_given,
                request.nonce,
                request.code_challenge,
                expires_at,
            )
        )
        provider.secrets.add(code)
        return self._respond(call, target, [("code", code)])

    def _refuse(self, call: Call, refusal: AuthorizationRefusal) -> Answer:
        pairs = [("error", refusal.error), ("error_description", refusal.description)]
        return self._respond(call, refusal.target, pairs)

    def _respond(self, call: Call, target: ResponseTarget, pairs: list[tuple[str, str]]) -> Answer:
        if target.state is not None:
            pairs = [*pairs, ("state", target.state)]
        # RFC 9207 2: errors carry it too.
        pairs = [*pairs, ("iss", self._provider.issuer)]
        sent = self._provider.faults.run("callback", call, lambda: pairs)
        if target.response_mode == "form_post":
            return page(
                "form_post",
                self._provider.issuer,
                form_target=target.redirect_uri,
                action=target.redirect_uri,
                client=target.client,
                pairs=sent,
            )
        status = 303 if call.method == "POST" else 302
        return redirect(add_query(target.redirect_uri, sent), status)
