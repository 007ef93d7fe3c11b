import type { FastifyInstance } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import type { Query } from './request-values.ts';
import { queryValue } from './request-values.ts';

/** What of the Iceberg REST protocol is served; clients look here before they call. */
const ENDPOINTS = [
  'GET /v1/{prefix}/namespaces',
  'POST /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'DELETE /v1/{prefix}/namespaces/{namespace}',
  'POST /v1/{prefix}/namespaces/{namespace}/properties',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/tables/rename',
  'POST /v1/{prefix}/namespaces/{namespace}/register',
];

export function configRoutes(app: FastifyInstance, service: CatalogService): void {
  const { ttlMs } = service.repositories.context.idempotency;
  app.get<{ Querystring: Query }>('/v1/config', async (request) => {
    const warehouse = queryValue(request.query, 'warehouse') || service.defaultCatalog;
    const catalog = await service.repositories.catalogs.require(warehouse);
    return {
      defaults: catalog.resource.properties,
      overrides: { prefix: encodeURIComponent(warehouse) },
      'idempotency-key-lifetime': `PT${Math.floor(ttlMs / 1_000)}S`,
      endpoints: ENDPOINTS,
    };
  });
}
