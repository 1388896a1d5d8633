"""Your own files, in the official layout of the set they stand for: from a path to a prediction, as in the lessons."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from course_lib import cli, settings
from course_lib.bert.inputs import SpecialIds, pack
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers import read_cmrc, read_glue, read_swag
from course_lib.data.sources import load_texts
from course_lib.data.splits import needed_parts
from course_lib.errors import CourseError, DataFileError, SettingError
from course_lib.finetuning import classification, entities, question_answering
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune, predict
from course_lib.settings import NOTEBOOKS
from course_lib.training.batching import pad_batch

sys.path.append(str(Path(__file__).parent))
from tiny_bert import CHINESE, CHINESE_QUESTION, tiny_bert

ONCE = TrainingConfiguration(epochs=1, batch_size=4)
LEARNING = TrainingConfiguration(learning_rate=3e-3, epochs=60, batch_size=4, frozen="none")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A model folder of one's own, given by path too."""
    folder = tmp_path_factory.mktemp("model")
    for name, content in tiny_bert(folder).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def tokenizer(model_folder):
    return load_tokenizer(model_folder)


def classify(rows, folder, tokenizer, labels: int):
    """Do as lesson 08 does: features, fine-tuning, probabilities."""
    texts = rows["text"] if "text" in rows.column_names else rows["sentence"]
    model = classification.classification_model(labels, folder)
    features = classification.classification_features(
        texts, tokenizer, rows["label"], max_length=64, number_of_labels=labels
    )
    history = fine_tune(model, features, classification.classification_loss, ONCE, progress=False)
    probabilities = classification.class_probabilities(model, features)
    assert len(history.losses) == -(-len(rows) // 4)
    assert probabilities.shape == (len(rows), labels) and abs(probabilities.sum(axis=1) - 1).max() < 1e-5


def answer(rows, folder, tokenizer):
    """Do as lesson 09 does: windows, fine-tuning, answers, scores; return the answers."""
    settings = question_answering.WindowSettings(max_length=48, max_question=16, step=16)
    model = question_answering.question_model(folder)
    windows = question_answering.make_windows(
        rows["question"], rows["context"], tokenizer, rows["answers"], settings
    )
    assert {window.example for window in windows} == set(range(len(rows)))
    answerable = {number for number, row in enumerate(rows) if row["answers"]["text"]}
    assert {window.example for window in windows if window.feature["start"]} == answerable != set()
    for window in windows:  # a target leads back to its answer
        if window.feature["start"]:
            row = rows[window.example]
            places = [window.offsets[window.feature[end] - window.first] for end in ("start", "end")]
            text = row["context"][places[0][0] : places[1][1]]
            assert row["answers"]["text"][0] in text
    features = [window.feature for window in windows]
    fine_tune(model, features, question_answering.span_loss, ONCE, progress=False)
    answers = question_answering.answer_questions(
        model, rows["question"], rows["context"], tokenizer, settings
    )
    for found, context in zip(answers, rows["context"], strict=True):
        assert found.text == context[found.start : found.end]
    references = [row["text"] for row in rows["answers"]]
    scores = question_answering.answer_scores([found.text for found in answers], references)
    assert 0 <= scores["exact_match"] <= scores["f1"] <= 100
    return windows


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


# IMDB ---------------------------------------------------------------------------------------------


def write_imdb(folder: Path) -> Path:
    for split in ("train", "test"):
        for kind, rating in (("neg", 2), ("pos", 9)):
            for number in range(3):
                text = f"The film was {'good' if kind == 'pos' else 'bad'}.<br /><br />It was film {number}."
                write(folder / split / kind / f"{number}_{rating}.txt", text)
    write(folder / "train" / "unsup" / "0_0.txt", "Nobody has rated this.")
    for name in ("imdb.vocab", "imdbEr.txt", "README", "train/urls_pos.txt", "train/labeledBow.feat"):
        write(folder / name, "as in the archive\n")
    return folder


def test_imdb(tmp_path, model_folder, tokenizer):
    folder = write_imdb(tmp_path / "aclImdb")
    data = load_texts("reviews", folder)
    assert {split: len(rows) for split, rows in data.items() if split != "unsupervised"} == {
        "train": 6,
        "test": 6,
    }
    assert sorted(data["train"]["label"]) == [0, 0, 0, 1, 1, 1]
    labels = dict(zip(data["train"]["text"], data["train"]["label"], strict=True))
    assert labels["The film was good.\n\nIt was film 0."] == 1
    assert labels["The film was bad.\n\nIt was film 2."] == 0
    classify(data["train"], model_folder, tokenizer, 2)


def test_a_folder_of_reviews_that_is_held_out_is_the_validation_part(tmp_path):
    folder = write_imdb(tmp_path / "aclImdb")
    (folder / "test").rename(folder / "dev")
    assert {split: len(rows) for split, rows in load_texts("reviews", folder).items()} == {
        "train": 6,
        "validation": 6,
    }


@pytest.mark.parametrize(
    ("place", "said"), [("train", "Give the folder above it"), ("train/pos", "such as train.jsonl")]
)
def test_a_folder_within_the_archive_is_told_from_the_archive(tmp_path, place, said):
    with pytest.raises(DataFileError, match=said):
        load_texts("reviews", write_imdb(tmp_path / "aclImdb") / place)


# SQuAD --------------------------------------------------------------------------------------------

CONTEXT = "Ada lived in London. It was good. The film wrote it where London was, and Ada was in it. " * 3


def squad(version: str) -> str:
    start = CONTEXT.index("London")
    questions = [
        {
            "id": "q1",
            "question": "Where lived Ada?",
            "answers": [{"text": "London", "answer_start": start}, {"text": "in London", "answer_start": start - 3}],
        },
        {"id": "q2", "question": "Who lived in London?", "answers": [{"text": "Ada", "answer_start": 0}]},
    ]  # fmt: skip
    if version == "v2.0":
        for question in questions:
            question["is_impossible"] = False
        plausible = [{"text": "The film", "answer_start": CONTEXT.index("The film")}]
        none = {"id": "q3", "question": "Who wrote the good film?", "answers": [], "is_impossible": True}
        questions.append(none | {"plausible_answers": plausible})
    paragraphs = [{"context": CONTEXT, "qas": questions}]
    return json.dumps({"version": version, "data": [{"title": "Ada", "paragraphs": paragraphs}]})


def write_squad(folder: Path, version: str) -> Path:
    for part in ("train", "dev"):
        write(folder / f"{part}-{version}.json", squad(version))
    return folder


@pytest.mark.parametrize(("version", "count"), [("1.1", 2), ("v2.0", 3)])
def test_squad(tmp_path, model_folder, tokenizer, version, count):
    data = load_texts("questions", write_squad(tmp_path / "squad", version))
    assert {split: len(rows) for split, rows in data.items()} == {"train": count, "validation": count}
    assert data["train"]["is_impossible"][:] == [False, False, True][:count]
    windows = answer(data["train"], model_folder, tokenizer)
    assert len(windows) > 2 * count, "the paragraph is longer than a window"
    alone = load_texts("questions", tmp_path / "squad" / f"dev-{version}.json")
    assert list(alone) == ["test"]


# CoNLL-2003 ---------------------------------------------------------------------------------------

CONLL = """-DOCSTART- -X- -X- O

Ada NNP B-NP I-PER
lived VBD B-VP O
in IN B-PP O
London NNP B-NP I-LOC
. . O O

London NNP B-NP I-LOC
Film NNP I-NP I-ORG
was VBD B-VP O
good JJ B-ADJP O

"""


def write_conll(folder: Path) -> Path:
    for part in ("train", "testa", "testb"):
        write(folder / f"eng.{part}", CONLL)
    write(folder / "README", "as in the archive\n")
    return folder


def test_conll(tmp_path, model_folder, tokenizer):
    data = load_texts("entities", write_conll(tmp_path / "conll"))
    assert list(data) == ["train", "validation", "test"]
    rows = data["train"]
    assert rows["tags"][:] == [["B-PER", "O", "O", "B-LOC", "O"], ["B-LOC", "B-ORG", "O", "O"]]  # from IOB1
    features = entities.entity_features(rows["tokens"], tokenizer, rows["tags"])
    model = entities.entity_model(source=model_folder)
    rows_ = entities.model_inputs(features)
    fine_tune(model, rows_, entities.entity_loss, ONCE, progress=False, collate=entities.pad_entities)
    predicted = entities.predict_tags(model, features)
    assert [len(tags) for tags in predicted] == [5, 4]
    assert set(entities.entity_scores(rows["tags"], predicted)) == {"precision", "recall", "f1"}
    assert len(load_texts("entities", tmp_path / "conll" / "eng.train")["test"]) == 2  # one file alone


@pytest.mark.parametrize("name", ["val.txt", "devel.conll", "development.tsv", "eng.testa", "VALID.TXT"])
def test_a_part_is_known_by_all_its_usual_names(tmp_path, name):
    for file in ("train.txt", name, "test.txt"):
        write(tmp_path / file, CONLL)
    assert set(load_texts("entities", tmp_path)) == {"train", "validation", "test"}


@pytest.mark.parametrize("other", ["deu.testa", "validation.txt", "dev.conll"])
def test_two_files_of_a_split_are_refused(tmp_path, other):
    for name in ("eng.testa", other):
        write(tmp_path / name, CONLL)
    with pytest.raises(DataFileError, match="all look like the validation part"):
        load_texts("entities", tmp_path)


# GLUE, SWAG, CMRC: by their readers ---------------------------------------------------------------


def test_glue_sentences(tmp_path, model_folder, tokenizer):
    path = write(
        tmp_path / "SST-2" / "train.tsv",
        "sentence\tlabel\nthe film was good \t1\nit was bad \t0\ngood film \t1\n",
    )
    rows = read_glue(path, "SST-2")
    assert rows["label"][:] == [1, 0, 1]
    classify(rows, model_folder, tokenizer, 2)


def test_lines_of_qqp_that_are_broken_are_told_and_left_out_on_request(tmp_path, caplog):
    header, row = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n", "{}\t1\t2\tWhy?\tHow {}?\t{}\n"
    path = write(
        tmp_path / "train.tsv",
        header + row.format(0, "so", 0) + row.format(1, "does\nit go", 1) + row.format(2, "far", 1),
    )
    with pytest.raises(DataFileError, match=r"line 3: .*skip_broken=True"):
        read_glue(path, "QQP")
    rows = read_glue(path, "QQP", skip_broken=True)
    assert rows["sentence2"][:] == ["How so?", "How far?"] and rows["label"][:] == [0, 1]
    assert "2 lines" in caplog.text and "3, 4" in caplog.text


GLUE_PAIRS = {
    "RTE": (
        "index\tsentence1\tsentence2\tlabel\n0\tAda lived in London.\tAda lived.\tentailment\n"
        "1\tIt was good.\tIt was bad.\tnot_entailment\n"
    ),
    "MRPC": (
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tThe film was good.\tIt was a good film.\n"
        "0\t3\t4\tAda lived.\tLondon was bad.\n"
    ),
}


@pytest.mark.parametrize("task", GLUE_PAIRS)
def test_glue_pairs(tmp_path, model_folder, tokenizer, task):
    rows = read_glue(write(tmp_path / task / "train.tsv", GLUE_PAIRS[task]), task)
    assert len(rows) == 2 and set(rows["label"][:]) == {0, 1}
    features = pair_features(rows["sentence1"], rows["sentence2"], tokenizer)
    labeled = [feature | {"label": label} for feature, label in zip(features, rows["label"])]
    model = classification.classification_model(2, model_folder)
    history = fine_tune(model, labeled, classification.classification_loss, LEARNING, progress=False)
    assert history.losses[-1] < 0.1 < history.losses[0]
    assert classification.class_probabilities(model, features).argmax(axis=1).tolist() == rows["label"][:]
    before, after = (
        m.encoder.embeddings.segment.weight[1]
        for m in (classification.classification_model(2, model_folder), model)
    )
    assert (after - before).norm() > 0.05 * before.norm(), "the second segment's embedding has learned"


def pair_features(first, second, tokenizer) -> list[dict]:
    """Return the features of pairs: [CLS] A [SEP] B [SEP], and which segment a piece is of."""
    special = SpecialIds.from_vocabulary(tokenizer.get_vocab())
    ids = [
        [encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        for texts in (first, second)
    ]
    return [pack(a, b, special=special, max_length=48)._asdict() for a, b in zip(*ids)]


SWAG = """,video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label
0,v_1,10,"Ada sat down, at last. She",Ada sat down at last.,She,gold,wrote it.,was a film.,"lived, in London.",was bad.,0
1,v_1,11,It was good. The film,It was good.,The film,gen,was Ada.,was in London.,wrote.,was good.,3
"""


def test_swag(tmp_path, model_folder, tokenizer):
    rows = read_swag(write(tmp_path / "swag" / "train.csv", SWAG))
    assert rows["label"][:] == [0, 3] and rows[0]["endings"][2] == "lived, in London."
    first = [row["sent1"] for row in rows for _ in range(4)]
    second = [f"{row['sent2']} {ending}" for row in rows for ending in row["endings"]]
    endings = pair_features(first, second, tokenizer)
    features = [
        {"input_ids": max((e["input_ids"] for e in four), key=len), "endings": four, "label": label}
        for four, label in zip((endings[i : i + 4] for i in range(0, len(endings), 4)), rows["label"])
    ]
    model = classification.classification_model(1, model_folder)  # one score an ending (section 4.4)
    history = fine_tune(model, features, loss_of_choices, LEARNING, collate=batch_of_choices, progress=False)
    assert history.losses[-1] < 0.1 < 1 < history.losses[0]  # from about log 4
    scores = torch.stack(predict(model, endings)).view(-1, 4)  # (N, 4)
    assert scores.argmax(dim=1).tolist() == rows["label"][:]


def batch_of_choices(features: list[dict]) -> dict[str, torch.Tensor]:
    """Join questions of four endings: a row of the batch is an ending, and a label is that of a question."""
    batch = pad_batch([ending for feature in features for ending in feature["endings"]])  # (4B, T)
    return batch | {"label": torch.tensor([feature["label"] for feature in features])}  # (B,)


def loss_of_choices(scores: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Let the four endings of a question compete."""
    return classification.classification_loss(scores.view(-1, 4), batch)  # (4B, 1) to (B, 4)


def test_cmrc(tmp_path, model_folder, tokenizer):
    questions = [
        {
            "id": "DEV_0_QUERY_0",
            "question": CHINESE_QUESTION,
            "answers": [{"text": "伦敦", "answer_start": CHINESE.index("伦敦")}] * 3,
        }
    ]
    paragraphs = [{"id": "DEV_0", "context": CHINESE, "qas": questions}]
    document = {"version": "v1.0", "data": [{"id": "DEV_0", "title": "艾达", "paragraphs": paragraphs}]}
    text = json.dumps(document, ensure_ascii=False)
    rows = read_cmrc(write(tmp_path / "cmrc" / "cmrc2018_dev.json", text))
    assert rows[0]["answers"]["text"][0] == "伦敦"
    assert tokenizer.encode(CHINESE, add_special_tokens=False).tokens == list(CHINESE)  # no [UNK]
    answer(rows, model_folder, tokenizer)
    assert load_texts("questions", tmp_path / "cmrc")["validation"][:] == rows[:]


def write_cmrc(folder: Path) -> Path:
    """Write the layout of the challenge itself: a list of contexts, and answers without their places."""
    question = {"query_id": "DEV_0_QUERY_0", "query_text": CHINESE_QUESTION, "answers": ["伦敦"] * 3}
    contexts = [{"context_id": "DEV_0", "context_text": CHINESE, "title": "艾达", "qas": [question]}]
    for part in ("train", "dev"):
        write(folder / f"cmrc2018_{part}.json", json.dumps(contexts, ensure_ascii=False))
    return folder


@pytest.mark.parametrize("mark", ["", "\ufeff", "\n "])
def test_cmrc_as_a_list_of_contexts(tmp_path, mark):
    path = write_cmrc(tmp_path / "cmrc") / "cmrc2018_dev.json"
    path.write_text(mark + path.read_text(encoding="utf-8"), encoding="utf-8")
    data = load_texts("questions", tmp_path / "cmrc")
    assert list(data) == ["train", "validation"]
    assert data["validation"][0]["answers"]["answer_start"][0] == CHINESE.index("伦敦")


def test_cmrc_with_its_contexts_as_articles(tmp_path):
    path = write_cmrc(tmp_path / "cmrc") / "cmrc2018_dev.json"
    wanted = load_texts("questions", tmp_path / "cmrc")["validation"][:]
    articles = {"version": "v1.0", "data": json.loads(path.read_text(encoding="utf-8"))}
    path.write_text(json.dumps(articles, ensure_ascii=False), encoding="utf-8")
    assert load_texts("questions", tmp_path / "cmrc")["validation"][:] == wanted


@pytest.mark.parametrize("content", ["", "[", "\xff"])
def test_a_file_of_questions_that_is_none_is_named(tmp_path, content):
    (tmp_path / "dev.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataFileError, match=r"dev\.json"):
        load_texts("questions", tmp_path)


# What the lessons offer for files of one's own ----------------------------------------------------


OF_EARLIER_CELLS = {
    "load_texts": load_texts,
    "needed_parts": needed_parts,
    "settings": settings,
    "fine_tune": fine_tune,
    "load_tokenizer": load_tokenizer,
}


def offered(lesson: str, **names):
    """Return the function ``run_on`` of a lesson, as it stands in the notebook."""
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = [cell.source for cell in cells if cell.cell_type == "code" and "def run_on(" in cell.source]
    (function,) = [part for part in ast.parse(cell).body if isinstance(part, ast.FunctionDef)]
    exec(compile(ast.Module([function], []), str(path), "exec"), names)
    return names["run_on"]


def test_lesson_08_runs_on_a_folder_of_reviews(tmp_path, model_folder):
    run_on = offered(
        "08", **vars(classification) | OF_EARLIER_CELLS | {"encoder_folder": lambda: model_folder}
    )
    scores = run_on(write_imdb(tmp_path / "aclImdb"), ONCE, max_length=48)
    assert 0 <= scores["accuracy"] <= 1


REVIEW = '{"text": "It was good.", "label": 1, "title": "A", "genre": "b", "kind": "short", "words": 3}\n'

OWN_QUESTIONS = {
    "SQuAD 1.1": lambda folder: write_squad(folder, "1.1"),
    "SQuAD 2.0": lambda folder: write_squad(folder, "v2.0"),
    "CMRC 2018": write_cmrc,
}


@pytest.mark.parametrize("layout", OWN_QUESTIONS)
def test_lesson_09_runs_on_a_folder_of_questions(tmp_path, model_folder, layout):
    names = vars(question_answering) | OF_EARLIER_CELLS
    run_on = offered("09", **names | {"encoder_folder": lambda: model_folder})
    cut = question_answering.WindowSettings(max_length=48, max_question=16, step=16)
    scores = run_on(OWN_QUESTIONS[layout](tmp_path / "texts"), ONCE, cut)
    assert ("NoAns" in scores) == (layout == "SQuAD 2.0") and "HasAns" in scores
    assert all(0 <= part["exact_match"] <= part["f1"] <= 100 for part in scores.values())


def test_answers_at_wrong_offsets_are_moved_on_request_in_every_way_to_read(tmp_path, model_folder, capsys):
    folder = write_squad(tmp_path / "texts", "1.1")
    for path in folder.iterdir():
        path.write_text(path.read_text().replace('"answer_start": 0', '"answer_start": 1'))
    with pytest.raises(DataFileError, match="Read with repair=True"):
        load_texts("questions", folder)
    rows = load_texts("questions", folder, repair=True)["train"]
    assert [answer["answer_start"][0] for answer in rows["answers"]][-1] == 0
    words = ["questions", "--encoder", str(model_folder), "--texts", str(folder), "--epochs", "1", "--cpu"]
    words += ["--max-length", "48"]
    assert cli.main(["finetune", *words]) == 2 and "--repair" in capsys.readouterr().err
    assert cli.main(["finetune", *words, "--repair"]) == 0


def test_what_a_reader_cannot_be_told_is_refused():
    with pytest.raises(
        SettingError,
        match="'repair' was given for 'entities', and it is for questions and chinese_questions alone",
    ):
        load_texts("entities", "bundled", repair=True)
    with pytest.raises(SettingError, match="'types' was given for 'reviews', and it is for entities alone"):
        load_texts("reviews", "bundled", types=["PER"])


def test_a_scheme_of_tags_can_be_given(tmp_path):
    (tmp_path / "train.txt").write_text("Ada I-PER\nlived O\n\nAda B-PER\nlived O\n")
    with pytest.raises(DataFileError, match="--scheme iob1"):
        load_texts("entities", tmp_path)
    assert load_texts("entities", tmp_path, scheme="iob1")["train"]["tags"][0] == ["B-PER", "O"]


@pytest.mark.parametrize(
    ("lesson", "layout", "arguments", "missing"),
    [
        ("08", lambda folder: write(folder / "train.jsonl", REVIEW), (48,), "test"),
        ("09", lambda folder: write(folder / "train-v1.1.json", squad("1.1")), (), "validation"),
        ("10", lambda folder: write(folder / "eng.train", CONLL), (), "test"),
    ],
)
def test_a_lesson_says_which_part_is_missing_before_it_trains(tmp_path, lesson, layout, arguments, missing):
    layout(tmp_path)
    run_on = offered(lesson, **OF_EARLIER_CELLS, WindowSettings=dict)
    with pytest.raises(CourseError, match=f"there is no {missing} part"):
        run_on(tmp_path, ONCE, *arguments)


def test_lesson_10_runs_on_a_folder_of_tagged_sentences(tmp_path, model_folder):
    run_on = offered("10", **vars(entities) | OF_EARLIER_CELLS | {"encoder_folder": Path})
    scores = run_on(write_conll(tmp_path / "conll"), ONCE, model_folder)
    assert set(scores) == {"precision", "recall", "f1"}


LAYOUTS = {
    "reviews": (write_imdb, "test", "accuracy"),
    "questions": (lambda folder: write_squad(folder, "v2.0"), "validation", "f1"),
    "entities": (write_conll, "validation", "f1"),
}


@pytest.mark.parametrize("task", LAYOUTS)
def test_the_command_of_the_lessons_runs_on_files_in_the_official_layout(
    tmp_path, model_folder, task, capsys
):
    layout, part, metric = LAYOUTS[task]
    words = ["--encoder", str(model_folder), "--texts", str(layout(tmp_path / "texts")), "--max-length", "48"]
    words += ["--epochs", "1", "--batch-size", "4", "--save", str(tmp_path / "saved"), "--cpu"]
    assert cli.main(["finetune", task, *words]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["task"] == task and said["part"] == part and said["updates"] >= 1 and metric in said
    assert load_encoder(tmp_path / "saved").configuration.hidden_size == 32


# Windows and old editors --------------------------------------------------------------------------


def test_line_ends_and_byte_order_marks_of_windows_are_understood(tmp_path):
    write(tmp_path / "conll" / "train.txt", "\ufeff" + CONLL.replace("\n", "\r\n"))
    assert load_texts("entities", tmp_path / "conll")["train"]["tokens"][0][0] == "Ada"
    write(tmp_path / "squad" / "train-v1.1.json", "\ufeff" + squad("1.1"))
    assert len(load_texts("questions", tmp_path / "squad")["train"]) == 2


@pytest.mark.parametrize(
    ("name", "file", "content", "part"),
    [
        ("questions", "train-v1.1.json", squad("1.1").replace('"answer_start": 13', '"answer_start": 14'), "answers"),
        ("questions", "train-v2.0.json", squad("v2.0")[:-40], "JSON"),
        ("entities", "train.txt", CONLL.replace("lived VBD B-VP O", "lived VBD B-VP X-Y"), "line 4"),
        ("reviews", "train.jsonl", '{"text": "It was good."}\n', "label"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_place(tmp_path, name, file, content, part):
    write(tmp_path / file, content)
    with pytest.raises(DataFileError, match=part) as caught:
        load_texts(name, tmp_path)
    assert file in str(caught.value) and "\n" not in str(caught.value)
