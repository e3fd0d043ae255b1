"""``python -m evidence.montecarlo``."""

import sys

from evidence.montecarlo.run import main

if __name__ == "__main__":
    sys.exit(main())
