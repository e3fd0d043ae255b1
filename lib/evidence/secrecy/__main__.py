"""Attack many random panels: ``python -m evidence.secrecy --panels 300``."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from evidence.secrecy.attack import Found, attack
from evidence.secrecy.panels import panel, study
from workbook.publish.secrecy import Rules, verdicts


def one(seed: int, rule_set: str = "bureau") -> tuple[Found, float]:
    """Judge and attack one panel; also how long the judging took."""
    data = panel(seed)
    told = study(data, seed)
    rules = Rules.named(rule_set)
    start = time.perf_counter()
    found = verdicts([t.exhibit for t in told], rules)
    took = time.perf_counter() - start
    return attack(data, told, found, rules), took


def main() -> int:
    """Print what was attacked and what was found; 1 if anything was."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--panels", type=int, default=300)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--rules", default="bureau")
    asked.add_argument("--workers", type=int, default=1)
    options = asked.parse_args()
    seeds = range(options.first, options.first + options.panels)
    totals, broken, took = [], [], 0.0
    with ProcessPoolExecutor(options.workers) as pool:
        for seed, (found, seconds) in zip(
            seeds, pool.map(partial(one, rule_set=options.rules), seeds), strict=True
        ):
            totals.append(found)
            took += seconds
            if found.broken:
                broken.append(seed)
                print(f"panel {seed}: {found}", flush=True)
    for name in Found.__dataclass_fields__:
        print(f"{name:16} {sum(getattr(f, name) for f in totals)}")
    print(f"panels {len(totals)}, broken {len(broken)}, judged in {took / len(totals):.2f} s each")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
