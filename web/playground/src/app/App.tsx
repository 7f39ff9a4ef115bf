import { useEffect, useMemo, useState } from 'react';
import { Chat } from '../chat/Chat';
import { ModelPicker } from '../chat/ModelPicker';
import { Parameters } from '../chat/Parameters';
import { elsewhere, readLink } from '../conversations/link';
import { newId, plainSettings, type Conversation, type Settings } from '../conversations/model';
import { conversations } from '../conversations/store';
import { useModels } from '../models';
import { useObserved } from '../observable';
import { panels, views } from '../panels';
import { preferences, usePreferences } from '../preferences';
import { DeviceLink } from './DeviceLink';
import { Help } from './Help';
import { Icon } from './Icon';
import { KeyForm } from './KeyForm';
import { Boundary, Lazy } from './Lazy';
import { PanelAside, PanelButtons } from './PanelAside';
import { router, usePlace } from './router';
import { nextTheme, Sidebar } from './Sidebar';
import { useShortcut } from './shortcuts';

const isNarrow = () => matchMedia('(max-width: 760px)').matches;

export function App() {
  const place = usePlace();
  const { sidebar } = usePreferences();
  // On a phone the list lies over the page, and goes when it has served.
  const [drawer, setDrawer] = useState(false);
  const [help, setHelp] = useState(false);
  const view = views.find(v => v.id === place.view);
  useShortcut('?', () => setHelp(true));
  useShortcut('Alt+N', () => router.go('#/'));
  useShortcut('Alt+T', nextTheme);
  const toggle = () => (isNarrow() ? setDrawer(!drawer) : preferences.set({ sidebar: !sidebar }));
  useShortcut('Alt+S', toggle);
  useShortcut('Esc', () => setDrawer(false), drawer);

  return (
    <div className={`app${sidebar ? '' : ' no-sidebar'}${drawer ? ' drawer' : ''}`}>
      {!view && <a className="skip" href="#question" onClick={event => { event.preventDefault(); document.getElementById('question')?.focus(); }}>To the question</a>}
      <Sidebar onHelp={() => setHelp(true)} onGo={() => setDrawer(false)} />
      {drawer && <div className="veil" onClick={() => setDrawer(false)} />}
      {view ? <ViewPage id={view.id} title={view.title} onMenu={toggle}><Boundary><Lazy id={view.id} load={view.load} props={{}} /></Boundary></ViewPage> : <ChatPage onMenu={toggle} />}
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function MenuButton({ onMenu }: { onMenu: () => void }) {
  return <button type="button" className="ghost round" aria-label="List of chats" title="List of chats (Alt+S)" onClick={onMenu}><Icon name="panel" /></button>;
}

function ViewPage({ title, onMenu, children }: { id: string; title: string; onMenu: () => void; children: React.ReactNode }) {
  const { error } = useModels();
  return (
    <main className="page">
      <header className="top"><MenuButton onMenu={onMenu} /><h1>{title}</h1></header>
      {error && <Trouble status={error.status} message={error.message} />}
      <div className="view">{children}</div>
    </main>
  );
}

function ChatPage({ onMenu }: { onMenu: () => void }) {
  const place = usePlace();
  const { list, error } = useModels();
  const conversation = useObserved(conversations, () => (place.view === 'c' ? conversations.get(place.id) : undefined));
  const [draft, setDraft] = useDraftSettings(list?.[0]?.id);
  const full = useObserved(conversations, () => conversations.trouble);
  const [parameters, setParameters] = useState(false);
  useJoin();
  useShortcut('Alt+P', () => setParameters(!parameters));
  useEffect(() => { document.title = conversation?.title && conversation.title !== 'New chat' ? `${conversation.title} · Penstock` : 'Penstock'; }, [conversation?.title]);

  const settings = conversation?.settings ?? draft;
  const change = (next: Settings) => {
    if (conversation) conversations.change(conversation.id, c => ({ ...c, settings: next }));
    else setDraft(next);
  };
  const pick = (model: string) => {
    preferences.set({ model });
    change({ ...settings, model });
  };
  const isThere = place.view !== 'c' || conversation;
  const panel = conversation ? panels.find(p => p.id === place.query.get('panel')) : undefined;

  return (
    <main className="page">
      <header className="top">
        <MenuButton onMenu={onMenu} />
        <ModelPicker model={settings.model} onPick={pick} />
        <span className="spacer" />
        {conversation && <PanelButtons panels={panels} open={panel?.id} />}
        {conversation && conversation.leaf !== null && <DeviceLink conversation={conversation} />}
        <button type="button" className="ghost round" aria-label="System prompt and parameters" title="System prompt and parameters (Alt+P)" aria-pressed={parameters} onClick={() => setParameters(!parameters)}><Icon name="sliders" /></button>
      </header>
      {full && <div className="banner" role="alert"><p><strong>This browser stores no more.</strong> What you see stays until the page is closed. Delete chats with pictures, and it goes on.</p></div>}
      {error && <Trouble status={error.status} message={error.message} />}
      <div className="beside">
        {isThere ? <Boundary key={conversation?.id ?? 'new'}><Chat key={conversation?.id ?? 'new'} conversation={conversation ?? undefined} settings={settings} reasoner={list?.find(m => /reason/.test(m.id))?.id} /></Boundary>
          : <div className="chat absent">{conversation === null && <><p>There is no such chat in this browser.</p><p><a href="#/">Begin a new one</a></p></>}</div>}
        {parameters && <aside className="side"><Parameters settings={settings} onChange={change} onClose={() => setParameters(false)} /></aside>}
        {panel && <PanelAside conversation={conversation!} id={panel.id} turn={place.query.get('turn')} />}
      </div>
    </main>
  );
}

function Trouble({ status, message }: { status: number; message: string }) {
  return (
    <div className={status === 401 ? 'banner ask' : 'banner'} role="alert">
      {status === 401 ? <><p><strong>This server asks for a key.</strong></p><KeyForm /></> : <p><strong>The server does not answer.</strong> {message} What you have here stays; it is tried again when the network is back. <a href="" onClick={event => { event.preventDefault(); location.reload(); }}>Now</a></p>}
    </div>
  );
}

function useDraftSettings(first: string | undefined): [Settings, (settings: Settings) => void] {
  const { model } = usePreferences();
  const [draft, setDraft] = useState<Settings>();
  const usual = useMemo(() => ({ ...plainSettings, model: model || first || '' }), [model, first]);
  return [draft ?? usual, setDraft];
}

/** `#/join/…`: a chat from another device. `#/g/…`: an answer that somebody has asked for. */
function useJoin(): void {
  const { view, id } = usePlace();
  useEffect(() => {
    if (view === 'join') {
      readLink(id).then(async conversation => {
        if (!await conversations.read(conversation.id)) conversations.add(conversation);
        router.go(`#/c/${conversation.id}`, { replace: true });
      }, () => { alert('This address carries no chat.'); router.go('#/', { replace: true }); });
    } else if (view === 'g') {
      const turn = elsewhere({ id: newId(), parent: null, at: Date.now() }, id);
      const conversation: Conversation = { id: `g-${id}`, title: 'An answer', createdAt: turn.at, updatedAt: turn.at, settings: plainSettings, turns: { [turn.id]: turn }, leaf: turn.id };
      void conversations.read(conversation.id).then(known => {
        if (!known) conversations.add(conversation);
        router.go(`#/c/${conversation.id}`, { replace: true });
      });
    }
  }, [view, id]);
}
