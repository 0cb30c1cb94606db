import type { ServicePage } from '../../api.gen';
import { useRangeText } from '../../components/range-text';
import { ServiceLink } from '../../components/service-link';
import type { ServiceView } from '../../components/service-view';
import { type Health, VerdictCard } from '../../components/verdict-card';
import { count, percent } from '../../format';
import { useTexts } from './texts';

const WORRYING_SHARE = 0.01;

/** How the service is, in a sentence; where it fails, and whom it calls that fails. */
export function Verdict({ view }: { view: ServiceView }) {
  const t = useTexts().verdict;
  const { sentence } = useRangeText();
  const { page } = view;
  if (!page) return <VerdictCard health="unknown" title={<span class="dim">…</span>} />;
  const { calls, failures, rejected } = page.total;
  const share = calls ? failures / calls : 0;
  const title = !page.traffic_known
    ? t.unknown
    : calls === 0
      ? t.idle(sentence)
      : failures === 0
        ? t.well(count(calls), sentence)
        : t.failing(percent(share), count(failures), count(calls), sentence);
  return (
    <VerdictCard health={healthOf(page, share)} title={title}>
      {page.traffic_known && (
        <p>
          <WorstMethod page={page} /> <WorstCallee page={page} /> {rejected > 0 && t.rejected(percent(rejected / calls))}
        </p>
      )}
    </VerdictCard>
  );
}

function healthOf({ traffic_known, total }: ServicePage, share: number): Health {
  if (!traffic_known || total.calls === 0) return 'unknown';
  if (total.failures === 0) return 'well';
  return share >= WORRYING_SHARE ? 'bad' : 'mild';
}

function WorstMethod({ page }: { page: ServicePage }) {
  const t = useTexts();
  const [worst] = page.methods.filter(({ figures }) => figures.failures > 0).sort((a, b) => b.figures.failures - a.figures.failures);
  if (!worst || page.methods.length < 2) return null;
  const { failures, calls } = worst.figures;
  return <>{t.verdict.method(worst.method || t.methods.nameless, percent(failures / calls))}</>;
}

/** A callee that failed of late may be why: it is named, not blamed. */
function WorstCallee({ page }: { page: ServicePage }) {
  const t = useTexts().verdict;
  const [worst] = page.callees.filter(({ figures }) => figures.failures > 0).sort((a, b) => b.figures.failures - a.figures.failures);
  if (!worst) return null;
  const { failures, calls } = worst.figures;
  return (
    <>
      {t.calleeBefore(worst.method, percent(failures / calls))} <ServiceLink psm={worst.psm} />
      {t.calleeAfter}
    </>
  );
}
