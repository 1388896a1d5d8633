"""Lesson 15's study of reviews from end to end: a plan, runs, statistics, calibration, errors, and a model card."""
