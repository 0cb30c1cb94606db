import { language, type Language } from '../preferences';
import { useStore } from '../store';
import { en, type Messages } from './en';
import { zh } from './zh';

/** A hook that gives the texts of the reader's language, out of those of all languages. */
export function textsOf<T>(catalogue: Record<Language, T>): () => T {
  return () => catalogue[useStore(language)];
}

/** The texts of what pages share. */
export const useMessages = textsOf({ en, zh });

export type { Messages };
