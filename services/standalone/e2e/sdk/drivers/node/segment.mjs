import { Analytics } from '@segment/analytics-node';

export function open({ base, key }) {
  const analytics = new Analytics({ writeKey: key, host: base, flushInterval: 500 });
  analytics.on('error', (e) => console.error('segment:', e.code, String(e.reason?.message ?? e.reason)));
  const anonymousId = 'device-1';
  let userId;
  const who = () => (userId ? { userId, anonymousId } : { anonymousId });
  return {
    page: () => analytics.page({ ...who(), name: 'Pricing', properties: { url: 'https://shop.example/pricing' } }),
    track: (event, properties) => analytics.track({ ...who(), event, properties }),
    identify: (user, traits) => analytics.identify({ anonymousId, userId: (userId = user), traits }),
    close: () => analytics.closeAndFlush({ timeout: 20_000 }),
  };
}
