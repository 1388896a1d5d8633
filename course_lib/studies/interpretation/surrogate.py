"""Rules that imitate a model: a small decision tree on the words of a text, and how often it agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.errors import CourseError


@dataclass(frozen=True)
class Surrogate:
    """A tree that imitates a model.

    Parameters
    ----------
    pipeline : scikit-learn's, from texts to classes.
    rules : the tree in words.
    """

    pipeline: object
    rules: str

    def fidelity(self, texts: Sequence[str], predictions: Sequence[int]) -> float:
        """Return how often the tree says what the model says, a share.

        Raises
        ------
        CourseError
            If texts and predictions don't pair up, or there are none.
        """
        if not len(texts) or len(texts) != len(predictions):
            raise CourseError(
                f"There are {len(texts)} texts and {len(predictions)} predictions. Give one a text."
            )
        return float(np.mean(self.pipeline.predict(list(texts)) == np.asarray(predictions)))


def fit_surrogate(
    texts: Sequence[str], predictions: Sequence[int], *, leaves: int = 8, labels: Sequence[str] | None = None
) -> Surrogate:
    """Fit a tree to what a *model said* of texts, not to what is true of them.

    Parameters
    ----------
    texts : training texts.
    predictions : the model's class of each.
    leaves : the most rules.
    labels : names of the classes, for the rules.

    Raises
    ------
    CourseError
        If texts and predictions don't pair up, or all predictions are the same.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeClassifier

    if len(texts) != len(predictions):
        raise CourseError(
            f"There are {len(texts)} texts and {len(predictions)} predictions. Give one a text."
        )
    if len(set(map(int, predictions))) < 2:
        raise CourseError("The model says the same of every text, so there is nothing to imitate.")
    words = CountVectorizer(binary=True, min_df=3)  # a word's presence: the rules read as questions
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
    pipeline = make_pipeline(words, tree).fit(list(texts), np.asarray(predictions))
    return Surrogate(pipeline, _rules(tree, words.get_feature_names_out(), labels))


def _rules(tree, words: Sequence[str], labels: Sequence[str] | None) -> str:
    """Write a tree of questions "does it contain ...?" with the class and the number of texts at each leaf."""
    structure, lines = tree.tree_, []

    def write(node: int, depth: int) -> None:
        indent = "    " * depth
        if structure.children_left[node] == -1:
            place = int(structure.value[node][0].argmax())
            label = tree.classes_[place] if labels is None else labels[tree.classes_[place]]
            lines.append(f"{indent}{label}  ({structure.n_node_samples[node]} texts)")
            return
        word = words[structure.feature[node]]
        lines.append(f"{indent}contains “{word}”:")
        write(structure.children_right[node], depth + 1)
        lines.append(f"{indent}otherwise:")
        write(structure.children_left[node], depth + 1)

    write(0, 0)
    return "\n".join(lines)
