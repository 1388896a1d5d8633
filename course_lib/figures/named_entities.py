"""Figures 14 and 15, tables 14 and 15: named entities (lesson 10)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from course_lib.bert.heads import IGNORED
from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    Table,
    highlight,
    new_figure,
)
from course_lib.finetuning.entities import TAGS, entities_of, pairs_of
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.translation import Message, Verbatim, joined

COLORS = {"PER": "#BFE3F5", "ORG": "#FBE3B0", "LOC": "#BEEBDD", "MISC": "#F3D3E3"}
KIND_COLORS = {
    "correct": GREEN,
    "type": ORANGE,
    "boundary": SKY,
    "boundary and type": PURPLE,
    "missed": GRAY,
    "invented": VERMILION,
}


def _places(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return start and end (exclusive) of each word in the words joined by spaces."""
    starts = np.cumsum([0, *(len(word) + 1 for word in words)]).tolist()
    return [(start, start + len(word)) for start, word in zip(starts, words, strict=False)]


def show_entities(words: Sequence[str], tags: Sequence[str]):
    """Return an object that shows a sentence with its entities highlighted, a color a type."""
    places = _places(words)
    spans = [(places[a][0], places[b - 1][1], kind) for a, b, kind in entities_of(words, tags)]
    return highlight(" ".join(words), spans, COLORS)


def show_errors(words: Sequence[str], gold: Sequence[str], predicted: Sequence[str]):
    """Return an object that shows a sentence with the predicted entities, and what is wrong with each.

    A missed entity stands where it is in the data. Each mark says what was predicted, and behind the
    arrow what the data say.
    """
    places, spans, taken = _places(words), [], set()
    for one, other, kind in pairs_of([gold], [predicted])[0]:
        start, end, found = other or one
        start = next((word for word in range(start, end) if word not in taken), end)
        if start == end:  # a missed entity inside one that was predicted: no room to mark it
            continue
        taken.update(range(start, end))
        label = Verbatim(found)
        if kind != "correct":
            label = Message(
                "{kind}: {prediction} → {truth}",
                kind=Message(kind),
                prediction=_entity_text(other),
                truth=_entity_text(one, words),
            )
        spans.append((places[start][0], places[end - 1][1], label))
    colors = {label: COLORS.get(label, "#F9D2BF") for _, _, label in spans}
    return highlight(" ".join(words), spans, colors)


def _entity_text(entity, words: Sequence[str] | None = None) -> Message:
    if entity is None:
        return Message("nothing")
    start, end, kind = entity
    return Verbatim(kind if words is None else f"{' '.join(words[start:end])} {kind}")


def figure_14_data_preparation(
    words: Sequence[str], tags: Sequence[str], pieces: Sequence[str], feature: Mapping
) -> Picture:
    """Draw figure 14: the words of a sentence, their pieces, and the label of each piece.

    Parameters
    ----------
    words, tags : the sentence and its tags.
    pieces : the text of each piece, special tokens counted.
    feature : what :func:`entity_features` made of the sentence.
    """
    title = "Figure 14. Preparing tags: the first piece of a word carries its tag"
    widths = [0.5 + 0.15 * max(len(piece), 6) for piece in pieces]
    starts = np.cumsum([0.0, *widths]).tolist()
    figure, axes = new_figure(max(8.0, 0.62 * starts[-1]), 3.3)
    blank(axes, starts[-1] + 0.1, 4.2)
    middles = [start + width / 2 for start, width in zip(starts, widths, strict=False)]
    firsts, labels = feature["first_pieces"], feature["labels"]
    for number, (word, tag) in enumerate(zip(words, tags, strict=True)):
        last = (firsts[number + 1] if number + 1 < len(words) else len(pieces) - 1) - 1
        left, right = starts[firsts[number]], starts[last + 1]
        color = COLORS.get(tag[2:], LIGHT)
        box(axes, (left + right) / 2, 3.6, right - left - 0.12, 0.6, Verbatim(word), color)
        for piece in range(firsts[number], last + 1):
            arrow(axes, ((left + right) / 2, 3.25), (middles[piece], 2.4))
    for middle, width, piece, label in zip(middles, widths, pieces, labels, strict=True):
        carries = label != IGNORED
        color = COLORS.get(TAGS[label][2:], LIGHT) if carries else "white"
        box(axes, middle, 2.05, width - 0.12, 0.6, Verbatim(piece), color)
        text = Verbatim(TAGS[label] if carries else IGNORED)
        box(axes, middle, 0.65, width - 0.12, 0.6, text, color)
        arrow(axes, (middle, 1.7), (middle, 1.0))
    alt = Message(
        "{words} words become {pieces} tokens with [CLS] and [SEP]. {first} of them carry a tag; the others "
        "have the label {ignored}",
        words=len(words),
        pieces=len(pieces),
        first=sum(x != IGNORED for x in labels),
        ignored=IGNORED,
    )
    return Picture(figure, title, alt)


def figure_15_fine_tuning(history: History, baseline: float, smooth: int = 15) -> Picture:
    """Draw figure 15: the loss at each step, and entity-level scores on validation after each epoch.

    Parameters
    ----------
    history : of the run; its scores hold ``precision``, ``recall`` and ``f1``.
    baseline : F1 of the best baseline on the same validation part.
    smooth : steps in the moving mean.
    """
    title = "Figure 15. Fine-tuning for names: loss and entity-level scores"
    figure, (left, right) = new_figure(10, 3.6, columns=2)
    losses = np.array(history.losses)
    steps = np.arange(1, len(losses) + 1)
    left.plot(steps, losses, color=BLUE, alpha=0.35, label="each batch")
    if len(losses) >= smooth:
        mean = np.convolve(losses, np.ones(smooth) / smooth, mode="valid")
        left.plot(steps[smooth - 1 :], mean, color=BLUE, label=Message("mean of {n}", n=smooth))
    guess = np.log(len(TAGS))
    left.axhline(guess, color=ORANGE, linestyle="--", label=Message("{n} equal chances", n=len(TAGS)))
    left.set(xlabel="updates", ylabel="loss (nats)", title="Training loss", ylim=(0, None))
    left.legend()
    epochs = range(1, len(history.scores) + 1)
    curves = (
        ("precision", "precision", SKY, "^", ":"),
        ("recall", "recall", GREEN, "s", "--"),
        ("f1", "F1", BLUE, "o", "-"),
    )
    for name, label, color, marker, line in curves:
        values = [scores[name] for scores in history.scores]
        right.plot(epochs, values, color=color, marker=marker, linestyle=line, label=label)
    right.axhline(baseline, color=ORANGE, linestyle="--", label="list of training names (F1)")
    right.set_xticks(list(epochs))
    right.set(xlabel="epoch", ylabel="score", title="Validation", ylim=(0, 1))
    right.legend(loc="lower right")
    alt = Message(
        "Over {n} updates the loss {moves}. Validation after the last epoch: precision {precision:.2f}, "
        "recall {recall:.2f}, F1 {f1:.2f}; F1 of the list of training names {baseline:.2f}",
        n=len(losses),
        moves=Message("falls" if losses[-smooth:].mean() < losses[:smooth].mean() else "does not fall"),
        baseline=baseline,
        **{name: history.scores[-1][name] for name in ("precision", "recall", "f1")},
    )
    return Picture(figure, title, alt)


def figure_error_kinds(counts: Mapping[str, Mapping[str, int]]) -> Picture:
    """Draw what became of the entities: one bar a method, one color a kind of error.

    Parameters
    ----------
    counts : for each method the counts of :func:`error_counts`.
    """
    title = "What became of the test entities"
    figure, axes = new_figure(9.4, 1.25 + 0.65 * len(counts))
    for row, count in enumerate(counts.values()):
        left = 0
        for kind, color in KIND_COLORS.items():
            label = kind if row == 0 else None
            axes.barh(row, count[kind], left=left, color=color, edgecolor="white", label=label)
            if count[kind] >= 12:
                middle = left + count[kind] / 2
                color = "white" if kind in ("correct", "missed", "invented") else "black"
                axes.text(middle, row, str(count[kind]), ha="center", va="center", color=color)
            left += count[kind]
    axes.set_yticks(range(len(counts)), list(counts))
    axes.invert_yaxis()
    axes.set(xlabel="entities, in the data or predicted", title=title)
    axes.legend(ncols=6, loc="upper center", bbox_to_anchor=(0.45, -0.42 / len(counts) - 0.12), fontsize=9)
    parts = []
    for name, count in counts.items():
        worst = max((kind for kind in count if kind != "correct"), key=count.get)
        gold = sum(n for kind, n in count.items() if kind != "invented")
        error = Message("no errors")
        if count[worst]:
            error = Message("the most frequent error is '{kind}'", kind=Message(worst))
        parts.append(
            Message(
                "{name}: {share:.0%} of the entities correct, {error}",
                name=Message(name),
                share=count["correct"] / max(gold, 1),
                error=error,
            )
        )
    return Picture(figure, title, joined("; ", parts))


def figure_type_confusion(matrix: Sequence[Sequence[int]], types: Sequence[str]) -> Picture:
    """Draw which types are taken for which; the last row and column stand for *no entity*.

    Parameters
    ----------
    matrix : counts of :func:`type_confusion`.
    types : names of its rows and columns but the last.
    """
    title = "Types: the truth and the prediction"
    counts, names = np.array(matrix), [*types, "nothing"]
    figure, axes = new_figure(5.4, 4.6)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if (i, j) != (len(types), len(types)):
            color = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, str(count), ha="center", va="center", color=color)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)
    axes.set(xlabel="predicted", ylabel="in the data", title=title)
    inside = counts[:-1, :-1] - np.diag(np.diag(counts[:-1, :-1]))
    i, j = np.unravel_index(inside.argmax(), inside.shape)
    confusion = Message("No type is taken for another")
    if inside.any():
        confusion = Message(
            "The most frequent confusion of two types is {one} taken for {other}",
            one=names[i],
            other=names[j],
        )
    right = np.trace(counts[:-1, :-1]) / max(counts[:-1].sum(), 1)
    alt = "{right:.0%} of the entities in the data got their own type. {confusion}"
    return Picture(figure, title, Message(alt, right=right, confusion=confusion))


def table_types(words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> Table:
    """Return for each type how many names the sentences have, and the most frequent ones outside headlines.

    Parameters
    ----------
    words, tags : sentences and their tags.
    """
    meaning = {"PER": "persons", "ORG": "organizations", "LOC": "locations", "MISC": "other names"}
    count, names = Counter(), defaultdict(Counter)
    for sentence, own in zip(words, tags, strict=True):
        headline = not any(letter.islower() for word in sentence for letter in word)  # all in capitals
        for start, end, kind in entities_of(sentence, own):
            count[kind] += 1
            if not headline:
                names[kind][" ".join(sentence[start:end])] += 1
    return Table(
        "Names in the training sentences",
        ["type", "what", "names", "most frequent"],
        [
            [kind, text, count[kind], Verbatim(", ".join(name for name, _ in names[kind].most_common(4)))]
            for kind, text in meaning.items()
        ],
    )


def table_14_settings(configuration: TrainingConfiguration, model: str = "MiniLM-L6-H384, 22.7M") -> Table:
    """Return table 14: the settings of this run beside the paper's."""
    c = asdict(configuration)
    frozen = "trained" if c["frozen"] == "none" else "frozen"
    return Table(
        "Table 14. Settings of the model",
        ["setting", "paper", "here"],
        [
            ["model", "BERT-base, 110M", model],
            ["letters", "cased", "lowercased"],
            ["context", "as much of the document as fits", "one sentence"],
            ["label", "first piece of each word", "first piece of each word"],
            ["layer above (CRF)", "none", "none"],
            ["learning rate", "5e-5, 3e-5, 2e-5", f"{c['learning_rate']:g}"],
            ["batch size", "16, 32", c["batch_size"]],
            ["epochs", "2, 3, 4", c["epochs"]],
            ["warm-up", "10%", f"{c['warmup_share']:.0%}"],
            ["weight decay", "0.01", c["weight_decay"]],
            ["embeddings", "trained", frozen],
            ["precision", "not stated", c["precision"]],
        ],
        "Paper: Devlin et al. 2018, section 5.3 and appendix A.3, and the original code (warm-up, weight "
        "decay).",
    )


def table_15_results(results: Mapping[str, Mapping[str, float]]) -> Table:
    """Return table 15: entity-level scores of the methods on the test part."""
    return Table(
        "Table 15. Results on the test sentences, entity level",
        ["model", "precision", "recall", "F1"],
        [
            [name, *(f"{scores[measure]:.3f}" for measure in ("precision", "recall", "f1"))]
            for name, scores in results.items()
        ],
    )


def table_error_kinds(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table of what became of the entities: a row a kind, a column a method."""
    kinds = list(next(iter(counts.values())))
    return Table(
        "What became of the test entities",
        ["kind", *counts],
        [[kind, *(count[kind] for count in counts.values())] for kind in kinds],
        "Without 'invented' a column adds up to the entities in the data; without 'missed', to those "
        "predicted.",
    )
