import { useEffect, useMemo, useRef, useState } from 'react';
import type { Snapshot } from 'penstock';
import { client } from '../api';
import { newId, plainSettings, type Summary } from '../conversations/model';
import { remove } from '../chat/actions';
import { elsewhere } from '../conversations/link';
import { conversations } from '../conversations/store';
import { useObserved } from '../observable';
import { views } from '../panels';
import { preferences, usePreferences } from '../preferences';
import { Icon } from './Icon';
import { Logo } from './Logo';
import { router, usePlace } from './router';
import { useShortcut } from './shortcuts';

/** The chats of this browser, and what runs elsewhere. */
export function Sidebar({ onHelp, onGo }: { onHelp: () => void; onGo: () => void }) {
  const list = useObserved(conversations, () => conversations.list);
  const { theme, speakSentences } = usePreferences();
  const place = usePlace();
  const [search, setSearch] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const groups = useMemo(() => byDay((list ?? []).filter(c => c.title.toLowerCase().includes(search.trim().toLowerCase()))), [list, search]);
  const others = useElsewhere(list);
  const go = (address: string) => { router.go(address); onGo(); };
  useShortcut('Alt+K', () => { preferences.set({ sidebar: true }); requestAnimationFrame(() => field.current?.focus()); });

  return (
    <nav className="sidebar" aria-label="Chats">
      <a className="brand" href="#/" onClick={onGo}><Logo /> Penstock</a>
      <button type="button" className="new" onClick={() => go('#/')} title="New chat (Alt+N)"><Icon name="plus" /> New chat</button>
      {views.map(view => <a key={view.id} className="view-link" href={`#/${view.id}`} onClick={onGo} aria-current={place.view === view.id ? 'page' : undefined}><Icon name={view.icon} /> {view.title}</a>)}
      <label className="search"><Icon name="search" size={16} /><input ref={field} type="search" placeholder="Find a chat" aria-label="Find a chat" value={search} onChange={event => setSearch(event.target.value)} /></label>
      <div className="chats" tabIndex={-1}>
        {others.length > 0 && (
          <section>
            <h2>Running elsewhere</h2>
            <ul>{others.map(g => <li key={g.id}><button type="button" className="chat-link" onClick={() => { join(g); onGo(); }}><span className="dot" /><span>{g.text.slice(0, 60) || g.model}</span></button></li>)}</ul>
          </section>
        )}
        {groups.map(([day, chats]) => (
          <section key={day}>
            <h2>{day}</h2>
            <ul>{chats.map(chat => <Entry key={chat.id} chat={chat} isCurrent={place.view === 'c' && place.id === chat.id} onGo={onGo} />)}</ul>
          </section>
        ))}
        {list?.length === 0 && <p className="note">Your chats stay in this browser.</p>}
      </div>
      <footer>
        <button type="button" className="ghost round" aria-label={`Theme: ${theme}`} title={`Theme: ${theme} (Alt+T)`} onClick={nextTheme}><Icon name={theme === 'light' ? 'sun' : theme === 'dark' ? 'moon' : 'contrast'} /></button>
        <button type="button" className="ghost round" aria-label="Keys and help" title="Keys and help (?)" onClick={onHelp}><Icon name="help" /></button>
        <a className="ghost round button" href="docs" target="_blank" rel="noopener" aria-label="API reference" title="API reference"><Icon name="book" /></a>
        <label className="speak" title="A screen reader hears each finished sentence"><input type="checkbox" checked={speakSentences} onChange={event => preferences.set({ speakSentences: event.target.checked })} /> Read aloud</label>
      </footer>
    </nav>
  );
}

export function nextTheme(): void {
  const order = ['system', 'light', 'dark'] as const;
  preferences.set({ theme: order[(order.indexOf(preferences.now.theme) + 1) % order.length]! });
}

function Entry({ chat, isCurrent, onGo }: { chat: Summary; isCurrent: boolean; onGo: () => void }) {
  const [renaming, setRenaming] = useState(false);
  const rename = (title: string) => {
    setRenaming(false);
    if (title.trim()) conversations.change(chat.id, c => ({ ...c, title: title.trim() }));
  };
  if (renaming) {
    return <li><input className="rename" autoFocus aria-label="Title" defaultValue={chat.title} onBlur={event => rename(event.target.value)} onKeyDown={event => {
      if (event.key === 'Enter') rename(event.currentTarget.value);
      if (event.key === 'Escape') { event.preventDefault(); setRenaming(false); }
    }} /></li>;
  }
  return (
    <li className={isCurrent ? 'current' : undefined}>
      <a className="chat-link" href={`#/c/${chat.id}`} aria-current={isCurrent ? 'page' : undefined} onClick={onGo} title={chat.title}>
        {chat.running && <span className="dot" role="img" aria-label="Running" />}<span>{chat.title}</span>
      </a>
      <span className="chat-tools">
        <button type="button" className="ghost small" aria-label={`Rename ${chat.title}`} onClick={() => setRenaming(true)}><Icon name="edit" size={15} /></button>
        <button type="button" className="ghost small" aria-label={`Delete ${chat.title}`} onClick={() => { if (confirm(`Delete “${chat.title}” from this browser?`)) { remove(chat.id); if (isCurrent) router.go('#/'); } }}><Icon name="trash" size={15} /></button>
      </span>
    </li>
  );
}

function join(generation: Snapshot): void {
  const turn = elsewhere({ id: newId(), parent: null, at: Date.now() }, generation.id, generation.model);
  const conversation = { id: newId(), title: generation.text.slice(0, 60).split('\n')[0] || generation.model, createdAt: turn.at, updatedAt: turn.at, settings: { ...plainSettings, model: generation.model }, turns: { [turn.id]: turn }, leaf: turn.id };
  conversations.add(conversation);
  router.go(`#/c/${conversation.id}`);
}

// Looked for when the page is opened, and whenever one comes back to it.
function useElsewhere(list: readonly Summary[] | undefined): readonly Snapshot[] {
  const [running, setRunning] = useState<readonly Snapshot[]>([]);
  const loaded = list !== undefined;
  useEffect(() => {
    if (!loaded) return;
    let left = false;
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      client.list({ status: 'running', limit: 20 }).then(found => { if (!left) setRunning(found); }, () => {});
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => { left = true; document.removeEventListener('visibilitychange', look); };
  }, [loaded]);
  const known = useObserved(conversations, () => conversations.generations);
  return running.filter(g => !known.has(g.id));
}

function byDay(list: readonly Summary[]): [string, Summary[]][] {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const groups = new Map<string, Summary[]>();
  for (const chat of list) {
    const day = chat.updatedAt >= midnight ? 'Today' : chat.updatedAt >= midnight - 86_400_000 ? 'Yesterday' : 'Earlier';
    groups.set(day, [...(groups.get(day) ?? []), chat]);
  }
  return [...groups];
}
