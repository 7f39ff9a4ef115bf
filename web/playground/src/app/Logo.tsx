/** A pipe with its gate, and a drop that came through. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg className="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="logo-ground" />
      <path d="M5.5 13.5h9a5.5 5.5 0 0 1 5.5 5.5v1" className="logo-pipe" />
      <path d="M10.5 10V5.5M7.5 5.5h6" className="logo-gate" />
      <path d="M20 23.8c1.6 2 2.4 3 2.4 4a2.4 2.4 0 0 1-4.8 0c0-1 .8-2 2.4-4z" className="logo-drop" />
    </svg>
  );
}
