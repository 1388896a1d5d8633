"""How the benchmarks measure: competitors in turn, medians of each, and the ratio within one run."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil
import torch
from torch.profiler import ProfilerActivity, profile

from course_lib import settings

BUSY = 25  # percent of all processors
# Where the time goes: the operators of torch, by the first word in their names that fits.
GROUPS = {
    "matrix multiplication": ("mm", "linear", "matmul", "mkldnn"),
    "attention": ("attention", "_softmax"),
    "dropout": ("dropout", "bernoulli", "random", "threshold"),
    "activation": ("gelu",),
    "normalization": ("layer_norm",),
    "loss": ("log_softmax", "nll", "cross_entropy"),
    "optimizer and clipping": ("adam", "foreach", "norm", "clamp"),
    "embeddings and gathering": ("embedding", "index", "gather", "scatter"),
    "sums, products, copies": ("add", "mul", "div", "copy", "cat", "sum", "zero", "fill", "clone", "where"),
}


def used_by_others(seconds: float = 2.0) -> float:
    """Return what other programs take of the processors, in percent."""
    return psutil.cpu_percent(interval=seconds)


class PairedTimes(NamedTuple):
    """Median times of two competitors, in seconds, and how many times faster ours is.

    ``ratio`` is the median of the ratios of neighbours in time: above 1, ours is faster. A slow
    moment of the machine hits both of a pair, so their ratio is steadier than the ratio of two medians.
    """

    ours: float
    reference: float
    ratio: float


def use_course_threads() -> int:
    """Give torch the threads of the course's settings, for both competitors, and return how many."""
    threads = settings.prepare().threads
    torch.set_num_threads(threads)
    return threads


def seconds(function: Callable[[], object]) -> float:
    """Return the wall time of one call, in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def paired_medians(
    ours: Callable[[], object], reference: Callable[[], object], repetitions: int, warm_up: int = 3
) -> PairedTimes:
    """Time two functions in interleaved pairs.

    Parameters
    ----------
    ours, reference : what to call; both do the same work.
    repetitions : number of pairs.
    warm_up : calls of each before anything is counted.
    """
    for _ in range(warm_up):
        ours()
        reference()
    pairs = []
    for repetition in range(repetitions):
        if repetition % 2:  # who goes first takes turns too: the second finds a warmer cache
            pairs.append((seconds(ours), seconds(reference)))
        else:
            pairs.append(tuple(reversed((seconds(reference), seconds(ours)))))
    return PairedTimes(
        statistics.median(own for own, _ in pairs),
        statistics.median(other for _, other in pairs),
        statistics.median(other / own for own, other in pairs),
    )


def shares_of_time(work: Callable[[], object]) -> dict[str, float]:
    """Return the share of the time that each group of operators takes in some work, by torch's profiler."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        work()
    events = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    shares, whole = dict.fromkeys([*GROUPS, "other"], 0.0), sum(events.values())
    for name, microseconds in events.items():
        words = name.removeprefix("aten::")
        group = next((g for g, parts in GROUPS.items() if any(part in words for part in parts)), "other")
        shares[group] += microseconds / whole
    return shares


def result(benchmark: str, times: PairedTimes, target: float, **case) -> dict:
    """Return one row of a benchmark: the case, milliseconds of both, ratio, target (0 where none is set)."""
    return {
        "benchmark": benchmark,
        **case,
        "ours_ms": 1000 * times.ours,
        "reference_ms": 1000 * times.reference,
        "ratio": times.ratio,
        "target": target,
    }


def run_from_command_line(main: Callable[[int], list[dict]], description: str, repetitions: int = 30) -> None:
    """Run a benchmark with the number of repetitions that stands on the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=repetitions)
    main(parser.parse_args().repetitions)


def print_table(title: str, rows: list[dict]) -> None:
    """Print rows as a table, all with the same keys."""
    print(title)
    cells = [
        list(rows[0]),
        *([f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
