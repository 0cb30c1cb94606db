import { useState } from 'preact/hooks';
import type { ConfigOverride, ConfigPage } from '../../api.gen';
import { Icon } from '../../components/icon';
import { type Draft, withOverrides } from './draft';
import { OverrideForm } from './override-form';
import { useTexts } from './texts';
import { Value } from './value';

interface Props {
  page: ConfigPage;
  draft: Draft;
  onDraft: (next: Draft) => void;
}

/** Values of some instances alone, in the order that decides; several gray releases may run at once. */
export function Overrides({ page, draft, onDraft }: Props) {
  const t = useTexts().overrides;
  const [open, setOpen] = useState<string>();
  const all = draft.now.overrides;
  const set = (next: ConfigOverride[]) => {
    onDraft(withOverrides(draft, next));
    setOpen(undefined);
  };
  const finish = (each: ConfigOverride) =>
    onDraft({
      ...draft,
      now: { ...draft.now, values: { ...draft.now.values, ...each.values }, overrides: all.filter((other) => other !== each) },
    });
  return (
    <section class="card" aria-labelledby="config-overrides">
      <header class="card-head">
        <h2 id="config-overrides">{t.title}</h2>
        <p class="card-sub">{t.lead}</p>
        {page.may_publish && (
          <button type="button" class="quiet" onClick={() => setOpen('')} data-testid="config-add-override">
            <Icon name="plus" />
            {t.add}
          </button>
        )}
      </header>
      {open === '' && <OverrideForm taken={all.map(({ name }) => name)} onTake={(made) => set([made, ...all])} onCancel={() => setOpen(undefined)} />}
      {all.length === 0 && open === undefined && <p class="config-none">{t.none}</p>}
      <ol class="config-overrides">
        {all.map((each, at) => (
          <li key={each.name} data-testid="config-override">
            {open === each.name ? (
              <OverrideForm
                given={each}
                taken={all.filter((other) => other !== each).map(({ name }) => name)}
                onTake={(made) => set(all.map((other) => (other === each ? made : other)))}
                onCancel={() => setOpen(undefined)}
              />
            ) : (
              <>
                <div class="config-override-head">
                  <strong>{each.name}</strong>
                  <span>{conditions(each, t)}</span>
                  <small>{t.reaches(each.reaches.length, page.running)}</small>
                </div>
                <ul class="config-override-values">
                  {Object.entries(each.values).map(([key, value]) => (
                    <li key={key}>
                      <span class="mono">{key}</span> <Value value={value} />
                    </li>
                  ))}
                </ul>
                {page.may_publish && (
                  <div class="config-buttons">
                    <button type="button" class="quiet" onClick={() => setOpen(each.name)}>
                      {t.edit}
                    </button>
                    {at > 0 && (
                      <button type="button" class="quiet" onClick={() => set(moved(all, at))}>
                        {t.up}
                      </button>
                    )}
                    <button type="button" class="quiet" onClick={() => finish(each)}>
                      {t.finish}
                    </button>
                    <button type="button" class="quiet" onClick={() => set(all.filter((other) => other !== each))}>
                      {t.remove}
                    </button>
                  </div>
                )}
              </>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Which instances are in it, in words. */
export function conditions(each: Omit<ConfigOverride, 'reaches' | 'name' | 'values'>, t: ReturnType<typeof useTexts>['overrides']): string {
  const parts = [
    each.cluster.length ? `${t.cluster} ${each.cluster.join(', ')}` : '',
    each.env.length ? `${t.env} ${each.env.join(', ')}` : '',
    each.instance.length ? `${t.instance} ${each.instance.join(', ')}` : '',
    each.percent < 100 ? t.percent(each.percent) : '',
  ].filter(Boolean);
  return parts.join(' · ') || t.everywhere;
}

function moved(all: ConfigOverride[], at: number): ConfigOverride[] {
  const next = [...all];
  next.splice(at - 1, 0, ...next.splice(at, 1));
  return next;
}
