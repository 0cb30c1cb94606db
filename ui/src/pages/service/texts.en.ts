/** Texts of the head that all pages of a service have. */
export const en = {
  psmNow: 'Service',
  back: 'All services',
  star: (psm: string) => `Add ${psm} to my services`,
  unstar: (psm: string) => `Remove ${psm} from my services`,
  clusterOption: (name: string, instances: number) => (instances ? `${name} (${instances})` : `${name} (none now)`),
  owner: 'Owner',
  clusters: 'Clusters',
  running: 'Running',
  tabs: 'Pages of this service',
  logs: 'Logs',
  notFound: 'Nothing is known of this service',
  notFoundLead: 'No instance has registered under this name, and nobody called it within a day. Check the spelling, or start one of its instances: it shows here within seconds.',
};

export type Texts = typeof en;
