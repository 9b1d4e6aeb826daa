"""What an application undoes, and what stays: requests, blocks, and Django's own test cases."""

from __future__ import annotations

import types
import unittest
from collections.abc import Callable
from typing import Any

import django.test
import pytest
from django.db import connections
from django.db import transaction
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client.models import StoredToken
from flask_oauthclient.protocol.errors import MissingConfigurationError
from tests.django_client.tokens._shared import KEY
from tests.django_client.tokens._shared import KEYS
from tests.django_client.tokens._shared import NEW
from tests.django_client.tokens._shared import OLD
from tests.django_client.tokens._shared import OTHER
from tests.django_client.tokens._shared import SERVERS
from tests.django_client.tokens._shared import MakeDatabase
from tests.django_client.tokens._shared import refreshed

# -- requests -----------------------------------------------------------------------------


def urls(view: Callable[[Any], Any]) -> Any:
    """The routes of a project with one view."""
    module = types.ModuleType("urls_of_one_view")
    vars(module)["urlpatterns"] = [path("", view)]
    return module


@pytest.mark.parametrize("kind", ["wal", *SERVERS])
def test_a_request_that_fails_undoes_what_it_has_written_but_no_token(
    kind: str, make_database: MakeDatabase
) -> None:
    alias = make_database(kind, ATOMIC_REQUESTS=True)
    store = DjangoTokenStore(alias, keys=KEYS)
    store.put(KEY, OLD)
    store.put(OTHER, OLD)
    seen: list[Any] = []

    def view(request: Any) -> HttpResponse:
        seen.append(connections[alias].in_atomic_block)
        seen.append(refreshed(store) == NEW)
        store.delete(OTHER)
        StoredToken.objects.using(alias).create(
            id="mine", owner="mine", version=1, sealed=b"", updated_at=0
        )
        raise KeyError("a bug")

    client = django.test.Client(raise_request_exception=False)
    with override_settings(ROOT_URLCONF=urls(view)):
        assert client.get("/").status_code == 500
    assert seen == [True, True]
    assert store.get(KEY) == NEW
    assert store.get(OTHER) is None
    assert list(StoredToken.objects.using(alias).values_list("id", flat=True)) == [KEY.row_id]


def test_sqlite_with_atomic_requests_has_the_tokens_in_a_file_of_their_own(
    make_database: MakeDatabase,
) -> None:
    alias = make_database("sqlite", ATOMIC_REQUESTS=True)
    store = DjangoTokenStore(make_database("sqlite"), keys=KEYS)
    store.put(KEY, OLD)

    def view(request: Any) -> HttpResponse:
        StoredToken.objects.using(alias).create(
            id="mine", owner="mine", version=1, sealed=b"", updated_at=0
        )
        assert refreshed(store) == NEW
        raise KeyError("a bug")

    client = django.test.Client(raise_request_exception=False)
    with override_settings(ROOT_URLCONF=urls(view)):
        assert client.get("/").status_code == 500
    assert store.get(KEY) == NEW


@pytest.mark.parametrize("kind", ["wal", *SERVERS])
def test_a_block_that_is_broken_is_none_of_the_stores_business(
    kind: str, make_database: MakeDatabase
) -> None:
    alias = make_database(kind)
    store = DjangoTokenStore(alias, keys=KEYS)
    with transaction.atomic(using=alias):
        transaction.set_rollback(True, using=alias)
        store.put(KEY, OLD)
        assert refreshed(store) == NEW
        assert store.list(KEY.owner) == [KEY]
    assert store.get(KEY) == NEW


# -- test cases ---------------------------------------------------------------------------


def ran(case: type[unittest.TestCase]) -> unittest.TestResult:
    """Run a test case as Django's runner does."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


@pytest.mark.parametrize("kind", ["sqlite", "memory", *SERVERS])
def test_in_a_test_case_tokens_are_kept_until_its_end(
    kind: str, make_database: MakeDatabase
) -> None:
    alias = make_database(kind)
    store = DjangoTokenStore(alias, keys=KEYS)

    class Case(django.test.TestCase):
        databases = frozenset({alias})

        @classmethod
        def setUpTestData(cls) -> None:
            store.put(KEY, OLD)

        def test_one(self) -> None:
            assert store.get(KEY) == OLD
            assert refreshed(store) == NEW
            with self.captureOnCommitCallbacks(using=alias), transaction.atomic(using=alias):
                store.put(OTHER, OLD)
            assert store.get(OTHER) == OLD
            assert StoredToken.objects.using(alias).count() == 2

        test_two = test_one  # which begins with what the class has kept

        def test_an_error_leaves_the_test_its_transaction(self) -> None:
            from tests.django_client.tokens._models import DemandingToken

            lacking = DjangoTokenStore(alias, DemandingToken, KEYS)
            for work in (lambda: lacking.get(KEY), lambda: lacking.put(KEY, OLD)):
                with pytest.raises(MissingConfigurationError, match="of_tests_demandingtoken"):
                    work()
            assert store.get(KEY) == OLD

    result = ran(Case)
    assert (result.testsRun, result.errors, result.failures) == (3, [], [])
    assert store.get(KEY) is None


@pytest.mark.parametrize("kind", ["sqlite", "memory", *SERVERS])
def test_in_a_transaction_test_case_it_works_as_ever(
    kind: str, make_database: MakeDatabase
) -> None:
    alias = make_database(kind)
    store = DjangoTokenStore(alias, keys=KEYS)

    class Case(django.test.TransactionTestCase):
        databases = frozenset({alias})
        available_apps = ("flask_oauthclient.django_client",)

        def test_one(self) -> None:
            assert store.get(KEY) is None
            store.put(KEY, OLD)
            assert refreshed(store) == NEW

        test_two = test_one

    result = ran(Case)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
