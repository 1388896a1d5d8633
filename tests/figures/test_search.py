"""Figure 16, table 16 and the plots of a search: what they say of the trials that they show."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest

from course_lib.figures.search import (
    complete,
    density,
    different,
    epochs_run,
    figure_16_searches,
    figure_importance,
    figure_noise,
    figure_slices,
    figure_two_densities,
    importances,
    split_by_value,
    table_16_methods,
    table_paper_and_here,
)
from course_lib.studies.search import study as search
from course_lib.studies.search.study import METHODS, SearchSpace, TrialConfiguration

SPACE = SearchSpace()


def searched(method: str, of: str = "learning_rate", trials: int = 12) -> list[dict]:
    """Return trials of a quick stand-in for training, in which one parameter alone matters."""

    def objective(trial):
        chosen = search.suggest(trial, SPACE, TrialConfiguration())
        goal = {
            "learning_rate": -((math.log10(chosen.learning_rate) + 4) ** 2),
            "batch_size": chosen.batch_size / 16,
            "epochs": chosen.epochs,
        }[of]
        for epoch in range(1, chosen.epochs + 1):
            trial.report(70 + goal - (chosen.epochs - epoch), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return 70 + goal

    study = search.open_study(method, SPACE, seed=7)
    search.work(study, objective, trials)
    return search.trial_rows(study)


@pytest.fixture(scope="module")
def methods() -> dict[str, list[dict]]:
    return {method: searched(method) for method in METHODS}


def test_figure_16_counts_the_rates_and_finds_the_best(methods):
    picture = figure_16_searches(methods, SPACE)
    said = dict(zip(METHODS, picture.alt.split("; ")))
    assert said["grid"].startswith("grid tries 3 learning rates in 12 trials")
    assert said["random"].startswith("random tries 12 learning rates in 12 trials")
    for method, trials in methods.items():
        assert said[method].endswith(f"finds {max(t['value'] for t in complete(trials)):.1f}%")
    assert figure_16_searches(methods, SPACE).svg() == picture.svg()


def test_figure_16_shows_every_trial_once(methods):
    panels = figure_16_searches(methods, SPACE).figure.axes[: len(methods)]
    for panel, trials in zip(panels, methods.values()):
        drawn = sorted(x for dots in panel.collections for x, _ in dots.get_offsets())
        assert np.allclose(drawn, sorted(trial["params"]["learning_rate"] for trial in trials))
        # two trials of the same rate and epochs but another batch size do not hide one another
        places = [tuple(place) for dots in panel.collections for place in dots.get_offsets()]
        configurations = {tuple(sorted(trial["params"].items())) for trial in trials}
        assert len(set(places)) == len(configurations)


def test_figure_16_draws_the_best_so_far(methods):
    (below,) = [
        axes
        for axes in figure_16_searches(methods, SPACE).figure.axes
        if axes.get_xlabel() == "trials finished"
    ]
    for line, trials in zip(below.lines, methods.values()):
        best, expected = float("-inf"), []
        for trial in trials:
            best = best if trial["value"] is None else max(best, trial["value"])
            expected.append(best)
        assert list(line.get_ydata()) == expected


def test_pruned_trials_are_no_results_but_cost_epochs(methods):
    trials = methods["tpe, pruned"]
    pruned = [trial for trial in trials if trial["value"] is None]
    assert pruned, "this test needs a pruned trial: choose another seed"
    assert len(complete(trials)) + len(pruned) == 12
    assert epochs_run(trials) == epochs_run(complete(trials)) + sum(len(t["reports"]) for t in pruned)
    assert epochs_run(trials) > epochs_run(complete(trials))
    row = next(row for row in table_16_methods(methods).rows if row[0] == "TPE, pruned")
    assert row[4] == len(pruned) and row[3] == epochs_run(trials)


def test_table_16_compares_at_an_equal_budget(methods):
    rows = {row[0]: row for row in table_16_methods(methods).rows}
    assert list(rows) == ["grid", "random", "TPE", "TPE, pruned"]
    assert [rows[name][1:3] for name in ("grid", "random")] == [[12, 3], [12, 12]]
    for method, row in zip(METHODS, rows.values()):
        position = row[6] - 1
        assert f"{methods[method][position]['value']:.1f}" == row[5]
        earlier = [t["value"] for t in methods[method][:position] if t["value"] is not None]
        assert max(earlier, default=0) < methods[method][position]["value"]


def test_the_paper_and_here_stand_side_by_side(methods):
    rows = {row[0]: row[1:] for row in table_paper_and_here(methods, [70.0, 72.0], SPACE).rows}
    assert rows["batch size"] == ["16, 32", "16, 32"] and rows["epochs"] == ["2, 3, 4", "1, 2, 3"]
    assert rows["training runs"] == ["18, every combination", "12 for each method"]
    best = {method: max(t["value"] for t in complete(trials)) for method, trials in methods.items()}
    assert (
        f"{best['random']:.1f}% beside {best['grid']:.1f}%, noise 1.4"
        in rows["random beside grid search¹"][1]
    )


@pytest.mark.parametrize("parameter", ["learning_rate", "batch_size", "epochs"])
def test_the_importance_is_that_of_the_parameter_that_decides(parameter):
    shares = importances(searched("random", parameter, 40), SPACE)
    assert next(iter(shares)) == parameter and shares[parameter] > 0.85
    assert sum(shares.values()) == pytest.approx(1)
    name = parameter.replace("_", " ")
    assert figure_importance(shares).alt.startswith(f"Share of the variance: {name} {shares[parameter]:.2f}")


def test_importance_leaves_pruned_trials_out():
    trials = searched("random", "learning_rate", 20)
    hopeless = [{**trials[0], "value": None, "reports": [0.0]}] * 10
    assert importances([*trials, *hopeless], SPACE) == importances(trials, SPACE)


@pytest.mark.parametrize(("deviation", "verdict"), [(5.1, "not more than two"), (4.9, ", more than two")])
def test_the_noise_figure_judges_the_differences(deviation, verdict):
    noise = [70 - deviation, 70.0, 70 + deviation]
    methods = {"grid": searched("grid"), "random": [{**searched("random")[0], "value": 80.0}]}
    assert max(trial["value"] for trial in methods["grid"]) == pytest.approx(70)  # 10 points apart
    picture = figure_noise(noise, methods)
    assert verdict in picture.alt
    assert f"between {min(noise):.1f} and {max(noise):.1f}%" in picture.alt
    dots = picture.figure.axes[0].lines[1]
    assert sorted(dots.get_xdata()) == sorted(noise) and len(set(dots.get_ydata())) == len(noise)


def test_slices_show_the_complete_trials_of_every_method(methods):
    picture = figure_slices(methods)
    wanted = [len(complete(trials)) for trials in methods.values()]
    for axes in picture.figure.axes:
        assert [len(line.get_xdata()) for line in axes.lines] == wanted
    assert picture.alt.startswith(f"{sum(wanted)} complete trials.")
    assert picture.figure.axes[0].get_xscale() == "log"


def test_a_density_has_an_area_of_one_and_its_peak_at_the_rates():
    places = np.linspace(-8, 0, 4001)
    values = density([1e-4, 1e-4, 1e-5], places, width=0.2)
    assert np.trapezoid(values, places) == pytest.approx(1, abs=1e-6)
    assert places[values.argmax()] == pytest.approx(-4, abs=0.01)


def test_good_and_other_trials_are_told_apart_by_value():
    trials = searched("random")
    good, others = split_by_value(trials, 0.25)
    value = {trial["params"]["learning_rate"]: trial["value"] for trial in trials}
    assert (len(good), len(others)) == (3, 9) and different(trials) == 12
    assert min(value[rate] for rate in good) > max(value[rate] for rate in others)


def test_the_two_densities_point_to_the_good_rates():
    alt = figure_two_densities(searched("random", trials=60), SPACE).alt
    assert alt.startswith("15 good trials and 45 others.") and alt.endswith("near a rate of 1e-04")


@pytest.mark.parametrize(
    "draw", [lambda m: figure_16_searches(m, SPACE), figure_slices, lambda m: figure_noise([1.0, 2.0], m)]
)
def test_every_axis_with_numbers_says_of_what(methods, draw):
    for axes in draw(methods).figure.axes:
        assert axes.get_xlabel() or axes.get_ylabel()
