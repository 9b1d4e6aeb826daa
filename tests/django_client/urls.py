"""The routes of the project: a test that needs some has its own."""

from __future__ import annotations

from typing import Any

urlpatterns: list[Any] = []
