import type { Trouble } from '../conversations/model';

/** What to do next, by the stable word of an error (docs/http.md). */
export function adviceFor({ code, message, status, retryable }: Trouble): string {
  if (/try again/i.test(message)) return '';
  return advice[code] ?? (status === 429 ? 'Wait a moment, then try again.' : retryable ? 'Try again.' : 'Change the question or its settings, or take another model.');
}

const advice: Readonly<Record<string, string>> = {
  network: 'See that the server runs and that you are on the network, then try again.',
  invalid_api_key: 'Give the key that the server’s operator made for you.',
  model_not_allowed: 'Your key is not for this model: take another one.',
  endpoint_not_allowed: 'Your key is not for chats: ask the server’s operator for one that is.',
  model_not_found: 'Choose a model from the list.',
  provider_unauthorized: 'The server’s key for this provider is wrong: its operator can mend it. Or take another model.',
  provider_unreachable: 'The provider cannot be reached from the server. Try again, or take another model.',
  insufficient_quota: 'The account at the provider is used up: fill it, or take another model.',
  rate_limited: 'The provider asks for a pause. Wait a moment, then try again.',
  context_length_exceeded: 'The conversation is too long for this model: begin a new chat, or branch off further up.',
  content_filtered: 'The provider refused this question: ask it in other words.',
  request_too_large: 'Send less: smaller pictures, or a shorter conversation.',
  interrupted: 'The server went down in mid-answer. What came is kept; ask again for the rest.',
  generation_not_found: 'The server keeps answers for a time only, and this one is gone. Ask again.',
  stream_gone: 'The server keeps answers for a time only, and this one is gone. Ask again.',
};
