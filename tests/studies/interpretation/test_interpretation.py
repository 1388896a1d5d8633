"""Looking inside: heads, attributions, tests of explanations, probes, removal, surrogate rules and fairness."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import READINGS, sequence_classification_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.fairness import load_fairness
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError, SettingError
from course_lib.finetuning.classification import class_probabilities, classification_features
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.saving import load_saved, save_model
from course_lib.studies.interpretation import attributions, fairness, faithfulness, heads, probes, removal
from course_lib.studies.interpretation.surrogate import fit_surrogate

TEXT = "The jokes are stale, the jokes are old, and unputdownable it isn't."


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(encoder_folder("bundled"))


def small_model(reads: str = "pooler", seed: int = 3, classes: int = 2) -> TaskModel:
    torch.manual_seed(seed)
    configuration = BertConfiguration(
        vocab_size=30522,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=48,
        initializer_range=0.4,  # large enough that scores differ
    )
    head = sequence_classification_head(configuration, classes)
    return TaskModel(BertEncoder(configuration), head, pooled=True, reads=reads).eval()


def ids_of(tokenizer, text: str = TEXT) -> torch.Tensor:
    (feature,) = classification_features([text], tokenizer)
    return torch.tensor([feature["input_ids"]])  # (1, T)


# heads


def test_targets_are_those_of_a_loop(tokenizer):
    ids = ids_of(tokenizer)[0].tolist()
    found = heads.pattern_targets(torch.tensor(ids), 101, 102)
    last = len(ids) - 1
    for i in range(len(ids)):
        word = 0 < i < last
        expected = {
            "previous token": {i - 1},
            "next token": {i + 1},
            "itself": {i},
            "same word elsewhere": {j for j in range(len(ids)) if ids[j] == ids[i] and j != i},
            "[CLS]": {0},
            "[SEP]": {last},
        }
        for pattern in heads.PATTERNS:
            targets = set(found[pattern][i].nonzero()[:, 0].tolist())
            assert targets == (expected[pattern] if word else set()), (pattern, i)


def test_an_even_head_gets_the_even_score(tokenizer):
    encoder = small_model().encoder
    for block in encoder.blocks:
        torch.nn.init.zeros_(block.attention.query_key_value.weight)  # all scores alike: even attention
    scores = heads.head_scores(encoder, tokenizer, [TEXT, "Old jokes."])
    for pattern in heads.PATTERNS:
        assert torch.allclose(scores.weight[pattern], torch.tensor(scores.even[pattern]), atol=1e-6), pattern
    # a word that occurs twice: the, jokes, are (twice each); the comma too
    assert scores.tokens["same word elsewhere"] == 8


def test_a_pattern_without_a_target_has_no_score(tokenizer):
    scores = heads.head_scores(small_model().encoder, tokenizer, ["Old jokes."])
    assert scores.weight["same word elsewhere"].isnan().all()
    with pytest.raises(CourseError, match="at least one"):
        heads.head_scores(small_model().encoder, tokenizer, [])


# attributions


@pytest.mark.parametrize("reads", READINGS)
def test_the_score_of_vectors_is_that_of_the_model(tokenizer, reads):
    model, ids = small_model(reads), ids_of(tokenizer)
    with torch.no_grad():
        scores = model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        found = attributions.score_of_vectors(model, 1)(model.encoder.embeddings.token(ids))
    assert torch.allclose(found, scores[:, 1] - scores[:, 0], atol=1e-5)


def test_log_odds_are_those_of_the_probability():
    scores = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    share = scores.softmax(-1)[:, 2]
    assert torch.allclose(attributions.log_odds(scores, 2), (share / (1 - share)).log(), atol=1e-5)


@pytest.mark.parametrize("baseline", attributions.BASELINES)
def test_integrated_gradients_are_captums_and_complete(tokenizer, baseline):
    from captum.attr import IntegratedGradients

    model, ids = small_model(), ids_of(tokenizer)
    score = attributions.score_of_vectors(model, 1)
    vectors = model.encoder.embeddings.token(ids).detach()
    empty = attributions.baseline_vectors(model, ids, tokenizer, baseline)
    ours = attributions.integrated_gradients(score, vectors, empty, steps=300, rows=64)
    theirs = IntegratedGradients(score).attribute(vectors, empty, n_steps=300, method="riemann_middle")
    assert torch.allclose(ours, theirs.sum(dim=-1)[0].float(), atol=1e-4)
    found = attributions.attribute(model, tokenizer, TEXT, 1, baseline=baseline, steps=300)
    assert abs(found.gap) < 0.02 * abs(found.values).sum()
    assert found.values[0] == found.values[-1] == 0  # [CLS] and [SEP] are in the baseline too


def test_a_misplaced_bracket_is_caught_unless_the_baseline_is_zero(tokenizer):
    model, ids = small_model(), ids_of(tokenizer)
    score, steps = attributions.score_of_vectors(model, 1), 200
    vectors = model.encoder.embeddings.token(ids).detach()
    gaps = {}
    for name, empty in (
        ("zero", torch.zeros_like(vectors)),
        ("[MASK]", attributions.baseline_vectors(model, ids, tokenizer, "[MASK]")),
    ):
        shares = ((torch.arange(steps) + 0.5) / steps)[:, None, None]
        wrong = attributions.gradients_at(score, empty + shares * vectors - empty)
        values = ((vectors - empty) * wrong.mean(dim=0)).sum()
        with torch.no_grad():
            gaps[name] = abs(float(values) - (score(vectors) - score(empty)).item())
        right = attributions.integrated_gradients(score, vectors, empty, steps=steps).sum()
        assert (abs(float(values) - float(right)) < 1e-3) == (name == "zero")
    assert gaps["[MASK]"] > 5 * gaps["zero"]


def test_gradient_times_input_is_the_value_of_a_linear_score():
    vectors = torch.randn(1, 4, 3)
    weight = torch.randn(4, 3)
    found = attributions.gradient_times_input(lambda v: (v * weight).sum(dim=(1, 2)), vectors)
    assert torch.allclose(found, (vectors[0] * weight).sum(dim=-1))


def test_pieces_are_joined_to_words():
    pieces = ("[CLS]", "un", "##put", "##down", "it", "[SEP]")
    words = attributions.by_word(pieces, torch.tensor([0.0, 1, 2, 4, 8, 0]))
    assert words == [("[CLS]", 0.0), ("unputdown", 7.0), ("it", 8.0), ("[SEP]", 0.0)]


def test_what_is_not_there_is_refused(tokenizer):
    with pytest.raises(SettingError, match=r"\[PAD\]"):
        attributions.attribute(small_model(), tokenizer, TEXT, 1, baseline="blue")
    with pytest.raises(SettingError, match="integrated"):
        attributions.attribute(small_model(), tokenizer, TEXT, 1, method="guess")


def test_a_saved_model_goes_through_every_view(tokenizer, tmp_path):
    from course_lib.figures.attention_view import attention_html

    model = small_model(reads="mean")
    model.labels = ("negative", "positive")
    save_model("reviews", model, tokenizer, tmp_path / "mine")
    mine, own = load_saved("reviews", tmp_path / "mine"), load_tokenizer(tmp_path / "mine")
    before = attributions.attribute(model, tokenizer, TEXT, 0)
    after = attributions.attribute(mine, own, TEXT, 0)
    assert torch.allclose(before.values, after.values, atol=1e-5)
    attention_html(tmp_path / "page.html", mine.encoder, own, TEXT, layer=1, heads=[2])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "stale" in page and "http-equiv" not in page and 'src="http' not in page
    assert heads.head_scores(mine.encoder, own, [TEXT]).weight["itself"].shape == (2, 3)


# faithfulness


def test_deletion_takes_the_top_words_and_keeps_the_ends():
    feature = {"input_ids": [101, 7, 8, 9, 10, 102]}
    values = [99.0, 1, 4, 2, 3, 99]
    assert faithfulness.without_words(feature, values, 0.5)["input_ids"] == [101, 7, 9, 102]
    assert faithfulness.without_words(feature, values, 0.5, keep=True)["input_ids"] == [101, 8, 10, 102]
    assert faithfulness.without_words(feature, values, 0.01)["input_ids"] == [101, 7, 9, 10, 102]
    with pytest.raises(CourseError, match="one value a token"):
        faithfulness.without_words(feature, values[:-1], 0.5)


def test_a_true_explanation_beats_chance_and_a_false_one_does_not(tokenizer):
    stale = tokenizer.token_to_id("stale")
    model = small_model()
    model.forward = lambda batch: torch.stack(
        [torch.zeros(len(batch["input_ids"])), 4.0 * (batch["input_ids"] == stale).sum(dim=1) - 2.0], dim=1
    )
    features = classification_features(
        [TEXT, "A stale and tired plot.", "All of it is so stale by now."], tokenizer
    )
    true = [[float(i == stale) for i in feature["input_ids"]] for feature in features]
    false = [[-value for value in row] for row in true]
    good, bad = (faithfulness.faithfulness(model, features, values) for values in (true, false))
    flipped = 1 / (1 + np.exp(-2)) - 1 / (1 + np.exp(2))
    assert good.comprehensiveness == pytest.approx(np.full((3, 4), flipped), abs=1e-6)
    assert good.sufficiency == pytest.approx(np.zeros((3, 4)), abs=1e-6)
    assert bad.comprehensiveness == pytest.approx(np.zeros((3, 4)), abs=1e-6)
    assert bad.sufficiency == pytest.approx(np.full((3, 4), flipped), abs=1e-6)
    with pytest.raises(CourseError, match="one a text"):
        faithfulness.faithfulness(model, features, true[:1])


# probes

SENTENCES = [
    (["Anna", "met", "Bob", "yesterday"], ["B-PER", "O", "B-PER", "O"]),
    (["They", "walked", "to", "Rome", "."], ["O", "O", "O", "B-LOC", "O"]),
]


def test_states_and_labels_of_words_belong_together(tokenizer):
    encoder = small_model().encoder
    found = probes.token_states(encoder, tokenizer, SENTENCES, max_length=20)
    assert found.words == ["anna", "met", "bob", "yesterday", "they", "walked", "to", "rome", "."]
    assert found.labels["name"].tolist() == [1, 0, 1, 0, 0, 0, 0, 1, 0]
    assert found.labels["segment"].tolist() == [0] * 4 + [1] * 5
    assert found.labels["position"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    ids = [101, *tokenizer.encode(" ".join(SENTENCES[0][0]), add_special_tokens=False).ids, 102]
    after = tokenizer.encode(" ".join(SENTENCES[1][0]), add_special_tokens=False).ids
    segments = [0] * len(ids) + [1] * (len(after) + 1)
    with torch.no_grad():
        output = encoder(
            torch.tensor([[*ids, *after, 102]]), torch.tensor([segments]), output_hidden_states=True
        )
    assert np.allclose(found.states[2, 7], output.hidden_states[2][0, 9].numpy(), atol=1e-5)
    with pytest.raises(CourseError, match="fits"):
        probes.token_states(encoder, tokenizer, SENTENCES, max_length=5)


def test_control_labels_depend_on_the_word_alone():
    words = [f"w{number % 500}" for number in range(2000)]
    labels = probes.control_labels(words, 1, (0.8, 0.2))
    assert (labels[:500] == labels[500:1000]).all()
    assert labels.mean() == pytest.approx(0.2, abs=0.06)
    assert (labels != probes.control_labels(words, 2, (0.8, 0.2))).any()


def test_a_probe_finds_what_is_there_and_nothing_else():
    generator = np.random.default_rng(1)
    states = generator.normal(size=(3, 400, 10)).astype(np.float32)
    name = generator.integers(2, size=400)
    states[1, :, 4] += 4 * name  # only layer 1 knows
    parts = [
        probes.TokenStates(states[:, rows], [f"w{row}" for row in range(200)], {"name": name[rows]})
        for rows in (slice(0, 200), slice(200, 400))
    ]
    before, known, after = probes.probe_layers(*parts, "name")
    assert known > 0.9 and 0.35 < before < 0.65 and 0.35 < after < 0.65
    with_control = probes.with_control(*parts, seed=1)
    assert (with_control[0].labels["control"] == with_control[1].labels["control"]).all()  # the same words
    with pytest.raises(CourseError, match="name"):
        probes.probe_layers(*parts, "mood")
    with pytest.raises(CourseError, match="one label"):
        probes.balanced_accuracy(states[0], np.zeros(400), states[0], name)


def test_a_random_encoder_has_the_shape_and_other_weights():
    encoder = small_model().encoder
    other = probes.random_encoder(encoder, 5)
    assert other.configuration == encoder.configuration
    assert not torch.equal(other.blocks[0].expand.weight, encoder.blocks[0].expand.weight)


# removal


def test_a_removed_direction_is_gone_and_the_rest_stays(tokenizer):
    model = small_model()
    features = classification_features([TEXT, "Old jokes.", "A warm film."], tokenizer)
    states = removal.cls_states(model, features, 2)
    direction = removal.class_direction(states, [0, 0, 1])
    ids = ids_of(tokenizer)
    with torch.no_grad():
        before = model.encoder(ids).last_hidden_state  # (1, T, H)
        with removal.removed(model, 2, direction, states):
            inside = model.encoder(ids).last_hidden_state
        after = model.encoder(ids).last_hidden_state
    mean = float(torch.tensor(states.mean(axis=0)) @ direction)
    assert torch.allclose(inside @ direction, torch.full(ids.shape, mean), atol=1e-4)
    project = lambda hidden: hidden - (hidden @ direction)[..., None] * direction  # noqa: E731
    assert torch.allclose(project(inside), project(before), atol=1e-4)
    assert torch.equal(before, after)
    assert float(direction.norm()) == pytest.approx(1, abs=1e-5)


def test_a_model_that_rests_on_one_direction_loses_it(tokenizer):
    model = small_model(reads="cls")
    features = classification_features(
        [f"{a} {b}." for a in ("good", "bad", "dull") for b in ("film", "day")], tokenizer
    )
    labels = class_probabilities(model, features).argmax(axis=1)
    states = removal.cls_states(model, features, 2)
    used = (model.head.weight[1] - model.head.weight[0]).detach()  # (H,): all that the head looks at
    used = used / used.norm()
    options = {"layer": 2, "states": states}
    if len(set(labels.tolist())) < 2:
        labels = np.arange(len(features)) % 2
    without = class_probabilities(model, features)
    with removal.removed(model, 2, used, states):
        blind = class_probabilities(model, features)
    assert without.std(axis=0).max() > 1e-3 > blind.std(axis=0).max()
    share = removal.accuracy_without(model, features, labels, direction=used, **options)
    assert share in (float((labels == 0).mean()), float((labels == 1).mean()))
    with pytest.raises(CourseError, match="no block 0"), removal.removed(model, 0, used, states):
        pass
    with pytest.raises(CourseError, match="Both classes"):
        removal.class_direction(states, [1] * len(states))


# surrogate


def test_a_tree_finds_the_rule_of_a_model_that_has_one():
    generator = np.random.default_rng(2)
    words = ["good", "film", "plot", "actor", "music", "scene", "light", "sound"]
    texts = [" ".join(generator.choice(words, 4, replace=False)) for _ in range(300)]
    said = np.array(["good" in text.split() for text in texts]).astype(int)
    surrogate = fit_surrogate(texts[:200], said[:200], labels=("negative", "positive"))
    assert surrogate.fidelity(texts[200:], said[200:]) == 1
    assert surrogate.rules.splitlines()[0] == "contains “good”:"
    assert "positive" in surrogate.rules.splitlines()[1]
    noise = generator.integers(2, size=300)
    guess = fit_surrogate(texts[:200], noise[:200])
    assert guess.fidelity(texts[200:], noise[200:]) < 0.7
    with pytest.raises(CourseError, match="nothing to imitate"):
        fit_surrogate(texts, np.zeros(300, dtype=int))
    with pytest.raises(CourseError, match="one a text"):
        surrogate.fidelity(texts, said[:5])


# fairness


@pytest.fixture(scope="module")
def templates():
    return fairness.fill_templates(*load_fairness(), "gender")


def test_each_frame_meets_each_person_once(templates):
    frames, people = load_fairness()
    opinions = [frame["id"] for frame in frames if frame["sentiment"] != "neutral"]
    persons = [person["text"] for person in people if person["group_type"] == "gender"]
    assert len(templates.texts) == len(opinions) * len(persons)
    assert len(set(zip(templates.frames, templates.people))) == len(templates.texts)
    assert all(person.lower() in text.lower() for person, text in zip(templates.people, templates.texts))
    assert not any("{" in text for text in templates.texts)
    with pytest.raises(CourseError, match="gender"):
        fairness.fill_templates(frames, people, "age")


def test_rates_and_gaps_are_those_counted_by_hand():
    labels = np.array([1, 1, 0, 0, 1, 1, 0, 0])
    said = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    groups = np.array(["a"] * 4 + ["b"] * 4)
    rates = fairness.group_rates(labels, said, groups)
    assert rates.loc["a"].tolist() == [0.75, 1.0, 0.5, 0.75]
    assert rates.loc["b"].tolist() == [0.25, 0.5, 0.0, 0.75]
    assert fairness.largest_gaps(labels, said, groups) == dict(zip(fairness.CRITERIA, (0.5, 0.5)))


def test_the_interval_draws_whole_frames(templates):
    female = (templates.groups == "female").astype(int)
    assert fairness.gap_between(templates, female, "female", "male", 1) == (1.0, 1.0, 1.0)
    frames = np.unique(templates.frames)
    half = np.isin(templates.frames, frames[::2]).astype(int)
    gap, low, high = fairness.gap_between(templates, female * half, "female", "male", 1)
    assert gap == pytest.approx(0.5)
    # 32 frames, not 1,280 sentences, decide how wide it is
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(len(frames)), rel=0.2)
    with pytest.raises(CourseError, match="no group 'old'"):
        fairness.gap_between(templates, female, "old", "male", 1)


def test_swaps_find_the_person_who_changes_the_class(templates):
    positive = np.full(len(templates.texts), 0.6)
    row = np.flatnonzero((templates.frames == "f05") & (templates.people == "Mary"))[0]
    positive[row] = 0.2
    first, *others = fairness.counterfactual_swaps(templates, positive)
    assert (first.frame, first.lowest, first.low, first.high, first.flips) == ("f05", "Mary", 0.2, 0.6, True)
    assert not any(swap.flips for swap in others)


def test_augmentation_balances_groups_in_every_frame(templates):
    rows = fairness.augmentation(templates, 3, seed=1)
    label = dict(zip(templates.texts, templates.labels))
    assert len(rows) == len(np.unique(templates.frames)) * 2 * 3
    assert all(label[text] == number for text, number in rows)
    group = dict(zip(templates.texts, templates.groups))
    assert sum(group[text] == "female" for text, _ in rows) == len(rows) // 2


def test_thresholds_by_group_bring_the_rates_together():
    generator = np.random.default_rng(4)
    labels, groups = generator.integers(2, size=2000), generator.choice(["a", "b"], 2000)
    positive = np.clip(0.3 * labels + 0.25 * (groups == "a") + generator.random(2000) * 0.45, 0, 1)
    before = fairness.largest_gaps(labels, (positive > 0.5).astype(int), groups)
    decide = fairness.equalizing_thresholds(positive, labels, groups)
    after = fairness.largest_gaps(labels, decide(positive, groups, 1), groups)
    name = fairness.CRITERIA[1]
    assert before[name] > 0.3 and after[name] < 0.1
