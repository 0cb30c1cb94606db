import type { MethodName } from '../api.gen';
import { findLogid } from '../logid';
import { GROUPS } from '../page';
import { addressOf, manifest, navigation, pathTo, tabsOf } from '../paths';
import type { Language } from '../preferences';
import { isPsm } from '../psm';
import type { IconName } from './icon';

export interface PaletteChoice {
  kind: 'chain' | 'tab' | 'page' | 'service' | 'method';
  name: string;
  href: string;
  icon: IconName;
}

const MOST = 12;

interface Asked {
  text: string;
  /** PSMs that are known. */
  names: string[];
  /** Methods whose names hold the text, as the platform knows them. */
  methods: MethodName[];
  /** The address of the page on show: the other pages of its service come first. */
  path: string;
  spoken: Language;
}

/** What the text may mean, best first. */
export function choicesFor({ text, names, methods, path, spoken }: Asked): PaletteChoice[] {
  const wanted = text.trim().toLowerCase();
  const logid = findLogid(text);
  if (logid) return [{ kind: 'chain', name: logid, href: pathTo('chain', { logid }), icon: 'chain' }];
  const here = /^\/s\/([^/]+)/.exec(path)?.[1];
  const found = [...(here && isPsm(here) ? tabs(here, spoken) : []), ...pages(spoken)].filter(({ name }) => name.toLowerCase().includes(wanted));
  if (!wanted) return found.slice(0, MOST);
  const services = names.filter((psm) => psm.includes(wanted)).sort((a, b) => rank(a, wanted) - rank(b, wanted) || a.localeCompare(b));
  const some = [...found, ...methods.filter((each) => each.method.toLowerCase().includes(wanted)).map(method)];
  return [...services.slice(0, MOST - Math.min(some.length, MOST / 2)).map(service), ...some].slice(0, MOST);
}

/** A name whose part begins with the text stands before one that only holds it. */
function rank(psm: string, wanted: string): number {
  return psm.startsWith(wanted) || psm.includes(`.${wanted}`) ? 0 : 1;
}

function service(psm: string): PaletteChoice {
  return { kind: 'service', name: psm, href: pathTo('service-overview', { psm }), icon: 'services' };
}

function method({ psm, method: name }: MethodName): PaletteChoice {
  return { kind: 'method', name: `${name} · ${psm}`, href: pathTo('service-overview', { psm }, { method: name }), icon: 'link' };
}

function tabs(psm: string, spoken: Language): PaletteChoice[] {
  return tabsOf('service').map((tab) => ({ kind: 'tab', name: `${psm} · ${manifest(tab).title[spoken]}`, href: addressOf(tab, { psm }), icon: 'file' }));
}

function pages(spoken: Language): PaletteChoice[] {
  return GROUPS.flatMap(navigation).map((name) => ({ kind: 'page', name: manifest(name).title[spoken], href: addressOf(name, {}), icon: manifest(name).nav?.icon ?? 'file' }));
}
