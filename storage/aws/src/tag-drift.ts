type Tags = Readonly<Record<string, string>>;

/** How the tags of a table or a bucket differ from those that are configured. Others are left alone. */
export interface TagStep {
  readonly action: 'add-tags' | 'change-tags';
  readonly description: string;
  readonly safe: boolean;
}

export function missingTags(found: Tags, wanted: Tags): Tags {
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => !Object.hasOwn(found, key)));
}

/** What is missing can be added. A tag of another value may be what bills and policies go by. */
export function tagDrift(found: Tags, wanted: Tags): TagStep[] {
  const missing = missingTags(found, wanted);
  const other = Object.keys(wanted).filter((key) => Object.hasOwn(found, key) && found[key] !== wanted[key]);
  const steps: TagStep[] = [];
  if (Object.keys(missing).length > 0) {
    const shown = Object.entries(missing).map(([key, value]) => `${key}=${value}`);
    steps.push({
      action: 'add-tags',
      description: `tags missing, would be added: ${shown.join(', ')}`,
      safe: true,
    });
  }
  for (const key of other) {
    const description = `tag ${key} is ${JSON.stringify(found[key])}, would be ${JSON.stringify(wanted[key])}`;
    steps.push({ action: 'change-tags', description, safe: false });
  }
  return steps;
}
