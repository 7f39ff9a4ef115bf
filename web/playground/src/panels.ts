import type { ComponentType } from 'react';
import type { Answer, Conversation } from './conversations/model';
import type { IconName } from './app/Icon';

/** What a panel is shown beside: the answer that was chosen, or the last one. */
export interface PanelProps {
  conversation: Conversation;
  answer: Answer;
  /** Its id on the server. */
  generation: string;
}

/**
 * An instrument beside the chat: `#/c/<conversation>?panel=<id>&turn=<answer>`. Each is a folder under src/instruments/ with a
 * component as its default export, and is loaded when it is opened first.
 */
export interface Panel {
  id: string;
  title: string;
  icon: IconName;
  /** Shown to a guest, too: it reads the events alone. */
  reads?: true;
  load: () => Promise<{ default: ComponentType<PanelProps> }>;
}

export const panels: readonly Panel[] = [
  { id: 'prove', title: 'Prove it', icon: 'shield', reads: true, load: () => import('./instruments/prove/Prove') },
  { id: 'inspect', title: 'Inspector', icon: 'pulse', reads: true, load: () => import('./instruments/inspector/Inspector') },
  { id: 'lens', title: 'Protocol lens', icon: 'lens', reads: true, load: () => import('./instruments/lens/Lens') },
  { id: 'copy', title: 'Copy as code', icon: 'code', load: () => import('./instruments/copy/CopyAs') },
  { id: 'share', title: 'Share', icon: 'link', load: () => import('./shared/Share') },
];

/** A page of its own beside the chat: `#/<id>`. */
export interface View {
  id: string;
  title: string;
  icon: IconName;
  load: () => Promise<{ default: ComponentType }>;
}

export const views: readonly View[] = [
  { id: 'compare', title: 'Compare models', icon: 'columns', load: () => import('./instruments/compare/Compare') },
  { id: 'live', title: 'Live', icon: 'pulse', load: () => import('./instruments/live/Live') },
];
