"""Machines whose clocks differ, and tokens that they share."""

from __future__ import annotations

from time import monotonic

from ..storage.tokens.key import TokenKey

#: Seconds for which a clock that was set is remembered.
_A_DAY = 86_400.0
_CAPACITY = 4096


class OtherClocks:
    """Accounts in which a token was found that a clock ahead of ours has dated.

    If ours was set back meanwhile, that is so once, and one refresh makes it right. If it is the
    clock of another machine, that one may find ours expired: then each would replace the other's
    token, call by call. So it is done once a day. What expires unnoticed is refused by the API, and
    replaced then.
    """

    def __init__(self) -> None:
        self._until: dict[TokenKey, float] = {}

    def is_news(self, key: TokenKey) -> bool:
        """Whether nothing of the kind was seen in an account today; now it is."""
        now = monotonic()
        if self._until.get(key, now) > now:
            return False
        if len(self._until) >= _CAPACITY:
            self._until = {}
        self._until[key] = now + _A_DAY
        return True
