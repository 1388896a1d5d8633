"""Features of 10,000 sentence pairs, from text to token ids and segment ids.

The pairs are those of inference, the first of them once more. The target is 3 seconds.

    python -m benchmarks.pair_features --repetitions 5
"""

from __future__ import annotations

import statistics
import time

from benchmarks.timing import print_table, run_from_command_line, use_course_threads
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.sentence_pairs import PAIR_TASKS, pair_features

PAIRS, TARGET_SECONDS = 10_000, 3.0


def main(repetitions: int = 5) -> list[dict]:
    """Measure how long the features take.

    Returns
    -------
    list of dict
        One row: pairs, median of the seconds, pairs a second, target, threads.
    """
    threads = use_course_threads()
    tokenizer = load_tokenizer(bundled_weights_folder())
    data = load_texts("inference", "bundled")["train"]
    columns = [list(data[name]) for name in ("sentence1", "sentence2", "label")]
    firsts, seconds, labels = ((column * 2)[:PAIRS] for column in columns)
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        features = pair_features(firsts, seconds, tokenizer, labels, names=PAIR_TASKS["inference"].labels)
        times.append(time.perf_counter() - began)
    middle = statistics.median(times)
    row = {
        "pairs": len(features),
        "seconds": round(middle, 3),
        "pairs_per_second": round(len(features) / middle),
        "target_seconds": TARGET_SECONDS,
        "met": middle <= TARGET_SECONDS,
        "threads": threads,
    }
    print_table("Features of sentence pairs", [row])
    return [row]


if __name__ == "__main__":
    run_from_command_line(main, __doc__)
