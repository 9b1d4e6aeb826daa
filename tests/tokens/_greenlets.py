"""The crowd of :mod:`tests.tokens._crowd` in greenlets: ``python -m tests.tokens._greenlets``."""

from __future__ import annotations

from gevent import monkey


def main() -> None:
    """Run."""
    monkey.patch_all()  # before anything else is imported
    from tests.tokens import _crowd

    _crowd.main()


if __name__ == "__main__":
    main()
