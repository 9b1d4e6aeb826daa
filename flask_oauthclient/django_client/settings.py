"""What a project's settings say about its clients.

::

    OAUTHCLIENT_CLIENTS = {
        "github": {"client_id": "...", "client_secret": "...", "client_kwargs": {"scope": "user"}},
    }
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ..protocol.errors import InvalidSettingError
from ..registry.options import check_keywords

#: The clients by name, each with its options in lower case.
CLIENTS = "OAUTHCLIENT_CLIENTS"
#: What the established client calls it. A client that stands in both is taken from the first.
OLD_CLIENTS = "AUTHLIB_OAUTH_CLIENTS"


class DjangoConfig(Mapping[str, Any]):
    """The settings of the project, as they are when they are asked for."""

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(settings, key)
        except AttributeError:
            raise KeyError(key) from None
        except ImproperlyConfigured:
            if key != "SECRET_KEY":
                raise
            raise KeyError(key) from None  # it is empty: Django gives it to nobody then

    def __iter__(self) -> Iterator[str]:
        return (name for name in dir(settings) if name.isupper())

    def __len__(self) -> int:
        return sum(1 for _ in self)


config = DjangoConfig()


def clients_in(setting: str) -> dict[str, Mapping[str, Any]]:
    """The clients of one setting, whose options are not judged yet.

    :param setting: its name.
    :raises InvalidSettingError: if it is no dict of dicts.
    """
    clients = config.get(setting) or {}
    if not isinstance(clients, Mapping):
        raise _no_mapping(setting)
    for name, options in clients.items():
        if not isinstance(options, Mapping):
            raise _no_mapping(f"{setting}[{name!r}]")
    return dict(clients)


def configured_client(name: str) -> dict[str, Any]:
    """The options of a client that the settings have.

    :param name: the client's name.
    :raises UnknownOptionError: for a key that is none.
    :raises InvalidSettingError: if a setting is no dict of dicts.
    """
    for setting in (CLIENTS, OLD_CLIENTS):
        clients = clients_in(setting)
        if name in clients:
            return check_keywords(name, clients[name])
    return {}


def configured_option(name: str, option: str) -> Any:
    """One of these options, or ``None``.

    It is asked for while modules are imported. What is wrong with the settings is said later: by
    the checks of ``manage.py``, and when the client is used.
    """
    for setting in (CLIENTS, OLD_CLIENTS):
        clients = config.get(setting)
        options = clients.get(name) if isinstance(clients, Mapping) else None
        if isinstance(options, Mapping):
            return options.get(option)
    return None


def _no_mapping(what: str) -> InvalidSettingError:
    return InvalidSettingError(
        "invalid_configuration",
        f"{what} is no dict. It is the options of a client by name, such as "
        '{"client_id": "..."}, and the setting is a dict of clients.',
    )
