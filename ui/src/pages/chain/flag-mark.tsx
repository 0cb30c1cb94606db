import { Icon } from '../../components/icon';
import { flagLabel, flagText } from './flags';
import { useTexts } from './texts';

/** One amber mark beside a status; hovering and the row's details say what it stands for. */
export function FlagMark({ flags }: { flags: string[] }) {
  const t = useTexts();
  if (flags.length === 0) return null;
  const text = flags.map((flag) => `${flagLabel(t, flag)}: ${flagText(t, flag)}`).join('\n');
  return (
    <span class="flag" title={text} role="img" aria-label={text}>
      <Icon name="warning" />
      {flags.length > 1 && flags.length}
    </span>
  );
}
