import type { AwsPlace, StoreDescription } from './policies.ts';

/** Table, bucket and policies of a store as Terraform, for the provider hashicorp/aws. */
export function storageTerraform(_store: StoreDescription, _place: AwsPlace): string {
  throw new Error('to come');
}
