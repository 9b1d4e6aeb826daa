"""A login on Django that the provider ends is used up wherever the session is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.django_client.conftest import _database
from tests.helpers.site import Site

from ._sites import sites

__all__ = ["_database"]

ENGINES = ("db", "cache", "cached_db", "file")


@pytest.fixture(params=ENGINES)
def workers(
    request: pytest.FixtureRequest, provider: DevelopmentProvider
) -> Iterator[tuple[Site, Site]]:
    """Two processes of one project, which know each other's sessions and nothing else."""
    config = {"SESSION_ENGINE": f"django.contrib.sessions.backends.{request.param}"}
    django = sites()["django"]
    one = django({"demo": provider}, config=config)
    other = django({"demo": provider}, config=config, browser=one.browser)
    yield one, other
    other.close()
    one.close()


def callback_without_the_cookie_of_the_login(site: Site, visit: Visit) -> str:
    """The answer to a visit that has the session's cookie only."""
    [session] = [c.value for c in site.browser.cookies if c.name == "session"]
    return site.send_with(f"session={session}", visit.url).text


# With an answer 5xx, Django saves no session.
@pytest.mark.parametrize("status", [503, 400])
def test_login_that_failed_cannot_be_tried_at_another_process(
    workers: tuple[Site, Site], status: int, provider: DevelopmentProvider
) -> None:
    one, other = workers
    visit = one.begin()
    with provider.faults.on("token").respond_json({"error": "invalid_grant"}, status):
        assert callback_without_the_cookie_of_the_login(one, visit) in (
            "provider_unavailable",
            "invalid_grant",
        )
    other.outbound.clear()
    answer = callback_without_the_cookie_of_the_login(other, visit)
    assert answer in ("state_lost", "state_foreign")
    assert other.outbound.paths == []
