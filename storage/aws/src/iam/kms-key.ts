const ALIAS = /(?:^|:)(alias\/.+)$/;

/**
 * Whether AWS's answer `found`, mostly an ARN, may be the key that is configured as `wanted`: an ARN, an id, or an
 * alias. Which key an alias stands for only KMS knows, so with one any key of a customer will do.
 */
export function sameKey(found: string | undefined, wanted: string): boolean {
  if (found === undefined) return false;
  if (found === wanted) return true;
  const [foundAlias, wantedAlias] = [aliasOf(found), aliasOf(wanted)];
  if (wantedAlias !== undefined && foundAlias === undefined) return true;
  if (wantedAlias !== undefined) return foundAlias === wantedAlias && (!isArn(found) || !isArn(wanted));
  if (foundAlias !== undefined) return false;
  return isArn(found) !== isArn(wanted) && keyIdOf(found) === keyIdOf(wanted);
}

/** `alias/…`, where that is what the key is named by. */
export function aliasOf(key: string): string | undefined {
  return ALIAS.exec(key)?.[1];
}

function isArn(key: string): boolean {
  return key.startsWith('arn:');
}

function keyIdOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** The resource and condition that allow the use of a key in a policy, whichever way it is named. */
export function keyResource(
  key: string,
  place: { readonly partition: string; readonly region: string; readonly accountId: string },
): {
  readonly resource: string;
  readonly condition: Readonly<Record<string, Readonly<Record<string, string>>>>;
} {
  const { partition, region, accountId } = place;
  const keys = `arn:${partition}:kms:${region}:${accountId}:key/`;
  const alias = aliasOf(key);
  if (alias === undefined) return { resource: isArn(key) ? key : keys + key, condition: {} };
  // A policy cannot name an alias as its resource.
  const owner = isArn(key) ? `${key.slice(0, key.indexOf(':alias/'))}:key/*` : `${keys}*`;
  return { resource: owner, condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } } };
}
