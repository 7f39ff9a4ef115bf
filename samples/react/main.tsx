import { type FormEvent, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from 'penstock';
import { useChat } from 'penstock/react';

const client = createClient();

// Reload while it answers, or restart the server: the answer goes on.
function Chat() {
  const { messages, status, error, stats, send, stop, retry } = useChat({ client, name: 'sample', request: { model: 'simulated/chat' } });
  const [text, setText] = useState('');
  const busy = status === 'connecting' || status === 'streaming' || status === 'reconnecting';

  function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || !text.trim()) return;
    void send(text);
    setText('');
  }

  return (
    <>
      {messages.map(message => <p key={message.id} style={{ whiteSpace: 'pre-wrap' }}><b>{message.role}</b> {String(message.content)}</p>)}
      {error && <p role="alert">{error.message} {error.retryable && <button onClick={retry}>Again</button>}</p>}
      <form onSubmit={submit}>
        <input value={text} onChange={event => setText(event.target.value)} aria-label="Message" placeholder="Tell me about rivers." />
        {busy ? <button type="button" onClick={() => void stop()}>Stop</button> : <button>Send</button>}
      </form>
      <small role="status">{status}{stats.reconnects > 0 && `, came back ${stats.reconnects} times`}</small>
    </>
  );
}

createRoot(document.getElementById('root')!).render(<Chat />);
