"""``course predict``: what a saved model says of texts.

course predict my-model "where is my parcel?"
course predict my-model --data new.csv --text body --output answers.csv
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from course_lib.errors import DataFileError, SettingError
from course_lib.files import write_text
from course_lib.translation import translate

HELP = "say what a fine-tuned model makes of texts"
EXAMPLES = (
    (
        'course predict my-tickets "My card was charged twice."',
        "what the model in my-tickets says about one text",
    ),
    (
        "course predict my-tickets --data new.csv --text subject body --output answers.csv",
        "what it says about each row of a table",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    add = parser.add_argument
    add("folder", type=Path, help=translate("of a model that course finetune has saved"))
    add(
        "texts",
        nargs="*",
        metavar="TEXT",
        help=translate("texts; of pairs, or questions, one after the other"),
    )
    add("--data", type=Path, help=translate("a table with the texts"))
    add(
        "--text",
        nargs="+",
        default="text",
        help=translate("its column of the texts or questions, or columns to join"),
    )
    add("--second", help=translate("its column of the second texts of pairs, or of the paragraphs"))
    add("--sheet", help=translate("of an Excel file with several"))
    add("--output", type=Path, help=translate("a .csv or .jsonl file; by default JSON lines on the screen"))


def run(options: argparse.Namespace) -> int:
    """Predict, and print or write a record for each text."""
    from course_lib.finetuning.prediction import open_saved, predictions

    if options.output is not None and options.output.suffix not in (".csv", ".jsonl"):
        raise SettingError(
            f"{options.output} is neither a .csv nor a .jsonl file. Choose one of these endings."
        )
    if bool(options.texts) == (options.data is not None):
        raise SettingError("Give texts, or a table with --data.")
    saved = open_saved(options.folder)
    texts, seconds = _columns(options, saved.task in ("pairs", "questions"))
    found = predictions(saved, texts, seconds)
    columns = {"text": texts} | ({"second": seconds} if seconds is not None else {})
    records = [
        dict(zip(columns, row, strict=True)) | record
        for row, record in zip(zip(*columns.values(), strict=True), found, strict=True)
    ]
    if options.output is not None and options.output.suffix == ".csv":
        write_text(options.output, _as_csv(records), error=DataFileError)
        return 0
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    if options.output is not None:
        write_text(options.output, lines, error=DataFileError)
    else:
        print(lines, end="")
    return 0


def _columns(options: argparse.Namespace, paired: bool) -> tuple[list[str], list[str] | None]:
    """Return the texts, and the second ones where there are pairs."""
    if options.data is None:
        if not paired:
            return options.texts, None
        if len(options.texts) % 2:
            raise SettingError("The model takes pairs, and one text has no second. Give two texts a row.")
        return options.texts[::2], options.texts[1::2]
    from course_lib.data.own.examples import checked_texts
    from course_lib.data.own.tables import read_table

    frame = read_table(options.data, sheet=options.sheet)
    texts = checked_texts(frame, options.text, options.data, "--text")
    return texts, checked_texts(frame, options.second, options.data, "--second") if options.second else None


def _as_csv(records: list[dict]) -> str:
    """Return records as CSV, with a column for each class and lists as JSON."""
    import pandas

    rows = []
    for record in records:
        row = {key: value for key, value in record.items() if key != "probabilities"}
        row |= {f"p({label})": share for label, share in record.get("probabilities", {}).items()}
        rows.append(
            {k: json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for k, v in row.items()}
        )
    return pandas.DataFrame(rows).to_csv(index=False)
