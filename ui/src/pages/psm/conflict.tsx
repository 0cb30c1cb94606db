import { type Draft, differing } from './draft';
import { labelOf } from './history';
import { useTexts } from './texts';

interface Props {
  /** Who changed it, and when, as the platform says it. */
  message: string;
  theirs: Draft;
  mine: Draft;
  onTheirs: () => void;
}

/** Somebody saved first: what they wrote beside what the reader is about to write. */
export function Conflict({ message, theirs, mine, onTheirs }: Props) {
  const texts = useTexts();
  const t = texts.form;
  const fields = differing(theirs, mine);
  return (
    <div class="psm-notice psm-notice-mild" role="alert" data-testid="psm-conflict">
      <p>
        <strong>{t.conflictTitle}</strong> {message}
      </p>
      <p>{fields.length ? t.conflictLead : t.conflictSame}</p>
      {fields.length > 0 && (
        <table class="psm-compare">
          <thead>
            <tr>
              <td />
              <th scope="col">{t.theirs}</th>
              <th scope="col">{t.mine}</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field}>
                <th scope="row">{labelOf(field, texts.detail)}</th>
                <td>{theirs[field] || texts.detail.nothing}</td>
                <td>{mine[field] || texts.detail.nothing}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <button type="button" class="quiet" onClick={onTheirs}>
        {t.takeTheirs}
      </button>
    </div>
  );
}
