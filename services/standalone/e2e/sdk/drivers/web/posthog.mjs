import posthog from 'posthog-js';

export function open({ base, key }) {
  posthog.init(key, { api_host: base, person_profiles: 'always', capture_pageview: false, autocapture: false });
  return {
    page: () => posthog.capture('$pageview'),
    track: (event, properties) => posthog.capture(event, properties),
    identify: (user, traits) => posthog.identify(user, traits),
  };
}
