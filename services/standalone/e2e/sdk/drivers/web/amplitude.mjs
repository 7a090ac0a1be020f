import * as amplitude from '@amplitude/analytics-browser';

export function open({ base, key }) {
  amplitude.init(key, { serverUrl: `${base}/2/httpapi`, fetchRemoteConfig: false, autocapture: { pageViews: true, attribution: false, sessions: false } });
  return {
    track: (event, properties) => void amplitude.track(event, properties),
    identify: (user, traits) => {
      amplitude.setUserId(user);
      const identify = new amplitude.Identify();
      for (const [name, value] of Object.entries(traits)) identify.set(name, value);
      amplitude.identify(identify);
    },
  };
}
