import type { FastifyInstance } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';

/** `/`: what this is and where to go on, with links into the default catalog. */
export function indexRoutes(app: FastifyInstance, { repositories, defaultCatalog }: CatalogService): void {
  app.get('/', async () => {
    const prefix = encodeURIComponent(defaultCatalog);
    const page = await repositories.namespaces.listChildren(defaultCatalog, [], { limit: 100 });
    const namespaces = page.items.map(
      (levels) => `/v1/${prefix}/namespaces/${encodeURIComponent(levels.join(''))}/tables`,
    );
    return {
      service: 'Floecat Storage',
      protocol: 'Iceberg REST catalog',
      catalog: defaultCatalog,
      links: {
        config: '/v1/config',
        namespaces: `/v1/${prefix}/namespaces`,
        tables: namespaces,
        health: '/health/ready',
      },
    };
  });
}
