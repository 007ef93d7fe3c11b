/** Where a value came from, lowest precedence first. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'argument' };

/** For people: `default`, `/etc/floecat.properties:7`, `environment variable FLOECAT_KV`, `argument -D`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}`;
    case 'environment':
      return `environment variable ${origin.variable}`;
    case 'argument':
      return 'argument -D';
  }
}
