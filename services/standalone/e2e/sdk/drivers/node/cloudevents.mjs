import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents';

export function open({ base, key }) {
  // Where the key goes is up to the application: a header, as a bearer token.
  const binary = emitterFor(httpTransport(`${base}/cloudevents`), { mode: Mode.BINARY });
  const structured = emitterFor(httpTransport(`${base}/cloudevents`), { mode: Mode.STRUCTURED });
  let userid;
  let sent = 0;
  // What is binary has its type in a header, which holds no emoji.
  const emit = (type) => (sent++ % 2 || !/^[ -~]*$/.test(type) ? structured : binary);
  const send = async (type, data) => {
    const event = new CloudEvent({ type, source: '/shop', data, anonymousid: 'device-1', ...(userid && { userid }) });
    await emit(type)(event, { headers: { authorization: `Bearer ${key}` } }).catch((e) => console.error('cloudevents:', e.message));
  };
  return {
    track: send,
    identify: (user) => { userid = user; },
  };
}
