"""The fast tokenizer of a model folder, against transformers', and folders without a usable one."""

from __future__ import annotations

import shutil

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import BertTokenizer

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import WeightsError

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
    with pytest.raises(WeightsError, match=r"vocab\.txt is not a whole tokenizer file \(sep_token not found"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    whole = (bundled_weights_folder(verify=False) / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(whole[:1000], encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json is not a whole tokenizer file"):
        load_tokenizer(tmp_path)
