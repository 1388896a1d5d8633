"""Tokens per second of our WordPiece encoder and of `tokenizers`, in one run.

Ours is written to be read, the other is compiled Rust: this states the price and sets no target.
Run it from the repository: ``OMP_NUM_THREADS=1 python -m benchmarks.wordpiece_speed``.
"""

from __future__ import annotations

import os
import platform
import statistics
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one thread each; read when the library is loaded

from tokenizers import Tokenizer, __version__

from course_lib.bert.wordpiece import WordPieceTokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import load_wikipedia

REPEATS = 5
LINES = 2000


def main() -> None:
    folder = bundled_weights_folder(verify=False)
    ours = WordPieceTokenizer.from_file(folder / "vocab.txt")
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    lines = [sentence for article in load_wikipedia() for sentence in article["sentences"]][:LINES]

    def run_ours() -> list[list[int]]:
        return [ours.encode(line).ids for line in lines]

    def run_reference() -> list[list[int]]:
        return [reference.encode(line, add_special_tokens=False).ids for line in lines]

    seconds: dict[str, list[float]] = {"ours": [], "tokenizers": []}
    results = run_ours(), run_reference()  # once to warm up, and to see that both do the same work
    assert results[0] == results[1]
    for _ in range(REPEATS):  # in turn, so that a busy moment of the machine meets both
        for name, run in (("ours", run_ours), ("tokenizers", run_reference)):
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)

    tokens = sum(map(len, results[0]))
    rates = {name: tokens / statistics.median(times) for name, times in seconds.items()}
    print(f"Python {platform.python_version()}, tokenizers {__version__}, one thread each")
    print(f"{len(lines):,} sentences, {tokens:,} tokens, median of {REPEATS}")
    for name, rate in rates.items():
        print(f"{name:<12}{rate:>12,.0f} tokens/s")
    print(f"ours takes {rates['tokenizers'] / rates['ours']:.1f} times as long")


if __name__ == "__main__":
    main()
