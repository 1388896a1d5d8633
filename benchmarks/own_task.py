"""From a table of one's own to a saved model: minutes for 200 rows with four classes, memory for 50,000 rows.

The rows are the tickets of ``data/examples``. Both are measured in a process of their own. The targets are 3 minutes on
two cores and 3 GB.

    python -m benchmarks.own_task
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import print_table, run_from_command_line, use_course_threads
from course_lib import settings

TARGET_MINUTES, TARGET_GB, FEW, MANY = 3.0, 3.0, 200, 50_000
EPOCHS = 5
# Memory of the largest moment, when the rows are read, split, described and made features of.
READING = """
import json, resource, sys
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.own.examples import ColumnNames
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.own_data import own_data

own = own_data("classification", sys.argv[1], ColumnNames(text=("subject", "body"), label="topic"))
features = own.task.features(own.parts["train"], load_tokenizer(bundled_weights_folder()), 128)
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB on Linux, bytes on macOS
rows = sum(len(part) for part in own.parts.values())
print(json.dumps({"rows": rows, "gb": used / (1e9 if sys.platform == "darwin" else 1e6)}))
"""


def write_tickets(path: Path, count: int) -> None:
    """Write a table with so many tickets, each one different from the others."""
    with open(settings.DATA / "examples" / "tickets.csv", encoding="utf-8", newline="") as file:
        tickets = list(csv.DictReader(file))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tickets[0].keys())
        writer.writeheader()
        for number in range(count):
            ticket = tickets[number % len(tickets)]
            again = f" ({number})" if number >= len(tickets) else ""
            writer.writerow(ticket | {"subject": ticket["subject"] + again})


def memory(folder: Path) -> dict:
    """Measure the memory that 50,000 rows take, from the table to their features."""
    write_tickets(folder / "many.csv", MANY)
    output = subprocess.check_output([sys.executable, "-c", READING, str(folder / "many.csv")], text=True)
    found = json.loads(output.splitlines()[-1])
    return {
        "rows": found["rows"],
        "measured": round(found["gb"], 2),
        "target": TARGET_GB,
        "unit": "GB",
        "met": found["gb"] <= TARGET_GB,
    }


def minutes(folder: Path) -> dict:
    """Measure the time from a table with 200 rows to a saved model, everything imported anew."""
    write_tickets(folder / "few.csv", FEW)
    command = [sys.executable, "-m", "course_lib.cli", "finetune", "classification", "--data", str(folder / "few.csv"),
               "--text", "subject", "body", "--label", "topic", "--encoder", "bundled", "--epochs", str(EPOCHS),
               "--cpu", "--save", str(folder / "model")]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    taken = (time.perf_counter() - began) / 60
    met = taken <= TARGET_MINUTES and (folder / "model" / "model.safetensors").is_file()
    return {"rows": FEW, "measured": round(taken, 2), "target": TARGET_MINUTES, "unit": "minutes", "met": met}


def main(repetitions: int = 1) -> list[dict]:
    """Measure memory and time, and keep the worst of the repetitions.

    Returns
    -------
    list of dict
        A row each for memory and time: rows, what was measured, target, unit, whether it was met, threads.
    """
    threads = use_course_threads()
    worst = []
    for measure in (memory, minutes):
        rows = []
        for _ in range(repetitions):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measure(Path(folder)))
        worst.append(max(rows, key=lambda row: row["measured"]) | {"threads": threads})
    print_table("From a table to a saved model", worst)
    return worst


if __name__ == "__main__":
    run_from_command_line(main, __doc__, repetitions=1)
