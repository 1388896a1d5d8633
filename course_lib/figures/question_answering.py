"""Figures 12 and 13, tables 12 and 13: question answering (lesson 09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    Picture,
    Table,
    highlight,
    new_figure,
)
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.finetuning.question_answering import Answer, Window, WindowSettings
from course_lib.translation import Message, Verbatim, joined


def figure_12_data_preparation(
    windows: Sequence[Window], pieces: int, lengths: Sequence[int], places: Sequence[float]
) -> Picture:
    """Draw figure 12: a long text cut into windows, how long the inputs are, and where answers start.

    Parameters
    ----------
    windows : the windows of one long text with one question, targets included.
    pieces : length of that text in word pieces.
    lengths : tokens of each training input: question, paragraph and special tokens.
    places : for each training answer, where it starts in its paragraph, from 0 to 1.
    """
    title = "Figure 12. Preparing questions: windows, lengths, and where answers stand"
    figure, (top, left, right) = new_figure(9.8, 3.95, columns=3, width_ratios=(1.5, 1, 1))
    offsets = sorted({offset for window in windows for offset in window.offsets})
    position = {offset: number for number, offset in enumerate(offsets)}
    with_answer = 0
    for row, window in enumerate(windows):
        start = position[window.offsets[0]]
        best = [start + i for i, most in enumerate(window.has_most_context) if most]
        top.barh(row, len(window.offsets), left=start, height=0.62, color=SKY, edgecolor="white")
        top.barh(row, len(best), left=best[0], height=0.62, color=BLUE)
        if window.feature["start"]:
            with_answer += 1
            answer = start + window.feature["start"] - window.first
            top.plot(answer, row, marker="*", markersize=15, color=ORANGE, markeredgecolor="black")
        else:
            white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            top.text(start + 4, row, "[CLS]", va="center", fontsize=8, bbox=white)
    top.invert_yaxis()
    top.set_yticks(range(len(windows)), [str(row + 1) for row in range(len(windows))])
    top.set(xlabel="word piece of the text", ylabel="window", title="One long text", xlim=(0, pieces))
    handles = [
        top.barh([0], [0], color=SKY, label="in the window"),
        top.barh([0], [0], color=BLUE, label="most context here"),
        *top.plot([], [], "*", color=ORANGE, markeredgecolor="black", label="target: the answer"),
    ]
    top.legend(handles=handles, fontsize=8, loc="lower left")
    left.hist(lengths, bins=25, color=BLUE, edgecolor="white")
    left.set(xlabel="tokens of an input", ylabel="training questions", title="Lengths")
    shares, _, _ = right.hist(places, bins=10, range=(0, 1), color=GREEN, edgecolor="white")
    right.set(
        xlabel="place of the answer's start (0 to 1)", ylabel="training answers", title="Where answers start"
    )
    alt = Message(
        "A text of {pieces} pieces in {windows} windows, of which {with_answer} hold the whole answer and "
        "the others point to [CLS]. Inputs have {low} to {high} tokens, the median is {median:.0f}. Of ten "
        "equal parts of the paragraph, the one with most answer starts holds {most:.0%} of them and the one "
        "with fewest {least:.0%}",
        pieces=pieces,
        windows=len(windows),
        with_answer=with_answer,
        low=min(lengths),
        high=max(lengths),
        median=float(np.median(lengths)),
        most=shares.max() / shares.sum(),
        least=shares.min() / shares.sum(),
    )
    return Picture(figure, title, alt)


def show_answers(context: str, answers: Sequence[Answer]):
    """Return an object that shows a paragraph with the answers highlighted, each with its number from 1.

    An answer that overlaps an earlier one is left out, for want of a place to mark it.
    """
    spans: list[tuple[int, int, str]] = []
    for number, answer in enumerate(answers, 1):
        if answer.text and all(answer.end <= start or answer.start >= end for start, end, _ in spans):
            spans.append((answer.start, answer.end, str(number)))
    return highlight(context, spans)


def _sentence_at(paragraph: str, place: int) -> str:
    """Return the sentence of a paragraph in which a character stands."""
    before, after = paragraph[:place].rpartition(". ")[2], paragraph[place:].partition(". ")
    return before + after[0] + after[1].strip()


def table_two_questions(answerable: Mapping, impossible: Mapping) -> Table:
    """Return two questions with the sentence that each is about: one has an answer, the other has none.

    Parameters
    ----------
    answerable, impossible : rows of a data set in the format of SQuAD 2.0.
    """
    answer, plausible = answerable["answers"], impossible.get("plausible_answers")
    rows = [
        (answerable, answer["answer_start"][0], Verbatim(answer["text"][0])),
        (impossible, 0, Message("none")),
    ]
    if plausible:  # a hub's copy has none
        none = Message("none: “{plausible}” is only plausible", plausible=plausible["text"][0])
        rows[1] = (impossible, plausible["answer_start"][0], none)
    return Table(
        "Two questions: one has an answer",
        ["question", "sentence of the paragraph", "answer"],
        [
            [Verbatim(row["question"]), Verbatim(_sentence_at(row["context"], place)), text]
            for row, place, text in rows
        ],
    )


def table_marked(row: Mapping, answer: Answer) -> Table:
    """Return what a model marks for a question that has no answer, with the sentence around it.

    Parameters
    ----------
    row : the question and its paragraph.
    answer : what the model marked.
    """
    cells = row["question"], _sentence_at(row["context"], answer.start), f"“{answer.text}”"
    return Table(
        "A question without an answer",
        ["question", "sentence of the paragraph", "marked"],
        [[Verbatim(cell) for cell in cells]],
    )


KINDS = {
    "overall": ("all questions", BLUE, "-"),
    "HasAns": ("with an answer", GREEN, "--"),
    "NoAns": ("without an answer", VERMILION, ":"),
}


def figure_13_fine_tuning(
    history: History, curves: Mapping[str, Mapping[str, Sequence[float]]], smooth: int = 8
) -> Picture:
    """Draw figure 13: the loss of the run, and validation F1 against the threshold of "no answer".

    Parameters
    ----------
    history : the run.
    curves : for each model, ``thresholds`` and validation F1 (%) of ``overall``, ``HasAns`` and ``NoAns``.
    smooth : batches in the running mean of the loss.
    """
    title = "Figure 13. Fine-tuning, and the threshold of no answer"
    figure, axes = new_figure(3.6 + 2.4 * len(curves), 4.4, columns=1 + len(curves))
    losses = np.array(history.losses)
    steps = np.arange(1, len(losses) + 1)
    axes[0].plot(steps, losses, color=BLUE, alpha=0.35, label="each batch")
    mean = np.convolve(losses, np.ones(smooth) / smooth, mode="valid") if len(losses) >= smooth else losses
    axes[0].plot(steps[-len(mean) :], mean, color=BLUE, label=Message("mean of {n}", n=smooth), linewidth=2)
    axes[0].set(xlabel="updates", ylabel="loss (nats)", title="Training loss", ylim=(0, None))
    axes[0].legend(fontsize=9)
    parts = [Message("The mean loss goes from {first:.1f} to {last:.1f} nats", first=mean[0], last=mean[-1])]
    for panel, (name, curve) in zip(axes[1:], curves.items(), strict=True):
        x = np.array(curve["thresholds"])
        for kind, (label, color, line) in KINDS.items():
            panel.plot(x, curve[kind], color=color, linestyle=line, label=label)
        best = int(np.argmax(curve["overall"]))
        panel.axvline(x[best], color=GRAY, linewidth=1, linestyle="-.", label="chosen")
        panel.set(xlabel="threshold", ylabel="F1 on validation (%)", title=name, ylim=(-3, 103))
        always = curve["overall"][-1]
        parts.append(
            Message(
                "{name}: overall F1 {best:.0f}% at the best threshold, {always:.0f}% if it always answers",
                name=Message(name),
                best=curve["overall"][best],
                always=always,
            )
        )
    axes[-1].legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Picture(figure, title, joined(". ", parts))


def table_12_settings(settings: WindowSettings, configurations: Mapping[str, TrainingConfiguration]) -> Table:
    """Return table 12: the settings of windows and training, the paper's beside ours."""
    s, runs = settings, configurations.values()
    same = lambda value: [value] * len(configurations)  # noqa: E731
    return Table(
        "Table 12. Settings of the model",
        ["setting", "paper", *configurations],
        [
            ["model", "BERT-base, BERT-large", *same("MiniLM-L6-H384")],
            ["longest input (tokens)", "384", *same(s.max_length)],
            ["longest question (pieces)", "64", *same(s.max_question)],
            ["step of the windows (pieces)", "128", *same(s.step)],
            ["longest answer (pieces)", "30", *same(s.max_answer)],
            ["n best", "20", *same(s.best)],
            ["learning rate", "5e-5 (1.1, 2.0)", *[f"{c.learning_rate:g}" for c in runs]],
            ["batch size", "32 (1.1), 48 (2.0)", *[c.batch_size for c in runs]],
            ["epochs", "3 (1.1), 2 (2.0)", *[c.epochs for c in runs]],
        ],
        "Paper: Devlin et al. 2018, sections 4.2 and 4.3; lengths from the original code.",
    )


def table_13_results(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    """Return table 13: exact match and F1 (%) of each model on all test questions and on both kinds.

    Parameters
    ----------
    results : for each model, what :func:`course_lib.finetuning.question_answering.scores_by_kind` gives.
    """
    show = lambda scores: f"{scores['exact_match']:.1f} / {scores['f1']:.1f}" if scores else "–"  # noqa: E731
    return Table(
        "Table 13. Exact match / F1 (%) on the test questions",
        ["model", *(label for label, _, _ in KINDS.values())],
        [[name, *(show(scores.get(kind)) for kind in KINDS)] for name, scores in results.items()],
    )
