# The catalog served from the sources, and again when they change, with upstream tables and its own storage on
# LocalStack or on AWS: run-<upstream>-<catalog>. REAL_AWS_BUCKET, REAL_AWS_TABLE and REAL_AWS_REGION name what is on AWS,
# where the SDK finds the credentials; LOCALSTACK_* is as for localstack-up.
RUN := exec $(N) node --conditions=floecat-source tools/run/main.ts
export REAL_AWS_BUCKET REAL_AWS_TABLE REAL_AWS_REGION

.PHONY: run-localstack-localstack
run-localstack-localstack: proto/gen/.generated ## Serve from the sources, all on LocalStack
	@$(RUN) $@

.PHONY: run-localstack-aws
run-localstack-aws: proto/gen/.generated ## The same, with the catalog on AWS (REAL_AWS_BUCKET, _TABLE, _REGION)
	@$(RUN) $@

.PHONY: run-aws-localstack
run-aws-localstack: proto/gen/.generated ## The same, with upstream tables on AWS (REAL_AWS_BUCKET, _REGION)
	@$(RUN) $@

.PHONY: run-aws-aws
run-aws-aws: proto/gen/.generated ## The same, all on AWS (REAL_AWS_BUCKET, _TABLE, _REGION)
	@$(RUN) $@
