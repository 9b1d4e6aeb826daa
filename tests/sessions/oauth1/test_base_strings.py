"""What requests makes of a URL and a form is what gets signed (RFC 5849 section 3.4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from .._answers import Answers
from ._signed import FORM
from ._signed import base_string
from ._signed import check_signature
from ._signed import session_at

#: URL, keywords of the call, and what the base string has between method and ``oauth_``.
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "O05-port-443": ("https://api.test:443/r", {}, "https%3A%2F%2Fapi.test%2Fr&"),
    "O05-other-port": ("https://api.test:8443/r", {}, "https%3A%2F%2Fapi.test%3A8443%2Fr&"),
    "O05-upper-case": ("HTTPS://API.Test/R%20v%20X", {}, "https%3A%2F%2Fapi.test%2FR%2520v%2520X&"),
    "O05-no-path": ("https://api.test", {}, "https%3A%2F%2Fapi.test%2F&"),
    "O05-tilde": ("https://api.test/~a?b=~", {}, "https%3A%2F%2Fapi.test%2F~a&b%3D~%26"),
    "O05-repeated": (
        "https://api.test/?a=2",
        {"params": [("a", "1"), ("a", "2")]},
        "https%3A%2F%2Fapi.test%2F&a%3D1%26a%3D2%26a%3D2%26",
    ),
    "O05-empty": (
        "https://api.test/?a&b=",
        {"params": {"c": ""}},
        "https%3A%2F%2Fapi.test%2F&a%3D%26b%3D%26c%3D%26",
    ),
    "O05-utf-8": (
        "https://api.test/ü?n=ü",
        {"params": {"m": "☃"}},
        "https%3A%2F%2Fapi.test%2F%25C3%25BC&m%3D%25E2%2598%2583%26n%3D%25C3%25BC%26",
    ),
    "O05-plus-and-space": (
        "https://api.test/?a=1+2&b=%2B",
        {"params": {"c": "3 4+"}},
        "https%3A%2F%2Fapi.test%2F&a%3D1%25202%26b%3D%252B%26c%3D3%25204%252B%26",
    ),
    "O05-form": (
        "https://api.test/?a=q",
        {"data": [("a", "f"), ("a", ""), ("ü", "= &")]},
        "https%3A%2F%2Fapi.test%2F&%25C3%25BC%3D%253D%2520%2526%26a%3D%26a%3Df%26a%3Dq%26",
    ),
    "O05-form-as-text": (
        "https://api.test/",
        {"data": "c2&a3=2+q", "headers": {"Content-Type": FORM}},
        "https%3A%2F%2Fapi.test%2F&a3%3D2%2520q%26c2%3D%26",
    ),
    "O05-form-with-charset": (
        "https://api.test/",
        {"data": {"a": "1"}, "headers": {"Content-Type": f"{FORM}; charset=UTF-8"}},
        "https%3A%2F%2Fapi.test%2F&a%3D1%26",
    ),
    "O05-no-form": ("https://api.test/", {"json": {"a": "1"}}, "https%3A%2F%2Fapi.test%2F&"),
    "O05-fragment": ("https://api.test/?a=1#b=2", {}, "https%3A%2F%2Fapi.test%2F&a%3D1%26"),
}


@pytest.mark.parametrize(("url", "kwargs", "expected"), CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
def test_the_base_string(place: str, url: str, kwargs: dict[str, Any], expected: str) -> None:
    answers = Answers()
    session = session_at(answers, signature_type=place)
    seen: list[str] = []

    def sign(client: Any, request: Any) -> str:
        seen.append(request.signature_base_string)
        return original(client, request)

    original = session.auth.signature_methods["HMAC-SHA1"]
    # An attribute of this one signer; the methods of the class stay as they are.
    session.auth.signature_methods = {"HMAC-SHA1": sign}
    session.post(url, **kwargs)
    method, _, rest = seen[0].partition("&")
    assert (method, rest.partition("oauth_")[0]) == ("POST", expected)
    assert seen[0] == base_string(answers.sent[0])
    check_signature(answers.sent[0])
