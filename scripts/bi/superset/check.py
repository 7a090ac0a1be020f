"""Does over Superset's REST interface what a person does in its pages.

Connects to ClickHouse, looks at the schema, makes datasets and charts, and asks in SQL
Lab. Prints a line "ok ..." for each thing that works, and ends with an error at the
first that does not. BI_URL, BI_USER and BI_PASSWORD say where ClickHouse is,
SUPERSET_URL, SUPERSET_USER and SUPERSET_PASSWORD where Superset is. BI_PLAIN and
BI_PARAMETERIZED name the views of analytics, with commas between them. The data are
those of the Go test that runs this.
"""

import json
import os
import secrets
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

# Forty events in March, twenty in April, from which a time filter cuts the edges of both months off.
RANGE = "2026-03-25T00:00:00 : 2026-04-10T00:00:00"
WEEKS = {"2026-03-23": 30, "2026-03-30": 20, "2026-04-06": 10}
MONTHS = {"2026-03-01": 40, "2026-04-01": 20}
FUNNEL = """SELECT step, persons FROM analytics.funnel(project = '{{ %s }}', steps = ['page_view', 'sign_up'], window_seconds = 86400,
    `from` = now64(3, 'UTC') - INTERVAL 30 DAY, to = now64(3, 'UTC'), as_of = now64(3, 'UTC'))"""


def ok(what):
    print("ok", what, flush=True)


class Superset:
    def __init__(self, url):
        self.url, self.token = url, ""

    def call(self, method, path, body=None, want=(200, 201)):
        request = urllib.request.Request(self.url + "/api/v1" + path, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        try:
            with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=120) as r:
                status, text = r.status, r.read()
        except urllib.error.HTTPError as e:
            status, text = e.code, e.read()
        assert status in want, f"{method} {path}: {status} {text[:2000].decode()}"
        return json.loads(text)

    def login(self, user, password):
        given = {"username": user, "password": password, "provider": "db", "refresh": False}
        self.token = self.call("POST", "/security/login", given)["access_token"]

    def dataset(self, database, name, sql=None):
        given = {"database": database, "schema": "analytics", "table_name": name}
        if sql is not None:
            given["sql"] = sql
        made = self.call("POST", "/dataset/", given)["id"]
        return made, self.call("GET", f"/dataset/{made}")["result"]["columns"]

    def chart_data(self, context):
        result = self.call("POST", "/chart/data", context)["result"][0]
        assert not result.get("error"), result["error"]
        return result

    def sql_lab(self, database, sql, params=None, want=(200,)):
        given = {
            "database_id": database, "schema": "analytics", "sql": sql, "runAsync": False,
            "client_id": secrets.token_hex(5), "queryLimit": 100, "templateParams": json.dumps(params or {}),
        }
        return self.call("POST", "/sqllab/execute/", given, want)


def context(dataset, **query):
    query = {"row_limit": 1000, "filters": [], "columns": [], "metrics": [], "orderby": [], **query}
    return {
        "datasource": {"id": dataset, "type": "table"}, "queries": [query],
        "result_format": "json", "result_type": "full", "force": True,
    }


def over_time(dataset, axis, grain, project="grain"):
    """What a line chart asks: events by the truncated axis, filtered by time."""
    column = {"label": axis, "sqlExpression": axis, "expressionType": "SQL", "columnType": "BASE_AXIS", "timeGrain": grain}
    return context(
        dataset, columns=[column], metrics=[count("events")],
        filters=[
            {"col": "event_time", "op": "TEMPORAL_RANGE", "val": RANGE},
            {"col": "project", "op": "==", "val": project},
        ],
    )


def count(label):
    return {"label": label, "expressionType": "SQL", "sqlExpression": "count()"}


def counts(result, axis):
    """The counts of a chart by day; times are milliseconds or texts, as Superset likes."""
    import datetime

    found = {}
    for row in result["data"]:
        at = row[axis]
        if not isinstance(at, str):
            at = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).isoformat()
        found[at[:10]] = int(row["events"])
    return found


def connect(s):
    at = urlsplit(os.environ["BI_URL"])
    user, password = quote(os.environ["BI_USER"], safe=""), quote(os.environ["BI_PASSWORD"], safe="")
    uri = f"clickhousedb://{user}:{password}@{at.hostname}:{at.port}/analytics"
    s.call("POST", "/database/test_connection/", {"database_name": "touchline", "sqlalchemy_uri": uri})
    wrong = uri.replace(password, "wrong")
    s.call("POST", "/database/test_connection/", {"database_name": "touchline", "sqlalchemy_uri": wrong}, want=(400, 401, 403, 422, 500))
    database = s.call("POST", "/database/", {"database_name": "touchline", "sqlalchemy_uri": uri, "expose_in_sqllab": True})["id"]
    ok("connects as the user, and not with a wrong password")
    return database


def tables_of(s, database, name):
    return {t["value"] for t in s.call("GET", f"/database/{database}/tables/?q=(schema_name:{name},force:!t)")["result"]}


def schema(s, database, views):
    schemas = s.call("GET", f"/database/{database}/schemas/")["result"]
    assert "analytics" in schemas, schemas
    # The name of this one shows, because views look persons up in a dictionary there.
    assert not tables_of(s, database, "touchline")
    tables = tables_of(s, database, "analytics")
    assert tables == set(views), f"lacks {set(views) - tables}, has {tables - set(views)} besides"
    meta = s.call("GET", f"/database/{database}/table_metadata/?name=touchpoints&schema=analytics")["columns"]
    assert len(meta) > 50 and all(c["comment"] for c in meta), [c for c in meta if not c["comment"]]
    ok(f"lists the schema, all {len(tables)} views, and columns with comments")


def datasets(s, database, plain):
    """A dataset and a table chart of every plain view; returns the datasets' ids."""
    ids, filled = {}, 0
    for name in plain:
        ids[name], columns = s.dataset(database, name)
        assert columns, name
        for c in columns:
            assert c["description"], f"no description of {name}.{c['column_name']}"
            # Superset has no kind for this one, and charts it all the same.
            assert (c["type_generic"] is None) == (c["type"] == "NULLABLE(FLOAT64)"), f"{name}.{c['column_name']}: {c['type']}, {c['type_generic']}"
        filled += bool(s.chart_data(context(ids[name], columns=[c["column_name"] for c in columns], row_limit=5))["data"])
    # Scores, metrics of services that do not run and the like have no rows here.
    assert filled >= len(plain) * 2 // 3, f"only {filled} of {len(plain)} views have rows"
    types = {c["column_name"]: (c["type_generic"], c["is_dttm"]) for c in s.call("GET", f"/dataset/{ids['touchpoints']}")["result"]["columns"]}
    # 0 is a number, 1 a text, 2 a time, 3 yes or no.
    want = {"project": (1, False), "event_time": (2, True), "day": (2, True), "is_bot": (3, False), "revenue": (0, False)}
    have = {name: types[name] for name in want}
    assert have == want, have
    ok(f"makes a dataset and a chart of each of {len(ids)} plain views ({filled} with rows), with types and descriptions")
    return ids


def charts(s, touchpoints):
    by_event = context(
        touchpoints, columns=["event"], metrics=[count("events")], orderby=[["event", True]],
        filters=[{"col": "project", "op": "==", "val": "grain"}],
    )
    want = [{"event": "page_view", "events": 60}]
    assert s.chart_data(by_event)["data"] == want, s.chart_data(by_event)["data"]
    saved = s.call("POST", "/chart/", {
        "slice_name": "Events", "viz_type": "table", "datasource_id": touchpoints, "datasource_type": "table",
        "params": json.dumps({"viz_type": "table"}), "query_context": json.dumps(by_event),
    })["id"]
    assert s.call("GET", f"/chart/{saved}/data/")["result"][0]["data"] == want
    ok("saves a chart and opens it again")


def grains(s, touchpoints):
    for grain, want in (("P1W", WEEKS), ("P1M", MONTHS)):
        result = s.chart_data(over_time(touchpoints, "day", grain))
        assert counts(result, "day") == want, f"{grain}: {counts(result, 'day')}, want {want}\n{result['query']}"
    ok(f"by week and month, day on the x axis and the filter on event_time: {WEEKS}, {MONTHS}")
    for grain, want in (("P1W", WEEKS), ("P1M", MONTHS)):
        result = s.chart_data(over_time(touchpoints, "event_time", grain))
        have = counts(result, "event_time")
        assert have != want, f"{grain} is right with event_time on the x axis, too: take the warning out of docs/bi.md\n{result['query']}"
        first = min(want)
        assert first not in have and all(want[d] == n for d, n in have.items()), f"{grain}: {have}\n{result['query']}"
        ok(f"{grain} loses rows with event_time on the x axis, as docs/bi.md says: {sum(have.values())} of {sum(want.values())} are left")


def sql_lab(s, database):
    answer = s.sql_lab(database, "SELECT event, count() AS n FROM touchpoints WHERE project = 'grain' GROUP BY event")
    assert answer["data"] == [{"event": "page_view", "n": 60}], answer["data"]
    answer = s.sql_lab(database, FUNNEL % "project", {"project": "demo"})
    assert [r["step"] for r in answer["data"]] == [1, 2] and answer["data"][0]["persons"] > 0, answer["data"]
    ok("SQL Lab: a query, and a view with parameters through Jinja")
    for sql, why in (
        ("SELECT * FROM touchline.touchpoints", "ACCESS_DENIED"),
        ("SELECT event FROM touchpoints LIMIT 1 SETTINGS additional_table_filters = '{''touchline.touchpoints'': ''0''}'", "READONLY"),
    ):
        answer = s.sql_lab(database, sql, want=(400, 403, 422, 500))
        assert why in json.dumps(answer), answer
    ok("SQL Lab: hidden tables and hidden filters are refused")


def virtual(s, database):
    made, columns = s.dataset(database, "funnel of demo", FUNNEL % "'demo'")
    assert [c["column_name"] for c in columns] == ["step", "persons"], columns
    persons = {"label": "persons", "expressionType": "SQL", "sqlExpression": "max(persons)"}
    rows = s.chart_data(context(made, columns=["step"], metrics=[persons], orderby=[["step", True]]))["data"]
    assert [r["step"] for r in rows] == [1, 2] and rows[0]["persons"] > rows[1]["persons"] > 0, rows
    ok("a chart of a virtual dataset on a view with parameters, with Jinja")


def main():
    s = Superset(os.environ["SUPERSET_URL"])
    s.login(os.environ["SUPERSET_USER"], os.environ["SUPERSET_PASSWORD"])
    plain, parameterized = os.environ["BI_PLAIN"].split(","), os.environ["BI_PARAMETERIZED"].split(",")
    database = connect(s)
    schema(s, database, plain + parameterized)
    ids = datasets(s, database, plain)
    charts(s, ids["touchpoints"])
    grains(s, ids["touchpoints"])
    sql_lab(s, database)
    virtual(s, database)


if __name__ == "__main__":
    main()
