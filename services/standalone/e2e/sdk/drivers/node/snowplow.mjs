import * as snowplow from '@snowplow/node-tracker';

// Names of schemas are plain.
const schemaName = (event) => event.toLowerCase().replace(/[^a-z]+/g, '_');

export function open({ base, key }) {
  const tracker = snowplow.newTracker(
    { namespace: 'shop', appId: key, encodeBase64: false },
    {
      endpoint: base, eventMethod: 'post', bufferSize: 1,
      onRequestFailure: (e) => console.error('snowplow:', e.status ?? String(e)),
    },
  );
  tracker.setPlatform('srv');
  tracker.setDomainUserId('device-1');
  return {
    page: () => tracker.track(snowplow.buildPageView({ pageUrl: 'https://shop.example/pricing', pageTitle: 'Pricing' })),
    track: (event, properties) => tracker.track(snowplow.buildSelfDescribingEvent({
      event: { schema: `iglu:com.acme/${schemaName(event)}/jsonschema/1-0-0`, data: { title: event, ...properties } },
    })),
    identify: (user) => tracker.setUserId(user),
    close: () => tracker.flush(),
  };
}
