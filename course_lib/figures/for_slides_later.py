"""Pictures of ideas, drawn for the decks of lessons 11 to 21: large letters, and no title beside the slide's."""

from __future__ import annotations

import re

import numpy as np

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    LIGHT,
    ORANGE,
    VERMILION,
    YELLOW,
    Picture,
    new_figure,
    values_by_name,
)
from course_lib.translation import Message, Verbatim, joined

LETTERS = 16  # points: 21 pixels or more on a slide
PALE_BLUE, PALE_ORANGE, PALE_GREEN = "#BFDDF0", "#F8DFAE", "#BFE5D6"


def _slide_picture(figure, title: str, alt) -> Picture:
    """Return a picture that leaves its title to the slide."""
    picture = Picture(figure, title, alt)
    figure.suptitle("")
    return picture


def _sheet(axes, width: float, height: float) -> None:
    """Turn axes into an empty sheet without the numbers along its sides."""
    blank(axes, width, height)
    axes.set(xticks=[], yticks=[])


def _words(axes, x: float, y: float, text, **named) -> None:
    axes.text(x, y, text, **({"fontsize": LETTERS, "ha": "center", "va": "center"} | named))


def _boxed(axes, x: float, y: float, width: float, height: float, text, color: str = LIGHT, **named) -> None:
    box(axes, x, y, width, height, text, color, **({"fontsize": LETTERS} | named))


def _cells(axes, left: float, bottom: float, colors: list[list[str]], size: float = 1.0) -> None:
    """Draw a grid of squares, the first line on top."""
    from matplotlib.patches import Rectangle

    for line, row in enumerate(colors):
        for column, color in enumerate(row):
            corner = (left + column * size, bottom + (len(colors) - 1 - line) * size)
            axes.add_patch(Rectangle(corner, size * 0.94, size * 0.94, facecolor=color))


# Lesson 11 -----------------------------------------------------------------------------------------


def looks_between_sentences() -> Picture:
    """Draw who looks at whom if two sentences share a row, and if each has its own."""
    names = ["A", "A", "A", "B", "B", "B", "B"]
    figure, panels = new_figure(11.5, 4.4, columns=2)
    for axes, together in zip(panels, (True, False), strict=True):
        _sheet(axes, 11, 9.2)
        colors = [[BLUE if together or one == other else LIGHT for other in names] for one in names]
        _cells(axes, 2, 0, colors)
        for place, name in enumerate(names):
            _words(axes, 2.5 + place, 7.5, name, weight="bold")
            _words(axes, 1.5, 6.5 - place, name, weight="bold")
        text = "one row: 49 looks" if together else "a row for each: 25 looks"
        _words(axes, 5.5, 8.7, text)
    alt = (
        "Two squares of 7 by 7 tokens, 3 of sentence A and 4 of B. In one row every token looks at every other. "
        "With a row for each, A looks at A only and B at B only"
    )
    return _slide_picture(figure, "Who looks at whom in one row, and in two", alt)


def every_score_against_every_label() -> Picture:
    """Draw what (B, 1) minus (B, 1) gives, and what (B, 1) minus (B,) gives."""
    figure, axes = new_figure(11.5, 3.5)
    _sheet(axes, 26, 9.6)
    for left, wrong in ((0, False), (12.5, True)):
        _cells(axes, left + 0.5, 1.5, [[PALE_BLUE]] * 4, 1.5)
        _words(axes, left + 1.2, 8.3, "scores")
        _words(axes, left + 3.1, 4.5, "−", fontsize=24)
        if wrong:
            _cells(axes, left + 3.9, 3.75, [[PALE_ORANGE] * 4], 1.0)
            _words(axes, left + 5.9, 5.5, "labels")
            colors = [[GREEN if i == j else VERMILION for j in range(4)] for i in range(4)]
        else:
            _cells(axes, left + 4.0, 1.5, [[PALE_ORANGE]] * 4, 1.5)
            _words(axes, left + 4.7, 8.3, "labels")
            colors = [[GREEN]] * 4
        _words(axes, left + (8.6 if wrong else 6.4), 4.5, "=", fontsize=24)
        _cells(axes, left + (9.3 if wrong else 7.3), 1.5, colors, 1.0 if wrong else 1.5)
    _words(axes, 4.4, 0.5, "(4, 1) − (4, 1): 4 differences")
    _words(axes, 19.4, 0.5, "(4, 1) − (4,): 16 differences")
    alt = (
        "Left: a column of 4 scores minus a column of 4 labels gives a column of 4. Right: the same column minus "
        "a row of 4 labels gives 4 by 4 squares; only the 4 on the diagonal belong together"
    )
    return _slide_picture(figure, "Every score against every label", alt)


# Lesson 12 -----------------------------------------------------------------------------------------


def from_questions_to_rows() -> Picture:
    """Draw a batch of two questions as rows for the encoder, and their scores put back in lines."""
    colors = [BLUE] * 4 + [ORANGE] * 4
    pale = {BLUE: PALE_BLUE, ORANGE: PALE_ORANGE}
    figure, axes = new_figure(11.5, 5.0)
    _sheet(axes, 23, 10.6)
    for place, color in enumerate(colors):
        y = 8.4 - place - (0.4 if color == ORANGE else 0)
        ending = Message("ending {number}", number=place % 4)
        _boxed(axes, 3, y, 4.6, 0.72, ending, pale[color])
        _boxed(axes, 11, y, 5.4, 0.72, "[CLS] A [SEP] B [SEP]", pale[color], fontsize=15)
        _cells(axes, 17.4 + place % 4 * 1.3, 6.2 if color == BLUE else 2.0, [[color]], 1.2)
        arrow(axes, (5.5, y), (8.1, y))
        arrow(axes, (13.9, y), (17.1, 6.8 if color == BLUE else 2.6), color)
    for x, text in ((3, "(B, C, T)"), (11, "(B · C, T)"), (19.9, "(B, C)")):
        _words(axes, x, 9.8, Verbatim(text), weight="bold")
    _words(axes, 19.9, 8.0, "one score a row")
    _words(axes, 19.9, 4.4, "softmax along a line")
    alt = (
        "Two questions with four endings each become eight rows for the encoder. Each row gets one score, and "
        "the scores are put back in two lines of four, one line for each question"
    )
    return _slide_picture(figure, "From questions to rows and back", alt)


# Lesson 13 -----------------------------------------------------------------------------------------


def grid_and_random() -> Picture:
    """Draw nine trials of a grid and nine at random, above what they try of the parameter that matters."""
    lattice = np.array([(x, y) for x in (0.18, 0.5, 0.82) for y in (0.2, 0.5, 0.8)])
    spread = np.array([(x + 0.02, y) for x, y in zip(np.linspace(0.05, 0.92, 9), (0.5, 0.14, 0.76, 0.32, 0.9, 0.2, 0.6, 0.42, 0.82), strict=True)])  # fmt: skip
    across = np.linspace(0, 1, 200)
    worth = 0.34 * np.exp(-(((across - 0.66) / 0.13) ** 2))
    figure, panels = new_figure(11.5, 4.1, columns=2)
    tried = {}
    for axes, points, name in zip(panels, (lattice, spread), ("grid", "random"), strict=True):
        _sheet(axes, 1.1, 1.62)
        values = sorted(set(points[:, 0].round(6)))
        tried[name] = len(values)
        axes.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color=GRAY, lw=1)
        axes.fill_between(across, 1.05, 1.05 + worth, color=PALE_GREEN)
        axes.scatter(*points.T, s=130, color=BLUE, zorder=3)
        for value in values:
            axes.plot([value, value], [0, 1.05 + 0.34 * np.exp(-(((value - 0.66) / 0.13) ** 2))], color=VERMILION, ls=":", lw=1.5)  # fmt: skip
        _words(axes, 0.5, 1.53, Message("{name}: 9 trials, {values} values", name=name, values=len(values)))
        _words(axes, 0.5, -0.09, "the parameter that matters")
        _words(axes, 1.06, 0.5, "one that doesn't", rotation=90)
    alt = Message(
        "Two squares with nine trials each. Of the parameter that matters, {tried}. A curve above shows what each "
        "value is worth: the grid passes the peak by, random search comes close to it",
        tried=values_by_name(tried, "{name} tries {value} values"),
    )
    return _slide_picture(figure, "Nine trials, in a grid and at random", alt)


def stopped_too_early(printed: str) -> Picture:
    """Draw the accuracies of a trial that a pruner stopped after its first report.

    Parameters
    ----------
    printed : what the notebook's cell prints, with the accuracies ``without the pruner:``.
    """
    line = re.search(r"without the pruner: +([\d. ]+)", printed)[1]
    reports = [float(number) for number in line.split()]
    epochs = list(range(1, len(reports) + 1))
    figure, axes = new_figure(11.5, 4.2)
    axes.plot(epochs, reports, "--o", color=GRAY, lw=2, ms=10)
    axes.plot(epochs[:1], reports[:1], "X", color=VERMILION, ms=18)
    for epoch, report in zip(epochs, reports, strict=True):
        _words(axes, epoch, report + 2.2, Message("{value:.1f}%", value=report))
    _words(axes, 1.1, reports[0] - 2.4, "stopped here", color=VERMILION, ha="left")
    _words(axes, epochs[-1], reports[-1] - 2.4, "what it would have been", color=GRAY, ha="right")
    axes.set(xlim=(0.8, epochs[-1] + 0.2), ylim=(min(reports) - 5, max(reports) + 5))
    axes.set_xticks(epochs)
    axes.tick_params(labelsize=LETTERS)
    axes.set_xlabel("epoch", fontsize=LETTERS)
    axes.set_ylabel("validation accuracy (%)", fontsize=LETTERS)
    alt = Message(
        "A trial is stopped after its first epoch at {first:.1f}%. Without the pruner it ends at {last:.1f}%",
        first=reports[0],
        last=reports[-1],
    )
    return _slide_picture(figure, "The trial that was stopped", alt)


# Lesson 14 -----------------------------------------------------------------------------------------


def rates_by_layer(printed: str) -> Picture:
    """Draw the learning rate of each layer for two factors.

    Parameters
    ----------
    printed : lines such as ``block 6     decay 0.9: 1.8e-04  decay 0.8: 1.6e-04``.
    """
    rows = re.findall(r"^(\w+(?: \d)?) +decay ([\d.]+): (\S+) +decay ([\d.]+): (\S+)$", printed, re.M)
    figure, axes = new_figure(11.5, 5.2)
    places = np.arange(len(rows))
    for shift, color, column in ((-0.2, BLUE, 1), (0.2, ORANGE, 3)):
        rates = [1e4 * float(row[column + 1]) for row in rows]
        label = Message("factor {factor}", factor=rows[0][column])
        axes.barh(places + shift, rates, 0.38, color=color, label=label)
    axes.set_yticks(places, [row[0] for row in rows])
    axes.invert_yaxis()
    axes.tick_params(labelsize=LETTERS)
    axes.set_xlabel("learning rate (10⁻⁴)", fontsize=LETTERS)
    axes.legend(fontsize=LETTERS, loc="lower right")
    alt = Message(
        "Bars from the head down to the embeddings. With factor {one} the rate falls from {top} to {first}, with "
        "factor {two} to {second}",
        one=rows[0][1],
        two=rows[0][3],
        top=rows[0][2],
        first=rows[-1][2],
        second=rows[-1][4],
    )
    return _slide_picture(figure, "A learning rate for each layer", alt)


def asked_twice() -> Picture:
    """Draw R-Drop: one row, two dropout masks, two answers that should be right and alike."""
    figure, axes = new_figure(11.5, 3.6)
    _sheet(axes, 23, 7.2)
    _boxed(axes, 2.4, 3.6, 4.2, 1.6, "one review", PALE_BLUE)
    for y, mask, answer in ((5.8, "dropout mask 1", "p"), (1.4, "dropout mask 2", "q")):
        _boxed(axes, 9.6, y, 5.4, 1.6, mask, LIGHT)
        _boxed(axes, 15.6, y, 1.6, 1.6, answer, PALE_ORANGE, weight="bold")
        _words(axes, 20.2, y, "right? CE", ha="center")
        arrow(axes, (4.6, 3.6), (6.8, y))
        arrow(axes, (12.4, y), (14.7, y))
        arrow(axes, (16.5, y), (18.4, y))
    arrow(axes, (15.6, 4.9), (15.6, 2.3), VERMILION, arrowstyle="<|-|>")
    _words(axes, 18.6, 3.6, "alike? KL, both ways", color=VERMILION)
    alt = (
        "One review goes through the model twice, with two dropout masks. Each answer, p and q, is compared with "
        "the label by cross-entropy, and the two with each other by KL in both directions"
    )
    return _slide_picture(figure, "One review, asked twice", alt)


def the_worst_step() -> Picture:
    """Draw a step of fixed length from an embedding up the steepest slope of the loss, and home again."""
    horizontal, vertical = np.meshgrid(np.linspace(-1.7, 1.7, 160), np.linspace(-1, 1, 100))
    loss = np.hypot(0.9 * (horizontal + 1.5), 1.5 * (vertical + 0.9))
    slope = np.array([0.81 * 1.5, 2.25 * 0.9]) / np.hypot(0.9 * 1.5, 1.5 * 0.9)
    step = 0.62 * slope / np.linalg.norm(slope)
    figure, axes = new_figure(7.0, 4.1)
    axes.contourf(horizontal, vertical, loss, levels=10, cmap="Blues", alpha=0.6)
    around = np.linspace(0, 2 * np.pi, 100)
    axes.plot(0.62 * np.cos(around), 0.62 * np.sin(around), color=GRAY, ls="--")
    axes.plot(0, 0, "o", color=BLUE, ms=14)
    arrow(axes, (0, 0), tuple(step), VERMILION, lw=3, shrinkA=6)
    _words(axes, -0.1, -0.16, "embedding", ha="right", fontsize=18)
    _words(axes, step[0] + 0.25, step[1] + 0.17, "as far as ε allows", ha="center", fontsize=18)
    _words(axes, 1.65, -0.85, "darker: larger loss", ha="right", fontsize=18)
    axes.set(xlim=(-1.7, 1.7), ylim=(-1, 1), aspect="equal", xticks=[], yticks=[])
    axes.axis("off")
    alt = (
        "Rings of loss around a low corner. From an embedding an arrow leads to the edge of a dashed circle of "
        "radius epsilon, straight across the rings, to where the loss is largest"
    )
    return _slide_picture(figure, "The worst small step", alt)


# Lesson 15 -----------------------------------------------------------------------------------------


def duels(printed: str) -> Picture:
    """Draw the reviews that only one of two models gets right, as duels won and lost, seed by seed.

    Parameters
    ----------
    printed : lines such as ``seed 1: fine-tuned alone right 44, TF-IDF alone 34, p = 0.3082``.
    """
    rows = re.findall(r"seed (\d+): fine-tuned alone right (\d+), TF-IDF alone (\d+), p = ([\d.]+)", printed)
    figure, axes = new_figure(11.5, 4.0)
    places = np.arange(len(rows))
    won, lost = (np.array([int(row[i]) for row in rows]) for i in (1, 2))
    axes.barh(places, won, color=BLUE, height=0.6, label="only the fine-tuned model is right")
    axes.barh(places, lost, left=won, color=ORANGE, height=0.6, label="only TF-IDF is right")
    for place, (one, other) in enumerate(zip(won, lost, strict=True)):
        _words(axes, one / 2, place, Verbatim(str(one)), color="white", weight="bold")
        _words(axes, one + other / 2, place, Verbatim(str(other)), weight="bold")
        axes.plot([(one + other) / 2] * 2, [place - 0.36, place + 0.36], color=VERMILION, lw=3)
    axes.set_yticks(
        places, [Message("seed {seed}, p = {p:.2f}", seed=row[0], p=float(row[3])) for row in rows]
    )
    axes.invert_yaxis()
    axes.tick_params(labelsize=LETTERS)
    axes.set_xlabel("duels (the red line: half of them)", fontsize=LETTERS)
    axes.legend(fontsize=LETTERS, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)
    alt = Message(
        "Duels that the fine-tuned model wins and TF-IDF wins, {counts}",
        counts=joined(
            "; ",
            (Message("seed {seed}: {won} and {lost}", seed=row[0], won=row[1], lost=row[2]) for row in rows),
        ),
    )
    return _slide_picture(figure, "Reviews that only one model gets right", alt)


# Lesson 16 -----------------------------------------------------------------------------------------


def looks_left_only() -> Picture:
    """Draw who may look at whom in BERT and in a model that reads left to right."""
    tokens = ["[CLS]", "the", "bank", "was", "steep", "[SEP]"]
    figure, panels = new_figure(11.5, 4.2, columns=2)
    for axes, left_to_right in zip(panels, (False, True), strict=True):
        _sheet(axes, 9.4, 8.4)
        colors = [[BLUE if k <= q or not left_to_right else LIGHT for k in range(6)] for q in range(6)]
        _cells(axes, 2.6, 0, colors)
        for place, token in enumerate(tokens):
            _words(axes, 2.4, 5.47 - place, Verbatim(token), ha="right")
            _words(
                axes,
                3.07 + place,
                6.2,
                Verbatim(token),
                ha="left",
                va="bottom",
                rotation=40,
                fontsize=LETTERS,
            )
        text = "only what's to the left: a triangle" if left_to_right else "both ways: the whole square"
        _words(axes, 5.6, 8.2, text, weight="bold")
    alt = (
        "Two squares of 6 by 6 tokens, a row for each token that looks. Both ways, all 36 are filled. Left to "
        "right, 21 are: the diagonal and what is below. The first row, [CLS], sees only itself"
    )
    return _slide_picture(figure, "Who may look at whom", alt)


def questions_in_a_text() -> Picture:
    """Draw where a text asks for a word if a model reads left to right, and if one word in seven is masked."""
    words = ["henry", "is", "a", "doctor", "and", "sells", "bread"]
    figure, axes = new_figure(11.5, 3.8)
    _sheet(axes, 23.5, 7.8)
    for y, masked in ((5.4, False), (1.4, True)):
        text = "masked: one question" if masked else "left to right: a question at every word"
        _words(axes, 0.2, y + 1.7, text, ha="left", weight="bold")
        for place, word in enumerate(words):
            asked = place == 3 if masked else place > 0
            x = 1.7 + 3.3 * place
            shown = "[MASK]" if masked and asked else word
            _boxed(axes, x, y, 2.9, 1.1, Verbatim(shown), PALE_ORANGE if asked else LIGHT)
            if asked:
                _words(axes, x, y - 1.05, "?", color=VERMILION, weight="bold", fontsize=20)
    alt = (
        "The same seven words twice. Left to right, a question stands below every word except the first. Masked, "
        "one word is hidden, and there's one question"
    )
    return _slide_picture(figure, "How many questions a text asks", alt)


# Lesson 17 -----------------------------------------------------------------------------------------


def notes_or_reading_again() -> Picture:
    """Draw how often the encoder runs if its states are kept, and if it is fine-tuned."""
    figure, axes = new_figure(11.5, 4.4)
    _sheet(axes, 23.5, 9.2)
    axes.set_ylim(-0.9, 9.2)
    for y, kept in ((6.8, True), (2.0, False)):
        _words(axes, 0.1, y + 1.9, "feature-based" if kept else "fine-tuning", ha="left", weight="bold")
        _boxed(axes, 2.2, y, 3.8, 1.7, "sentences", LIGHT)
        _boxed(axes, 8.2, y, 4.2, 1.7, "encoder, frozen" if kept else "encoder, trained", PALE_BLUE if kept else PALE_ORANGE, fontsize=LETTERS)  # fmt: skip
        arrow(axes, (4.2, y), (6.0, y))
        if kept:
            _boxed(axes, 14.4, y, 3.6, 1.7, "notes", YELLOW)
            arrow(axes, (10.4, y), (12.5, y))
            _words(axes, 11.4, y + 0.8, "once", fontsize=15)
            arrow(axes, (16.3, y), (18.2, y))
        else:
            arrow(axes, (10.4, y), (18.2, y))
        _boxed(axes, 20.6, y, 4.4, 1.7, "small model" if kept else "head", PALE_ORANGE)
        start = 14.4 if kept else 2.2
        axes.annotate("", xy=(start, y - 1.0), xytext=(20.6, y - 1.0), arrowprops={"arrowstyle": "-|>", "color": VERMILION, "lw": 2.5, "connectionstyle": "arc3,rad=-0.08"})  # fmt: skip
        _words(axes, (start + 20.6) / 2, y - (2.0 if kept else 2.6), "again in every epoch", color=VERMILION)
    alt = (
        "Above, feature-based: sentences go through the frozen encoder once, its states are kept as notes, and "
        "every epoch runs from the notes to a small model. Below, fine-tuning: every epoch runs from the sentences "
        "through the encoder to the head"
    )
    return _slide_picture(figure, "Read once, or in every epoch", alt)


def low_rank() -> Picture:
    """Draw a frozen matrix and the two thin ones that LoRA trains."""
    from matplotlib.patches import Rectangle

    figure, axes = new_figure(11.5, 3.4)
    _sheet(axes, 23, 8)
    for left, bottom, width, height, color in (
        (1, 1, 6, 6, "#D3DAE2"),
        (10, 1, 1.1, 6, ORANGE),
        (12.2, 5.9, 6, 1.1, ORANGE),
    ):
        axes.add_patch(Rectangle((left, bottom), width, height, facecolor=color))
    _words(axes, 4, 4, "W, frozen")
    _words(axes, 8.5, 4, "+", fontsize=26)
    _words(axes, 10.55, 4, "B", weight="bold")
    _words(axes, 15.2, 6.45, "A", weight="bold")
    _words(axes, 12.2, 3.6, "two thin matrices, trained:\nrank r, not a whole square", ha="left")
    _words(axes, 12.2, 1.6, "B begins as zeros", ha="left", color=VERMILION)
    alt = (
        "A large gray square W, frozen, plus the product of a tall thin matrix B and a wide thin matrix A, both "
        "trained. B begins as zeros"
    )
    return _slide_picture(figure, "LoRA: a frozen matrix and two thin ones", alt)


# Lesson 18 -----------------------------------------------------------------------------------------


def the_door() -> Picture:
    """Draw a score on the way from a baseline to a text: flat at the text, steep on the way."""
    share = np.linspace(0, 1, 200)
    score = 1 / (1 + np.exp(-18 * (share - 0.42)))
    figure, axes = new_figure(11.5, 4.4)
    axes.plot(share, score, color=BLUE, lw=4)
    axes.fill_between(share, 0, score, color=PALE_BLUE)
    axes.plot([0.86, 1.0], [1, 1], color=VERMILION, lw=5)
    axes.plot([0.36, 0.48], [0.23, 0.77], color=GREEN, lw=6)
    _words(axes, 0.86, 1.12, "at the text: flat, gradient 0", color=VERMILION)
    _words(axes, 0.34, 0.62, "on the way: steep", color="#00704F", ha="right")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.25), yticks=[])
    axes.set_xticks([0, 1], ["baseline", "text"])
    axes.tick_params(labelsize=LETTERS)
    axes.set_xlabel("the way from an empty text to the full one", fontsize=LETTERS)
    axes.set_ylabel("score", fontsize=LETTERS)
    alt = (
        "The score rises like a step from the baseline to the text. It's steep in the middle of the way and flat "
        "at the text, where a gradient is taken"
    )
    return _slide_picture(figure, "Where the door opens", alt)


# Lesson 19 -----------------------------------------------------------------------------------------


def stored_and_computed() -> Picture:
    """Draw what is stored and what is computed: twelve blocks, one shared block, and half the blocks."""
    figure, axes = new_figure(11.5, 4.6)
    _sheet(axes, 23, 9.4)
    for x, name in ((7.2, "stored"), (16.6, "computed for a text")):
        _words(axes, x, 8.9, name, weight="bold")
    for y, name, stored, run in ((7.0, "BERT", 12, 12), (4.4, "ALBERT", 1, 12), (1.8, "DistilBERT", 6, 6)):
        _words(axes, 0.1, y, Verbatim(name), ha="left", weight="bold")
        for left, count in ((4.2, stored), (13.6, run)):
            for place in range(count):
                color = ORANGE if stored == 1 else BLUE
                axes.add_patch(_block(left + 0.68 * place, y - 0.85, color))
    _words(axes, 0.1, 0.2, "Sharing saves the left side. Only fewer layers save both.", ha="left")
    alt = "Blocks that are stored and blocks that are computed: BERT 12 and 12, ALBERT 1 and 12, DistilBERT 6 and 6"
    return _slide_picture(figure, "Blocks that are stored, and blocks that are computed", alt)


def _block(left: float, bottom: float, color: str):
    from matplotlib.patches import Rectangle

    return Rectangle((left, bottom), 0.56, 1.7, facecolor=color)


# Lesson 21 -----------------------------------------------------------------------------------------


def four_helpers() -> Picture:
    """Draw the way of a question through two searches, a careful reader of pairs, and a reader of answers."""
    figure, axes = new_figure(11.5, 4.4)
    _sheet(axes, 24, 9.2)
    _boxed(axes, 2.1, 4.8, 3.7, 1.5, "question", PALE_ORANGE)
    _boxed(axes, 8.2, 7.2, 4.6, 1.5, "BM25", PALE_BLUE)
    _boxed(axes, 8.2, 2.4, 4.6, 1.5, "bi-encoder", PALE_BLUE)
    _boxed(axes, 14.6, 4.8, 4.8, 1.5, "cross-encoder", PALE_BLUE)
    _boxed(axes, 20.4, 4.8, 3.6, 1.5, "reader", PALE_BLUE)
    for start, end in (((4.1, 5.2), (5.8, 6.9)), ((4.1, 4.4), (5.8, 2.7)), ((10.6, 6.9), (12.6, 5.5)), ((10.6, 2.7), (12.6, 4.1)), ((17.1, 4.8), (18.5, 4.8))):  # fmt: skip
        arrow(axes, start, end, lw=2)
    for x, y, text in ((8.2, 8.6, "a card index of words"), (8.2, 1.0, "what a page is about"), (14.6, 6.3, "ten pages, one by one"), (20.4, 3.3, "an answer, or none")):  # fmt: skip
        _words(axes, x, y, text, fontsize=15)
    arrow(axes, (1, 0.1), (23, 0.1), GRAY)
    _words(axes, 12, -0.5, "fewer pages, more care", fontsize=15, color=GRAY)
    axes.set_ylim(-1, 9.2)
    alt = (
        "A question goes to BM25 and to the bi-encoder. Their ten best pages go to the cross-encoder, and its "
        "first page goes to the reader, which gives an answer or none"
    )
    return _slide_picture(figure, "A library with four helpers", alt)


def one_example_in_two_formats() -> Picture:
    """Draw a question for BERT, with a marked span, and for a language model, with targets for the completion."""
    figure, axes = new_figure(11.5, 4.2)
    _sheet(axes, 23.5, 8.8)
    _words(axes, 0.1, 8.2, "BERT: mark the place", ha="left", weight="bold")
    paragraph = ("What", "is", "Adam", "?", "Adam", "is", "a", "miller", ".")
    _words(axes, 0.1, 3.6, "language model: write it", ha="left", weight="bold")
    prompt = ("Adam", "is", "a", "miller", ".", "Question:", "…", "Answer:", "miller")
    for y, words, chosen in ((6.4, paragraph, 7), (1.9, prompt, 8)):
        x = 0.1
        for place, word in enumerate(words):
            width = 1.3 + 0.24 * len(word)
            color = ORANGE if place == chosen else PALE_BLUE if y < 4 or place < 4 else LIGHT
            _boxed(axes, x + width / 2, y, width - 0.2, 1.2, Verbatim(word), color, fontsize=15)
            target = "start = end" if y > 4 and place == chosen else ""
            if y < 4:
                target = "target" if place == chosen else "-100"
            _words(axes, x + width / 2, y - 1.25, target, fontsize=15, color=VERMILION if place == chosen else GRAY)  # fmt: skip
            x += width
    alt = (
        "Above, question and paragraph with the word miller marked as start and end. Below, the same as a prompt "
        "and a completion: every token of the prompt has the target -100, and only the completion is learned"
    )
    return _slide_picture(figure, "One example in two formats", alt)
