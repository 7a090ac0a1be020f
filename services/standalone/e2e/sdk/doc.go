// Package sdk runs SDKs as their authors publish them against the built programs:
// those for servers in Node.js, those for browsers in Chromium.
//
// Every SDK makes the same calls (drivers/scenario.mjs) through a driver of its own,
// a few lines that say how the call is named there. Settings are the SDK's defaults
// but for the address, the key and, in some, a shorter time between requests.
//
//   - TestOnce: each call is one row, with the values of the call.
//   - TestOutage: nothing that was sent while Kafka was away for half a minute is
//     missing or there twice.
//   - TestStorm: whatever the collector answers, an SDK asks less than twice a second.
//
// The tests have the build tag sdks, because they need packages of npm and Chromium:
// `make sdks` gets both and runs them. The folder holds no code besides. E2E_SDKS names
// some SDKs, such as segment-node, or all of a kind: node or web.
//
// Matomo's script for browsers is in no registry of packages. It is tested where
// E2E_MATOMO_JS names a copy of matomo.js.
//
// A new version of an SDK goes into package.json, then `scripts/sdks/sdks.sh lock`
// writes the lock file, which names checksums and no registry.
package sdk
