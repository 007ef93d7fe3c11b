import type { Schema } from './property.ts';
import { environmentVariable } from './property-names.ts';

const WIDTH = 110;

/** `application.properties` with every property at its default. Reading it back changes nothing. */
export function renderProperties(schema: Schema): string {
  const lines = [
    '# Every property of Floecat Storage that a file can set, at its default. Generated from service/config.',
    '# Copy what you want to change into an application.properties in the directory that the service starts in, or',
    '# into a file that -D floecat.config=<file> or FLOECAT_CONFIG names.',
  ];
  for (const { title, properties } of Object.values(schema)) {
    const settable = Object.values(properties).filter((property) => !property.notInFile);
    if (settable.length > 0) lines.push('', `## ${title}`);
    for (const { name, type, default: value, doc } of settable) {
      const fixed = typeof value === 'string';
      const missing = value === undefined ? 'not set' : fixed ? undefined : value.description;
      const facts = [
        `Accepts ${type.accepts}.`,
        ...(missing === undefined ? [] : [`Default: ${missing}.`]),
        `Environment: ${environmentVariable(name)}.`,
      ];
      lines.push(
        '',
        ...wrap(doc),
        ...wrap(facts.join(' ')),
        `${fixed ? '' : '#'}${name}=${fixed ? value : ''}`,
      );
    }
  }
  return lines.join('\n') + '\n';
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ' ' + word;
  }
  return [...lines, line];
}
