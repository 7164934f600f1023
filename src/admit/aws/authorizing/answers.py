"""What an authorizer answers: simply, or as a policy.

API Gateway keeps an answer for other requests with the same token, whatever their route, for as
long as the authorizer's cache says. So a policy speaks of the whole stage and never of one method:
else the first route's answer would refuse the second one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from admit.errors import Refusal
    from admit.model import Principal

Context = dict[str, str | int]
NOBODY = "nobody"
"""A policy has to name somebody, also where it denies."""


def of_principal(principal: Principal) -> Context:
    """What the API behind gets to know, in the types that every form can carry."""
    return {
        "user_id": principal.user_id,
        "session_id": principal.session_id,
        "roles": " ".join(principal.roles),
        "auth_time": int(principal.auth_time),
    }


def of_refusal(refusal: Refusal) -> Context:
    """What a gateway response or an access log can say: `$context.authorizer.reason`."""
    return {
        "code": refusal.code,
        "reason": refusal.reason or "",
        "detail": refusal.detail or refusal.title(),
    }


def simple(context: Context, *, allowed: bool) -> dict[str, Any]:
    """The answer to payload 2.0 where the API has simple responses enabled."""
    return {"isAuthorized": allowed, "context": context}


def policy(stage: str, who: str, context: Context, *, allowed: bool) -> dict[str, Any]:
    """The answer everywhere else.

    Arguments:
        stage: the ARN of the API's stage.
        who: the user's id.
        context: for the API behind, or for its gateway responses.
        allowed: whether the request may pass.
    """
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": f"{stage}/*",
    }
    return {
        "principalId": who,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
