"""Loads deploy/bi/dbt/sources.yml into dbt and asks the views through it.

Prints a line "ok ..." for each thing that works, and ends with an error at the first
that does not. BI_URL, BI_USER and BI_PASSWORD say where ClickHouse is; the arguments
are an empty folder to work in and the file of sources. The data are those of the Go
test that runs this.
"""

import json
import os
import pathlib
import shutil
import sys
from urllib.parse import urlsplit

import yaml
from dbt.cli.main import dbtRunner

HERE = pathlib.Path(__file__).parent
# Asks two views at once, and through another model.
MODELS = {
    "daily.sql": """{{ config(materialized='ephemeral') }}
        select project, day, count() as events from {{ source('touchline', 'touchpoints') }} where not is_bot group by project, day""",
    "share.sql": """select f.step as step, max(f.persons) as persons, (select sum(events) from {{ ref('daily') }} where project = 'demo') as events
        from {{ source('touchline', 'funnel_default') }} as f where f.project = 'demo' group by step""",
}


def ok(what):
    print("ok", what, flush=True)


def dbt(*args, works=True):
    done = dbtRunner().invoke([*args, "--quiet", "--no-use-colors"])
    assert done.success == works, f"dbt {args}: {done.exception or [(r.node.name, r.message) for r in done.result or []]}"
    return done.result


def sources(text):
    return yaml.safe_load(text)["sources"][0]["tables"]


def catalog(tables):
    """What dbt finds in the database is what the file says."""
    dbt("docs", "generate")
    found = {n["metadata"]["name"]: n for n in json.loads(pathlib.Path("target/catalog.json").read_text())["sources"].values()}
    assert found.keys() == {t["name"] for t in tables}, found.keys() ^ {t["name"] for t in tables}
    for t in tables:
        assert found[t["name"]]["metadata"]["comment"].startswith(t["description"]), found[t["name"]]["metadata"]
        have = {c["name"]: (c["type"], c["comment"]) for c in found[t["name"]]["columns"].values()}
        want = {c["name"]: (c["data_type"], c["description"]) for c in t["columns"]}
        assert have == want, {f"{t['name']}.{name}": (have.get(name), want.get(name)) for name in have.keys() | want.keys() if have.get(name) != want.get(name)}
    ok(f"docs: names, types and comments of {len(tables)} sources are those of the database")


def tests(model, tables):
    """Source tests as a user would add them, and a test of every view."""
    for t in tables:
        columns = ", ".join(c["name"] for c in t["columns"])
        pathlib.Path(f"tests/reads_{t['name']}.sql").write_text(f"select {columns} from {{{{ source('touchline', '{t['name']}') }}}} limit 0")
        for c in t["columns"]:
            if c["name"] in ("project", "day"):
                c["data_tests"] = ["not_null"]
    pathlib.Path("models/sources.yml").write_text(yaml.safe_dump(model))
    results = dbt("test", "--threads", "4")
    assert len(results) > len(tables) and all(r.status == "pass" for r in results), [(r.node.name, r.status) for r in results]
    ok(f"test: {len(results)} tests of sources")


def show():
    results = dbt("show", "--select", "share", "--output", "json")
    rows = [dict(zip(t.column_names, r)) for t in [results.results[0].agate_table] for r in t.rows]
    rows.sort(key=lambda r: r["step"])
    assert len(rows) > 1 and rows[0]["persons"] > 0 and rows[0]["events"] > 0, rows
    results = dbt("show", "--inline", """select step, persons from analytics.funnel(project = 'demo', steps = ['page_view', 'sign_up'], window_seconds = 86400,
        from = now64(3, 'UTC') - interval 30 day, to = now64(3, 'UTC'), as_of = now64(3, 'UTC')) order by step""")
    assert [int(r["step"]) for r in results.results[0].agate_table.rows] == [1, 2]
    ok("show: models on two sources, and a view with parameters")


def main(folder, file):
    at = urlsplit(os.environ["BI_URL"])
    os.environ.update(BI_HOST=at.hostname, BI_PORT=str(at.port), DBT_PROFILES_DIR=folder, DBT_SEND_ANONYMOUS_USAGE_STATS="false")
    os.chdir(folder)
    for name in ("models", "tests"):
        os.mkdir(name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(HERE / name, name)
    for name, sql in MODELS.items():
        pathlib.Path("models", name).write_text(sql)
    text = pathlib.Path(file).read_text()
    pathlib.Path("models/sources.yml").write_text(text)
    dbt("debug")
    ok("debug: connects, and the project is right")
    dbt("--warn-error", "parse")
    ok("parse: no warning about the sources")
    catalog(sources(text))
    show()
    model = yaml.safe_load(text)
    tests(model, model["sources"][0]["tables"])
    dbt("run", "--select", "share", works=False)
    ok("run: refused, nothing can be built as this user")


if __name__ == "__main__":
    main(*sys.argv[1:])
