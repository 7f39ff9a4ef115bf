import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

for (const [name, language] of Object.entries({ bash, c, cpp, csharp, css, diff, go, java, javascript, json, kotlin, markdown, python, ruby, rust, sql, typescript, xml, yaml })) {
  hljs.registerLanguage(name, language);
}
hljs.registerAliases(['shell', 'console', 'zsh', 'sh'], { languageName: 'bash' });

// So much is done within a frame.
const most = 30_000;

export type Piece = string | { scope: string; children: Piece[] };

/** The text in pieces that are named; undefined where the language is not known. */
export function highlight(text: string, language: string): readonly Piece[] | undefined {
  if (text.length > most || !hljs.getLanguage(language)) return undefined;
  // The tree, not the markup that it makes of it.
  const { rootNode } = hljs.highlight(text, { language, ignoreIllegals: true })._emitter as unknown as { rootNode: { children: Piece[] } };
  return rootNode.children;
}
