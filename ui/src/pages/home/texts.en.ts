/** Texts of the home page. */
export const en = {
  title: 'Home',
  mine: 'My services',
  mineSub: 'Starred, then most visited',
  mineEmpty: 'Nothing here yet: open a service and star it, or visit it a few times.',
  gone: 'not seen now',
  toServices: 'See all services',
  failing: 'Failing now',
  failingSub: (range: string) => `Services with failures in the last ${range}`,
  failingNone: (range: string) => `No service failed a call in the last ${range}.`,
  failures: 'Failures',
  failed: 'Newest failed requests',
  failedSub: 'Calls from outside that the services failed (5xx)',
  failedNone: 'No failed request is stored.',
  of: (failed: string, calls: string) => `${failed} of ${calls} calls`,
  all: 'See all',
  psm: 'PSM',
};

export type Texts = typeof en;
