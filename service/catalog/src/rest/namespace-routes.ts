import type { FastifyInstance } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import { errorResponse } from './error-response.ts';
import { changeOnce } from './idempotent-request.ts';
import type { Query } from './request-values.ts';
import { namespaceLevels, queryValue, readPages } from './request-values.ts';

interface NamespaceParams {
  readonly prefix: string;
  readonly namespace: string;
}

const createBody = {
  type: 'object',
  required: ['namespace'],
  properties: {
    namespace: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
    properties: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

const propertiesBody = {
  type: 'object',
  properties: {
    removals: { type: 'array', items: { type: 'string' } },
    updates: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

export function namespaceRoutes(app: FastifyInstance, service: CatalogService): void {
  const { namespaces } = service.repositories;

  app.get<{ Params: { prefix: string }; Querystring: Query }>('/v1/:prefix/namespaces', async (request) => {
    const parent = queryValue(request.query, 'parent');
    const levels = parent ? namespaceLevels(parent) : [];
    const { items, nextPageToken } = await readPages(request.query, (page) =>
      namespaces.listChildren(request.params.prefix, levels, page),
    );
    return { namespaces: items, 'next-page-token': nextPageToken };
  });

  app.post<{
    Params: { prefix: string };
    Body: { namespace: string[]; properties?: Record<string, string> };
  }>('/v1/:prefix/namespaces', { schema: { body: createBody } }, async (request) => {
    const { namespace, properties = {} } = request.body;
    await changeOnce(service, request, async ({ also, ...call }) => {
      const options = { properties, ...call, also: also(() => null) };
      await namespaces.create(request.params.prefix, namespace, options);
      return null;
    });
    return { namespace, properties };
  });

  const path = '/v1/:prefix/namespaces/:namespace';

  app.get<{ Params: NamespaceParams }>(path, async ({ params }) => {
    const { resource } = await namespaces.require(params.prefix, namespaceLevels(params.namespace));
    return { namespace: resource.levels, properties: resource.properties };
  });

  app.head<{ Params: NamespaceParams }>(path, async ({ params }, reply) => {
    await namespaces.require(params.prefix, namespaceLevels(params.namespace));
    return reply.code(204).send();
  });

  app.delete<{ Params: NamespaceParams }>(path, async (request, reply) => {
    const { params } = request;
    await changeOnce(service, request, async ({ also, ...call }) => {
      const options = { ...call, also: also(() => null) };
      await namespaces.dropAt(params.prefix, namespaceLevels(params.namespace), options);
      return null;
    });
    return reply.code(204).send();
  });

  app.post<{
    Params: NamespaceParams;
    Body: { removals?: string[]; updates?: Record<string, string> };
  }>(`${path}/properties`, { schema: { body: propertiesBody } }, async (request, reply) => {
    const { params, body } = request;
    const updates = Object.entries(body.updates ?? {});
    const removals = new Set(body.removals);
    const both = updates.find(([key]) => removals.has(key));
    if (both) {
      const message = `property ${JSON.stringify(both[0])} is both updated and removed`;
      const response = errorResponse(422, 'UnprocessableEntityException', message);
      return reply.code(response.status).send(response.body);
    }
    const told = await changeOnce<{ removed: string[]; missing: string[] }>(
      service,
      request,
      async ({ also, ...call }) => {
        let removed: string[] = [];
        let missing: string[] = [];
        await namespaces.update(
          () => namespaces.require(params.prefix, namespaceLevels(params.namespace)),
          (namespace) => {
            const properties = new Map(Object.entries(namespace.properties));
            removed = [];
            missing = [];
            for (const key of removals) (properties.delete(key) ? removed : missing).push(key);
            for (const [key, value] of updates) properties.set(key, value);
            namespace.properties = Object.fromEntries(properties);
          },
          { ...call, also: also(() => ({ removed, missing })) },
        );
        return { removed, missing };
      },
    );
    return { updated: updates.map(([key]) => key), ...told };
  });
}
