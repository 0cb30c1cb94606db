import { useState } from 'preact/hooks';
import { ApiError, sendJson } from '../../api/client';
import type { DegradePage, SwitchGroup, SwitchName } from '../../api.gen';
import { ConfirmDialog } from '../../components/dialog';
import { Icon } from '../../components/icon';
import type { Target } from './flip';
import { useTexts } from './texts';

interface Props {
  page: DegradePage;
  onFlip: (target: Target) => void;
  onChanged: () => void;
}

/** Switches that are flipped together. */
export function Groups({ page, onFlip, onChanged }: Props) {
  const t = useTexts();
  const [open, setOpen] = useState<string>();
  const [doomed, setDoomed] = useState<string>();
  const saved = () => {
    setOpen(undefined);
    onChanged();
  };
  return (
    <section class="card" aria-labelledby="degrade-groups">
      <header class="card-head">
        <h2 id="degrade-groups">{t.groups.title}</h2>
        <p class="card-sub">{t.groups.lead}</p>
        <button type="button" class="quiet" onClick={() => setOpen('')} data-testid="degrade-add-group">
          <Icon name="plus" />
          {t.groups.add}
        </button>
      </header>
      {open === '' && <GroupForm onSaved={saved} onCancel={() => setOpen(undefined)} />}
      {page.groups.length === 0 && open === undefined && <p class="degrade-blank">{t.groups.none}</p>}
      <ul class="degrade-groups">
        {page.groups.map((group) =>
          open === group.name ? (
            <li key={group.name}>
              <GroupForm group={group} onSaved={saved} onCancel={() => setOpen(undefined)} />
            </li>
          ) : (
            <li key={group.name} data-testid="degrade-group">
              <div class="degrade-group-head">
                <strong>{group.name}</strong> <span>{group.description}</span> <small>{t.groups.state(group.off, group.switches.length)}</small>
              </div>
              <p class="degrade-help">{group.switches.map(({ psm, name }) => `${psm} ${name}`).join(', ')}</p>
              <span class="degrade-buttons">
                <button type="button" class="quiet" disabled={page.frozen !== ''} onClick={() => onFlip({ off: true, group })}>
                  {t.list.off}
                </button>
                <button type="button" class="quiet" disabled={page.frozen !== ''} onClick={() => onFlip({ off: false, group })}>
                  {t.list.on}
                </button>
                <button type="button" class="quiet" onClick={() => setOpen(group.name)}>
                  {t.groups.edit}
                </button>
                <button type="button" class="quiet" onClick={() => setDoomed(group.name)}>
                  {t.groups.remove}
                </button>
              </span>
            </li>
          ),
        )}
      </ul>
      {doomed !== undefined && (
        <ConfirmDialog
          title={t.groups.removeTitle(doomed)}
          action={t.groups.remove}
          onAct={async () => {
            await sendJson('DELETE', `/api/degrade/groups/${encodeURIComponent(doomed)}`);
            onChanged();
          }}
          onClose={() => setDoomed(undefined)}
        >
          <p>{t.groups.removeLead}</p>
        </ConfirmDialog>
      )}
    </section>
  );
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

function GroupForm({ group, onSaved, onCancel }: { group?: SwitchGroup; onSaved: () => void; onCancel: () => void }) {
  const t = useTexts().groups;
  const [name, setName] = useState(group?.name ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const [text, setText] = useState(group?.switches.map((each) => `${each.psm} ${each.name}`).join('\n') ?? '');
  const [trouble, setTrouble] = useState('');
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const switches: SwitchName[] = [];
    for (const line of text.split('\n').map((each) => each.trim()).filter(Boolean)) {
      const [psm, one, ...rest] = line.split(/\s+/);
      if (!psm || !one || rest.length) return setTrouble(t.wrongLine(line));
      switches.push({ psm, name: one });
    }
    if (!NAME.test(name)) return setTrouble(t.needsName);
    if (switches.length === 0) return setTrouble(t.needsSwitch);
    try {
      await sendJson('PUT', `/api/degrade/groups/${encodeURIComponent(name)}`, { switches, description });
      onSaved();
    } catch (error) {
      setTrouble(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <form class="degrade-form" onSubmit={(event) => void save(event)} onKeyDown={(event) => event.key === 'Escape' && onCancel()} data-testid="degrade-group-form">
      <label>
        {t.name}
        <input class="text-input" value={name} disabled={group !== undefined} onInput={(event) => setName(event.currentTarget.value.trim())} />
      </label>
      <label>
        {t.description}
        <input class="text-input" value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
      </label>
      <label>
        {t.switches}
        <textarea class="text-input mono" rows={4} value={text} spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <p class="degrade-trouble" role="alert">
        {trouble}
      </p>
      <span class="degrade-buttons">
        <button type="submit" class="button">
          {t.save}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.cancel}
        </button>
      </span>
    </form>
  );
}
