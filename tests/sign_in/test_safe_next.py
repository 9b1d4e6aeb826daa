"""``safe_next``: what gets through leads to this site, and what an application has gets through."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.local import LocalProxy

from flask_oauthclient.sign_in.next_url import MAX_LENGTH
from flask_oauthclient.sign_in.next_url import safe_next

from ._hostile_targets import GOOD
from ._hostile_targets import NASTY
from ._hostile_targets import REFUSED
from ._hostile_targets import hostile
from ._hostile_targets import stays_here

HOSTILE = hostile()
DEFAULT = "the default"
REFUSED_ROWS = [
    pytest.param(value, id=f"{row}-{number}")
    for row, values in REFUSED.items()
    for number, value in enumerate(values)
]
TARGETS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(NASTY), max_size=14).map("".join),
    st.lists(st.sampled_from(NASTY), max_size=14).map(lambda pieces: "/" + "".join(pieces)),
)
WORD = st.characters(categories=("L", "Mc", "N"), include_characters="-_~+@:,;=!$&'()*")
often = settings(max_examples=1500, deadline=None)


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("target", REFUSED_ROWS)
def test_row_is_refused(target: str) -> None:
    assert safe_next(target, default=DEFAULT) == DEFAULT


def test_hostile_targets_are_refused() -> None:
    assert len(HOSTILE) >= 500
    assert [target for target in HOSTILE if safe_next(target, default=DEFAULT) != DEFAULT] == []


def test_front_page_is_the_default() -> None:
    assert safe_next("https://evil.test") == "/"


@pytest.mark.parametrize(
    "target",
    [None, 0, 1.5, True, b"/x", bytearray(b"/x"), ["/x"], ("/x",), {"/x": 1}, object(), str],
    ids=repr,
)
def test_what_is_no_text_is_refused(target: object) -> None:
    assert safe_next(target, default=DEFAULT) == DEFAULT


class Changing(str):
    """A text that says something else of itself than it is."""

    __slots__ = ()

    def startswith(self, *_: Any) -> bool:
        """Always."""
        return True

    def __len__(self) -> int:
        raise ValueError


@pytest.mark.parametrize(
    "target",
    [Changing("//evil.test"), Markup("/x"), LocalProxy(lambda: "/x"), LocalProxy(dict)],
    ids=["subclass", "markup", "proxy of a text", "proxy of a mapping"],
)
def test_what_only_resembles_text_is_refused(target: object) -> None:
    assert safe_next(target, default=DEFAULT) == DEFAULT


@pytest.mark.parametrize("form", ["/{}/evil.test", "/{}\\evil.test", "/{}%2fevil.test"])
def test_no_character_hides_a_second_slash(form: str) -> None:
    invisible = {"Cc", "Cf", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"}
    characters = [
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in invisible
    ]
    kept = [c for c in characters if safe_next(form.format(c), default=DEFAULT) != DEFAULT]
    assert len(characters) > 4000
    assert kept == []


def test_no_character_becomes_a_slash_when_folded() -> None:
    folded = [
        c
        for c in map(chr, range(0x80, sys.maxunicode + 1))
        if unicodedata.normalize("NFKC", c)[:1] in ("/", "\\")
    ]
    assert "\uff0f" in folded
    assert [c for c in folded if safe_next(f"/{c}evil.test", default=DEFAULT) != DEFAULT] == []


@pytest.mark.parametrize("where", ["/x{}y", "/x?{}", "/x#{}", "/x/{}"])
def test_no_control_character_gets_through(where: str) -> None:
    controls = [*map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF])]
    kept = [c for c in controls if safe_next(where.format(c), default=DEFAULT) != DEFAULT]
    assert kept == []


# -- what is kept ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [pytest.param(v, id="N14" if v == "/a?b=c&d=e#f" else ascii(v)[:40]) for v in GOOD]
)
def test_address_of_an_application_is_kept(target: str) -> None:
    assert safe_next(target, default=DEFAULT) is target


def test_longest_target_is_kept() -> None:
    longest = "/" + "x" * (MAX_LENGTH - 1)
    assert safe_next(longest, default=DEFAULT) == longest
    assert safe_next(f"{longest}x", default=DEFAULT) == DEFAULT


@often
@given(segments=st.lists(st.text(WORD, min_size=1, max_size=9), max_size=5))
def test_words_between_slashes_are_kept(segments: list[str]) -> None:
    # A word may begin with the sign for a long vowel, which looks like a slash; a path may not.
    target = "/a" + "/".join(segments)
    assert safe_next(target, default=DEFAULT) == target


@often
@given(
    query=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60),
    separator=st.sampled_from("?#"),
)
def test_query_and_fragment_are_left_alone(query: str, separator: str) -> None:
    target = f"/a{separator}{query}"
    assert safe_next(target, default=DEFAULT) == target


# -- what holds for all ----------------------------------------------------------------------


@often
@given(target=TARGETS)
@example(target="/a/..//evil.test/%2e%2e")
@example(target="/a/..//evil%2f%252e%252e%2f..")
@example(target="/a/..%2f/b%23/../../..")
def test_what_gets_through_leads_here(target: str) -> None:
    result = safe_next(target, default=DEFAULT)
    assert result in (DEFAULT, target)
    if result != DEFAULT:
        assert stays_here(result)
        assert safe_next(result, default="") == result


@settings(max_examples=300, deadline=None)
@given(
    target=st.recursive(
        st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.floats()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        max_leaves=4,
    )
)
def test_anything_is_answered(target: object) -> None:
    result = safe_next(target, default=DEFAULT)
    assert result == DEFAULT or result is target


@pytest.mark.parametrize(
    "piece",
    ["/", "/a", "/.", "/..", "%", "%25", "%2525", "%2f", "%c0", "\\", "?", "#", "\u200b", "\u0338"],
    ids=ascii,
)
@pytest.mark.parametrize("size", [MAX_LENGTH, 65_536])
def test_answer_takes_no_time(piece: str, size: int) -> None:
    target = ("/a" + piece * size)[:size]
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        safe_next(target)
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.05


def test_length_is_what_it_is_in_a_header() -> None:
    fits = "/" + "\u00e4" * 341 + "a"  # 1 + 341 * 6 + 1
    assert safe_next(fits) == fits
    assert safe_next(fits + "a") == "/"
