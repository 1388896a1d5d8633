"""Scores of Chinese answers by the rules of CMRC 2018 (Cui et al. 2019, its script ``cmrc2018_evaluate.py``).

SQuAD's rules compare words between spaces, and Chinese has none: one character more makes its F1 zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from course_lib.bert.wordpiece import is_chinese

# The signs that the script leaves out before it compares.
PUNCTUATION = frozenset(
    "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
)  # its "……" never equals a character


def is_chinese_text(texts: Iterable[str]) -> bool:
    """Tell whether at least half of the letters of some texts, digits not counted, are Chinese characters."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return bool(letters) and 2 * sum(map(is_chinese, letters)) >= len(letters)


def answer_units(text: str) -> list[str]:
    """Cut an answer into what is compared: Chinese characters, and the words and other signs between them.

    The script cuts what isn't Chinese by NLTK's English words; here a word is a run of letters and digits.
    """
    text = "".join(character for character in text.lower() if character not in PUNCTUATION)
    return re.findall(r"[\u4e00-\u9fa5]|(?:(?![\u4e00-\u9fa5])\w)+|[^\w\s]", text)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Return 1.0 if an answer is one of its references but for case and punctuation, otherwise 0.0."""
    stripped = [
        "".join(c for c in text.lower().strip() if c not in PUNCTUATION) for text in (answer, *references)
    ]
    return float(stripped[0] in stripped[1:])


def f1(answer: str, references: Sequence[str]) -> float:
    """Return the best F1 of an answer, from the longest run of units that it shares with a reference."""
    units, best = answer_units(answer), 0.0
    for reference in references:
        wanted = answer_units(reference)
        if not units or not wanted:
            best = max(best, float(units == wanted))
            continue
        shared = SequenceMatcher(None, units, wanted, autojunk=False).find_longest_match().size
        best = max(best, 2 * shared / (len(units) + len(wanted)))
    return best
