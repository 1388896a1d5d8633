"""Figure 17, table 17, and more of lesson 14: what regularization and augmentation are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.studies.case_study.plan import verdict
from course_lib.studies.robustness.adversarial import Attack
from course_lib.translation import Message, Verbatim, joined

Gain = tuple[float, float, float]  # a difference of accuracies, a share, and the ends of its interval
WORDS = {"holds": "better", "fails": "worse", "open": "open"}
COLORS = {"holds": GREEN, "fails": VERMILION, "open": GRAY}


def figure_overfitting(
    epochs: Sequence[int],
    training: Sequence[float],
    validation: Sequence[float],
    accuracies: Sequence[float],
) -> Picture:
    """Draw the loss on training and validation rows, and the accuracy on validation rows, epoch by epoch.

    Parameters
    ----------
    epochs : after which the model was looked at.
    training, validation : mean losses of each look.
    accuracies : on validation rows, shares.
    """
    title = "Learned by heart: the loss on rows that are known, and on rows that aren't"
    figure, (left, right) = new_figure(9.2, 3.8, columns=2)
    left.plot(epochs, training, "o-", color=BLUE, label="training rows")
    left.plot(epochs, validation, "s-", color=VERMILION, label="validation rows")
    left.set(xlabel="epoch", ylabel="mean loss", ylim=(0, None))
    left.set_xticks(list(epochs))
    right.set_xticks(list(epochs))
    left.legend()
    right.plot(epochs, 100 * np.array(accuracies), "s-", color=VERMILION, label="validation rows")
    right.axhline(50, color=GRAY, linestyle="--", label="a coin")
    right.set(xlabel="epoch", ylabel="right (%)", ylim=(40, 100))
    right.legend()
    best = int(np.argmin(validation))
    alt = Message(
        "Training loss {first:.2f} after epoch {begin}, {last:.2f} after epoch {end}. Validation loss lowest after epoch "
        "{best} at {low:.2f}, then {high:.2f} at the end; accuracy there {accuracy:.0f}%",
        first=training[0],
        begin=epochs[0],
        last=training[-1],
        end=epochs[-1],
        best=epochs[best],
        low=validation[best],
        high=validation[-1],
        accuracy=100 * accuracies[-1],
    )
    return Picture(figure, title, alt)


def table_17_techniques(
    accuracies: Mapping[str, Sequence[float]],
    gains: Mapping[str, Gain],
    errors: Mapping[str, float],
    seconds: Mapping[str, float],
) -> Table:
    """Return table 17: each technique beside plain fine-tuning, with its calibration and its price.

    Parameters
    ----------
    accuracies : of each seed, shares, by name; one value alone for what all seeds make together.
    gains : the paired difference to plain fine-tuning with its interval, by name; plain itself has none.
    errors : expected calibration error, by name.
    seconds : of training, on one processor, by name.
    """
    rows = []
    for name, values in accuracies.items():
        percent = 100 * np.array(values)
        spread = f" ± {percent.std(ddof=1):.1f}" if len(values) > 1 else ""
        row = [name, f"{percent.mean():.1f}{spread}"]
        if name in gains:
            gain, low, high = gains[name]
            interval = Message("{low:+.1f} to {high:+.1f}", low=100 * low, high=100 * high)
            row += [f"{100 * gain:+.1f}", interval, WORDS[verdict(low, high)]]
        else:
            row += ["–", "–", "–"]
        rows.append([*row, f"{errors[name]:.3f}", f"{seconds[name]:.0f}"])
    columns = [
        "technique",
        "accuracy (%)",
        "minus plain (points)",
        "95% interval",
        "verdict",
        "calibration error",
        "training (s)",
    ]
    note = (
        "± is the standard deviation over seeds; the interval is a paired bootstrap over test rows. "
        "Open: the interval contains 0."
    )
    return Table("Table 17. Each technique at equal updates", columns, rows, note)


def _draw_gains(axes, gains: Mapping[str, Gain], seeds: Mapping[str, Sequence[float]]) -> None:
    for place, (name, (gain, low, high)) in enumerate(gains.items()):
        color = COLORS[verdict(low, high)]
        axes.plot([100 * low, 100 * high], [place, place], color=color, linewidth=2)
        axes.plot([100 * gain], [place], "o", color=color)
        single = 100 * np.array(seeds.get(name, ()))
        axes.plot(single, [place] * len(single), "|", color=BLUE, alpha=0.6, markersize=9)
    axes.axvline(0, color=GRAY, linestyle="--")
    axes.set_yticks(range(len(gains)), list(gains))
    axes.set_ylim(len(gains) - 0.5, -0.5)
    axes.set(xlabel="minus plain fine-tuning (points)")


def figure_17_gains(gains: Mapping[str, Gain], seeds: Mapping[str, Sequence[float]]) -> Picture:
    """Draw figure 17: what each technique is worth, with its interval and its seeds.

    Parameters
    ----------
    gains : the paired difference to plain fine-tuning and its interval, shares, by name.
    seeds : the same difference of each seed, by name; nothing for what all seeds make together.
    """
    title = "Figure 17. What each technique is worth on few rows: gains next to their spread"
    figure, axes = new_figure(8.6, 1.4 + 0.22 * len(gains))
    _draw_gains(axes, gains, seeds)
    axes.plot([], [], color=GRAY, marker="o", label="mean, 95% interval over rows")
    axes.plot([], [], "|", color=BLUE, label="one seed")
    axes.legend(loc="best")
    alt = Message(
        "Difference to plain fine-tuning in points, with interval: {values}", values=_gains_in_words(gains)
    )
    return Picture(figure, title, alt)


def figure_gains_elsewhere(settings: Mapping[str, Mapping[str, Gain]]) -> Picture:
    """Draw the same on other data: a panel for each setting, a line for each technique.

    Parameters
    ----------
    settings : gains and their intervals by name, by setting.
    """
    title = "The same techniques elsewhere: does a gain travel?"
    figure, panels = new_figure(9.6, 3.8, columns=len(settings))
    for axes, (name, gains) in zip(np.atleast_1d(panels), settings.items(), strict=True):
        _draw_gains(axes, gains, {})
        axes.set_title(name)
    alt = Message(
        "Difference to plain fine-tuning in points, with interval. {values}",
        values=joined(
            "; ",
            (
                Message("{name}: {gains}", name=Message(name), gains=_gains_in_words(gains))
                for name, gains in settings.items()
            ),
        ),
    )
    return Picture(figure, title, alt)


def _gains_in_words(gains: Mapping[str, Gain]) -> Message:
    return joined(
        ", ",
        (
            Message(
                "{name} {gain:+.1f} ({low:+.1f} to {high:+.1f})",
                name=Message(name),
                gain=100 * gain,
                low=100 * low,
                high=100 * high,
            )
            for name, (gain, low, high) in gains.items()
        ),
    )


def figure_attack(attack: Attack) -> Picture:
    """Draw an attack on one text: how far each token is moved, and what its move alone does to the margin.

    Parameters
    ----------
    attack : see :func:`~course_lib.studies.robustness.adversarial.attack_on_text`.
    """
    title = "An attack, word by word: who has to move, and what for"
    figure, (left, right) = new_figure(9.6, 1.3 + 0.22 * len(attack.tokens), columns=2, sharey=True)
    places, names = range(len(attack.tokens)), [Verbatim(token.token) for token in attack.tokens]
    left.barh(places, [token.norm for token in attack.tokens], color=BLUE)
    right.barh(places, [token.change for token in attack.tokens], color=ORANGE)
    left.set_yticks(places, names)
    left.invert_yaxis()
    left.set(xlabel="length of the move", ylabel="token")
    right.set(xlabel="change of the margin by this move alone")
    right.axvline(0, color=GRAY)
    moved = sorted(attack.tokens, key=lambda token: -token.norm)[:5]
    alt = Message(
        "Margin {before:+.2f} before the attack and {after:+.2f} under it. Moved farthest: {tokens}",
        before=attack.margin,
        after=attack.attacked_margin,
        tokens=values_by_name({Verbatim(token.token): token.norm for token in moved}),
    )
    return Picture(figure, title, alt)


def figure_slices(slices: Mapping[str, Sequence[Sequence[float]]], reach: float) -> Picture:
    """Draw the loss around trained models along the same two random directions, in one scale of colors.

    Parameters
    ----------
    slices : losses on a grid (points, points), the model in the middle, by name.
    reach : of the outermost points, in lengths of each matrix.
    """
    title = "The valley that a model lies in: the training loss around it"
    figure, panels = new_figure(3.3 * len(slices) + 0.8, 3.5, columns=len(slices))
    grids = {name: np.array(values) for name, values in slices.items()}
    levels = np.linspace(0, max(grid.max() for grid in grids.values()), 13)
    for axes, (name, grid) in zip(np.atleast_1d(panels), grids.items(), strict=True):
        steps = np.linspace(-reach, reach, len(grid))
        shown = axes.contourf(steps, steps, grid, levels=levels, cmap="cividis")
        axes.plot([0], [0], "o", color="white", markeredgecolor="black")
        axes.set(xlabel="first direction", ylabel="second direction", title=name)
    figure.colorbar(shown, ax=panels, label="mean loss")
    middle = {name: float(grid[len(grid) // 2, len(grid) // 2]) for name, grid in grids.items()}
    alt = Message(
        "Loss in the middle: {middle}; at the highest point: {top}",
        middle=values_by_name(middle),
        top=values_by_name({name: float(grid.max()) for name, grid in grids.items()}),
    )
    return Picture(figure, title, alt)
