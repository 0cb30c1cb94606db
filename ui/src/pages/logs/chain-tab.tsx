import { useLocation } from 'preact-iso/router';
import { useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { Services } from '../../api.gen';
import { Icon } from '../../components/icon';
import { RequestPanel } from '../../components/request-panel';
import { findLogid } from '../../logid';
import { pathTo } from '../../paths';
import { useTitle } from '../../title';
import { useUrlState } from '../../urlstate';
import { useStartTask } from './run-as-task';
import { RANGES } from './search-url';
import { useTexts } from './texts';

/** A call chain by its logid, or by way of the latest requests. */
export function ChainTab() {
  const t = useTexts();
  const url = useUrlState();
  const services = useQuery<Services>('/api/services', () => null);
  useTitle(t.nav.chain);
  return (
    <>
      <LogidForm />
      <RequestPanel services={services.data?.services ?? []} explained={false} url={url} />
    </>
  );
}

function LogidForm() {
  const t = useTexts().chain;
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  const { start, busy, error } = useStartTask();
  const logid = findLogid(text);
  const wrong = text.trim() && !logid ? faultOf(text.trim()) : undefined;
  const begin = logid && decode(logid);
  const asTask = () => {
    if (!logid) return setTried(true);
    const until = Date.now() / 1000;
    start({ type: 'chain', q: logid, psm: [], cluster: [], host: [], level: [], since: until - RANGES['10d'], until });
  };
  return (
    <section class="card search-card">
      <form
        class="query-row chain-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (logid) route(pathTo('chain', { logid }));
          else setTried(true);
        }}
      >
        <div class={`query${tried && wrong ? ' query-wrong' : ''}`}>
          <Icon name="chain" />
          <input
            class="mono"
            type="text"
            value={text}
            placeholder="2017041721432901000304821652640C"
            aria-label={t.label}
            spellcheck={false}
            autocomplete="off"
            data-testid="logid"
            onInput={(event) => {
              setText(event.currentTarget.value);
              setTried(false);
            }}
          />
        </div>
        <button type="button" class="quiet" disabled={busy} onClick={asTask}>
          <Icon name="task" />
          {t.asTask}
        </button>
        <button type="submit" class="button">
          {t.open}
        </button>
      </form>
      <p class="chain-decoded" role={tried && wrong ? 'alert' : undefined} data-testid="logid-decoded">
        {error ? (
          <span class="bad-text">{error.message}</span>
        ) : begin ? (
          t.began(begin.time, begin.ip)
        ) : logid ? (
          t.foreign
        ) : wrong && (tried || text.trim().length >= 32) ? (
          <span class="bad-text">{'stranger' in wrong ? t.stranger(wrong.stranger, wrong.at) : t.length(wrong.length)}</span>
        ) : tried ? (
          <span class="bad-text">{t.missing}</span>
        ) : (
          t.lead
        )}
      </p>
    </section>
  );
}

type Fault = { stranger: string; at: number } | { length: number };

function faultOf(text: string): Fault {
  const characters = [...text];
  const at = characters.findIndex((each) => !/[0-9a-f]/i.test(each));
  return at >= 0 ? { stranger: characters[at] ?? '', at: at + 1 } : { length: characters.length };
}

/** A logid says when and where its chain began; one that came from elsewhere need not. */
function decode(logid: string): { time: string; ip: string } | null {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})(\d{3})(\d{3})(\d{3})/.exec(logid);
  if (!match) return null;
  const [year, month, day, hour, minute, second, ...octets] = match.slice(1);
  const ip = octets.map(Number);
  if (Number(month) > 12 || Number(day) > 31 || Number(hour) > 23 || ip.some((octet) => octet > 255)) return null;
  return { time: `${year}-${month}-${day} ${hour}:${minute}:${second}`, ip: ip.join('.') };
}
