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
  load: () => Promise<{ default: ComponentType<PanelProps> }>;
}

export const panels: readonly Panel[] = [
  { id: 'prove', title: 'Prove it', icon: 'shield', load: () => import('./instruments/prove/Prove') },
];

/** A page of its own beside the chat: `#/<id>`. */
export interface View {
  id: string;
  title: string;
  icon: IconName;
  load: () => Promise<{ default: ComponentType }>;
}

export const views: readonly View[] = [];
