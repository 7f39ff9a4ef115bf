import type { AppendMessage, ExternalStoreAdapter, ThreadMessageLike } from '@assistant-ui/react';
import type { ChatMessage, UseChat } from '../react/index.js';

/** What `useExternalStoreRuntime` of assistant-ui takes, from `useChat` of `penstock/react`. */
export function toExternalStore(chat: UseChat): ExternalStoreAdapter<ChatMessage> {
  return {
    messages: chat.messages.filter(m => m.role !== 'tool'),
    isRunning: chat.status === 'connecting' || chat.status === 'streaming' || chat.status === 'reconnecting',
    convertMessage: toThreadMessage,
    onNew: async message => chat.send({ role: 'user', content: contentOf(message) }),
    // An edit takes the place of what stood behind its parent.
    onEdit: async message => {
      chat.setMessages(chat.messages.slice(0, chat.messages.findIndex(m => m.id === message.parentId) + 1));
      chat.send({ role: 'user', content: contentOf(message) });
    },
    onReload: async () => chat.retry(),
    onCancel: () => chat.stop(),
  };
}

function toThreadMessage(message: ChatMessage): ThreadMessageLike {
  const { id, role, content, reasoning, toolCalls = [], status } = message;
  if (role === 'tool') throw new Error('An answer of a tool is no message of its own.');
  const parts = [
    ...(reasoning ? [{ type: 'reasoning' as const, text: reasoning }] : []),
    ...(typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content.flatMap(toPart)),
    ...toolCalls.map(call => ({ type: 'tool-call' as const, toolCallId: call.id, toolName: call.name, argsText: call.arguments })),
  ];
  return role === 'assistant' ? { id, role, content: parts, status: statusOf(status) } : { id, role, content: parts };
}

function statusOf(status: ChatMessage['status']): NonNullable<ThreadMessageLike['status']> {
  switch (status) {
    case 'streaming': return { type: 'running' };
    case 'stopped': return { type: 'incomplete', reason: 'cancelled' };
    case 'error': return { type: 'incomplete', reason: 'error' };
    default: return { type: 'complete', reason: 'stop' };
  }
}

// The parts of a Chat Completions message.
function toPart(part: object): ({ type: 'text'; text: string } | { type: 'image'; image: string })[] {
  const { text, image_url: image } = part as { text?: string; image_url?: { url: string } };
  return text !== undefined ? [{ type: 'text', text }] : image ? [{ type: 'image', image: image.url }] : [];
}

function contentOf(message: AppendMessage): ChatMessage['content'] {
  const parts = [...message.content, ...(message.attachments ?? []).flatMap(a => a.content ?? [])].flatMap((part): object[] =>
    part.type === 'text' ? [{ type: 'text', text: part.text }] : part.type === 'image' ? [{ type: 'image_url', image_url: { url: part.image } }] : []);
  return parts.every(part => 'text' in part) ? parts.map(part => (part as { text: string }).text).join('') : parts;
}
