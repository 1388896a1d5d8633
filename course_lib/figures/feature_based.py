"""Figures of lesson 17: layers as features, the weights of a mix, the road from frozen to full, and probes by layer.

Results are those of :func:`course_lib.studies.features.study.record`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    LINES,
    ORANGE,
    VERMILION,
    Picture,
    new_figure,
    values_by_name,
)
from course_lib.translation import Message, joined

CONTEXTS = {"sentence": ("alone", BLUE, "o"), "document": ("with its document", ORANGE, "D")}
POOLINGS = {
    "[CLS]": (Message("state of {token}", token="[CLS]"), BLUE, "o"),
    "mean": (Message("mean of all tokens"), GREEN, "s"),
    "pooler": (Message("pooler"), VERMILION, "X"),
}


def figure_reading_costs(reading: float, training: float, fine_tuning: float, epochs: int) -> Picture:
    """Draw the seconds that two ways have cost after each epoch: read once and train on what was kept, or train it all.

    Parameters
    ----------
    reading : seconds of reading the training part once.
    training, fine_tuning : seconds of an epoch on cached states, and of one that trains the encoder.
    epochs : how many are drawn.
    """
    title = "Read once, or every time"
    figure, axes = new_figure(8, 3.8)
    numbers = np.arange(epochs + 1)
    lines = {
        "cached states": (reading + training * numbers, BLUE, LINES[0]),
        "fine-tuning": (fine_tuning * numbers, VERMILION, LINES[1]),
    }
    for name, (seconds, color, style) in lines.items():
        axes.plot(numbers, seconds, color=color, linestyle=style, marker="o", label=Message(name))
    axes.set(xlabel="epochs", ylabel="processor time (s)", ylim=(0, None))
    axes.set_xticks(numbers)
    axes.set_title(title)
    axes.legend()
    alt = Message(
        "Seconds against epochs. Cached states begin at {reading:.1f} s for the reading and rise by {training:.2f} s an "
        "epoch; fine-tuning rises by {fine_tuning:.1f} s an epoch, to {most:.0f} s after {epochs}",
        reading=reading,
        training=training,
        fine_tuning=fine_tuning,
        most=fine_tuning * epochs,
        epochs=epochs,
    )
    return Picture(figure, title, alt)


def figure_rows(features: Mapping[str, Mapping[str, Mapping]], part: str = "test") -> Picture:
    """Draw the F1 of a BiLSTM by what it reads, alone and with the document; small dots are seeds.

    Parameters
    ----------
    features : results by context and by row.
    part : which part is scored.
    """
    title = "Which layers make good features?"
    names = list(features["sentence"])
    figure, axes = new_figure(9, 0.9 + 0.5 * len(names))
    means: dict[str, dict[str, float]] = {}
    for shift, (context, (label, color, marker)) in zip((-0.14, 0.14), CONTEXTS.items(), strict=True):
        rows = features[context]
        means[context] = {name: float(np.mean(rows[name][part])) for name in names}
        places = np.arange(len(names)) + shift
        for place, name in zip(places, names, strict=True):
            axes.plot(rows[name][part], [place] * len(rows[name][part]), ".", color=color, markersize=5)
        axes.plot(
            list(means[context].values()), places, marker, color=color, markersize=8, label=Message(label)
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="entity F1 (%)")
    axes.set_title(title)
    axes.legend(loc="best")
    alt = Message(
        "Mean F1 in percent by what the BiLSTM reads. A sentence alone: {alone}. With its document: {together}",
        alone=values_by_name(means["sentence"], "{name} {value:.1f}"),
        together=values_by_name(means["document"], "{name} {value:.1f}"),
    )
    return Picture(figure, title, alt)


def figure_layer_weights(mixes: Mapping[str, Mapping[int, Sequence[float]]]) -> Picture:
    """Draw the weights that a learned mix gives the layers; a dot is a seed, a bar their mean.

    Parameters
    ----------
    mixes : for each row, the weights of each layer, one a seed.
    """
    title = "The weights that the mix has learned"
    figure, panels = new_figure(9, 3.6, columns=len(mixes), sharey=True, squeeze=False)
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left")
    means = {}
    for axes, (name, weights) in zip(panels[0], mixes.items(), strict=True):
        layers = list(weights)
        mean = [float(np.mean(weights[layer])) for layer in layers]
        axes.bar(layers, mean, color=BLUE, alpha=0.6)
        for layer in layers:
            axes.plot([layer] * len(weights[layer]), weights[layer], ".", color="black", markersize=5)
        axes.axhline(1 / len(layers), color=GRAY, linestyle="--", label="equal weights")
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="layer")
        axes.set_xticks(layers)
        means |= {
            Message("{row}, layer {layer}", row=Message(name), layer=layer): value
            for layer, value in zip(layers, mean, strict=True)
        }
    panels[0][0].set_ylabel("weight")
    panels[0][0].legend(loc="lower left")
    alt = Message(
        "Bars of the mean weight of each layer: {values}",
        values=values_by_name(means, "{name} {value:.2f}", "; "),
    )
    return Picture(figure, title, alt)


def figure_road(methods: Mapping[str, Mapping], part: str = "test") -> Picture:
    """Draw F1 against what training costs: parameters, memory beside the weights, and time.

    Parameters
    ----------
    methods : results by method.
    part : which part is scored.
    """
    title = "From frozen to full: what each step costs"
    figure, panels = new_figure(9.6, 5.0, columns=3, sharey=True)
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left")
    costs = {
        "trained parameters": lambda row: row["trainable"],
        "training memory (MB)": lambda row: (row["optimizer"] + row["activations"]) / 1e6,
        "seconds an epoch": lambda row: float(np.mean(row["epoch_seconds"])),
    }
    markers = "osD^vPX*"
    scores = {name: float(np.mean(row[part])) for name, row in methods.items()}
    for axes, (label, cost) in zip(panels, costs.items(), strict=True):
        for number, (name, row) in enumerate(methods.items()):
            axes.plot(
                cost(row),
                scores[name],
                markers[number],
                markersize=9,
                color=_color(name),
                label=Message(name),
                clip_on=False,  # a cost of nearly 0 lies on the axis
            )
            low, high = min(row[part]), max(row[part])
            axes.plot([cost(row)] * 2, [low, high], color=_color(name), linewidth=1.5)
        axes.set(xlabel=label)
        if label == "trained parameters":
            axes.set_xscale("log")
        else:
            axes.set_xlim(0, None)
    panels[0].set_ylabel("entity F1 (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    told = (
        Message(
            "{name}: F1 {score:.1f}, {trained:,} parameters, {memory:.0f} MB, {seconds:.1f} s",
            name=Message(name),
            score=scores[name],
            trained=row["trainable"],
            memory=costs["training memory (MB)"](row),
            seconds=costs["seconds an epoch"](row),
        )
        for name, row in methods.items()
    )
    return Picture(figure, title, joined("; ", told))


def _color(name: str) -> str:
    """Return one color for what is added to the encoder, and another for parts of the encoder itself."""
    return ORANGE if name in ("adapters", "LoRA") else BLUE


def figure_probes(probes: Mapping[str, Sequence[float]], majority: float) -> Picture:
    """Draw the accuracy of a linear probe by layer, on [CLS], on the mean, and on the pooler.

    Parameters
    ----------
    probes : accuracy in percent by pooling, a number a layer from the embeddings on; the pooler has one number.
    majority : accuracy in percent of the most frequent label.
    """
    title = "What a linear probe reads, layer by layer"
    figure, axes = new_figure(8, 4)
    last = max(len(values) for values in probes.values()) - 1
    for (name, values), style in zip(probes.items(), LINES, strict=False):
        label, color, marker = POOLINGS[name]
        layers = range(len(values)) if len(values) > 1 else [last]
        axes.plot(layers, values, marker=marker, linestyle=style, color=color, label=label)
    axes.axhline(majority, color=GRAY, linestyle=":", label="most frequent label")
    axes.set(xlabel="layer (0: embeddings)", ylabel="accuracy on the reviews (%)")
    axes.set_xticks(range(last + 1))
    axes.set_title(title)
    axes.legend(loc="best")
    told = (
        Message(
            "{name}: {values}", name=POOLINGS[name][0], values=", ".join(f"{value:.1f}" for value in values)
        )
        for name, values in probes.items()
    )
    alt = Message(
        "Accuracy in percent by layer, the embeddings first. {values}. The most frequent label: {majority:.1f}",
        values=joined("; ", told),
        majority=majority,
    )
    return Picture(figure, title, alt)
