# The AWS emulator. LOCALSTACK_ENDPOINT, LOCALSTACK_ACCESS_KEY, LOCALSTACK_SECRET_KEY, LOCALSTACK_BUCKET,
# LOCALSTACK_TABLE and LOCALSTACK_REGION override the defaults (http://localhost:4566, test, test, floecat-dev,
# floecat_pointers, us-east-1). Given on make's command line they reach the recipes through the environment.
LOCALSTACK := $(N) node tools/localstack/localstack.ts
export LOCALSTACK_ENDPOINT LOCALSTACK_ACCESS_KEY LOCALSTACK_SECRET_KEY LOCALSTACK_BUCKET LOCALSTACK_TABLE LOCALSTACK_REGION

.PHONY: localstack-up
localstack-up: node_modules/.installed ## Start an AWS emulator on port 4566, with bucket and table
	@$(LOCALSTACK) up

.PHONY: localstack-down
localstack-down: node_modules/.installed ## Stop the emulator that localstack-up started
	@$(LOCALSTACK) down

.PHONY: localstack-restart
localstack-restart: node_modules/.installed ## Start the emulator anew, and empty
	@$(LOCALSTACK) restart

.PHONY: localstack-status
localstack-status: node_modules/.installed ## Say what answers on the emulator's port
	@$(LOCALSTACK) status

.PHONY: test-localstack
test-localstack: build ## Run the catalog's suites with its storage on the emulator
	@$(N) node --conditions=floecat-source tools/localstack/test-localstack.ts
