import { useEffect, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import { Icon } from '../app/Icon';
import { readImages } from './images';
import { useShortcut } from '../app/shortcuts';
import { useAutosize } from './useAutosize';

/** Enter ends a word of an input method, and does not send. Safari says so only by the key's number. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}

interface Props {
  /** Tells the drafts of conversations apart. */
  name: string;
  isRunning: boolean;
  onSend: (text: string, images: string[]) => void;
  onStop: () => void;
  onEditLast: () => void;
}

export function Composer({ name, isRunning, onSend, onStop, onEditLast }: Props) {
  const [text, setText] = useDraft(name);
  const [images, setImages] = useState<string[]>([]);
  const [trouble, setTrouble] = useState('');
  const [dragged, setDragged] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => { if (matchMedia('(hover: hover)').matches) field.current!.focus(); }, [name]);
  useAutosize(field, text);
  useShortcut('/', () => field.current!.focus());
  useShortcut('Esc', onStop, isRunning);

  const add = (files: Iterable<File>) => {
    setTrouble('');
    readImages(files).then(more => setImages(now => [...now, ...more]), (error: Error) => setTrouble(error.message));
  };
  const send = () => {
    if (isRunning || (text.trim() === '' && images.length === 0)) return;
    try {
      onSend(text, images);
    } catch (error) {
      return setTrouble((error as Error).message);
    }
    setTrouble('');
    setText('');
    setImages([]);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setDragged(false);
    add(event.dataTransfer.files);
  };
  const key = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && text === '' && !isRunning) {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <form className={dragged ? 'composer dragged' : 'composer'} aria-label="Ask" onSubmit={event => { event.preventDefault(); send(); }}
      onDragOver={event => { event.preventDefault(); setDragged(true); }} onDragLeave={() => setDragged(false)} onDrop={drop}>
      {trouble && <p className="composer-trouble" role="alert">{trouble}</p>}
      {images.length > 0 && (
        <ul className="attachments">
          {images.map((url, i) => (
            <li key={i}>
              <img src={url} alt={`Picture ${i + 1} to send`} />
              <button type="button" aria-label={`Take picture ${i + 1} away`} onClick={() => setImages(images.filter((_, at) => at !== i))}><Icon name="close" size={12} /></button>
            </li>
          ))}
        </ul>
      )}
      <div className="composer-row">
        <button type="button" className="ghost round" aria-label="Add pictures" title="Add pictures; paste and drop work, too" onClick={() => picker.current!.click()}><Icon name="image" /></button>
        <input ref={picker} type="file" accept="image/*" multiple hidden onChange={event => { add([...event.target.files ?? []]); event.target.value = ''; }} />
        <textarea ref={field} id="question" rows={1} value={text} aria-label="Your question" placeholder={dragged ? 'Drop pictures here' : 'Ask anything'} enterKeyHint="send"
          onChange={event => setText(event.target.value)} onKeyDown={key}
          onPaste={event => { const files = [...event.clipboardData.files]; if (files.length > 0) { event.preventDefault(); add(files); } }} />
        {isRunning
          ? <button key="stop" type="button" className="round stop" aria-label="Stop" title="Stop (Esc)" onClick={onStop}><Icon name="stop" /></button>
          : <button key="send" type="submit" className="round primary" aria-label="Send" title="Send (Enter)" disabled={text.trim() === '' && images.length === 0}><Icon name="send" /></button>}
      </div>
    </form>
  );
}

// What was half written survives a reload, and a look into another chat.
function useDraft(name: string): [string, (text: string) => void] {
  const place = `penstock:draft:${name}`;
  const read = () => { try { return sessionStorage.getItem(place) ?? ''; } catch { return ''; } };
  const [draft, setDraft] = useState({ place, text: read() });
  if (draft.place !== place) setDraft({ place, text: read() });
  return [draft.place === place ? draft.text : read(), text => {
    setDraft({ place, text });
    try {
      if (text) sessionStorage.setItem(place, text);
      else sessionStorage.removeItem(place);
    } catch {
      // It lasts as long as the page.
    }
  }];
}
