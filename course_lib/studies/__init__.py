"""Experiments built on the packages below, and the recordings of those too long for a lesson.

A recording is a module with ``CONFIGURATION`` (a dataclass instance), ``CODE_VERSION`` (an integer,
raised when the code changes what is measured) and ``record(configuration, runner)``, which
makes its runs by the runner and returns its results. One with ``recorded_runs(configuration, results)`` can
tell the runs of its earlier recording, so that a further row is made without them. ``RECORDINGS`` names them all.
"""

RECORDINGS = {
    "reading-directions": "course_lib.studies.before_bert.directions",
    "mlm-head": "course_lib.studies.masking.masked_word_model",
    "task-models": "course_lib.studies.finetuning.task_models",
    "unanswerable": "course_lib.studies.finetuning.unanswerable",
    "live-questions": "course_lib.studies.finetuning.live_questions",
    "masking-strategies": "course_lib.studies.masking.masking_strategies",
    "sentence-order": "course_lib.studies.pretraining.sentence_order",
    "review-run": "course_lib.studies.finetuning.review_run",
    "endings": "course_lib.studies.finetuning.endings",
    "pooling": "course_lib.studies.finetuning.pooling",
    "pairs": "course_lib.studies.finetuning.pairs",
    "freezing": "course_lib.studies.finetuning.freezing",
    "buckets": "course_lib.studies.finetuning.buckets",
    "pretraining": "course_lib.studies.pretraining.pretraining_run",
    "search": "course_lib.studies.search.study",
    "case-study": "course_lib.studies.case_study.study",
    "robustness": "course_lib.studies.robustness.study",
    "ablations": "course_lib.studies.ablations.study",
    "features": "course_lib.studies.features.study",
    "retrieval": "course_lib.studies.retrieval.study",
    "compression": "course_lib.studies.compression.study",
    "variants": "course_lib.studies.variants.study",
}
