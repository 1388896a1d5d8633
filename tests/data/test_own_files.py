"""Your own files, in the official layout of the set they stand for: from a path to a prediction, as in the lessons."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from course_lib.bert.inputs import SpecialIds, pack, pad_batch
from course_lib.bert.loading import load_encoder
from course_lib.data.readers import read_cmrc, read_glue, read_swag
from course_lib.data.sources import load_texts
from course_lib.errors import DataFileError
from course_lib.finetuning import classification, entities, question_answering
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune

sys.path.append(str(Path(__file__).parent))
from tiny_bert import tiny_bert

ONCE = TrainingConfiguration(epochs=1, batch_size=4)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A model folder of one's own, given by path too."""
    folder = tmp_path_factory.mktemp("model")
    for name, content in tiny_bert(folder).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def tokenizer(model_folder):
    return classification.load_tokenizer(model_folder)


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


def test_imdb(tmp_path, model_folder, tokenizer):
    folder = tmp_path / "aclImdb"
    for split in ("train", "test"):
        for kind, rating in (("neg", 2), ("pos", 9)):
            for number in range(3):
                text = f"The film was {'good' if kind == 'pos' else 'bad'}.<br /><br />It was film {number}."
                write(folder / split / kind / f"{number}_{rating}.txt", text)
    write(folder / "train" / "unsup" / "0_0.txt", "Nobody has rated this.")
    for name in ("imdb.vocab", "imdbEr.txt", "README", "train/urls_pos.txt", "train/labeledBow.feat"):
        write(folder / name, "as in the archive\n")
    data = load_texts("reviews", folder)
    assert {split: len(rows) for split, rows in data.items() if split != "unsupervised"} == {
        "train": 6,
        "test": 6,
    }
    assert sorted(data["train"]["label"]) == [0, 0, 0, 1, 1, 1]
    classify(data["train"], model_folder, tokenizer, 2)


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


@pytest.mark.parametrize(("version", "count"), [("1.1", 2), ("v2.0", 3)])
def test_squad(tmp_path, model_folder, tokenizer, version, count):
    for name in (f"train-{version}.json", f"dev-{version}.json"):
        write(tmp_path / "squad" / name, squad(version))
    data = load_texts("questions", tmp_path / "squad")
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


def test_conll(tmp_path, model_folder, tokenizer):
    for name, split in (("eng.train", "train"), ("eng.testa", "validation"), ("eng.testb", "test")):
        write(tmp_path / "conll" / name, CONLL)
        assert split in load_texts("entities", tmp_path / "conll")
    write(tmp_path / "conll" / "README", "as in the archive\n")
    data = load_texts("entities", tmp_path / "conll")
    assert list(data) == ["train", "validation", "test"]
    rows = data["train"]
    assert rows["tags"][:] == [["B-PER", "O", "O", "B-LOC", "O"], ["B-LOC", "B-ORG", "O", "O"]]  # from IOB1
    features = entities.entity_features(rows["tokens"], tokenizer, rows["tags"])
    model = entities.entity_model(source=model_folder)
    fine_tune(model, entities.model_inputs(features), entities.entity_loss, ONCE, progress=False)
    predicted = entities.predict_tags(model, features)
    assert [len(tags) for tags in predicted] == [5, 4]
    assert set(entities.entity_scores(rows["tags"], predicted)) == {"precision", "recall", "f1"}
    assert len(load_texts("entities", tmp_path / "conll" / "eng.train")["test"]) == 2  # one file alone


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
    encode_pairs(rows["sentence1"], rows["sentence2"], model_folder, tokenizer)


def encode_pairs(first, second, folder, tokenizer):
    """Pack pairs and encode them: one state of [CLS] a pair."""
    special = SpecialIds.from_vocabulary(tokenizer.get_vocab())
    ids = [
        [encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        for texts in (first, second)
    ]
    batch = pad_batch([pack(a, b, special=special, max_length=32) for a, b in zip(*ids)], special.pad_id)
    output = load_encoder(folder)(batch.input_ids, batch.token_type_ids, batch.attention_mask)
    assert output.pooled_output.shape == (len(ids[0]), 32) and output.pooled_output.isfinite().all()


SWAG = """,video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label
0,v_1,10,"Ada sat down, at last. She",Ada sat down at last.,She,gold,wrote it.,was a film.,"lived, in London.",was bad.,0
1,v_1,11,It was good. The film,It was good.,The film,gen,was Ada.,was in London.,wrote.,was good.,3
"""


def test_swag(tmp_path, model_folder, tokenizer):
    rows = read_swag(write(tmp_path / "swag" / "train.csv", SWAG))
    assert rows["label"][:] == [0, 3] and rows[0]["endings"][2] == "lived, in London."
    first = [row["sent1"] for row in rows for _ in range(4)]
    second = [f"{row['sent2']} {ending}" for row in rows for ending in row["endings"]]
    encode_pairs(first, second, model_folder, tokenizer)


CHINESE = "艾达住在伦敦。她在那里写了一本书，书里讲的是一条河。"


def test_cmrc(tmp_path, model_folder, tokenizer):
    questions = [
        {
            "id": "DEV_0_QUERY_0",
            "question": "艾达住在哪里？",
            "answers": [{"text": "伦敦", "answer_start": CHINESE.index("伦敦")}] * 3,
        }
    ]
    paragraphs = [{"id": "DEV_0", "context": CHINESE, "qas": questions}]
    document = {"version": "v1.0", "data": [{"id": "DEV_0", "title": "艾达", "paragraphs": paragraphs}]}
    rows = read_cmrc(write(tmp_path / "cmrc2018_dev.json", json.dumps(document, ensure_ascii=False)))
    assert rows[0]["answers"]["text"][0] == "伦敦"
    answer(rows, model_folder, tokenizer)


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
