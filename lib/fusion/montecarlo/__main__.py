"""``python -m fusion.montecarlo``."""

import sys

from fusion.montecarlo.run import main

if __name__ == "__main__":
    sys.exit(main())
