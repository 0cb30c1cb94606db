import { useEffect, useState } from 'preact/hooks';
import { getJson } from '../api/client';
import { useQuery } from '../api/query';
import type { Change, ChangeCount, ChangeList } from '../api.gen';
import { dateTime } from '../format';
import { useMessages } from '../i18n';
import type { UrlState } from '../urlstate';
import { ChangeDiff } from './change-diff';
import { ChangeMark, kindText } from './change-mark';
import { FilterSelect } from './filter-select';
import { Icon } from './icon';
import { SearchField } from './search-field';
import { ServiceLink } from './service-link';
import { SkeletonRows } from './skeleton';
import { useAgo } from './ago';
import { Trouble } from './trouble';

const REFRESH_MS = 10_000;
const COLUMNS = 6;
export const SPANS = ['86400', '604800', '2592000', '31536000'] as const;
const DEFAULT_SPAN = '604800';
const STEP_S = 60;

/** The filters of a stream, in the URL; `kinds` are those looked at while the reader chose none. */
function pathOf(url: UrlState, kinds: readonly string[], now: number, wanted: string): string {
  const params = new URLSearchParams();
  const chosen = url.get('kind') ? [url.get('kind')] : kinds;
  for (const kind of chosen) params.append('kind', kind);
  for (const [key, name] of [['of', 'psm'], ['by', 'person'], ['q', 'q']] as const) if (url.get(key)) params.set(name, url.get(key));
  params.set('since', String(now - Number(url.get('span') || DEFAULT_SPAN)));
  return `/api/changes${wanted}?${params}`;
}

/** The present, to the minute: a span that moved with every answer would be another question each time. */
function useMinute(): number {
  const read = () => Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  const [minute, setMinute] = useState(read);
  useEffect(() => {
    const timer = setInterval(() => setMinute(read), 10_000);
    return () => clearInterval(timer);
  }, []);
  return minute;
}

/** The newest changes, filtered; each opens to its diff. `title` says what the stream is about. */
export function ChangeStream({ url, kinds = [], title }: { url: UrlState; kinds?: readonly string[]; title: string }) {
  const t = useMessages().changes;
  const minute = useMinute();
  const query = useQuery<ChangeList>(pathOf(url, kinds, minute, ''), () => REFRESH_MS, true);
  const [older, setOlder] = useState<{ changes: Change[]; next: string } | undefined>(undefined);
  const filters = ['kind', 'of', 'by', 'q', 'span'].map((key) => url.get(key)).join('\n');
  useEffect(() => setOlder(undefined), [filters]);
  const list = query.data;
  const newest = list?.changes ?? [];
  const known = new Set(newest.map(({ id }) => id));
  const all = [...newest, ...(older?.changes.filter(({ id }) => !known.has(id)) ?? [])];
  const next = older ? older.next : list?.next;
  const more = async () => {
    const page = await getJson<ChangeList>(`${pathOf(url, kinds, minute, '')}&before=${next}`);
    setOlder({ changes: [...(older?.changes ?? newest), ...page.changes], next: page.next });
  };
  return (
    <>
      <Trouble query={query} retrying />
      <section class="card changes" aria-labelledby="changes-title">
        <header class="card-head">
          <h2 id="changes-title">{title}</h2>
          <p class="card-sub">{list && <Found list={list} url={url} />}</p>
          <a class="quiet" href={pathOf(url, kinds, minute, '/export')} download="changes.csv">
            <Icon name="file" />
            {t.csv}
          </a>
        </header>
        <Filters list={list} url={url} kinds={kinds} />
        {(all.length > 0 || !list) && (
          <div class="scroll">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">{t.columns.at}</th>
                  <th scope="col">{t.columns.kind}</th>
                  <th scope="col" class="wide">
                    {t.columns.psm}
                  </th>
                  <th scope="col">{t.columns.what}</th>
                  <th scope="col" class="wide">
                    {t.columns.person}
                  </th>
                  <th scope="col" class="wide">
                    {t.columns.reason}
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((change) => (
                  <Row key={change.id} change={change} open={url.get('open') === change.id} url={url} />
                ))}
                {!list && !query.error && <SkeletonRows rows={8} columns={COLUMNS} />}
              </tbody>
            </table>
          </div>
        )}
        {list && all.length === 0 && <Nothing url={url} list={list} />}
        {next && (
          <p class="change-more">
            <button type="button" class="quiet" onClick={() => void more()} data-testid="changes-more">
              <Icon name="down" />
              {t.older}
            </button>
          </p>
        )}
      </section>
    </>
  );
}

function Found({ list, url }: { list: ChangeList; url: UrlState }) {
  const t = useMessages().changes;
  const kind = url.get('kind');
  const total = list.kinds.filter(({ name }) => !kind || name === kind).reduce((sum, { count }) => sum + count, 0);
  return <>{t.found(total)}</>;
}

function Filters({ list, url, kinds }: { list: ChangeList | undefined; url: UrlState; kinds: readonly string[] }) {
  const t = useMessages().changes;
  const shown = list?.kinds.filter(({ name }) => kinds.length === 0 || kinds.includes(name)) ?? [];
  const set = (key: string) => (value: string) => url.patch({ [key]: value, open: '' });
  return (
    <div class="filters">
      <FilterSelect
        label={t.filters.span}
        value={url.get('span') || DEFAULT_SPAN}
        neutral={DEFAULT_SPAN}
        options={SPANS.map((each) => [each, t.spans[each]])}
        onChange={(value) => set('span')(value === DEFAULT_SPAN ? '' : value)}
      />
      <FilterSelect label={t.filters.kind} value={url.get('kind')} options={[['', t.filters.all], ...options(shown, url.get('kind'), (name) => kindText(t.kinds, name))]} onChange={set('kind')} />
      <FilterSelect label={t.filters.person} value={url.get('by')} options={[['', t.filters.everybody], ...options(list?.people ?? [], url.get('by'), (name) => name)]} onChange={set('by')} />
      <SearchField label={t.filters.psm} value={url.get('of')} testId="changes-psm" onInput={set('of')} />
      <SearchField label={t.filters.text} value={url.get('q')} testId="changes-text" onInput={set('q')} />
    </div>
  );
}

/** Choices with their counts; the chosen one stays when nothing has that name any more. */
function options(counts: ChangeCount[], chosen: string, text: (name: string) => string): Array<readonly [string, string]> {
  const there = counts.map(({ name, count }) => [name, `${text(name)} (${count})`] as const);
  return chosen && !counts.some(({ name }) => name === chosen) ? [...there, [chosen, text(chosen)] as const] : there;
}

function Row({ change, open, url }: { change: Change; open: boolean; url: UrlState }) {
  const t = useMessages().changes;
  const turn = () => url.patch({ open: open ? '' : change.id });
  return (
    <>
      <tr class={`pick${open ? ' selected' : ''}`} data-testid="change-row" data-id={change.id} onClick={turn}>
        <td title={dateTime(change.at)}>
          <button
            type="button"
            class="change-turn"
            aria-expanded={open}
            onClick={(event) => {
              event.stopPropagation();
              turn();
            }}
          >
            <Icon name={open ? 'fold' : 'chevron'} />
            <Moment at={change.at} />
          </button>
        </td>
        <td>
          <ChangeMark kind={change.kind} />
        </td>
        <td class="wide">
          <Of change={change} />
        </td>
        <td class="wraps change-what">
          <span class="narrow-only">
            <Of change={change} />
          </span>
          <span class="mono">{shortSubject(change)}</span>
          {change.version > 0 && <span class="chip">v{change.version}</span>}
          {change.summary && <small>{change.summary}</small>}
          <small class="narrow-only">{[change.person, change.reason].filter(Boolean).join(': ')}</small>
        </td>
        <td class="wide">{change.person}</td>
        <td class="wraps wide change-why">{change.reason || <span class="dim">{t.noReason}</span>}</td>
      </tr>
      {open && (
        <tr class="change-open">
          <td colSpan={COLUMNS}>
            <div class="under">
              <ChangeDiff change={change} />
            </div>
          </td>
        </tr>
      )}
    </>
  );
}

function Of({ change }: { change: Change }) {
  const t = useMessages().changes;
  return change.psm ? <ServiceLink psm={change.psm} /> : <span class="dim">{t.fleet}</span>;
}

function Moment({ at }: { at: number }) {
  return (
    <>
      {dateTime(at)}
      <small>{useAgo(at * 1000)}</small>
    </>
  );
}

/** What changed, without what the row says already. */
function shortSubject({ psm, subject }: Change): string {
  return subject.endsWith(`/${psm}`) && psm ? subject.slice(0, -psm.length - 1) : subject;
}

/** Why the list is empty: nothing happened, or the filters let nothing through. */
function Nothing({ url, list }: { url: UrlState; list: ChangeList }) {
  const t = useMessages().changes;
  const narrowed = ['kind', 'of', 'by', 'q'].some((key) => url.get(key));
  const since = dateTime(list.since);
  return (
    <div class="change-blank" data-testid="changes-empty">
      <h3>{narrowed ? t.empty.filtered : t.empty.title}</h3>
      <p>{narrowed ? t.empty.looked(since) : t.empty.lead(since)}</p>
      {narrowed && (
        <button type="button" class="quiet" onClick={() => url.patch({ kind: '', of: '', by: '', q: '' })}>
          {t.empty.clear}
        </button>
      )}
    </div>
  );
}
