import { useState } from 'preact/hooks';
import type { PeopleList, PersonRow } from '../../api.gen';
import { Icon } from '../../components/icon';
import { SearchField } from '../../components/search-field';
import { SkeletonRows } from '../../components/skeleton';
import { dateTime } from '../../format';
import type { UrlState } from '../../urlstate';
import { AddForm } from './add-form';
import { PersonPanel } from './person-panel';
import { useTexts } from './texts';
import { useUsed } from './used';

const COLUMNS = 6;

interface Props {
  list: PeopleList | undefined;
  failed: boolean;
  url: UrlState;
  onChanged: () => void;
}

/** Everybody; each row opens to the person's tokens. */
export function People({ list, failed, url, onChanged }: Props) {
  const t = useTexts();
  const [adding, setAdding] = useState(false);
  const chosen = url.get('person');
  const q = url.get('name');
  const people = list?.people;
  const close = () => url.patch({ person: '' });
  return (
    <section class="card people" aria-labelledby="people-title">
      <header class="card-head">
        <h2 id="people-title">{t.list}</h2>
        <p class="card-sub">{people && t.shown(people.length)}</p>
        {list?.admin && !adding && (
          <button type="button" class={list.total === 0 ? 'button' : 'quiet'} data-testid="add-person" onClick={() => setAdding(true)}>
            <Icon name="plus" />
            {t.add}
          </button>
        )}
      </header>
      {adding && (
        <AddForm
          onCancel={() => setAdding(false)}
          onDone={(name) => {
            setAdding(false);
            url.patch({ person: name, name: '' });
            onChanged();
          }}
        />
      )}
      {(q || (list && list.total > 0)) && (
        <div class="filters">
          <SearchField label={t.filter} value={q} testId="people-filter" onInput={(text) => url.patch({ name: text })} />
        </div>
      )}
      {list?.more && <p class="people-note mild-text">{t.more}</p>}
      {(!people || people.length > 0) && (
        <div class="scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t.columns.name}</th>
                <th scope="col">{t.columns.role}</th>
                <th scope="col">{t.columns.tokens}</th>
                <th scope="col">{t.columns.used}</th>
                <th scope="col" class="wide">
                  {t.columns.added}
                </th>
                <th scope="col" class="wide">
                  {t.columns.by}
                </th>
              </tr>
            </thead>
            <tbody>
              {people?.map((person) => (
                <Row
                  key={person.name}
                  person={person}
                  list={list as PeopleList}
                  open={chosen === person.name}
                  onTurn={() => (chosen === person.name ? close() : url.patch({ person: person.name }))}
                  onChanged={onChanged}
                />
              ))}
              {!people && !failed && <SkeletonRows rows={5} columns={COLUMNS} />}
            </tbody>
          </table>
        </div>
      )}
      {list && people?.length === 0 && <Nobody list={list} q={q} onClear={() => url.patch({ name: '' })} />}
    </section>
  );
}

interface RowProps {
  person: PersonRow;
  list: PeopleList;
  open: boolean;
  onTurn: () => void;
  onChanged: () => void;
}

function Row({ person, list, open, onTurn, onChanged }: RowProps) {
  const t = useTexts();
  const used = useUsed(person.used);
  const own = person.name === list.user;
  const good = person.tokens?.filter(({ expired }) => !expired).length ?? 0;
  return (
    <>
      <tr class={`pick${open ? ' selected' : ''}`} data-testid="person-row" data-name={person.name} onClick={onTurn}>
        <th scope="row">
          <button
            type="button"
            class="people-turn"
            aria-expanded={open}
            onClick={(event) => {
              event.stopPropagation();
              onTurn();
            }}
          >
            <Icon name={open ? 'fold' : 'chevron'} />
            <strong>{person.name}</strong>
          </button>
          {own && <span class="badge">{t.yourself}</span>}
        </th>
        <td>
          <Role person={person} />
        </td>
        <td>{person.tokens ? t.tokenCount(good, person.tokens.length - good) : <span class="dim">{t.unseen}</span>}</td>
        <td>{used}</td>
        <td class="wide">{dateTime(person.created)}</td>
        <td class="wide">{person.created_by}</td>
      </tr>
      {open && (
        <tr class="people-open">
          <td colSpan={COLUMNS}>
            <div class="under">
              <PersonPanel person={person} own={own} admin={list.admin} onChanged={onChanged} />
            </div>
          </td>
        </tr>
      )}
    </>
  );
}

function Role({ person }: { person: PersonRow }) {
  const t = useTexts().roles;
  if (person.disabled) return <span class="badge badge-stopped">{t.disabled}</span>;
  return person.admin ? <span class="badge badge-on">{t.admin}</span> : <span class="dim">{t.person}</span>;
}

/** Why the list is empty: there is nobody, or nobody of that name. */
function Nobody({ list, q, onClear }: { list: PeopleList; q: string; onClear: () => void }) {
  const t = useTexts().empty;
  return (
    <div class="people-blank" data-testid="people-empty">
      <Icon name="people" />
      <h3>{q ? t.nobody(q) : t.title}</h3>
      <p>{q ? t.looked(list.total) : t.lead}</p>
      {q ? (
        <button type="button" class="quiet" onClick={onClear}>
          {t.clear}
        </button>
      ) : (
        <pre class="terminal">
          <span class="prompt">$</span> pie people add wangdi --admin --token
        </pre>
      )}
    </div>
  );
}
