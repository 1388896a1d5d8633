"""The tasks as `accelerate launch` runs them: own files, own checkpoint folder, one process and two."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace

import nbformat
import pytest
import torch
from accelerate.commands.launch import launch_command_parser

from course_lib import cli
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import READINGS
from course_lib.bert.loading import load_encoder, save_encoder, write_tensors
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.cli import finetune
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CourseError, DataFileError, SettingError, WeightsError
from course_lib.finetuning import frameworks, launch, saving, tasks
from course_lib.finetuning.entities import find_entities, tags_of
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, predict
from course_lib.finetuning.published_heads import published_head
from course_lib.settings import DATA, REPOSITORY
from course_lib.studies.records import load_record

C = TrainingConfiguration(learning_rate=1e-3, epochs=2, batch_size=4, frozen="none")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    torch.manual_seed(0)
    configuration = BertConfiguration(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=40,
        max_position_embeddings=64,
    )
    path = tmp_path_factory.mktemp("encoder")
    save_encoder(BertEncoder(configuration), path)
    shutil.copy(bundled_weights_folder(verify=False) / "tokenizer.json", path)
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Small files in the official formats: the first rows of the bundled ones."""
    path = tmp_path_factory.mktemp("texts")
    for name in ("reviews", "entities", "questions", "endings"):
        (path / name).mkdir()
    for split, count in (("train", 22), ("validation", 6)):
        lines = (DATA / "reviews" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        (path / "reviews" / f"{split}.jsonl").write_text("\n".join(lines[:count]) + "\n", encoding="utf-8")
        lines = (DATA / "endings" / f"{split}.csv").read_text(encoding="utf-8").splitlines()
        (path / "endings" / f"{split}.csv").write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
        blocks = (DATA / "entities" / f"{split}.txt").read_text(encoding="utf-8").split("\n\n")
        (path / "entities" / f"{split}.txt").write_text("\n\n".join(blocks[:count]) + "\n", encoding="utf-8")
        subjects = json.loads((DATA / "questions" / f"{split}.json").read_text(encoding="utf-8"))["data"]
        paragraph = subjects[0]["paragraphs"][0]
        paragraph |= {"qas": paragraph["qas"][: 4 if split == "train" else 2]}
        small = {"version": "v2.0", "data": [{"title": subjects[0]["title"], "paragraphs": [paragraph]}]}
        (path / "questions" / f"{split}.json").write_text(json.dumps(small), encoding="utf-8")
    return path


@pytest.fixture
def trained(monkeypatch):
    """The models that were trained, as they are in memory."""
    models = []

    class Recorded(frameworks.TaskTrainer):
        def train(self):
            super().train()
            models.append(self.model)

    monkeypatch.setattr(launch, "TaskTrainer", Recorded)
    return models


def check_what_was_saved(name, model, folder, rows, scores, **named):
    """The model that is read back gives the same scores for every row, and is scored the same."""
    loaded, tokenizer = saving.load_saved(name, folder, **named), load_tokenizer(folder)
    assert not any(module.training for module in loaded.modules())
    task = tasks.TASKS[name] if not named else tasks.entity_task(**named)
    features = task.features(rows, tokenizer, 60)
    for ours, theirs in zip(
        predict(loaded, features, collate=task.collate),
        predict(model, features, collate=task.collate),
        strict=True,
    ):
        assert torch.equal(ours, theirs)
    assert task.score(loaded, rows, tokenizer, 60) == scores


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is something else than the processor")
def test_bfloat16_without_a_gpu_is_no_error(encoder, texts, monkeypatch, capsys):
    """Some processors have instructions for it; the Trainer must be told that nothing else is meant."""
    monkeypatch.setattr(frameworks, "casts", lambda device, precision: precision == "bfloat16")
    half = replace(C, precision="bfloat16", epochs=1)
    scores = launch.run("entities", half, encoder=str(encoder), texts=str(texts / "entities"), max_length=32)
    assert 0 <= scores["f1"] <= 1 and json.loads(capsys.readouterr().out.splitlines()[-1])["updates"] > 0


def test_endings_are_trained_as_choices_and_scored(encoder, texts, tmp_path, capsys, trained):
    scores = launch.run(
        "endings",
        C,
        encoder=encoder,
        texts=texts / "endings",
        max_length=60,
        save=tmp_path / "saved",
        cpu=True,
    )
    said = json.loads(capsys.readouterr().out)
    assert (
        said["task"] == "endings" and said["part"] == "validation" and said["accuracy"] == scores["accuracy"]
    )
    assert said["updates"] > 2
    assert published_head(tmp_path / "saved")["weight"].shape == (1, 24)
    rows = load_texts("endings", texts / "endings")["validation"]
    check_what_was_saved("endings", *trained, tmp_path / "saved", rows, scores)


@pytest.mark.parametrize(("name", "reads"), [("reviews", "cls"), ("endings", "mean")])
def test_what_the_head_reads_is_asked_for_trained_and_read_back(
    name, reads, encoder, texts, tmp_path, capsys, trained
):
    saved = tmp_path / "saved"
    command = [name, "--encoder", str(encoder), "--texts", str(texts / name), "--reads", reads,
               "--epochs", "1", "--max-length", "60", "--cpu", "--save", str(saved)]  # fmt: skip
    assert cli.main(["finetune", *command]) == 0
    (model,) = trained
    assert model.reads == reads == saving.load_saved(name, saved).reads
    scores = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = load_texts(name, texts / name)["validation"]
    measured = {key: scores[key] for key in scores if key not in ("task", "part", "updates")}
    check_what_was_saved(name, model, saved, rows, measured)


def test_a_folder_of_before_there_was_a_choice_reads_the_pooler(encoder, tmp_path):
    folder = shutil.copytree(encoder, tmp_path / "saved")
    saving.save_model(
        "reviews", tasks.task_of("reviews", reads="mean").model(folder), load_tokenizer(folder), folder
    )
    note = json.loads((folder / "head.json").read_text(encoding="utf-8"))
    del note["reads"]
    (folder / "head.json").write_text(json.dumps(note), encoding="utf-8")
    assert saving.load_saved("reviews", folder).reads == "pooler"
    (folder / "head.json").write_text(json.dumps(note | {"reads": "max"}), encoding="utf-8")
    with pytest.raises(WeightsError, match="the head reads 'max'"):
        saving.load_saved("reviews", folder)


def test_a_reading_that_says_nothing_is_refused(encoder, texts, capsys):
    command = ["questions", "--texts", str(texts / "questions"), "--encoder", str(encoder), "--reads", "mean"]
    assert cli.main(["finetune", *command, "--cpu"]) == 2
    assert "whose head scores every token" in capsys.readouterr().err
    with pytest.raises(SettingError, match="Choose one of: pooler, cls, mean"):
        tasks.task_of("reviews", reads="max")
    assert finetune.READINGS == READINGS


def test_questions_are_trained_on_windows_and_scored(encoder, texts, tmp_path, capsys, trained):
    """A paragraph is longer than this model's 64 positions: it is cut into windows, more than there are questions."""
    scores = launch.run(
        "questions",
        C,
        encoder=encoder,
        texts=texts / "questions",
        max_length=60,
        save=tmp_path / "saved",
        cpu=True,
    )
    assert 0 <= scores["exact_match"] <= scores["f1"] <= 1
    said = json.loads(capsys.readouterr().out)
    assert said["task"] == "questions" and said["part"] == "validation" and said["f1"] == scores["f1"]
    assert said["updates"] > 2  # four questions would be one batch an epoch
    saved, old = load_encoder(tmp_path / "saved"), load_encoder(encoder)
    assert not torch.equal(saved.blocks[0].expand.weight, old.blocks[0].expand.weight)
    assert published_head(tmp_path / "saved")["weight"].shape == (2, 24)
    rows = load_texts("questions", texts / "questions")["validation"]
    check_what_was_saved("questions", *trained, tmp_path / "saved", rows, scores)


@pytest.mark.parametrize(("name", "metric"), [("reviews", "accuracy"), ("entities", "f1")])
def test_a_task_is_trained_scored_and_saved(name, metric, encoder, texts, tmp_path, capsys, trained):
    scores = launch.run(
        name, C, encoder=encoder, texts=texts / name, max_length=60, save=tmp_path / "saved", cpu=True
    )
    assert 0 <= scores[metric] <= 1
    said = json.loads(capsys.readouterr().out)
    assert said["task"] == name and said["part"] == "validation" and said[metric] == scores[metric]
    assert said["updates"] in (10, 12)  # two epochs of 19 to 22 rows in batches of 4
    saved, old = load_encoder(tmp_path / "saved"), load_encoder(encoder)
    assert not torch.equal(saved.blocks[0].expand.weight, old.blocks[0].expand.weight)
    assert published_head(tmp_path / "saved")["weight"].shape[1] == 24
    rows = load_texts(name, texts / name)["validation"]
    check_what_was_saved(name, *trained, tmp_path / "saved", rows, scores)
    assert launch.run(name, C, encoder=tmp_path / "saved", texts=texts / name, max_length=60, cpu=True)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("reviews", lambda head: head.unlink(), "does not exist: the folder has no fine-tuned head"),
        ("reviews", lambda head: head.write_bytes(head.read_bytes()[:-9]), "is not a whole safetensors file"),
        ("questions", lambda head: None, r"a model for 'reviews'.*asked for as one for 'questions'"),
        ("entities", lambda head: None, r"a model for 'reviews'.*asked for as one for 'entities'"),
        (
            "reviews",
            lambda head: write_tensors({"weight": torch.zeros(2, 24)}, head),
            "head of other labels",
        ),
        ("films", lambda head: None, "no task 'films'"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(name, damage, message, encoder, tmp_path):
    """In an older folder, whose head is in a file of its own."""
    folder = shutil.copytree(encoder, tmp_path / "saved")
    model = tasks.TASKS["reviews"].model(folder).eval()
    write_tensors(model.head.state_dict(), folder / "head.safetensors")
    note = {"task": "reviews", "labels": ["negative", "positive"], "reads": "pooler"}
    (folder / "head.json").write_text(json.dumps(note), encoding="utf-8")
    features = tasks.TASKS["reviews"].features(
        {"text": ["good", "bad"], "label": [1, 0]}, load_tokenizer(folder), 60
    )
    loaded = saving.load_saved("reviews", folder)
    assert isinstance(loaded, TaskModel)
    assert torch.equal(*(torch.stack(predict(either, features)) for either in (model, loaded)))
    damage(folder / "head.safetensors")
    with pytest.raises((WeightsError, SettingError), match=message) as caught:
        saving.load_saved(name, folder)
    assert "\n" not in str(caught.value)


# Entity types of one's own ------------------------------------------------------------------------

EVENTS = "The O\nPrague B-EVENT\nSpring I-EVENT\nbegan O\n\nAda B-PER\nlived O\nthere O\n\n"


def test_own_entity_types_give_the_tags_and_the_head(encoder, tmp_path, capsys, trained):
    for part in ("train", "validation"):
        (tmp_path / f"{part}.txt").write_text(EVENTS, encoding="utf-8")
    saved, types = tmp_path / "saved", ["PER", "EVENT"]
    command = ["entities", "--encoder", str(encoder), "--texts", str(tmp_path), "--epochs", "40",
               "--learning-rate", "3e-3", "--max-length", "60", "--cpu", "--save", str(saved)]  # fmt: skip
    assert cli.main(["finetune", *command]) == 2
    assert "B-EVENT" in capsys.readouterr().err and not trained
    assert cli.main(["finetune", *command, "--types", *types]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["f1"] == 1.0, "two sentences are learned by heart, the event among them"
    assert published_head(saved)["weight"].shape == (5, 24)
    rows = load_texts("entities", tmp_path, types=types)["validation"]
    scores = {name: said[name] for name in ("precision", "recall", "f1")}
    check_what_was_saved("entities", *trained, saved, rows, scores, types=types)
    with pytest.raises(
        WeightsError, match=r"fine-tuned for the types PER, EVENT, not EVENT, PER.*in their order"
    ):
        saving.load_saved("entities", saved, types=["EVENT", "PER"])  # the same shape
    again, tokenizer = (
        saving.load_saved("entities", saved),
        load_tokenizer(saved),
    )  # the folder knows its types
    text = "Ada lived there in The Prague Spring"
    assert {(text[a:b], kind) for a, b, kind in find_entities(text, again, tokenizer)} >= {("Ada", "PER")}
    assert again.labels == tags_of(types)
    for content, problem in (
        ("{}", "does not say the task"),
        ("{", "is not readable JSON"),
        (None, "does not exist"),
    ):
        (saved / "head.json").unlink() if content is None else (saved / "head.json").write_text(content)
        with pytest.raises(WeightsError, match=rf"head.json {problem}.*Save the model again"):
            saving.load_saved("entities", saved)


def test_types_that_say_nothing_are_refused(encoder, texts, capsys):
    for types in ("PER", [], ["PER", "PER"]):
        with pytest.raises(CourseError, match="Give a list of different names"):
            tags_of(types)
    with pytest.raises(SettingError, match="'types' was given for 'reviews', and it is for entities alone"):
        load_texts("reviews", texts / "reviews", types=["PER"])
    with pytest.raises(SettingError, match="only entities have types"):
        saving.load_saved("reviews", encoder, types=["PER"])
    assert cli.main(["finetune", "reviews", "--texts", str(texts / "reviews"), "--types", "PER"]) == 2
    assert "only entities have types" in capsys.readouterr().err


# Questions with and without an answer -------------------------------------------------------------


class Doubtful(TaskModel):
    """A model to which "no answer", at [CLS], always looks best."""

    def forward(self, batch):
        scores = super().forward(batch)  # (B, T, 2)
        scores[:, 0] += 100.0
        return scores


@pytest.mark.parametrize("version", ["1.1", "v2.0"])
def test_only_files_with_questions_without_answer_are_scored_with_abstention(version, encoder, tmp_path):
    answered = {"id": "0", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    questions = [answered]
    if version == "v2.0":
        impossible = {"id": "1", "question": "When?", "answers": [], "is_impossible": True}
        questions = [answered | {"is_impossible": False}, impossible]
    data = [
        {"title": "Ada", "paragraphs": [{"context": "Ada Ada Ada", "qas": questions}]}
    ]  # any span is half right
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"version": version, "data": data}), encoding="utf-8")
    task, plain = tasks.TASKS["questions"], tasks.TASKS["questions"].model(encoder)
    model = Doubtful(plain.encoder, plain.head, plain.pooled)
    scores = task.score(model, load_texts("questions", path)["test"], load_tokenizer(encoder), 60)
    if version == "1.1":
        assert set(scores) == {"exact_match", "f1"} and scores["f1"] >= 0.5
    else:
        assert scores == {
            "exact_match": 0.5, "f1": 0.5, "HasAns_exact_match": 0, "HasAns_f1": 0,
            "NoAns_exact_match": 1, "NoAns_f1": 1,
        }  # fmt: skip


def test_what_is_frozen_stays(encoder, texts, tmp_path):
    launch.run(
        "reviews",
        replace(C, frozen="all"),
        encoder=encoder,
        texts=texts / "reviews",
        max_length=40,
        save=tmp_path,
        cpu=True,
    )
    old, new = load_encoder(encoder).state_dict(), load_encoder(tmp_path).state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_texts_without_a_training_part_are_refused(encoder, texts):
    with pytest.raises(DataFileError, match=r"the parts are test.*Give a folder with train and validation"):
        launch.run("reviews", C, encoder=encoder, texts=texts / "reviews" / "train.jsonl", cpu=True)


def test_the_command_says_in_one_sentence_what_is_wrong(encoder, capsys):
    assert cli.main(["finetune", "reviews", "--encoder", str(encoder), "--texts", "nowhere", "--cpu"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "nowhere" in err


@pytest.mark.parametrize(
    ("given", "gpu", "dropout"),
    [
        (["--attention-dropout", "0.25"], False, 0.25),
        (["--attention-dropout", "0"], True, 0.0),
        ([], True, 0.1),
        (["--cpu"], True, 0.0),
        ([], False, 0.0),
    ],
)
def test_precision_and_attention_dropout_reach_the_training(given, gpu, dropout, encoder, texts, monkeypatch):
    class Reached(Exception):
        """The training would begin."""

    def instead(loss_of, configuration, *, model, args, **named):
        found.update(configuration=configuration, model=model, args=args)
        raise Reached

    found = {}
    monkeypatch.setattr(launch, "TaskTrainer", instead)
    monkeypatch.setattr(launch, "trainer_arguments", lambda place, c, **named: named)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: gpu)
    command = ["reviews", "--encoder", str(encoder), "--texts", str(texts / "reviews"), "--max-length", "40"]
    with pytest.raises(Reached):
        cli.main(["finetune", *command, "--precision", "bfloat16", *given])
    assert found["configuration"].precision == "bfloat16"
    assert [block.attention.dropout for block in found["model"].encoder.blocks] == [dropout] * 2
    assert found["args"]["use_cpu"] == (not gpu or "--cpu" in given)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", "0"), ("--epochs", "1.5"), ("--batch-size", "0"), ("--batch-size", "-8"),
        ("--max-length", "2"), ("--learning-rate", "0"), ("--learning-rate", "nan"), ("--learning-rate", "x"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused(option, value, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.command_parser().parse_args(["finetune", "reviews", f"{option}={value}"])
    assert stopped.value.code == 2 and f"argument {option}" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["1", "-0.1", "nan", "much"])
def test_a_dropout_that_is_no_share_is_refused(share, capsys):
    with pytest.raises(SystemExit):
        cli.command_parser().parse_args(["finetune", "reviews", f"--attention-dropout={share}"])
    assert "--attention-dropout" in capsys.readouterr().err


MODULE = "course_lib.cli"


def commands_in_the_course() -> list[list[str]]:
    """Return the command lines that readers are told to use, split into words."""
    texts = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "slides").glob("*.md")}
    for path in (REPOSITORY / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts[path] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    lines = [line for text in texts.values() for line in text.replace("\\\n", " ").splitlines()]
    lines += finetune.__doc__.splitlines()
    return [
        shlex.split(line)
        for line in lines
        if re.search(rf"accelerate launch .*{re.escape(MODULE)} finetune", line)
    ]


def test_every_command_of_the_course_is_accepted():
    commands = commands_in_the_course()
    assert {command[command.index(MODULE) + 2] for command in commands} == set(finetune.TASKS)
    assert set(finetune.TASKS) == {
        *tasks.TASKS,
        "classification",
    }  # whose head follows from somebody's own data
    for command in commands:
        assert command[:2] == ["accelerate", "launch"]
        started = launch_command_parser().parse_args(command[2:])
        assert started.module and started.training_script == MODULE
        cli.command_parser().parse_args(started.training_script_args)


@pytest.mark.skipif(sys.platform == "win32", reason="gloo between processes is not offered there")
def test_two_processes_share_the_rows(encoder, texts):
    """With accelerate's own launcher, as on two GPUs: half the updates, one report.

    Its ``--cpu`` would start one process whatever ``--num_processes`` says; ours keeps each of two on the CPU.
    """
    command = [
        sys.executable, "-m", "accelerate.commands.launch",
        "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--main_process_port", "0", "-m", MODULE, "finetune",
        "entities", "--encoder", str(encoder), "--texts", str(texts / "entities"),
        "--max-length", "60", "--batch-size", "4", "--epochs", "2", "--cpu",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(reports) == 1 and reports[0]["updates"] == 6


def test_a_narrow_encoder_gets_the_rate_that_the_recording_found_best(encoder, tmp_path):
    assert launch.default_learning_rate(str(encoder)) == launch.default_learning_rate("bundled") == 3e-4
    assert launch.default_learning_rate("task-models/reviews") == 3e-4
    wide = json.loads((encoder / "config.json").read_text(encoding="utf-8")) | {"hidden_size": 768}
    (tmp_path / "config.json").write_text(json.dumps(wide), encoding="utf-8")
    assert launch.default_learning_rate(str(tmp_path)) == 2e-5, "the paper's"
    grid = load_record("search")["results"]["methods"]["grid"]
    for batch_size in (16, 32):
        values = {
            trial["params"]["learning_rate"]: trial["value"]
            for trial in grid
            if trial["params"]["batch_size"] == batch_size and trial["params"]["epochs"] == 3
        }
        assert max(values, key=values.get) == 3e-4 and len(values) == 3
