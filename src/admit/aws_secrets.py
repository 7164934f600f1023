"""The secret, where AWS Secrets Manager or the Parameter Store of Systems Manager keeps it.

It is read once, when a process starts, and never at import: what SnapStart keeps of a process's
memory is made before that.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import exceptions as boto
from botocore.config import Config

from admit import readers
from admit.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from admit.readers import SecretPlace

logger = logging.getLogger("admit.secret")

SECONDS = 6.0
"""How long reading it may take in all, with looking up the host's name and credentials."""
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
TRIES = 2
NAMES = {"secretsmanager": "Secrets Manager", "ssm": "the Parameter Store"}
NEEDS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}
NOT_THERE = {"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"}
FORBIDDEN = {
    "AccessDenied",
    "AccessDeniedException",
    "DecryptionFailure",
    "ExpiredTokenException",
    "InvalidKeyId",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "UnrecognizedClientException",
}
INSIDE = "secret"
"""The name under which it lies in a JSON object, as the console of Secrets Manager makes one."""


async def fetch(source: str) -> tuple[str, ...]:
    """The secrets that are kept there, the newest first.

    Arguments:
        source: `secretsmanager:NAME-OR-ARN` or `ssm:/path`, perhaps with `?region=eu-west-1`.

    Raises:
        SettingsError: there is none, it may not be read, or it can't be one; it never repeats it.
        Unavailable: no answer for now, or none in 6 seconds.
    """
    place = readers.secret_place(source)
    try:
        async with asyncio.timeout(SECONDS):
            text = await asyncio.to_thread(_read, place)
    except TimeoutError as error:
        raise Unavailable(_out(place)) from error
    return _secrets(place, text)


def _read(place: SecretPlace) -> str:
    """The text that is kept there; blocks."""
    region = place.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        client = botocore.session.Session().create_client(
            place.service,
            region_name=region,
            endpoint_url=place.endpoint,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                ignore_configured_endpoint_urls=True,  # only the source itself says where
            ),
        )
        try:
            return _asked(client, place)
        finally:
            client.close()
    except boto.NoRegionError:
        raise _wrong(place, "and no region: add ?region=eu-west-1, or set AWS_REGION") from None
    except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
        raise _wrong(place, "and there are no credentials of AWS to read it with") from error
    except boto.ParamValidationError as error:
        raise _wrong(place, "which can be no name there: correct it") from error
    except boto.ClientError as error:
        raise _told(place, error) from error
    except boto.BotoCoreError as error:
        raise Unavailable(_out(place)) from error


def _asked(client: Any, place: SecretPlace) -> str:  # noqa: ANN401  a class that botocore makes up
    if place.service == "ssm":
        found = client.get_parameter(Name=place.name, WithDecryption=True)["Parameter"]
        if found["Type"] != "SecureString":
            text = "The parameter %s is kept in the clear: make it a SecureString."
            logger.warning(text, place.name)
        return str(found["Value"])
    found = client.get_secret_value(SecretId=place.name)
    if "SecretString" not in found:
        raise _wrong(place, "which holds bytes: store the secret as text")
    return str(found["SecretString"])


def _secrets(place: SecretPlace, text: str) -> tuple[str, ...]:
    try:
        return readers.secrets(_inside(text))
    except ValueError as error:
        raise _wrong(place, f"which must hold {error}") from None


def _inside(text: str) -> str:
    """The secret itself, also where a JSON object holds it."""
    if not text.lstrip().startswith("{"):
        return text
    wanted = f'text under "{INSIDE}", where it is a JSON object'
    try:
        held = json.loads(text)
    except ValueError:
        raise ValueError(wanted) from None
    found = held.get(INSIDE)
    if not isinstance(found, str):
        raise ValueError(wanted)  # noqa: TRY004  its text completes a sentence
    return found


def _told(place: SecretPlace, error: boto.ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in NOT_THERE:
        return _wrong(place, "which is not there: make it, or correct its name and region")
    if code in FORBIDDEN:
        needs = NEEDS[place.service]
        return _wrong(
            place,
            f"which this process may not read ({code}): allow {needs} on it, and kms:Decrypt where"
            " it has a key of its own",
        )
    if code in {"InvalidRequestException", "ValidationException"}:
        return _wrong(place, f"which is not given out ({code}): see to it there")
    return Unavailable(_out(place))


def _wrong(place: SecretPlace, what: str) -> SettingsError:
    named = f"ADMIT_SECRET_SOURCE (secret_source) names {place.name!r} in {NAMES[place.service]}"
    return SettingsError("secret_source", f"{named}, {what}.")


def _out(place: SecretPlace) -> str:
    return f"The secret cannot be read from {NAMES[place.service]} now."
