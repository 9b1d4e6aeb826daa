"""Sphinx settings."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "flask_oauthclient"
author = "The flask_oauthclient contributors"
copyright = author
release = installed_version("flask_oauthclient")
version = release

extensions = ["sphinx.ext.autodoc", "generated_tables"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"flask_oauthclient {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
