export { KeyNotDeletedError } from './object-deleter.ts';
export * from './s3-blob-store.ts';
export type { S3Service } from './s3-service.ts';
export * from './s3-settings.ts';
export type { StoreMarker, StoreMarkerObject } from './store-marker.ts';
