"""Looks at a built site as a careful reader would: `python data_scripts/course/check_site.py build/site` prints what is
wrong with it, and nothing where all is well.

Links within the site lead to pages and places that are there; nothing is loaded from another host; every picture has
words; no formula was left as it was written.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
LOADING = ("stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch", "manifest")
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
BY_SCRIPT = re.compile(r"""(?:import\(|fetch\(|importScripts\(|\.src\s*=|from)\s*["'`](https?:)?//[^"'`]+""")


@dataclass
class Page(HTMLParser):
    """What a page links to, loads and shows."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    unsaid: list[str] = field(default_factory=list)  # pictures without words
    following: dict[str, str] = field(default_factory=dict)  # {"next": …, "prev": …}
    words: list[str] = field(default_factory=list)
    language: str = ""
    _code: int = 0

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        relation = given.get("rel", "").split()
        self._code += tag in ("pre", "code", "script", "style", "title")
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and set(relation) & set(LOADING):
            self.loads.append(given.get("href", ""))
        if tag == "link" and {"next", "prev"} & set(relation):
            self.following[relation[0]] = given["href"]
        if tag in LOADED and LOADED[tag] in given:
            self.loads.append(given[LOADED[tag]])
        if tag == "img" and not given.get("alt", "").strip():
            self.unsaid.append(given.get("src", ""))
        self.loads += [one or other for one, other in IN_STYLE.findall(given.get("style", ""))]

    def handle_endtag(self, tag):
        self._code -= tag in ("pre", "code", "script", "style", "title")

    def handle_data(self, data):
        if not self._code:
            self.words.append(data)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults(site: Path) -> list[str]:
    """A line for everything that is wrong with the site."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    if site / "index.html" not in pages:
        return [f"{site}: there is no index.html"]
    found = []
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name}: a picture without words: {picture}" for picture in page.unsaid]
        found += [f"{name}: loads {address}" for address in page.loads if _is_elsewhere(address)]
        found += [
            f"{name}: {link!r} leads nowhere" for link in page.links + page.loads if not _leads(link, path, pages)
        ]
        found += [
            f"{name}: a formula as it was written: {text.strip()[:60]!r}" for text in page.words if r"\frac" in text
        ]
        found += [] if page.language else [f"{name}: does not say its language"]
    for path in sorted(site.rglob("*.css")):
        styles = (one or other for one, other in IN_STYLE.findall(path.read_text(encoding="utf-8")))
        found += [f"{path.relative_to(site)}: loads {address}" for address in styles if _is_elsewhere(address)]
    for path in sorted(site.rglob("*.js")):
        asked = [match[0] for match in BY_SCRIPT.finditer(path.read_text(encoding="utf-8"))]
        found += [f"{path.relative_to(site)}: loads {address}" for address in asked]
    return found


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def _leads(link: str, path: Path, pages: dict[Path, Page]) -> bool:
    """Whether a link leads somewhere, as far as that can be told without a network."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto", "data", "javascript") or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    place = unquote(parts.fragment)
    return not place or target not in pages or place in pages[target].places


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
