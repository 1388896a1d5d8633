"""Figures, tables and numbers of the deck on pre-training: the recorded run, and what is quickly computed."""

from __future__ import annotations

from course_lib.bert.configuration import BertConfiguration
from course_lib.data.small_world import RULES, make_probes, small_world
from course_lib.figures import pretraining as figures
from course_lib.figures.style import Picture, Table
from course_lib.pretraining.cost import PAPER_PHASES, SECONDS_IN_A_DAY, days, training_operations
from course_lib.pretraining.loop import PretrainingHistory
from course_lib.studies.pretraining.pretraining_run import CONFIGURATION
from course_lib.studies.records import load_record
from course_lib.translation import translate

figure_01_strategy = figures.figure_01_strategy
figure_02_and_fine_tuning = figures.figure_02_and_fine_tuning
table_01_steps = figures.table_01_steps
table_02_influences = figures.table_02_influences
ARTICLE = "Algae"
STORIES = 16_000  # of the small language, as in the notebook
TPU_V2_CHIP, CHIPS, DAYS = 45e12, 16, 4  # published peak; Devlin et al. 2018, appendix A.2
# Name, peak as its maker publishes it (operations a second of one device), devices, assumed share of the peak.
MACHINES = (
    ("2 cores of a laptop: 3 GHz, 32 operations a cycle", 2 * 3e9 * 32, 1, 0.5),
    ("NVIDIA T4", 65e12, 1, 0.3),
    ("NVIDIA V100", 125e12, 8, 0.4),
    ("NVIDIA A100", 312e12, 1, 0.4),
    ("NVIDIA A100", 312e12, 8, 0.4),
    ("NVIDIA H100", 989e12, 8, 0.4),
)


def _results() -> dict:
    return load_record("pretraining")["results"]


def table_07_corpora() -> Table:
    """Return table 7 with the two corpora of the lesson."""
    from course_lib.data.wikipedia import load_wikipedia

    articles = [article["sentences"] for article in load_wikipedia()]
    wikipedia, stories = (
        sum(len(sentence.split()) for document in documents for sentence in document)
        for documents in (articles, small_world(STORIES, seed=1))
    )
    return figures.table_07_corpora(
        [
            (
                translate("Wikipedia sample of gensim, cleaned"),
                translate("{n:,} words").format(n=wikipedia),
                translate("part (b)"),
            ),
            (
                translate("small language, {n:,} stories").format(n=STORIES),
                translate("{n:,} words").format(n=stories),
                translate("part (a)"),
            ),
        ]
    )


def figure_07_cleaning() -> Picture:
    """Return figure 7 for one article of the Wikipedia sample."""
    import mwparserfromhell

    from course_lib.data.wikipedia import cleaning_stages, raw_articles

    raw = dict(raw_articles())[ARTICLE]
    stages, parsed = cleaning_stages(raw), mwparserfromhell.parse(raw)
    kinds = {
        translate("links"): len(parsed.filter_wikilinks()),
        translate("templates"): len(parsed.filter_templates()),
        translate("references"): len(parsed.filter_tags(matches=lambda tag: str(tag.tag).lower() == "ref")),
        translate("headings"): len(parsed.filter_headings()),
        translate("list items"): sum(line.startswith(("*", "#")) for line in stages["markup"]),
    }
    characters = {translate(name): sum(map(len, lines)) for name, lines in stages.items()}
    lengths = [len(sentence.split()) for sentence in stages["sentences"]]
    return figures.figure_07_cleaning(characters, kinds, lengths, ARTICLE)


def figure_08_process() -> Picture:
    """Return figure 8 of the recorded run."""
    results = _results()
    curve = results["curve"]
    history = PretrainingHistory(
        steps=[point["step"] for point in curve],
        mlm_losses=[point["mlm_loss"] for point in curve],
        nsp_losses=[point["nsp_loss"] for point in curve],
        learning_rates=[point["learning_rate"] for point in curve],
        evaluations=results["evaluations"],
    )
    return figures.figure_08_process(
        history, results["baselines"], translate("Wikipedia, recorded"), smooth=1
    )


def table_probes() -> Table:
    """Return one probe of each rule of the small language, with the word that obeys and one that breaks it."""
    rows = []
    for rule in RULES:
        probe = make_probes(rule, 1, seed=5)[0]
        rows.append([translate(rule), f"{probe.first} | {probe.second}", probe.right, probe.wrong[0]])
    return Table(
        translate("One question for each rule of the small language"),
        [translate("rule"), translate("story | question"), translate("right"), translate("wrong")],
        rows,
    )


def table_accuracy() -> Table:
    """Return both tasks' held-out accuracy of the recorded run beside the baselines."""
    results = _results()
    return figures.table_accuracy(results["final"], results["baselines"])


def table_08_techniques() -> Table:
    """Return table 8: the paper's techniques beside those of the recorded run."""
    return figures.table_08_techniques(CONFIGURATION.run)


def table_devices() -> Table:
    """Return what the paper's run takes on several machines."""
    total = base_operations()
    used = total / (TPU_V2_CHIP * CHIPS * DAYS * SECONDS_IN_A_DAY)
    machines = (*MACHINES, ("TPU v2 chip, share from the paper's 4 days", TPU_V2_CHIP, CHIPS, used))
    return figures.table_devices(
        [
            (translate(name), peak, devices, share, days(total, peak, share, devices))
            for name, peak, devices, share in machines
        ]
    )


def table_paper_and_here() -> Table:
    """Return the size of the paper's run beside the recorded one."""
    results, run = _results(), CONFIGURATION.run
    base = BertConfiguration.base()
    return Table(
        translate("Paper versus here"),
        [translate("what"), translate("BERT-base, paper"), translate("recorded run")],
        [
            [translate("layers × width"), f"{base.num_hidden_layers} × {base.hidden_size}", f"{run.model.num_hidden_layers} × {run.model.hidden_size}"],
            [translate("text"), translate("3,300 million words"), translate("{tokens:,} word pieces").format(tokens=results["training_tokens"])],
            [translate("updates"), f"{sum(phase.steps for phase in PAPER_PHASES):,}", f"{run.steps:,}"],
            [translate("NSP accuracy, held out"), "97–98%", f"{results['final']['nsp_accuracy']:.0%}"],
        ],
        translate("Paper: Devlin et al. 2018, section 3.1 and appendix A.2."),
    )  # fmt: skip


def base_operations() -> int:
    """Return the operations of the paper's pre-training of BERT-base."""
    return training_operations(BertConfiguration.base(), PAPER_PHASES)


def share_of_long_sequences() -> float:
    """Return the share of the operations that the sequences of length 512 take."""
    return training_operations(BertConfiguration.base(), PAPER_PHASES[1:]) / base_operations()


def fall_on_the_plateau() -> float:
    """Return how far the held-out loss of words falls from update 500 to 1,000 of the recorded run."""
    return _fall(500, 1000)


def fall_after_the_plateau() -> float:
    """Return how far it falls in the 500 updates after that."""
    return _fall(1000, 1500)


def _fall(first: int, last: int) -> float:
    loss_at = {point["step"]: point["mlm_loss"] for point in _results()["evaluations"]}
    return loss_at[first] - loss_at[last]
