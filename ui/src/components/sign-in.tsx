import { useState } from 'preact/hooks';
import { signIn } from '../api/client';
import { useMessages } from '../i18n';
import { ownName } from '../preferences';
import { useTitle } from '../title';

type Result = 'untried' | 'busy' | 'wrong' | 'away';

export function SignInPage() {
  const t = useMessages();
  const [result, setResult] = useState<Result>('untried');
  useTitle(t.signIn.title);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(data.get('user')).trim();
    setResult('busy');
    void signIn(String(data.get('token')).trim(), name).then(setResult);
    ownName.set(name);
  };
  return (
    <section class="card notice">
      <h1>{t.signIn.title}</h1>
      <p>{t.signIn.lead}</p>
      <p>{t.signIn.link}</p>
      <pre class="terminal">
        <span class="prompt">$</span> pie platform{'\n'}
        <span class="dim">…</span> {location.origin}/login?token=…
      </pre>
      <form class="sign-in" onSubmit={submit}>
        <label for="token">
          {t.signIn.token} <small>{t.signIn.where}</small>
        </label>
        <input id="token" name="token" type="password" required autocomplete="current-password" spellcheck={false} />
        <label for="user">
          {t.signIn.name} <small>{t.signIn.nameHint}</small>
        </label>
        <input id="user" name="user" type="text" maxLength={40} autocomplete="username" spellcheck={false} defaultValue={ownName.get()} />
        <button type="submit" class="button" disabled={result === 'busy'}>
          {t.signIn.submit}
        </button>
      </form>
      <p class="field-error" role="alert">
        {result === 'wrong' && t.signIn.wrong}
        {result === 'away' && t.signIn.away}
      </p>
    </section>
  );
}
