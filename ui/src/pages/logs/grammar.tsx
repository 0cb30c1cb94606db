import { searchPath } from './search-url';
import { useTexts } from './texts';

/** Each line of the grammar with an example that can be run. The words for it are in the catalogues. */
export const EXAMPLES = [
  ['words', 'timeout redis'],
  ['chinese', '登录失败'],
  ['phrase', '"connection refused"'],
  ['or', 'timeout OR refused'],
  ['not', 'error -healthcheck'],
  ['group', '(timeout OR refused) psm:toutiao.stream.api'],
  ['field', 'level:ERROR'],
  ['anyOf', 'level:(ERROR OR WARNING)'],
  ['severity', 'level>=WARNING'],
  ['prefix', 'psm:toutiao.article.*'],
  ['number', 'line>=100'],
  ['pair', 'called:toutiao.article.article rpc_status:deadline'],
  ['part', '~"ooku"'],
  ['stack', 'stack:KeyError'],
] as const;

export function GrammarTable({ onRun }: { onRun?: () => void }) {
  const t = useTexts();
  return (
    <table class="table grammar">
      <thead>
        <tr>
          <th scope="col">{t.manual.write}</th>
          <th scope="col">{t.manual.finds}</th>
        </tr>
      </thead>
      <tbody>
        {EXAMPLES.map(([key, query]) => (
          <tr key={key}>
            <td>
              <a class="mono" href={searchPath({ q: query, range: { quick: '1d' } })} title={t.manual.run} data-testid="example" onClick={onRun}>
                {query}
              </a>
            </td>
            <td>{t.grammar[key]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function KeyTable() {
  const t = useTexts().manual;
  return (
    <dl class="keys">
      {t.keyList.map(([keys, text]) => (
        <div key={text}>
          <dt>
            {keys.split(' ').map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
