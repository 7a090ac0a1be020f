import mixpanel from 'mixpanel-browser';

export function open({ base, key }) {
  mixpanel.init(key, { api_host: base, autocapture: false, track_pageview: false, batch_flush_interval_ms: 1_000 });
  return {
    page: () => mixpanel.track_pageview(),
    track: (event, properties) => mixpanel.track(event, properties),
    identify: (user, { email, name }) => {
      mixpanel.identify(user);
      mixpanel.people.set({ $email: email, $name: name });
    },
  };
}
