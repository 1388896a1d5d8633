"""One look: pictures carry their words, tables escape their cells, the same bytes each time."""

from __future__ import annotations

import base64
import html
import json
import re

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.figures import style
from course_lib.figures.style import Picture, Table, highlight, new_figure


def drawn(title="Loss", alt='It falls from 2 to 1, "fast" & <sure>'):
    figure, axes = new_figure(3, 2)
    axes.plot([0, 1], [2, 1], label="loss")
    axes.set(xlabel="step", ylabel="loss (nats)", title=title)
    axes.legend()
    return Picture(figure, title, alt)


def test_a_picture_carries_its_words():
    bundle = drawn()._repr_mimebundle_()
    alt = re.search(r'alt="([^"]*)"', bundle["text/html"])[1]
    assert html.unescape(alt) == 'Loss. It falls from 2 to 1, "fast" & <sure>'
    assert bundle["text/plain"] == '[Figure: Loss. It falls from 2 to 1, "fast" & <sure>]'
    assert not any(kind.startswith("image/") for kind in bundle)  # a bare image would have no alt text


def test_a_picture_stores_its_vector_drawing_and_what_a_deck_must_know():
    picture = drawn("Figure 7. Loss")
    bundle = picture._repr_mimebundle_()
    source = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])[1]
    assert base64.b64decode(source).decode() == drawn("Figure 7. Loss").svg()
    stored = json.loads(json.dumps(bundle[style.PICTURE]))
    assert (stored["title"], stored["number"], stored["alt"]) == ("Figure 7. Loss", 7, picture.alt)
    assert stored["smallest_text"] == picture.smallest_text() == 10
    assert drawn("Figures of 7. days").number is None


def test_the_smallest_text_counts_what_is_shown():
    figure, axes = new_figure(4, 3)
    axes.set_title("large", fontsize=20)
    axes.text(0, 0, "tiny", fontsize=4)
    axes.text(0, 0, " ", fontsize=1)
    axes.text(0, 0, "hidden", fontsize=2, visible=False)
    assert Picture(figure, "t", "a").smallest_text() == 4


def test_a_picture_is_drawn_on_white_with_paths_for_letters():
    """It reads the same in a dark theme, and where the font is not installed."""
    drawing = drawn().svg()
    assert 'style="fill: #ffffff' in drawing and "<text" not in drawing


def test_a_picture_has_the_same_bytes_each_time():
    first, second = drawn().svg(), drawn().svg()
    assert first == second and first.startswith("<?xml") and "<dc:date>" not in first


def test_drawing_leaves_the_readers_own_style_alone():
    before = dict(matplotlib.rcParams)
    drawn().svg()
    assert dict(matplotlib.rcParams) == before


def test_the_style_is_in_force():
    figure, axes = new_figure(3, 2, rows=1, columns=2)
    assert len(axes) == 2
    assert not axes[0].spines["top"].get_visible() and not axes[0].spines["right"].get_visible()
    assert tuple(figure.get_size_inches()) == (3, 2)


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colors_are_distinct_and_each_has_its_own_line():
    assert len(set(style.CYCLE)) == len(style.CYCLE) == len(set(style.LINES)) == len(style.LINES)
    assert (luminance("#FFFFFF") + 0.05) / (luminance(style.BLACK) + 0.05) > 12


TABLE = Table(
    "Scores", ["model", "accuracy", "n"], [["a|b <i>", "81.4%", "1,000"], ["c", "–", 7]], "Source: here & now"
)


def test_a_table_in_html_is_escaped_and_numbers_stand_right():
    page = TABLE._repr_html_()
    assert "a|b &lt;i&gt;" in page and "<i>" not in page and "here &amp; now" in page
    assert page.count("text-align: right") == 2 * 3 and "<caption" in page and "Scores</caption>" in page
    for tag in ("table", "thead", "tbody", "tr", "th", "td", "caption"):
        assert len(re.findall(rf"<{tag}\b", page)) == page.count(f"</{tag}>")


def test_a_table_stores_its_rows():
    stored = json.loads(json.dumps(TABLE._repr_mimebundle_()[style.TABLE]))
    again = Table(**{name: stored[name] for name in ("title", "columns", "rows", "note")})
    assert again._repr_html_() == TABLE._repr_html_() and repr(again) == repr(TABLE)
    assert stored["number"] is None and Table("Table 12. Settings", ["a"], []).number == 12


def test_dollar_signs_begin_no_formula():
    """JupyterLab sets what stands between two of them as a formula, in every output."""
    table = Table("From $1 to $2", ["in $", "out $"], [["$ 3", r"\(x\)"]], "$4 and $5")
    marked = highlight("$31 a share, or $135 million", [(0, 3, "$"), (16, 20, "x")])
    for page in (table._repr_html_(), marked._repr_html_()):
        bare = re.sub(r"<span>[$\\]</span>", "", page)
        assert "$" not in bare and "\\" not in bare and page != bare


def test_a_table_as_text():
    lines = repr(TABLE).splitlines()
    assert lines[0] == "Scores" and lines[-1] == "Source: here & now"
    assert lines[1].index("accuracy") == lines[2].index("81.4%") == lines[3].index("–")


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        (["1", "2.5"], True),
        (["-1", "+2", "−3"], True),
        (["81.4 ± 0.2"], True),
        (["1,234", "5%"], True),
        (["–", "1"], True),
        (["–", "–"], False),
        (["80/10/10"], False),
        (["1.2.3"], False),
        (["BERT", "1"], False),
        ([], False),
    ],
)
def test_which_columns_are_numbers(cells, numeric):
    assert Table("t", ["x"], [[cell] for cell in cells]).is_numeric(0) is numeric


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="Row 2 has 1 cells, the table 2"):
        Table("t", ["a", "b"], [[1, 2], [3]])


def test_highlighted_spans():
    shown = highlight("Ada met <Bob>", [(8, 13, "PER"), (0, 3, "PER")])
    assert repr(shown) == "[Ada PER] met [<Bob> PER]"
    page = shown._repr_html_()
    assert page.count("<mark ") == 2 and "&lt;Bob&gt;" in page and "<Bob>" not in page


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30), cuts=st.lists(st.integers(0, 30), max_size=6))
def test_highlighting_keeps_the_text(text, cuts):
    cuts = sorted({min(cut, len(text)) for cut in cuts})
    spans = [(a, b, "X") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    page = highlight(text, spans)._repr_html_()
    bare = re.sub(r" <small><b>X</b></small>", "", page)
    assert html.unescape(re.sub(r"</?(?:mark|p|span)\b[^>]*>", "", bare)) == html.unescape(html.escape(text))


def test_each_label_has_its_color():
    shown = highlight("a b c", [(0, 1, "X"), (2, 3, "Y"), (4, 5, "X")])
    colors = re.findall(r"<mark style=\"background: (#\w+)", shown._repr_html_())
    assert colors[0] == colors[2] != colors[1]
    assert "#123456" in highlight("a", [(0, 1, "X")], {"X": "#123456"})._repr_html_()
