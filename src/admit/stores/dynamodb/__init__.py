"""The store in DynamoDB, in one table."""

from admit.stores.dynamodb.counters import DynamoDBCounters
from admit.stores.dynamodb.store import DynamoDBStore

__all__ = ["DynamoDBCounters", "DynamoDBStore"]
