import { init, track } from '@plausible-analytics/tracker';

export function open({ base, key }) {
  init({ domain: key, endpoint: `${base}/api/event`, autoCapturePageviews: false, captureOnLocalhost: true, logging: false });
  return {
    page: () => track('pageview', {}),
    track: (event, properties) => track(event, { props: properties }),
    identify: () => {},
  };
}
