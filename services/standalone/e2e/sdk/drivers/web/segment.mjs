import { AnalyticsBrowser } from '@segment/analytics-next';

export function open({ base, key }) {
  const { host, protocol } = new URL(base);
  const analytics = AnalyticsBrowser.load(
    { writeKey: key, cdnURL: base },
    { integrations: { 'Segment.io': { apiHost: `${host}/v1`, protocol: protocol.slice(0, -1) } } },
  );
  // What they return is resolved once the event is sent or given up: an app does not wait.
  return {
    page: () => void analytics.page('Marketing', 'Pricing'),
    track: (event, properties) => void analytics.track(event, properties),
    identify: (user, traits) => void analytics.identify(user, traits),
  };
}
