"""How the recorded task models do on real data that they never saw: figures for the data sets' cards.

The real files are not part of the course. Give your own, in an official format: reviews as SST-2's TSV
(``sentence``, ``label``) or an aclImdb folder, questions as SQuAD JSON, entities as CoNLL columns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path

from course_lib import settings
from course_lib.data.sources import load_texts
from course_lib.errors import RecordError
from course_lib.files import read_json, whole_text
from course_lib.studies.finetuning.task_models import answerable, load_task_model, score
from course_lib.studies.records import load_record
from course_lib.translation import translate

RESULT = settings.RECORDED / "realism.json"
LEAST_REVIEW_ACCURACY, LEAST_QUESTION_F1 = 70.0, 30.0  # percent, on real data
BEGIN, END = "<!-- realism:begin -->", "<!-- realism:end -->"


def _rows(task: str, path: Path):
    from course_lib.data.readers import read_glue

    if task == "reviews" and path.suffix == ".tsv":
        rows = read_glue(path, "SST-2")
        return rows.rename_column("sentence", "text")
    rows = load_texts(task, path)["test"]
    return answerable(rows) if task == "questions" else rows


def evaluate(task: str, path: str | Path, name: str) -> dict:
    """Score the recorded model of a task on a real file.

    Parameters
    ----------
    task : ``reviews``, ``questions`` or ``entities``.
    path : the file.
    name : what the data set is called, for the card.
    """
    path = Path(path)
    rows = _rows(task, path)
    return {
        "name": name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        "rows": len(rows),
        "scores": score(task, load_task_model(task), rows),
        "model": load_record("task-models")["date"],
    }


def card_block(task: str, results: dict) -> str:
    """Return the lines that stand in a data set's card."""
    recorded = load_record("task-models")["results"][task]
    unit = {"reviews": "accuracy", "questions": "f1", "entities": "f1"}[task]
    lines = [
        "| model trained on this set alone, tested on | rows | score |",
        "|---|---:|---|",
        f"| its own test part | | {unit} {recorded['stored'][unit]:.1f} |",
    ]
    for result in results.get(task, []):
        scores = ", ".join(f"{key.replace('_', ' ')} {value:.1f}" for key, value in result["scores"].items())
        lines.append(f"| {result['name']} | {result['rows']:,} | {scores} |")
    lines.append("")
    lines.append(
        "MiniLM, fine-tuned by `course record task-models`; real data by `course data realism`, evaluation only."
    )
    return "\n".join(lines)


def load_results() -> dict:
    """Return the stored results, each task's list; empty where none were stored."""
    return read_json(RESULT, "Take the file from git again.") or {}


def update_cards(results: dict) -> None:
    """Write the results into the cards of the data sets."""
    for task in ("reviews", "questions", "entities"):
        card = settings.DATA / task / "README.md"
        text = card.read_text(encoding="utf-8")
        block = f"{BEGIN}\n{card_block(task, results)}\n{END}"
        changed, count = re.subn(f"{BEGIN}.*?{END}", lambda _, new=block: new, text, flags=re.DOTALL)
        if count != 1:
            raise RecordError(f"{card} has no place for the figures. Put {BEGIN} and {END} back into it.")
        with whole_text(card) as file:
            file.write(changed)


def main(arguments: list[str]) -> int:
    """Run ``course data realism``."""
    parser = argparse.ArgumentParser(
        prog="course data realism",
        description=translate("Score the recorded task models on real files of yours."),
    )
    for task in ("reviews", "questions", "entities"):
        parser.add_argument(f"--{task}", type=Path, metavar="FILE")
        parser.add_argument(f"--{task}-name", metavar="NAME", default=None)
    options = vars(parser.parse_args(arguments))
    results = load_results()
    for task in ("reviews", "questions", "entities"):
        if options[task] is not None:
            name = options[f"{task}_name"] or options[task].name
            others = [r for r in results.get(task, []) if r["name"] != name]
            results[task] = [*others, evaluate(task, options[task], name)]
            print(results[task][-1])
    with whole_text(RESULT) as file:
        file.write(json.dumps(results, indent=1) + "\n")
    update_cards(results)
    return 0
