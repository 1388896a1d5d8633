"""Hyperparameter search (lesson 13)."""

METHODS = ("grid", "random", "tpe", "tpe, pruned")
