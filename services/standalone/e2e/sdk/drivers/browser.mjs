// Runs scenarios in Chromium, each in a profile of its own and all at the same time:
// browser.mjs OPTIONS, with {chromium, rules, pages: [{name, url, shot}]} as JSON.
// Each page is closed when its scenario has ended, which lets its SDK send what it
// sends then.
//
// The host names of the pages and of the collectors are those of rules, all of this
// machine; no other name can be looked up. The pages look as to a person: SDKs send
// nothing from what they take for a robot.
import { chromium } from 'playwright-core';

const { chromium: executablePath, rules, pages } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    '--disable-blink-features=AutomationControlled',
    '--disable-features=LocalNetworkAccessChecks,HttpsUpgrades,HttpsFirstBalancedMode',
    '--unsafely-treat-insecure-origin-as-secure=http://www.shop.test',
    `--host-resolver-rules=${[...rules, 'MAP * ~NOTFOUND'].join(', ')}`,
  ],
});
let failed = false;
async function visit({ name, url }) {
  const context = await browser.newContext({
    locale: 'fr-FR', timezoneId: 'Europe/Paris',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // the machine may have other work
  page.on('pageerror', (e) => console.error(`${name}: error in the page: ${e.message}`));
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && console.error(`${name}: ${m.text()}`));
  await page.goto(url, { referer: 'https://www.google.com/' });
  const result = await page.evaluate(() => window.finished);
  if (result !== 'done') {
    failed = true;
    console.error(`${name}: ${result}`);
  }
  await page.close({ runBeforeUnload: true });
  await context.close();
}
await Promise.all(pages.map((p) => visit(p).catch((e) => {
  failed = true;
  console.error(`${p.name}: ${e.stack}`);
})));
await browser.close();
process.exit(failed ? 1 : 0);
