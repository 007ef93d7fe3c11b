export * from './catalog-service.ts';
export * from './demo-lake/index.ts';
export * from './describe-blob.ts';
export * from './harvest/index.ts';
export * from './open-catalog-service.ts';
export type { RegisterRequest, RegisterResult } from './register.ts';
export { buildCatalogServer } from './rest/catalog-server.ts';
export * from './run-catalog.ts';
export * from './snapshot-view.ts';
