import RudderAnalytics from '@rudderstack/rudder-sdk-node';

export function open({ base, key }) {
  const analytics = new RudderAnalytics(key, {
    dataPlaneUrl: base, flushInterval: 500, logLevel: 'error',
    errorHandler: (e) => console.error('rudderstack:', e.message),
  });
  const anonymousId = 'device-1';
  let userId;
  const who = () => (userId ? { userId, anonymousId } : { anonymousId });
  return {
    page: () => analytics.page({ ...who(), name: 'Pricing', properties: { url: 'https://shop.example/pricing' } }),
    track: (event, properties) => analytics.track({ ...who(), event, properties }),
    identify: (user, traits) => analytics.identify({ anonymousId, userId: (userId = user), traits }),
    close: () => analytics.flush().catch((e) => console.error('rudderstack:', e.message)),
  };
}
