import { useTexts } from './texts';

export function Legend() {
  const t = useTexts().waterfall;
  const entries = [
    ['server', t.server],
    ['client', t.client],
    ['unlogged', t.unlogged],
    ['skewed', t.skewed],
    ['critical', t.critical],
    ['error', t.error],
    ['own', t.chainSpan],
  ];
  return (
    <ul class="legend">
      {entries.map(([key, text]) => (
        <li key={key}>
          <i class={`legend-${key}`} />
          {text}
        </li>
      ))}
    </ul>
  );
}
