"""What counts as the same answer."""
import decimal
import json
import re

decimal.getcontext().prec = 50

# Names and times that each server gives by itself, and where they come from the clock.
OWN = {"TableArn", "IndexArn", "TableId", "LatestStreamArn", "LatestStreamLabel", "CreationDateTime", "CreationRequestDateTime",
       "LastIncreaseDateTime", "LastDecreaseDateTime", "LastUpdateToPayPerRequestDateTime", "LastUpdateDateTime"}
# Left out while they have no value, which DynamoDB Local writes as 0.
TIMES = {"LastIncreaseDateTime", "LastDecreaseDateTime", "LastUpdateToPayPerRequestDateTime"}
SETS = {"SS", "NS", "BS"}
# Lists without an order of their own.
UNORDERED = {"AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "NonKeyAttributes", "ConsumedCapacity"}


def key_of(value):
    return json.dumps(value, sort_keys=True)


def plain(text):
    """A number as the service prints it: DynamoDB Local leaves those in maps and lists as they came."""
    try:
        text = format(decimal.Decimal(text), "f")
    except (decimal.InvalidOperation, ValueError):
        return text
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def normal(value, name=None):
    if isinstance(value, dict):
        if isinstance(value.get("N"), str) and len(value) == 1:
            return {"N": plain(value["N"])}
        if isinstance(value.get("NS"), list) and len(value) == 1:
            return {"NS": sorted(plain(v) if isinstance(v, str) else key_of(v) for v in value["NS"])}
        return {k: "(its own)" if k in OWN else normal(v, k) for k, v in value.items() if k not in TIMES}
    if isinstance(value, list):
        values = [normal(v) for v in value]
        return sorted(values, key=key_of) if name in SETS or name in UNORDERED else values
    if isinstance(value, float) and value == int(value):
        return int(value)
    return value


def normal_message(text):
    # Java prints sets of names, and values of its own classes, in any order.
    text = re.sub(r", typeSet: \w+$", "", text)  # which dynalite has not
    return re.sub(r"\[([^\[\]]*)\]", lambda m: "[" + ", ".join(sorted(m.group(1).split(", "))) + "]", text)


def items_in_any_order(body):
    """Scans and batches: the order of partitions is each server's own."""
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if isinstance(body.get("Items"), list):
        body["Items"] = sorted(body["Items"], key=key_of)
    if isinstance(body.get("Responses"), dict):
        body["Responses"] = {k: sorted(v, key=key_of) if isinstance(v, list) else v for k, v in body["Responses"].items()}
    return body


def difference(operation, ours, theirs):
    """None, or two short texts."""
    if ours.status != theirs.status or ours.type != theirs.type:
        return str(ours), str(theirs)
    if not ours.ok:
        if normal_message(ours.message) != normal_message(theirs.message):
            return str(ours), str(theirs)
        for name in ("CancellationReasons", "Item"):
            a, b = (normal(x.body.get(name)) if isinstance(x.body, dict) else None for x in (ours, theirs))
            if a != b:
                return name + " " + json.dumps(a), name + " " + json.dumps(b)
        return None
    a, b = normal(ours.body), normal(theirs.body)
    if operation in ("Scan", "BatchGetItem", "ExecuteStatement"):
        a, b = items_in_any_order(a), items_in_any_order(b)
    if a == b:
        return None
    a, b = differing(a, b)
    return json.dumps(a, sort_keys=True)[:600], json.dumps(b, sort_keys=True)[:600]


ABSENT = "(absent)"


def differing(a, b):
    """The two without what is equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        names = [k for k in sorted(set(a) | set(b)) if a.get(k, ABSENT) != b.get(k, ABSENT)]
        pairs = {k: differing(a.get(k, ABSENT), b.get(k, ABSENT)) for k in names}
        return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = [differing(x, y) for x, y in zip(a, b) if x != y]
        return [x for x, _ in pairs], [y for _, y in pairs]
    return a, b
