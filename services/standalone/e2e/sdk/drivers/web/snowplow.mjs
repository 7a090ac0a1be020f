import * as snowplow from '@snowplow/browser-tracker';

// Names of schemas are plain.
const schemaName = (event) => event.toLowerCase().replace(/[^a-z]+/g, '_');

export function open({ base, key }) {
  snowplow.newTracker('shop', base, { appId: key, encodeBase64: false });
  return {
    page: () => snowplow.trackPageView({ title: 'Pricing' }),
    track: (event, properties) => snowplow.trackSelfDescribingEvent({
      event: { schema: `iglu:com.acme/${schemaName(event)}/jsonschema/1-0-0`, data: { title: event, ...properties } },
    }),
    identify: (user) => snowplow.setUserId(user),
  };
}
