"""Does with clickhouse-connect and SQLAlchemy what Python tools do.

Prints a line "ok ..." for each thing that works, and ends with an error at the first
that does not. BI_URL, BI_USER and BI_PASSWORD say where; the packages are found
through PYTHONPATH.
"""

import datetime
import decimal
import os
from urllib.parse import urlsplit

import clickhouse_connect
import sqlalchemy
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

FUNNEL = """SELECT step, persons FROM analytics.funnel(project = {project}, steps = {steps}, window_seconds = 86400,
    from = now64(3, 'UTC') - INTERVAL 1 DAY, to = now64(3, 'UTC'), as_of = now64(3, 'UTC')) ORDER BY step"""
ENDLESS = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
ORDER = """SELECT event_id, event_time, day, is_bot, revenue, original_timestamp, enrichment_version
    FROM analytics.touchpoints WHERE project = {project} AND event = 'order' AND country != '' LIMIT 1"""


def ok(what):
    print("ok", what)


def refused(code, run):
    try:
        run()
    except (DatabaseError, sqlalchemy.exc.DatabaseError) as e:
        assert f"code: {code}" in str(e).lower().replace("code ", "code: "), e
    else:
        raise AssertionError(f"allowed; want code {code}")


def check_order(row):
    assert len(str(row[0])) == 36
    assert row[1].replace(tzinfo=None) == datetime.datetime(2026, 3, 29, 2, 30), row[1]
    assert row[2] == datetime.date(2026, 3, 29)
    assert row[3] is False
    assert row[4] == decimal.Decimal("12.34")
    assert row[5] is None
    assert row[6] == 7


def check_client(at, user, password):
    client = clickhouse_connect.get_client(
        host=at.hostname, port=at.port, username=user, password=password, database="analytics"
    )
    given = {"project": "shop", "steps": ["page_view", "order"]}
    check_order(client.query(ORDER.format(project="{project:String}"), parameters=given).result_rows[0])
    ok("connect: values of every type, with bound parameters")
    rows = client.query(FUNNEL.format(project="{project:String}", steps="{steps:Array(String)}"), parameters=given).result_rows
    assert rows == [(1, 10), (2, 4)], rows
    ok("connect: a funnel with bound parameters")
    client.query("SELECT 1", settings={"max_execution_time": 64, "max_result_rows": 10})
    refused(159, lambda: client.query(ENDLESS, settings={"max_execution_time": 1}))
    refused(452, lambda: client.query("SELECT 1", settings={"max_execution_time": 301}))
    ok("connect: time limits")
    refused(497, lambda: client.command("CREATE TABLE analytics.x (n UInt8) ENGINE = Memory"))
    refused(497, lambda: client.query("SELECT * FROM touchline.touchpoints"))
    try:
        client.query("SELECT 1", settings={"additional_table_filters": "{'touchline.touchpoints':'0'}"})
    except (DatabaseError, ProgrammingError):
        ok("connect: writes, hidden tables and hidden filters are refused")
    else:
        raise AssertionError("additional_table_filters is allowed")


def check_sqlalchemy(at, user, password):
    url = sqlalchemy.URL.create("clickhousedb", user, password, at.hostname, at.port, "analytics")
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    assert "touchpoints" in inspector.get_table_names("analytics")
    columns = inspector.get_columns("touchpoints", "analytics")
    assert len(columns) > 50 and all(c.get("comment") for c in columns), [c["name"] for c in columns if not c.get("comment")]
    assert all(inspector.get_table_comment(name, "analytics")["text"] for name in inspector.get_table_names("analytics"))
    types = {c["name"]: c["type"].__class__.__name__ for c in columns}
    want = {"project": "String", "event_time": "DateTime64", "day": "Date", "is_bot": "Bool", "revenue": "Decimal", "enrichment_version": "Int64"}
    assert {name: types[name] for name in want} == want, types
    ok("sqlalchemy: tables and columns with comments and types")
    with engine.connect() as connection:
        check_order(connection.execute(sqlalchemy.text(ORDER.format(project=":project")), {"project": "shop"}).fetchone())
        rows = connection.execute(sqlalchemy.text(FUNNEL.format(project="'shop'", steps="['page_view', 'order']"))).fetchall()
        assert [tuple(r) for r in rows] == [(1, 10), (2, 4)], rows
        refused(159, lambda: connection.execute(sqlalchemy.text(ENDLESS + " SETTINGS max_execution_time = 1")))
    ok("sqlalchemy: values of every type, a funnel, and a time limit")


if __name__ == "__main__":
    where = urlsplit(os.environ["BI_URL"])
    check_client(where, os.environ["BI_USER"], os.environ["BI_PASSWORD"])
    check_sqlalchemy(where, os.environ["BI_USER"], os.environ["BI_PASSWORD"])
