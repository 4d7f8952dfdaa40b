"""Docstrings name other objects by Sphinx roles, which editors understand; the site shows the name alone."""

import re

_ROLE = re.compile(r":(?:attr|class|func|meth|mod):(?=<code)")


def on_page_content(html: str, **_: object) -> str:
    """Called by MkDocs with each page."""
    return _ROLE.sub("", html)
