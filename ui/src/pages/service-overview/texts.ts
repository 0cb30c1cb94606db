import { language, type Language } from '../preferences';
import { useStore } from '../store';
import { serviceEn, type ServiceMessages } from './service.en';
import { serviceZh } from './service.zh';

const catalogues: Record<Language, ServiceMessages> = { en: serviceEn, zh: serviceZh };

/** The texts of a service's pages, loaded with them. */
export function useServiceMessages(): ServiceMessages {
  return catalogues[useStore(language)];
}

export type { ServiceMessages };
