import type { InForce } from '../api.gen';
import { useRuleTexts } from './texts';

/** Of how many instances that should run a version do; a bar beside the words. */
export function InForceMeter({ inForce, text }: { inForce: InForce; text: string }) {
  const { current, instances } = inForce;
  const whole = current >= instances;
  return (
    <span class="rules-meter" data-testid="in-force">
      <span class={whole ? '' : 'mild-text'}>{text}</span>
      <span class="rules-track" aria-hidden="true">
        {instances > 0 && <i class={whole ? 'rules-track-good' : 'rules-track-mild'} style={{ width: `${(100 * current) / instances}%` }} />}
      </span>
    </span>
  );
}

/** The same in the words of publishing, while a version comes into force. */
export function InForceNow({ inForce }: { inForce: InForce }) {
  const t = useRuleTexts().publish;
  if (inForce.known === false) return <span class="dim">{t.unknown}</span>;
  return <InForceMeter inForce={inForce} text={t.inForce(inForce.at_version, inForce.instances)} />;
}
