"""URLs and visits, taken apart and put together."""

from __future__ import annotations

from urllib.parse import parse_qs
from urllib.parse import urlencode
from urllib.parse import urlsplit

from flask_oauthclient.testing.browser import Visit


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def query_of(url: str) -> dict[str, list[str]]:
    """The parameters of a URL."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def with_params(visit: Visit, **changes: str | None) -> Visit:
    """Change the query of a visit; ``None`` takes a parameter out."""
    base, _, _ = visit.url.partition("?")
    params = {name: values[-1] for name, values in query_of(visit.url).items()} | changes
    query = urlencode({k: v for k, v in params.items() if v is not None})
    return Visit(visit.method, f"{base}?{query}", visit.data, visit.initiator)


def state_of(visit: Visit) -> str:
    """The state that a visit of the callback carries."""
    given = dict(visit.data) if visit.data else {k: v[0] for k, v in query_of(visit.url).items()}
    return str(given.get("state"))
