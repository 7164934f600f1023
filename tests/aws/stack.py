"""deploy/aws/template.yaml as the tests look at it: read, translated by SAM, and worked out.

`worked_out` knows the functions that the template uses, with made-up values for what only AWS
knows; an unknown one is an error and not a guess.
"""

import os
import re
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "aws"
TEMPLATE = DEPLOY / "template.yaml"
GUARDED = DEPLOY / "guarded-api.yaml"

CODE = {"CodeBucket": "bucket-of-ours", "CodeKey": "admit/0123abcd.zip"}
DOMAIN = {
    "DomainName": "auth.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b",
    "HostedZoneId": "Z0123456789ABC",
}
EVERYTHING = {
    **CODE,
    **DOMAIN,
    "AllowedOrigins": "https://app.example.com,https://shop.example.com",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:night",
    "ReservedConcurrency": "50",
    "RestoredTable": "admit-restored",
}
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "sign-in",
    "AWS::URLSuffix": "amazonaws.com",
}
NOTHING = object()


def read(path=TEMPLATE):
    return yaml_parse(path.read_text(encoding="utf-8"))


def translated(template=None, **parameters):
    """The template as CloudFormation gets it from SAM; it is asked for nothing of AWS."""
    os.environ.setdefault("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"])  # SAM's own look-up
    return Translator({}, Parser()).translate(template or read(), {**CODE, **parameters})


def of_type(template, kind):
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def worked_out(template, value, made=None, **parameters):
    """What this value of a template is, with these parameters; `made` names what was made."""
    code = CODE if CODE.keys() <= template["Parameters"].keys() else {}
    return _Worker(template, {**code, **parameters}, made or {}).value(value)


class _Worker:
    def __init__(self, template, parameters, made):
        self._template = template
        self._names = made
        declared = template["Parameters"]
        assert parameters.keys() <= declared.keys()
        defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
        self._parameters = {name: str(each) for name, each in (defaults | parameters).items()}

    def value(self, value):
        if isinstance(value, list):
            return [each for each in map(self.value, value) if each is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, arguments),) = value.items()
            if function == "Condition":
                return self.condition(arguments)
            if function == "Ref" or function.startswith("Fn::"):
                return getattr(self, function.removeprefix("Fn::").lower())(arguments)
        several = {name: self.value(each) for name, each in value.items()}
        return {name: each for name, each in several.items() if each is not NOTHING}

    def ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        known = {**PSEUDO, **self._parameters, **self._names}
        return known[name] if name in known else self._made(name)

    def getatt(self, path):
        path = ".".join(path if isinstance(path, list) else [path])
        if path in self._names:
            return self._names[path]
        name, _, attribute = path.partition(".")
        return f"{self._made(name)}-{attribute.lower()}"

    def sub(self, arguments):
        text, more = arguments if isinstance(arguments, list) else (arguments, {})
        more = {name: self.value(each) for name, each in more.items()}

        def one(match):
            name = match[1]
            if name in more:
                return more[name]
            return self.getatt(name) if "." in name else self.ref(name)

        return re.sub(r"\$\{([^}]+)\}", one, text)

    def if_(self, arguments):
        condition, then, otherwise = arguments
        return self.value(then if self.condition(condition) else otherwise)

    def condition(self, name):
        return self.value(self._template["Conditions"][name])

    def equals(self, arguments):
        one, other = self.value(arguments)
        return one == other

    def not_(self, arguments):
        return not self.value(arguments[0])

    def and_(self, arguments):
        return all(self.value(arguments))

    def _made(self, name):
        assert name in self._template["Resources"], f"{name} is no resource"
        if self._template["Resources"][name]["Type"] == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf"
        return f"{name.lower()}-made"


for _name in ("if", "not", "and"):
    setattr(_Worker, _name, getattr(_Worker, f"{_name}_"))
