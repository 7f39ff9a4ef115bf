// Drawn for a 20 by 20 grid, in strokes.
const paths = {
  plus: 'M10 4v12M4 10h12',
  search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4m4 9 3.5 3.5',
  menu: 'M3 5h14M3 10h14M3 15h14',
  panel: 'M3 4h14v12H3zM8 4v12',
  send: 'M10 16V4M5 9l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  check: 'm4 10.5 4 4 8-9',
  again: 'M16 10a6 6 0 1 1-2-4.5M16 3v3.5h-3.5',
  edit: 'm4 16 .8-3.4L13 4.4l2.6 2.6-8.2 8.2zM11.5 6l2.6 2.6',
  left: 'm12 5-5 5 5 5',
  right: 'm8 5 5 5-5 5',
  down: 'm5 8 5 5 5-5',
  end: 'M10 4v11m-5-5 5 5 5-5',
  close: 'm5 5 10 10M15 5 5 15',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6',
  image: 'M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 4M12.5 8h.01',
  sliders: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5m0 13V18M2 10h1.5m13 0H18M4.3 4.3l1.1 1.1m9.2 9.2 1.1 1.1m0-11.4-1.1 1.1m-9.2 9.2-1.1 1.1',
  contrast: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 3v14M13 4.5v11M16 8v4',
  moon: 'M16 11.5A6.5 6.5 0 1 1 8.5 4a5.2 5.2 0 0 0 7.5 7.5z',
  help: 'M7.5 7.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7M10 14.5h.01M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15',
  key: 'M8 12a4 4 0 1 1 3.4-1.9L17 15.5V17h-2.5v-2h-2v-2L11 11.6',
  book: 'M4 4.5A1.5 1.5 0 0 1 5.5 3H16v12H5.5A1.5 1.5 0 0 0 4 16.5zm0 12A1.5 1.5 0 0 0 5.5 18H16',
  device: 'M7 2.5h6a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1m2.5 12.5h1',
  tool: 'M12.5 3.5a4 4 0 0 0-4.7 5.3L3 13.6 6.4 17l4.8-4.8a4 4 0 0 0 5.3-4.7L14 10l-2.5-.5L11 7z',
  thought: 'M10 3c4 0 7 2.4 7 5.5S14 14 10 14c-.8 0-1.5-.1-2.2-.3L4 16l.9-3.6C3.7 11.4 3 10 3 8.5 3 5.4 6 3 10 3',
  pulse: 'M2 10h4l2-5 4 10 2-5h4',
  shield: 'M10 2.5 16 5v4.5c0 4-2.5 6.5-6 8-3.5-1.5-6-4-6-8V5zM7.5 10l2 2 3.5-4',
  lens: 'M3 5h6M3 10h6M3 15h6M12 5h5M12 10h5M12 15h5',
  columns: 'M3 4h6v12H3zM11 4h6v12h-6z',
  share: 'M10 12V3M6.5 6 10 2.5 13.5 6M4 10v6.5h12V10',
  link: 'M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1',
  bolt: 'M11 2.5 4.5 11H10l-1 6.5L15.5 9H10z',
  code: 'm7 6-4 4 4 4m6-8 4 4-4 4',
};

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" width={size} height={size} fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
