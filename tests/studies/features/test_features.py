"""The study of features: the cache, the taggers on it, adapters and LoRA, the probes, and a short recording."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.bert.heads import IGNORED, token_classification_head
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError
from course_lib.finetuning.entities import (
    TAGS,
    entity_features,
    entity_loss,
    model_inputs,
    pad_entities,
)
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.studies.features import study
from course_lib.studies.features.adapters import (
    LowRankLinear,
    add_adapters,
    add_lora,
    merge_lora,
    train_last_blocks,
    trainable_parameters,
    training_bytes,
)
from course_lib.studies.features.cache import (
    join_documents,
    open_states,
    save_states,
    split_by_sentence,
)
from course_lib.studies.features.probes import pooled_states, probe
from course_lib.studies.features.tagger import (
    ROWS,
    BiLSTMTagger,
    Features,
    LayerMix,
    TaggerTraining,
    tag_words,
    train_tagger,
    word_batch,
)

SENTENCES = [["Ann", "Leeds", "came", "to", "Graz", "."], ["It", "rained", "."], ["Unforgettably", "so", "!"]]
SETTINGS = settings(deadline=None, max_examples=60, database=None, suppress_health_check=list(HealthCheck))
NAMES = [["B-PER", "I-PER", "O", "O", "B-LOC", "O"], ["O", "O", "O"], ["O", "O", "O"]]
DOCUMENTS = [0, 0, 1]


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(encoder_folder("bundled"))


@pytest.fixture(scope="module")
def features(tokenizer):
    return entity_features(SENTENCES, tokenizer, NAMES)


@pytest.fixture(scope="module")
def encoder():
    encoder = load_encoder(encoder_folder("bundled"))
    del encoder.blocks[2:]
    encoder.configuration = replace(encoder.configuration, num_hidden_layers=2)
    return encoder.eval()


@pytest.fixture
def cache(encoder, features, tmp_path):
    return save_states(encoder, features, tmp_path)


def model_of(encoder):
    """Return a model for entities on two blocks, with weights of its own."""
    own = deepcopy(encoder).requires_grad_(True)
    return TaskModel(
        own, token_classification_head(own.configuration, len(TAGS)), pooled=False, labels=TAGS
    ).eval()


# The cache ----------------------------------------------------------------------------------------


def test_the_cache_holds_what_a_fresh_forward_gives(encoder, features, cache):
    assert cache.states.shape == (3, 12, 384) and isinstance(cache.states, np.memmap)
    assert cache.starts.tolist() == [0, 6, 9, 12] and cache.bytes == 3 * 12 * 384 * 4
    for row, feature in enumerate(features):
        ids = torch.tensor([feature["input_ids"]])
        with torch.no_grad():
            fresh = torch.stack(encoder(ids, output_hidden_states=True).hidden_states)[:, 0]  # (3, T, H)
        stored = cache.layers([0, 1, 2])[:, cache.starts[row] : cache.starts[row + 1]]
        # A row alone and a row in a padded batch are rounded differently; the states are of size 1.
        assert (fresh[:, feature["first_pieces"]] - stored).abs().max() < 5e-6


def test_the_cache_is_the_forward_of_the_same_batch_to_the_last_digit(encoder, features, cache):
    batch = pad_entities(sorted(model_inputs(features), key=lambda row: -len(row["input_ids"])))
    with torch.no_grad():
        fresh = encoder(batch["input_ids"], None, batch["attention_mask"]).last_hidden_state
    order = sorted(range(3), key=lambda row: -len(features[row]["input_ids"]))
    for place, row in enumerate(order):
        words = fresh[place, features[row]["first_pieces"]]
        assert (words - cache.layers([-1])[0][cache.starts[row] : cache.starts[row + 1]]).abs().max() <= 1e-6


def test_half_precision_takes_half_the_space_and_three_digits(encoder, features, cache, tmp_path):
    half = save_states(encoder, features, tmp_path / "half", dtype="float16")
    assert 2 * half.bytes == cache.bytes
    difference = (half.layers([0, 1, 2]) - cache.layers([0, 1, 2])).abs()
    assert 0 < difference.max() < 4e-3


def test_layers_count_from_both_ends(cache):
    assert torch.equal(cache.layers([-1, 0]), cache.layers([2, 0]))
    for wrong in ([3], [-4], []):
        with pytest.raises(CourseError, match=r"the embeddings \(0\) and layers 1 to 2"):
            cache.layers(wrong)


def test_a_cache_that_cannot_be_made_or_read_is_named(encoder, features, tmp_path):
    with pytest.raises(CourseError, match=r"can't be kept as 'float8'. Choose one of: float16, float32"):
        save_states(encoder, features, tmp_path, dtype="float8")
    with pytest.raises(CourseError, match="There is no word"):
        save_states(encoder, [], tmp_path)
    with pytest.raises(CourseError, match="can't be read"):
        open_states(tmp_path / "nowhere")
    (tmp_path / "states.npy").write_bytes(b"half a file")
    with pytest.raises(CourseError, match="Make them again"):
        open_states(tmp_path)


def test_the_encoder_stays_in_the_mode_it_was_in(encoder, features, tmp_path):
    encoder.train()
    first = save_states(encoder, features, tmp_path / "a").layers([-1])
    assert encoder.training
    encoder.eval()
    assert torch.equal(save_states(encoder, features, tmp_path / "b").layers([-1]), first)  # no dropout


# Documents ----------------------------------------------------------------------------------------


def test_a_document_is_one_row_with_one_start_and_one_end(features):
    rows = join_documents(features, DOCUMENTS)
    first, second, third = (feature["input_ids"] for feature in features)
    assert [row["input_ids"] for row in rows] == [first[:-1] + second[1:], third]
    assert [row["sentence_words"] for row in rows] == [[6, 3], [3]]
    for row in rows:
        assert len(row["labels"]) == len(row["input_ids"])
        carrying = [place for place, label in enumerate(row["labels"]) if label != IGNORED]
        assert carrying == row["first_pieces"]
    tags = [[TAGS[row["labels"][place]] for place in row["first_pieces"]] for row in rows]
    assert split_by_sentence(rows, tags) == NAMES


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1), st.integers(11, 30))
def test_rows_keep_every_word_and_stay_within_the_length(sentences, max_length):
    made, documents, document = [], [], 0
    for number, (words, new) in enumerate(sentences):
        document += new
        documents.append(document)
        ids = [101, *(1000 * number + word for word in range(words)), 102]
        labels = [IGNORED, *[0] * words, IGNORED]
        made.append({"input_ids": ids, "labels": labels, "first_pieces": list(range(1, words + 1))})
    rows = join_documents(made, documents, max_length)
    assert all(len(row["input_ids"]) <= max_length for row in rows)
    read = [row["input_ids"][place] for row in rows for place in row["first_pieces"]]
    assert read == [ids for feature in made for ids in feature["input_ids"][1:-1]]
    assert sum(len(row["sentence_words"]) for row in rows) == len(sentences)
    assert len(rows) >= len(set(documents))


def test_a_document_changes_the_states_but_not_the_place_of_a_word(encoder, features, cache, tmp_path):
    rows = join_documents(features, DOCUMENTS)
    with_document = save_states(encoder, rows, tmp_path / "documents")
    assert with_document.starts.tolist() == cache.starts.tolist()
    alone, together = cache.layers([-1])[0], with_document.layers([-1])[0]
    assert (alone[:9] - together[:9]).abs().amax(dim=1).min() > 1e-3  # every word of two sentences joined
    assert (alone[9:] - together[9:]).abs().max() < 5e-6  # a document of one sentence is that sentence


def test_documents_have_to_pair_up(features):
    with pytest.raises(CourseError, match="3 sentences and 1 document numbers"):
        join_documents(features, [0])


# Taggers ------------------------------------------------------------------------------------------


@SETTINGS
@given(st.lists(st.floats(-20, 20), min_size=1, max_size=13))
def test_the_weights_of_a_mix_sum_to_one(scores):
    mix = LayerMix(len(scores))
    with torch.no_grad():
        mix.scores.copy_(torch.tensor(scores))
    assert mix.weights().sum().item() == pytest.approx(1.0, abs=1e-6) and (mix.weights() >= 0).all()


def test_a_mix_begins_as_the_mean_and_can_pick_one_layer():
    states = torch.randn(2, 4, 5, 3)  # (B, layers, T, H)
    mix = LayerMix(4)
    torch.testing.assert_close(mix(states), states.mean(dim=1))
    with torch.no_grad():
        mix.scores[2] = 50.0
        mix.scale.fill_(2.0)
    torch.testing.assert_close(mix(states), 2 * states[:, 2])


@pytest.mark.parametrize(("name", "width"), [("last hidden", 384), ("concat of last four", 1536)])
def test_a_tagger_reads_the_layers_of_its_row(name, width):
    model = BiLSTMTagger(ROWS[name], 384, hidden=8)
    assert model.lstm.input_size == width and model.mix is None
    assert model(torch.randn(2, width // 384, 5, 384), torch.tensor([5, 3])).shape == (2, 5, len(TAGS))


def test_the_papers_tagger_is_as_large_as_the_encoder_it_reads(encoder):
    """Two layers of 768 in each direction: the reason why a cache alone doesn't make training cheap."""
    model = BiLSTMTagger(ROWS["last hidden"], 384)
    assert (model.lstm.hidden_size, model.lstm.num_layers, model.lstm.bidirectional) == (768, 2, True)
    assert sum(p.numel() for p in model.parameters()) > 20e6


def test_only_a_learned_mix_is_trained(cache):
    labels = [[TAGS.index(tag) for tag in row] for row in NAMES]
    training = TaggerTraining(hidden=4, epochs=3, learning_rate=0.1)
    for join, moves in (("mix", True), ("mean", False)):
        model, cost = train_tagger(Features((0, 1, 2), join), cache, labels, training)
        assert (model.mix.weights().std() > 1e-4) == moves
        others = sum(p.numel() for p in model.parameters()) - 4
        assert cost["trainable"] == others + 4 * moves


def test_padding_changes_no_score(cache):
    torch.manual_seed(0)
    model = BiLSTMTagger(Features((-1,)), 384, hidden=8).eval()
    layers = cache.layers([-1])
    with torch.no_grad():
        together = model(*word_batch(layers, cache.starts, [0, 1, 2])[:2])
        for row in range(3):
            states, lengths, words = word_batch(layers, cache.starts, [row])
            assert words[0].tolist() == list(range(cache.starts[row], cache.starts[row + 1]))
            torch.testing.assert_close(together[row, : lengths[0]], model(states, lengths)[0])


def test_a_tagger_learns_its_sentences_and_never_calls_the_encoder(cache, monkeypatch):
    monkeypatch.setattr("course_lib.bert.encoder.BertEncoder.forward", lambda *a, **k: 1 / 0)
    labels = [[TAGS.index(tag) for tag in row] for row in NAMES]
    training = TaggerTraining(hidden=16, epochs=40, learning_rate=0.02, dropout=0.0)
    model, cost = train_tagger(Features((-1,)), cache, labels, training)
    assert tag_words(model, cache) == NAMES
    assert cost["losses"][-1] < 0.1 < cost["losses"][0]


def test_empty_sentences_get_no_tag(encoder, tokenizer, tmp_path):
    rows = entity_features([["Graz"], [], ["Ann"]], tokenizer, [["B-LOC"], [], ["B-PER"]])
    cache = save_states(encoder, rows, tmp_path)
    model, _ = train_tagger(Features((0,)), cache, [[1], [], [2]], TaggerTraining(hidden=2, epochs=1))
    assert [len(row) for row in tag_words(model, cache)] == [1, 0, 1]


def test_labels_and_joins_that_do_not_fit_are_named(cache):
    with pytest.raises(CourseError, match="Give one label a word"):
        train_tagger(Features((0,)), cache, [[0], [0], [0]], TaggerTraining())
    with pytest.raises(CourseError, match=r"can't be joined by 'max'. Choose: concat, mix, mean"):
        BiLSTMTagger(Features((0,), "max"), 384)


# Adapters and LoRA --------------------------------------------------------------------------------


@pytest.mark.parametrize("add", [add_adapters, add_lora])
def test_a_model_begins_as_it_was(encoder, features, add):
    model, batch = model_of(encoder), pad_entities(model_inputs(features))
    with torch.no_grad():
        before = model(batch)
        add(model.encoder)
        assert torch.equal(model.eval()(batch), before)


@pytest.mark.parametrize("add", [add_adapters, add_lora])
def test_training_moves_what_was_added_and_nothing_else(encoder, features, add):
    torch.manual_seed(0)
    model = model_of(encoder)
    add(model.encoder)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    run = TrainingConfiguration(epochs=2, batch_size=2, learning_rate=1e-2, frozen="as it is")
    fine_tune(model, model_inputs(features), entity_loss, run, collate=pad_entities, progress=False)
    for name, parameter in model.named_parameters():
        added = any(part in name for part in (".down", ".up", "_norm", "head"))
        added &= add is add_adapters or "_norm" not in name
        assert parameter.requires_grad == added, name
        assert torch.equal(parameter, before[name]) != added, name


def test_merged_lora_equals_unmerged(encoder, features):
    torch.manual_seed(0)
    model, batch = model_of(encoder), pad_entities(model_inputs(features))
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        plain = model(batch)
        add_lora(model.encoder, rank=3)
        for module in model.modules():
            if isinstance(module, LowRankLinear):
                nn.init.normal_(module.up, std=0.02)
        unmerged = model(batch)
        merge_lora(model.encoder)
        merged = model(batch)
    assert (unmerged - plain).abs().max() > 1e-2
    assert (merged - unmerged).abs().max() < 1e-5
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == shapes


def test_lora_takes_as_many_parameters_as_its_formula_says(encoder):
    model = model_of(encoder)
    add_lora(model.encoder, rank=4)
    H, wide = 384, 1536
    a_block = 4 * ((H + 3 * H) + (H + H) + (H + wide) + (wide + H))
    assert trainable_parameters(model.encoder) == 2 * a_block
    assert trainable_parameters(model) == 2 * a_block + (H + 1) * len(TAGS)


def test_lora_and_adapters_are_within_two_percent():
    """Six blocks, with the head, against all parameters of MiniLM."""
    for name in ("LoRA", "adapters"):
        model = study.prepared_model(study.CONFIGURATION.methods[name], 0)
        trained = trainable_parameters(model)
        assert trained / (sum(p.numel() for p in model.parameters()) - trained) < 0.02


@pytest.mark.parametrize("count", [0, 1, 2])
def test_last_blocks_are_free_and_the_rest_is_not(encoder, count):
    model = model_of(encoder)
    train_last_blocks(model.encoder, count)
    free = {name.split(".")[1] for name, p in model.encoder.named_parameters() if p.requires_grad}
    assert free == {str(number) for number in range(2 - count, 2)}
    assert model.head.weight.requires_grad


@pytest.mark.parametrize("count", [3, -1, True, 1.0])
def test_blocks_that_are_not_there_are_refused(encoder, count):
    with pytest.raises(CourseError, match=r"the encoder has 2. Give 0 to 2"):
        train_last_blocks(model_of(encoder).encoder, count)


@pytest.mark.parametrize("add", [add_adapters, add_lora])
def test_widths_and_second_helpings_are_refused(encoder, add):
    model = model_of(encoder)
    for wrong in (0, -4, 2.0, True):
        with pytest.raises(CourseError, match="Give a whole number from 1 up"):
            add(model.encoder, wrong)
    add(model.encoder, 2)
    for again in (add_adapters, add_lora):
        with pytest.raises(CourseError, match="carries adapters or LoRA already"):
            again(model.encoder)


def test_memory_falls_with_the_depth_of_the_gradient_not_with_the_parameters(encoder, features):
    """LoRA stores few numbers for the optimizer, and still needs the activations of all blocks."""
    batch, needed = pad_entities(model_inputs(features)), {}
    for name, prepare in {
        "head": lambda body: train_last_blocks(body, 0),
        "last": lambda body: train_last_blocks(body, 1),
        "all": lambda body: train_last_blocks(body, 2),
        "lora": lambda body: add_lora(body, 2),
    }.items():
        model = model_of(encoder)
        prepare(model.encoder)
        needed[name] = training_bytes(model, batch)
        assert needed[name]["optimizer"] == 12 * trainable_parameters(model)
        assert not model.training
    activations = {name: found["activations"] for name, found in needed.items()}
    assert activations["head"] < activations["last"] < activations["all"]
    assert activations["lora"] > 0.8 * activations["all"]
    assert needed["lora"]["optimizer"] < 0.02 * needed["all"]["optimizer"]


# Probes -------------------------------------------------------------------------------------------


def test_pooled_states_leave_the_padding_out(encoder, features):
    together = pooled_states(encoder, features)
    for row, feature in enumerate(features):
        with torch.no_grad():
            output = encoder(torch.tensor([feature["input_ids"]]), output_hidden_states=True)
        states = torch.stack(output.hidden_states)[:, 0]  # (3, T, H)
        for pooling, value in {"[CLS]": states[:, 0], "mean": states.mean(dim=1)}.items():
            np.testing.assert_allclose(together[pooling][:, row], value.numpy(), atol=5e-6)
        np.testing.assert_allclose(together["pooler"][0, row], output.pooled_output[0].numpy(), atol=5e-6)


def test_a_probe_finds_a_direction_and_refuses_one_class():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(300, 10))
    labels = (vectors[:, 3] > 0).astype(int)
    assert (probe(vectors[:200], labels[:200], vectors[200:]) == labels[200:]).mean() > 0.9
    with pytest.raises(CourseError, match="one label, so there is nothing to tell apart"):
        probe(vectors, [1] * 300, vectors)
    with pytest.raises(CourseError, match="300 vectors and 2 labels"):
        probe(vectors, [0, 1], vectors)
    with pytest.raises(CourseError, match="no text to read"):
        pooled_states(None, [])


# The study ----------------------------------------------------------------------------------------


def test_the_first_documents_are_taken_whole():
    parts = study.entity_parts(3)
    assert sorted(set(parts["train"].documents)) == [0, 1, 2] and len(set(parts["test"].documents)) == 23
    everything = load_texts("entities", "bundled")["train"]
    assert len(parts["train"].features) == sum(document < 3 for document in everything["document"])
    for wrong in (0, 106):
        with pytest.raises(CourseError, match=f"{wrong} training documents are asked for"):
            study.entity_parts(wrong)


def test_a_method_that_does_not_exist_is_named():
    with pytest.raises(
        CourseError, match=r"no method 'prefix'. Choose one of: last, adapters, lora, everyth"
    ):
        study.prepared_model(study.Method("prefix", 1, (1e-3,)), 0)


def few_texts(name: str, source: str):
    """Return the first rows of each part of the bundled texts."""
    return {split: rows.select(range(12)) for split, rows in load_texts(name, source).items()}


def test_a_short_recording_has_every_row_and_is_resumed(monkeypatch, runner, encoder, tmp_path):
    monkeypatch.setattr(study, "load_texts", few_texts)
    monkeypatch.setattr(study, "run_probes", lambda run, seed: {"mean": [float(run.review_length)]})
    cached = {}

    def states(part, context, max_length=512):
        key = context, str([feature["input_ids"] for feature in part.features])
        if key not in cached:
            folder = tmp_path / str(len(cached))
            cached[key] = save_states(encoder, study.rows_of(part, context), folder)
        return cached[key]

    monkeypatch.setattr(study, "cached_states", states)
    monkeypatch.setattr(study, "measure_cache", lambda run, seed: {"context": run.context})
    monkeypatch.setattr(study, "entity_model", lambda source: model_of(encoder))
    c, blocks = study.CONFIGURATION, {"all blocks": 2}
    names = ("head alone", "LoRA", "all blocks", "everything")
    methods = {
        name: replace(
            c.methods[name], rates=c.methods[name].rates[:1], size=blocks.get(name, c.methods[name].size)
        )
        for name in names
    }
    mixed, joined = Features((0, 1, 2), "mix"), Features((-2, -1))
    c = replace(
        c,
        rows={"weighted sum of last four": mixed, "concat of last four": joined},
        tagger=replace(c.tagger, epochs=1, hidden=4),
        paper_tagger=replace(c.paper_tagger, epochs=1, hidden=5),
        methods=methods,
        training=replace(c.training, epochs=1),
        documents=1,
        seeds=(1, 2),
    )
    found = study.record(c, runner)
    assert list(found["features"]["document"]) == list(c.rows)
    mixed = found["features"]["sentence"]["weighted sum of last four"]
    assert len(mixed["test"]) == 2 and [len(weights) for weights in mixed["weights"]] == [3, 3]
    assert set(mixed["search"]) == {"0.003", "0.01"} and mixed["rate"] in c.tagger_rates
    assert [len(found["methods"][name]["test"]) for name in names] == [2, 2, 2, 1]
    trained = [found["methods"][name]["trainable"] for name in names]
    assert trained == sorted(trained) and len(set(trained)) == 4
    assert len(found["paper_tagger"]["test"]) == 1 and found["caches"]["document"] == {"context": "document"}
    monkeypatch.setattr(study, "run_method", lambda run, seed: 1 / 0)
    monkeypatch.setattr(study, "run_tagger", lambda run, seed: 1 / 0)
    assert study.record(c, runner) == found
