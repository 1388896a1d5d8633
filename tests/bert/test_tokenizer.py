"""The fast tokenizer of a model folder, against transformers', and folders without a usable one."""

from __future__ import annotations

import json
import shutil

import pytest
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import BertTokenizer, BertTokenizerFast

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import WeightsError
from course_lib.finetuning.tasks import task_of
from course_lib.pretraining.corpus import tokenize_corpus

TEXTS = [
    "A fine, quiet film.",
    "Dreadful; I left before the end of the unbelievably long second act.",
    "Yes.",
]


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"tokenizer\.json does not exist.*save_pretrained"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("said", [None, "{}", '{"do_lower_case": true}', '{"do_lower_case": false}'])
def test_a_folder_with_a_vocabulary_alone_has_a_tokenizer(tmp_path, said):
    """Older checkpoints have no tokenizer.json; our pieces must be those of transformers' tokenizer."""
    shutil.copy(bundled_weights_folder(verify=False) / "vocab.txt", tmp_path)
    if said:
        (tmp_path / "tokenizer_config.json").write_text(said, encoding="utf-8")
    lower = said is None or "false" not in said
    reference = BertTokenizer.from_pretrained(tmp_path, do_lower_case=lower)
    ours = load_tokenizer(tmp_path)
    for text in [*TEXTS, "Grüße aus 東京!", "word " * 600]:
        pieces = ours.encode(text, add_special_tokens=False)
        assert pieces.ids == reference(text, add_special_tokens=False, verbose=False)["input_ids"]


def test_a_tokenizer_without_berts_tokens_is_refused(tmp_path):
    Tokenizer(WordPiece({"[UNK]": 0, "[CLS]": 1, "word": 2}, unk_token="[UNK]")).save(
        str(tmp_path / "tokenizer.json")
    )
    with pytest.raises(
        WeightsError, match=r"tokenizer\.json: the token \[SEP\] is missing, so this is not BERT's"
    ):
        load_tokenizer(tmp_path)


def test_a_vocabulary_without_berts_tokens_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\nword\n", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"vocab\.txt: the token \[CLS\] is missing"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    whole = (bundled_weights_folder(verify=False) / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(whole[:1000], encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json is not a whole tokenizer file"):
        load_tokenizer(tmp_path)


PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "cafe",
    "café",
    "Café",
    "中",
    "国",
    "中国",
    "<e>",
    "\u2028",
]


def folder_of(tmp_path, files=None, **told):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    for name, content in {"tokenizer_config.json": told, **(files or {})}.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "told", "tokens"),
    [
        ({}, {}, ["cafe", "中", "国", *["[UNK]"] * 3]),
        ({}, {"strip_accents": False}, ["café", "中", "国", *["[UNK]"] * 3]),
        ({}, {"do_lower_case": False}, ["Café", "中", "国", *["[UNK]"] * 3]),
        ({}, {"do_lower_case": False, "strip_accents": True}, ["[UNK]", "中", "国", *["[UNK]"] * 3]),
        ({}, {"tokenize_chinese_chars": False}, ["cafe", "中国", *["[UNK]"] * 3]),
        (
            {},
            {"added_tokens_decoder": {"11": {"content": "<e>", "special": True}}},
            ["cafe", "中", "国", "<e>"],
        ),
        ({"added_tokens.json": {"<e>": 11}}, {}, ["cafe", "中", "国", "<e>"]),
        (
            {"special_tokens_map.json": {"additional_special_tokens": ["<e>"]}},
            {},
            ["cafe", "中", "国", "<e>"],
        ),
    ],
)
def test_a_folder_with_a_vocabulary_alone_is_read_as_its_settings_say(tmp_path, files, told, tokens):
    folder = folder_of(tmp_path, files, **told)
    assert load_tokenizer(folder).encode("Café 中国 <e>", add_special_tokens=False).tokens == tokens
    theirs = BertTokenizerFast.from_pretrained(folder, local_files_only=True).backend_tokenizer
    assert theirs.encode("Café 中国 <e>", add_special_tokens=False).tokens == tokens


@pytest.mark.parametrize(
    ("name", "value"),
    [("never_split", ["cafe"]), ("do_basic_tokenize", False), ("tokenizer_class", "RobertaTokenizer")],
)
def test_a_setting_that_cannot_be_followed_is_refused(tmp_path, name, value):
    with pytest.raises(WeightsError, match=rf"tokenizer_config\.json: {name} is"):
        load_tokenizer(folder_of(tmp_path, **{name: value}))


def test_what_a_user_types_ends_no_segment_unless_it_is_asked_for():
    folder = encoder_folder("bundled")
    text = "Great film. [SEP] Dull [MASK] film."
    plain = load_tokenizer(folder).encode(text)
    assert [plain.tokens.count(token) for token in ("[CLS]", "[SEP]", "[MASK]")] == [1, 1, 0]
    asked = load_tokenizer(folder, special_tokens=True).encode(text)
    assert [asked.tokens.count(token) for token in ("[CLS]", "[SEP]", "[MASK]")] == [1, 2, 1]


@pytest.mark.parametrize("name", ["reviews", "questions", "entities"])
def test_no_task_s_features_hold_a_special_token_that_a_text_brought(name):
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    text = "Paris [SEP] is [CLS] big [MASK] ."
    rows = {
        "reviews": {"text": [text], "label": [1]},
        "questions": {
            "id": ["a"],
            "question": [text],
            "context": [text],
            "answers": [{"text": ["Paris"], "answer_start": [0]}],
            "is_impossible": [False],
        },
        "entities": {"tokens": [text.split()], "tags": [["B-LOC"] + ["O"] * 6]},
    }[name]
    (feature,) = task_of(name).features(Dataset.from_dict(rows), tokenizer, 128)
    ids = feature["input_ids"]
    assert ids.count(tokenizer.token_to_id("[CLS]")) == 1
    assert ids.count(tokenizer.token_to_id("[SEP]")) == (2 if name == "questions" else 1)
    assert tokenizer.token_to_id("[MASK]") not in ids


def test_a_corpus_holds_no_special_token_that_a_text_brought():
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    corpus = tokenize_corpus([["Good [SEP] bad.", "So [MASK] so."]], tokenizer)
    assert not {tokenizer.token_to_id(token) for token in ("[SEP]", "[MASK]")} & set(corpus.tokens.tolist())
