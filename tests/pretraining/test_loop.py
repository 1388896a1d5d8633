"""The pre-training loop: it learns, and none of the usual errors can be put in unnoticed."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.pretraining import loop
from course_lib.pretraining.corpus import corpus_from_pieces
from course_lib.pretraining.examples import Stage, held_out_batches
from course_lib.pretraining.loop import (
    PretrainingConfiguration,
    PretrainingError,
    baselines,
    evaluate_pretraining,
    pretrain,
)
from course_lib.pretraining.masking import MaskingVocabulary
from course_lib.pretraining.model import PretrainingModel, attend_to_neighbors
from course_lib.training.optimization import warmup_linear_share
from course_lib.training.update import TrainingDivergedError


def configuration_of(tiny, **changes) -> PretrainingConfiguration:
    return PretrainingConfiguration(
        **{
            "model": tiny.model,
            "stages": (Stage(24, 12, 4),),
            "learning_rate": 2e-3,
            "warmup_steps": 4,
            "evaluate_every": 6,
            "report_every": 5,
            **changes,
        }
    )


def run(tiny, configuration, **arguments):
    return pretrain(configuration, tiny.corpus, tiny.vocabulary, **{"progress": False, **arguments})


def without_dropout(tiny):
    return replace(tiny.model, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def test_it_learns_the_pattern_of_held_out_text_from_both_lengths(tiny):
    c = configuration_of(
        tiny,
        model=replace(without_dropout(tiny), initializer_range=0.1),
        stages=(Stage(24, 400, 16), Stage(48, 100, 8)),
        learning_rate=5e-3,
        warmup_steps=20,
        evaluate_every=100,
    )
    model, history = run(tiny, c, held_out=tiny.held_out)
    batches = held_out_batches(tiny.held_out, tiny.vocabulary, 24)
    base = baselines(tiny.corpus, tiny.vocabulary, batches)
    last = history.evaluations[-1]
    assert last["mlm_accuracy"] > 5 * base["mlm_accuracy"]
    assert last["mlm_loss"] < base["mlm_loss"] - 1
    assert evaluate_pretraining(model, batches)["mlm_accuracy"] > 5 * base["mlm_accuracy"]
    assert [e["step"] for e in history.evaluations] == list(range(0, 501, 100))


def test_the_history_has_an_entry_for_each_step(tiny):
    _, history = run(tiny, configuration_of(tiny))
    assert history.steps == list(range(1, 13))
    for name in ("losses", "mlm_losses", "nsp_losses", "learning_rates", "tokens_per_second"):
        assert len(getattr(history, name)) == 12
    sums = [mlm + nsp for mlm, nsp in zip(history.mlm_losses, history.nsp_losses, strict=True)]
    assert history.losses == sums
    assert min(history.tokens_per_second) > 0


def test_the_caller_keeps_its_random_numbers(tiny):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    run(tiny, configuration_of(tiny))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("peak", [1e-4, 3e-3])
def test_the_learning_rate_that_is_asked_for_is_the_peak(tiny, peak):
    """Error 11: a learning rate that a schedule overwrites."""
    _, history = run(tiny, configuration_of(tiny, learning_rate=peak))
    expected = [peak * warmup_linear_share(step, 4, 12) for step in range(12)]
    assert history.learning_rates == pytest.approx(expected)
    assert max(history.learning_rates) == pytest.approx(peak)


def test_the_rate_falls_to_the_end_of_the_last_stage_and_not_of_the_first(tiny):
    _, history = run(tiny, configuration_of(tiny, stages=(Stage(24, 6, 4), Stage(48, 8, 4))))
    expected = [2e-3 * warmup_linear_share(step, 4, 14) for step in range(14)]
    assert history.learning_rates == pytest.approx(expected) and min(expected[6:]) > 0


def test_an_update_follows_the_sum_of_both_means_and_nothing_else(tiny, monkeypatch):
    """MLM plus NSP, unweighted, each a mean over its own count: the gradient by the plain functions of PyTorch."""
    c = configuration_of(tiny, model=without_dropout(tiny), clip=1e9)
    made = loop.PretrainingRun(c, tiny.corpus, tiny.vocabulary)
    gradients, step = {}, torch.optim.AdamW.step

    def watched(self, *arguments, **keywords):
        gradients.update({name: p.grad.clone() for name, p in made.model.named_parameters()})
        return step(self, *arguments, **keywords)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    (part,) = made.batches[0]
    assert len(part.targets) != len(part.next_sentence_labels) > 1
    plain = copy.deepcopy(made.model)
    words, sentences = plain(*part[:4])
    cross_entropy = torch.nn.functional.cross_entropy
    (cross_entropy(words, part.targets) + cross_entropy(sentences, part.next_sentence_labels)).backward()
    made.update([part])
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, msg=name)


def test_the_weights_move_by_the_learning_rate(tiny):
    """Error 11 again: Adam's first steps are as long as the rate, whatever the gradient."""
    c = configuration_of(tiny, stages=(Stage(24, 1, 4),), warmup_steps=0, weight_decay=0.0)
    start = PretrainingModel(tiny.model)
    before = start.next_sentence.weight.detach().clone()
    model, _ = run(tiny, replace(c, learning_rate=0.01), model=start)
    moved = (model.next_sentence.weight.detach() - before).abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.01), rtol=0.05)


def test_decay_spares_layer_norms_and_biases(tiny, monkeypatch):
    """Error 12: with no gradient at all, decay alone moves the weights, and only those of matrices."""
    for name in ("masked_language_model_loss", "next_sentence_loss"):
        monkeypatch.setattr(loop, name, lambda *a, loss_of=getattr(loop, name): loss_of(*a) * 0)
    model = PretrainingModel(tiny.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    c = configuration_of(tiny, warmup_steps=0, learning_rate=0.1, weight_decay=0.5)
    model, _ = run(tiny, c, model=model)
    shrunk = math.prod(1 - 0.1 * warmup_linear_share(step, 0, 12) * 0.5 for step in range(12))
    for name, parameter in model.named_parameters():
        spared = name.endswith("bias") or "norm" in name
        expected = torch.full_like(parameter, 1.0 if spared else shrunk)
        torch.testing.assert_close(parameter.detach(), expected, msg=name)


def test_the_gradient_is_clipped_as_a_whole(tiny, monkeypatch):
    """Error 13: no clipping. Every update sees a gradient of norm 0.25 at most."""
    norms, step = [], torch.optim.AdamW.step

    def watched(self, *arguments, **keywords):
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.linalg.vector_norm(torch.cat([g.flatten() for g in grads]))))
        return step(self, *arguments, **keywords)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    run(tiny, configuration_of(tiny, clip=0.25))
    assert len(norms) == 12
    assert max(norms) == pytest.approx(0.25, rel=1e-3)  # the bare norm is above 1


def test_evaluation_is_without_dropout_without_gradient_and_without_trace(tiny):
    """Error 15: evaluation without eval() and no_grad()."""
    model = PretrainingModel(replace(tiny.model, hidden_dropout_prob=0.5)).train()
    batches = held_out_batches(tiny.held_out, tiny.vocabulary, 24)
    seen = []
    hook = model.encoder.register_forward_hook(
        lambda module, inputs, output: seen.append((module.training, output[0].requires_grad))
    )
    first, second = evaluate_pretraining(model, batches), evaluate_pretraining(model, batches)
    hook.remove()
    assert first == second
    assert set(seen) == {(False, False)}
    assert model.training and all(p.grad is None for p in model.parameters())


def test_evaluations_do_not_change_the_run(tiny):
    _, often = run(tiny, configuration_of(tiny, evaluate_every=1), held_out=tiny.held_out)
    _, never = run(tiny, configuration_of(tiny))
    assert often.losses == never.losses


def test_evaluation_is_the_mean_over_all_words_and_pairs(tiny):
    model = PretrainingModel(tiny.model).eval()
    parts = [held_out_batches(tiny.held_out, tiny.vocabulary, 24, batch_size=size) for size in (5, 1000)]
    small = evaluate_pretraining(model, parts[1])
    whole = parts[1][0]
    with torch.no_grad():
        scores = model(*whole[:4])
    assert small["mlm_accuracy"] == pytest.approx(
        float((scores.words.argmax(1) == whole.targets).double().mean())
    )
    assert small["nsp_loss"] == pytest.approx(
        float(torch.nn.functional.cross_entropy(scores.sentences, whole.next_sentence_labels)), abs=1e-5
    )


def test_baselines_by_hand(tiny):
    corpus = corpus_from_pieces([[5, 5, 5, 6], [7, 5]], [1, 1])
    batch = held_out_batches(tiny.held_out, tiny.vocabulary, 24, limit=8)[0]._replace(
        targets=torch.tensor([5, 6, 5, 9]), next_sentence_labels=torch.tensor([0, 1, 1, 1])
    )
    found = baselines(corpus, tiny.vocabulary, [batch])
    total = 6 + 0.1 * 45
    expected = -torch.tensor([4.1, 1.1, 4.1, 0.1]).div(total).log().mean()
    assert found["mlm_loss"] == pytest.approx(float(expected), abs=1e-5)
    assert found["mlm_accuracy"] == 0.5
    assert found["nsp_accuracy"] == 0.75
    assert found["nsp_loss"] == pytest.approx(0.5623351)


def test_accumulation_adds_up_to_the_whole_step(tiny):
    """A mean of means would weigh the parts of a step by their number of masked words."""
    c = configuration_of(tiny, model=without_dropout(tiny), stages=(Stage(24, 12, 16),))
    _, whole = run(tiny, c)
    _, parts = run(tiny, replace(c, stages=(Stage(24, 12, 4),), accumulation=4))
    assert parts.losses == pytest.approx(whole.losses, abs=1e-3)
    assert parts.mlm_losses[0] == pytest.approx(whole.mlm_losses[0], abs=1e-5)


def test_bfloat16_follows_float32(tiny, monkeypatch):
    monkeypatch.setattr(
        "course_lib.training.precision.multiplies_bfloat16", lambda _: True
    )  # by software if need be
    c = configuration_of(tiny, model=without_dropout(tiny))
    _, single = run(tiny, c)
    _, half = run(tiny, replace(c, precision="bfloat16"))
    assert half.losses != single.losses
    assert half.losses == pytest.approx(single.losses, abs=0.05)


def test_the_output_bias_starts_at_the_word_frequencies_if_asked(tiny):
    c = configuration_of(tiny, stages=(Stage(24, 1, 4),), learning_rate=0.0, word_frequencies_first=True)
    model, _ = run(tiny, c)
    counts = loop.word_counts(tiny.corpus, 45)
    assert int(model.head.decoder.bias.argmax()) == int(counts.argmax())


def test_position_embeddings_start_as_sinusoids_if_asked(tiny):
    c = configuration_of(tiny, stages=(Stage(24, 1, 4),), learning_rate=0.0)
    model, _ = run(tiny, replace(c, neighbors_first=True))
    expected = PretrainingModel(tiny.model)
    attend_to_neighbors(expected)
    found, wanted = (m.encoder.embeddings.position.weight for m in (model, expected))
    assert torch.equal(found, wanted)
    assert not torch.equal(run(tiny, c)[0].encoder.embeddings.position.weight, wanted)


def test_the_paper_s_numbers():
    c = PretrainingConfiguration.of_paper(processes=8, batch_size=16)
    assert c.model == BertConfiguration.base()
    assert c.steps == 1_000_000 and [s.max_length for s in c.stages] == [128, 512]
    assert c.stages[0].steps == 900_000
    assert {s.batch_size * c.accumulation * 8 for s in c.stages} == {256}
    assert (c.learning_rate, c.warmup_steps, c.weight_decay, c.clip) == (1e-4, 10_000, 0.01, 1.0)


def test_a_loss_that_is_no_number_ends_the_run(tiny):
    model = PretrainingModel(tiny.model)
    with torch.no_grad():
        model.next_sentence.bias.fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"at step 1 of 12\..*or lengthen the warm-up"):
        run(tiny, configuration_of(tiny), model=model)


def test_a_vocabulary_without_mask_is_refused():
    with pytest.raises(ValueError, match=r"no \[MASK\]"):
        MaskingVocabulary.from_tokens(["[PAD]", "[CLS]", "[SEP]", "a"])


def test_words_that_do_not_fit_the_model_are_refused(tiny):
    c = configuration_of(tiny, model=replace(tiny.model, vocab_size=44))
    with pytest.raises(PretrainingError, match=r"45 word pieces.*vocab_size 44"):
        run(tiny, c)


@pytest.mark.parametrize("number", [45, 99, -1])
@pytest.mark.parametrize("part", ["corpus", "held-out corpus"])
def test_ids_outside_the_vocabulary_are_refused(tiny, part, number):
    strange = corpus_from_pieces([[5, number], [6], [7], [8]], [2, 2])
    corpora = (strange, None) if part == "corpus" else (tiny.corpus, strange)
    with pytest.raises(PretrainingError, match=rf"The {part} has the word-piece id {number}, .* 0 to 44"):
        pretrain(
            configuration_of(tiny),
            corpora[0],
            tiny.vocabulary,
            held_out=corpora[1],
            progress=False,
        )


def test_a_held_out_document_alone_is_refused_as_such(tiny):
    with pytest.raises(PretrainingError, match=r"The held-out corpus is one document.*objective='sop'"):
        run(tiny, configuration_of(tiny), held_out=tiny.held_out.documents([0]))


def test_special_tokens_outside_the_vocabulary_are_refused(tiny):
    vocabulary = replace(tiny.vocabulary, special=tiny.vocabulary.special._replace(sep_id=45))
    with pytest.raises(PretrainingError, match=r"list of special tokens has the word-piece id 45"):
        pretrain(configuration_of(tiny), tiny.corpus, vocabulary, progress=False)


def test_a_stage_longer_than_the_positions_is_refused(tiny):
    with pytest.raises(PretrainingError, match=r"max_length 49.*48 positions"):
        run(tiny, configuration_of(tiny, stages=(Stage(24, 1, 4), Stage(49, 1, 4))))


def test_a_model_of_another_configuration_is_refused(tiny):
    model = PretrainingModel(replace(tiny.model, num_hidden_layers=1))
    with pytest.raises(PretrainingError, match="another configuration"):
        run(tiny, configuration_of(tiny), model=model)


PROCESS = """
import json, sys
sys.path[:0] = {paths!r}
from types import SimpleNamespace
import conftest
from dataclasses import replace
import torch
torch.set_num_threads(1)
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingConfiguration, pretrain, new_accelerator
tiny = conftest.tiny_parts()
size, accumulation, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
model = replace(tiny.model, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
c = PretrainingConfiguration(
    model=model, stages=(Stage(24, 20, size), Stage(48, 5, size)), accumulation=accumulation,
    learning_rate=2e-3, warmup_steps=4, evaluate_every=10, report_every=7)
_, history = pretrain(
    c, tiny.corpus, tiny.vocabulary, held_out=tiny.held_out, progress=False)
if new_accelerator().is_main_process:
    print("processes", new_accelerator().num_processes)
    json.dump([history.losses, history.nsp_losses, history.evaluations], open(where, "w"))
"""


def curve_of(tmp_path, processes: int, size: int, accumulation: int = 1):
    """Run the same program on some processes and return its curves."""
    where = tmp_path / f"{processes}-{size}-{accumulation}.json"
    program = tmp_path / "program.py"
    paths = [str(settings.REPOSITORY / "tests" / "pretraining"), str(settings.REPOSITORY)]
    program.write_text(PROCESS.format(paths=paths), encoding="utf-8")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *(launch if processes > 1 else [])]
    command += [str(program), str(size), str(accumulation), str(where)]
    environment = os.environ | {"COURSE_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"processes {processes}" in done.stdout
    return json.loads(where.read_text(encoding="utf-8"))


def test_two_processes_have_the_losses_of_one_with_twice_the_batch(tmp_path):
    losses, nsp, evaluations = curve_of(tmp_path, 1, 8)
    for size, accumulation in ((4, 1), (2, 2)):
        found = curve_of(tmp_path, 2, size, accumulation)
        assert found[0] == pytest.approx(losses, abs=1e-3)
        assert found[1] == pytest.approx(nsp, abs=1e-3)
        for ours, theirs in zip(found[2], evaluations, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-3)


def test_evaluation_weighs_words_and_pairs_of_all_batches_alike(tiny):
    """Batches of unequal size: the mean of their means is not the mean over all."""
    model = PretrainingModel(tiny.model).eval()
    batches = held_out_batches(tiny.held_out, tiny.vocabulary, 24, batch_size=5, limit=7)
    assert [len(batch.next_sentence_labels) for batch in batches] == [5, 2]
    with torch.no_grad():
        scores = [model(*batch[:4]) for batch in batches]
    words, sentences = (torch.cat(part) for part in zip(*scores, strict=True))
    targets = torch.cat([batch.targets for batch in batches])
    labels = torch.cat([batch.next_sentence_labels for batch in batches])
    found = evaluate_pretraining(model, batches)
    for name, scored, wanted in (("mlm", words, targets), ("nsp", sentences, labels)):
        loss = torch.nn.functional.cross_entropy(scored, wanted)
        assert found[f"{name}_loss"] == pytest.approx(float(loss), abs=1e-6)
        assert found[f"{name}_accuracy"] == pytest.approx(float((scored.argmax(1) == wanted).double().mean()))


def test_dropout_is_drawn_anew_in_each_step_part_and_process(tiny, monkeypatch):
    """The same draws at every update would train the same thinned network again and again."""
    c = configuration_of(tiny, stages=(Stage(24, 3, 2),), accumulation=2)
    made = loop.PretrainingRun(c, tiny.corpus, tiny.vocabulary)
    seeds, seed = [], torch.manual_seed

    class Another:
        """The same view of devices, from the second process."""

        process_index = 1

        def __getattr__(self, name, own=made.accelerator):
            return getattr(own, name)

    monkeypatch.setattr(torch, "manual_seed", lambda number: seeds.append(number) or seed(number))
    for accelerator in (made.accelerator, Another()):
        made.accelerator = accelerator
        for made.step in range(3):
            made.update(made.batches[made.step])
    assert len(seeds) == len(set(seeds)) == 2 * 3 * 2


def test_the_speed_is_that_since_the_last_report(tiny, monkeypatch):
    """On a clock that goes on by a second each time it is looked at."""
    seconds = iter(range(1000))
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    c = configuration_of(tiny, stages=(Stage(24, 12, 2),), accumulation=2, evaluate_every=0)
    made = loop.PretrainingRun(c, tiny.corpus, tiny.vocabulary)
    made.train(False)
    expected = []
    for steps in (range(5), range(5, 10), range(10, 12)):
        tokens = sum(int(part.attention_mask.sum()) for step in steps for part in made.batches[step])
        expected += [tokens] * len(steps)
    assert made.history.tokens_per_second == expected


def test_held_out_pairs_are_as_long_as_those_of_the_first_stage(tiny):
    c = configuration_of(tiny, stages=(Stage(24, 1, 4), Stage(48, 1, 4)))
    made = loop.PretrainingRun(c, tiny.corpus, tiny.vocabulary, held_out=tiny.held_out)
    assert max(batch.input_ids.shape[1] for batch in made.held_out) == 24
