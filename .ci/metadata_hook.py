"""What the index of packages shows: the README with links that work there, and the addresses of the project.

The address of the repository is configuration: ``OPENISX_REPOSITORY`` names it when a release is built, as in
``https://example.org/group/openisx``. Without it links to files of the repository become plain text.
"""

import os
import re

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?<![\w`])(!?)\[((?:[^][]|!\[[^]]*\]\([^)]*\))*)\]\((?![a-z]+:|#)([^)]*)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Called by hatchling."""

    def update(self, metadata: dict[str, object]) -> None:
        """Set the dynamic fields."""
        repository = os.environ.get("OPENISX_REPOSITORY", "").rstrip("/")
        with open(os.path.join(self.root, "README.md"), encoding="utf-8") as file:
            metadata["readme"] = {"content-type": "text/markdown", "text": absolute(file.read(), repository)}
        metadata["urls"] = addresses(repository)


def absolute(text: str, repository: str) -> str:
    """Turn links to files of the repository into links to its address, or into plain text if it has none."""

    def replace(match: "re.Match[str]") -> str:
        picture, label, path = match.groups()
        label = _LINK.sub(replace, label)
        if repository:
            return f"{picture}[{label}]({repository}/{'raw' if picture else 'blob'}/HEAD/{path})"
        return "" if picture else label

    return _LINK.sub(replace, text)


def addresses(repository: str) -> dict[str, str]:
    """Return the addresses of the project."""
    if not repository:
        return {}
    return {
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/HEAD/CHANGELOG.md",
        "Documentation": f"{repository}/tree/HEAD/docs",
    }
