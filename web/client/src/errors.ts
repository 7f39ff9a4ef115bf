import type { WireError } from './events.js';

// Statuses that a retry can mend, but for the codes below.
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const lasting: ReadonlySet<string> = new Set(['insufficient_quota', 'provider_unauthorized']);

/** Whatever went wrong, in the server's words where it said any. */
export class PenstockError extends Error {
  override readonly name = 'PenstockError';
  /** A stable word: docs/http.md lists them; `network` when the server was not reached. */
  readonly code: string;
  /** The HTTP status, or the one that the failure would have had; 0 when the server was not reached. */
  readonly status: number;
  /** Whether the same request may do better later. */
  readonly retryable: boolean;
  /** In how many milliseconds, where the server said so. */
  readonly retryAfter: number | undefined;
  /** The field of the request at fault, where that is known. */
  readonly param: string | undefined;

  constructor(error: WireError, options?: ErrorOptions) {
    super(error.message, options);
    this.code = error.code ?? 'invalid_request';
    this.status = error.status ?? 0;
    this.retryable = (this.status === 0 || passing.has(this.status)) && !lasting.has(this.code);
    this.retryAfter = error.retryAfterMs;
    this.param = error.param ?? undefined;
  }
}

/** The error that a reply other than 2xx is. */
export async function errorOf(response: Response): Promise<PenstockError> {
  let said: Partial<WireError> | undefined;
  try {
    said = ((await response.json()) as { error?: WireError }).error;
  } catch {
    // A proxy's page, or nothing.
  }
  const after = Number(response.headers.get('Retry-After') ?? NaN);
  return new PenstockError({
    code: said?.code ?? `http_${response.status}`,
    message: said?.message ?? `The server answered ${response.status}.`,
    status: response.status,
    param: said?.param ?? null,
    ...(after >= 0 ? { retryAfterMs: after * 1000 } : {}),
  });
}

/** The error that a broken connection is. */
export function networkError(cause: unknown): PenstockError {
  return cause instanceof PenstockError ? cause : new PenstockError({ code: 'network', message: 'The server was not reached, or the connection was cut.' }, { cause });
}
