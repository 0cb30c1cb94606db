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
export type ServicePage = Schemas['ServicePage'];
export type ServiceMethod = Schemas['ServiceMethod'];
export type ServiceCaller = Schemas['ServiceCaller'];
export type ServiceCallee = Schemas['ServiceCallee'];
export type ServiceInstance = Schemas['ServiceInstance'];
export type ServiceSeries = Schemas['ServiceSeries'];
export type ServedCalls = Schemas['ServedCalls'];
export type ServedCall = Schemas['ServedCall'];
export type ServiceIdl = Schemas['ServiceIdl'];
export type Figures = Schemas['Figures'];
export type ServiceState = Service['state'];
