"""The pages a person sees, rendered without anything from another host."""

from __future__ import annotations

import mimetypes
import pathlib
import secrets
import typing as t
from urllib.parse import urlsplit

import jinja2

from .answer import Answer
from .answer import HeaderList
from .errors import PageRefusal

_HERE = pathlib.Path(__file__).parent

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    template: str,
    issuer: str,
    status: int = 200,
    headers: HeaderList = (),
    form_target: str | None = None,
    **values: t.Any,
) -> Answer:
    """Render a page.

    :param template: The file's name without its ending.
    :param issuer: The provider's issuer, which is also the base of its links.
    :param status: The HTTP status.
    :param headers: Further headers.
    :param form_target: Where the forms of the page lead in the end.
    :param values: What the template shows.
    :returns: The answer.
    """
    nonce = secrets.token_urlsafe(16)
    html = _templates.get_template(f"{template}.html").render(
        issuer=issuer, base=urlsplit(issuer).path.rstrip("/"), nonce=nonce, **values
    )
    return Answer(
        status,
        (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", _policy(nonce, form_target)),
            ("Referrer-Policy", "strict-origin"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ),
        html.encode(),
    )


def _policy(nonce: str, form_target: str | None) -> str:
    # Browsers apply form-action to the redirects that follow a form too: the client's redirect
    # URI, and where the client sends the browser after it.
    targets = "'self' http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:*"
    if form_target is not None:
        url = urlsplit(form_target)
        targets += f" {url.scheme}://{url.netloc}" if url.netloc else f" {url.scheme}:"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; script-src 'nonce-{nonce}'; form-action {targets}"
    )


def refusal_page(refusal: PageRefusal, issuer: str) -> Answer:
    """Show a refusal.

    :param refusal: The refusal.
    :param issuer: The provider's issuer.
    :returns: The answer.
    """
    return page(
        "error",
        issuer,
        refusal.status,
        title=refusal.title,
        explanation=refusal.explanation,
    )


def static_file(name: str) -> Answer:
    """Serve a style sheet or an image.

    :param name: The file's name.
    :returns: The answer; 404 for anything that isn't one of ours.
    """
    known = {path.name: path for path in (_HERE / "static").iterdir()}
    if name not in known:
        return Answer(404, (("Content-Type", "text/plain"),), b"Not found\n")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = (("Content-Type", kind), ("Cache-Control", "public, max-age=300"))
    return Answer(200, headers, known[name].read_bytes())
