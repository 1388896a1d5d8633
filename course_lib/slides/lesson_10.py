"""Two tables of the deck on named-entity recognition: the settings, and the four types in the training part."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from course_lib.data.sources import load_texts
from course_lib.figures import style  # not Table itself: "Table" names a table that the notebook shows
from course_lib.finetuning.entities import entities_of
from course_lib.slides.kept import shown_again
from course_lib.translation import translate


def table_14_settings() -> style.Table:
    """Return table 14 as the notebook showed it, without the line below, for which the slide has its own place."""
    return replace(shown_again("10_named_entity_recognition", "table_14_settings"), note="")


def table_types() -> style.Table:
    """Return, for each type, how many names the training part has, and the most frequent ones outside headlines."""
    rows, count, names = load_texts("entities", "bundled")["train"], Counter(), {}
    for words, tags in zip(rows["tokens"], rows["tags"], strict=True):
        headline = not any(letter.islower() for word in words for letter in word)  # all in capitals
        for start, end, kind in entities_of(words, tags):
            count[kind] += 1
            if not headline:
                names.setdefault(kind, Counter())[" ".join(words[start:end])] += 1
    meaning = {
        "PER": translate("persons"),
        "ORG": translate("organizations"),
        "LOC": translate("locations"),
        "MISC": translate("other names"),
    }
    return style.Table(
        translate("Names in the training sentences"),
        [translate("type"), translate("what"), translate("names"), translate("most frequent")],
        [
            [kind, what, count[kind], ", ".join(name for name, _ in names[kind].most_common(4))]
            for kind, what in meaning.items()
        ],
    )
