"""``python -m twill_ilp``: the command line."""

import sys

from twill_ilp.cli import main

if __name__ == "__main__":
    sys.exit(main())
