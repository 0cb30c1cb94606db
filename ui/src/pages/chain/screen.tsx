import { useRoute } from 'preact-iso/router';
import { useMemo } from 'preact/hooks';
import type { ApiError } from '../../api/client';
import { useQuery } from '../../api/query';
import type { Chain } from '../../api.gen';
import { Trouble } from '../../components/trouble';
import { findLogid, isLogid } from '../../logid';
import { useTitle } from '../../title';
import { BadLogid, UnknownChain } from './absent';
import { CallTable } from './call-table';
import { NodeTree } from './node-tree';
import { ChainSkeleton, Summary } from './summary';
import { useTexts } from './texts';
import { buildTree } from './tree';
import { useChainView } from './use-chain-view';
import { Waterfall } from './waterfall';

const REFRESH_MS = 5000;
/** Calls of a chain this young may still be on their way. */
const SETTLED_AFTER_S = 30;

export default function ChainPage() {
  const t = useTexts();
  const given = useRoute().params.logid ?? '';
  useTitle(`${t.documentTitle} ${given}`);
  const logid = findLogid(given) ?? (isLogid(given) ? given : null);
  return logid ? <ChainOf key={logid} logid={logid} /> : <BadLogid logid={given} />;
}

function ChainOf({ logid }: { logid: string }) {
  const query = useQuery<Chain>(`/api/chains/${encodeURIComponent(logid)}`, nextLook);
  const { data, error } = query;
  if (data)
    return (
      <>
        <Trouble query={query} retrying />
        <ChainBody chain={data} refresh={query.refresh} />
      </>
    );
  if (error?.status === 404) return <UnknownChain logid={logid} message={error.message} />;
  if (error) return <Trouble query={query} retrying />;
  return <ChainSkeleton logid={logid} />;
}

/** A chain is asked for again while it may grow, and whenever the last question failed. */
function nextLook(chain: Chain | undefined, error: ApiError | undefined): number | null {
  if (error || !chain) return REFRESH_MS;
  const age = Date.now() / 1000 - chain.start - chain.total_ms / 1000;
  return Math.abs(age) < SETTLED_AFTER_S ? REFRESH_MS : null;
}

function ChainBody({ chain, refresh }: { chain: Chain; refresh: () => void }) {
  const tree = useMemo(() => buildTree(chain), [chain]);
  const view = useChainView(tree);
  return (
    <div class="chain">
      <Summary chain={chain} view={view} refresh={refresh} />
      <NodeTree chain={chain} view={view} />
      <Waterfall chain={chain} view={view} />
      <CallTable chain={chain} view={view} />
    </div>
  );
}
