// Runs the script of a sample page with a browser's EventSource as npm has it: node page.mjs FILE SERVER. Prints what the page shows as JSON.
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { EventSource } from 'eventsource';

const [file, server] = process.argv.slice(2);
const [, script] = /<script>(.*)<\/script>/s.exec(readFileSync(file, 'utf8'));
const element = () => ({ textContent: '', append(text) { this.textContent += text; } });
const page = { answer: element(), state: element() };
runInNewContext(script, { ...page, EventSource, URLSearchParams, location: { search: `?server=${server}` } });
process.on('exit', () => console.log(JSON.stringify({ answer: page.answer.textContent, state: page.state.textContent }))); // once the source is closed
