export * from './memory-blob-store.ts';
export * from './memory-pointer-store.ts';
export * from './memory-secrets-manager.ts';
export * from './open-memory-storage.ts';
