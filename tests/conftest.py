"""For every test, and every process that a test starts."""

import os

# Messages are checked in English, whatever the machine's locale.
os.environ["FUSION_LANGUAGE"] = "en"
