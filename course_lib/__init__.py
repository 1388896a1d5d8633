"""Helper library of the course *BERT: pre-training strategies and fine-tuning for downstream tasks*.

Importing ``course_lib`` is cheap on purpose: torch and transformers are imported by the modules
that use them, so that the command line answers at once.
"""

__version__ = "0.1.0"
