import type { ServiceInstance } from '../../api.gen';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

/** What one instance says of itself: facts without a column, and its settings in force. */
export function InstanceDetail({ instance, columns }: { instance: ServiceInstance; columns: number }) {
  const t = useTexts().instances;
  const { none } = useMessages();
  const facts: Array<[string, string]> = [
    [t.id, instance.id],
    [t.env, instance.env],
    [t.transport, `${instance.protocol} · ${instance.transport}`],
    [t.weight, String(instance.weight)],
    ...(instance.reported
      ? ([
          [t.server, instance.server],
          [t.debug, instance.debug],
          [t.command, instance.command],
          [t.inFlight, String(instance.in_flight)],
          [t.lost, String(instance.lost)],
        ] satisfies Array<[string, string]>)
      : []),
  ];
  return (
    <tr class="detail" data-testid="instance-detail">
      <td colSpan={columns}>
        <div class="detail-body under">
          <dl class="facts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value || none}</dd>
              </div>
            ))}
          </dl>
          <Settings instance={instance} />
        </div>
      </td>
    </tr>
  );
}

function Settings({ instance: { settings, reported } }: { instance: ServiceInstance }) {
  const t = useTexts().instances;
  const sources: Record<string, string> = t.sources;
  if (settings.length === 0) return <p class="dim">{reported ? t.noSettings : t.unreported}</p>;
  return (
    <table class="table inner settings">
      <thead>
        <tr>
          <th scope="col">{t.setting}</th>
          <th scope="col">{t.value}</th>
          <th scope="col">{t.source}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map(({ key, value, source }) => (
          <tr key={key}>
            <th scope="row" class="mono">
              {key}
            </th>
            <td class="mono value">{value}</td>
            <td>{source === 'default' ? <span class="dim">{t.sources.default}</span> : <span class="chip">{sources[source] ?? source}</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
