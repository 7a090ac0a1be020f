import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';

export function open({ base, key }) {
  const analytics = new RudderAnalytics();
  analytics.load(key, base, { configUrl: base });
  return {
    page: () => analytics.page('Marketing', 'Pricing'),
    track: (event, properties) => analytics.track(event, properties),
    identify: (user, traits) => analytics.identify(user, traits),
  };
}
