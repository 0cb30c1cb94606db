import { useTitle } from '../../title';
import { GrammarTable, KeyTable } from './grammar';
import { FIELDS } from './query-text';
import { searchPath } from './search-url';
import { useTexts } from './texts';

/** How to search, with examples that run. */
export function ManualPage() {
  const t = useTexts();
  useTitle(t.nav.manual);
  return (
    <section class="card manual" aria-labelledby="manual-title">
      <header class="card-head">
        <h1 id="manual-title">{t.nav.manual}</h1>
      </header>
      <div class="manual-text">
        {t.manual.lead.map((text) => (
          <p key={text}>{text}</p>
        ))}
      </div>
      <h2>{t.manual.grammar}</h2>
      <GrammarTable />
      <h2>{t.manual.fields}</h2>
      <dl class="field-list">
        {FIELDS.map((field) => (
          <div key={field}>
            <dt class="mono">{field}</dt>
            <dd>{t.query.fields[field]}</dd>
          </div>
        ))}
        <div>
          <dt class="mono">…</dt>
          <dd>{t.manual.anyField}</dd>
        </div>
      </dl>
      <h2>{t.manual.tabs}</h2>
      <dl class="field-list">
        {t.manual.tabList.map(([key, text]) => (
          <div key={key}>
            <dt>
              <a href={key === 'chain' ? '/logs?tab=chain' : key === 'tasks' ? '/logs/tasks' : searchPath({ tab: key })}>{t.nav[key]}</a>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <h2>{t.manual.keys}</h2>
      <KeyTable />
    </section>
  );
}
