"""The store in DynamoDB, in one table."""
