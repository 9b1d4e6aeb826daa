"""``manage.py oauthclient_keys``: the keys that seal stored tokens."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.core.management.base import CommandError

from ....protocol.errors import OAuthError


class Command(BaseCommand):
    """Make keys, and seal tokens with another one."""

    help = "Makes keys for OAUTHCLIENT_TOKEN_KEYS, and seals the stored tokens with the first one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do."""
        what = parser.add_subparsers(dest="what", required=True)
        generate = what.add_parser("generate", help="print a key for OAUTHCLIENT_TOKEN_KEYS")
        generate.set_defaults(do=self._generate)
        rotate = what.add_parser(
            "rotate",
            help="seal all stored tokens with the first of OAUTHCLIENT_TOKEN_KEYS; "
            "the application stays in service, and the old keys can then be taken out",
        )
        rotate.add_argument("--database", help="of a store that no registry of the URLs has")
        rotate.add_argument("--model", help="of such a store: app_label.Model")
        rotate.set_defaults(do=self._rotate)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        options["do"](options)

    def _generate(self, options: dict[str, Any]) -> None:
        from ....storage.tokens.envelope import new_key

        self.stdout.write(new_key())

    def _rotate(self, options: dict[str, Any]) -> None:
        unreadable = sum(self._reseal(store) for store in _stores(options))
        if unreadable:
            raise CommandError(
                f"{unreadable} tokens were sealed with a key that is not in the list. Their owners "
                "have to sign in again; if the key still exists, add it at the end of the list."
            )

    def _reseal(self, store: Any) -> int:
        name = type(store).__name__
        if not hasattr(store, "reseal"):  # one of the project's own
            self.stdout.write(f"{name} sees to its keys itself.")
            return 0
        try:
            done = store.reseal()
        except OAuthError as failure:
            raise CommandError(str(failure)) from None
        if done is None:
            self.stdout.write(
                f"{name} cannot list its tokens. Each is sealed anew when it is refreshed; keep "
                "the old key until then."
            )
            return 0
        told = f"{done.resealed} tokens sealed anew, {done.current} had the current key already."
        self.stdout.write(told)
        return int(done.unreadable)


def _stores(options: dict[str, Any]) -> list[Any]:
    """The stores of all registries, or the one that is named."""
    from ...token_store import DjangoTokenStore

    if options["database"] or options["model"]:
        return [DjangoTokenStore(options["database"], options["model"])]
    from django.urls import get_resolver

    from ...registry import registries

    _ = get_resolver().url_patterns  # where projects make their registries, if not before
    found = [oauth.token_store for oauth in registries if oauth.token_store is not None]
    stores = list(dict.fromkeys(found))
    for oauth in registries:
        oauth.current_state()  # which gives its store the keys
    return stores or [DjangoTokenStore()]
