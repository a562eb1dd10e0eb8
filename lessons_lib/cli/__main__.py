"""`python -m lessons_lib.cli`, for where the entry point `lessons` is not installed."""

import sys

from lessons_lib.cli.main import main

sys.exit(main())
