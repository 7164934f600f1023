"""AWS on a desk: runs Admit's Lambda functions here, for `make run-lambda` and the tests."""
