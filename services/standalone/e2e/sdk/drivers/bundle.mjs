// Makes a script for a page of each driver in web: bundle.mjs FOLDER.
import { readdirSync } from 'node:fs';
import { build } from 'esbuild';

const [outdir] = process.argv.slice(2);
const here = import.meta.dirname;
for (const file of readdirSync(`${here}/web`)) {
  await build({
    stdin: { contents: `import { start } from './page.mjs'; import { open } from './web/${file}'; start(open);`, resolveDir: here },
    outfile: `${outdir}/${file.replace(/\.mjs$/, '.js')}`,
    bundle: true, format: 'iife', platform: 'browser', target: 'chrome120', logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
}
