"""Spark for tests, where the extra is installed and Java is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster_missing import MISSING

from workbook.cluster import session

SMALL = {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "4"}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An Ibis backend on two cores of this machine."""
    if MISSING:
        pytest.skip(MISSING)
    backend = session.opened(
        {"kind": "spark", "master": "local[2]", "options": SMALL}, tmp_path_factory.mktemp("spark")
    )
    yield backend
    backend.con.session.stop()
