// Does with @clickhouse/client what JavaScript tools do. Prints a line "ok ..." for each
// thing that works, and ends with an error at the first that does not. BI_URL, BI_USER
// and BI_PASSWORD say where, BI_PACKAGES where the client is installed.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const { createClient } = createRequire(process.env.BI_PACKAGES + '/')('@clickhouse/client')
const client = createClient({
  url: process.env.BI_URL, username: process.env.BI_USER, password: process.env.BI_PASSWORD,
  database: 'analytics', compression: { response: true }, log: { level: 127 },
})
const ask = async (query, query_params, clickhouse_settings) =>
  (await client.query({ query, query_params, clickhouse_settings, format: 'JSONEachRow' })).json()
const ok = (what) => console.log('ok ' + what)

assert.ok((await client.ping()).success)
const columns = await ask("SELECT name, type, comment FROM system.columns WHERE database = 'analytics' AND table = 'touchpoints'")
assert.ok(columns.length > 50 && columns.every((c) => c.comment !== ''), 'a column has no comment')
const tables = await ask("SELECT name, comment FROM system.tables WHERE database = 'analytics'")
assert.ok(tables.length > 50 && tables.every((t) => t.comment !== ''), 'a table has no comment')
ok('tables and columns with comments')

const [order] = await ask(
  `SELECT event_id, event_time, day, is_bot, revenue, original_timestamp, enrichment_version
   FROM touchpoints WHERE project = {project:String} AND event = 'order' AND country != '' LIMIT 1`, { project: 'shop' })
assert.equal(order.event_time, '2026-03-29 02:30:00.000')
assert.equal(order.day, '2026-03-29')
assert.equal(order.is_bot, false)
assert.equal(Number(order.revenue), 12.34)
assert.equal(order.original_timestamp, null)
assert.equal(Number(order.enrichment_version), 7)
assert.equal(order.event_id.length, 36)
ok('values of every type, with bound parameters')

const steps = await ask(
  `SELECT step, persons FROM funnel(project = {project:String}, steps = {steps:Array(String)}, window_seconds = 86400,
   from = now64(3, 'UTC') - INTERVAL 1 DAY, to = now64(3, 'UTC'), as_of = now64(3, 'UTC')) ORDER BY step`,
  { project: 'shop', steps: ['page_view', 'order'] })
assert.deepEqual(steps.map((s) => Number(s.persons)), [10, 4])
ok('a funnel with bound parameters')

await ask('SELECT 1', {}, { max_execution_time: 64, output_format_json_quote_64bit_integers: 1 })
await assert.rejects(ask('SELECT 1', {}, { max_execution_time: 301 }), { code: '452' })
const endless = 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)'
await assert.rejects(ask(endless, {}, { max_execution_time: 1 }), { code: '159' })
const hasty = createClient({ url: process.env.BI_URL, username: process.env.BI_USER, password: process.env.BI_PASSWORD, request_timeout: 500, log: { level: 127 } })
await assert.rejects(hasty.query({ query: endless, clickhouse_settings: { max_execution_time: 2 } }), /Timeout error/)
await hasty.close()
ok('time limits')

await assert.rejects(client.insert({ table: 'touchpoints', values: [{ project: 'x' }], format: 'JSONEachRow' }), { code: '497' })
await assert.rejects(ask('SELECT * FROM touchline.touchpoints'), { code: '497' })
await assert.rejects(ask('SELECT 1', {}, { additional_table_filters: "{'touchline.touchpoints':'0'}" }), { code: '164' })
ok('writes, hidden tables and hidden filters are refused')
await client.close()
