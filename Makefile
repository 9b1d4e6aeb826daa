# Everything a developer runs. Each target makes .venv and installs what it needs by itself;
# all it asks of the machine is make and a Python of 3.11 or newer.
#
#   make demo     start the example app and say where it is
#   make test     the whole test suite          (PYTEST_ARGS='-k login' runs a part of it)
#   make check    formatting, lint, types, the rooms' import rules, the documentation
#   make bench    the benchmarks
#   make docs     the documentation, into docs/_build/html

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

OIDC_PROVIDER := tests/servers/oidc_provider
OIDC_PROVIDER_6 := tests/servers/oidc_provider_6
TOOLKIT := tests/servers/django_oauth_toolkit
OAUTHLIB := tests/servers/oauthlib_server
E2E := tests/e2e

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs servers clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.installed-demo
	$(BIN)/python -m example_app

# pytest-flask pushes a request context around any test that has a fixture called `app`, and so
# hides code that works only inside one. The suite therefore runs without the plugin. That the
# package also works for users who have it is what tests/pytest_flask_plugin/ shows, in a run of
# its own with the plugin on.
test: $(VENV)/.installed-test servers
	$(BIN)/python -m pytest -p no:flask --ignore=tests/pytest_flask_plugin $(PYTEST_ARGS)
	$(BIN)/python -m pytest tests/pytest_flask_plugin

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.installed-bench
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

# The real servers to test against, and axe-core to look at pages with. Redis, memcached, PostgreSQL,
# MariaDB, nginx and Chromium come from the machine's packages. What cannot be installed here is only
# warned about: its tests then skip, and say why.
servers: $(OIDC_PROVIDER)/node_modules/.installed $(OIDC_PROVIDER_6)/node_modules/.installed \
	$(TOOLKIT)/.venv/.installed $(OAUTHLIB)/.venv/.installed $(E2E)/node_modules/.installed

%/node_modules/.installed: %/package.json | $(VENV)/.installed-test
	@cd $* && PATH="$(CURDIR)/$(BIN):$$PATH" \
		npm install --no-package-lock --no-audit --no-fund --loglevel=error \
		&& touch node_modules/.installed \
		|| echo "warning: the npm packages of $* could not be installed, its tests will be skipped" >&2

# Each in an environment of its own, beside its server.py.
%/.venv/.installed: %/requirements.txt | $(VENV)/.made
	@$(BIN)/python -m venv $*/.venv \
		&& $*/.venv/bin/python -m pip --disable-pip-version-check install -qq \
			-r $*/requirements.txt \
		&& touch $@ \
		|| echo "warning: $* could not be installed, its tests will be skipped" >&2

# `--group` needs pip 25.1; the pip that comes with a Python may be older.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -qq --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed-demo: pyproject.toml | $(VENV)/.made
	$(PIP) install -qq --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml | $(VENV)/.made
	$(PIP) install -qq --editable . --group $*
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLKIT)/.venv $(OAUTHLIB)/.venv $(OIDC_PROVIDER)/node_modules $(OIDC_PROVIDER_6)/node_modules $(E2E)/node_modules docs/_build build dist *.egg-info
