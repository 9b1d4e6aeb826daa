"""One worker process of a project; see :mod:`tests.tokens._worker` for what it is told.

``python -m tests.django_client.tokens._worker`` reads commands until its standard input ends.
"""

from __future__ import annotations

from typing import Any

import pymysql

from tests.django_client import _project
from tests.tokens import _worker


class DjangoWorker(_worker.Worker):
    """What the commands do."""

    def _make_site(self, value: dict[str, Any]) -> Any:
        from tests.django_client.tokens._site import DjangoSite

        return DjangoSite(**value, compliance_fix=_worker.stand_still)


if __name__ == "__main__":
    pymysql.install_as_MySQLdb()  # Django asks for its brother
    _project.configure()
    _worker.serve(DjangoWorker())
