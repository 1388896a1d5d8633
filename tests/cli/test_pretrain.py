"""The pre-training command: text in, checkpoints and curves out, and one sentence when something is wrong."""

from __future__ import annotations

import argparse
import json
import shutil

import pytest

from course_lib import cli, settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.cli import pretrain as command
from course_lib.pretraining import checkpoints, texts

SMALL = ["--steps", "4", "2", "--lengths", "16", "32", "--batch-size", "4", "--layers", "1"]
SMALL += ["--hidden-size", "64", "--vocabulary-size", "120", "--no-progress", "--checkpoint-every", "2"]


@pytest.fixture
def text(tmp_path):
    words = [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "and",
        "the",
        "dog",
        "ran",
        "off",
        "to",
        "see",
        "what",
        "was",
        "there",
    ]
    documents = [
        "\n".join(f"{words[(d + s) % 15]} {words[(d * s) % 15]} {words[s % 15]} went." for s in range(12))
        for d in range(20)
    ]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--hidden-size", "-64"), ("--layers", "0"), ("--batch-size", "0"), ("--accumulation", "0"), ("--steps", "x"),
        ("--learning-rate", "nan"), ("--learning-rate", "-1"), ("--learning-rate", "inf"), ("--dropout", "2"),
        ("--seed", "-1"), ("--vocabulary-size", "0"), ("--report-every", "0"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_refused(option, value, capsys):
    with pytest.raises(SystemExit) as stopped:
        options_of(option, value)
    assert stopped.value.code == 2 and f"argument {option}" in capsys.readouterr().err


def test_another_text_for_the_same_folder_is_refused(tmp_path, text, capsys):
    arguments = ["--folder", str(tmp_path / "run"), *SMALL, "--text"]
    assert cli.main(["pretrain", *arguments, str(text)]) == 0
    other = tmp_path / "other.txt"
    other.write_text(text.read_text(encoding="utf-8") + "\nAnd more.", encoding="utf-8")
    assert cli.main(["pretrain", *arguments, str(other)]) != 0
    assert "another text or vocabulary than --text names" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["training", "held-out"])
def test_tokens_that_are_gone_are_made_anew(tmp_path, text, name):
    arguments = ["--folder", str(tmp_path / "run"), *SMALL, "--text", str(text)]
    assert cli.main(["pretrain", *arguments]) == 0
    before = (tmp_path / "run" / name / "tokens.bin").read_bytes()
    shutil.rmtree(tmp_path / "run" / name)
    assert cli.main(["pretrain", *arguments]) == 0
    assert (tmp_path / "run" / name / "tokens.bin").read_bytes() == before


def test_a_vocabulary_is_learned_once_for_a_folder(tmp_path, text, monkeypatch):
    # Pieces that are equally frequent come by chance: the pieces of a second learning may be others.
    arguments = ["--folder", str(tmp_path / "run"), *SMALL, "--text", str(text)]
    assert cli.main(["pretrain", *arguments]) == 0
    before = (tmp_path / "run" / "vocab.txt").read_bytes()
    monkeypatch.setattr(texts, "learn_vocabulary", lambda documents, size: pytest.fail("learned again"))
    shutil.rmtree(tmp_path / "run" / "training")
    assert cli.main(["pretrain", *arguments]) == 0
    assert (tmp_path / "run" / "vocab.txt").read_bytes() == before


@pytest.mark.parametrize("also", [[], ["--text", "gone.txt"], ["--text", "other.txt"]], ids=" ".join)
def test_tokens_that_are_gone_are_not_made_of_another_text(tmp_path, text, also, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.txt").write_text(text.read_text(encoding="utf-8") + "\nAnd more.", encoding="utf-8")
    arguments = ["--folder", str(tmp_path / "run"), *SMALL]
    assert cli.main(["pretrain", *arguments, "--text", str(text)]) == 0
    shutil.rmtree(tmp_path / "run" / "training")
    assert cli.main(["pretrain", *arguments, *also]) == 2
    assert "has lost the tokens of its text. Name that text again with --text" in capsys.readouterr().err
    assert not (tmp_path / "run" / "training").exists()


def options_of(*arguments):
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return parser.parse_args(["--folder", "somewhere", *arguments])


def test_it_trains_on_a_file_of_your_own_and_goes_on(tmp_path, text, capsys):
    folder = tmp_path / "run"
    arguments = ["--folder", str(folder), "--text", str(text), *SMALL]
    assert cli.main(["pretrain", *arguments]) == 0
    assert "6 steps" in capsys.readouterr().out
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["steps"] == [1, 2, 3, 4, 5, 6]
    assert checkpoints.latest_checkpoint(folder / "checkpoints").name == "step-00000006"
    text.unlink()  # it was tokenized; the run needs it no more
    assert cli.main(["pretrain", *arguments]) == 0
    assert json.loads((folder / "history.json").read_text(encoding="utf-8")) == history


def test_five_documents_are_enough_and_three_say_what_is_lacking(tmp_path, text, capsys):
    documents = text.read_text(encoding="utf-8").split("\n\n")
    text.write_text("\n\n".join(documents[:5]), encoding="utf-8")
    arguments = ["--folder", str(tmp_path / "run"), "--text", str(text), *SMALL]
    assert cli.main(["pretrain", *arguments]) == 0
    text.write_text("\n\n".join(documents[:3]), encoding="utf-8")
    arguments[1] = str(tmp_path / "other")
    capsys.readouterr()
    assert cli.main(["pretrain", *arguments]) == 2
    message = capsys.readouterr().err
    assert "The text has 3 documents" in message and "'sop'" in message
    assert cli.main(["pretrain", *arguments, "--objective", "sop"]) == 0


def test_another_configuration_in_the_same_folder_gives_one_sentence(tmp_path, text, capsys):
    arguments = ["--folder", str(tmp_path / "run"), "--text", str(text), *SMALL]
    assert cli.main(["pretrain", *arguments]) == 0
    assert cli.main(["pretrain", *arguments, "--learning-rate", "0.5"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len([line for line in lines if line.startswith("course")]) == 1
    assert "learning_rate" in lines[-1] and "0.5" in lines[-1]


def test_a_vocabulary_without_mask_gives_one_sentence_and_no_folder(tmp_path, text, capsys):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n", encoding="utf-8")
    arguments = ["--folder", str(tmp_path / "run"), "--text", str(text), *SMALL]
    assert cli.main(["pretrain", *arguments, "--vocabulary", str(tmp_path / "vocab.txt")]) == 2
    assert "[MASK]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_stages_of_unequal_number_are_refused(tmp_path, text, capsys):
    arguments = ["--folder", str(tmp_path / "run"), "--text", str(text), "--no-progress"]
    assert cli.main(["pretrain", *arguments, "--steps", "1", "2", "--lengths", "16"]) == 2
    assert "Give one of each" in capsys.readouterr().err


@pytest.fixture
def full_profile(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    settings.current.cache_clear()


def test_the_full_run_is_the_paper_s(full_profile):
    c = command.configuration_of(options_of(), 30522, processes=8)
    assert c.model == BertConfiguration.base()
    assert [(s.max_length, s.steps) for s in c.stages] == [(128, 900_000), (512, 100_000)]
    assert c.stages[0].batch_size * c.accumulation * 8 == 256
    assert c.learning_rate == 1e-4 and c.warmup_steps == 10_000


def test_the_full_run_takes_bert_s_vocabulary_and_the_hub_s_text(full_profile, tmp_path, monkeypatch):
    class Articles(list):
        def __init__(self):
            super().__init__([["The dog barks.", "It is loud."]] * 1001)

    monkeypatch.setattr(texts, "HubDocuments", Articles)
    options = options_of()
    options.folder = tmp_path / "run"
    vocabulary, training, held_out = command.prepare_text(options)
    assert len(vocabulary) == 30522
    assert (training.number_of_documents, held_out.number_of_documents) == (999, 2)


def test_every_option_reaches_the_configuration():
    c = command.configuration_of(
        options_of(
            *("--steps", "7", "8", "--lengths", "32", "256", "--batch-size", "3"),
            *(
                "--accumulation",
                "5",
                "--learning-rate",
                "0.01",
                "--warmup-steps",
                "6",
                "--precision",
                "bfloat16",
            ),
            *(
                "--objective",
                "sop",
                "--layers",
                "2",
                "--hidden-size",
                "128",
                "--dropout",
                "0.3",
                "--seed",
                "9",
            ),
            *("--checkpoint-every", "11", "--evaluate-every", "12", "--report-every", "13"),
        ),
        500,
        processes=1,
    )
    model = c.model
    assert (model.vocab_size, model.hidden_size, model.num_attention_heads) == (500, 128, 2)
    assert (model.intermediate_size, model.num_hidden_layers, model.max_position_embeddings) == (512, 2, 256)
    assert (model.hidden_dropout_prob, model.attention_probs_dropout_prob) == (0.3, 0.3)
    assert [(s.max_length, s.steps, s.batch_size) for s in c.stages] == [(32, 7, 3), (256, 8, 3)]
    assert (c.accumulation, c.learning_rate, c.warmup_steps, c.precision) == (5, 0.01, 6, "bfloat16")
    assert (c.objective, c.seed) == ("sop", 9)
    assert (c.checkpoint_every, c.evaluate_every, c.report_every) == (11, 12, 13)
