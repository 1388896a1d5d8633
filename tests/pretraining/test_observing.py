"""What an observer returns is kept among the scores, and watching does not change the run."""

from __future__ import annotations

import numpy as np

from course_lib.bert.configuration import BertConfiguration
from course_lib.pretraining.corpus import corpus_from_pieces
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingConfiguration, pretrain
from course_lib.pretraining.masking import MaskingVocabulary


def test_an_observer_sees_the_model_in_evaluation_mode_and_leaves_no_trace():
    generator = np.random.default_rng(0)
    pieces = [generator.integers(5, 40, 6) for _ in range(60)]
    corpus = corpus_from_pieces(pieces, [6] * 10)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(35))]
    configuration = PretrainingConfiguration(
        model=BertConfiguration(
            vocab_size=40,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=24,
        ),
        stages=(Stage(24, 6, 4),),
        warmup_steps=2,
        evaluate_every=2,
    )
    inputs = (configuration, corpus, MaskingVocabulary.from_tokens(names))
    seen = []

    def observe(model):
        seen.append(model.training)
        return {"noticed": float(len(seen))}

    watched, history = pretrain(*inputs, held_out=corpus, progress=False, observe=observe)
    alone, unwatched = pretrain(*inputs, held_out=corpus, progress=False)
    assert seen == [False] * 4
    assert [point["noticed"] for point in history.evaluations] == [1, 2, 3, 4]
    assert history.losses == unwatched.losses
    assert [
        {k: v for k, v in p.items() if k != "noticed"} for p in history.evaluations
    ] == unwatched.evaluations
