/** How the text of a property becomes a value. */
export interface ValueType<T> {
  /** What is accepted, as it ends the sentence "expected …". */
  readonly accepts: string;
  /** The text is taken as it is, its blanks included, and the value is shown nowhere. */
  readonly secret?: true;
  /** `text` has no blanks around it; `cwd` is what relative paths are resolved against. */
  parse(text: string, cwd: string): Parsed<T>;
  /** The value for people, where it says more than the text that was given. */
  show?(value: T): string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `why` replaces "expected …" where more can be said. */
  | { readonly ok: false; readonly why?: string };

export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refuse(why?: string): Parsed<never> {
  return why === undefined ? { ok: false } : { ok: false, why };
}
