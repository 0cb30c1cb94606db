import type { components } from '../api.gen';

/** The platform's answers, named as its OpenAPI description names them. Times are Unix seconds. */

type Schemas = components['schemas'];

export type Services = Schemas['Services'];
export type Service = Schemas['Service'];
export type Cluster = Schemas['Cluster'];
export type Chains = Schemas['Chains'];
export type ChainSummary = Schemas['ChainSummary'];
export type Chain = Schemas['Chain'];
export type ChainNode = Schemas['ChainNode'];
export type ChainCall = Schemas['ChainCall'];
export type LogLines = Schemas['LogLines'];
export type LogLine = Schemas['LogLine'];
