"""The tasks on one device or many, with the Hugging Face Trainer.

    accelerate launch -m course_lib.cli finetune reviews --encoder hub --texts hub --max-length 512
    accelerate launch --num_processes 4 -m course_lib.cli finetune entities --texts path/to/conll2003
    course finetune classification --data tickets.csv --text body --label topic --save my-model

Features, heads, losses and metrics are those of :mod:`course_lib.finetuning.tasks`; the Trainer shares the rows out
to the processes and groups them by length. ``--encoder`` and ``--texts`` take ``bundled``, ``hub`` or a path.
:func:`course_lib.finetuning.saving.load_saved` reads back what ``--save`` has written.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import PrinterCallback

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.own.examples import ColumnNames
from course_lib.data.readers.glue import NO_LABEL
from course_lib.data.sources import encoder_folder, held_out_part, load_glue, load_texts
from course_lib.errors import CheckpointError, DataFileError, SettingError
from course_lib.files import write_error
from course_lib.finetuning.compact import load_compact
from course_lib.finetuning.dry_run import cost_messages, length_messages
from course_lib.finetuning.epochs import BestEpoch, ProgressLine, how_it_ended
from course_lib.finetuning.frameworks import TaskTrainer, trainer_arguments
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    check_features,
    prepare_model,
)
from course_lib.finetuning.model_card import CardFacts, label_counts, write_card
from course_lib.finetuning.onnx_export import require_onnx, write_onnx
from course_lib.finetuning.own_data import is_own, own_data
from course_lib.finetuning.resuming import (
    WholeEpochs,
    epoch_to_go_on_from,
    how_it_goes_on,
    how_to_go_on,
    identity,
    remove_run,
    unfinished_folder,
)
from course_lib.finetuning.saving import save_model
from course_lib.finetuning.tasks import Task, task_of
from course_lib.settings import CHECKPOINTS
from course_lib.training.update import TrainingDivergedError

RECORDED = "task-models"  # of the course's checkpoints
BASE_WIDTH = 768  # hidden units of BERT-base, the smallest model that the paper fine-tunes


def on_cpu(cpu: bool) -> bool:
    """Tell whether a run stays on the CPU, because it is asked to or there is nothing else."""
    return cpu or not torch.accelerator.is_available()


def _has_labels(rows) -> bool:
    """Tell whether rows can be scored: the public test parts of GLUE have -1 for each label."""
    return "label" not in rows.column_names or any(label != NO_LABEL for label in rows["label"])


def _rows_of(task_name: str, glue: str | None, texts: str | None, types: Sequence[str] | None, reading: dict):
    if task_name != "pairs":
        return load_texts(task_name, texts, types=types, **reading)
    given = [name for name, value in {"types": types, **reading}.items() if value is not None]
    if given:
        raise SettingError(
            f"{given[0]!r} was given for 'pairs', and the files of GLUE need none. Leave it out."
        )
    return load_glue(glue or "mrpc", texts)


def _say(sentences: Sequence[str]) -> None:
    """Print sentences on the error stream: the scores alone go to the output."""
    for sentence in sentences:
        print(str(sentence), file=sys.stderr)


def _recorded_task(encoder: str | None) -> str | None:
    """Return the task of a model that the course recorded, as ``task-models/questions`` asks for it; None for others.

    Raises
    ------
    SettingError
        If there is no such model.
    """
    place, _, name = str(encoder or "").replace("\\", "/").strip("/").rpartition("/")
    if place != RECORDED or Path(str(encoder)).exists():
        return None
    folder = CHECKPOINTS / RECORDED
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if name not in names:
        raise SettingError(f"No model for {name!r} was recorded. Choose one of: {', '.join(names)}.")
    return name


def _model_of(task: Task, folder: Path, recorded: str | None) -> TaskModel:
    """Return the model that a run begins with.

    Parameters
    ----------
    task : of the run; its head is new.
    folder : of the encoder.
    recorded : task of the recorded model to go on from; it gives the body, and the head too where that's for the same
        outputs.
    """
    model = task.model(folder)
    if recorded is None:
        return model
    known = load_compact(task_of(recorded).model("bundled"), CHECKPOINTS / RECORDED / recorded)
    model.encoder.load_state_dict(known.encoder.state_dict())
    if (task.name, model.labels, model.reads) == (recorded, known.labels, known.reads):
        model.head.load_state_dict(known.head.state_dict())
    return model


def default_learning_rate(encoder: str | None = None) -> float:
    """Return the learning rate that suits an encoder: 2e-5 as in the paper, 3e-4 for one narrower than BERT-base.

    Lesson 13 recorded that with the bundled MiniLM: of 3e-5, 1e-4 and 3e-4, the highest scores best on validation
    data with either batch size.

    Parameters
    ----------
    encoder : ``bundled``, ``hub``, a path or a recorded model; by the profile if left out.
    """
    folder = encoder_folder("bundled" if _recorded_task(encoder) else encoder)
    return 2e-5 if BertConfiguration.from_file(folder / "config.json").hidden_size >= BASE_WIDTH else 3e-4


def _score_on(task: Task, data, part: str | None, tokenizer: Tokenizer, max_length: int):
    """Return what scores a model on a part by the task's main score; None if there is no part."""
    if part is None:
        return None
    return lambda model: task.score(model, data[part], tokenizer, max_length)[task.main_score]


def _train(trainer: TaskTrainer, line: ProgressLine, epoch: Path | None) -> bool:
    """Train to the end, or until somebody presses Ctrl-C after the first step; tell whether somebody did.

    Parameters
    ----------
    trainer, line : of the run.
    epoch : of an earlier run, to go on from; None to begin.
    """
    try:
        trainer.train(**({} if epoch is None else {"resume_from_checkpoint": str(epoch)}))
    except KeyboardInterrupt:
        if trainer.state.global_step == 0:
            raise
        return True
    except (OSError, SafetensorError) as cause:  # the epochs are all that is written here
        place = Path(trainer.args.output_dir)
        raise write_error(place, cause, CheckpointError, "go on with --resume") from None
    finally:
        line.close()
    return False


@contextmanager
def _place_of_run(save: str | Path | None) -> Iterator[Path]:
    """Give the folder of a run's whole epochs; without a model's folder to lie beside, one that nobody will look into."""
    if save is None:
        with tempfile.TemporaryDirectory() as place:
            yield Path(place)
        return
    place = unfinished_folder(save)
    try:
        yield place
    except TrainingDivergedError:
        remove_run(place)  # it would diverge again
        raise
    finally:
        remove_run(place, only_if_nothing_is_whole=True)


def run(
    task_name: str,
    configuration: TrainingConfiguration,
    *,
    encoder: str | None = None,
    texts: str | None = None,
    types: Sequence[str] | None = None,
    reads: str | None = None,
    glue: str | None = None,
    max_length: int = 128,
    save: str | Path | None = None,
    cpu: bool = False,
    names: ColumnNames = ColumnNames(),
    class_weights: bool = False,
    patience: int | None = None,
    minutes: float | None = None,
    progress: bool = False,
    check: bool = False,
    resume: bool = False,
    onnx: bool = False,
    **reading: Any,
) -> dict[str, float]:
    """Fine-tune one task on every process of the launch and score it on held-out rows.

    Parameters
    ----------
    task_name : ``reviews``, ``entities``, ``questions``, ``endings``, ``pairs``, or ``classification`` for texts of
        your own.
    configuration : how to fine-tune; the batch size is that of one device.
    encoder, texts : where weights and rows come from: ``bundled``, ``hub`` or a path; by the profile if left out. The
        encoder may be that of a model that the course recorded: ``task-models/questions``.
    types : entity types of files of your own, for ``entities``; PER, ORG, LOC and MISC if left out.
    reads : what the head reads of a row, for ``reviews``, ``endings`` and ``pairs``, see
        :func:`~course_lib.bert.heads.row_state`; the pooler if left out.
    glue : for ``pairs``, the task of GLUE whose files are read and whose metrics are reported; ``mrpc`` if left out.
    max_length : the most pieces of a row or window.
    save : a folder for the encoder, its tokenizer and the head, see :func:`course_lib.finetuning.saving.load_saved`.
    cpu : whether to stay on the CPU where there is a GPU.
    names, class_weights : for files of your own, see :func:`course_lib.finetuning.own_data.own_data`.
    patience : epochs without a better score on the validation part after which the run ends; the best epoch is kept
        and the test part, if there is one, scored. If left out or 0, all epochs are trained and the last is kept; for
        files of your own, 2.
    minutes : after which the run ends.
    check : whether to read everything, tell what is known about the data, its lengths, time and memory, and train
        nothing; the scores are empty then.
    resume : whether to go on from the last whole epoch of a run that was interrupted; its result is that of a run
        that wasn't. If no epoch is whole, the run begins again.
    onnx : whether to write ``model.onnx`` into the folder, too, see
        :func:`course_lib.finetuning.onnx_export.write_onnx`.
    progress : whether to say on the error stream what is known about the data and how far the run is.
    reading : how to read files of your own, see :func:`course_lib.data.sources.load_texts`.

    Returns
    -------
    dict
        The task's scores on the validation part, or on the test part if there is no other. For questions,
        overall, and by kind (``HasAns_f1``, ``NoAns_f1`` and so on) if some of them have no answer. For pairs with a
        matched and a mismatched part, those of the matched part, and the others as ``mismatched_accuracy``.

    Raises
    ------
    SettingError
        If there is no such task, or types, a task of GLUE, a reading of the head or a way to read files are given
        for one that has none.
    DataFileError
        If the texts have no training part, or none to score on.
    CheckpointError
        If an unfinished run is in the way.
    CourseError
        All that loading, features and training raise.
    """
    if onnx:
        require_onnx()
        if save is None:
            raise SettingError("model.onnx goes into the folder of the saved model. Name one with --save.")
    c, own = configuration, is_own(task_name, texts, names)
    earlier = None if check else epoch_to_go_on_from(save, resume)
    if not own and (class_weights or names != ColumnNames()):
        raise SettingError(
            f"Columns and class weights are for tables of your own, and {task_name!r} has none. Leave them out; tables are "
            "read for classification, and for pairs with --second."
        )
    if own:
        told = {"types": types, **reading} | ({"glue": glue} if glue else {})
        found = own_data(
            task_name, texts, names, class_weights=class_weights, reads=reads, seed=c.seed, **told
        )
        task, data = found.task, found.parts
        patience = 2 if patience is None else patience
        said = found.said
    else:
        said = []
        task = task_of(task_name, types, reads, glue)
        data = _rows_of(task_name, glue, texts, types, reading)
    recorded = _recorded_task(encoder)
    folder = encoder_folder("bundled" if recorded else encoder)
    scored = {part: rows for part, rows in data.items() if _has_labels(rows)}
    held_out = held_out_part(scored)
    chosen_on = held_out if patience and held_out != "test" else None
    if patience and "test" in scored:
        held_out = "test"  # a part that has chosen the epoch is a poor judge
    if "train" not in data or held_out is None:
        raise DataFileError(
            str(texts), f"the parts are {', '.join(data)}", "Give a folder with train and validation files"
        )
    tokenizer = load_tokenizer(folder)
    features = task.features(data["train"], tokenizer, max_length)
    torch.manual_seed(c.seed)  # the same head in every process
    model = _model_of(task, folder, recorded)
    if check:
        _say(said)
        if own and "text" in data["train"].column_names:
            _say(length_messages(data["train"], tokenizer, max_length))
        device = "cpu" if on_cpu(cpu) else torch.accelerator.current_accelerator()
        _say(cost_messages(model.to(device), task, features, c))
        return {}
    check_features(model, features)
    prepare_model(model, c)
    with _place_of_run(save) as place:
        # The Trainer refuses bfloat16 on a processor unless it is told that there is nothing else.
        cpu_only = on_cpu(cpu)
        arguments = trainer_arguments(
            str(place),
            c,
            use_cpu=cpu_only,
            dataloader_pin_memory=not cpu_only,
            train_sampling_strategy="group_by_length",
        )
        trainer = TaskTrainer(
            task.loss, c, model=model, args=arguments, train_dataset=features, data_collator=task.collate
        )
        trainer.remove_callback(PrinterCallback)
        epochs = BestEpoch(_score_on(task, data, chosen_on, tokenizer, max_length), patience or 0, minutes)
        trainer.add_callback(epochs)
        if save is not None:
            validation = data[chosen_on] if chosen_on else ()
            settings = {
                "patience": patience,
                "max_length": max_length,
                "reads": reads,
                "class_weights": class_weights,
            }
            settings |= {"processes": trainer.accelerator.num_processes}
            whole = WholeEpochs(epochs, identity(c, model, features, validation, **settings))
            trainer.add_callback(whole)
            if earlier is not None:
                whole.go_on(earlier)
        line = ProgressLine(trainer.history)
        if progress:
            trainer.add_callback(line)
            _say(said if trainer.is_world_process_zero() else ())
        if resume and trainer.is_world_process_zero():
            _say([how_it_goes_on(earlier)])
        interrupted = _train(trainer, line, earlier)
    epoch = epochs.restore(model)
    scores = {}
    if trainer.is_world_process_zero():
        _say(how_it_ended(epochs, epoch=epoch, name=task.main_score, interrupted=interrupted))
        model.eval()
        scores = task.score(model, data[held_out], tokenizer, max_length)
        other = held_out.replace("_matched", "_mismatched")
        if other != held_out and other in data:
            others = task.score(model, data[other], tokenizer, max_length)
            scores |= {f"mismatched_{name}": score for name, score in others.items()}
        print(
            json.dumps({"task": task_name, "part": held_out, "updates": trainer.state.global_step, **scores})
        )
        if save is not None:
            save_model(task_name, model, tokenizer, save, max_length=max_length)
            facts = CardFacts(
                task=task_name,
                encoder=str(encoder or folder.name),
                texts=str(texts or "the course's texts"),
                rows={part: len(rows) for part, rows in data.items()},
                label_counts=label_counts(model, data["train"]),
                part=held_out,
                chosen_on=chosen_on,
                scores=scores,
                configuration=c,
                max_length=max_length,
            )
            write_card(facts, model, save)
            if onnx:
                write_onnx(task_name, model, save)
            if interrupted or epochs.out_of_time:
                _say(how_to_go_on(save))
            else:
                remove_run(unfinished_folder(save))
    trainer.accelerator.wait_for_everyone()
    return scores
