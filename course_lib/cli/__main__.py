"""``python -m course_lib.cli``: the command line where a launcher wants a module, as ``torchrun -m`` does."""

import sys

from course_lib.cli import main

sys.exit(main())
