/** A pipe with its gate, and a drop that came through. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg className="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="logo-ground" />
      <path d="M6 10h8.500a5.500 5.500 0 0 1 5.500 5.500V26" className="logo-pipe" />
      <path d="M20 5.500v7" className="logo-gate" />
      <circle cx="26" cy="24" r="2.400" className="logo-drop" />
    </svg>
  );
}
