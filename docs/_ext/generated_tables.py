"""Directives that write reference lists from the code, so that the two cannot differ."""

from __future__ import annotations

import dataclasses

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.registry.options import METADATA_NAMES
from flask_oauthclient.registry.options import OAUTH1_KEYWORDS
from flask_oauthclient.registry.options import OAUTH2_KEYWORDS
from flask_oauthclient.registry.options import ClientOptions


class GeneratedList(SphinxDirective):
    """A definition list whose entries come from the code."""

    def entry(self, name: str, note: str, text: str) -> nodes.definition_list_item:
        """One name, a note beside it, and the text that explains it, which is markup."""
        # OAuthError.docs links to this id.
        term = nodes.term("", "", nodes.literal(text=name), ids=[name.replace("_", "-")])
        term += nodes.inline(text=f" {note}")
        body = self.parse_text_to_nodes(text)
        return nodes.definition_list_item("", term, nodes.definition("", *body))


class ErrorCodes(GeneratedList):
    """``.. error-codes::`` lists the codes that this package gives."""

    def run(self) -> list[nodes.Node]:
        entries = [self.entry(n, f"HTTP {c.http_status}", c.message) for n, c in CODES.items()]
        return [nodes.definition_list("", *entries)]


class RefusalCodes(GeneratedList):
    """``.. refusal-codes::`` lists the codes that providers send."""

    def run(self) -> list[nodes.Node]:
        entries = [self.entry(name, "", text) for name, text in REFUSALS.items()]
        return [nodes.definition_list("", *entries)]


class ClientOptionTable(SphinxDirective):
    """``.. client-options::`` is the table of a registration's options."""

    def run(self) -> list[nodes.Node]:
        rows = [("Option", "Meaning")]
        rows += [(f"``{f.name}``", f.metadata["doc"]) for f in dataclasses.fields(ClientOptions)]
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 36 64", ""]
        for option, meaning in rows:
            lines += [f"   * - {option}", f"     - {meaning}"]
        return self.parse_text_to_nodes("\n".join(lines))


class NameList(SphinxDirective):
    """``.. name-list:: metadata`` writes a set of names into one paragraph; see ``sets``."""

    required_arguments = 1
    sets = {  # noqa: RUF012
        "metadata": METADATA_NAMES,
        "oauth1-session": OAUTH1_KEYWORDS,
        "oauth2-session": OAUTH2_KEYWORDS,
    }

    def run(self) -> list[nodes.Node]:
        paragraph = nodes.paragraph()
        for name in sorted(self.sets[self.arguments[0]]):
            paragraph += [nodes.literal(text=name), nodes.Text(" ")]
        return [paragraph]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("error-codes", ErrorCodes)
    app.add_directive("refusal-codes", RefusalCodes)
    app.add_directive("client-options", ClientOptionTable)
    app.add_directive("name-list", NameList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
