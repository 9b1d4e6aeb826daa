"""nginx in front of an application, as the machine's packages install it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import trustme

from .process import ServerFailed
from .process import free_port
from .process import running

_ATTEMPTS = 3
#: What a proxy tells the application of the browser's request, as guides have it.
FORWARDED: Mapping[str, str] = {
    "Host": "$host",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
    "X-Forwarded-Host": "$host",
}

_CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{http};
        return 301 https://$host$request_uri;
    }}
    server {{
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location {prefix}/ {{
            proxy_pass http://127.0.0.1:{application}{path};
            {headers}
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Front:
    """Where a proxy listens."""

    #: TLS, for the application.
    https: int
    #: Plain, sends everything on to TLS.
    http: int


@dataclass(frozen=True, slots=True)
class Nginx:
    """Runs proxies.

    :param binary: the program.
    :param directory: for its files.
    :param host: the name that its certificate is for, beside the loopback address.
    """

    binary: str
    directory: Path
    host: str
    _authority: trustme.CA = field(default_factory=trustme.CA, repr=False)

    @property
    def ca_bundle(self) -> Path:
        """The file of the authority that browsers have to trust."""
        path = self.directory / "ca.pem"
        if not path.exists():
            self._authority.cert_pem.write_to_path(path)
        return path

    @contextmanager
    def before(
        self, port: int, *, prefix: str = "", headers: Mapping[str, str] = FORWARDED
    ) -> Iterator[Front]:
        """Speak TLS with browsers, and plain HTTP with an application.

        :param port: of the application.
        :param prefix: the path below which the application is found; it is taken off.
        :param headers: headers that are set for the application.
        """
        for attempt in range(_ATTEMPTS):
            # Another program may take a port before nginx does; then nginx ends at once.
            front = Front(free_port(), free_port())
            config = self._write_config(front, port, prefix, headers)
            command: list[str | Path] = [
                self.binary,
                "-e",
                "stderr",
                "-p",
                self.directory,
                "-c",
                config,
            ]
            with running(command) as server:
                try:
                    server.wait_for_port(front.https)
                except ServerFailed:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    continue
                yield front
                return

    def _write_config(
        self, front: Front, port: int, prefix: str, headers: Mapping[str, str]
    ) -> Path:
        certificate = self.directory / "server.pem"
        if not certificate.exists():
            issued = self._authority.issue_cert(self.host, "127.0.0.1")
            issued.private_key_and_cert_chain_pem.write_to_path(certificate)
        text = _CONFIG.format(
            # Its workers would not be allowed into a folder of root's.
            user="user root;" if os.geteuid() == 0 else "",
            http=front.http,
            https=front.https,
            certificate=certificate,
            prefix=prefix,
            application=port,
            path="/" if prefix else "",
            headers="\n            ".join(f"proxy_set_header {k} {v};" for k, v in headers.items()),
        )
        config = self.directory / f"{front.https}.conf"
        config.write_text(text)
        return config


def nginx_binary() -> str | None:
    """Where ``nginx`` is, or ``None``."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
