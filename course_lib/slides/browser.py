"""A deck in a real browser, off the network: what does not fit, the PDF, and where everything stands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course_lib.slides.deck import DeckError
from course_lib.translation import translate

THEME = Path(__file__).parent / "theme"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
WIDTH, HEIGHT = 1280, 720
READY = """async () => {
  await document.fonts.ready;
  await new Promise((done) => (Reveal.isReady() ? done() : Reveal.on("ready", done)));
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  return Reveal.getSlides().length;
}"""
SHOW = """async ([index, before]) => {
  const at = Reveal.getIndices(Reveal.getSlides()[index]);
  Reveal.slide(at.h, at.v || 0, before ? -1 : 999); // -1: before the first click, 999: after the last
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def find_browser() -> Path | None:
    """Return a Chromium, Chrome or Edge of this machine, or None."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else next((Path(p) for p in PLACES if Path(p).is_file()), None)


@dataclass
class ShownDeck:
    """A deck that a browser shows.

    Parameters
    ----------
    page : the browser's page.
    address : its file address.
    slides : number of slides.
    requests : addresses that the page has asked for, beside its own file.
    errors : errors of its scripts.
    """

    page: object
    address: str
    slides: int
    requests: list[str]
    errors: list[str]

    def show(self, index: int, before: bool = False) -> None:
        """Turn to a slide, counted from 0, as it is after the last click, or before the first."""
        self.page.evaluate(SHOW, [index, before])

    def faults(self) -> list[str]:
        """Return what is wrong with the slides, one sentence each: overflow, small text, missing alternatives."""
        script = (THEME / "examine.js").read_text(encoding="utf-8")
        found = []
        for index in range(self.slides):
            self.show(index)
            found += [f"slide {index + 1}: {fault}" for fault in self.page.evaluate(script, index)]
        found += [f"it asks the network for {address}" for address in self.requests]
        return found + [f"its script fails: {error}" for error in self.errors]

    def screenshot(self, index: int, before: bool = False) -> bytes:
        """Return a slide as PNG, as it is after the last click, or before the first."""
        self.show(index, before)
        return self.page.screenshot()

    def layouts(self) -> list[dict]:
        """Return what stands where on each slide; pictures with their PNG, twice as fine as the screen."""
        script = (THEME / "layout.js").read_text(encoding="utf-8")
        found = []
        for index in range(self.slides):
            self.show(index)
            layout = self.page.evaluate(script, index)
            for item in layout["items"]:
                if item["kind"] == "picture":
                    left, top, width, height = item["box"]
                    left, top = max(left, 0), max(top, 0)
                    item["box"] = [left, top, min(width, WIDTH - left), min(height, HEIGHT - top)]
                    clip = dict(zip(("x", "y", "width", "height"), item["box"], strict=True))
                    item["png"] = self.page.screenshot(clip=clip)
            found.append(layout)
        return found

    def pdf(self) -> bytes:
        """Return the deck as PDF, one slide a page, tagged and with an outline; then show it as before."""
        self.page.goto(f"{self.address}?print-pdf")
        self.page.evaluate(READY)
        self.page.wait_for_function(f"document.querySelectorAll('.pdf-page').length === {self.slides}")
        printed = self.page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
        self.page.goto(self.address)
        self.page.evaluate(READY)
        return printed


@contextmanager
def open_deck(path: Path) -> Iterator[ShownDeck]:
    """Open a built deck in a headless browser that has no network.

    Parameters
    ----------
    path : the HTML file.

    Raises
    ------
    DeckError
        If there is no browser.
    """
    from playwright.sync_api import sync_playwright

    browser_path = find_browser()
    if browser_path is None:
        raise DeckError(
            translate(
                "PDF and PPTX need Chromium, Chrome or Edge, and none was found. Install one, or build the HTML alone: course slides --html"
            )
        )
    # A browser refuses its sandbox to the root user; the pages are our own files.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = ["--disable-gpu", *(["--no-sandbox"] if root else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_path), args=options)
        try:
            context = browser.new_context(
                viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2, offline=True
            )
            page = context.new_page()
            requests: list[str] = []
            errors: list[str] = []
            address = path.resolve().as_uri()
            context.on(
                "request",
                lambda r: None if r.url.startswith((address, "data:", "blob:")) else requests.append(r.url),
            )
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.set_default_timeout(180_000)  # a machine that does other things too
            page.goto(address)
            yield ShownDeck(page, address, page.evaluate(READY), requests, errors)
        finally:
            browser.close()
