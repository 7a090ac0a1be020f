// Compiles deploy/bi/cube/touchline.yml as a Cube server does, and runs what Cube's
// queries become with its driver. Prints a line "ok ..." for each thing that works, and
// ends with an error at the first that does not. BI_URL, BI_USER and BI_PASSWORD say
// where ClickHouse is, BI_PACKAGES where Cube's packages are; the argument is the model.
//
// A whole server needs a program for each kind of machine that its package downloads
// from outside npm. Without it the model is compiled by the same JavaScript, and the
// SQL is written by Cube's older planner. What it would add to a model are templates,
// of which this model has none.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const at = new URL(process.env.BI_URL)
Object.assign(process.env, {
  CUBEJS_TESSERACT_SQL_PLANNER: 'false', CUBEJS_TELEMETRY: 'false',
  CUBEJS_DB_TYPE: 'clickhouse', CUBEJS_DB_HOST: at.hostname, CUBEJS_DB_PORT: at.port, CUBEJS_DB_NAME: 'analytics',
  CUBEJS_DB_USER: process.env.BI_USER, CUBEJS_DB_PASS: process.env.BI_PASSWORD, CUBEJS_DB_CLICKHOUSE_READONLY: 'true',
})
const require = createRequire(process.env.BI_PACKAGES + '/')
const { createQuery, prepareCompiler } = require('@cubejs-backend/schema-compiler')
const { ClickHouseDriver } = require('@cubejs-backend/clickhouse-driver')
const ok = (what) => console.log('ok ' + what)

const model = readFileSync(process.argv[2], 'utf8')
assert.ok(!/{{|{%/.test(model), 'the model has templates')
const noTemplates = { newJinjaEngine: () => null }
const compilers = prepareCompiler(
  { localPath: () => '.', dataSchemaFiles: async () => [{ fileName: 'touchline.yml', content: model }] },
  { nativeInstance: noTemplates },
)
await compilers.compiler.compile()
const cubes = compilers.metaTransformer.cubes.map((c) => c.config)
assert.equal(cubes.length, (model.match(/^ {2}- name: /gm) ?? []).length)
for (const c of cubes) {
  assert.ok(c.description && c.dimensions.length > 0 && c.dimensions.every((d) => d.description), c.name)
}
ok(`compiles, ${cubes.length} cubes with descriptions`)

const driver = new ClickHouseDriver({})
const ask = async (query) => {
  const [sql, values] = createQuery(compilers, 'clickhouse', { timezone: 'UTC', ...query }).buildSqlAndParams()
  return driver.query(sql, values).catch((e) => { throw new Error(sql, { cause: e }) })
}
await driver.testConnection()
ok('connects')

let filled = 0
for (const c of cubes) {
  const rows = await ask({ dimensions: c.dimensions.map((d) => d.name), limit: 5 })
  filled += rows.length > 0
  const measures = c.measures.map((m) => m.name)
  const [total] = await ask({ measures })
  assert.deepEqual(Object.keys(total), measures.map((m) => m.replace('.', '__')), c.name)
}
assert.ok(filled > cubes.length / 2, `only ${filled} of ${cubes.length} cubes have rows`)
ok(`reads every dimension and measure of every cube (${filled} with rows)`)

const grain = { member: 'touchpoints.project', operator: 'equals', values: ['grain'] }
const byTime = async (dimension, granularity) => Object.fromEntries((await ask({
  measures: ['touchpoints.rows'], filters: [grain],
  timeDimensions: [{ dimension: `touchpoints.${dimension}`, granularity, dateRange: ['2026-03-25', '2026-04-09'] }],
})).map((r) => [r[`touchpoints__${dimension}_${granularity}`].slice(0, 10), Number(r.touchpoints__rows)]))
for (const dimension of ['event_time', 'day']) {
  assert.deepEqual(await byTime(dimension, 'week'), { '2026-03-23': 30, '2026-03-30': 20, '2026-04-06': 10 }, dimension)
  assert.deepEqual(await byTime(dimension, 'month'), { '2026-03-01': 40, '2026-04-01': 20 }, dimension)
}
ok('counts right by week and month, over event_time and over day')

const [last] = await ask({ dimensions: ['touchpoints.event'], measures: ['touchpoints.rows', 'touchpoints.persons'], filters: [grain] })
assert.deepEqual(last, { touchpoints__event: 'page_view', touchpoints__rows: '60', touchpoints__persons: '20' })
await assert.rejects(driver.query('SELECT * FROM touchline.touchpoints', []), /ACCESS_DENIED|Not enough privileges/)
ok('filters, and hidden tables are refused')
await driver.release()
