"""Let nothing be imported of Flask, or of an extra that the project has not asked for."""

from __future__ import annotations

import sys

for name in (
    *("flask", "werkzeug", "jinja2", "click", "blinker", "itsdangerous", "cachelib"),
    *("httpx", "httpx2", "anyio", "redis", "sqlalchemy"),
):
    sys.modules[name] = None  # type: ignore[assignment]
