import type { Property, Schema } from './property.ts';
import { BUILD_VARIABLES, environmentVariable } from './property-names.ts';

const INTRODUCTION = `# Configuration

<!-- Generated from service/config; change it there. -->

A setting is a property whose name begins with \`floecat.\`. It can be set in four ways; each wins over the ones above it:

1. its default;
2. a line \`floecat.http.port=9000\` in \`application.properties\`;
3. an environment variable: capitals, with \`_\` for each dot and dash, so \`FLOECAT_HTTP_PORT=9000\`;
4. the command line: \`-D floecat.http.port=9000\` or \`-Dfloecat.http.port=9000\`. Given twice, the last counts.

All settings are checked before anything is opened, and everything that is wrong is reported at once: a value that is
not accepted, a name that does not exist, a combination that cannot work. A misspelt name is an error, also in the
environment. \`floecat config\` prints what is in effect and where each value comes from; secrets print as \`***\`.

## The properties file

It is \`application.properties\` in the working directory, if there is one, or the file that \`-D floecat.config=<file>\`
or \`FLOECAT_CONFIG\` names, which must exist. Its syntax is that of Java properties in UTF-8: \`key=value\` or
\`key: value\`, comments from \`#\` or \`!\` at the start of a line, a backslash at the end of a line to go on in the next,
\`\\uXXXX\` for a character. A backslash is written \`\\\\\`. A line without \`=\` or \`:\`, and one of our keys set twice, are
errors. Keys that do not begin with \`floecat\` are left to whoever shares the file.
[\`service/application.properties\`](../service/application.properties) has every property at its default.

## Other variables

These begin with \`FLOECAT_\` and are no settings: ${BUILD_VARIABLES.map((name) => `\`${name}\``).join(', ')} (used by the
build), and those that Kubernetes makes for a Service called \`floecat\` or \`floecat-…\`, such as \`FLOECAT_SERVICE_HOST\`
and \`FLOECAT_PORT=tcp://…\`.
`;

/** `docs/configuration.md`. */
export function renderDocs(schema: Schema): string {
  const sections = Object.values(schema).map(({ title, properties }) =>
    [`\n## ${title}\n`, ...Object.values(properties).map(renderProperty)].join('\n'),
  );
  return INTRODUCTION + sections.join('');
}

function renderProperty({ name, type, default: value, doc, notInFile }: Property): string {
  const shown =
    typeof value === 'string' ? (value === '' ? 'empty' : `\`${value}\``) : (value?.description ?? 'none');
  const facts = [
    `default: ${shown}`,
    `accepts ${type.accepts}`,
    `environment: \`${environmentVariable(name)}\``,
    ...(type.secret ? ['a secret'] : []),
    ...(notInFile ? ['not in a file'] : []),
  ];
  return `### \`${name}\`\n\n${doc}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}
