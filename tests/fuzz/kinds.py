"""What is tried: of each kind what is made and what reads it, and what must then hold; command lines.

A file is refused in words, in both languages, or read whole, in seconds and within bounds.
"""

from __future__ import annotations

import io
import os
import random
import re
import resource
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import reads
from made import Made, book, csv, of_csv, of_yaml, table, yaml
from made import json as record
from mutate import bitten, spoken
from reads import DATA, ERRORS, Try

from fusion import language as fusion_language
from fusion.integration import learn
from workbook import cli, language, paths

# Lines of a terminal of so many columns that a message fills; processor time of one input (others may use the machine);
# memory that it may take beyond what the process has.
LINES, COLUMNS, SECONDS, MEGABYTES = 50, 160, 10.0, 1_000.0
STUCK = 120  # seconds after which an input is given up


# -- what is made --------------------------------------------------------------------------------------
def _words(seed: int) -> Made:
    text = spoken(random.Random(seed), ("x", "z", "g", "flag", "firm_id", "year", "nowhere"))
    return Made(bitten(text.encode(), seed) if seed % 3 == 0 else text.encode())


PILOTS = (
    "scheme,level,batch,kind,unit,name,notice,start,end,revoked,source,verified,goal_indicator,goal_value,goal_year\n"
    "s,national,1,enterprise,f1,n,no 5,2016,,,page 3,yes,,,\ns,municipal,2,park,p1,m,,2018,2020,,,no,fi,3,2022\n"
)
PLAN = (
    "scheme,batch,unit,item,kind,name,indicator,direction,base,goal,weight,due,reported,reported_year,source\n"
    "s,1,f1,1,goal,Revenue,fi,up,1,2,60,2020,1.5,2019,page 2\ns,1,f1,2,task,A form,,up,0,1,40,2019,,,page 2\n"
)
LISTS = (
    "kind,issuer,notice,batch,date,code,name,old_names,until,revoked,mode,source,verified\n"
    "green_factory,MIIT,no 1,1,2021-12-03,91310000000000001X,甲公司,,,,,p 1,yes\n"
    "smart_factory,MIIT,,2,2022,,乙,丙;丁,2025,,,,no\n"
)
WEIGHTS = "edition,code,part,weight\n2011,0169,0164,0.5\n2011,0169,0169,0.5\n2011,0170,0171,1\n"
PRICES = "of,industry,class_version,year,index,base,source\n" + "".join(
    f"{of},{industry},2017,{year},{100 + year - 2015 + len(industry)},{base},a bulletin\n"
    for of, industry, base in (
        ("output", "", "previous"),
        ("output", "35", "2015"),
        ("input", "3544", "previous"),
    )
    for year in range(2015, 2020)
)
OWN_INDEX = (
    "group_en,group_zh,indicator,direction,weight\nScale,规模,C1,+,40\nScale,规模,operating_revenue,+,20\n"
    "Input,投入,D1,-,30\n贡献,,C2,+,10\n"
)
FLOWS = (DATA / "io" / "table_template.csv").read_text("utf-8")
OBSERVED = "target,year,value,source\niiot_core,2020,1.5,s\nbrand_firms,2021,3,t\n"
SHARES = "standard,gbt_code,coefficient\nsports_2019,8810,0.5\nsports_2019,8890,0.25\n"
CORRECTIONS = (
    "unit,year,field,kind,reason,who,decided_at,form,old,new,factor,measure,source\n"
    "a,2020,operating_revenue,slip,ten times,me,2021-03-01,,1000,100,,万元,call\n"
    "b,2019,*,slip,unit,me,2021/3/2,,,,1,,\nb,2020,total_assets,confirmed,right,me,2021,,,,,,\n"
)
ANSWERS = (
    "Identifier,Year,Item,Answer,Right value (10 000 yuan),Reason,Decided by,Date,Check\n"
    + "".join(
        f"{unit},{year},{item},{answer},{right},said so,me,2021-03-0{i},{check}\n"
        for i, (unit, year, item, check, answer, right) in enumerate(
            zip(*(reads.ASKED[c] for c in ("unit", "year", "item", "check")),
                ("wrong unit", "another mistake", "right as it is"), ("10", "61", ""), strict=True), 1
        )
    )
)  # fmt: skip
NAMED = "column,en,zh,unit\nln_lp,Log output,对数产出,\npilot,Pilot,,%\n"
STUDY = """\
study: {title_en: Base, title_zh: 基础, synthetic: true}
panel: {source: synthetic, min_employees: 8}
columns: {ln_lp: "log_ratio(value_added, employees_avg)", pilot: since(pilot_start_year)}
samples: {state: employees_avg > 300}
effects: {outcome: ln_lp, treatments: [pilot], controls: [rd_expense], fixed_effects: [[firm_id], [firm_id, year]]}
"""
TABLES = {
    "main": {
        "title": "A | 甲", "notes": "b", "stars": [0.1, 0.05], "digits": 3, "under": "t", "show": "all",
        "columns": [{"fixed_effects": []}, {"sample": "state"}, {"add": "log(total_assets)"},
                    {"cluster": ["firm_id", "district"]},
                    {"errors": {"conley": {"km": 100, "lat": "total_assets", "lon": "employees_avg"}}}, {"split": "district"}],
        "tests": [{"equal": "pilot", "of": [1, 2]}, {"zero": ["pilot"], "of": [2]}], "stats": ["n", "units"],
    },
    "two": {"panels": {"A": {"head": "x", "sample": "state"}, "B": {"outcome": "ind4", "columns": [{}]}}, "columns": [{}]},
    "three": {"from": "main", "swap": {"pilot": "ln_lp"}},
    "four": {"estimator": "iv", "iv": {"pilot": ["ln_lp"]}, "columns": [{"mark": {"Years": True}, "like": "xtreg"}],
             "weights": "employees_avg", "landscape": True},
}  # fmt: skip
RELEASE = {
    "format": 1, "name": "2024",
    "sums": [{"exhibit": "e", "key": {"a": "b"}, "column": "c", "total": 1.5, "units": ["u"], "marks": ["m"], "weights": [1.0]}],
    "counts": [{"exhibit": "e", "key": {}, "column": "c", "value": None}],
}  # fmt: skip
PANEL = (
    "企业代码,年份,营业收入(万元),资产总计（千元）,行业代码,Employees,Revenue (thousand yuan),试点年份,研发费用/万元\n"
    + "".join(
        f"f{i % 5},{2015 + i // 5},{10 + i},{100 * i},3544,{i},{i * 3.5},{2018 if i % 5 < 2 else ''},1\n"
        for i in range(30)
    )
)


def _plan(seed: int) -> Made:
    return Made(csv(PLAN.encode(), seed).content, beside={"pilots.csv": PILOTS.encode()})


def _tables(seed: int) -> Made:
    changed = yaml([{"tables": TABLES}], seed, most=99)
    return Made(STUDY.encode() + changed.content)


def _upon(seed: int) -> Made:
    """A study upon another, either of which is changed; the one below may have its own."""
    dice = random.Random(seed)
    whole = STUDY + "tables: {main: {columns: [{}]}}\n"
    own = {
        "study": {"title_en": "Child"},
        "panel": {"min_employees": None, "first_year": 2014},
        "effects": {"outcome": "pilot"},
    }
    beside = {"below.yaml": whole.encode(), "other.yaml": b"base: below.yaml\npanel: {min_employees: 20}\n"}
    if seed % 4 == 0:
        beside["below.yaml"] = yaml([TREE], seed).content
    named = dice.choice(
        ["below.yaml"] * 6
        + ["other.yaml"] * 4
        + ["odd.yaml", "", ".", "none.yaml", "/etc/passwd", "null", "[]"]
    )
    return Made(f"base: {named}\n".encode() + yaml([own], seed).content, beside=beside)


def _names(seed: int) -> Made:
    text = STUDY + "names: names.csv\ntables: {main: {columns: [{}]}}\n"
    return Made(text.encode(), beside={"names.csv": csv(NAMED.encode(), seed).content})


ENDLESS = (  # these take what they are given, so that few are tried
    "SELECT a.* FROM firms a, firms b, firms c, firms d, firms e, firms f, firms g",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS firm_id, 2020 AS year FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS firm_id, 2020 AS year FROM n",
    "SELECT group_concat(a.note || hex(zeroblob(90000))) AS firm_id, 1 AS year FROM firms a, firms b, firms c, firms d",
)
QUERIES = (
    "SELECT * FROM firms", "SELECT firm_id, year, sum(operating_revenue) AS operating_revenue FROM firms GROUP BY 1, 2",
    "SELECT firm_id, year FROM firms WHERE year > 2015 ORDER BY year", "WITH t AS (SELECT * FROM firms) SELECT * FROM t LIMIT 3",
    "SELECT a.* FROM firms a, firms b",
    "SELECT zeroblob(1000000000) AS firm_id, 2020 AS year", "SELECT printf('%.*c', 900000000, 'x') AS firm_id, 1 AS year",
    "SELECT randomblob(10) AS firm_id, 2020 AS year, x'ff' AS note", "SELECT firm_id, year, year AS year FROM firms",
    "SELECT firm_id AS '', year FROM firms", "SELECT 1; SELECT 2", "DELETE FROM firms", "ATTACH '/etc/passwd' AS x",
    "PRAGMA writable_schema = 1", "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')", "VACUUM INTO '/x'",
    "SELECT * FROM odd", "SELECT firm_id, year, NULL AS note, 1e400 AS x, 9223372036854775807 AS y FROM firms",
    "SELECT 1 WHERE 0", "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1900)),
    "SELECT " + "(" * 2000 + "1" + ")" * 2000, "", ";", "-- nothing",
)  # fmt: skip
PLACES = (
    "firms.db", "firms.db", "firms.db", "firms.db", "firms.db", "./firms.db", "FIRMS.DB", "../firms.db", "/etc/passwd", "none.db",
    "", "odd.sql", ":memory:", "firms.db?mode=rwc", "file:firms.db", "x" * 300, "a\x00b",
)  # fmt: skip


@cache
def _database() -> bytes:
    con = sqlite3.connect(":memory:")
    con.execute(
        "CREATE TABLE firms (firm_id TEXT, year INTEGER, operating_revenue REAL, ind4 TEXT, note TEXT)"
    )
    con.executemany(
        "INSERT INTO firms VALUES (?, ?, ?, ?, ?)",
        [(f"f{i % 9}", 2015 + i // 9, i * 1.5, "3544", "x") for i in range(90)],
    )
    con.execute("CREATE TABLE odd (firm_id, year, operating_revenue)")
    con.executemany(
        "INSERT INTO odd VALUES (?, ?, ?)", [(1, "2015", "1"), ("a", 2016, b"\xff"), (None, 2.5, 9**18)]
    )
    con.commit()
    return con.serialize()


def _query(seed: int) -> Made:
    dice = random.Random(seed)
    query = dice.choice(QUERIES if seed % 97 else ENDLESS)
    first = dice.choice(
        [
            "-- sqlite: ",
            "-- sqlite: ",
            "-- sqlite: ",
            "--sqlite:",
            "-- SQLite : ",
            "# sqlite: ",
            "-- postgresql: ",
        ]
    )
    text = f"{first}{dice.choice(PLACES) if dice.random() < 0.3 else 'firms.db'}\n{query}\n".encode(
        "utf-8", "surrogatepass"
    )
    held = _database()
    return Made(
        bitten(text, seed) if seed % 3 == 0 else text,
        beside={"firms.db": bitten(held, seed) if seed % 5 == 0 else held},
    )


FILES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".parquet", ".dta", ".sav", ".xpt", ".sas7bdat")


def _kind(
    suffix: str, of: Callable[[int], Made | None], attempt: Try
) -> tuple[str, Callable[[int], Made | None], Try]:
    return f"odd{suffix}", of, attempt


def _of(suffix: str) -> Callable[[int], Made | None]:
    return lambda seed: table(suffix, seed)


def _totals(seed: int) -> Made:
    """Totals of an earlier run, whole, with a column less or of another type, a cell twice, or bitten."""
    dice, stream = random.Random(seed), io.BytesIO()
    held = pd.DataFrame(
        {"year": [2015 + i // 4 for i in range(20)], "path": [f"P{i % 4}" for i in range(20)]}
    )
    held["total"] = [dice.choice([dice.random(), 1e300, -0.0]) for _ in range(20)]
    if seed % 5 == 1:
        held = held.drop(columns=dice.choice([*held.columns]))
    elif seed % 5 == 2:
        held[dice.choice([*held.columns])] = dice.choice(["x", None, True, "2015", 1.5])
    elif seed % 5 == 3:
        held.insert(1, dice.choice(["Year", "rowid", "", "=1+1"]), held.iloc[:, 0])
    held.to_parquet(stream)
    content = stream.getvalue()
    return Made(bitten(content, seed)) if seed % 3 == 0 else Made(content, len(held))


def _learned(seed: int) -> Made:
    """What an earlier run learned, whole, with a column less, of another type, odd cells, a row twice, or bitten."""
    dice, stream = random.Random(seed), io.BytesIO()
    steps = pd.DataFrame({"path": ["P1", "total"], "slope": [1.1, 1.2], "error": [0.1, None]})
    means = pd.DataFrame({"path": ["P1", None, "total"], "mean": [0.5, 0.4, None], "n": [30, 2, 0]})
    met = pd.DataFrame(
        {"division": ["35"] * 2, "service": ["7320", "6450"], "n": [3, 0], "expected": [1.5, 0.5]}
    )
    tied = pd.DataFrame({"division": ["35"], "service": ["7320"], "m": [4], "tied": [0.25]})
    held = learn.Learned(met, tied).kept(means, steps)
    if seed % 5 == 1:
        held = held.drop(columns=dice.choice([*held.columns]))
    elif seed % 5 == 2:
        held[dice.choice([*held.columns])] = dice.choice(["x", None, True, "2015", 1.5, -1.0])
    elif seed % 5 == 3:
        held = pd.concat([held, held.sample(dice.randint(1, 3), random_state=seed)])
    elif seed % 5 == 4:
        column = dice.choice([c for c in held.columns if c not in learn.NAMES])
        held.loc[dice.randrange(len(held)), column] = dice.choice([float("inf"), -1.0, 1e300, float("nan")])
    held.to_parquet(stream)
    content = stream.getvalue()
    return Made(bitten(content, seed)) if seed % 3 == 0 else Made(content)


def _book(text: str, suffix: str = ".xlsx") -> Callable[[int], Made | None]:
    return lambda seed: book(text.encode(), suffix, seed)


KINDS: dict[str, tuple[str, Callable[[int], Made | None], Try]] = {
    "study": ("odd.yaml", of_yaml(paths.PARAMS, "*.yaml"), reads.read_study),
    "study upon another": ("odd.yaml", _upon, reads.read_study),
    "study's tables": ("odd.yaml", _tables, reads.read_tables),
    "study's names": ("odd.yaml", _names, reads.read_study),
    "first study": ("odd.csv", of_csv(PANEL, 40), reads.read_first_study),
    "first study of a book": ("odd.xlsx", _book(PANEL), reads.read_first_study),
    "expression": ("odd.txt", _words, reads.read_expression),
    "adapter": ("odd.yaml", of_yaml(DATA / "adapters", "*.yaml"), reads.read_adapter),
    "pilots": ("odd.csv", of_csv(PILOTS), reads.read_pilots),
    "plan": ("odd.csv", _plan, reads.read_plan),
    "targets": ("odd.csv", of_csv(DATA / "evaluation" / "targets.csv"), reads.read_targets),
    "observed": ("odd.csv", of_csv(OBSERVED), reads.read_observed),
    "corrections": ("odd.csv", of_csv(CORRECTIONS), reads.read_corrections),
    "corrections in a book": ("odd.xlsx", _book(CORRECTIONS), reads.read_corrections),
    "answers": ("odd.xlsx", _book(ANSWERS), reads.read_answers),
    "base of an index": ("odd.json", lambda seed: record(BASES, seed), reads.read_base),
    "releases": ("odd.release.json", lambda seed: record(RELEASE, seed), reads.read_releases),
    "standard": ("odd.csv", of_csv(DATA / "classification" / "standards" / "sports_2019.csv"), reads.read_slot),
    "standard in a book": ("odd.xlsx", _of(".xlsx"), reads.read_slot),
    "coefficients": ("odd.csv", of_csv(SHARES), reads.read_coefficients),
    "weights": ("odd.csv", of_csv(WEIGHTS), reads.read_weights),
    "prices": ("odd.csv", of_csv(PRICES), reads.read_prices),
    "own index": ("odd.csv", of_csv(OWN_INDEX), reads.read_own_index),
    "input-output table": ("odd.csv", of_csv(FLOWS), reads.read_flows),
    "input-output table in a book": ("odd.xlsx", _book(FLOWS), reads.read_flows),
    "earlier totals": ("odd.parquet", _totals, reads.read_vintage),
    "what was learned": ("odd.parquet", _learned, reads.read_learned),
    "lists": ("odd.csv", of_csv(LISTS), reads.read_lists),
    "lists in a book": ("odd.xlsx", _book(LISTS), reads.read_lists),
    "classified": ("odd.csv", _of(".csv"), reads.read_classify),
    "classified book": ("odd.xlsx", _of(".xlsx"), reads.read_classify),
    "query": ("odd.sql", _query, reads.read_panel),
    "query by adapter": ("odd.sql", _query, reads.read_adapted),
    "headers by adapter": ("odd.csv", of_csv(PANEL, 40), reads.read_adapted),
} | {
    f"{suffix[1:]}{how}": _kind(suffix, _of(suffix), attempt)
    for suffix in FILES for how, attempt in (("", reads.read_panel), (" by adapter", reads.read_adapted))
}  # fmt: skip
TREE = {"study": {"title_en": "Base", "synthetic": True}, "panel": {"source": "synthetic"}, "tables": TABLES}
BASES = reads.bases()


# -- what must hold ------------------------------------------------------------------------------------
REFUSED, READ, UNMADE = "refused", "read", "unmade"


def outcome(kind: str, seed: int, folder: Path) -> str:
    """What became of an input: refused in words, read whole, not to be made; else why it does not hold."""
    name, make, attempt = KINDS[kind]
    made = make(seed)
    return UNMADE if made is None else tried(folder, name, made, attempt)


def failures(kind: str, seeds: range, folder: Path) -> Iterator[str]:
    """What went wrong, a line for each seed."""
    for seed in seeds:
        if (found := outcome(kind, seed, folder)) not in (REFUSED, READ, UNMADE):
            yield f"{kind} {seed}: {found}"


def tried(folder: Path, name: str, made: Made, attempt: Try) -> str:
    """What becomes of an input in English; where it is refused, in Chinese too."""
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    file = folder / name
    for other, content in (made.beside | {name: made.content}).items():
        (folder / other).write_bytes(content)
    said = {}
    for language_ in ("en", "zh"):
        wrong, said[language_] = _once(file, made.rows, attempt, language_)
        if wrong:
            return wrong
        if not said["en"]:
            return READ
    names = [file.name, *made.beside]
    return _unclear(said, [] if file.suffix == ".txt" else names) or REFUSED


def _processor() -> float:
    """Seconds of the processor up to now, with those of readers that have processes of their own."""
    return sum(os.times()[:4])


def _once(file: Path, rows: int | None, attempt: Try, language_: str) -> tuple[str, str]:
    """Why an input does not hold, and the words in which it was refused."""
    before, most = psutil.Process().memory_info().rss, _peak()
    began, told = _processor(), ""
    signal.signal(signal.SIGALRM, _stuck)
    signal.alarm(STUCK)
    try:
        with fusion_language.speaking(language_), language.speaking(language_):
            attempt(file, rows)
    except ERRORS as error:
        told = str(error) or "no word"
    except BaseException as error:
        return _located(error), ""
    finally:
        signal.alarm(0)
    seconds, taken = _processor() - began, (_peak() - before) / 1e6
    if seconds > SECONDS:
        return f"{seconds:.0f} s", told
    return (f"{taken:.0f} MB", told) if _peak() > most and taken > MEGABYTES else ("", told)


def _stuck(number: int, frame: Any) -> None:
    raise TimeoutError(f"no end after {STUCK} s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1e3


def _unclear(said: dict[str, str], names: list[str]) -> str:
    """What is wrong with the words of a refusal."""
    for language_, text in said.items():
        lines = sum(1 + len(line) // COLUMNS for line in text.splitlines())
        if lines > LINES:
            return f"{lines} lines in {language_}: {text[:200]}"
        if "Traceback" in text or len(text) < 6:
            return f"no words in {language_}: {text[:200]}"
        if names and not any(name in text for name in names):
            return f"no file is named in {language_}: {text[:300]}"
    if not said["zh"] or said["en"] == said["zh"] or not re.search("[\u4e00-\u9fff]", said["zh"]):
        return f"not in Chinese: {said['zh'][:300]}"
    return ""


def _located(error: BaseException) -> str:
    ours = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if f"{os.sep}lib{os.sep}" in f.filename and ".venv" not in f.filename
    ]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "the test"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"


# -- command lines -------------------------------------------------------------------------------------
COMMANDS = (
    "validate", "show", "check", "classify", "standard", "runs", "pin", "diff", "trace", "audit", "package", "params", "run",
    "site", "prose", "browse", "form", "reproduce",
)  # fmt: skip
WORDS = (
    "smoke", "nobody", "", " ", "-", "--", "--help", "--language", "--language=xx", "--json", "../../etc/passwd", "/",
    "/dev/null", "x" * 5000, "a\nb", "\udcff", "0111", "9" * 500, "@", "a@b@c", "smoke@previous", "--jobs", "0", "-1", "nan",
    "*.csv", "params/smoke.yaml", "data", "=1+1", "--adapter", "--study", "--write", "\x1b[31m", "05.ladder", "01.flow:1:2",
    "CON", "aux.", "nul.yaml", "a\x00b", "--memory", "--memory=much", "4GB:/nowhere", "--edition", "2002", "--allow-code",
)  # fmt: skip
STARTS = {"run", "site", "reproduce", "verify"}  # notebooks, or a build: not started here


def command(seed: int) -> list[str]:
    """A command line."""
    dice = random.Random(seed)
    return [dice.choice(COMMANDS), *(dice.choice(WORDS) for _ in range(dice.randrange(4)))]


def commanded(arguments: list[str]) -> str:
    """What became of a command line: refused, answered, or why it does not hold."""
    harmless = {"--help", "nobody", "--jobs", "--memory=much"}
    if arguments[0] == "params" or (arguments[0] in STARTS and not set(arguments[1:]) & harmless):
        return UNMADE
    heard, before, began, code = io.StringIO(), sys.argv, time.process_time(), 0
    sys.argv = ["fusion", *arguments]
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException as error:
        return f"{arguments}: {_located(error)}"
    finally:
        sys.argv = before
    if time.process_time() - began > SECONDS:
        return f"{arguments}: {time.process_time() - began:.0f} s"
    if "Traceback" in heard.getvalue() or (code and not heard.getvalue().strip()):
        return f"{arguments}: {heard.getvalue()[-200:] or f'{code} without a word'}"
    return REFUSED if code else READ
