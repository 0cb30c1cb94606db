import { language, type Language } from '../preferences';
import { useStore } from '../store';
import { en, type Messages } from './en';
import { zh } from './zh';

const catalogues: Record<Language, Messages> = { en, zh };

/** The texts of the reader's language. */
export function useMessages(): Messages {
  return catalogues[useStore(language)];
}

export type { Messages };
