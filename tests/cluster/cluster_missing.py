"""Why the tests on Spark cannot run here; empty where they can."""

from workbook.cluster import session

MISSING = session.refused({"kind": "spark", "master": "local[2]"})
