"""Checks access tokens where their issuer is not: with its public keys and its revocation feed.

No store, no secret of the issuer. There are two ways to know what they say: `on_request` has no
thread and looks during a call, where what it knows is older than its bound, as it has to be on
Lambda; `service` has the public `Verifier`, whose threads keep up beside the requests.
"""
