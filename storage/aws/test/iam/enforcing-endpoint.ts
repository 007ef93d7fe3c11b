import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import type { PolicyDocument } from '@floecat/storage-aws';

import { installEngine, whoAnswers } from '../../../../tools/localstack/engine.ts';
import { PythonMissingError } from '../../../../tools/localstack/python-environment.ts';
import { startTiedPython } from '../../../../tools/localstack/tied-server.ts';

/** A key of a user that has one policy. */
export interface UserKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface EnforcingEndpoint extends AsyncDisposable {
  readonly endpoint: string;
  /** Makes a user for each policy, that may do what it says and nothing else. */
  users(policies: Readonly<Record<string, PolicyDocument>>): Promise<Readonly<Record<string, UserKey>>>;
}

/** IAM is asked by the client library that the emulator brings along. */
const MAKE_USERS = `import json, sys, botocore.session
given = json.load(sys.stdin)
iam = botocore.session.get_session().create_client('iam', region_name='us-east-1', endpoint_url=given['endpoint'],
    aws_access_key_id='test', aws_secret_access_key='test')
keys = {}
for name, policy in given['policies'].items():
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName='only', PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)['AccessKey']
    keys[name] = {'accessKeyId': made['AccessKeyId'], 'secretAccessKey': made['SecretAccessKey']}
json.dump(keys, sys.stdout)`;

/** An emulator that checks signatures and evaluates IAM policies. Answers why not where this machine has no Python. */
export async function startEnforcingEndpoint(): Promise<EnforcingEndpoint | { readonly skip: string }> {
  let python: string;
  try {
    python = await installEngine();
  } catch (error) {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  }
  const server = await startTiedPython({
    python,
    code: 'from ministack.app import main; main()',
    env: (port) => ({
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      SERVICES: 's3,dynamodb,secretsmanager,sts,iam',
      AUTH: 'true',
      LOG_LEVEL: 'WARNING',
      DOCKER_HOST: 'unix:///nonexistent',
    }),
    answers: async (endpoint) => (await whoAnswers(endpoint))?.startsWith('an AWS emulator') === true,
  });
  const { endpoint } = server;
  return {
    endpoint,
    users: async (policies) => {
      const child = spawn(python, ['-c', MAKE_USERS], { stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(JSON.stringify({ endpoint, policies }));
      return JSON.parse(await text(child.stdout)) as Readonly<Record<string, UserKey>>;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
