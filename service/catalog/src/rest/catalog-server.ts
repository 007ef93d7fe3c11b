import type { FastifyError, FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify';
import { fastify } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import type { MetricsPage } from '../service-telemetry.ts';
import { adminRoutes } from './admin-routes.ts';
import { configRoutes } from './config-routes.ts';
import { describeError, errorResponse } from './error-response.ts';
import { healthRoutes } from './health-routes.ts';
import { RecordedError } from './idempotent-request.ts';
import { indexRoutes } from './index-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { namespaceRoutes } from './namespace-routes.ts';
import { tableRoutes } from './table-routes.ts';

/** Longest path segment, percent-encoding undone; a pointer key is at most 1,024 bytes. */
const MAX_PARAM_LENGTH = 4_096;
const RETRY_AFTER_SECONDS = '5';

/** The HTTP face of a {@link CatalogService}: the Iceberg REST protocol, our admin reads, health, and metrics if given. */
export function buildCatalogServer(
  service: CatalogService,
  options: Pick<FastifyServerOptions, 'logger' | 'loggerInstance'> = {},
  metrics?: MetricsPage,
): FastifyInstance {
  const app = fastify({
    ...options,
    exposeHeadRoutes: false,
    // What does not even reach a route: an undecodable or overlong path.
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) => {
      const response = errorResponse(400, 'BadRequestException', error.message);
      void reply.code(response.status).type('application/json').send(response.body);
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });

  // Some clients name a content type with every request, also where there is no content, which Fastify refuses.
  app.addHook('onRequest', async ({ method, headers }) => {
    const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    if (method === 'DELETE' && empty) delete headers['content-type'];
  });

  app.setErrorHandler<FastifyError | RecordedError>((error, request, reply) => {
    const response =
      error instanceof RecordedError ? error.response : (describeError(error) ?? ownError(error));
    if (response.status >= 500) request.log.error(error);
    if (response.status === 503) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    return reply.code(response.status).send(response.body);
  });

  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0]}`;
    const response =
      request.method === 'GET' || request.method === 'HEAD'
        ? errorResponse(404, 'NotFoundException', `no such endpoint: ${what}; GET / lists what there is`)
        : errorResponse(406, 'UnsupportedOperationException', `the server does not support ${what}`);
    return reply.code(response.status).send(response.body);
  });

  indexRoutes(app, service);
  healthRoutes(app, service);
  configRoutes(app, service);
  namespaceRoutes(app, service);
  tableRoutes(app, service);
  adminRoutes(app, service);
  if (metrics) metricsRoutes(app, metrics);
  return app;
}

/** Errors of Fastify itself: a body that does not parse or validate. Anything else is a defect, told without detail. */
function ownError(error: FastifyError): ReturnType<typeof errorResponse> {
  const status = error.statusCode ?? 500;
  if (status < 500) return errorResponse(status, 'BadRequestException', error.message);
  return errorResponse(500, 'InternalServerError', 'internal error: see the log of the service');
}
