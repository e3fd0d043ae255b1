"""What the lock brings: licences as a table, and whether what holds back a package still does.

python tests/project/supply.py licences    write docs/licences.csv from what is installed (`make lock` does)
python tests/project/supply.py advisories  look every pin up where weaknesses are made known (`make advisories`; needs that place)
python tests/project/supply.py bounds      try the newest of each package that is held back (`make bounds`; needs an index)
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "licences.csv"
OWN = {"fusion-workbook", "pip", "setuptools", "uv", "wheel"}  # this project, and what installs it
LONGEST = 60  # a longer text is a licence itself, not its name
WORKS = """
import ibis, pandas as pd
con = ibis.duckdb.connect()
table = con.create_table("t", pd.DataFrame({"a": [1, 2, 3], "b": list("xyx")}))
assert con.execute(table.group_by("b").aggregate(s=table.a.sum()).s.max()) == 4
con.drop_table("t")
"""
ESTIMATES = """
import numpy as np, pandas as pd, pyfixest, linearmodels, statsmodels.api, scipy.linalg, diff_diff
frame = pd.DataFrame({"y": np.arange(40.0) % 7, "x": np.arange(40.0) % 5, "g": np.arange(40) // 4})
assert abs(pyfixest.feols("y ~ x | g", frame).coef()["x"]) < 9
"""
# Package: the bound in requirements.in, and what must work before it can go.
HELD = {"sqlglot": ("<28", WORKS), "numpy": ("<2.4", ESTIMATES), "duckdb": ("<2", WORKS)}


def licence(meta: PackageMetadata) -> str:
    """The licence that a package's own metadata state."""
    stated = str(meta.get("License-Expression") or "")
    classes = [
        c.rpartition(" :: ")[2] for c in meta.get_all("Classifier") or [] if c.startswith("License ::")
    ]
    field = str(meta.get("License") or "").strip()
    short = field if field and len(field) <= LONGEST and "\n" not in field else ""
    return stated or short or "; ".join(c for c in classes if c != "OSI Approved") or "see its files"


def table() -> str:
    """``package,licence`` of everything that is installed but this project."""
    rows = {canonicalize_name(d.metadata["Name"]): licence(d.metadata) for d in distributions()}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["package", "licence"])
    writer.writerows(sorted((name, told) for name, told in rows.items() if name not in OWN))
    return out.getvalue()


def _had(name: str, folder: str, *how: str) -> subprocess.CompletedProcess[str]:
    """Install the newest of a package into a folder of its own."""
    uv = str(Path(sys.executable).with_name("uv"))
    words = [uv, "pip", "install", "--quiet", *how, "--target", folder, name]
    return subprocess.run(words, capture_output=True, text=True)


def audited(found: dict[str, Any]) -> tuple[int, list[str]]:
    """What a service knows of the pins: status (0 nothing, 1 weaknesses, 2 some or all not looked up), and lines that say it."""
    pins = found["dependencies"]
    unseen = [one["name"] for one in pins if "skip_reason" in one]
    weak = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version'}"
        for one in pins
        for flaw in one.get("vulns", [])
    ]
    lines = [*weak, f"{len(pins) - len(unseen)} of {len(pins)} pins looked up, {len(weak)} weaknesses known"]
    if unseen:
        lines.append(
            f"not looked up, which says nothing of them: {', '.join(unseen[:8])}" + " …" * (len(unseen) > 8)
        )
    return (1 if weak else 2 if unseen else 0), lines


def advisories() -> int:
    """Ask for what is known of every pin of the lock; pip-audit is had for this alone and is no dependency."""
    with tempfile.TemporaryDirectory() as folder:
        got = _had("pip-audit", folder)
        if got.returncode:
            print(f"pip-audit could not be had: {got.stderr.strip().splitlines()[-1:]}")
            return 2
        words = ["-r", str(ROOT / "requirements.lock"), "--disable-pip", "--no-deps", "--format", "json"]
        for service in ("osv", "pypi"):
            program = [sys.executable, "-m", "pip_audit", *words, "--progress-spinner", "off", "-s", service]
            env = os.environ | {"PYTHONPATH": folder}
            done = subprocess.run(program, capture_output=True, text=True, env=env)
            if done.stdout.startswith("{"):
                status, lines = audited(json.loads(done.stdout))
                print("\n".join(lines))
                return status
        print(f"no database of advisories could be reached: {done.stderr.strip().splitlines()[-1][:300]}")
        return 2


def tried(name: str, check: str) -> str:
    """Whether a check works with the newest version of a package; says which."""
    with tempfile.TemporaryDirectory() as folder:
        got = _had(name, folder, "--no-deps")
        if got.returncode:
            return f"{name}: could not be had: {got.stderr.strip().splitlines()[-1:]}"
        newest = (
            next(Path(folder).glob(f"{name.replace('-', '_')}-*.dist-info"))
            .name.removesuffix(".dist-info")
            .split("-")[1]
        )
        env = os.environ | {"PYTHONPATH": folder}
        done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=env)
        if done.returncode == 0:
            return f"{name} {newest} passes what held it back: run the tests with it, then the bound can go"
        return f"{name} {newest} is still held back: {done.stderr.strip().splitlines()[-1]}"


if __name__ == "__main__":
    if sys.argv[1:] == ["licences"]:
        TABLE.write_text(table(), encoding="utf-8")
    elif sys.argv[1:] == ["advisories"]:
        sys.exit(advisories())
    else:
        print("\n".join(tried(name, check) for name, (_, check) in HELD.items()))
