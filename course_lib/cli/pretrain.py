"""Pre-train from the command line: the same command on one process and, behind a launcher, on many.

    course pretrain --folder runs/first
    torchrun --nproc_per_node 2 -m course_lib.cli pretrain --folder runs/first
    COURSE_PROFILE=full accelerate launch --multi_gpu -m course_lib.cli pretrain --folder runs/base

On the CPUs of one machine the launcher is ``torchrun``: ``accelerate launch --cpu`` would leave it to MPI.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

from course_lib import settings
from course_lib.cli.options import number_above_zero, share, whole_number
from course_lib.data.readers.lines import unreadable
from course_lib.errors import CheckpointError
from course_lib.files import check_writable, read_json, write_json, write_text
from course_lib.translation import translate

HELP = "pre-train a BERT"
EXAMPLES = (
    ("course pretrain --folder my-bert", "a small BERT on the bundled Wikipedia sample"),
    (
        "course pretrain --folder my-bert --text mine.txt --vocabulary-size 4000",
        "on your own text, with a vocabulary learned from it",
    ),
)
HELD_OUT_EVERY = 10  # one document in ten is held out of a small text, one in a thousand of a large one
HELD_OUT_EVERY_OF_FULL = 1000
TEXT_NOTE = "text.json"  # in a run's folder: hashes of the text and the vocabulary that it was made of


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command.

    The profile decides what they change: ``quick`` is a small model on the bundled Wikipedia sample,
    ``full`` is BERT-base on the hub's Wikipedia with the numbers of the paper, on GPUs if there are any.
    """
    add = parser.add_argument
    add(
        "--folder",
        type=Path,
        required=True,
        help=translate("checkpoints, vocabulary, tokenized text, curves"),
    )
    add(
        "--text",
        type=Path,
        help=translate("your own text: a sentence a line, a blank line between documents"),
    )
    add("--vocabulary", type=Path, help=translate("a vocab.txt; learned from the text if left out (quick)"))
    add("--vocabulary-size", type=whole_number(10), default=8000, help=translate("word pieces to learn"))
    add("--steps", type=whole_number(1), nargs="+", help=translate("updates of each stage"))
    add("--lengths", type=whole_number(5), nargs="+", help=translate("sequence length of each stage"))
    add("--batch-size", type=whole_number(1), help=translate("pairs that one process takes at once"))
    add("--accumulation", type=whole_number(1), help=translate("batches whose gradients add up to one step"))
    add("--learning-rate", type=number_above_zero)
    add("--warmup-steps", type=whole_number(0))
    add("--precision", choices=("float32", "bfloat16"))
    add("--objective", choices=("nsp", "sop"))
    add("--layers", type=whole_number(1))
    add(
        "--hidden-size",
        type=whole_number(1),
        help=translate("width; heads are 64 wide, the feed-forward layer 4 times it"),
    )
    add("--dropout", type=share)
    add("--checkpoint-every", type=whole_number(0))
    add("--evaluate-every", type=whole_number(0))
    add("--report-every", type=whole_number(1))
    add("--seed", type=whole_number(0))
    add("--no-progress", action="store_true")


def configuration_of(options: argparse.Namespace, vocabulary_size: int, processes: int):
    """Return the configuration that the options ask for.

    Parameters
    ----------
    options : as parsed.
    vocabulary_size : word pieces of the vocabulary in use.
    processes : how many there are; in a full run, they share the paper's 256 pairs a step.

    Raises
    ------
    PretrainingError
        If an option cannot be.
    """
    from course_lib.pretraining.examples import Stage
    from course_lib.pretraining.loop import PretrainingConfiguration, PretrainingError

    if settings.current().profile == "full":
        c = PretrainingConfiguration.of_paper(processes, options.batch_size or 32)
    else:
        c = PretrainingConfiguration()
    try:
        stages = c.stages
        lengths = options.lengths or [stage.max_length for stage in stages][: len(options.steps or stages)]
        steps = options.steps or [stage.steps for stage in stages]
        if len(lengths) != len(steps):
            raise ValueError(
                f"{len(steps)} stages have steps, but {len(lengths)} a length. Give one of each."
            )
        size = options.batch_size or stages[0].batch_size
        model = replace(
            c.model,
            vocab_size=vocabulary_size,
            max_position_embeddings=max(max(lengths), c.model.max_position_embeddings),
        )
        if options.hidden_size is not None:
            model = replace(
                model,
                hidden_size=options.hidden_size,
                num_attention_heads=max(1, options.hidden_size // 64),
                intermediate_size=4 * options.hidden_size,
            )
        if options.layers is not None:
            model = replace(model, num_hidden_layers=options.layers)
        if options.dropout is not None:
            model = replace(
                model, hidden_dropout_prob=options.dropout, attention_probs_dropout_prob=options.dropout
            )
        chosen = {
            name: getattr(options, name)
            for name in (
                "accumulation",
                "learning_rate",
                "warmup_steps",
                "precision",
                "objective",
                "checkpoint_every",
                "evaluate_every",
                "report_every",
                "seed",
            )
            if getattr(options, name) is not None
        }
        return replace(
            c,
            model=model,
            stages=tuple(Stage(*pair, size) for pair in zip(lengths, steps, strict=True)),
            **{"seed": settings.current().seed, **chosen},
        )
    except ValueError as error:
        raise PretrainingError(str(error)) from None


def prepare_text(options: argparse.Namespace):
    """Tokenize the text into the run's folder, unless it is there; return vocabulary and both corpora.

    Returns
    -------
    vocabulary, training, held_out
        The word pieces, and two tokenized corpora of different documents.
    """
    from course_lib.data.weights import bundled_weights_folder
    from course_lib.pretraining import texts

    folder, full = options.folder, settings.current().profile == "full"
    every = HELD_OUT_EVERY_OF_FULL if full and not options.text else HELD_OUT_EVERY
    text_hashes = _named_hashes(options)
    noted_hashes = _noted_hashes(folder)
    tokenized = (folder / "training").is_dir() and (folder / "held-out").is_dir()
    _check_same_text(folder, text_hashes, noted_hashes, tokenized)
    if not tokenized:
        if options.text:
            documents = texts.documents_from_file(options.text)
            every = texts.held_out_interval(documents, every, options.objective or "nsp")
        else:
            documents = texts.HubDocuments() if full else texts.wikipedia_documents()
        if (
            noted_hashes is not None
        ):  # learned twice, a few pieces would differ, and checkpoints are of the first
            vocabulary = texts.read_vocabulary(folder / "vocab.txt")
        elif options.vocabulary:
            vocabulary = texts.read_vocabulary(options.vocabulary)
        elif full:  # BERT's own 30,522 word pieces
            vocabulary = texts.read_vocabulary(bundled_weights_folder(verify=False) / "vocab.txt")
        else:
            vocabulary = texts.learn_vocabulary(
                texts.part_of(documents, False, every), options.vocabulary_size
            )
        if noted_hashes is None:
            write_text(
                folder / "vocab.txt", "".join(token + "\n" for token in vocabulary), error=CheckpointError
            )
            write_json(folder / TEXT_NOTE, text_hashes, error=CheckpointError)
        tokenizer = texts.tokenizer_of(vocabulary)
        for name in ("training", "held-out"):
            texts.tokenize_to_folder(
                texts.part_of(documents, name == "held-out", every), tokenizer, folder / name
            )
    vocabulary = texts.read_vocabulary(folder / "vocab.txt")
    return (
        vocabulary,
        texts.corpus_in_folder(folder / "training"),
        texts.corpus_in_folder(folder / "held-out"),
    )


def _named_hashes(options: argparse.Namespace) -> dict[str, str]:
    """Return hashes of the files that the options name: the text, and the vocabulary."""
    text_hashes = {}
    for name in ("text", "vocabulary"):
        path = getattr(options, name)
        if path is not None:
            try:
                with open(path, "rb") as file:
                    text_hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
            except FileNotFoundError:
                continue  # once it is tokenized, the run needs it no more
            except OSError as error:
                raise unreadable(path, error) from None
    return text_hashes


def _noted_hashes(folder: Path) -> dict[str, str] | None:
    """Return the hashes of what a folder's vocabulary and tokens are of; None where no note tells."""
    try:
        return read_json(folder / TEXT_NOTE, "", error=CheckpointError)
    except CheckpointError:
        return None  # of a run that was killed


def _check_same_text(
    folder: Path, text_hashes: dict[str, str], noted_hashes: dict[str, str] | None, tokenized: bool
) -> None:
    """Refuse another text than the one that a folder holds, which would be taken no notice of.

    Raises
    ------
    CheckpointError
        If a file that is named is not the one that was tokenized, or the text is needed again and not named.
    """
    if noted_hashes is None:
        return  # nothing to compare with
    if not tokenized and "text" in noted_hashes and text_hashes.get("text") != noted_hashes["text"]:
        raise CheckpointError(
            f"{folder} has lost the tokens of its text. Name that text again with --text, or choose another --folder."
        )
    for name, digest in text_hashes.items():
        if noted_hashes.get(name) != digest:
            raise CheckpointError(
                f"{folder} holds the tokens of another text or vocabulary than --{name} names. Choose another "
                f"--folder, or leave out --{name} to go on with what is there."
            )


def run(options: argparse.Namespace) -> int:
    """Prepare the text, pre-train, and write ``history.json`` into the folder."""
    import torch
    from accelerate import PartialState

    from course_lib.pretraining.loop import pretrain
    from course_lib.pretraining.masking import MaskingVocabulary

    check_writable(options.folder, error=CheckpointError, then="choose another --folder")
    state = PartialState(cpu=settings.device().type == "cpu")
    # Processes on one machine share its threads.
    torch.set_num_threads(max(1, settings.current().threads // state.num_processes))
    with state.main_process_first():  # one of them writes, the others read
        vocabulary, training, held_out = prepare_text(options)
    _, history = pretrain(
        configuration_of(options, len(vocabulary), state.num_processes),
        training,
        MaskingVocabulary.from_tokens(vocabulary),
        held_out=held_out,
        folder=options.folder / "checkpoints",
        progress=not options.no_progress,
    )
    if state.is_main_process:
        write_json(options.folder / "history.json", vars(history), error=CheckpointError)
        last = history.evaluations[-1]
        print(
            translate(
                "{steps} steps: held-out loss of masked words {loss:.3f}, accuracy {words:.3f}, of pairs {pairs:.3f}; "
                "checkpoint in {folder}"
            ).format(
                steps=len(history.steps),
                loss=last["mlm_loss"],
                words=last["mlm_accuracy"],
                pairs=last["nsp_accuracy"],
                folder=options.folder / "checkpoints",
            )
        )
    return 0
