"""Figures 3 and 4, tables 3 and 4: masked language modeling (lesson 04)."""

from __future__ import annotations

import statistics
from functools import lru_cache

from course_lib.figures.drawing import arrow, blank, box, token_row, token_width
from course_lib.figures.style import BLUE, GREEN, LIGHT, ORANGE, SKY, Picture, Table, new_figure
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.studies.published import MASKING_STRATEGIES
from course_lib.translation import Message, Verbatim

MASKED, RANDOM, KEPT = SKY, "#F6C667", "#8FD3BC"


def figure_03_how_it_works(
    tokens: list[str], position: int, words: list[str], probabilities: list[float]
) -> Picture:
    """Draw figure 3: one [MASK] goes in, a probability for every word comes out.

    Parameters
    ----------
    tokens : the input, with [CLS] and [SEP].
    position : position of [MASK].
    words, probabilities : the model's best words there, best first.
    """
    title = "Figure 3. How masked language modeling works"
    figure, axes = new_figure(9, 4.2)
    width = max(sum(map(token_width, tokens)), 10)
    blank(axes, width + 5.2, 6)
    colors = [MASKED if i == position else LIGHT for i in range(len(tokens))]
    middles = token_row(axes, tokens, 0.6, colors)
    box(axes, width / 2, 2.2, width - 0.2, 0.9, "BERT encoder: every token attends to every token", "#DCEAF6")
    for i, x in enumerate(middles):
        arrow(axes, (x, 0.95), (x, 1.7), color=BLUE if i == position else "#B5C0CC")
    x = middles[position]
    arrow(axes, (x, 2.7), (x, 3.55), color=BLUE)
    box(axes, x, 4.0, 4.6, 0.85, "masked-language-model head\n(dense, GELU, LayerNorm, decoder)", MASKED)
    arrow(axes, (x + 2.35, 4.0), (width + 0.5, 4.0), color=BLUE)
    axes.text(width + 0.7, 5.5, "probability of each word", fontsize=10, weight="bold")
    for row, (word, probability) in enumerate(zip(words, probabilities, strict=True)):
        y = 5.0 - 0.55 * row
        axes.text(width + 2.2, y, Verbatim(word), ha="right", va="center", fontsize=10)
        axes.barh(y, 2.0 * probability / max(probabilities), 0.36, left=width + 2.35, color=BLUE)
        end = width + 2.45 + 2.0 * probability / max(probabilities)
        axes.text(end, y, f"{probability:.2f}", va="center", fontsize=9)
    axes.set_title(title)
    ranked = ", ".join(f"{word} {p:.2f}" for word, p in zip(words, probabilities, strict=True))
    alt = Message(
        "The tokens {tokens} go into the encoder. At the masked position the head gives: {ranked}",
        tokens=" ".join(tokens),
        ranked=ranked,
    )
    return Picture(figure, title, alt)


def figure_04_strategy(tokens: list[str], corrupted: list[str], chosen: list[bool]) -> Picture:
    """Draw figure 4: what the 80/10/10 rule made of a real sentence.

    Parameters
    ----------
    tokens : the sentence's pieces.
    corrupted : what the model sees instead.
    chosen : which tokens were chosen.
    """
    title = "Figure 4. The masking strategy on a real sentence"
    lines, line, used = [], [], 0.0
    for i, token in enumerate(tokens):
        size = max(token_width(token), token_width(corrupted[i]))
        if line and used + size > 15:
            lines.append(line)
            line, used = [], 0.0
        line.append(i)
        used += size
    lines.append(line)
    figure, axes = new_figure(9.2, 1.3 + 1.1 * len(lines))
    blank(axes, 17.5, 2.2 * len(lines) + 1.0)
    counts = dict.fromkeys(("masked", "random", "kept"), 0)
    for number, line in enumerate(lines):
        top, x = 2.2 * (len(lines) - number) + 0.1, 1.9
        axes.text(0, top, "text", va="center", fontsize=10, weight="bold")
        axes.text(0, top - 0.85, "model sees", va="center", fontsize=10, weight="bold")
        for i in line:
            size = max(token_width(tokens[i]), token_width(corrupted[i]))
            color = LIGHT
            if chosen[i]:
                fate = "masked" if corrupted[i] == "[MASK]" else "random"
                fate = "kept" if corrupted[i] == tokens[i] else fate
                counts[fate] += 1
                color = {"masked": MASKED, "random": RANDOM, "kept": KEPT}[fate]
            box(axes, x + size / 2, top, size - 0.12, 0.62, Verbatim(tokens[i]), color)
            box(axes, x + size / 2, top - 0.85, size - 0.12, 0.62, Verbatim(corrupted[i]), color)
            x += size
    legend = (
        (MASKED, "becomes [MASK]"),
        (RANDOM, "becomes a random word"),
        (KEPT, "stays, and is predicted too"),
    )
    for i, (color, text) in enumerate(legend):
        box(axes, 2.2 + 5 * i, 0.4, 0.5, 0.4, "", color)
        axes.text(2.6 + 5 * i, 0.4, text, va="center", fontsize=10)
    axes.set_title(title)
    alt = Message(
        "{n} tokens; {masked} chosen tokens become [MASK], {random} a random word, {kept} stay. "
        "The model sees: {seen}",
        n=len(tokens),
        seen=" ".join(corrupted),
        **counts,
    )
    return Picture(figure, title, alt)


SENTENCE = (
    "The Philharmonic played an unbelievable concert in Reykjavik, and the audience, "
    "mostly students, applauded for eleven minutes."
)
PICTURE_SEED = 26  # a draw in which all three fates occur, which four chosen tokens seldom show


@lru_cache(maxsize=1)
def readme_picture() -> Picture:
    """Return figure 4 on the sentence of lesson 04, the same at each call: the picture of the README."""
    import torch

    from course_lib.bert.tokenizer import load_tokenizer
    from course_lib.data.weights import bundled_weights_folder

    tokenizer = load_tokenizer(bundled_weights_folder(verify=False), special_tokens=True)
    words = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    input_ids = torch.tensor([tokenizer.encode(SENTENCE).ids])  # (1, T)
    generator = torch.Generator().manual_seed(PICTURE_SEED)
    masked = mask_tokens(input_ids, MaskingVocabulary.from_tokens(words), generator=generator)
    return figure_04_strategy(
        [words[i] for i in input_ids[0].tolist()],
        [words[i] for i in masked.input_ids[0].tolist()],
        masked.chosen[0].tolist(),
    )


def figure_training_curve(curve: list[dict], unigram_accuracy: float) -> Picture:
    """Draw the recorded training of the masked-word model: accuracy and loss on held-out articles."""
    title = "Learning to fill masks, on articles held out"
    figure, (left, right) = new_figure(9, 3.4, columns=2)
    steps = [point["step"] for point in curve]
    left.plot(
        steps, [point["accuracy"] for point in curve], marker="o", color=BLUE, label="masked words right"
    )
    left.axhline(unigram_accuracy, color=ORANGE, linestyle="--", label="always the most frequent word")
    left.set(xlabel="updates", ylabel="accuracy", ylim=(0, None), title="Accuracy")
    left.legend(loc="center right")
    right.plot(
        steps, [point["training_loss"] for point in curve], color=GREEN, linestyle="--", label="training"
    )
    right.plot(steps, [point["loss"] for point in curve], marker="o", color=BLUE, label="held out")
    right.set(xlabel="updates", ylabel="loss (nats)", title="Loss")
    right.legend()
    last = curve[-1]
    alt = Message(
        "After {step} updates: accuracy {accuracy:.3f}, loss {loss:.3f}; the most frequent word alone gives "
        "{unigram:.3f}",
        unigram=unigram_accuracy,
        **last,
    )
    return Picture(figure, title, alt)


def table_03_parameters() -> Table:
    """Return table 3: the parameters of masked language modeling, as the library's defaults have them."""
    s = MaskingStrategy.of_paper()
    return Table(
        "Table 3. Parameters of masked language modeling",
        ["parameter", "value", "name in the library", "why"],
        [
            [
                "share of tokens chosen",
                f"{s.selection:.0%}",
                Verbatim("selection"),
                "fewer: little to learn from; more: little context left",
            ],
            [
                "chosen tokens that become [MASK]",
                f"{s.mask:.0%}",
                Verbatim("mask"),
                "the word must not be in the input",
            ],
            [
                "… become a random word",
                f"{s.random:.0%}",
                Verbatim("random"),
                "a visible word may be wrong, so all must be checked",
            ],
            [
                "… stay as they are",
                f"{s.keep:.0%}",
                Verbatim("keep"),
                "representations lean toward the word that is there",
            ],
            [
                "most predictions in a sequence",
                str(s.max_predictions),
                "max_predictions",
                "a fixed size for the output of the head",
            ],
            [
                "whole words",
                "yes" if s.whole_words else "no",
                "whole_words",
                "later BERT models choose all pieces of a word together",
            ],
        ],
        "Devlin et al. 2018, section 3.1 and appendix A.1; original code for the counts.",
    )


def _spread(values: list[float], digits: int = 1) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.{digits}f} ± {spread:.{digits}f}"


def table_04_strategies(results: list[dict]) -> Table:
    """Return table 4: the paper's table 8 beside our recording.

    Parameters
    ----------
    results : rows of the recording ``masking-strategies``; scores in percent, one a seed.
    """
    ours = {(row["mask"], row["keep"], row["random"]): row for row in results}
    rows = []
    for mask, keep, random, mnli, ner, features in MASKING_STRATEGIES:
        row = ours[mask, keep, random]
        rows.append(
            [
                mask,
                keep,
                random,
                mnli,
                ner,
                features,
                _spread(row["entity_f1"]),
                _spread(row["masked_accuracy"]),
                _spread(row["visible_accuracy"]),
            ]
        )
    return Table(
        "Table 4. Masking strategies: the paper's table 8, and the same comparison here",
        [
            "[MASK] %",
            "same %",
            "random %",
            "paper: MNLI",
            "paper: NER fine-tuned",
            "paper: NER features",
            "here: NER features F1",
            "here: right at [MASK] %",
            "here: right at visible words %",
        ],
        rows,
        Message(
            "Paper: Devlin et al. 2018, table 8 (dev). Here: recorded by `course record masking-strategies`, "
            "mean ± standard deviation over {seeds} seeds.",
            seeds=len(results[0]["entity_f1"]),
        ),
    )
