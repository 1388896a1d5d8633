"""Lesson 14's study: what makes a fine-tuned model rely less on chance and on the wording of its few rows."""
