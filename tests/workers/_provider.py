"""The provider in a process of its own; it prints its issuer as JSON.

``python -m tests.workers._provider`` serves until it is stopped.
"""

from __future__ import annotations

import json
import signal
import sys

from flask_oauthclient.testing.provider import DevelopmentProvider


def main() -> None:
    """Serve."""
    provider = DevelopmentProvider(debug=True)
    provider.auto_sign_in = "alice"
    with provider.serve():
        json.dump({"issuer": provider.issuer}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
