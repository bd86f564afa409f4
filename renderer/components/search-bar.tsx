/** Search in the terminal in front: as you type, with counts, forth with Enter and back with Shift+Enter. */
import type { ISearchOptions } from '@xterm/addon-search';
import { CaseSensitive, ChevronDown, ChevronUp, Regex, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { focusTerminal } from '../state/actions.ts';
import { app, useApp } from '../state/store.ts';
import { SEARCH_COLORS } from '../terminal/themes.ts';
import { IconButton } from './icon-button.tsx';
import { useActiveTerminal } from './use-terminal.ts';

export function SearchBar() {
  const terminal = useActiveTerminal();
  const field = useRef<HTMLInputElement>(null);
  const [term, setTerm] = useState('');
  const [caseSensitive, setCaseSensitive] = useState(false);
  const [regex, setRegex] = useState(false);
  const [found, setFound] = useState<{ resultIndex: number; resultCount: number } | null>(null);
  const decorations = SEARCH_COLORS[useApp((state) => state.scheme)];
  const options: ISearchOptions = { caseSensitive, regex, decorations };

  useEffect(() => {
    field.current?.focus();
    if (!terminal) return;
    const selected = terminal.terminal.getSelection();
    if (selected && !selected.includes('\n')) setTerm(selected);
    const listener = terminal.search.onDidChangeResults(setFound);
    return () => {
      listener.dispose();
      terminal.search.clearDecorations();
    };
  }, [terminal]);

  useEffect(() => {
    if (term === '' || !isValid(term, regex)) {
      terminal?.search.clearDecorations();
      setFound(null);
    } else terminal?.search.findPrevious(term, { caseSensitive, regex, decorations });
  }, [terminal, term, caseSensitive, regex, decorations]);

  const close = () => {
    app.set({ isSearching: false });
    focusTerminal();
  };
  const next = () => term && terminal?.search.findNext(term, options);
  const previous = () => term && terminal?.search.findPrevious(term, options);
  return (
    <search className="search-bar">
      <input
        ref={field}
        className="field"
        aria-label="Search in terminal"
        placeholder="Search"
        value={term}
        spellCheck={false}
        onChange={(event) => setTerm(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') close();
          else if (event.key === 'Enter' && event.shiftKey) next();
          else if (event.key === 'Enter') previous();
          else return;
          event.preventDefault();
        }}
      />
      <span className="search-count" role="status">
        {countText(term, regex, found)}
      </span>
      <IconButton label="Match case" aria-pressed={caseSensitive} onClick={() => setCaseSensitive(!caseSensitive)}>
        <CaseSensitive size={16} />
      </IconButton>
      <IconButton label="Regular expression" aria-pressed={regex} onClick={() => setRegex(!regex)}>
        <Regex size={14} />
      </IconButton>
      <IconButton label="Previous match, further up (Enter)" onClick={previous}>
        <ChevronUp size={15} />
      </IconButton>
      <IconButton label="Next match, further down (Shift+Enter)" onClick={next}>
        <ChevronDown size={15} />
      </IconButton>
      <IconButton label="Close search (Escape)" onClick={close}>
        <X size={15} />
      </IconButton>
    </search>
  );
}

function countText(term: string, regex: boolean, found: { resultIndex: number; resultCount: number } | null): string {
  if (term === '') return '';
  if (!isValid(term, regex)) return 'not a pattern';
  if (!found || found.resultCount === 0) return 'nothing found';
  return found.resultIndex === -1 ? `${found.resultCount}+` : `${found.resultIndex + 1} of ${found.resultCount}`;
}

function isValid(term: string, regex: boolean): boolean {
  if (!regex) return true;
  try {
    new RegExp(term);
    return true;
  } catch {
    return false; // half typed
  }
}
