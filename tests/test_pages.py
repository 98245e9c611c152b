"""The pages that people read: every link leads somewhere, no word is misspelt."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "contrib/**/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^( *)```.*?^\1```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return what GitHub calls the headings of a page: small letters, blanks as dashes, no marks; repeats counted."""
    names: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures that stay in the repository."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    targets = re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    lost = []
    for target in links(page):
        path, _, anchor = unquote(target).partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (anchor and anchor not in anchors(file.resolve().relative_to(ROOT))):
            lost.append(target)
    assert lost == []


def test_headings_are_named_as_github_names_them() -> None:
    """Seen there: marks go, each blank is a dash, letters of all alphabets stay."""
    assert anchors(Path("SECURITY.md")) == {"security"}
    assert "a-vendor-step-by-step" in anchors(Path("CONTRIBUTING.md"))


def test_no_word_is_misspelt() -> None:
    """In pages and in the program; codespell knows what people misspell, not what is a word."""
    pytest.importorskip("codespell_lib", reason="codespell is not installed")
    names = [*map(str, PAGES), "smscli", "contrib", "action.yml", ".github"]
    argv = [sys.executable, "-m", "codespell_lib", "--toml", "pyproject.toml", *names]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
