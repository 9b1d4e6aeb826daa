"""The words and colours of the pages: translated in full, and easy to read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from flask_oauthclient.sign_in import texts

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_oauthclient"
FOLDER = Path(texts.__file__).parent
LANGUAGES = ("de", "es")
PLACEHOLDER = re.compile(r"%\(\w+\)s")


# -- contrast ------------------------------------------------------------------------------


def _colours() -> list[dict[str, str]]:
    css = (FOLDER / "static/oauthclient.css").read_text("utf-8")
    light, dark = css.split("prefers-color-scheme: dark")
    return [
        dict(re.findall(r"--oauthclient-([\w-]+): (#\w{6});", scheme)) for scheme in (light, dark)
    ]


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", _colours(), ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("text", "card", 4.5),
        ("text", "hover", 4.5),
        ("soft", "card", 4.5),
        ("accent", "card", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-hover", 4.5),
        ("line", "card", 3),
    ],
)
def test_contrast_is_enough(colours: dict[str, str], front: str, back: str, least: float) -> None:
    """WCAG 2.2, 1.4.3 (text) and 1.4.11 (edges of what can be pressed)."""
    darker, lighter = sorted((_luminance(colours[front]), _luminance(colours[back])))
    assert (lighter + 0.05) / (darker + 0.05) >= least


# -- catalogues ----------------------------------------------------------------------------


def _strings() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    mappings = settings["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    methods = [(pattern.removeprefix(f"{PACKAGE.name}/"), method) for pattern, method in methods]
    return {str(found[2]) for found in extract_from_dir(PACKAGE, method_map=methods)}


def _catalogue(language: str) -> Catalog:
    with (FOLDER / "translations" / language / "LC_MESSAGES/oauthclient.po").open("rb") as file:
        return read_po(file)


def _pairs(catalogue: Catalog) -> dict[str, str]:
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete(language: str) -> None:
    catalogue = _catalogue(language)
    pairs = _pairs(catalogue)
    assert set(pairs) == _strings()
    assert len(pairs) > 25
    assert not [entry.id for entry in catalogue if entry.fuzzy or not entry.string]
    for message, translation in pairs.items():
        assert translation != message
        assert sorted(PLACEHOLDER.findall(translation)) == sorted(PLACEHOLDER.findall(message))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_compiled_catalogue_is_that_of_its_source(language: str) -> None:
    with (FOLDER / "translations" / language / "LC_MESSAGES/oauthclient.mo").open("rb") as file:
        compiled = read_mo(file)
    assert _pairs(compiled) == _pairs(_catalogue(language))


def test_the_languages_are_those_that_are_shipped() -> None:
    assert sorted(path.name for path in (FOLDER / "translations").iterdir()) == list(LANGUAGES)
