"""Figures and tables of the deck on next-sentence prediction; the same calls as in notebook 05.

All but one are computed when the deck is built. Figure 5 needs the model that the notebook trains: it is drawn
from what the notebook, when it was executed, printed of it.
"""

from __future__ import annotations

import re
from functools import cache

from course_lib.figures import next_sentence as figures
from course_lib.figures.style import BLUE, GRAY, ORANGE, Picture, Table, new_figure
from course_lib.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from course_lib.pretraining.sentence_pairs import SegmentPairs, plan_pairs
from course_lib.slides.deck import DeckError
from course_lib.slides.notebook import Lesson
from course_lib.studies.records import load_record
from course_lib.translation import translate

LESSON = "05_next_sentence_prediction"
ARTICLE, MAX_LENGTH, SEED = "Aardvark", 128, 3
PRINTED = re.compile(
    r"The tokens (?P<tokens>.+?) go into the encoder, (?P<first>\d+) of type 0 and (?P<second>\d+) of type 1\."
    r".+? IsNext (?P<is_next>\d\.\d+) and random (?P<random>\d\.\d+)\]"
)
table_05_parameters = figures.table_05_parameters
table_formats = figures.table_formats


@cache
def _planned() -> tuple[TokenizedCorpus, SegmentPairs, int]:
    """Return the articles as tokens, the pairs planned on them, and the number of the article that is shown."""
    from course_lib.bert.tokenizer import load_tokenizer
    from course_lib.data.weights import bundled_weights_folder
    from course_lib.data.wikipedia import load_wikipedia

    articles = load_wikipedia()
    corpus = tokenize_corpus(
        [article["sentences"] for article in articles], load_tokenizer(bundled_weights_folder(verify=False))
    )
    number = [article["title"] for article in articles].index(ARTICLE)
    return corpus, plan_pairs(corpus, MAX_LENGTH, seed=SEED), number


def figure_05_how_it_works() -> Picture:
    """Return figure 5 with the pair and the probabilities of the notebook's stored output.

    Raises
    ------
    DeckError
        If the notebook's figure says something else than the pattern expects.
    """
    lesson = Lesson.of(LESSON)
    found = PRINTED.search(lesson.printed(lesson.cell("figure_05_how_it_works(*true)")))
    if found is None:
        raise DeckError(f"{lesson.path.name}: the words of figure 5 have changed. Adapt PRINTED to them.")
    types = [0] * int(found["first"]) + [1] * int(found["second"])
    probabilities = [float(found["is_next"]), float(found["random"])]
    return figures.figure_05_how_it_works(found["tokens"].split(), types, probabilities)


def figure_06_building_pairs() -> Picture:
    """Return figure 6: the first pairs of the notebook's article."""
    return figures.figure_06_building_pairs(*_planned())


def table_06_steps() -> Table:
    """Return table 6: from the articles to examples."""
    corpus, pairs, _ = _planned()
    return figures.table_06_steps(corpus, pairs, MAX_LENGTH)


def figure_shortcut() -> Picture:
    """Return how far words alone get on next sentences, beside the trained model, from the recording."""
    result = load_record("sentence-order")["results"]["nsp"]
    scores = {
        translate("always the more frequent label"): (result["majority"], GRAY),
        translate("word overlap alone"): (result["word_overlap"], ORANGE),
        translate("MiniLM, trained on the task"): (result["accuracy"]["nsp"], BLUE),
    }
    title = translate("Next-sentence prediction on articles held out")
    figure, axes = new_figure(9, 2.9)
    names, values = list(scores), [score for score, _ in scores.values()]
    bars = axes.barh(names, values, color=[color for _, color in scores.values()])
    axes.bar_label(bars, fmt="{:.2f}", padding=4)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set(xlabel=translate("share of pairs judged right"), xlim=(0, 1), title=title)
    shares = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True))
    return Picture(figure, title, translate("Share judged right: {shares}").format(shares=shares))


def table_objectives() -> Table:
    """Return ALBERT's comparison of sentence tasks beside the course's recording."""
    return figures.table_objectives(load_record("sentence-order")["results"])
