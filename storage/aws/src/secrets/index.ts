export * from './account-clients.ts';
export * from './account-role.ts';
export * from './prod-secrets-manager.ts';
export { accountTag, MAX_SECRET_NAME } from './secret-names.ts';
export type { ClosableSecretsService, SecretsService, StsService } from './secrets-service.ts';
