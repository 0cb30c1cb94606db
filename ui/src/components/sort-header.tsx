import { Icon } from './icon';

/** A column heading that sorts by its column. */
export function SortHeader(props: { text: string; sorted: 'up' | 'down' | undefined; kind: string; hint?: string | undefined; onSort: () => void }) {
  const { text, sorted, kind, hint, onSort } = props;
  const aria = sorted === undefined ? undefined : sorted === 'up' ? 'ascending' : 'descending';
  return (
    <th scope="col" class={kind} aria-sort={aria}>
      <button type="button" class="sort" title={hint} onClick={onSort}>
        {text}
        <Icon name={sorted === 'up' ? 'up' : 'down'} />
      </button>
    </th>
  );
}
