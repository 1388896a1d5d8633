"""The whole model as a picture, with the parts that a learner has built."""

from __future__ import annotations

from collections.abc import Mapping

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import GRAY, Picture, new_figure
from course_lib.translation import Message

ALL, SOME, NONE = "#9FDCC4", "#FBE3B0", "#FFFFFF"  # told apart by the mark in the box too

# Middle (x, y), width and height of the box of each part, in units of the drawing.
PLACES = {
    "WordPiece": (3.0, 0.9, 4.4, 1.0),
    "packing": (8.0, 0.9, 4.4, 1.0),
    "embeddings": (5.5, 2.6, 9.4, 1.0),
    "attention": (2.5, 4.5, 3.0, 1.0),
    "LayerNorm": (5.7, 4.5, 2.8, 1.0),
    "block": (8.8, 4.5, 2.6, 1.0),
    "masked-word loss": (2.8, 6.7, 4.2, 1.0),
    "next-sentence head": (8.0, 6.7, 4.6, 1.0),
    "classification": (2.2, 8.3, 3.4, 1.0),
    "question answering": (5.9, 8.3, 3.6, 1.0),
    "named entities": (9.4, 8.3, 3.0, 1.0),
    "masking": (13.4, 0.9, 3.8, 1.0),
    "sentence pairs": (13.4, 2.6, 3.8, 1.0),
    "pre-training": (13.4, 6.7, 3.8, 1.0),
    "fine-tuning": (13.4, 8.3, 3.8, 1.0),
}


def your_bert(parts: Mapping[str, tuple[int, int]]) -> Picture:
    """Draw BERT from the text up to the answers, and mark what the learner has built.

    Parameters
    ----------
    parts : for each part the number of exercises solved, and of all, as ``course_lib.lessons.report.parts`` gives them.
    """
    figure, axes = new_figure(10.0, 6.0)
    blank(axes, 15.6, 9.6)
    box(axes, 5.5, 4.6, 10.4, 1.9, "", "#F3F6FA")
    axes.text(0.5, 5.25, "encoder", fontsize=9, color=GRAY)
    for name, (x, y, width, height) in PLACES.items():
        solved, every = parts[name]
        mark, color = ("★", ALL) if solved == every else ("◐", SOME) if solved else ("○", NONE)
        text = Message(
            "{mark} {name}\n{solved} of {every}", mark=mark, name=Message(name), solved=solved, every=every
        )
        box(axes, x, y, width, height, text, color)
    for start, end in (
        ((5.2, 0.9), (5.75, 0.9)), ((8.0, 1.45), (8.0, 2.05)), ((5.5, 3.15), (5.5, 3.6)),
        ((2.8, 5.6), (2.8, 6.15)), ((8.0, 5.6), (8.0, 6.15)),
    ):  # fmt: skip
        arrow(axes, start, end)
    axes.text(13.4, 9.15, "what it learns from, and how", ha="center", fontsize=9, color=GRAY)
    axes.text(5.5, 9.15, "what it answers", ha="center", fontsize=9, color=GRAY)
    built = sum(solved == every for solved, every in parts.values())
    alt = Message(
        "The parts of BERT, from the text up: WordPiece and packing, embeddings, the encoder with attention, LayerNorm "
        "and block, the two heads of pre-training, three tasks; beside them data and training. {built} of {all} are "
        "built: {names}.",
        built=built,
        all=len(parts),
        names=", ".join(name for name, (solved, every) in parts.items() if solved == every) or "none yet",
    )
    return Picture(figure, Message("Your BERT: {built} of {all} parts", built=built, all=len(parts)), alt)
