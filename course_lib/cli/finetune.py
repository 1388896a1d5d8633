"""Fine-tune from the command line: the same command on one device and, behind a launcher, on many.

course finetune reviews --save my-model
course finetune classification --data data/examples/tickets.csv --text body --label topic --save my-model
accelerate launch -m course_lib.cli finetune classification --data data/examples/tickets.csv --text body --label topic
course finetune pairs --data questions.xlsx --text first --second other --label same --check
course finetune entities --data label-studio.json --save my-model
accelerate launch -m course_lib.cli finetune reviews --encoder hub --texts hub --max-length 512
accelerate launch --num_processes 4 -m course_lib.cli finetune entities --texts path/to/conll2003
accelerate launch -m course_lib.cli finetune endings --encoder hub --texts hub
accelerate launch -m course_lib.cli finetune pairs --encoder hub --glue rte --texts path/to/RTE
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course_lib import settings
from course_lib.cli.options import number_above_zero, share, whole_number
from course_lib.errors import CheckpointError
from course_lib.files import check_writable
from course_lib.translation import Message, translate

HELP = "fine-tune a BERT on a task, with the bundled data or your own"
EXAMPLES = (
    (
        "course finetune classification --data data/examples/tickets.csv --text subject body --label topic --check",
        "looks at your table, and says what a model could learn from it",
    ),
    (
        "course finetune classification --data data/examples/tickets.csv --text subject body --label topic --epochs 10 --save my-tickets",
        "trains a model on it, and keeps it in the folder my-tickets",
    ),
    ("course finetune reviews", "trains on the bundled movie reviews, without a file of yours"),
)
TASKS = ("classification", "endings", "entities", "pairs", "questions", "reviews")
READINGS = ("pooler", "cls", "mean")  # of course_lib.bert.heads, which needs torch
GLUE = (
    "cola",
    "sst2",
    "mrpc",
    "qqp",
    "stsb",
    "mnli",
    "qnli",
    "rte",
    "wnli",
)  # as finetuning.sentence_pairs has them


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    add = parser.add_argument
    add("task", choices=TASKS)
    add(
        "--encoder",
        help=translate(
            "bundled, hub, the folder of a BERT checkpoint, or a recorded model: task-models/questions"
        ),
    )
    add(
        "--texts",
        "--data",
        help=translate(
            "bundled, hub, or a path to files of your own: tables, a folder for each class, exports of annotation tools"
        ),
    )
    _add_table_options(parser.add_argument_group(translate("for tables of your own")))
    add(
        "--types", nargs="+", help=translate("entity types of files of your own; by default PER ORG LOC MISC")
    )
    add(
        "--glue",
        choices=GLUE,
        help=translate("for pairs: the task of GLUE that the files are of; by default mrpc, the paraphrases"),
    )
    add("--scheme", choices=("bio", "iob1"), help=translate("of the tags of files of your own; detected"))
    add("--token-column", type=whole_number(1), help=translate("of files of your own, from 1; the first"))
    add("--tag-column", type=whole_number(1), help=translate("of files of your own, from 1; the last"))
    add("--comments", help=translate("how lines of files of your own begin that are skipped, such as '#'"))
    add(
        "--repair",
        action="store_true",
        default=None,
        help=translate("move answers that are not at their offsets"),
    )
    add("--max-length", type=whole_number(3), default=128)
    add(
        "--learning-rate",
        type=number_above_zero,
        help=translate(
            "by default 2e-5 for an encoder of BERT-base's width or more, and 3e-4 for a narrower one"
        ),
    )
    add("--epochs", type=whole_number(1), default=3)
    add("--batch-size", type=whole_number(1), default=16, help=translate("rows a device"))
    add("--precision", choices=("float32", "bfloat16"), default="float32")
    add(
        "--attention-dropout",
        type=share,
        help=translate(
            "by default 0.1 on a GPU, as in the paper, and 0 on a CPU, where torch has no fast attention with it"
        ),
    )
    add("--frozen", choices=("none", "embeddings", "half", "all"), default="none")
    add(
        "--reads",
        choices=READINGS,
        help=translate(
            "what the head of reviews or endings reads: the [CLS] state through the pooler (the default), the [CLS] state "
            "itself, or the mean of all states"
        ),
    )
    add("--save", type=Path, help=translate("folder for the fine-tuned model"))
    add(
        "--onnx",
        action="store_true",
        help=translate(
            "write model.onnx into the folder, too, for programs without torch; needs the extra onnx"
        ),
    )
    add(
        "--patience",
        type=whole_number(0),
        help=translate(
            "epochs without a better score on the validation part after which the run ends, with the best epoch kept; 0 "
            "keeps the last; by default 0, and 2 for tables and exports of your own"
        ),
    )
    add(
        "--resume",
        action="store_true",
        help=translate("go on from the last whole epoch of an interrupted run, beside the folder of --save"),
    )
    add("--max-minutes", type=number_above_zero, help=translate("end the run after so many minutes"))
    add(
        "--check",
        action="store_true",
        help=translate(
            "read everything, show what is known about the data, time and memory, and train nothing"
        ),
    )
    add("--cpu", action="store_true", help=translate("stay on the CPU where there is a GPU"))


def _add_table_options(group) -> None:
    add = group.add_argument
    add("--text", nargs="+", help=translate("column of the texts, or columns to join; by default text"))
    add("--label", help=translate("column of the classes, or of the scores of pairs; by default label"))
    add("--second", help=translate("column of the second text of a pair"))
    add("--sheet", help=translate("of an Excel file with several"))
    add(
        "--score",
        action="store_true",
        help=translate("labels of pairs are numbers to be met, and no classes"),
    )
    add(
        "--class-weights",
        action="store_true",
        help=translate("let each class count the same, however many rows it has"),
    )


def _column_names(options: argparse.Namespace):
    from course_lib.data.own.examples import ColumnNames

    given = {name: getattr(options, name) for name in ("text", "label", "second", "sheet")}
    return ColumnNames(
        **{name: value for name, value in given.items() if value is not None}, score=options.score
    )


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a model, before the work whose result is to go there."""
    check_writable(folder, error=CheckpointError, then="choose another folder with --save")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "config.json").is_file():
        raise CheckpointError(
            f"{folder} isn't empty, and it holds no model. Choose another folder with --save, or empty it."
        )


def run(options: argparse.Namespace) -> int:
    """Fine-tune, print the scores, and save the model if a folder is named."""
    from course_lib.finetuning import launch
    from course_lib.finetuning.loop import TrainingConfiguration

    if options.save is not None:
        _check_folder(options.save)
    dropout = options.attention_dropout
    if dropout is None:
        dropout = 0.0 if launch.on_cpu(options.cpu) else 0.1
    configuration = TrainingConfiguration(
        learning_rate=options.learning_rate or launch.default_learning_rate(options.encoder),
        epochs=options.epochs,
        batch_size=options.batch_size,
        precision=options.precision,
        frozen=options.frozen,
        attention_dropout=dropout,
        seed=settings.prepare().seed,
    )
    launch.run(
        options.task,
        configuration,
        encoder=options.encoder,
        texts=options.texts,
        types=options.types,
        reads=options.reads,
        glue=options.glue,
        scheme=options.scheme,
        token_column=options.token_column,
        tag_column=options.tag_column,
        comments=options.comments,
        repair=options.repair,
        max_length=options.max_length,
        save=options.save,
        cpu=options.cpu,
        names=_column_names(options),
        class_weights=options.class_weights,
        patience=options.patience,
        minutes=options.max_minutes,
        progress=True,
        check=options.check,
        resume=options.resume,
        onnx=options.onnx,
    )
    if options.save is not None and not options.check:
        print(Message("The model is saved in {folder}.", folder=options.save), file=sys.stderr)
    return 0
