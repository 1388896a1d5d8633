"""Figures and tables of lesson 21: a search in steps, abstaining, who sees whom, prices, patches; figures 20 and 21."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GRAY,
    GREEN,
    LIGHT,
    LINES,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
)
from course_lib.translation import Message, Verbatim, joined

PALE = ("#DCEAF6", "#FBE3CC", "#D6EFE4", "#F6E3EE")
KINDS = ("has an answer", "has none")

# What was changed about BERT, the two places on the sheet, and who did it first or best known.
DIRECTIONS = (
    ("longer texts", "mostly neighbors, few places far away", "Longformer 2020; ModernBERT 2024"),
    ("better training", "more text, no NSP, every token taught", "RoBERTa 2019; ELECTRA 2020"),
    ("smaller and faster", "distill, share, quantize", "DistilBERT 2019; ALBERT 2020"),
    ("other inputs", "patches of a picture as tokens", "ViT 2021; CLIP 2021"),
    ("knowledge from outside", "search first, then read", "DPR 2020; RAG 2020; ColBERT 2020"),
    ("many tasks at once", "train on one task, then on the next; on all", "MT-DNN 2019; T5 2020"),
)

# Question, what has been tried, what is still open.
OPEN_QUESTIONS = (
    ("How long can a text be?", "sparse and local attention, rotary positions", "whether the middle of a long text is used"),
    ("How few labels are enough?", "prompts, contrastive training, a related task first", "which related task helps, before you try it"),
    ("Does it know or only recall?", "probes, challenge sets, counterfactuals", "tests that the next model hasn't read"),
    ("Can it say “I don't know”?", "thresholds, calibration, answers with sources", "new topics, where the threshold no longer fits"),
    ("Which data may it learn from?", "filters, data sheets, licenses", "people who want their text taken out again"),
    ("One large model or many small?", "distilling a large model into an encoder", "who checks the labels that a model wrote"),
)  # fmt: skip

# Challenge, why it is there, an answer, what that answer costs.
CHALLENGES = (
    ("512 tokens", "positions are a table with 512 rows", "windows; rotary positions", "more passes, or new pre-training"),
    ("cost grows with n²", "every token looks at every other", "local attention; re-rank only a few", "far words are seen in steps"),
    ("[MASK] is never in a real text", "the pre-training task hides words", "80/10/10; ELECTRA's replaced tokens", "a second model in training"),
    ("it can't write", "each gap is filled by looking right too", "an encoder–decoder; hand writing to an LLM", "price, and made-up facts"),
    ("labels cost money", "each task needs a head and examples", "active learning; an LLM labels, people check", "the labeler's errors are learned"),
    ("bias", "the text it learned from has it", "measure by group; mitigate, document", "some accuracy, and time"),
    ("misuse", "who reads cheaply can watch cheaply", "a use policy, access, a person who decides", "some uses are turned down"),
    ("stale knowledge", "what it knows, it learned years ago", "search first, and show the source", "an index to look after"),
)  # fmt: skip


# The search in steps ------------------------------------------------------------------------------


def figure_search_steps(rows: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> Picture:
    """Draw each metric of each method with its interval.

    Parameters
    ----------
    rows : by metric and method: mean and both ends of the interval, as shares.
    """
    figure, axes = new_figure(8, 3.8)
    methods, described = list(next(iter(rows.values()))), []
    for place, (metric, values) in enumerate(rows.items()):
        for number, method in enumerate(methods):
            mean, low, high = (100 * value for value in values[method])
            x = place + 0.22 * (number - (len(methods) - 1) / 2)
            axes.errorbar(
                x,
                mean,
                yerr=[[mean - low], [high - mean]],
                fmt="osD^v"[number % 5],
                color=CYCLE[number % len(CYCLE)],
                capsize=3,
                label=Message(method) if place == 0 else None,
            )
            described.append(
                Message(
                    "{metric}, {method}: {mean:.0f}% ({low:.0f} to {high:.0f})",
                    metric=metric,
                    method=Message(method),
                    mean=mean,
                    low=low,
                    high=high,
                )
            )
    axes.set_xticks(range(len(rows)), [Message(metric) for metric in rows])
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("metric")
    axes.set_ylabel("mean of the test questions (%)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    alt = Message("Dots with 95% intervals. {found}.", found=joined("; ", described))
    return Picture(figure, "Three ways to rank, by three metrics", alt)


def figure_funnel(counts: Sequence[tuple[str, int]], milliseconds: Mapping[str, float]) -> Picture:
    """Draw the steps of the search: how many passages each looks at, and how long it takes.

    Parameters
    ----------
    counts : name of each step and the passages it looks at, in order.
    milliseconds : by the name of the step.
    """
    figure, axes = new_figure(9, 2.8)
    blank(axes, 4.6 * len(counts), 6)
    largest, described = np.log10(max(count for _, count in counts) + 1), []
    for place, (name, count) in enumerate(counts):
        x, height = 2.3 + 4.6 * place, 1.3 + 2.6 * np.log10(count + 1) / largest
        text = joined("\n", [Message(name), Message("passages: {count:,}", count=count)])
        box(axes, x, 3.3, 3.5, height, text, PALE[place % len(PALE)], fontsize=11)
        took = Message("{time:.0f} ms", time=milliseconds[name])
        axes.text(x, 0.6, took, ha="center", fontsize=11)
        described.append(
            Message(
                "{name}: {count:,} read in {time:.0f} ms",
                name=Message(name),
                count=count,
                time=milliseconds[name],
            )
        )
        if place:
            arrow(axes, (x - 2.85, 3.3), (x - 1.8, 3.3))
    alt = Message(
        "Boxes from left to right, the lower the fewer passages. {found}.", found=joined("; ", described)
    )
    return Picture(figure, "Cheap and coarse first, expensive and careful last", alt)


def figure_abstaining(confidence: np.ndarray, answerable: np.ndarray, threshold: float) -> Picture:
    """Draw the engine's confidence in questions with and without an answer, and the threshold between.

    Parameters
    ----------
    confidence : of each question.
    answerable : whether it has an answer, the same shape.
    threshold : below it, the engine says nothing.
    """
    figure, axes = new_figure(8, 2.9)
    offsets = np.random.default_rng(0).uniform(-0.22, 0.22, len(confidence))
    shares = []
    for row, (color, mark) in enumerate(((BLUE, "o"), (VERMILION, "x"))):
        chosen = answerable == (row == 0)
        axes.plot(confidence[chosen], row + offsets[chosen], mark, color=color, alpha=0.7)
        refused = float((confidence[chosen] < threshold).mean())
        shares.append(100 * refused)
    axes.axvline(threshold, color=GRAY, linestyle="--")
    axes.set_yticks(range(2), [Message(kind) for kind in KINDS])
    axes.set_ylim(1.6, -0.6)
    axes.set_ylabel("question")
    axes.set_xlabel("confidence; left of the line, the engine abstains")
    alt = Message(
        "Two rows of dots. The threshold is {threshold:.1f}. Left of it: {lost:.0f}% of the questions with an answer "
        "and {refused:.0f}% of those without.",
        threshold=threshold,
        lost=shares[0],
        refused=shares[1],
    )
    return Picture(figure, "How sure is the engine?", alt)


# Reading and writing ------------------------------------------------------------------------------


def figure_who_sees_whom(words: Sequence[str], translated: Sequence[str]) -> Picture:
    """Draw which token looks at which: in BERT, in a decoder, and in a decoder that looks at an encoder.

    Parameters
    ----------
    words : of the text that is read.
    translated : of the text that is written.
    """
    whole = np.ones((len(words), len(words)))
    panels = (
        ("BERT reads", words, words, whole),
        ("a decoder writes", words, words, np.tril(whole)),
        ("a decoder looks at BERT", translated, words, np.ones((len(translated), len(words)))),
    )
    figure, row = new_figure(10, 3.9, columns=3)
    for axes, (title, looking, seen, mask) in zip(row, panels):
        axes.imshow(mask, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
        axes.set_xticks(range(len(seen)), [Verbatim(word) for word in seen], rotation=45, ha="right")
        axes.set_yticks(range(len(looking)), [Verbatim(word) for word in looking])
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("is looked at")
        axes.grid(False)
        for cut in range(1, len(seen)):
            axes.axvline(cut - 0.5, color="white", linewidth=1)
        for cut in range(1, len(looking)):
            axes.axhline(cut - 0.5, color="white", linewidth=1)
    row[0].set_ylabel("looks")
    alt = Message(
        "Three maps of who looks at whom. In BERT, each of {words} tokens looks at all. In a decoder, it looks at itself "
        "and to its left: {half} of {all} squares. In the third, each of {translated} written words looks at all "
        "that was read.",
        words=len(words),
        half=int(np.tril(whole).sum()),
        all=whole.size,
        translated=len(translated),
    )
    return Picture(figure, "Who sees whom", alt)


# Limits and prices --------------------------------------------------------------------------------


def figure_prices(
    systems: Mapping[str, tuple[float, float]], requests: Sequence[float], title: str = ""
) -> Picture:
    """Draw what a number of requests costs with each system.

    Parameters
    ----------
    systems : dollars beforehand, and dollars a million requests, by name.
    requests : the numbers to draw.
    """
    figure, axes = new_figure(8, 3.8)
    requests, described = np.asarray(requests, dtype=float), []
    for number, (name, (beforehand, running)) in enumerate(systems.items()):
        cost = beforehand + running * requests / 1e6
        axes.plot(
            requests, cost, LINES[number % len(LINES)], color=CYCLE[number % len(CYCLE)], label=Message(name)
        )
        described.append(
            Message(
                "{name} from {first:,.2f} to {last:,.0f} dollars",
                name=Message(name),
                first=cost[0],
                last=cost[-1],
            )
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("requests")
    axes.set_ylabel("dollars in all")
    axes.legend()
    alt = Message("Rising lines, both axes logarithmic. {found}.", found=joined("; ", described))
    return Picture(figure, title or "When does fine-tuning pay?", alt)


def figure_attention_share(shares: Mapping[str, Sequence[float]], lengths: Sequence[int]) -> Picture:
    """Draw the share of the work that grows with the square of the length.

    Parameters
    ----------
    shares : by the name of the model, one a length.
    lengths : of the text, in tokens.
    """
    figure, axes = new_figure(8, 3.4)
    described = []
    for number, (name, values) in enumerate(shares.items()):
        percent = [100 * value for value in values]
        axes.plot(
            lengths,
            percent,
            LINES[number % len(LINES)],
            color=CYCLE[number % len(CYCLE)],
            label=Message(name),
        )
        described.append(
            Message(
                "{name} from {first:.0f}% to {last:.0f}%",
                name=Message(name),
                first=percent[0],
                last=percent[-1],
            )
        )
    axes.axvline(512, color=GRAY, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths], rotation=45)
    axes.set_xlabel("tokens, doubling; the dotted line is BERT's window")
    axes.set_ylabel("share of the work (%)")
    axes.legend()
    alt = Message(
        "Rising lines over texts of {first:,} to {last:,} tokens. {found}.",
        first=lengths[0],
        last=lengths[-1],
        found=joined("; ", described),
    )
    return Picture(figure, "What grows with the square of the length", alt)


# Pictures as tokens -------------------------------------------------------------------------------


def figure_patches(
    images: Sequence[np.ndarray], attention: Sequence[np.ndarray], shapes: Sequence[str], side: int
) -> Picture:
    """Draw pictures cut into patches, and how much [CLS] looks at each patch.

    Parameters
    ----------
    images : (S, S) each, from 0 to 1.
    attention : of [CLS] on the patches in rows, (N,) each.
    shapes : what the model calls them.
    side : pixels of a patch's side.
    """
    figure, grid = new_figure(2.2 * len(images), 4.9, 2, len(images), squeeze=False)
    described, strongest = [], []
    for column, (image, weights, shape) in enumerate(zip(images, attention, shapes, strict=True)):
        pixels, patches = len(image), round(len(weights) ** 0.5)
        top, bottom = grid[:, column]
        top.imshow(image, cmap="gray", vmin=0, vmax=1)
        for cut in range(side, pixels, side):
            top.axhline(cut - 0.5, color=ORANGE, linewidth=1)
            top.axvline(cut - 0.5, color=ORANGE, linewidth=1)
        bottom.imshow(np.reshape(weights, (patches, patches)), cmap="Blues", vmin=0)
        top.set_title(Message("“{shape}”", shape=Message(shape)), fontsize=11)
        for axes in (top, bottom):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(False)
        described.append(Message(shape))
        strongest.append(float(np.sort(weights)[-4:].sum()))
    grid[0][0].set_ylabel("cut into patches")
    grid[1][0].set_ylabel("what [CLS] looks at")
    alt = Message(
        "{number} pictures of {patches} patches each; the model calls them: {found}. Below each, a map of the attention: the "
        "four patches that [CLS] looks at most get {share:.0f}% of it on average.",
        number=len(images),
        patches=len(attention[0]),
        found=joined(", ", described),
        share=100 * float(np.mean(strongest)),
    )
    return Picture(
        figure, "A picture in sixteen words" if len(attention[0]) == 16 else "A picture as tokens", alt
    )


# Figures and tables 20 and 21 ---------------------------------------------------------------------


def figure_20_directions() -> Picture:
    """Draw figure 20: what was changed about BERT, and who did it."""
    figure, axes = new_figure(10, 5.0)
    blank(axes, 24, 12)
    box(axes, 12, 6, 4.0, 1.6, "BERT\n2018", PALE[0], edge=BLUE, fontsize=12)
    for number, (name, how, who) in enumerate(DIRECTIONS):
        column, row = number % 2, number // 2
        x, y = (4.5, 19.5)[column], 10 - 4 * row
        text = joined("\n", [Message(name), Message(how), Message(who)])
        box(axes, x, y, 8.6, 2.8, text, PALE[1 + row], fontsize=10)
        sign = 1 if column else -1
        arrow(axes, (12 + 2.05 * sign, 6 + 0.5 * (1 - row)), (x - 4.45 * sign, y), color=GRAY)
    named = [Message("{name}: {who}", name=Message(name), who=Message(who)) for name, _, who in DIRECTIONS]
    alt = Message("BERT in the middle, and six arrows. {named}.", named=joined("; ", named))
    return Picture(figure, "Figure 20. Directions after BERT", alt)


def table_20_questions() -> Table:
    """Return table 20: open research questions."""
    return Table(
        "Table 20. Open research questions",
        ["question", "what has been tried", "what's open"],
        [[Message(cell) for cell in row] for row in OPEN_QUESTIONS],
    )


def figure_21_challenges(measured: Mapping[str, str]) -> Picture:
    """Draw figure 21: the challenges, what this lesson measured of each, and an answer.

    Parameters
    ----------
    measured : by the name of a challenge, what was measured or computed here, in a few words.
    """
    chosen = [row for row in CHALLENGES if row[0] in measured]
    figure, axes = new_figure(10, 0.9 + 0.82 * len(chosen))
    blank(axes, 24, 2 * len(chosen) + 1)
    described = []
    for number, (challenge, _, answer, _) in enumerate(chosen):
        y = 2 * (len(chosen) - number) - 1
        name = Message(challenge)
        box(axes, 3.4, y, 6.4, 1.5, name, PALE[1], fontsize=10)
        box(axes, 11.9, y, 7.6, 1.5, measured[challenge], LIGHT, fontsize=10)
        box(
            axes,
            20.4,
            y,
            6.8,
            1.5,
            joined(";\n", map(Message, answer.split("; "))),
            PALE[2],
            edge=GREEN,
            fontsize=10,
        )
        arrow(axes, (6.7, y), (8.0, y))
        arrow(axes, (15.8, y), (16.9, y))
        described.append(Message("{name}: {found}", name=name, found=measured[challenge]))
    for x, text in ((3.4, "challenge"), (11.9, "measured here"), (20.4, "an answer")):
        axes.text(x, 2 * len(chosen) + 0.4, text, ha="center", fontsize=11, weight="bold")
    alt = Message("Rows of three boxes: challenge, number, answer. {found}.", found=joined("; ", described))
    return Picture(figure, "Figure 21. Challenges", alt)


def table_21_challenges() -> Table:
    """Return table 21: challenges and answers."""
    return Table(
        "Table 21. Challenges and answers",
        ["challenge", "why it's there", "an answer", "what the answer costs"],
        [[Message(cell) for cell in row] for row in CHALLENGES],
    )
