import { ResourceNotFoundError } from '@floecat/repository';
import type { FastifyInstance } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import { stringifyJson } from '../harvest/index.ts';
import { scanFileView, snapshotView } from '../snapshot-view.ts';
import type { Query } from './request-values.ts';
import { namespaceLevels, pageRequest, snapshotIdOf } from './request-values.ts';

interface TableParams {
  readonly prefix: string;
  readonly namespace: string;
  readonly table: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Reads of our own: what was harvested from a table. Always paged; integers are written digit for digit. */
export function adminRoutes(app: FastifyInstance, { repositories }: CatalogService): void {
  const { tables, snapshots } = repositories;
  const path = '/floecat/v1/:prefix/namespaces/:namespace/tables/:table/snapshots';

  app.get<{ Params: TableParams; Querystring: Query }>(path, async ({ params, query }, reply) => {
    const table = await tables.require(params.prefix, namespaceLevels(params.namespace), params.table);
    const page = await snapshots.list(table, pageRequest(query).request);
    const body = {
      snapshots: page.items.map(({ resource }) => snapshotView(resource)),
      ...(page.damaged && {
        damaged: page.damaged.map(({ key, cause }) => ({ key, message: cause.message })),
      }),
      'next-page-token': page.nextPageToken ?? null,
    };
    return reply.type(JSON_TYPE).send(stringifyJson(body));
  });

  app.get<{ Params: TableParams & { snapshot: string }; Querystring: Query }>(
    `${path}/:snapshot/scan-bundle`,
    async ({ params, query }, reply) => {
      const table = await tables.require(params.prefix, namespaceLevels(params.namespace), params.table);
      const bundle = await snapshots.bundle(table, snapshotIdOf(params.snapshot));
      if (!bundle)
        throw new ResourceNotFoundError('snapshot', params.snapshot, `not of table ${params.table}`);
      const page = await snapshots.files(bundle, pageRequest(query).request);
      const { snapshotId, dataFileCount, deleteFileCount, problems } = bundle.resource;
      const body = {
        'snapshot-id': snapshotId,
        'data-file-count': dataFileCount,
        'delete-file-count': deleteFileCount,
        problems: problems.map(({ location, code, message }) => ({ location, code, message })),
        files: page.items.map(scanFileView),
        'next-page-token': page.nextPageToken ?? null,
      };
      return reply.type(JSON_TYPE).send(stringifyJson(body));
    },
  );
}
