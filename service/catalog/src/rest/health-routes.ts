import type { FastifyInstance } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import { describeError } from './error-response.ts';

/** `/health/live`: the process answers. `/health/ready`: and its stores do. */
export function healthRoutes(app: FastifyInstance, service: CatalogService): void {
  app.get('/health/live', async () => ({ status: 'UP' }));

  app.get('/health/ready', async (_request, reply) => {
    try {
      await service.assertReady();
      return { status: 'UP' };
    } catch (error) {
      const message = describeError(error)?.body.error.message ?? 'the stores do not answer';
      return reply.code(503).send({ status: 'DOWN', reason: message });
    }
  });
}
