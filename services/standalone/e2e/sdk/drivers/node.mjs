// Runs the driver of one SDK for servers: node.mjs NAME OPTIONS, the options as JSON.
// It exits by itself when the SDK has ended everything it began, at the latest two
// seconds after it was closed; what the SDK says goes to standard error.
import { run } from './scenario.mjs';

const [name, options] = process.argv.slice(2);
console.log = console.info = console.debug = console.warn = console.error;
// Some SDKs leave rejected promises behind when the collector refuses.
process.on('unhandledRejection', (reason) => console.error('unhandled rejection:', reason));
const { open } = await import(`./node/${name}.mjs`);
await run(open, JSON.parse(options));
setTimeout(() => process.exit(0), 2_000).unref();
