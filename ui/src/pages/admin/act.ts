import { useState } from 'preact/hooks';
import { ApiError } from '../../api/client';
import { useTexts } from './texts';

export interface Acting {
  busy: boolean;
  /** Why the last one failed, in the platform's words. */
  refusal: string;
  /** Do something; `done` gets what it answered. */
  act: <T>(work: () => Promise<T>, done: (answer: T) => void) => void;
}

/** One thing at a time that changes something, and why it could not. */
export function useAct(): Acting {
  const t = useTexts().form;
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState('');
  return {
    busy,
    refusal,
    act: (work, done) => {
      setBusy(true);
      setRefusal('');
      work().then(
        (answer) => {
          setBusy(false);
          done(answer);
        },
        (error: unknown) => {
          setBusy(false);
          setRefusal((error instanceof ApiError && error.message) || t.failed);
        },
      );
    },
  };
}
