"""Helper library of the course *BERT: pre-training strategies and fine-tuning for downstream tasks*.

Importing ``course_lib`` is cheap on purpose: torch and transformers are imported by the modules
that use them, so that the command line answers at once.
"""

import os

# The hub's client reads this once, when it is imported, so it is set before any module of the course can import it.
# Files then come by plain HTTP alone, the one transport whose failures are tested and told in a sentence; a damaged
# file is recognized by its hash. Who wants Xet all the same sets HF_HUB_DISABLE_XET=0.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

__version__ = "0.1.0"
