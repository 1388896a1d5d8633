"""What is wrong with a built site: links into nothing, requests to the network, pictures without words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from course_lib.translation import Message

LOADS = {  # attributes through which a page asks for something as soon as it is opened
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
LINKS_THAT_LOAD = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest", "preconnect", "dns-prefetch"}  # fmt: skip
IN_STYLE = re.compile(r"(?:@import\s+|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


class Page:
    """One HTML page of a built site.

    Parameters
    ----------
    path : the file.
    """

    def __init__(self, path: Path):
        self.path = path

    @cached_property
    def tree(self):
        """The page's elements."""
        import lxml.html

        return lxml.html.parse(str(self.path), parser=lxml.html.HTMLParser(encoding="utf-8")).getroot()

    @cached_property
    def anchors(self) -> set[str]:
        """What an address may name behind its ``#``."""
        return {*self.tree.xpath("//@id"), *self.tree.xpath("//a/@name")}

    def links(self) -> set[str]:
        """Return the addresses that the page leads to or loads."""
        loaded = {address for _, address in self.loaded()}
        return {address.strip() for address in self.tree.xpath("//a/@href")} | loaded

    def loaded(self) -> Iterator[tuple[str, str]]:
        """Return what the page asks for by itself: the element, and the address."""
        for element in self.tree.iter():
            if not isinstance(element.tag, str):
                continue
            names = LOADS.get(element.tag, ())
            if element.tag == "link" and LINKS_THAT_LOAD & set(element.get("rel", "").split()):
                names = ("href",)
            for name in names:
                value = element.get(name)
                if value and name == "srcset":
                    yield from ((element.tag, part.split()[0]) for part in value.split(",") if part.strip())
                elif value:
                    yield element.tag, value.strip()
            text = element.get("style", "") + (element.text or "" if element.tag == "style" else "")
            yield from (("style", address) for address in IN_STYLE.findall(text))


def is_external(address: str) -> bool:
    """Say whether an address leads out of the site."""
    return bool(re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE))


def external_requests(site: Path) -> list[str]:
    """Return a sentence for each page or style sheet that asks for something from elsewhere.

    Parameters
    ----------
    site : folder of the built site.
    """
    found = []
    text = "{page} asks for {address}, which isn't part of the site."
    for page in _pages(site):
        asked = {address for _, address in page.loaded() if is_external(address)}
        found += [
            str(Message(text, page=_name(page.path, site), address=address)) for address in sorted(asked)
        ]
    for path in sorted(site.rglob("*.css")) + sorted(site.rglob("*.svg")):
        asked = set(IN_STYLE.findall(path.read_text(encoding="utf-8", errors="replace")))
        found += [str(Message(text, page=_name(path, site), address=address)) for address in sorted(asked)]
    return found


def broken_links(site: Path) -> list[str]:
    """Return a sentence for each link to a file or an anchor that the site doesn't have."""
    pages = {page.path: page for page in _pages(site)}
    found = []
    for path, page in pages.items():
        for address in sorted(page.links()):
            if re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE) or is_external(address):
                continue
            parts = urlsplit(address)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            there = target.is_file() and target.is_relative_to(site.resolve())
            if there and (not anchor or target not in pages or anchor in pages[target].anchors):
                continue
            text = "{page}: the link to {target} leads nowhere."
            found.append(str(Message(text, page=_name(path, site), target=address)))
    return found


def pictures_without_words(site: Path) -> list[str]:
    """Return a sentence for each picture without alternative text."""
    text = "{page}: the picture {source} has no alternative text."
    return [
        str(Message(text, page=_name(page.path, site), source=image.get("src", "")[:80]))
        for page in _pages(site)
        for image in page.tree.iter("img")
        if not (image.get("alt") or "").strip()
    ]


def faults(site: Path) -> list[str]:
    """Return all that is wrong with a built site, one sentence each."""
    return [*external_requests(site), *broken_links(site), *pictures_without_words(site)]


def _pages(site: Path) -> list[Page]:
    site = site.resolve()
    decks = site / "slides"  # complete in themselves, and inspected when they are built
    return [
        Page(path)
        for path in sorted(site.rglob("*.html"))
        if site / "_static" not in path.parents  # templates of the theme
        and (path.parent != decks or not re.match(r"\d\d_", path.name))
    ]


def _name(path: Path, site: Path) -> str:
    return path.resolve().relative_to(site.resolve()).as_posix()
