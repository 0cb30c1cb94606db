import { sendJson } from '../../api/client';
import type { PersonPut, PersonRow } from '../../api.gen';
import { addressOf } from '../../paths';
import { Ask } from './ask';
import { useTexts } from './texts';
import { Tokens } from './tokens';

interface Props {
  person: PersonRow;
  /** It is the reader. */
  own: boolean;
  /** The reader is an admin. */
  admin: boolean;
  onChanged: () => void;
}

/** One person: their tokens, and what an admin may do. */
export function PersonPanel({ person, own, admin, onChanged }: Props) {
  const t = useTexts().person;
  const { name } = person;
  const path = `/api/people/${encodeURIComponent(name)}`;
  const put = (change: PersonPut) => () => sendJson<PersonRow>('PUT', path, change);
  return (
    <div class="person-panel" data-testid="person-panel">
      <Tokens person={person} own={own} admin={admin} path={path} onChanged={onChanged} />
      <div class="person-acts">
        {admin && !person.disabled && !person.admin && (
          <Ask label={t.makeAdmin} confirm={t.makeAdminNow} question={t.makeAdminAsk(name)} work={(reason) => put({ admin: true, reason })()} onDone={onChanged} />
        )}
        {admin && !own && person.admin && (
          <Ask label={t.noAdmin} confirm={t.noAdminNow} question={t.noAdminAsk(name)} work={(reason) => put({ admin: false, reason })()} onDone={onChanged} />
        )}
        {admin && !own && !person.disabled && (
          <Ask danger label={t.disable} confirm={t.disableNow} question={t.disableAsk(name)} work={(reason) => put({ disabled: true, reason })()} onDone={onChanged} />
        )}
        {admin && person.disabled > 0 && <Ask label={`${t.enable}…`} confirm={t.enable} question={name} work={(reason) => put({ disabled: false, reason })()} onDone={onChanged} />}
        <a href={addressOf('admin', {}, { tab: 'audit', kind: 'people', q: `person/${name}` })}>{t.history}</a>
      </div>
    </div>
  );
}
