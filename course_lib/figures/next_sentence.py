"""Figures 5 and 6, tables 5 and 6: next-sentence prediction (lesson 05)."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence

import numpy as np

from course_lib.figures.drawing import arrow, blank, box, token_row, token_width
from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    LIGHT,
    ORANGE,
    SKY,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.pretraining.corpus import TokenizedCorpus
from course_lib.pretraining.sentence_pairs import SegmentPairs, plan_pairs
from course_lib.studies.published import SENTENCE_FORMATS, SENTENCE_OBJECTIVES
from course_lib.translation import Message, Verbatim

SEGMENT_A, SEGMENT_B, CLASSIFIED = "#BFE3F5", "#BEEBDD", "#F6C667"


def figure_05_how_it_works(
    tokens: Sequence[str], token_type_ids: Sequence[int], probabilities: Sequence[float]
) -> Picture:
    """Draw figure 5: two segments go in, [CLS] alone is asked whether B follows A.

    Parameters
    ----------
    tokens : the input, [CLS] A [SEP] B [SEP].
    token_type_ids : 0 or 1 for each token.
    probabilities : of class 0 (IsNext) and class 1 (random), from a trained model.
    """
    title = "Figure 5. How next-sentence prediction works"
    figure, axes = new_figure(9.8, 4.6)
    width = max(sum(map(token_width, tokens)), 16)
    blank(axes, width + 0.4, 6.2)
    colors = [SEGMENT_B if kind else SEGMENT_A for kind in token_type_ids]
    colors[0] = CLASSIFIED
    middles = token_row(axes, list(tokens), 1.3, colors)
    for kind, name in ((0, "segment A (type 0)"), (1, "segment B (type 1)")):
        places = [x for x, own in zip(middles, token_type_ids, strict=True) if own == kind]
        axes.plot([places[0], places[-1]], [0.8, 0.8], color=BLUE if kind == 0 else GREEN, lw=2)
        axes.text((places[0] + places[-1]) / 2, 0.3, name, ha="center", va="center", fontsize=10)
    encoder = "BERT encoder: both segments attend to each other"
    box(axes, width / 2, 2.9, width - 0.2, 0.9, encoder, "#DCEAF6")
    for i, x in enumerate(middles):
        arrow(axes, (x, 1.65), (x, 2.4), color=BLUE if i == 0 else "#B5C0CC")
    arrow(axes, (middles[0], 3.4), (middles[0], 4.15), color=BLUE)
    box(axes, 2.4, 4.7, 4.6, 1.1, "pooler: linear, tanh,\non [CLS] alone", CLASSIFIED)
    arrow(axes, (4.8, 4.7), (5.7, 4.7), color=BLUE)
    box(axes, 8.1, 4.7, 4.6, 1.1, "next-sentence head:\nlinear, two scores", CLASSIFIED)
    arrow(axes, (10.5, 4.7), (11.4, 4.7), color=BLUE)
    names = "class 0: IsNext", "class 1: random"
    for y, name, probability in zip((5.1, 4.3), names, probabilities, strict=True):
        text = Message("{name}  {probability:.2f}", name=Message(name), probability=probability)
        axes.text(11.6, y, text, va="center", fontsize=11)
    axes.text(0.1, 5.7, "the one vector that must know about both segments", fontsize=9.5, color=GRAY)
    axes.set_title(title)
    alt = Message(
        "The tokens {tokens} go into the encoder, {first} of type 0 and {second} of type 1. The state of "
        "[CLS] goes through the pooler and a head with two scores, which give IsNext {is_next:.2f} and "
        "random {random:.2f}",
        tokens=" ".join(tokens),
        first=list(token_type_ids).count(0),
        second=list(token_type_ids).count(1),
        is_next=probabilities[0],
        random=probabilities[1],
    )
    return Picture(figure, title, alt)


def figure_06_building_pairs(
    corpus: TokenizedCorpus, pairs: SegmentPairs, document: int, count: int = 6
) -> Picture:
    """Draw figure 6: how the first pairs of a real document were built.

    Parameters
    ----------
    corpus : the tokenized text.
    pairs : planned pairs, for next-sentence prediction.
    document : number of the document whose pairs are shown.
    count : how many of its pairs.
    """
    title = "Figure 6. Building next-sentence examples from a document"
    starts = corpus.sentence_starts[
        corpus.document_starts[document] : corpus.document_starts[document + 1] + 1
    ]
    inside = np.flatnonzero((pairs.first[:, 0] >= starts[0]) & (pairs.first[:, 0] < starts[-1]))
    inside = inside[pairs.first[inside, 0].argsort()][:count]
    labels = pairs.labels[inside]
    ends = [pairs.first[inside, 1].max(), *pairs.second[inside][labels == 0, 1]]
    shown = starts[: np.searchsorted(starts, max(ends)) + 1] - starts[0]
    length = int(shown[-1])
    figure, axes = new_figure(9.4, 1.6 + 0.5 * len(inside))
    for number, (begin, end) in enumerate(itertools.pairwise(shown), 1):
        axes.barh(0, end - begin, 0.6, left=begin, color=LIGHT, edgecolor=GRAY)
        if end - begin > 0.025 * length:  # there is room for the number
            axes.text((begin + end) / 2, 0, str(number), ha="center", va="center", fontsize=9)
    away = length * 1.06  # where segments of other documents are drawn
    reach = away
    for row, pair in enumerate(inside, 1):
        begin, end = pairs.first[pair] - starts[0]
        axes.barh(row, end - begin, 0.6, left=begin, color=SKY, edgecolor=BLUE)
        axes.text((begin + end) / 2, row, "A", ha="center", va="center", fontsize=10)
        begin, end = pairs.second[pair] - starts[0]
        random = pairs.labels[pair] == 1
        left = away if random else begin
        color, edge, hatch = ("#F6C667", ORANGE, "//") if random else ("#8FD3BC", GREEN, "")
        axes.barh(row, end - begin, 0.6, left=left, color=color, edgecolor=edge, hatch=hatch)
        axes.text(left + (end - begin) / 2, row, "B", ha="center", va="center", fontsize=10)
        if random:
            axes.text(left + end - begin + 0.01 * length, row, "random", va="center", fontsize=9)
            reach = max(reach, left + end - begin + 0.12 * length)
    axes.set_xlim(0, reach)
    names = ["sentences", *(Message("pair {n}", n=n + 1) for n in range(len(inside)))]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.axvline(length * 1.03, color=GRAY, linestyle=":")
    axes.set(
        xlabel="place in the document, in tokens (behind the dotted line: from other documents)",
        ylabel="pair",
        title=title,
    )
    alt = Message(
        "{pairs} pairs cover the first {sentences} sentences, {tokens} tokens, of one document. {random} of "
        "them have a random B from another document; where B is random, the next pair goes on right behind "
        "segment A, with the sentences that B did not use. Labels in order: {labels}",
        pairs=len(inside),
        sentences=len(shown) - 1,
        tokens=length,
        random=int(labels.sum()),
        labels=" ".join(map(str, labels.tolist())),
    )
    return Picture(figure, title, alt)


def table_05_parameters() -> Table:
    """Return table 5: the parameters of next-sentence prediction, as the library has them."""
    defaults = inspect.signature(plan_pairs).parameters
    return Table(
        "Table 5. Parameters of next-sentence prediction",
        ["parameter", "value", "name in the library", "why"],
        [
            [
                "share of random B, where there is a choice",
                "50%",
                "–",
                "both classes must occur; a chunk of one sentence leaves no choice",
            ],
            ["tokens in a pair", "max_length − 3", "max_length", "[CLS] and two [SEP] take three places"],
            [
                "documents cut into short pairs",
                f"{defaults['short_probability'].default:.0%}",
                "short_probability",
                "fine-tuning meets short inputs, too",
            ],
            ["shortest target, in tokens", "2", "–", "one for A and one for B"],
            [
                "label of IsNext",
                "0",
                Verbatim("labels"),
                "published checkpoints use it; the opposite is a common error",
            ],
            ["sentences in a segment", "1 or more", "–", "spans teach more than single sentences do"],
            [
                "passes over the text",
                "10",
                Verbatim("seed"),
                "the original stores ten, each with other pairs and masks",
            ],
        ],
        "Devlin et al. 2018, section 3.1 and appendix A.2; original code for the counts.",
    )


def table_06_steps(corpus: TokenizedCorpus, pairs: SegmentPairs, max_length: int) -> Table:
    """Return table 6: the steps from text to examples, with what each came to on this corpus.

    Parameters
    ----------
    corpus, pairs : a corpus and the pairs planned on it.
    max_length : the one they were planned with.
    """
    lengths = np.diff(pairs.first).ravel() + np.diff(pairs.second).ravel() + 3
    return Table(
        "Table 6. From a document to next-sentence examples, step by step",
        ["step", "what is done", "here"],
        [
            [
                "1",
                "cut the text into documents and sentences",
                Message(
                    "{d:,} documents, {s:,} sentences",
                    d=corpus.number_of_documents,
                    s=len(corpus.sentence_lengths),
                ),
            ],
            ["2", "cut the sentences into word pieces, once", Message("{n:,} tokens", n=len(corpus.tokens))],
            ["3", "draw a target length for each document", Message("at most {n} tokens", n=max_length - 3)],
            ["4", "collect sentences up to the target, a chunk", Message("{n:,} chunks", n=len(pairs))],
            [
                "5",
                "split the chunk: A is its first 1 to n − 1 sentences",
                Message("A has {n:.0f} tokens on average", n=np.diff(pairs.first).mean()),
            ],
            [
                "6",
                "B is the rest, or random from another document; then the rest is put back",
                Message("{n:.1%} random", n=pairs.labels.mean()),
            ],
            [
                "7",
                "truncate the longer segment, front or back by a coin",
                Message("{n:.1%} fill all {m} places", n=(lengths == max_length).mean(), m=max_length),
            ],
            [
                "8",
                "shuffle; pack as [CLS] A [SEP] B [SEP], and mask, batch by batch",
                Message("{n:,} examples", n=len(pairs)),
            ],
        ],
        "After Devlin et al. 2018, appendix A.2; here masks are drawn for each batch, not stored.",
    )


def figure_shortcut(results: dict) -> Picture:
    """Draw how far words alone get on next sentences, beside a trained model.

    Parameters
    ----------
    results : those of next-sentence prediction in the recording ``sentence-order``.
    """
    title = "Next-sentence prediction on articles held out"
    figure, axes = new_figure(9, 2.9)
    scores = {
        "always the more frequent label": results["majority"],
        "word overlap alone": results["word_overlap"],
        "MiniLM, trained on the task": results["accuracy"]["nsp"],
    }
    bars = axes.barh(list(scores), list(scores.values()), color=[GRAY, ORANGE, BLUE])
    axes.bar_label(bars, fmt="{:.2f}", padding=4)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set(xlabel="share of pairs judged right", xlim=(0, 1), title=title)
    return Picture(figure, title, Message("Share judged right: {shares}", shares=values_by_name(scores)))


def table_objectives(results: dict[str, dict]) -> Table:
    """Return ALBERT's comparison of sentence tasks beside the recording.

    Parameters
    ----------
    results : the results of the recording ``sentence-order``.
    """
    baseline = {name: f"{100 * results[name]['majority']:.1f}" for name in ("nsp", "sop")}
    overlap = {name: f"{100 * results[name]['word_overlap']:.1f}" for name in ("nsp", "sop")}
    rows = [
        ["majority", "–", "–", baseline["nsp"], baseline["sop"]],
        ["word overlap alone", "–", "–", overlap["nsp"], overlap["sop"]],
        ["no sentence task", *SENTENCE_OBJECTIVES["none"][1:3], "–", "–"],
    ]
    for name in ("nsp", "sop"):
        ours = [f"{100 * results[name]['accuracy'][asked]:.1f}" for asked in ("nsp", "sop")]
        rows.append([Message("trained on {task}", task=name.upper()), *SENTENCE_OBJECTIVES[name][1:3], *ours])
    return Table(
        "Asked about next sentences and about their order",
        ["model", "paper: NSP %", "paper: SOP %", "here: NSP %", "here: SOP %"],
        rows,
        "Paper: Lan et al. 2019, table 5. Here: recorded by `course record sentence-order`, on articles "
        "held out.",
    )


def table_formats() -> Table:
    """Return RoBERTa's comparison of input formats, with and without the next-sentence loss."""
    return Table(
        "Input formats, with and without the next-sentence loss",
        ["format", "SQuAD 1.1 F1", "SQuAD 2.0 F1", "MNLI-m", "SST-2"],
        [[name, *scores] for name, *scores in SENTENCE_FORMATS],
        "Liu et al. 2019, table 2; BERT-base sized models, medians over five seeds.",
    )
