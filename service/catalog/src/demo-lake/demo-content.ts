import { catsStory } from './cats-story.ts';
import { checkupsStory } from './checkups-story.ts';
import type { TableStory } from './table-story.ts';
import { visitsStory } from './visits-story.ts';

/** The demonstration lake: a cat café with two branches, and the clinic that looks after its cats. */
export const demoStories: readonly TableStory[] = [catsStory, visitsStory, checkupsStory];
