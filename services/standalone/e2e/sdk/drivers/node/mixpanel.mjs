import mixpanel from 'mixpanel';

export function open({ base, key }) {
  const { hostname, port, protocol } = new URL(base);
  const client = mixpanel.init(key, { host: `${hostname}:${port}`, protocol: protocol.slice(0, -1), keepAlive: false });
  let distinct_id = '$device:device-1';
  // Its calls are requests, and tell by a callback what came of them.
  const call = (f) => new Promise((done) => f((e) => { if (e) console.error('mixpanel:', e.message ?? e); done(); }));
  return {
    track: (event, properties) => call((done) => client.track(event, { distinct_id, ...properties }, done)),
    identify: (user, { email, name }) => call((done) => client.people.set((distinct_id = user), { $email: email, $name: name }, done)),
  };
}
