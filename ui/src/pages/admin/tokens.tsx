import { useState } from 'preact/hooks';
import { sendJson } from '../../api/client';
import { useQuery } from '../../api/query';
import type { NewToken, PersonRow, PersonToken, Session, TokenPost } from '../../api.gen';
import { CopyButton } from '../../components/copy-button';
import { Icon } from '../../components/icon';
import { dateTime } from '../../format';
import { useAct } from './act';
import { Ask } from './ask';
import { useTexts } from './texts';
import { useUsed } from './used';

interface Props {
  person: PersonRow;
  own: boolean;
  admin: boolean;
  path: string;
  onChanged: () => void;
}

/** The tokens of a person: made here, shown once, revoked. */
export function Tokens({ person, own, admin, path, onChanged }: Props) {
  const t = useTexts().token;
  const [making, setMaking] = useState(false);
  const [fresh, setFresh] = useState('');
  const session = useQuery<Session>('/api/session', () => null).data;
  if (!person.tokens) return <p class="dim">{t.hidden(person.name)}</p>;
  const may = (own || admin) && !person.disabled;
  return (
    <div class="tokens">
      {person.tokens.length === 0 && <p class="dim">{t.none(own)}</p>}
      {person.tokens.length > 0 && (
        <ul aria-label={t.title}>
          {person.tokens.map((token) => (
            <Token key={token.id} token={token} current={session?.token === token.id} path={path} onChanged={onChanged} />
          ))}
        </ul>
      )}
      {fresh && <Fresh text={fresh} onDone={() => setFresh('')} />}
      {may && !making && !fresh && (
        <button type="button" class={person.tokens.length === 0 ? 'button' : 'quiet'} data-testid="make-token" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          {t.make}
        </button>
      )}
      {making && (
        <MakeForm
          path={path}
          onCancel={() => setMaking(false)}
          onDone={({ text }) => {
            setMaking(false);
            setFresh(text);
            onChanged();
          }}
        />
      )}
    </div>
  );
}

function Token({ token, current, path, onChanged }: { token: PersonToken; current: boolean; path: string; onChanged: () => void }) {
  const t = useTexts().token;
  const used = useUsed(token.used);
  const revoke = (reason: string) => sendJson<PersonRow>('DELETE', `${path}/tokens/${token.id}?${new URLSearchParams({ reason })}`);
  return (
    <li class={token.expired ? 'token-over' : ''} data-testid="token">
      <span class="mono">{token.id}</span>
      <strong>{token.note}</strong>
      {current && <span class="badge badge-on">{t.current}</span>}
      <span class="token-life">
        {token.expired ? <span class="bad-text">{t.expired}</span> : token.expires ? `${t.until} ${dateTime(token.expires)}` : t.forever}
        {' · '}
        {t.used} {used}
        {' · '}
        {t.created} {dateTime(token.created)}
      </span>
      <Ask danger label={t.revoke} confirm={t.revokeNow} question={t.revokeAsk(token.id)} work={revoke} onDone={onChanged} />
    </li>
  );
}

/** The text of a token that was just made: there is no second look at it. */
function Fresh({ text, onDone }: { text: string; onDone: () => void }) {
  const t = useTexts().token;
  return (
    <div class="token-fresh" role="status" data-testid="fresh-token">
      <p>
        <strong>{t.fresh}</strong>
      </p>
      <p class="token-text">
        <code class="mono">{text}</code>
        <CopyButton text={text} />
      </p>
      <p>{t.use}</p>
      <pre class="terminal">
        <span class="prompt">$</span> pie login --platform {location.origin}
      </pre>
      <button type="button" class="quiet" onClick={onDone}>
        {t.done}
      </button>
    </div>
  );
}

function MakeForm({ path, onDone, onCancel }: { path: string; onDone: (made: NewToken) => void; onCancel: () => void }) {
  const t = useTexts();
  const { busy, refusal, act } = useAct();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const body: TokenPost = { days: Number(data.get('days')), note: String(data.get('note')), reason: '' };
    act(() => sendJson<NewToken>('POST', `${path}/tokens`, body), onDone);
  };
  return (
    <form class="people-form" aria-label={t.token.make} onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && onCancel()}>
      <label>
        <span>{t.token.note}</span>
        <input name="note" maxLength={100} autocomplete="off" ref={focused} />
        <small>{t.token.noteHint}</small>
      </label>
      <label>
        <span>{t.token.life}</span>
        <select name="days">
          {['30', '90', '365', '0'].map((days) => (
            <option key={days} value={days} selected={days === '90'}>
              {t.token.lives[days]}
            </option>
          ))}
        </select>
      </label>
      {refusal && (
        <p class="bad-text" role="alert">
          {refusal}
        </p>
      )}
      <div class="people-buttons">
        <button type="submit" class="button" disabled={busy}>
          {t.token.create}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.form.cancel}
        </button>
      </div>
    </form>
  );
}

function focused(field: HTMLInputElement | null): void {
  field?.focus();
}
