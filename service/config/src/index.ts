export { retryBudget } from './aws-backend.ts';
export type {
  AwsAccess,
  AwsKey,
  BlobsInS3,
  PointersInDynamo,
  S3Access,
  SecretsInAws,
  UpstreamS3Settings,
} from './aws-settings.ts';
export { describeStep, openBootstrap, policiesOf, terraformOf } from './bootstrap.ts';
export type { Definition, SplitArguments } from './arguments.ts';
export { splitArguments } from './arguments.ts';
export type { ConfigProblem } from './errors.ts';
export { ConfigError, describeProblem } from './errors.ts';
export type { ExplainedProperty, Explanation } from './explain-settings.ts';
export { explainSettings, formatExplanation } from './explain-settings.ts';
export type { GcProperties } from './gc-schema.ts';
export type { LogLevel, Settings } from './load-settings.ts';
export { loadSettings } from './load-settings.ts';
export type { LocationMapping } from './location-map.ts';
export type { ObjectSource } from './object-source.ts';
export type { ObjectFolder } from './object-folder.ts';
export type { OpenObjectFolderOptions } from './open-object-folder.ts';
export { folderBesideStore, openObjectFolder } from './open-object-folder.ts';
export type { OpenStorageOptions } from './open-storage.ts';
export { openStorage } from './open-storage.ts';
export type { OpenUpstreamOptions } from './open-upstream.ts';
export { openUpstream } from './open-upstream.ts';
export type { Origin } from './origin.ts';
export { describeOrigin } from './origin.ts';
export type { DerivedDefault, Property, Schema, Section } from './property.ts';
export { propertiesOf } from './property.ts';
export { environmentVariable } from './property-names.ts';
export { renderDocs } from './render-docs.ts';
export { renderProperties } from './render-properties.ts';
export { SCHEMA } from './schema.ts';
export { Secret } from './secret.ts';
export type { SettingsInput } from './settings-input.ts';
export { processInput } from './settings-input.ts';
export type { BlobSettings, KvSettings, SecretsSettings, StorageSettings } from './storage-settings.ts';
export type { TelemetryOptions } from './telemetry.ts';
export { collectorTelemetry, telemetryObserver } from './telemetry.ts';
export type { CollectorObserver, CollectorRun } from './telemetry-collectors.ts';
export { COLLECTOR_METRICS, COLLECTOR_TAGS, METRICS, SPAN_TAGS, TAGS } from './telemetry-names.ts';
export type { Parsed, ValueType } from './value-type.ts';
