"""The figures of the lessons: words for who cannot see them, labels that do not lie on one another, the same each time."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from course_lib import translation
from course_lib.bert.configuration import BertConfiguration
from course_lib.figures import style
from course_lib.figures.sentence_pairs import table_of_segments, table_of_tasks
from course_lib.figures.style import Picture, Table
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.studies.case_study.calibration import Bin
from course_lib.studies.case_study.plan import Claim, Plan
from course_lib.studies.compression.measurement import Measurement
from course_lib.studies.interpretation.attributions import Attribution
from course_lib.studies.interpretation.faithfulness import Faithfulness
from course_lib.studies.interpretation.heads import PATTERNS, HeadScores
from course_lib.studies.robustness.adversarial import Attack, TokenShift
from course_lib.studies.statistics import Part
from course_lib.translation import Message

MODULES = (
    "bert_and_llms",
    "bert_variants",
    "case_study",
    "feature_based",
    "input_embeddings",
    "looking_inside",
    "masked_language_model",
    "multiple_choice",
    "robustness",
    "sentence_pairs",
    "text_classification",
    "transformer_encoder",
)
GAINS = {"fgm": (0.02, 0.004, 0.04), "eda": (-0.02, -0.05, -0.001)}
PARTS = [Part("plain", 40, 0.8, 0.65, 0.9), Part("mixed", 24, 0.6, 0.4, 0.77)]
TOKENS = ["[CLS]", "the", "bank", "of", "the", "river", "[SEP]"]


def rows_that_sum_to_1(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


def drawings(variant: int) -> dict[str, Picture]:
    """Return every figure of the modules, drawn with one of two sets of data."""
    random = np.random.default_rng(variant)
    torch.manual_seed(variant)
    weights = rows_that_sum_to_1(7, 7, seed=variant)
    tokens = TOKENS if variant == 0 else ["[CLS]", "she", "sat", "by", "a", "stream", "[SEP]"]
    share = 0.2 + 0.3 * variant
    curve = [
        {"step": 100 * i, "accuracy": share * i / 5, "loss": 8.0 - i, "training_loss": 7.5 - i}
        for i in range(1, 6 + variant)
    ]
    history = History(losses=list(0.7 * np.exp(-np.arange(60 + 20 * variant) / 30)))
    history.scores = [{"accuracy": 0.8 + 0.01 * i, "f1": 0.79 + 0.01 * i} for i in range(2 + variant)]
    chosen = [False, True, False, True, False, True, False]
    seen = [tokens[0], "[MASK]", tokens[2], "cloud", *tokens[4:]]
    size = BertConfiguration(hidden_size=128 * (variant + 1), num_attention_heads=2 * (variant + 1))
    cosines = np.clip(random.normal(0.5 + 0.1 * variant, 0.1, (6, 6)), -1, 1)
    learned, sinusoids = torch.randn(80, 16), torch.randn(80, 16)
    calls = {
        "figure_sum_of_embeddings": (tokens, [0] * 4 + [1] * 3),
        "figure_position_similarity": (learned, sinusoids, 30 + 10 * variant),
        "figure_vocabulary_size": (
            {
                "by association": {1000: 2.1 + share, 4000: 1.6, 16000: 1.3},
                "by frequency": {1000: 1.7, 4000: 1.4, 9000: 1.25},
            },
            (30522, 1.2),
        ),
        "figure_03_how_it_works": (seen, 1, ["old", "big", "new"], [0.5 + share / 4, 0.2, 0.1]),
        "figure_04_strategy": (tokens, seen, chosen),
        "figure_head_patterns": (
            HeadScores(
                {pattern: torch.rand(3, 4) for pattern in PATTERNS},
                dict.fromkeys(PATTERNS, 0.05),
                dict.fromkeys(PATTERNS, 90),
            ),
        ),
        "figure_attributions": (
            {
                name: Attribution(tuple(tokens), torch.randn(7), 3.0 + variant, -1.0)
                for name in ("gradient × input", "integrated, [PAD]", "integrated, [MASK]")
            },
            "positive",
        ),
        "figure_equal_budget": (
            {"BERT": [0.8, 0.82], "span masks": [0.78 + 0.05 * variant, 0.8], "shared blocks": [0.7, 0.75]},
            0.5,
        ),
        "figure_attention_masks": (
            {
                "full": np.ones((9, 9), bool),
                "window": np.abs(np.arange(9)[:, None] - np.arange(9)) <= 1 + variant,
            },
        ),
        "figure_temperature_gradients": ((1.0, 2.0, 4.0), (0.5, 0.12, 0.03), (0.5, 0.48, 0.46 + 0.02 * variant)),
        "figure_students": ({"T = 1": [0.8, 0.82], "labels only": [0.76 + 0.02 * variant, 0.78]}, 0.85),
        "figure_trade_off": (
            [
                Measurement("teacher", (True,) * 85 + (False,) * 15, 90_000_000, {1: 9.0, 32: 6.0}),
                Measurement("int8", (True,) * 84 + (False,) * 16, 24_000_000, {1: 7.0, 32: 4.0 + variant}),
                Measurement("student", (True,) * 80 + (False,) * 20, 70_000_000, {1: 5.0, 32: 3.0}),
            ],
            ("teacher", "int8"),
        ),
        "figure_deletion": (
            {
                name: Faithfulness(random.random((5, 4)) * most, random.random((5, 4)) * (1 - most))
                for name, most in (("integrated gradients", 0.8), ("attention of [CLS]", 0.5), ("random", 0.4))
            },
            (0.1, 0.2, 0.35, 0.5),
        ),
        "figure_probe_controls": (
            {"name": [0.9, 0.93 + share / 20, 0.95], "control": [0.78, 0.75, 0.7], "random weights": [0.6, 0.62, 0.61]},
            0.5,
            "Names, and two controls",
        ),
        "figure_gaps": (
            {"female – male": (-0.03, -0.08, -0.01 * variant), "Polish – US, white": (0.01, -0.02, 0.04)},
            "Who is called positive more often?",
            "difference (percentage points)",
        ),
        "figure_swaps": (
            {
                "as fine-tuned": [(0.1, 0.8 + 0.1 * variant), (0.02, 0.05), (0.9, 0.97)],
                "augmentation": [(0.6, 0.8), (0.01, 0.05), (0.9, 0.98)],
            },
            "One sentence, twenty names",
        ),
        "figure_search_steps": (
            {
                metric: {
                    "BM25": (0.5, 0.4 + share / 10, 0.6), "bi-encoder": (0.6, 0.5, 0.7), "cross-encoder": (0.65, 0.55, 0.75),
                }
                for metric in ("Recall@10", "MRR@10", "nDCG@10")
            },
        ),
        "figure_funnel": (
            [("BM25", 4668), ("bi-encoder", 4668), ("cross-encoder", 10 + variant), ("reader", 1)],
            {"BM25": 2.0, "bi-encoder": 12.0, "cross-encoder": 110.0, "reader": 20.0},
        ),
        "figure_abstaining": (random.normal(2, 3, 40), np.arange(40) % 4 > 0, 1.0),
        "figure_who_sees_whom": (TOKENS, ["river", "bank"] * (variant + 1)),
        "figure_prices": (
            {"fine-tuned BERT": (200.0, 5.0 + variant), "a prompted LLM": (0.0, 500.0)}, [1e3, 1e5, 1e7, 1e9],
        ),
        "figure_attention_share": (
            {"BERT-base": [0.02, 0.1, 0.5 + share / 10], "MiniLM": [0.03, 0.2, 0.7]}, [128, 512, 4096],
        ),
        "figure_patches": (
            [random.random((24, 24)) for _ in range(4)],
            [rows_that_sum_to_1(16, seed=variant + place) for place in range(4)],
            ["disk", "ring", "cross", "square"],
            6,
        ),
        "figure_20_directions": (),
        "figure_21_challenges": (
            {
                "512 tokens": Message("{share}% are longer", share=40 + variant),
                "[MASK] is never in a real text": Message("right {share}%", share=60),
            },
        ),
        "figure_training_curve": (curve, 0.05),
        "figure_10_data_preparation": (
            random.integers(20, 300 + 200 * variant, 500),
            192,
            {"plain": 0.4 + share / 4, "sorted": 0.1, "buckets": 0.05},
        ),
        "figure_11_fine_tuning": (history,),
        "figure_shapes": (2 + variant, 4, 30),
        "figure_filtering": ([0.6, 0.4 - share / 4, 0.3], 159),
        "figure_18_learning_curve": (
            {
                "MiniLM": {50: [0.6, 0.62], 200: [0.7, 0.72], 935: [0.8 + share / 10, 0.82]},
                "TF-IDF": {50: [0.58, 0.6], 200: [0.64, 0.66], 935: [0.74, 0.75]},
            },
        ),
        "figure_19_parts": (PARTS, PARTS[::-1], 0.7 + share / 10),
        "figure_ways": (
            {
                "test reviews": {"head": [0.7, 0.72], "tail": [0.75, 0.76 + share / 10]},
                "long reviews": {"head": [0.6, 0.62], "tail": [0.65, 0.7]},
            },
        ),
        "figure_reliability": (
            [Bin(30, 0.55, 0.5), Bin(250, 0.97, 0.8 + share / 10)],
            [Bin(30, 0.55, 0.5), Bin(250, 0.85, 0.8)],
            (0.15, 0.04),
        ),
        "figure_overfitting": ([1, 2, 3], [0.7, 0.3, 0.1], [0.69, 0.6, 0.8 + share], [0.5, 0.7, 0.7]),
        "figure_17_gains": (GAINS | {"swa": (share / 10, -0.02, 0.2)}, {"fgm": [0.01, 0.04], "eda": [-0.03]}),
        "figure_gains_elsewhere": ({"all reviews": GAINS, "inference": {"swa": (share / 10, -0.02, 0.2)}},),
        "figure_attack": (
            Attack(
                (
                    TokenShift("not", 0.6, -1.5 + share, "not"),
                    TokenShift("a", 0.02, 0.01, "a"),
                    TokenShift("film", 0.1, -0.1, "film"),
                ),
                2.5,
                -0.5 + share,
            ),
        ),
        "figure_slices": ({"plain": rows_that_sum_to_1(5, 5), "fgm": rows_that_sum_to_1(5, 5, seed=variant)}, 0.5),
        "figure_error_types": ({"irony": 2 + variant, "plot": 0}, {"mixed": 20, "short": 9 + variant}),
        "figure_readers": ({"bag of words": 31.0}, {"MiniLM": [44.0, 45.0 + variant, 47.0]}),
        "figure_pair_row": (tokens, [0] * 4 + [1] * 3),
        "figure_exchanged_labels": (
            {"entailment": {"entailment": 5, "neutral": 70 + 20 * variant}, "neutral": {"entailment": 9, "neutral": 4}},
        ),
        "figure_two_correlations": (
            [0.0, 2.5, 5.0],
            {"straight": [1.0, 2.0, 4.0], "bent": [0.0, 0.1, 5.0]},
            {"straight": (0.98, 1.0), "bent": (0.87, 1.0 - share)},
        ),
        "figure_tasks": (results_of_pairs(60.0 + 10 * variant),),
        "figure_helping": (
            {
                "paraphrase, 400 pairs": {"alone": [60.0, 61.0], "with help": [64.0 + variant, 66.0]},
                "inference": {"alone": [50.0, 52.0], "with help": [51.0, 50.0]},
            },
        ),
        "figure_reading_costs": (3.0 + share, 0.7, 13.0, 6),
        "figure_rows": (
            {
                context: {
                    "embeddings": {"test": [60.0 + variant, 62.0, 61.0]},
                    "last hidden": {"test": [65.0, 66.0 + more, 67.0]},
                    "concat of last four": {"test": [72.0, 73.0, 71.0 + variant]},
                }
                for context, more in (("sentence", 0.0), ("document", 1.5))
            },
        ),
        "figure_layer_weights": (
            {
                "weighted sum of last four": {3: [0.3 + share / 10, 0.2], 4: [0.4, 0.5], 5: [0.2, 0.2], 6: [0.1, 0.1]},
                "weighted sum of all": {layer: [0.1 * layer, 0.05 + share / 10] for layer in range(1, 7)},
            },
        ),
        "figure_road": (
            {
                name: {
                    "test": [60.0 + 3 * place, 61.0 + 3 * place + variant],
                    "trainable": 3465 * 8**place,
                    "optimizer": 41580 * 8**place,
                    "activations": 5 * 10**7,
                    "epoch_seconds": [3.0 + 2 * place, 3.5 + 2 * place],
                }
                for place, name in enumerate(("head alone", "last block", "LoRA", "all blocks"))
            },
        ),
        "figure_probes": (
            {"[CLS]": [50.0, 61.0 + variant, 62.0], "mean": [66.0, 70.0, 71.0], "pooler": [63.0]},
            52.0,
        ),
        "figure_confusion": (np.array([[90 - 40 * variant, 10], [20, 80]]), ["negative", "positive"]),
        "figure_encoder_block": (size,),
        "figure_scores_to_weights": (random.normal(size=(7, 7)), weights, tokens),
        "figure_scale": (
            [8, 32, 128, 512],
            [8.0, 32.0, 128.0, 512.0 + variant],
            [1.0] * 4,
            {"raw": [0.3, 0.5, 0.8, 0.95 - share / 4], "scaled": [0.2] * 4},
        ),
        "figure_activations": (),
        "figure_attention_maps": ({f"layer {variant}, head {i}: itself": weights for i in range(4)}, tokens),
        "figure_all_heads": (rows_that_sum_to_1(3 + variant, 4, 7, 7), tokens),
        "figure_cost": (
            [64, 128, 256, 512],
            [0.001, 0.0025, 0.006, 0.02],
            1.2e-5,
            5e-8,
            [2**20 * (variant + 1), 2**22, 2**24, 2**26],
        ),
        "figure_word_senses": (
            "bank" if variant == 0 else "spring",
            [0.9, 0.8, 0.7 + share / 10],
            [0.85, 0.6, 0.4],
            cosines,
            cosines.T,
            ["river 1", "river 2", "river 3", "money 1", "money 2", "money 3"],
        ),
    }  # fmt: skip
    functions = {name: value for module in MODULES for name, value in functions_of(module).items()}
    return {name: functions[name](*arguments) for name, arguments in calls.items()}


def results_of_pairs(score: float) -> dict:
    """Return two tasks as lesson 11's recording has them."""
    runs = {
        name: {
            part: {"accuracy": [value - 1, value + 3]} for part in ("kept", "removed", "swapped", "exchanged")
        }
        | {"mismatched": {"accuracy": [value - 4, value - 2]}, "agreement": [90.0, 80.0]}
        for name, value in (("random weights", 52.0), ("MiniLM", score))
    }
    simple = {
        name: {"accuracy": 50.0} for name in ("majority", "bag of words, hypothesis only", "bag of words")
    }
    return {
        "tasks": {"paraphrase": runs, "inference": runs},
        "baselines": {"paraphrase": simple, "inference": simple},
    }


def functions_of(module: str) -> dict:
    """Return the functions of a module that draw a figure."""
    found = vars(import_module(f"course_lib.figures.{module}"))
    return {
        name: value
        for name, value in found.items()
        if name.startswith("figure_") and inspect.isfunction(value) and value.__module__.endswith(module)
    }


@pytest.fixture(scope="module")
def first() -> dict[str, Picture]:
    return drawings(0)


@pytest.fixture(scope="module")
def other() -> dict[str, Picture]:
    return drawings(1)


NAMES = [name for module in MODULES for name in functions_of(module)]


def test_every_figure_is_drawn_here(first):
    assert sorted(first) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_a_title_and_words(first, name):
    picture = first[name]
    assert isinstance(picture, Picture)
    assert len(picture.title.split()) >= 3 and "\n" not in picture.title and "{" not in picture.title
    assert len(picture.alt.split()) >= 8 and "{" not in picture.alt and "nan" not in picture.alt.lower()
    shown = [axes.get_title(place) for axes in picture.figure.axes for place in ("left", "center")]
    assert [*shown, picture.figure.get_suptitle()].count(picture.title) == 1  # it is drawn, and once


# What a figure says of any data alike would say it of wrong data too.
FIXED = {
    "figure_20_directions",  # it has no data
    "figure_activations",  # nor has this one
    "figure_cost",  # times differ from run to run
}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FIXED])
def test_the_words_tell_what_these_data_show(first, other, name):
    assert first[name].alt != other[name].alt


def shows_numbers(axis) -> bool:
    """Tell whether the ticks are numbers; names speak for themselves."""
    texts = [label.get_text().strip() for label in axis.get_ticklabels()]
    return any(re.fullmatch(r"[-−+.,\d]+%?|\$.*\$", text) for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_axes_with_numbers_say_of_what(first, name):
    figure = first[name].figure
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axes.axison and shows_numbers(axis):
                assert axis.label.get_text(), f"an axis of {axes.get_title(loc='left')!r}"


def boxes(picture: Picture):
    """Return the labels of all axes, each with the place where it is drawn, in pixels."""
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for axes in picture.figure.axes:
        texts = [axes._left_title, axes.title]
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            low, high = sorted(axes.get_xlim())
            texts += [t for v, t in zip(axes.get_xticks(), axes.get_xticklabels()) if low <= v <= high]
            low, high = sorted(axes.get_ylim())
            texts += [t for v, t in zip(axes.get_yticks(), axes.get_yticklabels()) if low <= v <= high]
        for text in texts:
            if text.get_visible() and text.get_text().strip() and not text.get_rotation() % 90:
                found.append((text.get_text(), text.get_window_extent(renderer)))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_labels_do_not_lie_on_one_another(first, name):
    for (one, place), (another, its) in itertools.combinations(boxes(first[name]), 2):
        wide = min(place.x1, its.x1) - max(place.x0, its.x0)
        high = min(place.y1, its.y1) - max(place.y0, its.y0)
        assert wide <= 1 or high <= 1, f"{one!r} lies on {another!r}"


@pytest.mark.parametrize("name", ["figure_03_how_it_works", "figure_training_curve", "figure_scale"])
def test_a_figure_is_the_same_each_time(name):
    assert drawings(0)[name].svg() == drawings(0)[name].svg()


class Catalog:
    """A catalog of every message that it is asked for: the same in brackets."""

    def __init__(self):
        self.templates: set[str] = set()

    def gettext(self, template: str) -> str:
        if not re.search(r"[A-Za-z]{2}", re.sub(r"\{.*?\}|\$.*?\$", "", template)):
            return template  # a number, or only fields
        self.templates.add(template)
        return f"⟦{template}⟧"


def translated(monkeypatch, draw):
    """Return what a function draws with such a catalog, and the catalog."""
    catalog = Catalog()
    monkeypatch.setattr(translation, "_catalog", lambda language: catalog)
    return draw(), catalog


def test_every_text_of_a_figure_is_translated_and_no_data_are(monkeypatch):
    made, _ = translated(monkeypatch, lambda: drawings(0))
    data = {*TOKENS, "old", "big", "new", "cloud", "not", "film", "[MASK]"}
    for name, picture in made.items():
        assert picture.title.startswith("⟦") and picture.alt.startswith("⟦"), name
        FigureCanvasAgg(picture.figure).draw()
        for text in picture.figure.findobj(Text):
            words = re.sub(r"⟦.*?⟧+|\$.*?\$", "", text.get_text(), flags=re.DOTALL)
            assert not re.search(r"[A-Za-z]{3}", words) or words in data or words[:2] in ("E[", "E("), (
                name,
                words,
            )
            assert not data & set(re.findall(r"⟦(.*?)⟧", text.get_text())), (name, text.get_text())


def test_what_a_catalog_must_hold_does_not_depend_on_the_data(monkeypatch):
    """Values are filled in after the translation: other data ask for no other templates."""
    _, one = translated(monkeypatch, lambda: drawings(0))
    _, two = translated(monkeypatch, lambda: drawings(1))
    captions = {
        t for t in one.templates | two.templates if re.match(r"layer \d, head \d|(river|money) \d", t)
    }
    assert one.templates - captions == two.templates - captions
    assert len(one.templates) > 100


@pytest.mark.parametrize("path", sorted(Path(style.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_words_are_not_filled_in_before_they_are_translated(path):
    """A catalog cannot hold an f-string: words with values in them are a Message."""
    if path.stem in ("style", "attention_view"):  # HTML, not words
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            words = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
            assert not re.search(r"[A-Za-z]{2}", re.sub("TFLOPS|MLM|AdamW", "", words)), ast.unparse(node)
        if isinstance(node, ast.Attribute) and node.attr == "format" and isinstance(node.value, ast.Constant):
            assert not re.search(r"[A-Za-z]{2}", re.sub(r"\{.*?\}", "", node.value.value)), ast.unparse(node)


def tables() -> list[Table]:
    from course_lib.figures import (
        bert_and_llms,
        case_study,
        masked_language_model,
        robustness,
        text_classification,
        transformer_encoder,
    )

    scores = {"masked_accuracy": [30.0, 31.0], "visible_accuracy": [80.0, 81.0], "entity_f1": [60.0, 61.0]}
    strategies = [
        {"mask": mask, "keep": keep, "random": random, **scores}
        for mask, keep, random, *_ in masked_language_model.MASKING_STRATEGIES
    ]
    plan = Plan(
        "Which is right?",
        "accuracy",
        "test part",
        "validation part",
        (50, 100),
        (1,),
        (Claim("more", "gain"),),
    )
    return [
        bert_and_llms.table_20_questions(),
        bert_and_llms.table_21_challenges(),
        case_study.table_18_plan(plan),
        case_study.table_19_results({"BERT": PARTS, "majority": PARTS[:1]}, {"BERT": "60", "majority": "–"}),
        robustness.table_17_techniques(
            {"plain": [0.8, 0.82], "fgm": [0.83, 0.82], "five together": [0.84]},
            GAINS,
            {"plain": 0.1, "fgm": 0.08, "five together": 0.05},
            {"plain": 30.0, "fgm": 58.0, "five together": 150.0},
        ),
        masked_language_model.table_03_parameters(),
        masked_language_model.table_04_strategies(strategies),
        text_classification.table_10_settings(TrainingConfiguration(), 192),
        text_classification.table_11_results({"BERT": {"accuracy": 0.9, "f1": 0.89}}),
        transformer_encoder.table_paper_and_here([("layers", "12", 12, 6)]),
    ]


def test_tables_have_a_title_and_equally_long_rows():
    for table in tables():
        assert len(table.title.split()) >= 3
        assert table.rows and all(len(row) == len(table.columns) for row in table.rows)
        assert all(str(cell).strip() for row in table.rows for cell in row)


def test_every_text_of_a_table_is_translated_once(monkeypatch):
    made, _ = translated(monkeypatch, tables)
    texts = [text for table in made for text in (table.title, table.note, *table.columns) if text != "F1"]
    assert [text for text in texts if text and not re.match("⟦[^⟦]", text)] == []
    cells = [cell for table in made for row in table.rows for cell in row]
    assert "⟦share of tokens chosen⟧" in cells and not any("⟦⟦" in str(cell) for cell in cells)


def test_the_table_of_pair_tasks_has_means_deviations_and_the_worst_seed():
    shared = {"paraphrase": {"accuracy": 53.6}, "inference": {"accuracy": 36.6}}
    table = table_of_tasks(
        results_of_pairs(70.0), {"paraphrase": (1574, 463), "inference": (8280, 1813)}, shared
    )
    rows = [[str(cell) for cell in row] for row in table.rows]
    assert rows[0] == [
        "paraphrase", "accuracy", "1,574 / 463", "50.0", "50.0", "50.0", "53.6", "53.0 ± 2.8", "71.0 ± 2.8", "69.0",
    ]  # fmt: skip
    assert rows[1][0] == "paraphrase, other genres" and rows[1][-2:] == ["67.0 ± 1.4", "66.0"]


def test_the_table_of_segments_has_a_column_for_each_way_to_ask():
    results = results_of_pairs(70.0)
    results["tasks"]["paraphrase"]["MiniLM"]["swapped"] = {"accuracy": [10.0, 20.0]}
    (row, _) = table_of_segments(results).rows
    assert [str(cell) for cell in row] == ["paraphrase", "accuracy", "71.0", "71.0", "15.0", "71.0", "85.0"]
