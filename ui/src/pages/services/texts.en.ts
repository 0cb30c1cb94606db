/** Texts of the list of services. */
export const en = {
  trafficAway: 'the store of facts is away: no numbers for the moment',
  title: 'Services',
  summary: (n: number, instances: number) =>
    `${n} ${n === 1 ? 'service' : 'services'}, ${instances} ${instances === 1 ? 'instance' : 'instances'}`,
  filter: 'Filter by PSM',
  state: 'State',
  allStates: 'All states',
  columns: {
    psm: 'Service',
    runtime: 'Language · framework',
    protocol: 'Protocol',
    clusters: 'Clusters',
    instances: 'Instances',
    qps: 'QPS',
    failure_rate: 'Failures',
    rejected_rate: 'Rejected',
    avg_ms: 'Average',
    p99_ms: 'p99',
    last_seen: 'Last seen',
  },
  expand: (psm: string) => `Instances of ${psm}`,
  owners: 'Owners',
  business: 'Business codes',
  methods: 'Methods called',
  calls: 'Calls in the window',
  seeRequests: 'See its latest requests',
  instance: { address: 'Address', cluster: 'Cluster', pid: 'Process', version: 'Version', started: 'Started', id: 'Instance' },
  noInstances: 'No instance is registered now.',
  noMatch: 'No service matches the filters.',
};

export type Texts = typeof en;
