import type { FastifyInstance } from 'fastify';

import type { MetricsPage } from '../service-telemetry.ts';

/** `/metrics`, for Prometheus. Fetched too often to log each time. */
export function metricsRoutes(app: FastifyInstance, page: MetricsPage): void {
  app.get('/metrics', { logLevel: 'warn' }, async (_request, reply) =>
    reply.type(page.contentType).send(await page.render()),
  );
}
