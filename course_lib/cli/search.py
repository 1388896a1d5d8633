"""``course search``: be one worker of a hyperparameter search on the reviews.

    course search --storage sqlite:///search.db --study reviews --trials 12

Start the same line in a second terminal and the two share the trials.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from course_lib import settings
from course_lib.cli.options import whole_number
from course_lib.studies.search import METHODS
from course_lib.translation import translate

HELP = "be one worker of a hyperparameter search that several share"
EXAMPLES = (
    (
        "course search --storage sqlite:///search.db",
        "one worker; start as many as you like with the same address",
    ),
    (
        "course search --storage sqlite:///search.db --trials 30 --rows 200",
        "ends when all workers together have done 30 trials",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    add = parser.add_argument
    add(
        "--storage",
        required=True,
        help=translate("address of the shared database, such as sqlite:///search.db"),
    )
    add("--study", default="reviews", help=translate("name of the study"))
    add("--method", default="tpe", choices=METHODS)
    add(
        "--trials",
        type=whole_number(1),
        default=12,
        help=translate("finished trials of all workers together"),
    )
    add("--rows", type=whole_number(0), help=translate("training reviews to use; 0 for all"))
    add("--heartbeat", type=whole_number(1), default=10, help=translate("seconds between signs of life"))
    add(
        "--grace",
        type=whole_number(1),
        default=60,
        help=translate("seconds without a sign until a worker is dead"),
    )


def run(options: argparse.Namespace) -> int:
    """Work until all trials of the study are finished."""
    from course_lib.studies.search import study as search

    space, trial = search.CONFIGURATION.space, search.CONFIGURATION.trial
    if options.rows is not None:
        trial = replace(trial, training_rows=options.rows)
    study = search.open_study(
        options.method,
        space,
        seed=None,  # every worker draws values of its own
        storage=search.open_storage(options.storage, options.heartbeat, options.grace),
        name=options.study,
        trial=trial,
    )
    search.work(study, search.reviews_objective(space, trial, settings.current().seed), options.trials)
    finished = search.finished_trials(study)
    message = translate("{study}: {count} trials finished, best {best:.2f}")
    print(message.format(study=options.study, count=len(finished), best=search.best_so_far(study)[-1]))
    return 0
