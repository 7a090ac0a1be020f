// The part of a page: it runs the scenario and tells the browser's driver the end.
import { run } from './scenario.mjs';

export function start(open) {
  const options = JSON.parse(new URLSearchParams(location.hash.slice(1)).get('options'));
  window.finished = run(open, options).then(() => 'done', (e) => String(e?.stack ?? e));
}
