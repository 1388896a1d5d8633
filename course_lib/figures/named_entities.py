"""Figures 14 and 15, tables 14 and 15: named entities (lesson 10)."""

from __future__ import annotations

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
from course_lib.translation import translate

COLORS = {"PER": "#BFE3F5", "ORG": "#FBE3B0", "LOC": "#BEEBDD", "MISC": "#F3D3E3"}
KIND_COLORS = {
    "correct": GREEN, "type": ORANGE, "boundary": SKY, "boundary and type": PURPLE, "missed": GRAY, "invented": VERMILION,
}  # fmt: skip


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
        label = found if kind == "correct" else f"{translate(kind)}: {_said(other)} → {_said(one, words)}"
        spans.append((places[start][0], places[end - 1][1], label))
    colors = {label: COLORS.get(label, "#F9D2BF") for _, _, label in spans}
    return highlight(" ".join(words), spans, colors)


def _said(entity, words: Sequence[str] | None = None) -> str:
    if entity is None:
        return translate("nothing")
    return f"{' '.join(words[entity[0] : entity[1]])} {entity[2]}" if words is not None else entity[2]


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
    title = translate("Figure 14. Preparing tags: the first piece of a word carries its tag")
    widths = [0.5 + 0.15 * max(len(piece), 6) for piece in pieces]
    starts = np.cumsum([0.0, *widths]).tolist()
    figure, axes = new_figure(max(8.0, 0.62 * starts[-1]), 3.4)
    blank(axes, starts[-1] + 0.1, 4.2)
    middles = [start + width / 2 for start, width in zip(starts, widths, strict=False)]
    firsts, labels = feature["first_pieces"], feature["labels"]
    for number, (word, tag) in enumerate(zip(words, tags, strict=True)):
        last = (firsts[number + 1] if number + 1 < len(words) else len(pieces) - 1) - 1
        left, right = starts[firsts[number]], starts[last + 1]
        color = COLORS.get(tag[2:], LIGHT)
        box(axes, (left + right) / 2, 3.6, right - left - 0.12, 0.6, word, color)
        for piece in range(firsts[number], last + 1):
            arrow(axes, ((left + right) / 2, 3.25), (middles[piece], 2.4))
    for middle, width, piece, label in zip(middles, widths, pieces, labels, strict=True):
        carries = label != IGNORED
        color = COLORS.get(TAGS[label][2:], LIGHT) if carries else "white"
        box(axes, middle, 2.05, width - 0.12, 0.6, piece, color)
        box(axes, middle, 0.65, width - 0.12, 0.6, TAGS[label] if carries else str(IGNORED), color)
        arrow(axes, (middle, 1.7), (middle, 1.0))
    alt = translate(
        "{words} words become {pieces} tokens with [CLS] and [SEP]. {first} of them carry a tag; the others have the label {ignored}"
    ).format(words=len(words), pieces=len(pieces), first=sum(x != IGNORED for x in labels), ignored=IGNORED)
    return Picture(figure, title, alt)


def figure_15_fine_tuning(history: History, baseline: float, smooth: int = 15) -> Picture:
    """Draw figure 15: the loss at each step, and entity-level scores on validation after each epoch.

    Parameters
    ----------
    history : of the run; its scores hold ``precision``, ``recall`` and ``f1``.
    baseline : F1 of the best baseline on the same validation part.
    smooth : steps in the moving mean.
    """
    title = translate("Figure 15. Fine-tuning for names: loss and entity-level scores")
    figure, (left, right) = new_figure(10, 3.6, columns=2)
    losses = np.array(history.losses)
    steps = np.arange(1, len(losses) + 1)
    left.plot(steps, losses, color=BLUE, alpha=0.35, label=translate("each batch"))
    if len(losses) >= smooth:
        mean = np.convolve(losses, np.ones(smooth) / smooth, mode="valid")
        left.plot(steps[smooth - 1 :], mean, color=BLUE, label=translate("mean of {n}").format(n=smooth))
    guess = np.log(len(TAGS))
    left.axhline(
        guess, color=ORANGE, linestyle="--", label=translate("{n} equal chances").format(n=len(TAGS))
    )
    left.set(
        xlabel=translate("updates"), ylabel=translate("loss (nats)"), title=translate("Training loss"), ylim=(0, None)
    )  # fmt: skip
    left.legend()
    epochs = range(1, len(history.scores) + 1)
    curves = (
        ("precision", translate("precision"), SKY, "^", ":"),
        ("recall", translate("recall"), GREEN, "s", "--"),
        ("f1", "F1", BLUE, "o", "-"),
    )
    for name, label, color, marker, line in curves:
        values = [scores[name] for scores in history.scores]
        right.plot(epochs, values, color=color, marker=marker, linestyle=line, label=label)
    right.axhline(baseline, color=ORANGE, linestyle="--", label=translate("list of training names (F1)"))
    right.set_xticks(list(epochs))
    right.set(
        xlabel=translate("epoch"), ylabel=translate("score"), title=translate("Validation"), ylim=(0, 1)
    )
    right.legend(loc="lower right")
    alt = translate(
        "Over {n} updates the loss {moves}. Validation after the last epoch: precision {precision:.2f}, recall "
        "{recall:.2f}, F1 {f1:.2f}; F1 of the list of training names {baseline:.2f}"
    ).format(
        n=len(losses),
        moves=translate("falls") if losses[-smooth:].mean() < losses[:smooth].mean() else translate("does not fall"),
        baseline=baseline,
        **{name: history.scores[-1][name] for name in ("precision", "recall", "f1")},
    )  # fmt: skip
    return Picture(figure, title, alt)


def figure_error_kinds(counts: Mapping[str, Mapping[str, int]]) -> Picture:
    """Draw what became of the entities: one bar a method, one color a kind of error.

    Parameters
    ----------
    counts : for each method the counts of :func:`error_counts`.
    """
    title = translate("What became of the test entities")
    figure, axes = new_figure(10, 1.3 + 0.65 * len(counts))
    for row, count in enumerate(counts.values()):
        left = 0
        for kind, color in KIND_COLORS.items():
            label = translate(kind) if row == 0 else None
            axes.barh(row, count[kind], left=left, color=color, edgecolor="white", label=label)
            if count[kind] >= 12:
                white = kind in ("correct", "missed", "invented")
                axes.text(left + count[kind] / 2, row, str(count[kind]), ha="center", va="center",
                          color="white" if white else "black")  # fmt: skip
            left += count[kind]
    axes.set_yticks(range(len(counts)), list(counts))
    axes.invert_yaxis()
    axes.set(xlabel=translate("entities, in the data or predicted"), title=title)
    axes.legend(ncols=6, loc="upper center", bbox_to_anchor=(0.45, -0.42 / len(counts) - 0.12), fontsize=9)
    parts = []
    for name, count in counts.items():
        worst = max((kind for kind in count if kind != "correct"), key=count.get)
        gold = sum(n for kind, n in count.items() if kind != "invented")
        said = translate("{name}: {share:.0%} of the entities correct, ")
        said += translate("the most frequent error is {worst!r}") if count[worst] else translate("no errors")
        parts.append(said.format(name=name, share=count["correct"] / max(gold, 1), worst=translate(worst)))
    return Picture(figure, title, "; ".join(parts))


def figure_type_confusion(matrix: Sequence[Sequence[int]], types: Sequence[str]) -> Picture:
    """Draw which types are taken for which; the last row and column stand for *no entity*.

    Parameters
    ----------
    matrix : counts of :func:`type_confusion`.
    types : names of its rows and columns but the last.
    """
    title = translate("Types: the truth and the prediction")
    counts, names = np.array(matrix), [*types, translate("nothing")]
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
    axes.set(xlabel=translate("predicted"), ylabel=translate("in the data"), title=title)
    inside = counts[:-1, :-1] - np.diag(np.diag(counts[:-1, :-1]))
    i, j = np.unravel_index(inside.argmax(), inside.shape)
    alt = translate("{right:.0%} of the entities in the data got their own type. ")
    alt += (
        translate("The most frequent confusion of two types is {one} taken for {other}")
        if inside.any()
        else translate("No type is taken for another")
    )
    right = np.trace(counts[:-1, :-1]) / max(counts[:-1].sum(), 1)
    return Picture(figure, title, alt.format(right=right, one=names[i], other=names[j]))


def table_14_settings(configuration: TrainingConfiguration, model: str = "MiniLM-L6-H384, 22.7M") -> Table:
    """Return table 14: the settings of this run beside the paper's (Devlin et al. 2018, section 5.3, appendix A.3)."""
    c = asdict(configuration)
    frozen = translate("trained") if c["frozen"] == "none" else translate("frozen")
    return Table(
        translate("Table 14. Settings of the model"),
        [translate("setting"), translate("paper"), translate("here")],
        [
            [translate("model"), "BERT-base, 110M", model],
            [translate("letters"), translate("cased"), translate("lowercased")],
            [translate("context"), translate("as much of the document as fits"), translate("one sentence")],
            [translate("label"), translate("first piece of each word"), translate("first piece of each word")],
            [translate("layer above (CRF)"), translate("none"), translate("none")],
            [translate("learning rate"), "5e-5, 3e-5, 2e-5", f"{c['learning_rate']:g}"],
            [translate("batch size"), "16, 32", c["batch_size"]],
            [translate("epochs"), "2, 3, 4", c["epochs"]],
            [translate("warm-up"), "10%", f"{c['warmup_share']:.0%}"],
            [translate("weight decay"), "0.01", c["weight_decay"]],
            [translate("embeddings"), translate("trained"), frozen],
            [translate("precision"), translate("not stated"), c["precision"]],
        ],
        translate("Paper: Devlin et al. 2018, section 5.3 and appendix A.3, and the original code (warm-up, weight decay)."),
    )  # fmt: skip


def table_15_results(results: Mapping[str, Mapping[str, float]]) -> Table:
    """Return table 15: entity-level scores of the methods on the test part."""
    return Table(
        translate("Table 15. Results on the test sentences, entity level"),
        [translate("model"), translate("precision"), translate("recall"), "F1"],
        [
            [name, *(f"{scores[measure]:.3f}" for measure in ("precision", "recall", "f1"))]
            for name, scores in results.items()
        ],
    )


def table_error_kinds(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table of what became of the entities: a row a kind, a column a method."""
    kinds = list(next(iter(counts.values())))
    return Table(
        translate("What became of the test entities"),
        [translate("kind"), *counts],
        [[translate(kind), *(count[kind] for count in counts.values())] for kind in kinds],
        translate("Without 'invented' a column adds up to the entities in the data; without 'missed', to those predicted."),
    )  # fmt: skip
