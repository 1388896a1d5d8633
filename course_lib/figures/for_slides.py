"""Drawings made for the decks: one idea each, with letters that the last row can read."""

from __future__ import annotations

import random

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import BLACK, BLUE, GRAY, LIGHT, ORANGE, SKY, VERMILION, Picture, new_figure
from course_lib.translation import Message, Verbatim

LETTERS = 15.5  # points, at 12 inches for the width of a slide: more than 20 pixels
SENTENCE = ("the", "bank", "of", "the", "river")


def triangle() -> Picture:
    """Return who may look at whom: left to right is a triangle, both sides a square."""
    from matplotlib.patches import Rectangle

    figure, panels = new_figure(12, 5, columns=2)
    count = len(SENTENCE)
    for axes, name, both in zip(
        panels, ("left to right: a triangle", "both sides: a square"), (False, True), strict=True
    ):
        for row in range(count):
            for column in range(count):
                seen = both or column <= row
                last = column == count - 1
                color = (ORANGE if last else SKY) if seen else "white"
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=color, edgecolor=GRAY))
                if seen and last:
                    axes.text(column + 0.5, row + 0.5, "✓", ha="center", va="center", fontsize=18)
        axes.set(xlim=(0, count), ylim=(count, 0), aspect="equal")
        places = [i + 0.5 for i in range(count)]
        axes.set_xticks(places, [Verbatim(word) for word in SENTENCE], fontsize=LETTERS)
        axes.set_yticks(places, [Verbatim(word) for word in SENTENCE], fontsize=LETTERS)
        axes.tick_params(length=0)
        axes.set_title(name, fontsize=18)
        axes.set_xlabel("… may look at this word", fontsize=LETTERS)
        axes.set_ylabel("this word …", fontsize=LETTERS)
    return _without_title(
        figure,
        "Who sees the last word?",
        "Two grids of five words by five. Left to right, a triangle is filled, and only the last word sees the last "
        "word. Both sides: the whole square is filled, and every word sees the last word.",
    )


def masked_loss() -> Picture:
    """Return which positions count in the masked loss."""
    figure, axes = new_figure(12, 4.6)
    blank(axes, 12, 4.6)
    rows = [  # text, what the model sees, whether it was chosen
        ("the", "the", False),
        ("band", "[MASK]", True),
        ("played", "played", False),
        ("a", "a", False),
        ("song", "river", True),
        ("for", "for", False),
        ("us", "us", True),
        ("[PAD]", "[PAD]", False),
    ]
    for i, (text, seen, chosen) in enumerate(rows):
        x = 2.65 + 1.22 * i
        box(axes, x, 0.5, 1.1, 0.6, Verbatim(seen), SKY if chosen else LIGHT, fontsize=LETTERS)
        arrow(axes, (x, 0.85), (x, 1.3), color=BLUE if chosen else GRAY)
        if chosen:
            arrow(axes, (x, 2.1), (x, 2.65), color=BLUE)
            box(
                axes,
                x,
                3.05,
                1.1,
                0.7,
                Message("−log p\n{word}", word=Verbatim(text)),
                ORANGE,
                fontsize=LETTERS,
            )
        else:
            axes.text(x, 3.05, "–", ha="center", va="center", fontsize=20, color=GRAY)
    box(axes, 6.9, 1.7, 9.5, 0.7, "encoder", LIGHT, fontsize=LETTERS)
    for y, name in ((0.5, "it sees"), (3.05, "it's asked")):
        axes.text(0.05, y, name, va="center", fontsize=LETTERS, weight="bold")
    axes.text(
        6.9,
        4.15,
        "loss: the mean of the three colored boxes",
        ha="center",
        va="center",
        fontsize=18,
        color=BLACK,
    )
    return _without_title(
        figure,
        "Only the chosen positions are asked",
        "Eight tokens go into the encoder. Three were chosen: one became [MASK], one a random word, and one stayed. "
        "Only over these three stands a box with minus log p of the right word. The others, padding among them, have none.",
    )


def static_and_dynamic() -> Picture:
    """Return which words are asked about in each epoch, with masks drawn once and drawn anew."""
    from matplotlib.patches import Rectangle

    figure, panels = new_figure(12, 4.6, columns=2)
    words, epochs, copies = 14, 8, 2
    draw = random.Random(4)
    once = [draw.sample(range(words), 2) for _ in range(copies)]
    static = [once[epoch % copies] for epoch in range(epochs)]
    dynamic = [draw.sample(range(words), 2) for _ in range(epochs)]
    for axes, name, chosen in zip(
        panels,
        ("static: two copies, again and again", "dynamic: drawn each time"),
        (static, dynamic),
        strict=True,
    ):
        ever = {word for asked in chosen for word in asked}
        for epoch, asked in enumerate(chosen):
            for word in range(words):
                color = BLUE if word in asked else "white"
                axes.add_patch(Rectangle((word, epoch), 1, 1, facecolor=color, edgecolor=GRAY))
        for word in range(words):
            axes.add_patch(
                Rectangle(
                    (word, epochs + 0.5), 1, 1, facecolor=ORANGE if word in ever else "white", edgecolor=GRAY
                )
            )
        axes.set(xlim=(0, words), ylim=(epochs + 1.6, 0), aspect="equal")
        axes.set_xticks([])
        axes.set_yticks(
            [0.5, epochs - 0.5, epochs + 1],
            ["epoch 1", Message("epoch {n}", n=epochs), "ever"],
            fontsize=LETTERS,
        )
        axes.tick_params(length=0)
        axes.set_title(name, fontsize=17)
        axes.set_xlabel("words of one sentence", fontsize=LETTERS)
    counts = [len({word for asked in chosen for word in asked}) for chosen in (static, dynamic)]
    return _without_title(
        figure,
        "Which words were ever asked about?",
        Message(
            "Two grids of {epochs} epochs by {words} words, two words asked about in each epoch. With masks drawn once for "
            "two copies, {static} words are ever asked about; with masks drawn each time, {dynamic}.",
            epochs=epochs, words=words, static=counts[0], dynamic=counts[1],
        ),
    )  # fmt: skip


def span_scores() -> Picture:
    """Return the two scores of each token, and the span between the best of them; a sketch, not a measurement."""
    figure, axes = new_figure(12, 4.8)
    blank(axes, 12, 4.8)
    tokens = ("[CLS]", "when", "?", "[SEP]", "it", "opened", "in", "may", "1931", ".", "[SEP]")
    start = (0.15, 0, 0, 0, 0.1, 0.12, 0.25, 0.9, 0.45, 0.05, 0)
    end = (0.15, 0, 0, 0, 0.05, 0.1, 0.05, 0.3, 0.95, 0.1, 0)
    for i, (token, first, last) in enumerate(zip(tokens, start, end, strict=True)):
        x = 1.35 + 1.02 * i
        answer = token in ("may", "1931")
        box(axes, x, 0.4, 0.92, 0.6, Verbatim(token), ORANGE if answer else LIGHT, fontsize=LETTERS)
        arrow(axes, (x, 0.75), (x, 1.1))
        arrow(axes, (x, 1.75), (x, 2.1))
        for y, height, color, hatch in ((2.15, first, BLUE, ""), (3.45, last, VERMILION, "//")):
            axes.bar(
                x, max(height, 0.02) * 1.0, width=0.5, bottom=y, color=color, hatch=hatch, edgecolor="white"
            )
    box(axes, 6.45, 1.43, 11.1, 0.6, "BERT encoder: one state for each token", LIGHT, fontsize=LETTERS)
    for y, name, color in ((2.55, "start", BLUE), (3.85, "end", VERMILION)):
        axes.text(0.0, y, name, va="center", fontsize=LETTERS, weight="bold", color=color)
    axes.set_xlim(0, 12.2)
    return _without_title(
        figure,
        "Two scores for each token",
        "A sketch. Eleven tokens of a question and a text, the encoder above them, and over each token two bars: its score "
        "as a start and as an end. The start is highest at may, the end at 1931: the answer is may 1931.",
    )


def null_line() -> Picture:
    """Return how the score of no answer competes with the best span; a sketch, not a measurement."""
    figure, axes = new_figure(12, 3.4)
    blank(axes, 12, 3.4)
    axes.axvspan(0.4, 7.0, 0.36, 0.6, color=SKY, alpha=0.6)
    axes.axvspan(7.0, 11.6, 0.36, 0.6, color=ORANGE, alpha=0.6)
    arrow(axes, (0.3, 1.2), (11.8, 1.2), color=BLACK)
    axes.plot([7, 7], [0.9, 2.4], color=BLACK, linewidth=2.5)
    axes.text(7, 2.6, "threshold τ", ha="center", va="bottom", fontsize=LETTERS, weight="bold")
    axes.text(3.6, 1.63, "answer with the best span", ha="center", va="center", fontsize=LETTERS)
    axes.text(9.3, 1.63, "say: no answer", ha="center", va="center", fontsize=LETTERS)
    for x, text in ((2.2, "the span is far ahead"), (10.2, "[CLS] is far ahead")):
        axes.plot([x], [1.2], "o", color=BLACK, markersize=11)
        axes.text(x, 0.75, text, ha="center", va="center", fontsize=LETTERS)
    axes.text(
        6, 0.2, "score of no answer − score of the best span", ha="center", va="center", fontsize=LETTERS
    )
    return _without_title(
        figure,
        "Answer, or say nothing",
        "A sketch of a number line: the score of no answer minus the score of the best span. Left of the threshold tau "
        "the model answers with its best span; right of it, it says that there is no answer.",
    )


def warm_up() -> Picture:
    """Return the learning rate of BERT's pre-training over its updates."""
    figure, axes = new_figure(7, 4.6)
    axes.plot([0, 10_000, 1_000_000], [0, 1e-4, 0], color=BLUE, linewidth=3)
    axes.annotate(
        "warm-up ends\nat 10,000", (10_000, 1e-4), (260_000, 0.93e-4),
        fontsize=LETTERS, va="center", arrowprops={"arrowstyle": "-|>", "color": GRAY},
    )  # fmt: skip
    axes.set_xticks([0, 500_000, 1_000_000], ["0", "500,000", "1,000,000"], fontsize=LETTERS)
    axes.set_yticks([0, 5e-5, 1e-4], ["0", "5e-5", "1e-4"], fontsize=LETTERS)
    axes.set_xlabel("updates", fontsize=LETTERS)
    axes.set_ylabel("learning rate", fontsize=LETTERS)
    return _without_title(
        figure,
        "The learning rate of BERT",
        "The learning rate climbs from 0 to 1e-4 in the first 10,000 updates, a narrow ramp, and then falls in a straight "
        "line to 0 at 1,000,000.",
    )


def _without_title(figure, title: str, alt: str | Message) -> Picture:
    """Return a picture whose title only names it: the slide has a title of its own."""
    picture = Picture(figure, title, alt)
    if figure._suptitle is not None:
        figure._suptitle.remove()
        figure._suptitle = None
    return picture
