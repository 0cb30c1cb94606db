import { ChangeStream } from '../../components/change-stream';
import { useTitle } from '../../title';
import { useUrlState } from '../../urlstate';
import { useTexts } from './texts';
import { Verdict } from './verdict';

/** What changed before it broke: rules, config, switches, owners, people and releases in one stream. */
export default function ChangesPage() {
  const t = useTexts();
  const url = useUrlState();
  useTitle(t.title);
  return (
    <>
      <h1 class="offscreen">{t.title}</h1>
      <Verdict url={url} />
      <ChangeStream url={url} title={t.stream} />
    </>
  );
}
