"""Pre-training examples from the Wikipedia sample: ours against the literal, per-token version of the tests.

Both start from text that is tokenized already, plan the pairs of one pass over all articles, cut them,
mask them, and make padded arrays of 128 tokens. The target is a ratio of 20, in tokens per second.

    python -m benchmarks.pair_speed --repetitions 5
"""

from __future__ import annotations

import random

import numpy as np
import torch

from benchmarks.timing import (
    paired_medians,
    print_table,
    result,
    run_from_command_line,
    seconds,
    use_course_threads,
)
from course_lib.bert.inputs import SpecialIds
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import load_wikipedia
from course_lib.pretraining.corpus import tokenize_corpus
from course_lib.pretraining.masking import MaskingVocabulary, mask_tokens
from course_lib.pretraining.sentence_pairs import gather_pairs, plan_pairs
from tests.pretraining.literal_examples import lists_of, literal_arrays, literal_example, literal_pairs

TARGET = 20.0
MAX_LENGTH, BATCH = 128, 256


def main(repetitions: int = 5) -> list[dict]:
    """Measure one pass over the corpus, by both.

    Returns
    -------
    list of dict
        One row: milliseconds of a pass by both, ratio of the tokens per second, target.
    """
    threads = use_course_threads()
    tokenizer = load_tokenizer(bundled_weights_folder())
    corpus = tokenize_corpus([article["sentences"] for article in load_wikipedia()], tokenizer)
    special = SpecialIds.from_vocabulary(tokenizer.get_vocab())
    names = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    vocabulary = MaskingVocabulary.from_tokens(names)
    documents, random_ids = lists_of(corpus), vocabulary.random_ids.tolist()
    generator, coins, seeds = torch.Generator().manual_seed(0), random.Random(0), iter(range(10**6))
    tokens = {"ours": [], "literal": []}  # of each pass: passes differ a little

    def ours() -> None:
        pairs = plan_pairs(corpus, MAX_LENGTH, seed=next(seeds))
        count = 0
        for start in range(0, len(pairs), BATCH):
            rows = np.arange(start, min(start + BATCH, len(pairs)))
            batch = gather_pairs(corpus, pairs, rows, special, MAX_LENGTH)
            mask_tokens(batch.input_ids, vocabulary, generator=generator)
            count += int(batch.attention_mask.sum())
        tokens["ours"].append(count)

    def literal() -> None:
        examples = [
            literal_example(pair, special.cls_id, special.sep_id, vocabulary.mask_id, random_ids, coins)
            for pair in literal_pairs(documents, MAX_LENGTH, coins)
        ]
        arrays = literal_arrays(examples, MAX_LENGTH, special.pad_id)
        tokens["literal"].append(int(arrays["attention_mask"].sum()))

    times = paired_medians(ours, literal, repetitions, warm_up=1)
    per_pass = {name: float(np.mean(counts)) for name, counts in tokens.items()}
    times = times._replace(ratio=times.ratio * per_pass["ours"] / per_pass["literal"])
    rows = [result("pair", times, TARGET, text="Wikipedia sample", length=MAX_LENGTH, threads=threads)]
    print_table("Pre-training examples: ours against the literal version", rows)
    for name, spent in (("ours", times.ours), ("literal", times.reference)):
        print(f"{name}: {per_pass[name] / spent:,.0f} tokens/s")
    planning = min(seconds(lambda: plan_pairs(corpus, MAX_LENGTH, seed=1)) for _ in range(5))
    print(f"planning alone: {1000 * planning:.1f} ms of a pass of {1000 * times.ours:.1f} ms")
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__, repetitions=5)
