"""The website as it is built: whole, closed, found by its words, and readable by everyone."""

from __future__ import annotations

import ast
import itertools
import os
import re
from contextlib import contextmanager

import lxml.html
import pytest

from course_lib.lessons.catalog import exercise_module
from course_lib.maintenance.readme import SYLLABUS
from course_lib.settings import NOTEBOOKS, REPOSITORY
from course_lib.site.glossary import read_terms
from course_lib.site.inspection import broken_links, external_requests, pictures_without_words
from course_lib.slides.browser import find_browser

READY = [name for part in SYLLABUS.values() for name in part if (NOTEBOOKS / f"{name}.ipynb").is_file()]
LESSON = "notebooks/04_masked_language_model.html"
needs_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium, Chrome or Edge")
# What a newcomer asks, and a page that answers it.
QUESTIONS = {
    "How do I install this on Windows?": ("docs/troubleshooting.html", "index.html"),
    "kernel died": ("docs/troubleshooting.html",),
    "I'm behind a proxy": ("docs/troubleshooting.html",),
    "Can I use my own CSV file?": ("docs/your-own-task.html",),
    "Why are 15% of the words masked?": (LESSON,),
    "How does attention work?": ("notebooks/02_transformer_encoder.html",),
    "classify movie reviews": ("notebooks/08_text_classification.html",),
    "find names of people in a text": ("notebooks/10_named_entity_recognition.html",),
    "How long does a workshop of two days take to teach?": ("docs/teaching.html",),
    "Why are my numbers different from yours?": ("docs/numbers.html", "docs/troubleshooting.html"),
    "What does perplexity mean?": ("notebooks/GLOSSARY.html",),
    "How should I choose hyperparameters?": ("notebooks/13_hyperparameter_search.html",),
}
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((c) => (c / 255 <= 0.03928 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [a, b] = [light(over(rgba(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.set(`${element.className || element.tagName}: ${walker.currentNode.data.trim().slice(0, 30)}`, ratio.toFixed(2));
  }
  return [...found].slice(0, 8).map(([what, ratio]) => `${what} (${ratio})`);
}"""
NAMELESS = """() => [...document.querySelectorAll("a[href], button, input, summary, select")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .filter((e) => !(e.innerText.trim() || e.getAttribute("aria-label") || e.title || e.labels?.length ||
                   e.querySelector("img[alt]:not([alt=''])") || e.getAttribute("aria-labelledby")))
  .map((e) => e.outerHTML.slice(0, 120))"""


@contextmanager
def opened(site, name: str, *, query: str = "", **options):
    """Open a page of the site in a browser that has no network; what it asks for and what fails is collected."""
    from playwright.sync_api import sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = ["--disable-gpu", *(["--no-sandbox"] if root else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_browser()), args=arguments)
        try:
            page = browser.new_context(offline=True, **options).new_page()
            page.set_default_timeout(120_000)  # a machine with much else to do
            page.asked, page.errors = [], []
            page.on("request", lambda request: page.asked.append(request.url))
            page.on("requestfailed", lambda request: page.errors.append(request.url))
            page.on("pageerror", lambda error: page.errors.append(str(error)))
            page.goto((site.folder / name).resolve().as_uri() + query)
            yield page
        finally:
            browser.close()


def tree_of(site, name: str):
    return lxml.html.parse(str(site.folder / name), lxml.html.HTMLParser(encoding="utf-8")).getroot()


def test_nothing_is_wrong_with_the_sources(site):
    assert site.problems == []


def test_every_lesson_is_a_page_and_leads_to_the_next(site):
    addresses = [f"{name}.html" for name in READY]
    for name, following in itertools.pairwise(addresses):
        tree = tree_of(site, f"notebooks/{name}")
        assert following in tree.xpath("//a[contains(@class, 'right-next')]/@href")[0]
    assert (
        addresses[-2]
        in tree_of(site, f"notebooks/{addresses[-1]}").xpath("//a[contains(@class, 'left-prev')]/@href")[0]
    )


@pytest.mark.parametrize("name", READY)
def test_a_lesson_has_all_its_parts(site, name):
    """Promise, time, figures, help for each exercise, quiz, and the ways to open it elsewhere."""
    tree = tree_of(site, f"notebooks/{name}.html")
    text = tree.text_content()
    assert "What you’ll do." in text and "Time." in text and "Traceback" not in text
    module = exercise_module(int(name[:2]))
    helps = tree.xpath("//div[@class='course-help']")
    assert len(helps) == len(module.EXERCISES)
    for shown, exercise in zip(helps, module.EXERCISES):
        assert exercise.identifier in shown.get("aria-label")
        folds = shown.findall("details")
        assert len(folds) == len(exercise.hints) + 1 and not any("open" in fold.attrib for fold in folds)
        assert folds[-1].find(".//pre").text_content().strip()
    questions = tree.xpath("//div[@class='course-question']")
    assert len(questions) == len(module.QUIZ)
    for shown, question in zip(questions, module.QUIZ):
        right = [option.get("data-right") == "1" for option in shown.findall("details")]
        assert right == [option.correct for option in question.options]
    links = " ".join(tree.xpath("//nav[@class='course-bar']//a/@href"))
    for place in (
        "colab.research",
        "kaggle.com/kernels/welcome?src=",
        "mybinder.org",
        "codespaces.new",
        f"../downloads/{name}.ipynb",
    ):
        assert place in links
    download = site.folder / "downloads" / f"{name}.ipynb"
    assert download.read_bytes() == (NOTEBOOKS / f"{name}.ipynb").read_bytes()


def test_every_stored_figure_and_table_is_shown(site):
    for name in READY:
        source = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
        tree = tree_of(site, f"notebooks/{name}.html")
        assert len(tree.xpath("//figure[@class='course-figure']//img")) == source.count(
            "vnd.bert-course.picture+json"
        )
        assert len(tree.xpath("//div[@class='course-output']//table")) >= source.count(
            "vnd.bert-course.table+json"
        )


def test_no_link_leads_nowhere_and_no_page_needs_the_network(site):
    assert broken_links(site.folder) == []
    assert external_requests(site.folder) == []
    assert pictures_without_words(site.folder) == []


def test_formulas_are_mathml(site):
    tree = tree_of(site, "notebooks/02_transformer_encoder.html")
    assert tree.xpath("//*[local-name()='math']") or tree.xpath("//math")
    assert not list(site.folder.rglob("*mathjax*"))


def test_a_term_explains_itself_once_in_a_lesson(site):
    terms = read_terms((NOTEBOOKS / "GLOSSARY.md").read_text(encoding="utf-8"))
    anchors = {term.anchor for term in terms.values()}
    assert len(anchors) == len(terms)
    assert anchors <= set(tree_of(site, "notebooks/GLOSSARY.html").xpath("//li/@id"))
    for name in READY:
        shown = tree_of(site, f"notebooks/{name}.html").xpath("//span[@class='course-term']")
        targets = [term.find("a").get("href").partition("#")[2] for term in shown]
        assert len(set(targets)) == len(targets) and set(targets) <= anchors
        for term in shown:
            assert term.find("a").get("aria-describedby") == term.find("span").get("id")
    assert (
        sum(len(tree_of(site, f"notebooks/{n}.html").xpath("//span[@class='course-term']")) for n in READY)
        > 40
    )


def test_headings_go_down_step_by_step(site):
    for path in [*site.folder.glob("*.html"), *(site.folder / "notebooks").glob("*.html")]:
        tree = tree_of(site, path.relative_to(site.folder))
        levels = [
            int(h.tag[1]) for h in tree.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")
        ]
        assert levels.count(1) == 1 and levels[0] == 1, path
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), path
        assert tree.get("lang") == "en"


def test_troubleshooting_has_every_message_of_the_doctor(site):
    page = " ".join(tree_of(site, "docs/troubleshooting.html").text_content().replace("’", "'").split())
    source = (REPOSITORY / "course_lib" / "lessons" / "doctor.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    messages = [c.args[0].value for c in calls if getattr(c.func, "id", "") == "translate" and isinstance(c.args[0], ast.Constant)]  # fmt: skip
    assert len(messages) > 25
    missing = [m for m in messages if " ".join(re.sub(r"\{[^}]*\}", "…", m).split()) not in page]
    assert missing == []


def test_troubleshooting_answers_25_problems(site):
    tree = tree_of(site, "docs/troubleshooting.html")
    assert len(tree.xpath("//main//h3")) >= 25
    titles = " ".join(heading.text_content() for heading in tree.xpath("//main//h3")).lower()
    for subject in (
        "proxy",
        "socks",
        "mirror",
        "browser",
        "kernel",
        "windows",
        "memory",
        "apple",
        "slow",
        "disk",
    ):
        assert subject in titles


@needs_browser
def test_a_page_is_found_by_what_a_newcomer_asks(site):
    with opened(site, "search.html") as page:
        missed = {}
        for question, answers in QUESTIONS.items():
            found = page.evaluate(
                "(q) => courseFind(q).slice(0, 3).map((r) => r.address.split('#')[0])", question
            )
            if not set(found) & set(answers):
                missed[question] = found
        assert missed == {}
        assert page.evaluate("courseFind('xyzzyq')") == []
        assert page.errors == []


@needs_browser
def test_the_search_page_lists_what_it_found(site):
    with opened(site, "search.html", query="?q=whole+word+masking") as page:
        addresses = page.eval_on_selector_all(
            "#course-results a", "links => links.map((a) => a.getAttribute('href'))"
        )
        assert any(address.startswith(LESSON) for address in addresses[:3])
        assert "whole word masking" in page.inner_text("#course-found")
        page.click("#course-results a")
        assert page.url.startswith(site.folder.resolve().as_uri()) and page.errors == []


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_read_in_light_and_dark(site, theme):
    for name in ("index.html", LESSON, "docs/troubleshooting.html"):
        with opened(site, name, color_scheme=theme) as page:
            assert page.evaluate("document.documentElement.dataset.theme") == theme
            page.eval_on_selector_all("details", "all => all.forEach((fold) => { fold.open = true; })")
            assert page.evaluate(CONTRAST) == [], name
            assert page.evaluate(NAMELESS) == [], name


@needs_browser
def test_a_page_fits_a_phone_and_asks_for_nothing_from_elsewhere(site):
    for name in ("index.html", "lessons.html", LESSON, "notebooks/GLOSSARY.html"):
        with opened(site, name, viewport={"width": 375, "height": 700}) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
            assert page.errors == []
            assert all(url.startswith(("file:", "data:")) for url in page.asked)


@needs_browser
def test_the_quiz_works_with_the_keyboard_alone(site):
    with opened(site, LESSON) as page:
        for number, expected in ((1, "1 right"), (2, "0 right")):
            question = page.locator(".course-question").nth(number - 1)
            wanted = "1" if expected.startswith("1") else "0"
            page.reload()
            question.locator(f'details[data-right="{wanted}"] > summary').first.focus()
            page.keyboard.press("Enter")
            page.wait_for_function("document.querySelector('.course-count').textContent")
            text = page.inner_text(".course-count")
            assert re.match(rf"{wanted} of 1 right", text), text
            assert question.locator("details[open] p").is_visible()


@needs_browser
def test_the_quiz_counts_only_the_first_choice(site):
    with opened(site, LESSON) as page:
        question = page.locator(".course-question").first
        question.locator('details[data-right="0"] > summary').first.click()
        question.locator('details[data-right="1"] > summary').click()
        page.wait_for_function("document.querySelector('.course-right')")
        assert page.inner_text(".course-count").startswith("0 of 1 right")


@needs_browser
def test_a_tooltip_shows_when_its_word_is_reached_by_tab(site):
    with opened(site, LESSON) as page:
        tip = page.locator(".course-term [role=tooltip]").first
        assert not tip.is_visible()
        page.locator(".course-term > a").first.focus()
        assert tip.is_visible() and len(tip.inner_text()) > 20
