import type { ConfigPage } from '../../api.gen';
import { useTexts } from './texts';

/** Which version each running instance has, and why not the newest. */
export function Instances({ page }: { page: ConfigPage }) {
  const t = useTexts().instances;
  if (page.instances.length === 0) return null;
  return (
    <section class="card" aria-labelledby="config-instances">
      <header class="card-head">
        <h2 id="config-instances">{t.title}</h2>
      </header>
      <div class="scroll">
        <table class="table">
          <thead>
            <tr>
              <th>{t.columns.id}</th>
              <th class="wide">{t.columns.cluster}</th>
              <th>{t.columns.version}</th>
              <th class="wide">{t.columns.overrides}</th>
              <th>{t.columns.trouble}</th>
            </tr>
          </thead>
          <tbody>
            {page.instances.map((each) => (
              <tr key={each.id}>
                <th class="mono">{each.id}</th>
                <td class="wide">
                  {each.cluster}
                  {each.env && ` · ${each.env}`}
                </td>
                <td>{each.version === null ? t.notReported : `v${each.version}`}</td>
                <td class="wide">{each.overrides.join(', ') || t.none}</td>
                <td class="wraps">{each.trouble || '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
