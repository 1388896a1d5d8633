"""The tools behind the decks, on decks written for the test: what is wrong must be found."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import nbformat
import pytest

from course_lib import cli
from course_lib.figures.style import Picture, Table, new_figure
from course_lib.slides import browser, build, content, deck, mathematics, notebook, pictures
from course_lib.slides.deck import DeckError

NOTES = """
::: notes
**Say.** Some words that a speaker might say here, and then a few more of them.

**Ask.** What would you ask the room at this point?

**Minutes.** 2
:::
"""
OPENING = (
    "---\nnotes: |\n"
    + "\n".join(
        f"  {line}" for line in NOTES.replace("::: notes", "").replace(":::", "").strip().splitlines()
    )
    + "\n---\n"
)
DEMO = "`def greet`{.demo}"
TITLES = [*(f"Slide {i}" for i in range(1, 10)), "Paper versus here", "References"]
needs_browser = pytest.mark.skipif(
    browser.find_browser() is None, reason="no Chromium, Chrome or Edge on this machine"
)


def text_of(opening: str = OPENING, **changed: str) -> str:
    """A deck that keeps every rule; ``changed`` gives a slide another body, by number."""
    bodies = {"slide_1": DEMO} | changed
    slides = [
        f"## {title}\n\n{bodies.get(f'slide_{i}', 'Some words.')}\n{bodies.get(f'notes_{i}', NOTES)}"
        for i, title in enumerate(TITLES, 1)
    ]
    return opening + "\n" + "\n".join(slides)


@pytest.fixture
def read(tmp_path):
    def reading(text: str):
        path = tmp_path / "00_start_here.md"
        path.write_text(text, encoding="utf-8")
        return deck.read_deck(path)

    return reading


def test_a_deck_that_keeps_the_rules_has_no_problem(read):
    found = read(text_of())
    assert deck.problems(found) == []
    assert len(found.slides) == 11 and found.minutes == 24 and found.name == "00_start_here"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"slide_2": "Accuracy is 81.4%."}, "slide 'Slide 2': 81.4% is typed by hand"),
        ({"slide_2": "It rose by 0.12."}, "0.12 is typed by hand"),
        ({"slide_2": "| a | b |\n|--|--|\n| 1 | 93.5 |"}, "93.5 is typed by hand"),
        ({"slide_2": "About 15 % of them."}, "is typed by hand"),
        ({"slide_1": "No demonstration."}, "0 slides name a cell"),
        ({"slide_2": DEMO}, "2 slides name a cell"),
        ({"slide_2": "![](picture.png)"}, "pictures come by reference"),
        ({"slide_2": '<img src="https://example.org/a.png">'}, "raw HTML is not used"),
        ({"notes_2": ""}, "slide 'Slide 2': the notes have no **Say.**"),
        ({"notes_2": NOTES.replace("**Ask.**", "Ask.")}, "no **Ask.**"),
        ({"notes_2": NOTES.replace("**Minutes.** 2", "**Minutes.** a few")}, "give it no minutes"),
    ],
)
def test_a_broken_rule_is_named(read, changed, expected):
    found = deck.problems(read(text_of(**changed)))
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (text_of().replace("## Slide 3\n", "## Slide 2\n"), "two slides are called 'Slide 2'"),
        (text_of().replace("## Paper versus here\n", "## Paper\n"), "no slide is called 'Paper versus here'"),
        (text_of() + f"\n## One more\n\nWords.\n{NOTES}", "the last slide is 'One more'"),
        (text_of().split("## Slide 9")[0], "it has 9 slides"),
        (
            text_of(OPENING.replace("notes: |", 'facts:\n  "15%": a paper\nnotes: |')),
            "the fact '15%' is on no slide",
        ),
        (text_of("---\ntitle: none\n---\n"), "slide 'title slide': the notes have no **Say.**"),
    ],
)
def test_a_broken_rule_of_the_whole_is_named(read, text, expected):
    found = deck.problems(read(text))
    assert any(expected in problem for problem in found), found


def test_a_fact_with_its_source_may_be_stated(read):
    opening = OPENING.replace("notes: |", 'facts:\n  "15%": Devlin et al. 2018, section 3.1\nnotes: |')
    assert deck.problems(read(text_of(opening, slide_2="Choose 15% of them (section 3.1)."))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Words first.\n\n## A\n", "text before the first slide"),
        ("# Chapter\n\n## A\n", "heading of level 1"),
        ("## A\n\n### B\n", "heading of level 3"),
    ],
)
def test_what_is_no_deck_is_refused(read, text, expected):
    with pytest.raises(DeckError, match=expected):
        read(text)


def test_a_deck_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DeckError, match="cannot be read"):
        deck.read_deck(tmp_path / "00_start_here.md")
    with pytest.raises(DeckError, match="There is no deck '99'"):
        deck.deck_paths(["99"])


# References ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("`nothing`{.figure}", "0 code cells of 00_start_here.ipynb hold 'nothing'"),
        ("`nothing_here`{.code}", "defines no 'nothing_here'"),
        ("`these words are in no cell`{.output}", "0 code cells"),
        ("`print(`{.output}", "code cells of 00_start_here.ipynb hold 'print('; one must"),
        ("`def greet`{.code first=nowhere}", "no line with 'nowhere'"),
        ("`course_lib.nowhere.function`{.code}", "The library has no course_lib.nowhere.function"),
        ("`record:mlm-head/results/nowhere`{.value}", "leads nowhere at 'nowhere'"),
        ("`record:mlm-head/results/unigram_accuracy`{.value format=d}", "cannot be written as 'd'"),
        ("`published:NOWHERE`{.value}", "leads nowhere at 'NOWHERE'"),
        ("`record:nowhere/minutes`{.value}", "no recording 'nowhere'"),
        ("`chapter`{.notebook}", "'chapter' is no part"),
        ("See `greet`{.code} here.", "must stand in a paragraph of its own"),
        (r"$\nosuchcommand{x}$", "not known"),
        (r"$\frac{x}{$", "cannot be set"),
    ],
)
def test_a_reference_that_leads_nowhere_stops_the_build(read, body, expected):
    from course_lib.errors import CourseError

    with pytest.raises(CourseError, match=expected.replace("(", r"\(")):
        build.page(read(text_of(slide_2=body)))


def picture(title: str, alt: str = "Two bars.") -> Picture:
    figure, axes = new_figure(4, 3)
    axes.set_title("large", fontsize=20)
    axes.text(0, 0, "tiny", fontsize=4)
    axes.text(0, 0, " ", fontsize=1)
    return Picture(figure, title, alt)


@pytest.fixture
def shown(read, tmp_path, monkeypatch):
    """Content of a deck whose notebook has cells that showed something."""
    cells = {
        "figure_01()": [picture("Figure 1. Shares", "Rain 0.25.")],
        "figure_02()": [picture("A first"), picture("A second")],
        "table_03()": [
            Table("Table 3. Scores", ["name", "F1"], [["rain", "91.5 ± 0.2"], ["sun", 7]], "A note.")
        ],
        "print(shares)": "random: 1,024 of 4.5e+09\nagain: -3\nagain: 2",
        "never_run()": [],
    }
    made = []
    for source, outputs in cells.items():
        if isinstance(outputs, str):
            stored = [nbformat.v4.new_output("stream", text=outputs)]
        else:
            bundles = [output._repr_mimebundle_() for output in outputs]
            stored = [nbformat.v4.new_output("display_data", data) for data in bundles]
        made.append(nbformat.v4.new_code_cell(source, outputs=stored))
    monkeypatch.setattr(content.Lesson, "of", lambda name: notebook.Lesson(tmp_path / f"{name}.ipynb"))
    nbformat.write(nbformat.v4.new_notebook(cells=made), tmp_path / "00_start_here.ipynb")
    return content.Content(read(text_of()))


def block_of(shown, text: str) -> str:
    """The HTML that stands for a reference."""
    return shown.block(content.markdown_blocks(text)[0]["c"][0])[0]["c"][1]


def test_a_figure_is_the_one_that_the_notebook_stored(shown):
    expected = picture("Figure 1. Shares", "Rain 0.25.")
    made = block_of(shown, "`figure_01`{.figure .whole height=300}")
    assert 'alt="Figure 1. Shares. Rain 0.25."' in made and 'style="height: 300px"' in made
    assert base64.b64decode(made.split("base64,")[1].rstrip('">')).decode() == expected.svg()
    assert 'data-smallest-points="4"' in made and expected.smallest_text() == 4
    assert 'alt="A second. Two bars."' in block_of(shown, "`figure_02`{.figure number=2}")


def stored(figure, title: str = "A title of its own") -> notebook.StoredPicture:
    made = Picture(figure, title, "What it shows.")
    source = base64.b64encode(made.svg().encode()).decode()
    return notebook.StoredPicture(title, made.alt, made.smallest_text(), pictures.START + source)


def words_of(picture) -> list[str]:
    return re.findall(
        "<!-- ?(.+?) ?-->", base64.b64decode(picture.source.removeprefix(pictures.START)).decode()
    )


def crowded(text: str = "small"):
    figure, axes = new_figure(6, 3, columns=2)
    axes[0].text(0.5, 0.5, text, fontsize=4)
    axes[1].set_title("the second panel")
    return figure


def test_a_slide_shows_a_figure_without_its_title_and_with_larger_letters():
    before = stored(crowded())
    after = pictures.for_slide(before, height=540)
    assert "A title of its own" in words_of(before) and "A title of its own" not in words_of(after)
    assert set(words_of(after)) == set(words_of(before)) - {"A title of its own"}
    assert after.smallest_text > 1.3 * before.smallest_text


def test_letters_that_are_large_enough_stay_as_they_are():
    figure, axes = new_figure(4, 3)
    axes.set_axis_off()
    axes.text(0.5, 0.5, "large", fontsize=30)
    assert pictures.for_slide(stored(figure), height=540).smallest_text == 30


def test_letters_do_not_grow_over_one_another():
    figure = crowded("first")
    for place in (0.475, 0.525):
        figure.axes[0].text(0.5, place, "others", fontsize=4)
    alone = pictures.for_slide(stored(crowded("first")), height=540)
    assert pictures.for_slide(stored(figure), height=540).smallest_text < alone.smallest_text


def test_a_slide_may_show_one_panel():
    after = pictures.for_slide(stored(crowded("only in the first")), height=540, panels="2")
    assert "the second panel" in words_of(after) and "only in the first" not in words_of(after)
    with pytest.raises(DeckError, match="has no panel 3"):
        pictures.for_slide(stored(crowded()), height=540, panels="3")


def test_a_table_is_the_one_that_the_notebook_stored(shown):
    made = block_of(shown, "`table_03`{.table}")
    assert "<caption>Table 3. Scores</caption>" in made and '<p class="note">A note.</p>' in made
    assert '<td class="left">rain</td><td class="right">91.5 ± 0.2</td>' in made
    made = block_of(shown, "`table_03`{.table .bare .small rows=2}")
    assert "rain" not in made and "<td" in made and "note" not in made and 'class="small"' in made


def test_the_cells_that_matter_are_marked(shown):
    made = block_of(shown, '`table_03`{.table mark="rain:F1; 2:1"}')
    assert '<td class="left">rain</td><td class="right mark">91.5 ± 0.2</td>' in made
    assert '<td class="left mark">sun</td><td class="right">7</td>' in made
    made = block_of(shown, "`table_03`{.table rows=2 mark=:F1}")
    assert made.count(" mark") == 1 and '<td class="right mark">7</td>' in made


def test_cells_come_one_click_after_another(shown):
    made = block_of(shown, '`table_03`{.table reveal="2; rain:F1"}')
    assert '<span class="fragment" data-fragment-index="0">sun</span>' in made
    assert '<span class="fragment" data-fragment-index="0">7</span>' in made
    assert '<span class="fragment" data-fragment-index="1">91.5 ± 0.2</span>' in made
    assert '<td class="left">rain</td>' in made


def test_printed_lines_become_a_table(shown):
    reference = (
        r'`print(shares)`{.output columns="what | number" split="(\w+): (.+)" last="-3" mark="again:number"}'
    )
    made = block_of(shown, reference)
    assert '<th scope="col" class="left">what</th>' in made and "<caption>" not in made
    assert '<td class="left">random</td>' in made and '<td class="right mark">-3</td>' in made


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("`table_03`{.table .fragment}", "<table"),
        ("`figure_01`{.figure .fragment}", "<img"),
        ("`print(shares)`{.output .fragment}", "<pre"),
        ("::: fragment\nAn answer.\n:::", "An answer."),
    ],
)
def test_an_answer_waits_for_a_click(shown, text, hidden):
    blocks = shown.filled(content.markdown_blocks(text))
    document = {"pandoc-api-version": shown.deck.api_version, "meta": {}, "blocks": blocks}
    made = deck.pandoc(json.dumps(document), "--from=json", "--to=revealjs")
    assert hidden in made.partition('<div class="fragment">')[2]


def test_a_notebook_knows_the_numbers_of_its_figures_and_tables(shown):
    assert (shown.lesson.numbers("figure"), shown.lesson.numbers("table")) == ({1}, {3})


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("print(shares)", {"after": "random:"}, "1,024"),
        ("print(shares)", {"after": "random:", "number": "2"}, "4.5 × 10⁹"),
        ("print(shares)", {"after": "random:", "number": "3"}, "-3"),
        ("table_03", {"row": "rain", "column": "F1"}, "91.5"),
        ("table_03", {"row": "rain", "column": "F1", "number": "2"}, "0.2"),
        ("table_03", {"row": "2", "column": "F1"}, "7"),
    ],
)
def test_a_number_is_the_one_that_the_notebook_stored(shown, name, options, expected):
    assert shown.number(name, options) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("`never_run`{.figure}", "shows no such figure. Is it executed? course run 00"),
        ("`figure_01`{.table}", "shows no such table"),
        ("`figure_02`{.figure}", "'figure_02' shows 2 figures: say which by number=1"),
        ("`figure_02`{.figure number=3}", "shows no such figure"),
        ("`print(shares)`{.value after=nowhere}", "shows 'nowhere' 0 times"),
        ("`print(shares)`{.value after=again}", "shows 'again' 2 times"),
        ("`print(shares)`{.value number=9}", "shows no such number"),
        ("`table_03`{.value row=snow column=F1}", "no row 'snow' with a column 'F1' (rows: rain, sun;"),
        ("`table_03`{.value row=9 column=F1}", "no row '9'"),
        ("`table_03`{.table mark=rain:F2}", "has no column 'F2' (name, F1)"),
        ("`table_03`{.table mark=snow}", "has no row 'snow' (rain, sun)"),
        ("`table_03`{.table reveal=3}", "has no row '3'"),
        ("`table_03`{.table rows=1 mark=2}", "row 2 isn't among the rows shown"),
        ("`table_03`{.table rows=3}", "has 2 rows, not rows '3'"),
        ('`print(shares)`{.output columns="a | b | c"}', "makes 1 cells, and there are 3 columns"),
        ("`nowhere.nothing`{.drawing}", "course_lib/figures has no function nowhere.nothing"),
        ("`table_03`{.value row=rain column=F2}", "no row 'rain' with a column 'F2'"),
    ],
)
def test_what_the_notebook_did_not_store_stops_the_build(shown, reference, expected):
    with pytest.raises(DeckError, match=re.escape(expected)):
        shown.filled(content.markdown_blocks(reference))


def test_numbers_come_from_where_they_are_kept(read):
    made = content.Content(read(text_of()))
    stored = json.loads((build.settings.RECORDED / "mlm-head.json").read_text(encoding="utf-8"))
    last = stored["results"]["curve"][-1]["accuracy"]
    assert made.number("record:mlm-head/results/curve/-1/accuracy", {"format": ".1%"}) == f"{last:.1%}"
    assert made.number("published:IMDB_TEST_ERROR/last 510 tokens", {}) == "5.44"
    assert made.number("published:IMDB_TEST_ERROR/last 510 tokens", {"format": ".2e"}) == "5.44 × 10⁰"


def test_code_and_output_are_the_notebooks_own(read):
    made = content.Content(read(text_of()))
    assert made.code("greet").startswith("def greet(name):\n")
    cell = made.lesson.cell("kept = printing")
    assert cell.source.strip() == made.code("kept = printing")
    assert "printing gave back: None" in made.lesson.printed(cell)
    assert made.lesson.section(cell) == "Common mistakes"
    assert made.code("course_lib.translation.translate").startswith("def translate(")


def test_docstrings_can_be_left_out():
    code = 'def f(x):\n    """Say.\n\n    More.\n    """\n    return x\n\n\nclass A:\n    """Words."""\n'
    assert notebook.without_docstrings(code) == 'def f(x):\n    return x\n\n\nclass A:\n    """Words."""'


def test_a_table_keeps_its_words_as_they_are():
    table = Table("Title & more", ["name", "F1"], [["<b> [MASK] *", "91.5"], ["x", "–"]], "a note")
    made = content.table_html(table)
    assert "&lt;b&gt; [MASK] *" in made and 'class="right">91.5<' in made and "Title &amp; more" in made
    assert '<p class="note">a note</p>' in made
    assert '<p class="note">by <code>a &lt; b</code></p>' in content.table_html(
        replace(table, note="by `a < b`")
    )


def test_a_caption_does_not_say_the_title_again():
    table = {"t": "RawBlock", "c": ["html", content.table_html(Table("A & B", ["x"], [["1"]]))]}
    slide = [{"t": "Div", "c": [["", ["column"], []], [table]]}]
    build._leave_out_caption(slide, "A")
    assert "<caption>A &amp; B</caption>" in table["c"][1]
    build._leave_out_caption(slide, "A & B")
    assert "<caption>" not in table["c"][1]


def test_a_formula_carries_its_tex():
    made = mathematics.formula(r"a < b", display=False)
    assert 'aria-label="a &lt; b"' in made and "<svg" in made and "<use" not in made


# Files ---------------------------------------------------------------------------------------------


def test_the_html_is_built_without_a_browser(read, tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "find_browser", lambda: None)
    path = read(text_of()).path
    assert build.build_deck(path, tmp_path / "out", html_only=True) == [
        tmp_path / "out" / "00_start_here.html"
    ]
    with pytest.raises(DeckError, match="course slides --html"):
        build.build_deck(path, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["00_start_here.html"]


def test_the_command(read, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(deck, "DECKS", read(text_of()).path.parent)
    monkeypatch.setattr(deck.deck_paths, "__defaults__", (None, tmp_path))
    assert cli.main(["slides", "0", "--html", "--output", str(tmp_path / "out")]) == 0
    assert "00_start_here: 24 minutes; HTML in " in capsys.readouterr().out
    assert cli.main(["slides", "99"]) == 2
    assert "course: There is no deck '99'" in capsys.readouterr().err


# In the browser ------------------------------------------------------------------------------------


@needs_browser
def test_the_room_sees_an_answer_after_the_click_and_paper_has_it(read, tmp_path):
    path = tmp_path / "deck.html"
    path.write_text(
        build.page(read(text_of(slide_2="A.\n\n::: fragment\nAn answer.\n:::"))), encoding="utf-8"
    )
    seen = "() => getComputedStyle(document.querySelector('.fragment')).visibility"
    with browser.open_deck(path) as shown:
        shown.show(2, before=True)
        assert shown.page.evaluate(seen) == "hidden"
        shown.page.keyboard.press("ArrowRight")
        assert shown.page.evaluate(seen) == "visible"
        shown.show(2)
        assert shown.page.evaluate(seen) == "visible"
        shown.page.goto(f"{shown.address}?print-pdf")
        shown.page.evaluate(browser.READY)
        shown.page.wait_for_function("document.querySelector('.pdf-page .fragment.visible') !== null")


@needs_browser
def test_the_speaker_view_shows_ahead_or_behind(read, tmp_path):
    path = tmp_path / "deck.html"
    notes = NOTES.replace("**Minutes.** 2", "**Minutes.** 7")
    path.write_text(build.page(read(text_of(notes_2=notes))), encoding="utf-8")
    with browser.open_deck(path) as shown:
        planned = shown.page.evaluate("() => Reveal.getSlidesAttributes().map((a) => a['data-timing'])")
        assert planned == ["120", "120", "420"] + ["120"] * 9
        with shown.page.expect_popup() as waiting:
            shown.page.keyboard.press("s")
        waiting.value.locator(".pacing").wait_for()
        assert waiting.value.locator(".pacing").is_visible()


@needs_browser
def test_a_slide_with_little_on_it_grows_and_a_full_one_does_not(read, tmp_path):
    path = tmp_path / "deck.html"
    path.write_text(build.page(read(text_of(slide_3="Many words. " * 70))), encoding="utf-8")
    sizes = """() => Reveal.getSlides().map((s) => parseFloat(getComputedStyle(s.querySelector(":scope > p") || s).fontSize))"""
    with browser.open_deck(path) as shown:
        found = shown.page.evaluate(sizes)
        assert found[2] > 30 and found[3] == 30
        assert shown.faults() == []


@needs_browser
@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        ("", None),
        ("<p>" + "Too many words. " * 400 + "</p>", "is outside the page"),
        ('<pre style="width: 300px; overflow: hidden"><code>' + "x" * 90 + "</code></pre>", "is wider than its box"),
        ('<p style="font-size: 12px">small print</p>', "is set in 12.0 px"),
        ('<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' width=\'9\' height=\'9\'/>">', "no alternative text"),
        ('<img alt="a picture that is broken" src="data:image/png;base64,AAAA">', "does not load"),
        ('<img alt="a picture that is elsewhere" src="https://example.org/a.png">', "asks the network for https://example.org/a.png"),
        ('<img alt="tiny text" data-smallest-points="4" style="width: 400px" src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' width=\'400\' height=\'90\'/>">', "has text of 5.3 px"),
        ("<p>$$x$$ is left</p>", "markup is left"),
        ("<script>undefined_function()</script>", "its script fails"),
        ('<aside class="notes"></aside>', "no speaker notes"),
    ],
)  # fmt: skip
def test_what_a_browser_shows_wrong_is_found(read, tmp_path, planted, expected):
    page = build.page(read(text_of()))
    marked = page.replace("<p>Some words.</p>", f"<p>Some words.</p>{planted}", 1)
    assert marked != page or not planted
    path = tmp_path / "planted.html"
    path.write_text(marked, encoding="utf-8")
    with browser.open_deck(path) as shown:
        faults = shown.faults()
    assert any(expected in fault for fault in faults) if expected else faults == [], faults
