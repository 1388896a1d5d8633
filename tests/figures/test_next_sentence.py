"""The table of lesson 05 that compares trained models with baselines on the same pairs."""

from __future__ import annotations

from course_lib.figures.next_sentence import table_sentence_tasks


def run_of(labels: str, model: str, overlap: str) -> dict:
    return {"labels": labels, "model": model, "overlap": overlap, "asked_pairs": len(labels)}


def test_the_table_has_each_task_with_each_baseline_its_lead_and_its_interval():
    labels = "1110" * 25
    runs = [run_of(labels, "1111" * 25, "1011" * 25), run_of(labels, "1101" * 25, "1011" * 25)]
    even = [run_of(labels, "1110" * 25, "0001" * 25)]
    table = table_sentence_tasks({"nsp": runs, "sop": even})
    assert [row[:5] for row in table.rows] == [
        ["next sentence", "87.5", "word overlap", "75.0", "+12.5"],
        ["next sentence", "87.5", "majority", "75.0", "+12.5"],
        ["sentence order", "75.0", "word overlap", "25.0", "+50.0"],
        ["sentence order", "75.0", "majority", "75.0", "+0.0"],
    ]
    low, high = (float(end) for end in table.rows[0][5].split(" to "))
    assert 0 < low < 12.5 < high < 25 and table.rows[3][5] == "+0.0 to +0.0"
    assert "2 seeds, 100 pairs" in str(table.note)
