"""Our WordPiece encoder against `tokenizers`, on sentences of Wikipedia, one thread each.

Ours is written to be read, the other is compiled Rust: this states the price and sets no target.

    OMP_NUM_THREADS=1 python -m benchmarks.wordpiece_speed --repetitions 5
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one thread each; read when the library is loaded

from tokenizers import Tokenizer

from benchmarks.timing import paired_medians, print_table
from course_lib.bert.wordpiece import WordPieceTokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import load_wikipedia

TARGET = 0.0  # none is set
LINES = 2000


def main(repetitions: int = 5) -> list[dict]:
    """Measure both on the same sentences.

    Returns
    -------
    list of dict
        One row: tokens, milliseconds of both, ratio (reference / ours), target.
    """
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

    ids = run_ours()
    if ids != run_reference():
        raise AssertionError("the two tokenizers differ: a time would compare two kinds of work")
    times = paired_medians(run_ours, run_reference, repetitions, warm_up=1)
    rows = [
        {
            "benchmark": "wordpiece",
            "sentences": len(lines),
            "tokens": sum(map(len, ids)),
            "threads": 1,
            "ours_ms": 1000 * times.ours,
            "reference_ms": 1000 * times.reference,
            "ratio": times.ratio,
            "target": TARGET,
        }
    ]
    print_table("WordPiece: ours against tokenizers", rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=5)
    main(parser.parse_args().repetitions)
