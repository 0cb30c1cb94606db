import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, getJson, sendJson } from '../api/client';
import type { RuleCheck, RuleSetDetail, RuleText } from '../api.gen';
import { type Draft, dropDraft, keepDraft, keptDraft } from './drafts';
import { merge } from './merge';
import { keyText, type RuleKey, ruleApi } from './rule';

/** Milliseconds of rest before the platform is asked what it makes of the text, and then of its effect. */
const CHECK_AFTER = 200;
const PREVIEW_AFTER = 400;

export interface Editing {
  draft: Draft;
  /** Something differs from the version that it was made from. */
  touched: boolean;
  /** What the platform says of the draft as it stands; the last answer while a newer one is on its way. */
  check: RuleCheck | undefined;
  /** `check` is about an older text. */
  checking: boolean;
  /** The effect was asked for: a check without a preview means that the calls are not known now. */
  previewed: boolean;
  /** The text cannot be read as rules: the form shows what it was before. */
  broken: boolean;
  trouble: ApiError | undefined;
  /** Scopes that two people changed, after a merge. */
  both: string[];
  editRules: (rules: RuleText[]) => void;
  editYaml: (text: string) => void;
  comment: (text: string) => void;
  /** Forget the draft: what is in force stands there again. */
  discard: () => void;
  /** Put what others published meanwhile under the own changes. */
  rebase: () => Promise<void>;
  publish: (now: boolean) => Promise<RuleSetDetail>;
}

/** A rule set being edited: as form and as text, checked and tried by the platform, kept in the browser. */
export function useDraft(key: RuleKey, detail: RuleSetDetail, always = false): Editing {
  const name = keyText(key);
  const [draft, setDraft] = useState<Draft>(() => keptDraft(name) ?? fresh(detail));
  const [touched, setTouched] = useState(() => keptDraft(name) !== undefined);
  const [answer, setAnswer] = useState<{ of: string; check: RuleCheck; previewed: boolean } | undefined>(undefined);
  const [trouble, setTrouble] = useState<ApiError | undefined>(undefined);
  const [both, setBoth] = useState<string[]>([]);
  const latest = useRef(draft);
  latest.current = draft;

  const set = (changes: Partial<Draft>) => {
    const next = { ...latest.current, ...changes, at: Date.now() };
    latest.current = next;
    setDraft(next);
    setTouched(true);
    keepDraft(name, next);
  };
  const discard = () => {
    dropDraft(name);
    setTouched(false);
    setBoth([]);
    setDraft(fresh(detail));
  };

  // What nobody has changed follows what is in force.
  useEffect(() => {
    if (!touched && detail.yaml !== draft.yaml) setDraft(fresh(detail));
  }, [detail.yaml, touched]);

  const text = draft.leads === 'yaml' ? draft.yaml : JSON.stringify(draft.rules);
  const asked = `${detail.head.version} ${draft.seen} ${draft.leads} ${text}`;
  const wanted = touched || always;
  useEffect(() => {
    if (!wanted) {
      setAnswer(undefined);
      setTrouble(undefined);
      return undefined;
    }
    const aborter = new AbortController();
    const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const ask = async (preview: boolean) => {
      const { leads, rules, yaml, seen } = latest.current;
      const check = await sendJson<RuleCheck>('POST', ruleApi(key, 'check'), { ...(leads === 'yaml' ? { yaml } : { rules }), seen, preview }, aborter.signal);
      if (aborter.signal.aborted) return undefined;
      setAnswer((old) => ({ of: asked, previewed: preview, check: { ...check, preview: check.preview ?? (old?.check.errors.length ? null : (old?.check.preview ?? null)) } }));
      setTrouble(undefined);
      follow(check);
      return check;
    };
    const follow = (check: RuleCheck) => {
      const { leads } = latest.current;
      const changes = leads === 'rules' ? { yaml: check.yaml } : isBroken(check) ? {} : { rules: check.rules };
      const next = { ...latest.current, ...changes };
      latest.current = next;
      setDraft(next);
      if (touched) keepDraft(name, next);
    };
    void (async () => {
      try {
        await rest(CHECK_AFTER);
        if (aborter.signal.aborted) return;
        const check = await ask(false);
        if (!check || check.errors.length > 0) return;
        await rest(PREVIEW_AFTER);
        if (!aborter.signal.aborted) await ask(true);
      } catch (error) {
        if (!aborter.signal.aborted) setTrouble(error instanceof ApiError ? error : new ApiError(0, String(error)));
      }
    })();
    return () => aborter.abort();
  }, [asked, wanted]);

  const rebase = async () => {
    const now = await getJson<RuleSetDetail>(ruleApi(key));
    const { base, rules } = latest.current;
    const merged = merge(base, now.rules, rules);
    setBoth(merged.both);
    set({ seen: now.head.version, base: now.rules, baseYaml: now.yaml, rules: merged.rules, leads: 'rules' });
  };
  const publish = async (now: boolean) => {
    const { leads, rules, yaml, seen, comment } = latest.current;
    const done = await sendJson<RuleSetDetail>('PUT', ruleApi(key), { ...(leads === 'yaml' ? { yaml } : { rules }), seen, comment, now });
    dropDraft(name);
    setTouched(false);
    setBoth([]);
    setDraft(fresh(done));
    return done;
  };
  const check = answer?.check;
  return {
    draft,
    touched,
    check,
    checking: wanted && answer?.of !== asked,
    previewed: answer?.previewed ?? false,
    broken: draft.leads === 'yaml' && check !== undefined && isBroken(check),
    trouble,
    both,
    editRules: (rules) => set({ rules, leads: 'rules' }),
    editYaml: (yaml) => set({ yaml, leads: 'yaml' }),
    comment: (comment) => set({ comment }),
    discard,
    rebase,
    publish,
  };
}

/** There is no list of changes of a text that is no rule set. */
function isBroken({ diff, errors }: RuleCheck): boolean {
  return diff === null && errors.length > 0;
}

function fresh({ head, rules, yaml }: RuleSetDetail): Draft {
  return { seen: head.version, base: rules, baseYaml: yaml, rules, yaml, leads: 'rules', comment: '', at: 0 };
}
