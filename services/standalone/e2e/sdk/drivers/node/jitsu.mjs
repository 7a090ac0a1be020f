import { jitsuAnalytics } from '@jitsu/js';

export function open({ base, key }) {
  const analytics = jitsuAnalytics({ host: base, writeKey: key });
  const call = (result) => Promise.resolve(result).catch((e) => console.error('jitsu:', e.message));
  return {
    page: () => call(analytics.page({ name: 'Pricing', url: 'https://shop.example/pricing' })),
    track: (event, properties) => call(analytics.track(event, properties)),
    identify: (user, traits) => call(analytics.identify(user, traits)),
  };
}
