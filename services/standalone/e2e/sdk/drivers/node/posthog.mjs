import { PostHog } from 'posthog-node';

export function open({ base, key }) {
  const client = new PostHog(key, { host: base, flushInterval: 500 });
  client.on('error', (e) => console.error('posthog:', String(e.message)));
  let distinctId = 'device-1';
  return {
    page: () => client.capture({ distinctId, event: '$pageview', properties: { $current_url: 'https://shop.example/pricing' } }),
    track: (event, properties) => client.capture({ distinctId, event, properties }),
    identify: (user, traits) => client.identify({ distinctId: (distinctId = user), properties: { $anon_distinct_id: 'device-1', ...traits } }),
    close: () => client.shutdown(20_000),
  };
}
