"""A model card, written by code from what was measured (Mitchell et al. 2019), for a folder of ``course finetune``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CheckpointError, CourseError
from course_lib.files import read_json, write_text
from course_lib.finetuning.model_card import CARD_FILE, MARK, bullets
from course_lib.finetuning.saving import NOTE_FILE
from course_lib.studies.statistics import Part


@dataclass(frozen=True)
class CardFacts:
    """What a card tells; every number comes from the study.

    Parameters
    ----------
    name : of the model.
    base_model, data : what it was made of; identifiers without spaces, as the hub has them.
    language : ISO 639 code of the texts.
    license : of the weights, an SPDX identifier in small letters.
    training : settings by name.
    parts : accuracies with counts; the first one is the whole test part.
    temperature : divides the scores before the softmax.
    calibration_errors : before and after it, shares.
    uses, limits : sentences; what it's for, and where it fails.
    """

    name: str
    base_model: str
    data: str
    language: str
    license: str
    training: dict[str, object]
    parts: Sequence[Part]
    temperature: float
    calibration_errors: tuple[float, float]
    uses: Sequence[str]
    limits: Sequence[str]


def model_card(facts: CardFacts, labels: Sequence[str]) -> str:
    """Return the card as Markdown, with the header that the Hugging Face hub reads.

    Parameters
    ----------
    facts : what it tells.
    labels : the classes, in the order of the model's outputs.

    Raises
    ------
    CourseError
        If no limit or no result is given: a card without them is an advertisement.
    """
    if not facts.limits or not facts.parts:
        raise CourseError("A card needs at least one limit and one result. Say where the model fails.")
    before, after = facts.calibration_errors
    sections = [
        _header(facts),
        f"# {facts.name}\n",
        "## Intended use\n",
        bullets([*facts.uses, f"It answers with one of: {', '.join(labels)}."]),
        "## Limits\n",
        bullets(facts.limits),
        "## Training\n",
        bullets([f"{name}: {value}" for name, value in facts.training.items()]),
        "## Results\n",
        "| rows | number | accuracy | 95% interval |\n| --- | --: | --: | --- |\n"
        + _result_rows(facts.parts),
        "## Calibration\n",
        f"Divide the scores by {facts.temperature:.2f} before the softmax. The expected calibration error is "
        f"{before:.3f} without it and {after:.3f} with it.\n",
    ]
    return "\n".join(sections)


def _header(facts: CardFacts) -> str:
    whole = facts.parts[0]
    lines = [
        "---",
        f"language: {facts.language}",
        f"license: {facts.license}",
        f"base_model: {facts.base_model}",
        "pipeline_tag: text-classification",
        "metrics:",
        "- accuracy",
        "model-index:",
        f"- name: {facts.name}",
        "  results:",
        "  - task:",
        "      type: text-classification",
        "    dataset:",
        f"      name: {facts.data}",
        f"      type: {facts.data}",
        "    metrics:",
        "    - type: accuracy",
        f"      value: {whole.accuracy:.4f}",
        "---\n",
    ]
    return "\n".join(lines)


def _result_rows(parts: Sequence[Part]) -> str:
    return "".join(
        f"| {part.name} | {part.rows} | {part.accuracy:.1%} | {part.low:.1%} to {part.high:.1%} |\n"
        for part in parts
    )


def write_card(folder: str | Path, facts: CardFacts, *, replace: bool = False) -> Path:
    """Write the card into a folder that ``course finetune --save`` has made, and return its path.

    The short card that the command has written there makes room.

    Parameters
    ----------
    folder : of the saved model; its labels go into the card.
    facts : what the card tells.
    replace : whether somebody's own card that is there already may go.

    Raises
    ------
    CheckpointError
        If the folder holds no saved model, or a card already, or can't be written.
    """
    folder = Path(folder)
    note = read_json(folder / NOTE_FILE, "Save the model again.", error=CheckpointError)
    if note is None or not note.get("labels"):
        raise CheckpointError(
            f"{folder} holds no fine-tuned model with labels. Give a folder that was saved by course finetune reviews."
        )
    path = folder / CARD_FILE
    if path.exists() and not replace and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise CheckpointError(f"{path} is there already. Move it away, or write with replace=True.")
    write_text(path, model_card(facts, note["labels"]), error=CheckpointError)
    return path
