import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import type { ConfigKey, ConfigPage } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { Icon } from '../../components/icon';
import { SearchField } from '../../components/search-field';
import { dateTime } from '../../format';
import { type Draft, same, withoutValue, withValue } from './draft';
import { Editor } from './editor';
import { useTexts } from './texts';
import { Value } from './value';

interface Props {
  page: ConfigPage;
  draft: Draft;
  onDraft: (next: Draft) => void;
}

/** Every key with its value where it runs; one of them is edited under its row. */
export function Values({ page, draft, onDraft }: Props) {
  const t = useTexts();
  const [filter, setFilter] = useState('');
  const [open, setOpen] = useState<string>();
  const keys = withAdded(page, draft);
  const wanted = keys.filter(({ key, help }) => `${key} ${help}`.toLowerCase().includes(filter.toLowerCase()));
  const take = (key: string, value: unknown, secret: boolean) => {
    onDraft(withValue(draft, key, value, secret));
    setOpen(undefined);
  };
  return (
    <section class="card" aria-labelledby="config-values">
      <header class="card-head">
        <h2 id="config-values">{t.values.title}</h2>
        <p class="card-sub">{t.values.count(keys.length)}</p>
        {page.may_publish && (
          <button type="button" class="quiet" onClick={() => setOpen('')} data-testid="config-add">
            <Icon name="plus" />
            {t.values.add}
          </button>
        )}
      </header>
      {open === '' && <Editor form="" secret={false} published={false} value={undefined} onTake={take} onCancel={() => setOpen(undefined)} />}
      {keys.length > 8 && (
        <div class="filters">
          <SearchField label={t.values.filter} value={filter} onInput={setFilter} />
        </div>
      )}
      {keys.length === 0 && (
        <div class="config-blank">
          <h3>{t.values.empty}</h3>
          <p>{t.values.emptyLead}</p>
        </div>
      )}
      {keys.length > 0 && (
        <div class="scroll">
          <table class="table config-keys" data-testid="config-keys">
            <thead>
              <tr>
                <th>{t.values.key}</th>
                <th>{t.values.inForce}</th>
                <th class="wide">{t.values.expects}</th>
                <th class="wide">{t.values.changed}</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {wanted.map((key) => (
                <Fragment key={key.key}>
                  <Row page={page} draft={draft} item={key} onEdit={() => setOpen(open === key.key ? undefined : key.key)} />
                  {open === key.key && (
                    <tr class="detail">
                      <td colSpan={5}>
                        <Editor
                          item={key}
                          form={key.form}
                          secret={draft.now.secrets.includes(key.key) || key.secret}
                          published={key.key in draft.now.values}
                          value={draft.now.values[key.key] ?? key.default}
                          onTake={take}
                          onRemove={() => {
                            onDraft(withoutValue(draft, key.key));
                            setOpen(undefined);
                          }}
                          onCancel={() => setOpen(undefined)}
                        />
                      </td>
                    </tr>
                  )}
                </Fragment>
              ))}
            </tbody>
          </table>
          {wanted.length === 0 && <p class="no-match">{t.values.nothing}</p>}
        </div>
      )}
    </section>
  );
}

function Row({ page, draft, item, onEdit }: { page: ConfigPage; draft: Draft; item: ConfigKey; onEdit: () => void }) {
  const t = useTexts();
  const ago = useAgo(item.changed_at * 1000);
  const now = draft.now.values[item.key];
  const edited = !same(draft.base.values[item.key], now);
  return (
    <tr class={edited ? 'config-edited' : ''} data-testid="config-key">
      <th class="wraps">
        <span class="mono config-name">{item.key}</span> {item.secret && <small class="config-tag">{t.values.secret}</small>}
        {item.help && <small class="config-help">{item.help}</small>}
      </th>
      <td class="wraps">
        {edited && (
          <div class="config-variant">
            {now === undefined ? <strong>{t.values.removed}</strong> : <Value value={now} kind="new" />} <small class="config-tag">{t.values.edited}</small>
          </div>
        )}
        <Effective item={item} running={page.running} />
      </td>
      <td class="wide">
        {t.forms[item.form]}
        <small class="config-help">{item.choices.length ? item.choices.join(', ') : t.bounds(item.least, item.most)}</small>
      </td>
      <td class="wide">
        {item.changed_in > 0 ? (
          <>
            {item.changed_by}
            <small class="config-help">
              <time title={dateTime(item.changed_at)}>{ago}</time> · v{item.changed_in}
            </small>
          </>
        ) : (
          '–'
        )}
      </td>
      <td class="num">
        {page.may_publish && (
          <button type="button" class="quiet" aria-label={t.values.editKey(item.key)} onClick={onEdit}>
            {t.values.edit}
          </button>
        )}
      </td>
    </tr>
  );
}

/** The value of each group of instances; one line where all have the same. */
function Effective({ item, running }: { item: ConfigKey; running: number }) {
  const t = useTexts().values;
  if (item.effective.length === 0)
    return (
      <div class="config-variant">
        <Value value={item.published ? item.value : item.default} /> {!item.published && <small>{t.unpublished}</small>}
      </div>
    );
  return (
    <>
      {item.effective.map((each) => (
        <div class="config-variant" key={`${each.source} ${JSON.stringify(each.value)}`}>
          <Value value={each.value} />{' '}
          <small>
            {each.source === 'default' ? t.unpublished : each.source === 'document' ? '' : each.source}
            {each.instances < running && ` · ${t.instances(each.instances)} · ${each.clusters.join(', ')}`}
          </small>
        </div>
      ))}
      {item.published && !item.form && <small class="config-help">{t.notRead}</small>}
    </>
  );
}

/** Keys that only the draft has stand first. */
function withAdded(page: ConfigPage, draft: Draft): ConfigKey[] {
  const known = new Set(page.keys.map(({ key }) => key));
  const added = Object.keys(draft.now.values).filter((key) => !known.has(key));
  return [
    ...added.map(
      (key): ConfigKey => ({
        key,
        published: false,
        value: null,
        default: null,
        form: '',
        choices: [],
        least: null,
        most: null,
        help: '',
        secret: draft.now.secrets.includes(key),
        effective: [],
        changed_by: '',
        changed_at: 0,
        changed_in: 0,
      }),
    ),
    ...page.keys,
  ];
}
