import MatomoTracker from 'matomo-tracker';

export function open({ base, key }) {
  const tracker = new MatomoTracker(Number(key), `${base}/matomo.php`);
  tracker.on('error', (e) => console.error('matomo:', String(e)));
  const who = { _id: '0123456789abcdef' };
  const url = 'https://shop.example/pricing';
  return {
    page: () => tracker.track({ ...who, url, action_name: 'Pricing' }),
    track: (event, properties) => tracker.track({
      ...who, url, e_c: 'shop', e_a: event, e_n: JSON.stringify(properties), e_v: properties.n ?? properties.revenue,
    }),
    identify: (user) => { who.uid = user; },
  };
}
