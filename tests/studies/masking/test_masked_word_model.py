"""The recorded masked-word model: it loads, fills masks as its record says, and is refused when damaged."""

import pytest
import torch

from course_lib.bert.loading import read_tensors, write_tensors
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CheckpointError, WeightsError
from course_lib.pretraining.masking import MaskingVocabulary
from course_lib.studies.masking.masked_word_model import (
    CHECKPOINT,
    load_masked_word_model,
    new_model,
)
from course_lib.studies.records import load_record


def test_it_fills_a_plain_gap():
    tokenizer, model = load_tokenizer(bundled_weights_folder(), special_tokens=True), load_masked_word_model()
    encoding = tokenizer.encode("He won the Nobel [MASK] in 1921.")
    with torch.no_grad():
        scores = model(torch.tensor([encoding.ids]))[0, encoding.tokens.index("[MASK]")]
    assert tokenizer.id_to_token(int(scores.argmax())) == "prize"


def test_its_record_is_far_above_the_unigram_baseline():
    results = load_record("mlm-head")["results"]
    assert results["curve"][-1]["accuracy"] > 4 * results["unigram_accuracy"]
    assert abs(results["stored"]["accuracy"] - results["curve"][-1]["accuracy"]) < 0.01


def test_a_damaged_checkpoint_is_refused(tmp_path):
    whole = (CHECKPOINT / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="truncated"):
        load_masked_word_model(tmp_path)


def test_a_checkpoint_of_another_encoder_is_refused(tmp_path):
    tensors = read_tensors(CHECKPOINT / "model.safetensors")
    tensors.pop("head.transform.weight")
    write_tensors(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="mlm-head"):
        load_masked_word_model(tmp_path)


def test_a_new_model_starts_at_the_words_frequencies():
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    vocabulary = MaskingVocabulary.from_tokens(
        [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    )
    sequences = torch.tensor([tokenizer.encode(text).ids for text in ("the cat sat", "the dog sat")])
    the, cat, fish, cls = map(tokenizer.token_to_id, ("the", "cat", "fish", "[CLS]"))
    shares = new_model(sequences, vocabulary).head.decoder.bias.softmax(0).double()
    whole = 6 + 0.1 * len(shares)  # six words, and a tenth of a word for each piece
    counts = {the: 2, cat: 1, fish: 0, cls: 0}  # [CLS] stands in both, and is never hidden
    for piece, count in counts.items():
        assert shares[piece].item() == pytest.approx((count + 0.1) / whole, rel=1e-4)
