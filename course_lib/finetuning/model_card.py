"""The README of a saved model, written from what was measured (Mitchell et al. 2019)."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from course_lib.errors import CheckpointError
from course_lib.files import write_text
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration
from course_lib.finetuning.published_heads import CLASSES, has_published_class

CARD_FILE = "README.md"
MARK = "<!-- course finetune -->"  # a card without it is somebody's own, and stays
PIPELINES = {
    "reviews": "text-classification",
    "pairs": "text-classification",
    "entities": "token-classification",
}
PACKAGES = ("torch", "transformers", "tokenizers", "datasets")

OPEN_CLASSIFIER = """\
from transformers import pipeline

model = pipeline("text-classification", model="{folder}", top_k=None)
model({example}, truncation=True){after}
"""
OPEN_TAGGER = """\
from transformers import pipeline

model = pipeline("token-classification", model="{folder}", aggregation_strategy="first")
model("Ada Lovelace lived in London.")
"""
OPEN_HEAD = """\
from transformers import {auto}, AutoTokenizer

model = {auto}.from_pretrained("{folder}")
tokenizer = AutoTokenizer.from_pretrained("{folder}")
"""
OPEN_HERE = """\
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.finetuning.saving import load_saved

model, tokenizer = load_saved("{task}", "{folder}"), load_tokenizer("{folder}")
"""
MEAN_NOTE = (
    "This head reads the mean of all states, and transformers has no class for that: `AutoModelFor...` would put a "
    "random head on the encoder. Open the folder with the course, or fine-tune again with `--reads pooler`.\n"
)


@dataclass(frozen=True)
class CardFacts:
    """What a card tells besides the model itself.

    Parameters
    ----------
    task : ``reviews``, ``entities``, ``questions``, ``endings`` or ``pairs``.
    encoder, texts : what it was made of, as it was given.
    rows : number of rows of each part.
    label_counts : training rows of each label; empty where rows have none.
    part : the part that the scores are of.
    scores : by name, shares and correlations.
    configuration : how it was fine-tuned, with the seed.
    max_length : the most pieces of a row.
    chosen_on : the part whose scores chose the epoch; None if the last one was kept.
    """

    task: str
    encoder: str
    texts: str
    rows: Mapping[str, int]
    label_counts: Mapping[str, int]
    part: str
    scores: Mapping[str, float]
    configuration: TrainingConfiguration
    max_length: int
    chosen_on: str | None = None


def label_counts(model: TaskModel, rows) -> dict[str, int]:
    """Return how many rows, or entities, of each label there are, in the order of the model's outputs.

    Parameters
    ----------
    model : carries the labels; without them, nothing is counted.
    rows : of a data set, with a column ``label`` (a number or a name) or ``tags``.
    """
    if model.labels is None:
        return {}
    if "tags" in rows.column_names:
        found = Counter(tag for tags in rows["tags"] for tag in tags)
        return {tag.removeprefix("B-"): found[tag] for tag in model.labels if tag.startswith("B-")}
    found = Counter(rows["label"])
    return {label: found[label] + found[number] for number, label in enumerate(model.labels)}


def opening_code(task: str, model: TaskModel, folder: str) -> str:
    """Return the lines of Python that open a saved model: with plain transformers, if it has a class for it."""
    if not has_published_class(model):
        return OPEN_HERE.format(task=task, folder=folder)
    if task == "entities":
        return OPEN_TAGGER.format(folder=folder)
    if task not in PIPELINES:  # transformers 5 has no pipeline for questions, and none has one for choices
        return OPEN_HEAD.format(auto=CLASSES[task][0].replace("Bert", "AutoModel", 1), folder=folder)
    example = (
        '"a text"'
        if task in ("classification", "reviews")
        else '{"text": "a sentence", "text_pair": "another one"}'
    )
    after = ""
    if model.labels is None and model.head.out_features == 1:
        example, after = f'{example}, function_to_apply="none"', "  # a score, not a probability"
    return OPEN_CLASSIFIER.format(folder=folder, example=example, after=after)


def model_card(facts: CardFacts, model: TaskModel, folder: str) -> str:
    """Return the card as Markdown, with the header that the Hugging Face hub reads."""
    header = ["---", "library_name: transformers"]
    header += [f"pipeline_tag: {PIPELINES[facts.task]}"] if facts.task in PIPELINES else []
    outputs = "" if model.labels is None else f"It answers with: {', '.join(model.labels)}.\n"
    counts = [f"{part}: {number:,} rows" for part, number in facts.rows.items()]
    counts += [f"{label}: {number:,} of the training rows" for label, number in facts.label_counts.items()]
    settings = asdict(facts.configuration) | {"encoder": facts.encoder, "max_length": facts.max_length}
    settings |= {"reads": model.reads} if model.pooled else {}
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    sections = [
        *header,
        f"---\n\n{MARK}\n# {Path(folder).resolve().name}\n",
        f"A BERT, fine-tuned for {facts.task} on {facts.texts}. {outputs}",
        "## Open it\n",
        f"```python\n{opening_code(facts.task, model, folder)}```\n",
        "" if has_published_class(model) else MEAN_NOTE,
        "## Scores\n",
        f"On the {facts.part} part, which was not trained on:\n",
        bullets(f"{name}: {score:.4f}" for name, score in facts.scores.items()),
        "## Data\n",
        bullets(counts),
        "## Training\n",
        bullets(f"{name}: {value}" for name, value in settings.items()),
        "## Versions\n",
        bullets(f"{name}: {value}" for name, value in versions.items()),
        "## Limits\n",
        bullets(_limits(facts, model)),
    ]
    return "\n".join(section for section in sections if section)


def _limits(facts: CardFacts, model: TaskModel) -> list[str]:
    limits = [
        "It was scored on texts like those it was trained on. Expect less on texts from elsewhere, and measure it there.",
        "It always answers, even to a text that fits no label." if model.pooled else "",
        f"What comes after {facts.max_length} pieces of a text is not read."
        if facts.task != "questions"
        else "",
    ]
    if facts.chosen_on == facts.part:
        limits.append(f"The {facts.part} part also chose the epoch, so its scores are a little too good.")
    numbers = facts.label_counts.values()
    if numbers and min(numbers) < 20:
        rare = [label for label, number in facts.label_counts.items() if number < 20]
        limits.append(f"It has seen fewer than 20 examples of: {', '.join(rare)}.")
    return [limit for limit in limits if limit]


def bullets(lines) -> str:
    """Return a list in Markdown, one line each."""
    return "".join(f"- {line}\n" for line in lines)


def write_card(facts: CardFacts, model: TaskModel, folder: str | Path) -> Path | None:
    """Write the card into the folder of a saved model and return its path; None if somebody's own is there.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    """
    path = Path(folder) / CARD_FILE
    if path.is_file() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        return None
    write_text(path, model_card(facts, model, str(folder)), error=CheckpointError)
    return path
