export interface PitfallRow {
  /** Its tests have it in their names, `[P7]`. */
  readonly number: number;
  readonly pitfall: string;
  /** What of it cannot occur here, and why. Without any, there must be a test. */
  readonly cannotOccur?: string;
}

const SAME_SUITE = 'the contract suite holds memory, local and DynamoDB to the same outcomes, case by case';

/** What went wrong in the system that this one follows, of pointers, blobs and secrets, by its number in that list. */
export const PITFALL_ROWS: readonly PitfallRow[] = [
  { number: 1, pitfall: 'time to live never fires: another attribute, written as text' },
  { number: 2, pitfall: 'expired entries are live' },
  { number: 3, pitfall: 'a deleted and made-again key is taken for the old one' },
  { number: 4, pitfall: 'a won compare-and-set is reported as lost after a retry' },
  {
    number: 5,
    pitfall: 'conflicts of transactions and throttles are taken for stale versions, or for errors',
  },
  { number: 6, pitfall: 'limits are found out by the service' },
  {
    number: 7,
    pitfall: 'eventually consistent listings, counts and looks for emptiness',
    cannotOccur:
      'a row written while deleteByPrefix runs is one that its caller did not list, as the contract says',
  },
  { number: 8, pitfall: 'retries without end, and a batch size that fails every batch' },
  { number: 9, pitfall: 'deleteByPrefix kills what changed after it was listed' },
  {
    number: 10,
    pitfall: 'page tokens that are bound to nothing',
    cannotOccur:
      'a token has no separators to split at: lengths are fixed, and its position is what the caller listed',
  },
  {
    number: 11,
    pitfall: 'an attribute of the caller overwrites the state; a bad version reads as 0',
    cannotOccur: 'a pointer has one value and no attributes of the caller',
  },
  {
    number: 12,
    pitfall: 'prefixes that list nothing, or of another account',
    cannotOccur: 'what is written holds no key, so it cannot differ from the one that is compared',
  },
  { number: 13, pitfall: 'one partition for each account, and one for all accounts' },
  { number: 14, pitfall: 'a delete does not tell absent from raced' },
  { number: 15, pitfall: 'production code drops the table' },
  { number: 16, pitfall: 'a count reads all rows whole' },
  { number: 17, pitfall: 'an unknown kind is read as another, and its row deleted' },
  { number: 18, pitfall: 'the table is never verified, and races of its making are swallowed' },
  {
    number: 19,
    pitfall: 'calls without a timeout, and blocking ones',
    cannotOccur: 'every call is a promise, and nothing waits for one by blocking',
  },
  { number: 20, pitfall: 'the store in memory has other laws', cannotOccur: SAME_SUITE },
  { number: 21, pitfall: 'any 404 means missing: a wrong bucket, a delete marker' },
  { number: 22, pitfall: 'deletePrefix of nothing, or of a slash, empties the bucket' },
  { number: 23, pitfall: 'errors by key are ignored, versions left, siblings taken' },
  { number: 24, pitfall: 'no integrity: a digest that is never checked, encryption that is only documented' },
  { number: 25, pitfall: 'a put asks first, and fails without the right to list' },
  {
    number: 26,
    pitfall: 'a bad date in the metadata stops a pass; lengths are clamped',
    cannotOccur: 'no range is ever read and a blob is held whole, which 64 MiB bound',
  },
  {
    number: 27,
    pitfall: 'throttles and expired tokens are fatal, missing credentials retried, causes dropped',
  },
  { number: 28, pitfall: 'a listing tells only keys, so that each costs a request more' },
  { number: 29, pitfall: 'a put after a delete fails for days, and a get throws' },
  { number: 30, pitfall: 'a value is written before its tags' },
  {
    number: 31,
    pitfall: 'text is decoded by guess; sizes unchecked',
    cannotOccur:
      'an empty secret is refused by every store, as the contract says, since Secrets Manager has none',
  },
  {
    number: 32,
    pitfall: 'clients without bound, session names that collide, half a key is another identity',
    cannotOccur: 'nothing is cached but clients, so that no value outlives its change',
  },
];
