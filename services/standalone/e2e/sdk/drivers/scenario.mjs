// What is done with every SDK, in the terms of an app: a driver turns them into the
// calls that its SDK has for them.
//
// A driver exports open(options), which returns an object with
//   page()                   a page was seen; left out where the SDK has no such call
//   track(name, properties)  something happened
//   identify(user, traits)   the person is known from here on
//   close()                  everything is sent that can be
// options: base (URL of the collector), key, and what the driver itself needs.

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A visit: the same calls for every SDK, of values that are easy to look up.
async function visit(sdk, { wait }) {
  await sdk.page?.();
  await sdk.track('Signup Started', { plan: 'pro' });
  await pause(wait);
  await sdk.identify('user-42', { email: 'ada@example.com', name: 'Ada Lovelace' });
  await sdk.track('Order Completed', { order_id: 'o-1', revenue: 129.9, currency: 'EUR' });
  await sdk.track('Émoji 🎉', { nested: { list: [1, null, 'x'] }, big: 9007199254740991, empty: '' });
}

// Steps: one event every so often, with a number by which each can be found. There are
// count of them, or as many as the test at the URL more lets begin.
async function steps(sdk, { name, count, more, wait, padding }) {
  const pad = 'x'.repeat(padding ?? 0);
  const goOn = async (n) => (more ? (await fetch(`${more}?name=${name}&n=${n}`)).ok : n <= count);
  for (let n = 1; await goOn(n); n++) {
    await sdk.track('Step', pad ? { n, pad } : { n });
    await pause(wait);
  }
}

// run does what options.scenario names, then waits for options.linger ms with the
// SDK still open, and closes it.
export async function run(open, options) {
  const sdk = await open(options);
  await { visit, steps }[options.scenario](sdk, options);
  await pause(options.linger ?? 0);
  await sdk.close?.();
}
