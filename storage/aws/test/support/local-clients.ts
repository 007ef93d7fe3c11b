import type { AwsSettings } from '@floecat/storage-aws';

/** Settings for a server on this machine. DynamoDB Local wants a key of letters and digits, and checks nothing. */
export function localSettings(endpoint: string): AwsSettings {
  return {
    region: 'us-east-1',
    endpoints: { dynamodb: endpoint },
    accessKeyId: 'local',
    secretAccessKey: 'local',
  };
}
