import type { Cluster, Service } from '../api.gen';

/** The names of all clusters of some services. */
export function clusterNames(services: Service[]): string[] {
  return [...new Set(services.flatMap((service) => service.clusters.map((cluster) => cluster.name)))].sort();
}

export function instanceCount(clusters: Cluster[]): number {
  return clusters.reduce((sum, { instances }) => sum + instances.length, 0);
}
