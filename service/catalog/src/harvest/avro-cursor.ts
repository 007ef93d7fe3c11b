/** Bytes that are not the Avro they claim to be. The container turns it into `STORAGE_CORRUPTION`. */
export class AvroDamage extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads Avro's binary encoding. Never past the end, and never more than is there: damage throws {@link AvroDamage}. */
export class AvroCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new AvroDamage('it ends in the middle of a value');
    return byte;
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new AvroDamage(`a boolean is ${byte}`);
    return byte === 1;
  }

  int(): number {
    const value = this.#varint();
    if (typeof value === 'bigint' || (value | 0) !== value)
      throw new AvroDamage(`${value} is no 32-bit integer`);
    return value;
  }

  long(): bigint {
    return BigInt(this.#varint());
  }

  /** A count or length that is about to be read: not negative and safe. */
  size(): number {
    const value = this.#varint();
    if (typeof value === 'bigint' || value < 0) throw new AvroDamage(`a length is ${value}`);
    return value;
  }

  /** Count of a block of an array or map; 0 ends it. A negative count is followed by the block's bytes. */
  blockCount(): number {
    const count = this.#varint();
    if (typeof count === 'bigint') throw new AvroDamage(`a block has ${count} items`);
    if (count < 0) this.size();
    return Math.abs(count);
  }

  float(): number {
    return this.#view.getFloat32(this.#skip(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  /** A view, not a copy. */
  fixed(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  bytes(): Uint8Array {
    return this.fixed(this.size());
  }

  string(): string {
    return utf8.decode(this.bytes());
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length > this.remaining)
      throw new AvroDamage(`${length} bytes are announced, ${this.remaining} are left`);
    this.#at += length;
    return start;
  }

  /** A zigzag integer: a number where it is safe, else a bigint. */
  #varint(): number | bigint {
    let low = 0;
    let scale = 1;
    // Seven bytes of seven bits stay below 2^53.
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
      scale *= 128;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return unzigzag(value);
    }
    throw new AvroDamage('an integer is longer than ten bytes');
  }
}

function unzigzag(value: bigint): bigint {
  if (value >= 2n ** 64n) throw new AvroDamage('an integer has more than 64 bits');
  return value % 2n === 0n ? value / 2n : -(value + 1n) / 2n;
}
