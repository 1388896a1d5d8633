"""Figures, tables and numbers of the deck on masked language modeling; the same calls as in notebook 04."""

from __future__ import annotations

from functools import cache
from statistics import mean

from course_lib.figures import masked_language_model as figures
from course_lib.figures.style import Picture, Table
from course_lib.maintenance import readme
from course_lib.studies.records import load_record

figure_04_strategy = readme.picture  # one drawing for README, notebook and deck
table_03_parameters = figures.table_03_parameters
SENTENCE = "He won the Nobel [MASK] in 1921."


@cache
def _best_words(text: str, top: int = 5) -> tuple[list[str], int, list[str], list[float]]:
    """Return the tokens of a text with one [MASK], its position, the best words there and their probabilities."""
    import torch

    from course_lib.bert.tokenizer import load_tokenizer
    from course_lib.data.weights import bundled_weights_folder
    from course_lib.studies.masking.masked_word_model import load_masked_word_model

    tokenizer = load_tokenizer(bundled_weights_folder(verify=False), special_tokens=True)
    encoding = tokenizer.encode(text)
    position = encoding.tokens.index("[MASK]")
    with torch.no_grad():
        scores = load_masked_word_model()(torch.tensor([encoding.ids]))[0, position]  # (V,)
    probabilities, ids = scores.softmax(dim=-1).topk(top)
    words = [tokenizer.id_to_token(i) for i in ids.tolist()]
    return encoding.tokens, position, words, probabilities.tolist()


def figure_03_how_it_works() -> Picture:
    """Return figure 3 on the notebook's sentence."""
    return figures.figure_03_how_it_works(*_best_words(SENTENCE))


def best_word() -> str:
    """Return the word that the model finds most probable in the notebook's sentence."""
    return _best_words(SENTENCE)[2][0]


def figure_training_curve() -> Picture:
    """Return the recorded training of the masked-word model."""
    results = load_record("mlm-head")["results"]
    return figures.figure_training_curve(results["curve"], results["unigram_accuracy"])


def table_04_strategies() -> Table:
    """Return the paper's table 8 beside the course's recording."""
    return figures.table_04_strategies(load_record("masking-strategies")["results"])


def _recorded(mask: int, keep: int, random: int, score: str) -> float:
    rows = load_record("masking-strategies")["results"]
    row = next(r for r in rows if (r["mask"], r["keep"], r["random"]) == (mask, keep, random))
    return mean(row[score])


def visible_rule() -> float:
    """Return the share (%) of visible words that the model trained with 80/10/10 recognizes."""
    return _recorded(80, 10, 10, "visible_accuracy")


def visible_mask_only() -> float:
    """Return the share (%) of visible words that the model trained with [MASK] alone recognizes."""
    return _recorded(100, 0, 0, "visible_accuracy")


def visible_without_random() -> float:
    """Return the share (%) of visible words that the model trained with 80/20/0 recognizes."""
    return _recorded(80, 20, 0, "visible_accuracy")


def hidden_rule() -> float:
    """Return the share (%) of hidden words that the model trained with 80/10/10 finds."""
    return _recorded(80, 10, 10, "masked_accuracy")


def hidden_without_random() -> float:
    """Return the share (%) of hidden words that the model trained with 80/20/0 finds."""
    return _recorded(80, 20, 0, "masked_accuracy")


def entity_range() -> float:
    """Return how far apart the strategies' mean entity F1 lie, in points."""
    means = [mean(row["entity_f1"]) for row in load_record("masking-strategies")["results"]]
    return max(means) - min(means)


def entity_spread() -> float:
    """Return how far apart two seeds of one strategy lie at most, in points of entity F1."""
    rows = load_record("masking-strategies")["results"]
    return max(max(row["entity_f1"]) - min(row["entity_f1"]) for row in rows)
