"""What a saved model says of a text, shown in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.errors import SettingError
from course_lib.figures.style import highlight


def show_prediction(text: str, prediction: Mapping[str, Any]):
    """Return an object that a notebook shows as the text with its label, its entities or the answer highlighted.

    Parameters
    ----------
    text : what was read; of a question, the paragraph.
    prediction : the record of :func:`course_lib.finetuning.prediction.predictions` for it.

    Raises
    ------
    SettingError
        If the record has nothing to be highlighted, as the score of a pair.
    """
    if "entities" in prediction:
        spans = [(found["start"], found["end"], found["type"]) for found in prediction["entities"]]
    elif "answer" in prediction:
        spans = [(prediction["start"], prediction["end"], "answer")] if prediction["answer"] else []
    elif "label" in prediction:
        spans = [(0, len(text), f"{prediction['label']} {prediction['probability']:.0%}")]
    else:
        raise SettingError("A score belongs to no words, so nothing can be highlighted. Print the record.")
    return highlight(text, spans)
