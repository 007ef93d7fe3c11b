import type { OwnerRef } from '@floecat/repository';

/** Where the root with this digest lies. */
export function rootUriIn(owner: OwnerRef, digest: string): string {
  return `${owner.blobPrefix}${digest}.pb`;
}
