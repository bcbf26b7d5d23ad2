"""Differences that stay, each with its reason: mostly what AWS documents and DynamoDB Local does not do.

A rule: (reason, test of (operation, body, ours, theirs)).
"""
import re

RULES = []


def rule(reason):
    def add(test):
        RULES.append((reason, test))
        return test
    return add


def reason(operation, body, ours, theirs):
    for text, test in RULES:
        if test(operation, body, ours, theirs):
            return text
    return None


def shape(message):
    """A message without the parts that vary: one kind of difference is shown once."""
    message = re.sub(r'"[^"]*"|\'[^\']*\'', "..", message)
    message = re.sub(r"\{[^{}]*\}|\[[^\[\]]*\]", "..", message)
    return re.sub(r"\d+", "0", message)[:120]


@rule("DynamoDB Local answers 500 to a document of a wrong type; the service a SerializationException")
def _(operation, body, ours, theirs):
    return theirs.status == 500 and ours.type == "SerializationException"
