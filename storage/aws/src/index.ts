export * from './answer-dates.ts';
export * from './aws-clients.ts';
export * from './aws-defaults.ts';
export * from './aws-settings.ts';
export * from './dynamo/index.ts';
export * from './wire/index.ts';
export * from './s3/index.ts';
export * from './secrets/index.ts';
