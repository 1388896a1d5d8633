"""Experiments built on the rooms below, and the recordings of those too long for a lesson.

A recording is a module with ``CONFIGURATION`` (a dataclass instance), ``CODE_VERSION`` (an integer,
raised when the code changes what is measured) and ``record(configuration)``, which runs it and
returns its results. ``RECORDINGS`` names them all.
"""

RECORDINGS = {
    "mlm-head": "course_lib.studies.masked_word_model",
    "task-models": "course_lib.studies.task_models",
    "unanswerable": "course_lib.studies.unanswerable",
    "live-questions": "course_lib.studies.live_questions",
    "masking-strategies": "course_lib.studies.masking_strategies",
    "sentence-order": "course_lib.studies.sentence_order",
    "review-run": "course_lib.studies.review_run",
    "freezing": "course_lib.studies.freezing",
    "buckets": "course_lib.studies.buckets",
    "pretraining": "course_lib.studies.pretraining_run",
    "search": "course_lib.studies.search",
    "ablations": "course_lib.studies.ablations",
}
