import { createHash } from 'node:crypto';

import type { LoadedTable } from '@floecat/repository';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { FastifyInstance, FastifyReply } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import { onlyReferencedSnapshots } from '../referenced-snapshots.ts';
import { changeOnce } from './idempotent-request.ts';
import type { Query } from './request-values.ts';
import { namespaceLevels, queryValue, readPages } from './request-values.ts';

interface TableParams {
  readonly prefix: string;
  readonly namespace: string;
  readonly table: string;
}

const registerBody = {
  type: 'object',
  required: ['name', 'metadata-location'],
  properties: {
    name: { type: 'string', minLength: 1 },
    'metadata-location': { type: 'string', minLength: 1 },
    overwrite: { type: 'boolean' },
  },
};

const identifier = {
  type: 'object',
  required: ['namespace', 'name'],
  properties: {
    namespace: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
    name: { type: 'string', minLength: 1 },
  },
};

const renameBody = {
  type: 'object',
  required: ['source', 'destination'],
  properties: { source: identifier, destination: identifier },
};

interface TableIdentifier {
  readonly namespace: string[];
  readonly name: string;
}

export function tableRoutes(app: FastifyInstance, service: CatalogService): void {
  const { tables, namespaces } = service.repositories;
  const namespacePath = '/v1/:prefix/namespaces/:namespace';
  const tablePath = `${namespacePath}/tables/:table`;

  app.get<{ Params: Omit<TableParams, 'table'>; Querystring: Query }>(
    `${namespacePath}/tables`,
    async ({ params, query }) => {
      const namespace = namespaceLevels(params.namespace);
      const { items, nextPageToken } = await readPages(query, (page) =>
        tables.listNames(params.prefix, namespace, page),
      );
      return { identifiers: items.map((name) => ({ namespace, name })), 'next-page-token': nextPageToken };
    },
  );

  app.get<{ Params: TableParams; Querystring: Query }>(
    tablePath,
    async ({ params, query, headers }, reply) => {
      const snapshots = queryValue(query, 'snapshots') ?? 'all';
      if (snapshots !== 'all' && snapshots !== 'refs')
        throw new InvalidArgumentError(`snapshots=${snapshots}: it is "all" or "refs"`);
      const table = await tables.require(params.prefix, namespaceLevels(params.namespace), params.table);
      const etag = etagOf(table, snapshots);
      if (hasTag(headers['if-none-match'], etag)) return reply.code(304).header('etag', etag).send();
      const text = await tables.metadata(table);
      return sendTable(reply, table, snapshots === 'refs' ? onlyReferencedSnapshots(text) : text, etag);
    },
  );

  app.head<{ Params: TableParams }>(tablePath, async ({ params }, reply) => {
    await tables.require(params.prefix, namespaceLevels(params.namespace), params.table);
    return reply.code(204).send();
  });

  app.delete<{ Params: TableParams; Querystring: Query }>(tablePath, async (request, reply) => {
    const { params, query } = request;
    const purge = queryValue(query, 'purgeRequested') ?? 'false';
    if (purge.toLowerCase() !== 'false')
      throw new InvalidArgumentError(
        `purgeRequested=${purge}: the files of the table belong to the lake that they lie in; drop it without purging`,
      );
    const find = (): Promise<LoadedTable> =>
      tables.require(params.prefix, namespaceLevels(params.namespace), params.table);
    await changeOnce(service, request, async ({ also, ...call }) => {
      await tables.drop(find, { ...call, also: also(() => null) });
      return null;
    });
    return reply.code(204).send();
  });

  app.post<{
    Params: { prefix: string };
    Body: { source: TableIdentifier; destination: TableIdentifier };
  }>('/v1/:prefix/tables/rename', { schema: { body: renameBody } }, async (request, reply) => {
    const { params, body } = request;
    const { source, destination } = body;
    const find = (): Promise<LoadedTable> => tables.require(params.prefix, source.namespace, source.name);
    await changeOnce(service, request, async ({ also, ...call }) => {
      // The table first: where both are missing, that is what the client asked for.
      await find();
      const namespace = await namespaces.require(params.prefix, destination.namespace, call);
      await tables.rename(find, namespace, destination.name, { ...call, also: also(() => null) });
      return null;
    });
    return reply.code(204).send();
  });

  app.post<{
    Params: Omit<TableParams, 'table'>;
    Body: { name: string; 'metadata-location': string; overwrite?: boolean };
  }>(`${namespacePath}/register`, { schema: { body: registerBody } }, async (request, reply) => {
    const { params, body } = request;
    if (body.overwrite === true)
      throw new InvalidArgumentError('overwrite is not supported: register under another name');
    const id = await changeOnce<string>(service, request, async ({ also, ...call }) => {
      const { table } = await service.register({
        catalog: params.prefix,
        namespace: namespaceLevels(params.namespace),
        name: body.name,
        location: body['metadata-location'],
        ...call,
        also: (staged) => also(() => staged.owner.id),
      });
      return table.owner.id;
    });
    const table = await service.registered(id, body.name);
    return sendTable(reply, table, await tables.metadata(table), etagOf(table, 'all'));
  });
}

/** The metadata goes out byte for byte as it was read, so no number can change on the way. */
function sendTable(
  reply: FastifyReply,
  table: LoadedTable,
  metadata: Uint8Array,
  etag: string,
): FastifyReply {
  const head = `{"metadata-location":${JSON.stringify(table.resource.metadataLocation)},"metadata":`;
  const body = Buffer.concat([Buffer.from(head), metadata, Buffer.from(',"config":{}}')]);
  return reply.header('etag', etag).type('application/json; charset=utf-8').send(body);
}

/** Whether a client's `If-None-Match` names the tag; one that a proxy weakened counts too. */
function hasTag(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.some((tag) => tag === etag || tag === '*');
}

function etagOf(table: LoadedTable, snapshots: 'all' | 'refs'): string {
  const tag = createHash('sha256').update(table.meta.etag).update(snapshots).digest('base64url');
  return `"${tag}"`;
}
