"""Functions of requests that do not say their types."""

from __future__ import annotations

from typing import Any

from requests import cookies
from requests import sessions

merge_cookies: Any = cookies.merge_cookies
merge_hooks: Any = sessions.merge_hooks
merge_setting: Any = sessions.merge_setting
