import * as amplitude from '@amplitude/analytics-node';

export function open({ base, key }) {
  amplitude.init(key, { serverUrl: `${base}/2/httpapi`, flushIntervalMillis: 500, logLevel: amplitude.Types.LogLevel.Error });
  const who = { device_id: 'device-1' };
  return {
    track: (event, properties) => void amplitude.track(event, properties, who),
    identify: (user, traits) => {
      who.user_id = user;
      const identify = new amplitude.Identify();
      for (const [name, value] of Object.entries(traits)) identify.set(name, value);
      amplitude.identify(identify, who);
    },
    close: () => amplitude.flush().promise,
  };
}
