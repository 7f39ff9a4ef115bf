import { expect, test } from 'vitest';
import { SseReader } from '../src/sse.js';

const stream = ': hi\r\nevent: a\rdata: one\ndata:two\n\nid: 7\ndata: é😀\r\n\r\nretry: 40\n\ndata\n\nevent: x\n\ndata: cut';
const frames = [{ event: 'a', data: 'one\ntwo', id: '' }, { event: 'message', data: 'é😀', id: '7' }, { event: 'message', data: '', id: '' }];

test('pieces of any size give the same frames, and one that was cut gives none', () => {
  const bytes = new TextEncoder().encode(stream);
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new SseReader();
    const got = [];
    for (let start = 0; start < bytes.length; start += size) got.push(...reader.push(bytes.subarray(start, start + size)));
    expect(got, `pieces of ${size}`).toEqual(frames);
    expect(reader.retry).toBe(40);
    expect(reader.lastId).toBe('7');
  }
});

test('a line of megabytes takes linear time', () => {
  const reader = new SseReader();
  const piece = new Uint8Array(16 * 1024).fill(97);
  const before = performance.now();
  reader.push(new TextEncoder().encode('data: '));
  for (let n = 0; n < 1024; n++) reader.push(piece);
  expect(reader.push(new TextEncoder().encode('\n\n'))[0]!.data.length).toBe(16 * 1024 * 1024);
  expect(performance.now() - before).toBeLessThan(3000);
});
