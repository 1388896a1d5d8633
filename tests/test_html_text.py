"""Text that the course puts into HTML reads as it was written, dollar signs included."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.html_text import escape

# What JupyterLab's MathJax takes for the beginning of a formula: it searches each run of text between two tags.
FORMULA = re.compile(r"\$.+\$|\\\(|\\\[|\\begin|\\\$|\\ref", re.DOTALL)


class Runs(HTMLParser):
    """Collect the runs of text between tags."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.runs: list[str] = []
        self.feed(page)
        self.close()

    def handle_data(self, data: str):
        self.runs.append(data)


@given(st.text(alphabet=st.sampled_from("ab $\\()[]<>&'\"`{}begin\n") | st.characters(codec="utf-8")))
def test_text_reads_as_it_was_written_and_begins_no_formula(text):
    runs = Runs(escape(text)).runs
    assert "".join(runs) == text
    assert not [run for run in runs if FORMULA.search(run)]


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("$31 a share, or $135 million", "<span>$</span>31 a share, or <span>$</span>135 million"),
        (r"\(x\)", r"<span>\</span>(x<span>\</span>)"),
        ("<b> & 'c'", "&lt;b&gt; &amp; 'c'"),
        (3.5, "3.5"),
    ],
)
def test_signs_of_formulas_stand_alone(text, page):
    assert escape(text) == page
