"""mkdocs hooks: add pages of the repository's root, make links out of docs/ absolute.

README.md becomes the home page; CONTRIBUTING.md, SECURITY.md and CHANGELOG.md become pages, so that
no text is duplicated. A link to a file that is no page of the site leads to the repository; a link
to a file that does not exist is left alone, and the strict build refuses it.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
FROM_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files in the repository's root -> their pages in the site."""
LINK = re.compile(r"(?<=\]\()(?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root."""
    for name, page in FROM_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the page's relative links for its location in the site."""
    at_root = page.file.src_uri in FROM_ROOT.values()
    folder = PurePosixPath() if at_root else PurePosixPath("docs")

    def rewritten(match: re.Match[str]) -> str:
        path = normpath(str(folder / match["target"]))
        anchor = match["anchor"] or ""
        if path in FROM_ROOT:
            return FROM_ROOT[path] + anchor
        if path.startswith("docs/") and files.get_file_from_path(path.removeprefix("docs/")):
            return path.removeprefix("docs/") + anchor
        if not path.startswith("..") and (ROOT / path).exists():
            kind = "tree" if (ROOT / path).is_dir() else "blob"
            return f"{config.repo_url}/{kind}/main/{path}{anchor}"
        return match["target"] + anchor

    return LINK.sub(rewritten, markdown)
