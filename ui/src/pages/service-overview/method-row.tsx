import type { ServiceMethod } from '../../api.gen';
import { BreakableName } from '../../components/breakable-name';
import { FigureCells } from '../../components/figure-cells';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { Monitor } from './monitor';
import { Spark } from './spark';
import { useTexts } from './texts';

interface Props {
  psm: string;
  method: ServiceMethod;
  busiest: number;
  /** Whether the service described its methods at all. */
  selfDescribing: boolean;
  /** Known to have had no call in the window. */
  idle: boolean;
  open: boolean;
  onToggle: () => void;
}

export function MethodRow({ psm, method, busiest, selfDescribing, idle, open, onToggle }: Props) {
  const t = useTexts().methods;
  const name = method.method || t.nameless;
  return (
    <tr data-testid="method-row" data-method={method.method} class={open ? 'open' : undefined}>
      <td class="dim wide own-psm">{psm}</td>
      <th scope="row">
        <button type="button" class="expander" aria-expanded={open} title={t.monitorOf(name)} onClick={onToggle}>
          <Icon name="chevron" />
          <span class="method-name">{name}</span>
        </button>
        {!method.described && selfDescribing && (
          <span class="badge badge-mild" title={t.undescribedHint}>
            {t.undescribed}
          </span>
        )}
        {idle && <span class="badge">{t.idle}</span>}
      </th>
      <td class={`wide${method.routes.length > 0 ? '' : ' signature'}`}>
        <Signature method={method} />
      </td>
      <FigureCells figures={method.figures} busiest={busiest} median />
      <td class="wide">
        <Spark minutes={method.minutes} failed={method.failed_minutes} />
      </td>
      <td class="wide">
        <button type="button" class="link" aria-expanded={open} aria-label={t.monitorOf(name)} onClick={onToggle}>
          {t.monitor}
        </button>
      </td>
    </tr>
  );
}

/** For HTTP where it is reached, for Thrift what goes in and what comes out. */
function Signature({ method }: { method: ServiceMethod }) {
  const { routes, request, response } = method;
  if (routes.length > 0)
    return (
      <>
        {routes.map(({ route, verbs }) => (
          <div key={`${verbs.join()} ${route}`} class="route">
            {verbs.map((verb) => (
              <span key={verb} class="chip">
                {verb}
              </span>
            ))}
            <span class="mono">
              <BreakableName name={route} />
            </span>
          </div>
        ))}
      </>
    );
  if (!method.described) return null;
  return (
    <span class="mono" title={`(${request}) → ${response || 'void'}`}>
      ({request}) <span class="dim">→</span> {response || 'void'}
    </span>
  );
}

/** What opens under a method: its doc comment and its monitor. */
export function MethodDetail({ view, method, columns }: { view: ServiceView; method: ServiceMethod; columns: number }) {
  const t = useTexts().methods;
  const documented = method.doc || (method.described && method.routes.length === 0 ? t.noDoc : '');
  return (
    <tr class="detail" data-testid="method-detail">
      <td colSpan={columns}>
        <div class="under">
          {documented && <p class={method.doc ? 'doc' : 'doc dim'}>{documented}</p>}
          <div class="narrow-only">
            <Signature method={method} />
          </div>
          <Monitor view={view} method={method.method} />
        </div>
      </td>
    </tr>
  );
}
