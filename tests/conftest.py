"""For every test, and every process that a test starts."""

import os

# Messages are checked in English, whatever the machine's locale.
os.environ["FUSION_LANGUAGE"] = "en"

# Two processes test at once: with a thread for each core in each of them, linear algebra mostly waits.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
