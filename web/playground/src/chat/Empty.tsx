import { useState } from 'react';
import { apiKey, baseUrl } from '../api';
import { CopyButton } from '../app/CopyButton';
import { Logo } from '../app/Logo';

const prompts = [
  { title: 'Pull the cable', text: 'Explain how a river finds its way to the sea, step by step, and then sum it up in a table.', note: 'then reload this page in mid-sentence' },
  { title: 'Code and mathematics', text: 'Write a function that computes Fibonacci numbers quickly, and show the formula behind it.', note: 'with a copy button that stays' },
  { title: 'Think first', text: 'Why is the sky blue, and why is it red in the evening?', note: 'asked of a model that reasons' },
];

// A key is nothing to copy by accident.
const key = apiKey ? 'pk_…' : 'none';

const samples = {
  Python: (url: string) => `from openai import OpenAI\n\nclient = OpenAI(base_url="${url}/v1", api_key="${key}")`,
  JavaScript: (url: string) => `import OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: '${url}/v1', apiKey: '${key}' });`,
  curl: (url: string) => `curl -N ${url}/v1/chat/completions -H 'Content-Type: application/json'${apiKey ? ` -H 'Authorization: Bearer ${key}'` : ''} \\\n  -d '{"model": "simulated/chat", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'`,
};

/** What this is, three things to try, and how to leave the page behind. */
export function Empty({ onAsk }: { onAsk: (text: string, reasons: boolean) => void }) {
  const [sample, setSample] = useState<keyof typeof samples>('Python');
  const code = samples[sample](baseUrl);
  return (
    <div className="empty">
      <Logo size={56} />
      <h1>Answers that lose not a drop</h1>
      <p className="lead">Every answer is kept as it comes. Close the lid, pull the cable, restart the server: it goes on with the next token, here and on your other devices.</p>
      <ul className="prompts">
        {prompts.map(({ title, text, note }, i) => (
          <li key={title}><button type="button" onClick={() => onAsk(text, i === 2)}><b>{title}</b><span>{text}</span><small>{note}</small></button></li>
        ))}
      </ul>
      <section className="sdk" aria-label="Use it from your code">
        <div className="sdk-head">
          <h2>Keep your SDK, change its base URL</h2>
          <div role="group" aria-label="Language">{Object.keys(samples).map(name => <button key={name} type="button" className="ghost small" aria-pressed={name === sample} onClick={() => setSample(name as keyof typeof samples)}>{name}</button>)}</div>
        </div>
        <div className="code"><div className="code-head"><span>{sample}</span><CopyButton text={code} what="code" /></div><pre tabIndex={0} aria-label={`${sample} code`} role="region"><code>{code}</code></pre></div>
      </section>
    </div>
  );
}
