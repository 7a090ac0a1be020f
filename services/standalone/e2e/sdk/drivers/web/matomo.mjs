// The tracker is a script that reads calls from a list. It is not in any registry of
// packages: the page serves the file that E2E_MATOMO_JS names.
export function open({ base, key }) {
  window._paq = [['setTrackerUrl', `${base}/matomo.php`], ['setSiteId', key]];
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = '/matomo.js';
    script.onerror = failed;
    script.onload = () => done({
      page: () => window._paq.push(['trackPageView', 'Pricing']),
      track: (event, properties) => window._paq.push(['trackEvent', 'shop', event, JSON.stringify(properties), properties.n ?? properties.revenue]),
      identify: (user) => window._paq.push(['setUserId', user]),
    });
    document.head.append(script);
  });
}
