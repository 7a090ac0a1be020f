// The tracker is a script that reads its settings from the element that loads it.
// It sends the page view by itself.
export function open({ base, key }) {
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = '/umami.js';
    script.dataset.websiteId = key;
    script.dataset.hostUrl = base;
    script.onerror = failed;
    script.onload = () => done({
      track: (event, properties) => void window.umami.track(event, properties),
      identify: (user, traits) => void window.umami.identify({ user, ...traits }),
    });
    document.head.append(script);
  });
}
